"""The official JSON-Schema-Test-Suite, as it stands in the source distribution of jsonschema.

``python tools/json_schema_suite.py`` fetches it into ``.cache`` with pip, which finds the package index of this machine
as always, and prints where it is. What is there already is not fetched again. Nothing of it is installed or run, but
for pip's own look at the metadata, after it compared the hash.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VERSION = "4.26.0"
SHA256 = "0c26707e2efad8aa1bfc5b7ce170f3fccc2e4918ff85989ba9ffa9facb2be326"
NAME = f"jsonschema-{VERSION}.tar.gz"
CACHE = Path(__file__).parent.parent / ".cache"
TIMEOUT = 50  # seconds; a fetch takes three


class NotFetchedError(Exception):
    """The suite is not there, and cannot be fetched: the text is pip's reason."""


def main() -> int:
    """Fetch the suite; returns the exit code."""
    try:
        print(fetch())
    except NotFetchedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def fetch() -> Path:
    """The archive, fetched if it is not there yet.

    Raises:
        NotFetchedError: it cannot be fetched.
    """
    archive = CACHE / NAME
    if archive.exists():
        return archive
    try:
        CACHE.mkdir(exist_ok=True)
        # Several environments of tox may fetch at once: a rename is atomic, so that none reads half a file.
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            _download(Path(folder))
            (Path(folder) / NAME).replace(archive)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotFetchedError(_reason(error)) from error
    return archive


def _download(folder: Path) -> None:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"jsonschema=={VERSION} --hash=sha256:{SHA256}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-binary", "jsonschema", "--require-hashes", "--retries", "1", "--timeout", "10"]
    command = [*pip, "download", *options, "--dest", str(folder), "--requirement", str(requirements)]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIMEOUT)


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = [line for line in str(error.stderr).splitlines() if "ERROR" in line] or str(error.stderr).splitlines()
        return f"pip cannot fetch {NAME}: {lines[0] if lines else error}"
    return f"{NAME} cannot be fetched: {error}"


def read(folder: str) -> dict[str, Any]:
    """The JSON documents that are in a folder of the suite, at any depth, by their path in it.

    Args:
        folder: such as ``"tests/draft7"`` or ``"remotes"``.

    Raises:
        NotFetchedError: the suite cannot be fetched.
        ValueError: what is in the cache is not what was fetched.
    """
    archive = fetch()
    if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
        raise ValueError(f"{archive} is not the archive that is wanted: remove it")
    return dict(_documents(archive, f"jsonschema-{VERSION}/json/{folder}/"))


def _documents(archive: Path, prefix: str) -> Iterator[tuple[str, Any]]:
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.name.startswith(prefix) else None
            if file is not None and member.name.endswith(".json"):
                yield member.name.removeprefix(prefix), json.loads(file.read())


if __name__ == "__main__":
    raise SystemExit(main())
