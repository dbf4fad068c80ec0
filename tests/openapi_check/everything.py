"""An application that uses everything that a document can describe, for the tools to find what is not right.

It keeps nothing, so that any order of requests is fine.
"""

import warnings
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
import pydantic
from aiohttp import web

from aiotoolkit.middlewares import setup_errors, setup_request_id
from aiotoolkit.problems import PROBLEM_SCHEMA, Problem
from aiotoolkit.routes import add_route_context
from aiotoolkit.schemas import Response, Schema

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # jsl imports sre_constants
    import jsl

__all__ = ["TOKEN", "create_app"]

TOKEN = "a-secret"

ERROR = Response(PROBLEM_SCHEMA, content_type="application/problem+json")
WORD = {"type": "string", "minLength": 1, "maxLength": 20, "pattern": "^[a-z]+$"}


# Jsl: draft-04, with a document that refers to itself.


class Size(jsl.Document):  # type: ignore[misc]  # jsl has no types
    """The size of a part: boolean exclusive limits are draft-04's."""

    width = jsl.NumberField(required=True, minimum=0, exclusive_minimum=True, maximum=1000, exclusive_maximum=True)
    unit = jsl.StringField(enum=["mm", "in"], default="mm")


class Part(jsl.Document):  # type: ignore[misc]  # jsl has no types
    """A part, made of parts."""

    class Options:
        additional_properties = False

    name = jsl.StringField(required=True, min_length=1, max_length=20, pattern="^[a-z]+$")
    size = jsl.DocumentField(Size)
    parts = jsl.ArrayField(jsl.DocumentField(jsl.RECURSIVE_REFERENCE_CONSTANT), max_items=2)


part_schema = Schema(
    request=Part, response=Part, operation={"summary": "Return a part", "tags": ["bodies"]}, fill_defaults=False
)


@part_schema.handler
async def echo_part(request: web.Request, *, body: Any) -> Any:
    """Return the part that was sent."""
    return body


# Dicts: titled, recursive, nullable, several kinds.

NODE = {
    "title": "Node",
    "type": "object",
    "properties": {
        "word": WORD,
        "weight": {"type": ["number", "null"], "minimum": 0, "maximum": 10},
        "left": {"$ref": "#"},
        "right": {"$ref": "#"},
    },
    "required": ["word"],
    "additionalProperties": False,
    "examples": [{"word": "root", "weight": None, "left": {"word": "leaf"}}],
}
KINDS = {
    "oneOf": [
        {
            "title": "Circle",
            "type": "object",
            "properties": {"kind": {"const": "circle"}, "radius": {"type": "integer", "minimum": 1, "maximum": 9}},
            "required": ["kind", "radius"],
            "additionalProperties": False,
        },
        {
            "title": "Label",
            "type": "object",
            "properties": {"kind": {"const": "label"}, "text": WORD, "made": {"type": "string", "format": "date"}},
            "required": ["kind", "text"],
            "additionalProperties": False,
        },
    ]
}
PAIR = {
    "type": "array",
    "prefixItems": [{"type": "integer", "minimum": 0, "maximum": 9}, {"type": "boolean"}],
    "items": False,
    "minItems": 2,
}

FORMATS = {
    "title": "Formats",
    "type": "object",
    "properties": {
        "key": {"type": "string", "format": "uuid"},
        "moment": {"type": "string", "format": "date-time"},
        "day": {"type": "string", "format": "date"},
        "mail": {"type": "string", "format": "email"},
        "address": {"type": "string", "format": "ipv4"},
        "link": {"type": "string", "format": "uri"},
        "step": {"type": "number", "multipleOf": 0.5, "exclusiveMinimum": 0, "maximum": 10},
        "names": {"type": "array", "items": WORD, "uniqueItems": True, "maxItems": 5},
        "counts": {
            "type": "object",
            "patternProperties": {"^n_": {"type": "integer"}},
            "additionalProperties": {"type": "boolean"},
            "maxProperties": 4,
        },
    },
    "additionalProperties": False,
}
# Of draft 7: definitions, a tuple as a list in items, dependencies, if and then, siblings of a $ref that do not count.
OLD = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Old",
    "type": "object",
    "definitions": {"word": WORD, "Range": {"type": "array", "items": [{"type": "integer"}, {"type": "integer"}]}},
    "properties": {
        "word": {"$ref": "#/definitions/word", "maxLength": 1},
        "range": {"$ref": "#/definitions/Range"},
        "kind": {"enum": ["plain", "long"]},
        "size": {"type": "integer", "minimum": 0, "maximum": 9},
    },
    "dependencies": {"size": ["kind"]},
    "if": {"properties": {"kind": {"const": "long"}}, "required": ["kind"]},
    "then": {"properties": {"size": {"maximum": 5}}, "required": ["size"]},
}

