"""The engines and hostile data: the time that an instance takes is explained by its size, and nothing crashes."""

import json
import re
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jsonschema
import jsonschema.validators
import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiotoolkit.middlewares import error_middleware
from aiotoolkit.schemas import (
    Engine,
    JSONSchemaEngine,
    JSONSchemaRSEngine,
    RequestValidationError,
    Schema,
    Violation,
)

DRAFT4 = "http://json-schema.org/draft-04/schema#"
DRAFT7 = "http://json-schema.org/draft-07/schema#"
DRAFT2019 = "https://json-schema.org/draft/2019-09/schema"
DRAFT2020 = "https://json-schema.org/draft/2020-12/schema"
RS = pytest.param(JSONSchemaRSEngine, marks=pytest.mark.extra("jsonschema_rs"), id="rs")
BOTH = pytest.mark.parametrize("engine_class", [RS, pytest.param(JSONSchemaEngine, id="jsonschema")])
EngineClass = type[JSONSchemaRSEngine] | type[JSONSchemaEngine]

# A hang takes hours: the bound is some hundred times what is needed, since the machine may be busy.
SECONDS = 5


def keywords(engine: Engine, schema: Any, instance: Any) -> list[str]:
    """What is broken, found in little time."""
    check = engine.compile(schema)
    start = time.process_time()
    found = [violation.keyword for violation in check(instance)]
    assert time.process_time() - start < SECONDS
    return found


# Schemas that lead to themselves in several ways

NODE = {"$ref": "#/$defs/n"}
CHILD = {"properties": {"c": NODE}}
NULL = {"type": ["object", "null"]}


def recursive(**node: Any) -> dict[str, Any]:
    return {**NODE, "$defs": {"n": node, "m": {**CHILD, "type": "object", "required": ["c", "d"]}}}


BRANCHING: dict[str, Any] = {
    "anyOf": recursive(anyOf=[{**CHILD, "maxProperties": 1}, {**CHILD, "minProperties": 0}], **NULL),
    "oneOf": recursive(oneOf=[{**CHILD, **NULL}, {**CHILD, "required": ["c", "d"], "type": "object"}]),
    "allOf": recursive(allOf=[CHILD, CHILD], **NULL),
    "not": recursive(**{"not": {**CHILD, "type": "object", "required": ["c", "d"]}}, **CHILD, **NULL),
    "if": recursive(**{"if": CHILD}, **CHILD, then=NULL, **{"else": False}),
    "unevaluated": recursive(anyOf=[{**CHILD, **NULL}], unevaluatedProperties=False),
    "unevaluated below": recursive(oneOf=[CHILD, {**CHILD, "type": "array"}], unevaluatedProperties=NODE, **NULL),
    "patternProperties": recursive(**CHILD, patternProperties={"c": NODE, "^c": NODE}, **NULL),
    "dependentSchemas": recursive(**CHILD, dependentSchemas={"c": CHILD}, **NULL),
    "references": recursive(properties={"c": {"anyOf": [{"$ref": "#/$defs/m"}, NODE]}}, **NULL),
    "root": {"$schema": DRAFT2020, "allOf": [{"properties": {"c": {"$ref": "#"}}}] * 2, **NULL},
    "draft-04": {"$schema": DRAFT4, "allOf": [{"properties": {"c": {"$ref": "#"}}}] * 2, **NULL},
    "dynamic": {
        "$id": "http://x.example/",
        "$dynamicAnchor": "n",
        "allOf": [{"properties": {"c": {"$dynamicRef": "#n"}}}, {"properties": {"c": {"$dynamicRef": "#n"}}}, NULL],
    },
    "recursiveRef": {
        "$schema": DRAFT2019,
        "$recursiveAnchor": True,
        "allOf": [{"properties": {"c": {"$recursiveRef": "#"}}}, {"properties": {"c": {"$recursiveRef": "#"}}}, NULL],
    },
}


def nested(levels: int, leaf: Any) -> Any:
    for _ in range(levels):
        leaf = {"c": leaf}
    return leaf


