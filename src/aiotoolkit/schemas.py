"""JSON Schema for what comes in and what goes out.

A :class:`Schema` holds the schemas of one operation: of its body or form, its parameters and its responses. It is
made once, at import, where everything that is wrong with it is found; it never changes and is shared by all requests.
"""

import functools
import warnings
from collections.abc import Awaitable, Callable, Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Final,
    Generic,
    Literal,
    NoReturn,
    ParamSpec,
    Self,
    TypeVar,
    overload,
)

from aiohttp import web

from aiotoolkit._answering import Response, ResponseChecker, ResponseValidationError
from aiotoolkit._arguments import check_options, checked_operation, from_module, made_error
from aiotoolkit._documents import InvalidSchemaError, SchemaSource
from aiotoolkit._engines import Check, Engine, JSONSchemaEngine, JSONSchemaRSEngine, Violation, find_engine
from aiotoolkit._reading import Error, RequestReader, RequestValidationError
from aiotoolkit._responding import Responder
from aiotoolkit._views import DecoratedFunction, DecoratedMethod, DecoratedViewMethod, arguments_of, request_of
from aiotoolkit.responses import NO_BODY, json_response

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault  # Python has it from 3.13 on

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

EMPTY_ARRAY: Final[dict[str, Any]] = {"type": "array", "maxItems": 0}
"""The schema of ``[]``."""

EMPTY_OBJECT: Final[dict[str, Any]] = {"type": "object", "additionalProperties": False}
"""The schema of ``{}``."""


_DATA: Final = frozenset({dict, list})  # what most views return; to ask about a class costs more

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
V = TypeVar("V", bound=web.View)
if TYPE_CHECKING:
    Body_co = TypeVarWithDefault("Body_co", covariant=True, default=Any)
else:
    Body_co = TypeVar("Body_co", covariant=True)