formats_schema = Schema(request=FORMATS, response=FORMATS)
# Of answers, Schemathesis 4.32 takes no prefixItems: it makes them a list in items, which 2020-12 does not have.
old_draft_schema = Schema(request=OLD, response={"type": "object"})
node_schema = Schema(request=NODE, response=NODE)
kinds_schema = Schema(request=KINDS, response=KINDS)
pair_schema = Schema(request=PAIR, response={"type": "array"})
optional_schema = Schema(
    request={"type": "object", "properties": {"word": WORD}, "additionalProperties": False},
    response={"type": ["object", "null"]},
    body_required=False,
)


@node_schema.handler
async def echo_node(request: web.Request, *, body: Any) -> Any:
    """Return a tree.

    It is what was sent:

    - a word
    - a weight, perhaps
    """
    return body


@formats_schema.handler
async def echo_formats(request: web.Request, *, body: Any) -> Any:
    return body


@old_draft_schema.handler
async def echo_old_draft(request: web.Request, *, body: Any) -> Any:
    return body


@kinds_schema.handler
async def echo_kinds(request: web.Request, *, body: Any) -> Any:
    return body


@pair_schema.handler
async def echo_pair(request: web.Request, *, body: Any) -> Any:
    return body


@optional_schema.handler
async def echo_optional(request: web.Request, *, body: Any) -> Any:
    return body


# Types.


@dataclass
class Maker:
    """Who made it."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=20, pattern="^[a-z]+$")]


@dataclass
class NewOrder:
    """What is ordered."""

    number: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    maker: Maker
    due: date | None = None
    priority: Literal["low", "high"] = "low"
    tags: Annotated[list[Annotated[str, msgspec.Meta(max_length=9)]], msgspec.Meta(max_length=3)] = field(
        default_factory=list
    )


@dataclass
class Order:
    """An order, with what the server knows."""

    order: NewOrder
    total: int


@dataclass
class Window:
    """Which orders."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20
    tag: list[str] = field(default_factory=list)
    urgent: bool = False


class Square(msgspec.Struct, tag="square"):
    """Of two kinds: the tag tells which."""

    side: Annotated[int, msgspec.Meta(ge=1, le=9)]


class Round(msgspec.Struct, tag="round", forbid_unknown_fields=True):
    """The other one."""

    radius: Annotated[float, msgspec.Meta(gt=0, le=9)]
    inside: Square | None = None


class Contact(pydantic.BaseModel):
    """A model of pydantic's."""

    name: str = pydantic.Field(min_length=1, max_length=20, pattern="^[a-z]+$")
    age: int | None = pydantic.Field(default=None, ge=0, le=150)
    friends: list["Contact"] = pydantic.Field(default_factory=list, max_length=2)


shape_schema = Schema(request=Square | Round, response=Square | Round)
model_schema = Schema(request=Contact, response=Contact)


@shape_schema.handler
async def echo_shape(request: web.Request, *, body: Any) -> Any:
    return body


@model_schema.handler
async def echo_model(request: web.Request, *, body: Contact) -> Contact:
    return body


order_schema = Schema(request=NewOrder, responses={201: Response(Order, headers={"X-Total": {"type": "integer"}})})
orders_schema = Schema(query=Window, response=list[Order])


class Orders(web.View):
    """One class for two methods."""

    @orders_schema.handler
    async def get(self, *, query: Window) -> list[Order]:
        """List orders."""
        return []

    @order_schema.handler
    async def post(self, *, body: NewOrder) -> Any:
        """Order something."""
        order = Order(body, body.number)
        return order_schema.make_response(order, headers={"X-Total": str(body.number)})


# Parameters.

