"""Integers of 64 bits, where a schema does not say more: what stores a larger one would fail.

A copy of the schema for the engine gets a ``maximum`` and a ``minimum`` beside each type ``integer``. It accepts what
the schema accepts but for larger integers, and never more. So a schema stays as it is where refusing more in it could
accept more elsewhere: under ``not``, ``if`` and ``contains``, and in a branch of ``oneOf`` whose values another
branch may take as well.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, Final

from aiotoolkit._documents import Document, Subschema, always
from aiotoolkit._kinds import Kinds, kinds_of
from aiotoolkit._text import INT64

__all__ = ["added_bounds", "bounded"]


def bounded(document: Document) -> Document:
    """The document with integers of 64 bits; the same one where nothing changes."""
    bounds = added_bounds(document)
    return Document(_with_bounds(document.contents, bounds)) if bounds else document


def added_bounds(document: Document) -> dict[int, dict[str, int]]:
    """The limits that each schema of integers gets, by its id."""
    lacking = {id(part.contents): more for part in document.subschemas if (more := _bounds_of(part.keywords))}
    if not lacking or any(keyword in part.keywords for part in document.subschemas for keyword in _DYNAMIC):
        return {}  # what a dynamic reference means depends on the way to it
    reached = _monotone(document)
    return {key: found for key, found in lacking.items() if key in reached}


_DYNAMIC: Final = ("$dynamicRef", "$recursiveRef")
_SAYS_MORE: Final = ("enum", "const")


def _bounds_of(keywords: Mapping[str, Any]) -> dict[str, int]:
    """What a schema of integers lacks."""
    named = keywords.get("type", ())
    types = [named] if isinstance(named, str) else named
    if "integer" not in types or "number" in types or any(keyword in keywords for keyword in _SAYS_MORE):
        return {}
    lower = [keywords[keyword] for keyword in ("minimum", "exclusiveMinimum") if keyword in keywords]
    upper = [keywords[keyword] for keyword in ("maximum", "exclusiveMaximum") if keyword in keywords]
    bounds = {}
    # A schema of larger integers only says more by its one limit: with the other one, it would accept nothing.
    if not upper and all(limit < INT64[-1] for limit in lower):
        bounds["maximum"] = INT64[-1]
    if not lower and all(limit > INT64[0] for limit in upper):
        bounds["minimum"] = INT64[0]
    return bounds


def _with_bounds(value: Any, bounds: dict[int, dict[str, int]]) -> Any:
    """A copy of plain data, with more members in some objects of it."""
    if isinstance(value, dict):
        copy = {key: _with_bounds(item, bounds) for key, item in value.items()}
        return {**copy, **bounds.get(id(value), {})}
    return [_with_bounds(item, bounds) for item in value] if isinstance(value, list) else value


_MAPPINGS: Final = ("properties", "patternProperties", "dependentSchemas", "dependencies")
_LISTS: Final = ("prefixItems", "allOf", "anyOf")
_SINGLE: Final = (
    "additionalItems",
    "additionalProperties",
    "else",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
)
_NOT_MONOTONE: Final = ("not", "if", "contains")


def _monotone(document: Document) -> set[int]:
    """The ids of the schemas that are reached by keywords only that accept less where the schema inside does.

    Of ``propertyNames`` nothing matters: no name is an integer.
    """
    known = {id(part.contents) for part in document.subschemas}
    reached: dict[bool, set[int]] = {True: set(), False: set()}
    pending = [(document.root, True)]
    while pending:
        part, monotone = pending.pop()
        key = id(part.contents)
        if isinstance(part.contents, dict) and key in known and key not in reached[monotone]:
            reached[monotone].add(key)
            pending += [(inside, monotone and same) for inside, same in _applied(part)]
    return reached[True] - reached[False]


def _applied(part: Subschema) -> Iterator[tuple[Subschema, bool]]:
    """The schemas that a schema applies, and whether it accepts less where they do."""
    keywords = part.keywords
    for contents in _monotone_parts(keywords):
        if isinstance(contents, dict):  # neither a bool nor, in "dependencies", an array of names
            yield part.inside(contents), True
    if "$ref" in keywords:
        yield part.lookup(keywords["$ref"]), True
    for keyword in _NOT_MONOTONE:
        if keyword in keywords:
            yield part.inside(keywords[keyword]), False
    branches = [part.inside(contents) for contents in keywords.get("oneOf", ())]
    overlapping = {id(branch) for pair in combinations(branches, 2) if not _are_apart(*pair) for branch in pair}
    for branch in branches:
        yield branch, id(branch) not in overlapping


def _monotone_parts(keywords: Mapping[str, Any]) -> Iterator[Any]:
    for keyword in _MAPPINGS:
        yield from keywords.get(keyword, {}).values()
    for keyword in _LISTS:
        yield from keywords.get(keyword, ())
    for keyword in _SINGLE:
        if keyword in keywords:
            yield keywords[keyword]
    items = keywords.get("items", ())
    yield from items if isinstance(items, list | tuple) else [items]


def _are_apart(one: Subschema, other: Subschema) -> bool:
    """Tell whether no value can be valid by both schemas, as far as that is plain to see."""
    if _are_disjoint(kinds_of(one), kinds_of(other)):
        return True
    tags = _tags(other)
    # Python's 1 == True makes two tags one: that is on the safe side.
    return _only_objects(one, other) and any(
        not any(value in tags.get(name, values) for value in values) for name, values in _tags(one).items()
    )


def _are_disjoint(one: Kinds, other: Kinds) -> bool:
    return not one.is_open and not other.is_open and not one.names & other.names


def _only_objects(*subschemas: Subschema) -> bool:
    """Tell whether the values that two schemas have in common are objects: of others, no tag tells them apart."""
    return any(not kinds.is_open and kinds.names == {"object"} for kinds in map(kinds_of, subschemas))


def _tags(subschema: Subschema) -> dict[str, list[Any]]:
    """The required properties that have one of a few values, by their name."""
    tags = {}
    for part in always(subschema):
        required = part.keywords.get("required", ())
        for name, contents in part.keywords.get("properties", {}).items():
            keywords = part.inside(contents).keywords
            if name in required and ("const" in keywords or "enum" in keywords):
                tags[name] = [keywords["const"]] if "const" in keywords else keywords["enum"]
    return tags
