"""Parameters: the text of queries, paths, headers, cookies and forms, converted by its schema. Never a 5xx."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given, settings
from hypothesis import strategies as st

from aiotoolkit._documents import Document
from aiotoolkit._engines import JSONSchemaRSEngine
from aiotoolkit._parameters import Converted, Parameters
from aiotoolkit.middlewares import setup_errors
from aiotoolkit.responses import json_response
from aiotoolkit.schemas import InvalidSchemaError, Response, ResponseValidationError, Schema
from tests.raw import RawResponse, raw_request, read_response

INT64 = 2**63


def convert(schema: Any, **values: Sequence[Any] | str) -> dict[str, Any]:
    """The data that parameters become; they must be without a violation."""
    converted = read(schema, {name: [value] if isinstance(value, str) else value for name, value in values.items()})
    assert converted.violations == []
    return converted.data


def read(schema: Any, values: Mapping[str, Sequence[Any]], place: str = "form") -> Converted:
    return Parameters(Document(schema), place).read(values)


def of_type(**schema: Any) -> dict[str, Any]:
    return {"properties": {"a": schema}}


# What text becomes


@pytest.mark.parametrize(
    ("schema", "text", "expected"),
    [
        ({"type": "integer"}, "1", 1),
        ({"type": "integer"}, "-0", 0),
        ({"type": "integer"}, str(INT64 - 1), INT64 - 1),
        ({"type": "integer"}, str(-INT64), -INT64),
        ({"type": "number"}, "1", 1),
        ({"type": "number"}, "-1.5e3", -1500.0),
        ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, "false", False),
        ({"type": "string"}, "1", "1"),
        ({}, "1", "1"),
        # of several types: number before text
        ({"type": ["integer", "string"]}, "1", 1),
        ({"type": ["integer", "string"]}, "x", "x"),
        ({"type": ["boolean", "integer"]}, "true", True),
        ({"type": ["integer", "null"]}, "5", 5),
        # the types of what is listed, where none is named
        ({"enum": [1, 2]}, "2", 2),
        ({"enum": ["1", "2"]}, "2", "2"),
        ({"enum": [True]}, "true", True),
        ({"const": 1.5}, "1.5", 1.5),
        ({"enum": [None, [], {}]}, "1", ["1"]),
        # what is listed as text stays text
        ({"enum": ["1", 2]}, "1", "1"),
        ({"enum": ["1", 2]}, "2", 2),
        ({"enum": [1, "a", True, None]}, "1", 1),
        ({"enum": [1, "a", True, None]}, "true", True),
        ({"enum": [1, "a", True, None]}, "null", "null"),
        ({"enum": [1, "a", True, None]}, "2", "2"),
        ({"anyOf": [{"type": "integer"}, {"const": "12"}]}, "12", 12),
        # a number that would be refused, where its text is fine
        ({"anyOf": [{"type": "integer", "maximum": 10}, {"type": "string"}]}, "12", "12"),
        ({"anyOf": [{"type": "integer", "maximum": 10}, {"type": "string"}]}, "9", 9),
        ({"anyOf": [{"enum": [2, False]}, {"type": "string"}]}, "1", "1"),
        ({"anyOf": [{"enum": [2, False]}, {"type": "string"}]}, "true", "true"),
        ({"anyOf": [{"enum": [2, False]}, {"type": "string"}]}, "false", False),
        ({"anyOf": [{"const": True}, {"type": "string"}]}, "1", "1"),
        ({"type": ["number", "string"], "exclusiveMinimum": 1}, "1", "1"),
        ({"type": ["number", "string"], "exclusiveMinimum": 1}, "1.5", 1.5),
        ({"type": "array", "items": {"type": ["integer", "string"], "minimum": 5}}, "1", ["1"]),
        ({"allOf": [{"enum": ["1", 1]}, {"type": "integer"}]}, "1", 1),
        # a text branch
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "12", 12),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "x", "x"),
        ({"oneOf": [{"type": "null"}, {"type": "string"}]}, "12", "12"),
        # only what all schemas allow
        ({"allOf": [{"type": ["integer", "string"]}, {"type": "string"}]}, "12", "12"),
        ({"type": "string", "anyOf": [{"type": "integer"}, {"minLength": 1}]}, "12", "12"),
        ({"allOf": [{"type": "number"}, {"type": "integer"}]}, "12", 12),
        ({"allOf": [{"type": "number"}, {"type": "integer"}]}, "1.5", "1.5"),
        ({"allOf": [{"type": "integer"}, {"type": "string"}]}, "12", "12"),
        # elsewhere
        ({"$ref": "#/$defs/n"}, "1", 1),
        ({"allOf": [{"minimum": 1}, {"$ref": "#/$defs/n"}]}, "1", 1),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "1", 1),
        ({"oneOf": [{"$ref": "#/$defs/n"}, {"type": "boolean"}]}, "false", False),
        ({"anyOf": [{"anyOf": [{"allOf": [{"type": "integer"}]}]}]}, "1", 1),
        ({"anyOf": [{"$ref": "#/$defs/many"}, {"type": "null"}]}, "1", [1]),
    ],
)
def test_conversion(schema: dict[str, Any], text: str, expected: Any) -> None:
    """Text becomes what its schema's types say, wherever they stand."""
    definitions = {"n": {"type": "integer"}, "many": {"type": "array", "items": {"type": "integer"}}}
    (value,) = convert({**of_type(**schema), "$defs": definitions}, a=text).values()
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize("kind", ["integer", "number", "boolean"])
@pytest.mark.parametrize(
    "text",
    ["", " ", "x", "1_0", "٣", "¹", "+1", " 1", "1 ", "01", "0x1", "nan", "inf", "Infinity", "True", "TRUE", "yes",
     "on", "null", "\x00", "1\n", "--1", "1,2", "9" * 500],
)  # fmt: skip
def test_text_of_another_type_stays_text(kind: str, text: str) -> None:
    """What is not of the type in ASCII grammar stays text, and is so refused by the schema."""
    assert convert(of_type(type=kind), a=text) == {"a": text}


