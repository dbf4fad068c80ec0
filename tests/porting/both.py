"""A Flask application on Werkzeug's own server, and an aiohttp one: the same raw request to both."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from tests.raw import Address, served

__all__ = ["Answer", "Both", "both", "flask_served", "send"]


@contextmanager
def flask_served(flask_app: Any) -> Iterator[Address]:
    """Serve a Flask application with a thread for each request, as its development server does."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, type: str, message: str, *args: Any) -> None:
            """Nothing."""

    server = make_server("127.0.0.1", 0, flask_app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(
        target=server.serve_forever, args=(0.01,), daemon=True
    )  # seconds until it notices its end
    thread.start()
    try:
        yield Address("127.0.0.1", server.server_port)
    finally:
        server.shutdown()
        thread.join(30)
        server.server_close()


@dataclass(frozen=True)
class Answer:
    """What one server answered: the body with its chunks undone."""

    status: int
    headers: CIMultiDict[str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def location(self) -> str:
        """The path and query of a redirect; Flask's carry scheme and host."""
        location = self.headers.get("Location", "")
        return "/" + location.split("/", 3)[3] if location.startswith("http://") else location

    @property
    def allow(self) -> set[str]:
        return {method.strip() for method in self.headers.get("Allow", "").split(",")} - {""}


async def send(
    server: Address,
    method: str = "GET",
    path: str = "/",
    *,
    headers: list[tuple[str, str]] | None = None,
    body: bytes = b"",
) -> Answer:
    """Send one request on a connection of its own. Nothing of the path is normalised."""
    lines = [f"{method} {path} HTTP/1.1", "Host: host.example", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers or ()]
    if body or method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(body)}")
    return await _exchange(server, method, "\r\n".join([*lines, "", ""]).encode() + body)


async def _exchange(server: Address, method: str, data: bytes) -> Answer:
    # Not until the connection ends: Werkzeug's server waits for the rest of a request that it has refused.
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        writer.write(data)
        async with asyncio.timeout(30):
            return await _read(reader, method)
    except (ConnectionResetError, asyncio.IncompleteReadError):
        return Answer(0, CIMultiDict(), b"")
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader, method: str) -> Answer:
    head = await reader.readuntil(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    status, headers = int(status_line.split()[1]), CIMultiDict[str]()
    for line in lines:
        name, _, value = line.partition(":")
        headers.add(name, value.strip())
    if method == "HEAD" or status in (204, 304):
        return Answer(status, headers, await reader.read())  # a body would be a mistake
    if headers.get("Transfer-Encoding") == "chunked":
        return Answer(status, headers, unchunked(await reader.read()))
    if "Content-Length" in headers:
        return Answer(status, headers, await reader.readexactly(int(headers["Content-Length"])))
    return Answer(status, headers, await reader.read())


def unchunked(data: bytes) -> bytes:
    """Undo the chunks; an end that is missing is an error."""
    body = b""
    while True:
        size, _, rest = data.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            return body
        body += rest[:length]
        data = rest[length + 2 :]


@dataclass(frozen=True)
class Both:
    """The two servers."""

    flask: Address
    aiohttp: Address

    async def send(self, method: str = "GET", path: str = "/", **options: Any) -> tuple[Answer, Answer]:
        """Send the same request to Flask and to aiohttp."""
        return await send(self.flask, method, path, **options), await send(self.aiohttp, method, path, **options)


@asynccontextmanager
async def both(flask_app: Any, app: web.Application) -> AsyncIterator[Both]:
    """Serve both applications."""
    with flask_served(flask_app) as flask_address:
        async with served(app) as address:
            yield Both(flask_address, address)
