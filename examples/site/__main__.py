"""Starts the application: ``python -m examples.site --port 8080``."""

import argparse
import sys

from aiotoolkit.app import get_settings
from aiotoolkit.process import setup_process
from examples.serving import add_address, serve
from examples.site.app import create_app
from examples.site.settings import Settings
from examples.site.storage import StorageError


def main() -> None:
    arguments = _parse_arguments()
    try:
        app = create_app()
        # What belongs to the process, not to one application: so it is not done by create_app.
        setup_process(get_settings(app, Settings))
    except (ImportError, ValueError) as error:
        sys.exit(f"error: {error}")
    try:
        serve(app, arguments.host, arguments.port)
    except StorageError as error:
        sys.exit(f"error: {error}")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m examples.site",
        description="A site of three components: pages, a blog, accounts.",
        epilog="Its settings are environment variables: ENVIRONMENT, SECRET_KEY, DATABASE, UPLOADS, MAX_UPLOAD_MB, "
        "SESSION_AGE, DEBUG, LOG_LEVEL, SENTRY_DSN and TIME_ZONE.",
    )
    add_address(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
