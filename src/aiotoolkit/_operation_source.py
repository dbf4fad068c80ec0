"""What the operations of a document refer to: its objects, and its schemas made to stand alone."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from aiotoolkit._documents import InvalidSchemaError, pointer_to
from aiotoolkit._drafts import SCHEMA_LISTS, SCHEMA_MAPS, SINGLE_SCHEMAS
from aiotoolkit._openapi_document import InvalidDocumentError, lookup, place_of

__all__ = ["Bundle", "Direction", "Found", "Source"]

Path = tuple[str | int, ...]
Direction = Literal["request", "response"]

# Of a property that is marked so, it is known that it is not in a request, or not in a response (OpenAPI 3.1.1,
# section 4.8.24; JSON Schema validation, section 9.4).
_HIDDEN_BY: Final[Mapping[Direction, str]] = {"request": "readOnly", "response": "writeOnly"}

# What says nothing about data: it stays in the document that is served. A default is filled into requests only.
_SAYS_NOTHING: Final = frozenset(
    {"$anchor", "$comment", "$defs", "$schema", "definitions", "description", "example", "examples", "xml"}
    | {"externalDocs"}
)
_LEFT_OUT: Final[Mapping[Direction, frozenset[str]]] = {
    "request": _SAYS_NOTHING,
    "response": _SAYS_NOTHING | {"default"},
}
_UNSUPPORTED: Final = ("$id", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$vocabulary")
_SAME_VALUE: Final = frozenset(["allOf", "anyOf", "oneOf", "then", "else", "if"])
_DIALECTS: Final = (
    "https://json-schema.org/draft/2020-12/schema",
    "https://spec.openapis.org/oas/3.1/dialect/base",
)


class Found(NamedTuple):
    """An object of the document, and where it stands."""

    contents: dict[str, Any]
    path: Path

    @property
    def place(self) -> str:
        return place_of(self.path)

    def get(self, name: str, default: Any = None) -> Any:
        return self.contents.get(name, default)

    def error(self, message: str, *more: str | int) -> InvalidDocumentError:
        """The error that something is wrong here, or in what is inside."""
        return InvalidDocumentError([f"{message} (at {place_of((*self.path, *more))})"])


@dataclass(frozen=True, slots=True)
class _Definition:
    """A schema that is referred to, rewritten."""

    contents: Any
    references: tuple["_Key", ...]
    path: Path


class _Key(NamedTuple):
    """A schema that is referred to, and the names that it may not require."""

    path: Path
    hidden: frozenset[str]


class Source:
    """A document of OpenAPI 3.1 that only refers to itself.

    Args:
        document: plain data.

    Raises:
        InvalidDocumentError: the document uses a dialect of JSON Schema other than its own.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        dialect = document.get("jsonSchemaDialect", _DIALECTS[0])
        if not isinstance(dialect, str) or dialect.rstrip("#") not in _DIALECTS:
            message = f"The dialect {dialect!r} is not supported: only JSON Schema 2020-12 is"
            raise InvalidDocumentError([f"{message} (at #/jsonSchemaDialect)"])
        self._hides: Mapping[Direction, bool] = {
            direction: _has_keyword(document, keyword) for direction, keyword in _HIDDEN_BY.items()
        }
        self._definitions: dict[tuple[Direction, _Key], _Definition] = {}
        self._names: dict[_Key, str] = {}
        self._taken: set[str] = set()

    def found(self, contents: Any, path: Path) -> Found:
        """The object that stands somewhere, or that the reference there leads to."""
        seen = set()
        while True:
            if not isinstance(contents, dict):
                raise InvalidDocumentError([f"There must be an object (at {place_of(path)})"])
            reference = contents.get("$ref")
            if reference is None:
                return Found(contents, path)
            if path in seen or not isinstance(reference, str):
                raise InvalidDocumentError([f"$ref {reference!r} leads to nothing (at {place_of(path)})"])
            seen.add(path)
            path, contents = lookup(self.document, reference, path)

    def members(self, parent: Found, name: str) -> Iterator[tuple[str, Found]]:
        """The objects of a map, such as the media types of ``content``, by their keys."""
        several = parent.get(name, {})
        if not isinstance(several, dict):
            raise parent.error(f"{name} must be an object", name)
        for key, contents in several.items():
            if not key.startswith("x-"):
                yield key, self.found(contents, (*parent.path, name, key))

    def follow(self, schema: Any, path: Path) -> tuple[Any, Path]:
        """The schema that a schema is, if it is only a reference."""
        seen = set()
        while isinstance(schema, dict) and set(schema) <= {"$ref", "description", "summary"} and "$ref" in schema:
            if path in seen:
                break
            seen.add(path)
            path, schema = lookup(self.document, str(schema["$ref"]), path)
        return schema, path

    def always(self, schema: Any, path: Path) -> Iterator[tuple[dict[str, Any], Path]]:
        """A schema, and those that always apply with it."""
        return self.applied(schema, path, ("allOf",))

    def applied(self, schema: Any, path: Path, keywords: Iterable[str]) -> Iterator[tuple[dict[str, Any], Path]]:
        """A schema, and those that it leads to for the same value by its ``$ref`` and these keywords, each once."""
        pending, seen = [(schema, path)], set()
        while pending:
            schema, path = pending.pop()
            if not isinstance(schema, dict) or path in seen:
                continue
            seen.add(path)
            yield schema, path
            for keyword in keywords:
                value = schema.get(keyword)
                if isinstance(value, list):
                    pending += [(branch, (*path, keyword, index)) for index, branch in enumerate(value)]
                else:
                    pending.append((value, (*path, keyword)))
            if isinstance(schema.get("$ref"), str):
                target, found = lookup(self.document, schema["$ref"], path)
                pending.append((found, target))

    def definition(self, direction: Direction, key: _Key) -> _Definition:
        known = self._definitions.get((direction, key))
        if known is None:
            contents = self._at(key.path)
            references: set[_Key] = set()
            rewritten = self.rewrite(contents, key.path, direction, key.hidden, references)
            known = self._definitions[direction, key] = _Definition(
                rewritten, tuple(sorted(references, key=str)), key.path
            )
        return known

    def _at(self, path: Path) -> Any:
        found: Any = self.document
        for part in path:
            found = found[part]
        return found

    def name(self, key: _Key) -> str:
        """What a schema is called in ``$defs``: the same one in all of them."""
        known = self._names.get(key)
        if known is None:
            base = re.sub(r"[^A-Za-z0-9._-]", "_", str(key.path[-1])) if key.path else "document"
            known, number = base, 1
            while known in self._taken:
                number += 1
                known = f"{base}_{number}"
            self._taken.add(known)
            self._names[key] = known
        return known

    def rewrite(
        self, schema: Any, path: Path, direction: Direction, hidden: frozenset[str], references: set[_Key]
    ) -> Any:
        """A copy of a schema whose references lead to ``$defs``, without what is not for this direction."""
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            raise InvalidDocumentError([f"There must be a schema (at {place_of(path)})"])
        _check_supported(schema, path)
        names = hidden | self._hidden_names(schema, path, direction)
        copied: dict[str, Any] = {}
        for keyword, value in schema.items():
            if keyword in _LEFT_OUT[direction] or keyword.startswith("x-"):
                continue
            inside = names if keyword in _SAME_VALUE else frozenset[str]()
            where = (*path, keyword)
            if keyword == "$ref":
                copied["$ref"] = self._reference(value, path, names, references)
            elif keyword == "required" and names and isinstance(value, list):
                copied["required"] = [name for name in value if name not in names]
            elif keyword in SCHEMA_LISTS and isinstance(value, list):
                copied[keyword] = [
                    self.rewrite(item, (*where, index), direction, inside, references)
                    for index, item in enumerate(value)
                ]
            elif keyword in SCHEMA_MAPS and isinstance(value, dict):
                same = names if keyword == "dependentSchemas" else inside
                copied[keyword] = {
                    name: False
                    if keyword == "properties" and self._is_hidden(item, (*where, name), direction)
                    else self.rewrite(item, (*where, name), direction, same, references)
                    for name, item in value.items()
                }
            elif keyword in SINGLE_SCHEMAS:
                copied[keyword] = self.rewrite(value, where, direction, inside, references)
            else:
                copied[keyword] = value
        return copied

    def _reference(self, reference: Any, path: Path, names: frozenset[str], references: set[_Key]) -> str:
        if not isinstance(reference, str):
            raise InvalidDocumentError([f"$ref {reference!r} must be text (at {place_of(path)})"])
        target, contents = lookup(self.document, reference, path)
        if not isinstance(contents, dict | bool):
            raise InvalidDocumentError([f"$ref {reference!r} leads to what is no schema (at {place_of(path)})"])
        key = _Key(target, names & self._required(contents, target) if names else frozenset())
        references.add(key)
        return pointer_to(("$defs", self.name(key)))

    def _is_hidden(self, schema: Any, path: Path, direction: Direction) -> bool:
        keyword = _HIDDEN_BY[direction]
        return self._hides[direction] and any(part.get(keyword) is True for part, _ in self.always(schema, path))

    def _hidden_names(self, schema: Any, path: Path, direction: Direction) -> frozenset[str]:
        if not self._hides[direction]:
            return frozenset()  # most documents: what follows is long for long chains of allOf
        return frozenset(
            name
            for part, place in self.always(schema, path)
            for name, contents in _object(part.get("properties")).items()
            if self._is_hidden(contents, (*place, "properties", name), direction)
        )

    def _required(self, schema: Any, path: Path) -> frozenset[str]:
        """The names that a schema, or one that applies to the same value, requires and does not describe as hidden."""
        return frozenset(
            name
            for part, _ in self.applied(schema, path, _SAME_VALUE)
            if isinstance(required := part.get("required"), list)
            for name in required
            if isinstance(name, str)
        )


