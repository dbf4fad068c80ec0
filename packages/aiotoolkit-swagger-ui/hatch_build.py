"""Takes the files of Swagger UI out of its npm package, whose hash is known, when the distribution is built."""

import base64
import contextlib
import hashlib
import io
import os
import tarfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VERSION = "5.35.0"
URL = f"https://registry.npmjs.org/swagger-ui-dist/-/swagger-ui-dist-{VERSION}.tgz"
# dist.integrity in the registry: SHA-512 in base64.
SHA512 = "U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAhw0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ=="
TARBALL_VARIABLE = "SWAGGER_UI_TARBALL"
TIMEOUT = 60.0  # seconds, for each read
MAX_BYTES = 50_000_000

DATA = Path("src", "aiotoolkit_swagger_ui", "data")
# The names in the package, and where they go.
FILES = {
    "swagger-ui-bundle.js": DATA,
    "swagger-ui-bundle.js.LICENSE.txt": DATA,
    "swagger-ui.css": DATA,
    "favicon-32x32.png": DATA,
    "LICENSE": Path(),
    "NOTICE": Path(),
}


class BuildError(Exception):
    """The package of npm could not be had, or is not the one that it should be."""


class SwaggerUIBuildHook(BuildHookInterface[Any]):
    """Hatchling calls it before it builds."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put the files where the build finds them, though git does not know them."""
        root = Path(self.root)
        # In a source distribution they are there already. Elsewhere they may be those of another version.
        if not (root / "PKG-INFO").is_file():
            unpack(checked(tarball()), root)
        build_data["artifacts"] += [f"/{(folder / name).as_posix()}" for name, folder in FILES.items()]


def unpack(content: bytes, root: Path) -> None:
    """Write the files of a package below a folder."""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for name, folder in FILES.items():
            member = archive.extractfile(f"package/{name}")
            if member is None:
                raise BuildError(f"{URL} has no file {name}")
            write(root / folder / name, member.read())


def write(path: Path, content: bytes) -> None:
    """Write a file at once: of builds that run side by side, none sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def tarball() -> bytes:
    """The package: the file that a variable names, or the cached one, or that of the registry, which is then cached."""
    if named := os.environ.get(TARBALL_VARIABLE):
        try:
            return Path(named).read_bytes()
        except OSError as error:
            raise BuildError(f"{TARBALL_VARIABLE}={named} cannot be read: {error.strerror}") from error
    cached = cache_folder() / URL.rpartition("/")[2]
    if cached.is_file() and sha512(content := cached.read_bytes()) == SHA512:
        return content
    content = checked(download())
    with contextlib.suppress(OSError):  # a cache is no condition
        write(cached, content)
    return content


def download() -> bytes:
    """The package from the registry."""
    try:
        with urllib.request.urlopen(URL, timeout=TIMEOUT) as response:
            content: bytes = response.read(MAX_BYTES)
    except (OSError, urllib.error.URLError) as error:
        raise BuildError(
            f"Swagger UI could not be fetched from {URL}: {error}. "
            f"Without a network, give the file: {TARBALL_VARIABLE}=/path/to/swagger-ui-dist-{VERSION}.tgz"
        ) from error
    return content


def checked(content: bytes) -> bytes:
    """The same content, if it is the one that was looked at when the hash was written down."""
    found = sha512(content)
    if found != SHA512:
        raise BuildError(f"swagger-ui-dist {VERSION} has the SHA-512 {found}, and not {SHA512}: it is not used")
    return content


def sha512(content: bytes) -> str:
    """SHA-512 in base64, as the registry writes it."""
    return base64.b64encode(hashlib.sha512(content).digest()).decode()


def cache_folder() -> Path:
    """Where packages are kept between builds."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "aiotoolkit-swagger-ui")
