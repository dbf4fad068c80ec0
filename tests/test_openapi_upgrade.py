"""OpenAPI 3.0 as 3.1: the same data are valid, whatever the schema."""

import copy
import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiotoolkit._openapi_upgrade import upgrade
from aiotoolkit.openapi import InvalidDocumentError
from aiotoolkit.schemas import JSONSchemaRSEngine

PLACE = "#/components/schemas/A"


def upgraded(schema: Any, **more: Any) -> Any:
    described = {"openapi": "3.0.3", "info": {}, "paths": {}, "components": {"schemas": {"A": schema, **more}}}
    before = copy.deepcopy(described)
    document, _ = upgrade(described)
    assert described == before
    return document["components"]["schemas"]["A"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "nullable": True, "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a"]}),
        ({"nullable": True}, {}),
        ({"type": "string", "nullable": False}, {"type": "string"}),
        ({"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}),
        ({"maximum": 1, "exclusiveMaximum": False}, {"maximum": 1}),
        ({"exclusiveMaximum": True}, {}),
        ({"example": 5}, {"examples": [5]}),
        ({"type": "string", "format": "byte"}, {"type": "string", "contentEncoding": "base64"}),
        ({"type": "string", "format": "binary"}, {"type": "string", "contentMediaType": "application/octet-stream"}),
        ({"$ref": PLACE, "nullable": True, "description": "x"}, {"$ref": PLACE}),
        ({"const": 1, "x-more": 2}, {"x-more": 2}),
        (
            {"properties": {"nullable": {"type": "string", "nullable": True}}},
            {"properties": {"nullable": {"type": ["string", "null"]}}},
        ),
        (
            {"default": {"nullable": True}, "enum": [{"example": 1}]},
            {"default": {"nullable": True}, "enum": [{"example": 1}]},
        ),
    ],
)
def test_keywords(old: Any, new: Any) -> None:
    """Each keyword that means something else in 3.1 becomes what means the same."""
    assert upgraded(old) == new


def test_places() -> None:
    """Schemas are found in every place; what only looks like one stays."""
    old = {"type": "string", "nullable": True}
    new = {"type": ["string", "null"]}
    media = {"content": {"application/json": {"schema": old, "example": old}}}
    operation = {
        "parameters": [{"name": "a", "in": "query", "schema": old, "example": old}],
        "requestBody": media,
        "responses": {"200": {"description": "", "headers": {"X": {"schema": old}}, **media}},
        "callbacks": {"c": {"{$request.body#/url}": {"post": {"requestBody": media}}}},
    }
    described = {
        "openapi": "3.0.0",
        "paths": {"/a": {"get": operation, "x-schema": old}},
        "components": {"schemas": {"A": {"allOf": [old], "not": old, "items": old, "additionalProperties": old}}},
    }
    document, notes = upgrade(described)
    found = document["paths"]["/a"]["get"]
    body = found["requestBody"]["content"]["application/json"]
    assert found["parameters"][0]["schema"] == body["schema"] == new
    assert found["parameters"][0]["example"] == body["example"] == old
    assert found["responses"]["200"]["headers"]["X"]["schema"] == new
    callback = found["callbacks"]["c"]["{$request.body#/url}"]["post"]["requestBody"]
    assert callback["content"]["application/json"]["schema"] == new
    assert document["paths"]["/a"]["x-schema"] == old
    assert document["components"]["schemas"]["A"] == {
        "allOf": [new],
        "not": new,
        "items": new,
        "additionalProperties": new,
    }
    assert notes == []


def test_notes() -> None:
    """A keyword that 3.0 does not have is left out, and told with its place."""
    described = {"openapi": "3.0.0", "paths": {}, "components": {"schemas": {"A": {"const": 1}}}}
    _, notes = upgrade(described)
    assert notes == [f"OpenAPI 3.0 has no keyword 'const' in schemas: it is ignored (at {PLACE})"]


def test_type_list() -> None:
    """In 3.0, several types are an error with its place."""
    with pytest.raises(InvalidDocumentError, match=r"type is one name.*#/components/schemas/A"):
        upgraded({"type": ["string", "null"]})


def test_newer() -> None:
    """A document of 3.1 stays as it is."""
    described = {"openapi": "3.1.0", "components": {"schemas": {"A": {"nullable": True, "example": 1}}}}
    assert upgrade(described) == (described, [])


names = st.sampled_from("ab")
values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b", "abc"]) | st.just(1.5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=2),
    max_leaves=5,
)


@st.composite
def schemas_30(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    """A schema of OpenAPI 3.0."""
    inner = schemas_30(depth=depth - 1) if depth else st.just({"type": "string"})
    kind = draw(st.sampled_from(["string", "integer", "number", "boolean", "object", "array", None]))
    schema: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "nullable": st.booleans(),
                "enum": st.lists(values, min_size=1, max_size=3, unique_by=repr),
                "minimum": st.integers(-2, 2),
                "maximum": st.integers(-2, 2),
                "exclusiveMinimum": st.booleans(),
                "exclusiveMaximum": st.booleans(),
                "maxLength": st.integers(0, 2),
                "required": st.lists(names, min_size=1, max_size=2, unique=True),
                "properties": st.dictionaries(names, inner, max_size=2),
                "additionalProperties": st.booleans() | inner,
                "maxItems": st.integers(0, 2),
                "allOf": st.lists(inner, min_size=1, max_size=2),
                "anyOf": st.lists(inner, min_size=1, max_size=2),
                "oneOf": st.lists(inner, min_size=1, max_size=2),
                "not": inner,
            },
        )
    )
    if kind is not None:
        schema["type"] = kind
    if kind == "array":
        schema["items"] = draw(inner)
    return schema


@pytest.mark.extra("openapi_schema_validator")
@given(schema=schemas_30(), value=values)
@settings(max_examples=150, deadline=None)
def test_equal_verdicts(schema: dict[str, Any], value: Any) -> None:
    """A validator that others wrote for 3.0 and the engine for 3.1 agree about every value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from openapi_schema_validator import OAS30Validator

    check = JSONSchemaRSEngine().compile(upgraded(schema))
    assert (not list(check(value))) == OAS30Validator(schema).is_valid(value)
