"""Logbook's commands: those of its README, of both administrators, and the start of the port."""

import asyncio
import contextlib
import io
import os
import re
import shlex
import socket
import sqlite3
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import aiohttp
import pytest

from examples.flask_port.samples import SAMPLE_PASSWORD

pytestmark = [
    pytest.mark.extra("flask"),
    pytest.mark.extra("aiohttp_jinja2"),
    pytest.mark.extra("aiohttp_session"),
    pytest.mark.extra("itsdangerous"),
    pytest.mark.timeout(300),
]

ROOT = Path(__file__).parents[2]
README = ROOT / "examples" / "flask_port" / "README.md"
KEY = {"LOGBOOK_SECRET_KEY": "k" * 40, "LOGBOOK_PASSWORD_METHOD": "scrypt:1024:8:1"}
Command = Callable[..., tuple[int, str]]


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        number: int = listener.getsockname()[1]
        return number


async def start(folder: Path, *arguments: str, environ: Mapping[str, str] = KEY) -> asyncio.subprocess.Process:
    """Start Python in a folder, with no settings but these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LOGBOOK_", "FLASK_"))}
    inherited.pop("PORT", None)
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=folder,
        env={**inherited, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]), **environ},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def run(folder: Path, *arguments: str, environ: Mapping[str, str] = KEY) -> tuple[int | None, str]:
    """Run a command to its end; return exit code and output."""
    process = await start(folder, *arguments, environ=environ)
    output, _ = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode, output.decode()


async def ask_server(process: asyncio.subprocess.Process, port: int, path: str) -> int:
    """Wait for a server, ask it for a page, and stop it."""
    assert process.stdout is not None
    try:
        output = b""
        while b"Running on" not in output:
            line = await asyncio.wait_for(process.stdout.readline(), 120)
            assert line, output.decode()
            output += line
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as response:
            await response.read()
            return response.status
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.communicate(), 60)


async def test_commands_of_the_readme(tmp_path: Path) -> None:
    """Each command of the README works, one after the other; each server that it starts answers."""
    environ = {"LOGBOOK_PASSWORD_METHOD": KEY["LOGBOOK_PASSWORD_METHOD"]}
    blocks = re.findall(r"^```console\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    commands = [shlex.split(line.removeprefix("$ ")) for block in blocks for line in block.splitlines()]
    assert len(commands) == 10
    outputs = []
    for name, *arguments in commands:
        if name == "export":
            environ.update({argument.partition("=")[0]: argument.partition("=")[2] for argument in arguments})
            continue
        assert name == "python"
        if "--port" in arguments:
            port = free_port()
            arguments[arguments.index("--port") + 1] = str(port)
            assert await ask_server(await start(tmp_path, *arguments, environ=environ), port, "/posts/") == 200
            continue
        code, output = await run(tmp_path, *arguments, environ=environ)
        assert code == 0, output
        outputs.append(output)
    assert any(SAMPLE_PASSWORD in output for output in outputs)
    assert any("/api/v1/posts/<int:id>" in output for output in outputs)
    assert any("all: " in output and " 0 differences" in output for output in outputs)
    with contextlib.closing(sqlite3.connect(tmp_path / "logbook.sqlite3")) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM users")}
    assert names == {"ada", "bob", "admin", "carol", "dora"}


def flask_command(*arguments: str) -> tuple[int, str]:
    """``flask --app examples.flask_port.before``, in this process."""
    from examples.flask_port.before import create_app

    result = create_app().test_cli_runner().invoke(args=arguments)
    return result.exit_code, result.output


def port_command(*arguments: str) -> tuple[int, str]:
    """``python -m examples.flask_port.after``, in this process."""
    from examples.flask_port.after.__main__ import main

    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        try:
            main(list(arguments))
        except SystemExit as error:
            return 1, output.getvalue() + f"{error}\n"
    return 0, output.getvalue()


@pytest.mark.parametrize("command", [flask_command, port_command])
def test_administrator(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides make the same database and accounts, and say in one line what is wrong."""
    monkeypatch.chdir(tmp_path)
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)
    code, output = command("init-db", "--sample")
    assert (code, output) == (
        0,
        f"Accounts: ada, bob, admin. Password: {SAMPLE_PASSWORD}\nThe database is ready: logbook.sqlite3\n",
    )
    assert command("create-user", "eva", "--admin", "--password", "a long password") == (0, "eva can log in.\n")
    for arguments, words in (
        (("create-user", "ada", "--password", "a long password"), ["there is an account ada already"]),
        (("create-user", "Eva Smith", "--password", "short"), ["must be 3 to 32", "must be 10 to 128"]),
        (("init-db", "--sample"), ["there is an account ada already"]),
    ):
        code, output = command(*arguments)
        assert code == 1
        assert output.count("\n") == 1
        assert output.lower().startswith("error: ")
        for word in words:
            assert word in output
    with contextlib.closing(sqlite3.connect(tmp_path / "logbook.sqlite3")) as connection:
        rows = connection.execute("SELECT is_admin, password_hash FROM users WHERE name = 'eva'").fetchall()
    assert [row[0] for row in rows] == [1]
    assert rows[0][1].startswith("scrypt:1024:8:1$")


