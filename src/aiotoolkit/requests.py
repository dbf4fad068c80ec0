"""Reading a request safely: JSON, forms, arguments, and what the client accepts.

Whatever the bytes are: a request that cannot be read is answered by a :class:`~aiotoolkit.problems.Problem` with a
4xx status.
"""

from collections.abc import Callable, Collection
from typing import Any, Final, TypeVar, overload

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from multidict import MultiDict, MultiDictProxy

from aiotoolkit import _accept, _json, _text
from aiotoolkit._forms import UploadedFile, check_unicode, read_multipart
from aiotoolkit.problems import Problem

__all__ = ["UploadedFile", "is_xhr_request", "prefers_html", "query_argument", "read_form", "read_json"]

T = TypeVar("T")
D = TypeVar("D")

_FORM_TYPES: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
# What aiohttp's parser undoes; br and zstd are refused by it with 400 where their packages are not installed.
_CONTENT_ENCODINGS: Final = frozenset({"identity", "gzip", "deflate", "br", "zstd"})

# What aiohttp's readers raise for bytes that are no form; asserts guard them where they did not expect a client, and
# of some headers they warn, which is an error where the process was told so.
_FORM_ERRORS: Final = (ValueError, LookupError, AssertionError, RuntimeError, RuntimeWarning)
_FORM: Final = web.RequestKey("aiotoolkit.form", MultiDictProxy)


async def read_json(
    request: web.Request,
    *,
    loads: Callable[[bytes], Any] = _json.loads,
    max_depth: int = 64,
    content_types: Collection[str] = ("application/json",),
) -> Any:
    """Read a JSON body (RFC 8259), strictly.

    By default the decoder is the standard library's, or msgspec's where it is installed: both accept and refuse the
    same bytes. Of an object's members with one name, the last one counts.

    Args:
        request: the request; its body may have been read before.
        loads: another decoder; its ValueError and RecursionError are answered with 400.
        max_depth: how many arrays and objects may be nested.
        content_types: the media types to accept; ``*/*+json`` types always are.

    Raises:
        Problem: 415 for a missing or another content type, charset or content encoding; 400 for a body that is no
            JSON text in UTF-8, has a number that is not finite or a lone surrogate, is too deep or broke off.
        aiohttp.web.HTTPRequestEntityTooLarge: 413 for more bytes than the application's ``client_max_size``.
    """
    if isinstance(content_types, str):
        raise TypeError("content_types is a collection of media types, not one str")
    body = await read_json_text(request, content_types)
    refuse_deep_json(body, max_depth)
    return decode_json(body, loads)


async def read_json_text(request: web.Request, content_types: Collection[str] = ("application/json",)) -> bytes:
    """Read a body that says that it is JSON; the errors are those of :func:`read_json`, as far as it can tell."""
    headers = request.headers
    # What nearly all clients send needs no parsing.
    if headers.get(hdrs.CONTENT_TYPE) not in content_types or hdrs.CONTENT_ENCODING in headers:
        check_content(request, content_types, any_json=True)
    try:
        return await request.read()
    except (web.RequestPayloadError, HttpProcessingError) as error:
        raise damaged_body(request) from error


def refuse_deep_json(body: bytes, max_depth: int) -> None:
    """Refuse JSON text that nests more than ``max_depth`` containers."""
    if _json.is_deeper_than(body, max_depth):
        raise Problem(400, f"The JSON body is nested deeper than {max_depth} levels.")


def decode_json(body: bytes, loads: Callable[[bytes], Any] = _json.loads) -> Any:
    """Decode JSON text, or refuse it."""
    try:
        return loads(body)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "The body is not JSON text in UTF-8.") from error


async def read_form(request: web.Request) -> MultiDictProxy[str | UploadedFile]:
    """Read a form: ``application/x-www-form-urlencoded`` or ``multipart/form-data``.

    File inputs that were left empty are left out. Large files are kept on disk, not in memory.

    Raises:
        Problem: 415 for another content type or content encoding; 400 for a form that cannot be read.
        aiohttp.web.HTTPRequestEntityTooLarge: 413 for more bytes than the application's ``client_max_size``, or for
            too many fields.
    """
    form = request.get(_FORM)
    if form is None:
        check_content(request, _FORM_TYPES, any_json=False)
        form = request[_FORM] = MultiDictProxy(await _read_fields(request))
    return form


async def _read_fields(request: web.Request) -> MultiDict[str | UploadedFile]:
    try:
        if request.content_type == "multipart/form-data":
            return await read_multipart(request)
        fields = await request.post()
        return MultiDict((check_unicode(name), check_unicode(str(value))) for name, value in fields.items())
    except (web.RequestPayloadError, HttpProcessingError) as error:
        raise damaged_body(request) from error
    except _FORM_ERRORS as error:
        raise Problem(400, "The body is not a readable form.") from error


