"""What a Schema reads of a request: parameters, body and form, converted, checked, and refused in one shape."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from aiohttp import web

from aiotoolkit._documents import InvalidSchemaError, SchemaSource
from aiotoolkit._engines import Engine, Violation
from aiotoolkit._json import to_plain
from aiotoolkit._parameters import Parameters
from aiotoolkit._typed import name_of
from aiotoolkit._validation import MAX_NESTING, MAX_VIOLATIONS, CompiledSchema, compile_schema, pointer_of
from aiotoolkit.problems import Problem
from aiotoolkit.requests import decode_json, read_form, read_json_text, refuse_deep_json

__all__ = [
    "Error",
    "Place",
    "RequestReader",
    "RequestValidationError",
    "parameters_of",
    "place_errors",
    "validated",
]


class Error(Exception):
    """The base of what goes wrong with a schema's data: of a request, or of a response."""

    __module__ = "aiotoolkit.schemas"


class RequestValidationError(Problem, Error):
    """A request that breaks its schema: 400 for parameters, 422 for a body or a form.

    To change the status or the shape for a whole application, give the error middleware a handler for this class.

    Attributes:
        errors: at most 20 mappings of ``detail``, ``in`` and ``pointer`` (in a body) or ``name`` (of a parameter).
    """

    __module__ = "aiotoolkit.schemas"

    status_code = 422

    def __init__(self, errors: Sequence[Mapping[str, Any]], *, status: int = 422) -> None:
        super().__init__(status, "The request is not valid.", errors=errors)


def place_errors(where: str, violations: Iterable[Violation]) -> list[dict[str, Any]]:
    """The violations of one place of the request, as members of a problem's ``errors``."""
    if where == "body":
        return [{"detail": item.message, "in": where, "pointer": pointer_of(item)} for item in violations]
    return [
        {"detail": item.message, "in": where, "name": str(item.path[0])[:_NAME_LIMIT]}
        if item.path
        else {"detail": item.message, "in": where}
        for item in violations
    ]


_NAME_LIMIT: Final = 100


class Place(NamedTuple):
    """One place of a request that holds parameters.

    Attributes:
        argument: what a view calls it.
        where: what RFC 9457's errors call it.
        pairs: gives names and texts one by one; of headers and cookies, those that the parameters name.
    """

    argument: str
    where: str
    pairs: Callable[[web.Request, Parameters], Iterable[tuple[str, str]]]


def _path_pairs(request: web.Request, parameters: Parameters) -> Iterable[tuple[str, str]]:
    return request.match_info.items()


def _query_pairs(request: web.Request, parameters: Parameters) -> Iterable[tuple[str, str]]:
    return request.query.items()


def _header_pairs(request: web.Request, parameters: Parameters) -> Iterable[tuple[str, str]]:
    headers = request.headers
    return [(name, value) for name in parameters.names for value in headers.getall(name, ())]


def _cookie_pairs(request: web.Request, parameters: Parameters) -> Iterable[tuple[str, str]]:
    cookies = request.cookies
    return [(name, cookies[name]) for name in parameters.names if name in cookies]


PLACES: Final = (
    Place("path", "path", _path_pairs),
    Place("query", "query", _query_pairs),
    Place("headers", "header", _header_pairs),
    Place("cookies", "cookie", _cookie_pairs),
)


class _ParameterReader(NamedTuple):
    place: Place
    schema: CompiledSchema
    parameters: Parameters

    def read(self, request: web.Request) -> tuple[Any, Sequence[Violation]]:
        pairs = self.place.pairs(request, self.parameters)
        data = self.parameters.read_scalars(pairs)
        return validated(self.schema, self.parameters, pairs) if data is None else self.schema.read(data)


def validated(
    schema: CompiledSchema, parameters: Parameters, pairs: Iterable[tuple[str, Any]]
) -> tuple[Any, Sequence[Violation]]:
    """Convert names and texts, and check what they make."""
    converted = parameters.read(_grouped(pairs))
    if converted.violations:
        return {}, converted.violations[:MAX_VIOLATIONS]
    return schema.read(converted.data, converted.files)


def _grouped(items: Iterable[tuple[str, Any]]) -> Mapping[str, Sequence[Any]]:
    """All values of each name, in one pass: a client may repeat one name as often as its request has room."""
    grouped: defaultdict[str, list[Any]] = defaultdict(list)
    for name, value in items:
        grouped[name].append(value)
    return grouped


def parameters_of(name: str, schema: CompiledSchema) -> Parameters:
    """How the parameters of a place, or a form, are read."""
    try:
        return Parameters(schema.document, name)
    except InvalidSchemaError as error:
        raise error.named(name) from None


_NAMES: Final = {"body": "request"}  # what Schema calls it


