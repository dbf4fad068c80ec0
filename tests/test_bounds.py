"""_bounds: integers of 64 bits unless the schema says more. What is refused by the schema is never accepted."""

import json
import math
from typing import Any

import pytest
from aiohttp import web
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aiotoolkit._bounds import bounded
from aiotoolkit._documents import Document, InvalidSchemaError, read_source
from aiotoolkit._engines import JSONSchemaEngine, JSONSchemaRSEngine
from aiotoolkit.middlewares import setup_errors
from aiotoolkit.schemas import RequestValidationError, Schema
from tests.raw import raw_request, read_response

MAX, MIN = 2**63 - 1, -(2**63)
INTEGER = {"type": "integer"}
BOUNDED = {"type": "integer", "maximum": MAX, "minimum": MIN}
FORM = "application/x-www-form-urlencoded"
ENGINES = ["jsonschema-rs", "jsonschema"]


def changed(schema: Any) -> Any:
    """The schema that the engine gets; what it was made of must not change."""
    before = json.loads(json.dumps(schema))
    document = Document(read_source(schema, mode="validation"))
    contents = bounded(document).contents
    assert document.contents == before
    return contents


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("value", "pointer", "keyword"),
    [
        (MAX, None, ""),
        (MIN, None, ""),
        (5.0, None, ""),
        (MAX + 1, "#/n", f"must be at most {MAX}"),
        (MIN - 1, "#/n", f"must be at least {MIN}"),
        (2.0**63, "#/n", f"must be at most {MAX}"),
        (1e308, "#/n", f"must be at most {MAX}"),
        (-1e308, "#/n", f"must be at least {MIN}"),
        (10**400, "#/n", f"must be at most {MAX}"),
    ],
)
def test_integers(engine: str, value: float, pointer: str | None, keyword: str) -> None:
    """An integer has 64 bits, whether it was written with digits, a fraction or an exponent."""
    schema = Schema(request={"properties": {"n": INTEGER}}, engine=engine)
    if pointer is None:
        assert schema.validate_request({"n": value}) == {"n": value}
        return
    with pytest.raises(RequestValidationError) as caught:
        schema.validate_request({"n": value})
    assert caught.value.errors == ({"detail": keyword, "in": "body", "pointer": pointer},)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("draft", ["draft-04", "draft-06", "draft-07"])
