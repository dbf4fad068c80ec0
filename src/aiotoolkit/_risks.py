"""What in a schema lets a hostile instance keep a validator busy."""

import re
from collections.abc import Iterator
from typing import Any, Final

from aiotoolkit._documents import Document, Subschema, in_place

__all__ = ["branching_recursion", "count_alternatives", "slow_places"]


def count_alternatives(document: Document) -> int:
    """The branches of all ``anyOf`` and ``oneOf``: an error of these can bring the errors of each with it."""
    keywords = [part.keywords for part in document.subschemas]
    return sum(len(each.get(name, ())) for each in keywords for name in ("anyOf", "oneOf"))


def branching_recursion(document: Document) -> Subschema | None:
    """A schema that leads to itself in several ways for one value, if there is any.

    Each level of an instance then multiplies the work, as in a tree whose nodes are ``anyOf`` two kinds of node. It
    does not matter whether the ways are alternatives: ``allOf`` multiplies as well. A list of the same nodes, or two
    members with a node each, do not: those are other values.
    """
    edges = {id(part.contents): _edges(part, document) for part in document.subschemas}
    for part in document.subschemas:
        ways = edges[id(part.contents)]
        if len(ways) > 1 and _overlap([how for how, way in ways if _reaches(way, part.contents, edges)]):
            return part
    return None


_Edges = list[tuple[str, Any]]
_SAME: Final = "same value"
_EXCLUSIVE: Final = ("properties", "additionalProperties", "items", "prefixItems", "additionalItems")
_OTHERS: Final = (*_EXCLUSIVE, "patternProperties", "contains", "unevaluatedProperties", "unevaluatedItems")


def _edges(part: Subschema, document: Document) -> _Edges:
    """The schemas that a schema applies, with the keyword where it is to a part of the value."""
    edges = [(_SAME, contents) for contents in in_place(part)]
    edges += [(_SAME, target.contents) for target in document.targets[id(part.contents)]]
    for keyword in _OTHERS:
        value = part.keywords.get(keyword)
        if isinstance(value, list):
            edges += [(keyword, contents) for contents in value]
        elif isinstance(value, dict):
            several = keyword in ("properties", "patternProperties")
            edges += [(keyword, contents) for contents in (value.values() if several else [value])]
    return edges


def _overlap(ways: list[str]) -> bool:
    """Tell whether two ways may meet at one value."""
    return len(ways) > 1 and any(way not in _EXCLUSIVE for way in ways)


def _reaches(start: Any, wanted: Any, edges: dict[int, _Edges]) -> bool:
    seen: set[int] = set()
    pending = [start]
    while pending:
        contents = pending.pop()
        if contents is wanted:
            return True
        if id(contents) not in seen:
            seen.add(id(contents))
            pending += [target for _, target in edges.get(id(contents), ())]
    return False


def slow_places(document: Document) -> Iterator[tuple[str, str]]:
    """The places of a schema where a validator in pure Python can be kept busy, each with the reason."""
    recursion = branching_recursion(document)
    if recursion is not None:
        yield document.pointer(recursion.contents), "the schema leads to itself in several ways for one value"
    for part in document.subschemas:
        keywords = part.keywords
        if keywords.get("uniqueItems") is True and not _comparable(part):
            yield (
                document.pointer(part.contents),
                "uniqueItems compares each item with each, unless all are text or numbers",
            )
        patterns = [keywords["pattern"]] if "pattern" in keywords else []
        for pattern in [*patterns, *keywords.get("patternProperties", {})]:
            if _has_nested_quantifiers(pattern):
                yield document.pointer(part.contents), f"the pattern {pattern[:100]!r} has nested quantifiers"


_SORTABLE: Final = ({"string"}, {"integer"}, {"number"}, {"boolean"}, {"null"}, {"integer", "number"})


def _comparable(array: Subschema) -> bool:
    """Tell whether the items of an array are of one simple type."""
    items = array.keywords.get("items")
    if not isinstance(items, dict):
        return False
    item = array.inside(items)
    while "$ref" in item.keywords and "type" not in item.keywords:
        item = item.lookup(item.keywords["$ref"])
    named = item.keywords.get("type", ())
    return ({named} if isinstance(named, str) else set(named)) in _SORTABLE


# One piece of a regular expression: an escape, a class, a bracket, a quantifier, or any other character.
_PIECE: Final = re.compile(
    r"(?P<open>\((?:\?(?:[:=!]|<[=!]|P?<\w+>))?)|(?P<close>\))|(?P<many>[*+]|\{\d+,\})[?+]?"
    r"|(?P<few>\?|\{\d+(?:,\d+)?\})\??|(?P<atom>\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.)",
    re.DOTALL,
)


class _Group:
    """What is known of a group of a pattern while it is read."""

    def __init__(self) -> None:
        self.atoms: list[str] = []
        self.repeated: list[str] = []


def _has_nested_quantifiers(pattern: str) -> bool:
    """Tell whether a repeated group holds what is repeated: ``(a+)+``, but not ``(-[a-z]+)*``.

    In the latter, each round begins with a character that the round before cannot take.
    """
    stack = [_Group()]
    closed: _Group | None = None
    for piece in _PIECE.finditer(pattern):
        group = stack[-1]
        if piece["open"]:
            stack.append(_Group())
        elif piece["close"] and len(stack) > 1:
            closed = stack.pop()
            stack[-1].atoms.append("")
            stack[-1].repeated += closed.repeated
            continue
        elif piece["many"] and group.atoms:
            if closed is not None and closed.repeated and not _is_separated(closed):
                return True
            group.repeated.append(group.atoms[-1])
        elif piece["few"] and group.atoms:
            group.atoms[-1] = ""
        elif piece["atom"]:
            group.atoms.append(piece["atom"])
        closed = None
    return False


def _is_separated(group: _Group) -> bool:
    """Tell whether a group begins with a character that nothing repeated in it matches."""
    first = group.atoms[0].removeprefix("\\")
    if len(first) != 1 or first.isalnum() or group.atoms[0] in _NOT_LITERAL or "|" in group.atoms:
        return False
    return not any(_may_match(atom, first) for atom in group.repeated)


def _may_match(atom: str, character: str) -> bool:
    try:
        return not atom or re.fullmatch(atom, character) is not None
    except re.error:  # which means nothing alone, such as a back-reference
        return True


_NOT_LITERAL: Final = (".", "^", "$", "|")
