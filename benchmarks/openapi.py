"""What an API's description costs: when the application starts, and at each request.

Read the numbers with these biases in mind. The start is one process's CPU, the best of several times, for routes of one
shape: each has a Schema of its own, a path parameter, a query, a body and two answers. The columns of a request run in
one process and take turns, and the median of the ratios counts; the client is in the measured process. "again" is the
first column measured a second time: a difference as small as its difference says nothing.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from aiotoolkit._openapi_routes import iterate_routes
from aiotoolkit.middlewares import setup_errors
from aiotoolkit.openapi import build_openapi, setup_openapi
from aiotoolkit.schemas import Schema
from benchmarks.components import asking, connection, turns


def schema_of(number: int) -> Schema[Any]:
    item = {
        "title": f"Item{number % 100}",
        "type": "object",
        "properties": {
            "id": {"type": "integer", "minimum": 0},
            "name": {"type": "string", "minLength": 1, "maxLength": 32},
            "parts": {"type": "array", "items": {"$ref": "#/$defs/part"}},
        },
        "required": ["name"],
        "$defs": {"part": {"title": "Part", "type": "object", "properties": {"size": {"type": "number"}}}},
    }
    return Schema(
        request=item,
        path={"type": "object", "properties": {"item_id": {"type": "integer", "maximum": number + 1}}},
        query={"type": "object", "properties": {"limit": {"type": "integer", "maximum": number + 1}}},
        responses={200: item, 201: {"type": "array", "items": {"type": "integer", "maximum": number + 1}}},
        status=200,
    )


def application(number: int) -> web.Application:
    """An application with as many routes, each of which has a Schema."""
    app = web.Application()
    setup_errors(app)
    for index in range(number):

        async def view(request: web.Request) -> dict[str, Any]:
            """Replace an item.

            It must be there already.
            """
            return {"id": 1, "name": "One"}

        handler = schema_of(index).handler(view)
        app.router.add_post(f"/part{index}/{{item_id:\\d+}}", handler, name=f"part{index % 10}.item{index}")
    return app


def best(function: Callable[[], object], times: int) -> float:
    """Milliseconds of CPU."""
    found = []
    for _ in range(times):
        start = time.process_time()
        function()
        found.append(time.process_time() - start)
    return min(found) * 1000


def bench_start(number: int, times: int) -> None:
    app = application(number)
    document = build_openapi(app, title="Bench", version="1")
    size = len(json.dumps(document))
    print(f"\n{number:,} routes, {size:,} bytes of JSON: ms of CPU")
    print(f"  {'making the application and its Schemas':<44}{best(lambda: application(number), 1):>10.1f}")
    print(f"  {'walking the routes':<44}{best(lambda: list(iterate_routes(app)), times):>10.1f}")
    print(f"  {'build_openapi':<44}{best(lambda: build_openapi(app, title='B', version='1'), times):>10.1f}")
    print(f"  {'json.dumps of it':<44}{best(lambda: json.dumps(document), times):>10.1f}")


async def bench_requests(count: int, rounds: int) -> None:
    plain, described = application(10), application(10)
    setup_openapi(described, title="Bench", version="1")
    body = b'{"name": "One"}'
    head = f"POST /part9/5 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    request = f"{head}\r\n\r\n".encode() + body
    print("\nA request: us of CPU, ratio")
    async with connection(plain) as one, connection(described) as other:
        columns = {
            "without a description": asking(one, request, count),
            "again": asking(one, request, count),
            "with a description": asking(other, request, count),
        }
        await turns(columns, rounds)


def main() -> None:
    """Print a table for each question."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.openapi", description="What a description costs.")
    parser.add_argument("--routes", type=int, default=1000, help="routes of the application")
    parser.add_argument("--times", type=int, default=5, help="how often the start is measured; the best counts")
    parser.add_argument("--requests", type=int, default=100, help="requests in each turn")
    parser.add_argument("--rounds", type=int, default=31, help="turns of each column; the median counts")
    options = parser.parse_args()
    print(__doc__)
    bench_start(options.routes, options.times)
    asyncio.run(bench_requests(options.requests, options.rounds))


if __name__ == "__main__":
    main()
