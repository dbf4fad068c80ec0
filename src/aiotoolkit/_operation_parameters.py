"""The parameters of an operation, as one schema for each place that they are in."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from aiotoolkit._documents import pointer_to
from aiotoolkit._operation_source import Bundle, Found, Source

__all__ = ["PlaceSchema", "is_json", "parameter_schemas", "parameters_in", "styled"]

_PLACES: Final[Mapping[str, str]] = {"path": "path", "query": "query", "header": "headers", "cookie": "cookies"}
_DEFAULT_STYLE: Final[Mapping[str, str]] = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}
# "If in is header and the name field is one of these, the parameter definition SHALL be ignored" (OpenAPI 3.1.1,
# section 4.8.12.2): other parts of the document say what they must be.
_IGNORED: Final = frozenset({"accept", "content-type", "authorization"})
_JSON: Final = re.compile(r"application/json|[^/;]+/[^/;]+\+json")


class PlaceSchema(NamedTuple):
    """The schema of all parameters in one place.

    Attributes:
        contents: the schema of the object that they make.
        bundle: knows where its parts come from.
        names: the parameters' names.
    """

    contents: dict[str, Any]
    bundle: Bundle
    names: tuple[str, ...]


def is_json(media_type: str) -> bool:
    """Tell whether a media type is JSON's, or one that is built on it."""
    return _JSON.fullmatch(media_type.partition(";")[0].strip().lower()) is not None


def parameters_in(source: Source, path_item: Found, operation: Found) -> list[Found]:
    """The parameters of an operation, with those of its path that it does not have itself."""
    merged: dict[tuple[str, str], Found] = {}
    for owner in (path_item, operation):
        own: set[tuple[str, str]] = set()
        for parameter in _listed(source, owner):
            name, where = parameter.get("name"), parameter.get("in")
            if not isinstance(name, str) or not name or not isinstance(where, str) or where not in _PLACES:
                raise parameter.error(f"A parameter has a name, and is in one of {', '.join(_PLACES)}")
            key = (name.lower() if where == "header" else name, where)
            if key in own:
                raise parameter.error(f"The {where} parameter {name!r} is given twice")
            own.add(key)
            merged[key] = parameter
    return [each for (name, where), each in merged.items() if not (where == "header" and name in _IGNORED)]


def _listed(source: Source, owner: Found) -> Iterator[Found]:
    several = owner.get("parameters", [])
    if not isinstance(several, list):
        raise owner.error("parameters must be a list", "parameters")
    for index, contents in enumerate(several):
        yield source.found(contents, (*owner.path, "parameters", index))


def parameter_schemas(source: Source, parameters: list[Found], also_in_query: frozenset[str]) -> dict[str, PlaceSchema]:
    """The schema of each place that has parameters, by the name that a view has for it.

    Of the query, names that no parameter has are refused; headers and cookies that none names are never read.

    Args:
        source: the document.
        parameters: the operation's own, and its path's.
        also_in_query: more names that a query may have, such as that of an API key.

    Raises:
        InvalidDocumentError: a parameter says what cannot be.
    """
    schemas: dict[str, PlaceSchema] = {}
    for where, argument in _PLACES.items():
        found = [parameter for parameter in parameters if parameter.get("in") == where]
        if not found:
            continue
        bundle = Bundle(source, "request")
        properties, required = {}, []
        for parameter in found:
            name = parameter.get("name")
            if where == "query" and name in also_in_query:
                raise parameter.error(f"The query parameter {name!r} is a security scheme's: leave it to that")
            properties[name] = _property(parameter, where, bundle)
            if parameter.get("required") is True or where == "path":
                required.append(name)
        if where == "path" and not all(parameter.get("required") is True for parameter in found):
            wrong = next(parameter for parameter in found if parameter.get("required") is not True)
            raise wrong.error("A path parameter must say required: true")
        contents: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
        if where == "query":
            contents["additionalProperties"] = False
        schemas[argument] = PlaceSchema(bundle.finished(contents), bundle, tuple(properties))
    return schemas


def _property(parameter: Found, where: str, bundle: Bundle) -> Any:
    name = parameter.get("name")
    at = pointer_to(("properties", name))
    contents = styled(parameter, bundle, at, style=_DEFAULT_STYLE[where])
    if parameter.get("allowEmptyValue") is True:
        if where != "query":
            raise parameter.error("allowEmptyValue is for query parameters only", "allowEmptyValue")
        style = {key: contents.pop(key) for key in ("style", "explode") if key in contents}
        return {"anyOf": [contents, {"const": ""}], **style}
    return contents


def styled(parameter: Found, bundle: Bundle, at: str, *, style: str) -> dict[str, Any]:
    """The schema of a parameter or a header, with the words ``style`` and ``explode`` beside it.

    Args:
        parameter: a Parameter Object or a Header Object.
        bundle: what the schema becomes a part of.
        at: where in that.
        style: the default.
    """
    content = parameter.get("content")
    if content is not None:
        return _in_content(parameter, content, bundle, at)
    if "schema" not in parameter.contents:
        raise parameter.error("A parameter has a schema, or content")
    said = parameter.get("style", style)
    explode = parameter.get("explode", said == "form") or said == "deepObject"
    if not isinstance(said, str) or not isinstance(explode, bool):
        raise parameter.error("style is text, and explode is true or false")
    contents = bundle.add(parameter.get("schema"), (*parameter.path, "schema"), at)
    if isinstance(contents, bool):
        contents = {"allOf": [contents]}
    return {**contents, "style": said, "explode": explode}


def _in_content(parameter: Found, content: Any, bundle: Bundle, at: str) -> dict[str, Any]:
    if not isinstance(content, dict) or len(content) != 1 or "schema" in parameter.contents:
        raise parameter.error("content has one media type, and then there is no schema beside it", "content")
    ((media_type, inside),) = content.items()
    if not is_json(media_type):
        message = f"A parameter of type {media_type!r} is not supported: only JSON is"
        raise parameter.error(message, "content", media_type)
    schema = inside.get("schema", True) if isinstance(inside, dict) else True
    contents = bundle.add(schema, (*parameter.path, "content", media_type, "schema"), at)
    return {**({"allOf": [contents]} if isinstance(contents, bool) else contents), "style": "json"}
