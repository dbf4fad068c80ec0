"""Values that fit a schema, to be shown where a document has no example of its own."""

import re
from collections.abc import Mapping
from typing import Any, Final

from aiotoolkit._openapi_page_document import Document, listed, mapped, texted

__all__ = ["Samples"]

_FORMATS: Final = {
    "binary": "(the bytes of a file)",
    "byte": "ZXhhbXBsZQ==",
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "duration": "PT1H",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "json-pointer": "/a/b",
    "time": "12:00:00Z",
    "uri": "https://example.com/",
    "uri-reference": "/example",
    "url": "https://example.com/",
    "uuid": "123e4567-e89b-12d3-a456-426614174000",
}
# Most patterns take one of these: a name, a slug, a number, a code, a colour, a version.
_CANDIDATES: Final = ("example", "Example", "EXAMPLE", "1", "12", "123", "1234", "a1", "A1", "AB", "ab", "A", "a",
                      "EUR", "en-GB", "#336699", "336699", "1.0.0", "1.0", "+441632960961", "12345678")  # fmt: skip
_MAX_DEPTH: Final = 12  # containers: a required member that holds itself has no end
_MAX_TEXT: Final = 200  # characters
_MAX_ITEMS: Final = 5
_MAX_VALUES: Final = 1000  # in one: schemas that name others twice each make twice as many on every level

_Above = tuple[str | None, ...]