@pytest.mark.parametrize("text", [str(INT64), str(-INT64 - 1), "1.0", "1e2"])
def test_integers_of_64_bits(text: str) -> None:
    """An integer that does not fit into 64 bits, or has a fraction or an exponent, stays text."""
    assert convert(of_type(type="integer"), a=text) == {"a": text}


def test_arrays() -> None:
    """Repeated names fill an array; one alone makes an array of one; each item is converted."""
    schema = of_type(type="array", items={"type": "integer"})
    assert convert(schema, a=["1", "2", "x"]) == {"a": [1, 2, "x"]}
    assert convert(schema, a="1") == {"a": [1]}
    assert convert(schema) == {}
    assert convert(of_type(type=["array", "null"], items={"type": "string"}), a=["1"]) == {"a": ["1"]}
    assert convert(of_type(allOf=[{"type": "array"}, {"items": {"type": "boolean"}}]), a=["true"]) == {"a": [True]}


def test_a_scalar_that_is_given_twice() -> None:
    """It is a violation of its own, since a schema could not see it."""
    (violation,) = read(of_type(type="integer"), {"a": ["1", "2"]}).violations
    assert violation == (("a",), "duplicate", "must be given once")
    assert read({}, {"b": ["1", "1"]}).violations[0].path == ("b",)


def test_properties_from_several_schemas() -> None:
    """A name that several schemas describe has the types of all of them; a bare one does not hide the others."""
    schema = {
        "properties": {"a": {}, "b": {"type": "boolean"}},
        "allOf": [{"$ref": "#/$defs/page"}],
        "$defs": {"page": {"properties": {"a": {"type": "integer"}, "c": {"type": "number"}}}},
    }
    assert convert(schema, a="1", b="true", c="1.5") == {"a": 1, "b": True, "c": 1.5}
    assert Parameters(Document(schema)).names == ("a", "b", "c")


def test_undeclared_names() -> None:
    """A name without a property has the schema of additionalProperties, or stays text."""
    assert convert({"additionalProperties": {"type": "integer"}}, a="1") == {"a": 1}
    assert convert({"additionalProperties": {"type": "array", "items": {"type": "integer"}}}, a=["1"]) == {"a": [1]}
    assert convert({"additionalProperties": True}, a="1") == {"a": "1"}
    assert convert({"additionalProperties": False}, a="1") == {"a": "1"}  # which the schema refuses
    assert convert(True, a="1") == {"a": "1"}


def test_names_that_are_only_required() -> None:
    """A header or a cookie that is required but not described is read, too: it is named."""
    assert Parameters(Document({"properties": {"a": {}}, "required": ["b", "a"]})).names == ("a", "b")


