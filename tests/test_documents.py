"""What is wrong with a schema is found when it is compiled, with its place; and nothing is ever fetched."""

import enum
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from aiotoolkit._documents import Document, pointer_to, read_source
from aiotoolkit.schemas import (
    Engine,
    InvalidSchemaError,
    JSONSchemaEngine,
    JSONSchemaRSEngine,
    RequestValidationError,
    Schema,
)

DRAFT4 = "http://json-schema.org/draft-04/schema#"
DRAFT7 = "http://json-schema.org/draft-07/schema#"
DRAFT2020 = "https://json-schema.org/draft/2020-12/schema"


@pytest.fixture(
    params=[pytest.param("jsonschema-rs", marks=pytest.mark.extra("jsonschema_rs")), "jsonschema"],
)
def engine(request: pytest.FixtureRequest) -> Engine:
    return JSONSchemaRSEngine() if request.param == "jsonschema-rs" else JSONSchemaEngine()


def refusal(schema: Any, engine: Engine | None = None) -> InvalidSchemaError:
    with pytest.raises(InvalidSchemaError) as caught:
        Schema(request=schema, engine=engine)
    assert str(caught.value).startswith("The request schema is not usable: ")
    assert caught.value.pointer in str(caught.value)
    return caught.value


# What breaks a schema


@pytest.mark.parametrize("names", ["objekt", ["string", "objekt"]])
def test_a_misspelled_type(names: Any, engine: Engine) -> None:
    """The error of a misspelled type names it, and the types that there are."""
    error = refusal({"properties": {"type": {"type": names}}}, engine)
    assert error.message.endswith(
        "There is no type 'objekt': the types are array, boolean, integer, null, number, object, string"
    )
    assert error.pointer.startswith("#/properties/type/type")
    assert "There is no type" not in refusal({"properties": {"type": "objekt"}}, engine).message


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"type": "text"}, "#/type"),
        ({"properties": 5}, "#/properties"),
        ({"properties": {"a": {"minLength": -1}}}, "#/properties/a/minLength"),
        ({"properties": {"a/b": {"items": [{}]}}}, "#/properties/a~1b/items"),
        ({"required": "a"}, "#/required"),
        ({"$ref": 5}, "#/$ref"),
        (
            {"$schema": DRAFT4, "properties": {"a": {"minimum": 1, "exclusiveMinimum": 1}}},
            "#/properties/a/exclusiveMinimum",
        ),
        ({"$schema": DRAFT7, "$ref": "#/definitions/a", "definitions": {"a": 5}}, "#/definitions/a"),
        ({"properties": {"a": {"pattern": "("}}}, "#/properties/a/pattern"),
        ({"$ref": "#/parts/a", "parts": {"a": {"pattern": "("}}}, "#/parts/a/pattern"),
        ({"$ref": "#/parts/a", "parts": {"a": {"type": "text"}}}, "#/parts/a/type"),
    ],
)
def test_a_schema_that_breaks_its_metaschema(schema: dict[str, Any], pointer: str, engine: Engine) -> None:
    """A broken keyword is refused with its place, even where only a reference leads to it."""
    assert refusal(schema, engine).pointer == pointer


