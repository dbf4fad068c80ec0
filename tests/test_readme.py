"""The README's program is pasted into a file, started as a process, and asked what the README asks it."""

import asyncio
import contextlib
import json
import re
import shlex
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import aiohttp

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PORT = "8080"


class Exchange(NamedTuple):
    """One curl command of the README and the output shown under it."""

    command: str
    output: str


def blocks(text: str, language: str) -> list[str]:
    """Return the contents of the fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def program() -> str:
    return blocks(README, "python")[0]


def without_blank_lines(text: str) -> str:
    return re.sub(r"\n+", "\n", text)


def exchanges() -> list[Exchange]:
    console = next(block for block in blocks(README, "console") if "$ curl" in block)
    commands = re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]
    return [Exchange(*command.split("\n", 1)) for command in commands]


def free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


@contextlib.asynccontextmanager
async def running(file: Path) -> AsyncIterator[None]:
    """Run the file until the block ends; the block starts once the server says that it listens."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-u", file, cwd=file.parent, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), timeout=30)
        assert b"Running on http://127.0.0.1" in line
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.communicate()


async def curl(command: str) -> object:
    """Do what the command does, which may use ``--json DATA`` and a URL; anything else is a mistake in the README."""
    name, *arguments = shlex.split(command)
    data = None
    if arguments[0] == "--json":
        _, data, *arguments = arguments
    (url,) = arguments
    assert name == "curl"
    headers = {"Accept": "application/json", "Content-Type": "application/json"} if data else {"Accept": "*/*"}
    async with (
        aiohttp.ClientSession() as session,
        session.request("POST" if data else "GET", url, data=data, headers=headers) as response,
    ):
        return json.loads(await response.read())


def test_the_program_is_short_and_near_the_top() -> None:
    """At most 20 lines, and all of it before line 25 of the README."""
    assert len(program().splitlines()) <= 20
    before, found, _ = README.partition(program())
    assert found
    assert len((before + program()).splitlines()) < 25


async def test_the_program_answers_as_the_readme_shows(tmp_path: Path) -> None:
    """Each curl command of the README gets the answer that is printed below it."""
    port = free_port()
    file = tmp_path / "app.py"
    file.write_text(program().replace(PORT, port), encoding="utf-8")
    shown = exchanges()
    assert len(shown) >= 2
    async with running(file):
        for command, output in shown:
            assert await curl(command.replace(PORT, port)) == json.loads(output), command


def test_the_tutorial_builds_the_same_program() -> None:
    """The tutorial's pieces, put together, are the README's program and then its test."""
    tutorial = (ROOT / "docs" / "tutorial" / "index.md").read_text(encoding="utf-8")
    pieces = without_blank_lines("".join(blocks(tutorial, "python")))
    assert pieces.startswith(without_blank_lines(program()))


def test_every_link_to_a_file_leads_somewhere() -> None:
    """A relative link of the README names a file or a folder of the repository."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []
