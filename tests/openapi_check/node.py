"""Install the tools that run on Node: ``python -m tests.openapi_check.node FOLDER``.

They are those of package-lock.json, with its hashes, and go into that folder: it is kept for the next time. Where npm
is missing, or what it needs, the tests that want them are skipped by name; with REQUIRE_NODE=1 that is an error.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["MINIMUM", "install"]

HERE = Path(__file__).parent
FILES = ("package.json", "package-lock.json")
MINIMUM = (20, 19)  # Redocly's


def install(folder: Path) -> str | None:
    """Install the tools, unless they are there; returns why that is not possible, or None."""
    stamp = folder / "installed"
    wanted = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in FILES)).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return None
    if problem := _missing():
        return problem
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in FILES:
        shutil.copy(HERE / name, folder)
    # No script of a package runs.
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return f"npm ci failed: {done.stderr.strip()}"
    stamp.write_text(wanted)
    return None


def _missing() -> str | None:
    for name in ("node", "npm"):
        if shutil.which(name) is None:
            return f"{name} is not installed"
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", said)
    if found is None or tuple(map(int, found.groups())) < MINIMUM:
        return f"node is {said.strip()}: at least {'.'.join(map(str, MINIMUM))} is needed"
    return None


if __name__ == "__main__":
    if problem := install(Path(sys.argv[1])):
        if os.environ.get("REQUIRE_NODE") == "1":
            sys.exit(f"error: {problem}, but REQUIRE_NODE=1")
        print(f"{problem}: the tests that need it will be skipped")
