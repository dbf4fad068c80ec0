"""The error middleware and the request-id middleware.

``setup_errors(app)`` gives every error one shape: problem details (RFC 9457), in HTML where the client prefers it.
``setup_request_id(app)`` names each request, in its response and in every log line that it writes.

What never reaches a middleware keeps aiohttp's own answer: a request that the HTTP parser refuses (400), and an
``Expect`` header that it does not know (417).
"""

import asyncio
import logging
import os
import re
import traceback
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from http.cookies import CookieError
from inspect import iscoroutinefunction, signature
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from aiotoolkit._headers import NAME_PATTERN, check_headers, check_text
from aiotoolkit.logger import request_id_var
from aiotoolkit.problems import Problem, default_title, render
from aiotoolkit.requests import damaged_body, drop_damaged_body

__all__ = [
    "REQUEST_ID_KEY",
    "ErrorHandler",
    "ErrorHandlers",
    "error_middleware",
    "request_id_middleware",
    "setup_errors",
    "setup_request_id",
]

_logger: Final = logging.getLogger(__name__)

ErrorHandler = Callable[[web.Request, Exception], Awaitable[web.StreamResponse]]
"""Answers an error, as ``async (request, error) -> response``. It may raise a Problem instead."""

ErrorHandlers = Mapping[int | type[Exception], ErrorHandler] | ErrorHandler
"""A handler for each status or exception class, or one for every error."""

_STARTED: Final = web.RequestKey("aiotoolkit.response_started", bool)
_ERRORS_SET_UP: Final = web.AppKey("aiotoolkit.errors", bool)
_REQUEST_ID_SET_UP: Final = web.AppKey("aiotoolkit.request_id", bool)

_STATUSES: Final = range(100, 1000)
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}


def setup_errors(app: web.Application, handlers: ErrorHandlers | None = None, *, debug: bool = False) -> None:
    """Install :func:`error_middleware`, outside of the middlewares that the application has by now.

    It also marks started responses, so that an error after ``prepare()`` can never write a second response into the
    first one.

    Raises:
        TypeError, ValueError: ``app`` is no application, or as for :func:`error_middleware`.
        RuntimeError: the application has it already, has started, or was added to another one.
    """
    middleware = error_middleware(handlers, debug=debug)
    _mark_set_up(app, _ERRORS_SET_UP, "setup_errors")
    # Only the request id stays further out: a problem is answered, and logged, under its request's id.
    app.middlewares.insert(1 if _REQUEST_ID_SET_UP in app else 0, middleware)
    app.on_response_prepare.append(_mark_started)


def error_middleware(handlers: ErrorHandlers | None = None, *, debug: bool = False) -> Middleware:
    """Make the middleware that answers every error in one shape.

    An ``HTTPException`` from 400 on becomes problem details with its status, headers and cookies; a text of its own
    below 500 becomes the ``detail``; a body of another type than ``text/plain`` stays as it is. A ``TimeoutError`` is
    504. Any other exception is logged once, at ERROR with its traceback, and answered with 500: its text never
    reaches the client. Redirects pass.

    Args:
        handlers: a mapping of a status or an exception class to ``async (request, error) -> response``, or one such
            function for every error. The error's own class is looked for first, then its bases, then the status; a
            handler for 500 gets the original exception. An exception that has a handler for its class, other than
            ``Exception``, counts as handled and is not logged.
        debug: add the traceback to the answers with status 500. Never in production.

    Raises:
        TypeError, ValueError: a key or a handler is none, or ``debug`` is no bool.
    """
    _check_bool("debug", debug)
    find_handler = _handler_lookup(handlers)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except Exception as error:
            response = await _answer(request, error, find_handler, debug=debug)
        else:
            unfit = _error_in(request, response)
            if unfit is not None:
                response = await _answer(request, unfit, find_handler, debug=debug)
        drop_damaged_body(request)
        return response

    return middleware


def _error_in(request: web.Request, response: Any) -> Exception | None:
    """The error in what a handler returned, or None for a response that can be sent."""
    if isinstance(response, web.HTTPException):
        return response
    if not isinstance(response, web.StreamResponse):
        return TypeError(f"A handler must return a response, not {type(response).__name__}")
    started = _has_started(request)
    if not response.prepared:
        if started and not _is_gone(request):
            return RuntimeError("A handler returned a response after another one had started")
        return _unsendable(response)
    if started or response.task is request.task:
        return None
    # aiohttp would send nothing, and the client would wait for ever.
    return RuntimeError("A handler returned a response that was sent before: each request needs its own")


def _unsendable(response: web.StreamResponse) -> Exception | None:
    """What aiohttp would refuse when it writes the response: too late for an answer, so the connection would drop."""
    try:
        check_headers(response.headers)
        check_text("reason", response.reason)
        for cookie in response.cookies.values():
            check_text("cookie", cookie.OutputString())
    except (TypeError, ValueError, CookieError) as error:
        return error
    if response.status not in _STATUSES:
        return ValueError(f"{response.status} is not the status of a response")
    return None


