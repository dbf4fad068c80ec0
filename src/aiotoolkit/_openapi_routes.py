"""The routes of an application, one by one, across its sub-applications."""

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from aiohttp import hdrs, web
from aiohttp.abc import AbstractView

from aiotoolkit._static import StaticFolder
from aiotoolkit.schemas import Schema

__all__ = ["RouteEntry", "iterate_routes"]


@dataclass(frozen=True, slots=True)
class RouteEntry:
    """One method of one URL, and what answers it.

    Attributes:
        method: in upper case; ``*`` for a handler of all methods that is no ``web.View``.
        path: the URL's path with the prefixes of its sub-applications, percent-encoded; a dynamic part is ``{name}``.
        name: of the resource; None where it has none.
        handler: the function, or the method of a ``web.View`` class, as it was registered: perhaps decorated.
        application: the one whose router holds the route.
        schema: what ``@schema.handler`` decorated the handler with; None where there is none.
        pattern: what the path of a request must match, where the route has dynamic parts.
        host: the domain that a sub-application was added for, by ``add_domain``; None for any.
        is_alone: whether the resource has no other method.
        is_static: whether it serves the files of a folder.
        outer: the applications around this one, outermost first, and itself.
    """

    __module__ = "aiotoolkit.openapi"

    method: str
    path: str
    name: str | None
    handler: Callable[..., Any]
    application: web.Application
    schema: Schema[Any] | None
    pattern: re.Pattern[str] | None
    host: str | None
    is_alone: bool
    is_static: bool
    outer: tuple[web.Application, ...]

    @property
    def view(self) -> Callable[..., Any]:
        """The function that the user wrote, without what decorators put around it."""
        view: Callable[..., Any] = _innermost(self.handler)
        return view

    @property
    def label(self) -> str:
        """Where that function is, such as ``examples.projects.views.index``."""
        view = self.view
        name = getattr(view, "__qualname__", None) or type(view).__qualname__
        module = getattr(view, "__module__", None) or type(view).__module__
        return f"{module}.{name}"

    def __str__(self) -> str:
        return f"{self.method} {self.path} ({self.label})"


def iterate_routes(app: web.Application) -> Iterator[RouteEntry]:
    """Each route of an application and of its sub-applications, in the order in which they are asked.

    A ``web.View`` that was added for all methods gives an entry for each one that it has. The HEAD that aiohttp adds to
    a GET is none of its own.

    Args:
        app: started or not.
    """
    yield from _routes_of(app, (app,), None)


def _routes_of(app: web.Application, outer: tuple[web.Application, ...], host: str | None) -> Iterator[RouteEntry]:
    for resource in app.router.resources():
        info = resource.get_info()
        inner = info.get("app")
        if inner is None:
            yield from _routes_at(resource, outer, host)
        else:
            rule = info.get("rule")
            yield from _routes_of(inner, (*outer, inner), host if rule is None else rule.canonical)


def _routes_at(
    resource: web.AbstractResource, outer: tuple[web.Application, ...], host: str | None
) -> Iterator[RouteEntry]:
    info = resource.get_info()
    path = info.get("formatter") or info.get("path") or resource.canonical or "/"
    handlers = _handlers_of(resource)
    for method, handler in handlers.items():
        yield RouteEntry(
            method=method,
            # A prefix of a sub-application stands there as it was given.
            path=path if path.isascii() else quote(path, safe=_ASCII),
            name=resource.name,
            handler=handler,
            application=outer[-1],
            schema=_schema_of(handler),
            pattern=info.get("pattern"),
            host=host,
            is_alone=len(handlers) == 1,
            is_static="directory" in info or isinstance(getattr(handler, "__self__", None), StaticFolder),
            outer=outer,
        )


_ASCII: Final = "".join(map(chr, range(0x21, 0x7F)))


def _handlers_of(resource: web.AbstractResource) -> dict[str, Callable[..., Any]]:
    """The handler of each method; ``*`` comes last, and leaves to the others what they have."""
    handlers: dict[str, Callable[..., Any]] = {}
    for route in sorted(resource, key=lambda route: route.method == hdrs.METH_ANY):
        for method, handler in _expanded(route.method, route.handler):
            handlers.setdefault(method, handler)
    head = handlers.get(hdrs.METH_HEAD)
    if head is not None and _innermost(head) == _innermost(handlers.get(hdrs.METH_GET)):
        del handlers[hdrs.METH_HEAD]
    return handlers


def _expanded(method: str, handler: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    view: Any = _innermost(handler)
    if not (isinstance(view, type) and issubclass(view, web.View)):
        yield method, handler
        return
    for name in sorted(hdrs.METH_ALL, key=_in_order) if method == hdrs.METH_ANY else [method]:
        function = getattr(view, name.lower(), None)
        if function is not None:
            yield name, function
        elif method == hdrs.METH_HEAD and hasattr(view, "get"):  # what add_get adds; it would answer 405
            yield name, getattr(view, "get")  # noqa: B009 - a checker knows no such method of every view


_ORDER: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")


def _in_order(method: str) -> tuple[int, str]:
    return _ORDER.index(method) if method in _ORDER else len(_ORDER), method


def _layers(handler: Any) -> Iterator[Any]:
    """A handler, and what its decorators wrapped, outermost first."""
    while True:
        yield handler
        inner = handler.func if isinstance(handler, functools.partial) else None
        wrapped = getattr(handler, "__wrapped__", inner)
        if wrapped is None or (isinstance(handler, type) and issubclass(handler, AbstractView)):
            return
        handler = wrapped


def _innermost(handler: Any) -> Any:
    return functools.reduce(lambda _outer, inner: inner, _layers(handler))


def _schema_of(handler: Any) -> Schema[Any] | None:
    for layer in _layers(handler):
        call = None if inspect.isroutine(layer) or isinstance(layer, type) else getattr(type(layer), "__call__", None)  # noqa: B004 - its function
        for found in (layer, call):
            schema = getattr(found, "schema", None)
            if isinstance(schema, Schema) and hasattr(found, "view"):
                return schema
    return None
