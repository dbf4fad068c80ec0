"""The guards in front of a view, in their order, over plain sockets and with both engines. Never a 5xx, never a hang.

Size, decoding, depth, finite numbers, defaults, the engine, the budget of errors.
"""

import asyncio
import gzip
import json
import logging
import time
import zlib
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from aiohttp import web

from aiotoolkit.middlewares import setup_errors
from aiotoolkit.schemas import RequestValidationError, Schema
from tests.raw import exchange, raw_request, read_response

ENGINES = ["jsonschema-rs", "jsonschema"]
MEGABYTE = 1_000_000
LIMIT = 12 * MEGABYTE
# What hangs takes minutes; what is slow on purpose, with jsonschema, some seconds.
CPU_SECONDS = 30.0

ITEM = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "size": {"type": "integer", "default": 1}},
    "required": ["name"],
    "additionalProperties": False,
}
NODE = {"$ref": "#/$defs/node"}
SCHEMAS: dict[str, Any] = {
    "any": {},
    "item": ITEM,
    "items": {"type": "array", "items": ITEM},
    "integers": {"type": "array", "items": {"type": "integer"}},
    "members": {"type": "object", "additionalProperties": {"type": "integer"}},
    "closed": {"type": "object", "additionalProperties": False},
    "alternatives": {
        "type": "array",
        "items": {"anyOf": [{"properties": {"kind": {"const": kind}}, "required": ["kind"]} for kind in range(16)]},
    },
    "unique": {"type": "array", "uniqueItems": True},
    # What only jsonschema-rs decides in linear time.
    "pattern": {"type": "string", "pattern": "^(a+)+$"},
    "names": {"type": "object", "patternProperties": {"^(a+)+$": {}}, "additionalProperties": False},
    "tree": {
        **NODE,
        "$defs": {
            "node": {
                "anyOf": [
                    *({"type": "object", "properties": {kind: NODE}, "required": [kind]} for kind in "aab"),
                    {"type": "null"},
                ]
            }
        },
    },
}
ONLY_RS = ("pattern", "names")


def create_app(engine: str) -> web.Application:
    app = web.Application(client_max_size=LIMIT)
    setup_errors(app)

    async def view(request: web.Request, *, body: Any) -> Any:
        return body if len(str(body)) < 100 else None

    for name, schema in SCHEMAS.items():
        if name in ONLY_RS and engine == "jsonschema":
            continue
        app.router.add_post(f"/{name}", Schema(request=schema, engine=engine).handler(view))
    return app


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def server(engine: str, aiohttp_server: Any) -> Any:
    return await aiohttp_server(create_app(engine))


@pytest.fixture
async def rs_server(aiohttp_server: Any) -> Any:
    return await aiohttp_server(create_app("jsonschema-rs"))


@pytest.fixture(autouse=True)
def no_error_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A client's mistake is no error of the server: nothing is logged from WARNING on."""
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.WARNING] == []


async def refused(server: Any, schema: str, body: bytes, status: int, **options: Any) -> Any:
    """What the server answers to a bad body: a problem, in time, and then it serves the next client."""
    began = time.process_time()
    response = await read_response(server, raw_request("POST", f"/{schema}", body, **options))
    assert time.process_time() - began < CPU_SECONDS
    assert response.status == status, response.body[:500]
    assert response.headers["Content-Type"] == "application/problem+json"
    assert len(response.body) < 10_000
    problem = response.json()
    assert problem["status"] == status
    await alive(server)
    return problem


async def accepted(server: Any, schema: str, body: bytes) -> Any:
    began = time.process_time()
    response = await read_response(server, raw_request("POST", f"/{schema}", body))
    assert time.process_time() - began < CPU_SECONDS
    assert response.status == 200, response.body[:500]
    await alive(server)
    return response.json()


async def alive(server: Any) -> None:
    response = await read_response(server, raw_request("POST", "/item", b'{"name": "x"}'))
    assert (response.status, response.json()) == (200, {"name": "x", "size": 1})


# Size


@pytest.mark.parametrize("encoding", ["identity", "gzip", "deflate"])
async def test_size(server: Any, encoding: str) -> None:
    """A body that is too large is 413, also where it is small until it is inflated; it need not be JSON."""
    body = b"[" * (LIMIT + 1)
    encoded = {"identity": body, "gzip": gzip.compress(body), "deflate": zlib.compress(body)}[encoding]
    headers = [("Content-Encoding", encoding)]
    assert encoding == "identity" or len(encoded) < 20_000
    problem = await refused(server, "any", encoded, 413, headers=headers)
    assert problem["title"] == "Content Too Large"