# One at least: an empty text is an empty array, and Schemathesis 4.32 writes an array of one null in the same way.
NUMBERS = {"type": "array", "items": {"type": "integer", "minimum": -9, "maximum": 9}, "minItems": 1, "maxItems": 4}
WORDS = {"type": "array", "items": WORD, "minItems": 1, "maxItems": 4}
QUERY = {
    "type": "object",
    "properties": {
        "word": WORD,
        "number": {"type": "number", "minimum": -1.5, "maximum": 1e3},
        "flag": {"type": "boolean", "default": False},
        "choice": {"enum": ["a", "b", "c d"]},
        "level": {"type": "integer", "enum": [1, 2, 3], "description": "How much of it."},
        "day": {"type": "string", "format": "date"},
        "either": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 99}, {"const": "all"}]},
        "repeated": NUMBERS,
        "commas": {**NUMBERS, "explode": False},
        "pipes": {**WORDS, "style": "pipeDelimited", "explode": False},
        "spaces": {**WORDS, "style": "spaceDelimited", "explode": False},
    },
    "required": ["level"],
    "additionalProperties": False,
}
HEADERS = {
    "type": "object",
    "properties": {
        "X-Tenant": {"type": "integer", "minimum": 1, "maximum": 5},
        "X-Words": WORDS,
        "X-Flag": {"type": "boolean"},
    },
    "required": ["X-Tenant"],
}
COOKIES = {
    "type": "object",
    "properties": {"theme": {"enum": ["dark", "light"]}, "seen": NUMBERS},
}
PATH = {
    "type": "object",
    "properties": {"number": {"type": "integer", "maximum": 1000}, "word": WORD},
    "required": ["number", "word"],
}

query_schema = Schema(query=QUERY, response={"type": "object"})
headers_schema = Schema(
    headers=HEADERS,
    responses={200: Response({"type": "object"}, headers={"X-Tenant": {"type": "integer"}, "X-Words": WORDS})},
)
cookies_schema = Schema(cookies=COOKIES, response={"type": "object"})
path_schema = Schema(path=PATH, response={"type": "object"})
pattern_schema = Schema(response={"type": "object", "additionalProperties": {"type": "string"}})


@query_schema.handler
async def show_query(request: web.Request, *, query: dict[str, Any]) -> dict[str, Any]:
    return query


@headers_schema.handler
async def show_headers(request: web.Request, *, headers: dict[str, Any]) -> Any:
    # RFC 9110 allows a space after the comma (section 5.6.1); Schemathesis 4.32 takes it for a part of the item.
    answered = {"X-Tenant": str(headers["X-Tenant"]), "X-Words": ",".join(headers.get("X-Words", ["none"]))}
    return headers_schema.make_response(headers, headers=answered)


@cookies_schema.handler
async def show_cookies(request: web.Request, *, cookies: dict[str, Any]) -> dict[str, Any]:
    return cookies


@path_schema.handler
async def show_path(request: web.Request, *, path: dict[str, Any]) -> dict[str, Any]:
    return path


@pattern_schema.handler
async def show_pattern(request: web.Request) -> dict[str, str]:
    return dict(request.match_info)


# Forms.

FILE = {"type": "string", "format": "binary", "maxLength": 2000}
upload_schema = Schema(
    form={
        "title": "Upload",
        "type": "object",
        "properties": {
            "title": WORD,
            "count": {"type": "integer", "minimum": 0, "maximum": 9, "default": 0},
            "page": FILE,
            "others": {"type": "array", "items": FILE, "maxItems": 3},
        },
        "required": ["title", "page"],
        "additionalProperties": False,
    },
    responses={201: {"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"]}},
)
sign_up_schema = Schema(
    form={
        "title": "SignUp",
        "type": "object",
        "properties": {
            "name": WORD,
            "age": {"type": "integer", "minimum": 0, "maximum": 150},
            # Two at least: an array of one is written as a single value is, which Schemathesis 4.32 wants refused.
            "numbers": {**NUMBERS, "minItems": 2},
        },
        "required": ["name"],
        "additionalProperties": False,
    },
    responses={200: {"type": "object"}, 409: ERROR},
)


@upload_schema.handler
async def upload(request: web.Request, *, form: dict[str, Any]) -> dict[str, int]:
    return {"size": form["page"].size + sum(file.size for file in form.get("others", []))}


@sign_up_schema.handler
async def sign_up(request: web.Request, *, form: dict[str, Any]) -> dict[str, Any]:
    if form["name"] == "taken":
        raise Problem(409, "This name is taken")
    return form


