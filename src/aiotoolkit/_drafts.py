"""JSON Schemas of older drafts, said in 2020-12, which is what OpenAPI 3.1 has.

Of one schema, its keywords are said anew; the schemas inside it stay the same objects, for the caller to walk on to.
The meaning is equal but for two things: in draft-04, ``1.0`` is no integer, and which formats are checked is up to the
validator (OpenAPI 3.1.1, section 4.8.24; JSON Schema 2020-12, appendix G, and the release notes of each draft).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from referencing import Specification
from referencing.jsonschema import DRAFT4, DRAFT6, DRAFT7, DRAFT201909, DRAFT202012

__all__ = ["SCHEMA_LISTS", "SCHEMA_MAPS", "SINGLE_SCHEMAS", "upgraded"]

# The keywords of 2020-12 (and of OpenAPI 3.1) that hold schemas: one, a list of them, or a map of them by name.
SINGLE_SCHEMAS: Final = frozenset(
    {
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
SCHEMA_LISTS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
SCHEMA_MAPS: Final = frozenset({"dependentSchemas", "patternProperties", "properties"})

_ORDER: Final = (DRAFT4, DRAFT6, DRAFT7, DRAFT201909, DRAFT202012)

# In a draft before the one that brought it, a keyword says nothing: it must not begin to.
_BROUGHT: Final[Mapping[Any, frozenset[str]]] = {
    DRAFT6: frozenset({"const", "contains", "propertyNames"}),
    DRAFT7: frozenset({"else", "if", "then"}),
    DRAFT201909: frozenset(
        {
            "$anchor",
            "$recursiveAnchor",
            "$recursiveRef",
            "dependentRequired",
            "dependentSchemas",
            "maxContains",
            "minContains",
            "unevaluatedItems",
            "unevaluatedProperties",
        }
    ),
    DRAFT202012: frozenset({"$dynamicAnchor", "$dynamicRef", "prefixItems"}),
}
# In a draft after the one that had it last, likewise.
_ENDED: Final[Mapping[Any, frozenset[str]]] = {
    DRAFT202012: frozenset({"$recursiveRef", "$recursiveAnchor", "additionalItems"}),
}
# What only describes may always stand there, where it is what 2020-12 takes.
_ANNOTATIONS: Final[Mapping[str, type]] = {
    "$comment": str,
    "contentEncoding": str,
    "contentMediaType": str,
    "deprecated": bool,
    "examples": list,
    "readOnly": bool,
    "writeOnly": bool,
}


def upgraded(keywords: Mapping[str, Any], draft: Specification[Any]) -> dict[str, Any]:
    """One schema, said in 2020-12.

    What ``contains`` finds counts as evaluated in 2019-09 as well: both engines count it, though only 2020-12 says so.

    Args:
        keywords: its keywords, valid by the metaschema of the draft; up to draft-07, those beside a ``$ref`` have been
            left out.
        draft: the draft that they are of.

    Returns:
        Keywords in which the inner schemas are the very objects that they were, and not said anew.
    """
    position = _ORDER.index(draft)
    silent = set().union(*(_BROUGHT[later] for later in _ORDER[position + 1 :]), _ENDED.get(draft, ()))
    said = {keyword: value for keyword, value in keywords.items() if keyword not in silent}
    said = {keyword: value for keyword, value in said.items() if isinstance(value, _ANNOTATIONS.get(keyword, object))}
    for step in _STEPS[draft]:
        step(said)
    return said


def _exclusive_limits(said: dict[str, Any]) -> None:
    """Draft-04 says by a boolean whether a limit is outside of what it limits."""
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if said.pop(exclusive, False) is True and limit in said:
            said[exclusive] = said.pop(limit)


def _tuples(said: dict[str, Any]) -> None:
    """An array in ``items`` is now ``prefixItems``, and what follows is ``items``."""
    rest = said.pop("additionalItems", None)
    if isinstance(said.get("items"), list):
        first = said.pop("items")
        if first:
            said["prefixItems"] = first
        if rest is not None:
            said["items"] = rest


def _dependencies(said: dict[str, Any]) -> None:
    """``dependencies`` is now two keywords; validators still know it beside them."""
    for name, value in said.pop("dependencies", {}).items():
        if isinstance(value, list):
            said["dependentRequired"] = required = dict(said.get("dependentRequired", {}))
            required[name] = list(dict.fromkeys([*required.get(name, ()), *value]))
        else:
            said["dependentSchemas"] = schemas = dict(said.get("dependentSchemas", {}))
            schemas[name] = {"allOf": [schemas[name], value]} if name in schemas else value


def _example(said: dict[str, Any]) -> None:
    """OpenAPI's own ``example`` of before 3.1."""
    if "example" in said:
        said["examples"] = [said.pop("example"), *said.get("examples", ())]


_Step = Callable[[dict[str, Any]], None]
_STEPS: Final[Mapping[Any, tuple[_Step, ...]]] = {
    DRAFT4: (_exclusive_limits, _tuples, _dependencies, _example),
    DRAFT6: (_tuples, _dependencies, _example),
    DRAFT7: (_tuples, _dependencies, _example),
    DRAFT201909: (_tuples, _dependencies, _example),
    DRAFT202012: (_dependencies, _example),
}
