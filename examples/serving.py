"""What starting the examples has in common: an address on the command line, and a server on it."""

import argparse
import errno
import sys
from collections.abc import Callable

from aiohttp import web

from aiotoolkit.logger import ACCESS_LOG_FORMAT
from aiotoolkit.settings import from_env

__all__ = ["add_address", "serve"]


def add_address(parser: argparse.ArgumentParser) -> None:
    """Add ``--host`` and ``--port``; without the latter, the environment variable PORT counts."""
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=_port, default=from_env("PORT", "8080"), help="the port to listen on (default: PORT, or 8080)"
    )


def serve(app: web.Application, host: str, port: int, *, announce: Callable[[str], None] = print) -> None:
    """Serve until a signal ends the process; an address that cannot be had ends it with an error."""

    def print_now(running: str) -> None:
        announce(running)
        sys.stdout.flush()

    try:
        web.run_app(
            app, host=host, port=port, access_log_format=ACCESS_LOG_FORMAT, print=print_now, shutdown_timeout=5.0
        )
    except OSError as error:
        reason = "the port is in use" if error.errno == errno.EADDRINUSE else error.strerror or error
        sys.exit(f"error: cannot listen on {host}:{port}: {reason} (--port chooses another port)")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, not {text!r}")
    return int(text)
