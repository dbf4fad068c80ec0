"""Starts the application: ``python -m examples.projects --port 8080``."""

import argparse
import errno
import sys

from aiohttp import web
from yarl import URL

from aiotoolkit.app import get_settings
from aiotoolkit.logger import ACCESS_LOG_FORMAT
from aiotoolkit.process import setup_process
from aiotoolkit.settings import from_env
from examples.projects.app import create_app
from examples.projects.settings import Settings
from examples.projects.storage import StorageError


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
        prog="python -m examples.projects",
        description="A REST API for projects.",
        epilog="The environment variables DATABASE_URL, DEBUG, LOG_LEVEL, SENTRY_DSN and TIME_ZONE are its settings.",
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
    url = URL.build(scheme="http", host=host, port=port, path="/api")

    def announce(running: str) -> None:
        print(running)
        print(f"Read: {url.with_path('/docs')}")
        print(f"Try: curl {url}/")
        print(f"""     curl --json '{{"name": "Toolkit", "slug": "toolkit"}}' {url}/projects""", flush=True)

    web.run_app(app, host=host, port=port, access_log_format=ACCESS_LOG_FORMAT, print=announce, shutdown_timeout=5.0)


if __name__ == "__main__":
    main()
