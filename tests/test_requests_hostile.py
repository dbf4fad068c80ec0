"""requests: bytes that only an attacker or a broken client sends, over plain sockets. Never a 5xx, never a hang."""

import asyncio
import gzip
import logging
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import multipart, web
from aiohttp.test_utils import TestServer
from pytest_aiohttp.plugin import AiohttpServer

from aiotoolkit.middlewares import setup_errors
from aiotoolkit.requests import read_form, read_json
from aiotoolkit.responses import json_response

from .raw import exchange, raw_request, read_response, served

MULTIPART = "multipart/form-data; boundary=b"
URLENCODED = "application/x-www-form-urlencoded"


class Requests:
    """A server, and what happened to its requests.

    Attributes:
        begun: set when a handler begins.
        done: set when a request is over for the error middleware.
    """

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.done = asyncio.Event()
        self.app = web.Application(client_max_size=200_000)
        setup_errors(self.app)
        self.app.router.add_post("/json", self.json)
        self.app.router.add_post("/form", self.form)
        self.app.router.add_post("/read", self.read)
        self.app.middlewares.insert(0, self.watch)

    @property
    def watch(self) -> Any:
        @web.middleware
        async def watch(request: web.Request, handler: Callable[..., Awaitable[Any]]) -> Any:
            self.begun.set()
            try:
                return await handler(request)
            finally:
                self.done.set()

        return watch

    async def json(self, request: web.Request) -> web.Response:
        return json_response(await read_json(request))

    async def form(self, request: web.Request) -> web.Response:
        form = await read_form(request)
        return json_response(
            [[name, value if isinstance(value, str) else value.filename] for name, value in form.items()]
        )

    async def read(self, request: web.Request) -> web.Response:
        return json_response(len(await request.read()))


@pytest.fixture
def requests() -> Requests:
    return Requests()


@pytest.fixture
async def server(requests: Requests, aiohttp_server: AiohttpServer) -> TestServer:
    return await aiohttp_server(requests.app)


@pytest.fixture(autouse=True)
def no_error_is_logged(caplog: pytest.LogCaptureFixture) -> Any:
    """A client's mistake is no error of the server: nothing is logged from WARNING on."""
    yield
    logged = [record for record in caplog.get_records("call") if record.levelno >= logging.WARNING]
    assert [record.getMessage() for record in logged] == []


DISPOSITION = b'Content-Disposition: form-data; name="a"'


def part(head: bytes, body: bytes = b"1") -> bytes:
    return b"--b\r\n" + head + b"\r\n\r\n" + body + b"\r\n"


END = b"--b--\r\n"