class Samples:
    """Makes values that fit the schemas of a document, as far as that can be told from a schema."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._left = 0  # how many values may still be made for the one that was asked for

    def of_media(self, media: Mapping[str, Any], *, is_request: bool = False) -> Any:
        """The example of a media type or a parameter, or one that fits its schema."""
        if "example" in media:
            return media["example"]
        for value in mapped(media.get("examples")).values():
            example = self._document.resolve(value)
            if "value" in example:
                return example["value"]
        return self.of_schema(media.get("schema"), is_request=is_request)

    def of_schema(self, schema: Any, *, is_request: bool = False) -> Any:
        """A value that fits a schema.

        Args:
            schema: any JSON Schema.
            is_request: whether members that are ``readOnly`` are left out; else those that are ``writeOnly``.
        """
        self._left = _MAX_VALUES
        return self._value(schema, "readOnly" if is_request else "writeOnly", ())

    def _value(self, schema: Any, left_out: str, above: _Above) -> Any:
        """Make a value.

        Args:
            schema: what it must fit.
            left_out: the keyword of the members that are not shown.
            above: the references of the schemas around this one, None for one without.
        """
        node = self._document.resolve(schema)
        self._left -= 1
        if len(above) > _MAX_DEPTH or self._left < 0 or self._is_above(schema, above):
            return None
        above = (*above, mapped(schema).get("$ref"))
        for key in ("example", "const", "default"):
            if key in node:
                return node[key]
        for key in ("examples", "enum"):
            if values := listed(node.get(key)):
                return values[0]
        own = self._by_type(node, left_out, above)
        for keyword in ("allOf", "oneOf", "anyOf"):
            parts = listed(node.get(keyword))
            if keyword != "allOf":
                parts = [part for part in parts if not self._is_above(part, above)][:1]
            for part in parts:
                own = _both(own, self._value(_with_type(part, node), left_out, above))
        return own

    def _by_type(self, node: Mapping[str, Any], left_out: str, above: _Above) -> Any:
        kind = _kind(node)
        if kind == "object":
            return self._object(node, left_out, above)
        if kind == "array":
            return self._array(node, left_out, above)
        if kind == "string":
            return _text(node)
        if kind in ("integer", "number"):
            return _number(node, is_integer=kind == "integer")
        return kind == "boolean" or None

    def _object(self, node: Mapping[str, Any], left_out: str, above: _Above) -> dict[str, Any]:
        required = listed(node.get("required"))
        properties = mapped(node.get("properties"))
        found = {}
        for name, schema in properties.items():
            if self._document.resolve(schema).get(left_out) is True:
                continue
            if name in required or (len(above) <= 3 and not self._is_above(schema, above)):
                found[name] = self._value(schema, left_out, above)
        additional = node.get("additionalProperties")
        for name in required:
            if isinstance(name, str) and name not in properties:
                found[name] = self._value(additional, left_out, above)
        if not found and isinstance(additional, Mapping) and len(above) <= 3:
            found["name"] = self._value(additional, left_out, above)
        return found

    @staticmethod
    def _is_above(schema: Any, above: _Above) -> bool:
        """Whether a schema is one of those around it: there it would go round in circles."""
        return "$ref" in mapped(schema) and mapped(schema)["$ref"] in above

    def _array(self, node: Mapping[str, Any], left_out: str, above: _Above) -> list[Any]:
        first = [self._value(schema, left_out, above) for schema in listed(node.get("prefixItems"))[:_MAX_ITEMS]]
        least = node.get("minItems")
        count = min(least, _MAX_ITEMS) if isinstance(least, int) else 0
        if not count and self._is_above(node.get("items"), above):
            return first
        if node.get("maxItems") == 0 or ("items" not in node and not count) or node.get("items") is False:
            return first
        item = self._value(node.get("items"), left_out, above)
        return first + [item] * max(count - len(first), 0 if first else 1)


def _with_type(part: Any, node: Mapping[str, Any]) -> Any:
    """A branch often leaves its type to the schema around it."""
    if isinstance(part, Mapping) and "type" in node and not {"type", "$ref", "enum", "const"} & part.keys():
        return {"type": node["type"], **part}
    return part


def _both(first: Any, second: Any) -> Any:
    if isinstance(first, dict) and isinstance(second, dict):
        # What only one of the two says more about is what that one says.
        return {**first, **{key: value for key, value in second.items() if value is not None or key not in first}}
    return first if second is None else second


def _kind(node: Mapping[str, Any]) -> str | None:
    kind = node.get("type")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in node or "additionalProperties" in node:
        return "object"
    if "items" in node or "prefixItems" in node:
        return "array"
    if node.keys() & {"pattern", "minLength", "maxLength", "format"}:
        return "string"
    return "number" if node.keys() & {"minimum", "maximum", "multipleOf"} else None


def _text(node: Mapping[str, Any]) -> str:
    shortest, longest = node.get("minLength"), node.get("maxLength")
    low = min(shortest, _MAX_TEXT) if isinstance(shortest, int) else 0
    high = longest if isinstance(longest, int) else _MAX_TEXT
    pattern = texted(node.get("pattern"))
    known = _FORMATS.get(texted(node.get("format")))
    candidates = [*([known] if known else []), *_CANDIDATES]
    candidates += [(text * low)[:low] for text in ("example", "a", "A", "1")] if low else []
    candidates += [text[:high] for text in ("example", "1")]
    fitting = (text for text in candidates if low <= len(text) <= high)
    return next((text for text in fitting if not pattern or _matches(pattern, text)), "string")


def _matches(pattern: str, text: str) -> bool:
    # The text is short, and ours: no pattern can take long over it.
    try:
        return re.search(pattern, text) is not None
    except (re.error, RecursionError, OverflowError):
        return False


def _number(node: Mapping[str, Any], *, is_integer: bool) -> int | float:
    step = node.get("multipleOf", 1)
    low, high = _bound(node, "minimum", "exclusiveMinimum"), _bound(node, "maximum", "exclusiveMaximum")
    value: int | float = 1
    if low is not None and value <= low[0]:
        value = low[0] + (step if low[1] else 0)
    if high is not None and value >= high[0]:
        value = high[0] - (step if high[1] else 0)
    if isinstance(step, int | float) and step > 0 and value % step:
        value = (value // step + 1) * step
    return int(value) if is_integer or value == int(value) else value


def _bound(node: Mapping[str, Any], inclusive: str, exclusive: str) -> tuple[int | float, bool] | None:
    """A bound, and whether it is no value itself. OpenAPI 3.0 has a boolean for that, 3.1 a number."""
    limit, other = node.get(inclusive), node.get(exclusive)
    if isinstance(other, int | float) and not isinstance(other, bool):
        return other, True
    return (limit, other is True) if isinstance(limit, int | float) else None