async def test_size_of_a_bomb_in_a_bomb(server: Any) -> None:
    """Only one layer of compression is ever undone: two are 415, before anything is read."""
    bomb = gzip.compress(gzip.compress(b"[" * (LIMIT + 1)))
    await refused(server, "any", bomb, 415, headers=[("Content-Encoding", "gzip, gzip")])
    await refused(server, "any", bomb, 400, headers=[("Content-Encoding", "gzip")])


async def test_size_without_a_length(server: Any) -> None:
    """A body that does not say how long it is ends where the limit is."""
    head = b"POST /any HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    chunk = b"f4240\r\n" + b" " * MEGABYTE + b"\r\n"
    received = await exchange(server, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 13 + b"0\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 413 ")
    await alive(server)


@pytest.mark.parametrize(
    "body",
    [
        b"zzzz",
        b"\x1f\x8b",
        gzip.compress(b'{"name": "x"}')[:-12],
        gzip.compress(b"[]")[:9] + b"\xff" * 99,
        gzip.compress(b"[]") + b"garbage" * 99,
    ],
    ids=["no gzip", "only magic", "broken off", "damaged", "garbage after it"],
)
async def test_bad_gzip(server: Any, body: bytes) -> None:
    """A body that is not what its Content-Encoding says is 400."""
    await refused(server, "any", body, 400, headers=[("Content-Encoding", "gzip")])


# Decoding


NO_JSON = {
    "empty": b"",
    "broken": b'{"name": "x"',
    "two": b"{}{}",
    "byte order mark": b'\xef\xbb\xbf{"name": "x"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "Latin-1": '{"name": "é"}'.encode("latin-1"),
    "overlong": b'{"name": "\xc0\xaf"}',
    "bad UTF-8 in a name": b'{"\xff": 1}',
    "beyond Unicode": b'{"name": "\xf4\x90\x80\x80"}',
    "NUL": b'{"name": "\x00"}',
    "raw control character": b'{"name": "\t"}',
    "NaN": b'{"name": NaN}',
    "Infinity": b'{"name": -Infinity}',
    "1e400": b'{"size": 1e400}',
    "-1e400": b'{"size": -1e400}',
    "integer of 5,000 digits": b'{"size": ' + b"9" * 5000 + b"}",
    "negative integer of 5,000 digits": b'{"size": -' + b"9" * 5000 + b"}",
    "integer of a megabyte": b"9" * MEGABYTE,
    "leading zero": b'{"size": 01}',
    "escaped surrogate": b'{"name": "\\ud800"}',
    "escaped surrogate in a name": b'{"\\udfff": 1}',
    "surrogates in the wrong order": b'{"name": "\\udc00\\ud800"}',
    "surrogate in a member that is replaced": b'{"name": "\\ud800", "name": "x"}',
    "surrogate at the end of a megabyte": b'{"name": "' + b"\\ud83d\\ude00" * 80_000 + b'\\ud83d"}',
    "raw surrogate": b'{"name": "\xed\xa0\x80"}',
    "raw surrogate in a name": b'{"\xed\xbf\xbf": 1}',
    "a megabyte of quotes": b'"' * MEGABYTE,
    "a megabyte of backslashes": b'"' + b"\\" * MEGABYTE,
}


@pytest.mark.parametrize("name", NO_JSON)
async def test_no_json(server: Any, name: str) -> None:
    """What is no JSON text in UTF-8, or holds what the data may not, is 400 before it is looked at."""
    problem = await refused(server, "item", NO_JSON[name], 400)
    assert problem["detail"] == "The body is not JSON text in UTF-8."
    assert "errors" not in problem


@pytest.mark.parametrize("charset", ["utf-16", "latin-1", "punycode", "hex", "zlib", "nope"])
async def test_charsets(server: Any, charset: str) -> None:
    """A charset other than UTF-8 is 415: no codec is ever chosen by the client."""
    await refused(server, "item", b'{"name": "x"}', 415, content_type=f"application/json; charset={charset}")


async def test_duplicate_keys(server: Any) -> None:
    """Of the members with one name the last one counts, for the engine as for the view."""
    assert await accepted(server, "item", b'{"name": 5, "name": "x"}') == {"name": "x", "size": 1}
    problem = await refused(server, "item", b'{"name": "x", "name": 5}', 422)
    assert problem["errors"] == [{"detail": "must be of type string", "in": "body", "pointer": "#/name"}]
    await accepted(server, "members", b"{" + b'"a": 1,' * 150_000 + b'"a": 1}')