async def _answer(
    request: web.Request, error: Exception, find_handler: "_Lookup", *, debug: bool
) -> web.StreamResponse:
    if _is_gone(request) and (isinstance(error, ConnectionError) or error is request.content.exception()):
        # Nobody reads it: it only says in the access log what happened, with the status that nginx has for it.
        return web.Response(status=499)
    if _has_started(request):
        raise _after_start(request, error)
    error = _answerable(request, error)
    status = _status_of(error)
    if status < 400 and isinstance(error, web.HTTPException):
        return _copy(error)
    handler, handles_class = find_handler(error, status)
    if not (isinstance(error, web.HTTPException) or handles_class):
        _log(request, error)
    if handler is None:
        return _default_answer(request, error, status, debug=debug)
    return await _custom_answer(request, error, handler, handles_class=handles_class, debug=debug)


def _answerable(request: web.Request, error: Exception) -> Exception:
    """The error itself, or the one that stands for it."""
    substitute: Exception | None = None
    if isinstance(error, web.RequestPayloadError):
        substitute = damaged_body(request)
    elif isinstance(error, web.HTTPException):
        substitute = _unsendable(error)
    if substitute is None:
        return error
    substitute.__cause__ = error
    return substitute


async def _custom_answer(
    request: web.Request, error: Exception, handler: ErrorHandler, *, handles_class: bool, debug: bool
) -> web.StreamResponse:
    """The answer of an error handler; its own failure is answered by default."""
    try:
        response = await handler(request, error)
    except Exception as raised:
        failure = raised
    else:
        unfit = _error_in(request, response)
        if unfit is None:
            return response
        failure = unfit
    if failure is error and not handles_class:
        # It is logged already.
        return _default_answer(request, error, _status_of(error), debug=debug)
    return await _answer(request, failure, _no_handler, debug=debug)


def _has_started(request: web.Request) -> bool:
    """Tell whether a response was begun: anything more would be written into it."""
    if request.get(_STARTED):
        return True
    # Where the signal is not connected: bytes went out. A mocked request's writer has no int there.
    size = getattr(request.writer, "output_size", 0)
    return isinstance(size, int) and size > 0


def _after_start(request: web.Request, error: Exception) -> Exception:
    """What to raise so that aiohttp logs the error once, closes the connection and sends nothing more."""
    if not request.writer.output_size and request.protocol is not None:
        # The headers are still in the buffer: aiohttp would take the response for not begun, and send its own.
        request.protocol.force_close()
    if not isinstance(error, web.HTTPException | asyncio.TimeoutError):
        return error
    # The one would be sent, into the response that has started; of the other aiohttp would log no traceback.
    late = RuntimeError(f"{type(error).__name__} was raised after the response had started")
    late.__cause__ = error
    return late


def _copy(error: web.HTTPException) -> web.Response:
    """The same as a fresh response: one object raised for two requests could be sent once only."""
    copy = web.Response(status=error.status, reason=error.reason, headers=error.headers, body=error.body)
    return _with_rest(copy, error)


def _with_rest(response: web.Response, error: web.HTTPException) -> web.Response:
    """Take over what is neither status, headers nor body."""
    for name, morsel in error.cookies.items():
        response.cookies[name] = morsel
    if error.keep_alive is False:
        response.force_close()
    return response


def _is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _status_of(error: Exception) -> int:
    if isinstance(error, web.HTTPException):
        return error.status
    # As in aiohttp's core. Of no other exception is a status read: a ClientResponseError's 404 is not ours.
    return 504 if isinstance(error, asyncio.TimeoutError) else 500


def _log(request: web.Request, error: Exception) -> None:
    _logger.error("Unhandled exception in %s %s", request.method, request.rel_url.raw_path, exc_info=error)


def _default_answer(request: web.Request, error: Exception, status: int, *, debug: bool) -> web.Response:
    """Problem details for any error; always a fresh response, never the raised object."""
    if not isinstance(error, web.HTTPException):
        return render(_members(error, status, None, debug=debug), status=status, request=request)
    if isinstance(error, Problem):
        members = error.to_dict()
    elif error.body is not None and error.content_type != "text/plain":
        return _copy(error)
    else:
        members = _members(error, status, _own_text(error), debug=debug)
    return _with_rest(render(members, status=status, headers=error.headers, request=request), error)


def _members(error: Exception, status: int, detail: str | None, *, debug: bool) -> dict[str, Any]:
    members: dict[str, Any] = {"type": "about:blank", "title": default_title(status), "status": status}
    if detail:
        members["detail"] = detail
    if debug and status == 500:
        # An exception's text may hold what UTF-8 cannot: lone surrogates.
        lines = traceback.format_exception(error)
        members["traceback"] = [line.encode("utf-8", "backslashreplace").decode() for line in lines]
    return members


