"""Applications made of OpenAPI documents: tables of views, routes, bodies, answers, and what is refused at first."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiotoolkit.middlewares import setup_errors
from aiotoolkit.openapi import InvalidDocumentError, OperationTable, setup_operations
from aiotoolkit.requests import UploadedFile
from aiotoolkit.schemas import ResponseValidationError
from tests.operations import document, echo_app, ok

PET = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "name": {"type": "string"},
        "password": {"type": "string", "writeOnly": True},
        "parent": {"$ref": "#/components/schemas/Pet"},
        "tag": {"type": "string", "default": "none"},
    },
    "additionalProperties": False,
}


def body(content: dict[str, Any], *, required: bool = True, **members: Any) -> dict[str, Any]:
    """A document whose operation takes a body."""
    operation = {"operationId": "echo", "requestBody": {"required": required, "content": content}}
    return document({"/x": {"post": operation}}, **members)


async def view(request: web.Request) -> Any:
    return {}


class TestTable:
    def test_register(self) -> None:
        """A view is registered by decorator or by call, by its own name or another, and stays as it is."""
        table = OperationTable()

        @table.register
        async def one(request: web.Request) -> None: ...

        @table.register("second")
        async def two(request: web.Request) -> None: ...

        assert table.register(view, name="third") is view
        assert list(table) == ["one", "second", "third"]
        assert len(table) == 3
        assert not hasattr(two, "schema")

    def test_view_class(self) -> None:
        """Each method of a web.View is an operation, as Class.method; another name stands before the dot."""

        class Pets(web.View):
            async def get(self) -> None: ...
            async def post(self) -> None: ...

        table = OperationTable()
        table.register(Pets)
        table.register("animals")(Pets)
        assert list(table) == ["Pets.get", "Pets.post", "animals.get", "animals.post"]

    def test_method_with_a_name(self) -> None:
        """A method of a web.View may have a name of its own."""
        table = OperationTable()

        @table.register
        class Pets(web.View):
            @table.register("me")
            async def get(self) -> None: ...

            async def put(self) -> None: ...

        assert sorted(table) == ["Pets.put", "me"]

    def test_add(self) -> None:
        """Tables add up to a new one; a name that both have is an error that names both views."""
        one, two = OperationTable(), OperationTable()
        one.register(view, name="a")
        two.register(view, name="b")
        assert list(one + two) == ["a", "b"]
        assert list(one) == ["a"]
        with pytest.raises(ValueError, match=r"'a' has two views: tests\.test_operations\.view and tests"):
            _ = one + one
        with pytest.raises(TypeError):
            _ = one + {}  # type: ignore[operator]  # the point

    @pytest.mark.parametrize("wrong", [print, object, lambda request: None, 5, type("Empty", (web.View,), {})])
    def test_refused(self, wrong: Any) -> None:
        """What is no async view is refused."""
        with pytest.raises(TypeError):
            OperationTable().register(wrong)

    def test_decorated(self) -> None:
        """A view that has a Schema is refused: the document is its schema."""
        from aiotoolkit.schemas import Schema

        with pytest.raises(TypeError, match=r"register its view, view\.view"):
            OperationTable().register(Schema().handler(view))


class TestMatching:
    def test_all_that_is_missing(self) -> None:
        """Operations without views and views without operations are one error, which lists them all."""
        paths = {
            "/a": {"get": {"operationId": "one"}, "put": {}},
            "/b": {"post": {"operationId": "two"}},
            "/c": {"get": {"operationId": "known"}},
        }
        table = OperationTable()
        for name in ("known", "three", "four"):
            table.register(view, name=name)
        app = web.Application()
        with pytest.raises(InvalidDocumentError) as caught:
            setup_operations(app, document(paths), table)
        assert caught.value.errors == (
            "There is no view for the operation 'one', GET /a",
            "There is no view for PUT /a, which has no operationId: give it one, or register a view as 'PUT /a'",
            "There is no view for the operation 'two', POST /b",
            "There is no operation for the view 'three', tests.test_operations.view",
            "There is no operation for the view 'four', tests.test_operations.view",
        )
        assert all(error in str(caught.value) for error in caught.value.errors)
        assert len(app.router.routes()) == 0

    async def test_without_operation_id(self, aiohttp_client: AiohttpClient) -> None:
        """An operation without an operationId has its method and path for a name."""
        table = OperationTable()
        table.register(view, name="GET /a")
        app = web.Application()
        setup_operations(app, document({"/a": {"get": {}}}), table)
        client = await aiohttp_client(app)
        async with client.get("/a") as response:
            assert await response.json() == {}

    def test_view_that_takes_more(self) -> None:
        """A view that requires what its operation does not describe is an error at the start, with the place."""

        async def wants(request: web.Request, *, body: Any) -> None: ...

        table = OperationTable()
        table.register(wants)
        with pytest.raises(InvalidDocumentError, match=r"GET /a: .*wants takes 'body'.*#/paths/~1a/get"):
            setup_operations(web.Application(), document({"/a": {"get": {"operationId": "wants"}}}), table)

    @pytest.mark.parametrize(
        ("paths", "why"),
        [
            ({"/a": {"get": {"operationId": "x"}, "put": {"operationId": "x"}}}, "'x' is that of GET /a as well"),
            ({"/{a}": {"get": {}}}, "has no parameter for its part 'a'"),
            ({"/{a": {"get": {}}}, "do not make parts"),
            ({"/{}": {"get": {}}}, "do not make parts"),
            ({"/a?b": {"get": {}}}, "has a query or a fragment"),
            ({"a": {"get": {}}}, "begins with a slash"),
            ({"/a": {"get": {"operationId": 5}}}, "operationId must be text"),
            ({"/a": {"get": 5}}, "There must be an object"),
            ({"/a": {"get": {"parameters": 5}}}, "parameters must be a list"),
            ({"/a": {"get": {"responses": {"20": {"description": ""}}}}}, "A response's key"),
            ({"/a": {"get": {"responses": {"200": {"$ref": "#/nothing"}}}}}, "leads to nothing"),
            ({"/a": {"get": {"responses": {"200": {"$ref": "#/paths/~1a/get/responses/200"}}}}}, "leads to nothing"),
            ({"/a": {"get": {"requestBody": {}}}}, "has content: a media type"),
            ({"/a": {"get": {"responses": ok({"type": "strin"})}}}, r"#/paths/~1a/get/responses/200/content"),
            ({"/a": {"get": {"responses": ok({"$dynamicRef": "#a"})}}}, r"\$dynamicRef is not supported"),
            ({"/a": {"get": {"responses": ok({"$ref": "https://example.com/x.json"})}}}, "nothing is ever fetched"),
            ({"/a": {"get": {"responses": ok({"$ref": "other.json"})}}}, "has no folder"),
        ],
    )
    def test_refused(self, paths: dict[str, Any], why: str) -> None:
        """What is wrong with a document is an error at the start, with its place."""
        with pytest.raises(InvalidDocumentError, match=why):
            setup_operations(web.Application(), document_of(paths), OperationTable())

    def test_same_paths(self) -> None:
        """Two paths that differ by the names of their parts only are refused."""
        parts = {name: [{"name": name, "in": "path", "required": True, "schema": {}}] for name in "ab"}
        paths = {f"/{{{name}}}": {"get": {"parameters": several}} for name, several in parts.items()}
        with pytest.raises(InvalidDocumentError, match=r"'/\{b\}' is the same as '/\{a\}'"):
            setup_operations(web.Application(), document(paths), OperationTable())

    @pytest.mark.parametrize(
        "options",
        [
            {"prefix": "api"},
            {"prefix": "/api/"},
            {"prefix": 5},
            {"security": 5},
            {"security": {"a": print}},
            {"decoders": {"a/b": 5}},
            {"validate_responses": "maybe"},
            {"engine": 5},
        ],
    )
    def test_arguments(self, options: dict[str, Any]) -> None:
        """Wrong arguments are TypeErrors."""
        with pytest.raises(TypeError):
            setup_operations(web.Application(), document({}), OperationTable(), **options)

    @pytest.mark.parametrize("source", [5, None, b"x"])
    def test_sources(self, source: Any) -> None:
        """A document is a path or a mapping."""
        with pytest.raises(TypeError, match="a path or a mapping"):
            setup_operations(web.Application(), source, OperationTable())


def document_of(paths: dict[str, Any]) -> dict[str, Any]:
    """The document as it is: nothing is added to operations."""
    return {"openapi": "3.1.0", "info": {"title": "Test", "version": "1"}, "paths": paths}


class TestRoutes:
    async def test_prefix_and_order(self, aiohttp_client: AiohttpClient) -> None:
        """Every path has the prefix and nothing of the servers; text comes before parts, whatever the order."""
        part = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
        paths = {
            "/a/{id}/x": {"get": {"operationId": "part", "parameters": part}},
            "/a/{id}/{rest}": {
                "get": {"operationId": "parts", "parameters": [*part, {**part[0], "name": "rest"}]},
            },
            "/a/me/x": {"get": {"operationId": "text"}},
        }
        table = OperationTable()
        for name in ("part", "parts", "text"):

            async def answer(request: web.Request, *, name: str = name) -> str:
                return name

            table.register(answer, name=name)
        app = web.Application()
        setup_operations(app, document(paths, servers=[{"url": "/v1"}]), table, prefix="/api")
        client = await aiohttp_client(app)
        for path, expected in (("me/x", "text"), ("you/x", "part"), ("you/y", "parts")):
            async with client.get(f"/api/a/{path}") as response:
                assert await response.json() == expected
        async with client.head("/api/a/me/x") as response:
            assert response.status == 200
        async with client.post("/api/a/me/x") as response:
            assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD")
        assert str(app.router["part"].url_for(id="1")) == "/api/a/1/x"

    async def test_view_class(self, aiohttp_client: AiohttpClient) -> None:
        """The methods of a web.View answer operations, and are given what they name."""

        class Pets(web.View):
            async def get(self, *, query: dict[str, Any]) -> dict[str, Any]:
                return query | {"path": self.request.path}

        table = OperationTable()
        table.register(Pets)
        parameters = [{"name": "n", "in": "query", "schema": {"type": "integer", "default": 7}}]
        app = web.Application()
        setup_operations(app, document({"/p": {"get": {"operationId": "Pets.get", "parameters": parameters}}}), table)
        client = await aiohttp_client(app)
        async with client.get("/p") as response:
            assert await response.json() == {"n": 7, "path": "/p"}

    def test_handler(self) -> None:
        """The route's handler has its Schema and its view, also where credentials are asked for."""

        async def verify(request: web.Request, credentials: Any) -> str:
            return "me"

        schemes = {"key": {"type": "http", "scheme": "bearer"}}
        described = document(
            {"/x": {"get": {"operationId": "view", "security": [{"key": []}], "summary": "Look"}}},
            components={"securitySchemes": schemes},
        )
        table = OperationTable()
        table.register(view)
        app = web.Application()
        setup_operations(app, described, table, security={"key": verify})
        handler: Any = next(iter(app.router.routes())).handler
        assert handler.view is view
        assert handler.schema.operation["summary"] == "Look"

    async def test_undeclared_query(self, aiohttp_client: AiohttpClient) -> None:
        """Where an operation has query parameters, others are refused; undeclared headers and cookies are not read."""
        parameters: Any = [{"name": "a", "in": where, "schema": {}} for where in ("query", "header", "cookie")]
        app = echo_app(document({"/x": {"get": {"operationId": "echo", "parameters": parameters}}}))
        client = await aiohttp_client(app)
        async with client.get("/x?b=1") as response:
            assert response.status == 400
        async with client.get("/x?a=1", headers={"B": "1", "Cookie": "c=1"}) as response:
            assert await response.json() == {"query": {"a": "1"}, "headers": {}, "cookies": {}}

    async def test_path_item_parameters(self, aiohttp_client: AiohttpClient) -> None:
        """A path's parameters are those of its operations, unless these have their own."""
        shared = [{"name": name, "in": "query", "schema": {"type": "integer"}} for name in "ab"]
        own = [{"name": "b", "in": "query", "schema": {"type": "boolean"}}]
        described = document({"/x": {"parameters": shared, "get": {"operationId": "echo", "parameters": own}}})
        client = await aiohttp_client(echo_app(described))
        async with client.get("/x?a=1&b=true") as response:
            assert await response.json() == {"query": {"a": 1, "b": True}}


