"""The whole request in one process, without sockets: aiohttp's connection handler is fed with bytes.

``python -m benchmarks.inprocess`` runs two processes, one as after ``pip install aiotoolkit`` and one with ``[fast]``
(msgspec). In each, plain aiohttp, plain aiohttp once more and the toolkit take turns. What the second column differs
from the first by is noise.
"""

import argparse
import asyncio
import cProfile
import gc
import itertools
import json
import os
import pstats
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from benchmarks.workload import REQUESTS, Request

__all__ = ["COLUMNS", "INSTALLS", "TARGETS", "Row", "inprocess_table", "per_item", "run_both", "verdict"]

INSTALLS: Final = ("plain", "fast")
COLUMNS: Final = ("aiohttp", "aiohttp again", "toolkit")
_TURN: Final = 0.01  # seconds of CPU time, about

TARGETS: Final[Mapping[tuple[str, str], float]] = {
    ("fast", "one"): 1.0,
    ("fast", "100"): 1.5,
    ("fast", "1000"): 1.7,
    ("fast", "invalid"): 1 / 1.3,
    ("fast", "query"): 0.9,
    ("plain", "one"): 0.95,
    ("plain", "100"): 1.1,
}
"""How fast an installation should be at least: plain aiohttp's CPU time by the toolkit's."""


class Row(NamedTuple):
    """One request's result; times are microseconds of CPU time for each request, medians of the rounds.

    Attributes:
        times: by column.
        spread: half the distance between the quartiles of the toolkit's rounds.
        again: plain aiohttp's time by its second time: 1.0 but for noise.
        speed: plain aiohttp's time by the toolkit's, the median of the rounds.
    """

    request: str
    times: dict[str, float]
    spread: float
    again: float
    speed: float


def block_fast_packages() -> None:
    """Make this process as if only ``pip install aiotoolkit`` had been done. Call it before anything is imported."""
    if "aiotoolkit" in sys.modules:
        raise RuntimeError("The toolkit has been imported already, perhaps with msgspec")
    sys.modules["msgspec"] = None  # type: ignore[assignment]  # None makes an import fail


async def measure(names: Sequence[str], rounds: int) -> list[Row]:
    """Measure the requests of the workload by their names."""
    from benchmarks.contenders import plain_aiohttp, toolkit  # noqa: PLC0415 - block_fast_packages() comes first
    from benchmarks.memory_transport import Connection  # noqa: PLC0415 - block_fast_packages() comes first

    async with (
        Connection(plain_aiohttp.make_app()) as floor,
        Connection(plain_aiohttp.make_app()) as again,
        Connection(toolkit.make_app()) as ours,
    ):
        connections = dict(zip(COLUMNS, (floor, again, ours), strict=True))
        return [await _row(name, connections, rounds) for name in names]


async def _row(name: str, connections: Mapping[str, Any], rounds: int) -> Row:
    request = REQUESTS[name]
    lengths = {column: await _checked_length(request, column, at) for column, at in connections.items()}
    count = await _turn_length(connections["aiohttp"], request.raw(), lengths["aiohttp"])
    samples: dict[str, list[float]] = {column: [] for column in connections}
    orders = itertools.cycle(itertools.permutations(connections))
    for order in itertools.islice(orders, rounds):
        # Every order in turn: what one column leaves in the caches and the allocator meets all of them.
        for column in order:
            samples[column].append(await _turn(connections[column], request.raw(), count, lengths[column]))
    return _result(name, samples)


def _result(name: str, samples: Mapping[str, Sequence[float]]) -> Row:
    floor, again, ours = (samples[column] for column in COLUMNS)
    quartiles = statistics.quantiles(ours, n=4)
    return Row(
        request=name,
        times={column: statistics.median(values) for column, values in samples.items()},
        spread=(quartiles[2] - quartiles[0]) / 2,
        again=statistics.median(one / two for one, two in zip(floor, again, strict=True)),
        speed=statistics.median(one / two for one, two in zip(floor, ours, strict=True)),
    )


async def _checked_length(request: Request, column: str, connection: Any) -> int:
    """The length of the answer, which is proved to be the right one."""
    answer: bytes = await connection.answer(request.raw())
    head, _, body = answer.partition(b"\r\n\r\n")
    validates = column == "toolkit"
    status = request.status if validates else 200
    if not head.startswith(f"HTTP/1.1 {status} ".encode()):
        raise SystemExit(f"{column}: {request.label}: unexpected answer: {answer[:500]!r}")
    if status == 200 and request.body is not None and json.loads(body) != request.body:
        raise SystemExit(f"{column}: {request.label}: the answer is not what was sent: {body[:500]!r}")
    return len(answer)


