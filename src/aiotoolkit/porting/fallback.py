"""Routes that are not ported yet are answered by the old WSGI application, in threads.

``setup_fallback(app, flask_app)`` is the first step of a port: everything still is Flask's. Each route that the aiohttp
application gets is taken from it. ``unported_routes(app, flask_app)`` lists what is left.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from aiotoolkit._request_id import mark_set_up
from aiotoolkit.porting._unported import UnportedRoute, unported_routes
from aiotoolkit.porting._wsgi_exchange import Exchange, WSGIApplication, respond
from aiotoolkit.porting._wsgi_request import RequestBody, make_environ

__all__ = ["UnportedRoute", "WSGIApplication", "setup_fallback", "unported_routes"]

_logger: Final = logging.getLogger("aiotoolkit.porting.fallback")

_SET_UP: Final = web.AppKey("aiotoolkit.porting.fallback", bool)

# Seconds that the clean-up waits for views that are still running.
_SHUTDOWN: Final = 10.0


def setup_fallback(
    app: web.Application,
    wsgi_app: WSGIApplication,
    *,
    max_body_size: int = 16 * 1024 * 1024,
    max_threads: int = 16,
    max_waiting: int = 64,
    on_fallback: Callable[[web.Request], object] | None = None,
) -> None:
    """Let the old application answer each request that no route of this one is for.

    That is a path that no route has, and a method that its path's routes do not have. A 404 or 405 that a view of
    this application raises stays its own. The middlewares that the application has by now run for those requests too,
    with the router's error in ``request.match_info.http_exception``; those that are added later do not.

    A body is read as a whole before a thread takes it, from 256 KiB on in a temporary file. An answer is passed on
    while it is made.

    Args:
        app: before it starts.
        wsgi_app: a Flask application, or any other of WSGI.
        max_body_size: bytes; a larger body is answered with 413, and the old application does not see it.
        max_threads: requests that the old application answers at once.
        max_waiting: requests that wait for a thread; one more is answered with 503 and ``Retry-After``.
        on_fallback: called with each request that goes to the old application, in the event loop.

    Raises:
        RuntimeError: the application has a fallback already, has started, or was added to another one.
        TypeError, ValueError: one of the arguments is not what is called for.
    """
    if not callable(wsgi_app):
        raise TypeError(f"setup_fallback takes a WSGI application, not {type(wsgi_app).__name__}")
    for name, value, least in (
        ("max_body_size", max_body_size, 0),
        ("max_threads", max_threads, 1),
        ("max_waiting", max_waiting, 0),
    ):
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name}= must be a whole number, not {value!r}")
        if value < least:
            raise ValueError(f"{name}= must be {least} or more, not {value}")
    mark_set_up(app, _SET_UP, "setup_fallback")
    fallback = _Fallback(wsgi_app, max_body_size, max_threads, max_waiting)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        error = request.match_info.http_exception
        if error is None or error.status not in {404, 405}:
            return await handler(request)
        if on_fallback is not None:
            on_fallback(request)
        return await fallback.answer(request)

    app.middlewares.append(middleware)
    app.cleanup_ctx.append(fallback.context)


class _Fallback:
    """The old application, its threads, and the requests that they have."""

    def __init__(self, application: WSGIApplication, max_body_size: int, max_threads: int, max_waiting: int) -> None:
        self._application = application
        self._max_body_size = max_body_size
        self._max_threads = max_threads
        self._max_requests = max_threads + max_waiting
        self._executor: ThreadPoolExecutor | None = None
        self._running: dict[Future[None], Exchange] = {}

    async def context(self, _app: web.Application) -> AsyncIterator[None]:
        """Hold the threads while the application runs."""
        executor = self._executor = ThreadPoolExecutor(self._max_threads, thread_name_prefix="fallback")
        yield
        self._executor = None
        executor.shutdown(wait=False, cancel_futures=True)
        for exchange in self._running.values():
            exchange.close()
        if self._running:
            await asyncio.wait([asyncio.wrap_future(future) for future in self._running], timeout=_SHUTDOWN)
        if self._running:
            _logger.warning("%d requests of the old application are still running", len(self._running))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Let the old application answer a request."""
        self._check_room()  # before the body is read in vain
        body = RequestBody(self._max_body_size)
        try:
            await body.read(request)
            self._check_room()
            exchange = self._start(request, body)
        except BaseException:
            body.close()
            raise
        try:
            return await respond(request, exchange)
        finally:
            exchange.close()

    def _check_room(self) -> None:
        if len(self._running) >= self._max_requests:
            headers = {hdrs.RETRY_AFTER: "1"}
            raise web.HTTPServiceUnavailable(text="The server is busy; try again in a moment.", headers=headers)

    def _start(self, request: web.Request, body: RequestBody) -> Exchange:
        if self._executor is None:
            raise RuntimeError("The application is shutting down")
        loop = asyncio.get_running_loop()
        exchange = Exchange(loop)
        environ = make_environ(request, body.file, body.size)
        future = self._executor.submit(copy_context().run, exchange.run, self._application, environ)
        self._running[future] = exchange

        def finish(done: Future[None]) -> None:
            body.close()
            with suppress(RuntimeError):  # the event loop is closed, and nobody counts any more
                loop.call_soon_threadsafe(self._running.pop, done, None)

        future.add_done_callback(finish)
        return exchange
