"""Components: registration, discovery, names and URLs, and the order of what surrounds their routes."""

import logging
import sys
import textwrap
from abc import ABCMeta
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from pytest_aiohttp import AiohttpClient

from aiotoolkit.components import Component, ComponentError, setup_components, setup_templates, static_url, url_for
from aiotoolkit.middlewares import setup_errors
from aiotoolkit.problems import Problem
from aiotoolkit.routes import add_route_table
from tests.packages import Packages

HELLO = textwrap.dedent("""
    from aiohttp import web
    from aiotoolkit.components import url_for

    async def index(request):
        route = request.match_info.route.resource.name
        return web.json_response({"route": route, "url": str(url_for(request, ".index"))})

    async def fail(request):
        raise getattr(web, request.match_info["name"], RuntimeError)

    routes = [("GET", "/", index, "index"), ("GET", "/fail/{name}", fail, "fail")]
""")


@pytest.fixture
def hello(packages: Packages) -> str:
    """The name of a package with two routes."""
    packages.write({"hello/routes.py": HELLO})
    return f"{packages.name}.hello"


async def get(client: Any, path: str) -> tuple[int, Any]:
    async with client.get(path) as response:
        is_json = response.content_type.endswith("json")
        return response.status, await (response.json() if is_json else response.text())


# Names and URLs


async def test_routes_are_on_the_application_itself(hello: str, aiohttp_client: AiohttpClient) -> None:
    """A component's routes are named ``name.route`` on the application's own router, and answer below its prefix."""
    app = web.Application()
    Component("blog", hello, url_prefix="/blog").register(app)
    assert list(app.router) == ["blog.index", "blog.fail"]
    client = await aiohttp_client(app)
    assert await get(client, "/blog/") == (200, {"route": "blog.index", "url": "/blog/"})


async def test_a_package_may_be_a_module(hello: str) -> None:
    """The package is given as a module as well as by its name."""
    module = __import__(hello, fromlist=["routes"])
    app = web.Application()
    Component("blog", module).register(app)
    assert app.router["blog.index"].canonical == "/"


async def test_one_package_under_two_names(hello: str, aiohttp_client: AiohttpClient) -> None:
    """The same package twice is two components, whose relative names mean their own routes."""
    app = web.Application()
    Component("blog", hello, url_prefix="/blog").register(app)
    Component("news", hello, url_prefix="/news").register(app)
    client = await aiohttp_client(app)
    assert (await get(client, "/blog/"))[1]["url"] == "/blog/"
    assert (await get(client, "/news/"))[1]["url"] == "/news/"


async def test_two_components_share_a_prefix(packages: Packages, hello: str, aiohttp_client: AiohttpClient) -> None:
    """Two components below one prefix both answer, which two sub-applications do not."""
    packages.write({"other/routes.py": HELLO.replace('"/"', '"/other"')})
    app = web.Application()
    Component("blog", hello, url_prefix="/x").register(app)
    Component("other", f"{packages.name}.other", url_prefix="/x/fail-no-more").register(app)
    Component("third", f"{packages.name}.other", url_prefix="/x/").register(web.Application())
    client = await aiohttp_client(app)
    assert (await get(client, "/x/"))[0] == 200
    assert (await get(client, "/x/fail-no-more/other"))[0] == 200


async def test_components_nest(hello: str, aiohttp_client: AiohttpClient) -> None:
    """The names and prefixes of a component inside another one go on from the outer ones."""
    inner = Component("comments", hello, url_prefix="/comments")
    app = web.Application()
    Component("blog", hello, url_prefix="/blog", components=[inner]).register(app)
    client = await aiohttp_client(app)
    expected = {"route": "blog.comments.index", "url": "/blog/comments/"}
    assert await get(client, "/blog/comments/") == (200, expected)
    assert (await get(client, "/blog/"))[1]["url"] == "/blog/"


@pytest.mark.parametrize("path", ["/blog/nothing", "/blog", "/nothing"])
async def test_unknown_urls_reach_the_application(hello: str, path: str, aiohttp_client: AiohttpClient) -> None:
    """A URL that no route has is the application's 404, below a component's prefix too."""
    app = web.Application()

    async def not_found(request: web.Request, error: Exception) -> web.Response:
        return web.Response(status=404, text="the application's")

    async def never(request: web.Request, error: Exception) -> web.Response:
        raise AssertionError

    setup_errors(app, {404: not_found})
    Component("blog", hello, url_prefix="/blog", error_handlers={404: never}).register(app)
    assert await get(await aiohttp_client(app), path) == (404, "the application's")


