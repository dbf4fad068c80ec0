"""Filling defaults: a pass of its own before validation, compiled once, which never changes what it is given.

The rules are ajv's: defaults of ``properties`` (also of those inside ``items``, ``prefixItems``, ``allOf`` and local
references) fill members that are absent; ``null`` stays; the first default wins; nothing is filled under ``anyOf``,
``oneOf``, ``not`` or ``if``, whose branches may not apply.
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any, Final, cast

from referencing.jsonschema import DRAFT4

from aiotoolkit._documents import REF_STANDS_ALONE, Document, InvalidSchemaError, Subschema, pointer_to
from aiotoolkit._engines import Engine

__all__ = ["Fill", "compile_defaults", "never_filled"]

Fill = Callable[[Any], Any]
"""Returns the data with defaults filled in; the very same object where there was nothing to fill."""

_UNCERTAIN: Final = ("anyOf", "oneOf", "not", "if", "then", "else")
_CONTAINERS: Final = (dict, list)


class _Filler:
    """The defaults of one schema of the document."""

    __slots__ = ("defaults", "items", "members", "parts", "prefix")

    def __init__(self) -> None:
        self.defaults: dict[str, Any] = {}
        self.members: dict[str, _Filler] = {}
        self.items: _Filler | None = None
        self.prefix: list[_Filler] = []
        self.parts: list[_Filler] = []

    def fill(self, instance: Any) -> Any:
        """The instance, or a copy of it where something was filled; copied are only the containers on the way."""
        if isinstance(instance, dict):
            instance = self._fill_object(instance)
        elif isinstance(instance, list) and (self.items or self.prefix):
            instance = self._fill_array(instance)
        for part in self.parts:
            instance = part.fill(instance)
        return instance

    def _fill_object(self, members: dict[str, Any]) -> dict[str, Any]:
        filled = members
        for name, default in self.defaults.items():
            if name not in filled:
                filled = filled if filled is not members else members.copy()
                filled[name] = copy.deepcopy(default) if isinstance(default, _CONTAINERS) else default
        for name, filler in self.members.items():
            value = filled.get(name)
            if isinstance(value, _CONTAINERS):
                new = filler.fill(value)
                if new is not value:
                    filled = filled if filled is not members else members.copy()
                    filled[name] = new
        return filled

    def _fill_array(self, items: list[Any]) -> list[Any]:
        filled = items
        for index, item in enumerate(items):
            filler = self.prefix[index] if index < len(self.prefix) else self.items
            if filler is not None and isinstance(item, _CONTAINERS):
                new = filler.fill(item)
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


def compile_defaults(document: Document, engine: Engine) -> Fill | None:
    """Compile the defaults of a document; None where it has none that are ever filled.

    Raises:
        InvalidSchemaError: a default breaks its own schema, or needs another one inside itself without end.
    """
    compiler = _Compiler()
    root = compiler.filler(document.root)
    _check_defaults(document, engine, compiler)
    if not any(filler.defaults for filler in root.reachable()):
        return None
    _prune(root)
    return root.fill


class _Compiler:
    """Makes one filler for each schema, however often it is referred to."""

    def __init__(self) -> None:
        self._fillers: dict[int, _Filler] = {}
        self.filled: list[tuple[Subschema, Any]] = []
        """The properties that are filled, with what fills them."""

    def filler(self, subschema: Subschema) -> _Filler:
        known = self._fillers.get(id(subschema.contents))
        if known is not None:
            return known
        filler = self._fillers[id(subschema.contents)] = _Filler()
        keywords = subschema.keywords
        for name, schema in keywords.get("properties", {}).items():
            member = subschema.inside(schema)
            found = next(_defaults_of(member), None)
            if found is not None:
                filler.defaults[name] = found[0]
                self.filled.append((member, found[0]))
            filler.members[name] = self.filler(member)
        self._add_items(filler, subschema)
        for schema in keywords.get("allOf", ()):
            filler.parts.append(self.filler(subschema.inside(schema)))
        if "$ref" in keywords:
            filler.parts.append(self.filler(subschema.lookup(keywords["$ref"])))
        return filler

    def _add_items(self, filler: _Filler, subschema: Subschema) -> None:
        items = subschema.keywords.get("items")
        prefix = subschema.keywords.get("prefixItems", ())
        if isinstance(items, list):  # what drafts before 2020-12 had for prefixItems
            prefix, items = items, subschema.keywords.get("additionalItems")
        filler.prefix = [self.filler(subschema.inside(schema)) for schema in prefix]
        if isinstance(items, dict):
            filler.items = self.filler(subschema.inside(items))


def _defaults_of(subschema: Subschema) -> Iterator[tuple[Any]]:
    """The defaults that a property's schema gives it, the first one first; a tuple, since None may be one."""
    keywords = subschema.keywords
    if "default" in keywords:
        yield (keywords["default"],)
    for schema in keywords.get("allOf", ()):
        yield from _defaults_of(subschema.inside(schema))
    if "$ref" in keywords:
        yield from _defaults_of(subschema.lookup(keywords["$ref"]))


