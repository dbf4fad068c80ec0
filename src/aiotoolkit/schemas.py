"""JSON Schema for what comes in and what goes out.

A :class:`Schema` holds the schemas of one operation: of its body or form, its parameters and its responses. It is
made once, at import, where everything that is wrong with it is found; it never changes and is shared by all requests.
"""

import functools
import inspect
import logging
import warnings
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, Concatenate, Final, Literal, NoReturn, ParamSpec, Self, TypeVar, overload

from aiohttp import web

from aiotoolkit._answering import Response, ResponseChecker, ResponseValidationError
from aiotoolkit._arguments import check_options, checked_operation, from_module
from aiotoolkit._defaults import never_filled
from aiotoolkit._documents import Document, InvalidSchemaError, SchemaSource
from aiotoolkit._engines import Check, Engine, JSONSchemaEngine, JSONSchemaRSEngine, Violation, find_engine
from aiotoolkit._json import dumps_plain, to_plain
from aiotoolkit._reading import Error, RequestReader, RequestValidationError, place_errors
from aiotoolkit._risks import slow_places
from aiotoolkit._validation import CompiledSchema, compile_schema
from aiotoolkit._views import DecoratedFunction, DecoratedMethod, DecoratedViewMethod, arguments_of, request_of
from aiotoolkit.responses import BODYLESS, NO_BODY, bytes_response, json_response

__all__ = [
    "EMPTY_ARRAY",
    "EMPTY_OBJECT",
    "Check",
    "Engine",
    "Error",
    "InvalidSchemaError",
    "JSONSchemaEngine",
    "JSONSchemaRSEngine",
    "RequestValidationError",
    "Response",
    "ResponseValidationError",
    "Schema",
    "Violation",
]

_logger: Final = logging.getLogger(__name__)

EMPTY_ARRAY: Final[dict[str, Any]] = {"type": "array", "maxItems": 0}
"""The schema of ``[]``."""

EMPTY_OBJECT: Final[dict[str, Any]] = {"type": "object", "additionalProperties": False}
"""The schema of ``{}``."""


P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
V = TypeVar("V", bound=web.View)


