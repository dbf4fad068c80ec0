"""What the access log costs: the same small request, served with and without it, in one run.

One server process listens on a port for each column, with a log file for each, and the columns take turns: so the
memory layout of the process, and what else the machine does, meet all of them. CPU is the server's, per request, its
log thread included; the client is a process of its own. The best quarter of the turns counts, since noise only adds.
Read the numbers with these biases in mind: loopback, keep-alive connections, a view that does nothing, and files that
nobody syncs. A real request costs more elsewhere, so the log weighs less there. "off again" is the server without
access log a second time: a difference as small as its difference says nothing.
"""

import argparse
import asyncio
import logging.config
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from aiotoolkit.app import AccessLogger
from aiotoolkit.logger import default_logging_dict, flush_logging

REQUEST = (
    b"GET /items/42?page=2 HTTP/1.1\r\nHost: localhost\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux)\r\nReferer: http://localhost/\r\n\r\n"
)
CPU_REQUEST = b"GET /cpu HTTP/1.1\r\nHost: localhost\r\n\r\n"

OURS: dict[str, Any] = {"access_log_class": AccessLogger}
#: What each column passes to its runner and to default_logging_dict; None is no access log.
COLUMNS: dict[str, tuple[dict[str, Any], dict[str, Any]] | None] = {
    "off": None,
    "off again": None,
    "level off": (OURS, {"level": "WARNING"}),
    "aiohttp": ({}, {}),
    "text": (OURS, {}),
    "json": (OURS, {"json": True}),
    "text, queued": (OURS, {"queue": True}),
    "json, queued": (OURS, {"json": True, "queue": True}),
}


def logging_dict(columns: list[str], folder: Path) -> dict[str, Any]:
    """Merge the logging dicts of the columns: one logger, one formatter and one file for each."""
    merged: dict[str, Any] = {"version": 1, "disable_existing_loggers": False}
    for name in columns:
        options = COLUMNS[name]
        made = default_logging_dict(name, stdout_only=True, **(options[1] if options else {}))
        handler = made["handlers"]["stdout"] | {"formatter": name}
        stream = (folder / name).open("w", encoding="utf-8")
        if "handler" in handler:
            handler["handler"] = handler["handler"] | {"stream": stream}
        else:
            handler["stream"] = stream
        merged.setdefault("filters", made["filters"])
        merged.setdefault("formatters", {})[name] = made["formatters"]["default"]
        merged.setdefault("handlers", {})[name] = handler
        merged.setdefault("loggers", {})[name] = made["loggers"][name] | {"handlers": [name]}
    return merged


async def serve(columns: list[str], folder: Path) -> None:
    """Listen on a port for each column, print the ports, and serve until stdin ends."""

    async def view(request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def cpu(request: web.Request) -> web.Response:
        await asyncio.to_thread(flush_logging)  # what is still queued is part of the cost
        return web.Response(text=f"{time.process_time():020.9f}")

    logging.config.dictConfig(logging_dict(columns, folder))
    ports = []
    for name in columns:
        app = web.Application()
        app.router.add_get("/items/{id}", view)
        app.router.add_get("/cpu", cpu)
        options = COLUMNS[name]
        log = {"access_log": logging.getLogger(name), **options[0]} if options else {"access_log": None}
        runner = web.AppRunner(app, **log)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ports.append(runner.addresses[0][1])
    print(*ports, flush=True)
    await asyncio.to_thread(sys.stdin.read)


@dataclass
class Column:
    """The connections to one port, and what the turns measured."""

    connections: list[socket.socket]
    cpu: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)

    def turn(self, count: int) -> None:
        """Send ``count`` requests on each connection, one at a time."""
        cpu, start = self._cpu_time(), time.perf_counter()
        for _ in range(count):
            for connection in self.connections:
                connection.sendall(REQUEST)
            for connection in self.connections:
                answer = connection.recv(4096)
                if not answer.startswith(b"HTTP/1.1 200 ") or not answer.endswith(b"\r\n\r\nok"):
                    raise SystemExit(f"unexpected answer: {answer!r}")
        total = count * len(self.connections)
        self.rate.append(total / (time.perf_counter() - start))
        self.cpu.append((self._cpu_time() - cpu) / total * 1e6)

    def _cpu_time(self) -> float:
        self.connections[0].sendall(CPU_REQUEST)
        return float(self.connections[0].recv(4096)[-20:])


@contextmanager
def running(names: list[str], connections: int) -> Iterator[dict[str, Column]]:
    """Start the server and connect to it; it ends with its stdin."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.access_log", "--serve", folder, *names]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            ports = map(int, process.stdout.readline().split())
            yield {
                name: Column([socket.create_connection(("127.0.0.1", port)) for _ in range(connections)])
                for name, port in zip(names, ports, strict=True)
            }
            process.stdin.close()


def measure(names: list[str], connections: int, count: int, rounds: int) -> dict[str, Column]:
    """Let the columns take turns; the first rounds warm up."""
    with running(names, connections) as columns:
        for number in range(rounds + 3):
            for column in columns.values():
                column.turn(count)
                if number < 3:
                    column.cpu.clear()
                    column.rate.clear()
        return columns


def main() -> None:
    """Print one line for each column."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.access_log", description=__doc__.partition("\n")[0])
    parser.add_argument("--connections", type=int, default=16, help="connections at once")
    parser.add_argument("--requests", type=int, default=1000, help="requests in each turn")
    parser.add_argument("--rounds", type=int, default=40, help="turns of each column; the best quarter counts")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("columns", nargs="*", help=f"some of: {', '.join(COLUMNS)}; all by default")
    options = parser.parse_args()
    names = options.columns or list(COLUMNS)
    if options.serve:
        asyncio.run(serve(names, options.serve))
        return
    print(__doc__)
    measured = measure(names, options.connections, options.requests // options.connections, options.rounds)
    best = {
        name: (statistics.quantiles(each.cpu, n=4)[0], statistics.quantiles(each.rate, n=4)[2])
        for name, each in measured.items()
    }
    plain_cpu, plain_rate = best[names[0]]
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, {options.connections} connections\n")
    print(f"{'access log':<16}{'us of CPU':>10}{'added':>8}{'CPU ratio':>11}{'throughput':>12}")
    for name, (cpu, rate) in best.items():
        print(f"{name:<16}{cpu:>10.1f}{cpu - plain_cpu:>+8.1f}{plain_cpu / cpu:>11.2f}{rate / plain_rate:>12.2f}")


if __name__ == "__main__":
    main()
