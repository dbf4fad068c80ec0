"""What Sentry costs a server while it works, is slow, refuses or is away; and how many of 3,000 errors it is given.

    python -m benchmarks.sentry

Read the numbers with these biases in mind. Each line is a server in a process of its own, which also holds the client
that asks it, over loopback, with its log written to /dev/null. One request of fifty raises an exception: far more than
in any healthy application, so that the cost of an event shows. The local Sentry runs in the measuring process, on
another core if there is one. "Requests" is the throughput against the same server without Sentry, run just before; two
runs of one server differ by some hundredths too. "Stall" is the longest time that the event loop did not come round;
without Sentry it is not zero either.
"""

import argparse
import asyncio
import json
import logging
import logging.config
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from aiotoolkit.logger import default_logging_dict, flush_logging, update_sentry_logging
from aiotoolkit.middlewares import setup_errors, setup_request_id
from tests.ingest import Ingest

ROOT = Path(__file__).parent.parent
CLIENTS = ("sentry_sdk", "raven")
NOBODY = "http://public@127.0.0.1:9/1"
ERRORS = 3_000


def hanging() -> Ingest:
    ingest = Ingest()
    ingest.go_on.clear()
    return ingest


SENTRIES: dict[str, Callable[[], Ingest]] = {
    "works": Ingest,
    "slow (1 s)": lambda: Ingest(delay=1),
    "hangs": hanging,
    "429": lambda: Ingest(status=429, headers={"Retry-After": "60"}),
    "500": lambda: Ingest(status=500),
}


# In the measured process


def set_up_logging(client: str, dsn: str) -> None:
    made = default_logging_dict("aiotoolkit", "app", stdout_only=True, request_id=True)
    made["handlers"]["stdout"]["stream"] = open("/dev/null", "w")  # noqa: SIM115 - for the life of the process
    if client != "none":
        update_sentry_logging(made, dsn, client=client)
    logging.config.dictConfig(made)


def shop() -> web.Application:
    async def works(request: web.Request) -> web.Response:
        return web.Response(text="works")

    async def fails(request: web.Request) -> web.Response:
        order = {"id": 7, "lines": [{"name": "tea", "count": 2}] * 5}
        return price(order)

    def price(order: dict[str, Any]) -> web.Response:
        raise ValueError(f"no price for order {order['id']}")

    app = web.Application()
    setup_errors(app)
    setup_request_id(app)
    app.router.add_get("/works", works)
    app.router.add_get("/fails", fails)
    return app


async def longest_stall(stop: asyncio.Event) -> float:
    longest, last = 0.0, time.perf_counter()
    while not stop.is_set():
        await asyncio.sleep(0.002)
        now = time.perf_counter()
        longest, last = max(longest, now - last - 0.002), now
    return longest