async def test_wrong_methods_reach_the_application(hello: str, aiohttp_client: AiohttpClient) -> None:
    """A method that a component's URL does not have is 405 with what it allows."""
    app = web.Application()
    Component("blog", hello).register(app)
    async with (await aiohttp_client(app)).post("/") as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD")


async def test_routes_by_function(packages: Packages, aiohttp_client: AiohttpClient) -> None:
    """A ``setup_routes`` function may add routes in blocks of its own."""
    packages.write(
        {
            "blog/views.py": "from aiohttp import web\nasync def index(request): return web.Response(text='index')",
            "blog/routes.py": """
            from aiotoolkit.routes import add_route_context
            from . import views

            def setup_routes(add_route):
                with add_route_context(add_route, views, "/v1", "v1") as add_route_v1:
                    add_route_v1("GET", "/", "index")
        """,
        }
    )
    app = web.Application()
    Component("blog", f"{packages.name}.blog", url_prefix="/blog").register(app)
    assert list(app.router) == ["blog.v1.index"]
    assert await get(await aiohttp_client(app), "/blog/v1/") == (200, "index")


async def test_a_component_without_routes(packages: Packages) -> None:
    """A package of files alone is a component, too."""
    packages.write({"theme/__init__.py": "", "theme/static/site.css": "a{}"})
    app = web.Application()
    Component("theme", f"{packages.name}.theme").register(app)
    assert list(app.router) == []
    assert static_url(app, "theme:site.css").startswith("/static/theme/site.css?v=")


async def test_relative_names_need_a_component(hello: str, aiohttp_client: AiohttpClient) -> None:
    """A relative name outside of a component, or without a request, is an error that says so."""
    app = web.Application()

    async def view(request: web.Request) -> web.Response:
        with pytest.raises(LookupError, match="no component answers this request"):
            url_for(request, ".index")
        return web.Response(text=str(url_for(request, "blog.index")))

    app.router.add_get("/outside", view)
    Component("blog", hello, url_prefix="/blog").register(app)
    with pytest.raises(LookupError, match="pass the request"):
        url_for(app, ".index")
    assert await get(await aiohttp_client(app), "/outside") == (200, "/blog/")


async def test_relative_names_without_components() -> None:
    """Where there are no components at all, the error says how to get one."""
    with pytest.raises(RuntimeError, match="setup_components"):
        url_for(web.Application(), ".index")


async def test_below_a_sub_application(packages: Packages, hello: str, aiohttp_client: AiohttpClient) -> None:
    """A component on an application that is mounted below a prefix has that prefix in all its URLs."""
    packages.write({"hello/static/a.css": "a{}"})
    inner, app = web.Application(), web.Application()
    Component("blog", hello, url_prefix="/blog").register(inner)
    app.add_subapp("/mounted", inner)
    client = await aiohttp_client(app)
    assert (await get(client, "/mounted/blog/"))[1]["url"] == "/mounted/blog/"
    assert await get(client, static_url(inner, "blog:a.css")) == (200, "a{}")
    assert static_url(inner, "blog:a.css").startswith("/mounted/static/blog/a.css?v=")


# What is wrong


@pytest.mark.parametrize(
    ("files", "text", "cause"),
    [
        ({"blog/routes.py": "import nothing_of_that_name"}, "blog.routes cannot be imported", ModuleNotFoundError),
        ({"blog/routes.py": "1 +"}, "blog.routes cannot be imported", SyntaxError),
        ({"blog/__init__.py": "1 / 0", "blog/routes.py": ""}, "blog cannot be imported", ZeroDivisionError),
        ({"blog/routes.py": ""}, "Component 'blog'.*no table of routes", TypeError),
        ({"blog/routes.py": "routes = [('GET', '/')]"}, "Component 'blog'.*Row 0", TypeError),
        ({"blog/routes.py": "routes = [('GET', '/', print)]"}, "Component 'blog'.*Row 0", TypeError),
        ({"blog/routes.py": "def setup_routes(add_route): raise OSError('disk')"}, "Component 'blog'.*disk", OSError),
        ({"blog/routes.py": HELLO + "\nroutes = routes * 2"}, "Component 'blog'.*never be reached", ValueError),
    ],
)
async def test_a_broken_component(packages: Packages, files: dict[str, str], text: str, cause: type) -> None:
    """An error names the package that cannot be loaded, has the cause, and leaves nothing half registered."""
    packages.write({"about/routes.py": HELLO, "about/static/a.css": "", **files})
    app = web.Application()
    with pytest.raises(ComponentError, match=f"(?s){text}") as caught:
        setup_components(app, packages.name)
    assert packages.name in str(caught.value)
    assert isinstance(caught.value.__cause__, cause)
    assert (list(app.router), list(app.router.resources())) == ([], [])
    with pytest.raises((LookupError, RuntimeError), match="no component"):
        static_url(app, "about:a.css")


