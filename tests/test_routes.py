"""Blocks and tables of routes, on a real router and, where requests matter, through a real server."""

import functools
import re
import subprocess
import sys
import types
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any, assert_type, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from hypothesis import given
from hypothesis import strategies as st

from aiotoolkit._route_block import _join_url
from aiotoolkit.routes import (
    AddResource,
    AddRoute,
    add_resource_context,
    add_route_context,
    add_route_table,
)
from aiotoolkit.schemas import Schema

Client = TestClient[web.Request, web.Application]
ClientFactory = Callable[[web.Application], Awaitable[Client]]


async def index(request: web.Request) -> web.Response:
    return web.Response(text="index")


async def list_projects(request: web.Request) -> web.Response:
    return web.Response(text="list")


async def create_project(request: web.Request) -> web.Response:
    return web.Response(text="create")


async def read_project(request: web.Request) -> web.Response:
    return web.json_response(dict(request.match_info))


class ProjectView(web.View):
    async def get(self) -> web.Response:
        return web.Response(text="get")

    async def post(self) -> web.Response:
        return web.Response(text="post")


class Greeter:
    """An object with state, whose methods are views."""

    def __init__(self, greeting: str) -> None:
        self.greeting = greeting

    async def greet(self, request: web.Request) -> web.Response:
        return web.Response(text=self.greeting)

    async def __call__(self, request: web.Request) -> web.Response:
        return web.Response(text=f"called {self.greeting}")


views = types.ModuleType("project_views")
vars(views).update(
    index=index, list_projects=list_projects, create_project=create_project, ProjectView=ProjectView, limit=3
)


def routes_of(app: web.Application) -> list[tuple[str, str, str | None]]:
    """What the application has: method, URL and name of each route."""
    routes = [(route.method, route.resource.canonical, route.name) for route in app.router.routes() if route.resource]
    return sorted(routes, key=str)


# Blocks of routes


def test_prefixes_go_before_urls_and_names() -> None:
    """A route gets the URL prefix, the name prefix and its view's name; GET brings HEAD."""
    app = web.Application()
    with add_route_context(app, views, "/api", "api") as add_route:
        add_route("GET", "/", "index")
        add_route("post", "/projects", create_project)
        add_route("DELETE", r"/project/{project_id:\d+}", read_project, "delete_project")
    assert routes_of(app) == [
        ("DELETE", "/api/project/{project_id}", "api.delete_project"),
        ("GET", "/api/", "api.index"),
        ("HEAD", "/api/", "api.index"),
        ("POST", "/api/projects", "api.create_project"),
    ]


@pytest.mark.parametrize(
    ("prefix", "url", "expected"),
    [
        (None, "/", "/"),
        (None, "", ""),
        ("", "projects", "/projects"),
        ("/", "/projects", "/projects"),
        ("/", "", ""),
        ("/api", "", "/api"),
        ("/api", "/", "/api/"),
        ("/api/", "", "/api"),
        ("/api/", "/", "/api/"),
        ("api", "projects", "/api/projects"),
        ("//api//v1/", "//projects//", "/api/v1/projects/"),
        ("/api", r"/{id:\d{1,3}}", r"/api/{id:\d{1,3}}"),
        ("/{tenant}", "/{link:https?://.*}/", "/{tenant}/{link:https?://.*}/"),
        ("/api", "{id}.json", "/api/{id}.json"),
    ],
)
def test_url_prefix_and_url_are_joined_by_one_slash(prefix: str | None, url: str, expected: str) -> None:
    """The prefix's and the URL's slashes make one; a regex keeps its own."""
    app = web.Application()
    with add_route_context(app, None, prefix) as add_route:
        route = add_route("GET", url, index)
    assert route.resource is not None
    assert cast("web.Resource", route.resource).raw_match(expected)


PIECES = st.lists(
    st.sampled_from(["/", "//", "a", "-", ".json", "{id}", r"{id:\d+}", "{x:a//b{2,3}/}", "ü", "~"]), max_size=6
).map("".join)


