"""Views as Flask has them: they take the values of the URL and return text, data, tuples or generators.

``flask_view`` is for coroutine functions, ``sync_view`` for functions that block: these run in a bounded pool of
threads. Both make an aiohttp handler of a view that takes ``(request, **values)``.
"""

import functools
import inspect
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
)
from typing import Any, ClassVar, Final, cast

from aiohttp import AsyncIterablePayload, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.typedefs import Handler
from multidict import CIMultiDict, MultiMapping

from aiotoolkit.porting._flask_json import flask_dumps
from aiotoolkit.porting._rule_match import endpoint_of, rule_values
from aiotoolkit.porting._view_pool import ViewContext, pool_of, run_async, setup_sync_views

__all__ = [
    "Dumps",
    "MethodView",
    "flask_dumps",
    "flask_view",
    "make_response",
    "required",
    "run_async",
    "setup_sync_views",
    "sync_view",
]

Dumps = Callable[[Any], str | bytes]
"""Encodes what a view returned to JSON."""

_HTML: Final = "text/html; charset=utf-8"


def flask_view(view: Callable[..., Awaitable[Any] | AsyncIterator[Any]], *, dumps: Dumps = flask_dumps) -> Handler:
    """Make a handler of a coroutine function that takes ``(request, **values)`` and returns what Flask's views do.

    Args:
        view: the function, or an async generator function.
        dumps: encodes dicts and lists; `flask_dumps` gives the same bytes as Flask.

    Raises:
        TypeError: the view is not async.
    """
    if not (inspect.iscoroutinefunction(view) or inspect.isasyncgenfunction(view)):
        raise TypeError(f"{view!r} is not async: it would block all other requests. Use sync_view, or write async def")

    @functools.wraps(view)
    async def handler(request: web.Request) -> web.StreamResponse:
        value: Any = view(request, **rule_values(request))
        return _respond(request, await value if inspect.isawaitable(value) else value, dumps)

    return handler


def sync_view(view: Callable[..., Any], *, dumps: Dumps = flask_dumps) -> Handler:
    """Make a handler of a function that blocks; it runs in a thread, of those of `setup_sync_views`.

    The thread sees the context variables of the request; what it sets stays in the view and in the generator that it
    returned, which is read in the threads too. `run_async` waits for what is async. A request that is cancelled does
    not stop its view. Exceptions are those of the view.

    Args:
        view: a function that takes ``(request, **values)`` and returns what Flask's views do.
        dumps: as for `flask_view`.

    Raises:
        TypeError: the view is async.
    """
    if not callable(view) or inspect.iscoroutinefunction(view) or inspect.isasyncgenfunction(view):
        raise TypeError(f"{view!r} is no function that blocks: use flask_view for coroutine functions")

    @functools.wraps(view)
    async def handler(request: web.Request) -> web.StreamResponse:
        pool = pool_of(request)
        context = ViewContext()
        value = await pool.run(context, functools.partial(view, request, **rule_values(request)))
        return _respond(request, value, dumps, functools.partial(pool.iterate, context))

    return handler


def make_response(value: Any, *, dumps: Dumps = flask_dumps) -> web.StreamResponse:
    """Make a response of what a Flask view may return.

    =========================== ==================================================
    value                       response
    =========================== ==================================================
    str, bytes, bytearray       the body, as ``text/html; charset=utf-8``
    dict, list                  JSON
    iterator, async iterator    the body, sent piece by piece, as ``text/html``
    a response                  itself
    (value, status)             with another status: 201, or ``"201 Made"``
    (value, headers)            with more headers: a mapping, or a list of pairs
    (value, status, headers)    with both
    =========================== ==================================================

    A plain iterator is read in the event loop, unless a `sync_view` returned it.

    Raises:
        TypeError: None, or a value of another type.
        ValueError: a status that is none.
    """
    return _convert(value, dumps, _read_here)


