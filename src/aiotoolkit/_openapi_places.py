"""What one Schema reads and answers, as OpenAPI says it: parameters, request bodies and responses."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from aiotoolkit._answering import DeclaredResponse
from aiotoolkit._documents import Document, Subschema
from aiotoolkit._openapi_paths import schema_of_pattern
from aiotoolkit._openapi_schemas import Components
from aiotoolkit._parameter import parameter_of, style_of
from aiotoolkit._parameters import stated_parameters
from aiotoolkit._validation import CompiledSchema
from aiotoolkit.problems import default_title
from aiotoolkit.responses import BODYLESS

__all__ = ["parameters_of", "path_parameters", "request_body", "response_of", "schema_reads"]

_PLACES: Final = {"path": "path", "query": "query", "headers": "header", "cookies": "cookie"}

# As headers they are described elsewhere in the document, and ignored as parameters (OpenAPI 3.1.1, section 4.8.12.1).
_ELSEWHERE: Final = frozenset({"accept", "authorization", "content-type"})


def schema_reads(schemas: Mapping[str, CompiledSchema], *places: str) -> bool:
    """Tell whether one of the places is declared."""
    return any(place in schemas for place in places)


def path_parameters(
    regexes: Mapping[str, str], schema: CompiledSchema | None, components: Components, hint: str
) -> Iterator[tuple[dict[str, Any], bool]]:
    """The dynamic parts of a path, and whether each is said entirely.

    Args:
        regexes: of each part, what the router asks of it.
        schema: what a Schema says of them; of a part that it does not name, the router's says all.
        components: where named schemas go.
        hint: what to call a schema without a name.

    Raises:
        ValueError: the schema requires a part that the path does not have: every request would be refused.
    """
    stated = {} if schema is None else {item.name: item for item in stated_parameters(schema.document)}
    lacking = [name for name, item in stated.items() if item.is_required and name not in regexes]
    if lacking:
        raise ValueError(f"its path= schema requires {', '.join(map(repr, lacking))}, which the path does not have")
    for name, regex in regexes.items():
        routed, is_complete = schema_of_pattern(regex)
        if schema is None or name not in stated or not stated[name].subschemas:
            yield {"name": name, "in": "path", "required": True, "schema": routed}, is_complete
            continue
        item = stated[name]
        parameter = _parameter("path", name, schema.document, item.subschemas, components, hint, any_of=item.any_of)
        parameter["schema"], is_said = _with_route(parameter["schema"], routed)
        yield {**_head(parameter), "required": True, **parameter}, is_complete or is_said


_SAYS_MORE: Final = frozenset({"$ref", "allOf", "anyOf", "const", "enum", "format", "oneOf", "pattern"})
_LIMITS: Final = ("minimum", "exclusiveMinimum")


def _with_route(stated: Any, routed: Mapping[str, Any]) -> tuple[Any, bool]:
    """A schema with what the router asks besides; and whether the schema says enough by itself."""
    if not isinstance(stated, dict) or _SAYS_MORE & {key for key, value in stated.items() if value != "int64"}:
        return stated, True
    if stated.get("type") == "string" and routed["type"] == "string":
        more = {key: value for key, value in routed.items() if key not in ("type", "minLength")}
        return {**stated, **more}, False
    if stated.get("type") == "integer" and "minimum" in routed and not any(limit in stated for limit in _LIMITS):
        return {**stated, "minimum": routed["minimum"]}, True
    return stated, True


def parameters_of(schemas: Mapping[str, CompiledSchema], components: Components, hint: str) -> Iterator[dict[str, Any]]:
    """The parameters in the query, the headers and the cookies."""
    for place in ("query", "headers", "cookies"):
        if place not in schemas:
            continue
        document = schemas[place].document
        for item in stated_parameters(document):
            if place == "headers" and item.name.lower() in _ELSEWHERE:
                continue
            if any(part.contents is False for part in item.subschemas):  # it may never be given
                continue
            parameter = _parameter(place, item.name, document, item.subschemas, components, hint, any_of=item.any_of)
            yield {**_head(parameter), "required": item.is_required, **parameter}


def _head(parameter: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": parameter["name"], "in": parameter["in"]}


def _parameter(
    place: str,
    name: str,
    document: Document,
    subschemas: list[Subschema],
    components: Components,
    hint: str,
    *,
    any_of: bool = False,
) -> dict[str, Any]:
    said = [components.schema(document, part.contents, hint=f"{hint} {name}") for part in subschemas]
    schema = _joined(said, any_of=any_of)
    parameter: dict[str, Any] = {"name": name, "in": _PLACES[place]}
    for keyword, kind in (("description", str), ("deprecated", bool)):
        if isinstance(schema, dict) and "$ref" not in schema and isinstance(schema.get(keyword), kind):
            parameter[keyword] = schema[keyword]
            schema = {key: value for key, value in schema.items() if key != keyword}
    if subschemas and parameter_of(document, subschemas, place, any_of=any_of).is_array:
        parameter |= _style(subschemas, place)
    return {**parameter, "schema": schema}


def _joined(said: list[Any], *, any_of: bool) -> Any:
    if len(said) == 1:
        return said[0]
    return {"anyOf" if any_of else "allOf": said} if said else {"type": "string"}


# What OpenAPI has where nothing is said; in a cookie it is not what can be read.
_DEFAULT_STYLES: Final = {
    "query": ("form", True),
    "form": ("form", True),
    "path": ("simple", False),
    "headers": ("simple", False),
    "cookies": ("form", True),
}


def _style(subschemas: list[Subschema], place: str) -> dict[str, Any]:
    style, explode = style_of(subschemas, place)
    return {} if (style, explode) == _DEFAULT_STYLES[place] else {"style": style, "explode": explode}


def request_body(
    schemas: Mapping[str, CompiledSchema], components: Components, hint: str, *, required: bool
) -> dict[str, Any] | None:
    """The body of a request, JSON or a form; None where there is none."""
    if "body" in schemas:
        schema = components.schema(schemas["body"].document, hint=hint)
        return {"required": required, "content": {"application/json": {"schema": schema}}}
    if "form" not in schemas:
        return None
    document = schemas["form"].document
    media: dict[str, Any] = {"schema": components.schema(document, hint=hint)}
    encoding: dict[str, Any] = {}
    has_files = False
    for item in stated_parameters(document):
        if item.subschemas:
            parameter = parameter_of(document, item.subschemas, "form", any_of=item.any_of)
            has_files = has_files or parameter.is_file
            if parameter.is_array and (style := _style(item.subschemas, "form")):
                encoding[item.name] = style
    if encoding:
        media["encoding"] = encoding
    types = ["multipart/form-data"] if has_files else ["application/x-www-form-urlencoded", "multipart/form-data"]
    return {"required": required, "content": dict.fromkeys(types, media)}


def response_of(status: int, declared: DeclaredResponse | None, components: Components, hint: str) -> dict[str, Any]:
    """An answer with a status; of one that is not declared, there is only its name."""
    if declared is None:
        return {"description": title_of(status)}
    response: dict[str, Any] = {"description": declared.description or title_of(status)}
    headers = {
        name: _header(schema, is_array=parameter.is_array, components=components, hint=f"{hint} {name}")
        for name, (schema, parameter) in declared.headers.items()
        if name.lower() != "content-type"  # it is in content
    }
    if headers:
        response["headers"] = headers
    if declared.schema is not None:
        schema = components.schema(declared.schema.document, hint=hint)
        response["content"] = {declared.content_type: {"schema": schema}}
    elif declared.content_type != "application/json" and status not in BODYLESS:
        response["content"] = {declared.content_type: {}}
    return response


def _header(schema: CompiledSchema, *, is_array: bool, components: Components, hint: str) -> dict[str, Any]:
    said = components.schema(schema.document, hint=hint)
    header: dict[str, Any] = {}
    if isinstance(said, dict) and "$ref" not in said and isinstance(said.get("description"), str):
        header["description"] = said["description"]
        said = {key: value for key, value in said.items() if key != "description"}
    if is_array:
        header |= _style([schema.document.root], "headers")
    return {**header, "schema": said}


def title_of(status: int) -> str:
    """The name of a status."""
    if status >= 400:
        return default_title(status)
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Success" if status < 300 else "Redirection"