async def test_a_broken_setup_registers_nothing(hello: str) -> None:
    """When a ``setup`` function fails, no route of any component is registered."""

    def setup(app: web.Application) -> None:
        raise KeyError("DATABASE")

    app = web.Application()
    with pytest.raises(ComponentError, match=r"setup of component 'blog'.*DATABASE") as caught:
        Component("blog", hello, setup=setup).register(app)
    assert isinstance(caught.value.__cause__, KeyError)
    assert list(app.router) == []


async def test_a_setup_that_takes_a_name(hello: str) -> None:
    """A route that a ``setup`` function adds and the component has, too, is an error that names the component."""

    async def other(request: web.Request) -> web.Response:
        raise AssertionError

    def setup(app: web.Application) -> None:
        app.router.add_get("/x", other, name="blog.index")

    with pytest.raises(ComponentError, match=r"'blog'.*taken"):
        Component("blog", hello, setup=setup).register(web.Application())


async def test_a_name_twice(hello: str) -> None:
    """A second component of the same name is an error, in the same application only."""
    app = web.Application()
    Component("blog", hello).register(app)
    with pytest.raises(ComponentError, match=r"'blog'.*already"):
        Component("blog", hello, url_prefix="/other").register(app)
    Component("blog", hello).register(web.Application())


async def test_after_the_start(hello: str, aiohttp_client: AiohttpClient) -> None:
    """An application that runs takes no more components."""
    app = web.Application()
    await aiohttp_client(app)
    with pytest.raises(RuntimeError, match="before the application starts"):
        Component("blog", hello).register(app)


@pytest.mark.parametrize("name", ["", "a.b", "a b", "import", "1a", "../x", "a:b"])
def test_names(name: str) -> None:
    """A component's name is an identifier: it is part of route names, folders and URLs."""
    with pytest.raises(ValueError, match="cannot be the name"):
        Component(name, "package")


@pytest.mark.parametrize(
    "options",
    [
        {"middlewares": [print]},
        {"context_processors": [lambda request: {}]},
        {"error_handlers": {404: print}},
        {"error_handlers": {"404": print}},
        {"error_handlers": {200: print}},
    ],
)
def test_options_are_checked_where_they_are_written(options: dict[str, Any]) -> None:
    """What is no async function, or handles no error, is refused by the constructor."""
    with pytest.raises((TypeError, ValueError)):
        Component("blog", "package", **options)


def test_a_module_is_no_package() -> None:
    """A module without a folder is no component."""
    with pytest.raises(ComponentError, match=r"json\.decoder is a module"):
        Component("json", "json.decoder").register(web.Application())


def test_no_application() -> None:
    """What is no application is refused by its type."""
    with pytest.raises(TypeError, match="not on dict"):
        Component("blog", "json").register({})  # type: ignore[arg-type]  # the mistake


def test_repr() -> None:
    """A component shows its name and its package."""
    assert repr(Component("blog", "a.blog")) == "Component('blog', 'a.blog')"
    assert repr(Component("blog", ModuleType("x"))) == "Component('blog', 'x')"


