"""The responses of an operation: by status, by range such as ``4XX``, or by default."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from aiohttp import web
from multidict import CIMultiDict

from aiotoolkit._answering import DeclaredResponse, ResponseChecker, ResponseValidationError
from aiotoolkit._documents import InvalidSchemaError
from aiotoolkit._operation_compiling import Compiler
from aiotoolkit._operation_parameters import is_json, styled
from aiotoolkit._operation_source import Bundle, Found
from aiotoolkit._parameter import Parameter, parameter_of
from aiotoolkit._validation import CompiledSchema
from aiotoolkit.problems import Problem
from aiotoolkit.requests import decode_json
from aiotoolkit.responses import BODYLESS, NO_BODY

__all__ = ["OperationResponses", "responses_of"]


class _Response(NamedTuple):
    """What is declared about answers with a status.

    Attributes:
        declared: what data are checked by, that are sent as JSON.
        required: the headers that must be there.
        by_type: the schema of each media type of JSON; None for a type whose content is not looked at.
    """

    declared: DeclaredResponse
    required: tuple[str, ...]
    by_type: Mapping[str, CompiledSchema | None]


class OperationResponses(ResponseChecker):
    """The declared answers of an operation.

    Args:
        by_key: of each status, range or ``default``.
    """

    checks_own = True

    def __init__(self, by_key: Mapping[str, _Response]) -> None:
        self._exact = {int(key): item for key, item in by_key.items() if key.isdecimal()}
        self._ranges = {int(key[0]): item for key, item in by_key.items() if key.endswith("XX")}
        self._default = by_key.get("default")
        self.declared = {status: item.declared for status, item in self._exact.items()}
        successes = [status for status in self._exact if 200 <= status <= 299]
        self.status = min(successes) if successes else 200 if 2 in self._ranges or not self._exact else min(self._exact)
        if not successes and self._default is not None:
            self.status = 200

    def _response(self, status: int) -> _Response | None:
        return self._exact.get(status) or self._ranges.get(status // 100) or self._default

    def _find(self, status: int) -> DeclaredResponse | None:
        found = self._response(status)
        return None if found is None else found.declared

    def has_no_body(self, status: int) -> bool:
        """Tell whether an answer with a status never has a body: of one that is declared, by what is declared."""
        found = self._response(status)
        return status in BODYLESS or (found is not None and not found.by_type)

    def warnings(self) -> Iterator[str]:
        """What the author of the schemas should know: of answers, nothing that matters here."""
        return iter(())

    def check(self, plain: Any, status: int, headers: Any) -> None:
        """Check plain data, or NO_BODY, and headers; see ``ResponseChecker.check``."""
        found = self._response(status)
        if found is None:
            self._refuse_unknown(status)
        else:
            if found.by_type and plain is not NO_BODY and not is_json(found.declared.content_type):
                message = f"The response with status {status} is {found.declared.content_type}: return a web.Response"
                raise ResponseValidationError(message)
            if found.declared.schema is None and not found.by_type and plain is not NO_BODY:
                raise ResponseValidationError(f"A response with status {status} has no body, but data were given")
            if found.required:
                self._check_headers(found.declared, status, CIMultiDict(headers or ()))
        super().check(plain, status, headers)

    def _check_headers(self, declared: DeclaredResponse, status: int, headers: CIMultiDict[Any]) -> None:
        found = self._response(status)
        missing = [name for name in (found.required if found is not None else ()) if name not in headers]
        if missing:
            raise ResponseValidationError(f"The response with status {status} lacks its header {missing[0]}")
        super()._check_headers(declared, status, headers)

    def closed_schema(self) -> CompiledSchema | None:
        """The schema of the answers with the default status, where it says all about them."""
        found = self._response(self.status)
        return None if found is None or found.required else super().closed_schema()

    def check_own(self, response: web.StreamResponse) -> None:
        """Check a response that a view has made itself: its status, type and headers, and a body that is JSON.

        Raises:
            ResponseValidationError: they are not as declared.
        """
        if response.prepared:
            return  # it went out: a stream, or a websocket
        status = response.status
        found = self._response(status)
        if found is None:
            self._refuse_unknown(status)
            return
        self._check_headers(found.declared, status, CIMultiDict(response.headers))
        if type(response) is not web.Response:
            return  # of a file or a stream, the content is not here
        body = response.body
        if not body:
            if any(schema is not None for schema in found.by_type.values()) and status not in BODYLESS:
                raise ResponseValidationError(f"The response with status {status} has a schema, but no body")
            return
        self._check_body(status, response.content_type, body, found.by_type)

    def _refuse_unknown(self, status: int) -> None:
        if self._exact or self._ranges:  # else nothing is declared
            known = ", ".join([*map(str, self._exact), *(f"{number}XX" for number in self._ranges)])
            raise ResponseValidationError(f"The status {status} is not declared; declared are {known}")

    def _check_body(
        self, status: int, content_type: str, body: Any, by_type: Mapping[str, CompiledSchema | None]
    ) -> None:
        known = (content_type, f"{content_type.partition('/')[0]}/*", "*/*")
        name = next((name for name in known if name in by_type), None)
        if name is None:
            declared = ", ".join(by_type) or "no body"
            message = f"The response with status {status} is {content_type}, but declared is {declared}"
            raise ResponseValidationError(message)
        schema = by_type[name]
        if schema is None or not isinstance(body, bytes | bytearray):
            return
        try:
            data = decode_json(bytes(body))
        except Problem as error:
            raise ResponseValidationError(f"The response with status {status} is no JSON") from error
        _, violations = schema.validate(data)
        if violations:
            raise ResponseValidationError(f"The response with status {status} breaks its schema", violations)


_KEY: Final = re.compile(r"[1-5][0-9][0-9]|[1-5]XX|default")


def responses_of(compiler: Compiler, operation: Found) -> OperationResponses:
    """The answers of an operation.

    Raises:
        InvalidDocumentError: they cannot be used.
    """
    by_key = {}
    for key, response in compiler.source.members(operation, "responses"):
        if not _KEY.fullmatch(key):
            raise response.error(f"A response's key is a status, a range such as '4XX', or 'default', not {key!r}")
        by_key[key] = _response(compiler, response)
    return OperationResponses(by_key)


def _response(compiler: Compiler, response: Found) -> _Response:
    source = compiler.source
    by_type: dict[str, CompiledSchema | None] = {}
    for media_type, media in source.members(response, "content"):
        name = media_type.partition(";")[0].strip().lower()
        has_schema = is_json(name) and "schema" in media.contents
        by_type[name] = compiler.body(media.get("schema"), (*media.path, "schema"), "response") if has_schema else None
    content_type = next(filter(is_json, by_type), next(iter(by_type), "application/json"))
    headers: dict[str, tuple[CompiledSchema, Parameter]] = {}
    required = []
    for name, header in source.members(response, "headers"):
        if name.lower() == "content-type":
            continue  # "it SHALL be ignored" (OpenAPI 3.1.1, section 4.8.17.1)
        headers[name] = _header(compiler, header)
        if header.get("required") is True:
            required.append(name)
    return _Response(
        DeclaredResponse(by_type.get(content_type), headers, content_type, str(response.get("description", ""))),
        tuple(required),
        by_type,
    )


def _header(compiler: Compiler, header: Found) -> tuple[CompiledSchema, Parameter]:
    bundle = Bundle(compiler.source, "response")
    contents = bundle.finished(styled(header, bundle, "#", style="simple"))
    schema = compiler.one(contents, bundle, header.place, "response")
    try:
        return schema, parameter_of(schema.document, [schema.document.root], "headers")
    except InvalidSchemaError as error:
        raise bundle.error(error, header.place) from error
