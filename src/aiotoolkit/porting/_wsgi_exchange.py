"""One request to a WSGI application (PEP 3333), which answers from a thread of its own."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, TypeAlias
from wsgiref.util import is_hop_by_hop

from aiohttp import hdrs, web
from multidict import CIMultiDict

from aiotoolkit._headers import check_headers

__all__ = ["Exchange", "WSGIApplication", "respond"]

ExceptionInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]

WSGIApplication: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
"""As PEP 3333 has it: ``application(environ, start_response)``."""


_logger: Final = logging.getLogger("aiotoolkit.porting.fallback")

# What a thread may be ahead of its client, in bytes.
_BUFFER_SIZE: Final = 256 * 1024

_BODYLESS: Final = frozenset({204, 205, 304})


async def respond(request: web.Request, exchange: "Exchange") -> web.StreamResponse:
    """The application's answer: a whole one, or a stream whose end has been sent.

    Raises:
        RuntimeError: the application has failed.
    """
    data, is_complete = await exchange.next()
    head = exchange.head
    if request.method == hdrs.METH_HEAD or head.status in _BODYLESS:
        return head.stream_response()
    if is_complete:
        head.check_size(len(data))
        return head.whole_response(data)
    response = head.stream_response()
    await response.prepare(request)
    size = 0
    while True:
        await response.write(data)
        size += len(data)
        if is_complete:
            break
        data, is_complete = await exchange.next()
    head.check_size(size)
    await response.write_eof()
    return response


class ClientGoneError(Exception):
    """Raised in the application's thread: nobody reads its answer any more."""


class Head:
    """The status line and the headers of an answer.

    Raises:
        TypeError, ValueError: they are none.
    """

    def __init__(self, status: str, headers: Iterable[tuple[str, str]]) -> None:
        code, _, reason = status.partition(" ")
        self.status = int(code)
        if len(code) != 3 or self.status < 200:
            raise ValueError(f"{code!r} is not the status of an answer")
        self.reason = reason.strip() or None
        self.headers: CIMultiDict[str] = CIMultiDict()
        for name, value in headers:
            if not is_hop_by_hop(name):  # the connection is the server's
                self.headers.add(name, value.encode("latin-1").decode("utf-8", "replace"))
        check_headers(self.headers)
        length = self.headers.get(hdrs.CONTENT_LENGTH)
        if length is not None and not (length.isascii() and length.isdigit()):
            raise ValueError(f"{length!r} is not the length of an answer")
        self.length = None if length is None else int(length)

    def check_size(self, size: int) -> None:
        """Refuse to end a body that its client would wait for the rest of."""
        if self.length is not None and size < self.length:
            raise RuntimeError(f"The WSGI application has answered {size} bytes of {self.length}")

    def stream_response(self) -> web.StreamResponse:
        """A response without a body yet."""
        return web.StreamResponse(status=self.status, reason=self.reason, headers=self.headers)

    def whole_response(self, body: bytes) -> web.Response:
        """A response with the whole body."""
        return web.Response(status=self.status, reason=self.reason, headers=self.headers, body=body)


class Exchange:
    """Carries an answer from the application's thread to the event loop, no faster than its client reads."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._changed = asyncio.Event()
        self._room = threading.Condition()
        self._blocks: list[bytes] = []
        self._size = 0
        self._left: int | None = None
        self._is_started = False
        self._is_complete = False
        self._is_closed = False
        self._is_announced = False
        self._error: BaseException | None = None
        self._head: Head | None = None

    # In the application's thread

    def run(self, application: WSGIApplication, environ: dict[str, Any]) -> None:
        """Call the application, and pass on what it answers; its errors too."""
        try:
            if not self._is_closed:
                self._answer(application, environ)
        except ClientGoneError:
            pass
        except BaseException as error:  # SystemExit too: it must not end the thread unseen
            self._fail(error)
        finally:
            self._complete()

    def _answer(self, application: WSGIApplication, environ: dict[str, Any]) -> None:
        body = application(environ, self._start_response)
        try:
            if isinstance(body, list | tuple) and len(body) == 1 and self._left is None:
                self._left = len(body[0])  # all of it, though the headers do not say so
            for block in body:
                self._write(block)
            if self._head is None:
                raise RuntimeError("The WSGI application has not called start_response")
            self._complete()
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()

    def _start_response(
        self, status: str, headers: Iterable[tuple[str, str]], exc_info: ExceptionInfo | None = None
    ) -> Callable[[bytes], None]:
        if exc_info is None and self._head is not None:
            raise RuntimeError("The WSGI application has called start_response twice")
        if exc_info is not None and self._is_started:
            raise exc_info[1].with_traceback(exc_info[2])
        self._head = Head(status, headers)
        self._left = self._head.length
        return self._write

    def _write(self, block: bytes) -> None:
        if self._head is None:
            raise RuntimeError("The WSGI application has answered before start_response")
        if not isinstance(block, bytes):
            raise TypeError(f"A WSGI application answers with bytes, not {type(block).__name__}")
        if self._left is not None:
            block = block[: self._left]
            self._left -= len(block)
        if not block:
            return
        with self._room:
            self._room.wait_for(lambda: self._is_closed or self._size < _BUFFER_SIZE)
            if self._is_closed:
                raise ClientGoneError
            self._is_started = True
            self._blocks.append(block)
            self._size += len(block)
            # The client has all of it, whatever the application does afterwards.
            self._is_complete = self._is_complete or self._left == 0
            self._announce()

    def _fail(self, error: BaseException) -> None:
        with self._room:
            if not (self._is_complete or self._is_closed):
                self._error = error
                return
        _logger.error("The WSGI application failed after its answer", exc_info=error)

    def _complete(self) -> None:
        with self._room:
            if not self._is_complete:
                self._is_complete = True
                self._announce()

    def _announce(self) -> None:
        if not self._is_announced:
            self._is_announced = True
            with suppress(RuntimeError):  # the event loop is closed: nobody waits
                self._loop.call_soon_threadsafe(self._changed.set)

    # In the event loop

    async def next(self) -> tuple[bytes, bool]:
        """Wait for the next bytes; the flag says that there are no more.

        Raises:
            RuntimeError: the application has failed. The cause is its error.
        """
        await self._changed.wait()
        with self._room:
            self._changed.clear()
            self._is_announced = False
            if self._error is not None:
                raise RuntimeError("The WSGI application has failed") from self._error
            data = b"".join(self._blocks)
            self._blocks.clear()
            self._size = 0
            self._room.notify()
            return data, self._is_complete

    @property
    def head(self) -> Head:
        """The status and the headers; there are some once `next` has returned."""
        if self._head is None:
            raise RuntimeError("The WSGI application has not started its answer")
        return self._head

    def close(self) -> None:
        """Tell the application's thread that nobody reads on."""
        with self._room:
            self._is_closed = True
            self._room.notify()
