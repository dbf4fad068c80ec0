"""The engines: the same verdict and the same words from both, apart from a table in the documentation."""

import contextlib
import importlib.util
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiotoolkit.schemas import (
    Check,
    Engine,
    InvalidSchemaError,
    JSONSchemaEngine,
    JSONSchemaRSEngine,
    RequestValidationError,
    Schema,
    Violation,
)

DRAFT4 = "http://json-schema.org/draft-04/schema#"
DRAFT6 = "http://json-schema.org/draft-06/schema#"
DRAFT7 = "http://json-schema.org/draft-07/schema#"
DRAFT2019 = "https://json-schema.org/draft/2019-09/schema"
DRAFT2020 = "https://json-schema.org/draft/2020-12/schema"

RS = pytest.param(JSONSchemaRSEngine, marks=pytest.mark.extra("jsonschema_rs"), id="rs")
BOTH = pytest.mark.parametrize("engine_class", [RS, pytest.param(JSONSchemaEngine, id="jsonschema")])
EngineClass = type[JSONSchemaRSEngine] | type[JSONSchemaEngine]


def violations(engine: Engine, schema: Any, instance: Any) -> list[Violation]:
    return list(engine.compile(schema)(instance))


# The same from both

CASES: list[tuple[Any, Any, list[tuple[tuple[str | int, ...], str, str]]]] = [
    (True, 1, []),
    (False, 1, [((), "false", "is not allowed")]),
    ({"type": "integer"}, 1, []),
    ({"type": "integer"}, 1.0, []),
    ({"type": "integer"}, True, [((), "type", "must be of type integer")]),
    ({"type": ["null", "integer"]}, "x", [((), "type", "must be of type integer or null")]),
    ({"enum": [1, "a", None]}, "x", [((), "enum", "must be one of 1, a, null")]),
    ({"const": {"a": 1}}, "x", [((), "const", 'must be {"a": 1}')]),
    ({"const": False}, 0, [((), "const", "must be false")]),
    ({"minimum": 1}, 0, [((), "minimum", "must be at least 1")]),
    ({"maximum": 1.5}, 2, [((), "maximum", "must be at most 1.5")]),
    ({"maximum": 5}, 10**30, [((), "maximum", "must be at most 5")]),
    ({"exclusiveMinimum": 1}, 1, [((), "exclusiveMinimum", "must be greater than 1")]),
    ({"exclusiveMaximum": 1}, 1, [((), "exclusiveMaximum", "must be less than 1")]),
    (
        {"$schema": DRAFT4, "minimum": 1, "exclusiveMinimum": True},
        1,
        [((), "exclusiveMinimum", "must be greater than 1")],
    ),
    ({"$schema": DRAFT4, "maximum": 1, "exclusiveMaximum": True}, 1, [((), "exclusiveMaximum", "must be less than 1")]),
    ({"$schema": DRAFT4, "minimum": 2, "exclusiveMinimum": False}, 1, [((), "minimum", "must be at least 2")]),
    ({"multipleOf": 5}, 3, [((), "multipleOf", "must be a multiple of 5")]),
    ({"minLength": 1}, "", [((), "minLength", "must have at least 1 character")]),
    ({"maxLength": 2}, "é́🙂", [((), "maxLength", "must have at most 2 characters")]),
    ({"pattern": "^a"}, "b", [((), "pattern", "must match the pattern ^a")]),
    ({"minItems": 1}, [], [((), "minItems", "must have at least 1 item")]),
    ({"maxItems": 1}, [1, 2], [((), "maxItems", "must have at most 1 item")]),
    ({"uniqueItems": True}, [{"a": 1}, {"a": 1}], [((), "uniqueItems", "must not hold an item twice")]),
    ({"contains": {"const": 1}}, [2], [((), "contains", "does not contain the items that it must")]),
    ({"contains": {}, "minContains": 2}, [1], [((), "contains", "does not contain the items that it must")]),
    ({"contains": {}, "maxContains": 1}, [1, 2], [((), "contains", "does not contain the items that it must")]),
    ({"minProperties": 1}, {}, [((), "minProperties", "must have at least 1 member")]),
    ({"maxProperties": 1}, {"a": 1, "b": 2}, [((), "maxProperties", "must have at most 1 member")]),
    (
        {"properties": {"a": {"items": {"required": ["x", "y"]}}}},
        {"a": [{"x": 1, "y": 1}, {"y": 1}]},
        [(("a", 1, "x"), "required", "is required")],
    ),
    (
        {"additionalProperties": False, "properties": {"a": {}}, "patternProperties": {"^x": {}}},
        {"a": 1, "b": 1, "c": 2, "xa": 1},
        [(("b",), "additionalProperties", "is not allowed"), (("c",), "additionalProperties", "is not allowed")],
    ),
    (
        {"items": {"additionalProperties": False}},
        [{}, {"a": {"b": 1}, "c": None}],
        [((1, "a"), "additionalProperties", "is not allowed"), ((1, "c"), "additionalProperties", "is not allowed")],
    ),
    (
        {"additionalProperties": {"additionalProperties": False}},
        {"7": {"8": 1}},
        [(("7", "8"), "additionalProperties", "is not allowed")],
    ),
    ({"additionalProperties": {"type": "null"}}, {"b": 1}, [(("b",), "type", "must be of type null")]),
    (
        {"dependentRequired": {"a": ["b", "c"]}},
        {"a": 1},
        [(("b",), "required", "is required"), (("c",), "required", "is required")],
    ),
    ({"$schema": DRAFT7, "dependencies": {"a": ["b"]}}, {"a": 1}, [(("b",), "required", "is required")]),
    ({"dependentSchemas": {"a": {"required": ["b"]}}}, {"a": 1}, [(("b",), "required", "is required")]),
    ({"not": {"type": "null"}}, None, [((), "not", "must not be of this form")]),
    ({"anyOf": [{"type": "null"}, {"minimum": 3}]}, 2, [((), "anyOf", "matches none of the allowed forms")]),
    ({"oneOf": [{}, {"minimum": 1}]}, 2, [((), "oneOf", "must match exactly one of the allowed forms")]),
    ({"oneOf": [{"type": "null"}]}, 2, [((), "oneOf", "must match exactly one of the allowed forms")]),
    (
        {"allOf": [{"minimum": 3}, {"minimum": 2}]},
        1,
        [((), "minimum", "must be at least 3"), ((), "minimum", "must be at least 2")],
    ),
    ({"if": {"type": "integer"}, "then": {"minimum": 5}}, 3, [((), "minimum", "must be at least 5")]),
    ({"unevaluatedItems": False}, [1, 2], [((), "unevaluatedItems", "has items that are not allowed")]),
    ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}}, 1, [((), "type", "must be of type null")]),
    ({"properties": {"a/b~é": {"type": "null"}}}, {"a/b~é": 1}, [(("a/b~é",), "type", "must be of type null")]),
    ({"format": "uuid"}, "x", [((), "format", "is not a valid uuid")]),
    ({"format": "uuid"}, 5, []),
    ({"format": "made-up"}, "x", []),
    ({"contentEncoding": "base64"}, "!", []),
]  # fmt: skip


