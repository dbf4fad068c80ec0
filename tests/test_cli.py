"""The commands of ``python -m aiotoolkit``."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

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


@pytest.mark.extra("jsl")
@pytest.mark.extra("sqlalchemy")
@pytest.mark.extra("aiosqlite")
def test_the_reference_shows_what_is_printed() -> None:
    """The table in the reference is the first lines of what the command prints for the example."""
    page = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    shown = page.partition("app:create_app | head -7\n")[2].partition("```")[0].splitlines()
    done = process(ROOT, "routes", "examples.projects.app:create_app")
    assert done.returncode == 0, done.stderr
    assert len(shown) == 7
    # The columns are as wide as the widest line of all, which the page does not show.
    assert [line.split() for line in done.stdout.splitlines()[:7]] == [line.split() for line in shown]


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


# OpenAPI

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Wörds", "version": "2026-11-20"},
    "paths": {"/b": {"get": {"responses": {"200": {"description": "yes"}}}}, "/a": {}},
}
SERVED = f"""
from aiohttp import web
from aiotoolkit.openapi import setup_openapi

DOCUMENT = {DOCUMENT!r}

def create_app():
    app = web.Application()
    setup_openapi(app, document=DOCUMENT)
    app.on_startup.append(fail)
    return app

async def fail(app):
    raise AssertionError

def create_several():
    app = create_app()
    setup_openapi(app, document=DOCUMENT | {{"paths": {{}}}}, path="/internal/openapi", docs=None)
    inner = web.Application()
    setup_openapi(inner, document=DOCUMENT | {{"info": {{"title": "Inner", "version": "1"}}}}, docs=None)
    app.add_subapp("/inner", inner)
    return app
"""


@pytest.fixture
def served(packages: Packages) -> str:
    """What the command line calls an application that serves DOCUMENT."""
    packages.write({"served.py": SERVED})
    return f"{packages.name}.served:create_app"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command prints; it prints nothing to standard error."""
    assert main(["openapi", *arguments]) == 0
    stdout, stderr = capsys.readouterr()
    assert stderr == ""
    return stdout


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that says why the command does nothing."""
    assert main(["openapi", *arguments]) == 2
    stdout, stderr = capsys.readouterr()
    assert stdout == ""
    assert stderr.count("\n") == 1, stderr
    return stderr.removeprefix("error: ").strip()


def test_openapi_prints_what_is_served(capsys: pytest.CaptureFixture[str], served: str) -> None:
    """The document that setup_openapi was given, in its order, without a start of the application."""
    stdout = printed(capsys, served)
    assert json.loads(stdout) == DOCUMENT
    assert stdout == json.dumps(DOCUMENT, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.extra("yaml")
def test_openapi_as_yaml(capsys: pytest.CaptureFixture[str], served: str) -> None:
    """The same as YAML: text that looks like a date or a number is quoted."""
    import yaml

    stdout = printed(capsys, served, "--format", "yaml")
    assert yaml.safe_load(stdout) == DOCUMENT
    assert stdout.startswith("openapi: 3.1.0\ninfo:\n  title: Wörds\n  version: '2026-11-20'\n")


def test_output_is_utf8(tmp_path: Path) -> None:
    """Standard output is UTF-8, whatever the encoding of the terminal is."""
    tmp_path.joinpath("app.py").write_text(SERVED, encoding="utf-8")
    done = process(tmp_path, "openapi", "app:create_app", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == DOCUMENT


def test_openapi_of_several(capsys: pytest.CaptureFixture[str], served: str) -> None:
    """Of several documents one is chosen by its path, with the prefix of a sub-application."""
    several = served.replace("create_app", "create_several")
    paths = "/openapi, /internal/openapi, /inner/openapi"
    assert refused(capsys, several) == f"several documents are served: choose one by --path ({paths})"
    assert refused(capsys, several, "--path", "/docs") == f"no document is served at /docs ({paths})"
    assert json.loads(printed(capsys, several, "--path", "/openapi")) == DOCUMENT
    assert json.loads(printed(capsys, several, "--path", "/internal/openapi.json"))["paths"] == {}
    assert json.loads(printed(capsys, several, "--path", "/inner/openapi.yaml"))["info"]["title"] == "Inner"


def test_openapi_says_its_title_itself(capsys: pytest.CaptureFixture[str], served: str, target: str) -> None:
    """A title beside setup_openapi, and a path without it, are refused."""
    assert "leave both out" in refused(capsys, served, "--title", "Mine")
    assert "setup_openapi is not called" in refused(capsys, target, "--path", "/openapi")


@pytest.mark.parametrize("suffix", ["json", pytest.param("yaml", marks=pytest.mark.extra("yaml"))])
def test_output_and_check(capsys: pytest.CaptureFixture[str], served: str, tmp_path: Path, suffix: str) -> None:
    """What --output wrote is what --check finds equal, in the format of the file's name."""
    file = tmp_path / f"openapi.{suffix}"
    assert printed(capsys, served, "--output", str(file)) == ""
    text = file.read_text(encoding="utf-8")
    assert text.startswith("{" if suffix == "json" else "openapi:")
    assert printed(capsys, served, "--check", str(file)) == ""


