"""Which JSON types the values of a schema can have, as far as its keywords say so by themselves."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from aiotoolkit._documents import Subschema, applied

__all__ = ["ANY", "Kinds", "alternatives", "items_of", "kind_of", "kinds_of", "parts_of"]


class Kinds(NamedTuple):
    """Types of JSON Schema. Each integer is a number: where ``number`` is, ``integer`` is too.

    Attributes:
        names: the types that a schema names.
        is_open: whether values of other types are allowed as well.
    """

    names: frozenset[str]
    is_open: bool

    def both(self, other: "Kinds") -> "Kinds":
        """Where both must hold."""
        if self.is_open and other.is_open:
            return Kinds(self.names | other.names, is_open=True)
        if self.is_open or other.is_open:
            return other if self.is_open else self
        return Kinds(self.names & other.names, is_open=False)

    def either(self, other: "Kinds") -> "Kinds":
        """Where one of them must hold."""
        return Kinds(self.names | other.names, self.is_open or other.is_open)

    def allows(self, name: str) -> bool:
        return self.is_open or name in self.names


ANY: Final = Kinds(frozenset(), is_open=True)
_NONE: Final = Kinds(frozenset(), is_open=False)
_NUMBER: Final = frozenset({"integer", "number"})
_OF: Final[Mapping[type, str]] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}


def kind_of(value: Any) -> str:
    """The type of a value of plain data."""
    return _OF[type(value)]


def kinds_of(subschema: Subschema) -> Kinds:
    """The types that the values of a schema can have."""
    return _combined(subschema, _own, {})


def items_of(array: Subschema) -> Kinds:
    """The types that the items of an array can have."""
    return _combined(array, _own_items, {})


def alternatives(kinds: Iterable[Kinds]) -> Kinds:
    """Where one of them must hold; any, where there is none."""
    merged: Kinds | None = None
    for each in kinds:
        merged = each if merged is None else merged.either(each)
    return ANY if merged is None else merged


def parts_of(subschema: Subschema) -> Iterator[Subschema]:
    """The schema, and those that may apply to the same value with it, because they always do or as alternatives."""
    return applied(subschema, ("allOf", "anyOf", "oneOf"))


def _combined(subschema: Subschema, own: Callable[[Subschema], Kinds], known: dict[int, Kinds]) -> Kinds:
    """What a schema says, with what those say that apply to the same value; each of them is asked once."""
    found = known.get(id(subschema.contents))
    if found is not None:
        return found
    keywords = subschema.keywords
    kinds = own(subschema)
    for schema in keywords.get("allOf", ()):
        kinds = kinds.both(_combined(subschema.inside(schema), own, known))
    if "$ref" in keywords:
        kinds = kinds.both(_combined(subschema.lookup(keywords["$ref"]), own, known))
    for keyword in ("anyOf", "oneOf"):
        kinds = kinds.both(
            alternatives(_combined(subschema.inside(schema), own, known) for schema in keywords.get(keyword, ()))
        )
    known[id(subschema.contents)] = kinds
    return kinds


def _own(subschema: Subschema) -> Kinds:
    if subschema.contents is False:
        return _NONE
    keywords = subschema.keywords
    kinds = ANY
    if "type" in keywords:
        named = keywords["type"]
        kinds = _closed([named] if isinstance(named, str) else named)
    if "enum" in keywords:
        kinds = kinds.both(_closed(map(kind_of, keywords["enum"])))
    if "const" in keywords:
        kinds = kinds.both(_closed([kind_of(keywords["const"])]))
    return kinds


def _own_items(subschema: Subschema) -> Kinds:
    items = subschema.keywords.get("items")
    return kinds_of(subschema.inside(items)) if isinstance(items, dict) else ANY


def _closed(names: Iterable[str]) -> Kinds:
    found = frozenset(names)
    return Kinds(found | _NUMBER if "number" in found else found, is_open=False)