def test_drafts(engine: str, draft: str) -> None:
    """Older drafts are bounded, too: a limit that is there stays, and beside a $ref nothing counts."""
    schema = {
        "$schema": f"http://json-schema.org/{draft}/schema#",
        "definitions": {"n": INTEGER, "below": {"$ref": "#/definitions/n", "type": "integer"}},
        "properties": {"n": {"$ref": "#/definitions/below"}, "few": {"type": "integer", "maximum": 9}},
        "dependencies": {"a": ["n"]},
        "additionalProperties": False,
    }
    if draft == "draft-04":
        schema["properties"]["few"]["exclusiveMaximum"] = True  # type: ignore[index]  # it is a dict
    else:
        schema["properties"]["few"] = {"type": "integer", "exclusiveMaximum": 9}  # type: ignore[index]  # it is a dict
    made = Schema(request=schema, engine=engine)
    made.validate_request({"n": MAX, "few": 8})
    for bad in ({"n": MAX + 1}, {"few": 9}, {"few": MIN - 1}):
        with pytest.raises(RequestValidationError):
            made.validate_request(bad)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (INTEGER, BOUNDED),
        ({"type": ["integer", "null"]}, {**BOUNDED, "type": ["integer", "null"]}),
        ({**INTEGER, "minimum": 0}, {**INTEGER, "minimum": 0, "maximum": MAX}),
        ({**INTEGER, "exclusiveMaximum": 0}, {**INTEGER, "exclusiveMaximum": 0, "minimum": MIN}),
        ({"items": INTEGER, "prefixItems": [INTEGER]}, {"items": BOUNDED, "prefixItems": [BOUNDED]}),
        ({"additionalProperties": {"anyOf": [INTEGER]}}, {"additionalProperties": {"anyOf": [BOUNDED]}}),
        ({"patternProperties": {"a": INTEGER}}, {"patternProperties": {"a": BOUNDED}}),
        ({"unevaluatedItems": INTEGER}, {"unevaluatedItems": BOUNDED}),
        ({"if": {"minimum": 0}, "then": INTEGER}, {"if": {"minimum": 0}, "then": BOUNDED}),
        ({"if": {"minimum": 0}, "else": INTEGER}, {"if": {"minimum": 0}, "else": BOUNDED}),
        ({"dependentSchemas": {"a": {"items": INTEGER}}}, {"dependentSchemas": {"a": {"items": BOUNDED}}}),
        ({"$ref": "#/$defs/a", "$defs": {"a": INTEGER, "b": INTEGER}},
         {"$ref": "#/$defs/a", "$defs": {"a": BOUNDED, "b": INTEGER}}),
        ({"$defs": {"tree": {"items": {"$ref": "#/$defs/tree"}, **INTEGER}}, "$ref": "#/$defs/tree"},
         {"$defs": {"tree": {"items": {"$ref": "#/$defs/tree"}, **BOUNDED}}, "$ref": "#/$defs/tree"}),
        # A name is no integer, so that this does not matter.
        ({"propertyNames": {"not": {"$ref": "#/$defs/a"}}, "items": {"$ref": "#/$defs/a"}, "$defs": {"a": INTEGER}},
         {"propertyNames": {"not": {"$ref": "#/$defs/a"}}, "items": {"$ref": "#/$defs/a"}, "$defs": {"a": BOUNDED}}),
        # oneOf whose branches have nothing in common
        ({"oneOf": [INTEGER, {"type": "string"}]}, {"oneOf": [BOUNDED, {"type": "string"}]}),
        ({"oneOf": [INTEGER, {"enum": ["a", None]}]}, {"oneOf": [BOUNDED, {"enum": ["a", None]}]}),
    ],
)  # fmt: skip
def test_where(schema: dict[str, Any], expected: Any) -> None:
    """What is bounded is each integer that is reached by keywords that only ever refuse more."""
    assert changed(schema) == expected


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "number"},
        {"type": ["integer", "number"]},
        {},
        True,
        {"type": "integer", "enum": [2**70]},
        {"type": "integer", "const": 2**70},
        {"type": "integer", "minimum": -(10**30), "maximum": 10**30},
        {"not": INTEGER},
        {"not": {"not": INTEGER}},
        {"if": INTEGER, "then": {"maximum": 10}},
        {"contains": INTEGER, "maxContains": 1},
        {"contains": {"properties": {"a": INTEGER}}},
        {"oneOf": [INTEGER, {"type": "number"}]},
        {"oneOf": [INTEGER, {"maximum": 10}]},
        {"oneOf": [INTEGER, {"minLength": 1}, {"type": "string"}]},
        {"oneOf": [{"properties": {"a": INTEGER}}, {"properties": {"b": INTEGER}}]},
        # a definition that is reached in both ways
        {"items": {"$ref": "#/$defs/a"}, "not": {"items": {"$ref": "#/$defs/a"}}, "$defs": {"a": INTEGER}},
        {"$dynamicRef": "#/$defs/a", "$defs": {"a": INTEGER}},
    ],
)
def test_where_not(schema: Any) -> None:
    """Left alone is what says more itself, and where refusing more inside could accept more outside."""
    document = Document(schema)
    assert bounded(document) is document


def test_tagged_alternatives() -> None:
    """Branches of oneOf that a required property tells apart have nothing in common."""

    def branch(tag: str) -> dict[str, Any]:
        return {"type": "object", "properties": {"kind": {"const": tag}, "n": dict(INTEGER)}, "required": ["kind"]}

    tagged = changed({"oneOf": [branch("a"), branch("b")]})["oneOf"]
    assert [part["properties"]["n"] for part in tagged] == [BOUNDED, BOUNDED]
    same = changed({"oneOf": [branch("a"), branch("b"), branch("a")]})["oneOf"]
    assert [part["properties"]["n"] for part in same] == [INTEGER, BOUNDED, INTEGER]
    for missing in ("type", "required"):
        bare = [branch("a"), branch("b")]
        for part in bare:
            del part[missing]
        assert changed({"oneOf": bare}) == {"oneOf": bare}


@pytest.mark.parametrize("engine", ENGINES)
def test_more_bits(engine: str) -> None:
    """A schema that says more takes more, from a body and from text; its other end keeps 64 bits."""
    schema = Schema(request={**INTEGER, "maximum": 10**30}, engine=engine)
    assert schema.validate_request(10**30) == 10**30
    for bad in (10**30 + 1, MIN - 1):
        with pytest.raises(RequestValidationError):
            schema.validate_request(bad)
    large = Schema(request={**INTEGER, "minimum": 10**30}, engine=engine)
    assert large.validate_request(10**31) == 10**31


def test_defaults() -> None:
    """A default of more bits would be refused in each request: it is refused when the Schema is made."""
    with pytest.raises(InvalidSchemaError, match=rf"breaks its own schema: .*at most {MAX} \(at #/properties/n\)"):
        Schema(request={"properties": {"n": {**INTEGER, "default": 2**63}}})
    Schema(request={"properties": {"n": {**INTEGER, "default": 2**63, "maximum": 2**64}}})


def test_answers() -> None:
    """What is answered is not bounded: it is the application's own."""
    schema = Schema(response=INTEGER)
    assert schema.make_response(2**64).body == b"18446744073709551616"


