"""JSON Schemas as HTML: what fits, in words, with links between those that have a name."""

import json
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from aiotoolkit._html import Html, element, join, markdown, plain
from aiotoolkit._openapi_page_document import Document, listed, mapped, texted, unique_anchor

__all__ = ["SchemaView", "deprecated_badge", "head_of", "written"]

_COMPONENTS: Final = "#/components/schemas/"
_MAX_DEPTH: Final = 16  # schemas inside schemas on the page; deeper ones can be read in the document
_MAX_VALUES: Final = 30  # of an enumeration
_MAX_WRITTEN: Final = 300  # characters of a value

_DEPRECATED: Final = element("span", "deprecated", class_="badge deprecated")

# Keywords whose value is one schema, or an array or an object of schemas, with what they mean.
_BRANCHES: Final = (
    ("oneOf", "exactly one of"),
    ("anyOf", "any of"),
    ("allOf", "all of"),
    ("not", "not"),
    ("if", "if"),
    ("then", "then"),
    ("else", "else"),
    ("prefixItems", "items, in this order"),
    ("contains", "contains"),
    ("propertyNames", "names of properties"),
    ("patternProperties", "properties whose names match"),
    ("dependentSchemas", "with the property"),
)


_KINDS: Final = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object", list: "array"}
_NO_FACTS: Final = frozenset({"type", "description", "format", "title", "properties", "required", "items", "$ref"})
_SIZES: Final = (
    ("minLength", "maxLength", "character", "characters"),
    ("minItems", "maxItems", "item", "items"),
    ("minProperties", "maxProperties", "property", "properties"),
)
_TEXTS: Final = {
    "pattern": "matches",
    "contentMediaType": "content of type",
    "contentEncoding": "encoded as",
}
_FLAGS: Final = {
    "uniqueItems": "no item twice",
    "readOnly": "only in responses",
    "writeOnly": "only in requests",
}