async def ask(port: int, count: int, every: int, offset: int = 0) -> None:
    """Send ``count`` requests over one connection; one of ``every`` fails, the first after ``offset``."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(count):
        target = "/fails" if every and number % every == offset else "/works"
        writer.write(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
    writer.close()
    await writer.wait_closed()


async def serve_requests(count: int, every: int) -> dict[str, float]:
    runner = web.AppRunner(shop(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    await asyncio.gather(*(ask(port, 100, 0) for _ in range(5)))  # warms up
    await asyncio.gather(*(ask(port, 100, every) for _ in range(2)))
    stop = asyncio.Event()
    stall = asyncio.create_task(longest_stall(stop))
    start = time.perf_counter()
    await asyncio.gather(*(ask(port, count // 10, every, offset) for offset in range(10)))
    seconds = time.perf_counter() - start
    stop.set()
    await runner.cleanup()
    return {"requests": count / seconds, "stall": await stall * 1e3}


async def fail_often(count: int) -> dict[str, float]:
    """Raise and log ``count`` errors in tasks, as fast as the loop can, then flush as clean-up does."""
    log = logging.getLogger("app")

    async def fail(number: int) -> None:
        try:
            await asyncio.sleep(0)
            raise ValueError(number)  # noqa: TRY301 - this is what is measured
        except ValueError:
            log.exception("error %d", number)

    start = time.perf_counter()
    await asyncio.gather(*map(fail, range(count)))
    seconds = time.perf_counter() - start
    await asyncio.to_thread(flush_logging, 60)
    return {"ms": seconds / count * 1e3, "flush": time.perf_counter() - start - seconds}


def measured(client: str, dsn: str, what: str, count: int) -> None:
    set_up_logging(client, dsn)
    every = {"errors": 50, "no-errors": 0}.get(what)
    result = asyncio.run(fail_often(count) if every is None else serve_requests(count, every))
    print(json.dumps(result), flush=True)
    sys.stderr.flush()
    logging.raiseExceptions = False
    os._exit(0)  # what waits for a Sentry that hangs is not what is measured


# In the measuring process


def run(client: str, dsn: str, what: str, count: int) -> dict[str, float]:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.sentry", "--measured", client, dsn, what, str(count)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def compare(client: str, dsn: str, what: str, rounds: int, count: int) -> tuple[float, float, float]:
    """Return the throughput against no Sentry, and the longest stall with and without it, in ms; medians."""
    ratios, stalls, plain_stalls = [], [], []
    for _ in range(rounds):
        plain, with_sentry = run("none", NOBODY, what, count), run(client, dsn, what, count)
        ratios.append(with_sentry["requests"] / plain["requests"])
        stalls.append(with_sentry["stall"])
        plain_stalls.append(plain["stall"])
    return statistics.median(ratios), statistics.median(stalls), statistics.median(plain_stalls)


def print_states(rounds: int, count: int) -> None:
    print(f"{'client':<12}{'Sentry':<14}{'requests':>10}{'stall, ms':>12}{'without, ms':>13}")
    for client in CLIENTS:
        with Ingest() as ingest:
            ratio, stall, plain = compare(client, ingest.dsn(), "no-errors", rounds, count)
        print(f"{client:<12}{'nothing fails':<14}{ratio:>10.2f}{stall:>12.1f}{plain:>13.1f}", flush=True)
        for name, make in SENTRIES.items():
            with make() as ingest:
                ratio, stall, plain = compare(client, ingest.dsn(), "errors", rounds, count)
            print(f"{client:<12}{name:<14}{ratio:>10.2f}{stall:>12.1f}{plain:>13.1f}", flush=True)
        ratio, stall, plain = compare(client, NOBODY, "errors", rounds, count)
        print(f"{client:<12}{'is down':<14}{ratio:>10.2f}{stall:>12.1f}{plain:>13.1f}", flush=True)


def print_delivery(count: int) -> None:
    print(f"\n{'client':<12}{'errors':>10}{'delivered':>12}{'ms for each':>14}{'flush, s':>11}")
    for client in CLIENTS:
        with Ingest() as ingest:
            result = run(client, ingest.dsn(), "burst", count)
            delivered = len(set(ingest.messages()))
        print(f"{client:<12}{count:>10}{delivered:>12}{result['ms']:>14.2f}{result['flush']:>11.1f}", flush=True)


def main() -> None:
    """Print a table of both clients and every state of Sentry, and one of what arrives."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sentry", description="What Sentry costs a server.")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each pair; the median counts")
    parser.add_argument("--requests", type=int, default=4_000, help="requests in each run")
    parser.add_argument("--errors", type=int, default=ERRORS, help="errors of which the delivered ones are counted")
    parser.add_argument("--measured", nargs=4, metavar="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measured:
        client, dsn, what, count = options.measured
        measured(client, dsn, what, int(count))
    print(__doc__)
    print_states(options.rounds, options.requests)
    print_delivery(options.errors)


if __name__ == "__main__":
    main()
