"""Starts the port, at any of its stages: ``python -m examples.flask_port --stage half --port 8080``."""

import argparse
import errno
import sys

from aiohttp import web

from aiotoolkit.logger import ACCESS_LOG_FORMAT
from aiotoolkit.process import setup_process
from aiotoolkit.settings import from_env
from examples.flask_port.after.app import create_app
from examples.flask_port.after.settings import STAGES, read_settings


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
    try:
        _serve(app, arguments.host, arguments.port)
    except OSError as error:
        reason = "the port is in use" if error.errno == errno.EADDRINUSE else error.strerror or error
        sys.exit(f"error: cannot listen on {arguments.host}:{arguments.port}: {reason} (--port chooses another port)")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m examples.flask_port",
        description="Logbook on aiohttp, at a stage of its port from Flask.",
        epilog="Its settings are environment variables: LOGBOOK_SECRET_KEY, LOGBOOK_DATABASE, LOGBOOK_UPLOADS, "
        "LOGBOOK_STAGE and the others in examples/flask_port/after/settings.py.",
    )
    parser.add_argument("--stage", choices=STAGES, help="how far the port has come (default: LOGBOOK_STAGE, or all)")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=port, default=from_env("PORT", "8080"), help="the port to listen on (default: PORT, or 8080)"
    )
    return parser.parse_args()


def port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, not {text!r}")
    return int(text)


def _serve(app: web.Application, host: str, port: int) -> None:
    def announce(running: str) -> None:
        print(running, flush=True)

    web.run_app(app, host=host, port=port, access_log_format=ACCESS_LOG_FORMAT, print=announce, shutdown_timeout=5.0)


if __name__ == "__main__":
    main()
