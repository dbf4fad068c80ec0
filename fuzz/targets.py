"""The operations that are fuzzed: a schema for each, and valid requests from which the hostile ones are made."""

import random
from collections.abc import Callable
from typing import Any, Final, NamedTuple

__all__ = ["BODIES", "FORM", "PARAMETERS", "Body", "sample_fields", "sample_parameters"]

Sample = Callable[[random.Random], Any]

_WORD: Final = {"type": "string", "minLength": 1, "maxLength": 32}
_WORDS: Final = ("a", "Toolkit", "é", "日本", "0", " ", "x" * 32, "\U0001f600", "a\\b", 'a"b')

_PROJECT: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "name": _WORD,
        "stars": {"type": "integer", "minimum": 0, "maximum": 10**6},
        "ratio": {"type": "number", "multipleOf": 0.5},
        "public": {"type": "boolean"},
        "parent": {"type": ["string", "null"]},
        "kind": {"enum": ["app", "library", 1, None]},
        "tags": {"type": "array", "items": _WORD, "maxItems": 5, "uniqueItems": True},
    },
    "required": ["name", "stars"],
    "additionalProperties": False,
}
_TREE: Final[dict[str, Any]] = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "value": {"type": "integer"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["value"],
            "additionalProperties": False,
        }
    },
    "$ref": "#/$defs/node",
}
_CHOICE: Final[dict[str, Any]] = {
    "$defs": {
        "rule": {
            "anyOf": [
                {"type": "object", "properties": {"and": {"$ref": "#/$defs/rules"}}, "required": ["and"]},
                {"type": "object", "properties": {"or": {"$ref": "#/$defs/rules"}}, "required": ["or"]},
                {"type": "object", "properties": {"not": {"$ref": "#/$defs/rule"}}, "required": ["not"]},
                {"type": "string", "minLength": 1},
            ]
        },
        "rules": {"type": "array", "items": {"$ref": "#/$defs/rule"}, "minItems": 1},
    },
    "$ref": "#/$defs/rule",
}
# Every level doubles what a naive engine has to try.
_BRANCHING: Final[dict[str, Any]] = {
    "$defs": {
        "node": {
            "anyOf": [
                {"type": "object", "properties": {"a": {"$ref": "#/$defs/node"}}, "required": ["a"]},
                {"type": "object", "properties": {"a": {"$ref": "#/$defs/node"}, "b": {}}, "required": ["a"]},
                {"type": "array", "items": {"oneOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
                {"type": "integer"},
            ]
        }
    },
    "$ref": "#/$defs/node",
}
_FORMATS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "at": {"type": "string", "format": "date-time"},
        "day": {"type": "string", "format": "date"},
        "mail": {"type": "string", "format": "email"},
        "link": {"type": "string", "format": "uri"},
        "id": {"type": "string", "format": "uuid"},
        "host": {"type": "string", "format": "hostname"},
        "v4": {"type": "string", "format": "ipv4"},
        "v6": {"type": "string", "format": "ipv6"},
        "slug": {"type": "string", "pattern": "^[a-z0-9]+(?:-[a-z0-9]+)*$"},
        "code": {"type": "string", "pattern": "^[A-Z]{2}[0-9]{3}$"},
    },
    "patternProperties": {"^x-": {"type": ["string", "number"]}},
    "propertyNames": {"maxLength": 20},
    "additionalProperties": False,
    "minProperties": 1,
}
_DEFAULTS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "page": {"type": "integer", "default": 1},
        "sort": {"type": "array", "items": {"type": "string"}, "default": ["name"]},
        "filter": {
            "type": "object",
            "properties": {"open": {"type": "boolean", "default": True}, "labels": {"type": "array", "default": []}},
            "default": {},
        },
        "rows": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "number", "default": 0.5}}}},
    },
}


def _project(chance: random.Random) -> dict[str, Any]:
    return {
        "name": chance.choice(_WORDS),
        "stars": chance.randrange(10**6),
        "ratio": chance.choice([0.5, 1, -1.5, 0.0]),
        "public": chance.random() < 0.5,
        "parent": chance.choice([None, "root"]),
        "kind": chance.choice(["app", "library", 1, None]),
        "tags": chance.sample(_WORDS, chance.randrange(4)),
    }


def _tree(chance: random.Random, depth: int = 0) -> dict[str, Any]:
    children = [] if depth > 3 else [_tree(chance, depth + 1) for _ in range(chance.randrange(3))]
    return {"value": chance.randrange(-9, 9), "children": children}


