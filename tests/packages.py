"""Packages of components, written into a temporary folder."""

import importlib
import itertools
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Packages", "temporary_packages"]

_numbers = itertools.count()


class Packages:
    """A package that can be imported, of which files are made as they are needed.

    Attributes:
        name: of the package; another one in each test.
        path: its folder.
    """

    def __init__(self, root: Path) -> None:
        self.name = f"site_{next(_numbers)}"
        self.path = root / self.name
        self.write({"__init__.py": ""})

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files by their paths; each package among their folders gets its ``__init__``."""
        for name, content in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else textwrap.dedent(content).encode())
            if path.name == "routes.py" and not (init := path.with_name("__init__.py")).exists():
                init.touch()
        importlib.invalidate_caches()


@contextmanager
def temporary_packages(root: Path) -> Iterator[Packages]:
    """Let a package be imported, and forget it afterwards."""
    packages = Packages(root)
    sys.path.insert(0, str(root))
    try:
        yield packages
    finally:
        sys.path.remove(str(root))
        for name in [name for name in sys.modules if name.partition(".")[0] == packages.name]:
            del sys.modules[name]
