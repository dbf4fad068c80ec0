"""Serve an application on a free port: ``python -m tests.openapi_check.serve package.app:create_app``.

It prints its URL, and ends on SIGTERM.
"""

import asyncio
import contextlib
import logging
import signal
import sys

from aiohttp import web

from aiotoolkit._loading import load_application
from aiotoolkit.logger import BadRequestFilter


async def serve(app: web.Application) -> None:
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    # No access log: thousands of requests are sent.
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        print(f"http://{host}:{port}", flush=True)
        await stop.wait()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    # What is no HTTP, of which some is sent, is no error of the application.
    logging.getLogger("aiohttp.server").addFilter(BadRequestFilter())
    asyncio.run(serve(load_application(sys.argv[1])))