@BOTH
@pytest.mark.parametrize("schema", BRANCHING.values(), ids=BRANCHING)
def test_a_recursion_that_branches(engine_class: EngineClass, schema: Any) -> None:
    """Where each level of the data would multiply the work, both engines answer at once, and rightly."""
    assert keywords(engine_class(), schema, nested(63, None)) == []
    assert keywords(engine_class(), schema, nested(63, {})) == []
    assert keywords(engine_class(), schema, nested(63, "x")) != []
    assert keywords(engine_class(), schema, nested(2, "x")) != []


NULLABLE = {"properties": {f"m{number}": {"anyOf": [{"type": "integer"}, {"type": "null"}]} for number in range(50)}}
TWICE: dict[str, Any] = {
    f"x{number}": {"anyOf": [{"$ref": f"#/$defs/x{number + 1}"}, {"$ref": f"#/$defs/x{number + 1}", "minLength": 1}]}
    for number in range(18)
}


@pytest.mark.extra("jsonschema_rs")
def test_mistakes_among_many_alternatives() -> None:
    """Many members with alternatives do not add up: each mistake is told, as one value has few schemas."""
    instance = [{f"m{number}": "x" for number in range(50)} for _ in range(5)]
    assert keywords(JSONSchemaRSEngine(), {"items": NULLABLE}, instance) == ["anyOf"] * 250
    assert keywords(JSONSchemaRSEngine(), {"items": {"anyOf": [NULLABLE, {"type": "null"}]}}, instance) == ["anyOf"] * 5
    assert keywords(JSONSchemaRSEngine(), {"items": NULLABLE}, instance * 3) == ["schema"]


@BOTH
def test_alternatives_that_multiply(engine_class: EngineClass) -> None:
    """Where a short schema has a million ways to one value, its mistakes are not listed."""
    schema = {"$ref": "#/$defs/x0", "$defs": {**TWICE, "x18": {"type": "null"}}}
    engine = engine_class()
    if isinstance(engine, JSONSchemaRSEngine):
        assert keywords(engine, schema, 1) == ["schema"]
        assert keywords(engine, schema, [1]) == ["schema"]
    assert keywords(engine, schema, None) == []


def test_what_is_remembered_is_about_one_part() -> None:
    """A part that is valid in one place says nothing about an equal one, or about another schema of the same part."""
    leaf = {"$ref": "#/$defs/n", "maxProperties": 1}
    schema = recursive(properties={"a": leaf, "b": {**leaf, "minProperties": 1}, "v": {"type": "integer"}})
    check = JSONSchemaEngine().compile(schema)
    part: dict[str, Any] = {"v": 1}
    assert list(check({"a": part, "b": part})) == []
    empty: dict[str, Any] = {}
    found = list(check({"a": empty, "b": empty}))
    assert found == [Violation(("b",), "minProperties", "must have at least 1 member")]
    assert [violation.path for violation in check({"a": {"v": "x"}, "b": {"v": "x"}})] == [("a", "v"), ("b", "v")]


def test_dynamic_references_are_remembered_with_their_scope() -> None:
    """One place of a schema can mean two things in one instance: each is decided by itself."""
    schema = {
        "$id": "http://x.example/root",
        "properties": {"texts": {"$ref": "texts"}, "numbers": {"$ref": "numbers"}},
        "$defs": {
            "list": {
                "$id": "list",
                "properties": {"items": {"items": {"$dynamicRef": "#item"}}, "next": {"$ref": "#"}},
                "$defs": {"any": {"$dynamicAnchor": "item"}},
            },
            "texts": {"$id": "texts", "$ref": "list", "$defs": {"t": {"$dynamicAnchor": "item", "type": "string"}}},
            "numbers": {"$id": "numbers", "$ref": "list", "$defs": {"t": {"$dynamicAnchor": "item", "type": "number"}}},
        },
    }
    shared = {"items": ["a"], "next": {"items": ["b"]}}
    found = list(JSONSchemaEngine().compile(schema)({"texts": shared, "numbers": shared}))
    places = [("numbers", "items", 0), ("numbers", "next", "items", 0)]
    assert sorted((violation.path, violation.keyword) for violation in found) == [(place, "type") for place in places]


