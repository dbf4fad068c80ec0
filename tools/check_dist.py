"""Test a sdist and its wheel as a user gets them: ``python tools/check_dist.py FOLDER [PYTEST ARGUMENT...]``.

The wheel goes into a new virtual environment. Every public module must import there with the required dependencies
alone; then the tests of the unpacked sdist run against the wheel, with the sources of the package taken away.
"""

import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path, PurePosixPath

PACKAGE = "aiotoolkit"
IMPORT_ALL = f"""
import importlib, pkgutil, {PACKAGE}
modules = [module.name for module in pkgutil.walk_packages({PACKAGE}.__path__, "{PACKAGE}.") if "._" not in module.name]
for module in modules:
    importlib.import_module(module)
print(f"{{len(modules)}} public modules imported from {{{PACKAGE}.__path__[0]}}")
"""


def main(dist: str, *pytest_arguments: str) -> int:
    """Check the contents, the import and the tests; returns pytest's exit code."""
    wheel = only(Path(dist), "*.whl")
    sdist = only(Path(dist), "*.tar.gz")
    check_wheel(wheel)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = unpack(sdist, folder)
        shutil.rmtree(source / "src")
        python = make_environment(folder / "venv")
        install(python, str(wheel))
        run(python, "-I", "-W", "error", "-c", IMPORT_ALL, cwd=folder)
        install(python, "--group", f"{source / 'pyproject.toml'}:test")
        pytest = [python, "-m", "pytest", "-o", "testpaths=tests", *pytest_arguments]
        return subprocess.run(pytest, cwd=source, check=False).returncode


def only(folder: Path, pattern: str) -> Path:
    """Return the one path of the folder that matches."""
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"{folder} should hold one {pattern}, not {[path.name for path in found]}")
    return found[0]


def check_wheel(wheel: Path) -> None:
    """The wheel holds the package, its type marker and its licence, and nothing beside them."""
    with zipfile.ZipFile(wheel) as archive:
        names = [PurePosixPath(name) for name in archive.namelist()]
    strange = [str(name) for name in names if name.parts[0] != PACKAGE and not name.parts[0].endswith(".dist-info")]
    if strange:
        raise SystemExit(f"{wheel.name} holds files outside the package: {strange}")
    for required in (f"{PACKAGE}/py.typed", "licenses/LICENSE"):
        if not any(name.match(required) for name in names):
            raise SystemExit(f"{wheel.name} has no {required}")


def unpack(sdist: Path, folder: Path) -> Path:
    """Unpack the sdist and return its top folder."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return only(folder, f"{PACKAGE}-*")


def make_environment(folder: Path) -> str:
    """Make a virtual environment with a pip that knows dependency groups; returns its interpreter."""
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    install(python, "--upgrade", "pip>=25.1")
    return python


def install(python: str, *arguments: str) -> None:
    """Install with that interpreter's pip."""
    run(python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", *arguments)


def run(*command: str, cwd: Path | None = None) -> None:
    """Run a command; its failure ends this program."""
    result = subprocess.run(command, cwd=cwd, check=False)
    if result.returncode:
        raise SystemExit(result.returncode)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
