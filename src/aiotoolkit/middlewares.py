"""The error middleware and the request-id middleware.

``setup_errors(app)`` gives every error one shape: problem details (RFC 9457), in HTML where the client prefers it.
``setup_request_id(app)`` names each request, in its response and in every log line that it writes.

What never reaches a middleware keeps aiohttp's own answer: a request that the HTTP parser refuses (400), and an
``Expect`` header that it does not know (417).
"""

import asyncio
import traceback
from http import HTTPStatus
from http.cookies import CookieError
from typing import Any, Final
from weakref import ref

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from aiotoolkit._error_handlers import (
    ERRORS_SET_UP,
    ErrorHandler,
    ErrorHandlers,
    Lookup,
    handler_lookup,
    has_started,
    is_gone,
    is_http,
    log_unhandled,
    no_handler,
    status_of,
)
from aiotoolkit._headers import check_headers, check_text
from aiotoolkit._request_context import request_var
from aiotoolkit._request_id import (
    REQUEST_ID_KEY,
    REQUEST_ID_SET_UP,
    check_bool,
    mark_set_up,
    request_id_middleware,
    setup_request_id,
)
from aiotoolkit.problems import Problem, default_title, render
from aiotoolkit.requests import damaged_body

__all__ = [
    "REQUEST_ID_KEY",
    "ErrorHandler",
    "ErrorHandlers",
    "error_middleware",
    "request_id_middleware",
    "setup_errors",
    "setup_request_id",
]

_STATUSES: Final = range(100, 1000)
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}


def setup_errors(app: web.Application, handlers: ErrorHandlers | None = None, *, debug: bool = False) -> None:
    """Install :func:`error_middleware`, outside of the middlewares that the application has by now.

    Raises:
        TypeError, ValueError: ``app`` is no application, or as for :func:`error_middleware`.
        RuntimeError: the application has it already, has started, or was added to another one.
    """
    middleware = error_middleware(handlers, debug=debug)
    mark_set_up(app, ERRORS_SET_UP, "setup_errors")
    # Only the request id stays further out: a problem is answered, and logged, under its request's id.
    app.middlewares.insert(1 if REQUEST_ID_SET_UP in app else 0, middleware)


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
    check_bool("debug", debug)
    find_handler = handler_lookup(handlers)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        request_var.set(ref(request))  # for what is logged from here on, also by aiohttp after this
        try:
            response = await handler(request)
        except Exception as error:
            response = await _answer(request, error, find_handler, debug=debug)
        else:
            unfit = None if _is_ordinary(request, response) else _error_in(request, response)
            if unfit is not None:
                response = await _answer(request, unfit, find_handler, debug=debug)
        if request.body_exists and request.content.exception() is not None:
            # Nobody read it, or else aiohttp would read on, and log an error of its own.
            damaged_body(request)
        return response

    return middleware


def _is_ordinary(request: web.Request, response: Any) -> bool:
    """Tell, with few questions, of most responses that they can be sent; the others are looked at closely."""
    if type(response) is not web.Response or response.prepared:
        return False
    writer: Any = request.writer
    if writer.length is not None or writer.chunked or writer.output_size:
        return False
    # The public attribute makes a new SimpleCookie for each response that has none.
    if getattr(response, "_cookies", True) or response.status not in _STATUSES:
        return False
    headers = response.headers
    try:
        return "".join([response.reason, *headers, *headers.values()]).isprintable()
    except TypeError:
        return False


def _error_in(request: web.Request, response: Any) -> Exception | None:
    """The error in what a handler returned, or None for a response that can be sent."""
    if is_http(response):
        return response
    if not isinstance(response, web.StreamResponse):
        return TypeError(f"A handler must return a response, not {type(response).__name__}")
    return _error_in_prepared(request, response) if response.prepared else _error_in_fresh(request, response)


def _error_in_fresh(request: web.Request, response: web.StreamResponse) -> Exception | None:
    if has_started(request) and not is_gone(request):
        return RuntimeError("A handler returned a response after another one had started")
    return _unsendable(response)


def _error_in_prepared(request: web.Request, response: web.StreamResponse) -> Exception | None:
    if has_started(request) or response.task is request.task:
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


async def _answer(request: web.Request, error: Exception, find_handler: "Lookup", *, debug: bool) -> web.StreamResponse:
    if (isinstance(error, ConnectionError) or error is request.content.exception()) and is_gone(request):
        # Nobody reads it: it only says in the access log what happened, with the status that nginx has for it.
        return web.Response(status=499)
    if has_started(request):
        raise _after_start(request, error)
    error = _answerable(request, error)
    status = status_of(error)
    if status < 400 and is_http(error):
        return _copy(error)
    handler, handles_class = find_handler(error, status)
    if not (is_http(error) or handles_class):
        log_unhandled(request, error)
    if handler is None:
        return _default_answer(request, error, status, debug=debug)
    return await _custom_answer(request, error, handler, handles_class=handles_class, debug=debug)


def _answerable(request: web.Request, error: Exception) -> Exception:
    """The error itself, or the one that stands for it."""
    substitute: Exception | None = None
    if type(error) is web.RequestPayloadError:
        substitute = damaged_body(request)
    elif is_http(error):
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
        return _default_answer(request, error, status_of(error), debug=debug)
    return await _answer(request, failure, no_handler, debug=debug)


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
    if getattr(error, "_cookies", True):
        for name, morsel in error.cookies.items():
            response.cookies[name] = morsel
    if error.keep_alive is False:
        response.force_close()
    return response


def _default_answer(request: web.Request, error: Exception, status: int, *, debug: bool) -> web.Response:
    """Problem details for any error; always a fresh response, never the raised object."""
    if not is_http(error):
        members = _with_request_id(request, _members(error, status, None, debug=debug))
        return render(members, status=status, request=request)
    if isinstance(error, Problem):
        members = error.to_dict()
    elif error.body is not None and error.content_type != "text/plain":
        return _copy(error)
    else:
        members = _members(error, status, _own_text(error), debug=debug)
    members = _with_request_id(request, members)
    return _with_rest(render(members, status=status, headers=error.headers, request=request), error)


def _with_request_id(request: web.Request, members: dict[str, Any]) -> dict[str, Any]:
    """Add the member by which a client can quote its request (RFC 9457, section 3.2), unless the problem has one."""
    request_id = request.get(REQUEST_ID_KEY)
    if request_id is not None:
        members.setdefault("request_id", request_id)
    return members


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