@BOTH
@pytest.mark.parametrize("name", ["allOf", "patternProperties", "root", "draft-04"])
def test_defaults_of_a_recursion_that_branches(engine_class: EngineClass, name: str) -> None:
    """Defaults are filled in once for each part of the data, however many ways lead to it."""
    source = json.loads(json.dumps(BRANCHING[name]))
    node = source.get("$defs", {"n": source})["n"]
    node["properties"] = {"c": {"$ref": "#" if node is source else "#/$defs/n"}, "x": {"default": 1}}
    schema = Schema(request=source, engine=engine_class())
    start = time.process_time()
    filled = schema.validate_request(nested(60, None))
    assert time.process_time() - start < SECONDS
    expected: Any = None
    for _ in range(60):
        expected = {"c": expected, "x": 1}
    assert filled == expected


@BOTH
def test_defaults_that_are_too_deep(engine_class: EngineClass) -> None:
    """Where filling defaults needs more stack than there is, the data are refused."""
    steps: dict[str, Any] = {f"s{number}": {"allOf": [{"$ref": f"#/$defs/s{number + 1}"}]} for number in range(20)}
    steps["s20"] = {"properties": {"c": {"$ref": "#/$defs/s0"}, "x": {"default": 1}}}
    schema = Schema(request={"$ref": "#/$defs/s0", "$defs": steps}, engine=engine_class())
    assert schema.validate_request({}) == {"x": 1}
    with pytest.raises(RequestValidationError) as caught:
        schema.validate_request(nested(64, {}))
    assert caught.value.errors[0]["detail"] == "is nested too deeply for its schema"


# Deep data


def many_steps(steps: int) -> Any:
    """A schema that takes so many steps from each level of the data to the next."""
    definitions: dict[str, Any] = {
        f"s{index}": {"allOf": [{"anyOf": [{"$ref": f"#/$defs/s{index + 1}"}]}]} for index in range(steps)
    }
    definitions[f"s{steps}"] = {**NULL, "properties": {"c": {"$ref": "#/$defs/s0"}}}
    return {"$ref": "#/$defs/s0", "$defs": definitions}


@BOTH
@pytest.mark.parametrize("steps", [0, 1, 4, 8])
def test_data_at_the_depth_limit(engine_class: EngineClass, steps: int) -> None:
    """64 levels of data are checked to the end, however many schemas lead from one to the next."""
    before = sys.getrecursionlimit()
    assert keywords(engine_class(), many_steps(steps), nested(63, None)) == []
    assert keywords(engine_class(), many_steps(steps), nested(63, 5)) != []
    assert sys.getrecursionlimit() == before


@BOTH
def test_more_steps_than_python_takes(engine_class: EngineClass) -> None:
    """What is too deep for a schema is refused, and nothing breaks."""
    assert keywords(engine_class(), many_steps(100), nested(63, 5)) != []


@BOTH
async def test_deep_data_in_a_server(engine_class: EngineClass, aiohttp_client: AiohttpClient) -> None:
    """A server answers the deepest body that it reads with 200 or 422."""
    for steps in (3, 100):
        schema = Schema(request=many_steps(steps), response=True, engine=engine_class())

        @schema.handler
        async def view(request: web.Request, *, body: Any) -> Any:
            return True

        app = web.Application(middlewares=[error_middleware()])
        app.router.add_post("/", view)
        client = await aiohttp_client(app)
        for leaf, status in ((None, 200 if steps == 3 else None), (5, 422)):
            response = await client.post("/", json=nested(63, leaf))
            assert response.status in ({status} if status else {200, 422})


def test_deep_data_in_another_thread() -> None:
    """Another thread may have little stack: there, what is too deep for it is refused sooner."""
    check = JSONSchemaEngine().compile(many_steps(8))
    with ThreadPoolExecutor(1) as pool:
        found = list(pool.submit(check, nested(63, None)).result())
    assert found == [Violation((), "schema", "is nested too deeply for its schema")]
    assert list(check(nested(63, None))) == []


# Many items


@BOTH
@pytest.mark.parametrize(
    "schema",
    [
        {"uniqueItems": True},
        {"$schema": DRAFT4, "uniqueItems": True},
        {"contains": {"type": "object"}, "unevaluatedItems": False},
        {"$schema": DRAFT2019, "items": [{}], "unevaluatedItems": {"type": "object"}},
    ],
)
def test_many_objects(engine_class: EngineClass, schema: Any) -> None:
    """10,000 distinct objects are compared in a moment, and not each with each."""
    items: list[Any] = [{"id": number, "tags": [number % 7]} for number in range(10_000)]
    assert keywords(engine_class(), schema, items) == []


