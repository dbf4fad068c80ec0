"""Test the distributions as a user gets them: ``python tools/check_dist.py FOLDER [PYTEST ARGUMENT...]``.

The wheel goes into a new virtual environment. Every public module must import there with the required dependencies
alone, or name the extra that it needs; then the tests of the unpacked sdist run against the wheel, with the sources of
the package taken away. For that, the wheel of aiotoolkit-swagger-ui is there too: it needs nothing, and nothing else
needs it.
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
DATA_PACKAGE = "aiotoolkit_swagger_ui"
DATA_FILES = [
    *(f"{DATA_PACKAGE}/data/{name}" for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")),
    f"{DATA_PACKAGE}/data/swagger-ui-bundle.js.LICENSE.txt",
    "licenses/LICENSE",
    "licenses/NOTICE",
]
MAX_WHEEL = 1_000_000  # bytes: what a mistake in a build puts into it is larger
IMPORT_ALL = f"""
import importlib, pkgutil, {PACKAGE}
modules = [module.name for module in pkgutil.walk_packages({PACKAGE}.__path__, "{PACKAGE}.") if "._" not in module.name]
for module in modules:
    try:
        importlib.import_module(module)
    except ImportError as error:
        if 'pip install "{PACKAGE}[' not in str(error):  # it names the extra that it needs
            raise
print(f"{{len(modules)}} public modules imported from {{{PACKAGE}.__path__[0]}}")
"""


def main(dist: str, *pytest_arguments: str) -> int:
    """Check the contents, the import and the tests; returns pytest's exit code."""
    wheel = only(Path(dist), f"{PACKAGE}-*.whl")
    sdist = only(Path(dist), f"{PACKAGE}-*.tar.gz")
    data_wheel = only(Path(dist), f"{DATA_PACKAGE}-*.whl")
    check_wheel(wheel, PACKAGE, [f"{PACKAGE}/py.typed", "licenses/LICENSE"])
    check_wheel(data_wheel, DATA_PACKAGE, DATA_FILES)
    check_data_sdist(only(Path(dist), f"{DATA_PACKAGE}-*.tar.gz"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = unpack(sdist, folder)
        shutil.rmtree(source / "src")
        python = make_environment(folder / "venv")
        install(python, str(wheel))
        run(python, "-I", "-W", "error", "-c", IMPORT_ALL, cwd=folder)
        install(python, "--no-index", str(data_wheel))
        install(python, "--group", f"{source / 'pyproject.toml'}:test")
        pytest = [python, "-m", "pytest", "-o", "testpaths=tests", *pytest_arguments]
        return subprocess.run(pytest, cwd=source, check=False).returncode


def only(folder: Path, pattern: str) -> Path:
    """Return the one path of the folder that matches."""
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"{folder} should hold one {pattern}, not {[path.name for path in found]}")
    return found[0]


def check_wheel(wheel: Path, package: str, required: list[str]) -> None:
    """A wheel holds its package with what it must have, and nothing beside it."""
    with zipfile.ZipFile(wheel) as archive:
        names = [PurePosixPath(name) for name in archive.namelist()]
    strange = [str(name) for name in names if name.parts[0] != package and not name.parts[0].endswith(".dist-info")]
    if strange:
        raise SystemExit(f"{wheel.name} holds files outside the package: {strange}")
    for pattern in required:
        if not any(name.match(pattern) for name in names):
            raise SystemExit(f"{wheel.name} has no {pattern}")
    if wheel.stat().st_size > MAX_WHEEL:
        raise SystemExit(f"{wheel.name} has {wheel.stat().st_size:,} bytes: what is too much in it?")


def check_data_sdist(sdist: Path) -> None:
    """The sdist of the data holds the data: it builds without a network."""
    with tarfile.open(sdist) as archive:
        names = [PurePosixPath(name) for name in archive.getnames()]
    for pattern in DATA_FILES:
        if not any(name.match(pattern.removeprefix("licenses/")) for name in names):
            raise SystemExit(f"{sdist.name} has no {pattern}")


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