def _choice(chance: random.Random, depth: int = 0) -> Any:
    if depth > 4 or chance.random() < 0.3:
        return "rule"
    if chance.random() < 0.3:
        return {"not": _choice(chance, depth + 1)}
    return {chance.choice(["and", "or"]): [_choice(chance, depth + 1) for _ in range(chance.randint(1, 3))]}


def _branching(chance: random.Random) -> Any:
    value: Any = 1
    for _ in range(chance.choice((1, 5, 20, 60))):
        value = [value, None] if chance.random() < 0.3 else {"a": value}
    return value


def _formats(chance: random.Random) -> dict[str, Any]:
    values = {
        "at": "2026-11-21T10:00:00Z",
        "day": "2026-11-21",
        "mail": "a@example.org",
        "link": "https://example.org/?q=1#f",
        "id": "7f3c1f2e-6a3b-4c1d-9e2f-0123456789ab",
        "host": "example.org",
        "v4": "192.0.2.1",
        "v6": "2001:db8::1",
        "slug": "a-b-c",
        "code": "AB123",
        "x-any": 1.5,
    }
    return {name: values[name] for name in chance.sample(sorted(values), chance.randint(1, len(values)))}


def _defaults(chance: random.Random) -> dict[str, Any]:
    values = {"page": 2, "sort": ["a"], "filter": {"open": False}, "rows": [{}, {"n": 1}, {"other": None}]}
    return {name: values[name] for name in chance.sample(sorted(values), chance.randrange(5))}


class Body(NamedTuple):
    """An operation that takes a JSON body and answers with it.

    Attributes:
        schema: of the request, and of the answer.
        sample: makes a valid body.
        slow_in_python: whether hostile data can keep the jsonschema engine busy, as it warns itself.
    """

    schema: dict[str, Any] | bool
    sample: Sample
    slow_in_python: bool = False


BODIES: Final[dict[str, Body]] = {
    "flat": Body(_PROJECT, _project),
    "list": Body(
        {"type": "array", "items": _PROJECT, "uniqueItems": True},
        lambda chance: [{**_project(chance), "name": f"p{number}"} for number in range(chance.randrange(4))],
        slow_in_python=True,
    ),
    "tree": Body(_TREE, _tree),
    "choice": Body(_CHOICE, _choice, slow_in_python=True),
    "branching": Body(_BRANCHING, _branching, slow_in_python=True),
    "formats": Body(_FORMATS, _formats),
    "defaults": Body(_DEFAULTS, _defaults),
    "any": Body(True, lambda chance: [_project(chance), _tree(chance), _choice(chance)]),
}

FORM: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "title": _WORD,
        "count": {"type": "integer", "minimum": 0},
        "tags": {"type": "array", "items": _WORD, "maxItems": 3},
        "agree": {"type": "boolean"},
        "file": {"type": "string", "format": "binary"},
        "files": {"type": "array", "items": {"type": "string", "format": "binary"}, "maxItems": 3},
    },
    "required": ["title"],
    "additionalProperties": False,
}

PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "path": {
        "type": "object",
        "properties": {"id": {"type": "integer", "minimum": 0}, "slug": {"type": "string", "maxLength": 20}},
        "required": ["id", "slug"],
    },
    "query": {
        "type": "object",
        "properties": {
            "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
            "price": {"type": "number"},
            "open": {"type": "boolean"},
            "tag": {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": 4},
            "at": {"type": "string", "format": "date-time"},
        },
        "additionalProperties": False,
    },
    "headers": {
        "type": "object",
        "properties": {"X-Version": {"type": "integer"}, "X-Name": {"type": "string", "pattern": "^[a-z]+$"}},
    },
    "cookies": {
        "type": "object",
        "properties": {"session": {"type": "string", "minLength": 8}, "n": {"type": "integer"}},
    },
}


def sample_fields(chance: random.Random) -> list[tuple[str, str]]:
    """The text fields of a valid form."""
    fields = [("title", chance.choice(_WORDS)), ("count", "3"), ("agree", "true"), ("tags", "a"), ("tags", "b")]
    return fields[: chance.randint(1, len(fields))]


def sample_parameters(chance: random.Random) -> tuple[str, list[tuple[str, str]], list[tuple[str, str]]]:
    """A valid path, a query and headers."""
    query = [("limit", "5"), ("price", "1.5"), ("open", "true"), ("tag", "a"), ("tag", "b")]
    headers = [("X-Version", "2"), ("X-Name", "abc"), ("Cookie", "session=12345678; n=1")]
    return "7/slug", chance.sample(query, chance.randrange(6)), chance.sample(headers, chance.randrange(4))
