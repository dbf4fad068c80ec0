"""Whether a number or a boolean is what a schema wants, where its text would be valid as text as well."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from aiotoolkit._documents import Subschema, always
from aiotoolkit._kinds import kind_of

__all__ = ["Fits", "fits"]

Fits = Callable[[Any], bool]


def fits(subschema: Subschema) -> Fits:
    """Tell of a number or a boolean whether a schema's types, listed values and limits allow it.

    Other keywords say nothing here, and a branch of ``oneOf`` counts as one of ``anyOf``.
    """
    return _fits(subschema, {})


def _fits(subschema: Subschema, known: dict[int, Fits]) -> Fits:
    found = known.get(id(subschema.contents))
    if found is None:
        checks = [check for part in always(subschema) for check in _checks(part, known)]
        found = known[id(subschema.contents)] = lambda value: all(check(value) for check in checks)
    return found


def _checks(subschema: Subschema, known: dict[int, Fits]) -> Iterator[Fits]:
    """What a schema itself asks, without those that always apply with it."""
    keywords = subschema.keywords
    if subschema.contents is False:
        yield lambda value: False
    if "type" in keywords:
        yield _of_type(keywords["type"])
    for listed in _listed(keywords):
        yield _one_of(listed)
    yield _within(keywords)
    for keyword in ("anyOf", "oneOf"):
        if keyword in keywords:
            yield _any_of([_fits(subschema.inside(schema), known) for schema in keywords[keyword]])


def _of_type(named: str | list[str]) -> Fits:
    names = {named} if isinstance(named, str) else set(named)
    allowed = names | {"integer"} if "number" in names else names
    return lambda value: kind_of(value) in allowed


def _listed(keywords: Mapping[str, Any]) -> Iterator[list[Any]]:
    if "enum" in keywords:
        yield keywords["enum"]
    if "const" in keywords:
        yield [keywords["const"]]


def _one_of(listed: list[Any]) -> Fits:
    # Of Python's values, True is 1.
    return lambda value: any(item == value and isinstance(item, bool) is isinstance(value, bool) for item in listed)


_LIMITS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "minimum": lambda value, limit: value >= limit,
    "maximum": lambda value, limit: value <= limit,
    "exclusiveMinimum": lambda value, limit: value > limit,
    "exclusiveMaximum": lambda value, limit: value < limit,
}
_OF_DRAFT_4: Final = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}


def _within(keywords: Mapping[str, Any]) -> Fits:
    limits = []
    for name, compare in _LIMITS.items():
        limit = keywords.get(name)
        if limit is True:
            limit = keywords[_OF_DRAFT_4[name]]
        if limit is not None and limit is not False:
            limits.append((compare, limit))
    return lambda value: isinstance(value, bool) or all(compare(value, limit) for compare, limit in limits)


def _any_of(branches: list[Fits]) -> Fits:
    return lambda value: any(branch(value) for branch in branches)