BROKEN_FORMS: dict[str, tuple[str, bytes]] = {
    "no boundary": ("multipart/form-data", b"x"),
    "long boundary": ("multipart/form-data; boundary=" + "b" * 200, b"x"),
    "garbage": (MULTIPART, b"garbage"),
    "empty": (MULTIPART, b""),
    "only a line break": (MULTIPART, b"\r\n"),
    "cut off in a header": (MULTIPART, b"--b\r\nContent-Dispo"),
    "cut off after a header": (MULTIPART, b"--b\r\n" + DISPOSITION),
    "cut off in the content": (MULTIPART, b"--b\r\n" + DISPOSITION + b"\r\n\r\n1"),
    "another boundary": (MULTIPART, part(DISPOSITION).replace(b"--b", b"--c")),
    "no end": (MULTIPART, part(DISPOSITION)),
    "no name": (MULTIPART, part(b"Content-Disposition: form-data") + END),
    "no disposition": (MULTIPART, part(b"X: y") + END),
    "no headers": (MULTIPART, b"--b\r\n\r\n1\r\n" + END),
    "no colon": (MULTIPART, part(b"nocolon") + END),
    "control character": (MULTIPART, part(DISPOSITION + b'; filename="a\x00b"') + END),
    "long header": (MULTIPART, part(b"X: " + b"y" * 20_000) + END),
    "many headers": (MULTIPART, part(b"\r\n".join(b"X-%d: y" % number for number in range(1000))) + END),
    "nested": (
        MULTIPART,
        part(DISPOSITION + b"\r\nContent-Type: multipart/mixed; boundary=c", b"--c\r\n\r\n1\r\n--c--") + END,
    ),
    "unknown transfer encoding": (MULTIPART, part(DISPOSITION + b"\r\nContent-Transfer-Encoding: nope") + END),
    "bad base64": (MULTIPART, part(DISPOSITION + b"\r\nContent-Transfer-Encoding: base64", b"abc") + END),
    "unknown charset": (MULTIPART, part(DISPOSITION + b"\r\nContent-Type: text/plain; charset=nope") + END),
    "charset of no text": (MULTIPART, part(DISPOSITION + b"\r\nContent-Type: text/plain; charset=hex") + END),
    "charset undefined": (MULTIPART, part(DISPOSITION + b"\r\nContent-Type: text/plain; charset=undefined") + END),
    # Minutes of work for a megabyte, if it were decoded.
    "charset that is a bomb": (
        MULTIPART,
        part(DISPOSITION + b"\r\nContent-Type: text/plain; charset=punycode", b"a" * 80_000 + b"-" + b"b" * 80_000)
        + END,
    ),
    "bytes that are no UTF-8": (MULTIPART, part(DISPOSITION, b"\xff") + END),
    "bytes of another type": (MULTIPART, part(DISPOSITION + b"\r\nContent-Type: application/x", b"\xff") + END),
    "surrogate in UTF-7": (
        MULTIPART,
        part(DISPOSITION + b"\r\nContent-Type: text/plain; charset=utf-7", b"+2AA-") + END,
    ),
    "surrogate in escapes": (
        MULTIPART,
        part(DISPOSITION + b"\r\nContent-Type: text/plain; charset=unicode_escape", rb"\ud800") + END,
    ),
    "raw byte in a name": (MULTIPART, part(b'Content-Disposition: form-data; name="\xff"') + END),
    "raw byte in a file name": (MULTIPART, part(DISPOSITION + b'; filename="\xff"') + END),
    "raw byte in a type": (MULTIPART, part(DISPOSITION + b'; filename="f"\r\nContent-Type: a/\xff') + END),
    "_charset_ unknown": (
        MULTIPART,
        part(b'Content-Disposition: form-data; name="_charset_"', b"nope") + part(DISPOSITION) + END,
    ),
    "_charset_ long": (
        MULTIPART,
        part(b'Content-Disposition: form-data; name="_charset_"', b"x" * 1000) + part(DISPOSITION) + END,
    ),
    "large file, then garbage": (
        MULTIPART,
        part(DISPOSITION + b'; filename="f"', b"x" * 150_000) + part(b"nocolon") + END,
    ),
    "urlencoded bytes": (URLENCODED, b"a=\xff"),
    "urlencoded surrogate": (URLENCODED, b"a=\xed\xa0\x80"),
}


@pytest.mark.parametrize("name", BROKEN_FORMS)
async def test_broken_forms(server: TestServer, name: str) -> None:
    """A form that cannot be read is 400, however it is broken."""
    content_type, body = BROKEN_FORMS[name]
    response = await read_response(server, raw_request("POST", "/form", body, content_type=content_type))
    assert response.status == 400
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["detail"] in {
        "The body is not a readable form.",
        "The body broke off, or its encoding is damaged.",
    }


ODD_FORMS: dict[str, tuple[str, bytes, list[list[str]]]] = {
    "no parts": (MULTIPART, END, []),
    "preamble and epilogue": (MULTIPART, b"preamble\r\n" + part(DISPOSITION) + END + b"epilogue", [["a", "1"]]),
    "wrong length of a part": (MULTIPART, part(DISPOSITION + b"\r\nContent-Length: zzz") + END, [["a", "1"]]),
    "encoding of a part": (MULTIPART, part(DISPOSITION + b"\r\nContent-Encoding: gzip") + END, [["a", "1"]]),
    "bad type of a part": (MULTIPART, part(DISPOSITION + b"\r\nContent-Type: ;;;") + END, [["a", "1"]]),
    "bad quoted-printable": (
        MULTIPART,
        part(DISPOSITION + b"\r\nContent-Transfer-Encoding: quoted-printable", b"=ZZ=") + END,
        [["a", "=ZZ"]],
    ),
    "path": (MULTIPART, part(DISPOSITION + b'; filename="../../x"') + END, [["a", "x"]]),
    "urlencoded oddities": (
        URLENCODED,
        b"a=%FF&&b=%zz&=c&d;e",
        [["a", "\ufffd"], ["b", "%zz"], ["", "c"], ["d;e", ""]],
    ),
}


