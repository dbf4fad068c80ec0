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
            name: parameter_of(document, schemas, place, name=name) for name, schemas in _properties(certain).items()
        }
        for name, schemas in _properties(possible).items():
            if name not in self._parameters:
                self._parameters[name] = parameter_of(document, schemas, place, any_of=True, name=name)
        self._undeclared = _undeclared(document, certain, place)
        required = [name for part in (*certain, *possible) for name in _required(part)]
        self.names = tuple(dict.fromkeys([*self._parameters, *required]))
        self._scalars = {name: scalar_parser(parameter) for name, parameter in self._parameters.items()}
        self._undeclared_scalar = scalar_parser(self._undeclared)
        self._gathered = Gathered(document, self._parameters)

    def read_scalars(self, pairs: Iterable[tuple[str, str]]) -> dict[str, Any] | None:
        """Convert names and texts in one pass, or None for what only :meth:`read` can: it gives the same otherwise."""
        if self._gathered:
            return None
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
        if self._gathered:
            values = self._gather(values, converted)
        for name, found in values.items():
            parameter = self._parameters.get(name, self._undeclared)
            converted.violations.extend(
                Violation((name,), keyword, message) for keyword, message in _problems(parameter, name, found)
            )
            try:
                converted.data[name] = parameter.read(found)
            except ValueError as error:
                converted.violations.append(Violation((name,), "style", str(error)))
            if parameter.is_file:
                converted.files[name] = found if parameter.is_array else found[0]
        return converted

    def _gather(self, values: Mapping[str, Sequence[Any]], converted: "Converted") -> dict[str, Sequence[Any]]:
        """Convert the objects whose members have names of their own; returns what is left."""
        objects, left = self._gathered.take(values)
        for name, pairs in objects.items():
            if not all(is_unicode(text) for pair in pairs for text in pair if isinstance(text, str)):
                converted.violations.append(Violation((name,), "encoding", "must be text in UTF-8"))
            try:
                converted.data[name] = self._parameters[name].read_members(pairs)
            except ValueError as error:
                converted.violations.append(Violation((name,), "style", str(error)))
        for name in left:
            if name in self._parameters and self._parameters[name].gathered is not None:
                message = "is an object, and given by its members"
                converted.violations.append(Violation((name,), "style", message))
        return left


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
    elif parameter.media_types and not all(_is_of_type(item.content_type, parameter.media_types) for item in found):
        yield "contentMediaType", f"must be of type {', '.join(parameter.media_types)}"
    if not all(is_unicode(item) for item in (name, *found) if isinstance(item, str)):
        yield "encoding", "must be text in UTF-8"


def _is_of_type(content_type: str, media_types: Iterable[str]) -> bool:
    """Tell whether a media type is one of these, or in one of these ranges."""
    named = content_type.partition(";")[0].strip().lower()
    return any(each in ("*/*", named) or (each.endswith("/*") and named.startswith(each[:-1])) for each in media_types)


class Gathered:
    """The parameters that are objects whose members have names of their own: ``filter[a]=1``, or ``a=1``.

    Raises:
        InvalidSchemaError: two parameters would have a name in common.
    """

    def __init__(self, document: Document, parameters: Mapping[str, Parameter]) -> None:
        self._deep = {name for name, each in parameters.items() if each.gathered == "deepObject"}
        exploded = {name: each for name, each in parameters.items() if each.gathered == "form"}
        self._members: dict[str, str] = {}
        for name, parameter in exploded.items():
            for member in parameter.members or ():
                if self._members.setdefault(member, name) != name or (member in parameters and member not in exploded):
                    message = f"The member {member!r} of {name!r} is another parameter's name: use style deepObject"
                    raise InvalidSchemaError(message)
        open_ones = [name for name, parameter in exploded.items() if parameter.others is not None]
        if len(open_ones) > 1:
            names = " and ".join(map(repr, open_ones))
            raise InvalidSchemaError(f"A name could belong to {names}: give them the style deepObject")
        self._open = open_ones[0] if open_ones else None
        self._declared = set(parameters) - set(exploded)
        self._is_any = bool(self._deep or exploded)

    def __bool__(self) -> bool:
        return self._is_any

    def take(
        self, values: Mapping[str, Sequence[Any]]
    ) -> tuple[dict[str, list[tuple[str, Any]]], dict[str, Sequence[Any]]]:
        """The names and texts of each object's members, and what is left."""
        objects: dict[str, list[tuple[str, Any]]] = {}
        left: dict[str, Sequence[Any]] = {}
        for name, found in values.items():
            owner, member = self._owner(name)
            if owner is None:
                left[name] = found
            else:
                objects.setdefault(owner, []).extend((member, item) for item in found)
        return objects, left

    def _owner(self, name: str) -> tuple[str | None, str]:
        owner, bracket, rest = name.partition("[")
        if bracket and rest.endswith("]") and owner in self._deep:
            return owner, rest[:-1]
        if name in self._members:
            return self._members[name], name
        if self._open is not None and name not in self._declared:
            return self._open, name
        return None, name


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