@given(PIECES, PIECES, PIECES)
def test_joining_holds_for_any_pieces(outer: str, inner: str, url: str) -> None:
    """Joining is idempotent and associative, begins with a slash, never doubles one, and keeps the dynamic parts."""
    prefix = _join_url(_join_url("", outer).rstrip("/"), inner).rstrip("/")
    joined = _join_url(prefix, url)
    fixed = re.sub(r"\{[^{}]*(\{[^{}]*\})?[^{}]*\}", "{}", joined)
    assert "//" not in fixed
    assert joined.startswith("/") or joined == ""
    assert _join_url("", joined) == joined
    assert [*map(joined.count, ("{id}", r"{id:\d+}", "{x:a//b{2,3}/}"))] == [
        *map((outer + inner + url).count, ("{id}", r"{id:\d+}", "{x:a//b{2,3}/}"))
    ]
    assert joined.endswith("/") == (url != "" and _join_url("", url).endswith("/"))


async def test_routes_answer_on_a_real_server(aiohttp_client: ClientFactory) -> None:
    """Several methods of one URL have names of their own, HEAD follows GET, and 405 allows what there is."""
    app = web.Application()
    with add_route_context(app, views, "/api", "api") as add_route:
        add_route("GET", "/", "index")
        add_route("GET", "", "index", "root")
        add_route("GET", "/projects", "list_projects")
        add_route("GET", "/project/{slug}", read_project)
        add_route("GET", "/project/new", "index", "new_project")
        add_route("POST", "/projects", "create_project")
        add_route("DELETE", "/project/{slug}", create_project, "delete_project")
    client = await aiohttp_client(app)

    async def ask(method: str, url: str) -> tuple[int, str, str | None]:
        async with client.request(method, url) as response:
            return response.status, await response.text(), response.headers.get("Allow")

    assert await ask("GET", "/api/") == (200, "index", None)
    assert await ask("GET", "/api") == (200, "index", None)
    assert await ask("GET", "/api/projects") == (200, "list", None)
    assert await ask("POST", "/api/projects") == (200, "create", None)
    assert await ask("HEAD", "/api/projects") == (200, "", None)
    assert await ask("GET", "/api/project/new") == (200, "index", None)
    assert await ask("GET", "/api/project/old") == (200, '{"slug": "old"}', None)
    assert (await ask("PUT", "/api/projects"))[::2] == (405, "GET,HEAD,POST")
    assert (await ask("PUT", "/api/project/old"))[::2] == (405, "DELETE,GET,HEAD")
    assert (await ask("GET", "/api/projects/"))[0] == 404


async def test_views_of_every_kind_answer(aiohttp_client: ClientFactory) -> None:
    """Functions, methods, objects that can be called, partials, decorated views and View classes are all views."""

    async def with_text(text: str, request: web.Request) -> web.Response:
        return web.Response(text=text)

    @functools.wraps(list_projects)
    async def decorated(*args: Any) -> web.StreamResponse:
        return await list_projects(*args)

    app = web.Application()
    greeter = Greeter("hello")
    with add_route_context(app, greeter) as add_route:
        add_route("GET", "/method", "greet")
        called = add_route("GET", "/object", greeter)
        partial = add_route("GET", "/partial", functools.partial(with_text, "partial"))
        add_route("GET", "/decorated", decorated)
        add_route("*", "/view", ProjectView)
    assert [*app.router] == ["greet", "list_projects", "ProjectView"]
    assert (called.name, partial.name) == (None, None)
    assert vars(called.handler)["__wrapped__"] is greeter
    client = await aiohttp_client(app)
    texts = {}
    for url in ("/method", "/object", "/partial", "/decorated", "/view"):
        async with client.get(url) as response:
            texts[url] = await response.text()
    assert texts == {
        "/method": "hello",
        "/object": "called hello",
        "/partial": "partial",
        "/decorated": "list",
        "/view": "get",
    }


