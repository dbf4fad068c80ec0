"""A virtual environment for each group of contenders, with pinned versions, made once and kept under ``.tox``."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Final

__all__ = ["ENVIRONMENTS", "ROOT", "python_of"]

ROOT: Final = Path(__file__).resolve().parents[1]
_CACHE: Final = ROOT / ".tox" / "bench-contenders"

_AIOHTTP: Final = "aiohttp==3.14.5"
_UVICORN: Final = ("uvicorn==0.54.0", "uvloop==0.23.0", "httptools==0.9.0")

ENVIRONMENTS: Final[dict[str, tuple[str, ...]]] = {
    "aiohttp": (_AIOHTTP, "orjson==3.13.0", "uvloop==0.23.0"),
    "toolkit": (_AIOHTTP, "--editable", str(ROOT)),
    "toolkit-fast": (_AIOHTTP, "--editable", f"{ROOT}[fast]"),
    "aiohttp-pydantic": (_AIOHTTP, "aiohttp-pydantic==2.6.0", "pydantic==2.14.3"),
    "aiohttp-swagger3": (_AIOHTTP, "aiohttp-swagger3==0.10.0"),
    "rororo": (_AIOHTTP, "rororo==3.3.0"),
    "fastapi": ("fastapi==0.165.0", "pydantic==2.14.3", *_UVICORN),
    "litestar": ("litestar==2.25.0", "msgspec==0.22.0", *_UVICORN),
    "quart": ("quart-schema==0.25.0", "quart==0.22.0", "hypercorn==0.18.0", "pydantic==2.14.3"),
}
"""What pip installs into each; the toolkit is this checkout."""


def python_of(name: str) -> Path:
    """The interpreter of an environment, which is made where it is missing or out of date.

    Raises:
        subprocess.CalledProcessError: pip could not install it.
        OSError: the environment could not be made.
    """
    folder = _CACHE / name
    python = folder / "bin" / "python"
    stamp = folder / "installed.txt"
    wanted = _fingerprint(name)
    if stamp.exists() and python.exists() and stamp.read_text() == wanted:
        return python
    print(f"installing {name} into {folder.relative_to(ROOT)} ...", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run([*pip, *ENVIRONMENTS[name]], check=True, stdout=sys.stderr)
    stamp.write_text(wanted)
    return python


def _fingerprint(name: str) -> str:
    """Changes with the interpreter, the pinned versions and, for the toolkit, its dependencies."""
    parts = [sys.version, *ENVIRONMENTS[name]]
    if name.startswith("toolkit"):
        parts.append((ROOT / "pyproject.toml").read_text())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
