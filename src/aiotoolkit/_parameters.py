"""Parameters: the text of query strings, paths, headers, cookies and forms, converted by its schema.

A text that is not of its schema's type stays text, so that the engine says what is wrong with it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from aiotoolkit._documents import Document, InvalidSchemaError, Subschema, always
from aiotoolkit._engines import Violation
from aiotoolkit._parameter import TEXT, Parameter, parameter_of, scalar_parser
from aiotoolkit._text import is_unicode

__all__ = ["Converted", "Parameters", "Stated", "stated_parameters"]


class Parameters:
    """The parameters of one place, compiled from the schema of the object that they make.

    Attributes:
        names: the declared names, in the schema's order, and then those that are only required.

    Args:
        document: the schema.
        place: ``query``, ``path``, ``headers``, ``cookies`` or ``form``. Of headers and cookies only those that the
            schema names are ever read.

    Raises:
        InvalidSchemaError: the schema allows no object, is about names that are never read, or has a parameter that
            could never be given.
    """

    def __init__(self, document: Document, place: str = "query") -> None:
        certain, possible = _parts(document)
        for part in certain:
            _check_object(document, part, named_only=place in ("headers", "cookies"))
        self._parameters = {
            name: parameter_of(document, schemas, place) for name, schemas in _properties(certain).items()
        }
        for name, schemas in _properties(possible).items():
            if name not in self._parameters:
                self._parameters[name] = parameter_of(document, schemas, place, any_of=True)
        self._undeclared = _undeclared(document, certain, place)
        required = [name for part in (*certain, *possible) for name in _required(part)]
        self.names = tuple(dict.fromkeys([*self._parameters, *required]))
        self._scalars = {name: scalar_parser(parameter) for name, parameter in self._parameters.items()}
        self._undeclared_scalar = scalar_parser(self._undeclared)

    def read_scalars(self, pairs: Iterable[tuple[str, str]]) -> dict[str, Any] | None:
        """Convert names and texts in one pass, or None for what only :meth:`read` can: it gives the same otherwise."""
        data: dict[str, Any] = {}
        scalars, undeclared = self._scalars, self._undeclared_scalar
        try:
            for name, text in pairs:
                if name in data or not (text.isascii() and name.isascii()):
                    return None
                data[name] = scalars.get(name, undeclared)(text)
        except ValueError:
            return None
        return data

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
            converted.data[name] = parameter.read(found)
            if parameter.is_file:
                converted.files[name] = found if parameter.is_array else found[0]
        return converted


class Stated(NamedTuple):
    """What a schema says of one parameter.

    Attributes:
        name: the parameter's.
        subschemas: those of the property; none where it is only required.
        is_required: whether it must always be there.
        any_of: whether only one of the schemas must hold, and not all of them.
    """

    name: str
    subschemas: list[Subschema]
    is_required: bool
    any_of: bool


def stated_parameters(document: Document) -> list[Stated]:
    """The parameters that a schema names, in its order; those that are only required come last."""
    certain, possible = _parts(document)
    required = dict.fromkeys(name for part in certain for name in part.keywords.get("required", ()))
    always_there, perhaps_there = _properties(certain), _properties(possible)
    stated = {name: Stated(name, found, name in required, any_of=False) for name, found in always_there.items()}
    for name, found in perhaps_there.items():
        stated.setdefault(name, Stated(name, found, name in required, any_of=True))
    for name in required:
        stated.setdefault(name, Stated(name, [], is_required=True, any_of=False))
    return list(stated.values())


class Converted(NamedTuple):
    """Parameters as data.

    Attributes:
        data: plain data, with an empty text for each file.
        files: the files that belong in its place.
        violations: what a schema could not see: a name given twice that is no array, a file where there is a text, or
            the other way round, a file that is too large, text that is no Unicode.
    """

    data: dict[str, Any]
    files: dict[str, Any]
    violations: list[Violation]


def _problems(parameter: Parameter, name: str, found: Sequence[Any]) -> Iterator[tuple[str, str]]:
    if len(found) > 1 and not parameter.may_repeat:
        yield "duplicate", "must be given once"
    if any(parameter.is_file is isinstance(item, str) for item in found):
        yield "type", "must be a file" if parameter.is_file else "must not be a file"
    elif parameter.max_size is not None and any(item.size > parameter.max_size for item in found):
        yield "maxLength", f"must have at most {parameter.max_size} bytes"
    if not all(is_unicode(item) for item in (name, *found) if isinstance(item, str)):
        yield "encoding", "must be text in UTF-8"


_ABOUT_OTHERS: Final = ("patternProperties", "minProperties")


def _check_object(document: Document, part: Subschema, *, named_only: bool) -> None:
    keywords = part.keywords
    types = keywords.get("type", "object")
    if "object" not in ([types] if isinstance(types, str) else types):
        message = 'It describes all parameters together, as an object: {"type": "object", "properties": ...}'
        raise InvalidSchemaError(message, document.pointer(part.contents))
    for keyword in _ABOUT_OTHERS if named_only else ():
        if keyword in keywords:
            message = f"Only what properties or required name is read: {keyword} has no use here"
            raise InvalidSchemaError(message, document.pointer(part.contents))


def _parts(document: Document) -> tuple[list[Subschema], list[Subschema]]:
    """The schemas that always apply to the object of all parameters, and those that may."""
    certain = list(always(document.root))
    known = {id(part.contents) for part in certain}
    return certain, [part for part in _possible(document.root) if id(part.contents) not in known]


def _possible(subschema: Subschema) -> Iterator[Subschema]:
    """The schema, and those that may apply to the same object with it."""
    yield subschema
    keywords = subschema.keywords
    inside = [schema for keyword in ("allOf", "anyOf", "oneOf") for schema in keywords.get(keyword, ())]
    inside += [keywords[keyword] for keyword in ("if", "then", "else") if keyword in keywords]
    for keyword in ("dependentSchemas", "dependencies"):
        inside += [schema for schema in keywords.get(keyword, {}).values() if isinstance(schema, dict)]
    for schema in inside:
        yield from _possible(subschema.inside(schema))
    if "$ref" in keywords:
        yield from _possible(subschema.lookup(keywords["$ref"]))


def _properties(parts: Sequence[Subschema]) -> dict[str, list[Subschema]]:
    properties: dict[str, list[Subschema]] = {}
    for part in parts:
        for name, schema in part.keywords.get("properties", {}).items():
            properties.setdefault(name, []).append(part.inside(schema))
    return properties


def _required(part: Subschema) -> Iterator[str]:
    """The names that a schema requires, or may."""
    yield from part.keywords.get("required", ())
    for keyword in ("dependentRequired", "dependencies"):
        for name, others in part.keywords.get(keyword, {}).items():
            yield name
            yield from others if isinstance(others, list) else ()


def _undeclared(document: Document, certain: Sequence[Subschema], place: str) -> Parameter:
    """How the names are read that no property describes.

    A name is never matched with the patterns of ``patternProperties``: so these must all be read alike.
    """
    readings: list[Parameter] = []
    patterns: Subschema | None = None
    for part in certain:
        keywords = part.keywords
        schemas = [keywords.get(keyword) for keyword in ("additionalProperties", "unevaluatedProperties")]
        if "patternProperties" in keywords:
            patterns = part
            schemas += keywords["patternProperties"].values()
        inside = [part.inside(schema) for schema in schemas if isinstance(schema, dict)]
        readings += [parameter_of(document, [schema], place) for schema in inside]
    if patterns is not None and readings:
        readings = [parameter._replace(fits=None) for parameter in readings]
        if readings.count(readings[0]) != len(readings):
            message = "The names that match patternProperties are read before they are matched: give them one type"
            raise InvalidSchemaError(message, document.pointer(patterns.contents) + "/patternProperties")
    return readings[0] if readings else TEXT
