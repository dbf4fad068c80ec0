"""URLs made from the names of routes, followed back through a real server."""

import asyncio
import enum
import gc
import weakref
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, assert_type
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import MultiDict
from yarl import URL

from aiotoolkit.routes import add_route_context, url_for

Client = TestClient[web.Request, web.Application]
ClientFactory = Callable[[web.Application], Awaitable[Client]]


async def show_match(request: web.Request) -> web.Response:
    """What the server saw: the route's name and its parts."""
    return web.json_response({"name": request.match_info.route.name, "parts": dict(request.match_info)})


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Text(enum.StrEnum):
    SLASHED = "a/b"


class BytesPath:
    def __fspath__(self) -> bytes:
        return b"x"


def create_app() -> web.Application:
    app = web.Application()
    with add_route_context(app, None, "/api", "api") as add_route:
        add_route("GET", "/", show_match, "index")
        add_route("GET", r"/project/{project_id:\d+}", show_match, "project")
        add_route("GET", "/tag/{tag}", show_match, "tag")
        add_route("GET", "/pair/{first}-{second}.html", show_match, "pair")
        add_route("GET", "/files/{path:.*}", show_match, "files")
        add_route("GET", "/ü b/", show_match, "encoded")
        add_route("GET", "/.well-known/x+y,(z)/{tag}", show_match, "literal")
    with add_route_context(app) as add_route:
        add_route("GET", "/{anything:.+}", show_match, "anything")
    return app


APP = create_app()


# Parts


@pytest.mark.parametrize(
    ("name", "parts", "expected"),
    [
        ("api.index", {}, "/api/"),
        ("api.encoded", {}, "/api/%C3%BC%20b/"),
        ("api.project", {"project_id": 7}, "/api/project/7"),
        ("api.project", {"project_id": Level.LOW}, "/api/project/1"),
        ("api.tag", {"tag": "a b"}, "/api/tag/a%20b"),
        ("api.tag", {"tag": "a/b"}, "/api/tag/a%2Fb"),
        ("api.tag", {"tag": Text.SLASHED}, "/api/tag/a%2Fb"),
        ("api.tag", {"tag": "100%2F"}, "/api/tag/100%252F"),
        ("api.tag", {"tag": "..."}, "/api/tag/..."),
        ("api.tag", {"tag": "é'\"<&>"}, "/api/tag/%C3%A9%27%22%3C%26%3E"),
        ("api.tag", {"tag": Color.RED}, "/api/tag/red"),
        ("api.tag", {"tag": True}, "/api/tag/true"),
        ("api.tag", {"tag": 1.5}, "/api/tag/1.5"),
        ("api.tag", {"tag": Decimal("1.50")}, "/api/tag/1.50"),
        ("api.tag", {"tag": UUID(int=1)}, "/api/tag/00000000-0000-0000-0000-000000000001"),
        ("api.tag", {"tag": date(2026, 11, 5)}, "/api/tag/2026-11-05"),
        ("api.tag", {"tag": datetime(2026, 11, 5, 7, tzinfo=UTC)}, "/api/tag/2026-11-05T07:00:00%2B00:00"),
        ("api.tag", {"tag": time(7, 30)}, "/api/tag/07:30:00"),
        ("api.files", {"path": PurePosixPath("a/b c.txt")}, "/api/files/a/b%20c.txt"),
        ("api.files", {"path": "a//b/"}, "/api/files/a//b/"),
        ("api.files", {"path": ""}, "/api/files/"),
        ("api.files", {"path": "a/../b"}, "/api/files/a%2F..%2Fb"),
        ("api.literal", {"tag": "x"}, "/api/.well-known/x+y,(z)/x"),
        ("anything", {"anything": "/evil.example/"}, "/%2Fevil.example%2F"),
    ],
)
async def test_parts_become_text_that_leads_back(
    aiohttp_client: ClientFactory, name: str, parts: dict[str, Any], expected: str
) -> None:
    """Parts of every sensible type are encoded so that the server finds the same route with the same text."""
    url = url_for(APP, name, **parts)
    assert_type(url, URL)
    assert str(url) == expected
    client = await aiohttp_client(create_app())
    async with client.get(url) as response:
        seen = await response.json()
    assert seen["name"] == name
    assert url_for(APP, name, **seen["parts"]) == url


async def follow(app: web.Application, urls: list[URL]) -> list[dict[str, Any]]:
    async with TestClient(TestServer(app)) as client:
        seen = []
        for url in urls:
            async with client.get(url) as response:
                seen.append(await response.json())
        return seen