def test_templates_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without aiohttp-jinja2, setting up templates says what to install."""
    monkeypatch.setitem(sys.modules, "aiohttp_jinja2", None)
    monkeypatch.delitem(sys.modules, "aiotoolkit._templates", raising=False)
    with pytest.raises(ImportError, match=r'pip install "aiotoolkit\[jinja\]"'):
        setup_templates(web.Application())


# Discovery


async def test_discovery_is_alphabetical(packages: Packages) -> None:
    """Sub-packages with routes become components below ``/name``; others do not."""
    packages.write(
        {
            **{f"{name}/routes.py": HELLO for name in ("zebra", "blog", "_draft")},
            "templates/base.html": "",
            "helpers/__init__.py": "",
            "plain.py": "routes = 1",
        }
    )
    app = web.Application()
    setup_components(app, packages.name)
    assert list(app.router) == ["blog.index", "blog.fail", "zebra.index", "zebra.fail"]
    assert app.router["zebra.index"].canonical == "/zebra/"


async def test_discovery_in_a_stated_order(packages: Packages) -> None:
    """Those in ``component_order`` come first; the others follow alphabetically."""
    packages.write(
        {
            "__init__.py": "component_order = ['c', 'b']",
            **{f"{name}/routes.py": HELLO for name in "abcd"},
        }
    )
    app = web.Application()
    setup_components(app, packages.name)
    assert [name for name in app.router if name.endswith("index")] == ["c.index", "b.index", "a.index", "d.index"]


async def test_discovery_of_an_unknown_order(packages: Packages) -> None:
    """An order that names no component is an error."""
    packages.write({"__init__.py": "component_order = ['blgo']", "blog/routes.py": HELLO})
    with pytest.raises(ComponentError, match=r"component_order.*'blgo'"):
        setup_components(web.Application(), packages.name)


async def test_discovery_of_a_customised_component(packages: Packages) -> None:
    """A sub-package's own ``component`` is taken as it is."""
    packages.write(
        {
            "pages/__init__.py": "from aiotoolkit.components import Component\ncomponent = Component('site', __name__)",
            "pages/routes.py": HELLO,
        }
    )
    app = web.Application()
    setup_components(app, packages.name)
    assert app.router["site.index"].canonical == "/"


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({}, "has no component"),
        ({"blog/__init__.py": "component = 1"}, "is no Component"),
        ({"import/routes.py": HELLO}, "'import' cannot be the name"),
    ],
)
async def test_discovery_of_nothing(packages: Packages, files: dict[str, str], text: str) -> None:
    """A package without components, or with what cannot be one, is an error."""
    packages.write(files)
    with pytest.raises(ComponentError, match=text):
        setup_components(web.Application(), packages.name)


async def test_discovery_of_a_package_that_does_not_exist() -> None:
    """A package that cannot be imported is named, with the cause."""
    with pytest.raises(ComponentError, match=r"nothing\.like\.it cannot be imported") as caught:
        setup_components(web.Application(), "nothing.like.it")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


# Middlewares, error handlers, clean-up


def recording(name: str, log: list[str]) -> Any:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        log.append(f"{name} in")
        try:
            return await handler(request)
        finally:
            log.append(f"{name} out")

    return middleware


async def test_the_order_around_a_view(hello: str, aiohttp_client: AiohttpClient) -> None:
    """The application's middlewares, the outer component's, the inner one's; the first one is outermost."""
    log: list[str] = []
    app = web.Application(middlewares=[recording("app", log)])
    inner = Component("inner", hello, url_prefix="/inner", middlewares=[recording("c", log), recording("d", log)])
    outer = Component("outer", hello, middlewares=[recording("a", log), recording("b", log)], components=[inner])
    outer.register(app)
    client = await aiohttp_client(app)
    assert (await get(client, "/inner/"))[0] == 200
    assert log == [f"{name} in" for name in ("app", *"abcd")] + [f"{name} out" for name in (*"dcba", "app")]
    log.clear()
    await get(client, "/")
    assert log == ["app in", "a in", "b in", "b out", "a out", "app out"]


async def test_routes_outside_keep_their_handlers(hello: str, aiohttp_client: AiohttpClient) -> None:
    """A middleware of a component is never called for a route of another one, nor for a static file."""
    log: list[str] = []
    app = web.Application()
    Component("plain", hello, url_prefix="/plain").register(app)
    plain = {route.handler for route in app.router["plain.index"]}
    Component("blog", hello, url_prefix="/blog", middlewares=[recording("blog", log)]).register(app)
    client = await aiohttp_client(app)
    await get(client, "/plain/")
    await get(client, "/blog/nothing")
    assert log == []
    # The very view, with nothing around it: what is not asked for costs nothing.
    assert {handler.__name__ for handler in plain} == {"index"}
    assert not any(hasattr(handler, "__wrapped__") for handler in plain)


