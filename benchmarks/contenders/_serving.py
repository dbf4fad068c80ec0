"""How a contender is started: ``python -m benchmarks.contenders.NAME PORT [--uvloop]``, without access logs."""

import argparse
from typing import Any

__all__ = ["options", "serve_aiohttp", "serve_asgi"]


def options() -> argparse.Namespace:
    """The command line of every contender."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--uvloop", action="store_true")
    return parser.parse_args()


def serve_aiohttp(app: Any) -> None:
    """Serve an aiohttp application until it is stopped."""
    from aiohttp import web  # noqa: PLC0415 - the other contenders do not have it

    chosen = options()
    loop = None
    if chosen.uvloop:
        import uvloop  # noqa: PLC0415 - an optional package

        loop = uvloop.new_event_loop()
    web.run_app(app, host="127.0.0.1", port=chosen.port, access_log=None, print=None, loop=loop)


def serve_asgi(app: Any) -> None:
    """Serve an ASGI application with uvicorn until it is stopped."""
    import uvicorn  # noqa: PLC0415 - the other contenders do not have it

    chosen = options()
    uvicorn.run(app, host="127.0.0.1", port=chosen.port, access_log=False, log_level="warning")