async def _turn_length(connection: Any, raw: bytes, length: int) -> int:
    await _turn(connection, raw, 20 if len(raw) < 100_000 else 2, length)
    microseconds = await _turn(connection, raw, 20 if len(raw) < 100_000 else 2, length)
    return max(1, round(_TURN * 1e6 / microseconds))


async def _turn(connection: Any, raw: bytes, count: int, length: int) -> float:
    """Microseconds of CPU time for each of ``count`` requests."""
    gc.collect()
    start = time.process_time()
    await connection.repeat(raw, count, length)
    return (time.process_time() - start) / count * 1e6


def profile(install: str, name: str) -> None:
    """Print where the toolkit's time goes; cProfile makes calls look dearer than they are."""
    if install == "plain":
        block_fast_packages()
    from benchmarks.contenders import toolkit  # noqa: PLC0415 - block_fast_packages() comes first
    from benchmarks.memory_transport import Connection  # noqa: PLC0415 - block_fast_packages() comes first

    async def repeat() -> None:
        async with Connection(toolkit.make_app()) as connection:
            raw = REQUESTS[name].raw()
            length = len(await connection.answer(raw))
            await connection.repeat(raw, 200, length)
            profiler.enable()
            await connection.repeat(raw, 2000, length)
            profiler.disable()

    profiler = cProfile.Profile()
    asyncio.run(repeat())
    pstats.Stats(profiler).sort_stats("tottime").print_stats(40)


def run_both(installs: Sequence[str], names: Sequence[str], rounds: int) -> dict[str, list[Row]]:
    """Measure each installation in a process of its own."""
    results = {}
    for install in installs:
        print(f"in process, {install} install ...", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", "benchmarks.inprocess", "--child", install, "--rounds", str(rounds)]
        done = subprocess.run(
            [*command, "--requests", *names],
            check=True,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        results[install] = [Row(**row) for row in json.loads(done.stdout)]
    return results


def per_item(rows: Sequence[Row]) -> dict[str, float]:
    """What each further item costs the toolkit: from 100 to 1,000 and from 1,000 to 10,000 items, in microseconds."""
    by_items = {REQUESTS[row.request].items: row.times["toolkit"] for row in rows}
    costs = {}
    for small, large in ((100, 1000), (1000, 10_000), (100, 10_000)):
        if small in by_items and large in by_items:
            costs[f"{small} to {large}"] = (by_items[large] - by_items[small]) / (large - small)
    return costs


def inprocess_table(install: str, rows: Sequence[Row]) -> list[str]:
    """The lines of a table for one installation."""
    heads = "".join(
        f"{head:>9}" for head in ("aiohttp", "again", "toolkit", "+/-", "differs", "again x", "CPU x", "speed x")
    )
    lines = ["", f"{install} install: us of CPU time for each request, without sockets", f"{'':<24}{heads}  target"]
    for row in rows:
        floor, again, ours = (row.times[column] for column in COLUMNS)
        times = f"{floor:>9.1f}{again:>9.1f}{ours:>9.1f}{row.spread:>9.1f}{ours - floor:>+9.1f}"
        ratios = f"{row.again:>9.3f}{1 / row.speed:>9.3f}{row.speed:>9.3f}"
        lines.append(f"{REQUESTS[row.request].label:<24}{times}{ratios}  {verdict(install, row)}")
    lines += [f"  each item, {between}: {cost:.3f} us" for between, cost in per_item(rows).items()]
    return lines


def verdict(install: str, row: Row) -> str:
    """Whether the row's target was met; nothing where it has none."""
    target = TARGETS.get((install, row.request))
    if target is None:
        return ""
    return f"{'met' if row.speed >= target else 'MISSED'} ({target:.2f})"


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inprocess", description=__doc__)
    parser.add_argument("--rounds", type=int, default=48, help="turns of each column; the median counts")
    parser.add_argument("--requests", nargs="+", choices=REQUESTS, default=list(REQUESTS), metavar="NAME")
    parser.add_argument("--install", choices=INSTALLS, action="append", help="only this one")
    parser.add_argument("--profile", choices=REQUESTS, metavar="NAME", help="profile the toolkit with this request")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--child", choices=INSTALLS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        if options.child == "plain":
            block_fast_packages()
        print(json.dumps([row._asdict() for row in asyncio.run(measure(options.requests, options.rounds))]))
        return
    if options.profile:
        profile((options.install or ["fast"])[0], options.profile)
        return
    results = run_both(options.install or INSTALLS, options.requests, options.rounds)
    if options.json:
        print(json.dumps({install: [row._asdict() for row in rows] for install, rows in results.items()}, indent=2))
    else:
        for install, rows in results.items():
            print("\n".join(inprocess_table(install, rows)))


if __name__ == "__main__":
    main()