@pytest.mark.parametrize(
    ("schema", "pointer", "why"),
    [
        ({"$ref": "#/$defs/no"}, "#", "points to nothing"),
        ({"properties": {"a": {"$ref": "#/$defs/no"}}}, "#/properties/a", "points to nothing"),
        ({"properties": {"a": {"$ref": "#no-anchor"}}}, "#/properties/a", "points to nothing"),
        ({"$defs": {"never used": {"$ref": "#/$defs/no"}}}, "#/$defs/never%20used", "points to nothing"),
        ({"items": {"$dynamicRef": "#no"}}, "#/items", "points to nothing"),
        ({"$ref": "#/parts/a", "parts": {"a": {"$ref": "#/no"}}}, "#/parts/a", "points to nothing"),
        ({"items": {"$ref": "#/required"}, "required": ["a"]}, "#/items", "points to what is no schema"),
        ({"items": {"$ref": "#/title"}, "title": "a"}, "#/items", "points to what is no schema"),
        ({"$schema": DRAFT7, "dependencies": {"a": ["b"], "c": {"$ref": "#/no"}}}, "#/dependencies/c", "to nothing"),
        ({"$schema": DRAFT7, "dependencies": {"a": True, "c": {"$ref": "#/no"}}}, "#/dependencies/c", "to nothing"),
        ({"$schema": DRAFT4, "id": "http://x.example/s", "not": {"$ref": "#/no"}}, "#/not", "to nothing"),
        ({"items": {"$ref": "http://x.example/s"}}, "#/items", "outside of this schema"),
        ({"items": {"$ref": "other.json"}}, "#/items", "outside of this schema"),
        ({"$id": "http://x.example/a/b", "items": {"$ref": "c"}}, "#/items", "outside of this schema"),
        ({"$defs": {"n": {"$id": "http://x.example/", "not": {"$ref": "m"}}}}, "#/$defs/n/not", "outside"),
    ],
)
def test_a_reference_that_means_nothing(schema: dict[str, Any], pointer: str, why: str, engine: Engine) -> None:
    """A dangling or a remote reference is refused when the schema is made, where it stands, with its own text."""
    error = refusal(schema, engine)
    assert error.pointer == pointer
    assert why in error.message
    assert "ef '" in error.message  # $ref '...'


@pytest.mark.parametrize(
    "dialect",
    ["http://x.example/meta", "http://json-schema.org/draft-03/schema#", "draft-07", "", 5, {}, ["x"]],
)
def test_an_unknown_draft(dialect: object, engine: Engine) -> None:
    """A $schema that is no draft from 04 on is refused, whatever its type."""
    error = refusal({"$schema": dialect}, engine)
    assert error.pointer == "#/$schema"
    assert "is no known draft: use one of draft-04" in error.message


@pytest.mark.parametrize(
    ("schema", "pointer", "why"),
    [
        ({"enum": {1, 2}}, "#/enum", "set"),
        ({"properties": {"a": {"default": b"x"}}}, "#/properties/a/default", "bytes"),
        ({"maximum": float("nan")}, "#/maximum", "nan"),
        ({"enum": [1, float("inf")]}, "#/enum/1", "inf"),
        ({"properties": {1: {}}}, "#/properties", "keys of a schema must be text"),
        ({"title": "\ud800"}, "#/title", "not Unicode"),
        ({"properties": {"\udfff": {}}}, "#/properties", "not Unicode"),
        ({"properties": {"a": object}}, "#/properties/a", "type"),
    ],
)
def test_what_is_no_json(schema: dict[str, Any], pointer: str, why: str, engine: Engine) -> None:
    """A schema may hold what JSON has and nothing else: the error says where the rest is."""
    error = refusal(schema, engine)
    assert error.pointer == pointer
    assert why in error.message


def test_a_schema_that_holds_itself() -> None:
    """A dict that holds itself is an error that says to use a reference, and no endless loop."""
    schema: dict[str, Any] = {"type": "object"}
    schema["properties"] = {"child": schema}
    assert "use a $ref" in refusal(schema).message


@pytest.mark.parametrize("source", [5, "x", None, [], {1}, object(), dict, b"{}"])
def test_what_is_no_schema(source: object) -> None:
    """What cannot be a schema at all is a TypeError that says for which place it was given."""
    with pytest.raises(TypeError, match=r"^query: A schema is a dict, a bool, a jsl Document") as caught:
        Schema(query=source if source is not None else [])
    assert "model_json_schema()" in str(caught.value)


