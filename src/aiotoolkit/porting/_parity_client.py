"""An HTTP/1.1 client that sends what it is given, byte for byte, and a cookie jar like a browser's.

Ready-made clients normalise paths (``//x``, ``/a%2Fb``), sort or add headers and decode cookies: those are the very
places where two frameworks differ.
"""

import asyncio
import http.client
import io
import re
import ssl
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Self
from urllib.parse import urlsplit

from aiotoolkit.porting._parity_errors import ParityError

__all__ = ["Answer", "CookieJar", "Origin", "SetCookie", "fetch", "parse_set_cookie"]

Headers = Sequence[tuple[str, str]]

LARGEST_ANSWER = 64 * 2**20  # bytes: what is longer is an error, so that an endless answer cannot fill the memory


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one side answers: scheme, host and port, and a path before every path where the base URL has one."""

    scheme: str
    host: str
    port: int
    prefix: str = ""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read a base URL.

        Raises:
            ParityError: it is no http or https URL with a host, or has a query.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ParityError(f"{url!r} is not a base URL: {error}") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ParityError(f"{url!r} is not a base URL: write http://host:port or https://host")
        if parts.username is not None:
            raise ParityError("a base URL takes no user and no password: write an Authorization header in the script")
        return cls(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], parts.path.rstrip("/"))

    @property
    def authority(self) -> str:
        """The value of the ``Host`` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.prefix}"


_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one request: a response, or the reason why there is none."""

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()  # as they were sent, in their order, decoded as Latin-1
    body: bytes = b""
    error: str | None = None
    url: str = ""  # path and query of the last request: another one than asked for where redirects were followed
    hops: tuple[str, ...] = ()  # "302 /path" for each redirect that was followed

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key.lower() == name]

    def get(self, name: str) -> str | None:
        """The values of a header, joined as RFC 9110 (section 5.3) allows, or None."""
        values = self.all(name)
        return ", ".join(values) if values else None


async def fetch(origin: Origin, method: str, target: str, headers: Headers, body: bytes, *, timeout: float) -> Answer:  # noqa: ASYNC109 - part of an answer: the reason is reported
    """Send one request on a connection of its own, and read the answer to its end.

    Args:
        origin: where to.
        method: as it is sent.
        target: path and query, as they are sent, after the prefix of the origin.
        headers: in this order, after ``Host``; ``Content-Length`` and ``Connection`` are added.
        body: may be empty.
        timeout: seconds for all of it.

    Returns:
        An answer; what goes wrong on the way (refused, closed, silent for too long, no HTTP) is its ``error``.
    """
    received = bytearray()
    error: str | None = None
    try:
        async with asyncio.timeout(timeout):
            await _exchange(origin, method, _request_bytes(origin, method, target, headers, body), received)
    except TimeoutError:
        # A server may have answered in full and keep the connection open all the same.
        error = f"no complete answer within {timeout:g} s"
    except ssl.SSLError as failure:
        error = f"TLS: {failure.reason or failure}"
    except ConnectionRefusedError:
        return Answer(error="connection refused", url=target)
    except (OSError, _TooLongError) as failure:
        error = _describe(failure)
    return _parse(method, target, bytes(received), error)


def _describe(failure: Exception) -> str:
    if isinstance(failure, ConnectionResetError | BrokenPipeError):
        return "connection reset"
    return str(failure) or type(failure).__name__


class _TooLongError(Exception):
    pass


def _request_bytes(origin: Origin, method: str, target: str, headers: Headers, body: bytes) -> bytes:
    lines = [f"{method} {origin.prefix}{target} HTTP/1.1".encode()]
    names = {name.lower() for name, _ in headers}
    if "host" not in names:
        lines.append(f"Host: {origin.authority}".encode())
    lines += [f"{name}: ".encode() + _header_bytes(value) for name, value in headers]
    if "content-length" not in names and "transfer-encoding" not in names and (body or method in _WITH_BODY):
        lines.append(f"Content-Length: {len(body)}".encode())
    if "connection" not in names:
        lines.append(b"Connection: close")
    return b"\r\n".join([*lines, b"", body])


_WITH_BODY = {"POST", "PUT", "PATCH"}


def _header_bytes(value: str) -> bytes:
    """Undo the Latin-1 decoding of what came from an answer; anything else that is not Latin-1 is sent as UTF-8."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()


async def _exchange(origin: Origin, method: str, request: bytes, received: bytearray) -> None:
    context = ssl.create_default_context() if origin.scheme == "https" else None
    reader, writer = await asyncio.open_connection(origin.host, origin.port, ssl=context)
    try:
        sending = asyncio.ensure_future(_send(writer, request))
        try:
            while chunk := await reader.read(2**16):
                received += chunk
                if len(received) > LARGEST_ANSWER:
                    raise _TooLongError(f"the answer is longer than {LARGEST_ANSWER // 2**20} MiB")
                if _is_whole(method, received):
                    break  # not every server closes the connection when it is asked to
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
    finally:
        writer.transport.abort()


