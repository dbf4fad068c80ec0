"""Equal schemas are compiled once."""

import gc
import json
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jsonschema
import pytest

from aiotoolkit._cache import Cache
from aiotoolkit._validation import CompiledSchema, compile_schema
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

RS = pytest.param(JSONSchemaRSEngine, marks=pytest.mark.extra("jsonschema_rs"), id="rs")
BOTH = pytest.mark.parametrize("engine_class", [RS, pytest.param(JSONSchemaEngine, id="jsonschema")])
EngineClass = type[JSONSchemaRSEngine] | type[JSONSchemaEngine]


def compiled(schema: Any, engine: Engine, *, fill_defaults: bool = True) -> CompiledSchema:
    return compile_schema(schema, engine, name="request", fill_defaults=fill_defaults)


@BOTH
def test_equal_schemas_are_compiled_once(engine_class: EngineClass) -> None:
    """Two Schemas with equal contents and equal engines share what was compiled."""
    one, two = ({"properties": {"a": {"type": "integer", "default": 7}}} for _ in range(2))
    assert compiled(one, engine_class()) is compiled(two, engine_class())


@BOTH
@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"const": 1}, {"const": 1.0}),
        ({"const": 1}, {"const": True}),
        ({"const": 0}, {"const": False}),
        ({"const": 0.0}, {"const": -0.0}),
        ({"const": "1"}, {"const": 1}),
        ({"const": None}, {"const": "null"}),
        ({"enum": ["a,b"]}, {"enum": ["a", "b"]}),
        ({"properties": {"a": True, "b": True}}, {"properties": {"b": True, "a": True}}),
        (True, False),
        ({}, True),
    ],
)
def test_what_is_not_equal(engine_class: EngineClass, one: Any, two: Any) -> None:
    """Values that are equal in Python only, and members in another order, make another schema."""
    first, second = compiled(one, engine_class()), compiled(two, engine_class())
    assert first is not second
    assert json.dumps(first.document.contents) == json.dumps(one)
    assert json.dumps(second.document.contents) == json.dumps(two)


@BOTH
def test_options_and_engines_that_are_not_equal(engine_class: EngineClass) -> None:
    """Filling defaults, and the functions of formats, are part of what is compared."""
    schema = {"properties": {"a": {"format": "odd", "default": "y"}}}
    odd = "xyz".__contains__
    plain, filled = compiled(schema, engine_class(), fill_defaults=False), compiled(schema, engine_class())
    with_format = compiled(schema, engine_class(formats={"odd": odd}))
    assert with_format is compiled(schema, engine_class(formats={"odd": odd}))
    others = [engine_class(formats={"odd": lambda text: text == "y"}), engine_class(formats={"even": odd})]
    results = [plain, filled, with_format, *(compiled(schema, engine) for engine in others)]
    assert len({id(result) for result in results}) == len(results)
    assert with_format.validate({"a": "q"})[1] == [Violation(("a",), "format", "is not a valid odd")]
    data, violations = filled.validate({"a": "q"})
    assert (data, list(violations)) == ({"a": "q"}, [])


def test_validator_classes_that_are_not_equal() -> None:
    """A validator class is part of what is compared."""
    schema = {"items": [{"type": "null"}]}
    classes = [jsonschema.Draft7Validator, jsonschema.Draft6Validator, jsonschema.Draft7Validator]
    one, two, three = (compiled(schema, JSONSchemaEngine(validator_class=each)) for each in classes)
    assert one is not two
    assert one is three


@pytest.mark.extra("jsonschema_rs")
def test_engines_do_not_share() -> None:
    """What one engine compiled is never given to another, nor to one that is derived from it."""

    class Derived(JSONSchemaRSEngine):
        def compile(self, schema: Any, /) -> Check:
            return lambda instance: [Violation((), "derived", "is refused")]

    engines: list[Engine] = [JSONSchemaRSEngine(), JSONSchemaEngine(), Derived()]
    assert [len(compiled({"$comment": "x"}, engine).validate(1)[1]) for engine in engines] == [0, 0, 1]


