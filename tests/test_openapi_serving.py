"""Serving an OpenAPI document, and the page that shows it."""

import copy
import gzip
import json
import re
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_aiohttp.plugin import AiohttpClient

from aiotoolkit.openapi import build_openapi, setup_openapi
from aiotoolkit.schemas import Schema
from tests.pet_shop import PET_SHOP

Client = TestClient[web.Request, web.Application]
schema = Schema(query={"type": "object", "properties": {"name": {"type": "string"}}}, response={"type": "string"})


@schema.handler
async def greet(request: web.Request, *, query: Mapping[str, str]) -> str:
    """Say hello."""
    return f"Hello, {query.get('name', 'you')}"


def make_app(**options: Any) -> web.Application:
    app = web.Application()
    setup_openapi(app, **{"title": "Greetings", "version": "1.0", **options})
    # After the set-up: the document is made when the application starts.
    app.router.add_get("/greet", greet, name="greet")
    return app


async def get(client: Client, url: str, **headers: str) -> tuple[int, bytes, Mapping[str, str]]:
    async with client.get(url, headers={"Accept-Encoding": "identity", **headers}) as response:
        return response.status, await response.read(), response.headers


async def test_json(aiohttp_client: AiohttpClient) -> None:
    """The document is that of build_openapi, with the routes that were added later, and without its own."""
    app = make_app(description="Hello")
    client = await aiohttp_client(app)
    status, body, headers = await get(client, "/openapi.json")
    assert status == 200
    assert json.loads(body) == build_openapi(app, title="Greetings", version="1.0", description="Hello")
    assert list(json.loads(body)["paths"]) == ["/greet"]
    assert headers["Content-Type"] == "application/json"
    assert headers["Cache-Control"] == "no-cache"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.extra("yaml")
async def test_yaml(aiohttp_client: AiohttpClient) -> None:
    """The same document as YAML (RFC 9512)."""
    import yaml

    client = await aiohttp_client(make_app(document=PET_SHOP, title=None, version=None))
    _, body, headers = await get(client, "/openapi.yaml")
    assert yaml.safe_load(body) == PET_SHOP
    assert headers["Content-Type"] == "application/yaml"
    assert b"&id" not in body
    assert body.startswith(b"openapi: 3.1.0\ninfo:\n")