@BOTH
def test_many_members(engine_class: EngineClass) -> None:
    """Members that a keyword beside it allowed are found in a moment, too."""
    members = {f"a{number}": number for number in range(20_000)}
    schema = {"patternProperties": {"^a": True}, "unevaluatedProperties": False}
    assert keywords(engine_class(), schema, members) == []
    assert set(keywords(engine_class(), schema, members | {"b": 1})) == {"unevaluatedProperties"}


def test_numbers_with_one_hash() -> None:
    """Integers that Python's hashes cannot tell apart cost no more than others."""
    items = [number * (2**61 - 1) for number in range(20_000)]
    assert len({hash(item) for item in items}) == 1
    assert keywords(JSONSchemaEngine(), {"uniqueItems": True}, items) == []


SAME: list[tuple[Any, Any]] = [
    (1, 1.0), (0, -0.0), (10**20, 1e20), ({"a": 1, "b": 2}, {"b": 2.0, "a": 1.0}), ([1, [2]], [1.0, [2.0]]),
    (None, None), ("a", "a"), (True, True), ({}, {}), ([], []), (0.5, 0.5),
]  # fmt: skip
NOT_SAME: list[tuple[Any, Any]] = [
    (1, True), (0, False), (0, None), ("1", 1), (False, None), ("None", None), ([], {}), ([1], [True]), ("", []),
    ({"a": 0}, {"a": False}), ([1, 2], [2, 1]), ([[1], 2], [1, [2]]), (["a", "b"], "ab"), ({"a": None}, {}),
    (2**53, 2**53 + 1), (10**22, 10**22 + 1), ("number", ["number"]), (["number", "0x1"], 1), (["array"], []),
    ({"object": 1}, ["object"]),
]  # fmt: skip


@BOTH
@pytest.mark.parametrize(("items", "expected"), [(x, ["uniqueItems"]) for x in SAME] + [(x, []) for x in NOT_SAME])
@pytest.mark.parametrize("draft", [DRAFT4, DRAFT7, DRAFT2020])
def test_what_is_twice(engine_class: EngineClass, items: Any, expected: list[str], draft: str) -> None:
    """Items are equal as JSON is: 1 and 1.0 are, 1 and true are not; the order of members does not matter."""
    assert keywords(engine_class(), {"$schema": draft, "uniqueItems": True}, list(items)) == expected
    assert keywords(engine_class(), {"$schema": draft, "uniqueItems": False}, list(items)) == []


# Numbers and texts that break functions of Python


@BOTH
@pytest.mark.parametrize("number", [10**4000, -(10**4000), 2**64, 1e308, 5e-324, -0.0, 0])
@pytest.mark.parametrize(
    "schema",
    [
        {"multipleOf": 0.5}, {"multipleOf": 1e-300}, {"multipleOf": 7}, {"maximum": 1.5}, {"minimum": -1.5},
        {"exclusiveMaximum": 1e308}, {"type": "integer"}, {"const": 1.5}, {"enum": [1e308, "a"]},
        {"not": {"multipleOf": 3.5}},
    ],
)  # fmt: skip
def test_extreme_numbers(engine_class: EngineClass, schema: Any, number: float) -> None:
    """Any number gets a verdict."""
    check = engine_class().compile(schema)
    assert len(list(check(number))) <= 1
    assert len(list(check([number]))) <= 1


CLASSES = "[\x01-\U0010ffff]" * 2000
PATTERNS = ["a{9999999999999999999}", "(" * 5000, f"(?i){CLASSES}", f"(?i:{CLASSES})", "(?Li)a", "("]


@pytest.mark.parametrize("pattern", PATTERNS, ids=range(len(PATTERNS)))
def test_a_regular_expression_of_a_client(pattern: str) -> None:
    """The format regex never breaks Python's compiler of them, nor keeps it busy."""
    assert keywords(JSONSchemaEngine(), {"format": "regex"}, pattern) == ["format"]


