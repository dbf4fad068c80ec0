"""fallback: what is not ported is the old application's, within bounds, and nothing else is."""

import asyncio
import gzip
import hashlib
import io
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from wsgiref.validate import validator

import pytest
from aiohttp import ClientPayloadError, ClientSession, FormData, UnixConnector, web
from aiohttp.test_utils import TestClient, TestServer

from aiotoolkit.logger import request_id_var
from aiotoolkit.middlewares import error_middleware, setup_errors, setup_request_id
from aiotoolkit.porting import _wsgi_request
from aiotoolkit.porting.fallback import UnportedRoute, setup_fallback, unported_routes
from aiotoolkit.porting.hooks import setup_hooks
from tests.porting.both import flask_served
from tests.raw import exchange, raw_request, read_response, served

needs_flask = pytest.mark.extra("flask")

if TYPE_CHECKING or find_spec("flask"):  # the marks skip the tests where it is missing
    import flask

LIMIT = 30.0

Environ = dict[str, Any]
Start = Callable[..., Any]


def make(wsgi: Any, **options: Any) -> web.Application:
    app = web.Application()
    setup_fallback(app, wsgi, **options)
    return app


def answering(
    body: Iterable[bytes], status: str = "200 OK", headers: list[tuple[str, str]] | None = None
) -> Callable[[Environ, Start], Iterable[bytes]]:
    """A WSGI application with one answer."""

    def application(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response(status, headers or [("Content-Type", "text/plain")])
        return body

    return application


def show_environ(environ: Environ, start_response: Start) -> Iterable[bytes]:
    """A WSGI application that shows what it was told, but for what is no text."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH", 0)))
    lines = [f"{key}={value}" for key, value in sorted(environ.items()) if isinstance(value, str)]
    content = "\n".join([*lines, f"BODY={body!r}"]).encode("latin-1")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(content)))])
    return [content]


async def told(data: bytes, app: web.Application | None = None) -> dict[str, str]:
    """What the old application is told of a raw request."""
    async with served(app or make(validator(show_environ))) as address:
        answer = await read_response(address, data)
    assert answer.status == 200, answer
    return dict(line.split("=", 1) for line in answer.body.decode("latin-1").split("\n"))


class Gate:
    """A WSGI application whose requests wait until the test lets them go on."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.opened = threading.Event()
        self.answered = 0

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        self.entered.release()
        assert self.opened.wait(LIMIT)
        self.answered += 1
        start_response("200 OK", [("Content-Length", "4")])
        return [b"done"]

    async def wait(self, count: int = 1) -> None:
        """Until so many requests are inside."""
        for _ in range(count):
            assert await asyncio.to_thread(self.entered.acquire, timeout=LIMIT)


# What goes to the old application


@needs_flask
class TestRouting:
    @pytest.fixture
    def app(self) -> web.Application:
        old = flask.Flask("old")
        for rule in ("/ported", "/half", "/old", "/missing", "/inner/old"):
            old.add_url_rule(
                rule, rule, lambda: f"flask {flask.request.method} {flask.request.path}", methods=["GET", "POST"]
            )

        async def ported(request: web.Request) -> web.Response:
            return web.Response(text=f"aiohttp {request.method} {request.path}")

        async def missing(request: web.Request) -> web.Response:
            raise web.HTTPNotFound(text="aiohttp 404")

        async def forbids(request: web.Request) -> web.Response:
            raise web.HTTPMethodNotAllowed("GET", ["POST"], text="aiohttp 405")

        app = web.Application()
        app.router.add_route("*", "/ported", ported)
        app.router.add_get("/half", ported)
        app.router.add_get("/missing", missing)
        app.router.add_get("/forbids", forbids)
        inner = web.Application()
        inner.router.add_get("/new", ported)
        app.add_subapp("/inner/", inner)
        setup_fallback(app, old)
        return app

    @pytest.mark.parametrize(
        ("method", "path", "status", "text"),
        [
            ("GET", "/ported", 200, "aiohttp GET /ported"),
            ("POST", "/ported", 200, "aiohttp POST /ported"),
            ("GET", "/half", 200, "aiohttp GET /half"),
            ("POST", "/half", 200, "flask POST /half"),
            ("GET", "/old", 200, "flask GET /old"),
            ("GET", "/missing", 404, "aiohttp 404"),
            ("POST", "/missing", 200, "flask POST /missing"),
            ("GET", "/forbids", 405, "aiohttp 405"),
            ("GET", "/inner/new", 200, "aiohttp GET /inner/new"),
            ("GET", "/inner/old", 200, "flask GET /inner/old"),
            ("GET", "/nowhere", 404, None),
            ("PUT", "/old", 405, None),
        ],
    )
    @pytest.mark.parametrize("errors", [False, True])
    async def test_who_answers(
        self, app: web.Application, errors: bool, method: str, path: str, status: int, text: str | None
    ) -> None:
        """Routes of the new application win; only what they are not for is the old one's: path or method."""
        if errors:
            setup_errors(app)
        async with TestClient(TestServer(app)) as client, client.request(method, path) as response:
            body = await response.text()
            assert response.status == status
            if text is None:
                assert "<!doctype html>" in body  # Flask's own page
            elif status == 200:
                assert body == text
            else:
                assert text in body
                assert "flask" not in body

    async def test_head_and_options(self, app: web.Application) -> None:
        """Flask answers HEAD without a body and with the length of GET's, and OPTIONS with Allow."""
        async with served(app) as address:
            head = await read_response(address, raw_request("HEAD", "/old", content_type=None))
            options = await read_response(address, raw_request("OPTIONS", "/old", content_type=None))
        assert (head.status, head.headers["Content-Length"], head.body) == (200, "15", b"")
        assert options.status == 200
        assert set(options.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}

    async def test_counted(self) -> None:
        """on_fallback sees each request that is not ported, and no other."""
        counter = Counter[str]()
        old = flask.Flask("old")
        app = web.Application()

        async def ported(request: web.Request) -> web.Response:
            return web.Response()

        app.router.add_get("/ported", ported)
        setup_fallback(app, old, on_fallback=lambda request: counter.update([f"{request.method} {request.path}"]))
        async with TestClient(TestServer(app)) as client:
            for path in ("/ported", "/old", "/old"):
                await client.get(path)
        assert counter == {"GET /old": 2}

    async def test_middlewares_run(self, app: web.Application) -> None:
        """Middlewares see the old application's answers; the request id is in its threads and on its answers."""
        seen = []

        @web.middleware
        async def middleware(request: web.Request, handler: Any) -> web.StreamResponse:
            response: web.StreamResponse = await handler(request)
            response.headers["X-New"] = "yes"
            return response

        def old(environ: Environ, start_response: Start) -> Iterable[bytes]:
            seen.append(request_id_var.get())
            return answering([b"x"])(environ, start_response)

        app = web.Application(middlewares=[middleware])
        setup_request_id(app)
        setup_fallback(app, old)
        async with TestClient(TestServer(app)) as client:
            response = await client.get("/", headers={"X-Request-ID": "the-id"})
        assert (response.headers["X-New"], response.headers["X-Request-ID"]) == ("yes", "the-id")
        assert seen == ["the-id"]


@pytest.mark.parametrize(("first", "expected"), [("hooks", ["/", "/old"]), ("fallback", ["/"])])
async def test_hooks(first: str, expected: list[str]) -> None:
    """Hooks that are set up before the fallback run for the old application's requests too; those after it do not."""
    app = web.Application()
    seen = []
    if first == "fallback":
        setup_fallback(app, answering([b"old"]))
    hooks = setup_hooks(app, errors=error_middleware())
    if first == "hooks":
        setup_fallback(app, answering([b"old"]))

    @hooks.after_request
    async def after(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        seen.append(request.path)
        return response

    async def view(request: web.Request) -> web.Response:
        return web.Response()

    app.router.add_get("/", view)
    async with TestClient(TestServer(app)) as client:
        for path in ("/", "/old"):
            assert (await client.get(path)).status == 200
    assert seen == expected


@needs_flask
@pytest.mark.extra("aiohttp_session")
async def test_session_cookie_of_flask() -> None:
    """The cookie that Flask sets is the only one, though a middleware has changed the session too."""
    from aiohttp_session import get_session

    from aiotoolkit.porting.sessions import FlaskSessionStorage, setup_sessions

    old = flask.Flask("old")
    old.secret_key = "secret"

    @old.get("/login")
    def login() -> str:
        flask.session["user"] = 5
        return "ok"

    old.add_url_rule("/plain", "plain", lambda: "ok")

    @web.middleware
    async def middleware(request: web.Request, handler: Any) -> web.StreamResponse:
        (await get_session(request))["seen"] = 1
        response: web.StreamResponse = await handler(request)
        return response

    app = web.Application()
    storage = FlaskSessionStorage.from_config(old.config)
    setup_sessions(app, storage)
    app.middlewares.append(middleware)
    setup_fallback(app, old)
    found = []
    async with served(app) as address:
        for path in ("/login", "/plain"):
            answer = await read_response(address, raw_request("GET", path))
            [cookie] = answer.headers.getall("Set-Cookie")
            read = storage._signed.read(cookie.partition(";")[0].partition("=")[2])
            assert read is not None
            found.append(read.session)
    assert found == [{"user": 5}, {"seen": 1}]


# What the old application is told


class TestEnviron:
    async def test_get(self) -> None:
        """The environ is PEP 3333's: wsgiref's validator has nothing to say against it."""
        data = b"GET /a%2Fb/%C3%A9%FF?x=%20&y=1 HTTP/1.1\r\nHost: example.com:81\r\nX-A: b\r\nConnection: close\r\n\r\n"
        environ = await told(data)
        assert environ["PATH_INFO"].encode("latin-1") == b"/a/b/\xc3\xa9\xff"
        assert environ["QUERY_STRING"] == "x=%20&y=1"
        assert environ["RAW_URI"] == "/a%2Fb/%C3%A9%FF?x=%20&y=1"
        assert (environ["SCRIPT_NAME"], environ["REQUEST_METHOD"]) == ("", "GET")
        assert (environ["HTTP_HOST"], environ["HTTP_X_A"]) == ("example.com:81", "b")
        assert (environ["REMOTE_ADDR"], environ["SERVER_PROTOCOL"]) == ("127.0.0.1", "HTTP/1.1")
        assert environ["wsgi.url_scheme"] == "http"
        assert environ["SERVER_PORT"].isdigit()
        assert environ["REMOTE_PORT"].isdigit()
        assert "CONTENT_LENGTH" not in environ
        assert "CONTENT_TYPE" not in environ
        assert environ["BODY"] == "b''"

    async def test_headers(self) -> None:
        """Bytes beyond ASCII pass as they are, repeated headers are joined, and what would forge one is left out."""
        headers: list[tuple[str, str | bytes]] = [
            ("X-Name", b"\xff\xe9"),
            ("X-Twice", "1"),
            ("X-Twice", "2"),
            ("Cookie", "a=1"),
            ("Cookie", "b=2"),
            ("X-Forwarded-For", "1.2.3.4"),
            ("X_Forwarded_For", "6.6.6.6"),
            ("X-Forwarded_For", "6.6.6.6"),
            ("Proxy", "http://evil"),
            ("Keep-Alive", "5"),
            ("TE", "trailers"),
        ]
        environ = await told(raw_request("GET", "/", headers=headers))
        assert environ["HTTP_X_NAME"] == "\xff\xe9"
        assert environ["HTTP_X_TWICE"] == "1,2"
        assert environ["HTTP_COOKIE"] == "a=1; b=2"
        assert environ["HTTP_X_FORWARDED_FOR"] == "1.2.3.4"
        for name in ("HTTP_PROXY", "HTTP_KEEP_ALIVE", "HTTP_TE", "HTTP_CONNECTION", "HTTP_CONTENT_TYPE"):
            assert name not in environ

    @pytest.mark.parametrize("expect", [b"", b"Expect: 100-continue\r\n"])
    async def test_chunked(self, expect: bytes) -> None:
        """A body in chunks has a length once it is there."""
        head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
        app = make(show_environ)
        async with served(app) as address:
            received = await exchange(address, head + expect + b"\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200" if expect else b"HTTP/1.1 200")
        assert b"CONTENT_LENGTH=5\n" in received
        assert b"BODY=b'abcde'" in received
        assert b"HTTP_TRANSFER_ENCODING" not in received

    async def test_gzip(self) -> None:
        """aiohttp unpacks the body, so the old application is not told that it is packed."""
        body = gzip.compress(b"x" * 1000)
        environ = await told(raw_request("POST", "/", body, headers=[("Content-Encoding", "gzip")]))
        assert environ["CONTENT_LENGTH"] == "1000"
        assert "HTTP_CONTENT_ENCODING" not in environ

    @pytest.mark.parametrize("errors", [False, True])
    async def test_damaged_body(self, errors: bool) -> None:
        """A body that cannot be unpacked is a 400."""
        app = make(show_environ)
        if errors:
            setup_errors(app)
        async with served(app) as address:
            data = raw_request("POST", "/", b"no gzip", headers=[("Content-Encoding", "gzip")])
            assert (await read_response(address, data)).status == 400

    async def test_behind_a_proxy(self) -> None:
        """What a middleware has found out of the proxy's headers holds for the old application too."""

        @web.middleware
        async def middleware(request: web.Request, handler: Any) -> web.StreamResponse:
            clone = request.clone(scheme="https", host="public.example", remote="9.9.9.9")
            clone._match_info = request._match_info  # as aiohttp-remotes does it
            response: web.StreamResponse = await handler(clone)
            return response

        app = web.Application(middlewares=[middleware])
        setup_fallback(app, show_environ)
        environ = await told(raw_request("GET", "/"), app)
        assert (environ["wsgi.url_scheme"], environ["HTTP_HOST"]) == ("https", "public.example")
        assert environ["REMOTE_ADDR"] == "9.9.9.9"

    async def test_unix_socket(self, tmp_path: Path) -> None:
        """A socket without addresses has names that say so."""
        runner = web.AppRunner(make(validator(show_environ)))
        await runner.setup()
        try:
            path = str(tmp_path / "socket")
            await web.UnixSite(runner, path).start()
            async with ClientSession(connector=UnixConnector(path)) as session, session.get("http://any/") as response:
                text = await response.text()
        finally:
            await runner.cleanup()
        assert "SERVER_NAME=localhost\nSERVER_PORT=80\n" in text
        assert "REMOTE_ADDR=\n" in text

    @pytest.mark.parametrize("target", ["//x", "*", "http://other/x?y", "/%00", "/?%ff", "/" + "a" * 6000])
    @needs_flask
    async def test_odd_targets(self, target: str) -> None:
        """No target is a 5xx."""
        async with served(make(flask.Flask("old"))) as address:
            method = "OPTIONS" if target == "*" else "GET"
            assert (await read_response(address, raw_request(method, target))).status == 404

    @needs_flask
    async def test_same_as_another_server(self) -> None:
        """Flask sees the same request here as behind Werkzeug's own server."""
        old = flask.Flask("old")

        @old.route("/<path:path>", methods=["GET", "POST"])
        def view(path: str) -> dict[str, Any]:
            request = flask.request
            file = request.files.get("file")
            return {
                "path": path,
                "args": request.args.to_dict(flat=False),
                "form": request.form.to_dict(flat=False),
                "file": None if file is None else hashlib.sha256(file.read()).hexdigest(),
                "cookies": request.cookies,
                "agent": request.headers.get("X-Name"),
                "length": request.content_length,
                "type": request.mimetype,  # the boundary is random
                "url": request.full_path,
            }

        def form() -> FormData:
            data = FormData({"name": "Zoë"})
            data.add_field("file", io.BytesIO(b"\x00\xff" * 200_000), filename="a.bin")
            return data

        calls: list[tuple[str, str, Any]] = [
            ("GET", "/é/a%2Fb?x=1&x=2&y=%E9", None),
            ("POST", "/form", {"a": "1 2"}),
            ("POST", "/raw", b"\x00" * 10),
        ]
        answers = []
        with flask_served(old) as theirs:
            async with served(make(old)) as ours, ClientSession(cookies={"k": "v"}) as session:
                for address in (theirs, ours):
                    for method, path, data in [*calls, ("POST", "/upload", form())]:
                        url = f"http://127.0.0.1:{address.port}{path}"
                        async with session.request(method, url, data=data, headers={"X-Name": "ü"}) as response:
                            assert response.status == 200
                            answers.append(await response.json())
        assert answers[:4] == answers[4:]
        assert answers[3]["file"] == hashlib.sha256(b"\x00\xff" * 200_000).hexdigest()


# Bodies


class TestRequestBody:
    @pytest.mark.parametrize("size", [0, 1, 256 * 1024, 256 * 1024 + 1, 5_000_000])
    async def test_sizes(self, size: int) -> None:
        """Every byte of a body arrives, in memory or in a file; the file is closed in the end."""
        bodies = []

        def application(environ: Environ, start_response: Start) -> Iterable[bytes]:
            bodies.append(environ["wsgi.input"])
            digest = hashlib.sha256(environ["wsgi.input"].read()).hexdigest().encode()
            return answering([digest])(environ, start_response)

        content = bytes(range(256)) * (size // 256 + 1)
        async with TestClient(TestServer(make(application))) as client:
            response = await client.post("/", data=io.BytesIO(content[:size]))
            assert await response.text() == hashlib.sha256(content[:size]).hexdigest()
        assert isinstance(bodies[0], io.BytesIO) == (size <= _wsgi_request._MEMORY)
        assert bodies[0].closed

    @pytest.mark.parametrize("chunked", [False, True])
    @pytest.mark.parametrize(("size", "status"), [(1000, 200), (1001, 413)])
    async def test_too_large(self, chunked: bool, size: int, status: int) -> None:
        """One byte more than max_body_size is 413, and the old application does not see it."""
        calls = []

        def application(environ: Environ, start_response: Start) -> Iterable[bytes]:
            calls.append(environ)
            return answering([b"ok"])(environ, start_response)

        async def blocks() -> Any:
            yield b"x" * size

        async with TestClient(TestServer(make(application, max_body_size=1000))) as client:
            response = await client.post("/", data=blocks() if chunked else b"x" * size)
            assert (response.status, len(calls)) == (status, int(status == 200))

    async def test_packed(self) -> None:
        """The limit holds for what is unpacked."""
        data = raw_request("POST", "/", gzip.compress(b"x" * 10_000_000), headers=[("Content-Encoding", "gzip")])
        async with served(make(show_environ, max_body_size=100_000)) as address:
            assert (await read_response(address, data)).status == 413

    async def test_not_read(self) -> None:
        """A body that the old application leaves alone does not reach the next request of the connection."""
        body = b"x" * 300_000 + b"GET /smuggled HTTP/1.1\r\n\r\n"
        paths = []

        def application(environ: Environ, start_response: Start) -> Iterable[bytes]:
            paths.append(environ["PATH_INFO"])
            return answering([b"ok"])(environ, start_response)

        async with served(make(application)) as address:
            data = raw_request("POST", "/first", body, close=False) + raw_request("GET", "/second")
            received = await exchange(address, data)
        assert received.count(b"HTTP/1.1 200") == 2
        assert paths == ["/first", "/second"]

    async def test_slow_upload(self) -> None:
        """A body that is not there yet takes no thread: others are answered meanwhile."""
        async with served(make(answering([b"ok"]), max_threads=1)) as address:
            reader, writer = await asyncio.open_connection(address.host, address.port)
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nx")
            assert (await read_response(address, raw_request("GET", "/"))).status == 200
            writer.write(b"y")
            assert (await asyncio.wait_for(reader.read(), LIMIT)).startswith(b"HTTP/1.1 200")
            writer.close()


# Answers


class TestAnswers:
    @pytest.mark.parametrize("status", [200, 204, 205, 304, 404, 500])
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    async def test_bodyless(self, status: int, method: str) -> None:
        """An answer that must not have a body has none, and the connection goes on."""
        content = b"" if status in {204, 205, 304} else b"body"
        application = answering([b"body"], f"{status} Any", [("Content-Type", "text/plain"), ("X-A", "1")])
        async with served(make(application)) as address:
            data = raw_request(method, "/", close=False, content_type=None)
            received = await exchange(address, data + raw_request(method, "/", content_type=None))
        assert received.count(f"HTTP/1.1 {status} Any\r\n".encode()) == 2
        assert received.endswith(b"\r\n\r\n" + (content if method == "GET" else b""))
        assert received.count(b"body") == (2 if content and method == "GET" else 0)
        # The length of GET's body is not known to HEAD, so it must not be 0.
        assert received.count(b"Content-Length: ") == (2 if content and method == "GET" else 0)

    async def test_headers(self) -> None:
        """Repeated headers stay apart, bytes beyond ASCII arrive as they are, the connection's own are left out."""
        headers = [
            ("Content-Type", "text/plain"),
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "b=2"),
            ("X-Name", "Zoë".encode().decode("latin-1")),
            ("Connection", "close"),
            ("Transfer-Encoding", "chunked"),
            ("Server", "old"),
        ]
        async with served(make(answering([b"x"], headers=headers))) as address:
            received = await exchange(address, raw_request("GET", "/"))
        assert received.count(b"Set-Cookie: ") == 2
        assert "X-Name: Zoë\r\n".encode() in received
        assert b"Transfer-Encoding" not in received
        assert received.count(b"Server: ") == 1

    @pytest.mark.parametrize(
        "application",
        [
            answering([b"x"], headers=[("X-A", "1\r\nSet-Cookie: a=1")]),
            answering([b"x"], headers=[("X-A\r\nB", "1")]),
            answering([b"x"], status="OK"),
            answering([b"x"], status="100 Continue"),
            answering([b"x"], status="200 OK\r\nX: y"),
            answering([b"x"], headers=[("Content-Length", "many")]),
            answering([b"x"], headers=[("Content-Length", "-1")]),
            answering(["text"]),  # type: ignore[list-item] # what it is tested with
            answering(5),  # type: ignore[arg-type] # the same
            lambda environ, start_response: [b"x"],
            lambda environ, start_response: [],
            lambda environ, start_response: 1 / 0,
            lambda environ, start_response: next(iter(())),
            lambda environ, start_response: exit(1),
            lambda environ, start_response: [start_response("200 OK", []), start_response("200 OK", [])],
        ],
    )
    @pytest.mark.parametrize("errors", [False, True])
    async def test_failures(self, application: Any, errors: bool, caplog: pytest.LogCaptureFixture) -> None:
        """What fails before its answer has begun is a 500 that tells nothing, logged once, and the next one works."""
        app = make(application)
        if errors:
            setup_errors(app)
        async with served(app) as address:
            for _ in range(2):
                caplog.clear()
                answer = await read_response(address, raw_request("GET", "/"))
                assert answer.status == 500
                assert b"WSGI" not in answer.body
                assert b"Traceback" not in answer.body
                assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1

    async def test_write(self) -> None:
        """The old write() of start_response works, before what is returned."""

        def application(environ: Environ, start_response: Start) -> Iterable[bytes]:
            write = start_response("200 OK", [("Content-Type", "text/plain")])
            write(b"one ")
            write(b"two ")
            return [b"three"]

        async with TestClient(TestServer(make(application))) as client:
            assert await (await client.get("/")).read() == b"one two three"

    async def test_start_response_again(self) -> None:
        """With exc_info, another answer replaces one that has not begun, and cannot replace one that has."""

        def application(environ: Environ, start_response: Start) -> Iterator[bytes]:
            start_response("200 OK", [("X-First", "1")])
            if environ["PATH_INFO"] == "/late":
                yield b"begun"
            try:
                raise KeyError("broken")
            except KeyError as error:
                start_response("503 Busy", [("X-Second", "2")], (KeyError, error, error.__traceback__))
            yield b"sorry"

        async with TestClient(TestServer(make(application))) as client:
            response = await client.get("/")
            assert (response.status, await response.read()) == (503, b"sorry")
            assert "X-First" not in response.headers
            with suppress(ClientPayloadError):  # unless not a byte had gone out yet
                response = await client.get("/late")
                await response.read()
                assert response.status == 500

    @pytest.mark.parametrize("headers", [[("Content-Type", "a/b")], [("Content-Length", "100")]], ids=str)
    @pytest.mark.parametrize("errors", [False, True])
    async def test_fails_within(self, headers: list[tuple[str, str]], errors: bool) -> None:
        """An answer that breaks off is seen to break off: the connection ends."""

        def blocks() -> Iterator[bytes]:
            yield b"begun"
            raise RuntimeError("broken")

        closed = threading.Event()

        class Body:
            def __iter__(self) -> Iterator[bytes]:
                return blocks()

            def close(self) -> None:
                closed.set()

        app = make(answering(Body(), headers=headers))
        if errors:
            setup_errors(app)
        async with TestClient(TestServer(app)) as client:
            with suppress(ClientPayloadError):  # it may end before a byte has gone out: then that is a 500
                response = await client.get("/")
                await response.read()
                assert response.status == 500
        assert closed.is_set()

    async def test_all_of_it_before_close(self) -> None:
        """A client has the whole answer while the old application still does what it does in close()."""
        done = threading.Event()

        class Body(list[bytes]):
            def close(self) -> None:
                assert done.wait(LIMIT)

        body = Body([b"whole"])
        async with TestClient(TestServer(make(answering(body, headers=[("Content-Length", "5")])))) as client:
            response = await client.get("/")
            assert await asyncio.wait_for(response.read(), LIMIT) == b"whole"
            done.set()

    async def test_fails_in_close(self, caplog: pytest.LogCaptureFixture) -> None:
        """What fails after the answer is logged; the answer stands."""
        logged = threading.Event()

        class Handler(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                logged.set()

        class Body(list[bytes]):
            def close(self) -> None:
                raise RuntimeError("broken")

        handler = Handler()
        logging.getLogger("aiotoolkit.porting.fallback").addHandler(handler)
        try:
            app = make(answering(Body([b"whole"]), headers=[("Content-Length", "5")]))
            async with TestClient(TestServer(app)) as client:
                assert await (await client.get("/")).read() == b"whole"
                assert await asyncio.to_thread(logged.wait, LIMIT)
        finally:
            logging.getLogger("aiotoolkit.porting.fallback").removeHandler(handler)
        assert "failed after its answer" in caplog.text

    async def test_shorter_than_it_says(self) -> None:
        """The connection ends: its client must not wait for the rest, or take the next answer for it."""
        application = answering([b"four"], headers=[("Content-Length", "5")])
        async with served(make(application)) as address:
            data = raw_request("GET", "/", close=False)
            received = await exchange(address, data + data)
        assert received.count(b"HTTP/1.1 ") == 1
        assert received.endswith(b"four") or received.startswith(b"HTTP/1.1 500")

    async def test_longer_than_it_says(self) -> None:
        """Bytes beyond the Content-Length are not sent: they would be taken for the next answer."""
        application = answering([b"four", b"HTTP/1.1 200 OK\r\n\r\n"], headers=[("Content-Length", "4")])
        async with served(make(application)) as address:
            received = await exchange(address, raw_request("GET", "/"))
        assert received.endswith(b"\r\n\r\nfour")


class TestStreaming:
    async def test_while_it_is_made(self) -> None:
        """Each block is sent before the next one is made."""
        turns = [threading.Event() for _ in range(3)]

        def blocks() -> Iterator[bytes]:
            for number, turn in enumerate(turns):
                assert turn.wait(LIMIT)
                yield b"%d" % number

        async with TestClient(TestServer(make(answering(blocks())))) as client:
            turns[0].set()
            response = await client.get("/")
            for number in range(3):
                turns[number].set()
                assert await asyncio.wait_for(response.content.readany(), LIMIT) == b"%d" % number
            assert await response.content.read() == b""

    async def test_no_faster_than_it_is_read(self) -> None:
        """The old application is never further ahead of the client than the buffers are large."""
        made = 0
        block = b"x" * 65536
        total = 1600  # 100 MB

        def blocks() -> Iterator[bytes]:
            nonlocal made
            for _ in range(total):
                made += 1
                yield block

        ahead = 0
        async with TestClient(TestServer(make(answering(blocks())))) as client:
            response = await client.get("/")
            received = 0
            async for data in response.content.iter_any():
                received += len(data)
                ahead = max(ahead, made * len(block) - received)
            assert received == total * len(block)
        # The exchange, the socket's two buffers and the client's.
        assert ahead < 16 * 1024 * 1024

    async def test_nobody_reads(self) -> None:
        """A client that leaves ends the old application's work, and close() is called."""
        closed = threading.Event()

        def blocks() -> Iterator[bytes]:
            try:
                while True:
                    yield b"x" * 65536
            finally:
                closed.set()

        async with served(make(answering(blocks()))) as address:
            reader, writer = await asyncio.open_connection(address.host, address.port)
            writer.write(raw_request("GET", "/"))
            await asyncio.wait_for(reader.readexactly(1000), LIMIT)
            writer.transport.abort()
            assert await asyncio.to_thread(closed.wait, LIMIT)

    async def test_http_1_0(self) -> None:
        """An old client gets the stream without chunks, and the end of the connection."""
        async with served(make(answering(iter([b"one", b"two"])))) as address:
            received = await exchange(address, b"GET / HTTP/1.0\r\n\r\n")
        assert received.startswith(b"HTTP/1.0 200")
        assert received.endswith(b"\r\n\r\nonetwo")

    async def test_file_wrapper(self) -> None:
        """A file is read in large blocks, and closed."""
        file = io.BytesIO(b"x" * 1_000_000)
        sizes = []

        def counted(size: int) -> bytes:
            sizes.append(size)
            return file.read(size)

        def application(environ: Environ, start_response: Start) -> Iterable[bytes]:
            start_response("200 OK", [("Content-Type", "a/b")])
            wrapped = environ["wsgi.file_wrapper"](file, 8192)
            wrapped.filelike = SimpleNamespace(read=counted)
            return wrapped  # type: ignore[no-any-return] # it is of the environ

        async with TestClient(TestServer(make(application))) as client:
            assert len(await (await client.get("/")).read()) == 1_000_000
        assert set(sizes) == {65536}
        assert file.closed

    @needs_flask
    async def test_send_file(self) -> None:
        """Flask's send_file works here, with conditions and ranges."""
        old = flask.Flask("old")
        content = bytes(range(256)) * 4000
        old.add_url_rule(
            "/file", "file", lambda: flask.send_file(io.BytesIO(content), "a/b", etag="tag", conditional=True)
        )
        async with TestClient(TestServer(make(old))) as client:
            assert await (await client.get("/file")).read() == content
            part = await client.get("/file", headers={"Range": "bytes=10-19"})
            assert (part.status, await part.read()) == (206, content[10:20])
            unchanged = await client.get("/file", headers={"If-None-Match": '"tag"'})
            assert (unchanged.status, await unchanged.read()) == (304, b"")


# Threads


class TestThreads:
    async def test_at_once(self) -> None:
        """So many requests are answered at once as there are threads."""
        gate = Gate()
        async with TestClient(TestServer(make(gate, max_threads=3))) as client:
            tasks = [asyncio.ensure_future(client.get("/")) for _ in range(3)]
            await gate.wait(3)  # all of them are inside
            gate.opened.set()
            assert [(await task).status for task in tasks] == [200] * 3

    async def test_many_at_once(self) -> None:
        """No answer gets to another request, and no thread more than there may be is made."""
        threads = set()

        def application(environ: Environ, start_response: Start) -> Iterable[bytes]:
            threads.add(threading.get_ident())
            body = environ["wsgi.input"].read()
            start_response("200 OK", [("X-Path", environ["PATH_INFO"])])
            return iter([body[:10], body[10:]])

        async with TestClient(TestServer(make(application, max_threads=4, max_waiting=200))) as client:

            async def ask(number: int) -> bool:
                body = str(number).encode() * 2000
                async with client.post(f"/{number}", data=body) as response:
                    return response.headers["X-Path"] == f"/{number}" and await response.read() == body

            assert all(await asyncio.gather(*map(ask, range(200))))
        assert len(threads) <= 4

    async def test_busy(self) -> None:
        """Where all threads are taken and enough requests wait, one more is answered with 503, and may come again."""
        gate = Gate()
        async with TestClient(TestServer(make(gate, max_threads=1, max_waiting=1))) as client:
            tasks = [asyncio.ensure_future(client.post("/", data=b"x")) for _ in range(3)]
            done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=LIMIT)
            assert [(task.result().status, task.result().headers["Retry-After"]) for task in done] == [(503, "1")]
            refused = await client.get("/")
            assert refused.status == 503
            gate.opened.set()
            assert [(await task).status for task in waiting] == [200, 200]
            assert (await client.get("/")).status == 200

    async def test_a_client_that_leaves_while_it_waits(self) -> None:
        """Where handlers are cancelled, as in a test server, what waits for a thread is not begun any more."""
        gate = Gate()
        begun, ended = asyncio.Event(), asyncio.Event()

        @web.middleware
        async def middleware(request: web.Request, handler: Any) -> web.StreamResponse:
            try:
                response: web.StreamResponse = await handler(request)
            except asyncio.CancelledError:
                ended.set()
                raise
            return response

        app = web.Application(middlewares=[middleware])
        setup_fallback(app, gate, max_threads=1, on_fallback=lambda request: begun.set())
        runner = web.AppRunner(app, handler_cancellation=True)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            port = runner.addresses[0][1]
            async with ClientSession() as session:
                first = asyncio.ensure_future(session.get(f"http://127.0.0.1:{port}/"))
                await gate.wait()
                begun.clear()
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(raw_request("GET", "/"))
                await asyncio.wait_for(begun.wait(), LIMIT)
                writer.transport.abort()
                await asyncio.wait_for(ended.wait(), LIMIT)
                gate.opened.set()
                assert (await first).status == 200
                assert (await session.get(f"http://127.0.0.1:{port}/")).status == 200
        finally:
            await runner.cleanup()
        assert gate.answered == 2

    async def test_shutdown(self) -> None:
        """The clean-up waits for what is running, and ends the threads."""
        gate = Gate()
        runner = web.AppRunner(make(gate), shutdown_timeout=0.05)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        _, writer = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])
        writer.write(raw_request("GET", "/"))
        await gate.wait()
        cleanup = asyncio.ensure_future(runner.cleanup())
        threading.Timer(0.2, gate.opened.set).start()
        await asyncio.wait_for(cleanup, LIMIT)
        assert gate.answered == 1
        writer.close()

    async def test_twice_in_turn(self) -> None:
        """An application may be served again after its end."""
        app = make(answering([b"ok"]))
        for _ in range(2):
            runner = web.AppRunner(app)
            await runner.setup()
            await runner.cleanup()

    async def test_a_view_that_never_ends(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It cannot hold up the clean-up for ever; a warning says that it is still there."""
        monkeypatch.setattr("aiotoolkit.porting.fallback._SHUTDOWN", 0.05)
        gate = Gate()
        runner = web.AppRunner(make(gate), shutdown_timeout=0.05)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        _, writer = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])
        writer.write(raw_request("GET", "/"))
        await gate.wait()
        await asyncio.wait_for(runner.cleanup(), LIMIT)
        gate.opened.set()
        writer.close()
        assert "1 requests of the old application are still running" in caplog.text


class TestSetup:
    @pytest.mark.parametrize(
        ("options", "error"),
        [
            ({"max_body_size": -1}, ValueError),
            ({"max_body_size": 1.5}, TypeError),
            ({"max_threads": 0}, ValueError),
            ({"max_threads": True}, TypeError),
            ({"max_waiting": -1}, ValueError),
            ({"max_waiting": None}, TypeError),
        ],
        ids=str,
    )
    def test_wrong_options(self, options: dict[str, Any], error: type[Exception]) -> None:
        """A wrong bound is found at the start."""
        with pytest.raises(error, match=next(iter(options))):
            make(answering([]), **options)

    def test_no_application(self) -> None:
        """What cannot be called is no WSGI application."""
        with pytest.raises(TypeError, match="a WSGI application, not str"):
            make("module:app")

    def test_twice(self) -> None:
        """There is one old application."""
        app = make(answering([]))
        with pytest.raises(RuntimeError, match="twice"):
            setup_fallback(app, answering([]))


# What is left


@needs_flask
class TestUnportedRoutes:
    def test_listed(self) -> None:
        """Each rule and method that no route is for is listed, with its endpoint; static files too."""
        old = flask.Flask("old", static_folder=None)
        for rule, methods in {
            "/": ["GET"],
            "/half": ["GET", "POST"],
            "/post/<int:id>": ["GET"],
            "/post/<int:id>/edit": ["GET", "POST"],
            "/name/<name>": ["GET"],
            "/digits/<code>": ["GET"],
            "/files/<path:name>": ["GET"],
            "/one/<path:name>": ["GET"],
            "/day/<any(mon, tue):day>": ["GET"],
            "/id/<uuid:id>": ["GET"],
            "/long/<string(length=2):lang>": ["GET"],
            "/größe": ["GET"],
            "/any": ["DELETE", "GET"],
            "/options": ["OPTIONS"],
            "/api/users": ["GET"],
            "/api/old": ["GET"],
            "/assets/<path:name>": ["GET"],
        }.items():
            old.add_url_rule(rule, rule, lambda: "", methods=methods)
        app, api = web.Application(), web.Application()

        async def view(request: web.Request) -> web.Response:
            return web.Response()

        for method, path in [
            ("GET", "/half"),
            ("GET", r"/post/{post_id:\d+}"),
            ("GET", "/post/{id}/edit"),
            ("GET", "/name/{name}"),
            ("GET", r"/digits/{code:\d+}"),
            ("GET", "/files/{name:.+}"),
            ("GET", "/one/{name}"),
            ("GET", "/day/{day:mon|tue}"),
            ("GET", "/id/{id:[0-9a-f-]{36}}"),
            ("GET", "/long/{lang}"),
            ("GET", "/größe"),
            ("*", "/any"),
        ]:
            app.router.add_route(method, path, view)
        app.router.add_static("/assets", "/tmp")
        api.router.add_get("/users", view)
        app.add_subapp("/api", api)
        assert unported_routes(app, old) == [
            UnportedRoute("/", ("GET",), "/"),
            UnportedRoute("/half", ("POST",), "/half"),
            UnportedRoute("/post/<int:id>/edit", ("POST",), "/post/<int:id>/edit"),
            UnportedRoute("/digits/<code>", ("GET",), "/digits/<code>"),
            UnportedRoute("/one/<path:name>", ("GET",), "/one/<path:name>"),
            UnportedRoute("/options", ("OPTIONS",), "/options"),
            UnportedRoute("/api/old", ("GET",), "/api/old"),
        ]

    async def test_rules(self) -> None:
        """Rules of aiotoolkit.porting.rules count, those with converters of their own too; the others are Flask's."""
        from werkzeug.routing import BaseConverter

        from aiotoolkit.porting.rules import Converter, add_rule, setup_rules

        class Old(BaseConverter):
            regex = "[A-Z]{2}"

        class New(Converter):
            regex = "[A-Z]{2}"

        old = flask.Flask("old", static_folder=None)
        old.url_map.converters["lang"] = Old
        rules = ["/post/<int:id>", "/<lang:lang>/größe/<name>", "/<lang:lang>/old", "/slash/"]
        for rule in rules:
            old.add_url_rule(rule, rule, lambda **values: "flask", methods=["GET", "POST"])
        app = web.Application()
        setup_rules(app, converters={"lang": New})

        async def view(request: web.Request) -> web.Response:
            return web.Response(text="aiohttp")

        for rule in rules[:2]:
            add_rule(app, rule, view, methods=["GET"])
        setup_fallback(app, old)
        assert [(route.rule, route.methods) for route in unported_routes(app, old)] == [
            (rules[0], ("POST",)),
            (rules[1], ("POST",)),
            (rules[2], ("GET", "POST")),
            (rules[3], ("GET", "POST")),
        ]
        async with TestClient(TestServer(app)) as client:
            for method, path, answer in [
                ("GET", "/post/1", "aiohttp"),
                ("POST", "/post/1", "flask"),
                ("GET", "/DE/größe/x", "aiohttp"),
                ("GET", "/DE/old", "flask"),
                ("GET", "/slash", "flask"),
            ]:
                async with client.request(method, path) as response:
                    assert await response.text() == answer

    def test_all_at_first_and_none_at_last(self) -> None:
        """Before the first step everything is left; the static files are the last."""
        old = flask.Flask("old")
        old.add_url_rule("/a", "a", lambda: "")
        app = make(old)
        assert [route.endpoint for route in unported_routes(app, old)] == ["static", "a"]

        async def view(request: web.Request) -> web.Response:
            return web.Response()

        app.router.add_get("/a", view)
        app.router.add_static("/static", "/tmp")
        assert unported_routes(app, old) == []

    def test_without_flask(self) -> None:
        """Anything with a url_map will do; a rule that is only built never answers."""
        rule = SimpleNamespace(rule="/a", methods=None, endpoint="a")
        built = SimpleNamespace(rule="/b", methods={"GET"}, endpoint="b", build_only=True)
        old = SimpleNamespace(url_map=SimpleNamespace(iter_rules=lambda: [rule, built]))
        assert unported_routes(web.Application(), old) == [UnportedRoute("/a", ("*",), "a")]
