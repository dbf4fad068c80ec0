"""The schemas of an OpenAPI document: said in 2020-12, with what has a name in ``components/schemas``.

A schema document gives its parts that are referred to, and those with a title, as components. Two of one name that say
the same are one component; of those that do not, the later ones get a number.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from referencing.jsonschema import DRAFT4, DRAFT201909, DRAFT202012

from aiotoolkit._bounds import added_bounds
from aiotoolkit._documents import REF_STANDS_ALONE, Document, Subschema
from aiotoolkit._drafts import SCHEMA_LISTS, SCHEMA_MAPS, SINGLE_SCHEMAS, upgraded
from aiotoolkit._text import exceeds_int64

__all__ = ["PREFIX", "Components", "NotDescribableError", "component_name"]

PREFIX: Final = "#/components/schemas/"


class NotDescribableError(Exception):
    """OpenAPI has no way to say it."""


class _Reference(NamedTuple):
    """Stands for the reference to a component that has no name yet."""

    part: int
    as_text: bool = False


class _Component(NamedTuple):
    """A part of a document on its way to be a component.

    Attributes:
        name: what it would like to be called; None for what has no name.
        contents: the schema, with a _Reference for each other component.
        text: the name and the same schema as JSON, in which all references look alike.
        references: the parts that they are to, in the order of the text.
    """

    name: str | None
    contents: Any
    text: bytes
    references: list[int]


class Components:
    """Collects the schemas of one OpenAPI document.

    Attributes:
        schemas: the components by their names.

    Args:
        replaced: a document that is said in another way wherever it is used, and that way.
    """

    def __init__(self, replaced: tuple[Document, Document] | None = None) -> None:
        self.schemas: dict[str, Any] = {}
        self._names: dict[str, str] = {}
        self._documents: dict[int, _Parts] = {}
        self._pending: list[tuple[str, _Parts, int]] = []
        self._replaced: tuple[str, _Parts] | None = None
        if replaced is not None:
            old, new = map(self._parts_of, replaced)
            self._replaced = old.key(old.root), new

    def schema(self, document: Document, contents: Any = None, *, hint: str) -> Any:
        """What stands for a schema in the OpenAPI document.

        Args:
            document: what it stands in.
            contents: the schema, an object of the document itself; by default, all of it.
            hint: the name of a component that has no other.

        Raises:
            NotDescribableError: its references depend on the way to them.
        """
        parts = self._parts_of(document)
        said = self._resolved(parts, parts.place(document.contents if contents is None else contents), hint)
        while self._pending:  # a loop, since schemas may refer to one another in long chains
            name, parts, part = self._pending.pop()
            said_there = self._resolved(parts, parts.component(part).contents, hint)
            wanted = parts.component(part).name
            if wanted not in (name, None) and isinstance(said_there, dict) and "title" in said_there:
                said_there["title"] = name  # generators of clients name their classes by titles
            self.schemas[name] = said_there
        return said

    def state(self) -> tuple[int, int]:
        """What :meth:`restore` takes to forget the components that come after this."""
        return len(self.schemas), len(self._names)

    def restore(self, state: tuple[int, int]) -> None:
        """Forget what a schema left that could not be said."""
        self._pending.clear()
        for components, count in zip((self.schemas, self._names), state, strict=True):
            while len(components) > count:
                components.popitem()

    def _parts_of(self, document: Document) -> "_Parts":
        found = self._documents.get(id(document))
        if found is None:
            found = self._documents[id(document)] = _Parts(document)
        return found

    def _resolved(self, parts: "_Parts", value: Any, hint: str) -> Any:
        if isinstance(value, _Reference):
            reference = PREFIX + self._name(parts, value.part, hint)
            return reference if value.as_text else {"$ref": reference}
        if isinstance(value, dict):
            return {key: self._resolved(parts, item, hint) for key, item in value.items()}
        return [self._resolved(parts, item, hint) for item in value] if isinstance(value, list) else value

    def _name(self, parts: "_Parts", part: int, hint: str) -> str:
        key = parts.key(part)
        name = self._names.get(key)
        if name is None:
            name = self._names[key] = self._free_name(parts.component(part).name or component_name(hint) or "Schema")
            self.schemas[name] = None  # taken
            if self._replaced is not None and key == self._replaced[0]:
                parts = self._replaced[1]
                part = parts.root
            self._pending.append((name, parts, part))
        return name

    def _free_name(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self.schemas:
            number += 1
            name = f"{wanted}{number}"
        return name


class _Parts:
    """The parts of one document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.root = id(document.contents)
        self._subschemas = {id(part.contents): part for part in document.subschemas}
        self._is_one_resource = not any(
            part is not document.root and _has_identifier(part) for part in document.subschemas
        )
        self._bounds = added_bounds(document)
        self._names = dict(self._named())
        self._by_reference = {
            part.keywords["$ref"]: id(target.contents)
            for part in document.subschemas
            if isinstance(part.keywords.get("$ref"), str)
            for target in document.targets[id(part.contents)][:1]
            if document.holds(target.contents)
        }
        self._components: dict[int, _Component] = {}
        self._keys: dict[int, str] = {}

    def _named(self) -> Iterator[tuple[int, str | None]]:
        """The parts that are components, and their names."""
        for part in self._document.subschemas:
            title = part.keywords.get("title")
            if isinstance(title, str) and (id(part.contents) == self.root or part.keywords.get("properties")):
                yield id(part.contents), component_name(title)
        for part in self._document.subschemas:
            for target in self._document.targets[id(part.contents)]:
                if self._document.holds(target.contents):
                    yield id(target.contents), self._name_of(target)

    def _name_of(self, target: Subschema) -> str | None:
        title = target.keywords.get("title")
        if isinstance(title, str) and (name := component_name(title)):
            return name
        *_, last = unquote(self._document.pointer(target.contents)).split("/")
        # jsl names a definition by the module and the name of a class.
        return None if last == "#" or last.isdigit() else component_name(last.rpartition(".")[2])

    def component(self, part: int) -> _Component:
        """A part that is a component."""
        found = self._components.get(part)
        if found is None:
            contents = self._converted(self._subschemas[part])
            references: list[int] = []
            name = self._names.get(part)
            text = json.dumps([name, _with_marks(contents, references)], sort_keys=True).encode()
            found = self._components[part] = _Component(name, contents, text, references)
        return found

    def key(self, part: int) -> str:
        """The same for two parts, of whatever documents, that have one name and say the same, all references included.

        It is made of all that can be reached, by the order in which it is reached.
        """
        if part not in self._keys:
            digest = hashlib.sha256()
            reached = {part: 0}
            for each in _reached_parts(self, part, reached):
                component = self.component(each)
                digest.update(component.text)
                digest.update(repr([reached[target] for target in component.references]).encode())
            self._keys[part] = digest.hexdigest()
        return self._keys[part]

    def place(self, contents: Any) -> Any:
        """What stands in the place of a schema: a reference to its component, or itself."""
        if not isinstance(contents, dict):
            return contents
        if id(contents) in self._names:
            return _Reference(id(contents))
        part = self._subschemas.get(id(contents))
        return self._walked(contents) if part is None else self._converted(part)

    def _converted(self, part: Subschema) -> Any:
        draft = part.specification
        said = upgraded(part.keywords, draft)
        if draft in REF_STANDS_ALONE and "$ref" in said and isinstance(part.contents.get("description"), str):
            said["description"] = part.contents["description"]
        if bounds := self._bounds.get(id(part.contents)):
            # Requests have integers of 64 bits, which has a name in OpenAPI.
            is_within = not any(exceeds_int64(said.get(limit)) for limit in _LIMITS)
            said = {**said, **({"format": "int64"} if is_within and "format" not in said else bounds)}
        return self._referring(part, said)

    def _referring(self, part: Subschema, said: dict[str, Any]) -> Any:
        """The keywords of a schema, in which references lead to components."""
        targets = iter(self._document.targets[id(part.contents)])
        meant = [next(targets) for keyword in _REFERENCES if isinstance(part.keywords.get(keyword), str)]
        references = [keyword for keyword in _REFERENCES if isinstance(part.keywords.get(keyword), str)]
        converted = self._walked({keyword: value for keyword, value in said.items() if keyword not in _REFERENCES})
        self._add_discriminator(converted)
        for keyword, target in zip(references, meant, strict=True):
            if not _counts(keyword, part):
                continue
            if keyword != "$ref" and not self._is_one_resource:
                raise NotDescribableError(f"what a {keyword} means depends on the way to it")
            reference = self._reference_to(target)
            if not converted and len(references) == 1:
                return reference
            if isinstance(reference, _Reference) and "$ref" not in converted:
                converted = {"$ref": _Reference(reference.part, as_text=True), **converted}
            else:
                converted["allOf"] = [*converted.get("allOf", ()), reference]
        return converted

    def _reference_to(self, target: Subschema) -> Any:
        if self._document.holds(target.contents):
            return _Reference(id(target.contents))
        if isinstance(target.contents, bool):
            return target.contents
        # A metaschema: what refers to it would make a reader fetch it.
        return {"type": ["object", "boolean"], "$comment": "A JSON Schema"}

    def _walked(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """The keywords of a schema that are of use in OpenAPI, with the schemas inside it in their places."""
        walked: dict[str, Any] = {}
        for keyword, value in said.items():
            if keyword in SINGLE_SCHEMAS:
                walked[keyword] = self.place(value)
            elif keyword in SCHEMA_LISTS:
                walked[keyword] = [self.place(item) for item in value]
            elif keyword in SCHEMA_MAPS:
                walked[keyword] = {name: self.place(item) for name, item in value.items()}
            elif _is_kept(keyword, value):
                walked[keyword] = value
        return walked

    def _add_discriminator(self, converted: dict[str, Any]) -> None:
        """OpenAPI's discriminator, which pydantic and msgspec write: its mapping holds references, too."""
        discriminator = converted.get("discriminator")
        if not isinstance(discriminator, dict):
            return
        mapping = discriminator.get("mapping", {})
        meant = {tag: self._by_reference.get(reference) for tag, reference in mapping.items()}
        new = {tag: _Reference(part, as_text=True) for tag, part in meant.items() if part is not None}
        rest = {name: value for name, value in discriminator.items() if name != "mapping"}
        converted["discriminator"] = {**rest, "mapping": new} if new and len(new) == len(mapping) else rest


def _reached_parts(parts: _Parts, start: int, reached: dict[int, int]) -> Iterator[int]:
    """The parts that can be reached from one, each once; ``reached`` numbers them."""
    found = [start]
    for part in found:  # which grows
        for target in parts.component(part).references:
            if target not in reached:
                reached[target] = len(reached)
                found.append(target)
        yield part


def _with_marks(value: Any, references: list[int]) -> Any:
    """The value as JSON can hold it; the order of members is that in which they are written."""
    if isinstance(value, _Reference):
        references.append(value.part)
        return [value.as_text]
    if isinstance(value, dict):
        return {key: _with_marks(value[key], references) for key in sorted(value)}
    return [_with_marks(item, references) for item in value] if isinstance(value, list) else value


_LIMITS: Final = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")


def _counts(keyword: str, part: Subschema) -> bool:
    if keyword == "$dynamicRef":
        return part.specification is DRAFT202012
    return keyword == "$ref" or part.specification is DRAFT201909


def _has_identifier(part: Subschema) -> bool:
    identifier = part.keywords.get("id" if part.specification is DRAFT4 else "$id")
    return isinstance(identifier, str) and not identifier.startswith("#")


def component_name(text: str) -> str | None:
    """A name for a component, of the characters that it may have (OpenAPI 3.1.1, section 4.8.7.1)."""
    words = re.findall(r"[A-Za-z0-9._-]+", text)
    return "".join(word if number == 0 else word[0].upper() + word[1:] for number, word in enumerate(words)) or None


_DATA: Final = frozenset(
    {
        "const",
        "default",
        "dependentRequired",
        "discriminator",
        "enum",
        "examples",
        "externalDocs",
        "required",
        "type",
        "xml",
    }
)
# What identifies parts has no use, where references lead to components; styles are the parameter's.
_DROPPED: Final = frozenset(
    {
        "$anchor",
        "$defs",
        "$dynamicAnchor",
        "$id",
        "$schema",
        "$recursiveAnchor",
        "$vocabulary",
        "definitions",
        "explode",
        "id",
        "style",
    }
)


def _is_kept(keyword: str, value: Any) -> bool:
    """Tell whether a keyword that holds no schema has a meaning: of the unknown ones, only texts and numbers stay."""
    if keyword in _DATA or keyword.startswith("x-"):
        return True
    return keyword not in _DROPPED and not isinstance(value, dict | list)