async def test_middlewares_of_every_kind(packages: Packages, aiohttp_client: AiohttpClient) -> None:
    """An object with an async ``__call__`` is a middleware, and a `web.View` stands behind one."""

    class Adding:
        async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
            response = await handler(request)
            response.headers["X-Added"] = "yes"
            return response

    packages.write(
        {
            "blog/routes.py": """
            from aiohttp import web

            class Item(web.View):
                mark = "kept"

                async def get(self):
                    return web.Response(text="got")

                async def post(self):
                    return web.Response(text="posted")

            async def marked(request):
                return web.Response(text="marked")

            marked.mark = "kept"
            routes = [("GET", "/", Item, "item"), ("POST", "/", Item, "item"), ("GET", "/marked", marked)]
        """
        }
    )
    app = web.Application()
    Component("plain", f"{packages.name}.blog", url_prefix="/plain").register(app)
    assert {type(route.handler) for route in app.router["plain.item"]} == {ABCMeta}  # the view as it is
    Component("blog", f"{packages.name}.blog", middlewares=[Adding()]).register(app)
    (route, *_) = app.router["blog.marked"]
    assert getattr(route.handler, "mark", None) == "kept"
    client = await aiohttp_client(app)
    async with client.get("/") as got, client.post("/") as posted, client.head("/") as head:
        assert (await got.text(), await posted.text(), head.status) == ("got", "posted", 405)
        assert got.headers["X-Added"] == posted.headers["X-Added"] == "yes"


async def test_error_handlers_fall_back(hello: str, aiohttp_client: AiohttpClient) -> None:
    """An error goes to the inner component's handler, else to the outer one's, else to the application's."""

    def answering(text: str) -> Any:
        async def handler(request: web.Request, error: Exception) -> web.Response:
            return web.Response(status=getattr(error, "status", 500), text=text)

        return handler

    app = web.Application()
    setup_errors(app, {404: answering("app"), 403: answering("app"), 410: answering("app")})
    inner = Component("inner", hello, url_prefix="/inner", error_handlers={404: answering("inner")})
    handlers: dict[int | type[Exception], Any] = {404: answering("outer"), web.HTTPForbidden: answering("outer")}
    Component("outer", hello, error_handlers=handlers, components=[inner]).register(app)
    Component("other", hello, url_prefix="/other").register(app)
    client = await aiohttp_client(app)
    assert await get(client, "/inner/fail/HTTPNotFound") == (404, "inner")
    assert await get(client, "/inner/fail/HTTPForbidden") == (403, "outer")
    assert await get(client, "/inner/fail/HTTPGone") == (410, "app")
    assert await get(client, "/fail/HTTPNotFound") == (404, "outer")
    assert await get(client, "/other/fail/HTTPNotFound") == (404, "app")
    assert (await get(client, "/inner/fail/HTTPConflict"))[1]["status"] == 409


async def test_error_handlers_see_what_middlewares_raise(hello: str, aiohttp_client: AiohttpClient) -> None:
    """A component's error handlers stand outside of its middlewares."""

    @web.middleware
    async def refusing(request: web.Request, handler: Handler) -> web.StreamResponse:
        raise web.HTTPUnauthorized

    async def unauthorized(request: web.Request, error: Exception) -> web.Response:
        return web.Response(status=401, text="log in")

    app = web.Application()
    Component("blog", hello, middlewares=[refusing], error_handlers={401: unauthorized}).register(app)
    assert await get(await aiohttp_client(app), "/") == (401, "log in")


