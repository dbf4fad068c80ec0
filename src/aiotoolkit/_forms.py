"""Multipart forms (RFC 7578), read part by part: text as UTF-8 and nothing else, large files to disk.

aiohttp's own ``request.post()`` decodes each part by a codec that the client names, and some of Python's codecs take
minutes for a megabyte.
"""

import asyncio
import binascii
import re
import warnings
from collections.abc import AsyncIterator, Callable
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, ClassVar, Final, cast

from aiohttp import (
    BodyPartReader,
    MultipartReader,
    content_disposition_filename,
    hdrs,
    parse_content_disposition,
    web,
)
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.multipart import BadContentDispositionHeader, BadContentDispositionParam
from multidict import CIMultiDict, CIMultiDictProxy, MultiDict, MultiDictProxy

from aiotoolkit._text import is_unicode
from aiotoolkit.problems import Problem

if TYPE_CHECKING:
    import io

    from aiohttp import StreamReader

__all__ = ["UploadedFile", "check_unicode", "read_multipart"]

_IN_MEMORY: Final = 1 << 20
"""How many bytes of a form's files stay in memory, all together, but for the small ones."""
_SMALL: Final = 1 << 16
_CHUNK: Final = 1 << 16
_HEAD: Final = 1 << 15
"""How many bytes may stand before a part: a preamble, the boundary, and the part's headers."""
_PARTS_AT_ONCE: Final = 16  # a part costs 0.1 ms, however small it is: others get their turn
_MAX_HEADERS: Final = 16
"""How many headers a part may have: three mean something."""

# aiohttp warns of such headers with the client's own text in the warning, and Python remembers each text for good.
for _category in (BadContentDispositionHeader, BadContentDispositionParam):
    warnings.simplefilter("ignore", _category, append=True)


class UploadedFile:
    """A file of a multipart form.

    Attributes:
        filename: the last part of the name that the client gave. Never a path to write to: it is the client's word.
        content_type: the media type that the client gave.
        size: in bytes.
        file: the content, open for reading at its start; on disk if it is large. It is closed with the request.
    """

    # It is no dataclass, since msgspec takes each dataclass for an object of JSON.

    __module__ = "aiotoolkit.requests"
    __slots__ = ("content_type", "file", "filename", "size")

    # What a type that has it as a member is described with.
    json_schema: ClassVar[dict[str, str]] = {
        "type": "string",
        "format": "binary",
        "contentMediaType": "application/octet-stream",
    }

    def __init__(self, filename: str, content_type: str, size: int, file: IO[bytes]) -> None:
        self.filename: Final = filename
        self.content_type: Final = content_type
        self.size: Final = size
        self.file: Final = file

    def __repr__(self) -> str:
        return f"UploadedFile({self.filename!r}, {self.content_type!r}, {self.size})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """What pydantic asks: as a member of a model, a file is taken as it is."""
        from pydantic_core import core_schema  # noqa: PLC0415 - optional, and loaded by now

        return core_schema.is_instance_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, source: Any, handler: Any) -> Any:
        """What pydantic asks: the JSON Schema of a form's file."""
        return cls.json_schema


async def read_multipart(request: web.Request) -> MultiDict[str | UploadedFile]:
    """Read all parts.

    Raises:
        Problem: 413 for more bytes than ``client_max_size``, or more parts than ``client_max_fields``.
        ValueError: it is no form. What aiohttp's reader raises for such bytes passes through.
    """
    form: MultiDict[str | UploadedFile] = MultiDict()
    try:
        await _read_parts(request, form)
    except BaseException:
        for value in form.values():
            if isinstance(value, UploadedFile):
                value.file.close()
        raise
    _close_with(request, form)
    return form


async def _read_parts(request: web.Request, form: MultiDict[str | UploadedFile]) -> None:
    parts = in_memory = 0
    content = _LimitedStream(request)
    reader = MultipartReader(request.headers, cast("StreamReader", content), max_headers=_MAX_HEADERS)
    while (part := await content.next_part(reader)) is not None:
        parts += 1
        if 0 < request.client_max_fields < parts:
            raise Problem(413, f"The form has more than {request.client_max_fields} fields.")
        if not parts % _PARTS_AT_ONCE:
            await asyncio.sleep(0)
        if not isinstance(part, BodyPartReader):
            raise ValueError("A part of a form has no parts of its own")  # noqa: TRY004 - what is wrong is the body
        name, filename = _names(part)
        if filename is not None:
            threshold = max(_IN_MEMORY - in_memory, _SMALL)
            file = await _read_file(part, filename, threshold)
            form.add(name, file)
            in_memory += file.size if file.size <= threshold else 0
        elif (text := await _read_text(part)) is not None:
            form.add(name, text)


