"""Starts the application: ``python -m examples.projects --port 8080``."""

import argparse
import sys
from collections.abc import Callable

from yarl import URL

from aiotoolkit.app import get_settings
from aiotoolkit.process import setup_process
from examples.projects.app import create_app
from examples.projects.settings import Settings
from examples.projects.storage import StorageError
from examples.serving import add_address, serve


def main() -> None:
    arguments = _parse_arguments()
    try:
        app = create_app()
        # What belongs to the process, not to one application: so it is not done by create_app.
        setup_process(get_settings(app, Settings))
    except (ImportError, ValueError) as error:
        sys.exit(f"error: {error}")
    try:
        url = URL.build(scheme="http", host=arguments.host, port=arguments.port, path="/api")
        serve(app, arguments.host, arguments.port, announce=_announce(url))
    except StorageError as error:
        sys.exit(f"error: {error}")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m examples.projects",
        description="A REST API for projects.",
        epilog="The environment variables DATABASE_URL, DEBUG, LOG_LEVEL, SENTRY_DSN and TIME_ZONE are its settings.",
    )
    add_address(parser)
    return parser.parse_args()


def _announce(url: URL) -> Callable[[str], None]:
    def announce(running: str) -> None:
        print(running)
        print(f"Read: {url.with_path('/docs')}")
        print(f"Try: curl {url}/")
        print(f"""     curl --json '{{"name": "Toolkit", "slug": "toolkit"}}' {url}/projects""")

    return announce


if __name__ == "__main__":
    main()
