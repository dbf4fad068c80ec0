"""One Schema, many requests at a time: each answer belongs to its own request, whatever the others send."""

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from aiotoolkit.middlewares import setup_errors, setup_request_id
from aiotoolkit.schemas import Schema
from tests.raw import Address, served

REQUEST = {
    "type": "object",
    "properties": {
        "n": {"type": "integer", "default": -1},
        "seen": {"type": "array", "default": []},
        "options": {"type": "object", "properties": {"open": {"type": "boolean", "default": True}}, "default": {}},
        "items": {"type": "array", "items": {"type": "integer"}},
    },
    "additionalProperties": False,
}
QUERY = {"type": "object", "properties": {"limit": {"type": "integer", "default": 20}}}
RESPONSE = {"type": "object", "properties": {"limit": {"not": {"const": 500}}}}

# What is sent, by kind: the query, the body, and how often its view is entered.
SENT: dict[str, Any] = {
    "valid": lambda n: (f"?limit={n + 1000}", f'{{"n": {n}}}', 1),
    "defaults": lambda n: ("", "{}", 1),
    "nested": lambda n: (f"?limit={n + 1000}", f'{{"n": {n}, "options": {{}}}}', 1),
    "given": lambda n: ("", f'{{"n": {n}, "seen": [{n}], "options": {{"open": false}}}}', 1),
    "wrong item": lambda n: ("", '{"items": [%s"x"]}' % ("0, " * (n % 40)), 0),
    "wrong limit": lambda n: ("?limit=x", f'{{"n": {n}}}', 0),
    "no JSON": lambda n: ("", f'{{"n": {n}', 0),
    "wrong answer": lambda n: ("?limit=500", f'{{"n": {n}}}', 1),
}
requests = st.lists(st.tuples(st.sampled_from(sorted(SENT)), st.integers(0, 200)), min_size=2, max_size=40)


def expected(kind: str, n: int) -> Any:
    """The status, and what of the answer shows whose it is."""
    options = {"open": True}
    answers: dict[str, Any] = {
        "valid": (200, {"n": n, "seen": [n], "options": options, "limit": n + 1000}),
        "defaults": (200, {"n": -1, "seen": [-1], "options": options, "limit": 20}),
        "nested": (200, {"n": n, "seen": [n], "options": options, "limit": n + 1000}),
        "given": (200, {"n": n, "seen": [n, n], "options": {"open": False}, "limit": 20}),
        "wrong item": (422, [("body", f"#/items/{n % 40}")]),
        "wrong limit": (400, [("query", "limit")]),
        "no JSON": (400, []),
        "wrong answer": (500, []),
    }
    return answers[kind]


def shown(status: int, data: Any) -> Any:
    if status == 200:
        return status, data
    return status, [(error["in"], error.get("pointer") or error.get("name")) for error in data.get("errors", ())]


def shared_app(engine: str, parties: int) -> web.Application:
    """An application with one Schema, whose views wait until all of them are inside."""
    barrier = asyncio.Barrier(parties)
    schema = Schema(request=REQUEST, query=QUERY, response=RESPONSE, engine=engine)

    @schema.handler
    async def view(request: web.Request, *, body: dict[str, Any], query: dict[str, Any]) -> dict[str, Any]:
        body["seen"].append(body["n"])
        await barrier.wait()
        return {**body, **query}

    app = web.Application()
    setup_errors(app)
    setup_request_id(app)
    app.router.add_post("/", view)
    return app


async def answers_to(server: Address, sent: list[tuple[str, int]]) -> list[Any]:
    async def ask(session: aiohttp.ClientSession, number: int) -> Any:
        kind, n = sent[number]
        query, body, _ = SENT[kind](n)
        headers = {"Content-Type": "application/json", "X-Request-ID": f"request-{number}"}
        url = f"http://{server.host}:{server.port}/{query}"
        async with session.post(url, data=body, headers=headers) as response:
            assert response.headers["X-Request-ID"] == headers["X-Request-ID"]
            return shown(response.status, await response.json(content_type=None))

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        return await asyncio.gather(*(ask(session, number) for number in range(len(sent))))


@pytest.mark.parametrize("engine", ["jsonschema-rs", "jsonschema"])
@settings(max_examples=20, deadline=None)
@given(requests)
def test_concurrent_requests_never_mix(engine: str, sent: list[tuple[str, int]]) -> None:
    """Defaults, errors and answers of concurrent requests on one Schema are each request's own."""
    parties = sum(SENT[kind](n)[2] for kind, n in sent)

    async def run() -> list[Any]:
        async with served(shared_app(engine, max(1, parties))) as server:
            return await asyncio.wait_for(answers_to(server, sent), 30)

    assert asyncio.run(run()) == [expected(kind, n) for kind, n in sent]