class Counting:
    """An engine that counts how often it is asked."""

    def __init__(self) -> None:
        self.compiled = 0

    def compile(self, schema: Any, /) -> Check:
        self.compiled += 1
        return lambda instance: [] if self.compiled else [Violation((), "never", "never happens")]


def test_an_engine_of_ones_own_is_asked_once() -> None:
    """One engine object compiles equal schemas once; another object compiles them again."""
    one, two = Counting(), Counting()
    schemas = [Schema(request={"a": 1}, query={}, response={"a": 1}, engine=engine) for engine in (one, two, one)]
    assert [schema.validate_request({}) for schema in schemas] == [{}, {}, {}]
    assert (one.compiled, two.compiled) == (4 - 1, 4 - 1)


def test_an_engine_of_ones_own_is_let_go() -> None:
    """An engine that no Schema uses any more is not kept alive, and its place in memory is never taken for it."""
    engine = Counting()
    alive = weakref.ref(engine)
    schema = Schema(request={"a": 1}, engine=engine)
    del engine
    gc.collect()
    assert alive() is not None
    del schema
    gc.collect()
    assert alive() is None


def test_what_nobody_uses_is_bounded() -> None:
    """A cache keeps so many unused results, and all that are in use."""

    class Result:
        pass

    cache: Cache[Result] = Cache(recent=2)
    used = cache.get("used", Result, keep=True)
    made = [weakref.ref(cache.get(number, Result, keep=True)) for number in range(5)]
    made.append(weakref.ref(cache.get("not kept", Result, keep=False)))
    gc.collect()
    assert [reference() is not None for reference in made] == [False, False, False, True, True, False]
    assert cache.get("used", Result, keep=True) is used


@BOTH
def test_generated_schemas_do_not_pile_up(engine_class: EngineClass) -> None:
    """An application that makes a schema for each request does not grow."""
    made = [weakref.ref(compiled({"const": number}, engine_class())) for number in range(600)]
    gc.collect()
    assert sum(reference() is not None for reference in made) <= 300


@BOTH
def test_errors_are_not_remembered(engine_class: EngineClass) -> None:
    """A schema that is refused is refused each time, for each name."""
    for name in ("request", "response 200"):
        with pytest.raises(InvalidSchemaError, match=f"The {name} schema is not usable"):
            compile_schema({"type": "x"}, engine_class(), name=name, fill_defaults=True)


def test_each_schema_warns() -> None:
    """A warning is about a Schema: the second one with the same contents gives it too."""
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"(?s)") as caught:
            Schema(request={"pattern": "(a+)+", "anyOf": [{"properties": {"a": {"default": 1}}}]}, engine="jsonschema")
        assert ["is not filled" in str(one.message) for one in caught] == [True, False]
    with warnings.catch_warnings(record=True) as recorded:
        warnings.simplefilter("always")
        Schema(request={"anyOf": [{"properties": {"a": {"default": 1}}}]}, engine="jsonschema", fill_defaults=False)
    assert recorded == []


@BOTH
def test_threads(engine_class: EngineClass) -> None:
    """Threads that make equal and other Schemas at once all get the right one."""

    def check(number: int) -> int:
        schema = Schema(request={"maximum": number % 7}, engine=engine_class())
        try:
            schema.validate_request(number % 10)
        except RequestValidationError:
            return 1
        return 0

    with ThreadPoolExecutor(8) as pool:
        refused = list(pool.map(check, range(420)))
    assert refused == [int(number % 10 > number % 7) for number in range(420)]


@BOTH
def test_a_schema_is_its_own(engine_class: EngineClass) -> None:
    """What is given as a schema may be changed later: neither this Schema nor the next equal one notices."""
    source: dict[str, Any] = {"properties": {"a": {"default": [1]}}}
    first = Schema(request=source, engine=engine_class())
    source["properties"]["a"]["default"].append(2)
    filled = first.validate_request({})
    assert filled == {"a": [1]}
    filled["a"].append(3)
    second = Schema(request={"properties": {"a": {"default": [1]}}}, engine=engine_class())
    assert first.validate_request({}) == second.validate_request({}) == {"a": [1]}
