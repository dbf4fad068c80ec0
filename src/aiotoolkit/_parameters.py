"""Parameters: the text of query strings, paths, headers, cookies and forms, converted by its schema.

A text that is not of its schema's type stays text, so that the engine says what is wrong with it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from aiotoolkit._documents import Document, InvalidSchemaError, Subschema
from aiotoolkit._engines import Violation
from aiotoolkit._text import is_unicode, parse_boolean, parse_integer, parse_number

__all__ = ["Converted", "Parameter", "Parameters", "parameter_of"]

_PARSERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "integer": parse_integer,
    "number": parse_number,
    "boolean": parse_boolean,
}


class Parameter(NamedTuple):
    """How the text of one parameter is read."""

    parsers: tuple[Callable[[str], Any], ...]
    is_array: bool
    is_file: bool

    def convert(self, text: str) -> Any:
        for parse in self.parsers:
            try:
                return parse(text)
            except ValueError:
                continue
        return text


_TEXT: Final = Parameter((), is_array=False, is_file=False)


class Parameters:
    """The parameters of one place, compiled from the schema of the object that they make.

    Attributes:
        names: the declared names, in the schema's order, and then those that are only required.

    Args:
        document: the schema.
        named_only: whether only those that the schema names are ever read.

    Raises:
        InvalidSchemaError: the schema allows no object, or is about names that are never read.
    """

    def __init__(self, document: Document, *, named_only: bool = False) -> None:
        properties: dict[str, list[Subschema]] = {}
        required: list[str] = []
        self._undeclared = _TEXT
        for part in _always(document.root):
            keywords = part.keywords
            if "type" in keywords and "object" not in _types(part):
                message = 'It describes all parameters together, as an object: {"type": "object", "properties": ...}'
                raise InvalidSchemaError(message, document.pointer(part.contents))
            for keyword in _ABOUT_OTHERS if named_only else ():
                if keyword in keywords:
                    message = f"Only what properties or required name is read: {keyword} has no use here"
                    raise InvalidSchemaError(message, document.pointer(part.contents))
            for name, schema in keywords.get("properties", {}).items():
                properties.setdefault(name, []).append(part.inside(schema))
            if isinstance(keywords.get("additionalProperties"), dict):
                self._undeclared = parameter_of(part.inside(keywords["additionalProperties"]))
            required += keywords.get("required", ())
        self._parameters = {name: parameter_of(*subschemas) for name, subschemas in properties.items()}
        self.names = tuple(dict.fromkeys([*self._parameters, *required]))

    def read(self, values: Mapping[str, Sequence[Any]]) -> "Converted":
        """Convert the values of each name: text, or files, which are no text.

        Args:
            values: all values of each name, at least one.
        """
        converted = Converted({}, {}, [])
        for name, found in values.items():
            parameter = self._parameters.get(name, self._undeclared)
            converted.violations.extend(
                Violation((name,), keyword, message) for keyword, message in _problems(parameter, name, found)
            )
            items = [parameter.convert(item) if isinstance(item, str) else _FILE for item in found]
            converted.data[name] = items if parameter.is_array else items[0]
            if parameter.is_file:
                converted.files[name] = found if parameter.is_array else found[0]
        return converted


class Converted(NamedTuple):
    """Parameters as data.

    Attributes:
        data: plain data, with an empty text for each file.
        files: the files that belong in its place.
        violations: what a schema could not see: a name given twice that is no array, a file where there is a text, or
            the other way round, text that is no Unicode.
    """

    data: dict[str, Any]
    files: dict[str, Any]
    violations: list[Violation]


_FILE: Final = ""
_ABOUT_OTHERS: Final = ("patternProperties", "minProperties")


def _problems(parameter: Parameter, name: str, found: Sequence[Any]) -> Iterator[tuple[str, str]]:
    if len(found) > 1 and not parameter.is_array:
        yield "duplicate", "must be given once"
    if any(parameter.is_file is isinstance(item, str) for item in found):
        yield "type", "must be a file" if parameter.is_file else "must not be a file"
    if not all(is_unicode(item) for item in (name, *found) if isinstance(item, str)):
        yield "encoding", "must be text in UTF-8"


def _always(subschema: Subschema) -> Iterator[Subschema]:
    """The schema, and those that always apply with it."""
    yield subschema
    keywords = subschema.keywords
    for schema in keywords.get("allOf", ()):
        yield from _always(subschema.inside(schema))
    if "$ref" in keywords:
        yield from _always(subschema.lookup(keywords["$ref"]))


def _possible(subschema: Subschema) -> Iterator[Subschema]:
    """The schema, and those that may apply with it."""
    for part in _always(subschema):
        yield part
        for keyword in ("anyOf", "oneOf"):
            for schema in part.keywords.get(keyword, ()):
                yield from _possible(part.inside(schema))


def parameter_of(*subschemas: Subschema) -> Parameter:
    """How the text of a parameter is read, which all of these schemas describe."""
    parts = [part for subschema in subschemas for part in _possible(subschema)]
    types = {name for part in parts for name in _types(part)}
    if "array" in types:
        items = [part.inside(part.keywords["items"]) for part in parts if isinstance(part.keywords.get("items"), dict)]
        parts += [found for item in items for found in _possible(item)]
        types |= {name for part in parts for name in _types(part)}
    parsers = tuple(parser for name, parser in _PARSERS.items() if name in types)
    is_file = any(part.keywords.get("format") == "binary" for part in parts)
    return Parameter(parsers, is_array="array" in types, is_file=is_file)


_JSON_TYPES: Final[Mapping[type, str]] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def _types(subschema: Subschema) -> list[str]:
    """The types that a schema names; without any, those of its ``enum`` or ``const``."""
    keywords = subschema.keywords
    named = keywords.get("type", ())
    if named:
        return [named] if isinstance(named, str) else list(named)
    values = keywords.get("enum", [keywords["const"]] if "const" in keywords else [])
    return [_JSON_TYPES[type(value)] for value in values if type(value) in _JSON_TYPES]