@pytest.mark.parametrize("place", ["query", "path", "headers", "cookies", "form"])
@pytest.mark.parametrize("schema", [{"type": "string"}, {"type": ["array", "null"]}, {"allOf": [{"type": "integer"}]}])
def test_a_schema_that_is_not_of_an_object(place: str, schema: dict[str, Any]) -> None:
    """It could never be met: it is refused when the Schema is made, by the name of its place."""
    with pytest.raises(InvalidSchemaError, match=f"^The {place} schema is not usable: It describes all parameters"):
        Schema(**{place: schema})  # type: ignore[call-overload]  # the names are right


def test_recursive_schemas() -> None:
    """Types are looked for without end where a schema refers to itself."""
    schema = {
        "properties": {"a": {"$ref": "#/$defs/tree"}},
        "$defs": {"tree": {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/tree"}, {"type": "integer"}]}}},
    }
    assert convert(schema, a=["1", "x"]) == {"a": [1, "x"]}


def test_integers_beyond_64_bits() -> None:
    """An integer may be larger where its schema says so."""
    for wide in (
        {"maximum": 10**30},
        {"maximum": 1e30},
        {"exclusiveMinimum": -(10**30)},
        {"enum": [10**20]},
        {"const": 10**20},
    ):
        assert convert(of_type(type="integer", **wide), a=str(10**20)) == {"a": 10**20}
        assert convert(of_type(type="integer", **wide), a="9" * 4301) == {"a": "9" * 4301}
        assert convert(of_type(type="integer", **wide), a="1_0") == {"a": "1_0"}
    assert convert(of_type(type="integer", maximum=5), a=str(10**20)) == {"a": str(10**20)}


def test_properties_of_alternatives() -> None:
    """A property that only some alternatives of the object describe has the types of all of these."""
    schema = {
        "anyOf": [{"properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}}}, {"required": ["c"]}],
        "if": {"required": ["d"]},
        "then": {"properties": {"a": {"type": "boolean"}}},
        "dependentSchemas": {"a": {"properties": {"e": {"type": "number"}}}},
        "dependentRequired": {"f": ["g"]},
    }
    assert convert(schema, a="1", b="true", e="1.5") == {"a": 1, "b": True, "e": 1.5}
    assert convert(schema, a="true", b="1") == {"a": True, "b": "1"}
    assert set(Parameters(Document(schema), "headers").names) == set("abcdefg")


def test_patterns_of_names() -> None:
    """No name is matched with a pattern: what patternProperties describe has one type, or they are refused."""
    numbers = {"patternProperties": {"^n": {"type": "integer"}, "^m": {"type": ["integer", "null"]}}}
    assert convert({**numbers, "additionalProperties": False}, n="1") == {"n": 1}
    assert convert({**numbers, "additionalProperties": {"type": "integer"}}, n="1", x="2") == {"n": 1, "x": 2}
    assert convert({"patternProperties": {"^n": {}, "^m": {"type": "string"}, "o": True}}, n="1") == {"n": "1"}
    assert convert({"unevaluatedProperties": {"type": "integer"}}, n="1") == {"n": 1}
    for schema in (
        {"patternProperties": {"^n": {"type": "integer"}, "^t": {"type": "string"}}},
        {**numbers, "additionalProperties": {"type": "string"}},
    ):
        with pytest.raises(InvalidSchemaError, match=r"give them one type \(at #/patternProperties\)"):
            Parameters(Document(schema))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": ["object", "null"]},
        {"$ref": "#/$defs/object"},
        {"anyOf": [{"type": "object"}, {"$ref": "#/$defs/object"}]},
        {"type": ["object", "string"], "allOf": [{"$ref": "#/$defs/object"}]},
        {"type": "array", "items": {"type": "object"}},
        {"type": "array", "items": {"type": "array"}},
    ],
)
@pytest.mark.parametrize("place", ["query", "path", "headers", "cookies", "form"])
def test_what_no_text_can_be(place: str, schema: dict[str, Any]) -> None:
    """A parameter that could never be given is refused when the Schema is made."""
    with pytest.raises(InvalidSchemaError, match=rf"^The {place} schema .* never be given as text: .*/properties/a\)$"):
        Schema(**{place: {**of_type(**schema), "$defs": {"object": {"type": "object"}}}})  # type: ignore[call-overload]  # the names are right


# Styles of arrays


@pytest.mark.parametrize(
    ("place", "style", "values", "expected"),
    [
        ("query", {}, ["1", "2"], [1, 2]),
        ("query", {}, ["1,2"], ["1,2"]),
        ("query", {}, [""], [""]),
        ("query", {"style": "form"}, ["1", "2"], [1, 2]),
        ("query", {"explode": True}, ["1", "2"], [1, 2]),
        ("query", {"explode": False}, ["1,2"], [1, 2]),
        ("query", {"explode": False}, ["1"], [1]),
        ("query", {"explode": False}, [""], []),
        ("query", {"explode": False}, ["1,,2,"], [1, "", 2, ""]),
        ("query", {"explode": False}, ["1, 2"], [1, " 2"]),
        ("query", {"style": "spaceDelimited"}, ["1 2"], [1, 2]),
        ("query", {"style": "pipeDelimited", "explode": False}, ["1|2"], [1, 2]),
        ("form", {"style": "pipeDelimited"}, ["1|2"], [1, 2]),
        ("path", {}, ["1,2"], [1, 2]),
        ("path", {"style": "simple", "explode": True}, ["1,2"], [1, 2]),
        ("cookies", {}, ["1,2"], [1, 2]),
        ("cookies", {"style": "form", "explode": False}, ["1,2"], [1, 2]),
        ("headers", {}, ["1,2", "3"], [1, 2, 3]),
        ("headers", {"style": "simple"}, [" 1 ,\t2 ,, ", "", "3"], [1, 2, 3]),
        ("headers", {}, [""], []),
    ],
)
def test_styles(place: str, style: dict[str, Any], values: list[str], expected: list[Any]) -> None:
    """An array is given by its name repeated, or in one text, as its style and explode say."""
    converted = read(of_type(type="array", items={"type": "integer"}, **style), {"a": values}, place)
    assert (converted.data, converted.violations) == ({"a": expected}, [])


@pytest.mark.parametrize(
    ("place", "schema"),
    [
        ("query", {"style": "simple"}),
        ("query", {"style": "deepObject"}),
        ("query", {"style": "pipeDelimited", "explode": True}),
        ("query", {"style": 1}),
        ("query", {"style": ["form"]}),
        ("query", {"explode": 1}),
        ("query", {"explode": None}),
        ("path", {"style": "form"}),
        ("path", {"style": "deepObject"}),
        ("headers", {"style": "form"}),
        ("cookies", {"style": "form", "explode": True}),
        ("cookies", {"explode": True}),
        ("cookies", {"style": "simple"}),
    ],
)
def test_styles_of_other_places(place: str, schema: dict[str, Any]) -> None:
    """A style that its place does not have is refused when the Schema is made, with those that it has."""
    with pytest.raises(InvalidSchemaError, match=rf"^The {place} schema .* use .* with explode=.*/properties/a\)$"):
        Schema(**{place: of_type(type="array", **schema)})  # type: ignore[call-overload]  # the names are right


def test_styles_are_for_arrays() -> None:
    """Spaces and pipes have no meaning in a parameter that is no array, nor in files."""
    with pytest.raises(InvalidSchemaError, match="is for arrays of text"):
        Schema(query=of_type(type="integer", style="pipeDelimited"))
    with pytest.raises(InvalidSchemaError, match="is for arrays of text"):
        Schema(form=of_type(type="array", items={"format": "binary"}, explode=False))
    assert convert(of_type(type="integer", style="form", explode=False), a="1") == {"a": 1}


def test_a_style_beside_a_reference() -> None:
    """Style and explode are no keywords of JSON Schema: they count beside a $ref on every draft."""
    for draft in ("http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"):
        many = {"type": "array", "items": {"type": "integer"}}
        schema = of_type(**{"$ref": "#/definitions/many"}, explode=False)
        assert convert({"$schema": draft, **schema, "definitions": {"many": many}}, a="1,2") == {"a": [1, 2]}


def test_one_text_is_given_once() -> None:
    """An array in one text may not be repeated, but for a header."""
    schema = of_type(type="array", explode=False)
    assert read(schema, {"a": ["1", "2"]}, "query").violations == [(("a",), "duplicate", "must be given once")]


# Files


def test_files() -> None:
    """A file is an empty text for the schema; a text in its place, or it in a text's, is a violation."""
    file, schema = object(), of_type(type="string", format="binary")
    converted = read(schema, {"a": [file]})
    assert (converted.data, converted.files, converted.violations) == ({"a": ""}, {"a": file}, [])
    assert read(schema, {"a": ["text"]}).violations == [(("a",), "type", "must be a file")]
    assert read(of_type(type="string"), {"a": [file]}).violations == [(("a",), "type", "must not be a file")]
    assert read({}, {"a": [file]}).violations == [(("a",), "type", "must not be a file")]
    several = read(of_type(type="array", items={"type": "string", "format": "binary"}), {"a": [file, file]})
    assert (several.data, several.files) == ({"a": ["", ""]}, {"a": [file, file]})
    maybe = of_type(anyOf=[{"type": "string", "format": "binary"}, {"type": "null"}])
    assert read(maybe, {"a": [file]}).files == {"a": file}


def test_the_size_of_a_file() -> None:
    """Of a file, maxLength counts bytes; what looks into it is refused when the Schema is made."""

    @dataclass
    class File:
        size: int

    schema = of_type(type="string", format="binary", maxLength=10)
    assert read(schema, {"a": [File(10)]}).violations == []
    assert read(schema, {"a": [File(11)]}).violations == [(("a",), "maxLength", "must have at most 10 bytes")]
    several = of_type(type="array", items={"allOf": [{"format": "binary"}, {"maxLength": 10}]})
    assert read(several, {"a": [File(1), File(11)]}).violations[0].keyword == "maxLength"
    for keyword, value in (("minLength", 1), ("pattern", "a"), ("enum", ["a"]), ("const", "a")):
        with pytest.raises(InvalidSchemaError, match=f"The form schema .*: {keyword} has no use"):
            Schema(form=of_type(type="string", format="binary", **{keyword: value}))
    with pytest.raises(InvalidSchemaError, match="Only a form has files"):
        Schema(query=of_type(type="string", format="binary"))


# Over the wire


def create_app() -> web.Application:
    schema = Schema(
        path={"type": "object", "properties": {"number": {"type": "integer", "minimum": 0}}},
        query={
            "type": "object",
            "properties": {
                "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
                "ids": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
                "exact": {"type": "boolean", "default": False},
                "ratio": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None},
                "q": {"type": "string", "maxLength": 5},
            },
            "additionalProperties": False,
        },
        headers={
            "type": "object",
            "properties": {"X-Number": {"type": "integer"}, "x-many": {"type": "array", "items": {"type": "integer"}}},
            "required": ["X-Token"],
        },
        cookies={"type": "object", "properties": {"session": {"type": "string"}, "seen": {"type": "integer"}}},
    )

    @schema.handler
    async def show(request: web.Request, /, **places: Any) -> dict[str, Any]:
        return places

    app = web.Application()
    setup_errors(app)
    app.router.add_get("/{number}", show)
    return app


class Asked:
    """Sends raw requests to the application."""

    def __init__(self, server: TestServer) -> None:
        self.server = server

    async def get(self, query: str = "", *headers: tuple[str, str | bytes], path: str = "/1") -> RawResponse:
        sent = [("X-Token", "t"), *headers]
        target = f"{path}?{query}" if query else path
        return await read_response(self.server, raw_request("GET", target, headers=sent, content_type=None))

    async def data(self, query: str = "", *headers: tuple[str, str | bytes]) -> dict[str, Any]:
        response = await self.get(query, *headers)
        assert response.status == 200, response.body
        data: dict[str, Any] = response.json()
        return data

    async def errors(self, query: str = "", *headers: tuple[str, str | bytes], path: str = "/1") -> list[Any]:
        response = await self.get(query, *headers, path=path)
        assert response.status == 400, response.body
        assert response.headers["Content-Type"] == "application/problem+json"
        errors: list[Any] = response.json()["errors"]
        return errors


@pytest.fixture
async def asked(aiohttp_server: Any) -> Asked:
    return Asked(await aiohttp_server(create_app()))


async def test_all_places(asked: Asked) -> None:
    """Each place is converted, has its defaults, and holds what is named of headers and cookies, all of the query."""
    data = await asked.data(
        "limit=3&ids=1&ids=2&exact=true&ratio=0.5&q=a%20b", ("x-number", "7"), ("X-Many", "1"), ("X-MANY", "2"),
        ("X-Other", "no"), ("Cookie", "session=s; seen=4; other=no"),
    )  # fmt: skip
    assert data == {
        "path": {"number": 1},
        "query": {"limit": 3, "ids": [1, 2], "exact": True, "ratio": 0.5, "q": "a b"},
        "headers": {"X-Number": 7, "x-many": [1, 2], "X-Token": "t"},
        "cookies": {"session": "s", "seen": 4},
    }
    assert await asked.data() == {
        "path": {"number": 1},
        "query": {"limit": 20, "exact": False, "ratio": None},
        "headers": {"X-Token": "t"},
        "cookies": {},
    }


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("limit%00=1", "is not allowed"),
        *[(f"limit={text}", "must be of type integer")
          for text in ("", "1_0", "%D9%A1", "1.0", "+1", "%201", "0x1", "9" * 30, str(INT64), "%00", "%FF", "%ED%A0%80",
                       "%", "%zz", "1%", "%F0%9F%98", "%2B1", "null", "1%0A")],
        ("limit", "must be of type integer"),
        ("limit=0", "must be at least 1"),
        ("limit=101", "must be at most 100"),
        ("limit=1&limit=1", "must be given once"),
        ("ids=1&ids=x", "must be of type integer"),
        ("ids=1&ids=1&ids=1&ids=1", "must have at most 3 items"),
        ("ids=1,2", "must be of type integer"),
        *[(f"exact={text}", "must be of type boolean") for text in ("yes", "1", "True", "TRUE", "on", "")],
        *[(f"ratio={text}", "matches none of the allowed forms") for text in ("nan", "inf", "1e400", "null", "1,5")],
        ("q=123456", "must have at most 5 characters"),
        ("other=1", "is not allowed"),
        ("Limit=1", "is not allowed"),
        ("%00=1", "is not allowed"),
    ],
)  # fmt: skip
async def test_bad_queries(asked: Asked, query: str, detail: str) -> None:
    """A query that breaks its schema is 400, with the place and the name, and without the value."""
    (error,) = await asked.errors(query)
    assert error["in"] == "query"
    assert error["name"] == query.partition("=")[0].replace("%00", "\x00")
    assert error["detail"] == detail


