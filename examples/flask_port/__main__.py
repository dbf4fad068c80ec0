"""Starts the port, at any of its stages: ``python -m examples.flask_port --stage half --port 8080``."""

import argparse
import sys

from aiotoolkit.process import setup_process
from examples.flask_port.after.app import create_app
from examples.flask_port.after.settings import STAGES, read_settings
from examples.serving import add_address, serve


def main() -> None:
    arguments = _parse_arguments()
    try:
        settings = read_settings()
        stage = arguments.stage or settings.stage
        if not settings.database.is_file():
            sys.exit(f"error: there is no database {settings.database}: python -m examples.flask_port.after init-db")
        app = create_app(settings, stage=stage)
        # What belongs to the process, not to one application: so it is not done by create_app.
        setup_process(settings)
    except (ImportError, ValueError) as error:
        sys.exit(f"error: {error}")
    serve(app, arguments.host, arguments.port)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m examples.flask_port",
        description="Logbook on aiohttp, at a stage of its port from Flask.",
        epilog="Its settings are environment variables: LOGBOOK_SECRET_KEY, LOGBOOK_DATABASE, LOGBOOK_UPLOADS, "
        "LOGBOOK_STAGE and the others in examples/flask_port/after/settings.py.",
    )
    parser.add_argument("--stage", choices=STAGES, help="how far the port has come (default: LOGBOOK_STAGE, or all)")
    add_address(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