def test_the_limits_of_referencing(engine: Engine) -> None:
    """Draft-07's "dependencies" with an array after a schema, which would crash, is refused with the way out."""
    schema = {"$schema": DRAFT7, "dependencies": {"a": {"required": ["b"]}, "c": ["d"]}}
    assert "put arrays before schemas" in refusal(schema, engine).message
    turned = {"$schema": DRAFT7, "dependencies": {"c": ["d"], "a": {"required": ["b"]}}}
    assert {item.path for item in engine.compile(turned)({"a": 1, "c": 1})} == {("d",), ("b",)}


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"$ref": "#"}, "#"),
        ({"allOf": [{"$ref": "#"}]}, "#"),
        ({"items": {"anyOf": [{"type": "null"}, {"$ref": "#/items"}]}}, "#/items"),
        ({"not": {"if": {"$ref": "#/not"}}}, "#/not"),
        ({"dependentSchemas": {"a": {"$ref": "#"}}}, "#"),
        ({"$dynamicAnchor": "x", "$dynamicRef": "#x"}, "#"),
        ({"$schema": DRAFT4, "items": {"$ref": "#/items"}}, "#/items"),
        ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"allOf": [{"$ref": "#/$defs/a"}]}}}, "#/$defs/b"),
        ({"$ref": "#/parts/a", "parts": {"a": {"$ref": "#/parts/a"}}}, "#/parts/a"),
    ],
)
def test_a_reference_without_end(schema: dict[str, Any], pointer: str, engine: Engine) -> None:
    """A reference that comes back without going deeper into the value would never end (JSON Schema core, 9.4.1)."""
    error = refusal(schema, engine)
    assert "without end" in error.message
    assert error.pointer == pointer


# What is allowed


@pytest.mark.parametrize(
    "schema",
    [
        True,
        False,
        {},
        {"$schema": DRAFT2020},
        {"$schema": DRAFT7, "definitions": {"a": {}}, "items": {"$ref": "#/definitions/a"}},
        {"definitions": {"a": {}}, "items": {"$ref": "#/definitions/a"}},
        {"properties": {"child": {"$ref": "#"}}},
        {"$id": "http://x.example/s", "properties": {"child": {"$ref": "http://x.example/s"}}},
        {"$defs": {"a": {"$anchor": "x"}, "b": {"$id": "b"}}, "allOf": [{"$ref": "#x"}, {"$ref": "b"}]},
        {"$schema": DRAFT4, "definitions": {"a": {"id": "#x"}}, "not": {"$ref": "#/definitions/a"}},
        {"$dynamicAnchor": "node", "properties": {"child": {"$dynamicRef": "#node"}}},
        {"$schema": "https://json-schema.org/draft/2019-09/schema", "items": {"$recursiveRef": "#"}},
        {"properties": {"$ref": {"type": "string"}, "dependencies": {"type": "object"}}},
        {"const": {"$ref": "#/no"}, "enum": [{"$schema": "x"}], "default": {"$ref": "#/no"}},
        {"$ref": "#/parts/a%20b", "parts": {"a b": {"type": "integer"}}},
        {"$ref": DRAFT2020},
    ],
)
def test_references_inside_are_fine(schema: Any, engine: Engine) -> None:
    """References to the schema itself, its definitions, anchors and embedded resources, and to its metaschema."""
    Schema(request=schema, engine=engine, fill_defaults=False)
    Document(read_source(schema, mode="validation"))


def test_equal_types_of_python() -> None:
    """Mappings, tuples, enums and subclasses are taken for what they are in JSON."""

    class Kind(enum.StrEnum):
        OBJECT = "object"

    class Text(str):
        __slots__ = ()

    source = MappingProxyType(OrderedDict({Text("type"): Kind.OBJECT, "required": ("a", Text("b"))}))
    plain = read_source(source, mode="validation")
    assert plain == {"type": "object", "required": ["a", "b"]}
    assert isinstance(plain, dict)
    assert {type(plain), *map(type, plain), type(plain["type"]), *map(type, plain["required"])} == {dict, str}


def test_the_callers_schema_is_not_kept(engine: Engine) -> None:
    """Changing the dict afterwards, at any depth, changes nothing."""
    source: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer", "default": []}}}
    source["properties"]["a"] = {"type": "array", "default": [1]}
    schema = Schema(request=source, engine=engine)
    source["properties"]["a"]["default"].append(2)
    source["properties"]["a"]["type"] = "string"
    source["required"] = ["b"]
    assert schema.validate_request({}) == {"a": [1]}


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ((), "#"),
        (("a", 0, "b"), "#/a/0/b"),
        (("a/b", "c~d"), "#/a~1b/c~0d"),
        (("",), "#/"),
        (("é %",), "#/%C3%A9%20%25"),
        (("\ud800",), "#/%3F"),
    ],
)
def test_pointers(path: tuple[str | int, ...], pointer: str) -> None:
    """Pointers are escaped twice: as a JSON Pointer (RFC 6901, 3) and as a URI fragment (section 6)."""
    assert pointer_to(path) == pointer


