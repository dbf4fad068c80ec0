"""What the error middleware and the components ask of an error: its handler, its status, whether it can be answered."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from inspect import iscoroutinefunction, signature
from typing import Any, Final, TypeGuard

from aiohttp import web

__all__ = [
    "ERRORS_SET_UP",
    "ErrorHandler",
    "ErrorHandlers",
    "Lookup",
    "handler_lookup",
    "has_started",
    "is_gone",
    "is_http",
    "log_unhandled",
    "no_handler",
    "status_of",
]

ERRORS_SET_UP: Final = web.AppKey("aiotoolkit.errors", bool)
"""In an application that `setup_errors` has set up."""

ErrorHandler = Callable[[web.Request, Exception], Awaitable[web.StreamResponse]]
"""Answers an error, as ``async (request, error) -> response``. It may raise a Problem instead."""

ErrorHandlers = Mapping[int | type[Exception], ErrorHandler] | ErrorHandler
"""A handler for each status or exception class, or one for every error."""

_logger: Final = logging.getLogger("aiotoolkit.middlewares")

Lookup = Callable[[Exception, int], tuple[ErrorHandler | None, bool]]


def handler_lookup(handlers: ErrorHandlers | None) -> Lookup:
    """Make the function that finds an error's handler, and tells whether it is one for its class."""
    if handlers is None:
        return no_handler
    if not isinstance(handlers, Mapping):
        one = _checked_handler("every error", handlers)
        return lambda error, status: (one, False)
    table = {_checked_key(key): _checked_handler(repr(key), handler) for key, handler in handlers.items()}

    def find(error: Exception, status: int) -> tuple[ErrorHandler | None, bool]:
        for kind in type(error).__mro__:
            if kind in table:
                return table[kind], kind is not Exception
        return table.get(status), False

    return find


def no_handler(error: Exception, status: int) -> tuple[ErrorHandler | None, bool]:
    """Find none."""
    return None, False


def _checked_key(key: Any) -> Any:
    if isinstance(key, type) and issubclass(key, Exception):
        return key
    if isinstance(key, int) and not isinstance(key, bool) and 400 <= key <= 599:
        return key
    raise ValueError(f"An error handler is for a status of 400 to 599 or for an Exception class, not for {key!r}")


def _checked_handler(place: str, handler: Any) -> ErrorHandler:
    call = handler if iscoroutinefunction(handler) else getattr(handler, "__call__", None)  # noqa: B004 - its function
    if not iscoroutinefunction(call):
        raise TypeError(f"The error handler for {place} must be an async function (request, error), not {handler!r}")
    try:
        signature(handler, follow_wrapped=False).bind(None, None)
    except TypeError as error:
        raise TypeError(f"The error handler for {place} must take (request, error): {error}") from error
    checked: ErrorHandler = handler
    return checked


def is_http(error: object) -> TypeGuard[web.HTTPException]:
    """Whether an error, or a response, is one of aiohttp's exceptions."""
    # An isinstance() of aiohttp's classes takes many times as long: they are abstract base classes.
    return web.HTTPException in type(error).__mro__


def status_of(error: Exception) -> int:
    """The status that an error is answered with."""
    if is_http(error):
        return error.status
    # As in aiohttp's core. Of no other exception is a status read: a ClientResponseError's 404 is not ours.
    return 504 if isinstance(error, asyncio.TimeoutError) else 500


def has_started(request: web.Request) -> bool:
    """Tell whether a response was begun: anything more would be written into it.

    Bytes went out, or its headers are in the buffer: then the length of its body is known, or that it has none. A
    mocked request's writer has neither.
    """
    writer: Any = request.writer
    size, length = getattr(writer, "output_size", 0), getattr(writer, "length", None)
    return (isinstance(size, int) and size > 0) or isinstance(length, int) or getattr(writer, "chunked", False) is True


def is_gone(request: web.Request) -> bool:
    """Whether the client has left."""
    return request.transport is None or request.transport.is_closing()


def log_unhandled(request: web.Request, error: Exception) -> None:
    """Log an exception that nobody expected, with its traceback."""
    _logger.error("Unhandled exception in %s %s", request.method, request.rel_url.raw_path, exc_info=error)
