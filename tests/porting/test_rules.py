"""Rules on real servers: the same requests to Flask and to aiohttp."""

import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from pytest_aiohttp import AiohttpClient

from aiotoolkit.porting.rules import (
    Converter,
    add_rule,
    add_rule_context,
    endpoint_of,
    rule_values,
    setup_rules,
    url_for,
)
from aiotoolkit.routes import url_for as url_for_route
from tests.porting.both import Both, both

with_flask = pytest.mark.extra("flask")

# rule, endpoint, options
RULES: list[tuple[str, str, dict[str, Any]]] = [
    ("/", "index", {}),
    ("/user/<name>", "by_name", {}),
    ("/user/<int:number>", "by_number", {}),
    ("/user/me", "me", {}),
    ("/slash/", "slash", {}),
    ("/deep/<name>/", "deep", {"methods": ["GET", "POST"]}),
    ("/loose/", "loose", {"strict_slashes": False}),
    ("/loose2", "loose2", {"strict_slashes": False}),
    ("/s/<name>", "s", {}),
    ("/files/<path:name>", "files", {}),
    ("/wiki/<path:name>/edit", "wiki_edit", {}),
    ("/wiki/<path:name>/", "wiki", {}),
    ("/float/<float(signed=True):x>", "float", {}),
    ("/uuid/<uuid:x>", "uuid", {}),
    ("/any/<any(a, b, 'c d'):x>", "any", {}),
    ("/list/<list:names>", "list", {}),
    ("/year/<int(fixed_digits=4):year>", "year", {}),
    ("/post", "create", {"methods": ["POST"]}),
    ("/put", "put_one", {"methods": ["PUT"]}),
    ("/put", "get_one", {"methods": ["GET"]}),
    ("/own-options", "own_options", {"methods": ["OPTIONS"]}),
    ("/all/", "all", {"defaults": {"page": 1}}),
    ("/all/page/<int:page>", "all", {}),
    ("/two", "two", {}),
    ("/two/<name>", "two", {}),
    ("/import", "admin.import", {}),
    ("/élan/<name>", "spaced name", {}),
]

PATHS = [
    "/", "//", "/user/x", "/user/3", "/user/me", "/user/007", "/user/-3", "/user/", "/user", "/slash", "/slash/",
    "/slash?a=b&c=%20d%2Fe", "/deep/x", "/deep/x/", "/deep//x/", "//deep/x", "/deep/%3Ax", "/loose", "/loose/",
    "/loose2", "/loose2/", "/s/a%2Fb", "/s/a%252Fb", "/s/%C3%A9%20%2B", "/s/%FF", "/s/a+b", "/s/;x", "/s/:@!$&'()*,=",
    "/files/a/b//c", "/files//a", "/files/a%2Fb", "/files/", "/wiki/a/b/edit", "/wiki/a", "/wiki/a/", "/wiki/a//b",
    "/float/-1.5", "/float/1", "/float/0.50", "/uuid/0d8ae3e6-4e3a-4a2f-9a63-6a2b8a1f0c11", "/uuid/1",
    "/any/a", "/any/c%20d", "/any/d", "/list/a+b+c", "/list/+", "/year/2024", "/year/24", "/year/99999", "/post",
    "/put", "/own-options", "/all", "/all/", "/all/page/1", "/all/page/1?x=1", "/all/page/2", "/two", "/two/x",
    "/import", "/%C3%A9lan/x", "/none", "/x//y", "//evil.example/", "//evil.example/..", "///evil.example/slash",
    "/deep/%5Cevil.example", "/deep/%0d%0aX:%20y", "/slash//", "/.//slash", "/user/%D9%A3",
    "/slash?", "/slash?a[]={}|^`\"<>\\", "//slash?next=//evil.example", "/user/" + "9" * 5000,
]  # fmt: skip


class ListConverter(Converter):
    """Names with plus signs between them."""

    def to_python(self, text: str) -> list[str]:
        return text.split("+")

    def to_url(self, value: list[str]) -> str:
        return "+".join(Converter.to_url(self, single) for single in value)


