"""The values that a schema holds of itself, defaults and examples: each must be valid by the schema beside it."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple, cast

from referencing.jsonschema import DRAFT4

from aiotoolkit._defaults import Defaults
from aiotoolkit._documents import REF_STANDS_ALONE, Document, InvalidSchemaError, Subschema, pointer_to
from aiotoolkit._engines import Engine, recompile

__all__ = ["check_examples"]


def check_examples(document: Document, engine: Engine, *, defaults: Defaults | None, check_defaults: bool) -> None:
    """Refuse values that break their own schema: a default would fail each request that leaves it out.

    Args:
        document: the schema.
        engine: what decides.
        defaults: what is filled into requests, and so into these values; None where nothing is.
        check_defaults: whether defaults are looked at, besides examples.

    Raises:
        InvalidSchemaError: a value breaks its schema, or fills itself with further defaults without end.
    """
    values = list(_examples(document))
    if check_defaults:
        values += _defaults(document, defaults)
    if not values:
        return
    instance = {str(index): _filled(value, defaults) for index, value in enumerate(values)}
    check = recompile(engine, _only(document, [value.schema_place for value in values]))
    for violation in check(instance):
        if not violation.path:
            raise InvalidSchemaError(f"A default or an example breaks its own schema: {violation.message}")
        where = pointer_to(violation.path[1:])
        value = values[int(violation.path[0])]
        raise InvalidSchemaError(f"The {value.name} breaks its own schema: {where} {violation.message}", value.place)


class _Value(NamedTuple):
    name: str
    contents: Any
    place: str
    subschema: Subschema
    schema_place: str


def _examples(document: Document) -> Iterator[_Value]:
    """JSON Schema's ``examples``, and the ``example`` of OpenAPI."""
    for part in document.subschemas:
        examples = part.keywords.get("examples")  # OpenAPI has an object of this name elsewhere
        listed = examples if isinstance(examples, list) else []
        found = [(f"examples/{index}", value) for index, value in enumerate(listed)]
        found += [("example", part.keywords["example"])] if "example" in part.keywords else []
        for name, value in found:
            place = document.pointer(part.contents)
            yield _Value("example", value, f"{place}/{name}", part, place)


def _defaults(document: Document, defaults: Defaults | None) -> Iterator[_Value]:
    """The defaults where they stand, and those that a property has from elsewhere."""
    found = [(part, part.keywords["default"]) for part in document.subschemas if "default" in part.keywords]
    found += [
        (member, default)
        for member, default in (defaults.filled if defaults else ())
        if "default" not in member.keywords and document.holds(member.contents)
    ]
    for part, default in found:
        place = document.pointer(part.contents)
        yield _Value("default", default, place, part, place)


def _filled(value: _Value, defaults: Defaults | None) -> Any:
    """The value with the defaults of its schema, as a request gets it."""
    if defaults is None:
        return value.contents
    try:
        return defaults.fill(value.subschema, value.contents)
    except RecursionError:
        message = f"The {value.name} fills itself with further defaults, without end"
        raise InvalidSchemaError(message, value.place) from None


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