@pytest.mark.parametrize("text", ["x", "-1", "1_0", "%D9%A1", "1%2F2", "%00", "%FF", "%25", "9" * 30])
async def test_bad_paths(asked: Asked, text: str) -> None:
    """A part of the path that breaks its schema is 400 as well."""
    (error,) = await asked.errors(path=f"/{text}")
    assert error == {"detail": error["detail"], "in": "path", "name": "number"}


@pytest.mark.parametrize("value", [b"\xff", b"x", b"1_0", "٣".encode(), b"1, 2", b"", b"\xed\xa0\x80"])
async def test_bad_headers(asked: Asked, value: bytes) -> None:
    """Raw bytes in a header are 400, in its name."""
    (error,) = await asked.errors("", ("X-Number", value))
    assert error["in"] == "header"
    assert error["name"] == "X-Number"


@pytest.mark.parametrize("value", [b"seen=\xff", b"seen=x", b'seen="\\377"', b"seen=1_0", b"seen="])
async def test_bad_cookies(asked: Asked, value: bytes) -> None:
    """Raw bytes in a cookie are 400, in its name."""
    (error,) = await asked.errors("", ("Cookie", value))
    assert error["in"] == "cookie"
    assert error["name"] == "seen"


@pytest.mark.parametrize(
    "value", [b";;;=", b"=", b"\xff=\xff", b"a=b; seen", b"$Version=1; seen=1", b'"', b"seen=1; seen=2", b"x" * 4000]
)
async def test_cookies_that_are_hard_to_read(asked: Asked, value: bytes) -> None:
    """A damaged Cookie header holds no cookie of ours, or one that is good or bad, but never fails."""
    assert (await asked.get("", ("Cookie", value))).status in (200, 400)