def check_content(
    request: web.Request, content_types: Collection[str], *, any_json: bool, any_charset: bool = False
) -> None:
    """Refuse a body of another type, charset or coding, saying what would be accepted (RFC 9110, 15.5.16)."""
    accepted = ", ".join(content_types)
    try:
        content_type, charset = request.content_type, request.charset
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        # Python's parser of such headers trips over parameters like "a*" (RFC 2231).
        raise Problem(415, "The Content-Type cannot be read.", headers={hdrs.ACCEPT: accepted}) from error
    if content_type not in content_types and not (any_json and content_type.endswith("+json")):
        sent = "no Content-Type" if hdrs.CONTENT_TYPE not in request.headers else "another"
        raise Problem(415, f"The body must be {accepted}; the request has {sent}.", headers={hdrs.ACCEPT: accepted})
    if not any_charset and charset is not None and charset.lower() not in ("utf-8", "utf8"):
        raise Problem(415, "The body must be in UTF-8.", headers={hdrs.ACCEPT: accepted})
    encodings = request.headers.getall(hdrs.CONTENT_ENCODING, None)
    if encodings is not None and ",".join(encodings).strip().lower() not in _CONTENT_ENCODINGS:
        raise Problem(415, "The body has an unknown Content-Encoding.", headers={hdrs.ACCEPT_ENCODING: "gzip, deflate"})


def damaged_body(request: web.Request) -> Problem:
    """The last answer on its connection: where the next request would begin is not known any more."""
    # Or else aiohttp would read on after the answer, and log the client's mistake as its own error.
    request.content.feed_eof()
    if request.protocol is not None:
        request.protocol.close()
    return Problem(400, "The body broke off, or its encoding is damaged.", headers={hdrs.CONNECTION: "close"})


_REQUIRED: Final[Any] = object()

_PARSERS: Final[dict[Any, Callable[[str], Any]]] = {
    int: _text.parse_integer,
    float: _text.parse_number,
    bool: _text.parse_boolean,
}


@overload
def query_argument(request: web.Request, name: str) -> str: ...
@overload
def query_argument(request: web.Request, name: str, type: Callable[[str], T]) -> T: ...
@overload
def query_argument(request: web.Request, name: str, type: Callable[[str], T], default: D) -> T | D: ...
@overload
def query_argument(request: web.Request, name: str, *, default: D) -> str | D: ...
def query_argument(
    request: web.Request,
    name: str,
    type: Callable[[str], Any] = str,  # noqa: A002 - as Flask's args.get has it
    default: Any = _REQUIRED,
) -> Any:
    """Read one argument of the query string.

    Args:
        request: the request.
        name: the argument's name.
        type: ``str``, ``int`` (64 bits), ``float`` (finite), ``bool`` (``true`` or ``false``), or any callable that
            takes the text and raises ValueError (or ArithmeticError, as Decimal does) for one that it does not take,
            such as ``uuid.UUID``.
        default: returned where the argument is missing; without a default it is required.

    Raises:
        Problem: 400, for an argument that is missing, given twice, or not of the type. Unlike Flask's
            ``args.get(name, type=int)``, a bad text is an error and not the default.
    """
    values = request.query.getall(name, ())
    if not values:
        if default is _REQUIRED:
            raise _bad_argument(name, "is required")
        return default
    if len(values) > 1:
        raise _bad_argument(name, "must be given once")
    parse = _PARSERS.get(type, type)
    try:
        value = parse(values[0])
    except (ValueError, ArithmeticError) as error:
        detail = str(error) if type in _PARSERS else "is not valid"
        raise _bad_argument(name, detail) from error
    return float(value) if type is float else value


def _bad_argument(name: str, detail: str) -> Problem:
    return Problem(400, "The query is not valid.", errors=[{"detail": detail, "in": "query", "name": name}])


def is_xhr_request(request: web.Request) -> bool:
    """Tell whether a script sent the request and said so, with ``X-Requested-With: XMLHttpRequest``.

    ``fetch()`` does not send the header by itself.
    """
    return request.headers.get("X-Requested-With", "").lower() == "xmlhttprequest"


def prefers_html(request: web.Request) -> bool:
    """Tell whether the client ranks ``text/html`` strictly above JSON, as browsers do and ``curl`` does not.

    Source: RFC 9110, section 12.5.1.
    """
    return _accept.prefers_html(",".join(request.headers.getall(hdrs.ACCEPT, ())))
