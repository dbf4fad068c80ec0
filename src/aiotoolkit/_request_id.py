"""The request-id middleware, and what both middlewares check when they are set up."""

import os
import re
from collections.abc import Callable
from typing import Final
from weakref import ref

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from aiotoolkit._headers import NAME_PATTERN
from aiotoolkit._request_context import request_id_var, request_var

__all__ = [
    "REQUEST_ID_KEY",
    "REQUEST_ID_SET_UP",
    "check_bool",
    "mark_set_up",
    "request_id_middleware",
    "setup_request_id",
]

REQUEST_ID_SET_UP: Final = web.AppKey("aiotoolkit.request_id", bool)
"""In an application that `setup_request_id` has set up."""

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
    give_id = _id_giver(header, trust=trust)
    mark_set_up(app, REQUEST_ID_SET_UP, "setup_request_id")

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        give_id(request)
        return await handler(request)

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
    give_id = _id_giver(header, trust=trust)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        request_id = give_id(request)
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


def _id_giver(header: str, *, trust: bool) -> Callable[[web.Request], str]:
    check_bool("trust", trust)
    _check_id_header(header)

    def give_id(request: web.Request) -> str:
        # The id of the middleware of an application above. To ask a request for what it does not have takes longer
        # than all of the rest.
        request_id = request.get(REQUEST_ID_KEY) if len(request) else None
        if request_id is None:
            sent = request.headers.get(header) if trust else None
            request_id = sent if sent is not None and _TRUSTWORTHY.fullmatch(sent) else os.urandom(16).hex()
            request[REQUEST_ID_KEY] = request_id
        # Not reset afterwards: each request runs in a task of its own, and the access log is written after this.
        request_id_var.set(request_id)
        request_var.set(ref(request))
        return request_id

    return give_id


def _check_id_header(header: object) -> None:
    if not isinstance(header, str):
        raise TypeError(f"header= must be the name of a header, a str, not {type(header).__name__}")
    if not re.fullmatch(NAME_PATTERN, header):
        raise ValueError(f"{header!r} is not the name of an HTTP header")
    if header.lower() in _TAKEN_HEADERS:
        raise ValueError(f"{header!r} cannot carry a request id: HTTP needs it itself; take one such as 'X-Request-ID'")


def check_bool(name: str, value: object) -> None:
    """Raise a TypeError for an option that must be a bool and is none."""
    if not isinstance(value, bool):
        raise TypeError(f"{name}= must be True or False, not {value!r}")


def mark_set_up(app: web.Application, key: web.AppKey[bool], name: str) -> None:
    """Note that an application was set up, or raise the error that says why it cannot be."""
    if not isinstance(app, web.Application):
        raise TypeError(f"{name} takes an application first, not {type(app).__name__}")
    # A sub-application is pre-frozen from add_subapp() on.
    if app.pre_frozen:
        raise RuntimeError(f"{name}(app) must be called before the application starts, or is added to another one")
    if key in app:
        raise RuntimeError(f"{name}(app) was called twice for this application")
    app[key] = True
