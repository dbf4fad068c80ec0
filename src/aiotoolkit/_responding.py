"""How a Schema answers: data are checked, and made into a response."""

import inspect
import logging
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal

from aiohttp import web

from aiotoolkit._answering import ResponseChecker, ResponseValidationError
from aiotoolkit._json import dumps_plain, to_plain
from aiotoolkit.responses import JSON_HEADERS, NO_BODY, bytes_response, json_response

__all__ = ["Responder"]

_logger: Final = logging.getLogger("aiotoolkit.schemas")


class Responder:
    """Makes responses of data.

    Attributes:
        checker: what the answers must be like.

    Args:
        checker: the same.
        factory: makes a response of data; None returns the data.
        validate: whether data are checked; ``"log"`` to log what is wrong, and send it.
    """

    def __init__(
        self, checker: ResponseChecker, factory: Callable[..., Any] | None, validate: bool | Literal["log"]
    ) -> None:
        self.checker = checker
        self._factory = factory
        self._validate = validate
        # The data are plain once they are checked: json_response would look at each value again.
        self._encodes = factory is json_response and validate is True
        # By such a schema the engine sees each value: nothing has to be converted, or looked at, before it.
        self._closed = checker.closed_schema() if self._encodes else None

    def respond(self, data: Any) -> Any:
        """Answer with the default status, and nothing but the data."""
        if self._closed is not None:
            try:
                if self._closed.accepts(data):
                    return web.Response(body=dumps_plain(data), status=self.checker.status, headers=JSON_HEADERS)
            except ValueError:
                pass  # an integer of more digits than Python writes: the error is the one that all data get
        return self.make(data, None, {})

    def make(self, data: Any, status: int | None, kwargs: dict[str, Any]) -> Any:
        """Answer with data, or NO_BODY; ``kwargs`` are for the factory.

        Raises:
            ResponseValidationError, TypeError: as for ``Schema.make_response``.
        """
        headers = kwargs.get("headers")
        if headers is not None and (not isinstance(headers, Iterable) or isinstance(headers, str | bytes)):
            raise TypeError(f"make_response: headers are a mapping or pairs, not {type(headers).__name__}")
        code = self.checker.status if status is None else status
        if data is None and self.checker.has_no_body(code):
            data = NO_BODY
        if self._validate:
            data = self._checked(data, code, headers)
        if self._factory is None:
            return data
        if status is not None or code != 200:
            kwargs["status"] = code
        return _call(self._factory, **kwargs) if data is NO_BODY else self._with_body(data, code, kwargs)

    def check_own(self, response: web.StreamResponse) -> web.StreamResponse:
        """Check a response that a view has made itself.

        Raises:
            ResponseValidationError: it is not as declared.
        """
        try:
            self.checker.check_own(response)
        except ResponseValidationError as error:
            if self._validate != "log":
                raise
            _logger.error("A response breaks its schema, and is sent all the same: %s", error)  # noqa: TRY400 - its text says all; the traceback is ours
        return response

    @property
    def checks_own(self) -> bool:
        """Tell whether responses are checked that a view has made itself."""
        return bool(self._validate) and self.checker.checks_own

    def _with_body(self, data: Any, status: int, kwargs: dict[str, Any]) -> Any:
        content_type = self.checker.content_type(status)
        if content_type != "application/json":
            kwargs.setdefault("content_type", content_type)
        if self._encodes and "dumps" not in kwargs:
            return _call(bytes_response, _encoded(data), **kwargs)
        return _call(self._factory, data, **kwargs)

    def _checked(self, data: Any, status: int, headers: Any) -> Any:
        try:
            plain = data if data is NO_BODY else to_plain(data)
            self.checker.check(plain, status, headers)
        except (TypeError, ValueError, ResponseValidationError) as error:
            if self._validate != "log":
                if isinstance(error, ResponseValidationError):
                    raise
                raise ResponseValidationError(str(error)) from error
            _logger.error("A response breaks its schema, and is sent all the same: %s", error)  # noqa: TRY400 - its text says all; the traceback is ours
            return data
        return plain


def _call(factory: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return factory(*args, **kwargs)
    except TypeError as error:
        try:
            inspect.signature(factory).bind(*args, **kwargs)
        except (TypeError, ValueError) as mismatch:
            raise TypeError(f"make_response: the response_factory cannot take its arguments: {mismatch}") from error
        raise


def _encoded(plain: Any) -> bytes:
    try:
        return dumps_plain(plain)
    except ValueError as error:  # a lone surrogate, or an integer of more digits than Python writes
        raise ResponseValidationError(f"The response cannot be written as JSON: {type(error).__name__}") from error
