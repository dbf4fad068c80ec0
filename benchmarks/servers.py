"""The contenders as processes: started, asked whether they answer as they should, watched, stopped."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.environments import ROOT, python_of
from benchmarks.workload import REQUESTS, SEARCH, Request

__all__ = ["CONTENDERS", "FLOOR", "Contender", "Server", "pinned", "running"]

_START_SECONDS: Final = 30.0
_QUERY_ANSWER: Final = dict(zip(SEARCH["required"], (20, 40, True, 9.5, "name"), strict=True))


class Contender(NamedTuple):
    """One row of the tables.

    Attributes:
        name: what ``--only`` takes.
        environment: of :data:`~benchmarks.environments.ENVIRONMENTS`.
        module: in ``benchmarks/contenders``.
        validates: what it checks: "nothing", "requests", or "both" requests and answers.
        uvloop: whether it runs on uvloop, where that is not its server's default.
        peer: whether it is neither aiohttp itself nor the toolkit.
    """

    name: str
    environment: str
    module: str
    validates: str
    uvloop: bool = False
    peer: bool = False


FLOOR: Final = "aiohttp"

CONTENDERS: Final[dict[str, Contender]] = {
    contender.name: contender
    for contender in (
        Contender(FLOOR, "aiohttp", "plain_aiohttp", "nothing"),
        Contender("aiohttp-again", "aiohttp", "plain_aiohttp", "nothing"),
        Contender("aiohttp-uvloop", "aiohttp", "plain_aiohttp", "nothing", uvloop=True),
        Contender("aiohttp-orjson", "aiohttp", "orjson_aiohttp", "nothing"),
        Contender("toolkit", "toolkit", "toolkit", "both"),
        Contender("toolkit-fast", "toolkit-fast", "toolkit", "both"),
        Contender("toolkit-fast-uvloop", "toolkit-fast", "toolkit", "both", uvloop=True),
        Contender("aiohttp-pydantic", "aiohttp-pydantic", "pydantic_aiohttp", "requests", peer=True),
        Contender("aiohttp-swagger3", "aiohttp-swagger3", "swagger3_aiohttp", "requests", peer=True),
        Contender("litestar", "litestar", "litestar_uvicorn", "requests", peer=True),
        Contender("fastapi", "fastapi", "fastapi_uvicorn", "both", peer=True),
        Contender("quart-schema", "quart", "quart_hypercorn", "both", peer=True),
        Contender("rororo", "rororo", "rororo_aiohttp", "both", peer=True),
    )
}


class Server(NamedTuple):
    """A contender that listens."""

    contender: Contender
    process: subprocess.Popen[bytes]
    port: int

    def url(self, request: Request) -> str:
        """Where the request goes."""
        return f"http://127.0.0.1:{self.port}{request.target}"

    def cpu_seconds(self) -> float:
        """CPU time of all its threads so far; nanoseconds count where the kernel tells them."""
        tasks = list(Path(f"/proc/{self.process.pid}/task").glob("*/schedstat"))
        if tasks:
            return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def seconds_for(self, name: str) -> float:
        """How long one request of the workload takes, whose answer is proved to be right.

        Raises:
            RuntimeError: the answer is not what every contender should give.
        """
        request = REQUESTS[name]
        start = time.perf_counter()
        status, body = _send(self.url(request), request)
        seconds = time.perf_counter() - start
        if not _is_right(self.contender, name, status, body):
            raise RuntimeError(f"{self.contender.name} answers {request.label!r} with {status}: {body[:200]!r}")
        return seconds


def _send(url: str, request: Request) -> tuple[int, bytes]:
    headers = {} if request.body is None else {"Content-Type": "application/json"}
    sent = urllib.request.Request(url, request.content() or None, headers, method=request.method)
    try:
        with urllib.request.urlopen(sent, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def _is_right(contender: Contender, name: str, status: int, body: bytes) -> bool:
    request = REQUESTS[name]
    if request.status != 200 and contender.validates != "nothing":
        return status in (400, 422)
    return status == 200 and json.loads(body) == (_QUERY_ANSWER if request.body is None else request.body)


def pinned(core: int) -> list[str]:
    """What to put before a command to keep it on one core; nothing where that cannot be done."""
    if shutil.which("taskset") is None or len(os.sched_getaffinity(0)) < 2:
        return []
    cores = sorted(os.sched_getaffinity(0))
    return ["taskset", "-c", str(cores[core])]


@contextmanager
def running(names: Sequence[str]) -> Iterator[dict[str, Server]]:
    """The contenders, listening; one that cannot be installed or started is named and left out."""
    servers: dict[str, Server] = {}
    try:
        for name in names:
            try:
                servers[name] = _started(CONTENDERS[name])
            except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
                print(f"LEFT OUT: {name}: {error}", file=sys.stderr, flush=True)
        yield servers
    finally:
        for server in servers.values():
            server.process.terminate()
        for server in servers.values():
            try:
                server.process.wait(10)
            except subprocess.TimeoutExpired:
                server.process.kill()
                server.process.wait()


def _started(contender: Contender) -> Server:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(python_of(contender.environment)), "-m", f"benchmarks.contenders.{contender.module}", str(port)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    process = subprocess.Popen(
        [*pinned(0), *command, *(["--uvloop"] if contender.uvloop else [])],
        cwd=ROOT,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return Server(contender, process, port)
    process.kill()
    process.wait()
    raise RuntimeError("it does not listen; its own error is above")
