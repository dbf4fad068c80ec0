"""What in a schema lets a hostile instance keep a validator busy."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from aiotoolkit._documents import Document, Subschema, in_place, looping

__all__ = ["branching_recursion", "has_alternatives", "is_recursive", "slow_places", "ways_to_a_value"]


def branching_recursion(document: Document) -> Subschema | None:
    """A schema that leads to itself in several ways for one value, if there is any.

    Each level of an instance then multiplies the work, as in a tree whose nodes are ``anyOf`` two kinds of node. It
    does not matter whether the ways are alternatives: ``allOf`` multiplies as well. A list of the same nodes, or two
    members with a node each, do not: those are other values.
    """
    edges = {id(part.contents): _edges(part, document) for part in document.subschemas}
    for part in document.subschemas:
        ways = edges[id(part.contents)]
        # Of most schemas no ways can meet, wherever they lead to: finding that out is the long part.
        if _overlap([how for how, _ in ways]) and _overlap(
            [how for how, way in ways if _reaches(way, part.contents, edges)]
        ):
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


def has_alternatives(document: Document) -> bool:
    """Tell whether a schema has ``anyOf`` or ``oneOf``: an error of these can bring the errors of each with it."""
    return any(keyword in part.keywords for part in document.subschemas for keyword in ("anyOf", "oneOf"))


def ways_to_a_value(document: Document) -> int:
    """How many schemas may apply to one value of an instance, at most; a schema counts once for each way to it.

    Of a recursion, one round is counted. An object of fifty members that are a number or null has three ways to each.
    """
    edges = {id(part.contents): _edges(part, document) for part in document.subschemas}
    known: dict[int, tuple[int, int]] = {}

    def ways(contents: Any) -> tuple[int, int]:
        """The ways to the value itself, and to any part of it."""
        if id(contents) not in known:
            known[id(contents)] = 1, 1  # while it is looked at
            known[id(contents)] = _sum_of_ways(edges.get(id(contents), []), ways)
        return known[id(contents)]

    try:
        return max(ways(document.contents))
    except RecursionError:  # a chain of references that nobody writes by hand
        return _MANY


_MANY: Final = 1_000_000


def _sum_of_ways(edges: _Edges, ways: Callable[[Any], tuple[int, int]]) -> tuple[int, int]:
    here, exclusive, below = 1, 0, 0
    for how, contents in edges:
        to_value, to_part = ways(contents)
        if how == _SAME:
            here, below = here + to_value, below + to_part
        elif how in _EXCLUSIVE:
            exclusive = max(exclusive, to_value, to_part)
        else:
            below += max(to_value, to_part)
    return min(here, _MANY), min(exclusive + below, _MANY)


def is_recursive(document: Document) -> bool:
    """Tell whether a schema of the document may lead to itself."""
    edges = {
        id(part.contents): [id(each.contents) for each in (*part.parts(), *document.targets[id(part.contents)])]
        for part in document.subschemas
    }
    return bool(looping(edges))


def slow_places(document: Document, *, patterns_only: bool) -> Iterator[tuple[str, str]]:
    """The places of a schema where a validator in pure Python can be kept busy, each with the reason.

    Args:
        document: the schema.
        patterns_only: whether the validator has an answer for all but patterns.
    """
    if not patterns_only:
        yield from _repeated_work(document)
    for part in document.subschemas:
        keywords = part.keywords
        patterns = [keywords["pattern"]] if "pattern" in keywords else []
        for pattern in [*patterns, *keywords.get("patternProperties", {})]:
            if _has_nested_quantifiers(pattern):
                yield document.pointer(part.contents), f"the pattern {pattern[:100]!r} has nested quantifiers"


def _repeated_work(document: Document) -> Iterator[tuple[str, str]]:
    recursion = branching_recursion(document)
    if recursion is not None:
        yield document.pointer(recursion.contents), "the schema leads to itself in several ways for one value"
    for part in document.subschemas:
        if part.keywords.get("uniqueItems") is True and not _comparable(part):
            yield (
                document.pointer(part.contents),
                "uniqueItems compares each item with each, unless all are text or numbers",
            )


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
