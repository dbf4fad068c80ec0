"""Every contender as a server process of its own, under the load of wrk, in turns."""

import math
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.servers import FLOOR, Server, pinned, running
from benchmarks.workload import REQUESTS

__all__ = ["NO_WRK", "LoadRow", "has_wrk", "measure_load"]

NO_WRK: Final = (
    "wrk is missing, so the part with servers is left out. Install it: apt-get install wrk, or brew install wrk"
)
_SCRIPT: Final = Path(__file__).with_name("post.lua")
_SLOW: Final = 0.02  # seconds for one request: from there on, one connection
_LONGEST: Final = 10  # seconds for one turn


class LoadRow(NamedTuple):
    """One contender and one request; medians of the rounds, ratios taken within each round.

    Attributes:
        per_second: answers in a second.
        cpu: microseconds of the server's CPU time for each answer.
        throughput_ratio: answers in a second, by plain aiohttp's.
        cpu_ratio: CPU time, by plain aiohttp's.
        spread: half the distance between the lowest and the highest CPU ratio.
    """

    contender: str
    request: str
    per_second: float
    cpu: float
    throughput_ratio: float
    cpu_ratio: float
    spread: float


class _Turn(NamedTuple):
    per_second: float
    cpu: float


def measure_load(names: Sequence[str], requests: Sequence[str], rounds: int, duration: int) -> list[LoadRow]:
    """Measure the contenders; those that cannot run, or answer wrongly, are named and left out.

    Raises:
        RuntimeError: plain aiohttp itself is among those.
    """
    names = [FLOOR, *(name for name in names if name != FLOOR)]
    rows: list[LoadRow] = []
    with running(names) as servers, tempfile.TemporaryDirectory() as folder:
        for request in requests:
            print(f"wrk: {REQUESTS[request].label} ...", file=sys.stderr, flush=True)
            body = Path(folder, f"{request}.json")
            body.write_bytes(REQUESTS[request].content())
            rows += _measure_request(servers, request, body, rounds, duration)
    return rows


def _measure_request(
    servers: Mapping[str, Server], request: str, body: Path, rounds: int, duration: int
) -> list[LoadRow]:
    speeds = _checked(servers, request)
    if FLOOR not in speeds:
        raise RuntimeError("Plain aiohttp, with which all are compared, is not there")
    turns: dict[str, list[_Turn]] = {name: [] for name in speeds}
    for number in range(rounds + 1):
        # The first round only warms up. Then each contender has each place in turn.
        order = list(speeds)[number % len(speeds) :] + list(speeds)[: number % len(speeds)]
        for name in order:
            _show(f"{REQUESTS[request].label}, round {number} of {rounds}, {name}")
            turn = _turn(servers[name], request, body, duration if number else 1, speeds[name])
            if number:
                turns[name].append(turn)
    _show("")
    return [_row(name, request, taken, turns[FLOOR]) for name, taken in turns.items()]


def _show(progress: str) -> None:
    """Replace the progress line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{progress}", end="", file=sys.stderr, flush=True)


def _checked(servers: Mapping[str, Server], request: str) -> dict[str, float]:
    """How long one request takes, of those that answer it rightly."""
    speeds = {}
    for name, server in servers.items():
        try:
            speeds[name] = min(server.seconds_for(request) for _ in range(2))
        except (OSError, RuntimeError, ValueError) as error:
            print(f"LEFT OUT: {name}: {error}", file=sys.stderr, flush=True)
    return speeds


def _turn(server: Server, request: str, body: Path, duration: int, seconds: float) -> _Turn:
    # Requests that are cut off at the end cost CPU and do not count: few of many, or one at a time.
    connections = 8 if seconds < _SLOW else 1
    if seconds >= _SLOW:
        duration = min(_LONGEST, max(duration, math.ceil(20 * seconds)))
    command = [*pinned(1), "wrk", "-t1", f"-c{connections}", f"-d{duration}s", "--timeout", "60s", "-s", str(_SCRIPT)]
    command += [server.url(REQUESTS[request]), "--", *([str(body)] if REQUESTS[request].body is not None else [])]
    before = server.cpu_seconds()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    cpu = server.cpu_seconds() - before
    answers = _count(r"(\d+) requests in", done.stdout)
    errors = _count(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    expected = answers if REQUESTS[request].status != 200 and server.contender.validates != "nothing" else 0
    if not answers or errors != expected:
        raise RuntimeError(f"{server.contender.name}: {errors} of {answers} answers are errors:\n{done.stdout}")
    per_second = float(re.findall(r"Requests/sec:\s+([\d.]+)", done.stdout)[0])
    return _Turn(per_second, cpu / answers * 1e6)


def _count(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    return int(found[1]) if found else 0


def _row(name: str, request: str, turns: Sequence[_Turn], floor: Sequence[_Turn]) -> LoadRow:
    cpu_ratios = [turn.cpu / base.cpu for turn, base in zip(turns, floor, strict=True)]
    return LoadRow(
        contender=name,
        request=request,
        per_second=statistics.median(turn.per_second for turn in turns),
        cpu=statistics.median(turn.cpu for turn in turns),
        throughput_ratio=statistics.median(
            turn.per_second / base.per_second for turn, base in zip(turns, floor, strict=True)
        ),
        cpu_ratio=statistics.median(cpu_ratios),
        spread=(max(cpu_ratios) - min(cpu_ratios)) / 2,
    )


def has_wrk() -> bool:
    """Whether wrk is on the PATH."""
    return shutil.which("wrk") is not None