@BOTH
@pytest.mark.parametrize(("schema", "instance", "expected"), CASES)
def test_the_same_violations(
    engine_class: EngineClass, schema: Any, instance: Any, expected: list[tuple[Any, str, str]]
) -> None:
    """Each keyword has one path, one name and one message, whichever engine decides."""
    assert sorted(violations(engine_class(), schema, instance)) == sorted(expected)


@BOTH
@pytest.mark.parametrize("draft", [DRAFT4, DRAFT6, DRAFT7, DRAFT2019, DRAFT2020])
@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [("email", "a@x.example", "a"), ("ipv4", "127.0.0.1", "256.1.1.1"), ("ipv6", "::1", ":::")],
)
def test_formats_are_asserted_on_every_draft(
    engine_class: EngineClass, draft: str, name: str, good: str, bad: str
) -> None:
    """A format is a rule, also in the drafts that leave it open."""
    check = engine_class().compile({"$schema": draft, "format": name})
    assert list(check(good)) == []
    assert list(check(bad)) == [Violation((), "format", f"is not a valid {name}")]


@BOTH
def test_custom_formats(engine_class: EngineClass) -> None:
    """A format of one's own is asked about text only; one for a known name replaces it; ValueError means no."""
    seen: list[object] = []

    def even(text: str) -> bool:
        seen.append(text)
        return int(text) % 2 == 0

    engine = engine_class(formats={"even": even, "email": lambda text: text == "me"})
    check = engine.compile({"format": "even"})
    assert [list(check(value)) for value in ("2", 3, None, ["3"], {"a": "3"})] == [[], [], [], [], []]
    assert list(check("3")) == list(check("x")) == [Violation((), "format", "is not a valid even")]
    assert seen == ["2", "3", "x"] or set(seen) == {"2", "3", "x"}  # rs asks again for the reasons
    assert violations(engine, {"format": "email"}, "me") == []
    assert violations(engine, {"format": "ipv4"}, "x") == [Violation((), "format", "is not a valid ipv4")]


