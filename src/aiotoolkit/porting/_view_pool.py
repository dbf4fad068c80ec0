"""The threads that blocking views run in."""

import asyncio
import contextvars
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, TypeVar

from aiohttp import web

__all__ = ["ViewContext", "ViewPool", "pool_of", "run_async", "setup_sync_views"]

T = TypeVar("T")

# Seconds for the views that still run while the application stops.
_PATIENCE: Final = 30.0

_logger: Final = logging.getLogger("aiotoolkit.porting.views")
_loop: Final[contextvars.ContextVar[asyncio.AbstractEventLoop]] = contextvars.ContextVar("aiotoolkit.view_loop")
_END: Final = object()


def setup_sync_views(app: web.Application, *, threads: int = 8) -> None:
    """Give an application the threads that its `sync_view` views run in.

    They start with the application, or rather with the first requests, and are waited for when it stops: views that
    wait for a thread then are cancelled, and those that run get 30 seconds.

    Args:
        app: the application; its sub-applications use the same threads unless they have their own.
        threads: how many views can run at a time. The others wait for their turn.

    Raises:
        ValueError: ``threads`` is less than 1.
        RuntimeError: the application has threads already.
    """
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ValueError(f"threads= is a number of threads, 1 or more, not {threads!r}")
    if _POOL in app:
        raise RuntimeError("The application has threads already: setup_sync_views is called once")
    app[_POOL] = pool = ViewPool(threads)
    app.cleanup_ctx.append(pool.context)


def run_async(awaitable: Awaitable[T]) -> T:
    """Wait for something async inside a blocking view.

    Example::

        form = run_async(request.post())

    Raises:
        RuntimeError: the caller is not in a `sync_view`'s thread.
    """
    loop = _loop.get(None)
    if loop is None or _in_event_loop():
        if asyncio.iscoroutine(awaitable):
            awaitable.close()
        raise RuntimeError("run_async is for the body of a sync_view: elsewhere, write await")

    async def wait() -> T:
        return await awaitable

    return asyncio.run_coroutine_threadsafe(wait(), loop).result()


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class ViewPool:
    """A bounded pool of threads, started and stopped with its application."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._executor: ThreadPoolExecutor | None = None
        self._running: set[Future[Any]] = set()

    async def context(self, app: web.Application) -> AsyncIterator[None]:
        """Open the pool, and close it."""
        self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="sync-view")
        yield
        executor, self._executor = self._executor, None
        executor.shutdown(wait=False, cancel_futures=True)
        await self._wait()

    async def _wait(self) -> None:
        running = [asyncio.wrap_future(future) for future in list(self._running) if not future.done()]
        if not running:
            return
        done, left = await asyncio.wait(running, timeout=_PATIENCE)
        for future in done:
            if not future.cancelled():
                future.exception()  # it was for a request that has ended
        if left:
            _logger.warning("%d blocking views did not end within %d s", len(left), _PATIENCE)

    async def run(self, context: "ViewContext", function: Callable[[], T]) -> T:
        """Call a function in a thread. A cancelled request leaves it to run to its end."""
        if self._executor is None:
            raise RuntimeError("The application does not run: its threads for blocking views are stopped")
        future = self._executor.submit(context.call, function)
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return await asyncio.wrap_future(future)

    async def iterate(self, context: "ViewContext", source: Iterator[Any]) -> AsyncIterator[Any]:
        """Take what an iterator gives, one by one, in a thread."""
        try:
            while (item := await self.run(context, lambda: next(source, _END))) is not _END:
                yield item
        finally:
            close = getattr(source, "close", None)
            if close is not None and self._executor is not None:
                await self.run(context, close)


class ViewContext:
    """What a view and the generator that it returned run in: the request's context variables, one call at a time."""

    def __init__(self) -> None:
        self._context = contextvars.copy_context()
        self._context.run(_loop.set, asyncio.get_running_loop())
        # A cancelled request closes its generator while a thread may still be in it.
        self._lock = threading.Lock()

    def call(self, function: Callable[[], T]) -> T:
        """Call a function in this thread."""
        with self._lock:
            return self._context.run(_keep_stop, function)


def _keep_stop(call: Callable[[], T]) -> T:
    try:
        return call()
    except StopIteration as error:
        raise RuntimeError("The view raised StopIteration") from error  # no future can carry it


def pool_of(request: web.Request) -> ViewPool:
    """The pool of the request's application, or of one around it."""
    pool: ViewPool | None = request.config_dict.get(_POOL)
    if pool is None:
        raise RuntimeError("There are no threads for sync_view: call setup_sync_views(app) where the app is made")
    return pool


_POOL: Final = web.AppKey("aiotoolkit.porting.views", ViewPool)