def required(fields: Mapping[str, Any], name: str) -> Any:
    """The value of a form or query that must be there: 400 without it, as for Flask's ``request.form[name]``.

    For a query, `aiotoolkit.requests.query_argument` also converts.

    Raises:
        aiohttp.web.HTTPBadRequest: there is none.
    """
    try:
        return fields[name]
    except KeyError:
        raise web.HTTPBadRequest(text=f"The request has no {name!r}.") from None


class MethodView:
    """A class with a method for each HTTP method: ``get``, ``post``, async or blocking.

    Each request has an instance of its own. The methods take ``(self, request, **values)``; HEAD is answered by
    ``get`` where there is no ``head``.
    """

    dumps: ClassVar[Dumps] = staticmethod(flask_dumps)

    @classmethod
    def as_view(cls, name: str | None = None, *args: Any, **kwargs: Any) -> Handler:
        """Make a handler; ``add_rule`` knows its methods.

        Args:
            name: the name of the view, by default that of the class.
            *args: given to the class for each request.
            **kwargs: the same.
        """
        handlers = {
            method: _method_handler(cls, method.lower(), args, kwargs)
            for method in sorted(hdrs.METH_ALL)
            if callable(getattr(cls, method.lower(), None))
        }
        if not handlers:
            raise TypeError(f"{cls.__name__} has no method such as get")
        answers = {hdrs.METH_HEAD: handlers[hdrs.METH_GET], **handlers} if hdrs.METH_GET in handlers else handlers

        async def handler(request: web.Request) -> web.StreamResponse:
            answer = answers.get(request.method)
            if answer is None:
                raise web.HTTPMethodNotAllowed(request.method, sorted(answers))
            return await answer(request)

        handler.__name__ = handler.__qualname__ = name or cls.__name__
        handler.__doc__, handler.__module__ = cls.__doc__, cls.__module__
        cast("Any", handler).methods = sorted(handlers)
        return handler


