"""What components cost, against what they stand on: aiohttp-jinja2, ``add_static``, and routes that are added by hand.

Read the numbers with these biases in mind. Both columns run in one process and take turns, and the median of the
ratios counts: drift meets both. Pages and static files are asked for over one connection on the loopback, with the
client in the measured process, so that both columns hold its cost. "again" is the first column measured a second time:
a difference as small as its difference says nothing.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp_jinja2
import jinja2
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from aiotoolkit.components import Component, render_template, setup_components, setup_templates, static_url

PAGE = """{% extends base %}{% block body %}<ul>{% for row in rows %}<li>{{ row.title }} {{ row.text }}</li>
{% endfor %}</ul>{% endblock %}"""
BASE = "<!doctype html><title>{{ title }}</title><body>{% block body %}{% endblock %}</body>"
ROWS = [{"title": f"Title {number}", "text": "Some <b>text</b>"} for number in range(20)]
ROUTES = """from aiohttp import web
async def view(request):
    return web.Response()
routes = [("GET", f"/{number}", view, f"r{number}") for number in range(10)]
"""

Step = Callable[[], Awaitable[float]]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connection(app: web.Application) -> AsyncIterator[Streams]:
    """Serve the application on a free port and connect to it: files are sent by the system, which needs a socket."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        reader, writer = await asyncio.open_connection(host, port)
        yield reader, writer
        writer.close()
        await writer.wait_closed()
    finally:
        await runner.cleanup()


async def cpu_per_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, count: int
) -> float:
    """Send the request ``count`` times over one connection; microseconds of CPU for each."""
    start = time.process_time()
    for _ in range(count):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(f"unexpected answer: {head.decode()}")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
    return (time.process_time() - start) / count * 1e6


async def turns(columns: Mapping[str, Step], rounds: int) -> None:
    """Print the median of each column, in its own unit, and the median of its ratios to the first one."""
    results: dict[str, list[float]] = {name: [] for name in columns}
    for _ in range(rounds + 1):
        for name, step in columns.items():
            results[name].append(await step())
    first = next(iter(results.values()))[1:]  # the first round warms up
    for name, values in results.items():
        ratio = statistics.median(value / base for value, base in zip(values[1:], first, strict=True))
        print(f"  {name:<44}{statistics.median(values[1:]):>10.1f}{ratio:>9.3f}")


def asking(
    streams: Streams, request: bytes, count: int, measure: Callable[..., Awaitable[float]] = cpu_per_request
) -> Step:
    """A step that sends a request ``count`` times."""
    return lambda: measure(*streams, request, count)


def resolving(app: web.Application, path: str, count: int) -> Step:
    """A step that finds a route ``count`` times; microseconds of CPU for each."""
    request = make_mocked_request("GET", path)

    async def step() -> float:
        start = time.process_time()
        for _ in range(count):
            await app.router.resolve(request)
        return (time.process_time() - start) / count * 1e6

    return step


# Rendering


def toolkit_pages(folder: Path) -> web.Application:
    app = web.Application()
    setup_templates(app, folder=folder)
    return app


def plain_pages(folder: Path, *processors: Any) -> web.Application:
    app = web.Application()
    loader = jinja2.FileSystemLoader(folder)
    aiohttp_jinja2.setup(app, loader=loader, enable_async=True, auto_reload=False, context_processors=processors)
    return app


async def bench_rendering(folder: Path, count: int, rounds: int) -> None:
    (folder / "base.html").write_text(BASE)
    (folder / "page.html").write_text(PAGE.replace("base", '"base.html"', 1))
    (folder / "small.html").write_text("<p>{{ title }}</p>")
    for name, context in (("page.html", {"title": "Title", "rows": ROWS}), ("small.html", {"title": "Title"})):

        async def with_toolkit(request: web.Request, name: str = name, context: Any = context) -> web.Response:
            return await render_template(name, request, context)

        async def with_plain(request: web.Request, name: str = name, context: Any = context) -> web.Response:
            return await aiohttp_jinja2.render_template_async(name, request, context)

        plain, toolkit = plain_pages(folder), toolkit_pages(folder)
        with_request = plain_pages(folder, aiohttp_jinja2.request_processor)
        plain.router.add_get("/", with_plain)
        with_request.router.add_get("/", with_plain)
        toolkit.router.add_get("/", with_toolkit)
        request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        print(f"\nA request for {name}: us of CPU, ratio")
        async with connection(plain) as one, connection(with_request) as two, connection(toolkit) as three:
            columns: dict[str, Step] = {
                "aiohttp-jinja2 alone": asking(one, request, count),
                "again": asking(one, request, count),
                "aiohttp-jinja2, with its request processor": asking(two, request, count),
                "aiotoolkit": asking(three, request, count),
            }
            await turns(columns, rounds)