# Nothing is ever fetched


class Fetched(BaseHTTPRequestHandler):
    paths: list[str]

    def do_GET(self) -> None:
        self.paths.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"type": "integer"}')

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def fetched() -> Iterator[tuple[str, list[str]]]:
    """A server that would answer with a schema: its URL, and the paths that were asked for."""
    paths: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Fetched,), {"paths": paths}))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", paths
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "{url}/x"},
        {"$schema": "{url}/x"},
        {"$id": "{url}/x/", "items": {"$ref": "y"}},
        {"$schema": DRAFT4, "id": "{url}/x/", "items": {"$ref": "y"}},
        {"$defs": {"a": {"$id": "{url}/x", "items": {"$ref": "y"}}}},
        {"$defs": {"a": {"$id": "{url}/x", "$schema": "{url}/y"}}, "$ref": "{url}/x"},
        {"$defs": {"a": {"$schema": "{url}/y"}}, "$ref": "#/$defs/a"},
        {"$dynamicRef": "{url}/x#a"},
        {"$schema": "https://json-schema.org/draft/2019-09/schema", "items": {"$recursiveRef": "{url}/x"}},
        {"$vocabulary": {"{url}/x": True}},
        {"$ref": "#/parts", "parts": {"$ref": "{url}/x"}},
        {"parts": {"$ref": "{url}/x", "$schema": "{url}/y"}},
        {"contentSchema": {"$ref": "{url}/x"}},
        {"const": {"$ref": "{url}/x"}},
        {"$schema": DRAFT7, "$ref": "#/definitions/a", "definitions": {"a": {}}, "items": {"$ref": "{url}/x"}},
        {"default": {"$ref": "{url}/x"}, "$defs": {"a": {"$id": "{url}/x"}}},
    ],
)
def test_nothing_is_fetched(schema: dict[str, Any], engine: Engine, fetched: tuple[str, list[str]]) -> None:
    """No schema makes an engine ask a server for anything, when it is made or when it is used."""
    url, paths = fetched

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {filled(key): filled(item) for key, item in value.items()}
        return value.replace("{url}", url) if isinstance(value, str) else value

    try:
        checked = Schema(request=filled(schema), engine=engine)
    except InvalidSchemaError as error:
        assert url in str(error) or "'y'" in str(error)  # noqa: PT017 - some are refused, some need nothing
    else:
        for instance in (1, "x", [1], {"a": 1}):
            with suppress(RequestValidationError):
                checked.validate_request(instance)
    assert paths == []


def test_no_file_is_read(tmp_path: Path, engine: Engine) -> None:
    """A file that holds a perfect schema is refused, as a file: URI and as a path."""
    (tmp_path / "s.json").write_text('{"type": "integer"}')
    for reference in (f"file://{tmp_path}/s.json", f"{tmp_path}/s.json"):
        assert "nothing is ever fetched" in refusal({"items": {"$ref": reference}}, engine).message
    assert "nothing is ever" in refusal({"$id": f"file://{tmp_path}/", "not": {"$ref": "s.json"}}, engine).message
    assert "no known draft" in refusal({"$schema": f"file://{tmp_path}/s.json"}, engine).message


# Speed


@pytest.mark.extra("jsonschema_rs")
def test_many_schemas() -> None:
    """An application with 1,000 Schemas, each with defaults and three places, starts without a wait."""
    item = {"type": "object", "properties": {"id": {"type": "integer"}, "slug": {"type": "string", "default": "x"}}}
    query = {"type": "object", "properties": {"limit": {"type": "integer", "default": 20}}}
    start = time.process_time()
    for number in range(1000):
        Schema(request={**item, "maxProperties": number}, query=query, response=item, engine="jsonschema-rs")
    assert time.process_time() - start < 5  # 0.4 s on a quiet machine


