"""The two sides of a comparison: processes that are started, waited for and stopped, or servers that run already."""

import asyncio
import contextlib
import os
import shlex
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from aiotoolkit.porting._parity_client import Origin, fetch
from aiotoolkit.porting._parity_errors import ParityError

__all__ = ["Server", "Side", "running"]

_SERVE = Path(__file__).with_name("_serve.py")
_SHOWN = 4_000  # characters of what a process wrote before it ended


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two applications, and how it is started.

    Args:
        target: ``module:name`` of an application, or of a function without required arguments that returns one; or
            the base URL of a server that runs already (then nothing else is used but ``ready_path``).
        env: added to the environment of the process. ``{folder}`` in a value is a fresh temporary folder, which the
            process finds in ``PARITY_FOLDER`` too.
        before: a command that is run first, without a shell, in the same environment: it makes a fresh database, say.
        python: the interpreter: another one where the two applications are installed in different environments.
        ready_path: what is asked for until a running server answers.
    """

    target: str
    env: Mapping[str, str] = field(default_factory=dict)
    before: str | None = None
    python: str = sys.executable
    ready_path: str = "/"

    @property
    def is_url(self) -> bool:
        """Whether the target is the URL of a running server."""
        return self.target.startswith(("http://", "https://"))


@dataclass(slots=True)
class Server:
    """One side, ready to answer."""

    name: str
    origin: Origin
    process: asyncio.subprocess.Process | None = None
    output: IO[bytes] | None = None

    def written(self) -> int:
        """How many bytes the process has written to its standard output and error."""
        return 0 if self.output is None else os.fstat(self.output.fileno()).st_size

    def written_since(self, position: int) -> str:
        """The end of what the process has written since then: the traceback of an answer that is 500, say."""
        if self.output is None:
            return ""
        size = self.written()
        start = max(position, size - _SHOWN)
        return os.pread(self.output.fileno(), size - start, start).decode(errors="replace").strip()

    def check_alive(self) -> None:
        """Raise a ParityError, with what the process wrote last, where it has ended."""
        if self.process is not None and self.process.returncode is not None:
            raise ParityError(f"{_ended(self.name, self.process.returncode)}{_tail(self.output)}")


@contextlib.asynccontextmanager
async def running(name: str, side: Side, *, wait: float) -> AsyncIterator[Server]:
    """Start one side, wait until it answers, and stop it at the end.

    Raises:
        ParityError: it did not answer within ``wait`` seconds, or its process ended; with what it wrote.
    """
    if side.is_url:
        origin = Origin.parse(side.target)
        await _wait_for_answer(name, origin, side.ready_path, wait)
        yield Server(name, origin)
        return
    with tempfile.TemporaryDirectory(prefix=f"parity-{name}-") as folder, tempfile.TemporaryFile() as output:
        env = _environment(side, folder)
        try:
            async with asyncio.timeout(wait):
                await _run_before(name, side, env, output)
        except TimeoutError:
            raise ParityError(f"{name}: {side.before!r} took more than {wait:g} s{_tail(output)}") from None
        async with _process(name, side, env, output, wait) as server:
            yield server


def _environment(side: Side, folder: str) -> dict[str, str]:
    added = {key: value.replace("{folder}", folder) for key, value in side.env.items()}
    # Unbuffered: what a process wrote before it was killed is what tells why.
    return os.environ | {"PARITY_FOLDER": folder, "PYTHONUNBUFFERED": "1"} | added


async def _run_before(name: str, side: Side, env: dict[str, str], output: IO[bytes]) -> None:
    if side.before is None:
        return
    try:
        command = shlex.split(side.before.replace("{folder}", env["PARITY_FOLDER"]))
    except ValueError as error:
        raise ParityError(f"{name}: {side.before!r} is no command: {error}") from None
    process = await _start(name, command, env, output)
    try:
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await _to_the_end(process.wait())
    if code:
        raise ParityError(f"{name}: {side.before!r} failed with exit code {code}{_tail(output)}")


async def _start(
    name: str, command: list[str], env: dict[str, str], output: IO[bytes], pipe: int | None = None
) -> asyncio.subprocess.Process:
    stdin = asyncio.subprocess.DEVNULL if pipe is None else asyncio.subprocess.PIPE
    try:
        return await asyncio.create_subprocess_exec(
            *command, stdin=stdin, stdout=output, stderr=output, env=env, pass_fds=() if pipe is None else (pipe,)
        )
    except (OSError, ValueError, IndexError, TypeError) as error:
        raise ParityError(f"{name}: cannot start {shlex.join(command)}: {error}") from None


@contextlib.asynccontextmanager
async def _process(name: str, side: Side, env: dict[str, str], output: IO[bytes], wait: float) -> AsyncIterator[Server]:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe:
        try:
            command = [side.python, str(_SERVE), name, side.target, str(writing)]
            process = await _start(name, command, env, output, writing)
        finally:
            os.close(writing)
        try:
            port = await _read_port(name, process, pipe, output, wait)
            yield Server(name, Origin("http", "127.0.0.1", port), process, output)
        finally:
            await _to_the_end(_stop(process))


async def _read_port(
    name: str, process: asyncio.subprocess.Process, pipe: IO[bytes], output: IO[bytes], wait: float
) -> int:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    try:
        async with asyncio.timeout(wait):
            line = await reader.readline()
            if not line.endswith(b"\n"):  # closed without a port: the process is about to end
                raise ParityError(f"{_ended(name, await process.wait())}{_tail(output)}")
    except TimeoutError:
        raise ParityError(f"{name}: {_is_late(wait)}{_tail(output)}") from None
    finally:
        transport.close()
    return int(line)


def _is_late(wait: float) -> str:
    """Say that a server is not ready."""
    return f"not ready within {wait:g} s"


async def _to_the_end(waiting: Coroutine[Any, Any, object]) -> None:
    """Wait for the end of a process even where the task is cancelled, as when the other side has failed meanwhile."""
    task = asyncio.ensure_future(waiting)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
    try:
        async with asyncio.timeout(10):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _ended(name: str, code: int) -> str:
    return f"{name}: its process ended with {f'signal {-code}' if code < 0 else f'exit code {code}'}"


def _tail(output: IO[bytes] | None) -> str:
    if output is None:
        return ""
    # The process shares the position in the file: reading must not move it.
    size = os.fstat(output.fileno()).st_size
    text = os.pread(output.fileno(), _SHOWN, max(0, size - _SHOWN)).decode(errors="replace").strip()
    return f"\n{text}" if text else ", and wrote nothing"


async def _wait_for_answer(name: str, origin: Origin, path: str, wait: float) -> None:
    """Ask until there is an answer other than a proxy's that has nobody behind it."""
    end = asyncio.get_running_loop().time() + wait
    reason = ""
    while True:
        left = end - asyncio.get_running_loop().time()
        answer = await fetch(origin, "GET", path, (), b"", timeout=max(left, 0.1))
        if answer.error is None and answer.status not in {502, 503, 504}:
            return
        # What was answered says more than that the last attempt was cut short.
        reason = f"status {answer.status}" if answer.status else (reason or str(answer.error))
        if left <= 0.1:
            raise ParityError(f"{name}: {origin}{path} is {_is_late(wait)}: {reason}")
        await asyncio.sleep(0.1)