async def test_without_pyyaml(aiohttp_client: AiohttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML is not installed there is no YAML, and the rest is there."""
    monkeypatch.setitem(sys.modules, "yaml", None)
    client = await aiohttp_client(make_app())
    assert (await get(client, "/openapi.yaml"))[0] == 404
    assert (await get(client, "/openapi.json"))[0] == 200
    assert b"OpenAPI YAML" not in (await get(client, "/docs"))[1]


TEXT = st.text(st.characters(codec="utf-8")) | st.text("0123456789eE+-.oxabf:_\n #-")
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
)


@pytest.mark.extra("yaml")
class TestYAML:
    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(DATA)
    def test_round_trip(self, data: Any) -> None:
        """What is written is read again."""
        import yaml

        from aiotoolkit._openapi_yaml import to_yaml

        assert yaml.safe_load(to_yaml({"data": data})) == {"data": data}

    @pytest.mark.parametrize("text", ["1e3", "1E5", "12e03", "0o17", "0x1F", "1.", ".5", "0755", "no", "2026-01-31"])
    def test_numbers_in_quotes(self, text: str) -> None:
        """Text that YAML 1.1 or YAML 1.2 would take for something else is quoted: readers of both get the text."""
        from aiotoolkit._openapi_yaml import to_yaml

        assert to_yaml({"a": text}) == f"a: '{text}'\n".encode()

    def test_lines(self) -> None:
        """A description stays readable."""
        from aiotoolkit._openapi_yaml import to_yaml

        assert to_yaml({"a": "one\n\ntwo\n"}) == b"a: |\n  one\n\n  two\n"


@pytest.mark.parametrize(
    "url", ["/openapi.json", pytest.param("/openapi.yaml", marks=pytest.mark.extra("yaml")), "/docs"]
)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
class TestConditional:
    @pytest.fixture
    async def client(self, aiohttp_client: AiohttpClient) -> Client:
        app = make_app(document=PET_SHOP, title=None, version=None)
        return await aiohttp_client(app, auto_decompress=False)

    async def test_not_modified(self, client: Client, url: str, encoding: str) -> None:
        """A client that has the bytes is told so: by its tag, by one of several, by a weak one, by any."""
        _, body, headers = await get(client, url, **{"Accept-Encoding": encoding})
        tag = headers["ETag"]
        assert re.fullmatch(r'"[0-9a-f]{16}(-gzip)?"', tag)
        for condition in tag, f'"x", {tag}', f"W/{tag}", "*":
            status, empty, again = await get(client, url, **{"Accept-Encoding": encoding, "If-None-Match": condition})
            assert (status, empty) == (304, b""), condition
            assert (again["ETag"], again["Cache-Control"], again["Vary"]) == (tag, "no-cache", "Accept-Encoding")
        for condition in '"x"', "x", "", '"', "\xff", '"' * 1000:
            status, whole, _ = await get(client, url, **{"Accept-Encoding": encoding, "If-None-Match": condition})
            assert (status, whole) == (200, body), condition

    async def test_head(self, client: Client, url: str, encoding: str) -> None:
        """HEAD says the same as GET, without the body."""
        _, body, headers = await get(client, url, **{"Accept-Encoding": encoding})
        async with client.head(url, headers={"Accept-Encoding": encoding}) as response:
            assert response.status == 200
            assert await response.read() == b""
            assert response.headers["Content-Length"] == str(len(body))
            skipped = {"Date"}
            assert {k: v for k, v in response.headers.items() if k not in skipped} == {
                k: v for k, v in headers.items() if k not in skipped
            }

    async def test_only_reading(self, client: Client, url: str, encoding: str) -> None:
        """Other methods are not allowed."""
        async with client.post(url, headers={"Accept-Encoding": encoding}) as response:
            assert response.status == 405
            assert response.headers["Allow"] == "GET,HEAD"


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [
        ("gzip", True), ("br, GZIP;q=0.5", True), ("*", True), ("gzip;q=1.000", True), ("identity", False), ("", False),
        ("br", False), ("gzip;q=0", False), ("gzip; q=0.000", False), ("*;q=0", False), ("*, gzip;q=0", False),
        ("xgzip", False), (";;,,q=", False), ("gzip;q=x", True),
    ],
)  # fmt: skip
async def test_compression(aiohttp_client: AiohttpClient, accepted: str, is_compressed: bool) -> None:
    """Clients that take gzip get it, made once, as another variant with a tag of its own."""
    client = await aiohttp_client(make_app(document=PET_SHOP, title=None, version=None), auto_decompress=False)
    _, plain, identity = await get(client, "/openapi.json")
    _, body, headers = await get(client, "/openapi.json", **{"Accept-Encoding": accepted})
    assert (headers.get("Content-Encoding") == "gzip") is is_compressed
    assert (gzip.decompress(body) if is_compressed else body) == plain
    assert (headers["ETag"] != identity["ETag"]) is is_compressed
    assert headers["Vary"] == identity["Vary"] == "Accept-Encoding"


async def test_built_once(aiohttp_client: AiohttpClient) -> None:
    """The document is built at the start, and not again for a request."""
    asked = []

    def select(entry: object) -> bool:
        asked.append(entry)
        return True

    app = make_app(select=select)
    assert asked == []
    client = await aiohttp_client(app)
    assert len(asked) == 1
    for url in ("/openapi.json", "/docs") * 3:
        assert (await get(client, url))[0] == 200
    assert len(asked) == 1


async def test_a_response_is_no_part_of_the_next(aiohttp_client: AiohttpClient) -> None:
    """What a middleware adds to one answer is not in another one."""

    async def add(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.add("X-Seen", "1")

    app = make_app()
    app.on_response_prepare.append(add)
    client = await aiohttp_client(app)
    for url in ("/openapi.json", "/docs") * 2:
        _, _, headers = await get(client, url)
        assert headers["X-Seen"] == "1"


async def test_a_failure_stops_the_start() -> None:
    """A document that cannot be built is an error where the application starts, not of a request."""

    def select(entry: object) -> bool:
        raise ValueError("cannot select")

    runner = web.AppRunner(make_app(select=select))
    with pytest.raises(ValueError, match="cannot select"):
        await runner.setup()
    await runner.cleanup()


def test_unserialisable_document() -> None:
    """A ready document that is no JSON, or none of OpenAPI, is refused where it is given."""
    with pytest.raises(ValueError, match="document= cannot be written as JSON"):
        make_app(document={"openapi": "3.1.0", "info": object()}, title=None, version=None)
    with pytest.raises(ValueError, match="is no OpenAPI document"):
        make_app(document={"info": {}}, title=None, version=None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"title": 1}, "title is text"),
        ({"tags": "projects"}, "tags is a list"),
        ({"servers": "https://example.com"}, "servers is a list"),
        ({"select": True}, "select is a function"),
        ({"security": [{"key": []}]}, "security requires 'key'"),
    ],
)
def test_options_are_checked_at_set_up(options: dict[str, Any], message: str) -> None:
    """What build_openapi would refuse is refused at once, and not when the application starts."""
    with pytest.raises((TypeError, ValueError), match=message):
        setup_openapi(web.Application(), **{"title": "Test", "version": "1", **options})


def test_no_application() -> None:
    """The first argument is an application."""
    with pytest.raises(TypeError, match="not dict"):
        setup_openapi({}, title="Test", version="1")  # type: ignore[arg-type]  # what is tested


async def test_ready_document(aiohttp_client: AiohttpClient) -> None:
    """A ready document is served as it is, and not changed; what a YAML file made of it becomes JSON."""
    import datetime

    document = {**PET_SHOP, "x-date": datetime.date(2026, 1, 31), "x-status": {200: "ok"}}
    before = copy.deepcopy(document)
    client = await aiohttp_client(make_app(document=document, title=None, version=None))
    _, body, _ = await get(client, "/openapi.json")
    assert json.loads(body) == {**PET_SHOP, "x-date": "2026-01-31", "x-status": {"200": "ok"}}
    assert document == before


async def test_several_documents(aiohttp_client: AiohttpClient) -> None:
    """An application has as many documents as it has paths for, and none describes another."""
    app = make_app(docs="/read")
    setup_openapi(app, title="Empty", version="2", path="/inner/api", docs=None, select=lambda entry: False)
    client = await aiohttp_client(app)
    assert json.loads((await get(client, "/openapi.json"))[1])["info"]["title"] == "Greetings"
    assert list(json.loads((await get(client, "/openapi.json"))[1])["paths"]) == ["/greet"]
    assert json.loads((await get(client, "/inner/api.json"))[1])["info"]["title"] == "Empty"
    assert (await get(client, "/docs"))[0] == 404
    assert (await get(client, "/read"))[0] == 200


class TestPage:
    async def test_page(self, aiohttp_client: AiohttpClient) -> None:
        """The page comes with its policy, and names the server as the client does."""
        client = await aiohttp_client(make_app())
        _, body, headers = await get(client, "/docs")
        text = body.decode()
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert f"curl &#x27;http://127.0.0.1:{client.port}/greet&#x27;" in text
        assert 'href="./openapi.json"' in text
        assert "aiotoolkit-origin" not in text

    @pytest.mark.parametrize(
        ("host", "shown"),
        [
            ("api.example.com", "http://api.example.com/greet"),
            ("[2001:db8::1]:8080", "http://[2001:db8::1]:8080/greet"),
            ("a'b", "http://localhost/greet"),
            ("<script>", "http://localhost/greet"),
            ("a:b@c", "http://localhost/greet"),
            ("x" * 300, "http://localhost/greet"),
        ],
    )
    async def test_host(self, aiohttp_client: AiohttpClient, host: str, shown: str) -> None:
        """A Host header that is none does not reach the page."""
        client = await aiohttp_client(make_app())
        status, body, _ = await get(client, "/docs", Host=host)
        assert status == 200
        assert f"curl &#x27;{shown}&#x27;" in body.decode()
        assert b"<script" not in body

    async def test_many_hosts(self, aiohttp_client: AiohttpClient) -> None:
        """A client that makes up names gets its pages, and the memory stays as it is."""
        client = await aiohttp_client(make_app(), auto_decompress=False)
        for number in range(20):
            host = f"host{number}.example"
            _, body, headers = await get(client, "/docs", Host=host, **{"Accept-Encoding": "gzip"})
            is_compressed = number < 16  # of them are kept
            assert (headers.get("Content-Encoding") == "gzip") is is_compressed
            assert host.encode() in (gzip.decompress(body) if is_compressed else body)
            status, _, _ = await get(
                client, "/docs", **{"Host": host, "Accept-Encoding": "gzip", "If-None-Match": headers["ETag"]}
            )
            assert status == 304

    async def test_no_page(self, aiohttp_client: AiohttpClient) -> None:
        """docs=None serves no page."""
        client = await aiohttp_client(make_app(docs=None))
        assert (await get(client, "/docs"))[0] == 404

    async def test_links_are_relative(self, aiohttp_client: AiohttpClient) -> None:
        """Links hold below any prefix that a server in front takes away."""
        client = await aiohttp_client(make_app(path="/a/openapi", docs="/b/c/docs"))
        assert b'href="../../a/openapi.json"' in (await get(client, "/b/c/docs"))[1]


async def test_sub_application(aiohttp_client: AiohttpClient) -> None:
    """In a sub-application, the document's server and paths lead to its routes, and the page's example too."""
    inner, middle, outer = make_app(), web.Application(), web.Application()
    middle.add_subapp("/v1", inner)
    outer.add_subapp("/api", middle)
    client = await aiohttp_client(outer)
    document = json.loads((await get(client, "/api/v1/openapi.json"))[1])
    (path,) = document["paths"]
    (server,) = document["servers"]
    assert (await get(client, server["url"].rstrip("/") + path))[:2] == (200, b'"Hello, you"')
    text = (await get(client, "/api/v1/docs"))[1].decode()
    assert f"curl &#x27;http://127.0.0.1:{client.port}/api/v1/greet&#x27;" in text
    assert 'href="./openapi.json"' in text


class TestArguments:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({}, r"title= and version= of the API must be given: setup_openapi\(app, title="),
            ({"title": "A"}, r"^version= of the API must be given"),
            ({"version": "1"}, r"^title= of the API must be given"),
            ({"document": {}, "title": "A"}, "document= is served as it is: write what title= says into the document"),
            ({"document": {}, "servers": ["/"]}, "write what servers= says"),
            ({"document": "openapi.yaml"}, "document= takes a mapping, not str: read the file first"),
            ({"title": "A", "version": "1", "colour": "red"}, "colour"),
        ],
    )
    def test_wrong_types(self, options: dict[str, Any], message: str) -> None:
        """What is missing, or too much, is told at set-up, with what to write."""
        app = web.Application()
        with pytest.raises(TypeError, match=message):
            setup_openapi(app, **options)
        assert len(app.router.resources()) == 0

    @pytest.mark.parametrize("option", ["path", "docs", "swagger_ui"])
    @pytest.mark.parametrize(
        "path", ["", "/", "docs", "/docs/", "//docs", "/{name}", "/a b", "/../a", "/a?b", "/a#b", "/\u00e9", 3]
    )
    def test_wrong_paths(self, option: str, path: Any) -> None:
        """A path that cannot be one is told at set-up."""
        app = web.Application()
        with pytest.raises(ValueError, match=f"{option}= is a path such as"):
            setup_openapi(app, title="A", version="1", **{option: path})
        assert len(app.router.resources()) == 0

    @pytest.mark.parametrize(
        "options", [{}, {"path": "/other"}, {"docs": "/other"}, {"path": "/x", "docs": "/openapi.json"}]
    )
    def test_twice(self, options: dict[str, str]) -> None:
        """A second document at the URL of the first is an error that says what to do, and adds nothing."""
        app = web.Application()
        setup_openapi(app, title="A", version="1")
        count = len(app.router.resources())
        with pytest.raises(ValueError, match="a second document needs path=, docs= and swagger_ui= of its own"):
            setup_openapi(app, title="B", version="1", **options)  # type: ignore[arg-type]
        assert len(app.router.resources()) == count
        setup_openapi(app, title="B", version="1", path="/free", docs="/also-free")

    async def test_too_late(self, aiohttp_client: AiohttpClient) -> None:
        """After the start no route can be added."""
        app = make_app()
        await aiohttp_client(app)
        with pytest.raises(RuntimeError, match="before the application starts"):
            setup_openapi(app, title="A", version="1", path="/late", docs=None)