VALUES = st.text(min_size=1, max_size=8) | st.text("./%2Fa-\\:?#&+;{} ü", min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["api.tag", "api.files", "anything"]), VALUES), min_size=20, max_size=40))
def test_any_text_leads_back_or_is_refused(values: list[tuple[str, str]]) -> None:
    """Whatever the text, the URL resolves to the same route and parts on a real server, or there is no URL."""
    takes = {"api.tag": "tag", "api.files": "path", "anything": "anything"}
    urls: list[URL] = []
    expected: list[dict[str, Any]] = []
    for name, text in values:
        try:
            part: dict[str, Any] = {takes[name]: text}
            url = url_for(APP, name, **part)
        except ValueError:
            continue
        assert str(url)[:2] != "//"
        assert not {".", "..", "%2E", "%2E%2E"} & set(str(url).upper().split("/"))
        urls.append(url)
        expected.append({"name": name, "parts": {takes[name]: text}})
    seen = asyncio.run(follow(create_app(), urls))
    # A more specific route may stand before the one that takes anything.
    assert [
        (got, want) for got, want in zip(seen, expected, strict=True) if got != want and want["name"] != "anything"
    ] == []


@pytest.mark.parametrize("tag", ["", ".", "..", "{", "a{b}"])
def test_text_that_cannot_lead_back_is_refused(tag: str) -> None:
    """What the pattern does not take, and dot segments that clients remove, are errors that show pattern and value."""
    with pytest.raises(ValueError, match=r"The URL of 'api.tag' cannot be built with tag='.*'.*\(\?P<tag>"):
        url_for(APP, "api.tag", tag=tag)


def test_a_part_must_match_its_pattern() -> None:
    """The pattern of the route counts, and parts may not run into each other."""
    with pytest.raises(
        ValueError, match=r"'api.project' cannot be built with project_id='abc': .*\(\?P<project_id>\\d\+\)"
    ):
        url_for(APP, "api.project", project_id="abc")
    assert str(url_for(APP, "api.pair", first="a-b", second="c")) == "/api/pair/a-b-c.html"
    with pytest.raises(ValueError, match="first='a', second='b-c'"):
        url_for(APP, "api.pair", first="a", second="b-c")


def test_long_values_are_shortened_in_errors() -> None:
    """An error does not repeat a long value whole."""
    with pytest.raises(ValueError, match="project_id=") as caught:
        url_for(APP, "api.project", project_id="x" * 10_000)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (None, TypeError, "tag is of type NoneType, which has no obvious text: convert it to str"),
        (b"x", TypeError, "tag is of type bytes"),
        ([1], TypeError, "tag is of type list"),
        (object(), TypeError, "tag is of type object"),
        (BytesPath(), TypeError, "tag is a path of bytes: convert it to str"),
        (float("nan"), ValueError, "tag is not a finite number"),
        (Decimal("Infinity"), ValueError, "tag is not a finite number"),
        ("\ud800", ValueError, "tag holds a lone surrogate"),
    ],
)
def test_values_without_an_obvious_text_are_refused(value: Any, error: type[Exception], message: str) -> None:
    """The error names the part and its type."""
    with pytest.raises(error, match=message):
        url_for(APP, "api.tag", tag=value)


@pytest.mark.parametrize(
    ("name", "parts", "message"),
    [
        ("api.project", {}, r"'api.project', /api/project/\{project_id\}, is missing project_id. It takes project_id"),
        ("api.pair", {"first": 1, "third": 3}, "is missing second and does not take third. It takes first, second"),
        ("api.index", {"page": 2}, r"does not take page. It takes no parts \(for a query, pass _query\)"),
    ],
)
def test_missing_and_unknown_parts_say_what_the_route_takes(name: str, parts: dict[str, Any], message: str) -> None:
    """aiohttp drops unknown parts silently; here they are errors."""
    with pytest.raises(TypeError, match=message):
        url_for(APP, name, **parts)


# Query, anchor, absolute URLs


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"page": 2, "q": "a b&c=ü"}, "/api/?page=2&q=a+b%26c%3D%C3%BC"),
        ({"tag": ["a", 1, True]}, "/api/?tag=a&tag=1&tag=true"),
        ({"tag": []}, "/api/"),
        ({}, "/api/"),
        ([("a", 1), ("b", Color.RED), ("a", date(2026, 1, 2))], "/api/?a=1&b=red&a=2026-01-02"),
        (MultiDict([("a", "1"), ("a", "2")]), "/api/?a=1&a=2"),
        (MappingProxyType({"name": "x"}), "/api/?name=x"),
    ],
)
def test_query_takes_a_mapping_or_pairs(query: Any, expected: str) -> None:
    """Values are converted as parts are; lists repeat their key."""
    url = url_for(APP, "api.index", _query=query)
    assert str(url) == expected


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("a=1", "_query is a mapping or a list of pairs, not str"),
        (3, "not int"),
        ({"page": None}, r"_query\['page'\] is of type NoneType"),
        ({1: "a"}, "_query is a mapping with text for keys"),
        (["ab"], "_query is a mapping with text for keys"),
        ({"a": {"b": 1}}, r"_query\['a'\] is of type dict"),
    ],
)
def test_a_bad_query_says_what_is_wrong(query: Any, message: str) -> None:
    """The error names the key."""
    with pytest.raises(TypeError, match=message):
        url_for(APP, "api.index", _query=query)


