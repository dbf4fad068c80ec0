"""Requests over a plain socket: bytes that no HTTP client would send, and answers as they are on the wire."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.test_utils import BaseTestServer
from multidict import CIMultiDict

__all__ = ["Address", "RawResponse", "exchange", "raw_request", "read_response", "served"]

TIMEOUT = 10.0


@dataclass(frozen=True)
class Address:
    """Where a server listens."""

    host: str
    port: int


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[Address]:
    """Serve an application as in production: a test server cancels the handlers of clients that leave."""
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        yield Address(host, port)
    finally:
        await runner.cleanup()


@dataclass(frozen=True)
class RawResponse:
    """One answer.

    Attributes:
        status: 0 where the connection ended without an answer.
        headers: as they came.
        body: as it came; chunks are not undone.
    """

    status: int
    headers: CIMultiDict[str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def raw_request(
    method: str = "POST",
    path: str = "/",
    body: bytes = b"",
    *,
    headers: list[tuple[str, str | bytes]] | None = None,
    content_type: str | None = "application/json",
    close: bool = True,
) -> bytes:
    """The bytes of a request with a Content-Length, for one answer and then the end of the connection."""
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: test", b"Content-Length: %d" % len(body)]
    if close:
        lines.append(b"Connection: close")
    if content_type is not None:
        lines.append(b"Content-Type: " + content_type.encode("latin-1"))
    for name, value in headers or ():
        lines.append(name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def exchange(server: BaseTestServer | Address, data: bytes) -> bytes:
    """Send bytes on a new connection, and return all that comes back until the server closes it."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        writer.write(data)
        return await asyncio.wait_for(reader.read(), TIMEOUT)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def read_response(server: BaseTestServer | Address, data: bytes) -> RawResponse:
    """Send bytes on a new connection, and read the only answer, up to the end of the connection."""
    received = await exchange(server, data)
    head, _, body = received.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = CIMultiDict[str]()
    for line in lines:
        name, _, value = line.partition(": ")
        headers.add(name, value)
    return RawResponse(int(status_line.split()[1]) if status_line else 0, headers, body)
