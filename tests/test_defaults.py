"""Filling defaults: the rules, checked against a simple reference; and what is refused or warned about."""

import asyncio
import copy
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiotoolkit._validation import compile_schema
from aiotoolkit.schemas import Engine, InvalidSchemaError, Schema, Violation

DRAFT4 = "http://json-schema.org/draft-04/schema#"
DRAFT7 = "http://json-schema.org/draft-07/schema#"


class Lenient:
    """An engine to which all is valid: these tests are about filling."""

    def compile(self, schema: Any) -> Any:
        return lambda instance: ()


LENIENT: Engine = Lenient()


def fill(schema: Any, instance: Any, engine: Engine = LENIENT) -> Any:
    """The instance with its defaults."""
    compiled = compile_schema(schema, engine, name="request", fill_defaults=True)
    return compiled.validate(instance)[0]


# The rules

ONE = {"properties": {"a": {"default": 1}}}
TWO = {"properties": {"b": {"default": 2}}}
OTHERS: list[Any] = [[], "x", 1, None, True, [{}]]


@pytest.mark.parametrize(
    ("schema", "instance", "expected"),
    [
        # absent members only
        (ONE, {}, {"a": 1}),
        (ONE, {"a": 2}, {"a": 2}),
        (ONE, {"a": None}, {"a": None}),
        ({"properties": {"a": {"default": None}}}, {}, {"a": None}),
        ({"properties": {"a": {"default": False}, "b": {"default": 0}}}, {}, {"a": False, "b": 0}),
        (ONE, {"b": 2}, {"b": 2, "a": 1}),
        # other instances than objects
        *[(ONE, other, other) for other in OTHERS],
        ({"default": {"a": 1}}, {}, {}),
        # deeper
        ({"properties": {"a": {"properties": {"b": {"default": 1}}}}}, {"a": {}}, {"a": {"b": 1}}),
        ({"properties": {"a": {"properties": {"b": {"default": 1}}}}}, {}, {}),
        ({"properties": {"a": {"properties": {"b": {"default": 1}}}}}, {"a": 5}, {"a": 5}),
        ({"properties": {"a": {"default": {}, "properties": {"b": {"default": 1}}}}}, {}, {"a": {"b": 1}}),
        ({"items": ONE}, [{}, 5, {"a": 2}], [{"a": 1}, 5, {"a": 2}]),
        ({"items": {"items": ONE}}, [[{}], []], [[{"a": 1}], []]),
        ({"items": {"default": 1}}, [], []),
        (
            {"prefixItems": [{}, ONE], "items": TWO},
            [{}, {}, {}, {}],
            [{}, {"a": 1}, {"b": 2}, {"b": 2}],
        ),
        ({"prefixItems": [ONE]}, [{}, {}], [{"a": 1}, {}]),
        ({"prefixItems": [ONE]}, [], []),
        (
            {"$schema": DRAFT7, "items": [{}, ONE],
             "additionalItems": TWO},
            [{}, {}, {}],
            [{}, {"a": 1}, {"b": 2}],
        ),
        # allOf and references
        ({"allOf": [ONE, TWO]}, {}, {"a": 1, "b": 2}),
        ({"$ref": "#/$defs/x", "$defs": {"x": ONE}}, {}, {"a": 1}),
        ({"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"default": 1}}}, {}, {"a": 1}),
        ({"properties": {"a": {"allOf": [{"$ref": "#/$defs/x"}]}}, "$defs": {"x": {"default": 1}}}, {}, {"a": 1}),
        ({"properties": {"a": {"$ref": "#x"}}, "$defs": {"x": {"$anchor": "x", "default": 1}}}, {}, {"a": 1}),
        ({"properties": {"a": {"$ref": "urn:x"}}, "$defs": {"x": {"$id": "urn:x", "default": 1}}}, {}, {"a": 1}),
        # the first default wins
        ({"properties": {"a": {"default": 1}}, "allOf": [{"properties": {"a": {"default": 2}}}]}, {}, {"a": 1}),
        ({"allOf": [ONE, {"properties": {"a": {"default": 2}}}]}, {}, {"a": 1}),
        ({"properties": {"a": {"default": 1, "$ref": "#/$defs/x"}}, "$defs": {"x": {"default": 2}}}, {}, {"a": 1}),
        ({"properties": {"a": {"allOf": [{}, {"default": 1}, {"default": 2}]}}}, {}, {"a": 1}),
        # up to draft-07, a $ref stands alone
        (
            {"$schema": DRAFT7, "properties": {"a": {"default": 1, "$ref": "#/definitions/x"}},
             "definitions": {"x": {"default": 2}}},
            {}, {"a": 2},
        ),
        # recursion, as deep as the data are
        (
            {"properties": {"n": {"$ref": "#"}, "v": {"default": 1}}},
            {"n": {"n": {}}}, {"n": {"n": {"v": 1}, "v": 1}, "v": 1},
        ),
        # nothing where it may not apply
        *[({keyword: [ONE]}, {}, {}) for keyword in ("anyOf", "oneOf")],
        *[({keyword: ONE}, {}, {}) for keyword in ("not", "if", "then", "else")],
        ({"dependentSchemas": {"a": {"properties": {"b": {"default": 1}}}}}, {"a": 1}, {"a": 1}),
        ({"additionalProperties": {"default": 1}, "patternProperties": {"a": {"default": 1}}}, {}, {}),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:The default at")  # some rules warn, which another test is about
def test_the_rules(schema: Any, instance: Any, expected: Any) -> None:
    """Defaults are filled by ajv's rules."""
    before = copy.deepcopy(instance)
    filled = fill(schema, instance)
    assert filled == expected
    assert instance == before
    if filled == instance:
        assert filled is instance


def test_only_what_changes_is_copied() -> None:
    """Containers on the way to a filled member are copied; all others are the very same objects."""
    schema = {"properties": {"a": {"items": {"properties": {"x": {"default": 1}}}}}}
    instance: dict[str, Any] = {"a": [{"x": 2}, {}], "b": {"c": []}}
    filled = fill(schema, instance)
    assert filled == {"a": [{"x": 2}, {"x": 1}], "b": {"c": []}}
    assert filled["b"] is instance["b"]
    assert filled["a"][0] is instance["a"][0]
    assert instance == {"a": [{"x": 2}, {}], "b": {"c": []}}


def test_each_request_has_containers_of_its_own() -> None:
    """A container that a default fills in is copied for each request, at every depth; changing it changes no other."""
    schema = Schema(request={"properties": {"a": {"default": {"b": [{}]}}}}, engine=LENIENT)
    first, second = (schema.validate_request({}) for _ in range(2))
    first["a"]["b"][0]["x"] = 1
    first["a"]["b"].append(2)
    assert second == schema.validate_request({}) == {"a": {"b": [{}]}}


async def test_concurrent_requests() -> None:
    """Tasks that fill and change their defaults at the same time do not see each other."""
    schema = Schema(request={"properties": {"tags": {"default": []}}}, engine=LENIENT)

    async def one(number: int) -> list[int]:
        data = schema.validate_request({"number": number})
        for _ in range(3):
            data["tags"].append(data["number"])
            await asyncio.sleep(0)
        tags: list[int] = data["tags"]
        return tags

    assert await asyncio.gather(*map(one, range(100))) == [[number] * 3 for number in range(100)]


def test_without_defaults() -> None:
    """fill_defaults=False fills nothing, and does not look at defaults."""
    schema = Schema(request={"properties": {"a": {"type": "integer", "default": "x"}}}, fill_defaults=False)
    data = {"b": 1}
    assert schema.validate_request(data) is data


def test_a_filled_default_satisfies_required() -> None:
    """Defaults come before validation: a required member with a default may be absent."""
    request = {"required": ["a"], "properties": {"a": {"type": "integer", "default": 1}}}
    assert Schema(request=request).validate_request({}) == {"a": 1}


# A reference implementation, and what must hold for any schema

values = st.recursive(
    st.sampled_from([None, True, 0, 1, "x"]),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.sampled_from("abc"), children, max_size=3),
    max_leaves=8,
)
schemas = st.recursive(
    st.sampled_from([True, {}, {"$ref": "#/$defs/p"}, {"$ref": "#/$defs/q"}]),
    lambda children: st.fixed_dictionaries(
        {},
        optional={
            "default": values,
            "properties": st.dictionaries(st.sampled_from("abc"), children, max_size=3),
            "items": children,
            "prefixItems": st.lists(children, min_size=1, max_size=2),
            "allOf": st.lists(children, min_size=1, max_size=2),
            "anyOf": st.lists(children, min_size=1, max_size=2),  # where nothing is filled
            "then": children,
            "$ref": st.sampled_from(["#/$defs/p", "#/$defs/q"]),
        },
    ),
    max_leaves=8,
)
objects = schemas.filter(lambda schema: schema is not True)
documents = st.builds(lambda root, p, q: {**root, "$defs": {"p": p, "q": q}}, objects, schemas, schemas)


def applies(schema: Any, root: Any) -> list[Any]:
    """All schemas that apply where this one does, the first one first."""
    found: list[Any] = []

    def visit(schema: Any) -> None:
        if isinstance(schema, dict) and not any(schema is other for other in found):
            found.append(schema)
            for part in schema.get("allOf", ()):
                visit(part)
            if "$ref" in schema:
                visit(root["$defs"][schema["$ref"][-1]])

    visit(schema)
    return found


def reference(schema: Any, instance: Any, root: Any) -> Any:
    """Fill in place, one schema after the other; slow, and easy to believe."""
    for part in applies(schema, root):
        if isinstance(instance, dict):
            for name, member in part.get("properties", {}).items():
                if name not in instance:
                    defaults = [one["default"] for one in applies(member, root) if "default" in one]
                    if defaults:
                        instance[name] = copy.deepcopy(defaults[0])
                if name in instance:
                    reference(member, instance[name], root)
        if isinstance(instance, list):
            prefix = part.get("prefixItems", [])
            for index, item in enumerate(instance):
                reference(prefix[index] if index < len(prefix) else part.get("items", {}), item, root)
    return instance


def compiled_or_none(document: Any) -> Any:
    try:
        return compile_schema(document, LENIENT, name="request", fill_defaults=True)
    except InvalidSchemaError as error:
        assert "without end" in error.message  # noqa: PT017 - the only thing that may be wrong with these schemas
        return None


@given(document=documents, instance=values)
def test_filling(document: dict[str, Any], instance: Any) -> None:
    """Filling equals the reference, is idempotent, leaves its input alone, and copies nothing in vain."""
    compiled = compiled_or_none(document)
    if compiled is None:
        return
    before = copy.deepcopy(instance)
    filled = compiled.validate(instance)[0]
    assert instance == before
    assert filled == reference(document, copy.deepcopy(instance), document)
    if filled == instance:
        assert filled is instance
    assert compiled.validate(filled)[0] is filled


# Defaults that break their own schema


@pytest.fixture(
    params=[pytest.param("jsonschema-rs", marks=pytest.mark.extra("jsonschema_rs")), "jsonschema"],
)
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.mark.parametrize(
    ("schema", "pointer", "why"),
    [
        ({"properties": {"a": {"type": "integer", "default": "x"}}}, "#/properties/a", "# must be of type integer"),
        ({"default": 5, "type": "string"}, "#", "# must be of type string"),
        ({"items": {"minLength": 2, "default": "x"}}, "#/items", "# must have at least 2 characters"),
        (
            {"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"type": "integer", "default": "x"}}},
            "#/$defs/x", "# must be of type integer",
        ),
        (
            {"properties": {"a": {"$ref": "#/$defs/x", "default": "x"}}, "$defs": {"x": {"type": "integer"}}},
            "#/properties/a", "# must be of type integer",
        ),
        # good where it stands, bad where it is filled
        (
            {"properties": {"a": {"$ref": "#/$defs/x", "minimum": 9}}, "$defs": {"x": {"default": 5}}},
            "#/properties/a", "# must be at least 9",
        ),
        (
            {"properties": {"n": {"default": {"v": "x"}, "properties": {"v": {"type": "integer"}}}}},
            "#/properties/n", "#/v must be of type integer",
        ),
        (
            {"$schema": DRAFT4, "id": "http://x.example/s#", "definitions": {"x": {"type": "integer"}},
             "properties": {"a": {"allOf": [{"$ref": "#/definitions/x"}], "default": "x"}}},
            "#/properties/a", "# must be of type integer",
        ),
        (
            {"$schema": DRAFT4, "properties": {"a": {"minimum": 0, "exclusiveMinimum": True, "default": 0}}},
            "#/properties/a", "# must be greater than 0",
        ),
        (
            {"$schema": DRAFT7, "$ref": "#/definitions/x", "$id": "http://x.example/s",
             "definitions": {"x": {"type": "integer", "default": "x"}}},
            "#/definitions/x", "# must be of type integer",
        ),
        (
            {"$id": "http://x.example/a", "properties": {"b": {"$ref": "b"}},
             "$defs": {"b": {"$id": "b", "properties": {"c": {"type": "null", "default": 1}}}}},
            "#/$defs/b/properties/c", "# must be of type null",
        ),
        ({"$id": "s.json", "not": {"type": "null", "default": 1}}, "#/not", "# must be of type null"),
        ({"$ref": "#/parts/x", "parts": {"x": {"type": "null", "default": 1}}}, "#/parts/x", "# must be of type null"),
    ],
)  # fmt: skip
def test_a_default_that_breaks_its_schema(engine: str, schema: dict[str, Any], pointer: str, why: str) -> None:
    """It would make each request without the member fail: it is refused when the Schema is made, with its place."""
    with pytest.raises(InvalidSchemaError) as caught:
        Schema(request=schema, engine=engine)
    assert str(caught.value) == (
        f"The request schema is not usable: The default breaks its own schema: {why} (at {pointer})"
    )


def test_a_default_is_checked_as_it_is_filled(engine: str) -> None:
    """A default that needs its own members' defaults to be valid is fine."""
    request = {"properties": {"a": {"default": {}, "required": ["b"], "properties": {"b": {"default": 1}}}}}
    assert Schema(request=request, engine=engine).validate_request({}) == {"a": {"b": 1}}


@pytest.mark.parametrize(
    "node",
    [
        {"properties": {"child": {"$ref": "#/$defs/node", "default": {}}}},
        {"properties": {"child": {"allOf": [{"default": {}}, {"$ref": "#/$defs/node"}]}}},
        {"properties": {"left": {"default": [{}], "items": {"$ref": "#/$defs/node"}}}},
    ],
)
def test_defaults_without_end(engine: str, node: dict[str, Any]) -> None:
    """A default that holds, by its own schema, another one of itself is refused when the Schema is made."""
    with pytest.raises(InvalidSchemaError, match="without end") as caught:
        Schema(request={"$ref": "#/$defs/node", "$defs": {"node": node}}, engine=engine)
    assert caught.value.pointer.startswith("#/$defs/node/properties/")


def test_defaults_of_an_own_engine() -> None:
    """A user's engine decides about defaults, too."""

    class Odd:
        def compile(self, schema: Any) -> Any:
            names = list(schema.get("properties", {}))
            return lambda instance: [Violation((name,), "odd", "is odd") for name in names if instance.get(name) == 3]

    assert Schema(request={"properties": {"0": {"default": 1}}}, engine=Odd()).validate_request({}) == {"0": 1}
    with pytest.raises(InvalidSchemaError, match=r"# is odd \(at #/properties/0\)"):
        Schema(request={"properties": {"0": {"default": 3}}}, engine=Odd())


# Warnings


@pytest.mark.parametrize(
    ("schema", "places"),
    [
        ({"anyOf": [{"properties": {"a": {"default": 1}}}, True]}, ["#/anyOf/0/properties/a"]),
        ({"oneOf": [{"properties": {"a": {"properties": {"b": {"default": 1}}}}}]},
         ["#/oneOf/0/properties/a/properties/b"]),
        ({"properties": {"x": {"not": {"items": {"properties": {"a": {"default": 1}}}}}}},
         ["#/properties/x/not/items/properties/a"]),
        ({"if": {}, "then": {"properties": {"a": {"default": 1}}}}, ["#/then/properties/a"]),
        ({"$defs": {"n": {"properties": {"a": {"default": 1}}}}, "anyOf": [{"$ref": "#/$defs/n"}, {"type": "null"}]},
         ["#/$defs/n/properties/a"]),
        ({"properties": {"a": {"default": 1}}}, []),
        ({"anyOf": [{"type": "string", "default": 1}, {"type": "null"}], "default": None}, []),
        ({"properties": {"anyOf": {"properties": {"a": {"default": 1}}}}}, []),
        ({"const": {"anyOf": [{"properties": {"a": {"default": 1}}}]}}, []),
    ],
)  # fmt: skip
def test_a_default_that_is_never_filled(schema: dict[str, Any], places: list[str]) -> None:
    """A default in a branch that may not apply is warned about, with its place, in the line that makes the Schema."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Schema(query={"properties": {"limit": {}}}, request=schema, engine=LENIENT)
    assert [warning.filename for warning in caught] == [__file__] * len(places)
    for warning, place in zip(caught, places, strict=True):
        assert str(warning.message).startswith(f"The default at {place} of the request schema is not filled")


def test_no_warning_without_filling() -> None:
    """Where no defaults are filled at all, as in a response, nobody is warned."""
    schema = {"anyOf": [{"properties": {"a": {"default": 1}}}, True]}
    Schema(request=schema, fill_defaults=False)
    Schema(response=schema)
