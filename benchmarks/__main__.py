"""What the toolkit adds to a request: CPU time against plain aiohttp, in the same process and the same minute.

Read the numbers with these biases in mind. The client runs in the measured process, so both columns hold its cost and
only their difference means something. One connection, one core, loopback, no access log, no database: a real
application spends more elsewhere. Plain aiohttp validates nothing and shapes no error, so it is not doing the same
work. "plain again" is plain aiohttp measured a second time: a difference as small as its difference says nothing.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from aiotoolkit.middlewares import setup_errors
from aiotoolkit.schemas import Schema

PROJECT = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 32},
        "slug": {"type": "string", "minLength": 1, "maxLength": 32},
        "description": {"type": "string", "maxLength": 255},
    },
    "required": ["name", "slug"],
    "additionalProperties": False,
}
PROJECTS = {"type": "array", "items": PROJECT}
ONE = {"name": "Toolkit", "slug": "toolkit", "description": "Independent modules for aiohttp.web"}
HUNDRED = [ONE] * 100


def plain_app() -> web.Application:
    """Echo JSON as an aiohttp user writes it by hand."""

    async def echo(request: web.Request) -> web.Response:
        return web.json_response(await request.json())

    app = web.Application()
    app.router.add_post("/one", echo)
    app.router.add_post("/hundred", echo)
    return app


def toolkit_app() -> web.Application:
    """Echo JSON with the request and the response validated, behind the error middleware."""

    @Schema(request=PROJECT, response=PROJECT).handler
    async def one(request: web.Request, *, body: object) -> object:
        return body

    @Schema(request=PROJECTS, response=PROJECTS).handler
    async def hundred(request: web.Request, *, body: object) -> object:
        return body

    app = web.Application()
    setup_errors(app)
    app.router.add_post("/one", one)
    app.router.add_post("/hundred", hundred)
    return app


@asynccontextmanager
async def connection(app: web.Application) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Serve the application on a free port and connect to it."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        reader, writer = await asyncio.open_connection(host, port)
        yield reader, writer
        writer.close()
        await writer.wait_closed()
    finally:
        await runner.cleanup()


def post(path: str, data: object) -> bytes:
    """Return the bytes of a request, made once: the client should cost as little as it can."""
    body = json.dumps(data).encode()
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join((*lines, "", "")).encode() + body


async def cpu_per_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, count: int
) -> float:
    """Send the request ``count`` times over one connection; returns microseconds of CPU time for each."""
    start = time.process_time()
    for _ in range(count):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(f"unexpected answer: {head.decode()}")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
    return (time.process_time() - start) / count * 1e6


async def measure(request: bytes, count: int, rounds: int) -> Mapping[str, float]:
    """Return the median of each column, in microseconds; the columns take turns, so drift meets all of them."""
    async with connection(plain_app()) as plain, connection(toolkit_app()) as toolkit:
        columns = {"plain": plain, "plain again": plain, "toolkit": toolkit}
        results: dict[str, list[float]] = {name: [] for name in columns}
        for _ in range(rounds + 1):
            for name, streams in columns.items():
                results[name].append(await cpu_per_request(*streams, request, count))
    return {name: statistics.median(values[1:]) for name, values in results.items()}  # the first round warms up


def main() -> None:
    """Print one line for each size of body."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What the toolkit adds to a request.")
    parser.add_argument("--requests", type=int, default=100, help="requests in each turn")
    parser.add_argument("--rounds", type=int, default=51, help="turns of each column; the median counts")
    options = parser.parse_args()
    print(__doc__)
    print(f"{'us of CPU per POST':<20}{'plain':>10}{'plain again':>14}{'toolkit':>10}{'difference':>13}")
    for label, request in (("one object", post("/one", ONE)), ("100 objects", post("/hundred", HUNDRED))):
        result = asyncio.run(measure(request, options.requests, options.rounds))
        plain, again, toolkit = result["plain"], result["plain again"], result["toolkit"]
        print(f"{label:<20}{plain:>10.1f}{again:>14.1f}{toolkit:>10.1f}{toolkit - plain:>+13.1f}")


if __name__ == "__main__":
    main()