@pytest.mark.parametrize("name", ODD_FORMS)
async def test_odd_forms(server: TestServer, name: str) -> None:
    """Oddities that have one meaning are read with it."""
    content_type, body, fields = ODD_FORMS[name]
    response = await read_response(server, raw_request("POST", "/form", body, content_type=content_type))
    assert (response.status, response.json()) == (200, fields)


@pytest.mark.parametrize("size", [4, 100_000])
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize(
    ("path", "content_type"),
    [("/json", "application/json"), ("/form", URLENCODED), ("/form", MULTIPART), ("/read", "a/b")],
)
async def test_damaged_encoding(server: TestServer, path: str, content_type: str, encoding: str, size: int) -> None:
    """A body that is not in its encoding is 400; the connection is closed then, without an error in the log.

    So it is where the handler reads the body itself.
    """
    headers: list[tuple[str, str | bytes]] = [("Content-Encoding", encoding)]
    request = raw_request("POST", path, b"\xff" * size, headers=headers, content_type=content_type, close=False)
    # read_response returns when the server has closed the connection.
    response = await read_response(server, request)
    assert response.status == 400
    assert response.json()["detail"] == "The body broke off, or its encoding is damaged."
    assert response.headers["Connection"] == "close"


async def test_nothing_after_a_damaged_body(server: TestServer) -> None:
    """What follows a damaged body on the same connection is never taken for a request."""
    damaged = raw_request("POST", "/json", b"zzzz", headers=[("Content-Encoding", "gzip")], close=False)
    received = await exchange(server, damaged + raw_request("POST", "/json", b"[]"))
    assert received.count(b"HTTP/1.1 ") == 1
    assert received.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("kept", [3, 10, 15, -10, -1])
async def test_truncated_gzip(server: TestServer, kept: int) -> None:
    """A truncated gzip stream is 400, unless nothing but its checksum is missing."""
    body = gzip.compress(b'{"name": "a longer text, so that there is something to cut off"}')[:kept]
    response = await read_response(server, raw_request("POST", "/json", body, headers=[("Content-Encoding", "gzip")]))
    assert response.status == (200 if kept == -1 else 400)