class Schema:
    """The schemas of one operation, compiled and checked.

    Each schema is a JSON Schema (a dict or a bool; without ``$schema`` of draft 2020-12), a jsl document or another
    object with ``get_schema()``, or a pydantic model or another object with ``model_json_schema()``.

    Args:
        module: an object that holds schemas as ``request`` and ``response``, and perhaps a function
            ``request_processor``, which turns valid request data into what ``validate_request`` returns.
        request: the JSON body.
        form: an urlencoded or multipart form, as an object; a file is ``{"type": "string", "format": "binary"}``.
        response: the JSON body of the answer with ``status``.
        responses: the answers by their status: a schema, or a :class:`Response`.
        query: the query string, as an object; ``path``, ``headers`` and ``cookies`` likewise. Texts are converted to
            the type that their schema has; a query key may be repeated where it is an array.
        path: the dynamic parts of the URL.
        headers: the headers of the request; only those that are named.
        cookies: the cookies of the request; only those that are named.
        status: the status of the answers; by default the only 2xx in ``responses``, else 200.
        body_required: whether a request without a body is refused; if not, it has None for a body (or a form).
        response_factory: makes an answer of data, ``status`` and what else ``make_response`` is given; None returns
            the data as they are.
        error_class: raised, with a message, in place of a RequestValidationError, which is then its cause.
        engine: ``"jsonschema-rs"`` (the default where it is installed), ``"jsonschema"`` or an :class:`Engine`.
        fill_defaults: fill defaults into what is read; the caller's data is never changed.
        validate_response: True; False to send what was not looked at; ``"log"`` to log what is wrong and send it.
        operation: summary, description, tags, security, deprecated: for the API's description.

    Raises:
        InvalidSchemaError: a schema cannot be used; the error says which, why, and where in it.
        TypeError: what is given contradicts itself, or is no schema.

    Warns:
        UserWarning: a default is never filled, since it stands where its schema may not apply; or jsonschema is the
            engine, and a hostile instance could keep it busy.
    """

    __slots__ = (
        "_body",
        "_places",
        "_processor",
        "_reader",
        "_response_factory",
        "_responses",
        "_validate_response",
        "error_class",
        "operation",
    )

    _body: CompiledSchema | None
    _places: frozenset[str]
    _processor: Callable[[Any], Any] | None
    _reader: RequestReader
    _response_factory: Callable[..., Any] | None
    _responses: ResponseChecker
    _validate_response: bool | Literal["log"]
    error_class: Callable[[str], Exception] | None
    operation: Mapping[str, Any]

    def __init__(
        self,
        module: Any = None,
        *,
        request: SchemaSource | None = None,
        form: SchemaSource | None = None,
        response: SchemaSource | None = None,
        responses: Mapping[int, SchemaSource | Response] | None = None,
        query: SchemaSource | None = None,
        path: SchemaSource | None = None,
        headers: SchemaSource | None = None,
        cookies: SchemaSource | None = None,
        status: int | None = None,
        body_required: bool = True,
        response_factory: Callable[..., Any] | None = json_response,
        error_class: Callable[[str], Exception] | None = None,
        engine: Engine | str | None = None,
        fill_defaults: bool = True,
        validate_response: bool | Literal["log"] = True,
        operation: Mapping[str, Any] | None = None,
    ) -> None:
        request, response, processor = from_module(module, request, response)
        if request is not None and form is not None:
            raise TypeError("A Schema has a request= schema (a JSON body) or a form= schema, not both")
        check_options(body_required=body_required, fill_defaults=fill_defaults, validate_response=validate_response)
        if not (response_factory is None or callable(response_factory)):
            raise TypeError(f"response_factory is a function that makes a response, or None, not {response_factory!r}")
        if error_class is not None:
            _made_error(error_class, "The request is not valid")
        found_engine = find_engine(engine)
        compiled = functools.partial(compile_schema, engine=found_engine, fill_defaults=fill_defaults)
        places = {"path": path, "query": query, "headers": headers, "cookies": cookies}
        parameters = {name: compiled(source, name=name) for name, source in places.items() if source is not None}
        body = None if request is None else compiled(request, name="request")
        form_schema = None if form is None else compiled(form, name="form")
        read = {**parameters, **({"body": body} if body else {}), **({"form": form_schema} if form_schema else {})}
        checker = ResponseChecker(response, responses, status, found_engine)
        named = [("request" if name == "body" else name, schema.document) for name, schema in read.items()]
        messages = list(_unfilled(named)) if fill_defaults else []
        if isinstance(found_engine, JSONSchemaEngine):
            messages += _slow([*named, *((name, schema.document) for name, schema in checker.schemas())])
        for message in messages:
            warnings.warn(message, stacklevel=2)
        self._freeze(
            _body=body,
            _processor=processor,
            _reader=RequestReader(
                body=body, form=form_schema, parameters=parameters, body_required=body_required, processor=processor
            ),
            _places=frozenset(read),
            _responses=checker,
            _response_factory=response_factory,
            _validate_response=validate_response,
            error_class=error_class,
            operation=checked_operation(operation),
        )

    def _freeze(self, **attributes: Any) -> None:
        for name, value in attributes.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"A Schema is shared by all requests and never changes: {name!r} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"A Schema is shared by all requests and never changes: {name!r} cannot be deleted")

    # For a type checker, a method's own object could be a request or a web.View as well: the first fit is meant.
    @overload
    def handler(  # type: ignore[overload-overlap]  # see above
        self, view: Callable[Concatenate[web.Request, P], Awaitable[R]], /
    ) -> DecoratedFunction[Callable[Concatenate[web.Request, P], Awaitable[R]], Self]: ...
    @overload
    def handler(  # type: ignore[overload-overlap]  # see above
        self, view: Callable[Concatenate[V, P], Awaitable[R]], /
    ) -> DecoratedViewMethod[Callable[Concatenate[V, P], Awaitable[R]], Self]: ...
    @overload
    def handler(
        self, view: Callable[Concatenate[T, web.Request, P], Awaitable[R]], /
    ) -> DecoratedMethod[Callable[Concatenate[T, web.Request, P], Awaitable[R]], Self]: ...
    def handler(self, view: Callable[..., Awaitable[Any]], /) -> Any:
        """Decorate a view, outermost: read and check the request, call the view, check and send what it returns.

        The view is an ``async def`` function that takes the request, a method of a ``web.View``, or a method that
        takes the request last. It is given each declared place that it names: ``body``, ``form``, ``query``,
        ``path``, ``headers``, ``cookies``. Parameters are checked before the body is read. What it returns is made
        into a response by :meth:`make_response`; a response of its own is sent as it is.

        The decorated view has ``view``, the function itself for unit tests, and ``schema``.

        Raises:
            TypeError: the view is not async, or requires what this Schema does not declare.
        """
        wanted = arguments_of(view, self._places)

        @functools.wraps(view)
        async def handler(*args: Any) -> Any:
            arguments = await self._read(request_of(args))
            if len(arguments) != len(wanted):
                arguments = {name: arguments[name] for name in wanted}
            result = await view(*args, **arguments)
            return result if isinstance(result, web.StreamResponse) else self.make_response(result)

        handler.view = view  # type: ignore[attr-defined]  # a function takes any attribute
        handler.schema = self  # type: ignore[attr-defined]  # the same
        return handler

    async def _read(self, request: web.Request) -> dict[str, Any]:
        try:
            return await self._reader.read(request)
        except RequestValidationError as error:
            if self.error_class is None:
                raise
            raise self._request_error(error) from error

    def validate_request(
        self, data: Any, *additional: Mapping[str, Any], merged_class: Callable[..., Any] = dict
    ) -> Any:
        """Check request data against the ``request`` schema, by hand.

        Args:
            data: the data of the body; it is not changed.
            *additional: more members, such as ``request.match_info``, for data that are an object; a member that the
                data have already stays.
            merged_class: what merged data are made into.

        Returns:
            The data with their defaults, or what the module's ``request_processor`` makes of them.

        Raises:
            RequestValidationError: the data break the schema; or ``error_class(message)``, caused by it.
            Error: this Schema has no ``request`` schema.
            TypeError: what is additional is no mapping, or ``merged_class`` cannot be called.
        """
        if self._body is None:
            raise self.make_error("This Schema has no request= schema to check the data against")
        for members in additional:
            if not isinstance(members, Mapping):
                raise TypeError(f"validate_request merges mappings, not {type(members).__name__}")
        if not callable(merged_class):
            raise TypeError(f"merged_class is a class or a function, not {merged_class!r}")
        merged = isinstance(data, Mapping) and bool(additional)
        try:
            plain = _merge(data, additional) if merged else to_plain(data)
        except (TypeError, ValueError):
            # Such as an uploaded file, or two values of one name. Python's own text is not for a client.
            valid, violations = None, [Violation((), "type", "holds what JSON cannot")]
        else:
            valid, violations = self._body.validate(plain)
        if violations:
            raise self._request_error(RequestValidationError(place_errors("body", violations)))
        valid = merged_class(valid) if merged else valid
        return valid if self._processor is None else self._processor(valid)

    def _request_error(self, error: RequestValidationError) -> Exception:
        if self.error_class is None:
            return error
        details = "; ".join(f"{item.get('pointer') or item.get('name', '')} {item['detail']}" for item in error.errors)
        return self.make_error(f"The request is not valid: {details}", error=error)

    def make_response(self, data: Any = NO_BODY, *, status: int | None = None, **kwargs: Any) -> Any:
        """Check response data against the schema of its status, and make the response.

        Args:
            data: what to answer; ``None`` is JSON's null; without data the response has no body.
            status: by default this Schema's.
            **kwargs: passed to the ``response_factory``, such as ``headers``.

        Raises:
            ResponseValidationError: the data break the schema, cannot be written as JSON, or the status is not
                declared.
            TypeError: the ``response_factory`` does not take what is passed to it.
        """
        headers = kwargs.get("headers")
        if headers is not None and (not isinstance(headers, Iterable) or isinstance(headers, str | bytes)):
            raise TypeError(f"make_response: headers are a mapping or pairs, not {type(headers).__name__}")
        code = self._responses.status if status is None else status
        if data is None and code in BODYLESS:
            data = NO_BODY
        if self._validate_response:
            data = self._checked(data, code, headers)
        if self._response_factory is None:
            return data
        if status is not None or code != 200:
            kwargs["status"] = code
        if data is NO_BODY:
            return _call_factory(self._response_factory, **kwargs)
        content_type = self._responses.content_type(code)
        if content_type != "application/json":
            kwargs.setdefault("content_type", content_type)
        if self._response_factory is json_response and "dumps" not in kwargs and self._validate_response is True:
            # The data are plain by now: json_response would look at each value again.
            return _call_factory(bytes_response, _encoded(data), **kwargs)
        return _call_factory(self._response_factory, data, **kwargs)

    def _checked(self, data: Any, status: int, headers: Any) -> Any:
        try:
            plain = data if data is NO_BODY else to_plain(data)
            self._responses.check(plain, status, headers)
        except (TypeError, ValueError, ResponseValidationError) as error:
            if self._validate_response != "log":
                if isinstance(error, ResponseValidationError):
                    raise
                raise ResponseValidationError(str(error)) from error
            _logger.error("A response breaks its schema, and is sent all the same: %s", error)  # noqa: TRY400 - its text says all; the traceback is ours
            return data
        return plain

    def make_error(
        self,
        message: str,
        *,
        error: Exception | None = None,
        error_class: Callable[[str], Exception] | None = None,
    ) -> Exception:
        """Make an error to raise: of ``error_class``, of this Schema's, or an :class:`Error`.

        Args:
            message: what the class is called with.
            error: its cause.
            error_class: makes the error, in place of this Schema's ``error_class``.

        Raises:
            TypeError: ``error`` is no exception, or ``error_class`` makes none.
        """
        if not isinstance(error, BaseException | None):
            raise TypeError(f"make_error: error is the exception that is the cause, not {type(error).__name__}")
        made = _made_error(error_class or self.error_class or Error, message)
        if error is not None:
            made.__cause__ = error
        return made


