"""What a Schema reads of a request: parameters, body and form, converted, checked, and refused in one shape."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from aiohttp import web

from aiotoolkit._documents import InvalidSchemaError
from aiotoolkit._engines import Violation
from aiotoolkit._parameters import Parameters
from aiotoolkit._validation import MAX_VIOLATIONS, CompiledSchema, pointer_of
from aiotoolkit.problems import Problem
from aiotoolkit.requests import read_form, read_json

__all__ = ["Error", "Place", "RequestReader", "RequestValidationError", "place_errors"]


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

Values = Mapping[str, Sequence[Any]]


class Place(NamedTuple):
    """One place of a request that holds parameters.

    Attributes:
        argument: what a view calls it.
        where: what RFC 9457's errors call it.
        values: gives all values of each name.
    """

    argument: str
    where: str
    values: Callable[[web.Request, Parameters], Values]


def _path_values(request: web.Request, parameters: Parameters) -> Values:
    return {name: (value,) for name, value in request.match_info.items()}


def _query_values(request: web.Request, parameters: Parameters) -> Values:
    return _grouped(request.query.items())


def _grouped(items: Iterable[tuple[str, Any]]) -> Values:
    """All values of each name, in one pass: a client may repeat one name as often as its request has room."""
    grouped: defaultdict[str, list[Any]] = defaultdict(list)
    for name, value in items:
        grouped[name].append(value)
    return grouped


def _header_values(request: web.Request, parameters: Parameters) -> Values:
    headers = request.headers
    return {name: headers.getall(name) for name in parameters.names if name in headers}


def _cookie_values(request: web.Request, parameters: Parameters) -> Values:
    cookies = request.cookies
    return {name: (cookies[name],) for name in parameters.names if name in cookies}


PLACES: Final = (
    Place("path", "path", _path_values),
    Place("query", "query", _query_values),
    Place("headers", "header", _header_values),
    Place("cookies", "cookie", _cookie_values),
)


class _ParameterReader(NamedTuple):
    place: Place
    schema: CompiledSchema
    parameters: Parameters

    def read(self, request: web.Request) -> tuple[dict[str, Any], list[Violation]]:
        return _validated(self.schema, self.parameters, self.place.values(request, self.parameters))


def _validated(
    schema: CompiledSchema, parameters: Parameters, values: Values
) -> tuple[dict[str, Any], list[Violation]]:
    converted = parameters.read(values)
    if converted.violations:
        return {}, converted.violations[:MAX_VIOLATIONS]
    data, violations = schema.validate(converted.data)
    return {**data, **converted.files} if converted.files else data, violations


def _parameters_of(name: str, schema: CompiledSchema) -> Parameters:
    try:
        return Parameters(schema.document, named_only=name in ("headers", "cookies"))
    except InvalidSchemaError as error:
        raise error.named(name) from None


class RequestReader:
    """Reads and checks every declared place of a request: parameters first, while the body is still unread."""

    def __init__(
        self,
        *,
        body: CompiledSchema | None,
        form: CompiledSchema | None,
        parameters: Mapping[str, CompiledSchema],
        body_required: bool,
        processor: Callable[[Any], Any] | None,
    ) -> None:
        self._body = body
        self._form = None if form is None else (form, _parameters_of("form", form))
        self._parameters = [
            _ParameterReader(place, schema, _parameters_of(place.argument, schema))
            for place in PLACES
            if (schema := parameters.get(place.argument)) is not None
        ]
        self._body_required = body_required
        self._processor = processor

    async def read(self, request: web.Request) -> dict[str, Any]:
        """Every declared place, by the name that a view has for it.

        Raises:
            RequestValidationError: 400 for parameters, 422 for a body or a form.
            Problem: a body that cannot be read; see ``requests.read_json`` and ``requests.read_form``.
        """
        arguments = self._read_parameters(request) if self._parameters else {}
        if self._body is not None:
            arguments["body"] = await self._read_body(request, self._body)
        elif self._form is not None:
            arguments["form"] = await self._read_form(request, *self._form)
        return arguments

    def _read_parameters(self, request: web.Request) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        errors: list[dict[str, Any]] = []
        for reader in self._parameters:
            arguments[reader.place.argument], violations = reader.read(request)
            errors += place_errors(reader.place.where, violations)
        if errors:
            raise RequestValidationError(errors, status=400)
        return arguments

    async def _read_body(self, request: web.Request, schema: CompiledSchema) -> Any:
        if not self._body_required and not request.body_exists:
            return None
        data, violations = schema.validate(await read_json(request))
        if violations:
            raise RequestValidationError(place_errors("body", violations))
        return data if self._processor is None else self._processor(data)

    async def _read_form(self, request: web.Request, schema: CompiledSchema, parameters: Parameters) -> Any:
        if not self._body_required and not request.body_exists:
            return None
        fields = await read_form(request)
        data, violations = _validated(schema, parameters, _grouped(fields.items()))
        if violations:
            raise RequestValidationError(place_errors("body", violations))
        return data
