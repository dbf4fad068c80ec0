"""JSON answers."""

from collections.abc import Callable
from typing import Any, Final, NoReturn

from aiohttp import hdrs, web
from aiohttp.typedefs import LooseHeaders
from multidict import CIMultiDict, CIMultiDictProxy

from aiotoolkit._headers import MEDIA_TYPE, check_text, copy_headers
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

_JSON: Final = "application/json"
# Each response copies it, which is the fastest way to give one a Content-Type.
JSON_HEADERS: Final = CIMultiDictProxy(CIMultiDict({hdrs.CONTENT_TYPE: _JSON}))


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
        status: the HTTP status, 200 to 599; 204, 205 and 304 have no body.
        headers: more response headers. A Content-Length is left out where there are data: the body has its own.
        content_type: the media type, without a charset (JSON is UTF-8: RFC 8259, section 8.1).
        dumps: another encoder; it is given plain data (dict, list, str, int, float, bool, None) and returns text, or
            bytes in UTF-8.

    Raises:
        TypeError: data of a type that JSON does not have and the table above does not name, an encoder that returns
            neither text nor bytes, a status that is no int, a header that is no text.
        ValueError: a number that is not finite, a lone surrogate in a text, another status, a header whose name is
            none or whose value holds a control character, a content type that is none, data for a status without a
            body.
    """
    if data is NO_BODY:
        _check_status(status)
        return web.Response(status=status, headers=copy_headers(headers))
    try:
        body = _dumps(data) if dumps is None else _encoded(dumps, data)
    except UnicodeEncodeError:
        # Its own text says a position in the document, and it carries the whole of it.
        raise ValueError("The data hold a lone surrogate, half of a character, which UTF-8 cannot encode") from None
    return bytes_response(body, status=status, headers=headers, content_type=content_type)


def bytes_response(
    body: bytes, *, status: int = 200, headers: LooseHeaders | None = None, content_type: str = "application/json"
) -> web.Response:
    """Answer with JSON that is encoded already."""
    _check_status(status)
    if status in BODYLESS:
        raise ValueError(f"A response with status {status} has no body: call json_response(status={status})")
    if content_type != _JSON:
        _check_content_type(content_type)
    if headers is None:
        ready = JSON_HEADERS if content_type == _JSON else {hdrs.CONTENT_TYPE: content_type}
        return web.Response(body=body, status=status, headers=ready)
    all_headers = copy_headers(headers)
    all_headers.popall(hdrs.CONTENT_LENGTH, None)
    all_headers[hdrs.CONTENT_TYPE] = content_type
    return web.Response(body=body, status=status, headers=all_headers)


def _encoded(dumps: Callable[[Any], str | bytes], data: Any) -> bytes:
    if not callable(dumps):
        raise TypeError(f"dumps= must be a function of the data, not {type(dumps).__name__}")
    encoded = dumps(to_plain(data))
    body = encoded.encode() if isinstance(encoded, str) else encoded
    if not isinstance(body, bytes):
        raise TypeError(f"dumps= must return str or bytes, not {type(body).__name__}")
    return body


def _check_status(status: int) -> None:
    # The exact type is the cheap question; HTTPStatus is an int too.
    if (type(status) is not int and not _is_int(status)) or not 200 <= status <= 599:
        _refuse_status(status)


def _is_int(status: object) -> bool:
    return isinstance(status, int) and not isinstance(status, bool)


def _refuse_status(status: object) -> NoReturn:
    if not _is_int(status):
        raise TypeError(f"The status of a response is an int, not {type(status).__name__}")
    raise ValueError(f"The status of a JSON response is 200 to 599, not {status}")


def _check_content_type(content_type: str) -> None:
    check_text(hdrs.CONTENT_TYPE, content_type)
    if not MEDIA_TYPE.match(content_type):
        raise ValueError(f"content_type= must be a media type such as 'application/json', not {content_type!r}")
