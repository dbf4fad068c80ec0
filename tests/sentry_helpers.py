"""Programs that log to a local Sentry.

Clients are global to a process and patch it, so each program has a process of its own.
"""

import subprocess
import textwrap

import pytest

from tests.ingest import Ingest, run_script

RAVEN = pytest.param("raven", marks=pytest.mark.extra("raven"))
SDK = pytest.param("sentry_sdk", marks=pytest.mark.extra("sentry_sdk"))
both_clients = pytest.mark.parametrize("client", [RAVEN, SDK])

#: What each program starts with. ``setup()`` makes a logging dict for loggers, adds Sentry and applies it.
SETUP = """
import asyncio, logging, logging.config, os, sys
from aiotoolkit.logger import *
client, dsn = sys.argv[1:3]
def setup(*loggers, named=(), change=lambda made: None, **options):
    made = default_logging_dict(*loggers)
    change(made)
    update_sentry_logging(made, dsn, *named, client=client, **options)
    logging.config.dictConfig(made)
"""

#: A server with both middlewares, and ``ask()``, which sends one request and returns the status of its answer.
WEB = """
import contextlib
from aiohttp import web
from aiotoolkit.middlewares import setup_errors, setup_request_id

def make_app(**views):
    app = web.Application()
    setup_errors(app)
    setup_request_id(app)
    for name, view in views.items():
        app.router.add_route("*", "/" + name, view)
    return app

@contextlib.asynccontextmanager
async def serve(app, **options):
    runner = web.AppRunner(app, **options)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()

async def ask(port, target, *headers, method="GET", body=""):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    length = f"Content-Length: {len(body)}"
    head = "\\r\\n".join([f"{method} {target} HTTP/1.1", "Host: shop", "Connection: close", length, *headers, "", body])
    writer.write(head.encode("latin-1"))
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(answer.split()[1]) if answer else 0
"""


def start(
    source: str, client: str, dsn: str, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program after SETUP, and WEB where it serves; return how it ended."""
    web = WEB if "make_app" in source else ""
    return run_script(SETUP + web + textwrap.dedent(source), client, dsn, environ=environ)


def run(source: str, client: str, ingest: Ingest, environ: dict[str, str] | None = None) -> str:
    """Run a program that must end well and log no trouble of the client; return what it printed."""
    done = start(source, client, ingest.dsn(), environ)
    assert done.returncode == 0, done.stderr
    for failure in ("--- Logging error ---", "Top level Sentry exception", "did not reach Sentry"):
        assert failure not in done.stderr, done.stderr
    return done.stdout
