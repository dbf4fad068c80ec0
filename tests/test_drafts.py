"""_drafts and _openapi_schemas: a schema of any draft and what OpenAPI says of it give the same verdicts."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from referencing.jsonschema import specification_with

from aiotoolkit._documents import Document, read_source
from aiotoolkit._drafts import upgraded
from aiotoolkit._openapi_schemas import Components, NotDescribableError
from aiotoolkit.schemas import Engine, InvalidSchemaError, JSONSchemaEngine, JSONSchemaRSEngine
from tests.strategies import DRAFTS, json_schemas, small_values
from tests.test_suite import DRAFTS as SUITE_DRAFTS
from tests.test_suite import Bundler, read

SLOW = [HealthCheck.too_slow]  # a machine may be busy, and a schema has many parts
ENGINES = [pytest.param(JSONSchemaRSEngine, marks=pytest.mark.extra("jsonschema_rs")), JSONSchemaEngine]


def described(schema: Any) -> Any:
    """A schema as an OpenAPI document says it, made to stand alone: a schema of 2020-12 with its components."""
    components = Components()
    document = Document(read_source(schema, mode="validation"))
    said = components.schema(document, hint="Root")
    parts = {"components": {"schemas": components.schemas}}
    return json.loads(json.dumps({"$schema": DRAFTS[2020], "allOf": [said], **parts}))


def without(value: Any, *keywords: str) -> Any:
    """The schema without some keywords; no property of the random schemas has such a name."""
    if isinstance(value, dict):
        return {key: without(item, *keywords) for key, item in value.items() if key not in keywords}
    return [without(item, *keywords) for item in value] if isinstance(value, list) else value


def has_whole_float(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(has_whole_float, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and value.is_integer()


@pytest.mark.parametrize("engine_class", ENGINES)
@pytest.mark.parametrize("draft", DRAFTS)
def test_random_schemas(draft: int, engine_class: type[Engine]) -> None:
    """Both schemas give one verdict of each instance, but for 1.0 as an integer of draft-04, and for formats."""
    engine = engine_class()

    @settings(max_examples=25 if engine_class is JSONSchemaRSEngine else 8, deadline=None, suppress_health_check=SLOW)
    @given(schema=json_schemas(draft), instances=st.lists(small_values, min_size=3, max_size=6))
    def agree(schema: Any, instances: list[Any]) -> None:
        schema = without(schema, "format")
        try:
            before = engine.compile(schema)
        except InvalidSchemaError:
            return
        after = engine.compile(described(schema))
        for instance in instances:
            if draft == 4 and has_whole_float([schema, instance]):
                continue
            assert (not list(before(instance))) == (not list(after(instance))), (schema, described(schema), instance)

    agree()


# What the suite has of formats and contents, each draft's engine checks in its own way; of 1.0, see the docstring.
LEFT_OUT = {
    "format.json",
    "content.json",
    "zeroTerminatedFloats.json",
    "vocabulary.json",  # a metaschema of the suite's own
}


@pytest.mark.extra("jsonschema_rs")
@pytest.mark.parametrize("draft", SUITE_DRAFTS)
def test_the_suite(draft: str) -> None:
    """Every schema of the official suite, of every draft, keeps its meaning."""
    bundler = Bundler(draft, read("remotes"))
    engine = JSONSchemaRSEngine()
    compared, not_described = 0, []
    for file, groups in read(f"tests/{draft}").items():
        if "/" in file or file in LEFT_OUT:
            continue
        for group in groups:
            schema = bundler.bundle(group["schema"])
            if "json-schema.org/" in json.dumps(without(schema, "$schema")):  # a metaschema is not taken over
                continue
            try:
                before = engine.compile(schema)
            except InvalidSchemaError:
                continue
            try:
                after = engine.compile(described(schema))
            except NotDescribableError:
                not_described.append(file)
                continue
            for test in group["tests"]:
                if draft == "draft4" and has_whole_float(test["data"]):
                    continue
                same = (not list(before(test["data"]))) == (not list(after(test["data"])))
                assert same, (file, group["description"], test, schema, described(schema))
                compared += 1
    assert compared > 550
    # Where several resources define what a dynamic reference may mean, it cannot be told beforehand.
    assert set(not_described) == DYNAMIC.get(draft, set())


DYNAMIC = {
    "draft2019-09": {"recursiveRef.json", "unevaluatedItems.json", "unevaluatedProperties.json"},
    "draft2020-12": {"dynamicRef.json", "unevaluatedItems.json", "unevaluatedProperties.json"},
}

DRAFT_4, DRAFT_7, DRAFT_2019, DRAFT_2020 = (DRAFTS[draft] for draft in (4, 7, 2019, 2020))


@pytest.mark.parametrize(
    ("dialect", "schema", "said"),
    [
        (DRAFT_4, {"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}),
        (DRAFT_4, {"maximum": 1, "exclusiveMaximum": False}, {"maximum": 1}),
        (DRAFT_4, {"items": [{}], "additionalItems": False}, {"prefixItems": [{}], "items": False}),
        (DRAFT_4, {"items": {}, "additionalItems": False}, {"items": {}}),
        (DRAFT_7, {"items": []}, {}),
        (DRAFT_4, {"const": 1, "if": {}, "prefixItems": [{}]}, {}),
        (DRAFT_4, {"examples": [1], "deprecated": True}, {"examples": [1], "deprecated": True}),
        (DRAFT_4, {"deprecated": "since 1.2", "examples": {"a": 1}}, {}),
        (DRAFT_7, {"dependencies": {"a": ["b"]}}, {"dependentRequired": {"a": ["b"]}}),
        (DRAFT_7, {"dependencies": {"a": {}}}, {"dependentSchemas": {"a": {}}}),
        (
            DRAFT_2020,
            {"dependencies": {"a": ["b"], "c": {}}, "dependentRequired": {"a": ["d"]}, "dependentSchemas": {"c": {}}},
            {"dependentRequired": {"a": ["d", "b"]}, "dependentSchemas": {"c": {"allOf": [{}, {}]}}},
        ),
        (DRAFT_2019, {"contains": {}}, {"contains": {}}),
        (DRAFT_2020, {"example": 1}, {"examples": [1]}),
        (DRAFT_2020, {"example": 1, "examples": [2]}, {"examples": [1, 2]}),
    ],
)
def test_keywords(dialect: str, schema: dict[str, Any], said: dict[str, Any]) -> None:
    """Each keyword that has another form, or no meaning yet, or none any more; the schema itself stays."""
    before = json.dumps(schema)
    assert upgraded(schema, specification_with(dialect)) == said
    assert json.dumps(schema) == before


@pytest.mark.parametrize("engine_class", ENGINES)
def test_contains_and_unevaluated_items(engine_class: type[Engine]) -> None:
    """What contains finds is evaluated before and after, as both engines have it in 2019-09, too."""
    schema = {"$schema": DRAFT_2019, "contains": {"type": "null"}, "unevaluatedItems": False}
    for each in (schema, described(schema)):
        check = engine_class().compile(each)
        assert [not list(check(instance)) for instance in ([None], [None, 1])] == [True, False]


def test_a_long_chain_of_references() -> None:
    """However many schemas refer to one another, all of them are components."""
    definitions = {f"N{number}": {"items": {"$ref": f"#/$defs/N{number + 1}"}} for number in range(1000)}
    said = described({"$ref": "#/$defs/N0", "$defs": {**definitions, "N1000": {"type": "null"}}})
    assert said["components"]["schemas"].keys() == {*definitions, "N1000"}
    assert said["components"]["schemas"]["N999"] == {"items": {"$ref": "#/components/schemas/N1000"}}
