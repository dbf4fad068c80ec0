"""How long the event loop stands still while nobody reads the log: with and without the queue.

A log collector is a pipe. Here its reader sleeps for a second while tasks log more than a pipe holds; another task
measures the longest time between two of its own turns. "idle" is the same without any log line, to show what the
machine itself does.
"""

import argparse
import asyncio
import logging.config
import os
import threading
import time
from typing import Any

from aiotoolkit.logger import default_logging_dict, flush_logging

LINE = "x" * 1000
LINES = 300  # several times what a pipe holds


async def longest_gap(stop: asyncio.Event) -> float:
    """Return the longest time, in seconds, that another task had to wait for its turn."""
    longest, last = 0.0, time.perf_counter()
    while not stop.is_set():
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    return longest


async def log_lines(name: str, lines: int, seconds: float) -> None:
    """Log from a task, a line at a time, over the time for which the pipe is blocked."""
    for _ in range(lines):
        logging.getLogger(name).info(LINE)
        await asyncio.sleep(0)
    await asyncio.sleep(seconds)


def read_late(reader: int, seconds: float) -> None:
    """Read what was written, after a pause."""
    time.sleep(seconds)
    while os.read(reader, 65536):
        pass


async def stall(name: str, lines: int, seconds: float) -> float:
    """Measure one way of logging."""
    stop = asyncio.Event()
    measuring = asyncio.create_task(longest_gap(stop))
    await log_lines(name, lines, seconds)
    stop.set()
    return await measuring


def measure(name: str, lines: int, seconds: float, **options: Any) -> float:
    """Set up a blocked pipe, and measure the stall in seconds."""
    reader, writer = os.pipe()
    thread = threading.Thread(target=read_late, args=(reader, seconds))
    made = default_logging_dict(name, stdout_only=True, **options)
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        handler = made["handlers"]["stdout"]
        handler.get("handler", handler)["stream"] = stream
        logging.config.dictConfig(made)
        thread.start()
        longest = asyncio.run(stall(name, lines, seconds * 1.5))
        flush_logging(10)
        for each in [*logging.getLogger(name).handlers]:
            logging.getLogger(name).removeHandler(each)
            each.close()
    thread.join()
    os.close(reader)
    return longest


def main() -> None:
    """Print one line for each way."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stall", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="how long the pipe is blocked")
    seconds = parser.parse_args().seconds
    print(__doc__)
    print(f"{f'pipe blocked for {seconds:g} s':<28}{'longest stall of the event loop, ms':>36}")
    for label, lines, options in (
        ("idle", 0, {}),
        ("default_logging_dict()", LINES, {}),
        ("the same with queue=True", LINES, {"queue": True}),
    ):
        print(f"{label:<28}{measure('stall', lines, seconds, **options) * 1000:>36.1f}")


if __name__ == "__main__":
    main()