def _method_handler(cls: type[MethodView], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Handler:
    method = getattr(cls, name)
    if inspect.iscoroutinefunction(method):

        async def call_async(request: web.Request, **values: Any) -> Any:
            return await getattr(cls(*args, **kwargs), name)(request, **values)

        return flask_view(call_async, dumps=cls.dumps)

    def call(request: web.Request, **values: Any) -> Any:
        return getattr(cls(*args, **kwargs), name)(request, **values)

    return sync_view(call, dumps=cls.dumps)


# Conversion

_Read = Callable[[Iterator[Any]], AsyncIterator[Any]]


async def _read_here(source: Iterator[Any]) -> AsyncIterator[Any]:
    try:
        for item in source:
            yield item
    finally:
        close = getattr(source, "close", None)
        if close is not None:
            close()


def _respond(request: web.Request, value: Any, dumps: Dumps, read: _Read = _read_here) -> web.StreamResponse:
    if type(value) is web.Response:
        return value
    try:
        return _convert(value, dumps, read)
    except TypeError as error:
        error.add_note(f"It was returned by the view of {endpoint_of(request) or request.path!r}.")
        raise


def _convert(value: Any, dumps: Dumps, read: _Read) -> web.StreamResponse:
    value, status, headers = _unpack(value)
    if value is None:
        raise TypeError("The view did not return a response: it returned None, or ended without a return statement")
    if isinstance(value, web.StreamResponse):
        response = value
        if response.prepared and (status is not None or headers):
            raise TypeError("The response was sent already: its status and headers cannot be changed")
    else:
        response = _new_response(value, headers, dumps, read)
        headers = None if _keeps_headers(value) else headers
    if status is not None:
        code, reason = _status(status)
        response.set_status(code, reason)
    if headers:
        _update(response.headers, headers)
    return response


def _unpack(value: Any) -> tuple[Any, Any, Any]:
    if not isinstance(value, tuple):
        return value, None, None
    match value:
        case (body, status, headers):
            return body, status, headers
        case (body, dict() | list() | tuple() | Mapping() | MultiMapping() as headers):
            return body, None, headers
        case (body, status):
            return body, status, None
        case _:
            raise TypeError("A view returns (body, status, headers), (body, status) or (body, headers), no other tuple")


def _keeps_headers(value: Any) -> bool:
    """Whether the headers are those that the response is made with: then a repeated name stays repeated."""
    return not isinstance(value, dict | list)


def _new_response(value: Any, headers: Any, dumps: Dumps, read: _Read) -> web.Response:
    match value:
        case str():
            return _body_response(value.encode(), headers)
        case bytes() | bytearray():
            return _body_response(bytes(value), headers)
        case dict() | list():
            text = dumps(value)
            body = text.encode() if isinstance(text, str) else text
            return web.Response(body=body, headers={hdrs.CONTENT_TYPE: "application/json"})
        case AsyncIterable():
            return _body_response(_Stream(_encoded(aiter(value))), headers)
        case Iterator():
            return _body_response(_Stream(_encoded(read(value))), headers)
        case _:
            raise TypeError(
                "A view returns text, bytes, a dict, a list, an iterator, a response, or a tuple of one of these with "
                f"a status and headers, not {type(value).__name__}"
            )


def _body_response(body: bytes | AsyncIterablePayload, headers: Any) -> web.Response:
    all_headers = CIMultiDict[str]()
    for name, value in _pairs(headers):
        all_headers.add(name, value)
    all_headers.popall(hdrs.CONTENT_LENGTH, None)
    all_headers.setdefault(hdrs.CONTENT_TYPE, _HTML)
    return web.Response(body=body, headers=all_headers)


class _Stream(AsyncIterablePayload):
    """A body that is made while it is sent, and closed where the client leaves before its end."""

    def __init__(self, source: AsyncGenerator[bytes, None]) -> None:
        super().__init__(source)
        self._source = source

    async def write(self, writer: AbstractStreamWriter) -> None:
        try:
            await super().write(writer)
        finally:
            await self._source.aclose()


async def _encoded(source: AsyncIterator[Any]) -> AsyncGenerator[bytes, None]:
    try:
        async for item in source:
            if isinstance(item, str):
                yield item.encode()
            elif isinstance(item, bytes | bytearray | memoryview):
                yield bytes(item)
            else:
                raise TypeError(f"The generator of a view gives text or bytes, not {type(item).__name__}")
    finally:
        close = getattr(source, "aclose", None)
        if close is not None:
            await close()


def _status(status: Any) -> tuple[int, str | None]:
    if isinstance(status, bytes | bytearray):
        status = bytes(status).decode("latin-1")
    if isinstance(status, str):
        code, _, reason = status.strip().partition(" ")
        if not (code.isascii() and code.isdigit()):
            raise ValueError(f"A status is a number, or text that begins with one, not {status!r}")
        return _checked(int(code)), reason or None
    if isinstance(status, bool) or not isinstance(status, int):
        raise TypeError(f"A status is a number, or text such as '201 Created', not {type(status).__name__}")
    return _checked(int(status)), None


def _checked(code: int) -> int:
    if not 200 <= code <= 999:
        raise ValueError(f"{code} is not the status of a response")
    return code


def _pairs(headers: Any) -> Iterator[tuple[str, str]]:
    if headers is None:
        return
    items: Iterable[Any] = headers.items() if hasattr(headers, "items") else headers
    for name, value in items:
        for single in value if isinstance(value, list | tuple | set) else (value,):
            yield str(name), str(single)


def _update(target: CIMultiDict[str], headers: Any) -> None:
    """Replace headers by name. Of a list of pairs the last one counts, of a mapping all."""
    is_mapping = hasattr(headers, "items")
    seen: Collection[str] = frozenset()
    for name, value in _pairs(headers):
        if is_mapping and name.lower() in seen:
            target.add(name, value)
        else:
            target[name] = value
        seen = {*seen, name.lower()}