def _prune(root: _Filler) -> None:
    """Drop the fillers that could never fill anything, so that no data is walked for them."""
    fillers = list(root.reachable())
    useful = {id(filler) for filler in fillers if filler.defaults}
    while True:
        more = {id(filler) for filler in fillers if any(id(other) in useful for other in _next(filler))} | useful
        if more == useful:
            break
        useful = more
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
    for subschema in document.subschemas:
        for keyword in _UNCERTAIN:
            branches = subschema.keywords.get(keyword, [])
            for branch in branches if isinstance(branches, list) else [branches]:
                for property_ in _properties_in(subschema.inside(branch), set()):
                    places[document.pointer(property_.contents)] = None
    return list(places)


def _properties_in(branch: Subschema, seen: set[int]) -> Iterator[Subschema]:
    """The properties with a default that a branch describes, at any depth."""
    if id(branch.contents) in seen:
        return
    seen.add(id(branch.contents))
    for schema in branch.keywords.get("properties", {}).values():
        if isinstance(schema, dict) and "default" in schema:
            yield branch.inside(schema)
    definitions = {id(schema) for name in ("$defs", "definitions") for schema in branch.keywords.get(name, {}).values()}
    parts = [part for part in branch.parts() if id(part.contents) not in definitions]
    if "$ref" in branch.keywords:
        parts.append(branch.lookup(branch.keywords["$ref"]))
    for part in parts:
        yield from _properties_in(part, seen)


def _check_defaults(document: Document, engine: Engine, compiler: _Compiler) -> None:
    """Refuse defaults that break their own schema: filled in, they would fail each request without them.

    Checked are the defaults where they stand, and those that a property has from elsewhere.
    """
    defaults = [(part, part.keywords["default"]) for part in document.subschemas if "default" in part.keywords]
    defaults += [
        (member, default)
        for member, default in compiler.filled
        if "default" not in member.keywords and document.holds(member.contents)
    ]
    if not defaults:
        return
    places = [document.pointer(subschema.contents) for subschema, _ in defaults]
    instance = {str(index): _filled(compiler, *defaults[index], place) for index, place in enumerate(places)}
    for violation in engine.compile(_only(document, places))(instance):
        where = f": {pointer_to(violation.path[1:])} {violation.message}" if violation.path else ""
        place = places[int(violation.path[0])] if violation.path else "#"
        raise InvalidSchemaError(f"The default breaks its own schema{where}", place)


def _filled(compiler: _Compiler, subschema: Subschema, default: Any, place: str) -> Any:
    """The default with its own defaults, as a request gets it."""
    try:
        return compiler.filler(subschema).fill(default)
    except RecursionError:
        raise InvalidSchemaError("The default fills itself with further defaults, without end", place) from None


_EMBEDDED: Final = "urn:aiotoolkit:schema"


def _only(document: Document, places: list[str]) -> dict[str, Any]:
    """A schema of an object whose members "0", "1", ... are described at these places of the document.

    All of the document is embedded, so that references keep their meaning.
    """
    contents = cast("dict[str, Any]", document.contents)
    draft = document.root.specification
    legacy = draft in REF_STANDS_ALONE
    identifier = "id" if draft is DRAFT4 else "$id"
    embedded = dict(contents)
    if legacy and "$ref" in embedded:
        # Beside a $ref, the identifier would not count.
        embedded["allOf"] = [{"$ref": embedded.pop("$ref")}]
    if embedded.get(identifier, "#").startswith("#"):
        embedded[identifier] = _EMBEDDED
    base = embedded[identifier].removesuffix("#")
    dialect = {"$schema": embedded["$schema"]} if "$schema" in embedded else {}
    targets = {str(index): {"$ref": base + place} for index, place in enumerate(places)}
    return {**dialect, "properties": targets, "definitions" if legacy else "$defs": {"schema": embedded}}