async def test_a_view_class_without_head_allows_only_what_was_routed(aiohttp_client: ClientFactory) -> None:
    """GET on a web.View that has no `head` adds no HEAD: its own 405 would allow methods that have no route."""
    app = web.Application()
    with add_route_context(app) as add_route:
        add_route("GET", "/project", ProjectView)
    client = await aiohttp_client(app)
    async with client.head("/project") as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET")


def test_a_head_route_before_the_get_route_stays() -> None:
    """HEAD may have a view of its own, if it comes first; after GET it would never be reached, and says so."""
    app = web.Application()
    with add_route_context(app) as add_route:
        add_route("HEAD", "/", index, "head")
        add_route("GET", "/", list_projects)
    assert routes_of(app) == [("GET", "/", "list_projects"), ("HEAD", "/", "head")]
    with add_route_context(app) as add_route:
        add_route("GET", "/late", list_projects, "late")
        with pytest.raises(ValueError, match=r"HEAD /late .* never be reached.*GET answers HEAD too: add a HEAD route"):
            add_route("HEAD", "/late", index)


def test_routes_of_one_name_and_url_share_a_resource() -> None:
    """A name stands for a URL, so several methods of that URL may have it, consecutive or not."""
    app = web.Application()
    with add_route_context(app) as add_route:
        first = add_route("GET", "/projects", list_projects, "projects")
        add_route("GET", "/", index)
        second = add_route("POST", "/projects", create_project, "projects")
    assert first.resource is second.resource is app.router["projects"]
    assert (first.method, second.method) == ("GET", "POST")


def test_nested_blocks_compose_prefixes_and_inherit_views() -> None:
    """A block on an outer block's function puts its prefixes after the outer ones."""
    app = web.Application()
    with add_route_context(app, views, "/api/", "api.") as add_route:
        with add_route_context(add_route, None, "/v1/", "v1") as add_v1:
            add_v1("GET", "/", "index")
        with add_resource_context(add_route, "v2", "v2") as add_v2:
            add_v2("/projects", "list_projects", post="create_project")
            with add_route_context(add_v2, name_prefix="more") as add_more:
                add_more("GET", "/more", "index")
        add_route("GET", "", "index")
    assert [*app.router] == ["api.v1.index", "api.v2.list_projects", "api.v2.more.index", "api.index"]
    assert app.router["api.v1.index"].canonical == "/api/v1/"
    assert app.router["api.v2.more.index"].canonical == "/api/v2/more"
    assert {route.method for route in app.router["api.v2.list_projects"]} == {"GET", "HEAD", "POST"}


async def test_views_of_schemas_keep_their_names(aiohttp_client: ClientFactory) -> None:
    """What `@schema.handler` makes is a view like any other, of the same name."""
    schema = Schema(query={"type": "object", "properties": {"limit": {"type": "integer"}}})

    @schema.handler
    async def search(request: web.Request, query: dict[str, Any]) -> dict[str, Any]:
        return query

    app = web.Application()
    with add_route_context(app, name_prefix="api") as add_route:
        add_route("GET", "/search", cast("Any", search))
    assert [*app.router] == ["api.search"]
    client = await aiohttp_client(app)
    async with client.get("/search?limit=3") as response:
        assert await response.json() == {"limit": 3}


def test_a_view_that_is_not_async_is_refused() -> None:
    """Plain functions, lambdas and objects with a plain ``__call__`` are errors that name the view."""

    def plain(request: web.Request) -> web.Response:
        return web.Response()

    class Plain:
        def __call__(self, request: web.Request) -> web.Response:
            return web.Response()

    app = web.Application()
    views = {"plain": plain, "<lambda>": lambda _: index, "Plain": Plain(), "builtins.max": max}
    with add_route_context(app) as add_route:
        for name, view in views.items():
            with pytest.raises(
                TypeError, match=f"GET /: the view .*{name} is not a coroutine function: write async def"
            ):
                add_route("GET", "/", cast("Any", view))
    assert routes_of(app) == []


# Nothing half done


