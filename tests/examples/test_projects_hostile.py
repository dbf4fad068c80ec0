"""Hostile requests over a raw socket: each is answered, none with a 5xx, and the server goes on."""

import asyncio
import contextlib
import gzip
import json
import logging
import zlib
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
from aiohttp.http_exceptions import HttpProcessingError
from pytest_aiohttp.plugin import AiohttpServer

pytestmark = [
    pytest.mark.extra("jsl"),
    pytest.mark.extra("sqlalchemy"),
    pytest.mark.extra("aiosqlite"),
    # jsl imports it; it will be gone in Python 3.15.
    pytest.mark.filterwarnings("ignore:module 'sre_constants' is deprecated:DeprecationWarning"),
]

GOOD = b'{"name": "Toolkit", "slug": "good"}'


class Answer(NamedTuple):
    """One response."""

    status: int
    headers: dict[str, str]
    body: bytes


class Server:
    """The example on a real socket."""

    def __init__(self, port: int) -> None:
        self.port = port

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection, which is cut at the end of the block."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def ask(self, raw: bytes) -> Answer:
        """Send bytes on a connection of their own and read one answer, also while they are still being sent."""
        async with self.connect() as (reader, writer):
            writer.write(raw)
            return await read_answer(reader)


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """Read a response to its end; a connection that is closed before it is an error."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), timeout=20)
    status_line, *lines = head.decode("latin-1").splitlines()
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
    body = await asyncio.wait_for(reader.readexactly(int(headers.get("content-length", "0"))), timeout=20)
    return Answer(int(status_line.split()[1]), headers, body)


@pytest.fixture
async def server(
    aiohttp_server: AiohttpServer, database_url: str, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Server]:
    """A server which, after the test, still answers a good request and has logged no error of its own."""
    from examples.projects.app import create_app

    running = await aiohttp_server(create_app(database_url=database_url))
    assert running.port is not None
    server = Server(running.port)
    yield server
    answer = await server.ask(post(GOOD))
    assert answer.status == 201
    assert (await server.ask(get(answer.headers["location"]))).body == answer.body
    records = [*caplog.get_records("call"), *caplog.get_records("teardown")]
    assert [record for record in records if record.levelno >= logging.ERROR and not by_parser(record)] == []


def by_parser(record: logging.LogRecord) -> bool:
    """Whether it is aiohttp's own record of bytes that are no request, which reach no application."""
    return record.exc_info is not None and isinstance(record.exc_info[1], HttpProcessingError)


def get(target: str | bytes, *headers: bytes, method: bytes = b"GET") -> bytes:
    """A request without a body, whose target is sent as it is."""
    target = target.encode() if isinstance(target, str) else target
    return b"\r\n".join([method + b" " + target + b" HTTP/1.1", b"Host: example.com", *headers, b"", b""])


def post(
    body: bytes, *headers: bytes, content_type: bytes | None = b"application/json", length: int | None = None
) -> bytes:
    """A request that creates a project of any bytes."""
    kind = () if content_type is None else (b"Content-Type: " + content_type,)
    size = b"Content-Length: %d" % (len(body) if length is None else length)
    return get("/api/projects", *kind, size, *headers, method=b"POST") + body


def project(slug: bytes = b'"a"', **members: bytes) -> bytes:
    """The JSON of a project whose members are JSON of any kind."""
    parts = {b"name": b'"Toolkit"', b"slug": slug} | {name.encode(): value for name, value in members.items()}
    return b"{" + b", ".join(b'"' + name + b'": ' + value for name, value in parts.items()) + b"}"


GZIP = b"Content-Encoding: gzip"

