"""Schema documents: where they come from, whether they stand on their own, what their references mean."""

import contextlib
import functools
import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol, runtime_checkable
from urllib.parse import quote

from jsonschema_specifications import REGISTRY as METASCHEMAS
from referencing import Registry, Specification
from referencing.exceptions import Unresolvable
from referencing.jsonschema import (
    DRAFT3,
    DRAFT4,
    DRAFT6,
    DRAFT7,
    DRAFT202012,
    UnknownDialect,
    specification_with,
)

if TYPE_CHECKING:
    from referencing._core import Resolver  # the class has no public name

__all__ = [
    "REF_STANDS_ALONE",
    "TOO_DEEP",
    "Document",
    "InvalidSchemaError",
    "JSONSchema",
    "SchemaSource",
    "Subschema",
    "always",
    "applied",
    "in_place",
    "looping",
    "pointer_to",
    "read_source",
    "specification_of",
    "with_dialect",
]

JSONSchema = dict[str, Any] | bool
"""A JSON Schema as plain data."""


@runtime_checkable
class _HasGetSchema(Protocol):
    def get_schema(self) -> Any: ...


@runtime_checkable
class _HasModelJSONSchema(Protocol):
    def model_json_schema(self, *, mode: Literal["validation", "serialization"]) -> dict[str, Any]: ...


SchemaSource = Mapping[str, Any] | bool | Any
"""What a schema may be given as: a dict, a bool, a type, an object with ``get_schema()`` or ``model_json_schema()``."""


TOO_DEEP: Final = "A schema may not hold itself (use a $ref), nor hundreds of levels"


class InvalidSchemaError(ValueError):
    """A schema that cannot be used.

    Attributes:
        pointer: where in the schema, as a JSON Pointer (RFC 6901) in the form of a URI fragment.
    """

    __module__ = "aiotoolkit.schemas"

    def __init__(self, message: str, pointer: str = "#") -> None:
        super().__init__(f"{message} (at {pointer})")
        self.message = message
        self.pointer = pointer

    def named(self, name: str) -> "InvalidSchemaError":
        """The same error, saying which schema it is about."""
        return InvalidSchemaError(f"The {name} schema is not usable: {self.message}", self.pointer)


def pointer_to(path: tuple[str | int, ...]) -> str:
    """A JSON Pointer as a URI fragment (RFC 6901, section 6)."""
    return "#" + "".join("/" + quote(_escape(part), safe="~!$&'()*+,;=:@") for part in path)


def _escape(part: str | int) -> str:
    if isinstance(part, str) and part.isascii() and part.isalnum():
        return part  # nothing in it to escape: most names by far
    # A lone surrogate is no text that a URI could hold.
    return str(part).replace("~", "~0").replace("/", "~1").encode("utf-8", "replace").decode()


def read_source(source: SchemaSource, *, mode: Literal["validation", "serialization"]) -> JSONSchema:
    """Take a schema from what it is given as, as plain data of its own.

    Args:
        source: a mapping or a bool; a jsl document, or anything with ``get_schema()``; a pydantic model, or anything
            with ``model_json_schema()``.
        mode: which of its two schemas a pydantic model is asked for.

    Raises:
        TypeError: it is none of these.
        InvalidSchemaError: it holds what JSON does not have, or itself; or the object cannot make its schema.
    """
    if isinstance(source, _HasGetSchema):
        source = _made_by(source.get_schema)
    elif isinstance(source, _HasModelJSONSchema):
        make: Callable[..., Any] = source.model_json_schema
        source = _made_by(functools.partial(make, mode=mode) if _takes_mode(make) else make)
    if not isinstance(source, bool | Mapping):
        raise TypeError(
            "A schema is a dict, a bool, a jsl Document, a type (a dataclass, TypedDict, Struct or pydantic model), or "
            f"another object with get_schema() or model_json_schema(), not {source!r}"
        )
    try:
        copy: JSONSchema = _plain_copy(source, ())
    except RecursionError:
        raise InvalidSchemaError(TOO_DEEP) from None
    return copy


