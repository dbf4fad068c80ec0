"""The static files of a component, or of the application: found once, hashed once, served by aiohttp."""

import difflib
import hashlib
import logging
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from mimetypes import MimeTypes
from pathlib import Path
from typing import Final
from urllib.parse import quote

from aiohttp import hdrs, web

__all__ = ["StaticFolder", "is_plain_path"]

_logger: Final = logging.getLogger("aiotoolkit.components")

_HASH_LENGTH: Final = 16  # hexadecimal digits: 64 bits, more than one file's versions will ever need

_UNHASHED: Final = "no-cache"  # kept, but asked about each time: the answer is a 304
# RFC 8246: the content of this URL never changes.
_HASHED: Final = "public, max-age=31536000, immutable"

# Those of the machine differ from one to the next, and those of Python from version to version.
_TYPES: Final = MimeTypes()
for _type, _extension in (
    ("application/manifest+json", ".webmanifest"),
    ("application/wasm", ".wasm"),
    ("font/woff", ".woff"),
    ("font/woff2", ".woff2"),
    ("image/avif", ".avif"),
    ("image/svg+xml", ".svg"),
    ("image/webp", ".webp"),
    ("image/x-icon", ".ico"),
    ("text/javascript", ".js"),
    ("text/javascript", ".mjs"),
    ("text/markdown", ".md"),
):
    _TYPES.add_type(_type, _extension)
_COMPRESSED: Final = {"gzip": "application/gzip", "br": "application/x-brotli"}
_WITH_CHARSET: Final = ("text/", "application/json", "application/manifest+json", "image/svg+xml")


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    signature: tuple[int, int]  # of the content that was hashed: nanoseconds and bytes
    version: str
    url: str
    headers: dict[str, str]
    hashed_headers: dict[str, str]


class StaticFolder:
    """The files below a folder, or below another one that comes before it, under one URL.

    Attributes:
        resource: where they are served, once it is registered.
    """

    def __init__(self, label: str, folder: Path) -> None:
        self.label = label
        self.resource: web.Resource | None = None
        self.debug = False
        self._folders = [folder.resolve()]
        self._files: dict[str, _File] = {}
        self._missing: set[str] = set()

    def load(self, override: Path | None = None, *, debug: bool) -> None:
        """Find and hash every file. Those that appear later are found in debug only."""
        self.debug = debug
        self._folders = [*([] if override is None else [override]), self._folders[-1]]
        self._files = {name: file for name in self._names() if (file := self._read(name)) is not None}

    def url_of(self, name: str) -> str:
        """The URL of a file, with the hash of its content.

        Raises:
            LookupError: in debug, there is no such file. Otherwise that is logged, once.
        """
        file = self._find(name)
        if file is not None:
            return file.url
        message = self._missing_message(name)
        if self.debug:
            raise LookupError(message)
        if name not in self._missing and len(self._missing) < 1000:
            self._missing.add(name)
            _logger.warning("%s", message)
        return self._plain_url(name)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a request for one of the files."""
        file = self._find(request.match_info["path"])
        # A system call of a microsecond: what aiohttp asks a thread for takes a hundred.
        signature = None if file is None else _signature(file.path)
        if file is None or signature is None:  # it is gone, or a link by now
            raise web.HTTPNotFound
        is_hashed = request.rel_url.raw_query_string == f"v={file.version}" and signature == file.signature
        return _StaticResponse(file.path, headers=file.hashed_headers if is_hashed else file.headers)

    def _find(self, name: str) -> _File | None:
        file = self._files.get(name)
        if not self.debug:
            return file
        path = self._locate(name)
        if path is None:
            return None
        if file is None or (file.path, file.signature) != (path, _signature(path)):
            file = self._read(name)
            if file is not None:
                self._files[name] = file
        return file

    def _names(self) -> Iterator[str]:
        for folder in self._folders:
            for parent, folders, files in os.walk(folder):
                folders.sort()
                names = (Path(parent, file).relative_to(folder).as_posix() for file in sorted(files))
                yield from filter(is_plain_path, names)

    def _locate(self, name: str) -> Path | None:
        if not is_plain_path(name):
            return None
        for folder in self._folders:
            path = folder / name
            try:
                # A symbolic link anywhere below the folder would be another path.
                if path.is_relative_to(folder) and path.is_file() and path.resolve() == path:
                    return path
            except (OSError, ValueError):
                continue
        return None

    def _read(self, name: str) -> _File | None:
        path = self._locate(name)
        if path is None:
            _logger.warning("%s is not served: only regular files are, not symbolic links", self._folders[-1] / name)
            return None
        signature = _signature(path)
        if signature is None:
            return None
        with path.open("rb") as file:
            version = hashlib.file_digest(file, "sha256").hexdigest()[:_HASH_LENGTH]
        headers = {hdrs.CONTENT_TYPE: _content_type(path.name), "X-Content-Type-Options": "nosniff"}
        if any(path.with_name(path.name + suffix).is_file() for suffix in (".br", ".gz")):
            headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING
        return _File(
            path,
            signature,
            version,
            f"{self._plain_url(name)}?v={version}",
            {**headers, hdrs.CACHE_CONTROL: _UNHASHED},
            {**headers, hdrs.CACHE_CONTROL: _HASHED},
        )

    def _plain_url(self, name: str) -> str:
        prefix = self.resource.canonical.partition("{")[0] if self.resource is not None else "/"
        return prefix + quote(name, safe="/~@!$()*+,;=:", errors="replace")

    def _missing_message(self, name: str) -> str:
        close = difflib.get_close_matches(name, self._files)
        hint = f". Did you mean {' or '.join(map(repr, close))}?" if close else ""
        places = ", ".join(map(str, self._folders))
        return f"{self.label} has no static file {name!r}. Looked for it in: {places}{hint}"


class _StaticResponse(web.FileResponse):
    """aiohttp's, that lets nobody keep an error for a year."""

    def set_status(self, status: int, reason: str | None = None) -> None:
        super().set_status(status, reason)
        if status >= 400:
            self.headers[hdrs.CACHE_CONTROL] = _UNHASHED


def is_plain_path(path: str) -> bool:
    """Whether a path below a folder stays there, and is neither hidden nor an editor's backup."""
    is_plain = "\\" not in path and "\0" not in path and not path.endswith("~")
    return is_plain and all(part and not part.startswith(".") for part in path.split("/"))


def _signature(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path, follow_symlinks=False)
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size) if stat.S_ISREG(found.st_mode) else None


def _content_type(name: str) -> str:
    kind, encoding = _TYPES.guess_type(name)
    if encoding is not None:  # the compressed file itself was asked for
        return _COMPRESSED.get(encoding, "application/octet-stream")
    if kind is None:
        return "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith(_WITH_CHARSET) else kind