# What a schema says of itself


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"properties": {"a": {"type": "integer", "examples": [1, "x"]}}}, "#/properties/a/examples/1"),
        ({"properties": {"a": {"type": "integer", "example": "x"}}}, "#/properties/a/example"),
        ({"required": ["a"], "examples": [{}]}, "#/examples/0"),
        ({"not": {"type": "string", "examples": [1]}}, "#/not/examples/0"),
        ({"anyOf": [True, {"type": "string", "example": None}]}, "#/anyOf/1/example"),
        ({"$defs": {"a~b": {"type": "string", "examples": [1]}}}, "#/$defs/a~0b/examples/0"),
        ({"$schema": DRAFT4, "properties": {"a": {"type": "null", "examples": [1]}}}, "#/properties/a/examples/0"),
        ({"$ref": "#/$defs/b", "examples": ["x"], "$defs": {"b": {"type": "integer"}}}, "#/examples/0"),
        ({"$ref": "#/b", "b": {"type": "integer", "examples": ["x"]}}, "#/b/examples/0"),
        ({"$id": "http://x.example/s", "items": {"$id": "o", "type": "null", "example": 1}}, "#/items/example"),
        ({"type": "string", "format": "ipv4", "examples": ["127.0.0.1", "256.1.1.1"]}, "#/examples/1"),
    ],
)
@pytest.mark.parametrize("fill_defaults", [True, False])
def test_an_example_that_breaks_its_schema(schema: Any, place: str, fill_defaults: bool, engine: Engine) -> None:
    """Each example is about the schema that it stands in, wherever that is."""
    with pytest.raises(InvalidSchemaError, match="The example breaks its own schema: #") as caught:
        Schema(request=schema, engine=engine, fill_defaults=fill_defaults)
    assert caught.value.pointer == place
    with pytest.raises(InvalidSchemaError, match="The response 200 schema is not usable: The example breaks"):
        Schema(response=schema, engine=engine, fill_defaults=fill_defaults)


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"default": 1}}, "required": ["a"], "examples": [{}]},  # as a request is read
        {"properties": {"examples": {"type": "string"}, "example": {"type": "integer"}}, "examples": [{"example": 1}]},
        {"examples": []},
        {"$schema": DRAFT4, "examples": {"one": {"value": 1}}, "type": "string"},  # OpenAPI's, which has names
        {"$schema": DRAFT7, "$ref": "#/definitions/a", "examples": [1], "definitions": {"a": {"type": "null"}}},
        {"const": {"type": "string", "example": 1}},
        {"if": {"type": "integer", "examples": [1]}, "then": {"minimum": 3, "examples": [3, "x"]}},
    ],
)
def test_examples_that_are_well(schema: Any, engine: Engine) -> None:
    """Examples that are valid by their own schema, or no examples at all, are no obstacle."""
    Schema(request=schema, engine=engine)


def test_a_default_of_a_response(engine: Engine) -> None:
    """A response's default is not filled in, but whoever reads the schema believes it."""
    schema = {"properties": {"a": {"type": "string", "default": 1}}}
    for arguments in ({"response": schema}, {"responses": {404: schema}}, {"request": schema}):
        with pytest.raises(InvalidSchemaError, match="The default breaks its own schema") as caught:
            Schema(**arguments, engine=engine)
        assert caught.value.pointer == "#/properties/a"
    Schema(request=schema, engine=engine, fill_defaults=False)


def test_a_response_is_not_filled(engine: Engine) -> None:
    """An example of a response that leaves out what is required breaks its schema: no default helps it."""
    schema = {"properties": {"a": {"default": 1}}, "required": ["a"], "examples": [{}]}
    Schema(request=schema, engine=engine)
    with pytest.raises(InvalidSchemaError, match="The example breaks its own schema: #/a is required"):
        Schema(response=schema, engine=engine)