def view(name: str) -> Callable[[web.Request], Any]:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=f"{endpoint_of(request)} {sorted(rule_values(request).items())!r}")

    handler.__name__ = name
    return handler


def make_app() -> web.Application:
    app = web.Application()
    setup_rules(app, converters={"list": ListConverter})
    views = {endpoint: view(endpoint) for _, endpoint, _ in RULES}
    for rule, endpoint, options in RULES:
        add_rule(app, rule, views[endpoint], endpoint=endpoint, **options)
    return app


def make_flask() -> Any:
    from flask import Flask, request
    from werkzeug.routing import BaseConverter

    class FlaskList(BaseConverter):
        def to_python(self, value: str) -> list[str]:
            return value.split("+")

        def to_url(self, value: list[str]) -> str:
            return "+".join(BaseConverter.to_url(self, single) for single in value)

    def flask_view(**values: Any) -> Any:
        return f"{request.endpoint} {sorted(values.items())!r}"

    flask_app = Flask(__name__, static_folder=None)
    flask_app.url_map.converters["list"] = FlaskList
    for rule, endpoint, options in RULES:
        # Flask refuses dots in an endpoint outside of a blueprint by a check of this method only.
        if endpoint not in flask_app.view_functions:
            flask_app.view_functions[endpoint] = flask_view
        flask_app.url_map.add(
            flask_app.url_rule_class(
                rule,
                endpoint=endpoint,
                methods={*options.get("methods", ["GET"]), "OPTIONS"},
                defaults=options.get("defaults"),
                strict_slashes=options.get("strict_slashes"),
            )
        )
        # What Flask.add_url_rule sets.
        for each in flask_app.url_map.iter_rules(endpoint):
            each.provide_automatic_options = endpoint != "own_options"  # type: ignore[attr-defined]
    return flask_app


@pytest_asyncio.fixture
async def servers() -> AsyncIterator[Both]:
    async with both(make_flask(), make_app()) as made:
        yield made


@with_flask
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE"])
async def test_every_path_is_answered_as_flask_does(servers: Both, method: str) -> None:
    """Endpoint, values, redirect with its query, 404, and 405 with its methods are those of Flask."""
    for path in PATHS:
        flask, ours = await servers.send(method, path)
        assert (ours.status, ours.location, ours.allow) == (flask.status, flask.location, flask.allow), path
        if flask.status == 200:
            assert ours.body == flask.body, path


@pytest.mark.parametrize("path", [path for path in PATHS if "evil" in path or "%0d" in path])
async def test_no_redirect_leaves_the_host(path: str, aiohttp_client: AiohttpClient) -> None:
    """A redirect's Location is a path of the same host, whatever the request's path looks like."""
    from tests.porting.both import send
    from tests.raw import served

    async with served(make_app()) as server:
        answer = await send(server, "GET", path)
    if answer.status == 308:
        location = answer.headers["Location"]
        assert location.startswith("/")
        assert location[1:2] not in ("/", "\\")
    else:
        assert answer.status in (200, 404)


URLS: list[tuple[str, dict[str, Any]]] = [
    ("index", {}),
    ("by_name", {"name": "a/b c"}),
    ("by_name", {"name": "é?#&+"}),
    ("by_number", {"number": 3}),
    ("by_number", {"number": "3"}),
    ("by_number", {"number": 3, "page": 2, "tag": ["a b", "ü&"], "nothing": None}),
    ("slash", {"_anchor": "a b"}),
    ("files", {"name": "/evil.example/x"}),
    ("float", {"x": 1}),
    ("uuid", {"x": uuid.UUID(int=3)}),
    ("any", {"x": "c d"}),
    ("list", {"names": ["a", "b/c"]}),
    ("year", {"year": 24}),
    ("all", {}),
    ("all", {"page": 1}),
    ("all", {"page": 2}),
    ("two", {}),
    ("two", {"name": "x"}),
    ("two", {"other": "x"}),
    ("admin.import", {}),
    ("spaced name", {"name": "x"}),
]
BAD_URLS: list[tuple[str, dict[str, Any]]] = [
    ("none", {}),
    ("by_name", {}),
    ("by_name", {"name": None}),
    ("by_number", {"number": "x"}),
    ("any", {"x": "d"}),
    ("all", {"_method": "POST"}),
]


