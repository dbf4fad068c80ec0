"""What a WSGI application (PEP 3333) is told of a request of aiohttp."""

import asyncio
import sys
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO, Any, Final
from urllib.parse import unquote_to_bytes
from wsgiref.util import FileWrapper, is_hop_by_hop

from aiohttp import hdrs, web

__all__ = ["RequestBody", "make_environ"]

# Bytes of a body in memory; a longer one waits for its thread in a file.
_MEMORY: Final = 256 * 1024

# Blocks of files, in bytes. Each costs two threads a turn; Werkzeug asks for 8 kB.
_FILE_BLOCK: Final = 64 * 1024

# aiohttp has undone these in the body, so the application must not do it again.
_DECODED: Final = frozenset({"gzip", "deflate", "br", "zstd"})

_OWN_HEADERS: Final = frozenset({b"content-length", b"content-type", b"host", b"proxy"})


def make_environ(request: web.Request, body: IO[bytes], length: int) -> dict[str, Any]:
    """What the application is told of a request, as PEP 3333 has it.

    Args:
        request: any.
        body: the whole body, at its beginning.
        length: the bytes in it.
    """
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(_bytes(request.rel_url.raw_path)).decode("latin-1"),
        "RAW_URI": _text(request.raw_path),
        "REQUEST_URI": _text(request.raw_path),
        "QUERY_STRING": _text(request.rel_url.raw_query_string),
        "SERVER_PROTOCOL": f"HTTP/{request.version.major}.{request.version.minor}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.file_wrapper": _wrap_file,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **_addresses(request),
    }
    if hdrs.CONTENT_TYPE in request.headers:
        environ["CONTENT_TYPE"] = _text(request.headers[hdrs.CONTENT_TYPE])
    if length or hdrs.CONTENT_LENGTH in request.headers:
        environ["CONTENT_LENGTH"] = str(length)
    if hdrs.HOST in request.headers:
        environ["HTTP_HOST"] = _text(request.host)
    _add_headers(environ, request)
    return environ


def _addresses(request: web.Request) -> dict[str, str]:
    transport = request.transport
    own: Any = None if transport is None else transport.get_extra_info("sockname")
    peer: Any = None if transport is None else transport.get_extra_info("peername")
    if not isinstance(own, tuple):  # a Unix socket has a path
        own = ("localhost", 443 if request.scheme == "https" else 80)
    found = {"SERVER_NAME": str(own[0]), "SERVER_PORT": str(own[1]), "REMOTE_ADDR": request.remote or ""}
    if isinstance(peer, tuple):
        found["REMOTE_PORT"] = str(peer[1])
    return found


def _add_headers(environ: dict[str, Any], request: web.Request) -> None:
    for raw_name, raw_value in request.raw_headers:
        # X_Forwarded_For would be taken for X-Forwarded-For, which a proxy may have checked.
        if raw_name.lower() in _OWN_HEADERS or b"_" in raw_name:
            continue
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if is_hop_by_hop(name) or (name.lower() == "content-encoding" and value.strip().lower() in _DECODED):
            continue
        key = "HTTP_" + name.upper().replace("-", "_")
        if key in environ:
            separator = "; " if key == "HTTP_COOKIE" else ","
            value = f"{environ[key]}{separator}{value}"
        environ[key] = value


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(text: str) -> str:
    """The text's bytes as PEP 3333 passes them."""
    return text if text.isascii() else _bytes(text).decode("latin-1")


def _wrap_file(file: Any, block_size: int = _FILE_BLOCK) -> FileWrapper:
    return FileWrapper(file, max(block_size, _FILE_BLOCK))


class RequestBody:
    """A whole body, read without blocking the event loop.

    Args:
        max_size: bytes.
    """

    def __init__(self, max_size: int) -> None:
        self._max_size = max_size
        self.file: IO[bytes] = BytesIO()
        self.size = 0

    async def read(self, request: web.Request) -> None:
        """Read the body of a request.

        Raises:
            HTTPRequestEntityTooLarge: it is larger than ``max_size``.
            Problem: 400 for a body that breaks off, or whose encoding is damaged.
        """
        self._check(request.content_length or 0)
        try:
            async for block in request.content.iter_any():
                await self._add(block)
        except web.RequestPayloadError as error:
            from aiotoolkit.requests import damaged_body  # noqa: PLC0415 - other bodies do not need it

            raise damaged_body(request) from error
        self.file.seek(0)

    async def _add(self, block: bytes) -> None:
        self.size += len(block)
        self._check(self.size)
        if self.size <= _MEMORY:
            self.file.write(block)
        else:
            await asyncio.to_thread(self._write_to_disk, block)

    def _check(self, size: int) -> None:
        if size > self._max_size:
            raise web.HTTPRequestEntityTooLarge(max_size=self._max_size, actual_size=size)

    def _write_to_disk(self, block: bytes) -> None:
        if isinstance(self.file, BytesIO):
            start = self.file.getvalue()
            self.file = TemporaryFile()  # noqa: SIM115 - close() closes it
            self.file.write(start)
        self.file.write(block)

    def close(self) -> None:
        """Close the file."""
        self.file.close()