class Schema(Generic[Body_co]):
    """The schemas of one operation, compiled and checked.

    Each schema is a JSON Schema (a dict or a bool; without ``$schema`` of draft 2020-12), a jsl document or another
    object with ``get_schema()`` or ``model_json_schema()``, or a type: a dataclass, TypedDict, msgspec Struct or
    pydantic model, or what is built of them (``list[Project]``). Of a type, requests are made into its instances, and
    ``Schema(request=Project)`` is a ``Schema[Project]``.

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
        "_reader",
        "_responder",
        "error_class",
        "operation",
    )

    _reader: RequestReader
    _responder: Responder
    error_class: Callable[[str], Exception] | None
    operation: Mapping[str, Any]

    @overload
    def __init__(
        self,
        module: None = ...,
        *,
        request: type[Body_co],
        form: SchemaSource | None = ...,
        response: SchemaSource | None = ...,
        responses: Mapping[int, SchemaSource | Response] | None = ...,
        query: SchemaSource | None = ...,
        path: SchemaSource | None = ...,
        headers: SchemaSource | None = ...,
        cookies: SchemaSource | None = ...,
        status: int | None = ...,
        body_required: bool = ...,
        response_factory: Callable[..., Any] | None = ...,
        error_class: Callable[[str], Exception] | None = ...,
        engine: Engine | str | None = ...,
        fill_defaults: bool = ...,
        validate_response: bool | Literal["log"] = ...,
        operation: Mapping[str, Any] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: "Schema[Any]",
        module: Any = ...,
        *,
        request: SchemaSource | None = ...,
        form: SchemaSource | None = ...,
        response: SchemaSource | None = ...,
        responses: Mapping[int, SchemaSource | Response] | None = ...,
        query: SchemaSource | None = ...,
        path: SchemaSource | None = ...,
        headers: SchemaSource | None = ...,
        cookies: SchemaSource | None = ...,
        status: int | None = ...,
        body_required: bool = ...,
        response_factory: Callable[..., Any] | None = ...,
        error_class: Callable[[str], Exception] | None = ...,
        engine: Engine | str | None = ...,
        fill_defaults: bool = ...,
        validate_response: bool | Literal["log"] = ...,
        operation: Mapping[str, Any] | None = ...,
    ) -> None: ...
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
        check_options(
            response_factory=response_factory,
            error_class=error_class,
            validate_response=validate_response,
            body_required=body_required,
            fill_defaults=fill_defaults,
        )
        found_engine = find_engine(engine)
        reader = RequestReader(
            {"path": path, "query": query, "headers": headers, "cookies": cookies, "body": request, "form": form},
            found_engine,
            fill_defaults=fill_defaults,
            body_required=body_required,
            processor=processor,
        )
        checker = ResponseChecker(response, responses, status, found_engine)
        for message in (*reader.warnings(), *checker.warnings()):
            warnings.warn(message, stacklevel=2)
        self._freeze(
            _reader=reader,
            _responder=Responder(checker, response_factory, validate_response),
            error_class=error_class,
            operation=checked_operation(operation),
        )

    @classmethod
    def _made_of(cls, reader: RequestReader, responder: Responder, operation: Mapping[str, Any]) -> "Schema[Any]":
        """A Schema whose parts were made elsewhere: from an API's description."""
        schema = cls.__new__(cls)
        schema._freeze(_reader=reader, _responder=responder, error_class=None, operation=checked_operation(operation))
        return schema

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
        wanted = arguments_of(view, self._reader.types())
        takes_all = len(wanted) == len(self._reader.schemas)
        read = self._reader.read if self.error_class is None else self._read
        make_response = self.make_response
        check_own = self._responder.check_own if self._responder.checks_own else None

        @functools.wraps(view)
        async def handler(*args: Any) -> Any:
            arguments = await read(request_of(args))
            result = await view(*args, **(arguments if takes_all else {name: arguments[name] for name in wanted}))
            if type(result) not in _DATA and isinstance(result, web.StreamResponse):
                return result if check_own is None else check_own(result)
            return make_response(result)

        handler.view = view  # type: ignore[attr-defined]  # a function takes any attribute
        handler.schema = self  # type: ignore[attr-defined]  # the same
        return handler

    async def _read(self, request: web.Request) -> dict[str, Any]:
        try:
            return await self._reader.read(request)
        except RequestValidationError as error:
            raise self._request_error(error) from error

    @overload
    def validate_request(self, data: Any, *additional: Mapping[str, Any]) -> Body_co: ...
    @overload
    def validate_request(self, data: Any, *additional: Mapping[str, Any], merged_class: Callable[..., Any]) -> Any: ...
    def validate_request(
        self, data: Any, *additional: Mapping[str, Any], merged_class: Callable[..., Any] = dict
    ) -> Any:
        """Check request data against the ``request`` schema, by hand.

        Args:
            data: the data of the body; it is not changed.
            *additional: more members, such as ``request.match_info``, for data that are an object; a member that the
                data have already stays.
            merged_class: what merged data are made into, where the request is no type.

        Returns:
            The data with their defaults, made into the type if the request is one, or what the module's
            ``request_processor`` makes of that.

        Raises:
            RequestValidationError: the data break the schema; or ``error_class(message)``, caused by it.
            Error: this Schema has no ``request`` schema.
            TypeError: what is additional is no mapping, or ``merged_class`` cannot be called, or the request is a type.
        """
        if "body" not in self._reader.schemas:
            raise self.make_error("This Schema has no request= schema to check the data against")
        try:
            return self._reader.check(data, additional, merged_class)
        except RequestValidationError as error:
            if self.error_class is None:
                raise
            raise self._request_error(error) from error

    def _request_error(self, error: RequestValidationError) -> Exception:
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
        if status is None and not kwargs:
            return self._responder.respond(data)
        return self._responder.make(data, status, kwargs)

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
        made = made_error(error_class or self.error_class or Error, message)
        if error is not None:
            made.__cause__ = error
        return made