@with_flask
@pytest.mark.parametrize(("endpoint", "values"), URLS)
async def test_url_for_as_in_flask(endpoint: str, values: dict[str, Any]) -> None:
    """The URL of an endpoint is Flask's, and its own rule answers it."""
    import flask

    with make_flask().test_request_context():
        expected = flask.url_for(endpoint, **values)
    assert url_for(make_app(), endpoint, **values) == expected


@with_flask
@pytest.mark.parametrize(("endpoint", "values"), BAD_URLS)
async def test_url_for_refuses_what_flask_does(endpoint: str, values: dict[str, Any]) -> None:
    """An unknown endpoint, a missing or a bad value is an error in both."""
    import flask

    with make_flask().test_request_context(), pytest.raises((LookupError, ValueError)):
        flask.url_for(endpoint, **values)
    with pytest.raises((LookupError, ValueError)):
        url_for(make_app(), endpoint, **values)


async def test_url_for_in_a_request(aiohttp_client: AiohttpClient) -> None:
    """A relative endpoint is one of the request's blueprint; an external URL has the request's scheme and host."""

    async def index(request: web.Request) -> web.Response:
        urls = [url_for(request, ".other", n=1), url_for(request, "blog.admin.index", _external=True)]
        return web.json_response([*urls, url_for(request, "blog.admin.other", _scheme="https")])

    app = web.Application()
    with add_rule_context(app, "/blog/", "blog.admin") as rule:
        rule("/", index)
        rule("/other", view("other"))
    client = await aiohttp_client(app)
    async with client.get("/blog/", headers={"Host": "host.example:80"}) as response:
        assert await response.json() == [
            "/blog/other?n=1",
            "http://host.example:80/blog/",
            "https://host.example:80/blog/other",
        ]
    async with client.get("/blog/", headers={"Host": "evil/\\example"}) as response:
        assert response.status == 400


async def test_url_for_needs_what_it_needs() -> None:
    """A relative endpoint and an external URL without a request say so."""
    app = make_app()
    with pytest.raises(LookupError, match="blueprint"):
        url_for(app, ".index")
    with pytest.raises(TypeError, match="request"):
        url_for(app, "index", _external=True)


async def test_other_routes_of_the_application(aiohttp_client: AiohttpClient) -> None:
    """`url_for` finds routes that are no rules, and `aiotoolkit.routes.url_for` finds rules."""
    app = make_app()
    app.router.add_get("/native/{name}", view("native"), name="native")
    assert url_for(app, "native", name="x") == "/native/x"
    assert str(url_for_route(app, "by_number", number=3)) == "/user/3"
    assert str(url_for_route(app, "index")) == "/"
    assert str(url_for_route(app, "files", name="a/b c")) == "/files/a/b%20c"
    client = await aiohttp_client(app)
    async with client.get("/native/x") as response:
        assert response.status == 200


async def test_rules_are_on_the_router() -> None:
    """Each rule is a resource with a path and methods; the names that aiohttp takes are the router's."""
    app = make_app()
    by_path = {resource.canonical: resource for resource in app.router.resources()}
    assert sorted(route.method for route in by_path["/deep/{name}/"]) == ["GET", "HEAD", "OPTIONS", "POST"]
    assert by_path["/user/{number}"].get_info()["pattern"].fullmatch("/user/3")
    assert app.router["by_number"].canonical == "/user/{number}"
    assert "admin.import" not in app.router
    assert str(app.router["by_number"].url_for(number="3")) == "/user/3"


async def test_blueprints_without_a_prefix_or_with_the_same(aiohttp_client: AiohttpClient) -> None:
    """Two contexts share a prefix, or have none: all rules answer, with names of their own."""
    app = web.Application()
    for name, prefix in (("a", None), ("b", "/p"), ("c", "/p")):
        with add_rule_context(app, prefix, name) as rule:
            rule(f"/{name}", view("show"))
    client = await aiohttp_client(app)
    for path, endpoint in (("/a", "a.show"), ("/p/b", "b.show"), ("/p/c", "c.show")):
        async with client.get(path) as response:
            assert (await response.text()).startswith(endpoint)