class TestBodies:
    async def test_directions(self, aiohttp_client: AiohttpClient) -> None:
        """readOnly is not in requests, writeOnly not in answers, and neither is required where it is not."""
        described = body(
            {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}},
            components={"schemas": {"Pet": PET}},
        )
        described["paths"]["/x"]["post"]["responses"] = ok({"$ref": "#/components/schemas/Pet"})
        table = OperationTable()

        @table.register
        async def echo(request: web.Request, *, body: dict[str, Any]) -> dict[str, Any]:
            if body["name"] == "leak":
                return body | {"id": 1}
            return {"id": 1, "name": body["name"], "tag": body["tag"]}

        app = web.Application()
        setup_errors(app)
        setup_operations(app, described, table)
        client = await aiohttp_client(app)
        async with client.post("/x", json={"name": "n", "password": "p", "parent": {"name": "m"}}) as response:
            assert (response.status, await response.json()) == (200, {"id": 1, "name": "n", "tag": "none"})
        async with client.post("/x", json={"name": "n", "parent": {"name": "m", "id": 1}}) as response:
            problem = await response.json()
            assert (response.status, problem["errors"][0]["pointer"]) == (422, "#/parent/id")
        async with client.post("/x", json={"name": "leak", "password": "p"}) as response:
            assert response.status == 500

    async def test_required_elsewhere(self, aiohttp_client: AiohttpClient) -> None:
        """A readOnly property is not required in a request either where another branch of allOf requires it."""
        base = {"type": "object", "properties": {"id": {"readOnly": True}, "a": {"type": "integer"}}}
        schema = {"allOf": [{"$ref": "#/components/schemas/Base"}, {"required": ["id", "a"]}]}
        described = body({"application/json": {"schema": schema}}, components={"schemas": {"Base": base}})
        client = await aiohttp_client(echo_app(described))
        for data, status in (({"a": 1}, 200), ({}, 422), ({"a": 1, "id": 1}, 422)):
            async with client.post("/x", json=data) as response:
                assert response.status == status, data

    async def test_media_types(self, aiohttp_client: AiohttpClient) -> None:
        """Each media type is read as what it is; another one is answered with 415 and those that are accepted."""
        content = {
            "application/json": {"schema": {"type": "object", "properties": {"a": {"type": "integer"}}}},
            "application/x-www-form-urlencoded": {
                "schema": {"type": "object", "properties": {"a": {"type": "integer"}}}
            },
            "text/plain; charset=utf-8": {"schema": {"type": "integer", "maximum": 9}},
            "image/*": {"schema": {"type": "string", "format": "binary", "maxLength": 4}},
            "application/octet-stream": {},
            "application/x-lines": {"schema": {"type": "array", "maxItems": 2}},
        }
        app = echo_app(body(content), decoders={"application/x-lines": lambda data: data.decode().split("\n")})
        client = await aiohttp_client(app)
        cases: list[tuple[str | None, bytes, int, Any]] = [
            ("application/json", b'{"a": 1}', 200, {"body": {"a": 1}, "form": None}),
            ("Application/JSON; charset=UTF-8", b'{"a": 1}', 200, {"body": {"a": 1}, "form": None}),
            ("application/merge-patch+json", b'{"a": 1}', 200, {"body": {"a": 1}, "form": None}),
            ("application/json", b'{"a": ""}', 422, None),
            ("application/json", b"", 400, None),
            ("application/x-www-form-urlencoded", b"a=1", 200, {"body": None, "form": {"a": 1}}),
            ("application/x-www-form-urlencoded", b"a=x", 422, None),
            ("text/plain", b"7", 200, {"body": 7, "form": None}),
            ("text/plain", b"70", 422, None),
            ("text/plain", b"\xff", 400, None),
            ("text/plain; charset=latin-1", b"7", 415, None),
            ("image/png", b"\xff\x00", 200, {"body": repr(b"\xff\x00"), "form": None}),
            ("image/png", b"12345", 422, None),
            ("application/octet-stream", b"12345", 200, {"body": repr(b"12345"), "form": None}),
            ("application/x-lines", b"1\n2", 200, {"body": ["1", "2"], "form": None}),
            ("application/x-lines", b"1\n2\n3", 422, None),
            ("application/x-lines", b"\xff", 400, None),
            ("application/xml", b"<a/>", 415, None),
        ]
        for content_type, data, status, expected in cases:
            headers = {} if content_type is None else {"Content-Type": content_type}
            async with client.post("/x", data=data, headers=headers) as response:
                assert response.status == status, (content_type, data, await response.text())
                if expected is not None:
                    assert await response.json() == expected
                if status == 415 and content_type == "application/xml":
                    assert "image/*" in response.headers["Accept"]

    async def test_optional(self, aiohttp_client: AiohttpClient) -> None:
        """A body that is not required may be left out: then it is None."""
        client = await aiohttp_client(echo_app(body({"application/json": {"schema": {}}}, required=False)))
        async with client.post("/x") as response:
            assert await response.json() == {"body": None}
        async with client.post("/x", json=[]) as response:
            assert await response.json() == {"body": []}
        client = await aiohttp_client(echo_app(body({"application/json": {"schema": {}}})))
        async with client.post("/x") as response:
            assert response.status == 415

    async def test_form(self, aiohttp_client: AiohttpClient) -> None:
        """A form has files, arrays, and objects as JSON; a file's type is one that its encoding says."""
        properties = {
            "n": {"type": "integer"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "meta": {"type": "object", "required": ["a"]},
            "picture": {"type": "string", "contentMediaType": "image/png"},
            "files": {"type": "array", "items": {"type": "string", "format": "binary"}, "maxItems": 2},
        }
        schema = {"type": "object", "properties": properties, "required": ["n"], "additionalProperties": False}
        encoding = {"picture": {"contentType": "image/png, image/jpeg"}}
        described = body({"multipart/form-data": {"schema": schema, "encoding": encoding}})
        table = OperationTable()

        @table.register
        async def echo(request: web.Request, *, form: dict[str, Any]) -> dict[str, Any]:
            def plain(value: Any) -> Any:
                if isinstance(value, list):
                    return [plain(item) for item in value]
                return value.file.read().decode() if isinstance(value, UploadedFile) else value

            return {name: plain(value) for name, value in form.items()}

        app = web.Application()
        setup_operations(app, described, table)
        client = await aiohttp_client(app)

        def form(picture: str = "image/png", meta: str = '{"a": 1}', files: int = 2) -> aiohttp.FormData:
            made = aiohttp.FormData({"n": "5", "meta": meta})
            made.add_field("tags", "a")
            made.add_field("tags", "b")
            made.add_field("picture", b"png", filename="p.png", content_type=picture)
            for index in range(files):
                made.add_field("files", b"%d" % index, filename=f"{index}")
            return made

        async with client.post("/x", data=form()) as response:
            assert response.status == 200, await response.text()
            assert await response.json() == {
                "n": 5,
                "tags": ["a", "b"],
                "meta": {"a": 1},
                "picture": "png",
                "files": ["0", "1"],
            }
        for wrong in (form(picture="text/html"), form(meta="{"), form(meta="{}"), form(files=3)):
            async with client.post("/x", data=wrong) as response:
                assert response.status == 422

    async def test_form_styles(self, aiohttp_client: AiohttpClient) -> None:
        """The encoding of an urlencoded form gives its fields the styles of the query."""
        schema = {
            "type": "object",
            "properties": {
                "a": {"type": "array", "items": {"type": "integer"}},
                "o": {"type": "object", "properties": {"x": {"type": "integer"}}},
            },
        }
        encoding = {"a": {"style": "pipeDelimited", "explode": False}, "o": {"style": "deepObject"}}
        described = body({"application/x-www-form-urlencoded": {"schema": schema, "encoding": encoding}})
        client = await aiohttp_client(echo_app(described))
        async with client.post("/x", data={"a": "1|2", "o[x]": "3"}) as response:
            assert await response.json() == {"form": {"a": [1, 2], "o": {"x": 3}}}

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            ({"application/xml": {"schema": {"type": "object"}}}, r"decoders=\{'application/xml'"),
            ({"image/png": {"schema": {"type": "string", "pattern": "a"}}}, "cannot be checked"),
            ({"multipart/form-data": {"schema": {"type": "string"}}}, "describes all parameters together"),
            (
                {"multipart/form-data": {"schema": {"properties": {"a": {}}}, "encoding": {"b": {}}}},
                "has no property 'b'",
            ),
            (
                {
                    "multipart/form-data": {
                        "schema": {"properties": {"a": {}}},
                        "encoding": {"a": {"headers": {"X": {"schema": {}}}}},
                    }
                },
                "headers of a part are not supported",
            ),
        ],
    )
    def test_refused(self, content: dict[str, Any], why: str) -> None:
        """What could not be checked is an error at the start."""
        with pytest.raises(InvalidDocumentError, match=why) as caught:
            echo_app(body(content))
        assert "/requestBody/content/" in str(caught.value)