@BOTH
def test_a_format_function_with_a_bug(engine_class: EngineClass) -> None:
    """What a format function raises, other than ValueError, is not a verdict: it passes as it is."""

    def broken(text: str) -> bool:
        raise ZeroDivisionError(text)

    check = engine_class(formats={"broken": broken}).compile({"format": "broken"})
    with pytest.raises(ZeroDivisionError):
        list(check("x"))


@BOTH
@pytest.mark.parametrize("formats", [{"a": 5}, {5: str.isdigit}, {"a": None}])
def test_formats_that_are_none(engine_class: EngineClass, formats: Any) -> None:
    """A format that is no function is refused where it is given, by its name."""
    with pytest.raises(TypeError, match="formats holds functions by their format's name, not "):
        engine_class(formats=formats)


@BOTH
@pytest.mark.parametrize("formats", [5, [], ["a"], ""])
def test_formats_that_are_no_mapping(engine_class: EngineClass, formats: Any) -> None:
    """Formats are given by their names."""
    with pytest.raises(TypeError, match="formats is a mapping of a format's name to a function, not "):
        engine_class(formats=formats)


@BOTH
@pytest.mark.parametrize(
    ("schema", "instance"),
    [
        ({"items": {"type": "string"}}, [1] * 200_000),
        ({"items": {"required": ["a"], "additionalProperties": False}}, [{"b": 1}] * 200_000),
        ({"additionalProperties": False}, {str(number): 1 for number in range(200_000)}),
        ({"uniqueItems": True}, [1] * 200_000),
        ({"type": "object"}, [1] * 200_000),
    ],
)
def test_a_huge_instance(engine_class: EngineClass, schema: dict[str, Any], instance: Any) -> None:
    """200,000 mistakes are told as at most 20, without the time and the memory that all of them would cost."""
    check = engine_class().compile(schema)
    start = time.process_time()
    found = list(islice(check(instance), 20))
    assert time.process_time() - start < 2
    assert 1 <= len(found) <= 20


NODE = {"$ref": "#/$defs/node"}
KINDS = [{"properties": {"kind": {"const": kind}, "child": NODE}, "required": ["kind"]} for kind in ("a", "b")]
BRANCHING: dict[str, dict[str, Any]] = {
    "anyOf": {"anyOf": KINDS},
    "oneOf": {"oneOf": KINDS},
    "allOf": {"allOf": KINDS},
    "dependentSchemas": {"dependentSchemas": {"kind": KINDS[0], "child": KINDS[1]}},
    "patternProperties": {**KINDS[0], "patternProperties": {"^c": NODE}},
    "beside": {**KINDS[0], "$ref": "#/$defs/other"},
    "deep": {"allOf": [{"anyOf": KINDS}]},
}


def recursive(node: dict[str, Any]) -> dict[str, Any]:
    return {**NODE, "$defs": {"node": node, "other": {"properties": {"child": NODE}}}}


def nested(levels: int) -> Any:
    instance: Any = {"kind": "c"}
    for _ in range(levels):
        instance = {"kind": "c", "child": instance}
    return instance


@pytest.mark.extra("jsonschema_rs")
@pytest.mark.parametrize("node", BRANCHING.values(), ids=BRANCHING)
def test_a_recursion_that_branches(node: dict[str, Any]) -> None:
    """Where each level of an instance would multiply the errors, the answer is one error, at once."""
    schema = Schema(request=recursive(node), engine="jsonschema-rs")
    start = time.process_time()
    with pytest.raises(RequestValidationError) as caught:
        schema.validate_request(nested(40))
    assert time.process_time() - start < 2  # some milliseconds; where errors multiply, it never ends
    assert list(caught.value.errors) == [{"detail": "does not match its schema", "in": "body", "pointer": "#"}]


