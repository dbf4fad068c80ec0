"""The integers of a description are those that requests may have: of 64 bits, unless a schema says more."""

from typing import Any

import pytest
from aiohttp import web

from aiotoolkit.openapi import build_openapi
from aiotoolkit.schemas import Schema

INT64 = {"minimum": -(2**63), "maximum": 2**63 - 1}


def described(schema: dict[str, Any]) -> Any:
    """A request's schema, as the document says it."""
    app = web.Application()

    @Schema(request=schema).handler
    async def view(request: web.Request) -> None: ...

    app.router.add_post("/", view)
    document = build_openapi(app, title="Integers", version="1")
    return document["paths"]["/"]["post"]["requestBody"]["content"]["application/json"]["schema"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer"},
        {"type": ["integer", "null"]},
        {"type": "integer", "minimum": 0},
        {"type": "integer", "maximum": 5.5},
        {"type": "integer", "exclusiveMaximum": 7, "description": "Of any size below."},
    ],
)
def test_integers_have_64_bits(schema: dict[str, Any]) -> None:
    """Where a limit is missing, the format says that there is one."""
    assert described(schema) == {**schema, "format": "int64"}


def test_integers_inside() -> None:
    """In members, items and patterns, too."""
    integer = {"type": "integer"}
    inside = {
        "type": "object",
        "patternProperties": {"^a": integer},
        "properties": {"list": {"type": "array", "items": integer}},
    }
    said = {**integer, "format": "int64"}
    assert described(inside) == {
        "type": "object",
        "patternProperties": {"^a": said},
        "properties": {"list": {"type": "array", "items": said}},
    }


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 0, "maximum": 10},
        {"type": "integer", "enum": [1, 2]},
        {"type": "number"},
        {"not": {"type": "integer"}},
        {"oneOf": [{"type": "integer"}, {"type": "number"}]},
    ],
)
def test_what_has_no_limit_of_its_own(schema: dict[str, Any]) -> None:
    """What is limited, or cannot be, stays as it is."""
    assert described(schema) == schema


def test_larger_integers() -> None:
    """A limit beyond 64 bits says more than the format: the other limit is written."""
    larger = {"type": "integer", "maximum": 10**30}
    assert described(larger) == {**larger, "minimum": INT64["minimum"]}


def test_another_format() -> None:
    """A format that is there stays, and the limits are written."""
    schema = {"type": "integer", "format": "number-of-a-page"}
    assert described(schema) == {**schema, **INT64}
