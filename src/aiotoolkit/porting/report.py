"""Take stock of a Flask code base: what it uses, where, and what that becomes with aiohttp.

`take_stock` reads every Python file below a folder by its syntax tree, and runs none of it. Where an application is
named, that one is loaded in a process of its own: its URL map, hooks, error handlers and extensions are what static
reading cannot see whole. ``python -m aiotoolkit port report`` is the command.
"""

import json
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from aiotoolkit.porting._report_ast import Blocking, Finding, Route, SourceFile, read_source
from aiotoolkit.porting._report_live import Live, LiveRoute, match_routes, read_live
from aiotoolkit.porting._report_text import Stock

__all__ = ["Blocking", "Finding", "Live", "LiveRoute", "ReportError", "Route", "SourceFile", "Stock", "take_stock"]

LARGEST_FILE = 4 * 2**20  # bytes: what is larger was not written by people
SKIPPED = {"__pycache__", "node_modules", "site-packages"}
_LIVE = Path(__file__).with_name("_live.py")


class ReportError(Exception):
    """The report cannot be made: nothing to read, or the application cannot be loaded. The text says why."""


def take_stock(
    path: Path | str,
    *,
    app: str | None = None,
    python: str = sys.executable,
    timeout: float = 120.0,
    progress: Callable[[int, int, str], None] | None = None,
) -> Stock:
    """Read a Flask code base.

    Args:
        path: a folder, or one file. Symbolic links to folders, hidden folders and virtual environments are left out.
        app: ``module:app`` or ``module:create_app``: it is loaded, by ``python``, in a process of its own.
        python: the interpreter of the environment where the application is installed.
        timeout: seconds for the application to load.
        progress: called before each file with its number, how many there are, and its name.

    Raises:
        ReportError: there is no such path, or the application cannot be loaded.
    """
    root = Path(path)
    if not root.exists():
        raise ReportError(f"{root} does not exist")
    folder = root if root.is_dir() else root.parent
    files = [root] if not root.is_dir() else list(_python_files(root))
    sources: list[SourceFile] = []
    unreadable: list[tuple[str, str]] = []
    for number, file in enumerate(files, 1):
        name = os.fsencode(file.relative_to(folder)).decode(errors="backslashreplace")
        if progress is not None:
            progress(number, len(files), name)
        try:
            sources.append(read_source(name, _read(file)))
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
            unreadable.append((name, _reason(error)))
    live = None
    if app is not None:
        routes = [route for source in sources for route in source.routes]
        live = match_routes(read_live(_load(app, folder, python, timeout)), routes, folder.resolve())
    return Stock(str(root), tuple(sources), tuple(unreadable), live)


def _python_files(root: Path) -> Iterator[Path]:
    """Regular files, each once, in a stable order. Links to folders are not followed: they may lead in a circle."""
    seen: set[tuple[int, int]] = set()
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if _is_searched(Path(folder, name)))
        for name in sorted(names):
            if not name.endswith((".py", ".pyw")):
                continue
            file = Path(folder, name)
            try:
                found = file.stat()
            except OSError:  # a link to nowhere: reported when it is read
                yield file
                continue
            if stat.S_ISREG(found.st_mode) and (found.st_dev, found.st_ino) not in seen:
                seen.add((found.st_dev, found.st_ino))
                yield file


def _is_searched(folder: Path) -> bool:
    return not (folder.name.startswith(".") or folder.name in SKIPPED or (folder / "pyvenv.cfg").exists())


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        data = opened.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise ValueError(f"larger than {LARGEST_FILE // 2**20} MiB")
    return data


def _reason(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        place = f"line {error.lineno}: " if error.lineno else ""
        return f"{place}{error.msg}"
    if isinstance(error, RecursionError | MemoryError):
        return "nested too deeply"
    return str(getattr(error, "strerror", None) or error)


def _load(app: str, folder: Path, python: str, timeout: float) -> Mapping[str, Any]:
    with tempfile.TemporaryDirectory(prefix="report-") as temporary:
        output = Path(temporary, "live.json")
        command = [python, str(_LIVE), app, str(output), str(folder.resolve())]
        try:
            done = subprocess.run(  # noqa: S603 - the command that the user asked for, without a shell
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired:
            raise ReportError(f"{app} was not loaded within {timeout:g} s") from None
        except OSError as error:
            raise ReportError(f"cannot start {python}: {error.strerror}") from None
        if not output.exists():
            said = done.stderr.decode(errors="replace").strip()[-4_000:]
            raise ReportError(f"{app} cannot be loaded (exit code {done.returncode})\n{said}".rstrip())
        try:
            loaded: Mapping[str, Any] = json.loads(output.read_bytes())
        except ValueError:
            raise ReportError(f"{app} ended while it was described (exit code {done.returncode})") from None
        return loaded