async def test_below_a_sub_application(aiohttp_client: AiohttpClient) -> None:
    """Rules of a sub-application move below its prefix, at any depth, with their redirects and URLs."""
    app, middle, inner = web.Application(), web.Application(), web.Application()
    add_rule(inner, "/", view("index"))
    add_rule(inner, "/x/<int:n>/", view("x"))
    middle.add_subapp("/inner", inner)
    app.add_subapp("/middle", middle)
    client = await aiohttp_client(app)
    for path, status in (("/middle/inner/x/3/", 200), ("/middle/inner/x/a/", 404), ("/middle/inner/", 200)):
        async with client.get(path) as response:
            assert response.status == status
    for path in ("/middle/inner", "/middle/inner/x/3"):
        async with client.get(path, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (308, f"{path}/")
    assert url_for(inner, "x", n=3) == "/middle/inner/x/3/"


async def test_class_based_views(aiohttp_client: AiohttpClient) -> None:
    """A `web.View` has the methods that it defines; HEAD is answered by get."""

    class Item(web.View):
        async def get(self) -> web.Response:
            return web.Response(text=str(rule_values(self.request)["n"] + 1))

        async def delete(self) -> web.Response:
            return web.Response(status=204)

    app = web.Application()
    add_rule(app, "/<int:n>", Item)
    client = await aiohttp_client(app)
    async with client.get("/3") as response:
        assert await response.text() == "4"
    for method, status in (("HEAD", 200), ("DELETE", 204), ("POST", 405)):
        async with client.request(method, "/3") as response:
            assert response.status == status
    async with client.options("/3") as response:
        assert response.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS"


async def test_middlewares_see_redirects_and_matches(aiohttp_client: AiohttpClient) -> None:
    """A redirect passes the middlewares as an exception; a 404 has no endpoint."""
    seen: list[tuple[str, str | None]] = []

    @web.middleware
    async def watch(request: web.Request, handler: Any) -> Any:
        try:
            return await handler(request)
        except web.HTTPException as error:
            seen.append((type(error).__name__, endpoint_of(request)))
            raise

    app = make_app()
    app.middlewares.append(watch)
    client = await aiohttp_client(app)
    for path in ("/slash", "/none", "/post"):
        async with client.get(path, allow_redirects=False):
            pass
    assert seen == [("HTTPPermanentRedirect", None), ("HTTPNotFound", None), ("HTTPMethodNotAllowed", None)]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("x", "slash"),
        ("/<int:x", "cannot be read"),
        ("/<x>/<x>", "twice"),
        ("/<nothing:x>", "unknown converter"),
        ("/<int(size=1):x>", "size"),
        ("/<int(-):x>", "converter argument"),
    ],
)
async def test_wrong_rules_are_refused(rule: str, reason: str) -> None:
    """A rule that cannot be read says why, and nothing is added."""
    app = web.Application()
    with pytest.raises(ValueError, match=reason):
        add_rule(app, rule, view("x"))
    assert list(app.router) == []


async def test_wrong_arguments_are_refused() -> None:
    """What Flask or aiohttp would trip over later is an error where it is written."""
    app = web.Application()
    add_rule(app, "/a", view("a"))
    with pytest.raises(ValueError, match="another view"):
        add_rule(app, "/b", view("a"))
    with pytest.raises(TypeError, match="async def"):
        add_rule(app, "/c", lambda request: web.Response(), endpoint="c")  # type: ignore[arg-type,return-value]
    with pytest.raises(TypeError, match="list of methods"):
        add_rule(app, "/d", view("d"), methods="GET")
    with pytest.raises(ValueError, match="default"):
        add_rule(app, "/e/<int:n>", view("e"), defaults={"n": "x"})
    with pytest.raises(TypeError, match="Converter"):
        setup_rules(web.Application(), converters={"x": object})  # type: ignore[dict-item]
    with pytest.raises(RuntimeError, match="before the first"):
        setup_rules(app)
    with pytest.raises(TypeError, match=r"web\.Application"):
        add_rule(app.router, "/f", view("f"))  # type: ignore[arg-type]
