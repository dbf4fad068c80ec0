"""OpenAPI 3.0 made into 3.1, with equal meaning."""

import json
from typing import Any, Final

from aiotoolkit._openapi_document import InvalidDocumentError, Part, parts_of_document

__all__ = ["upgrade"]

VERSION: Final = "3.1.1"

# What a schema of OpenAPI 3.0.4, section 4.7.24, may hold; "Additional keywords are not supported".
_KEYWORDS: Final = frozenset(
    [
        "title",
        "multipleOf",
        "maximum",
        "exclusiveMaximum",
        "minimum",
        "exclusiveMinimum",
        "maxLength",
        "minLength",
        "pattern",
        "maxItems",
        "minItems",
        "uniqueItems",
        "maxProperties",
        "minProperties",
        "required",
        "enum",
        "type",
        "allOf",
        "oneOf",
        "anyOf",
        "not",
        "items",
        "properties",
        "additionalProperties",
        "description",
        "format",
        "default",
        "nullable",
        "discriminator",
        "readOnly",
        "writeOnly",
        "xml",
        "externalDocs",
        "example",
        "deprecated",
        "$ref",
    ]
)


def upgrade(document: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A document of OpenAPI 3.0 as one of 3.1; one of 3.1 is returned as it is.

    ``nullable`` becomes the type ``null`` beside the schema's own type, and means nothing where there is none (3.0.4,
    section 4.7.24); boolean exclusive bounds become numbers; ``example`` becomes ``examples``; of the formats, ``byte``
    becomes ``contentEncoding`` and ``binary`` becomes ``contentMediaType``; what stands beside a ``$ref`` is ignored
    in 3.0, and so it is left out; and so are keywords that 3.0's schemas do not have.

    Args:
        document: plain data, which are not changed.

    Returns:
        The document, and what of it was left out though its author might not know, each with its place.

    Raises:
        InvalidDocumentError: ``type`` is no text.
    """
    if not document["openapi"].startswith("3.0."):
        return document, []
    upgraded: dict[str, Any] = json.loads(json.dumps(document))  # no part of which is another part, too
    upgraded["openapi"] = VERSION
    notes: list[str] = []
    for part in parts_of_document(upgraded):
        if "$ref" in part.contents and part.kind not in ("path item", "document", "components", "operation"):
            reference = part.contents["$ref"]
            part.contents.clear()
            part.contents["$ref"] = reference
        elif part.kind == "schema":
            _upgrade_schema(part, notes)
    if not isinstance(upgraded.get("paths"), dict):
        raise InvalidDocumentError(["The document has no paths (at #/paths)"])
    return upgraded, notes


def _upgrade_schema(part: Part, notes: list[str]) -> None:
    schema = part.contents
    for name in [name for name in schema if name not in _KEYWORDS and not name.startswith("x-")]:
        del schema[name]
        notes.append(f"OpenAPI 3.0 has no keyword {name!r} in schemas: it is ignored (at {part.place})")
    named = schema.get("type")
    if named is not None and not isinstance(named, str):
        raise InvalidDocumentError([f"In OpenAPI 3.0, type is one name, not {named!r} (at {part.place})"])
    if schema.pop("nullable", False) is True and named is not None:
        schema["type"] = [named, "null"]
    for exclusive, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if schema.pop(exclusive, False) is True and limit in schema:
            schema[exclusive] = schema.pop(limit)
    if "example" in schema:
        schema["examples"] = [schema.pop("example")]
    if schema.get("format") == "byte":
        del schema["format"]
        schema["contentEncoding"] = "base64"
    elif schema.get("format") == "binary":
        del schema["format"]
        schema["contentMediaType"] = "application/octet-stream"