@pytest.mark.parametrize(
    ("arguments", "environ", "word"),
    [
        ([], KEY, "init-db"),
        ([], {}, "LOGBOOK_SECRET_KEY"),
        (["--stage", "none"], KEY, "--stage"),
        (["--port", "http"], KEY, "--port"),
        ([], {**KEY, "LOGBOOK_STAGE": "none", "LOGBOOK_MAX_UPLOAD": "much"}, "LOGBOOK_MAX_UPLOAD"),
        ([], {**KEY, "LOGBOOK_PASSWORD_METHOD": "md5"}, "LOGBOOK_PASSWORD_METHOD"),
    ],
)
def test_start_refused(
    arguments: list[str],
    environ: Mapping[str, str],
    word: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What keeps the port from starting is said, with what to do."""
    from examples.flask_port.__main__ import main

    monkeypatch.chdir(tmp_path)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["python -m examples.flask_port", *arguments])
    with pytest.raises(SystemExit) as error:
        main()
    text = f"{error.value}{capsys.readouterr().err}"
    assert error.value.code not in (0, None)
    assert word in text


async def test_port_in_use(tmp_path: Path) -> None:
    """A port in use is one line that says so."""
    database = tmp_path / "there.sqlite3"
    database.touch()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken = str(listener.getsockname()[1])
        environ = {**KEY, "LOGBOOK_DATABASE": str(database)}
        code, output = await run(tmp_path, "-m", "examples.flask_port", "--port", taken, environ=environ)
    assert (code, output) == (
        1,
        f"error: cannot listen on 127.0.0.1:{taken}: the port is in use (--port chooses another port)\n",
    )


async def test_the_last_stage_needs_no_flask(tmp_path: Path) -> None:
    """All of the application, its commands and its comparison's table import neither Flask nor Werkzeug."""
    code = """
import sys
from examples.flask_port.after.app import create_app
import examples.flask_port.after.__main__, examples.flask_port.__main__
create_app(stage="all")
print(sorted(name for name in sys.modules if name.partition(".")[0] in ("flask", "werkzeug", "click")))
create_app(stage="half")
print("flask" in sys.modules)
"""
    result = await run(tmp_path, "-W", "error", "-c", code)
    assert result == (0, "[]\nTrue\n")


async def test_each_side_knows_the_passwords_of_the_other() -> None:
    """A hash of Werkzeug's is checked by the port, and the other way round; a wrong password is wrong."""
    from werkzeug.security import check_password_hash, generate_password_hash

    from examples.flask_port.after.passwords import Passwords, hash_password

    passwords = Passwords("scrypt:1024:8:1")
    for password in ("a long password", "Zoë's pässword ☕", "x" * 128):
        for stored in (generate_password_hash(password, "scrypt:1024:8:1"), await passwords.hash(password)):
            assert check_password_hash(stored, password)
            assert not check_password_hash(stored, password + "x")
            assert await passwords.check(password, stored)
            assert not await passwords.check(password + "x", stored)
        assert not await passwords.check(password, None)
    with pytest.raises(ValueError, match="pbkdf2"):
        await passwords.check("x", generate_password_hash("x", "pbkdf2:sha256:1"))
    # The default of both is the same.
    assert hash_password("x", "scrypt:32768:8:1").split("$")[0] == generate_password_hash("x").split("$")[0]