async def test_a_required_header(asked: Asked) -> None:
    """A header that is missing is 400 in its name; names of headers know no case."""
    request = raw_request("GET", "/1", headers=[("X-Tokens", "t")], content_type=None)
    response = await read_response(asked.server, request)
    assert response.status == 400
    assert response.json()["errors"] == [{"detail": "is required", "in": "header", "name": "X-Token"}]
    request = raw_request("GET", "/1", headers=[("x-TOKEN", "t")], content_type=None)
    assert (await read_response(asked.server, request)).status == 200


@pytest.fixture
async def styled(aiohttp_server: Any) -> TestServer:
    """A server that answers its parameters, all of them arrays of integers in one text."""
    many = {"type": "array", "items": {"type": "integer"}}
    schema = Schema(
        path=of_type(**many),
        query={
            "properties": {
                "commas": {**many, "explode": False},
                "spaces": {**many, "style": "spaceDelimited"},
                "pipes": {**many, "style": "pipeDelimited"},
            }
        },
        headers={"properties": {"X-Ids": many}},
        cookies={"properties": {"ids": many}},
    )

    @schema.handler
    async def show(request: web.Request, /, **places: Any) -> web.Response:
        return json_response(places, headers=[("X-Ids", "1")])

    app = web.Application()
    setup_errors(app)
    app.router.add_get("/{a}", show)
    server: TestServer = await aiohttp_server(app)
    return server