def test_anchor_and_query_follow_the_path() -> None:
    """The fragment is encoded and comes last."""
    url = url_for(APP, "api.project", project_id=7, _query={"page": 1}, _anchor="top of é")
    assert str(url) == "/api/project/7?page=1#top%20of%20%C3%A9"
    assert url_for(APP, "api.index", _anchor=3).fragment == "3"


async def test_absolute_urls_take_scheme_and_host_of_the_request(aiohttp_client: ClientFactory) -> None:
    """They are the request's own, and a Host header that is no host is the client's error."""

    async def show(request: web.Request) -> web.Response:
        return web.Response(text=str(url_for(request, "show", word="a/b", _query={"a": 1}, _absolute=True)))

    app = web.Application()
    app.router.add_get("/show/{word}", show, name="show")
    client = await aiohttp_client(app)
    statuses = {}
    for host in ("example.com", "example.com:8443", "[::1]:80", "a b", "a/b", "user@host", "[", "x:99999", "x?", "<x>"):
        async with client.get("/show/me", headers={"Host": host}) as response:
            statuses[host] = response.status, await response.text()
    bad = (400, "The Host header does not name a host")
    assert statuses == {
        "example.com": (200, "http://example.com/show/a%2Fb?a=1"),
        "example.com:8443": (200, "http://example.com:8443/show/a%2Fb?a=1"),
        "[::1]:80": (200, "http://[::1]/show/a%2Fb?a=1"),
    } | dict.fromkeys(["a b", "a/b", "user@host", "[", "x:99999", "x?", "<x>"], bad)


def test_absolute_urls_need_a_request() -> None:
    """An application knows neither scheme nor host."""
    with pytest.raises(TypeError, match=r"The absolute URL of 'api.index' needs a request"):
        url_for(APP, "api.index", _absolute=True)


# Names and applications


def test_unknown_names_offer_close_ones() -> None:
    """A typo gets the names that are near, or else the names there are."""
    with pytest.raises(LookupError, match=r"There is no route named 'api.projct'. Did you mean 'api.project'"):
        url_for(APP, "api.projct")
    with pytest.raises(LookupError, match=r"named 'zzzz'. Named routes: anything, api.encoded, "):
        url_for(APP, "zzzz")
    with pytest.raises(LookupError, match="Named routes: none"):
        url_for(web.Application(), "x")


@pytest.mark.parametrize("arguments", [(None, "x"), (APP.router, "x"), (APP, None)])
def test_wrong_first_arguments_are_refused(arguments: tuple[Any, Any]) -> None:
    """Neither a router nor None will do, and a name is text."""
    with pytest.raises(TypeError, match="url_for takes"):
        url_for(*arguments)


def nested_app() -> web.Application:
    """Root -> shop -> admin, and blog beside shop; "index" in all, "about" in shop and blog."""
    root, shop, blog, admin, other = (web.Application() for _ in range(5))
    with add_route_context(admin) as add_route:
        add_route("GET", "/", show_urls, "index")
        add_route("GET", "/users/{user}", show_urls, "users")
    shop.add_subapp("/admin", admin)
    for app in (shop, blog, root, other):
        with add_route_context(app) as add_route:
            add_route("GET", "/", show_urls, "index")
    for app in (shop, blog):
        with add_route_context(app) as add_route:
            add_route("GET", "/about", show_urls, "about")
    with add_route_context(blog) as add_route:
        add_route("GET", "/post/{post}", show_urls, "post")
    with add_route_context(other) as add_route:
        add_route("GET", "/elsewhere", show_urls, "elsewhere")
    root.add_subapp("/shop", shop)
    root.add_subapp("/blog", blog)
    root.add_domain("other.example", other)
    return root


async def show_urls(request: web.Request) -> web.Response:
    found = {}
    routes: dict[str, dict[str, Any]]
    routes = {"index": {}, "users": {"user": 1}, "post": {"post": 2}, "about": {}, "elsewhere": {}}
    for name, parts in routes.items():
        try:
            found[name] = str(url_for(request, name, **parts))
        except LookupError as error:
            found[name] = str(error).partition(":")[0]
    return web.json_response(found)


