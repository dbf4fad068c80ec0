"""What the client of parity takes for the whole answer."""

import asyncio

import pytest

from aiotoolkit.porting._parity_client import Origin, fetch


@pytest.mark.parametrize(
    ("method", "answer", "body"),
    [
        ("GET", b"HTTP/1.1 413 No\r\nA: b\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
        ("GET", b"HTTP/1.1 204 No Content\r\nA: b\r\n\r\n", b""),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", b""),
    ],
)
async def test_a_server_that_waits_for_the_client(method: str, answer: bytes, body: bytes) -> None:
    """An answer whose length says that it is there is not waited for any longer: the server waits as well."""
    closed = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer[:20])
        await writer.drain()
        writer.write(answer[20:])
        await writer.drain()
        await reader.read()  # until the client closes
        writer.close()
        closed.set()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await fetch(Origin("http", "127.0.0.1", port), method, "/", (), b"", timeout=600)
        await asyncio.wait_for(closed.wait(), 30)
    assert (found.error, found.body) == (None, body)
