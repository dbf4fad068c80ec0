"""What the project's files say of each other stays true."""

import pkgutil
import re
import shutil
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import aiotoolkit

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PYPROJECT["project"]["optional-dependencies"]


def public_modules() -> set[str]:
    return {module.name for module in pkgutil.iter_modules(aiotoolkit.__path__) if not module.name.startswith("_")}


def first_column(heading: str) -> set[str]:
    """Return the names in the first column of the table under a heading of the README."""
    section = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| \[?`([\w-]+)`", section, re.MULTILINE))


def test_the_version_is_written_the_same_twice() -> None:
    """The package's ``__version__`` is the version of its metadata."""
    assert aiotoolkit.__version__ == metadata.version("aiotoolkit")


def test_the_readme_lists_every_module() -> None:
    """The table of modules names each public module, and no other."""
    assert first_column("Modules") == public_modules()


def test_every_module_has_a_reference_page() -> None:
    """Each public module has ``docs/reference/<module>.md``."""
    pages = {page.stem for page in (ROOT / "docs" / "reference").glob("*.md")}
    assert public_modules() <= pages


def test_the_readme_lists_every_extra() -> None:
    """The table of extras names each extra of pyproject.toml, and no other."""
    assert first_column("Extras") == set(EXTRAS)


def test_all_means_every_extra() -> None:
    """The extra ``all`` brings each of the others, but the data of Swagger UI: half a megabyte that no other needs."""
    (everything,) = EXTRAS["all"]
    brought = set(everything.removeprefix("aiotoolkit[").removesuffix("]").split(","))
    assert brought == set(EXTRAS) - {"all", "swagger-ui"}


def test_the_extra_swagger_ui_is_built_here() -> None:
    """The extra asks for no newer version of the distribution than the one in ``packages``."""
    sources = ROOT / "packages" / "aiotoolkit-swagger-ui" / "pyproject.toml"
    project = tomllib.loads(sources.read_text(encoding="utf-8"))["project"]
    (requirement,) = EXTRAS["swagger-ui"]
    name, _, lowest = requirement.partition(">=")
    assert name == project["name"]
    assert [int(part) for part in lowest.split(".")] <= [int(part) for part in project["version"].split(".")]


def test_dependencies_have_lower_bounds_and_no_caps() -> None:
    """Each required or optional dependency says ``>=``, and none of them anything else."""
    requirements = [*PYPROJECT["project"]["dependencies"], *(text for extra in EXTRAS.values() for text in extra)]
    others = [text.partition(";")[0] for text in requirements if not text.startswith("aiotoolkit[")]
    assert [text for text in others if not re.fullmatch(r"[\w.-]+>=[\w.]+", text.strip())] == []


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_help_lists_every_command() -> None:
    """``make`` alone lists each target that is meant to be typed."""
    result = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert re.findall(r"^  make ([\w-]+)", result.stdout, re.MULTILINE) == phony.split()