def _own_text(error: web.HTTPException) -> str | None:
    """The text, or else the reason, that was given to the exception, where it is meant for the client."""
    if error.status >= 500:
        return None
    try:
        text = error.text
    except (LookupError, TypeError, ValueError):
        return None  # a body of bytes in no charset, or one that is read while it is sent
    if text != f"{error.status}: {error.reason}":
        return text
    return error.reason if error.reason != _REASONS.get(error.status) else None


_Lookup = Callable[[Exception, int], tuple[ErrorHandler | None, bool]]


def _handler_lookup(handlers: ErrorHandlers | None) -> _Lookup:
    """Make the function that finds an error's handler, and tells whether it is one for its class."""
    if handlers is None:
        return _no_handler
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


def _no_handler(error: Exception, status: int) -> tuple[ErrorHandler | None, bool]:
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


async def _mark_started(request: web.Request, response: web.StreamResponse) -> None:
    request[_STARTED] = True


REQUEST_ID_KEY: Final = web.RequestKey("aiotoolkit.request_id", str)
"""``request[REQUEST_ID_KEY]`` is the request's id."""

# Enough for UUIDs, ULIDs and trace ids, and nothing that could write a log line of its own.
_TRUSTWORTHY: Final = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")

# What frames, routes or describes a message: an id in it would break the response, or the connection.
_TAKEN_HEADERS: Final = frozenset(
    [
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "date",
        "expect",
        "host",
        "keep-alive",
        "location",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)


def setup_request_id(app: web.Application, *, header: str = "X-Request-ID", trust: bool = True) -> None:
    """Install :func:`request_id_middleware` as the outermost one, and put the id on streams and websockets too.

    A sub-application that has it too, perhaps with another header, goes by the id that its request has already.

    Raises:
        RuntimeError: the application has it already, has started, or was added to another one.
        TypeError, ValueError: ``app`` is no application, or as for :func:`request_id_middleware`.
    """
    middleware = request_id_middleware(header=header, trust=trust)
    _mark_set_up(app, _REQUEST_ID_SET_UP, "setup_request_id")
    app.middlewares.insert(0, middleware)

    # A header that is set after ``await handler()`` never reaches what was prepared before.
    async def put_on_response(request: web.Request, response: web.StreamResponse) -> None:
        request_id = request.get(REQUEST_ID_KEY)
        if request_id is not None:
            response.headers[header] = request_id

    app.on_response_prepare.append(put_on_response)


def request_id_middleware(*, header: str = "X-Request-ID", trust: bool = True) -> Middleware:
    """Make the middleware that gives each request an id.

    The id is in ``request[REQUEST_ID_KEY]``, in ``logger.request_id_var`` (so in each log line of the request that
    a ``RequestIdFilter`` sees, the access log too) and on the response.

    Args:
        header: the header that carries the id, of the request and of the response.
        trust: take the client's id if it is 1 to 128 characters of ``A-Z a-z 0-9 . _ : / + = @ -``; any other is
            replaced. ``False`` always makes a new one.

    Raises:
        TypeError: ``header`` is no text, or ``trust`` is no bool.
        ValueError: ``header`` is no header name (RFC 9110, section 5.1), or is one that has a meaning of its own.
    """
    _check_bool("trust", trust)
    _check_id_header(header)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        request_id = request.get(REQUEST_ID_KEY)  # of the middleware of an application above
        if request_id is None:
            sent = request.headers.get(header) if trust else None
            request_id = sent if sent is not None and _TRUSTWORTHY.fullmatch(sent) else os.urandom(16).hex()
            request[REQUEST_ID_KEY] = request_id
        # Not reset afterwards: each request runs in a task of its own, and the access log is written after this.
        request_id_var.set(request_id)
        try:
            response = await handler(request)
        except web.HTTPException as error:
            if not error.prepared:
                error.headers[header] = request_id
            raise
        # What is no response at all is the error middleware's, or aiohttp's, to complain about.
        if isinstance(response, web.StreamResponse) and not response.prepared:
            response.headers[header] = request_id
        return response

    return middleware


def _check_id_header(header: object) -> None:
    if not isinstance(header, str):
        raise TypeError(f"header= must be the name of a header, a str, not {type(header).__name__}")
    if not re.fullmatch(NAME_PATTERN, header):
        raise ValueError(f"{header!r} is not the name of an HTTP header")
    if header.lower() in _TAKEN_HEADERS:
        raise ValueError(f"{header!r} cannot carry a request id: HTTP needs it itself; take one such as 'X-Request-ID'")


def _check_bool(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{name}= must be True or False, not {value!r}")


def _mark_set_up(app: web.Application, key: web.AppKey[bool], name: str) -> None:
    if not isinstance(app, web.Application):
        raise TypeError(f"{name} takes an application first, not {type(app).__name__}")
    # A sub-application is pre-frozen from add_subapp() on.
    if app.pre_frozen:
        raise RuntimeError(f"{name}(app) must be called before the application starts, or is added to another one")
    if key in app:
        raise RuntimeError(f"{name}(app) was called twice for this application")
    app[key] = True