@pytest.mark.parametrize(
    ("target", "place", "expected"),
    [
        ("/1,2?", "path", {"a": [1, 2]}),
        ("/1%2C2?", "path", {"a": [1, 2]}),
        ("/1?commas=1,2", "query", {"commas": [1, 2]}),
        ("/1?commas=1%2C2", "query", {"commas": [1, 2]}),
        ("/1?commas=", "query", {"commas": []}),
        ("/1?commas", "query", {"commas": []}),
        ("/1?spaces=1%202", "query", {"spaces": [1, 2]}),
        ("/1?spaces=1+2", "query", {"spaces": [1, 2]}),
        ("/1?pipes=1%7C2", "query", {"pipes": [1, 2]}),
        ("/1?pipes=1|2", "query", {"pipes": [1, 2]}),
    ],
)
async def test_encoded_delimiters(styled: TestServer, target: str, place: str, expected: Any) -> None:
    """A delimiter divides, whether it is percent-encoded or not."""
    response = await read_response(styled, raw_request("GET", target, content_type=None))
    assert response.json()[place] == expected


async def test_lists_in_headers(styled: TestServer) -> None:
    """All lines of a header are one list; a cookie's list stands in its value."""
    headers: list[tuple[str, str | bytes]] = [("X-Ids", "1, 2"), ("x-ids", "3,"), ("Cookie", "ids=4,5")]
    data = (await read_response(styled, raw_request("GET", "/1", headers=headers, content_type=None))).json()
    assert (data["headers"], data["cookies"]) == ({"X-Ids": [1, 2, 3]}, {"ids": [4, 5]})