@pytest.mark.extra("jsonschema_rs")
@pytest.mark.parametrize(
    "node",
    [
        KINDS[0],
        {"properties": {"kind": {"const": "a"}, "child": {"anyOf": [NODE, {"type": "null"}]}}},
        {"properties": {"kind": {"const": "a"}, "child": NODE, "other": NODE}},
        {"properties": {"kind": {"const": "a"}, "child": NODE}, "additionalProperties": NODE},
        {"properties": {"kind": {"const": "a"}, "list": {"items": NODE}}, "allOf": [True]},
    ],
)
def test_a_recursion_that_does_not_branch(node: dict[str, Any]) -> None:
    """A list, a chain or a tree of the same schema tells its mistakes one by one, as ever."""
    check = JSONSchemaRSEngine().compile(recursive(node))
    assert next(iter(check(nested(0)))).path == ("kind",)
    start = time.process_time()
    assert list(check(nested(40)))
    assert time.process_time() - start < 2  # some milliseconds; where errors multiply, it never ends


@pytest.mark.extra("jsonschema_rs")
@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
def test_a_huge_instance_with_alternatives(keyword: str) -> None:
    """An error of anyOf would hold all errors of all alternatives: a large instance is told none of them."""
    check = JSONSchemaRSEngine().compile({keyword: [{"items": {"type": "string"}}, {"items": {"type": "null"}}]})
    start = time.process_time()
    assert list(check([1] * 200_000)) == [Violation((), "schema", "does not match its schema")]
    assert time.process_time() - start < 1
    assert [violation.keyword for violation in check([1] * 20)] == [keyword]


@pytest.mark.extra("jsonschema_rs")
def test_a_no_without_reasons_is_a_no_in_rs() -> None:
    """An instance that is refused, and then nothing is found in it, is not valid."""
    answers = iter([False, True])
    check = JSONSchemaRSEngine(formats={"once": lambda text: next(answers)}).compile({"format": "once"})
    assert list(check("x")) == [Violation((), "schema", "does not match its schema")]


def test_a_no_without_reasons_is_a_no() -> None:
    """An error of a keyword of one's own is one, also where no unexpected member is found."""

    def additional(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[jsonschema.ValidationError]:
        yield jsonschema.ValidationError("no")

    extend: Any = jsonschema.validators.extend  # which has no types
    extended = extend(jsonschema.Draft202012Validator, {"additionalProperties": additional})
    check = JSONSchemaEngine(validator_class=extended).compile({"additionalProperties": False})
    assert list(check({})) == [Violation((), "schema", "does not match its schema")]


NESTED = ["^(a+)+$", "(a*)*", "((a+)?)+", "(?:x+y*){2,}", r"(\w+\s?)*$", "([a-z]+-?)+", "(-[a-z-]+)*", r"(?P<n>(\d+)+)"]
HARMLESS = ["^a+$", "(ab)+", "^[a-z]+(-[a-z]+)*$", r"(\.[0-9]+)*", r"\(a+\)+", "[(a+)]+", "(a+)", "(a{2}b)+", "(a|b)*c"]


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        *(({"items": {"pattern": pattern}}, "#/items") for pattern in NESTED),
        ({"patternProperties": {"(a+)+": True}}, "#"),
    ],
)
def test_what_keeps_jsonschema_busy(schema: dict[str, Any], place: str) -> None:
    """A Schema that runs on jsonschema warns of what hostile data could exploit, in the line that makes it."""
    both: dict[str, dict[str, Any]] = {"request": {"request": schema}, "response 200": {"response": schema}}
    for name, arguments in both.items():
        with pytest.warns(UserWarning, match="keep the jsonschema engine busy") as caught:
            Schema(**arguments, engine="jsonschema")
        message = str(caught[0].message)
        assert f"busy at {place} of the {name} schema: " in message
        assert "has nested quantifiers" in message
        assert message.endswith("Use jsonschema-rs")
        assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "schema",
    [
        {"uniqueItems": True},
        recursive({"anyOf": KINDS}),
        *({"pattern": pattern} for pattern in HARMLESS),
    ],
)
def test_what_keeps_nobody_busy(schema: dict[str, Any]) -> None:
    """What is fast enough gives no warning."""
    Schema(request=schema, engine="jsonschema")


@pytest.mark.extra("jsonschema_rs")
def test_no_warning_with_rs() -> None:
    """jsonschema-rs has an answer for all of it."""
    Schema(request={"items": {"pattern": NESTED[0]}}, engine="jsonschema-rs")


