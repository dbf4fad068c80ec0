"""A run: a server in a process of its own, some connections, a verdict."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from fuzz.checks import fault_of, kind_of
from fuzz.client import Answer, Connection, NoAnswerError
from fuzz.wire import Attack, attack

__all__ = ["Report", "Target", "fuzz", "live_server"]

ROOT: Final = Path(__file__).resolve().parents[1]
_SUSPICIOUS: Final = 0.25  # seconds for one answer, beside those on the other connections
_GROWTH: Final = 8 << 20  # bytes of the resident set, over four fifths of the run
_MAX_FAULTS: Final = 20
_MAX_SUSPECTS: Final = 100
_AFTERMATH: Final = 0.05  # seconds after its answer in which a request may still be at work
_SETTLING: Final = 10.0  # seconds: longer than the server waits for the rest of a body


@dataclass
class Report:
    """What a run found.

    Attributes:
        faults: what is wrong, with the request where one can be named.
        answers: how often each kind of answer came.
        unanswered: requests that lied about their length, and got no answer.
        slowest: the CPU time of the slowest request, measured alone, in seconds, with its number of bytes and its path.
        worst_lag: how late the server's event loop was at worst, in seconds.
        memory: bytes of the resident set after a fifth of the run, and at its end.
    """

    faults: list[tuple[str, Attack | None]] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    sent: int = 0
    slowest: tuple[float, int, str] = (0.0, 0, "")
    worst_lag: float = 0.0
    memory: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Target:
    """A server under attack."""

    port: int
    control_port: int
    process: subprocess.Popen[str]

    def state(self, *, settled: bool = False) -> dict[str, Any]:
        """What the server knows of itself; settled: after it has collected its garbage."""
        url = f"http://127.0.0.1:{self.control_port}/{'?settled' if settled else ''}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            state: dict[str, Any] = json.load(answer)
        return state


@contextmanager
def live_server() -> Iterator[Target]:
    """Start the server, and stop it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(
        [sys.executable, "-W", "always::ResourceWarning", "-m", "fuzz.server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        if process.stdout is None:
            raise RuntimeError("The server has no stdout")
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("The server did not start; its own error is above")
        port, control_port = json.loads(line)
        yield Target(port, control_port, process)
    finally:
        # The end of its stdin stops the server.
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            process.communicate(timeout=10)
        if process.poll() is None:
            process.kill()
            process.wait()


async def fuzz(
    seed: int,
    bodies: int,
    *,
    seconds: float = float("inf"),
    connections: int = 8,
    progress: Callable[[Report], None] = lambda report: None,
) -> Report:
    """Send the requests of a seed to a new server.

    Args:
        seed: which requests.
        bodies: how many.
        seconds: when to stop, even with fewer.
        connections: how many at a time.
        progress: called now and then.
    """
    report = Report()
    with live_server() as target:
        run = _Run(target, seed, report)
        run.remember_idle()
        early = await run.send_until(bodies // 5, time.monotonic() + seconds / 5, connections, progress)
        await run.send_until(bodies, time.monotonic() + seconds * 4 / 5, connections, progress)
        if not run.is_over:
            await run.judge(early)
    return report


class _Run:
    def __init__(self, target: Target, seed: int, report: Report) -> None:
        self._target = target
        self._seed = seed
        self._report = report
        self._next = 0
        self._suspects: list[Attack] = []
        self._times: list[tuple[float, float]] = []  # by the request's number: when it was sent, and over

    def remember_idle(self) -> None:
        """Note what the server has open before the first request."""
        self._idle = self._target.state()

    @property
    def is_over(self) -> bool:
        """Whether it makes no sense to go on."""
        return len(self._report.faults) >= _MAX_FAULTS or self._target.process.poll() is not None

    async def send_until(
        self, bodies: int, deadline: float, connections: int, progress: Callable[[Report], None]
    ) -> dict[str, Any]:
        """Send up to a number of requests, over several connections; returns the server's state after that."""

        async def send_some() -> None:
            connection = Connection(self._target.port)
            while self._next < bodies and time.monotonic() < deadline and not self.is_over:
                number = self._next
                self._next += 1
                start = time.monotonic()
                self._times.append((start, float("inf")))
                await self._send(connection, attack(self._seed, number))
                self._times[number] = start, time.monotonic()
                if number % 1000 == 999:
                    progress(self._report)
            await connection.close()

        await asyncio.gather(*(send_some() for _ in range(connections)))
        if self._target.process.poll() is not None:
            self._fault(f"the server ended with {self._target.process.returncode}")
            return {}
        return await asyncio.to_thread(self._target.state, settled=True)

    async def _send(self, connection: Connection, sent: Attack) -> None:
        self._report.sent += 1
        try:
            answer = await connection.send(sent.data, framed=sent.framed)
        except NoAnswerError as error:
            if sent.framed:
                self._fault(f"no answer: {error}", sent)
            else:
                self._report.unanswered += 1
            return
        self._judge_answer(sent, answer)

    def _judge_answer(self, sent: Attack, answer: Answer) -> None:
        self._report.answers[kind_of(answer)] += 1
        fault = fault_of(answer)
        if fault is not None:
            self._fault(fault, sent)
        if answer.seconds > _SUSPICIOUS and len(self._suspects) < _MAX_SUSPECTS:
            self._suspects.append(sent)

    def _fault(self, text: str, sent: Attack | None = None) -> None:
        self._report.faults.append((text, sent))

    async def judge(self, early: dict[str, Any]) -> None:
        """What only shows at the end."""
        state = await asyncio.to_thread(self._target.state, settled=True)
        report = self._report
        report.worst_lag = state["worst_lag"]
        report.memory = early["rss"], state["rss"]
        for logged_at, text in state["unexpected"]:
            self._fault(f"logged: {text}", await self._who_logs(logged_at))
        if state["rss"] - early["rss"] > _GROWTH:
            self._fault(f"memory grew from {early['rss'] >> 20} to {state['rss'] >> 20} MiB")
        await self._judge_leaks()
        for sent in self._suspects:
            await self._judge_alone(sent)

    async def _judge_leaks(self) -> None:
        """Nobody is connected now: soon nothing may be left of any request."""
        deadline = time.monotonic() + _SETTLING
        while True:
            state = await asyncio.to_thread(self._target.state)
            left = {name: state[name] - self._idle[name] for name in ("files", "tasks")}
            if not any(count > 0 for count in left.values()):
                return
            if time.monotonic() > deadline:
                self._fault(f"left over, {_SETTLING:g} s after the last request: {left}")
                return
            await asyncio.sleep(0.1)

    async def _who_logs(self, logged_at: float) -> Attack | None:
        """The request that makes the server log something, found by sending those of that moment again, alone."""
        for number, (start, end) in enumerate(self._times):
            if start <= logged_at <= end + _AFTERMATH:
                sent = attack(self._seed, number)
                before = await asyncio.to_thread(self._target.state)
                await self._cpu_seconds(sent)
                await asyncio.sleep(0.02)
                after = await asyncio.to_thread(self._target.state)
                if after["records"] > before["records"]:
                    return sent
        return None

    async def _judge_alone(self, sent: Attack) -> None:
        """The CPU time of one request on an idle server: other processes, and other requests, do not count."""
        cpu = min([await self._cpu_seconds(sent) for _ in range(2)])
        if cpu > self._report.slowest[0]:
            self._report.slowest = cpu, len(sent.data), sent.path
        if cpu > _bound(sent):
            self._fault(f"{cpu:.2f} s of CPU time for {sent.size} bytes", sent)

    async def _cpu_seconds(self, sent: Attack) -> float:
        before = await asyncio.to_thread(self._target.state)
        connection = Connection(self._target.port)
        with contextlib.suppress(NoAnswerError):
            await connection.send(sent.data, framed=sent.framed)
        await connection.close()
        after = await asyncio.to_thread(self._target.state)
        return float(after["cpu"] - before["cpu"])


def _bound(sent: Attack) -> float:
    """The CPU time that the size of a request explains: ten times and more what was measured for honest ones.

    jsonschema, which is written in Python, takes some 10 microseconds for each value; the smallest values have 3 bytes.
    """
    per_byte = 30e-6 if sent.path.startswith("/py/") else 0.3e-6
    return 0.1 + per_byte * sent.size
