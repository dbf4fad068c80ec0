"""What a schema says of its instances' shape: whether every value in them is described, and so bounded in depth.

An engine that accepts data by such a schema has looked at each value: nothing has to be asked twice.
"""

from collections.abc import Iterable
from typing import Any, Final

from aiotoolkit._documents import Document, Subschema

__all__ = ["bounded_depth", "has_numbers"]

_ANNOTATIONS: Final = frozenset(
    [
        "$anchor",
        "$comment",
        "$defs",
        "$id",
        "$schema",
        "contentEncoding",
        "contentMediaType",
        "default",
        "definitions",
        "deprecated",
        "description",
        "discriminator",
        "example",
        "examples",
        "explode",
        "externalDocs",
        "id",
        "nullable",
        "readOnly",
        "style",
        "title",
        "writeOnly",
        "xml",
    ]
)
_ASSERTIONS: Final = frozenset(
    [
        "additionalProperties",
        "allOf",
        "anyOf",
        "const",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "oneOf",
        "pattern",
        "patternProperties",
        "prefixItems",
        "properties",
        "$ref",
        "required",
        "type",
    ]
)
_KNOWN: Final = _ANNOTATIONS | _ASSERTIONS
_CONTAINERS: Final = (dict, list)


def bounded_depth(document: Document) -> int | None:
    """How many containers may be nested in an instance of the schema; None where it leaves a place open.

    Open is a place of which the schema does not name the type, the members or the items; and any schema that refers
    to itself or uses a keyword whose check may look deeper than its own subschemas lead.
    """
    try:
        if any(not _KNOWN.issuperset(part.keywords) for part in document.subschemas) or _is_recursive(document):
            return None
        return _Depths().of_part(document.root, document.contents)
    except RecursionError:  # of schemas that refer to one another in long chains
        return None


def has_numbers(document: Document) -> bool:
    """Tell whether an instance of a schema that :func:`bounded_depth` knows can hold a number."""
    return any(_NUMERIC.intersection(_types(part)) for part in document.subschemas)


_NUMERIC: Final = frozenset({"integer", "number"})


def _types(schema: Subschema) -> Iterable[str]:
    """The types of a schema; without any, those of the values that it lists, where one may be a number."""
    named = schema.keywords.get("type")
    if named is not None:
        return [named] if isinstance(named, str) else named
    listed = [*schema.keywords.get("enum", ()), schema.keywords.get("const")]
    return ["number"] if any(isinstance(value, int | float) for value in listed) else ()


def _is_recursive(document: Document) -> bool:
    """Tell whether a schema leads back to itself, or to a metaschema, which does."""
    edges = {
        id(part.contents): [id(target.contents) for target in (*part.parts(), *document.targets[id(part.contents)])]
        for part in document.subschemas
    }
    finished: set[int] = set()
    path: set[int] = set()

    def leads_back(schema: int) -> bool:
        if schema in path or schema not in edges:
            return True
        if schema not in finished:
            path.add(schema)
            if any(leads_back(target) for target in edges[schema]):
                return True
            path.remove(schema)
            finished.add(schema)
        return False

    return leads_back(id(document.contents))


class _Depths:
    """The depth that each schema of a document allows."""

    def __init__(self) -> None:
        self._known: dict[int, int | None] = {}

    def _of(self, schema: Subschema) -> int | None:
        key = id(schema.contents)
        if key not in self._known:
            # All of these hold together, so the narrowest counts.
            bounds = [bound for bound in self._bounds(schema) if bound is not None]
            self._known[key] = min(bounds, default=None)
        return self._known[key]

    def of_part(self, schema: Subschema, contents: Any) -> int | None:
        # Draft-04 has booleans under additionalProperties, where they are no schemas.
        if isinstance(contents, bool):
            return None if contents else 0
        return self._of(schema.inside(contents))

    def _bounds(self, schema: Subschema) -> Iterable[int | None]:
        keywords = schema.keywords
        yield self._of_type(schema)
        if "enum" in keywords or "const" in keywords:
            values = keywords.get("enum", [keywords.get("const")])
            yield None if any(isinstance(value, _CONTAINERS) for value in values) else 0
        if "$ref" in keywords:
            yield self._of(schema.lookup(keywords["$ref"]))
        for part in keywords.get("allOf", ()):
            yield self.of_part(schema, part)
        for keyword in ("anyOf", "oneOf"):
            if keyword in keywords:
                yield _deepest(self.of_part(schema, part) for part in keywords[keyword])

    def _of_type(self, schema: Subschema) -> int | None:
        named = schema.keywords.get("type")
        if named is None:
            return None
        bounds: list[int | None] = [0]
        if "object" in named:  # the name, or one in the list of names; no other name holds this one
            members = [*_values(schema, "properties"), *_values(schema, "patternProperties")]
            bounds.append(self.of_parts(schema, members, "additionalProperties"))
        if "array" in named:
            bounds.append(self.of_parts(schema, schema.keywords.get("prefixItems", ()), "items"))
        return _deepest(bounds)

    def of_parts(self, schema: Subschema, parts: Iterable[Any], others: str) -> int | None:
        rest = schema.keywords.get(others)
        if not isinstance(rest, dict | bool):
            return None  # it is open; a list is how drafts before 2020-12 wrote prefixItems
        deepest = _deepest(self.of_part(schema, part) for part in (*parts, rest))
        return None if deepest is None else deepest + 1


def _values(schema: Subschema, keyword: str) -> Iterable[Any]:
    contents: dict[str, Any] = schema.keywords.get(keyword, {})
    return contents.values()


def _deepest(bounds: Iterable[int | None]) -> int | None:
    deepest = 0
    for bound in bounds:
        if bound is None:
            return None
        deepest = max(deepest, bound)
    return deepest