def test_a_failing_block_adds_nothing() -> None:
    """What a block added before it failed is not on the application, which goes on taking routes."""
    app = web.Application()

    def add_with_typo() -> None:
        with add_route_context(app, views) as add_route:
            add_route("GET", "/", "index")
            add_route("GET", "/typo", "inde")

    with pytest.raises(AttributeError, match="'inde'"):
        add_with_typo()
    assert routes_of(app) == []
    with add_route_context(app, views) as add_route:
        add_route("GET", "/", "index")
    assert [*app.router] == ["index"]


def test_a_resource_is_added_whole_or_not_at_all() -> None:
    """One bad view among several leaves nothing of the resource behind."""
    app = web.Application()
    with add_resource_context(app.router) as add_resource:
        with pytest.raises(TypeError, match=r"POST /x: the view is of type int, which cannot be called"):
            add_resource("/x", index, post=cast("Any", 3))
        add_resource("/x", index)
    assert routes_of(app) == [("GET", "/x", "index"), ("HEAD", "/x", "index")]


def test_a_failing_inner_block_leaves_the_outer_one_as_it_was() -> None:
    """A caught error of an inner block costs its routes alone."""
    app = web.Application()

    def fail_inside(add_route: AddRoute) -> None:
        with add_route_context(add_route, url_prefix="/inner") as add_inner:
            add_inner("GET", "/", "list_projects")
            raise RuntimeError("boom")

    with add_route_context(app, views) as add_route:
        add_route("GET", "/", "index")
        with pytest.raises(RuntimeError, match="boom"):
            fail_inside(add_route)
        add_route("GET", "/inner/", "list_projects")
    assert [*app.router] == ["index", "list_projects"]


def test_names_taken_while_the_block_was_open_are_found_at_its_end() -> None:
    """A name that somebody else took meanwhile fails the block, with nothing of it added."""
    app = web.Application()

    def add_twice() -> None:
        with add_route_context(app) as add_route:
            add_route("GET", "/first", list_projects)
            add_route("GET", "/b", index)
            app.router.add_get("/a", index, name="index")

    with pytest.raises(ValueError, match=r"'index' of GET /b .* is taken by GET /a"):
        add_twice()
    assert [*app.router] == ["index"]


def test_urls_taken_by_the_outer_block_meanwhile_are_found_at_the_end() -> None:
    """Inner and outer block cannot both take a URL, whichever comes first."""
    app = web.Application()

    def add_in_both(add_route: AddRoute) -> None:
        with add_route_context(add_route) as add_inner:
            add_inner("GET", "/a", list_projects)
            add_route("GET", "/a", index)

    message = r"GET /a \(.*list_projects\) would never be reached.*GET /a \(.*index\)"
    with add_route_context(app) as add_route, pytest.raises(ValueError, match=message):
        add_in_both(add_route)
    assert [*app.router] == ["index"]


def test_a_function_is_of_no_use_after_its_block() -> None:
    """Adding after the end, or below an ended block, is an error that says so."""
    app = web.Application()
    with add_route_context(app) as add_route:
        pass
    with pytest.raises(RuntimeError, match="has ended: add routes inside it"):
        add_route("GET", "/", index)
    with pytest.raises(RuntimeError, match="has ended"), add_route_context(add_route):
        pass


def test_a_frozen_application_takes_no_block() -> None:
    """An application that runs, or is a sub-application already, is refused with what to do."""
    app, sub = web.Application(), web.Application()
    app.add_subapp("/sub", sub)

    def freeze_inside() -> None:
        with add_route_context(app) as add_route:
            add_route("GET", "/", index)
            app.freeze()

    message = "takes no more routes.*: add them before run_app, AppRunner or add_subapp gets it"
    with pytest.raises(RuntimeError, match=message), add_route_context(sub):
        pass
    with pytest.raises(RuntimeError, match=message):
        freeze_inside()
    assert [*app.router] == []


# Errors that speak


