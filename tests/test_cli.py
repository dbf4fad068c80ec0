"""The commands of ``python -m aiotoolkit``."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aiotoolkit import __version__
from aiotoolkit.cli import main
from tests.packages import Packages

ROOT = Path(__file__).parents[1]

APP = """
import warnings
from aiohttp import web
from aiotoolkit.schemas import Schema

NAME = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}

@Schema(response=NAME).handler
async def index(request):
    "Say a name."
    return {"name": "one"}

class Things(web.View):
    @Schema(response=NAME).handler
    async def get(self):
        "List things."
        return {"name": "one"}

    async def post(self):
        return web.Response()

async def undescribed(request):
    return web.Response()

class Callable:
    async def __call__(self, request):
        return web.Response()

def create_app():
    app = web.Application()
    app.router.add_get("/", index, name="index")
    app.router.add_view("/things/{thing:[a-z]+}", Things, name="things")
    inner = web.Application()
    inner.router.add_get("/z", undescribed)
    inner.router.add_get("/a", undescribed, name="inner-a")
    app.add_subapp("/inner", inner)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # aiohttp sees no async function in it
        app.router.add_put("/callable", Callable())
    return app
"""


@pytest.fixture
def target(packages: Packages) -> str:
    """What the command line calls the application APP."""
    packages.write({"app.py": APP})
    return f"{packages.name}.app:create_app"


def process(folder: Path, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Run ``python -m aiotoolkit`` in a folder, with its modules importable as everywhere else."""
    return subprocess.run(
        [sys.executable, "-m", "aiotoolkit", *arguments],
        cwd=folder,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=50,
        check=False,
    )


# The frame of all commands


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The version is that of the package."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"aiotoolkit {__version__}\n"