def _is_whole(method: str, received: bytearray) -> bool:
    """Whether an answer has ended, as far as that is seen without reading it all; the end of the connection decides."""
    end = received.find(b"\r\n\r\n")
    # An interim answer (100 Continue) has another one behind it.
    while received.startswith(b"HTTP/1.1 1") and received[9:12] != b"101" and end >= 0:
        del received[: end + 4]
        end = received.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = bytes(received[: min(end, 2**16)]).lower()
    if method == "HEAD" or head[9:12] in {b"101", b"204", b"304"}:
        return True
    if b"\r\ntransfer-encoding:" in head:
        return received.endswith(b"\r\n0\r\n\r\n") and _parse(method, "", bytes(received), None).error is None
    length = _LENGTH.search(head)
    return length is not None and len(received) - end - 4 >= int(length[1])


_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,12})[ \t]*(?=\r\n|$)")


async def _send(writer: asyncio.StreamWriter, request: bytes) -> None:
    # A server may answer (413, say) and close before it has read everything: the answer is what counts.
    writer.write(request)
    await writer.drain()


class _Bytes:
    """As much of a socket as ``http.client`` asks for."""

    def __init__(self, data: bytes) -> None:
        self.file = io.BytesIO(data)

    def makefile(self, _mode: str) -> io.BytesIO:
        return self.file


def _parse(method: str, target: str, data: bytes, error: str | None) -> Answer:
    if not data:
        return Answer(error=error or "connection closed without an answer", url=target)
    response = http.client.HTTPResponse(_Bytes(data), method=method)  # type: ignore[arg-type] # it only calls makefile
    try:
        response.begin()
        # Without a length, only the end of the connection ends a body: then an error is one that cut it short.
        whole = response.length is not None or response.chunked
        body = response.read()
    except (http.client.HTTPException, ValueError) as failure:
        return Answer(error=error or f"no complete HTTP answer: {failure!r}", url=target)
    if error is not None and not whole:
        return Answer(error=error, url=target)
    headers = tuple((name, str(value)) for name, value in response.headers.items())
    return Answer(response.status, headers, body, url=target)


def decoded_body(answer: Answer) -> bytes:
    """The body without its content coding, as far as gzip and deflate go; as it is where that fails."""
    coding = (answer.get("content-encoding") or "").strip().lower()
    if coding not in {"gzip", "x-gzip", "deflate"}:
        return answer.body
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        return unpacker.decompress(answer.body, LARGEST_ANSWER)
    except zlib.error:
        return answer.body


@dataclass(frozen=True, slots=True)
class SetCookie:
    """One ``Set-Cookie`` header: RFC 6265, section 5.2. Names of attributes are in lower case."""

    name: str
    value: str
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def expires(self) -> float | None:
        """When it ends, in seconds since 1970; None with the browser. ``Max-Age`` wins over ``Expires``."""
        age = self.attributes.get("max-age", "")
        if age.lstrip("-").isdecimal() and age.isascii():
            return time.time() + int(age[:12]) if int(age[:12]) > 0 else 0.0
        try:
            return parsedate_to_datetime(self.attributes["expires"]).timestamp()
        except (KeyError, ValueError, OverflowError, IndexError, TypeError):
            return None

    @property
    def deletes(self) -> bool:
        """Whether it takes the cookie away."""
        return self.expires is not None and self.expires <= time.time()


def parse_set_cookie(text: str) -> SetCookie | None:
    """Parse the value of a ``Set-Cookie`` header; None for one that a browser ignores."""
    pair, *rest = text.split(";")
    name, separator, value = pair.partition("=")
    if not separator or not name.strip():
        return None
    attributes: dict[str, str] = {}
    for part in rest:
        key, _, content = part.partition("=")
        if key.strip():
            attributes[key.strip().lower()] = content.strip()
    return SetCookie(name.strip(), value.strip(), attributes)


class CookieJar:
    """The cookies of one side, kept and sent back as a browser does, with their values untouched.

    ``Secure`` cookies are sent over plain HTTP too, as browsers do for localhost; ``Domain`` is not looked at, since
    there is only one host.
    """

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str], SetCookie] = {}

    def update(self, path: str, answer: Answer) -> None:
        """Keep what an answer to a request for this path sets, and drop what it takes away."""
        for text in answer.all("set-cookie"):
            cookie = parse_set_cookie(text)
            if cookie is None:
                continue
            where = cookie.attributes.get("path", "")
            if not where.startswith("/"):
                where = path.partition("?")[0].rpartition("/")[0] or "/"  # the default path: section 5.1.4
            if cookie.deletes:
                self._cookies.pop((cookie.name, where), None)
            else:
                self._cookies[cookie.name, where] = cookie

    def header(self, path: str) -> str | None:
        """The value of the ``Cookie`` header for this path; None where there is nothing to send."""
        path = path.partition("?")[0]
        fitting = [(where, cookie) for (_, where), cookie in self._cookies.items() if _is_below(path, where)]
        fitting = [(where, cookie) for where, cookie in fitting if not cookie.deletes]
        fitting.sort(key=lambda item: -len(item[0]))
        return "; ".join(f"{cookie.name}={cookie.value}" for _, cookie in fitting) or None

    def get(self, name: str) -> str | None:
        """The value of a cookie, wherever it applies."""
        return next((cookie.value for (key, _), cookie in self._cookies.items() if key == name), None)


def _is_below(path: str, where: str) -> bool:
    return path == where or path.startswith(where if where.endswith("/") else f"{where}/")