def test_a_duplicate_name_names_both_routes() -> None:
    """Method, URL and view of the new route and of the one that has the name, in one block or over two."""
    app = web.Application()
    with add_route_context(app, None, "/api", "api") as add_route:
        add_route("GET", "/", index)
        with pytest.raises(ValueError, match="taken") as caught:
            add_route("POST", "/projects", create_project, "index")
    text = str(caught.value)
    assert text == (
        "The name 'api.index' of POST /api/projects (tests.test_routes.create_project) is taken by "
        "GET /api/ (tests.test_routes.index): pass another name to one of them"
    )
    message = r"GET /other/ .* is taken by GET /api/"
    with add_route_context(app, None, "/other", "api") as add_route, pytest.raises(ValueError, match=message):
        add_route("GET", "/", index)


@pytest.mark.parametrize("first", ["GET", "*"])
def test_a_duplicate_route_names_both(first: str) -> None:
    """A route that could never be reached is an error, also over two blocks and with other names."""
    app = web.Application()
    with add_route_context(app) as add_route:
        add_route(first, r"/{id:\d+}", index)
        with pytest.raises(ValueError, match=r"GET /\{id.*list_projects\) would never be reached.*\{id\} \(.*index\)"):
            add_route("GET", r"/{id:\d+}", list_projects)
        add_route("GET", "/{id}", read_project)
    with add_route_context(app) as add_route, pytest.raises(ValueError, match="would never be reached"):
        add_route("GET", r"/{id:\d+}", list_projects)


@pytest.mark.parametrize(
    ("method", "url", "view", "name", "error", "message"),
    [
        ("GTE", "/", index, None, ValueError, r"/: 'GTE' is not a method that a route can have. Did you mean 'GET'\?"),
        ("", "/", index, None, ValueError, r"Use one of CONNECT, DELETE, .* or '\*'"),
        (None, "/", index, None, TypeError, "the method is text such as 'GET', not NoneType"),
        ("GET", None, index, None, TypeError, "A URL is text such as '/projects', not NoneType"),
        ("GET", "/x?a=1", index, None, ValueError, "'/x[?]a=1' would never be matched: the query"),
        ("GET", "/a/../b", index, None, ValueError, "clients remove '.' and '..'"),
        ("GET", "/a%20b", index, None, ValueError, "write the characters, not their percent-encoding"),
        ("GET", "/ü/{x}", index, None, ValueError, "beside a dynamic part, aiohttp matches no character"),
        ("GET", "/{x", index, None, ValueError, "'/{x' has an unbalanced brace"),
        ("GET", "/x}", index, None, ValueError, "'/x}' has an unbalanced brace"),
        ("GET", "/a\udcff", index, None, ValueError, r"'/a.udcff' holds a control character or a lone surrogate"),
        ("GET", "/a\0", index, None, ValueError, r"'/a.x00' holds a control character"),
        ("GET", "/a\n", index, None, ValueError, "holds a control character"),
        ("GET", "/{a:\x7f}", index, None, ValueError, "holds a control character"),
        ("GET", "/{x:(}", index, None, ValueError, "aiohttp cannot take the URL"),
        ("GET", "/", "list_project", None, AttributeError, r"GET /: module 'project_views' has no view 'list_project'"),
        ("GET", "/", "list_project", None, AttributeError, "Did you mean 'list_projects'"),
        ("GET", "/", "limit", None, TypeError, "GET /: the view is of type int, which cannot be called"),
        ("GET", "/", None, None, TypeError, "GET /: the view is None"),
        ("GET", "/", views, None, TypeError, "the view is the module 'project_views', which cannot be called"),
        ("GET", "/", Greeter, None, TypeError, "the class tests.test_routes.Greeter is not a web.View"),
        ("PUT", "/", ProjectView, None, TypeError, "ProjectView has no method 'put'"),
        ("GET", "/", Greeter.greet, None, TypeError, r"request alone: pass an object of its class, not the class"),
        ("GET", "/", index, "", ValueError, "GET / .*index.*: '' cannot be the name, because '' is not an identifier"),
        ("GET", "/", index, "admin.import", ValueError, "'import' is a keyword of Python"),
        ("GET", "/", index, "a b", ValueError, "'a b' is not an identifier. Pass a name of identifiers"),
        ("GET", "/", index, 3, TypeError, "a name is text, not int"),
    ],
)
def test_a_bad_route_says_what_is_wrong(
    method: Any, url: Any, view: Any, name: Any, error: type[Exception], message: str
) -> None:
    """Every wrong argument of add_route is an error that names the route and the thing."""
    app = web.Application()
    with add_route_context(app, views) as add_route, pytest.raises(error, match=message):
        add_route(method, url, view, name)
    assert routes_of(app) == []