async def test_redirects_pass_error_handlers(hello: str, aiohttp_client: AiohttpClient) -> None:
    """A redirect is no error, even where there is a handler for every one."""

    async def every(request: web.Request, error: Exception) -> web.Response:
        return web.Response(status=418)

    @web.middleware
    async def redirecting(request: web.Request, handler: Handler) -> web.StreamResponse:
        raise web.HTTPFound("/elsewhere")

    app = web.Application()
    Component("blog", hello, middlewares=[redirecting], error_handlers=every).register(app)
    Component("other", hello, url_prefix="/other", error_handlers=every).register(app)
    client = await aiohttp_client(app)
    async with client.get("/", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (302, "/elsewhere")
    assert (await get(client, "/other/fail/HTTPNotFound"))[0] == 418


async def test_a_handler_for_500(hello: str, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture) -> None:
    """A handler for 500 gets the original exception, which is logged once."""
    errors: list[Exception] = []

    async def broken(request: web.Request, error: Exception) -> web.Response:
        errors.append(error)
        return web.Response(status=500, text="sorry")

    app = web.Application()
    setup_errors(app)
    Component("blog", hello, error_handlers={500: broken}).register(app)
    client = await aiohttp_client(app)
    with caplog.at_level(logging.ERROR):
        assert await get(client, "/fail/RuntimeError") == (500, "sorry")
    assert [type(error) for error in errors] == [RuntimeError]
    assert [record.message for record in caplog.records] == ["Unhandled exception in GET /fail/RuntimeError"]


async def test_a_handler_may_raise(hello: str, aiohttp_client: AiohttpClient) -> None:
    """What an error handler raises goes on to the outer handlers."""

    async def converting(request: web.Request, error: Exception) -> web.Response:
        raise Problem(409, "taken") from error

    async def conflict(request: web.Request, error: Exception) -> web.Response:
        return web.Response(status=409, text="outer")

    inner = Component("inner", hello, url_prefix="/inner", error_handlers={RuntimeError: converting})
    app = web.Application()
    setup_errors(app)
    Component("outer", hello, error_handlers={409: conflict}, components=[inner]).register(app)
    assert await get(await aiohttp_client(app), "/inner/fail/RuntimeError") == (409, "outer")


async def test_a_returned_exception_is_an_error(packages: Packages, aiohttp_client: AiohttpClient) -> None:
    """An HTTP exception that a view returns means what it means when it is raised."""
    packages.write(
        {
            "blog/routes.py": """
            from aiohttp import web

            async def missing(request):
                return web.HTTPNotFound()

            routes = [("GET", "/", missing)]
        """
        }
    )

    async def not_found(request: web.Request, error: Exception) -> web.Response:
        return web.Response(status=404, text="handled")

    app = web.Application()
    setup_errors(app)
    Component("blog", f"{packages.name}.blog", error_handlers={404: not_found}).register(app)
    assert await get(await aiohttp_client(app), "/") == (404, "handled")


async def test_no_handler_after_the_response_has_started(packages: Packages, aiohttp_client: AiohttpClient) -> None:
    """An error in the middle of a stream calls no handler: its answer would be written into the stream."""
    packages.write(
        {
            "blog/routes.py": """
            from aiohttp import web

            async def stream(request):
                response = web.StreamResponse()
                await response.prepare(request)
                raise RuntimeError

            routes = [("GET", "/", stream)]
        """
        }
    )
    called: list[Exception] = []

    async def broken(request: web.Request, error: Exception) -> web.Response:
        called.append(error)
        return web.Response(status=500)

    app = web.Application()
    setup_errors(app)
    Component("blog", f"{packages.name}.blog", error_handlers={500: broken}).register(app)
    client = await aiohttp_client(app)
    with pytest.raises(Exception, match=r"disconnected|payload|closed"):
        await get(client, "/")
    assert called == []


async def test_setup_and_clean_up(hello: str, aiohttp_client: AiohttpClient) -> None:
    """Set-up functions run at registration, contexts at the start: outer before inner, and back in reverse."""
    log: list[str] = []

    def component(name: str, *components: Component) -> Component:
        async def context(app: web.Application) -> AsyncIterator[None]:
            log.append(f"{name} starts")
            yield
            log.append(f"{name} stops")

        def setup(app: web.Application) -> None:
            log.append(f"{name} set up")

        return Component(name, hello, url_prefix=f"/{name}", cleanup_ctx=[context], setup=setup, components=components)

    app = web.Application()
    component("outer", component("inner")).register(app)
    component("last").register(app)
    assert log == ["outer set up", "inner set up", "last set up"]
    log.clear()
    client = await aiohttp_client(app)
    await client.close()
    assert log == [f"{name} starts" for name in ("outer", "inner", "last")] + [
        f"{name} stops" for name in ("last", "inner", "outer")
    ]


async def test_routes_by_hand_and_by_component_are_the_same(hello: str) -> None:
    """What is on the router is what `add_route_table` would have put there."""
    by_hand, by_component = web.Application(), web.Application()
    Component("blog", hello, url_prefix="/blog").register(by_component)
    add_route_table(by_hand, __import__(hello, fromlist=["routes"]).routes, url_prefix="/blog", name_prefix="blog")

    def described(app: web.Application) -> list[Any]:
        return [(type(r), r.canonical, r.name, [(t.method, t.handler) for t in r]) for r in app.router.resources()]

    assert described(by_hand) == described(by_component)