@pytest.mark.parametrize("command", ["", "openapi", "routes"])
def test_help(capsys: pytest.CaptureFixture[str], command: str) -> None:
    """Each command has help of its own, with examples and exit codes."""
    assert main([*command.split(), "--help"]) == 0
    said = capsys.readouterr().out
    assert f"usage: python -m aiotoolkit {command}".strip() in said
    assert "examples:" in said
    assert "exit codes: 0 success" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "COMMAND"),
        (["unknown"], "invalid choice: 'unknown'"),
        (["routes"], "MODULE:ATTRIBUTE"),
        (["openapi", "a:b", "--format", "xml"], "invalid choice: 'xml'"),
        (["openapi", "a:b", "--output", "x", "--check", "y"], "not allowed with argument"),
        (["routes", "a:b", "--js"], "unrecognized arguments: --js"),
    ],
)
def test_wrong_use(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    """A wrong use is exit code 2, and said on standard error."""
    assert main(arguments) == 2
    stdout, stderr = capsys.readouterr()
    assert stdout == ""
    assert said in stderr


def test_help_loads_no_aiohttp(tmp_path: Path) -> None:
    """The help needs neither aiohttp nor an engine."""
    code = "import sys\nfrom aiotoolkit.cli import main\nmain(sys.argv[1:])\nprint(*sys.modules)"
    for arguments in (["--help"], ["openapi", "--help"], ["routes", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=50,
            check=True,
        )
        loaded = done.stdout.splitlines()[-1].split()
        assert "aiotoolkit.cli" in loaded
        assert not {"aiohttp", "jsonschema", "jsonschema_rs", "yaml"} & set(loaded)


@pytest.mark.parametrize("command", ["openapi", "routes"])
def test_loading_fails(capsys: pytest.CaptureFixture[str], packages: Packages, command: str) -> None:
    """What cannot be loaded is one line and exit code 2; --traceback shows more before it."""
    packages.write({"app.py": "def create_app():\n    raise ValueError('no\\nsettings')\n"})
    target = f"{packages.name}.app:create_app"
    assert main([command, target]) == 2
    stdout, stderr = capsys.readouterr()
    assert stdout == ""
    assert stderr.startswith(f"error: calling {target} failed: ValueError: no settings (")
    assert stderr.endswith("app.py, line 2) (--traceback shows more)\n")
    assert stderr.count("\n") == 1
    assert main([command, "--traceback", target]) == 2
    stderr = capsys.readouterr().err
    assert stderr.startswith("Traceback (most recent call last):\n")
    assert "error: calling" in stderr.splitlines()[-1]
    assert "--traceback" not in stderr


def test_the_current_folder(tmp_path: Path) -> None:
    """Modules of the folder where it is started are found, and what they print is not part of the output."""
    tmp_path.joinpath("app.py").write_text(f"import os\nprint('loading')\nos.system('echo child')\n{APP}")
    done = process(tmp_path, "routes", "app:create_app", "--json")
    assert done.returncode == 0
    assert next(route["path"] for route in json.loads(done.stdout)) == "/"
    assert sorted(done.stderr.split()) == ["child", "loading"]


def test_exit_codes_of_the_process(tmp_path: Path) -> None:
    """The process ends with the code, and an application that is missing is one line."""
    done = process(tmp_path, "routes", "no_such_module:app")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: there is no module 'no_such_module' in ")
    assert done.stderr.count("\n") == 1
    assert process(tmp_path, "--version").stdout == f"aiotoolkit {__version__}\n"


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    """A pipe that is closed before all is written, as by head, is no error and no traceback."""
    source = "".join(f'    app.router.add_get("/{number:05}", undescribed)\n' for number in range(20_000))
    tmp_path.joinpath("app.py").write_text(APP.replace("    return app\n", f"{source}    return app\n"))
    running = subprocess.Popen(
        [sys.executable, "-m", "aiotoolkit", "routes", "app:create_app"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    assert running.stderr is not None
    with running:
        assert running.stdout.readline().startswith("METHOD")
        running.stdout.close()
        assert running.stderr.read() == ""
        assert running.wait(50) == 0


# Routes


def test_routes(capsys: pytest.CaptureFixture[str], target: str) -> None:
    """A table in the order in which routes are asked, with what describes them."""
    module = target.partition(":")[0]
    assert main(["routes", target]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["METHOD", "PATH", "NAME", "DESCRIBED", "HANDLER"],
        ["GET", "/", "index", "yes", f"{module}:index"],
        ["GET", "/things/{thing}", "things", "yes", f"{module}:Things.get"],
        ["POST", "/things/{thing}", "things", "no", f"{module}:Things.post"],
        ["GET", "/inner/z", "-", "no", f"{module}:undescribed"],
        ["GET", "/inner/a", "inner-a", "no", f"{module}:undescribed"],
        ["PUT", "/callable", "-", "no", f"{module}:Callable"],
    ]
    assert (
        len({line.index(word) for line, word in zip(lines[1:], ["yes", "yes", "no", "no", "no", "no"], strict=True)})
        == 1
    )


def test_routes_as_json(capsys: pytest.CaptureFixture[str], target: str) -> None:
    """The same, as data."""
    assert main(["routes", "--json", target]) == 0
    routes = json.loads(capsys.readouterr().out)
    assert len(routes) == 6
    assert routes[1] == {
        "method": "GET",
        "host": None,
        "path": "/things/{thing}",
        "name": "things",
        "described": True,
        "handler": f"{target.partition(':')[0]}:Things.get",
    }


def test_routes_of_components_and_domains(capsys: pytest.CaptureFixture[str], packages: Packages) -> None:
    """Components have their prefixes, applications of a domain its name."""
    packages.write(
        {
            "blog/__init__.py": "",
            "blog/routes.py": """
            async def index(request): ...
            routes = [("GET", "/", index, "index")]
            """,
            "app.py": f"""
            from aiohttp import web
            from aiotoolkit.components import Component
            def create_app():
                app = web.Application()
                Component("blog", "{packages.name}.blog", url_prefix="/blog").register(app)
                inner = web.Application()
                async def inside(request): ...
                inner.router.add_get("/path", inside)
                app.add_domain("api.example.com", inner)
                return app
            """,
        }
    )
    assert main(["routes", f"{packages.name}.app:create_app"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert rows[0] == ["GET", "/blog/", "blog.index", "no", f"{packages.name}.blog.routes:index"]
    assert rows[1][:2] == ["GET", "api.example.com/path"]


def test_routes_on_a_terminal(packages: Packages, tmp_path: Path) -> None:
    """On a terminal, a long handler is cut at its start, so that each route is one line."""
    pty = pytest.importorskip("pty", reason="no terminals on this system")
    tmp_path.joinpath("app.py").write_text(APP.replace("undescribed", "undescribed_" + 80 * "x"))
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "aiotoolkit", "routes", "app:create_app"],
        cwd=tmp_path,
        env=os.environ | {"COLUMNS": "70", "LINES": "40"},
        stdout=theirs,
        stderr=subprocess.PIPE,
    ) as running:
        os.close(theirs)
        said = b""
        try:
            while chunk := os.read(ours, 10_000):
                said += chunk
        except OSError:  # Linux says so that the other end is closed
            pass
        assert running.wait(50) == 0
    os.close(ours)
    lines = said.decode().splitlines()
    assert len(lines) == 7
    assert max(map(len, lines)) == 70
    assert sum("…x" in line for line in lines) == 2