@BOTH
@pytest.mark.parametrize("pattern", ["^a+$", r"\d{3}", "(?=a)b", "", "[a-z]"])
def test_a_regular_expression_that_is_one(engine_class: EngineClass, pattern: str) -> None:
    """The format regex takes what is one."""
    assert keywords(engine_class(), {"format": "regex"}, pattern) == []
    assert keywords(engine_class(), {"format": "regex"}, 5) == []


def test_a_format_regex_of_ones_own() -> None:
    """The format regex can be replaced, as every other one."""
    engine = JSONSchemaEngine(formats={"regex": str.isdigit})
    assert keywords(engine, {"format": "regex"}, "(") == ["format"]
    assert keywords(engine, {"format": "regex"}, "5") == []


# Validator classes of a user


def test_a_validator_class_that_is_kept_in_references() -> None:
    """Keywords of one's own count wherever a reference leads back to a schema with a $schema."""

    def is_even(validator: Any, wanted: bool, instance: Any, schema: Any) -> Iterable[jsonschema.ValidationError]:
        if wanted and isinstance(instance, int) and instance % 2:
            yield jsonschema.ValidationError("no")

    extend: Any = jsonschema.validators.extend  # which has no types
    engine = JSONSchemaEngine(validator_class=extend(jsonschema.Draft202012Validator, {"isEven": is_even}))
    schema = {"$schema": DRAFT2020, "isEven": True, "additionalProperties": {"$ref": "#"}}
    assert keywords(engine, schema, {"a": {"b": 1}}) == ["isEven"]
    assert keywords(engine, schema, {"a": {"b": 2}}) == []
    inner = {"$id": "http://x.example/i", "$schema": DRAFT2020, "isEven": True}
    outer = {"$schema": DRAFT2020, "$id": "http://x.example/", "items": {"$ref": "i"}, "$defs": {"i": inner}}
    assert keywords(engine, outer, [1]) == ["isEven"]
    assert keywords(engine, {"$schema": DRAFT2020, "const": {"$schema": DRAFT2020}}, {"$schema": DRAFT2020}) == []


def test_a_keyword_that_was_replaced() -> None:
    """A keyword that a validator class has of its own is left alone."""

    def never(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[jsonschema.ValidationError]:
        yield jsonschema.ValidationError("no")

    extend: Any = jsonschema.validators.extend
    for keyword, value in (("uniqueItems", False), ("anyOf", [{}]), ("type", "null"), ("$ref", "#/$defs/a")):
        engine = JSONSchemaEngine(validator_class=extend(jsonschema.Draft202012Validator, {keyword: never}))
        assert keywords(engine, {keyword: value, "$defs": {"a": {}}}, None) == [keyword]


def test_a_class_that_is_derived() -> None:
    """A class derived from a validator class, which jsonschema advises against, stays as it is: then Schemas warn."""
    with pytest.warns(DeprecationWarning, match="Subclassing validator classes"):

        class Derived(jsonschema.Draft202012Validator):
            def iter_errors(self, instance: Any, _schema: Any = None) -> Any:
                return (error for error in super().iter_errors(instance) if error.validator != "const")

    engine = JSONSchemaEngine(validator_class=Derived)
    with pytest.warns(UserWarning, match="uniqueItems compares each item with each"):
        schema = Schema(request={"uniqueItems": True, "const": 1}, engine=engine)
    assert schema.validate_request([1, 2]) == [1, 2]
    with pytest.raises(RequestValidationError):
        schema.validate_request([1, 1.0])
    with pytest.warns(UserWarning, match="leads to itself in several ways"):
        Schema(request=BRANCHING["allOf"], engine=engine)


def test_what_is_written_anew_is_what_jsonschema_has() -> None:
    """Each keyword of the toolkit's own takes the place of one of jsonschema, in every draft that has it."""
    from aiotoolkit._jsonschema_keywords import harden

    for draft in ("3", "4", "6", "7", "201909", "202012"):
        stock = getattr(jsonschema, f"Draft{draft}Validator")
        hardened = harden(stock)
        replaced = {name for name, function in stock.VALIDATORS.items() if hardened.VALIDATORS[name] is not function}
        wanted = r"\$\w*[rR]ef|additionalItems|anyOf|multipleOf|not|oneOf|propertyNames|type|unevaluated\w+|uniqueItems"
        expected = {name for name in stock.VALIDATORS if re.fullmatch(wanted, name)}
        assert draft == "3" or replaced == expected