async def test_bad_items(styled: TestServer) -> None:
    """A bad item is 400 in the name of its parameter; so is a text with thousands of them."""
    for target in ("/1,x", "/1?commas=1,", "/1?commas=1&commas=2", "/1?pipes=1,2", "/1?commas=" + "," * 7000):
        response = await read_response(styled, raw_request("GET", target, content_type=None))
        assert response.status == 400, target
        assert {error["name"] for error in response.json()["errors"]} <= {"a", "commas", "pipes"}


async def test_lists_in_headers_of_responses() -> None:
    """The headers of an answer are read in the same style."""
    many = {"type": "array", "items": {"type": "integer"}, "maxItems": 3}
    schema = Schema(responses={200: Response(headers={"X-Ids": many})})
    schema.make_response({}, headers=[("X-Ids", "1, 2"), ("X-Ids", "3")])
    schema.make_response({}, headers={"X-Ids": ""})
    for bad in ("1, x", "1,2,3,4"):
        with pytest.raises(ResponseValidationError, match="The header X-Ids"):
            schema.make_response({}, headers={"X-Ids": bad})
    with pytest.raises(InvalidSchemaError, match=r"^The response 200 header X-Ids schema .*There is no style 'form'"):
        Schema(responses={200: Response(headers={"X-Ids": {**many, "style": "form"}})})


async def test_all_mistakes_at_once(asked: Asked) -> None:
    """The mistakes of all places are told together, path first, and at most 20."""
    errors = await asked.errors("limit=0&exact=x", ("X-Number", "x"), ("Cookie", "seen=x"), path="/x")
    assert [(error["in"], error["name"]) for error in errors] == [
        ("path", "number"), ("query", "limit"), ("query", "exact"), ("header", "X-Number"), ("cookie", "seen"),
    ]  # fmt: skip
    assert len(await asked.errors("&".join(f"a{number}=1" for number in range(500)))) == 20


async def test_long_names(asked: Asked) -> None:
    """A long name of the client's is cut, so that a small request has a small answer."""
    (error,) = await asked.errors("a" * 5000 + "=1")
    assert error["name"] == "a" * 100


async def test_one_name_very_often(asked: Asked) -> None:
    """A name that fills the request line is read in one pass."""
    (error,) = await asked.errors("&".join(["q"] * 3900))
    assert error["detail"] == "must be given once"


