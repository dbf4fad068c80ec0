"""_shape: which schemas describe every value, and what may be sent by them without another look."""

import json
from collections import OrderedDict
from datetime import date
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiotoolkit._documents import Document
from aiotoolkit._shape import bounded_depth, has_numbers
from aiotoolkit.schemas import ResponseValidationError, Schema

TEXT = {"type": "string"}
CLOSED = {"type": "object", "properties": {"a": TEXT}, "additionalProperties": False}
DRAFT_04 = "http://json-schema.org/draft-04/schema#"


@pytest.mark.parametrize(
    ("schema", "depth"),
    [
        (TEXT, 0),
        ({"type": ["integer", "null"]}, 0),
        ({"enum": ["a", 1, None]}, 0),
        ({"const": "a"}, 0),
        (CLOSED, 1),
        ({"type": "array", "items": CLOSED}, 2),
        ({"type": ["array", "object"], "items": CLOSED, "additionalProperties": TEXT}, 2),
        ({"type": "object", "patternProperties": {"^x-": CLOSED}, "additionalProperties": False}, 2),
        ({"type": "array", "prefixItems": [TEXT, {"type": "array", "items": TEXT}], "items": False}, 2),
        ({"$ref": "#/$defs/a", "$defs": {"a": CLOSED}}, 1),
        ({"anyOf": [TEXT, {"type": "array", "items": CLOSED}]}, 2),
        ({"allOf": [{"type": "object"}, CLOSED]}, 1),
        (False, 0),
        ({"$schema": DRAFT_04, "type": "object", "properties": {"a": TEXT}, "additionalProperties": False}, 1),
    ],
)
def test_bounded(schema: Any, depth: int) -> None:
    """A schema that names the type of each value says how deep its instances are."""
    assert bounded_depth(Document(schema)) == depth


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"properties": {"a": TEXT}, "additionalProperties": False},
        {"type": "object", "properties": {"a": TEXT}},
        {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
        {"type": "object", "patternProperties": {"^x-": {}}, "additionalProperties": False},
        {"type": "array"},
        {"type": "array", "items": True},
        {"type": "array", "prefixItems": [TEXT]},
        {"anyOf": [TEXT, {"type": "array"}]},
        {"enum": [["a"]]},
        {"type": "array", "items": TEXT, "uniqueItems": True},
        {"type": "array", "items": TEXT, "contains": {"const": [[]]}},
        {"type": "array", "items": {"$ref": "#"}},
        {**CLOSED, "allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"properties": {"b": {"$ref": "#/$defs/a"}}}}},
        {"$ref": "https://json-schema.org/draft/2020-12/schema"},
        {"$schema": DRAFT_04, "type": "array", "items": [TEXT], "additionalItems": False},
        {**CLOSED, "$schema": DRAFT_04, "additionalProperties": True},
    ],
)
def test_open(schema: Any) -> None:
    """A schema that leaves a place open, leads back to itself or looks deeper by itself bounds nothing."""
    assert bounded_depth(Document(schema)) is None


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


class Amount(Enum):
    SMALL = Decimal(5)


SCALARS: dict[str, Any] = {
    "type": "object",
    "properties": {"text": TEXT, "number": {"type": "number"}, "list": {"type": "array", "items": TEXT}},
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        ({"text": "é\u2028/\x7f", "number": 1.5, "list": []}, {"text": "é\u2028/\x7f", "number": 1.5, "list": []}),
        ({"number": Decimal("1.50")}, {"number": 1.5}),
        ({"number": Decimal(5)}, {"number": 5}),
        ({"number": Amount.SMALL}, {"number": 5}),
        ({"number": Level.LOW}, {"number": 1}),
        ({"number": 2**70}, {"number": 2**70}),
        ({"text": Colour.RED}, {"text": "red"}),
        ({"text": date(2026, 1, 2)}, {"text": "2026-01-02"}),
        ({"list": ("a", Colour.RED)}, {"list": ["a", "red"]}),
        (OrderedDict(text="a"), {"text": "a"}),
        ({Colour.RED: "a"}, None),
        ({"text": 1}, None),
        ({"number": float("nan")}, None),
        ({"text": "\ud800"}, None),
        ({"number": 10**5000}, None),
        ({1: "a"}, None),
        ({"text": b"a"}, None),
    ],
)
def test_answers_by_a_bounded_schema(data: Any, sent: Any) -> None:
    """What is sent by such a schema goes by the same table as any other answer, to the type of each number."""
    schema = Schema(response=SCALARS)
    if sent is None:
        with pytest.raises(ResponseValidationError):
            schema.make_response(data)
    else:
        body = json.loads(schema.make_response(data).body)
        assert body == sent
        assert [type(value) for value in body.values()] == [type(value) for value in sent.values()]


class Moment(Enum):
    NEW_YEAR = date(2026, 1, 1)


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        ({"a": Colour.RED}, {"a": "red"}),
        ({Colour.RED: "b"}, {"red": "b"}),
        ({"a": ("b", Colour.RED)}, {"a": ["b", "red"]}),
        ({"a": Moment.NEW_YEAR}, {"a": "2026-01-01"}),
        ({"a": Decimal(1)}, None),
        ({"a": Level.LOW}, None),
        ({"a": "\udcff"}, None),
        ({"\udcff": "a"}, None),
    ],
)
def test_answers_without_numbers(data: Any, sent: Any) -> None:
    """Where no number can be, nothing is looked at twice, and the table holds all the same."""
    texts = {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}
    schema = Schema(response={"type": "object", "additionalProperties": texts})
    if sent is None:
        with pytest.raises(ResponseValidationError):
            schema.make_response(data)
    else:
        assert json.loads(schema.make_response(data).body) == sent


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (CLOSED, False),
        ({"type": ["string", "integer"]}, True),
        ({"enum": ["a", None]}, False),
        ({"enum": ["a", 1]}, True),
        ({"const": 1.5}, True),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "array", "items": {"type": "number"}}}}, True),
    ],
)
def test_where_numbers_can_be(schema: Any, expected: bool) -> None:
    """A schema that names a type of number, or lists one, may hold it."""
    assert has_numbers(Document(schema)) is expected


async def test_deep_body(aiohttp_client: AiohttpClient) -> None:
    """A body that is deeper than the limit is 400 by a bounded schema as well, and never reaches what lists errors."""

    @Schema(request=SCALARS).handler
    async def view(request: web.Request, *, body: Any) -> dict[str, Any]:
        return {}

    app = web.Application()
    app.router.add_post("/", view)
    client = await aiohttp_client(app)
    headers = {"Content-Type": "application/json"}
    for levels, status in ((63, 422), (64, 400), (900, 400), (200_000, 400)):
        text = '{"text":' + "[" * levels + "]" * levels + "}"
        async with client.post("/", data=text, headers=headers) as response:
            assert response.status == status, levels