BODIES = {
    "empty": (post(b""), 400),
    "spaces": (post(b"   "), 400),
    "no JSON": (post(b"project"), 400),
    "half an object": (post(b'{"name": "a"'), 400),
    "trailing comma": (post(b'{"name": "a",}'), 400),
    "two values": (post(project() + project()), 400),
    "leading zero": (post(project(id=b"01")), 400),
    "raw tab in a string": (post(project(b'"a\tb"')), 400),
    "bad UTF-8": (post(project(b'"\xff"')), 400),
    "overlong UTF-8": (post(project(b'"\xc0\x80"')), 400),
    "encoded surrogate": (post(project(b'"\xed\xa0\x80"')), 400),
    "UTF-16": (post(project().decode().encode("utf-16")), 400),
    "BOM": (post(b"\xef\xbb\xbf" + project()), 400),
    "NUL": (post(b"\x00"), 400),
    "NUL in a string": (post(project(b'"a\x00"')), 400),
    "escaped NUL": (post(project(name=rb'"\u0000"')), 422),
    "escaped NUL in a description": (post(project(description=rb'"a\u0000b"')), 422),
    "escaped NUL in a slug": (post(project(rb'"a\u0000"')), 422),
    "escaped NUL in a key": (post(b'{"a\\u0000": 1}'), 422),
    "lone surrogate": (post(project(name=rb'"\ud800"')), 400),
    "lone low surrogate": (post(project(name=rb'"\udc00a"')), 400),
    "lone surrogate in a key": (post(rb'{"\ud800": 1}'), 400),
    "200,000 arrays": (post(b"[" * 200_000), 400),
    "200,000 objects": (post(b'{"a":' * 200_000 + b"1" + b"}" * 200_000), 413),
    "100,000 closed arrays": (post(b"[" * 100_000 + b"]" * 100_000), 400),
    "deep in a member": (post(project(name=b"[" * 200 + b"]" * 200)), 400),
    "5,000 digits": (post(project(id=b"9" * 5_000)), 400),
    "5,000 negative digits": (post(project(id=b"-" + b"9" * 5_000)), 400),
    "NaN": (post(project(name=b"NaN")), 400),
    "Infinity": (post(project(name=b"-Infinity")), 400),
    "1e400": (post(project(name=b"1e400")), 400),
    "an array": (post(b"[]"), 422),
    "null": (post(b"null"), 422),
    "a number": (post(b"1"), 422),
    "a text": (post(b'"project"'), 422),
    "int64 overflow": (post(project(id=str(2**63).encode())), 422),
    "many unknown members": (post(json.dumps({f"m{number}": number for number in range(10_000)}).encode()), 422),
    "long key": (post(b'{"' + b"k" * 100_000 + b'": 1}'), 422),
    "long text": (post(project(name=b'"' + b"n" * 500_000 + b'"')), 422),
    "2 MB": (post(project(name=b'"' + b"n" * 2_000_000 + b'"')), 413),
    "no Content-Type": (post(project(), content_type=None), 415),
    "empty Content-Type": (post(project(), content_type=b""), 415),
    "text": (post(project(), content_type=b"text/plain"), 415),
    "a form": (post(b"name=a&slug=a", content_type=b"application/x-www-form-urlencoded"), 415),
    "broken Content-Type": (post(project(), content_type=b";;/=\x80"), 415),
    "unknown charset": (post(project(), content_type=b"application/json; charset=klingon"), 415),
    "other charset": (post(project(), content_type=b"application/json; charset=utf-16"), 415),
    "NUL-like charset": (post(project(), content_type=b'application/json; charset="\\0"'), 415),
    "unknown Content-Encoding": (post(project(), b"Content-Encoding: klingon"), 415),
    "two codings": (post(gzip.compress(gzip.compress(project())), b"Content-Encoding: gzip, gzip"), 415),
    "bad gzip": (post(project(), GZIP), 400),
    "truncated gzip": (post(gzip.compress(project())[:-12], GZIP), 400),
    "damaged gzip": (post(gzip.compress(project())[:-8] + b"\x00" * 8, GZIP), 400),
    "bad deflate": (post(b"\xff" * 100, b"Content-Encoding: deflate"), 400),
    "gzip bomb": (post(gzip.compress(b" " * 50_000_000), GZIP), 413),
    "gzip of bad JSON": (post(gzip.compress(b"{"), GZIP), 400),
}