async def test_a_requests_own_application_comes_first(aiohttp_client: ClientFactory) -> None:
    """Then all others under the same root, where two of one name are an error; other domains are left out."""
    client = await aiohttp_client(nested_app())
    found = {}
    for url in ("/", "/shop/", "/shop/admin/", "/blog/"):
        async with client.get(url) as response:
            found[url] = await response.json()
    ambiguous = "Several applications have a route named 'about'"
    missing = "There is no route named 'elsewhere'. Named routes"
    common = {"users": "/shop/admin/users/1", "post": "/blog/post/2", "elsewhere": missing}
    assert found == {
        "/": {"index": "/", "about": ambiguous, **common},
        "/shop/": {"index": "/shop/", "about": "/shop/about", **common},
        "/shop/admin/": {"index": "/shop/admin/", "about": ambiguous, **common},
        "/blog/": {"index": "/blog/", "about": "/blog/about", **common},
    }
    async with client.get("/", headers={"Host": "other.example"}) as response:
        other = await response.json()
    assert (other["index"], other["elsewhere"]) == ("/", "/elsewhere")
    assert other["post"].startswith("There is no route named 'post'")


def test_an_application_sees_its_own_and_those_below() -> None:
    """Frozen or not, and what is added later too."""
    root, sub = web.Application(), web.Application()
    with add_route_context(sub) as add_route:
        add_route("GET", "/x", show_match, "x")
    with pytest.raises(LookupError):
        url_for(root, "x")
    root.add_subapp("/sub", sub)
    assert str(url_for(root, "x")) == "/sub/x"
    with add_route_context(root) as add_route:
        add_route("GET", "/y", show_match, "y")
    with pytest.raises(LookupError):
        url_for(sub, "y")
    root.freeze()
    assert str(url_for(root, "x")) == "/sub/x"


def test_applications_are_not_kept_alive() -> None:
    """What url_for remembers of an application goes with it, even where its routes hold the application."""

    def use() -> weakref.ref[web.Application]:
        root, sub = web.Application(), web.Application()

        async def view(request: web.Request) -> web.Response:
            return web.Response(text=repr(root))

        with add_route_context(sub) as add_route:
            add_route("GET", "/", view, "x")
        root.add_subapp("/sub", sub)
        root.freeze()
        assert str(url_for(root, "x")) == "/sub/"
        return weakref.ref(root)

    ref = use()
    gc.collect()
    assert ref() is None


async def test_it_works_in_a_middleware_for_an_unknown_url(aiohttp_client: ClientFactory) -> None:
    """An error page can link to routes."""

    @web.middleware
    async def link_home(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return web.Response(text=str(url_for(request, "home")), status=404)

    app = web.Application(middlewares=[link_home])
    app.router.add_get("/home", show_match, name="home")
    client = await aiohttp_client(app)
    async with client.get("/nothing") as response:
        assert (response.status, await response.text()) == (404, "/home")


# Routes that aiohttp itself added


async def test_static_files_have_urls(aiohttp_client: ClientFactory, tmp_path: Path) -> None:
    """A static resource takes a file name, of text or path; aiohttp's version stays beside the query."""
    (tmp_path / "css").mkdir()
    (tmp_path / "css" / "a b%.css").write_text("x")
    app = web.Application()
    app.router.add_static("/static", tmp_path, name="static")
    app.router.add_static("/versioned", tmp_path, name="versioned", append_version=True)
    url = url_for(app, "static", filename=PurePosixPath("css/a b%.css"))
    assert str(url) == "/static/css/a%20b%25.css"
    versioned = url_for(app, "versioned", filename="/css/a b%.css", _query={"x": 1})
    assert [*versioned.query] == ["v", "x"]
    client = await aiohttp_client(app)
    for found in (url, versioned):
        async with client.get(found) as response:
            assert (response.status, await response.text()) == (200, "x")
    for bad in ("", "/", "..", "css/../../x"):
        with pytest.raises(ValueError, match=r"'static' cannot be built with filename=.*: name a file below it"):
            url_for(app, "static", filename=bad)
    with pytest.raises(TypeError, match=r"is missing filename. It takes filename"):
        url_for(app, "static")


def test_routes_added_without_the_toolkit_have_urls() -> None:
    """Names are found whoever registered them, and the empty path is the root."""
    app = web.Application()
    app.router.add_get("", show_match, name="root")
    app.router.add_get("/ü/x", show_match, name="plain")
    request = make_mocked_request("GET", "/", app=app)
    assert str(url_for(request, "root")) == "/"
    assert str(url_for(request, "plain")) == "/%C3%BC/x"


def test_a_prefix_of_a_sub_application_is_encoded() -> None:
    """Dynamic routes below a prefix that needs encoding lead back too."""
    root, sub = web.Application(), web.Application()
    with add_route_context(sub) as add_route:
        add_route("GET", "/{x}", show_match, "x")
        add_route("GET", "", show_match, "bare")
    root.add_subapp("/ü", sub)
    assert str(url_for(root, "x", x="é")) == "/%C3%BC/%C3%A9"
    assert str(url_for(root, "bare")) == "/%C3%BC"
