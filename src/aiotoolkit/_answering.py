"""What a Schema declares about answers, and how an answer is checked against it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from aiohttp import web
from multidict import CIMultiDict

from aiotoolkit._documents import InvalidSchemaError, SchemaSource
from aiotoolkit._engines import Engine, Violation
from aiotoolkit._headers import MEDIA_TYPE, NAME_PATTERN
from aiotoolkit._parameter import Parameter, parameter_of
from aiotoolkit._reading import Error
from aiotoolkit._validation import CompiledSchema, compile_schema, pointer_of
from aiotoolkit.responses import BODYLESS, NO_BODY

__all__ = ["DeclaredResponse", "Response", "ResponseChecker", "ResponseValidationError"]


class ResponseValidationError(Error):
    """An answer that breaks its schema: a bug of the application, answered with 500 and logged.

    The text says where and what, and never the data.

    Attributes:
        errors: at most 20 mappings of ``detail`` and ``pointer``.
    """

    __module__ = "aiotoolkit.schemas"

    def __init__(self, message: str, violations: Sequence[Violation] = ()) -> None:
        self.errors: list[dict[str, str]] = [
            {"detail": item.message, "pointer": pointer_of(item)} for item in violations
        ]
        details = "; ".join(f"{error['pointer']} {error['detail']}" for error in self.errors)
        super().__init__(f"{message}: {details}" if details else message)


@dataclass(frozen=True, slots=True)
class Response:
    """What an operation answers with one status.

    Attributes:
        schema: the schema of the body; None where the body is not described, or where there is none.
        headers: the schema of each header by its name; those that are sent are checked.
        description: for a reader of the API's description.
        content_type: the body's media type.
    """

    schema: SchemaSource | None = None
    headers: Mapping[str, SchemaSource] | None = None
    description: str = ""
    content_type: str = "application/json"

    def __post_init__(self) -> None:
        if not isinstance(self.headers, Mapping | None):
            raise TypeError(f"A Response's headers are a mapping of a name to a schema, not {self.headers!r}")
        for name in self.headers or ():
            if not isinstance(name, str) or not re.fullmatch(NAME_PATTERN, name):
                raise TypeError(f"A Response's header has a name such as 'X-Total', not {name!r}")
        if not isinstance(self.content_type, str) or not MEDIA_TYPE.fullmatch(self.content_type):
            raise TypeError(f"A Response's content_type is text such as 'text/plain', not {self.content_type!r}")
        if not isinstance(self.description, str) or _CONTROL.search(self.description):
            raise TypeError(f"A Response's description is text without control characters, not {self.description!r}")


_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # a description may have several lines


class DeclaredResponse(NamedTuple):
    """A Response made ready.

    Attributes:
        schema: of the body; None where it is not described.
        headers: of each header, its schema and how it is read.
        content_type: the body's media type.
        description: for a reader of the API's description.
    """

    schema: CompiledSchema | None
    headers: dict[str, tuple[CompiledSchema, Parameter]]
    content_type: str
    description: str


class ResponseChecker:
    """The declared answers of a Schema.

    Attributes:
        status: the status of an answer that does not say its own.
        declared: every answer that is declared, by its status.
        checks_own: whether responses are checked that a view has made itself.
    """

    checks_own = False

    def __init__(
        self,
        response: SchemaSource | None,
        responses: Mapping[int, SchemaSource | Response] | None,
        status: int | None,
        engine: Engine,
    ) -> None:
        self.status, by_status = _merged_responses(response, responses, status)
        self.declared = {code: _declare(code, declared, engine) for code, declared in by_status.items()}

    def warnings(self) -> Iterator[str]:
        """What the author of the schemas should know."""
        for code, declared in self.declared.items():
            if declared.schema is not None:
                yield from declared.schema.warnings(f"response {code}")

    def content_type(self, status: int) -> str:
        """The media type of the answers with a status."""
        declared = self._find(status)
        return "application/json" if declared is None else declared.content_type

    def has_no_body(self, status: int) -> bool:
        """Tell whether an answer with a status never has a body."""
        return status in BODYLESS

    def _find(self, status: int) -> "DeclaredResponse | None":
        """What is declared about the answers with a status."""
        return self.declared.get(status)

    def _check_headers(self, declared: DeclaredResponse, status: int, headers: CIMultiDict[Any]) -> None:
        _check_headers(declared.headers, status, headers)

    def check_own(self, response: web.StreamResponse) -> None:
        """Check a response that a view has made itself; here, they are its own business."""

    def closed_schema(self) -> CompiledSchema | None:
        """The schema of the answers with the default status, where it says all about them."""
        declared = self.declared.get(self.status)
        if declared is None or declared.headers or declared.content_type != "application/json":
            return None
        return declared.schema if declared.schema is not None and declared.schema.is_bounded else None

    def check(self, plain: Any, status: int, headers: Any) -> None:
        """Check plain data, or NO_BODY, and headers.

        Raises:
            ResponseValidationError: they break the schema of the status, or it is not declared.
        """
        declared = self._find(status)
        if declared is None:
            if self.declared:
                known = ", ".join(str(code) for code in self.declared)
                raise ResponseValidationError(f"The status {status} is not declared; declared are {known}")
            return
        if declared.headers:
            self._check_headers(declared, status, CIMultiDict(headers or ()))
        if status in BODYLESS and plain is not NO_BODY:
            raise ResponseValidationError(f"A response with status {status} has no body, but data were given")
        if declared.schema is None:
            return
        if plain is NO_BODY:
            raise ResponseValidationError(f"The response with status {status} has a schema, but no data were given")
        _, violations = declared.schema.validate(plain)
        if violations:
            raise ResponseValidationError(f"The response with status {status} breaks its schema", violations)


def _merged_responses(
    response: SchemaSource | None, responses: Mapping[int, SchemaSource | Response] | None, status: int | None
) -> tuple[int, dict[int, Response]]:
    """The status of answers, and every declared response."""
    if not isinstance(responses, Mapping | None):
        raise TypeError(f"responses is a mapping of a status to a schema or a Response, not {responses!r}")
    declared = {
        _checked_status(code): item if isinstance(item, Response) else Response(item)
        for code, item in (responses or {}).items()
    }
    if status is None:
        successes = [code for code in declared if 200 <= code <= 299]
        status = successes[0] if len(successes) == 1 and response is None else 200
    _checked_status(status)
    if response is not None:
        if status in declared:
            raise TypeError(f"The response with status {status} is given twice: as response= and in responses=")
        declared[status] = response if isinstance(response, Response) else Response(response)
    elif any(200 <= code <= 299 for code in declared) and status not in declared:
        raise TypeError(f"The status {status} is not among the responses, {sorted(declared)}: say which with status=")
    elif declared:
        # Only errors are described: that does not forbid to succeed.
        declared.setdefault(status, Response())
    for code, item in declared.items():
        if code in BODYLESS and item.schema is not None:
            raise TypeError(f"A response with status {code} has no body, so no schema")
    return status, declared


def _checked_status(status: Any) -> int:
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise TypeError(f"A response's status is an int of 200 to 599, not {status!r}")
    return int(status)


def _declare(status: int, response: Response, engine: Engine) -> DeclaredResponse:
    def compiled(source: SchemaSource, name: str) -> CompiledSchema:
        return compile_schema(source, engine, name=name, fill_defaults=False, mode="serialization")

    body = None if response.schema is None else compiled(response.schema, f"response {status}")
    headers = {}
    for name, source in (response.headers or {}).items():
        schema = compiled(source, f"response {status} header {name}")
        try:
            parameter = parameter_of(schema.document, [schema.document.root], "headers")
        except InvalidSchemaError as error:
            raise error.named(f"response {status} header {name}") from None
        headers[name] = schema, parameter
    return DeclaredResponse(body, headers, response.content_type, response.description)


def _check_headers(
    declared: Mapping[str, tuple[CompiledSchema, Parameter]], status: int, headers: CIMultiDict[Any]
) -> None:
    for name, (schema, parameter) in declared.items():
        lines = [str(value) for value in headers.getall(name, ())]
        # Of an array, all lines of this name are one list (RFC 9110, section 5.3).
        for found in [lines] if parameter.is_array and lines else [[line] for line in lines]:
            message = f"The header {name} of the response with status {status} breaks its schema"
            try:
                _, violations = schema.validate(parameter.read(found))
            except ValueError as error:
                raise ResponseValidationError(f"{message}: {error}") from error
            if violations:
                raise ResponseValidationError(message, violations)