RESPONSES = {
    "201": {
        "description": "",
        "headers": {
            "X-Total": {"required": True, "schema": {"type": "integer"}},
            "X-More": {"schema": {"type": "array", "items": {"type": "integer"}}},
        },
        "content": {"application/json": {"schema": {"type": "object", "required": ["a"]}}},
    },
    "204": {"description": ""},
    "3XX": {"description": ""},
    "4XX": {"description": "", "content": {"application/problem+json": {"schema": {"required": ["title"]}}}},
    "default": {"description": "", "content": {"text/*": {}}},
}


class TestResponses:
    def app(self, answer: Any, responses: Any = RESPONSES, **options: Any) -> web.Application:
        table = OperationTable()

        async def view(request: web.Request) -> Any:
            return answer() if callable(answer) else answer

        table.register(view)
        app = web.Application()
        setup_errors(app)
        described = {**document({}), "paths": {"/x": {"get": {"operationId": "view", "responses": responses}}}}
        setup_operations(app, described, table, **options)
        return app

    @pytest.mark.parametrize(
        ("answer", "status"),
        [
            (lambda: web.json_response({"a": 1}, status=201, headers={"X-Total": "1"}), 201),
            (lambda: web.json_response({"a": 1}, status=201, headers={"X-Total": "1", "X-More": "1, 2"}), 201),
            (lambda: web.json_response({"a": 1}, status=201), 500),
            (lambda: web.json_response({"a": 1}, status=201, headers={"X-Total": "x"}), 500),
            (lambda: web.json_response({"a": 1}, status=201, headers={"X-Total": "1", "X-More": "x"}), 500),
            (lambda: web.json_response({}, status=201, headers={"X-Total": "1"}), 500),
            (
                lambda: web.Response(text="{", status=201, headers={"X-Total": "1"}, content_type="application/json"),
                500,
            ),
            (lambda: web.Response(status=201, headers={"X-Total": "1"}), 500),
            (lambda: web.Response(text="x", status=201, headers={"X-Total": "1"}), 500),
            (lambda: web.Response(status=204), 204),
            (lambda: web.json_response({}, status=200), 500),
            (lambda: web.Response(text="x", status=200), 200),
            (lambda: web.Response(body=b"x", content_type="text/csv", status=503), 503),
            (lambda: web.Response(status=304), 304),
            (lambda: web.json_response({"title": ""}, status=404, content_type="application/problem+json"), 404),
            (lambda: web.json_response({}, status=404, content_type="application/problem+json"), 500),
            (lambda: {"a": 1}, 500),
        ],
    )
    async def test_own(self, aiohttp_client: AiohttpClient, answer: Any, status: int) -> None:
        """A response that a view makes is checked: status, range or default, type, headers and body."""
        client = await aiohttp_client(self.app(answer))
        async with client.get("/x", allow_redirects=False) as response:
            assert response.status == status, await response.text()

    @pytest.mark.parametrize(
        ("answer", "responses", "expected"),
        [
            ({"a": 1}, ok({"required": ["a"]}), (200, b'{"a":1}')),
            ({}, ok({"required": ["a"]}), (500, None)),
            (None, {"204": {"description": ""}}, (204, b"")),
            (None, {"200": {"description": ""}}, (200, b"")),
            ({}, {"200": {"description": ""}}, (500, None)),
            ({}, {"2XX": ok()["200"]}, (200, b"{}")),
            ({}, {"default": ok()["200"]}, (200, b"{}")),
            ({}, {"201": ok()["200"], "404": {"description": ""}}, (201, b"{}")),
            ({}, {}, (200, b"{}")),
            (
                {"a": 1},
                {"200": {"description": "", "content": {"text/csv": {}, "application/hal+json": {}}}},
                (200, b'{"a":1}'),
            ),
        ],
    )
    async def test_data(self, aiohttp_client: AiohttpClient, answer: Any, responses: Any, expected: Any) -> None:
        """Data are sent with the first success that is declared, as JSON, and checked."""
        client = await aiohttp_client(self.app(answer, responses))
        async with client.get("/x") as response:
            body = await response.read()
            assert (response.status, body if expected[1] is not None else None) == expected

    async def test_not_validated(self, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture) -> None:
        """validate_responses=False sends what it is given, and "log" says what is wrong with it."""
        for mode, logged in ((False, 0), ("log", 2)):
            answers: list[Any] = [{}, lambda: web.json_response({})]
            for answer in answers:
                client = await aiohttp_client(self.app(answer, ok({"required": ["a"]}), validate_responses=mode))
                async with client.get("/x") as response:
                    assert (response.status, await response.json()) == (200, {})
            assert len([record for record in caplog.records if "breaks its schema" in record.message]) == logged

    async def test_stream(self, aiohttp_client: AiohttpClient, tmp_path: Path) -> None:
        """A file is sent as it is, with its status and headers checked."""
        (tmp_path / "file.txt").write_text("content")
        client = await aiohttp_client(self.app(lambda: web.FileResponse(tmp_path / "file.txt")))
        async with client.get("/x") as response:
            assert await response.text() == "content"

    async def test_error_says_where(self, caplog: pytest.LogCaptureFixture, aiohttp_client: AiohttpClient) -> None:
        """The log says what is wrong with an answer; the client is told nothing."""
        client = await aiohttp_client(self.app({"a": "secret"}, ok({"properties": {"a": {"type": "integer"}}})))
        async with client.get("/x") as response:
            assert response.status == 500
            assert "integer" not in await response.text()
        (record,) = [record for record in caplog.records if record.exc_info]
        assert record.exc_info is not None
        error = record.exc_info[1]
        assert isinstance(error, ResponseValidationError)
        assert "#/a must be of type integer" in str(error)
        assert "secret" not in str(error)