# Messages

names = st.text().filter(lambda name: not re.fullmatch(r"|\+[0-9]+|0[0-9]+", name))  # see the known differences
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([0.5, -2.25])  # on multipleOf for other floats the engines differ
    | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(names, children, max_size=4),
    max_leaves=10,
)  # fmt: skip
SECRET = "hunter2-"


def with_secrets(value: Any) -> Any:
    """The value, with a word in each text (but for names) that no schema holds."""
    if isinstance(value, dict):
        return {name: with_secrets(item) for name, item in value.items()}
    if isinstance(value, list):
        return [with_secrets(item) for item in value]
    return SECRET + value if isinstance(value, str) else value


schemas = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["string", "null", "object", "array", "integer"]),
        "enum": st.lists(json_values, min_size=1, max_size=3),
        "const": json_values,
        "minLength": st.integers(0, 50),
        "maxLength": st.integers(0, 5),
        "pattern": st.sampled_from(["^a", "b$", "[0-9]+"]),
        "format": st.sampled_from(["email", "ipv4", "uuid"]),
        "multipleOf": st.integers(2, 9),
        "minimum": st.integers(),
        "uniqueItems": st.just(value=True),
        "items": st.just({"type": "null"}),
        "additionalProperties": st.sampled_from([False, {"type": "null"}, {"maxLength": 1}]),
        "anyOf": st.just([{"type": "null"}, {"maxLength": 0}]),
        "not": st.just({"type": "string"}),
    },
)


@pytest.mark.extra("jsonschema_rs")
@settings(deadline=None)
@given(schema=schemas, instance=json_values)
def test_messages_hold_no_values(schema: dict[str, Any], instance: Any) -> None:
    """Whatever the schema and the instance, both engines say the same, in bounded messages without the instance."""
    instance = with_secrets(instance)
    found = [violations(engine, schema, instance) for engine in (JSONSchemaRSEngine(), JSONSchemaEngine())]
    assert sorted(found[0], key=repr) == sorted(found[1], key=repr)
    for violation in found[0]:
        assert SECRET not in violation.message
        assert len(violation.message) <= 150


@BOTH
@pytest.mark.parametrize(
    ("schema", "instance"),
    [
        ({"enum": ["x" * 5000]}, "y"),
        ({"enum": list(range(100_000))}, "y"),
        ({"const": {"x": "y" * 5000}}, "y"),
        ({"pattern": "x" * 5000}, "y"),
        ({"minimum": 10**300}, 1),
    ],
)
def test_long_values_of_the_schema(engine_class: EngineClass, schema: dict[str, Any], instance: Any) -> None:
    """A message shows the start of a long schema value, and that it goes on."""
    (violation,) = violations(engine_class(), schema, instance)
    assert len(violation.message) < 150
    assert violation.message.endswith("…")


# What differs: docs/explanation/defaults-and-engines.md

PAGE = Path(__file__).parent.parent / "docs" / "explanation" / "defaults-and-engines.md"

# Formats that jsonschema checks only where a further package is installed.
NEEDS_PACKAGE = {
    "date-time", "duration", "hostname", "iri", "iri-reference", "json-pointer", "relative-json-pointer", "time", "uri",
    "uri-reference", "uri-template",
}  # fmt: skip


def documented() -> dict[str, tuple[Any, Any, str, str]]:
    """The rows of the page: what they are about, the schema, the instance, and what each engine says."""
    page = PAGE.read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    head, *rows = [row for row in rows if len(row) == 5]
    assert head == ["about", "schema", "instance", "jsonschema-rs", "jsonschema"]
    return {row[0]: (json.loads(row[1].strip("`")), json.loads(row[2].strip("`")), row[3], row[4]) for row in rows}


DIFFERENCES = documented() if PAGE.exists() else {}


def verdict(engine: Engine, schema: Any, instance: Any) -> str:
    try:
        found = violations(engine, schema, instance)
    except InvalidSchemaError:
        return "InvalidSchemaError"
    return ", ".join(f"#{''.join(f'/{part}' for part in path)}: {keyword}" for path, keyword, _ in found) or "valid"


