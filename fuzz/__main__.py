"""``python -m fuzz``: hostile requests to a live server, the same ones for the same seed.

No answer may be a 5xx, none may take longer than its size explains, every error is a problem with at most 20 entries,
nothing unexpected is logged, and the server's memory does not grow. A request that breaks this is written to a file.
"""

import argparse
import asyncio
import random
import sys
import time
from pathlib import Path
from typing import Final

from fuzz.client import Connection, NoAnswerError
from fuzz.run import Report, fuzz, live_server

_FOLDER: Final = Path("fuzz-failures")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, help="which requests; printed, and by default another one each time")
    parser.add_argument("--bodies", type=int, default=100_000, help="how many requests (100,000)")
    parser.add_argument("--seconds", type=float, default=900.0, help="stop after so long, even with fewer (900)")
    parser.add_argument("--connections", type=int, default=8, help="how many at a time (8)")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="send one request from a file, and show the answer")
    return parser.parse_args()


def _progress(report: Report) -> None:
    print(f"{report.sent} requests, {len(report.faults)} faults", file=sys.stderr, flush=True)


def _show(report: Report, seconds: float) -> None:
    print(f"{report.sent} requests in {seconds:.0f} s; {report.unanswered} that broke off had no answer")
    print("answers: " + ", ".join(f"{kind}: {count}" for kind, count in sorted(report.answers.items())))
    cpu, size, path = report.slowest
    print(f"worst lag of the event loop: {report.worst_lag * 1e3:.0f} ms")
    if cpu:
        print(f"slowest request, alone: {cpu * 1e3:.0f} ms of CPU time for {size} bytes to {path}")
    early, late = report.memory
    print(f"memory: {early / 2**20:.1f} MiB after a fifth, {late / 2**20:.1f} MiB at the end")


def _write_faults(report: Report, seed: int) -> None:
    for number, (text, sent) in enumerate(report.faults):
        print(f"FAULT: {text}")
        if sent is not None:
            _FOLDER.mkdir(exist_ok=True)
            file = _FOLDER / f"{seed}-{number}.http"
            file.write_bytes(sent.data)
            print(f"  again: python -m fuzz --replay {file}")


async def _replay(data: bytes) -> None:
    with live_server() as target:
        try:
            answer = await Connection(target.port).send(data, framed=True)
        except NoAnswerError as error:
            print(error)
        else:
            print(answer.status, f"{answer.seconds:.3f} s")
            for name, value in answer.headers.items():
                print(f"{name}: {value}")
            print()
            print(answer.body.decode("utf-8", "replace")[:4000])
        for _, text in (await asyncio.to_thread(target.state))["unexpected"]:
            print(f"logged: {text}")


def main() -> int:
    """Run it from the command line; returns the process's exit code."""
    options = _parse()
    if options.replay is not None:
        asyncio.run(_replay(options.replay.read_bytes()))
        return 0
    seed = random.randrange(10**9) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    start = time.monotonic()
    report = asyncio.run(
        fuzz(seed, options.bodies, seconds=options.seconds, connections=options.connections, progress=_progress)
    )
    _show(report, time.monotonic() - start)
    _write_faults(report, seed)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
