"""The routes of one ``with`` block of `aiotoolkit.routes`: checked as they are added, registered at its end."""

import asyncio
import difflib
import functools
import inspect
import keyword
import re
import sys
from collections import ChainMap
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TypeAlias, cast

from aiohttp import hdrs, web
from aiohttp.abc import AbstractView
from aiohttp.typedefs import Handler
from yarl import URL

__all__ = ["Block", "View", "Wrap", "as_coroutine_function"]

View: TypeAlias = Handler | type[AbstractView] | str
"""A coroutine function, a `web.View` class, or the name of an attribute of the block's views."""

Wrap: TypeAlias = Callable[[web.Resource, Handler | type[AbstractView]], Handler | type[AbstractView]]
"""Makes what a route calls of the resource that it is added to and its view. It is asked once for each method."""

_DYNAMIC = re.compile(r"(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})")  # {name} or {name:regex}, where the regex may hold {1,3}

_UNSENDABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


class Block:
    """Collects routes, checks each where it is added, and registers all of them or none."""

    def __init__(
        self,
        target: "web.UrlDispatcher | Block",
        views: object = None,
        url_prefix: str | None = None,
        name_prefix: str | None = None,
        wrap: Wrap | None = None,
    ) -> None:
        if isinstance(views, str):
            raise TypeError(f"views is the text {views!r}: pass the module or object that has the views, or None")
        outer = target if isinstance(target, Block) else None
        self._outer = outer
        self._router: web.UrlDispatcher = target._router if isinstance(target, Block) else target
        self._ended = False
        self._check_open()
        self._views: object = outer._views if views is None and outer else views
        self._wrap: Wrap | None = outer._wrap if wrap is None and outer else wrap
        outer_url = outer._url_prefix if outer else ""
        self._url_prefix: str = _join_url(outer_url, _check_prefix("url_prefix", url_prefix)).rstrip("/")
        self._name_prefix: str = _join_prefix(
            outer._name_prefix if outer else "", _check_prefix("name_prefix", name_prefix)
        )
        self._resources: list[web.Resource] = []
        # What is taken: by this block in the first map, by what it will be registered on in the others.
        self._names: ChainMap[str, web.AbstractResource] = (
            outer._names.new_child() if outer else _names_of(self._router)
        )
        self._routes: ChainMap[tuple[str, str], web.AbstractRoute] = (
            outer._routes.new_child() if outer else _routes_of(self._router)
        )

    def add(self, url: str, views: Mapping[str, View | None], name: str | None, named_by: View | None) -> web.Resource:
        """Add a URL with a view for each method. Nothing is added when anything is wrong."""
        self._check_open()
        path = _join_url(self._url_prefix, url)
        handlers = self._handlers(path, views)
        resource = self._resource(path, _default_name(named_by) if name is None else name, handlers)
        key = _url_key(resource)
        for method, handler in handlers.items():
            if other := self._routes.get((key, method)) or self._routes.get((key, hdrs.METH_ANY)):
                raise ValueError(_url_taken(_describe(method, path, handler), other))
        if (key, "HEAD") not in self._routes and "HEAD" not in handlers and _answers_head(handlers.get("GET")):
            handlers["HEAD"] = handlers["GET"]
        is_new = len(resource) == 0
        in_order = sorted(handlers, key=lambda method: method == hdrs.METH_ANY)  # aiohttp takes none after "*"
        for method in in_order:
            handler = self._wrap(resource, handlers[method]) if self._wrap else handlers[method]
            self._routes[key, method] = resource.add_route(method, handler)
        if is_new:
            self._resources.append(resource)
        if resource.name is not None:
            self._names[resource.name] = resource
        return resource

    def commit(self) -> None:
        """Register everything on the router, or on the outer block."""
        self._check_open()
        for name, resource in self._names.maps[0].items():
            if (named := self._names.parents.get(name)) is not None:
                raise ValueError(_name_taken(name, _describe_resource(resource), named))
        for key, route in self._routes.maps[0].items():
            if routed := self._routes.parents.get(key):
                raise ValueError(_url_taken(_describe_route(route), routed))
        if self._outer is None:
            for resource in self._resources:
                self._router.register_resource(resource)
        else:
            self._outer._resources += self._resources
            self._outer._names.update(self._names.maps[0])
            self._outer._routes.update(self._routes.maps[0])

    def end(self) -> None:
        """Refuse whatever is still added."""
        self._ended = True

    def _check_open(self) -> None:
        if self._ended:
            raise RuntimeError("The with block of this function has ended: add routes inside it")
        if self._outer is not None:
            self._outer._check_open()
        if self._router.frozen:
            raise RuntimeError(
                "The application takes no more routes, because it runs or was added to another one: "
                "add them before run_app, AppRunner or add_subapp gets it"
            )

    def _handlers(self, path: str, views: Mapping[str, View | None]) -> dict[str, Handler | type[AbstractView]]:
        handlers: dict[str, Handler | type[AbstractView]] = {}
        for given, view in views.items():
            method = _check_method(given, path)
            where = f"{method} {path or '/'}"
            if view is None:
                raise TypeError(f"{where}: the view is None")
            if method in handlers:
                raise ValueError(f"{where}: there are two views for it")
            handlers[method] = _check_view(
                self._named_view(view, where) if isinstance(view, str) else view, method, where
            )
        if not handlers:
            raise ValueError(f"{path or '/'} has no view: pass one for at least one method, such as get=")
        return handlers

    def _named_view(self, name: str, where: str) -> object:
        if self._views is None:
            raise TypeError(f"{where}: the view is the name {name!r}, but there are no views to find it in: pass views")
        try:
            return cast("object", getattr(self._views, name))
        except AttributeError:
            close = difflib.get_close_matches(name, [known for known in dir(self._views) if not known.startswith("_")])
            hint = f". Did you mean {' or '.join(map(repr, close))}?" if close else ""
            raise AttributeError(f"{where}: {_owner(self._views)} has no view {name!r}{hint}") from None

    def _resource(
        self, path: str, name: str | None, handlers: Mapping[str, Handler | type[AbstractView]]
    ) -> web.Resource:
        """A new resource, or the one of this block that has the same name and URL."""
        method, handler = next(iter(handlers.items()))
        new = _describe(method, path, handler)
        full_name = None if name is None else _join_name(self._name_prefix, name, new)
        if full_name is not None:
            own = self._names.maps[0].get(full_name)
            if isinstance(own, web.Resource) and own.raw_match(path):
                return own
            if (other := self._names.get(full_name)) is not None:
                raise ValueError(_name_taken(full_name, new, other))
        _check_path(path)
        try:
            # A router of its own applies aiohttp's rules without touching the application's.
            return web.UrlDispatcher().add_resource(path, name=full_name)
        except ValueError as error:
            raise ValueError(f"aiohttp cannot take the URL {path!r}: {error}") from None