def written(value: object) -> str:
    """A value as JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_WRITTEN else f"{text[:_MAX_WRITTEN]}\u2026"


class SchemaView:
    """Shows the schemas of a document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        names = mapped(document.components.get("schemas"))
        taken: set[str] = set()
        self._blocks: dict[str, Html] = {}
        #: The id of each component's section.
        self.anchors: Final = {name: f"schema-{unique_anchor(name, taken)}" for name in names}

    def label(self, schema: object, depth: int = 0) -> Html:
        """Its type, in a few words."""
        if schema is True or schema == {}:
            return plain("anything")
        if schema is False:
            return plain("nothing")
        node = mapped(schema)
        reference = node.get("$ref", node.get("$dynamicRef"))
        if isinstance(reference, str):
            return self._link(reference)
        kinds = node.get("type")
        names = kinds if isinstance(kinds, list) else [kinds] if isinstance(kinds, str) else []
        labels = [self._type(str(name), node, depth) for name in names]
        if not labels:
            labels = [self._implied(node, depth)]
        if node.get("nullable") is True:
            labels.append(plain("null"))
        return join(self._between(labels, " or "))

    def block(self, schema: object, *, expand: bool = True) -> Html:
        """What it is made of: its description, constraints, members and branches.

        Args:
            schema: any schema.
            expand: whether a component is shown here, and not only linked.
        """
        node = mapped(schema)
        reference = node.get("$ref")
        if not isinstance(reference, str) or not expand:
            return self._content(node, (), 0)
        if len(node) > 1:
            return self._content({**self._document.resolve({"$ref": reference}), **_beside(node)}, (reference,), 0)
        # Most operations of a large document name the same few components.
        block = self._blocks.get(reference)
        if block is None:
            block = self._content(self._document.resolve(node), (reference,), 0)
            self._blocks[reference] = block
        return block

    def facts(self, schema: object, *, with_items: bool = True) -> Html | None:
        """The constraints of one schema, each in its own element.

        Args:
            schema: any schema.
            with_items: whether those of an array's items are among them.
        """
        node = mapped(schema)
        found = list(_facts(node))
        if with_items:
            found += [f"each: {fact}" for fact in _facts(mapped(node.get("items")))]
        facts = [element("span", fact, class_="fact") for fact in found]
        return element("span", *self._between(facts, " "), class_="facts") if facts else None

    def _link(self, reference: str) -> Html:
        name = urllib.parse.unquote(reference.removeprefix(_COMPONENTS)).replace("~1", "/").replace("~0", "~")
        if reference.startswith(_COMPONENTS) and name in self.anchors:
            return element("a", name, href=f"#{self.anchors[name]}")
        return element("code", reference)

    def _type(self, name: str, node: Mapping[str, Any], depth: int) -> Html:
        if name != "array" or depth > _MAX_DEPTH or "items" not in node:
            form = texted(node.get("format"))
            return plain(f"{name} ({form})" if form and name not in ("null", "array", "object", "boolean") else name)
        return join([plain("array of "), self.label(node["items"], depth + 1)])

    def _implied(self, node: Mapping[str, Any], depth: int) -> Html:
        for keyword, words in (("oneOf", "one of"), ("anyOf", "any of"), ("allOf", "all of")):
            parts = listed(node.get(keyword))
            if parts and depth < 2 and _are_short(parts):
                between = " or " if keyword != "allOf" else " and "
                return join(self._between([self.label(part, depth + 1) for part in parts], between))
            if parts:
                return plain(words)
        if "properties" in node or "additionalProperties" in node:
            return plain("object")
        if "items" in node:
            return self._type("array", node, depth)
        if "const" in node or "enum" in node:
            values = listed(node.get("enum")) or [node.get("const")]
            return plain(" or ".join(dict.fromkeys(_KINDS.get(type(value), "null") for value in values)))
        return plain("anything")

    @staticmethod
    def _between(pieces: Iterable[Html], separator: str) -> Iterator[Html]:
        for index, piece in enumerate(pieces):
            if index:
                yield plain(separator)
            yield piece

    def _content(self, node: Mapping[str, Any], seen: tuple[str, ...], depth: int) -> Html:
        if depth > _MAX_DEPTH:
            return element("p", "More levels are in the document itself.")
        description = texted(node.get("description"))
        properties = [
            self._property(name, value, node, seen, depth) for name, value in mapped(node.get("properties")).items()
        ]
        additional = node.get("additionalProperties", node.get("unevaluatedProperties"))
        if isinstance(additional, Mapping) and additional:
            properties.append(self._member(plain("any other name"), additional, seen, depth))
        items = node.get("items")
        return join(
            [
                markdown(description) if description else None,
                self.facts(node, with_items=False),
                element("ul", *properties, class_="properties") if properties else None,
                element("p", "No other properties.", class_="note") if additional is False else None,
                self._nested("items", items, seen, depth),
                *self._branches(node, seen, depth),
            ]
        )

    def _property(
        self, name: str, schema: object, parent: Mapping[str, Any], seen: tuple[str, ...], depth: int
    ) -> Html:
        is_required = name in listed(parent.get("required"))
        return self._member(element("code", name, class_="name"), schema, seen, depth, is_required=is_required)

    def _member(
        self, title: Html, schema: object, seen: tuple[str, ...], depth: int, *, is_required: bool = False
    ) -> Html:
        node = mapped(schema)
        description = texted(node.get("description"))
        inner = self._inner(node, seen, depth)
        return element(
            "li",
            head_of(title, [self.label(schema)], node, is_required=is_required),
            markdown(description) if description else None,
            self.facts(node),
            element("details", element("summary", "Members"), inner) if inner else None,
        )

    def _inner(self, node: Mapping[str, Any], seen: tuple[str, ...], depth: int) -> Html | None:
        """What is inside an inline schema; its description and constraints are shown already."""
        without = {key: value for key, value in node.items() if key in _STRUCTURE}
        items = mapped(without.get("items"))
        if "$ref" in items or not items.keys() & _STRUCTURE:
            without.pop("items", None)
        if _only_links(without):
            return None
        return self._content(without, seen, depth + 1) or None

    def _nested(self, word: str, schema: object, seen: tuple[str, ...], depth: int) -> Html | None:
        node = mapped(schema)
        reference = node.get("$ref")
        if isinstance(reference, str):
            if depth or reference in seen:
                return None  # its name is in the label, with a link
            seen = (*seen, reference)
            node = {**self._document.resolve({"$ref": reference}), **_beside(node)}
        inner = self._content(node, seen, depth + 1) if node else None
        if not inner:
            return None
        return element("div", element("p", f"Each of the {word}:", class_="note"), inner, class_="nested")

    def _branches(self, node: Mapping[str, Any], seen: tuple[str, ...], depth: int) -> Iterator[Html]:
        for keyword, words in _BRANCHES:
            if keyword not in node:
                continue
            value = node[keyword]
            if isinstance(value, list):
                members = [(self.label(part), part) for part in value]
            elif keyword in ("patternProperties", "dependentSchemas"):
                members = [(element("code", name, class_="name"), part) for name, part in mapped(value).items()]
            else:
                members = [(self.label(value), value)]
            rows = [self._branch(title, part, seen, depth) for title, part in members]
            yield element(
                "div", element("p", f"{words.capitalize()}:", class_="note"), element("ul", *rows), class_="nested"
            )

    def _branch(self, title: Html, schema: object, seen: tuple[str, ...], depth: int) -> Html:
        node = mapped(schema)
        if "$ref" in node:
            return element("li", title, self._aside(node))
        return element("li", title, " ", self._content(node, seen, depth + 1))

    @staticmethod
    def _aside(node: Mapping[str, Any]) -> Html | None:
        description = texted(node.get("description"))
        return markdown(description) if description else None


