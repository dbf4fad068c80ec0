"""The example site as a process of its own: ``python -m examples.site``."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.examples.site_client import BROWSER, MARKS

pytestmark = MARKS

ROOT = Path(__file__).parents[2]
OURS = {"DATABASE", "DEBUG", "ENVIRONMENT", "LOG_LEVEL", "MAX_UPLOAD_MB", "PORT", "SECRET_KEY", "SENTRY_DSN"} | {
    "SESSION_AGE",
    "TIME_ZONE",
    "UPLOADS",
}
SECRET = "0123456789abcdef" * 2


def free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


async def start(folder: Path, *arguments: str, **environ: str) -> asyncio.subprocess.Process:
    """Start the site with a folder of its own to work in, and no settings but these."""
    inherited = {name: value for name, value in os.environ.items() if name not in OURS}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "examples.site", *arguments),
        cwd=folder,
        env=inherited | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])} | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def finish(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    stdout, stderr = await asyncio.wait_for(process.communicate(), timeout=30)
    return process.returncode, stdout.decode(), stderr.decode()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
async def test_start_and_stop(tmp_path: Path, name: str) -> None:
    """It keeps its files in the current folder, logs requests with their id but no secret, and stops when told to."""
    port = free_port()
    process = await start(tmp_path, PORT=port, SECRET_KEY=SECRET)
    try:
        assert process.stdout is not None
        assert b"Running on http://127.0.0.1" in await asyncio.wait_for(process.stdout.readline(), timeout=30)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            async with session.get("/account/login", headers=BROWSER | {"X-Request-ID": "my-id"}) as response:
                assert (response.status, response.headers["X-Request-ID"]) == (200, "my-id")
            cookies = {"session": "forged"}
            async with session.get("/account/", cookies=cookies, allow_redirects=False) as response:
                assert response.status == 303
            process.send_signal(getattr(signal, name))
            code, stdout, stderr = await finish(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert code == 0
    assert '[INFO:aiohttp.access] [my-id] 127.0.0.1 "GET /account/login HTTP/1.1" 200' in stdout
    (line,) = stderr.splitlines()
    assert "[WARNING:aiohttp_session]" in line
    assert SECRET not in stdout + stderr
    assert {"site.sqlite3", "site-uploads"} <= set(os.listdir(tmp_path))


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"ENVIRONMENT": "production"}, "SECRET_KEY is required in production"),
        ({"SECRET_KEY": "hunter2"}, "SECRET_KEY is too short: at least 32 characters"),
        ({"MAX_UPLOAD_MB": "much"}, "MAX_UPLOAD_MB: expected"),
        ({"DATABASE": "no/such/folder/site.sqlite3"}, "DATABASE names another file"),
        ({"DATABASE": "text"}, "cannot open the database text"),
        ({"UPLOADS": "text"}, "UPLOADS names another folder"),
    ],
)
async def test_refuses_to_start(tmp_path: Path, environ: dict[str, str], said: str) -> None:
    """What the operator must change is said in a few words, without a traceback or a secret."""
    (tmp_path / "text").write_text("This is no database. " * 100)
    code, stdout, stderr = await finish(await start(tmp_path, PORT=free_port(), **environ))
    assert (code, stdout) == (1, "")
    assert stderr.startswith("error: ")
    assert said in stderr
    assert "Traceback" not in stderr
    assert "hunter2" not in stderr


async def test_port_in_use(tmp_path: Path) -> None:
    """A port in use is one line that says so."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = str(listener.getsockname()[1])
        code, _, stderr = await finish(await start(tmp_path, "--port", port))
    assert code == 1
    assert stderr == f"error: cannot listen on 127.0.0.1:{port}: the port is in use (--port chooses another port)\n"