def as_coroutine_function(view: Handler) -> Handler:
    """An object with an async ``__call__`` as aiohttp wants it: anything that is not a coroutine function warns."""
    if _is_async(view):
        return view

    @functools.wraps(view)
    async def handler(request: web.Request) -> web.StreamResponse:
        return await view(request)

    return handler


def _names_of(router: web.UrlDispatcher) -> ChainMap[str, web.AbstractResource]:
    # The second map follows the router and is never written to.
    return ChainMap({}, cast("dict[str, web.AbstractResource]", router.named_resources()))


def _routes_of(router: web.UrlDispatcher) -> ChainMap[tuple[str, str], web.AbstractRoute]:
    resources = [resource for resource in router.resources() if isinstance(resource, web.Resource)]
    return ChainMap({}, {(_url_key(resource), route.method): route for resource in resources for route in resource})


def _url_key(resource: web.Resource) -> str:
    info = resource.get_info()
    return info["pattern"].pattern if "pattern" in info else resource.canonical


# Checks


def _check_method(method: object, path: str) -> str:
    if not isinstance(method, str):
        raise TypeError(f"{path}: the method is text such as 'GET', not {type(method).__name__}")
    upper = method.upper()
    if upper in hdrs.METH_ALL or upper == hdrs.METH_ANY:
        return upper
    close = difflib.get_close_matches(upper, hdrs.METH_ALL, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"Use one of {', '.join(sorted(hdrs.METH_ALL))} or '*'"
    raise ValueError(f"{path}: {method!r} is not a method that a route can have. {hint}")


def _check_view(view: object, method: str, where: str) -> Handler | type[AbstractView]:
    """What aiohttp can take as the handler, or a TypeError for what would fail at every request."""
    if isinstance(view, type):
        return _check_view_class(cast("type[object]", view), method, where)
    if not callable(view):
        kind = f"the {_owner(view)}" if isinstance(view, ModuleType) else f"of type {type(view).__name__}"
        raise TypeError(f"{where}: the view is {kind}, which cannot be called")
    handler = cast("Handler", view)
    _check_signature(handler, where)
    if _is_async(handler) or _is_async(type(handler).__call__):
        return as_coroutine_function(handler)
    raise TypeError(f"{where}: the view {_label(handler)} is not a coroutine function: write async def")


def _is_async(function: Callable[..., object]) -> bool:
    # The second also knows what other compilers than Python's own mark as a coroutine function, as aiohttp does.
    return inspect.iscoroutinefunction(function) or (
        sys.version_info < (3, 14) and asyncio.iscoroutinefunction(function)
    )


def _check_signature(handler: Handler, where: str) -> None:
    try:
        signature = inspect.signature(handler, follow_wrapped=False)
    except ValueError:  # a callable written in C may have none
        return
    try:
        signature.bind(None)
    except TypeError:
        hint = ": pass an object of its class, not the class, as views" if "self" in signature.parameters else ""
        text = f"{where}: the view {_label(handler)}{signature} cannot be called with a request alone{hint}"
        raise TypeError(text) from None


def _check_view_class(view: type[object], method: str, where: str) -> type[AbstractView]:
    if not issubclass(view, AbstractView):
        raise TypeError(f"{where}: the class {_label(view)} is not a web.View: derive it from that, or pass an object")
    if issubclass(view, web.View) and method != hdrs.METH_ANY and not hasattr(view, method.lower()):
        raise TypeError(f"{where}: {_label(view)} has no method {method.lower()!r}")
    return view


def _check_name(name: object, where: str) -> str:
    if not isinstance(name, str):
        raise TypeError(f"{where}: a name is text, not {type(name).__name__}")
    for part in web.UrlDispatcher.NAME_SPLIT_RE.split(name):
        if not _is_usable(part):
            kind = "a keyword of Python" if keyword.iskeyword(part) else "not an identifier"
            raise ValueError(
                f"{where}: {name!r} cannot be the name, because {part!r} is {kind}. "
                "Pass a name of identifiers that are joined by dots, colons or dashes"
            )
    return name


def _is_usable(part: str) -> bool:
    return part.isidentifier() and not keyword.iskeyword(part)


def _check_path(path: str) -> None:
    """Refuse a URL that no request would ever match."""
    literals = _DYNAMIC.split(path)[::2]
    if any("{" in literal or "}" in literal for literal in literals):
        raise ValueError(f"The URL {path!r} has an unbalanced brace: a dynamic part is {{name}} or {{name:regex}}")
    fixed = "{}".join(literals)
    problem = None
    if "?" in fixed or "#" in fixed:
        problem = "the query and the fragment are not part of a route"
    elif not {".", ".."}.isdisjoint(fixed.split("/")):
        problem = "clients remove '.' and '..' (RFC 3986, section 5.2.4)"
    elif re.search("%(?!25|2F)", fixed):
        problem = "requests are matched decoded: write the characters, not their percent-encoding"
    elif len(literals) > 1 and not all(map(_is_plain, literals)):
        problem = "beside a dynamic part, aiohttp matches no character that a URL has to percent-encode"
    if problem:
        raise ValueError(f"The URL {path!r} would never be matched: {problem}")


def _is_plain(literal: str) -> bool:
    text = re.sub("%25|%2F", "", literal)
    return text == "" or URL.build(path=text).raw_path == text


# Joining


def _join_url(prefix: str, url: object) -> str:
    """The prefix and what comes below it with single slashes, save inside ``{}``, where slashes belong to a regex."""
    if not isinstance(url, str):
        raise TypeError(f"A URL is text such as '/projects', not {type(url).__name__}")
    if _UNSENDABLE.search(url):
        raise ValueError(f"The URL {url!r} holds a control character or a lone surrogate: no URL can")
    if not url:
        return prefix
    pieces = _DYNAMIC.split(f"{prefix}/{url}")
    pieces[::2] = [re.sub("//+", "/", literal) for literal in pieces[::2]]
    return "".join(pieces)


def _join_name(prefix: str, name: object, where: str) -> str:
    name = _check_name(name, where)
    return f"{prefix}.{name}" if prefix else name


def _check_prefix(argument: str, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"{argument} is text or None, not {type(value).__name__}")
    return value


def _join_prefix(prefix: str, name_prefix: str) -> str:
    inner = name_prefix.strip(".")
    return _join_name(prefix, inner, "name_prefix") if inner else prefix


def _default_name(view: object) -> str | None:
    name = view if isinstance(view, str) else getattr(view, "__name__", None)
    return name if isinstance(name, str) and (_is_usable(name) or view is name) else None


def _answers_head(view: object) -> bool:
    """Whether a GET view serves HEAD: a `web.View` without it would answer 405 and allow what was not routed to it."""
    if isinstance(view, type) and issubclass(view, web.View):
        return hasattr(view, "head")
    return view is not None


# Wording


def _name_taken(name: str, new: str, other: web.AbstractResource) -> str:
    return f"The name {name!r} of {new} is taken by {_describe_resource(other)}: pass another name to one of them"


def _url_taken(new: str, other: web.AbstractRoute) -> str:
    hint = ". GET answers HEAD too: add a HEAD route of its own before it" if other.method == "HEAD" else ""
    return f"{new} would never be reached, because there is {_describe_route(other)}{hint}"


def _describe_resource(resource: web.AbstractResource) -> str:
    routes = [route for route in resource if route.method != "HEAD"] or list(resource)
    return " and ".join(map(_describe_route, routes)) or resource.canonical


def _describe_route(route: web.AbstractRoute) -> str:
    return _describe(route.method, route.resource.canonical if route.resource else "", route.handler)


def _describe(method: str, path: str, handler: Callable[..., object]) -> str:
    return f"{method} {path or '/'} ({_label(handler)})"


def _label(view: Callable[..., object]) -> str:
    while isinstance(view, functools.partial):
        view = cast("functools.partial[object]", view).func
    view = inspect.unwrap(view)
    name: object = getattr(view, "__qualname__", None) or type(view).__qualname__
    return f"{view.__module__}.{name}"


def _owner(views: object) -> str:
    if isinstance(views, ModuleType):
        return f"module {views.__name__!r}"
    return f"class {views.__qualname__!r}" if isinstance(views, type) else f"the {type(views).__qualname__!r} object"