def _has_keyword(document: Any, keyword: str) -> bool:
    """Tell whether a keyword stands anywhere."""
    pending = [document]
    while pending:
        found = pending.pop()
        if isinstance(found, dict):
            if keyword in found:
                return True
            pending += found.values()
        elif isinstance(found, list):
            pending += found
    return False


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _check_supported(schema: dict[str, Any], path: Path) -> None:
    for keyword in _UNSUPPORTED:
        if keyword in schema:
            message = f"{keyword} is not supported: refer to a schema by its place, as in '#/components/schemas/Pet'"
            raise InvalidDocumentError([f"{message} (at {place_of((*path, keyword))})"])
    dialect = schema.get("$schema", _DIALECTS[0])
    if not isinstance(dialect, str) or dialect.rstrip("#") not in _DIALECTS:
        message = f"The dialect {dialect!r} is not supported: only JSON Schema 2020-12 is"
        raise InvalidDocumentError([f"{message} (at {place_of((*path, '$schema'))})"])


class Bundle:
    """Schemas of a document, made to stand in one schema with all that they refer to.

    Args:
        source: the document.
        direction: whether it is about what comes in, or what goes out.
    """

    def __init__(self, source: Source, direction: Direction) -> None:
        self._source = source
        self._direction: Direction = direction
        self._references: set[_Key] = set()
        self._places: list[tuple[str, Path]] = []
        self._found: list[_Key] = []

    def add(self, schema: Any, path: Path, at: str) -> Any:
        """A schema that will stand ``at`` a pointer."""
        self._places.append((at, path))
        return self._source.rewrite(schema, path, self._direction, frozenset(), self._references)

    def definitions(self) -> dict[str, Any]:
        """What the schemas refer to, and what these do."""
        found: dict[_Key, _Definition] = {}
        pending = sorted(self._references, key=str)
        while pending:
            key = pending.pop()
            if key not in found:
                found[key] = self._source.definition(self._direction, key)
                pending += found[key].references
        self._found = list(found)
        return {self._source.name(key): definition.contents for key, definition in found.items()}

    def finished(self, contents: Any) -> Any:
        """The schema, with what it refers to."""
        definitions = self.definitions()
        return {**contents, "$defs": definitions} if definitions else contents

    def error(self, error: InvalidSchemaError, otherwise: str) -> InvalidDocumentError:
        """An error in the schema as one in the document."""
        defined = [(pointer_to(("$defs", self._source.name(key))), key.path) for key in self._found]
        for at, path in sorted([*self._places, *defined], key=lambda place: -len(place[0])):
            if error.pointer == at or error.pointer.startswith(f"{at}/") or at == "#":
                rest = error.pointer[len(at) :] if at != "#" else error.pointer[1:]
                return InvalidDocumentError([f"{error.message} (at {place_of(path)}{rest})"])
        return InvalidDocumentError([f"{error.message} (at {otherwise})"])
