"""_forms: uploads that are hostile, endless or broken off. Bounded in bytes, parts, memory and open files."""

import asyncio
import base64
import gzip
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from aiotoolkit import _forms
from aiotoolkit.middlewares import setup_errors
from aiotoolkit.requests import UploadedFile, read_form
from aiotoolkit.responses import json_response
from aiotoolkit.schemas import Schema
from tests.ingest import run_script
from tests.raw import Address, raw_request, read_response, served

TYPE = "multipart/form-data; boundary=b"
LIMIT = 200_000
FIELD = b'Content-Disposition: form-data; name="a"'
FILE = FIELD + b'; filename="f"'
END = b"--b--\r\n"


def part(head: bytes, body: bytes = b"1") -> bytes:
    return b"--b\r\n" + head + b"\r\n\r\n" + body + b"\r\n"


def chunked(body: bytes) -> bytes:
    """The bytes of a request that does not say how long it is."""
    head = (
        f"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    pieces = [body[start : start + 50_000] for start in range(0, len(body), 50_000)]
    return head.encode() + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


class Files:
    """The temporary files of all forms."""

    def __init__(self) -> None:
        self.made: list[tempfile.SpooledTemporaryFile[bytes]] = []
        self.one = asyncio.Event()

    def make(self, **options: Any) -> Any:
        file = tempfile.SpooledTemporaryFile[bytes](**options)
        self.made.append(file)
        self.one.set()
        return file


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Files:
    """Temporary files that are known, in a folder of their own."""
    files = Files()
    monkeypatch.setattr(_forms, "SpooledTemporaryFile", files.make)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return files


class Uploads:
    """An application that reads forms.

    Attributes:
        forms: what was read.
        done: set when a request is over.
    """

    def __init__(self, **options: Any) -> None:
        self.forms: list[list[tuple[str, Any]]] = []
        self.done = asyncio.Event()
        self.app = web.Application(**options)
        setup_errors(self.app)
        self.app.router.add_post("/", self.upload)

    async def upload(self, request: web.Request) -> web.Response:
        try:
            form = await read_form(request)
        finally:
            self.done.set()
        self.forms.append(list(form.items()))
        return json_response([value.size if isinstance(value, UploadedFile) else len(value) for value in form.values()])


@pytest.fixture
async def small(aiohttp_server: Any) -> Any:
    return await aiohttp_server(Uploads(client_max_size=LIMIT).app)


@pytest.fixture
async def large(aiohttp_server: Any) -> Any:
    return await aiohttp_server(Uploads(client_max_size=0, client_max_fields=0).app)


TOO_LARGE = {
    "text": part(FIELD, b"x" * LIMIT) + END,
    "file": part(FILE, b"x" * LIMIT) + END,
    "text without an end": part(FIELD, b"x" * LIMIT),
    "lines without a boundary": part(FIELD, b"--a\r\n" * 50_000),
    "base64": part(FIELD + b"\r\nContent-Transfer-Encoding: base64", base64.b64encode(b"x" * LIMIT)) + END,
    "many small files": part(FILE, b"x" * 500) * 500 + END,
    "headers": part(FIELD + b"\r\nX: " + b"y" * 8000) * 30 + END,
    "more parts than fields": part(FIELD) * 2000 + END,
    "empty parts": part(FIELD, b"") * 2000 + END,
}


@pytest.mark.parametrize("send", ["length", "chunked"])
@pytest.mark.parametrize("name", TOO_LARGE)
async def test_too_large(small: Any, files: Files, tmp_path: Path, name: str, send: str) -> None:
    """Every byte and every part counts, with a Content-Length or without; no file is left open or on disk."""
    body = TOO_LARGE[name]
    request = raw_request("POST", "/", body, content_type=TYPE) if send == "length" else chunked(body)
    response = await read_response(small, request)
    assert response.status == 413
    assert response.headers["Content-Type"] == "application/problem+json"
    assert all(file.closed for file in files.made)
    assert os.listdir(tmp_path) == []
    assert (await read_response(small, raw_request("POST", "/", part(FIELD) + END, content_type=TYPE))).status == 200


async def test_others_get_their_turn(aiohttp_server: Any) -> None:
    """While a form of thousands of parts is read, which takes long however small they are, others are served."""
    uploads = Uploads(client_max_fields=0)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while not uploads.done.is_set():
            turns += 1
            await asyncio.sleep(0)

    server = await aiohttp_server(uploads.app)
    request = raw_request("POST", "/", part(FIELD) * 5000 + END, content_type=TYPE)
    response, _ = await asyncio.gather(read_response(server, request), count())
    assert len(response.json()) == 5000
    assert turns > 300


async def test_a_gzip_bomb(small: Any, files: Files, tmp_path: Path) -> None:
    """Of an encoded form, the bytes count that it has when it is inflated."""
    bomb = gzip.compress(part(FILE, b"x" * 50_000_000) + END)
    assert len(bomb) < LIMIT
    request = raw_request("POST", "/", bomb, content_type=TYPE, headers=[("Content-Encoding", "gzip")])
    assert (await read_response(small, request)).status == 413
    assert all(file.closed for file in files.made)
    assert os.listdir(tmp_path) == []


BROKEN = {
    "a preamble of many lines": b"\r\n" * 50_000 + part(FIELD) + END,
    "a preamble of one line": b"x" * 60_000 + b"\r\n" + part(FIELD) + END,
    "a preamble without an end": b"x" * 1_000_000,
    "boundaries that are nearly right": b"--c\r\n" * 100_000,
    "headers": part(FIELD + b"".join(b"\r\nX-%d: %b" % (number, b"y" * 8000) for number in range(9))) + END,
    "a long header and more": part(FIELD + b"\r\nX: " + b"y" * 1_000_000) + END,
    "many headers": part(FIELD + b"".join(b"\r\nX-%d: y" % number for number in range(200))) + END,
    "a nested form": part(b"Content-Type: multipart/mixed; boundary=c", b"--c\r\n\r\n1\r\n--c--") * 100 + END,
    "a nested form with the same boundary": part(b"Content-Type: " + TYPE.encode(), b"") * 100 + END,
    "a part without a name": part(b"Content-Disposition: form-data", b"x" * 100_000) + END,
    "a line of quoted-printable": (
        part(FIELD + b"\r\nContent-Transfer-Encoding: quoted-printable", b"x" * 200_000) + END
    ),
    "bad base64": part(FIELD + b"\r\nContent-Transfer-Encoding: base64", b"A" * 99_999) + END,
    "another transfer encoding": part(FIELD + b"\r\nContent-Transfer-Encoding: x-uuencode") + END,
    "a file that does not end": part(FILE, b"x" * 2_000_000),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_broken(large: Any, files: Files, tmp_path: Path, name: str) -> None:
    """What is no form is 400 and not read on, even where the application takes any size."""
    response = await read_response(large, raw_request("POST", "/", BROKEN[name], content_type=TYPE))
    assert response.status == 400
    assert response.headers["Content-Type"] == "application/problem+json"
    assert all(file.closed for file in files.made)
    assert os.listdir(tmp_path) == []


async def test_what_is_read_before_a_part(large: Any) -> None:
    """The limit is that of one part: many parts may have long headers."""
    body = b"preamble\r\n" * 100 + part(FIELD + b"\r\nX: " + b"y" * 8000) * 20 + END + b"epilogue" * 1000
    response = await read_response(large, raw_request("POST", "/", body, content_type=TYPE))
    assert response.json() == [1] * 20


@pytest.mark.parametrize("offset", range(6))
@pytest.mark.parametrize("kind", ["text", "file"])
async def test_codes_that_are_divided(aiohttp_server: Any, kind: str, offset: int) -> None:
    """Wherever a body is divided, quoted-printable and base64 are decoded as one."""
    uploads = Uploads(client_max_size=0)
    server = await aiohttp_server(uploads.app)
    content = b"a" * offset + "é\r\n".encode() * 30_000
    quoted = b"a" * offset + b"=C3=\r\n=A9\r\n" * 30_000
    head = FIELD if kind == "text" else FILE
    body = part(head + b"\r\nContent-Transfer-Encoding: quoted-printable", quoted)
    body += part(head + b"\r\nContent-Transfer-Encoding: base64", base64.encodebytes(content)) + END
    response = await read_response(server, raw_request("POST", "/", body, content_type=TYPE))
    length = len(content) if kind == "file" else len(content.decode())
    assert (response.status, response.json()) == (200, [length, length])
    if kind == "text":
        assert [value for _, value in uploads.forms[0]] == [content.decode()] * 2


async def test_an_encoding_of_a_part(large: Any) -> None:
    """A part is never inflated (RFC 7578, section 4.8): its Content-Encoding means nothing."""
    body = part(FIELD + b"\r\nContent-Encoding: gzip", b"1" * 500) + END
    assert (await read_response(large, raw_request("POST", "/", body, content_type=TYPE))).json() == [500]


async def test_memory_and_disk(aiohttp_server: Any, files: Files) -> None:
    """Files stay in memory up to one MiB for all of a form, and small ones; others are on disk, all closed at last."""
    server = await aiohttp_server(Uploads(client_max_size=0).app)
    sizes = [600_000, 600_000, 300_000, 2_000_000, 70_000, 60_000, 300_000]
    body = b"".join(part(FILE, b"x" * size) for size in sizes) + END
    response = await read_response(server, raw_request("POST", "/", body, content_type=TYPE))
    assert response.json() == sizes
    assert [file._rolled for file in files.made] == [False, True, False, True, False, False, True]  # type: ignore[attr-defined]  # where it is
    assert all(file.closed for file in files.made)


async def test_limits_of_files(aiohttp_server: Any) -> None:
    """A schema limits the number of files by maxItems, and the size of each by maxLength: 422 in the file's name."""
    schema = Schema(
        form={
            "properties": {
                "a": {"type": "array", "items": {"format": "binary", "type": "string", "maxLength": 10}, "maxItems": 2}
            }
        }
    )

    @schema.handler
    async def view(request: web.Request, *, form: dict[str, Any]) -> int:
        return len(form["a"])

    app = web.Application()
    setup_errors(app)
    app.router.add_post("/", view)
    server = await aiohttp_server(app)
    for sizes, detail in (
        ([10, 10], None),
        ([0, 11], "must have at most 10 bytes"),
        ([1, 1, 1], "must have at most 2 items"),
    ):
        body = b"".join(part(FILE, b"x" * size) for size in sizes) + END
        response = await read_response(server, raw_request("POST", "/", body, content_type=TYPE))
        assert response.status == (200 if detail is None else 422)
        if detail is not None:
            assert response.json()["errors"] == [{"detail": detail, "in": "body", "pointer": "#/a"}]


async def start(server: Address, sent: bytes) -> asyncio.StreamWriter:
    """Send the beginning of a large form."""
    _, writer = await asyncio.open_connection(server.host, server.port)
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {TYPE}\r\nContent-Length: 90000000\r\n\r\n"
    writer.write(head.encode() + sent)
    await writer.drain()
    return writer


@pytest.mark.parametrize("size", [10, 100_000, 3_000_000])
async def test_a_client_that_leaves(files: Files, tmp_path: Path, size: int) -> None:
    """When a client leaves in the middle of a file, all files of its form are closed, and none is left on disk."""
    uploads = Uploads(client_max_size=0)
    async with served(uploads.app) as server:
        writer = await start(server, part(FILE, b"x" * 2_000_000) + b"--b\r\n" + FILE + b"\r\n\r\n" + b"x" * size)
        await asyncio.wait_for(files.one.wait(), 5)
        writer.transport.abort()
        await asyncio.wait_for(uploads.done.wait(), 5)
    assert files.made
    assert all(file.closed for file in files.made)
    assert os.listdir(tmp_path) == []


async def test_a_server_that_stops(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that is cancelled while a thread writes its file closes the file after that, and not before."""
    uploads = Uploads(client_max_size=0)
    loop, writing, may_go_on = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    events: list[str] = []

    class Slow(tempfile.SpooledTemporaryFile[bytes]):
        def write(self, data: bytes) -> int:  # type: ignore[override]  # as it is called
            loop.call_soon_threadsafe(writing.set)
            asyncio.run_coroutine_threadsafe(may_go_on.wait(), loop).result(5)
            events.append("written")
            return super().write(data)

        def close(self) -> None:
            events.append("closed")
            super().close()

    monkeypatch.setattr(_forms, "SpooledTemporaryFile", Slow)
    monkeypatch.setattr(_forms, "_IN_MEMORY", 0)
    monkeypatch.setattr(_forms, "_SMALL", 0)
    async with served(uploads.app) as server:
        writer = await start(server, b"--b\r\n" + FILE + b"\r\n\r\n" + b"x" * 200_000)
        await asyncio.wait_for(writing.wait(), 5)
        writer.transport.abort()
        loop.call_later(0.1, may_go_on.set)
        await asyncio.wait_for(uploads.done.wait(), 5)
    assert events[:2] == ["written", "closed"]


MEMORY = """
    import asyncio, resource, sys
    from aiohttp import ClientSession, FormData, web
    from aiotoolkit.requests import read_form

    size = int(sys.argv[1])

    async def upload(request):
        form = await read_form(request)
        return web.json_response(form["f"].size)

    async def content():
        head = b'--b\\r\\nContent-Disposition: form-data; name="f"; filename="f"\\r\\n\\r\\n'
        yield head
        for _ in range(size // 65536):
            yield b"x" * 65536
        yield b"\\r\\n--b--\\r\\n"

    async def main():
        app = web.Application(client_max_size=0)
        app.router.add_post("/", upload)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        async with ClientSession() as session:
            headers = {"Content-Type": "multipart/form-data; boundary=b"}
            async with session.post(f"http://{host}:{port}/", data=content(), headers=headers) as response:
                print(response.status, await response.json() == size // 65536 * 65536)
        await runner.cleanup()
        unit = 1 if sys.platform == "darwin" else 1024
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit)

    asyncio.run(main())
"""


def test_memory_of_a_large_upload() -> None:
    """An upload needs no more memory than its first megabyte, however large it is."""
    done = run_script(MEMORY, str(64 << 20))
    assert done.stderr == ""
    status, growth = done.stdout.splitlines()
    assert status == "200 True"
    assert int(growth) < 24 << 20
