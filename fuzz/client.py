"""A client that sends any bytes, and reads one answer to them."""

import asyncio
import time
from typing import Final, NamedTuple

from multidict import CIMultiDict

__all__ = ["Answer", "Connection", "NoAnswerError"]

_HANG: Final = 30.0
_PATIENCE: Final = 0.05
_HEAD_LIMIT: Final = 1 << 20


class NoAnswerError(Exception):
    """The server closed the connection, or kept silent."""


class Answer(NamedTuple):
    """What came back.

    Attributes:
        seconds: from the first byte sent to the last one received.
    """

    status: int
    headers: CIMultiDict[str]
    body: bytes
    seconds: float


class Connection:
    """A connection that is opened when it is needed, and kept as long as its bytes are in step."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, data: bytes, *, framed: bool) -> Answer:
        """Send one request and read its answer.

        Args:
            data: the request.
            framed: whether an answer has to come. If not, the client soon goes away, as clients do.

        Raises:
            NoAnswerError: no answer came; for a request that is framed, that is a fault of the server.
        """
        if not framed:
            await self.close()
        reused = self._streams is not None
        try:
            return await self._send(data, framed=framed)
        except NoAnswerError:
            await self.close()
            if not reused:
                raise
            # The server may close a kept connection at any time: only a new one tells.
            return await self._send(data, framed=framed)

    async def _send(self, data: bytes, *, framed: bool) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=_HEAD_LIMIT)
        reader, writer = self._streams
        start = time.monotonic()
        head_only = data.startswith(b"HEAD ")
        keep = False
        try:
            async with asyncio.timeout(_HANG if framed else _PATIENCE):
                writer.write(data)
                status, headers, body = await _read(reader, head_only=head_only)
            keep = framed and headers.get("Connection", "").lower() != "close"
            return Answer(status, headers, body, time.monotonic() - start)
        except TimeoutError:
            raise NoAnswerError(f"no answer in {_HANG if framed else _PATIENCE:g} s") from None
        except (OSError, EOFError) as error:
            raise NoAnswerError(f"{type(error).__name__}: {error}") from None
        finally:
            if not keep:
                await self.close()

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


async def _read(reader: asyncio.StreamReader, *, head_only: bool) -> tuple[int, CIMultiDict[str], bytes]:
    status, headers = await _read_head(reader)
    while 100 <= status < 200:
        status, headers = await _read_head(reader)
    if head_only or status in (204, 304):
        return status, headers, b""
    if "chunked" in headers.get("Transfer-Encoding", ""):
        return status, headers, await _read_chunks(reader)
    if "Content-Length" in headers:
        return status, headers, await reader.readexactly(int(headers["Content-Length"]))
    return status, headers, await reader.read()


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, CIMultiDict[str]]:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return int(first.split(" ")[1]), CIMultiDict((name, value.strip()) for name, _, value in pairs)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return body