@pytest.mark.parametrize("suffix", ["json", pytest.param("yaml", marks=pytest.mark.extra("yaml"))])
def test_check_finds_a_difference(capsys: pytest.CaptureFixture[str], served: str, tmp_path: Path, suffix: str) -> None:
    """A difference is exit code 1 and a unified diff with the changed lines, and how to write the file anew."""
    file = tmp_path / f"openapi.{suffix}"
    printed(capsys, served, "--output", str(file))
    file.write_text(file.read_text(encoding="utf-8").replace("yes", "no"), encoding="utf-8")
    assert main(["openapi", served, "--check", str(file)]) == 1
    stdout, stderr = capsys.readouterr()
    lines = stdout.splitlines()
    assert lines[:2] == [f"--- {file}", f"+++ {served}"]
    changed = [line.split()[0] + line.split()[-1].strip("\"'") for line in lines[2:] if line[0] in "+-"]
    assert changed == ["-no", "+yes"]
    assert f"python -m aiotoolkit openapi {served} --output {file}" in stderr


def test_check_compares_what_is_said(capsys: pytest.CaptureFixture[str], served: str, tmp_path: Path) -> None:
    """The order of members and the layout do not matter; 1, 1.0 and true are not the same."""
    file = tmp_path / "openapi.json"
    file.write_text("\ufeff" + json.dumps(dict(reversed(DOCUMENT.items()))), encoding="utf-8")
    assert printed(capsys, served, "--check", str(file)) == ""


@pytest.mark.extra("yaml")
def test_check_reads_yaml_as_openapi_means_it(capsys: pytest.CaptureFixture[str], served: str, tmp_path: Path) -> None:
    """A status is text, and so is a date without quotes."""
    file = tmp_path / "openapi.yml"
    file.write_text(
        "openapi: 3.1.0\ninfo: {title: Wörds, version: 2026-11-20}\n"
        "paths:\n  /a: {}\n  /b: {get: {responses: {200: {description: 'yes'}}}}\n",
        encoding="utf-8",
    )
    assert printed(capsys, served, "--check", str(file)) == ""


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.json", None, "cannot be read: No such file or directory"),
        ("broken.json", b"{", "is no JSON: Expecting property name"),
        ("deep.json", b"[" * 200_000, "is no JSON: "),
        ("bytes.json", b"\xff\xfe\x00", "is no JSON: 'utf-8' codec"),
        ("list.json", b"[]", "holds no document, which is an object"),
        pytest.param("broken.yaml", b"a: [", "is no YAML: ", marks=pytest.mark.extra("yaml")),
        pytest.param("alias.yaml", b"a: *b", "is no YAML: ", marks=pytest.mark.extra("yaml")),
        pytest.param("object.yaml", b"!!python/object:os.system {}", "is no YAML: ", marks=pytest.mark.extra("yaml")),
        pytest.param("text.yaml", b"text", "holds no document", marks=pytest.mark.extra("yaml")),
    ],
)
def test_check_of_a_bad_file(
    capsys: pytest.CaptureFixture[str], served: str, tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    """A file that cannot be read is an error that names it, not a difference."""
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    assert refused(capsys, served, "--check", str(file)).startswith(f"{file} {said}")


def test_output_that_cannot_be_written(capsys: pytest.CaptureFixture[str], served: str, tmp_path: Path) -> None:
    """A folder that is missing is an error that names the file."""
    file = tmp_path / "missing" / "openapi.json"
    assert refused(capsys, served, "--output", str(file)) == f"{file} cannot be written: No such file or directory"


def test_openapi_is_built(capsys: pytest.CaptureFixture[str], target: str) -> None:
    """Without setup_openapi, the document is built of the routes; what is not described is left out with a warning."""
    document = json.loads(printed(capsys, target))
    assert document["info"]["title"] == target.partition(".")[0]
    assert document["info"]["version"] == "0.1.0"
    assert set(document["paths"]) == {"/", "/things/{thing}"}
    document = json.loads(printed(capsys, target, "--title", "Things", "--version", "5"))
    assert document["info"]["title"] == "Things"
    assert document["info"]["version"] == "5"


def test_openapi_that_cannot_be_built(capsys: pytest.CaptureFixture[str], packages: Packages) -> None:
    """What stops the start-up of an application stops the command, with the same text."""
    source = APP.replace('app.router.add_get("/", index, name="index")', 'app.router.add_get("/things/{other}", index)')
    packages.write({"app.py": source.replace("{thing:[a-z]+}", "{thing}")})
    said = refused(capsys, f"{packages.name}.app:create_app")
    assert said.startswith("the application cannot be described: ")
    assert "/things/{" in said