class TestReferences:
    async def test_everywhere(self, aiohttp_client: AiohttpClient) -> None:
        """References work in every place, with escapes and percent-encoding, also into the middle of another schema."""
        described = {
            "openapi": "3.1.0",
            "info": {"title": "Test", "version": "1"},
            "paths": {"/x/{id}": {"$ref": "#/components/pathItems/X"}},
            "components": {
                "pathItems": {
                    "X": {
                        "parameters": [{"$ref": "#/components/parameters/a~1b%20c"}],
                        "post": {
                            "operationId": "echo",
                            "requestBody": {"$ref": "#/components/requestBodies/B"},
                            "responses": {"200": {"$ref": "#/components/responses/R"}},
                        },
                    }
                },
                "parameters": {
                    "a/b c": {"$ref": "#/components/parameters/Id"},
                    "Id": {
                        "name": "id",
                        "in": "path",
                        "required": True,
                        "schema": {"$ref": "#/components/schemas/N~0/properties/n"},
                    },
                },
                "requestBodies": {
                    "B": {
                        "required": True,
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Tree"}}},
                    }
                },
                "responses": {
                    "R": {
                        "description": "",
                        "headers": {"X": {"$ref": "#/components/headers/H"}},
                        "content": {"application/json": {"schema": {}}},
                    }
                },
                "headers": {"H": {"schema": {"$ref": "#/components/schemas/N~0/properties/n"}}},
                "schemas": {
                    "N~": {"properties": {"n": {"type": "integer"}}},
                    "Tree": {
                        "type": "object",
                        "properties": {"children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}},
                        "additionalProperties": False,
                    },
                },
            },
        }
        client = await aiohttp_client(echo_app(described))
        async with client.post("/x/5", json={"children": [{"children": []}]}) as response:
            assert await response.json() == {"path": {"id": 5}, "body": {"children": [{"children": []}]}}
        async with client.post("/x/5", json={"children": [{"child": []}]}) as response:
            problem = await response.json()
            assert problem["errors"][0]["pointer"] == "#/children/0/child"
        async with client.post("/x/a", json={}) as response:
            assert response.status == 400

    def write(self, folder: Path, **files: Any) -> Path:
        for name, contents in files.items():
            path = folder / name.replace("__", "/").replace("_json", ".json")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(contents))
        return folder / "api.json"

    async def test_files(self, tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
        """Local files are read from the document's folder; what is returned stands alone, and can be loaded itself."""
        item = {"post": {"operationId": "echo", "requestBody": {"$ref": "../bodies.json#/one"}, "responses": ok()}}
        path = self.write(
            tmp_path,
            api_json=document_of({"/x": {"$ref": "paths/x.json"}}),
            paths__x_json=item,
            bodies_json={
                "one": {"content": {"application/json": {"schema": {"$ref": "#/schemas/A"}}}, "required": True},
                "schemas": {"A": {"type": "object", "properties": {"a": {"$ref": "#/schemas/A"}}}},
            },
        )
        table = OperationTable()

        @table.register
        async def echo(request: web.Request, *, body: Any) -> Any:
            return body

        app = web.Application()
        alone = setup_operations(app, path, table)
        assert set(alone["x-files"]) == {"paths/x.json", "bodies.json"}
        client = await aiohttp_client(app)
        async with client.post("/x", json={"a": {"a": {}}}) as response:
            assert response.status == 200
        async with client.post("/x", json={"a": {"a": 1}}) as response:
            assert response.status == 422

    @pytest.mark.parametrize(
        ("reference", "why"),
        [
            ("../secret.json", "outside of the document's folder"),
            ("%2e%2e/secret.json", "outside of the document's folder"),
            ("/etc/passwd", "outside of the document's folder"),
            ("link.json", "outside of the document's folder"),
            ("https://example.com/a.json", "nothing is ever fetched"),
            ("file:///etc/passwd", "nothing is ever fetched"),
            ("//example.com/a.json", "nothing is ever fetched"),
            ("missing.json", "No such file"),
            ("api.txt", "its name must end in"),
        ],
    )
    def test_files_outside(self, tmp_path: Path, reference: str, why: str) -> None:
        """No file outside of the document's folder is read, and nothing is fetched."""
        (tmp_path / "secret.json").write_text('{"get": {}}')
        folder = tmp_path / "api"
        path = self.write(folder, api_json=document_of({"/x": {"$ref": reference}}))
        (folder / "link.json").symlink_to(tmp_path / "secret.json")
        with pytest.raises(InvalidDocumentError, match=why):
            setup_operations(web.Application(), path, OperationTable())

    def test_place_in_file(self, tmp_path: Path) -> None:
        """An error in another file names that file."""
        path = self.write(
            tmp_path,
            api_json=document_of({"/x": {"get": {"responses": ok({"$ref": "s.json#/A"})}}}),
            s_json={"A": {"properties": {"n": {"minimum": "x"}}}},
        )
        with pytest.raises(InvalidDocumentError, match=r"s\.json#/A/properties/n/minimum"):
            setup_operations(web.Application(), path, OperationTable())


class TestFiles:
    def load(self, tmp_path: Path, text: str | bytes, name: str = "api.yaml") -> dict[str, Any]:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return setup_operations(web.Application(), path, OperationTable())

    @pytest.mark.extra("yaml")
    def test_yaml(self, tmp_path: Path) -> None:
        """YAML is read by the rules of JSON: dates and words stay text, and so do keys."""
        text = (
            "openapi: 3.1.0\ninfo: {title: 2024-01-01, version: 1.10}\npaths: {}\n"
            "x-a: [yes, no, on, 012, 0o12, 0x1F, 1e3, .5, ~, null, true, 12:30:00, !!str 5, '1', -1, =]\n"
            "x-b: {200: a, yes: b, 2024-01-01: c, null: d}\nx-c: &c {a: 1}\nx-d: *c\n"
        )
        read = self.load(tmp_path, text)
        assert read["info"]["title"] == "2024-01-01"
        words = ["yes", "no", "on", 12, 10, 31, 1000.0, 0.5, None, None, True, "12:30:00", "5", "1", -1, "="]
        assert read["x-a"] == words
        assert list(map(type, read["x-a"])) == list(map(type, words))
        assert read["x-b"] == {"200": "a", "yes": "b", "2024-01-01": "c", "null": "d"}
        assert read["x-d"] == {"a": 1}

    @pytest.mark.extra("yaml")
    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("a: 1\na: 2", r"the key 'a' is given twice \(line 2\)"),
            ("a: &a [*a]", "an alias stands for what holds it"),
            ("a: !!python/object/apply:os.system [id]", "must be of OpenAPI|no JSON for the tag"),
            ("a: !!python/name:os.system", "no JSON for the tag"),
            ("a: !!binary aGk=", "no JSON for the tag"),
            ("a: &a {b: 1}\nc: {<<: *a}", "no merge key"),
            ("? [a]\n: b", "a key must be text"),
            ("a: [", "cannot be read"),
            ("- a", "must be of OpenAPI"),
            ("", "must be of OpenAPI"),
            ("swagger: '2.0'", "not Swagger 2"),
            ("openapi: 3.2.0", "not openapi: '3.2.0'"),
            ("openapi: 3.0", "not openapi: 3.0"),
            ("[" * 100_000, "nested too deeply|cannot be read"),
            (b"\xff", "is not UTF-8"),
        ],
    )
    def test_yaml_refused(self, tmp_path: Path, text: str | bytes, why: str) -> None:
        """What YAML has more than JSON is refused."""
        with pytest.raises(InvalidDocumentError, match=why):
            self.load(tmp_path, text)

    @pytest.mark.extra("yaml")
    def test_yaml_bomb(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Aliases of aliases are refused before they fill the memory."""
        monkeypatch.setattr("aiotoolkit._yaml_reading._MAX_COPIED", 10_000)
        lines = ["a0: &a0 [1]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12))]
        with pytest.raises(InvalidDocumentError, match="its aliases stand for too much"):
            self.load(tmp_path, "\n".join(lines))

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ('{"a": 1, "a": 2}', "the key 'a' is given twice"),
            ('{"a": NaN}', "NaN is no JSON"),
            ("{", "cannot be read"),
            ("[" * 100_000, "nested too deeply"),
            ('{"openapi": "3.1.0", "paths": {}, "x-files": {}}', "'x-files' is where other files are put"),
            ('{"openapi": "3.1.0", "paths": []}', "paths must be an object"),
            (
                '{"openapi": "3.1.0", "jsonSchemaDialect": "http://json-schema.org/draft-07/schema#"}',
                "is not supported",
            ),
        ],
    )
    def test_json_refused(self, tmp_path: Path, text: str, why: str) -> None:
        """What is no JSON, or no document, is refused."""
        with pytest.raises(InvalidDocumentError, match=why):
            self.load(tmp_path, text, "api.json")

    def test_missing(self, tmp_path: Path) -> None:
        """A file that is not there is an error that names it."""
        with pytest.raises(InvalidDocumentError, match=r"api\.json cannot be read: No such file"):
            setup_operations(web.Application(), tmp_path / "api.json", OperationTable())

    def test_copy(self) -> None:
        """The document is returned as a copy, as one of OpenAPI 3.1; the given one stays as it is."""
        given = document({}, "3.0.3", components={"schemas": {"A": {"type": "string", "nullable": True}}})
        before = json.dumps(given)
        returned = setup_operations(web.Application(), given, OperationTable())
        assert returned["components"]["schemas"]["A"] == {"type": ["string", "null"]}
        assert returned["openapi"].startswith("3.1.")
        assert json.dumps(given) == before


class TestLarge:
    async def test_entangled(self, aiohttp_client: AiohttpClient) -> None:
        """Where every schema leads to every other one, they are compiled once, and each still means itself."""
        count = 90
        schemas = {
            f"S{number}": {
                "type": "object",
                "properties": {
                    "kind": {"const": number},
                    "next": {"$ref": f"#/components/schemas/S{(number + 1) % count}"},
                    "value": {"type": "integer", "default": number},
                },
                "required": ["kind"],
            }
            for number in range(count)
        }
        paths = {
            f"/{number}": {
                "post": {
                    "operationId": f"echo{number}",
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/S{number}"}}},
                    },
                    "responses": ok({"$ref": f"#/components/schemas/S{number}"}),
                }
            }
            for number in range(count)
        }
        table = OperationTable()

        async def echo(request: web.Request, *, body: dict[str, Any]) -> dict[str, Any]:
            return body

        for number in range(count):
            table.register(echo, name=f"echo{number}")
        app = web.Application()
        setup_operations(app, document(paths, components={"schemas": schemas}), table)
        checks = {
            id(route.handler.schema._reader.schemas["body"].check.__self__.shared)  # type: ignore[attr-defined]  # ours
            for route in app.router.routes()
        }
        assert len(checks) == 1
        client = await aiohttp_client(app)
        async with client.post("/7", json={"kind": 7, "next": {"kind": 8}}) as response:
            data = {"kind": 7, "next": {"kind": 8, "value": 8}, "value": 7}
            assert (response.status, await response.json()) == (200, data)
        async with client.post("/7", json={"kind": 8}) as response:
            problem = await response.json()
            assert (response.status, problem["errors"][0]["pointer"]) == (422, "#/kind")

    def test_error_in_entangled(self) -> None:
        """What is wrong with one of many schemas is told with its own place."""
        schemas: dict[str, Any] = {
            f"S{n}": {"properties": {"n": {"$ref": f"#/components/schemas/S{n + 1}"}}} for n in range(70)
        }
        schemas["S70"] = {"properties": {"bad": {"pattern": "("}}}
        described = document(
            {"/x": {"get": {"responses": ok({"$ref": "#/components/schemas/S0"})}}}, components={"schemas": schemas}
        )
        table = OperationTable()
        table.register(view, name="GET /x")
        with pytest.raises(InvalidDocumentError, match=r"#/components/schemas/S70/properties/bad"):
            setup_operations(web.Application(), described, table)


def test_notes() -> None:
    """What has no effect is one warning, with the places."""
    schema = {"anyOf": [{"properties": {"a": {"default": 1}}}]}
    with pytest.warns(UserWarning, match="says what has no effect") as caught:
        echo_app(body({"application/json": {"schema": schema}}))
    assert len(caught) == 1
