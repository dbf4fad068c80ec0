"""Starts the application: ``python -m examples.site --port 8080``."""

import argparse
import errno
import sys

from aiohttp import web

from aiotoolkit.app import get_settings
from aiotoolkit.logger import ACCESS_LOG_FORMAT
from aiotoolkit.process import setup_process
from aiotoolkit.settings import from_env
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
        _serve(app, arguments.host, arguments.port)
    except StorageError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        reason = "the port is in use" if error.errno == errno.EADDRINUSE else error.strerror or error
        sys.exit(f"error: cannot listen on {arguments.host}:{arguments.port}: {reason} (--port chooses another port)")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m examples.site",
        description="A site of three components: pages, a blog, accounts.",
        epilog="Its settings are environment variables: ENVIRONMENT, SECRET_KEY, DATABASE, UPLOADS, MAX_UPLOAD_MB, "
        "SESSION_AGE, DEBUG, LOG_LEVEL, SENTRY_DSN and TIME_ZONE.",
    )
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