@pytest.mark.extra("pydantic")
def test_the_examples_of_pydantic(engine: Engine) -> None:
    """Schemas that pydantic makes of defaults and examples of many types are usable, for requests and responses."""
    import datetime
    import decimal
    import uuid

    import pydantic

    class Inner(pydantic.BaseModel):
        size: int = pydantic.Field(default=3, ge=0, examples=[1, 2])

    class Model(pydantic.BaseModel):
        number: decimal.Decimal = decimal.Decimal("1.50")
        when: datetime.datetime = datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC)
        took: datetime.timedelta = datetime.timedelta(seconds=5)
        identifier: uuid.UUID = pydantic.Field(uuid.UUID(int=1), examples=[str(uuid.UUID(int=2))])
        words: set[str] = {"a"}
        pair: tuple[int, str] = (1, "a")
        inner: Inner = Inner()
        nothing: int | None = None
        raw: bytes = b"x"
        secret: pydantic.SecretStr = pydantic.SecretStr("x")

        model_config = pydantic.ConfigDict(json_schema_extra={"examples": [{"took": "PT5S"}]})

    Schema(request=Model, response=Model, engine=engine)


@pytest.mark.parametrize("draft", [DRAFT4, DRAFT7, DRAFT2020])
@pytest.mark.parametrize("pattern", ["(", "[", "*", "a{9999999999999999999999}", "(" * 5000])
def test_a_pattern_that_is_none(draft: str, pattern: str, engine: Engine) -> None:
    """A regular expression that the engine cannot compile is found with its place, also where it is a name."""
    for keyword, value in (("pattern", pattern), ("patternProperties", {pattern: True})):
        error = refusal({"$schema": draft, "properties": {"a": {keyword: value}}}, engine)
        assert error.pointer.startswith(f"#/properties/a/{keyword}")
        assert len(str(error)) < 20_000 if keyword == "pattern" else error.message


@pytest.mark.parametrize("dialect", ["urn:x", "http://127.0.0.1:1/", "http://json-schema.org/draft-03/schema#"])
def test_an_unknown_dialect_inside(dialect: str, engine: Engine) -> None:
    """A part of a schema may not be of a draft that is not known, either."""
    error = refusal({"$defs": {"a": {"$id": "http://x.example/", "$schema": dialect}}}, engine)
    assert error.pointer == "#/$defs/a/$schema"
    assert "is no known draft" in error.message


def test_an_integer_that_is_too_long(engine: Engine) -> None:
    """An integer of more digits than Python writes is refused: an engine would take it for null."""
    Schema(request={"maximum": 10**4299}, engine=engine)
    for number in (10**4300, -(10**4300)):
        assert refusal({"enum": [number]}, engine).pointer == "#/enum/0"


def test_a_large_document(engine: Engine) -> None:
    """A hundred schemas that refer to each other, with defaults and alternatives, are made ready in a moment."""
    definitions = {
        f"d{number}": {
            "properties": {
                **{f"p{index}": {"type": "string", "default": "x"} for index in range(8)},
                "next": {"$ref": f"#/$defs/d{(number * 7 + 1) % 100}"},
                "list": {"items": {"anyOf": [{"$ref": f"#/$defs/d{(number * 3 + 2) % 100}"}, {"type": "null"}]}},
            }
        }
        for number in range(100)
    }
    start = time.process_time()
    with pytest.warns(UserWarning, match="is not filled"):
        Schema(request={"$ref": "#/$defs/d0", "$defs": definitions}, engine=engine)
    assert time.process_time() - start < 20  # it takes a second; before, it took minutes


@pytest.mark.parametrize(
    "engine", [pytest.param("jsonschema-rs", marks=pytest.mark.extra("jsonschema_rs")), "jsonschema"]
)
def test_a_chain_of_references_without_an_end_in_sight(engine: str) -> None:
    """A hundred references in a row are followed, and so are two thousand: there is no RecursionError."""

    def chain(length: int) -> dict[str, Any]:
        links = {str(number): {"$ref": f"#/$defs/{number + 1}"} for number in range(length)}
        return {"$ref": "#/$defs/0", "$defs": {**links, str(length): {"type": "integer"}}}

    assert Schema(request=chain(100), engine=engine).validate_request(3) == 3
    assert Schema(request=chain(2_000), engine=engine).validate_request(3) == 3
