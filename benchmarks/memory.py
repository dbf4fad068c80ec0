"""How much memory one request takes at its peak, beside its body: in a process of its own, without sockets.

Linux only: what is read is the process's peak resident set, which ``/proc/self/clear_refs`` resets.
"""

import argparse
import asyncio
import gc
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.inprocess import INSTALLS, block_fast_packages
from benchmarks.workload import REQUESTS

__all__ = ["MemoryRow", "can_measure_memory", "measure_memory"]

_STATUS: Final = Path("/proc/self/status")
_RESET: Final = Path("/proc/self/clear_refs")
_REQUESTS: Final = ("1000", "10000")
_TURNS: Final = 5


class MemoryRow(NamedTuple):
    """One contender and one request.

    Attributes:
        body: bytes of the request's body.
        peak: bytes that the process grew by at most, while it answered; the median of several processes.
    """

    contender: str
    request: str
    body: int
    peak: float


def can_measure_memory() -> bool:
    """Whether this system tells the peak, and lets it be reset."""
    return _STATUS.exists() and _RESET.exists()


def measure_memory() -> list[MemoryRow]:
    """Measure plain aiohttp, and the toolkit in both installations."""
    rows = []
    for request in _REQUESTS:
        print(f"memory: {REQUESTS[request].label} ...", file=sys.stderr, flush=True)
        for contender in ("aiohttp", *(f"toolkit {install}" for install in INSTALLS)):
            peaks = [_peak_in_child(contender, request) for _ in range(_TURNS)]
            rows.append(MemoryRow(contender, request, len(REQUESTS[request].content()), statistics.median(peaks)))
    return rows


def _peak_in_child(contender: str, request: str) -> int:
    command = [sys.executable, "-m", "benchmarks.memory", contender, request]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    peak: int = json.loads(done.stdout)
    return peak


async def _peak(contender: str, request: str) -> int:
    from benchmarks.contenders import plain_aiohttp, toolkit  # noqa: PLC0415 - block_fast_packages() comes first
    from benchmarks.memory_transport import Connection  # noqa: PLC0415 - block_fast_packages() comes first

    app = plain_aiohttp.make_app() if contender == "aiohttp" else toolkit.make_app()
    async with Connection(app) as connection:
        small, raw = REQUESTS["one"].raw(), REQUESTS[request].raw()
        await connection.repeat(small, 200, len(await connection.answer(small)))
        gc.collect()
        _RESET.write_text("5")
        before = _resident("VmRSS")
        # More than the head of the answer: then its body is there as well.
        await connection.repeat(raw, 1, len(raw) // 2)
        return _resident("VmHWM") - before


def _resident(name: str) -> int:
    for line in _STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"{_STATUS} has no {name}")


def memory_table(rows: Sequence[MemoryRow]) -> list[str]:
    """The lines of a table."""
    lines = [
        "",
        "memory for one request at its peak, without sockets",
        f"{'':<16}{'body KB':>10}{'peak KB':>10}{'x body':>8}",
    ]
    for row in rows:
        sizes = f"{row.body / 1000:>10.0f}{row.peak / 1000:>10.0f}{row.peak / row.body:>8.1f}"
        lines.append(f"{row.contender:<16}{sizes}  {REQUESTS[row.request].label}")
    return lines


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("contender")
    parser.add_argument("request")
    options = parser.parse_args()
    if options.contender == "toolkit plain":
        block_fast_packages()
    print(asyncio.run(_peak(options.contender, options.request)))


if __name__ == "__main__":
    _main()
