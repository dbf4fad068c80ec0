"""The request body of an operation: of each of its media types, how it is read and checked."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from aiotoolkit._documents import InvalidSchemaError
from aiotoolkit._engines import Engine, Violation
from aiotoolkit._json import to_plain
from aiotoolkit._kinds import kinds_of
from aiotoolkit._openapi_document import InvalidDocumentError
from aiotoolkit._operation_compiling import Compiler
from aiotoolkit._operation_source import Bundle, Found, Source
from aiotoolkit._parameter import Parameter, parameter_of
from aiotoolkit._parameters import Parameters
from aiotoolkit._reading import RequestReader, RequestValidationError, parameters_of, place_errors, validated
from aiotoolkit._validation import CompiledSchema
from aiotoolkit.problems import Problem
from aiotoolkit.requests import check_content, damaged_body, read_form, read_json_text

__all__ = ["Bodies", "Body", "Decoder", "OperationReader", "bodies_of"]

Decoder = Callable[[bytes], Any]
"""Makes data of the body of a media type; its ValueError is answered with 400."""

_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


class Body(NamedTuple):
    """One media type of a request body.

    Attributes:
        kind: how it is read: ``json``, ``form``, ``text``, ``bytes`` or ``decoded``.
        schema: what its data must be.
        parameters: how a form's fields are read.
        text: how text is read.
        max_size: of bytes.
        decode: makes its data.
    """

    kind: str
    schema: CompiledSchema
    parameters: Parameters | None = None
    text: Parameter | None = None
    max_size: int | None = None
    decode: Decoder | None = None

    @property
    def argument(self) -> str:
        return "form" if self.kind == "form" else "body"


class Bodies(NamedTuple):
    """The media types of an operation's body, in the document's order.

    Attributes:
        by_type: how each is read; a range such as ``image/*`` among them.
        is_required: whether a request without a body is refused.
    """

    by_type: Mapping[str, Body]
    is_required: bool


def bodies_of(compiler: Compiler, operation: Found, decoders: Mapping[str, Decoder]) -> Bodies | None:
    """The body of an operation; None where it has none.

    Raises:
        InvalidDocumentError: there is a media type that cannot be read, or what cannot be checked.
    """
    if "requestBody" not in operation.contents:
        return None
    source = compiler.source
    body = source.found(operation.get("requestBody"), (*operation.path, "requestBody"))
    by_type = {}
    for media_type, found in source.members(body, "content"):
        name = media_type.partition(";")[0].strip().lower()
        by_type[name] = _body(compiler, found, name, decoders)
    if not by_type:
        raise body.error("A request body has content: a media type at least")
    return Bodies(by_type, body.get("required", False) is True)


def _body(compiler: Compiler, media: Found, media_type: str, decoders: Mapping[str, Decoder]) -> Body:
    if media_type in _FORMS:
        return _form(compiler, media, media_type)
    schema = compiler.body(media.get("schema", True), (*media.path, "schema"), "request")
    if _is_json_type(media_type):
        return Body("json", schema)
    if media_type in decoders:
        return Body("decoded", schema, decode=decoders[media_type])
    return _raw(media, media_type, schema)


def _is_json_type(media_type: str) -> bool:
    return media_type == "application/json" or media_type.endswith("+json")


# What may be said of bytes that nobody looks into.
_OF_BYTES: Final = frozenset(
    [
        "type",
        "format",
        "contentMediaType",
        "contentEncoding",
        "maxLength",
        "title",
        "deprecated",
        "$ref",
        "$defs",
        "allOf",
        "nullable",
        "default",
        "readOnly",
        "writeOnly",
    ]
)


def _raw(media: Found, media_type: str, schema: CompiledSchema) -> Body:
    """A body that is text, or bytes that are not looked at."""
    root = schema.document.root
    kinds = kinds_of(root)
    says_bytes = any(
        part.keywords.get("format") == "binary" or "contentMediaType" in part.keywords
        for part in schema.document.subschemas
    )
    if media_type.startswith("text/") and not says_bytes and not kinds.names & {"object", "array"}:
        return Body("text", schema, text=parameter_of(schema.document, [root], "query"))
    known = all(_OF_BYTES.issuperset(part.keywords) for part in schema.document.subschemas)
    if not kinds.allows("string") or not known:
        message = (
            f"A body of type {media_type!r} cannot be checked by its schema: give setup_operations a function that "
            f"makes data of its bytes, decoders={{{media_type!r}: ...}}"
        )
        raise media.error(message)
    limits = [part.keywords["maxLength"] for part in schema.document.subschemas if "maxLength" in part.keywords]
    return Body("bytes", schema, max_size=min(limits, default=None))


def _form(compiler: Compiler, media: Found, media_type: str) -> Body:
    source = compiler.source
    bundle = Bundle(source, "request")
    schema, path = source.follow(media.get("schema", {"type": "object"}), (*media.path, "schema"))
    contents = bundle.add(schema, path, "#")
    if not isinstance(contents, dict):
        raise media.error("A form has a schema with properties", "schema")
    encodings = dict(source.members(media, "encoding"))
    properties = contents.get("properties", {})
    for name in encodings:
        if name not in properties:
            raise media.error(f"The schema has no property {name!r} of its own", "encoding", name)
    contents["properties"] = {
        name: _field(source, member, encodings.get(name), media_type, (*path, "properties", name), schema)
        for name, member in properties.items()
    }
    compiled_schema = compiler.one(bundle.finished(contents), bundle, media.place, "request")
    try:
        parameters = parameters_of("form", compiled_schema)
    except InvalidSchemaError as error:
        raise bundle.error(error, media.place) from error
    return Body("form", compiled_schema, parameters)


def _field(
    source: Source, member: Any, encoding: Found | None, media_type: str, path: tuple[str | int, ...], schema: Any
) -> Any:
    """The schema of a form's field, with how it is written beside it (OpenAPI 3.1.1, section 4.8.15)."""
    if isinstance(member, bool):
        return member
    kinds, item = _field_kinds(source, schema["properties"][path[-1]], path)
    said = encoding.contents if encoding is not None else {}
    if encoding is not None and said.get("headers"):
        raise encoding.error("The headers of a part are not supported", "headers")
    if media_type == _FORMS[0] and {"style", "explode", "allowReserved"} & set(said):
        style = said.get("style", "form")
        return {**member, "style": style, "explode": said.get("explode", style == "form") or style == "deepObject"}
    types = [each.strip().lower() for each in str(said.get("contentType", "")).split(",") if each.strip()]
    if "object" in kinds or "object" in item or any(map(_is_json_type, types)):
        if types and not all(map(_is_json_type, types)):
            raise _field_error(encoding, path, f"A field of type {types[0]!r} is not supported for this schema")
        return {**member, "style": "json"}
    is_file = media_type == _FORMS[1] and (_is_binary(source, schema, path, types))
    if is_file:
        return _as_file(member, types, is_array="array" in kinds)
    return member


def _field_error(encoding: Found | None, path: tuple[str | int, ...], message: str) -> InvalidDocumentError:
    if encoding is not None:
        return encoding.error(message)
    return Found({}, path).error(message)


def _field_kinds(source: Source, schema: Any, path: tuple[str | int, ...]) -> tuple[set[str], set[str]]:
    """The types that a field's schema names, and those of its items."""
    kinds: set[str] = set()
    items: set[str] = set()
    for part, place in source.always(schema, path):
        named = part.get("type", "object" if "properties" in part else [])
        kinds.update([named] if isinstance(named, str) else named)
        if isinstance(part.get("items"), dict):
            for inside, _ in source.always(part["items"], (*place, "items")):
                each = inside.get("type", "object" if "properties" in inside else [])
                items.update([each] if isinstance(each, str) else each)
    return kinds, items


def _is_binary(source: Source, schema: Any, path: tuple[str | int, ...], types: list[str]) -> bool:
    """Tell whether a field is a file: bytes by its schema, or of a type that is no text."""
    if types and not all(each.startswith("text/") for each in types):
        return True
    parts = [part for part, _ in source.always(schema["properties"][path[-1]], path)]
    items = [
        inside
        for part, place in source.always(schema["properties"][path[-1]], path)
        if isinstance(part.get("items"), dict)
        for inside, _ in source.always(part["items"], (*place, "items"))
    ]
    if not types and schema["properties"][path[-1]] == {}:
        return True  # OpenAPI 3.1.1, section 4.8.15.1.1: without a type, it is application/octet-stream
    return any(
        part.get("format") == "binary" or ("contentMediaType" in part and "contentEncoding" not in part)
        for part in (*parts, *items)
    )


def _as_file(member: dict[str, Any], types: list[str], *, is_array: bool) -> dict[str, Any]:
    words = {"contentTypes": types} if types else {}
    if not is_array:
        return {"allOf": [member], "format": "binary", "type": "string", **words, "style": "form", "explode": True}
    return {
        "allOf": [member],
        "items": {"format": "binary", "type": "string"},
        "style": "form",
        "explode": True,
        **words,
    }


class OperationReader(RequestReader):
    """Reads and checks a request as its operation says.

    Args:
        sources: the compiled schema of each place with parameters.
        bodies: the media types of its body.
        engine: what decides.
        places: where the parameters are found.
    """

    def __init__(
        self, sources: Mapping[str, CompiledSchema], bodies: Bodies | None, engine: Engine, **options: Any
    ) -> None:
        by_type = bodies.by_type if bodies is not None else {}
        first: dict[str, CompiledSchema] = {}
        for body in by_type.values():
            first.setdefault(body.argument, body.schema)
        super().__init__(
            {**sources, "body": first.get("body")},
            engine,
            fill_defaults=True,
            body_required=True,
            processor=None,
            **options,
        )
        if "form" in first:
            self.schemas["form"] = first["form"]
        self._by_type = dict(by_type)
        self._ranges = {name: body for name, body in by_type.items() if name.endswith("/*")}
        self._is_required = bodies is not None and bodies.is_required
        self._nothing = dict.fromkeys(first)

    async def read(self, request: web.Request) -> dict[str, Any]:
        """Every declared place, by the name that a view has for it; see ``RequestReader.read``."""
        arguments = self._read_parameters(request) if self._parameters else {}
        if not self._by_type:
            return arguments
        arguments.update(self._nothing)
        if not self._is_required and not request.body_exists:
            return arguments
        body = self._by_type.get(request.headers.get(hdrs.CONTENT_TYPE, ""))
        if body is None:
            body = self._find(request)
        arguments[body.argument] = await self._read_one(request, body)
        return arguments

    def _find(self, request: web.Request) -> Body:
        accepted = ", ".join(self._by_type)
        headers = {hdrs.ACCEPT: accepted}
        try:
            named = request.content_type.lower()
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise Problem(415, "The Content-Type cannot be read.", headers=headers) from error
        by_type = self._by_type
        if hdrs.CONTENT_TYPE in request.headers:
            found = by_type.get(named) or self._ranges.get(f"{named.partition('/')[0]}/*") or by_type.get("*/*")
            if found is None and named.endswith("+json"):
                found = by_type.get("application/json")
            sent = "another"
        else:
            found, sent = by_type.get("application/octet-stream") or by_type.get("*/*"), "no Content-Type"
        if found is None:
            raise Problem(415, f"The body must be {accepted}; the request has {sent}.", headers=headers)
        return found

    async def _read_one(self, request: web.Request, body: Body) -> Any:
        if body.kind == "json":
            return self._decoded(await read_json_text(request, tuple(self._by_type)), body.schema)
        if body.parameters is not None:
            fields = await read_form(request)
            data, violations = validated(body.schema, body.parameters, fields.items())
            return _valid(data, violations)
        content = await _content(request, is_text=body.kind == "text")
        if body.kind == "bytes":
            if body.max_size is not None and len(content) > body.max_size:
                _valid(None, [Violation((), "maxLength", f"must have at most {body.max_size} bytes")])
            return content
        return _valid(*body.schema.read(_data_of(content, body)))


def _data_of(content: bytes, body: Body) -> Any:
    try:
        if body.decode is not None:
            return to_plain(body.decode(content))
        text = content.decode()
    except (ValueError, RecursionError) as error:
        raise Problem(400, "The body cannot be read as what its Content-Type says.") from error
    return text if body.text is None else body.text.convert(text)


async def _content(request: web.Request, *, is_text: bool) -> bytes:
    if hdrs.CONTENT_TYPE in request.headers:
        check_content(request, (request.content_type,), any_json=False, any_charset=not is_text)
    try:
        return await request.read()
    except (web.RequestPayloadError, HttpProcessingError) as error:
        raise damaged_body(request) from error


def _valid(data: Any, violations: Iterable[Violation]) -> Any:
    errors = place_errors("body", violations)
    if errors:
        raise RequestValidationError(errors)
    return data
