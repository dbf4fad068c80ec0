"""Routes added with prefixes, tables of routes, and URLs made from the names of routes.

Everything here works on the router of a plain `aiohttp.web.Application` and adds nothing to a request's way through it.

A block of routes is registered as a whole when its ``with`` statement ends. If anything in it fails, the application
is left as it was.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any, TypeAlias, cast, final

from aiohttp import web

from aiotoolkit._route_block import Block, View
from aiotoolkit._url_for import url_for

__all__ = ["AddResource", "AddRoute", "add_resource_context", "add_route_context", "add_route_table", "url_for"]


@final
class AddRoute:
    """What `add_route_context` yields. Use it to annotate functions that take one; do not make one yourself."""

    __slots__ = ("_block",)

    def __init__(self, block: Block) -> None:
        self._block = block

    def __call__(self, method: str, url: str, view: View, name: str | None = None) -> web.AbstractRoute:
        r"""Add one route.

        Args:
            method: An HTTP method in any case, or ``"*"`` for all. ``"GET"`` answers HEAD too, unless the URL has a
                HEAD route already or the view is a `web.View` without ``head``.
            url: The URL below the block's prefix. ``"/"`` is the prefix with a slash at its end, ``""`` is the prefix
                itself. Slashes are never doubled. Dynamic parts are aiohttp's: ``{name}``, ``{name:\d+}``.
            view: A coroutine function or method, an object with an async ``__call__``, a `web.View`, or the name of an
                attribute of the block's ``views``.
            name: The route's name below the block's prefix. By default the name of the view, which for a `web.View`
                is that of the class. A view that has no usable name, such as a `functools.partial`, makes a route
                that has none. Routes of several methods may share a name if their URL is the same.

        Returns:
            The route. It belongs to the application once the block has ended.

        Raises:
            AttributeError: ``views`` has no such attribute.
            TypeError: The view cannot be called with a request, or is not async.
            ValueError: The method, URL or name is wrong, or taken by another route.
            RuntimeError: The block has ended.
        """
        resource = self._block.add(url, {method: view}, name, view)
        return next(route for route in resource if route.method == method.upper())


@final
class AddResource:
    """What `add_resource_context` yields. Use it to annotate functions that take one; do not make one yourself."""

    __slots__ = ("_block",)

    def __init__(self, block: Block) -> None:
        self._block = block

    def __call__(
        self, url: str, get: View | None = None, *, name: str | None = None, **methods: View | None
    ) -> web.Resource:
        """Add one resource: a URL with a view for each method.

        Args:
            url: The URL below the block's prefix, as for `AddRoute`.
            get: The view for GET, and for HEAD as with `AddRoute`.
            name: The resource's name below the block's prefix; by default the name of the GET view.
            **methods: The views for other methods: ``post=views.create``. For all others, ``**{"*": view}``.
                None means that there is none.

        Returns:
            The resource. It belongs to the application once the block has ended.

        Raises:
            AttributeError: As for `AddRoute`.
            TypeError: As for `AddRoute`.
            ValueError: As for `AddRoute`, or there is no view at all.
            RuntimeError: The block has ended.
        """
        views = {method: view for method, view in {"get": get, **methods}.items() if view is not None}
        return self._block.add(url, views, name, get)


RouteTarget: TypeAlias = web.Application | web.UrlDispatcher | AddRoute | AddResource
"""Where routes are added: on an application or its router, or below another block of routes."""

RouteTable: TypeAlias = Iterable[tuple[str, str, View] | tuple[str, str, View, str | None]] | ModuleType
"""Rows of (method, URL, view[, name]), or a module that has such rows under the name ``routes``."""


@contextmanager
def add_route_context(
    app: RouteTarget, views: object = None, url_prefix: str | None = None, name_prefix: str | None = None
) -> Iterator[AddRoute]:
    r"""Add routes that share views, a URL prefix and a name prefix.

    Args:
        app: An application, a router, or the `AddRoute` or `AddResource` of an outer block: then the prefixes
            compose, and the outer views serve where there are none of its own.
        views: The module, package or object whose attributes the block's routes may name as their views.
        url_prefix: What the URL of every route begins with. Slashes at its ends make no difference.
        name_prefix: What the name of every route begins with, joined by a dot.

    Yields:
        A function that adds one route, see `AddRoute`.

    Raises:
        TypeError: One of the arguments is of the wrong type.
        ValueError: A prefix cannot begin a name, or what the block added was taken meanwhile.
        RuntimeError: The application is frozen.

    Example::

        with add_route_context(app, views, "/api", "api") as add_route:
            add_route("GET", "/projects", "list_projects")  # named "api.list_projects"
            add_route("GET", r"/project/{project_id:\d+}", views.read_project, "project")
    """
    with _open_block(app, views, url_prefix, name_prefix) as block:
        yield AddRoute(block)


@contextmanager
def add_resource_context(
    router: RouteTarget, url_prefix: str | None = None, name_prefix: str | None = None
) -> Iterator[AddResource]:
    """Add resources, each a URL with a view for each method, that share a URL prefix and a name prefix.

    Args:
        router: As ``app`` of `add_route_context`.
        url_prefix: As for `add_route_context`.
        name_prefix: As for `add_route_context`.

    Yields:
        A function that adds one resource, see `AddResource`.

    Raises:
        TypeError: One of the arguments is of the wrong type.
        ValueError: A prefix cannot begin a name, or what the block added was taken meanwhile.
        RuntimeError: The router is frozen.

    Example::

        with add_resource_context(app.router, "/api", "api") as add_resource:
            add_resource("/", get=views.index, name="index")
            add_resource("/projects", get=views.list_projects, post=views.create_project)
    """
    with _open_block(router, None, url_prefix, name_prefix) as block:
        yield AddResource(block)


def add_route_table(
    app: RouteTarget, table: RouteTable, *, url_prefix: str | None = None, name_prefix: str | None = None
) -> None:
    """Add the routes of a table, all of them or none.

    Args:
        app: As for `add_route_context`.
        table: Rows of ``(method, url, view)`` or ``(method, url, view, name)``, whose items are those of `AddRoute`.
            Or a module whose attribute ``routes`` holds such rows, or a package whose ``routes`` module does.
        url_prefix: As for `add_route_context`.
        name_prefix: As for `add_route_context`.

    Raises:
        TypeError: There is no such table, or a row is not of that form. Errors of rows begin with their index.
        AttributeError: As for `AddRoute`.
        ValueError: As for `AddRoute`.
        RuntimeError: The application is frozen.

    Example::

        routes = [
            ("GET", "/projects", list_projects),
            ("POST", "/projects", create_project, "create"),
        ]
        add_route_table(app, routes, url_prefix="/api", name_prefix="api")
    """
    rows = _rows_of(table)
    with add_route_context(app, None, url_prefix, name_prefix) as add_route:
        for index, row in enumerate(rows):
            _add_row(add_route, index, row)


@contextmanager
def _open_block(target: object, views: object, url_prefix: str | None, name_prefix: str | None) -> Iterator[Block]:
    block = Block(_target_of(target), views, url_prefix, name_prefix)
    try:
        yield block
        block.commit()
    finally:
        block.end()


def _target_of(target: object) -> web.UrlDispatcher | Block:
    match target:
        case web.Application():
            return target.router
        case web.UrlDispatcher():
            return target
        case AddRoute() | AddResource():
            return target._block
        case _:
            raise TypeError(
                "Routes are added to an application, its router, or the function of an outer block, "
                f"not to {type(target).__name__}"
            )


def _rows_of(table: object) -> Iterable[object]:
    rows = table
    for _ in range(2):  # a package, its module, their table
        if isinstance(rows, ModuleType):
            if not hasattr(rows, "routes"):
                raise TypeError(f"Module {rows.__name__!r} has no table of routes: give it one under the name 'routes'")
            rows = rows.routes
    if isinstance(rows, str | bytes | Mapping) or not isinstance(rows, Iterable):
        raise TypeError(f"A table of routes is a list of rows or a module that has one, not {type(rows).__name__}")
    return cast("Iterable[object]", rows)


def _add_row(add_route: AddRoute, index: int, row: object) -> None:
    match row:
        case [method, url, view]:
            name = None
        case [method, url, view, name]:
            pass
        case _:
            raise TypeError(f"Row {index}: a row is (method, url, view) or (method, url, view, name), not {_form(row)}")
    try:
        add_route(cast("Any", method), cast("Any", url), cast("Any", view), cast("Any", name))
    except (AttributeError, TypeError, ValueError) as error:
        raise type(error)(f"Row {index}: {error}") from error


def _form(row: object) -> str:
    return f"a {type(row).__name__} of {len(row)}" if isinstance(row, list | tuple) else type(row).__name__