class TestBodies:
    @pytest.mark.parametrize("name", BODIES)
    async def test_refused(self, server: Server, name: str) -> None:
        """A body that is none is refused, in the one shape of errors."""
        raw, status = BODIES[name]
        answer = await server.ask(raw)
        assert answer.status == status, answer
        assert answer.headers["content-type"] == "application/problem+json"
        assert json.loads(answer.body)["status"] == status
        assert len(answer.body) < 10_000

    @pytest.mark.parametrize(
        "raw",
        [
            post(project()),
            post(project(), content_type=b"application/json; charset=UTF-8"),
            post(project(), content_type=b"application/vnd.project+json"),
            post(gzip.compress(project()), GZIP),
            post(zlib.compress(project()), b"Content-Encoding: deflate"),
            post(b'{"slug": "b", "slug": "a", "name": "The last one of a name counts"}'),
        ],
        ids=["plain", "charset", "+json", "gzip", "deflate", "repeated member"],
    )
    async def test_accepted(self, server: Server, raw: bytes) -> None:
        """A body that is only unusual is read."""
        answer = await server.ask(raw)
        assert answer.status == 201
        assert json.loads(answer.body)["slug"] == "a"

    async def test_chunked(self, server: Server) -> None:
        """A body in chunks is read."""
        chunks = b"".join(b"%x\r\n%b\r\n" % (1, bytes([byte])) for byte in project()) + b"0\r\n\r\n"
        chunked = (b"Content-Type: application/json", b"Transfer-Encoding: chunked")
        answer = await server.ask(get("/api/projects", *chunked, method=b"POST") + chunks)
        assert answer.status == 201

    async def test_bad_chunks(self, server: Server) -> None:
        """A body whose chunks are damaged is refused."""
        chunked = (b"Content-Type: application/json", b"Transfer-Encoding: chunked")
        answer = await server.ask(get("/api/projects", *chunked, method=b"POST") + b"zz\r\n{}\r\n0\r\n\r\n")
        assert answer.status == 400

    @pytest.mark.parametrize("method", [b"GET", b"DELETE", b"HEAD"])
    async def test_where_none_is_read(self, server: Server, method: bytes) -> None:
        """A body that nobody reads is harmless: the next request on the connection is read from its beginning."""
        async with server.connect() as (reader, writer):
            body = get("/nothing")
            writer.write(get("/api/project/1", b"Content-Length: %d" % len(body), method=method) + body + get("/api/"))
            if method == b"HEAD":
                await reader.readuntil(b"\r\n\r\n")
            else:
                assert (await read_answer(reader)).status == 404
            assert (await read_answer(reader)).status == 200


TARGETS = {
    "int64 overflow": ("/api/project/9223372036854775808", 404),
    "int32 overflow": ("/api/project/2147483648", 404),
    "5,000 digits": ("/api/project/" + "9" * 5_000, 404),
    "negative": ("/api/project/-1", 404),
    "underscore": ("/api/project/1_0", 404),
    "Arabic digits": ("/api/project/%D9%A3", 404),
    "superscript": ("/api/project/%C2%B2", 404),
    "NUL": ("/api/project/%00", 404),
    "NUL after a digit": ("/api/project/1%00", 404),
    "line break": ("/api/project/1%0A", 404),
    "CRLF": ("/api/project/1%0D%0ASet-Cookie:%20a=b", 404),
    "bad UTF-8": ("/api/project/%FF", 404),
    "bad UTF-8 elsewhere": ("/%C0%AF%FE", 404),
    "half an escape": ("/api/project/%", 404),
    "no escape": ("/api/project/%ZZ", 404),
    "encoded slash": ("/api%2Fprojects", 404),
    "encoded twice": ("/api/project/%2531", 404),
    "dots": ("/api/../../etc/passwd", 404),
    "encoded dots": ("/api/%2e%2e/%2e%2e/etc/passwd", 404),
    "backslashes": ("/api\\projects", 404),
    "double slashes": ("//api//projects", 404),
    "another host": ("//example.org/api/projects", 404),
    "script": ("/%3Cscript%3Ealert(1)%3C/script%3E", 404),
    "limit with underscore": ("/api/projects?limit=1_0", 400),
    "limit in Arabic digits": ("/api/projects?limit=%D9%A3", 400),
    "limit twice": ("/api/projects?limit=1&limit=2", 400),
    "offset beyond int32": ("/api/projects?offset=2147483648", 400),
    "offset beyond int64": ("/api/projects?offset=9223372036854775808", 400),
    "offset of 5,000 digits": ("/api/projects?offset=" + "9" * 5_000, 400),
    "offset NaN": ("/api/projects?offset=NaN", 400),
    "offset 1e400": ("/api/projects?offset=1e400", 400),
    "offset NUL": ("/api/projects?offset=%00", 400),
    "bad UTF-8 in a value": ("/api/projects?limit=%FF", 400),
    "bad UTF-8 in a name": ("/api/projects?%FF=1", 400),
    "half an escape in a value": ("/api/projects?limit=%", 400),
    "surrogate in a name": ("/api/projects?%ED%A0%80=1", 400),
    "unknown name": ("/api/projects?a=b", 400),
    "empty name": ("/api/projects?=1", 400),
    "many names": ("/api/projects?" + "&".join(f"p{number}=1" for number in range(900)), 400),
    "many separators": ("/api/projects?" + "&" * 1_000, 200),
    "no query": ("/api/projects?", 200),
    "fragment": ("/api/projects#fragment", 200),
    "encoded letters": ("/%61pi/projects", 200),
    "very long": ("/" + "a" * 20_000, 400),
    "very long query": ("/api/projects?limit=" + "1" * 20_000, 400),
}


