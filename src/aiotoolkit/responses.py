"""JSON answers."""

from collections.abc import Callable
from typing import Any, Final

from aiohttp import hdrs, web
from aiohttp.typedefs import LooseHeaders
from multidict import CIMultiDict

from aiotoolkit._headers import check_headers, check_text
from aiotoolkit._json import dumps as _dumps
from aiotoolkit._json import to_plain

__all__ = ["NO_BODY", "json_response"]


class _NoBody:
    """The type of :data:`NO_BODY`."""

    def __repr__(self) -> str:
        return "NO_BODY"


NO_BODY: Final = _NoBody()
"""Stands for "no data", since ``None`` is JSON's null."""

# RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5.
BODYLESS: Final = frozenset({204, 205, 304})


def json_response(
    data: Any = NO_BODY,
    *,
    status: int = 200,
    headers: LooseHeaders | None = None,
    content_type: str = "application/json",
    dumps: Callable[[Any], str | bytes] | None = None,
) -> web.Response:
    """Answer with data as JSON, or with no body where no data is given.

    What is written how does not depend on what is installed: datetime, date and time are RFC 3339 text, UUID its
    text, Decimal a number, Enum its value, a dataclass or Mapping an object, a set or tuple an array. Whole
    applications choose another encoder once, with ``functools.partial(json_response, dumps=...)``.

    Args:
        data: what to send; ``None`` is sent as ``null``.
        status: the HTTP status; 204, 205 and 304 have no body.
        headers: more response headers. A Content-Length is left out where there are data: the body has its own.
        content_type: the media type, without a charset (JSON is UTF-8: RFC 8259, section 8.1).
        dumps: another encoder; it is given plain data (dict, list, str, int, float, bool, None) and returns text, or
            bytes in UTF-8.

    Raises:
        TypeError: data of a type that JSON does not have and the table above does not name, an encoder that returns
            neither text nor bytes, a header that is no text.
        ValueError: a number that is not finite, a header with a control character, data for a status without a body.
    """
    if data is NO_BODY:
        all_headers = CIMultiDict(headers or ())
        check_headers(all_headers)
        return web.Response(status=status, headers=all_headers)
    encoded = _dumps(data) if dumps is None else dumps(to_plain(data))
    body = encoded.encode() if isinstance(encoded, str) else encoded
    if not isinstance(body, bytes):
        raise TypeError(f"dumps= must return str or bytes, not {type(body).__name__}")
    return bytes_response(body, status=status, headers=headers, content_type=content_type)


def bytes_response(
    body: bytes, *, status: int = 200, headers: LooseHeaders | None = None, content_type: str = "application/json"
) -> web.Response:
    """Answer with JSON that is encoded already."""
    if status in BODYLESS:
        raise ValueError(f"A response with status {status} has no body: call json_response(status={status})")
    all_headers = CIMultiDict(headers or ())
    if headers:
        check_headers(all_headers)
        all_headers.popall(hdrs.CONTENT_LENGTH, None)
    check_text(hdrs.CONTENT_TYPE, content_type)
    all_headers[hdrs.CONTENT_TYPE] = content_type
    return web.Response(body=body, status=status, headers=all_headers)
