"""aiohttp's own connection handler, fed with bytes on the real event loop: all of a request but the socket calls."""

import asyncio
from collections import deque
from typing import Any, Final, Self

from aiohttp import web

__all__ = ["Connection"]

# What asyncio's selector loop asks of a socket at once.
_CHUNK: Final = 256 * 1024


class _Transport(asyncio.Transport):
    """Hands a request over in turns of the event loop, as a socket would, and takes the answer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self._protocol: Any = None
        self._unread: deque[bytes] = deque()
        self._paused = False
        self._chunks: list[bytes] = []
        self._remaining = 0
        self._length = 0
        self._received = 0
        self._done: asyncio.Future[None] | None = None

    def connect(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol
        protocol.connection_made(self)

    def start(self, chunks: list[bytes], count: int, length: int) -> "asyncio.Future[None]":
        """Send a request ``count`` times, each when the ``length`` bytes of the last answer are there."""
        self._chunks, self._remaining, self._length = chunks, count, length
        self._done = self._loop.create_future()
        self._loop.call_soon(self._next_request)
        return self._done

    def _next_request(self) -> None:
        self._received = 0
        self._remaining -= 1
        if len(self._chunks) == 1:
            self._protocol.data_received(self._chunks[0])
            return
        self._unread.extend(self._chunks)
        self._feed()

    def _feed(self) -> None:
        if self._unread and not self._paused:
            self._protocol.data_received(self._unread.popleft())
            if self._unread and not self._paused:
                self._loop.call_soon(self._feed)

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        if self._unread:
            self._loop.call_soon(self._feed)

    def is_reading(self) -> bool:
        return not self._paused

    def write(self, data: Any) -> None:
        self._received += len(data)
        if self._received >= self._length:
            self._answered(data)

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def _answered(self, data: Any) -> None:
        if self._remaining:
            self._loop.call_soon(self._next_request)
        elif self._done is not None and not self._done.done():
            self._done.set_result(None)

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(ConnectionError("The server closed the connection"))

    abort = close

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else default


class _Recorder(_Transport):
    """Keeps one answer, whose length is not known yet."""

    answer = b""

    def write(self, data: Any) -> None:
        self.answer += bytes(data)
        head, _, body = self.answer.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if len(body) == int(length or 0):
            self._answered(data)


class Connection:
    """A connection to an application, kept open, without a socket."""

    def __init__(self, app: web.Application) -> None:
        self._runner = web.AppRunner(app, access_log=None)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        self._transport = self._connected(_Transport)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._runner.cleanup()

    def _connected(self, kind: type[_Transport]) -> Any:
        server = self._runner.server
        if server is None:
            raise RuntimeError("The runner has no server")
        transport = kind(asyncio.get_running_loop())
        transport.connect(server())
        return transport

    async def answer(self, request: bytes) -> bytes:
        """The whole answer to one request, on a connection of its own."""
        recorder = self._connected(_Recorder)
        await recorder.start(_chunks(request), 1, 0)
        answer: bytes = recorder.answer
        return answer

    async def repeat(self, request: bytes, count: int, length: int) -> None:
        """Send the request ``count`` times, one after the other; each answer has ``length`` bytes.

        Raises:
            ConnectionError: the server closed the connection.
        """
        await self._transport.start(_chunks(request), count, length)


def _chunks(request: bytes) -> list[bytes]:
    return [request[start : start + _CHUNK] for start in range(0, len(request), _CHUNK)]