class TestTargets:
    @pytest.mark.parametrize("name", TARGETS)
    @pytest.mark.parametrize("accept", [b"*/*", b"text/html"])
    async def test_answered(self, server: Server, name: str, accept: bytes) -> None:
        """A target that nobody means is answered, in JSON and in HTML, and its text is never sent back as markup."""
        target, status = TARGETS[name]
        answer = await server.ask(get(target, b"Accept: " + accept))
        assert answer.status == status, answer
        assert b"<script" not in answer.body
        assert "set-cookie" not in answer.headers
        assert len(answer.body) < 10_000

    @pytest.mark.parametrize(
        "target", [b"", b"*", b"api", b"\xff", b"/\xff", b"/a b", b"http://[", b"/\x00", b"?", b"://"]
    )
    async def test_no_target(self, server: Server, target: bytes) -> None:
        """A request line without a usable target is answered too."""
        answer = await server.ask(get(target))
        assert 400 <= answer.status < 500, answer

    @pytest.mark.parametrize("method", [b"TRACE", b"QUERY", b"PATCH", b"OPTIONS", b"PROPFIND", b"PURGE"])
    async def test_methods(self, server: Server, method: bytes) -> None:
        """A method that a URL does not have is told which ones it has."""
        answer = await server.ask(get("/api/projects", method=method))
        assert answer.status == 405
        assert answer.headers["allow"] == "GET,HEAD,POST"

    @pytest.mark.parametrize("method", [b"get", b"FOO", b"CONNECT", b"G\x00T", b"G(T", b"", b"A" * 1_000])
    async def test_no_method(self, server: Server, method: bytes) -> None:
        """What is no method is refused."""
        answer = await server.ask(get("/api/projects", method=method))
        assert 400 <= answer.status < 500, answer


class TestHeaders:
    @pytest.mark.parametrize(
        "header",
        [
            b"X-Long: " + b"a" * 20_000,
            b"X-NUL: a\x00b",
            b"X-CR: a\rb",
            b"No colon",
            b"Spa ce: a",
            b": no name",
            b" Folded: a",
            b"Content-Length: -1",
            b"Content-Length: +1",
            b"Content-Length: 1_0",
            b"Content-Length: 99999999999999999999",
            b"Content-Length: 1\r\nContent-Length: 2",
            b"Content-Length: 1\r\nTransfer-Encoding: chunked",
            b"Transfer-Encoding: klingon",
            b"Host: a\r\nHost: b",
        ],
    )
    async def test_malformed(self, server: Server, header: bytes) -> None:
        """A header that breaks HTTP is refused by the parser."""
        assert (await server.ask(get("/api/", header))).status == 400

    @pytest.mark.parametrize(
        "header",
        [
            b"Accept: \xff\xfe",
            b"Accept: text/html;q=1e400, */*;q=nan, ;;;,,,/",
            b"Accept: " + b"text/html;q=0.1," * 400,
            b"Cookie: \xff=\x80; a=b; =; ;;",
            b"Cookie: " + b"a=b; " * 1_000,
            b"X-Request-ID: a b; c=\xff",
            b"X-Request-ID: " + b"a" * 1_000,
            b"X-Request-ID: a%0d%0aSet-Cookie: a=b",
            b"Host: [",
            b"If-Modified-Since: yesterday",
            b"If-None-Match: \xff",
            b"Range: bytes=9-1",
            b"Authorization: Basic \xff",
            b"Content-Type: \xff",
            b"Connection: Upgrade\r\nUpgrade: websocket",
            b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
            b"X-Forwarded-For: \xff",
            b"\r\n".join(b"X-%d: a" % number for number in range(90)),
        ],
    )
    async def test_strange(self, server: Server, header: bytes) -> None:
        """A header that is only strange is answered, with and without an error, and never sent back as it is."""
        raw = get("/api/project/1", header)
        if header.startswith(b"Host"):
            raw = raw.replace(b"Host: example.com\r\n", b"")
        answer = await server.ask(raw)
        assert answer.status == 404, answer
        assert answer.headers["x-request-id"].isalnum()
        assert "set-cookie" not in answer.headers

    async def test_expectations(self, server: Server) -> None:
        """A client that waits for leave to send its body gets it; for an unknown expectation it is refused."""
        async with server.connect() as (reader, writer):
            head, _, body = post(project(), b"Expect: 100-continue").partition(b"\r\n\r\n")
            writer.write(head + b"\r\n\r\n")
            assert (await read_answer(reader)).status == 100
            writer.write(body)
            assert (await read_answer(reader)).status == 201
        assert (await server.ask(post(project(), b"Expect: klingon"))).status == 417