@pytest.mark.parametrize("engine", ENGINES)
async def test_every_place(aiohttp_server: Any, engine: str) -> None:
    """Integers are bounded in bodies, forms and parameters alike; the description of the API says what was given."""
    one = {"properties": {"n": INTEGER}}

    async def view(request: web.Request) -> None: ...

    app = web.Application()
    setup_errors(app)
    app.router.add_post("/body", Schema(request=one, engine=engine).handler(view))
    app.router.add_post("/form", Schema(form=one, query=one, engine=engine).handler(view))
    server = await aiohttp_server(app)
    for number in (2**63, -(2**63) - 1, "9" * 400, "1e308", "1e5000"):
        body = f'{{"n": {number}}}'.encode()
        assert (await read_response(server, raw_request("POST", "/body", body))).status in (400, 422)
        form = raw_request(
            "POST", "/form", b"n=%s" % str(number).encode(), content_type="application/x-www-form-urlencoded"
        )
        assert (await read_response(server, form)).status == 422
        query = raw_request("POST", f"/form?n={number}", content_type=FORM)
        assert (await read_response(server, query)).status == 400


# Whatever the schema is

LIMITS = [0, 5, MAX, MAX + 1, MIN, MIN - 1, 10**30, -(10**30)]
limited = st.fixed_dictionaries(
    {"type": st.sampled_from(["integer", ["integer", "string"], ["integer", "number"]])},
    optional=dict.fromkeys(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], st.sampled_from(LIMITS)),
)
others = st.sampled_from([True, False, {"type": "string"}, {"type": "number"}, {"const": 1}, {"enum": ["x", 2**64]}])
references = st.sampled_from(["a", "b"]).map(lambda name: {"$ref": f"#/$defs/{name}"})
names = st.sampled_from(["a", "b"])
MANY = ["allOf", "anyOf", "oneOf", "oneOf", "prefixItems"]
MEMBERS = ["properties", "patternProperties", "dependentSchemas"]
ONE = [
    "items", "additionalProperties", "unevaluatedProperties", "unevaluatedItems", "not", "if", "then", "else",
    "contains", "propertyNames",
]  # fmt: skip
RULES = [{"type": "object"}, {"type": "array"}, {"required": ["a"]}, {"maxContains": 1}, {"minContains": 0}]


def grown(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Schemas of a few keywords: with many of them, hardly any value is valid."""
    keyword = st.one_of(
        st.tuples(st.sampled_from(MANY), st.lists(inside, min_size=2, max_size=3)),
        st.tuples(st.sampled_from(MEMBERS), st.dictionaries(names, inside, min_size=1, max_size=2)),
        st.tuples(st.sampled_from(ONE), inside),
    )
    return st.tuples(st.lists(keyword, min_size=1, max_size=3), st.sampled_from([{}, {}, *RULES])).map(
        lambda parts: {**dict(parts[0]), **parts[1]}
    )


integers = st.just({"type": "integer"})
schemas = st.recursive(integers | limited | others | references, grown, max_leaves=5)
# Not the float -2.0**63: jsonschema-rs says that it is less than the integer.
numbers = st.sampled_from([0, 5, MAX, MAX + 1, MAX + 1, MIN, MIN - 1, 2**64, 1e308, -1e308, 1.5, 10**30])
data = st.recursive(
    numbers | st.sampled_from(["x", None, True]),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(names, inside, max_size=3),
    max_leaves=4,
)


def has_large(value: Any) -> bool:
    """Tell whether data hold an integer of more than 64 bits, however it is written."""
    if isinstance(value, dict | list):
        return any(map(has_large, value.values() if isinstance(value, dict) else value))
    return isinstance(value, int | float) and not MIN <= value <= MAX and math.floor(value) == value


@pytest.mark.parametrize("engine_class", [JSONSchemaRSEngine, JSONSchemaEngine])
@given(
    schema=schemas,
    definitions=st.fixed_dictionaries({"a": schemas, "b": schemas}),
    values=st.lists(data, min_size=10, max_size=10),
)
@settings(max_examples=200, deadline=None)
def test_only_ever_less(engine_class: Any, schema: Any, definitions: Any, values: list[Any]) -> None:
    """It accepts nothing that the schema refuses, and refuses nothing but for an integer of more than 64 bits."""
    whole = {**schema, "$defs": definitions} if isinstance(schema, dict) else schema
    engine = engine_class()
    try:
        document = Document(whole)
        checks = engine.compile(whole), engine.compile(bounded(document).contents)
    except InvalidSchemaError:
        assume(False)  # it refers to itself without end
    for value in values:
        before, after = (not list(check(value)) for check in checks)
        assert before or not after
        assert before == after or has_large(value)
