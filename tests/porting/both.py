"""A Flask application on Werkzeug's own server, and an aiohttp one: the same raw request to both."""

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from tests.raw import Address, exchange, served

__all__ = ["Answer", "Both", "both", "flask_served", "send"]


@contextmanager
def flask_served(flask_app: Any) -> Iterator[Address]:
    """Serve a Flask application with a thread for each request, as its development server does."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, type: str, message: str, *args: Any) -> None:
            """Nothing."""

    server = make_server("127.0.0.1", 0, flask_app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
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
    received = await exchange(server, "\r\n".join([*lines, "", ""]).encode() + body)
    head, _, content = received.partition(b"\r\n\r\n")
    status_line, *header_lines = head.decode("latin-1").split("\r\n")
    parsed = CIMultiDict[str]()
    for line in header_lines:
        name, _, value = line.partition(":")
        parsed.add(name, value.strip())
    if parsed.get("Transfer-Encoding") == "chunked":
        content = unchunked(content)
    return Answer(int(status_line.split()[1]) if status_line else 0, parsed, content)


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