# Static files


async def bench_static(root: Path, count: int, rounds: int) -> None:
    package = root / "bench_static"
    static = package / "static"
    static.mkdir(parents=True)
    (package / "__init__.py").touch()
    (static / "small.css").write_bytes(b"x" * 2_000)
    (static / "large.js").write_bytes(b"x" * 200_000)
    by_hand, by_component = web.Application(), web.Application()
    by_hand.router.add_static("/static/files", static)
    Component("files", "bench_static").register(by_component)
    for name in ("small.css", "large.js"):
        hashed = static_url(by_component, f"files:{name}")
        requests = {
            url: f"GET {url} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for url in (f"/static/files/{name}", hashed)
        }
        plain, cached = requests.values()
        print(f"\nA request for {name}: us of CPU, ratio (below 1 is faster)")
        async with connection(by_hand) as one, connection(by_component) as other:
            columns: dict[str, Step] = {
                "add_static": asking(one, plain, count),
                "again": asking(one, plain, count),
                "component": asking(other, plain, count),
                "component, with the hash": asking(other, cached, count),
            }
            await turns(columns, rounds)
        print("  requests per second: wall clock, ratio (above 1 is faster)")
        async with connection(by_hand) as one, connection(by_component) as other:
            columns = {
                "add_static": asking(one, plain, count, per_second),
                "again": asking(one, plain, count, per_second),
                "component, with the hash": asking(other, cached, count, per_second),
            }
            await turns(columns, rounds)


async def per_second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, count: int) -> float:
    start = time.perf_counter()
    await cpu_per_request(reader, writer, request, count)
    return count / (time.perf_counter() - start)


# Registration and routing


def write_components(root: Path, number: int) -> None:
    package = root / "bench_many"
    for index in range(number):
        folder = package / f"part{index:03}"
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
        (folder / "routes.py").write_text(ROUTES)
    (package / "__init__.py").touch()


def seconds(function: Callable[[], object]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def bench_registration(root: Path) -> tuple[web.Application, web.Application]:
    write_components(root, 200)
    app, again, single = web.Application(), web.Application(), web.Application()
    print("\nRegistering 200 components with 2,000 routes: seconds of CPU")
    for label, target in (("setup_components, with its imports", app), ("setup_components, imported before", again)):
        print(f"  {label:<44}{seconds(partial(setup_components, target, 'bench_many')):>10.3f}")

    def one_by_one() -> None:
        for index in range(200):
            Component(f"part{index:03}", f"bench_many.part{index:03}", url_prefix=f"/part{index:03}").register(single)

    print(f"  {'register(), one by one':<44}{seconds(one_by_one):>10.3f}")
    return app, by_hand()


def by_hand() -> web.Application:
    app = web.Application()
    for index in range(200):
        view = sys.modules[f"bench_many.part{index:03}.routes"].view
        for number in range(10):
            app.router.add_get(f"/part{index:03}/{number}", view, name=f"part{index:03}.r{number}")
    return app


async def bench_routing(by_component: web.Application, by_hand: web.Application, count: int, rounds: int) -> None:
    print("\nFinding a route among 2,000: us of CPU, ratio")
    for path in ("/part150/5", "/part150/none"):
        columns = {
            f"{path}, added by hand": resolving(by_hand, path, count),
            "again": resolving(by_hand, path, count),
            "component": resolving(by_component, path, count),
        }
        await turns(columns, rounds)
    request = b"GET /part150/5 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    print("\nA whole request among 2,000 routes: us of CPU, ratio")
    async with connection(by_hand) as one, connection(by_component) as other:
        await turns(
            {
                "added by hand": asking(one, request, count),
                "again": asking(one, request, count),
                "component": asking(other, request, count),
            },
            rounds,
        )


def main() -> None:
    """Print a table for each question."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.components", description="What components cost.")
    parser.add_argument("--requests", type=int, default=100, help="requests in each turn")
    parser.add_argument("--rounds", type=int, default=31, help="turns of each column; the median counts")
    options = parser.parse_args()
    print(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        sys.path.insert(0, folder)
        by_component, added_by_hand = bench_registration(root)
        asyncio.run(bench_routing(by_component, added_by_hand, options.requests, options.rounds))
        asyncio.run(bench_rendering(root, options.requests, options.rounds))
        asyncio.run(bench_static(root, options.requests, options.rounds))


if __name__ == "__main__":
    main()