@pytest.mark.extra("jsonschema_rs")
@pytest.mark.parametrize("name", DIFFERENCES)
def test_the_documented_differences(name: str) -> None:
    """Each row of the table in the documentation is a difference, and is as it says."""
    schema, instance, rs, pure = DIFFERENCES[name]
    assert rs != pure
    assert verdict(JSONSchemaRSEngine(), schema, instance) == rs
    name = schema.get("format")
    if name in NEEDS_PACKAGE and name in jsonschema.Draft202012Validator.FORMAT_CHECKER.checkers:
        pytest.skip(f"jsonschema has what it takes to check {name}")
    assert verdict(JSONSchemaEngine(), schema, instance) == pure


def test_there_is_a_table() -> None:
    """The table is found, with each format that needs a package."""
    assert {f"format `{name}`" for name in NEEDS_PACKAGE} <= set(DIFFERENCES)
    assert len(DIFFERENCES) == 26


@pytest.mark.extra("jsonschema_rs")
@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(?=a)(a+)+$", "^(a|a)*$", "^(.*a){20}$"])
def test_catastrophic_patterns(pattern: str) -> None:
    """jsonschema-rs answers at once where Python's re would run for years."""
    start = time.process_time()
    assert verdict(JSONSchemaRSEngine(), {"pattern": pattern}, "a" * 40 + "b") == "#: pattern"
    assert time.process_time() - start < 1


# Validator classes of jsonschema


def test_a_validator_class_with_a_keyword_and_a_type() -> None:
    """Custom keywords and types work; a custom keyword's own message, which may hold the value, is not passed on."""

    def is_even(validator: Any, wanted: bool, instance: Any, schema: Any) -> Iterable[jsonschema.ValidationError]:
        if wanted and instance % 2:
            yield jsonschema.ValidationError(f"{instance} is odd")

    extended = jsonschema.validators.extend(  # type: ignore[no-untyped-call]  # its stubs leave it open
        jsonschema.Draft202012Validator,
        validators={"isEven": is_even},
        type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: value == 3),
    )
    engine = JSONSchemaEngine(validator_class=extended)
    assert violations(engine, {"isEven": True}, 2) == []
    assert violations(engine, {"isEven": True}, 31) == [Violation((), "isEven", "is not valid (isEven)")]
    assert violations(engine, {"type": "integer"}, 4) == [Violation((), "type", "must be of type integer")]
    assert violations(engine, {"type": "integer"}, 3) == []


def test_the_draft_of_a_validator_class() -> None:
    """A schema without $schema is of the validator class's draft, in its references and defaults too."""
    engine = JSONSchemaEngine(validator_class=jsonschema.Draft4Validator)
    schema = Schema(
        request={
            "id": "http://x.example/s",
            "definitions": {"size": {"type": "integer", "minimum": 0, "exclusiveMinimum": True, "default": 1}},
            "properties": {"size": {"$ref": "#/definitions/size", "default": 7}, "pair": {"items": [{}, {}]}},
        },
        engine=engine,
    )
    # Beside a $ref, draft-04 ignores what stands there.
    assert schema.validate_request({}) == {"size": 1}
    with pytest.raises(RequestValidationError) as caught:
        schema.validate_request({"size": 0})
    assert caught.value.errors == ({"detail": "must be greater than 0", "in": "body", "pointer": "#/size"},)
    with pytest.raises(InvalidSchemaError, match="#/properties/a"):
        Schema(request={"properties": {"a": {"minimum": 1, "exclusiveMinimum": 1}}}, engine=engine)
    with pytest.raises(InvalidSchemaError, match="is no known draft"):
        Schema(request={}, engine=JSONSchemaEngine(validator_class=jsonschema.Draft3Validator))


@pytest.mark.parametrize("validator_class", [5, "Draft4Validator", dict])
def test_no_validator_class(validator_class: Any) -> None:
    """What is no validator class is refused where it is given."""
    with pytest.raises(TypeError, match="validator_class is a class of jsonschema"):
        JSONSchemaEngine(validator_class=validator_class)


# Finding an engine


class OddEngine:
    """An engine of a user: it wants odd numbers, and remembers what it was given."""

    def __init__(self) -> None:
        self.compiled: list[Any] = []

    def compile(self, schema: Any) -> Check:
        self.compiled.append(schema)
        return lambda instance: [] if instance % 2 else [Violation((), "odd", "must be odd")]