class RequestReader:
    """Reads and checks every declared place of a request: parameters first, while the body is still unread.

    Attributes:
        schemas: of each declared place, by the name that a view has for it.
        body_required: whether a request without a body is refused.

    Args:
        sources: the schema of each place; None for one that is not declared.
        engine: what decides.
        fill_defaults: whether defaults are filled into what is read.
        body_required: whether a request without a body is refused.
        processor: makes what a valid body is read as.
        places: where parameters are found, other than everywhere.

    Raises:
        InvalidSchemaError, TypeError: a schema cannot be used, or is none.
    """

    def __init__(
        self,
        sources: Mapping[str, "SchemaSource | CompiledSchema | None"],
        engine: Engine,
        *,
        fill_defaults: bool,
        body_required: bool,
        processor: Callable[[Any], Any] | None,
        places: Sequence[Place] = PLACES,
    ) -> None:
        self.schemas = {
            place: compile_schema(source, engine, name=_NAMES.get(place, place), fill_defaults=fill_defaults)
            for place, source in sources.items()
            if source is not None
        }
        self._body = self.schemas.get("body")
        form = self.schemas.get("form")
        self._form = None if form is None else (form, parameters_of("form", form))
        self._parameters = [
            _ParameterReader(place, schema, parameters_of(place.argument, schema))
            for place in places
            if (schema := self.schemas.get(place.argument)) is not None
        ]
        self.body_required = body_required
        self._processor = processor

    def warnings(self) -> Iterator[str]:
        """What the author of the schemas should know."""
        for place, schema in self.schemas.items():
            yield from schema.warnings(_NAMES.get(place, place))

    def types(self) -> dict[str, Any]:
        """What each place is made into: None for plain data, Any for what a processor makes."""
        types = {place: schema.type for place, schema in self.schemas.items()}
        return types if self._processor is None else types | {"body": Any}

    async def read(self, request: web.Request) -> dict[str, Any]:
        """Every declared place, by the name that a view has for it.

        Raises:
            RequestValidationError: 400 for parameters, 422 for a body or a form.
            Problem: a body that cannot be read; see ``requests.read_json`` and ``requests.read_form``.
        """
        arguments = self._read_parameters(request) if self._parameters else {}
        body, form = self._body, self._form
        if body is None and form is None:
            return arguments
        name = "form" if body is None else "body"
        if not self.body_required and not request.body_exists:
            arguments[name] = None
        elif body is not None:
            arguments[name] = self._decoded(await read_json_text(request), body)
        elif form is not None:
            arguments[name] = await self._read_form(request, *form)
        return arguments

    def _read_parameters(self, request: web.Request) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        errors: list[dict[str, Any]] = []
        for reader in self._parameters:
            arguments[reader.place.argument], violations = reader.read(request)
            if violations:
                errors += place_errors(reader.place.where, violations)
        if errors:
            raise RequestValidationError(errors, status=400)
        return arguments

    def _decoded(self, text: bytes, schema: CompiledSchema) -> Any:
        if schema.is_bounded:
            # To see that deep data break the schema is safe, and to list the reasons is not.
            data, violations = schema.validate(decode_json(text), lambda: refuse_deep_json(text, MAX_NESTING))
        else:
            refuse_deep_json(text, MAX_NESTING)
            data, violations = schema.validate(decode_json(text))
        if schema.convert is not None and not violations:
            data, violations = schema.convert(data)
        if violations:
            raise RequestValidationError(place_errors("body", violations))
        return data if self._processor is None else self._processor(data)

    def check(self, data: Any, additional: tuple[Mapping[str, Any], ...], merged_class: Callable[..., Any]) -> Any:
        """Check the data of a body that were read elsewhere; see ``Schema.validate_request``."""
        schema = self.schemas["body"]
        _check_merging(schema, additional, merged_class)
        merged = isinstance(data, Mapping) and bool(additional)
        violations: Sequence[Violation]
        try:
            plain = _merge(data, additional) if merged else to_plain(data)
        except (TypeError, ValueError):
            # Such as an uploaded file, or two values of one name. Python's own text is not for a client.
            valid, violations = None, [Violation((), "type", "holds what JSON cannot")]
        else:
            valid, violations = schema.read(plain)
        if violations:
            raise RequestValidationError(place_errors("body", violations))
        if merged and schema.convert is None:
            valid = merged_class(valid)
        return valid if self._processor is None else self._processor(valid)

    async def _read_form(self, request: web.Request, schema: CompiledSchema, parameters: Parameters) -> Any:
        fields = await read_form(request)
        data, violations = validated(schema, parameters, fields.items())
        if violations:
            raise RequestValidationError(place_errors("body", violations))
        return data


def _check_merging(schema: CompiledSchema, additional: tuple[Any, ...], merged_class: Any) -> None:
    for members in additional:
        if not isinstance(members, Mapping):
            raise TypeError(f"validate_request merges mappings, not {type(members).__name__}")
    if not callable(merged_class):
        raise TypeError(f"merged_class is a class or a function, not {merged_class!r}")
    if merged_class is not dict and schema.convert is not None:
        raise TypeError(f"The request is made into a {name_of(schema.type)}: merged_class= has no use beside it")


def _merge(data: Mapping[str, Any], additional: tuple[Mapping[str, Any], ...]) -> dict[str, Any]:
    """The members of all, as plain data; of two with one name, the first one."""
    merged: dict[str, Any] = {}
    for members in reversed((data, *additional)):
        merged.update(to_plain(members))
    return merged
