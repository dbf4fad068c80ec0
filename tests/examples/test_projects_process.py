"""The projects API as a process of its own: ``python -m examples.projects``."""

import asyncio
import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

pytestmark = [pytest.mark.extra("jsl"), pytest.mark.extra("sqlalchemy"), pytest.mark.extra("aiosqlite")]

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "how-to" / "build-a-rest-api.md"
PASSWORD = "hunter2"


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        number: int = listener.getsockname()[1]
        return number


async def start(folder: Path, *arguments: str, **environ: str) -> asyncio.subprocess.Process:
    """Start the example with a folder of its own to work in, and no settings but these."""
    ours = {"DATABASE_URL", "DEBUG", "LOG_LEVEL", "PORT", "SENTRY_DSN", "TIME_ZONE"}
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "examples.projects", *arguments),
        cwd=folder,
        env=inherited | {"PYTHONPATH": str(ROOT)} | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def finish(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    """Wait for the end; return exit code, output and errors."""
    stdout, stderr = await asyncio.wait_for(process.communicate(), timeout=30)
    return process.returncode, stdout.decode(), stderr.decode()


@contextlib.asynccontextmanager
async def running(folder: Path, *arguments: str, **environ: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the example; the block starts once it has said what to try."""
    process = await start(folder, *arguments, **environ)
    assert process.stdout is not None
    try:
        output = b""
        while b"curl --json" not in output:
            line = await asyncio.wait_for(process.stdout.readline(), timeout=30)
            assert line, await finish(process)
            output += line
        assert b"Running on http://127.0.0.1" in output
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def fails(folder: Path, *arguments: str, **environ: str) -> str:
    """The one line with which the example refuses to start."""
    code, stdout, stderr = await finish(await start(folder, *arguments, **environ))
    assert code == 1
    assert stdout == ""
    assert stderr.startswith("error: ")
    assert stderr.count("\n") == 1, stderr
    assert PASSWORD not in stderr
    return stderr.strip()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
async def test_start_and_stop(tmp_path: Path, port: int, name: str) -> None:
    """It serves from a SQLite file in the current folder, logs requests with their id, and stops when it is told to."""
    async with (
        running(tmp_path, "--port", str(port)) as process,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        async with session.post("/api/projects", json={"name": "A", "slug": "a"}) as response:
            assert response.status == 201
        async with session.get("/api/project/1", headers={"X-Request-ID": "my-id"}) as response:
            assert response.status == 200
        # The session's connection stays open: it must not hold up the end.
        process.send_signal(getattr(signal, name))
        code, stdout, stderr = await finish(process)
    assert (code, stderr) == (0, "")
    assert '[INFO:aiohttp.access] [my-id] 127.0.0.1 "GET /api/project/1 HTTP/1.1" 200' in stdout
    assert (tmp_path / "projects.sqlite3").exists()


async def test_projects_stay(tmp_path: Path, port: int) -> None:
    """What was stored is there after the next start, which takes the port from PORT."""
    environ = {"PORT": str(port), "LOG_LEVEL": "WARNING"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        async with running(tmp_path, **environ) as process:
            async with session.post("/api/projects", json={"name": "A", "slug": "a"}) as response:
                project = await response.json()
            process.terminate()
            assert await finish(process) == (0, "", "")
        async with running(tmp_path, **environ), session.get("/api/projects") as response:
            assert await response.json() == {"projects": [project], "total": 1}


async def test_stop_with_a_half_sent_body(tmp_path: Path, port: int) -> None:
    """A client that never finishes its request holds up the end for a limited time only."""
    async with running(tmp_path, "--port", str(port)) as process:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /api/projects HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: 100\r\n\r\n{")
        await writer.drain()
        async with aiohttp.request("GET", f"http://127.0.0.1:{port}/api/") as response:
            assert response.status == 200
        process.terminate()
        code, _, _ = await finish(process)
        writer.close()
    assert code == 0


async def test_curl(tmp_path: Path, port: int) -> None:
    """What it prints to try works, and an error is a problem document for curl."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    url = f"http://127.0.0.1:{port}/api"
    body = '{"name": "Toolkit", "slug": "toolkit"}'

    async def curl(*arguments: str) -> dict[str, object]:
        process = await asyncio.create_subprocess_exec(
            "curl", "--silent", "--show-error", "--noproxy", "*", *arguments, stdout=asyncio.subprocess.PIPE
        )
        stdout, _ = await asyncio.wait_for(process.communicate(), timeout=30)
        document: dict[str, object] = json.loads(stdout)
        return document

    post = ("--header", "Content-Type: application/json", "--data", body)  # --json came with curl 7.82
    async with running(tmp_path, "--port", str(port)):
        assert (await curl(f"{url}/"))["projects"] == "/api/projects"
        assert (await curl(*post, f"{url}/projects"))["slug"] == "toolkit"
        assert (await curl(*post, f"{url}/projects"))["status"] == 409
        assert (await curl(f"{url}/project/7"))["status"] == 404
        assert (await curl("--request", "PATCH", f"{url}/projects"))["status"] == 405
        assert (await curl(f"{url}/nothing"))["title"] == "Not Found"


async def test_port_in_use(tmp_path: Path) -> None:
    """A port in use is one line that says so."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = str(listener.getsockname()[1])
        message = await fails(tmp_path, "--port", port)
    assert message == (f"error: cannot listen on 127.0.0.1:{port}: the port is in use (--port chooses another port)")


async def test_bad_host(tmp_path: Path, port: int) -> None:
    """An address that is not of this machine is one line that names it."""
    assert "192.0.2.1" in await fails(tmp_path, "--host", "192.0.2.1", "--port", str(port))


@pytest.mark.parametrize("text", ["http", "65536", ""])
async def test_bad_port(tmp_path: Path, text: str) -> None:
    """What is no port is refused, from the command line and from the environment."""
    for arguments, environ in ([f"--port={text}"], {}), ([], {"PORT": text}):
        code, _, stderr = await finish(await start(tmp_path, *arguments, **environ))
        assert code == 2
        assert stderr.endswith(f"argument --port: a port is a number from 1 to 65535, not {text!r}\n")


async def test_help(tmp_path: Path) -> None:
    """The help names the options and the variables, whatever these hold."""
    code, stdout, stderr = await finish(await start(tmp_path, "--help", DEBUG="perhaps"))
    assert (code, stderr) == (0, "")
    for word in ("--host", "--port", "DATABASE_URL", "DEBUG", "LOG_LEVEL", "SENTRY_DSN", "TIME_ZONE"):
        assert word in stdout


@pytest.mark.parametrize(
    "url",
    [
        f"postgres://me:{PASSWORD}@localhost/x",
        f"postgresql+asyncpg://me:{PASSWORD}",
        "sqlite+aiosqlite:////no/such/folder/x",
    ],
)
async def test_bad_database_url(tmp_path: Path, port: int, url: str) -> None:
    """A database that cannot be used is one line, which names the variable and shows no password."""
    assert (await fails(tmp_path, "--port", str(port), DATABASE_URL=url)).startswith("error: DATABASE_URL")


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("DEBUG", "perhaps", "DEBUG"),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL"),
        ("TIME_ZONE", "Mars/Olympus", "TIME_ZONE"),
        ("SENTRY_DSN", "x", "Sentry"),
    ],
)
async def test_bad_setting(tmp_path: Path, port: int, name: str, value: str, word: str) -> None:
    """A setting that cannot be used ends the start, and is named."""
    code, _, stderr = await finish(await start(tmp_path, "--port", str(port), **{name: value}))
    assert code == 1
    assert stderr.startswith("error: ")
    assert word in stderr
    assert "Traceback" not in stderr


async def test_the_guide_shows_what_is_printed(tmp_path: Path, port: int) -> None:
    """Each command of the how-to page prints what the page shows below it, but for the ids of requests."""
    some_id = re.compile("[0-9a-f]{32}")
    shown = dict(re.findall(r"^\$ (.+)\n((?:[^$`].*\n)+)", GUIDE.read_text(encoding="utf-8"), re.MULTILINE))
    curls = {command: output for command, output in shown.items() if command.startswith("curl ")}
    assert len(shown) == len(curls) + 1 == 4
    async with running(tmp_path, "--port", str(port)), aiohttp.ClientSession() as session:
        for command, output in curls.items():
            *options, url = shlex.split(command.replace(":8080", f":{port}"))[1:]
            data = json.loads(options[1]) if options else None
            async with session.request("POST" if data else "GET", url, json=data) as response:
                assert some_id.sub("an id", await response.text()) == some_id.sub("an id", output.rstrip()), command
    environ = {"DEBUG": "perhaps", "LOG_LEVEL": "LOUD"}
    _, _, stderr = await finish(await start(tmp_path, **environ))
    assert stderr == shown["DEBUG=perhaps LOG_LEVEL=LOUD python -m examples.projects"]
