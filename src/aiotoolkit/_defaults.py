"""Filling defaults: a pass of its own before validation, compiled once, which never changes what it is given.

The rules are ajv's: defaults of ``properties`` (also of those inside ``items``, ``prefixItems``, ``allOf`` and local
references) fill members that are absent; ``null`` stays; the first default wins; nothing is filled under ``anyOf``,
``oneOf``, ``not`` or ``if``, whose branches may not apply.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from aiotoolkit._documents import Document, Subschema, always
from aiotoolkit._risks import is_recursive

__all__ = ["Defaults", "Fill", "never_filled"]

Fill = Callable[[Any], Any]
"""Returns the data with defaults filled in; the very same object where there was nothing to fill."""

_UNCERTAIN: Final = ("anyOf", "oneOf", "not", "if", "then", "else")
_CONTAINERS: Final = (dict, list)


def _copied(value: Any) -> Any:
    # Of plain data, which need little of what copy.deepcopy() does.
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


class _Filler:
    """The defaults of one schema of the document."""

    __slots__ = ("defaults", "items", "members", "parts", "prefix")

    def __init__(self) -> None:
        self.defaults: dict[str, Any] = {}
        self.members: dict[str, _Filler] = {}
        self.items: _Filler | None = None
        self.prefix: list[_Filler] = []
        self.parts: list[_Filler] = []

    def fill(self, instance: Any, done: "_Done | None") -> Any:
        """The instance, or a copy of it where something was filled; copied are only the containers on the way.

        Args:
            instance: plain data; it is not changed.
            done: what is filled already, where a schema may lead to itself in several ways: not to do it again.
        """
        if done is not None and (id(self), id(instance)) in done:
            return instance
        if isinstance(instance, dict):
            instance = self._fill_object(instance, done)
        elif isinstance(instance, list) and (self.items or self.prefix):
            instance = self._fill_array(instance, done)
        for part in self.parts:
            instance = part.fill(instance, done)
        if done is not None:
            done[id(self), id(instance)] = instance
        return instance

    def _fill_object(self, members: dict[str, Any], done: "_Done | None") -> dict[str, Any]:
        filled = members
        for name, default in self.defaults.items():
            if name not in filled:
                filled = filled if filled is not members else members.copy()
                filled[name] = _copied(default)
        for name, filler in self.members.items():
            value = filled.get(name)
            if isinstance(value, _CONTAINERS):
                new = filler.fill(value, done)
                if new is not value:
                    filled = filled if filled is not members else members.copy()
                    filled[name] = new
        return filled

    def _fill_array(self, items: list[Any], done: "_Done | None") -> list[Any]:
        filled = items
        for index, item in enumerate(items):
            filler = self.prefix[index] if index < len(self.prefix) else self.items
            if filler is not None and isinstance(item, _CONTAINERS):
                new = filler.fill(item, done)
                if new is not item:
                    filled = filled if filled is not items else items.copy()
                    filled[index] = new
        return filled

    def reachable(self) -> "Iterator[_Filler]":
        """This filler and every other one that it may call."""
        seen: set[int] = set()
        pending = [self]
        while pending:
            filler = pending.pop()
            if id(filler) not in seen:
                seen.add(id(filler))
                yield filler
                pending += [*filler.members.values(), *filler.prefix, *filler.parts]
                pending += [filler.items] if filler.items else []


_Done = dict[tuple[int, int], Any]
# By filler and container: the container, so that no other one gets its id.


class Defaults:
    """The defaults of a document.

    Attributes:
        filled: the properties that are filled, with what fills them.
    """

    def __init__(self, document: Document) -> None:
        self._fillers: dict[int, _Filler] = {}
        self._pending: list[tuple[_Filler, Subschema]] = []
        self.filled: list[tuple[Subschema, Any]] = []
        self._is_recursive = is_recursive(document)
        self._root = self._filler(document.root)

    def compile(self) -> Fill | None:
        """What fills them in; None where there are none that are ever filled. It is the last thing to ask for."""
        if not any(filler.defaults for filler in self._root.reachable()):
            return None
        _prune(self._root)
        fill = self._root.fill
        return (lambda data: fill(data, {})) if self._is_recursive else (lambda data: fill(data, None))

    def fill(self, subschema: Subschema, instance: Any) -> Any:
        """Fill the defaults of one schema of the document into what it is about.

        Raises:
            RecursionError: a default needs another one inside itself, without end.
        """
        return self._filler(subschema).fill(instance, {} if self._is_recursive else None)

    def _filler(self, subschema: Subschema) -> _Filler:
        filler = self._begun(subschema)
        while self._pending:  # a loop, since schemas may refer to one another in long chains
            self._complete(*self._pending.pop())
        return filler

    def _begun(self, subschema: Subschema) -> _Filler:
        """The filler of a schema, which may still lack what it fills."""
        filler = self._fillers.get(id(subschema.contents))
        if filler is None:
            filler = self._fillers[id(subschema.contents)] = _Filler()
            self._pending.append((filler, subschema))
        return filler

    def _complete(self, filler: _Filler, subschema: Subschema) -> None:
        keywords = subschema.keywords
        for name, schema in keywords.get("properties", {}).items():
            member = subschema.inside(schema)
            # The first default wins; None may be one.
            found = next((part for part in always(member) if "default" in part.keywords), None)
            if found is not None:
                filler.defaults[name] = found.keywords["default"]
                self.filled.append((member, filler.defaults[name]))
            filler.members[name] = self._begun(member)
        self._add_items(filler, subschema)
        filler.parts += [self._begun(subschema.inside(schema)) for schema in keywords.get("allOf", ())]
        if "$ref" in keywords:
            filler.parts.append(self._begun(subschema.lookup(keywords["$ref"])))

    def _add_items(self, filler: _Filler, subschema: Subschema) -> None:
        items = subschema.keywords.get("items")
        prefix = subschema.keywords.get("prefixItems", ())
        if isinstance(items, list):  # what drafts before 2020-12 had for prefixItems
            prefix, items = items, subschema.keywords.get("additionalItems")
        filler.prefix = [self._begun(subschema.inside(schema)) for schema in prefix]
        if isinstance(items, dict):
            filler.items = self._begun(subschema.inside(items))


def _prune(root: _Filler) -> None:
    """Drop the fillers that could never fill anything, so that no data is walked for them."""
    fillers = list(root.reachable())
    callers: dict[int, list[_Filler]] = {}
    for filler in fillers:
        for other in _next(filler):
            callers.setdefault(id(other), []).append(filler)
    pending = [filler for filler in fillers if filler.defaults]
    useful = {id(filler) for filler in pending}
    while pending:
        more = [filler for filler in callers.get(id(pending.pop()), ()) if id(filler) not in useful]
        useful.update(map(id, more))
        pending += more
    empty = _Filler()
    for filler in fillers:
        filler.members = {name: member for name, member in filler.members.items() if id(member) in useful}
        filler.items = filler.items if id(filler.items) in useful else None
        filler.parts = [part for part in filler.parts if id(part) in useful]
        if any(id(item) in useful for item in filler.prefix):
            filler.prefix = [item if id(item) in useful else empty for item in filler.prefix]
        elif filler.items is None:
            filler.prefix = []


def _next(filler: _Filler) -> list[_Filler]:
    items = [filler.items] if filler.items else []
    return [*filler.members.values(), *filler.prefix, *filler.parts, *items]


def never_filled(document: Document) -> list[str]:
    """The places of defaults that are never filled, because they stand in a branch that may not apply."""
    places: dict[str, None] = {}
    seen: set[int] = set()
    for subschema in document.subschemas:
        for keyword in _UNCERTAIN:
            branches = subschema.keywords.get(keyword, [])
            for branch in branches if isinstance(branches, list) else [branches]:
                for property_ in _properties_in(subschema.inside(branch), seen):
                    places[document.pointer(property_.contents)] = None
    return list(places)


def _properties_in(branch: Subschema, seen: set[int]) -> Iterator[Subschema]:
    """The properties with a default that a branch describes, at any depth."""
    pending = [branch]
    while pending:
        found = pending.pop()
        if id(found.contents) in seen:
            continue
        seen.add(id(found.contents))
        keywords = found.keywords
        for schema in keywords.get("properties", {}).values():
            if isinstance(schema, dict) and "default" in schema:
                yield found.inside(schema)
        definitions = {id(schema) for name in ("$defs", "definitions") for schema in keywords.get(name, {}).values()}
        parts = [part for part in found.parts() if id(part.contents) not in definitions]
        if "$ref" in keywords:
            parts.append(found.lookup(keywords["$ref"]))
        pending += reversed(parts)