# Depth


DEEP = {
    "200,000 arrays": b"[" * 200_000 + b"]" * 200_000,
    "200,000 objects": b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
    "both": b'[{"a":' * 100_000 + b"1" + b"}]" * 100_000,
    "10 MB of brackets": b"[" * (10 * MEGABYTE),
    "10 MB of braces": b'{"":' * (10 * MEGABYTE // 4),
    "65 levels": b"[" * 65 + b"]" * 65,
    "deep after much that is flat": b"[" + b"[]," * 300_000 + b"[" * 65 + b"]" * 65 + b"]",
}


@pytest.mark.parametrize("name", DEEP)
async def test_depth(server: Any, name: str) -> None:
    """What is nested deeper than 64 levels is 400, before it is decoded."""
    problem = await refused(server, "any", DEEP[name], 400)
    assert problem["detail"] == "The JSON body is nested deeper than 64 levels."


async def test_what_is_not_too_deep(server: Any) -> None:
    """64 levels are fine, any number of them side by side, and brackets in text are none."""
    await accepted(server, "any", b"[" * 64 + b"]" * 64)
    await accepted(server, "any", b"[" + b",".join([b"[" * 60 + b"]" * 60] * 8_000) + b"]")
    await accepted(server, "any", b'"' + b"[{" * 400_000 + b'"')


# The engine, and its budget of errors


async def test_a_flat_megabyte(server: Any) -> None:
    """100,000 members, and as many items, are read in one pass; hashes that collide elsewhere do not here."""
    await accepted(server, "members", json.dumps(dict.fromkeys(map(str, range(100_000)), 1)).encode())
    modulus = 2**61 - 1  # of Python's hash of integers: all of these would have one hash
    await accepted(server, "members", json.dumps({str(number * modulus): 1 for number in range(45_000)}).encode())
    await accepted(server, "any", b"[" + b"[]," * 300_000 + b"1]")


MANY_ERRORS = {
    "items of another type": ("integers", b"[" + b'"x",' * 200_000 + b'"x"]'),
    "missing members": ("items", b"[" + b"{}," * 200_000 + b"{}]"),
    "members that are not allowed": (
        "closed",
        json.dumps(dict.fromkeys(map(str, range(200_000)), 1)).encode(),
    ),
    "integers of too many digits": ("integers", b"[" + b"9" * 4000 + b"]"),
    "integers of 64 bits and more": ("integers", b"[" + b"9223372036854775808," * 50_000 + b"1]"),
}


@pytest.mark.parametrize("name", MANY_ERRORS)
async def test_many_errors(server: Any, name: str) -> None:
    """Of 200,000 errors, 20 at most are told, and at no higher price."""
    schema, body = MANY_ERRORS[name]
    problem = await refused(server, schema, body, 422)
    assert 1 <= len(problem["errors"]) <= 20


async def test_alternatives(server: Any) -> None:
    """Each of thousands of items that fits none of 16 alternatives is one error and not 16."""
    problem = await refused(server, "alternatives", b"[" + b'{"kind": 99},' * 3_000 + b"1]", 422)
    assert 1 <= len(problem["errors"]) <= 20


async def test_a_huge_value_is_not_told(server: Any) -> None:
    """An answer is small, whatever was sent: no value of the client's is in it."""
    problem = await refused(server, "item", b'{"name": "x", "secret' + b"y" * MEGABYTE + b'": 1}', 422)
    assert len(problem["errors"][0]["pointer"]) <= 200
    assert b"yyy" not in json.dumps(await refused(server, "item", b'["' + b"y" * MEGABYTE + b'"]', 422)).encode()


async def test_unique_items(server: Any) -> None:
    """Both engines find the only pair among 10,000 objects, lists or texts without comparing each with each."""
    for item in ('{{"a": {}}}', "[{}]", '"{}"', "{}", '{{"a": {{"b": [{}]}}}}', "{}.5"):
        items = [item.format(number) for number in range(10_000)]
        await accepted(server, "unique", f"[{','.join(items)}]".encode())
        await refused(server, "unique", f"[{','.join([*items, items[0]])}]".encode(), 422)


@pytest.mark.parametrize("length", [30, 100_000])
async def test_catastrophic_patterns(rs_server: Any, length: int) -> None:
    """jsonschema-rs matches in linear time, values as well as names."""
    await refused(rs_server, "pattern", b'"' + b"a" * length + b'!"', 422)
    await accepted(rs_server, "pattern", b'"' + b"a" * length + b'"')
    await refused(rs_server, "names", b'{"' + b"a" * length + b'!": 1}', 422)


async def test_branching_alternatives(server: Any, engine: str) -> None:
    """A schema that leads to itself in several ways is decided in linear time, and the errors below are not listed."""
    reason = {"jsonschema": "matches none of the allowed forms", "jsonschema-rs": "does not match its schema"}[engine]
    for levels in (20, 60):
        problem = await refused(server, "tree", b'{"a":' * levels + b"1" + b"}" * levels, 422)
        assert [error["detail"] for error in problem["errors"]] == [reason]
        await accepted(server, "tree", b'{"a":' * levels + b"null" + b"}" * levels)


def test_jsonschema_warns_of_these() -> None:
    """What only jsonschema-rs decides in linear time is a warning with jsonschema, when the Schema is made."""
    for name in ONLY_RS:
        with pytest.warns(UserWarning, match="keep the jsonschema engine busy"):
            Schema(request=SCHEMAS[name], engine="jsonschema")


# The order


async def test_the_order(engine: str, aiohttp_server: Any) -> None:
    """Each guard comes before the next one: of a request with several mistakes, the first guard answers."""
    app = web.Application(client_max_size=1000)
    setup_errors(app)
    schema = Schema(
        query={"properties": {"n": {"type": "integer"}}},
        request={
            "properties": {"name": {"type": "string"}, "size": {"type": "integer", "default": 1}},
            "required": ["size"],
        },
        engine=engine,
    )

    @schema.handler
    async def view(request: web.Request, *, body: Any) -> Any:
        return body

    app.router.add_post("/", view)
    server = await aiohttp_server(app)
    large, deep, bad = b"[" * 2000, b"[" * 70, b'{"name": 5, "x": NaN}'

    async def answer(body: bytes, path: str = "/", **options: Any) -> int:
        return (await read_response(server, raw_request("POST", path, body, **options))).status

    assert await answer(large, "/?n=x", content_type="text/plain") == 400  # parameters, while the body is unread
    assert await answer(large, content_type="text/plain") == 415  # then what it is
    assert await answer(large, headers=[("Content-Encoding", "gzip")]) == 400  # what it is inside
    assert await answer(large) == 413
    assert (await read_response(server, raw_request("POST", "/", deep))).json()["detail"].endswith("64 levels.")
    assert await answer(bad) == 400  # decoding and finite numbers, before the schema
    assert await answer(b'{"name": 5}') == 422
    assert await answer(b"{}") == 200  # defaults, before the schema requires them


def test_by_hand(engine: str) -> None:
    """Data from elsewhere are made plain before the engine sees them, and what JSON cannot hold is refused."""
    schema = Schema(request={"properties": {"day": {"type": "string"}, "n": {"type": "number"}}}, engine=engine)
    day = date(2026, 1, 2)
    assert schema.validate_request({"day": day}) == {"day": "2026-01-02"}
    loop: list[Any] = []
    loop.append(loop)
    deep: Any = None
    for _ in range(100_000):
        deep = [deep]
    for bad in ({"n": float("nan")}, {"n": float("inf")}, {"n": object()}, {1.5: 1}, {"n": {"\ud800": 1}}, loop, deep):
        with pytest.raises(RequestValidationError):
            schema.validate_request(bad)
    while deep is not None:  # taken apart one by one: Python's own way would be as deep
        (deep,) = deep


async def test_hostile_requests_side_by_side(server: Any) -> None:
    """While hostile bodies are refused, others are served."""
    bodies = [b"[" * MEGABYTE, b'["x"' * 1000, b"\xff", b'{"name": 5}', gzip.compress(b"x" * LIMIT)]
    hostile = [read_response(server, raw_request("POST", "/item", body)) for body in bodies * 3]
    benign = [alive(server) for _ in range(10)]
    results = await asyncio.gather(*hostile, *benign)
    assert {response.status for response in results if response is not None} <= {400, 413, 422}


async def test_huge_integers_are_told_one_by_one(rs_server: Any) -> None:
    """Of many integers with thousands of digits, one is told: each error of them costs jsonschema-rs 2 ms."""
    problem = await refused(rs_server, "integers", f"[{','.join(['9' * 4_000] * 250)}]".encode(), 422)
    assert len(problem["errors"]) == 1