def _made_by(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except Exception as error:
        name = getattr(getattr(make, "func", make), "__qualname__", repr(make))
        raise InvalidSchemaError(f"{name}() raised {type(error).__name__}: {error}") from error


def _takes_mode(make: Callable[..., Any]) -> bool:
    try:
        inspect.signature(make).bind(mode="validation")
    except TypeError:
        return False
    except ValueError:  # a function in C may have no signature
        return True
    return True


def _plain_copy(value: Any, path: tuple[str | int, ...]) -> Any:
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise InvalidSchemaError("The keys of a schema must be text", pointer_to(path))
        return {_plain_text(key, path): _plain_copy(item, (*path, key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_copy(item, (*path, index)) for index, item in enumerate(value)]
    if isinstance(value, Enum):
        return _plain_copy(value.value, path)
    if isinstance(value, str):
        return _plain_text(value, path)
    if isinstance(value, int) and abs(value) >= _TOO_LARGE:
        raise InvalidSchemaError("A schema may not hold an integer of more than 4,300 digits", pointer_to(path))
    if value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    what = repr(value) if isinstance(value, float) else type(value).__name__
    raise InvalidSchemaError(f"A schema may not hold {what}: it is not JSON", pointer_to(path))


# Python does not write it as text, and jsonschema-rs takes it for null.
_TOO_LARGE: Final = 10**4300


def _plain_text(text: str, path: tuple[str | int, ...]) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidSchemaError("A schema may not hold text that is not Unicode", pointer_to(path)) from None
    return str.__str__(text)


class Subschema(NamedTuple):
    """A schema inside a document, with what gives its references their meaning."""

    contents: Any
    specification: Specification[Any]
    resolver: "Resolver[Any]"

    @property
    def keywords(self) -> Mapping[str, Any]:
        """Its keywords that count; none for a boolean schema."""
        if not isinstance(self.contents, dict):
            return {}
        if "$ref" in self.contents and self.specification in REF_STANDS_ALONE:
            return {"$ref": self.contents["$ref"]}
        return self.contents

    def inside(self, contents: Any) -> "Subschema":
        """A schema that is a part of this one."""
        resource = self.specification.create_resource(contents)
        return Subschema(contents, self.specification, self.resolver.in_subresource(resource))

    def parts(self) -> Iterator["Subschema"]:
        """The schemas that are directly inside this one, under any keyword."""
        for contents in (*self.specification.subresources_of(self.contents), *self._dependencies()):
            if isinstance(contents, dict | bool):  # an array in "dependencies" names properties: it is no schema
                yield self.inside(contents)

    def _dependencies(self) -> Iterable[Any]:
        """The values of a ``dependencies`` that begins with no object: ``referencing`` looks at the first one only."""
        values = list(self.keywords.get("dependencies", {}).values()) if self.specification in REF_STANDS_ALONE else []
        return values if values and not isinstance(values[0], dict) else ()

    def lookup(self, reference: str) -> "Subschema":
        """The schema that a ``$ref`` of this one means: in the document itself, or a metaschema.

        Raises:
            referencing.exceptions.Unresolvable: there is none. Nothing is ever fetched.
        """
        found = self.resolver.lookup(reference)
        return Subschema(found.contents, self.specification, found.resolver)


class Document:
    """A schema that stands on its own: of a known draft, each of its references found inside it.

    It must be valid by its metaschema before.

    Attributes:
        contents: the schema.
        root: the same, to walk through.
        subschemas: every schema of the document, outermost first.
        targets: what the references of each of them mean, by the ``id`` of its contents.
        misplaced: those of them that only a reference leads to, since they stand where a metaschema does not look:
            ``{"$ref": "#/components/a", "components": {"a": {}}}``.

    Raises:
        InvalidSchemaError: a reference means nothing, no schema, something outside of the document, or leads back to
            itself on the same value, without end.
    """

    def __init__(self, contents: JSONSchema) -> None:
        self.contents = contents
        specification = specification_of(contents)
        resource = specification.create_resource(contents)
        registry: Registry[Any] = METASCHEMAS.with_resource("", resource)
        with contextlib.suppress(UnknownDialect, AttributeError):  # which are told below, with their place
            registry = registry.crawl()  # once, and not at each lookup
        self._paths = dict(_paths(contents, ()))
        self.root = Subschema(contents, specification, registry.resolver_with_root(resource))
        self.subschemas: list[Subschema] = list(_walk(self.root))
        self.targets: dict[int, list[Subschema]] = {}
        self.misplaced: list[Subschema] = []
        known = {id(subschema.contents) for subschema in self.subschemas}
        same_value: dict[int, list[int]] = {}
        for subschema in self.subschemas:  # which grows
            self._check_dialect(subschema)
            self._check_dependencies(subschema)
            targets = self.targets[id(subschema.contents)] = list(self._targets(subschema))
            leads_to = [*in_place(subschema), *(target.contents for target in targets)]
            same_value[id(subschema.contents)] = list(map(id, leads_to))
            for target in targets:
                if id(target.contents) not in known and self.holds(target.contents):
                    found = list(_walk(target))
                    known |= {id(part.contents) for part in found}
                    self.misplaced.append(target)
                    self.subschemas += found
        cycle = looping(same_value)
        if cycle:
            place = self.pointer(next(part.contents for part in self.subschemas if id(part.contents) in cycle))
            raise InvalidSchemaError("The schema refers to itself for the same value, without end", place)

    def pointer(self, contents: Any) -> str:
        """Where in the document a part of it (this very object) stands."""
        return pointer_to(self._paths.get(id(contents), ()))

    def holds(self, contents: Any) -> bool:
        """Tell whether a schema (this very object) stands in the document, and not in a metaschema."""
        return isinstance(contents, dict) and id(contents) in self._paths

    def _check_dialect(self, subschema: Subschema) -> None:
        """Refuse an unknown ``$schema`` further inside, too: an engine would fetch it, or guess."""
        if subschema is not self.root and "$schema" in subschema.keywords:
            try:
                specification_of(subschema.contents)
            except InvalidSchemaError as error:
                raise InvalidSchemaError(error.message, f"{self.pointer(subschema.contents)}/$schema") from error

    def _check_dependencies(self, subschema: Subschema) -> None:
        values = list(subschema.keywords.get("dependencies", {}).values())
        if values and isinstance(values[0], dict) and any(isinstance(value, list) for value in values):
            message = 'In "dependencies", put arrays before schemas: references are not found otherwise'
            raise InvalidSchemaError(message, self.pointer(subschema.contents))

    def _targets(self, subschema: Subschema) -> Iterator[Subschema]:
        """What the references of a schema mean."""
        for keyword in _REFERENCES:
            reference = subschema.keywords.get(keyword)
            if not isinstance(reference, str):
                continue
            why_not = "points to what is no schema"
            try:
                target = subschema.lookup(reference)
            except Unresolvable:
                target, why_not = None, _why_not_found(reference)
            if target is None or not isinstance(target.contents, dict | bool):
                raise InvalidSchemaError(f"{keyword} {reference!r} {why_not}", self.pointer(subschema.contents))
            yield target


def always(subschema: Subschema) -> Iterator[Subschema]:
    """The schema, and those that always apply with it."""
    return applied(subschema, ("allOf",))


def applied(subschema: Subschema, keywords: Iterable[str]) -> Iterator[Subschema]:
    """The schema, and those that it leads to for the same value by its ``$ref`` and these lists of schemas.

    Each comes once: where many ways lead to one, all together may be more than anyone could walk.
    """
    pending, seen = [subschema], set[int]()
    while pending:
        found = pending.pop()
        if id(found.contents) in seen:
            continue
        seen.add(id(found.contents))
        yield found
        said = found.keywords
        branches = [found.inside(branch) for keyword in keywords for branch in said.get(keyword, ())]
        pending += [*([found.lookup(said["$ref"])] if "$ref" in said else ()), *reversed(branches)]


def in_place(subschema: Subschema) -> Iterator[Any]:
    """The schemas inside a schema that apply to the same value as it does."""
    keywords = subschema.keywords
    for keyword in ("allOf", "anyOf", "oneOf"):
        yield from keywords.get(keyword, ())
    for keyword in ("dependencies", "dependentSchemas"):
        yield from keywords.get(keyword, {}).values()
    yield from (keywords[keyword] for keyword in ("not", "if", "then", "else") if keyword in keywords)


def looping(edges: Mapping[int, Iterable[int]]) -> set[int]:
    """The nodes of a cycle in a graph, if it has any. A loop, and no recursion: the chains may be long."""
    done: set[int] = set()
    for start in edges:
        way = {start: iter(edges[start])}
        while way and start not in done:
            node, ahead = next(reversed(way.items()))
            following = next((each for each in ahead if each not in done), None)
            if following is None:
                done.add(node)
                del way[node]
            elif following in way:
                nodes = list(way)
                return set(nodes[nodes.index(following) :])
            else:
                way[following] = iter(edges.get(following, ()))
    return set()


def _walk(subschema: Subschema) -> Iterator[Subschema]:
    pending = [subschema]
    while pending:
        found = pending.pop()
        yield found
        pending.extend(found.parts())


# Up to draft-07 a $ref is alone: the keywords beside it do not count.
REF_STANDS_ALONE: Final = (DRAFT4, DRAFT6, DRAFT7)
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")


def specification_of(contents: JSONSchema) -> Specification[Any]:
    """The draft of a schema, by its ``$schema``; without one, 2020-12.

    Raises:
        InvalidSchemaError: ``$schema`` names none that is known: it is never fetched.
    """
    dialect = contents.get("$schema") if isinstance(contents, dict) else None
    if dialect is None:
        return DRAFT202012
    try:
        specification = specification_with(dialect)
    except (UnknownDialect, AttributeError):
        specification = DRAFT3
    if specification is DRAFT3:  # which jsonschema-rs does not know, and would fetch
        raise InvalidSchemaError(
            f"$schema {dialect!r} is no known draft: use one of draft-04, -06, -07, 2019-09 or 2020-12", "#/$schema"
        )
    return specification


def with_dialect(contents: JSONSchema, dialect: str | None) -> JSONSchema:
    """The schema with this ``$schema``, unless it has one."""
    if dialect is None or isinstance(contents, bool) or "$schema" in contents:
        return contents
    return {"$schema": dialect, **contents}


def _why_not_found(reference: str) -> str:
    if reference.startswith("#"):
        return "points to nothing in this schema"
    return "is outside of this schema, and nothing is ever fetched: put what it means into $defs"


def _paths(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[int, tuple[str | int, ...]]]:
    """The path of each object and array inside plain data, by its ``id``."""
    items: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return
    for key, item in items:
        yield from _paths(item, (*path, key))
    yield id(value), path
