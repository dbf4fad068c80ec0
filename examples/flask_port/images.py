"""Uploaded images: told by their content, and kept under names of our own outside of the static files."""

import os
import secrets
import shutil
from pathlib import Path
from typing import IO, Final

from examples.flask_port.posts import Image

__all__ = ["NotAnImageError", "TooLargeError", "delete_image", "download_name", "store_image"]

# The first bytes of each type. SVG is none of them: it holds scripts.
SIGNATURES: Final = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
HEAD_BYTES: Final = 8


class NotAnImageError(Exception):
    """What was uploaded is none of these images, whatever it is called."""


class TooLargeError(Exception):
    """The image is larger than an image may be."""


def store_image(file: IO[bytes], folder: Path, max_bytes: int) -> Image:
    """Check an image, and write it to the folder: the whole file or none."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if size > max_bytes:
        raise TooLargeError
    head = file.read(HEAD_BYTES)
    file.seek(0)
    image_type = next((name for signature, name in SIGNATURES.items() if head.startswith(signature)), None)
    if image_type is None:
        raise NotAnImageError
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = secrets.token_hex(16)
    part = folder / f"{name}.part"
    try:
        with part.open("xb") as target:
            shutil.copyfileobj(file, target)
        part.replace(folder / name)
    finally:
        part.unlink(missing_ok=True)
    return Image(name, image_type, size)


def delete_image(folder: Path, image: Image) -> None:
    """Remove the file of an image."""
    (folder / image.name).unlink(missing_ok=True)


def download_name(image: Image) -> str:
    """What a browser saves the image as."""
    return f"image.{image.type.removeprefix('image/')}"