@pytest.mark.parametrize(
    ("context", "error", "message"),
    [
        (lambda app: add_route_context(app, "/api", "api"), TypeError, "views is the text '/api': pass the module"),
        (lambda app: add_route_context(cast("Any", app.on_startup)), TypeError, "its router, .*, not to Signal"),
        (
            lambda app: add_route_context(app, url_prefix=cast("Any", 3)),
            TypeError,
            "url_prefix is text or None, not int",
        ),
        (lambda app: add_route_context(app, url_prefix=cast("Any", [])), TypeError, "url_prefix is text or None"),
        (lambda app: add_route_context(app, url_prefix="/a\0"), ValueError, "holds a control character"),
        (lambda app: add_resource_context(app, name_prefix=cast("Any", [])), TypeError, "name_prefix is text or None"),
        (
            lambda app: add_route_context(app, name_prefix=cast("Any", 3)),
            TypeError,
            "name_prefix .* not int",
        ),
        (lambda app: add_route_context(app, name_prefix="a/b"), ValueError, "name_prefix: 'a/b' cannot be the name"),
        (lambda app: add_resource_context(cast("Any", None)), TypeError, "not to NoneType"),
    ],
)
def test_a_bad_context_says_what_is_wrong(
    context: Callable[[web.Application], AbstractContextManager[object]], error: type[Exception], message: str
) -> None:
    """Wrong arguments of a context fail when it is entered."""
    with pytest.raises(error, match=message), context(web.Application()):
        pass


def test_a_view_name_needs_views() -> None:
    """Text as the view of a block without views says what is missing."""
    message = r"GET /: the view is the name 'index', but there are no views.*pass views"
    with add_route_context(web.Application()) as add_route, pytest.raises(TypeError, match=message):
        add_route("GET", "/", "index")


def test_secrets_of_a_views_object_stay_out_of_errors() -> None:
    """An error names the class of the object that has the views, and never shows its repr."""

    class Views:
        def __repr__(self) -> str:
            return "password=hunter2"

    with add_route_context(web.Application(), Views()) as add_route, pytest.raises(AttributeError) as caught:
        add_route("GET", "/", "index")
    assert re.fullmatch("GET /: the '.*Views' object has no view 'index'", str(caught.value))
    assert "hunter2" not in str(caught.value)


# Resources


async def test_resources_take_a_view_for_each_method(aiohttp_client: ClientFactory) -> None:
    """The name comes from the GET view; other methods and `*` are given by keyword; None is no view."""
    app = web.Application()
    with add_resource_context(app.router, "/api", "api") as add_resource:
        add_resource("/", get=index, name="home")
        add_resource("/projects", list_projects, post=create_project, put=None)
        nameless = add_resource("/any", **{"*": create_project}, get=index, name="any")
        posted = add_resource("/posted", post=create_project)
    assert [*app.router] == ["api.home", "api.list_projects", "api.any"]
    assert nameless is app.router["api.any"]
    assert posted.name is None
    client = await aiohttp_client(app)
    expected = {("GET", "/api/projects"): "list", ("POST", "/api/projects"): "create", ("PATCH", "/api/any"): "create"}
    for (method, url), text in expected.items():
        async with client.request(method, url) as response:
            assert (response.status, await response.text()) == (200, text)
    async with client.put("/api/projects") as response:
        assert response.status == 405


def test_a_head_view_of_a_resource_is_its_own() -> None:
    """HEAD beside GET in one resource keeps the view it was given."""
    with add_resource_context(web.Application().router) as add_resource:
        resource = add_resource("/x", index, head=list_projects)
    assert {route.method: route.handler for route in resource} == {"GET": index, "HEAD": list_projects}


