"""The lower bounds of pyproject.toml as pip constraints, and the check that they are what is installed.

``python tools/lowest.py constraints GROUP... FILE`` writes the constraints of the dependencies, of every extra and of
the named dependency groups. ``python tools/lowest.py check GROUP...`` fails where another version is installed.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
BOUND = re.compile(r"(?P<name>[\w.-]+)(\[[^\]]*\])?\s*>=\s*(?P<version>[\w.]+)\s*(?P<marker>;.*)?")


class Bound(NamedTuple):
    """One requirement of pyproject.toml: its name, lowest version and marker (with its semicolon)."""

    name: str
    version: str
    marker: str


def main(command: str, *arguments: str) -> int:
    """Run one of the two commands of the module's docstring; returns the exit code."""
    if command == "constraints":
        *groups, target = arguments
        lines = [f"{bound.name}=={bound.version}{bound.marker}\n" for bound in lower_bounds(groups)]
        Path(target).write_text("".join(lines), encoding="utf-8")
        return 0
    wrong = [text for bound in lower_bounds(arguments) if (text := complaint(bound))]
    print("\n".join(wrong) or "Every lower bound is installed.")
    return 1 if wrong else 0


def lower_bounds(groups: list[str] | tuple[str, ...]) -> Iterator[Bound]:
    """Yield each requirement of the project, its extras and the named groups; one without ``>=`` is an error."""
    with PYPROJECT.open("rb") as file:
        document = tomllib.load(file)
    project = document["project"]
    requirements = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        requirements += extra
    for group in groups:
        requirements += document["dependency-groups"][group]
    for requirement in requirements:
        if requirement.startswith(f"{project['name']}["):  # the "all" extra names the others
            continue
        match = BOUND.fullmatch(requirement)
        if match is None:
            raise SystemExit(f"{PYPROJECT.name}: {requirement!r} has no lower bound of the form name>=version")
        yield Bound(match["name"], match["version"], match["marker"] or "")


def complaint(bound: Bound) -> str:
    """Say what is installed instead of the bound; an empty text when all is well."""
    try:
        installed = version(bound.name)
    except PackageNotFoundError:
        return "" if bound.marker else f"{bound.name} is not installed"
    if release(installed) == release(bound.version):
        return ""
    return f"{bound.name} {installed} is installed, the lower bound is {bound.version}"


def release(text: str) -> str:
    """Drop trailing zeros: 3.14 and 3.14.0 are the same release (PEP 440)."""
    return re.sub(r"(\.0)+$", "", text)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
