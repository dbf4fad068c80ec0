"""Documents that nobody would write by hand: each is a clear error, or an application, and never a hang or a crash."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from aiotoolkit.openapi import InvalidDocumentError, OperationTable, setup_operations
from tests.operations import document, echo_app

REFERENCE = "#/components/schemas/"
LONG = 3_000  # more than three times the depth that Python's stack has


def body_of(schemas: dict[str, Any], **members: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"{REFERENCE}S0"}}}
    operation = {"operationId": "echo", "requestBody": {"content": content}}
    return document({"/": {"post": operation}}, components={"schemas": schemas}, **members)


def chain(link: Any, last: Any, length: int = LONG) -> dict[str, Any]:
    """Schemas of which each refers to the next one."""
    return {f"S{n}": link({"$ref": f"{REFERENCE}S{n + 1}"}) for n in range(length)} | {f"S{length}": last}


class TestSchemas:
    @pytest.mark.parametrize(
        "link",
        [
            lambda following: {"allOf": [following]},
            lambda following: {"properties": {"next": following}},
            lambda following: {"type": "array", "items": following},
            lambda following: {"anyOf": [{"type": "null"}, following]},
        ],
    )
    def test_long_chain(self, link: Any) -> None:
        """The schemas of a large document may refer to one another in any number."""
        echo_app(body_of(chain(link, {"type": "object"})))

    def test_long_chain_that_ends_in_itself(self) -> None:
        """A loop is found at the end of a long way, too."""
        schemas = chain(lambda following: {"allOf": [following]}, {"$ref": f"{REFERENCE}S0"})
        with pytest.raises(InvalidDocumentError, match="refers to itself for the same value, without end"):
            echo_app(body_of(schemas))

    @pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf"])
    def test_ways_that_meet(self, keyword: str) -> None:
        """Forty schemas with two ways to the next one have 2**40 ways to the last: each schema is read once."""
        schemas = chain(lambda following: {keyword: [following, following]}, {"type": "string"}, 40)
        query = {"name": "q", "in": "query", "schema": {"$ref": f"{REFERENCE}S0"}}
        operation = {"operationId": "echo", "parameters": [query]}
        echo_app(document({"/": {"get": operation}}, components={"schemas": schemas}))

    def test_many_that_refer_to_many(self) -> None:
        """A thousand schemas, each of which leads to each other one, are compiled in a moment."""
        many = 1_000
        schemas = {
            f"S{n}": {"properties": {f"p{k}": {"$ref": f"{REFERENCE}S{(n * 7 + k) % many}"} for k in range(8)}}
            for n in range(many)
        }
        echo_app(body_of(schemas))

    def test_deep_schema(self) -> None:
        """Hundreds of levels are refused, by the place."""
        deep: dict[str, Any] = {}
        for _ in range(300):
            deep = {"properties": {"a": deep}}
        with pytest.raises(InvalidDocumentError, match="nor hundreds of levels"):
            echo_app(body_of({"S0": deep}))


class TestFiles:
    def load(self, folder: Path, reference: str) -> None:
        content = {"application/json": {"schema": {"$ref": reference}}}
        operation = {"operationId": "echo", "requestBody": {"content": content}}
        (folder / "api.json").write_text(json.dumps(document({"/": {"post": operation}})))
        setup_operations(web.Application(), folder / "api.json", OperationTable())

    @pytest.mark.parametrize(
        ("reference", "why"),
        [
            ("a%00b.json", "names no file"),
            ("a" * 5_000 + ".json", "names no file|cannot be read"),
            ("folder.json", "it is no file"),
            ("%2e%2e/api.json", "outside of the document's folder"),
        ],
    )
    def test_strange_names(self, tmp_path: Path, reference: str, why: str) -> None:
        """A name that is none of a file is an error with its place."""
        (tmp_path / "folder.json").mkdir()
        with pytest.raises(InvalidDocumentError, match=why) as caught:
            self.load(tmp_path, reference)
        assert "requestBody" in str(caught.value)

    def test_link_to_itself(self, tmp_path: Path) -> None:
        """So is a symbolic link that leads to itself."""
        (tmp_path / "loop.json").symlink_to(tmp_path / "loop.json")
        with pytest.raises(InvalidDocumentError, match=r"names no file|cannot be read"):
            self.load(tmp_path, "loop.json")

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
    def test_pipe(self, tmp_path: Path) -> None:
        """A pipe is not opened: nobody may ever write into it."""
        os.mkfifo(tmp_path / "pipe.json")
        with pytest.raises(InvalidDocumentError, match="it is no file"):
            self.load(tmp_path, "pipe.json")

    def test_key_twice_at_the_end(self, tmp_path: Path) -> None:
        """To name the key that is there twice takes no longer than to read the file."""
        members = ", ".join([*(f'"k{n}": 1' for n in range(100_000)), '"k99999": 2'])
        (tmp_path / "api.json").write_text("{" + members + "}")
        with pytest.raises(InvalidDocumentError, match="the key 'k99999' is given twice"):
            setup_operations(web.Application(), tmp_path / "api.json", OperationTable())


class TestMembers:
    @pytest.mark.parametrize("place", [["query"], {}, None, 1, "body"])
    def test_place_of_a_parameter(self, place: Any) -> None:
        """What is no text is no place, whatever it is."""
        operation = {"operationId": "echo", "parameters": [{"name": "q", "in": place, "schema": {}}]}
        with pytest.raises(InvalidDocumentError, match=r"is in one of path, query, header, cookie \(at "):
            echo_app(document({"/": {"get": operation}}))

    @pytest.mark.parametrize(
        "scheme",
        [
            {"type": "http", "scheme": "digest\r\nSet-Cookie: a=b"},
            {"type": "http", "scheme": {}},
            {"type": "http", "scheme": ""},
            {"type": "apiKey", "in": ["header"], "name": "X-Key"},
            {"type": "apiKey", "in": "header", "name": ""},
        ],
    )
    def test_security_scheme(self, scheme: Any) -> None:
        """What could not be sent in WWW-Authenticate, or be found in a request, is refused at the start."""

        async def verify(request: web.Request, credentials: Any) -> None: ...

        described = document(
            {"/": {"get": {"operationId": "echo", "security": [{"key": []}]}}},
            components={"securitySchemes": {"key": scheme}},
        )
        with pytest.raises(InvalidDocumentError, match=r"A scheme of type .* \(at #/components/securitySchemes/key\)"):
            echo_app(described, security={"key": verify})

    @pytest.mark.parametrize("name", ["a b", "", "class", ["a"], 1])
    def test_route_name(self, name: Any) -> None:
        """A name that aiohttp refuses is told with its place."""
        with pytest.raises(InvalidDocumentError, match=r"x-route-name is .* \(at #/paths/~1/x-route-name\)"):
            echo_app(document({"/": {"x-route-name": name, "get": {"operationId": "echo"}}}))

    def test_route_name_twice(self) -> None:
        """Two routes of one name are an error before any of them is added."""
        app, table = web.Application(), OperationTable()

        async def find(request: web.Request) -> None: ...

        table.register(find)
        table.register(find, name="other")
        described = document(
            {
                "/a": {"x-route-name": "pets", "get": {"operationId": "find"}},
                "/b": {"x-route-name": "pets", "get": {"operationId": "other"}},
            }
        )
        with pytest.raises(InvalidDocumentError, match="another route with the name 'pets'"):
            setup_operations(app, described, table)
        assert not list(app.router.resources())


def test_no_application() -> None:
    """The first argument is an application."""
    with pytest.raises(TypeError, match="added to an application, not dict"):
        setup_operations({}, document({}), OperationTable())  # type: ignore[arg-type]  # what is tested


def test_name_of_an_operation() -> None:
    """A view is registered by a text."""

    async def find(request: web.Request) -> None: ...

    with pytest.raises(TypeError, match="The name of an operation is text, not 1"):
        OperationTable().register(find, name=1)  # type: ignore[call-overload]  # what is tested