def test_many_names_and_values() -> None:
    """Each text is read once, however many there are: 200,000 of one name, or names."""
    began = time.process_time()
    many = of_type(type="array", items={"type": "integer"})
    assert read(many, {"a": ["1"] * 200_000}).data == {"a": [1] * 200_000}
    assert len(read(of_type(type="integer"), {"a": ["1"] * 200_000}).violations) == 1
    assert len(read(many, {str(number): ["1"] for number in range(200_000)}).data) == 200_000
    for text in ("1," * 200_000, "," * 200_000):
        assert len(read(of_type(type="array", explode=False), {"a": [text]}).data["a"]) == 200_001
        assert len(read(many, {"a": [text] * 2}, "headers").data["a"]) in (0, 400_000)
    assert time.process_time() - began < 30


kinds = st.sampled_from(["string", "integer", "number", "boolean", "null"])
listed = st.sampled_from([1, 2, 1.5, True, False, "1", "true", "x", None])
limits = st.sampled_from([0, 1, 1.5, 2])
simple_schemas = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "type": kinds | st.lists(kinds, min_size=1, max_size=3, unique=True),
            "enum": st.lists(listed, min_size=1, max_size=3),
            "const": listed,
            **dict.fromkeys(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], limits),
        },
    ),
    lambda inside: st.dictionaries(
        st.sampled_from(["allOf", "anyOf"]), st.lists(inside, min_size=1, max_size=3), min_size=1
    ),
    max_leaves=4,
)


@given(schema=simple_schemas, text=st.sampled_from(["1", "2", "1.5", "true", "false", "x", "null", ""]))
@settings(max_examples=500, deadline=None)
def test_text_that_could_be_valid_is_valid(schema: dict[str, Any], text: str) -> None:
    """If text is valid, or the number or boolean that it could mean, then it becomes a value that is valid."""
    check = JSONSchemaRSEngine().compile(of_type(**schema))
    meant = [text, *([json.loads(text)] if text not in ("x", "", "null") else [])]
    possible = any(not list(check({"a": value})) for value in meant)
    assert possible is (not list(check(convert(of_type(**schema), a=text))))


@given(
    values=st.dictionaries(st.sampled_from(["a", "b"]), st.lists(st.text(), min_size=1, max_size=3)),
    kind=st.sampled_from(["integer", "number", "boolean", "string", "array"]),
)
def test_any_text(values: dict[str, list[str]], kind: str) -> None:
    """Whatever the text, the data are JSON, and text that is converted means what it said."""
    converted = read(of_type(type=kind), values)
    json.dumps(converted.data, allow_nan=False)
    value = converted.data.get("a")
    if not isinstance(value, str | list | None):
        assert json.loads(values["a"][0]) == value


texts = st.sampled_from(["0", "1", "-5", "01", "1_0", "9" * 18, "9" * 19, "1.5", "1e400", "٣", "true", "yes", "", "é"])
kinds = st.sampled_from(
    [
        *({"type": kind} for kind in ("string", "integer", "number", "boolean", "array")),
        {"type": ["integer", "null"]},
        {"type": ["integer", "string"]},
        {"type": "integer", "maximum": 10**30},
        {"enum": ["1", 2]},
        {},
    ]
)


@given(
    schemas=st.dictionaries(st.sampled_from("abé"), kinds),
    others=st.sampled_from([True, False, {"type": "integer"}]),
    pairs=st.lists(st.tuples(st.sampled_from(["a", "b", "é", "\ud800"]), texts | st.just("\udcff")), max_size=4),
)
def test_one_pass(schemas: dict[str, Any], others: Any, pairs: list[tuple[str, str]]) -> None:
    """Names that are given once, for scalars of one type, are read in one pass: to the same data, or not at all."""
    parameters = Parameters(Document({"properties": schemas, "additionalProperties": others}), "query")
    grouped: dict[str, list[str]] = {}
    for name, text in pairs:
        grouped.setdefault(name, []).append(text)
    converted = parameters.read(grouped)
    quick = parameters.read_scalars(pairs)
    if quick is not None:
        assert (list(quick.items()), converted.violations) == (list(converted.data.items()), [])
        assert [type(value) for value in quick.values()] == [type(value) for value in converted.data.values()]


def test_what_one_pass_reads() -> None:
    """Texts, numbers and booleans are read in one pass; what is repeated, listed or no ASCII is looked at closely."""
    schema = of_type(type="integer") | {"additionalProperties": {"type": "string"}}
    parameters = Parameters(Document(schema), "query")
    (name,) = schema["properties"]
    assert parameters.read_scalars([(name, "1"), ("x", "y")]) == {name: 1, "x": "y"}
    for pairs in ([("x", "y"), ("x", "y")], [(name, "y")], [("x", "é")], [("é", "y")]):
        assert parameters.read_scalars(pairs) is None