def test_an_engine_of_ones_own() -> None:
    """An object with compile() is an engine: it alone decides, for requests and for responses."""
    engine = OddEngine()
    schema = Schema(request={"type": "string"}, response={"a": 1}, engine=engine)
    assert engine.compiled == [{"type": "string"}, {"a": 1}]
    assert schema.validate_request(3) == 3
    with pytest.raises(RequestValidationError) as caught:
        schema.validate_request(4)
    assert caught.value.errors == ({"detail": "must be odd", "in": "body", "pointer": "#"},)


@pytest.mark.parametrize(
    ("engine", "error", "message"),
    [
        ("fastjsonschema", ValueError, "There is no engine 'fastjsonschema': use one of jsonschema-rs, jsonschema"),
        (5, TypeError, r"An engine is an object with compile\(schema\)"),
        (JSONSchemaEngine, TypeError, r"An engine is an object"),
        ({}, TypeError, r"An engine is an object"),
    ],
)
def test_no_engine(engine: Any, error: type[Exception], message: str) -> None:
    """What is no engine is refused, with what there is."""
    with pytest.raises(error, match=message):
        Schema(request=True, engine=engine)


@pytest.mark.extra("jsonschema_rs")
def test_the_default_engine() -> None:
    """jsonschema-rs decides where it is installed: its $ is the end of the text."""
    with pytest.raises(RequestValidationError):
        Schema(request={"pattern": "^a$"}).validate_request("a\n")
    assert Schema(request={"pattern": "^a$"}, engine="jsonschema").validate_request("a\n") == "a\n"


WITHOUT_RS = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "jsonschema_rs":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
from aiotoolkit.schemas import RequestValidationError, Schema

schema = Schema(request={"type": "object", "properties": {"a": {"type": "integer", "default": 1}}})
assert schema.validate_request({}) == {"a": 1}
try:
    schema.validate_request({"a": "x"})
except RequestValidationError as error:
    print(error.errors[0]["detail"])
try:
    Schema(request=True, engine="jsonschema-rs")
except ImportError as error:
    print(error)
print("jsonschema" in sys.modules, "jsonschema_rs" in sys.modules)
"""


def test_without_jsonschema_rs() -> None:
    """Where jsonschema-rs cannot be imported, jsonschema decides; asking for it by name says what to do."""
    done = subprocess.run([sys.executable, "-c", WITHOUT_RS], capture_output=True, text=True, timeout=50, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "must be of type integer",
        'jsonschema-rs cannot be imported: pip install jsonschema-rs, or use engine="jsonschema"',
        "True False",
    ]


@pytest.mark.extra("jsonschema_rs")
def test_only_the_engine_that_is_used_is_loaded() -> None:
    """jsonschema, which is slow to import, stays out where jsonschema-rs decides."""
    code = "import sys; from aiotoolkit.schemas import Schema; Schema(request={}); print('jsonschema' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=True)
    assert done.stdout == "False\n"


@BOTH
def test_an_engine_is_shared(engine_class: EngineClass) -> None:
    """One engine object serves any number of Schemas, which do not mix."""
    engine = engine_class()
    one, two = (Schema(request={"maximum": limit}, engine=engine) for limit in (1, 2))
    assert two.validate_request(2) == 2
    with contextlib.suppress(RequestValidationError):
        one.validate_request(2)
        pytest.fail("2 passed where the maximum is 1")


def test_an_engine_checks_what_it_compiles() -> None:
    """An engine used alone refuses what a Schema would refuse."""
    compilers: list[Callable[[Any], Check]] = [JSONSchemaEngine().compile]
    if importlib.util.find_spec("jsonschema_rs"):
        compilers.append(JSONSchemaRSEngine().compile)
    for compile_schema in compilers:
        for schema in ({"type": "text"}, {"$ref": "#/no"}, {"$ref": "http://127.0.0.1:1/"}, {"$schema": "x"}):
            with pytest.raises(InvalidSchemaError):
                compile_schema(schema)


@pytest.mark.extra("jsonschema_rs")
@pytest.mark.parametrize("levels", [260, 400, 5_000])
def test_a_schema_of_many_levels(levels: int) -> None:
    """It is refused for its depth, whoever meets the limit first: Python's copying, or jsonschema-rs."""
    deep: dict[str, Any] = {}
    for _ in range(levels):
        deep = {"properties": {"a": deep}}
    with pytest.raises(InvalidSchemaError, match="nor hundreds of levels"):
        Schema(request=deep)