# Answers.

secret_schema = Schema(
    responses={200: {"type": "object", "properties": {"word": WORD}, "required": ["word"]}},
    operation={"security": [{"token": []}], "tags": ["answers"], "summary": "Read what is secret"},
)
key_schema = Schema(
    # No header beside the key: Schemathesis 4.32 then wants requests with headers refused that are not declared.
    query={
        "type": "object",
        "properties": {"count": {"type": "integer", "minimum": 0, "maximum": 9, "default": 0}},
        "additionalProperties": False,
    },
    responses={200: {"type": "integer"}, 202: Response(description="Later"), 503: ERROR},
    operation={"security": [{"key": []}, {"token": []}], "tags": ["answers"]},
)
old_schema = Schema(status=204, operation={"deprecated": True, "tags": ["answers"]})
hal_schema = Schema(
    responses={200: Response({"type": "array", "items": WORD}, content_type="application/hal+json")},
    operation={"tags": ["answers"], "description": "Words, as **HAL**."},
)


@secret_schema.handler
async def read_secret(request: web.Request) -> dict[str, str]:
    if request.headers.get("Authorization") != f"Bearer {TOKEN}":
        raise Problem(401, headers={"WWW-Authenticate": "Bearer"})
    return {"word": "sesame"}


@key_schema.handler
async def read_with_key(request: web.Request, *, query: dict[str, Any]) -> Any:
    """Read with a key, or with a token."""
    if request.headers.get("X-Key") != TOKEN and request.headers.get("Authorization") != f"Bearer {TOKEN}":
        raise Problem(401, headers={"WWW-Authenticate": "Bearer"})
    return key_schema.make_response(status=202) if query["count"] == 9 else query["count"]


@old_schema.handler
async def old(request: web.Request) -> None:
    """Do nothing, as before."""


@hal_schema.handler
async def hal(request: web.Request) -> list[str]:
    return ["one", "two"]


async def undescribed(request: web.Request) -> web.Response:
    """A handler that no Schema describes."""
    return web.Response(text="plain")


TAGS = ("answers", "bodies", "echo", "form", "orders", "show")
SECURITY_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
}


def create_app() -> web.Application:
    """Make the application."""
    from aiotoolkit.openapi import setup_openapi

    app = web.Application()
    setup_request_id(app)
    setup_errors(app)
    with add_route_context(app, url_prefix="/echo", name_prefix="echo") as add_route:
        add_route("POST", "/part", echo_part)
        add_route("POST", "/node", echo_node)
        add_route("PUT", "/kinds", echo_kinds)
        add_route("POST", "/pair", echo_pair)
        add_route("POST", "/formats", echo_formats)
        add_route("POST", "/old-draft", echo_old_draft)
        add_route("POST", "/shape", echo_shape)
        add_route("POST", "/model", echo_model)
        add_route("PATCH", "/optional", echo_optional)
    app.router.add_view("/orders", Orders, name="orders")
    with add_route_context(app, url_prefix="/show", name_prefix="show") as add_route:
        add_route("GET", "/query", show_query)
        add_route("GET", "/headers", show_headers)
        add_route("GET", "/cookies", show_cookies)
        add_route("GET", r"/path/{number:\d+}/{word}", show_path)
        add_route("GET", r"/pattern/{color:red|green}-{code:[0-9a-f]{4}}", show_pattern)
    with add_route_context(app, url_prefix="/form", name_prefix="form") as add_route:
        add_route("POST", "/upload", upload)
        add_route("POST", "/sign-up", sign_up)
    app.add_subapp("/answers/", _answers())
    setup_openapi(
        app,
        title="Everything",
        version="1.0",
        description="What a document can describe.",
        license={"name": "BSD 3-Clause", "identifier": "BSD-3-Clause"},
        security_schemes=SECURITY_SCHEMES,
        tags=[{"name": name, "description": f"All that is {name}."} for name in TAGS],
    )
    return app


def _answers() -> web.Application:
    app = web.Application()
    with add_route_context(app, name_prefix="answers") as add_route:
        add_route("GET", "/secret", read_secret)
        add_route("GET", "/key", read_with_key)
        add_route("DELETE", "/old", old)
        add_route("GET", "/hal", hal)
        add_route("GET", "/undescribed", undescribed)
    return app