@pytest.mark.parametrize(
    "data",
    [
        raw_request("POST", "/json", b"[]", headers=[("Content-Encoding", "zstd2"), ("X", b"\x7f")]),
        raw_request("POST", "/json", b"[]", headers=[("Content-Length", "3")]),
        raw_request("G\xcbT", "/json", b"[]"),
        b"garbage\r\n\r\n",
        b"POST /json HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["control", "two lengths", "method", "garbage", "chunk size"],
)
async def test_what_the_parser_refuses(server: TestServer, caplog: pytest.LogCaptureFixture, data: bytes) -> None:
    """A known limit: what aiohttp's parser refuses is its own 400, logged by it, which no middleware sees."""
    response = await read_response(server, data)
    assert response.status == 400
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert {record.name for record in caplog.records} <= {"aiohttp.server", "aiohttp.access"}
    caplog.clear()


@pytest.mark.parametrize(
    "data",
    [
        raw_request("POST", "/json", zlib.compress(b"[1, 2, 3]")[:-4], headers=[("Content-Encoding", "deflate")]),
        raw_request("POST", "/json/é", b"[]"),
        raw_request("POST", "/json?é", b"[]"),
    ],
    ids=["truncated deflate", "path", "query"],
)
async def test_what_one_parser_refuses(server: TestServer, caplog: pytest.LogCaptureFixture, data: bytes) -> None:
    """What aiohttp's C parser refuses and its pure Python parser passes on is no 5xx with either of them."""
    response = await read_response(server, data)
    assert response.status in (200, 400, 404)
    caplog.clear()


async def test_unknown_expectation(server: TestServer) -> None:
    """A known limit: an Expect header that aiohttp does not know is its own 417."""
    response = await read_response(server, raw_request("POST", "/json", b"[]", headers=[("Expect", "magic")]))
    assert response.status == 417
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"


async def test_expectation(server: TestServer) -> None:
    """A client that waits for 100 Continue gets it, and then its answer."""
    received = await exchange(server, raw_request("POST", "/json", b"[]", headers=[("Expect", "100-continue")]))
    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("path", ["/json", "/form"])
async def test_gzip_bomb(server: TestServer, path: str) -> None:
    """A gzip bomb ends at client_max_size, with 413."""
    body = gzip.compress(b" " * 50_000_000)
    content_type = "application/json" if path == "/json" else URLENCODED
    request = raw_request("POST", path, body, headers=[("Content-Encoding", "gzip")], content_type=content_type)
    response = await read_response(server, request)
    assert response.status == 413
    assert response.json()["title"] == "Content Too Large"


async def test_two_content_encodings(server: TestServer) -> None:
    """Two headers are a list of two encodings, which nothing undoes: 415."""
    headers: list[tuple[str, str | bytes]] = [("Content-Encoding", "gzip"), ("Content-Encoding", "foo")]
    body = gzip.compress(b"[]")
    response = await read_response(server, raw_request("POST", "/json", body, headers=headers))
    assert response.status == 415
    assert response.headers["Accept-Encoding"] == "gzip, deflate"


@pytest.mark.parametrize("content_type", ["é/é", '"";;;=', "application/json; charset=\xff", "a" * 5000, "/", "+json"])
async def test_odd_content_types(server: TestServer, content_type: str) -> None:
    """A content type that means nothing is 415, or 400 where the parser refuses it."""
    response = await read_response(server, raw_request("POST", "/json", b"[]", content_type=content_type))
    assert response.status in (400, 415)


@pytest.mark.parametrize("path", ["/json", "/form", "/read"])
async def test_client_leaves(requests: Requests, path: str) -> None:
    """A client that leaves in the middle of its body ends its request, quietly."""
    content_type = {"/json": "application/json", "/form": MULTIPART}.get(path, "a/b")
    request = raw_request("POST", path, b"--b\r\n" + b"x" * 100, content_type=content_type)
    async with served(requests.app) as server:
        _, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(request[:-50])
        await asyncio.wait_for(requests.begun.wait(), 5)
        writer.transport.abort()
        await asyncio.wait_for(requests.done.wait(), 5)


async def test_chunked_body_that_breaks(requests: Requests) -> None:
    """A chunked body that turns into garbage is no request any more: when its client leaves, all is quiet.

    Until then aiohttp's C parser lets the handler wait (a known limit); its pure Python parser ends it at once.
    """
    head = b"POST /json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with served(requests.app) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(head + b"1\r\n[\r\n")
        await asyncio.wait_for(requests.begun.wait(), 5)
        writer.write(b"zz\r\n")
        await writer.drain()
        writer.close()
        await asyncio.wait_for(requests.done.wait(), 5)
        assert b"HTTP/1.1 5" not in await reader.read()


async def test_chunked(server: TestServer) -> None:
    """A chunked body is read as any other."""
    head = b"POST /json HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    response = await read_response(server, head + b"Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n1\r\n]\r\n0\r\n\r\n")
    assert (response.status, response.json()) == (200, [])


@pytest.mark.parametrize("path", ["/json", "/form"])
@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; a*",
        "application/json; charset*",
        "application/json; a*" + "1" * 4301,
        "multipart/form-data; boundary*",
        "application/x-www-form-urlencoded; charset*=x",
    ],
)
async def test_content_types_that_python_cannot_parse(server: TestServer, path: str, content_type: str) -> None:
    """Parameters over which Python's parser of such headers trips (RFC 2231) are the client's mistake."""
    response = await read_response(server, raw_request("POST", path, b"{}", content_type=content_type))
    assert response.status in (400, 415)
    assert response.headers["Content-Type"] == "application/problem+json"


async def test_no_text_of_a_client_stays_in_memory(server: TestServer) -> None:
    """aiohttp warns of a damaged Content-Disposition with its text, and Python would remember each for good."""
    registry = getattr(multipart, "__warningregistry__", {})
    before = len(registry)
    for number in range(3):
        body = part(b'Content-Disposition: form-data; name="a"; x%d y; z' % number) + END
        response = await read_response(server, raw_request("POST", "/form", body, content_type=MULTIPART))
        assert response.status in (200, 400)
    assert len(getattr(multipart, "__warningregistry__", {})) == before


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate"])
@pytest.mark.parametrize("path", ["/nope", "/read"])
async def test_a_damaged_body_that_nobody_reads(
    server: TestServer, caplog: pytest.LogCaptureFixture, path: str, encoding: bytes
) -> None:
    """aiohttp does not go on to read it after the answer, which it would log as an error of its own."""
    request = raw_request("GET", path, b"garbage" * 9, headers=[("Content-Encoding", encoding.decode())])
    response = await read_response(server, request)
    assert response.status in (404, 405)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
