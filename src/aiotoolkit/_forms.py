"""Multipart forms (RFC 7578), read part by part: text as UTF-8 and nothing else, large files to disk.

aiohttp's own ``request.post()`` decodes each part by a codec that the client names, and some of Python's codecs take
minutes for a megabyte.
"""

import asyncio
import re
import warnings
from collections.abc import AsyncIterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, Final, cast

from aiohttp import BodyPartReader, hdrs, web
from aiohttp.multipart import BadContentDispositionHeader, BadContentDispositionParam
from multidict import CIMultiDict, CIMultiDictProxy, MultiDict, MultiDictProxy

from aiotoolkit._text import is_unicode
from aiotoolkit.problems import Problem

if TYPE_CHECKING:
    import io

__all__ = ["UploadedFile", "check_unicode", "read_multipart"]

_IN_MEMORY: Final = 1 << 20
_CHUNK: Final = 1 << 16

# aiohttp warns of such headers with the client's own text in the warning, and Python remembers each text for good.
for _category in (BadContentDispositionHeader, BadContentDispositionParam):
    warnings.simplefilter("ignore", _category, append=True)


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file of a multipart form.

    Attributes:
        filename: the last part of the name that the client gave. Never a path to write to: it is the client's word.
        content_type: the media type that the client gave.
        size: in bytes.
        file: the content, open for reading at its start; on disk if it is large. It is closed with the request.
    """

    __module__ = "aiotoolkit.requests"

    filename: str
    content_type: str
    size: int
    file: IO[bytes]


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
    parts = 0
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        parts += 1
        if 0 < request.client_max_fields < parts:
            raise Problem(413, f"The form has more than {request.client_max_fields} fields.")
        if not isinstance(part, BodyPartReader) or part.name is None:
            raise ValueError("A part of a form has a name, and no parts of its own")
        name = check_unicode(part.name)
        value = await (_read_file(request, part) if part.filename else _read_text(request, part))
        if value is not None:
            form.add(name, value)


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


async def _read_text(request: web.Request, part: BodyPartReader) -> str | None:
    """The text of a part; None for a file input that was left empty: a part with a type of its own, and no bytes."""
    if part.get_charset("utf-8").lower() not in ("utf-8", "utf8", "us-ascii"):
        raise ValueError("The text of a form is UTF-8")
    content = bytearray()
    async for piece in _pieces(request, part):
        content += piece
    if not content and not part.headers.get(hdrs.CONTENT_TYPE, "text/plain").startswith("text/"):
        return None
    return content.decode("utf-8")


async def _read_file(request: web.Request, part: BodyPartReader) -> UploadedFile:
    # Some browsers sent a whole path; RFC 7578, section 4.2, says to use the last part only.
    filename = check_unicode(re.split(r"[\\/]", part.filename or "")[-1])
    content_type = check_unicode(part.headers.get(hdrs.CONTENT_TYPE, "application/octet-stream"))
    file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - it is closed with the request, or below
    try:
        size = 0
        async for piece in _pieces(request, part):
            size += len(piece)
            if size > _IN_MEMORY:
                await asyncio.to_thread(file.write, piece)
            else:
                file.write(piece)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return UploadedFile(filename, content_type, size, file)


async def _pieces(request: web.Request, part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(_CHUNK):
        if 0 < request.client_max_size < request.content.total_bytes:
            raise Problem(413, f"The form is larger than {request.client_max_size} bytes.")
        async for piece in part.decode_iter(chunk):
            yield piece


def check_unicode(text: str) -> str:
    """Refuse text that cannot be written as UTF-8: a part's headers may hold any byte.

    Raises:
        ValueError: it holds a lone surrogate.
    """
    if not is_unicode(text):
        raise ValueError("Not Unicode")
    return text