class TestConnections:
    @pytest.mark.parametrize("name", ["no JSON", "an array", "lone surrogate", "200,000 arrays", "no Content-Type"])
    async def test_kept_alive(self, server: Server, name: str) -> None:
        """After an error whose body was read, or is short, the same connection goes on."""
        raw, status = BODIES[name]
        async with server.connect() as (reader, writer):
            for _ in range(3):
                writer.write(raw)
                assert (await read_answer(reader)).status == status
            writer.write(get("/api/"))
            assert (await read_answer(reader)).status == 200

    async def test_pipelined(self, server: Server) -> None:
        """Requests sent without waiting are answered in their order."""
        requests = [post(b"{"), get("/api/"), post(b"[]"), get("/nothing"), post(project()), post(project())]
        async with server.connect() as (reader, writer):
            writer.write(b"".join(requests))
            answers = [(await read_answer(reader)).status for _ in requests]
            assert answers == [400, 200, 422, 404, 201, 409]

    async def test_garbage_after_a_request(self, server: Server) -> None:
        """What follows a good request and is none is refused."""
        async with server.connect() as (reader, writer):
            writer.write(get("/api/"))
            assert (await read_answer(reader)).status == 200
            writer.write(b"\x00\x01 garbage\r\n\r\n")
            assert (await read_answer(reader)).status == 400

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"G",
            b"GET /api/ HTTP/1.1\r\nHost:",
            post(project()[:10], length=100),
            post(gzip.compress(project())[:10], GZIP, length=100),
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        ],
    )
    async def test_left(self, server: Server, raw: bytes) -> None:
        """A client that goes away in the middle harms nobody."""
        async with server.connect() as (_, writer):
            writer.write(raw)
            await writer.drain()

    async def test_half_closed(self, server: Server) -> None:
        """A client that ends its side in the middle of a body is told so, or the connection ends; nothing is stored."""
        async with server.connect() as (reader, writer):
            writer.write(post(GOOD, length=len(GOOD) + 1))
            writer.write_eof()
            rest = await asyncio.wait_for(reader.read(), timeout=20)
            assert not rest or rest.startswith(b"HTTP/1.1 400 ")

    async def test_others_are_served(self, server: Server) -> None:
        """Requests that are not finished keep nobody else from being served."""
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(50):
                _, writer = await stack.enter_async_context(server.connect())
                writer.write(post(b"{", length=100))
            assert (await server.ask(get("/api/projects"))).status == 200

    @pytest.mark.parametrize("raw", [b"GET /api/ HTTP/1.0\r\n\r\n", b"GET /api/ HTTP/1.1\r\n\r\n"])
    async def test_no_host(self, server: Server, raw: bytes) -> None:
        """A request without a Host is answered."""
        assert (await server.ask(raw)).status in (200, 400)

    @pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/9.9", b"HTTP/1", b"HTTPS/1.1", b"", b"\xff"])
    async def test_versions(self, server: Server, version: bytes) -> None:
        """Another version of HTTP is refused, or answered as 1.1."""
        answer = await server.ask(b"GET /api/ " + version + b"\r\nHost: a\r\n\r\n")
        assert answer.status in (200, 400)
