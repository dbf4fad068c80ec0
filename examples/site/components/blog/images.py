"""Images of the posts: told by their content, kept under random names, outside of the static files."""

import asyncio
import os
import secrets
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Final

from aiohttp import hdrs, web

from aiotoolkit.app import get_settings
from aiotoolkit.requests import UploadedFile
from examples.site.settings import Settings
from examples.site.storage import StorageError

__all__ = ["delete_image", "folder_context", "image_response", "image_type", "store_image"]

# The first bytes of each type. SVG is none of them: it holds scripts.
SIGNATURES: Final = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
WEBP: Final = "image/webp"
HEAD_BYTES: Final = 12


async def folder_context(app: web.Application) -> AsyncIterator[None]:
    """Make the folder of the images, for nobody else to read."""
    folder = get_settings(app, Settings).uploads
    try:
        await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(f"cannot make the folder {folder}: {reason} (UPLOADS names another folder)") from error
    yield


def image_type(file: IO[bytes]) -> str | None:
    """The media type of an image; None if it is none. What the client calls it does not count."""
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if head[:4] == b"RIFF" and head[8:] == b"WEBP":
        return WEBP
    return next((media_type for signature, media_type in SIGNATURES.items() if head.startswith(signature)), None)


async def store_image(request: web.Request, upload: UploadedFile) -> str:
    """Write an image to the disk, and return its name there."""
    name = secrets.token_hex(16)
    await asyncio.to_thread(_copy, upload.file, _folder(request) / name)
    return name


async def delete_image(request: web.Request, name: str) -> None:
    """Remove an image."""
    await asyncio.to_thread((_folder(request) / name).unlink, missing_ok=True)


def image_response(request: web.Request, name: str, media_type: str) -> web.FileResponse:
    """The file, as the image that it was checked to be and as nothing else."""
    headers = {
        hdrs.CONTENT_TYPE: media_type,
        hdrs.CONTENT_DISPOSITION: f'attachment; filename="image.{media_type.removeprefix("image/")}"',
        hdrs.CACHE_CONTROL: "private, no-cache",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return web.FileResponse(_folder(request) / name, headers=headers)


def _folder(request: web.Request) -> Path:
    return get_settings(request, Settings).uploads


def _copy(source: IO[bytes], path: Path) -> None:
    """Write the whole file or none."""
    part = path.with_suffix(".part")
    try:
        with part.open("xb") as target:
            shutil.copyfileobj(source, target)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