def test_a_resource_needs_a_view_and_one_for_each_method() -> None:
    """No view, or two for one method, is an error."""
    with add_resource_context(web.Application().router) as add_resource:
        with pytest.raises(ValueError, match="/x has no view: pass one for at least one method"):
            add_resource("/x", get=None)
        with pytest.raises(ValueError, match="GET /x: there are two views for it"):
            add_resource("/x", index, GET=list_projects)
        with pytest.raises(ValueError, match=r"'pots' is not a method that a route can have. Did you mean 'POST'\?"):
            add_resource("/x", pots=index)


# Tables


def test_a_table_adds_its_rows() -> None:
    """Rows of three or four, in any iterable, with prefixes."""
    app = web.Application()
    rows = [("GET", "/", index), ["POST", "/projects", create_project, "create"], ("PUT", "/projects", index, None)]
    add_route_table(app, cast("Any", iter(rows[:2])), url_prefix="/api", name_prefix="api")
    assert [*app.router] == ["api.index", "api.create"]


def test_a_table_may_be_in_a_module_or_package() -> None:
    """A module's `routes`, and those of a package whose `routes` is its module."""
    module = types.ModuleType("blog.routes")
    vars(module)["routes"] = [("GET", "/", index)]
    package = types.ModuleType("blog")
    vars(package)["routes"] = module
    app = web.Application()
    add_route_table(app, module, url_prefix="/a", name_prefix="a")
    with add_route_context(app, None, "/b", "b") as add_route:
        add_route_table(add_route, package, name_prefix="blog")
    assert {name: resource.canonical for name, resource in app.router.items()} == {
        "a.index": "/a/",
        "b.blog.index": "/b/",
    }


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        (types.ModuleType("empty"), TypeError, "Module 'empty' has no table of routes: give it one under the name"),
        ("empty", TypeError, "a list of rows or a module that has one, not str"),
        ({"GET": index}, TypeError, "not dict"),
        (None, TypeError, "not NoneType"),
        ([("GET", "/")], TypeError, r"Row 0: a row is \(method, url, view\) .*, not a tuple of 2"),
        ([("GET", "/", index), web.get("/x", index)], TypeError, "Row 1: a row is .*, not RouteDef"),
        ([("GET", "/", index), ("GET", "/", list_projects)], ValueError, "Row 1: GET / .*would never be reached"),
        ([("GET", "/", "index")], TypeError, "Row 0: GET /: the view is the name 'index', but there are no views"),
        ([("GET", "/", index), ("GTE", "/x", index)], ValueError, "Row 1: /x: 'GTE' is not a method"),
    ],
)
def test_a_bad_table_says_which_row(table: Any, error: type[Exception], message: str) -> None:
    """The error names the row by its index, and no row is added."""
    app = web.Application()
    with pytest.raises(error, match=message):
        add_route_table(app, table)
    assert routes_of(app) == []


# Imports and types


def test_importing_routes_loads_no_validator_and_no_sibling() -> None:
    """The module stands alone beside aiohttp."""
    code = """
import sys, aiotoolkit.routes
public = {name for name in sys.modules if name.startswith("aiotoolkit.") and not name.startswith("aiotoolkit._")}
assert public == {"aiotoolkit.routes"}, public
assert not {"jsonschema", "jsonschema_rs", "ujson"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_functions_are_typed() -> None:
    """What the contexts yield, and what that returns, is known to a type checker and can be annotated."""

    def add_all(add_route: AddRoute, add_resource: AddResource) -> None:
        assert_type(add_route("GET", "/", index), web.AbstractRoute)
        assert_type(add_resource("/x", index, post=ProjectView), web.Resource)

    app = web.Application()
    with add_route_context(app, views) as add_route, add_resource_context(add_route, "/more", "more") as add_resource:
        assert_type(add_route, AddRoute)
        assert_type(add_resource, AddResource)
        add_all(add_route, add_resource)
    assert [*app.router] == ["index", "more.index"]
