"""Live applications, their documents, and the tools that judge them.

The tools in Python come from the dependency group ``openapi``, those on Node from package.json here. ``make
openapi-check`` installs both, and names the folder of the latter in OPENAPI_CHECK_NODE. Elsewhere, tests whose tools
are missing are skipped by name.
"""

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Live", "Node"]

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
NODE_FOLDER = os.environ.get("OPENAPI_CHECK_NODE")
REQUIRE_NODE = os.environ.get("REQUIRE_NODE") == "1"
TOOLS = (
    "aiosqlite",
    "jsl",
    "msgspec",
    "mypy",
    "openapi_python_client",
    "openapi_spec_validator",
    "pydantic",
    "schemathesis",
    "sqlalchemy",
    "yaml",
)
EXAMPLES = {
    "projects": "examples.projects.app:create_app",
    "schema_first": "examples.projects.schema_first:create_app",
}
APPLICATIONS = EXAMPLES | {"everything": "tests.openapi_check.everything:create_app"}


@dataclass(frozen=True)
class Live:
    """A served application.

    Attributes:
        name: one of APPLICATIONS.
        target: what the command line calls it.
        url: where it answers, without a path.
        document: its description, as ``python -m aiotoolkit openapi`` prints it.
        file: that, as a JSON file.
        environment: the variables that it was started with.
    """

    name: str
    target: str
    url: str
    document: dict[str, Any]
    file: Path
    environment: dict[str, str]

    @property
    def base(self) -> str:
        """The path in front of those of the document: ``""`` or ``"/api"``."""
        base: str = self.document["servers"][0]["url"]
        return base.rstrip("/")


@dataclass(frozen=True)
class Node:
    """The tools on Node.

    Attributes:
        modules: the folder ``node_modules``.
    """

    modules: Path

    def run(self, tool: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run one of them, or ``node`` itself, in a folder, without a word to its maker."""
        command = tool if tool == "node" else str(self.modules / ".bin" / tool)
        quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1", "CI": "true"}
        return run(command, *arguments, folder=folder, environment=os.environ | quiet)


def run(
    *command: str, folder: Path, environment: dict[str, str] | None = None, limit: float = 240
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; its output is text."""
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )


@pytest.fixture(scope="session", autouse=True)
def tools() -> None:
    """The tools in Python, and what the applications need; skips where one is missing."""
    missing = [name for name in TOOLS if importlib.util.find_spec(name) is None]
    if missing and NODE_FOLDER is not None:
        pytest.fail(f"{', '.join(missing)} is not installed: make openapi-check does that")
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed: see make openapi-check")


@pytest.fixture(scope="session")
def node() -> Node:
    """The tools on Node; skips where there are none."""
    folder = None if NODE_FOLDER is None else Path(NODE_FOLDER)
    if folder is not None and (folder / "installed").is_file():
        return Node(folder / "node_modules")
    if REQUIRE_NODE:
        pytest.fail(f"the tools on Node are not in OPENAPI_CHECK_NODE ({NODE_FOLDER}), but REQUIRE_NODE=1")
    pytest.skip("the tools on Node are not installed: make openapi-check does that, where npm is")


@pytest.fixture(scope="session", params=APPLICATIONS)
def live(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Each application, one after the other."""
    with served(request.param, tmp_path_factory.mktemp(request.param)) as found:
        yield found


@pytest.fixture(scope="session", params=EXAMPLES)
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The example, built from its code and from its document, with a database of its own."""
    with served(request.param, tmp_path_factory.mktemp(request.param)) as found:
        yield found


@contextmanager
def served(name: str, folder: Path) -> Iterator[Live]:
    """Serve an application on a free port, from a process of its own."""
    ours = {"DATABASE_URL", "DEBUG", "LOG_LEVEL", "PORT", "SENTRY_DSN", "TIME_ZONE"}
    environment = {key: value for key, value in os.environ.items() if key not in ours} | {
        "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/projects.sqlite3",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    target = APPLICATIONS[name]
    file = folder / "openapi.json"
    command = [sys.executable, "-m", "aiotoolkit", "openapi", target, "--output", str(file)]
    done = run(*command, folder=folder, environment=environment)
    assert done.returncode == 0, done.stderr
    log = folder / "log.txt"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.openapi_check.serve", target],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    assert process.stdout is not None
    with process:
        try:
            url = process.stdout.readline().strip()
            assert url, log.read_text()
            yield Live(name, target, url, json.loads(file.read_text(encoding="utf-8")), file, environment)
            assert process.poll() is None, log.read_text()
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
    assert "ERROR" not in (said := log.read_text()), said