def _made_error(error_class: Any, message: str) -> Exception:
    """An error of a class, which is proved to make one of a text."""
    wanted = "error_class makes an exception of a text"
    if not callable(error_class):
        raise TypeError(f"{wanted}; {error_class!r} cannot be called")
    try:
        made = error_class(message)
    except Exception as error:
        raise TypeError(f"{wanted}; {error_class!r} raised {type(error).__name__}: {error}") from error
    if not isinstance(made, Exception):
        raise TypeError(f"{wanted}; {error_class!r} made {type(made).__name__}")
    return made


def _unfilled(schemas: Iterable[tuple[str, Document]]) -> Iterator[str]:
    for name, document in schemas:
        for place in never_filled(document):
            message = f"The default at {place} of the {name} schema is not filled where it stands under"
            yield f"{message} anyOf, oneOf, not, if, then or else: they may not apply"


def _slow(schemas: Iterable[tuple[str, Document]]) -> Iterator[str]:
    for name, document in schemas:
        for place, why in slow_places(document):
            message = f"Hostile data can keep the jsonschema engine busy at {place} of the {name} schema: {why}"
            yield f"{message}. Use jsonschema-rs"


def _call_factory(factory: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return factory(*args, **kwargs)
    except TypeError as error:
        try:
            inspect.signature(factory).bind(*args, **kwargs)
        except (TypeError, ValueError) as mismatch:
            raise TypeError(f"make_response: the response_factory cannot take its arguments: {mismatch}") from error
        raise


def _merge(data: Mapping[str, Any], additional: tuple[Mapping[str, Any], ...]) -> dict[str, Any]:
    """The members of all, as plain data; of two with one name, the first one."""
    merged: dict[str, Any] = {}
    for members in reversed((data, *additional)):
        merged.update(to_plain(members))
    return merged


def _encoded(plain: Any) -> bytes:
    try:
        return dumps_plain(plain)
    except ValueError as error:  # a lone surrogate, or an integer of more digits than Python writes
        raise ResponseValidationError(f"The response cannot be written as JSON: {type(error).__name__}") from error