def _names(part: BodyPartReader) -> tuple[str, str | None]:
    """The name of a part, and that of its file, if it is one; the part itself would parse its header for each."""
    _, parameters = parse_content_disposition(part.headers.get(hdrs.CONTENT_DISPOSITION))
    name = content_disposition_filename(parameters, "name")
    if name is None:
        raise ValueError("A part of a form has a name")
    path = content_disposition_filename(parameters)
    if not path:
        return check_unicode(name), None
    # Some browsers sent a whole path; RFC 7578, section 4.2, says to use the last part only.
    return check_unicode(name), check_unicode(re.split(r"[\\/]", path)[-1])


class _LimitedStream:
    """The body as aiohttp's reader of multipart reads it, which sets no limit to the whole."""

    def __init__(self, request: web.Request) -> None:
        self._content = request.content
        self._limit = request.client_max_size
        self._head = 0
        self.unread_data = request.content.unread_data
        self.at_eof = request.content.at_eof

    async def next_part(self, reader: MultipartReader) -> MultipartReader | BodyPartReader | None:
        self._head = 0
        try:
            return await reader.next()
        except HttpProcessingError as error:
            if self._content.exception() is not None:
                raise
            # It is about the headers of a part, and not about the body itself, which can be read on.
            raise ValueError("The headers of a part cannot be read") from error

    async def readline(self, *, max_line_length: int | None = None) -> bytes:
        line = await self._content.readline(max_line_length=max_line_length)
        self._head += len(line)
        if self._head > _HEAD:
            raise ValueError("Too much before a part of a form")
        self._check_size()
        return line

    async def read(self, size: int = -1) -> bytes:
        data = await self._content.read(size)
        self._check_size()
        return data

    def _check_size(self) -> None:
        if 0 < self._limit < self._content.total_bytes:
            raise Problem(413, f"The form is larger than {self._limit} bytes.")


def _close_with(request: web.Request, form: MultiDict[str | UploadedFile]) -> None:
    """Leave the form where aiohttp keeps one: it closes the files when the response is ready to be sent."""
    posted: MultiDict[Any] = MultiDict()
    for name, value in form.items():
        if isinstance(value, UploadedFile):
            file = cast("io.BufferedReader", value.file)
            headers = CIMultiDictProxy(CIMultiDict({hdrs.CONTENT_TYPE: value.content_type}))
            posted.add(name, web.FileField(name, value.filename, file, value.content_type, headers))
        else:
            posted.add(name, value)
    request._post = MultiDictProxy(posted)


async def _read_text(part: BodyPartReader) -> str | None:
    """The text of a part; None for a file input that was left empty: a part with a type of its own, and no bytes."""
    if part.get_charset("utf-8").lower() not in ("utf-8", "utf8", "us-ascii"):
        raise ValueError("The text of a form is UTF-8")
    content = bytearray()
    async for piece in _pieces(part):
        content += piece
    if not content and not part.headers.get(hdrs.CONTENT_TYPE, "text/plain").startswith("text/"):
        return None
    return content.decode("utf-8")


async def _read_file(part: BodyPartReader, filename: str, threshold: int) -> UploadedFile:
    content_type = check_unicode(part.headers.get(hdrs.CONTENT_TYPE, "application/octet-stream"))
    file = SpooledTemporaryFile(max_size=threshold)  # noqa: SIM115 - it is closed with the request, or below
    try:
        size = 0
        async for piece in _pieces(part):
            size += len(piece)
            if size > threshold:
                await _in_thread(file.write, piece)
            else:
                file.write(piece)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return UploadedFile(filename, content_type, size, file)


async def _in_thread(function: Callable[[bytes], Any], data: bytes) -> None:
    """Call in a thread, and wait for it even if cancelled: the file may be closed only when nobody writes to it."""
    task = asyncio.ensure_future(asyncio.to_thread(function, data))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def _pieces(part: BodyPartReader) -> AsyncIterator[bytes]:
    lines = b""
    is_quoted = part.headers.get(hdrs.CONTENT_TRANSFER_ENCODING, "").lower() == "quoted-printable"
    while chunk := await part.read_chunk(_CHUNK):
        if is_quoted:
            # Where the network divides a body, a code may be divided as well: only whole lines are decoded.
            complete, newline, lines = (lines + chunk).rpartition(b"\n")
            if len(lines) > _CHUNK:
                raise ValueError("A line of quoted-printable is too long")
            chunk = complete + newline
        async for piece in part.decode_iter(chunk):
            yield piece
    if lines:
        yield binascii.a2b_qp(lines)


def check_unicode(text: str) -> str:
    """Refuse text that cannot be written as UTF-8: a part's headers may hold any byte.

    Raises:
        ValueError: it holds a lone surrogate.
    """
    if not is_unicode(text):
        raise ValueError("Not Unicode")
    return text
