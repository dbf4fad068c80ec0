"""What each keyword of a schema wants, in words."""

import json
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["MESSAGE_LIMIT", "USES_LIMIT", "describe"]

MESSAGE_LIMIT: Final = 200
"""How many characters a message may have."""

_VALUE_LIMIT: Final = 100

_MESSAGES: Final[Mapping[str, str]] = {
    "additionalItems": "has too many items",
    "additionalProperties": "is not allowed",
    "anyOf": "matches none of the allowed forms",
    "const": "must be {}",
    "contains": "does not contain the items that it must",
    "dependentRequired": "lacks what another member requires",
    "enum": "must be one of {}",
    "exclusiveMaximum": "must be less than {}",
    "exclusiveMinimum": "must be greater than {}",
    "format": "is not a valid {}",
    "items": "has too many items",
    "maxItems": "must have at most {} items",
    "maxLength": "must have at most {} characters",
    "maxProperties": "must have at most {} members",
    "maximum": "must be at most {}",
    "minItems": "must have at least {} items",
    "minLength": "must have at least {} characters",
    "minProperties": "must have at least {} members",
    "minimum": "must be at least {}",
    "multipleOf": "must be a multiple of {}",
    "not": "must not be of this form",
    "oneOf": "must match exactly one of the allowed forms",
    "pattern": "must match the pattern {}",
    "propertyNames": "has a member whose name is not allowed",
    "type": "must be of type {}",
    "unevaluatedItems": "has items that are not allowed",
    "unevaluatedProperties": "is not allowed",
    "uniqueItems": "must not hold an item twice",
}
USES_LIMIT: Final = frozenset(keyword for keyword, message in _MESSAGES.items() if "{}" in message)
"""The keywords whose message shows the schema's value for them."""


_COUNTS: Final = ("maxItems", "maxLength", "maxProperties", "minItems", "minLength", "minProperties")


def describe(keyword: str, limit: Any) -> str:
    """Say what a keyword wants, from the schema's value for it: an instance's value is never shown."""
    message = _MESSAGES.get(keyword)
    if message is None:
        return f"is not valid ({keyword[:_VALUE_LIMIT]})"
    if isinstance(limit, list):
        limit = sorted(limit) if keyword == "type" else limit  # jsonschema-rs has an order of its own
        text = (" or " if keyword == "type" else ", ").join(_short(item) for item in limit[:MESSAGE_LIMIT])
    else:
        if isinstance(limit, float) and keyword in _COUNTS:
            limit = int(limit)  # 2.0 is an integer in JSON Schema
        text = _short(limit)
        message = message.removesuffix("s") if limit == 1 else message
    return message.format(text if len(text) <= _VALUE_LIMIT else text[: _VALUE_LIMIT - 1] + "…")


def _short(value: Any) -> str:
    # jsonschema-rs gives an object's members in an order of its own.
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
