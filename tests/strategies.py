"""Hypothesis strategies that several test modules share."""

from typing import Any

from hypothesis import strategies as st


def containers(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Arrays and objects of what children gives; a function with a name, whose source Hypothesis can find."""
    return st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4)


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()

#: Anything that JSON can hold.
json_values = st.recursive(scalars, containers, max_leaves=12)


# JSON Schemas with instances: from so few names and values that both valid and invalid instances are frequent.

DRAFTS = {
    4: "http://json-schema.org/draft-04/schema#",
    6: "http://json-schema.org/draft-06/schema#",
    7: "http://json-schema.org/draft-07/schema#",
    2019: "https://json-schema.org/draft/2019-09/schema",
    2020: "https://json-schema.org/draft/2020-12/schema",
}

names = st.sampled_from(["a", "b", "ab", "c1"])
small_scalars = st.sampled_from(
    [None, True, False, 0, 1, 2, 3, -1, 1.0, 0.5, 2**70, "", "a", "b", "ab", "a1", "é", "1.1.1.1"]
)


def few_containers(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(children, max_size=3) | st.dictionaries(names, children, max_size=3)


#: Instances of the schemas below.
small_values = st.recursive(small_scalars, few_containers, max_leaves=8)


@st.composite
def json_schemas(draw: st.DrawFn, draft: int = 2020) -> dict[str, Any]:
    """A schema of a draft, with definitions: some refer to themselves, but never for the same value."""
    leaf = draw(subschemas(draft, 2, ()))
    tree = {"properties": {"a": {"$ref": "#/definitions/tree"}}, **draw(keywords(draft, 1, ("leaf",)))}
    root = draw(keywords(draft, 3, ("leaf", "tree")))
    return {"$schema": DRAFTS[draft], **root, "definitions": {"leaf": leaf, "tree": tree}}


def subschemas(draft: int, depth: int, references: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """A schema, to a depth; with references to these definitions."""
    found = [keywords(draft, depth, references)] * 6
    if references:
        found.append(st.sampled_from(references).map(lambda name: {"$ref": f"#/definitions/{name}"}))
    anything: st.SearchStrategy[Any] = st.booleans() if draft > 4 else st.just({})
    return st.one_of(anything, *found)


def keywords(draft: int, depth: int, references: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """One to three groups of keywords."""
    groups = [*_ASSERTIONS, *(_LIMITS if draft > 4 else _OLD_LIMITS)]
    if depth:
        groups += _applicators(draft, subschemas(draft, depth - 1, references))
    return st.lists(st.one_of(groups), min_size=1, max_size=3).map(
        lambda parts: {k: v for p in parts for k, v in p.items()}
    )


def _keyword(name: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return values.map(lambda value: {name: value})


_types = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
_few = st.integers(0, 3)
_numbers = st.sampled_from([-1, 0, 1, 2, 0.5, 1.0, 2.5])
_PATTERNS = ["^a", "b$", "[0-9]", "^[ab]*$", "é|1"]
_ASSERTIONS = [
    _keyword("type", _types),
    _keyword("type", st.lists(_types, min_size=1, max_size=3, unique=True)),
    _keyword("enum", st.lists(small_values, min_size=1, max_size=3, unique_by=repr)),
    _keyword("multipleOf", st.sampled_from([1, 2, 3, 0.5, 0.1])),
    _keyword("minimum", _numbers),
    _keyword("maximum", _numbers),
    _keyword("minLength", _few),
    _keyword("maxLength", _few),
    _keyword("pattern", st.sampled_from(_PATTERNS)),
    _keyword("format", st.sampled_from(["ipv4", "email", "uuid", "unknown"])),
    _keyword("minItems", _few),
    _keyword("maxItems", _few),
    _keyword("uniqueItems", st.booleans()),
    _keyword("minProperties", _few),
    _keyword("maxProperties", _few),
    _keyword("required", st.lists(names, min_size=1, max_size=2, unique=True)),
]
_LIMITS = [
    _keyword("const", small_values),
    _keyword("exclusiveMinimum", _numbers),
    _keyword("exclusiveMaximum", _numbers),
    _keyword("maxLength", st.just(2.0)),
]
_OLD_LIMITS = [
    st.builds(lambda limit, odd: {"minimum": limit, "exclusiveMinimum": odd}, _numbers, st.booleans()),
    st.builds(lambda limit, odd: {"maximum": limit, "exclusiveMaximum": odd}, _numbers, st.booleans()),
]


def _applicators(draft: int, inner: st.SearchStrategy[Any]) -> list[st.SearchStrategy[dict[str, Any]]]:
    several = st.lists(inner, min_size=1, max_size=3)
    by_name = st.dictionaries(names, inner, min_size=1, max_size=3)
    groups = [
        _keyword("properties", by_name),
        _keyword("properties", by_name),
        _keyword("patternProperties", st.dictionaries(st.sampled_from(_PATTERNS), inner, min_size=1, max_size=2)),
        _keyword("additionalProperties", st.booleans() | inner),
        _keyword("items", inner),
        _keyword("not", inner),
        *(_keyword(keyword, several) for keyword in ("allOf", "anyOf", "oneOf")),
    ]
    if draft < 2020:
        groups += [
            _keyword("items", several),
            _both(_keyword("items", several), "additionalItems", inner | st.just({})),
        ]
    else:
        groups += [_keyword("prefixItems", several), _both(_keyword("prefixItems", several), "items", inner)]
    if draft > 4:
        groups += [_keyword("contains", inner), _keyword("propertyNames", inner)]
    if draft > 6:
        condition = _keyword("if", inner)
        groups += [_both(condition, "then", inner), _both(condition, "else", inner)]
    return groups + (_old_groups(inner) if draft < 2019 else _new_groups(inner))


def _both(one: st.SearchStrategy[Any], name: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(lambda first, value: {**first, name: value}, one, values)


_needs = st.dictionaries(names, st.lists(names, min_size=1, max_size=2, unique=True), min_size=1, max_size=2)


def _old_groups(inner: st.SearchStrategy[Any]) -> list[st.SearchStrategy[dict[str, Any]]]:
    return [_keyword("dependencies", _needs | st.dictionaries(names, inner, min_size=1, max_size=2))]


def _new_groups(inner: st.SearchStrategy[Any]) -> list[st.SearchStrategy[dict[str, Any]]]:
    return [
        _keyword("dependentRequired", _needs),
        _keyword("dependentSchemas", st.dictionaries(names, inner, min_size=1, max_size=2)),
        _keyword("unevaluatedProperties", st.booleans() | inner),
        _keyword("unevaluatedItems", st.booleans() | inner),
        _both(_keyword("contains", inner), "minContains", _few),
        _both(_keyword("contains", inner), "maxContains", _few),
    ]