_STRUCTURE: Final = frozenset({"properties", "required", "additionalProperties", "unevaluatedProperties", "items"}) | {
    keyword for keyword, _ in _BRANCHES
}


def head_of(title: Html, labels: Iterable[Html | str], node: Mapping[str, Any], *, is_required: bool) -> Html:
    """The first line of a member, a parameter or a header: its name, its type, and whether it must be or may go."""
    return element(
        "div",
        title,
        " ",
        element("span", *labels, class_="type"),
        *([plain(" "), element("strong", "required", class_="required")] if is_required else []),
        *deprecated_badge(node),
        class_="head",
    )


def deprecated_badge(node: Mapping[str, Any]) -> list[Html]:
    """What is shown behind the name of what is deprecated."""
    badge = element("span", "deprecated", class_="badge deprecated")
    return [plain(" "), badge] if node.get("deprecated") is True else []


def _beside(node: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key != "$ref"}


def _only_links(node: Mapping[str, Any]) -> bool:
    """Whether the label says it all: a few names, one of which fits."""
    if not node or node.keys() - {"oneOf", "anyOf", "allOf"} or len(node) > 1:
        return not node
    (parts,) = node.values()
    return _are_short(listed(parts))


def _are_short(parts: list[Any]) -> bool:
    """Whether a name says all of each schema, and there are few."""
    return len(parts) <= 4 and all(len(mapped(part)) == 1 and mapped(part).keys() <= {"$ref", "type"} for part in parts)


def _facts(node: Mapping[str, Any]) -> Iterator[str]:
    """What a value must be, one fact after the other."""
    if node.keys() <= _NO_FACTS:
        return
    if "const" in node:
        yield f"always {written(node['const'])}"
    if values := listed(node.get("enum")):
        more = f" and {len(values) - _MAX_VALUES} more" if len(values) > _MAX_VALUES else ""
        yield f"one of {', '.join(map(written, values[:_MAX_VALUES]))}{more}"
    yield from _bounds(node)
    for least, most, one, many in _SIZES:
        if text := _range(node.get(least), node.get(most), one, many):
            yield text
    if "multipleOf" in node:
        yield f"a multiple of {written(node['multipleOf'])}"
    yield from (f"{words} {node[keyword]}" for keyword, words in _TEXTS.items() if texted(node.get(keyword)))
    yield from (words for keyword, words in _FLAGS.items() if node.get(keyword) is True)
    if "default" in node:
        yield f"default {written(node['default'])}"
    if examples := [node["example"]] if "example" in node else listed(node.get("examples")):
        yield f"for example {', '.join(map(written, examples[:3]))}"


def _bounds(node: Mapping[str, Any]) -> Iterator[str]:
    minimum, maximum = node.get("minimum"), node.get("maximum")
    above, below = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    if above is True:  # OpenAPI 3.0
        minimum, above = None, minimum
    if below is True:
        maximum, below = None, maximum
    if _is_number(minimum) and _is_number(maximum):
        yield f"{written(minimum)} to {written(maximum)}"
    elif _is_number(minimum):
        yield f"at least {written(minimum)}"
    elif _is_number(maximum):
        yield f"at most {written(maximum)}"
    if _is_number(above):
        yield f"more than {written(above)}"
    if _is_number(below):
        yield f"less than {written(below)}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _range(least: object, most: object, one: str, many: str) -> str | None:
    if not _is_number(least) and not _is_number(most):
        return None
    low, high = (written(value) if _is_number(value) else None for value in (least, most))
    if low == high:
        return f"{low} {one if low == '1' else many}"
    if high is None:
        return None if low == "0" else f"at least {low} {one if low == '1' else many}"
    return f"{low} to {high} {many}" if low not in (None, "0") else f"at most {high} {one if high == '1' else many}"
