"""_openapi_routes: each route of an application, once, with what answers it."""

import functools
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from aiotoolkit._openapi_routes import RouteEntry, iterate_routes
from aiotoolkit.components import Component
from aiotoolkit.routes import add_route_context
from aiotoolkit.schemas import Schema
from tests.packages import Packages

schema = Schema(response={"type": "object"})


async def plain(request: web.Request) -> web.Response:
    return web.Response()


@schema.handler
async def described(request: web.Request) -> dict[str, Any]:
    return {}


class Page(web.View):
    async def get(self) -> web.Response:
        return web.Response()

    @schema.handler
    async def post(self) -> dict[str, Any]:
        return {}


class Views:
    @schema.handler
    async def method(self, request: web.Request) -> dict[str, Any]:
        return {}

    @schema.handler
    async def __call__(self, request: web.Request) -> dict[str, Any]:
        return {}


def entries(app: web.Application) -> list[RouteEntry]:
    return list(iterate_routes(app))


def seen(app: web.Application) -> list[tuple[str, str]]:
    return [(entry.method, entry.path) for entry in entries(app)]


def only(app: web.Application) -> RouteEntry:
    (entry,) = entries(app)
    return entry


@pytest.mark.parametrize("started", [False, True])
def test_sub_applications(started: bool) -> None:
    """Routes of nested sub-applications have all prefixes, in the order in which they are asked."""
    app, api, inner = web.Application(), web.Application(), web.Application()
    app.router.add_get("/", plain, name="index")
    inner.router.add_get(r"/{item:\d+}", described, name="item")
    api.router.add_post("", plain)
    api.add_subapp("/v1/", inner)
    app.add_subapp("/api", api)
    app.router.add_get("/last", plain)
    if started:
        app.freeze()
    assert seen(app) == [("GET", "/"), ("POST", "/api"), ("GET", "/api/v1/{item}"), ("GET", "/last")]
    first, _, item, _ = entries(app)
    assert (first.name, first.application, first.schema, first.pattern, first.outer) == (
        "index",
        app,
        None,
        None,
        (app,),
    )
    assert (item.name, item.application, item.schema, item.outer) == ("item", inner, schema, (app, api, inner))
    assert item.pattern is not None
    assert item.pattern.fullmatch("/api/v1/5")


def test_head() -> None:
    """The HEAD that add_get makes is no route of its own; one with its own handler is."""
    app = web.Application()
    app.router.add_get("/a", plain)
    app.router.add_get("/b", plain, allow_head=False)
    app.router.add_head("/b", described)
    with add_route_context(app) as add_route:
        add_route("GET", "/c", plain)
    assert seen(app) == [("GET", "/a"), ("GET", "/b"), ("HEAD", "/b"), ("GET", "/c")]
    assert [entry.is_alone for entry in entries(app)] == [True, False, False, True]


def test_views() -> None:
    """A web.View for all methods is an entry for each method that it has; for one method, it is that."""
    app = web.Application()
    app.router.add_view("/all", Page)
    app.router.add_post("/one", Page)
    app.router.add_get("/get", Page)
    assert seen(app) == [("GET", "/all"), ("POST", "/all"), ("POST", "/one"), ("GET", "/get")]
    get, post, one, _ = entries(app)
    assert (get.handler, get.schema, get.is_alone) == (Page.get, None, False)
    assert post.handler is Page.__dict__["post"]
    assert post.schema is schema
    assert (one.schema, one.is_alone) == (schema, True)
    assert post.label == "tests.test_openapi_routes.Page.post"
    assert str(post) == "POST /all (tests.test_openapi_routes.Page.post)"


def test_any_method() -> None:
    """A function for all methods has the method *, beside those that the URL has of its own."""
    app = web.Application()
    app.router.add_route("PUT", "/any", plain)
    app.router.add_route("*", "/any", described)
    assert seen(app) == [("PUT", "/any"), ("*", "/any")]
    mixed = web.Application()
    mixed.router.add_route("POST", "/", plain)
    mixed.router.add_route("*", "/", Page)
    assert [(entry.method, entry.handler) for entry in entries(mixed)] == [("POST", plain), ("GET", Page.get)]


def wrapping(handler: Handler) -> Handler:
    @functools.wraps(handler)
    async def wrapper(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    return wrapper


@pytest.mark.parametrize(
    ("handler", "label"),
    [
        (described, "described"),
        (wrapping(described), "described"),
        (Views().method, "Views.method"),
        (Views(), "Views"),
        (functools.partial(described), "described"),
    ],
)
def test_the_schema_of_a_handler(handler: Any, label: str) -> None:
    """A Schema is found behind decorators, on methods, callable objects and partial functions."""
    app = web.Application()
    with add_route_context(app) as add_route:
        add_route("GET", "/", handler, name="x")
    assert only(app).schema is schema
    assert only(app).label == f"tests.test_openapi_routes.{label}"


def test_components(packages: Packages) -> None:
    """A component's routes are there, views and all, though its middlewares stand around them; its files are static."""
    packages.write(
        {
            "static/style.css": "",
            "routes.py": """
                from tests.test_openapi_routes import Page, described
                routes = [("*", "/page", Page, "page"), ("GET", "/x", described, "x")]
            """,
        }
    )
    app = web.Application()

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request)

    Component("part", packages.name, url_prefix="/part", middlewares=[middleware]).register(app)
    found = [entry for entry in entries(app) if not entry.is_static]
    assert [(entry.method, entry.path, entry.schema) for entry in found] == [
        ("GET", "/part/page", None),
        ("POST", "/part/page", schema),
        ("GET", "/part/x", schema),
    ]
    assert [entry.name for entry in found] == ["part.page", "part.page", "part.x"]
    assert [entry.path for entry in entries(app) if entry.is_static] == ["/static/part/{path}"]


def test_static_files(tmp_path: Path) -> None:
    """A folder of aiohttp's own is one static entry."""
    app = web.Application()
    app.router.add_static("/files", tmp_path)
    assert only(app).is_static
    assert (only(app).method, only(app).path) == ("GET", "/files")


def test_domains() -> None:
    """A sub-application of a domain says so."""
    app, shop = web.Application(), web.Application()
    shop.router.add_get("/", plain)
    app.add_domain("shop.example.com", shop)
    assert (only(app).host, only(app).path) == ("shop.example.com", "/")


def test_a_prefix_that_is_not_ascii() -> None:
    """A path is percent-encoded, whichever of its parts were given."""
    app, inner = web.Application(), web.Application()
    inner.router.add_get("/é/{x}", plain)
    app.add_subapp("/ä", inner)
    assert only(app).path == "/%C3%A4/%C3%A9/{x}"
