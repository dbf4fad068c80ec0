"""parity: the same requests to two real servers, and every difference between their answers."""

import asyncio
import base64
import contextlib
import json
import os
import shlex
import sys
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from aiotoolkit.porting._parity_servers import _to_the_end, running
from aiotoolkit.porting.parity import Difference, ParityError, ParityReport, Side, check_parity, compare

FLASK = """
import os
from flask import Flask, abort, jsonify, make_response, redirect, request, session, url_for

app = Flask(__name__)
app.secret_key = "not a secret"
notes = []

@app.get("/")
def index():
    return "<h1>Notes</h1>  <p>none</p>"

@app.get("/login")
def form():
    session["token"] = os.urandom(12).hex()
    return f'<input name="csrf" value="{session["token"]}">'

@app.post("/login")
def login():
    if request.form["csrf"] != session.get("token"):
        abort(403)
    session["user"] = request.form["user"]
    return redirect(url_for("me"))

@app.get("/me")
def me():
    return jsonify(user=session.get("user"), home=url_for("index", _external=True))

@app.get("/raw/<path:path>")
def raw(path):
    text = f"{request.environ['REQUEST_URI']}|{request.headers.get('X-First', '')}"
    return text, {"Content-Type": "text/plain; charset=utf-8"}

@app.route("/notes", methods=["GET", "POST"])
def all_notes():
    if request.method == "POST":
        notes.append(request.json["text"])
    return jsonify(notes=notes, id=len(notes))

@app.post("/upload")
def upload():
    file = request.files["picture"]
    return jsonify(name=file.filename, type=file.content_type, text=file.read().decode(), title=request.form["title"])

@app.get("/env")
def env():
    with open(os.environ["DATABASE"]) as file:
        return jsonify(rows=file.read(), folder=os.path.dirname(os.environ["DATABASE"]) == os.environ["PARITY_FOLDER"])
"""


Write = Callable[[str, str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes modules that the two processes can import."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text)

    write("old", FLASK)
    return write


def seen(report: ParityReport) -> set[tuple[str, str]]:
    return {(difference.step, difference.what) for difference in report.differences}


def only(report: ParityReport) -> Difference:
    (difference,) = report.differences
    return difference


# Two copies of one application, with state, sessions and tokens of their own


STEPS: list[Any] = [
    "GET /",
    {"name": "form", "path": "/login", "capture": {"csrf": 'value="([^"]+)"'}},
    {
        "name": "log in",
        "method": "POST",
        "path": "/login",
        "form": {"user": "ada", "csrf": "${csrf}"},
        "follow": True,
        "capture": {"user": {"pointer": "/user"}},
    },
    "GET /me",
    {"path": "/me", "client": "somebody else", "name": "a second browser"},
    {"name": "write", "method": "POST", "path": "/notes", "json": {"text": "by ${user}"}},
    "GET /notes",
    {
        "name": "upload",
        "method": "POST",
        "path": "/upload",
        "form": {"title": "Été"},
        "files": {"picture": {"filename": "a.txt", "content_type": "text/plain", "text": "content"}},
    },
    "GET /unknown",
    "HEAD /",
    "OPTIONS /notes",
]


@pytest.mark.extra("flask")
async def test_an_application_equals_itself(write: Write) -> None:
    """Cookies, captured tokens, ports and the state of each side keep apart: two copies show no difference."""
    progress: list[tuple[int, int, str]] = []
    async with running("flask", Side("old:app"), wait=30) as copy:
        report = await compare(
            STEPS,
            flask="old:app",
            aiohttp=Side(str(copy.origin)),
            sessions=False,
            progress=lambda *line: progress.append(line),
        )
    assert report.table() == "11 requests, 0 differences"
    assert report.equal
    assert progress[2] == (3, len(STEPS), "log in")
    report.check()


@pytest.mark.extra("flask")
async def test_sessions_are_read_where_that_is_asked(write: Write) -> None:
    """Signed cookies are equal whatever they hold; with ``sessions`` their content counts, and is not shown."""
    async with running("flask", Side("old:app"), wait=30) as copy:
        report = await compare(STEPS[1:2], flask="old:app", aiohttp=str(copy.origin), sessions=True)
    difference = only(report)
    assert difference.what == "cookie:session:/token"  # it is random
    assert (difference.flask, difference.aiohttp) == ("*** (str)", "*** (str)")


PORT = """
from aiohttp import web

async def raw(request):
    text = f"{request.raw_path}|{request.headers.get('X-First', '')}"
    return web.Response(text=text, charset="utf-8")

async def create_app():
    app = web.Application()
    app.router.add_get("/raw/{path:.*}", raw)
    return app
"""


@pytest.mark.extra("flask")
async def test_processes_of_both_frameworks(write: Write) -> None:
    """Both sides are started, and see paths as the script has them, with no normalisation on the way."""
    write("new", PORT)
    paths = [
        "/raw/a%2Fb",
        "/raw/a%2fb?q=a+b&q=%zz&%00",
        "/raw/~a/%7Ea/.well-known",
        "/raw/b//c",
        "/raw/d/../e",
        "/raw/\u00e9",
    ]
    steps = [{"path": path, "headers": [["X-First", "1"]]} for path in paths[:3]]
    report = await compare(steps, flask="old:app", aiohttp="new:create_app")
    assert report.table() == "3 requests, 0 differences"
    async with recording() as (url, requests):
        await compare([{"path": path} for path in paths], flask=url, aiohttp=url)
    assert set(paths) <= {line.split(" ")[1] for line in requests}


@pytest.mark.extra("flask")
async def test_fresh_state(write: Write, tmp_path: Path) -> None:
    """Each side has its own environment and folder, and its command runs before it starts."""
    write("make", "import os, sys; open(os.environ['DATABASE'], 'w').write(sys.argv[1])")
    side = Side("old:app", env={"DATABASE": "{folder}/rows"}, before=shlex.join([sys.executable, "make.py", "fresh"]))
    async with running("flask", side, wait=30) as copy:
        report = await compare(["GET /env"], flask=side, aiohttp=str(copy.origin))
    assert report.equal
    with pytest.raises(ParityError, match=r"failed with exit code 3") as caught:
        await compare(
            ["GET /env"],
            flask=Side("old:app", before=shlex.join([sys.executable, "-c", "print('why'); exit(3)"])),
            aiohttp="old:app",
        )
    assert "why" in str(caught.value)


# Two small servers that differ in one thing


def answering(*responses: Callable[[web.Request], web.StreamResponse]) -> web.Application:
    app = web.Application()
    for number, make in enumerate(responses):

        async def handler(request: web.Request, make: Callable[[web.Request], Any] = make) -> web.StreamResponse:
            response: web.StreamResponse = make(request)
            return response

        app.router.add_route("*", f"/{number}" if number else "/{tail:.*}", handler)
    return app


@contextlib.asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


Answering = Callable[[web.Request], web.StreamResponse]


async def compared(one: Answering, two: Answering, step: Any = "GET /x", **options: Any) -> ParityReport:
    async with served(answering(one)) as flask, served(answering(two)) as aiohttp:
        return await compare(step if isinstance(step, list) else [step], flask=flask, aiohttp=aiohttp, **options)


def response(text: str = "", cookies: list[str] | None = None, **options: Any) -> Callable[[web.Request], web.Response]:
    def make(request: web.Request) -> web.Response:
        headers = {key: value.replace("HOST", request.host) for key, value in options.get("headers", {}).items()}
        made = web.Response(text=text, **{**options, "headers": headers})
        for cookie in cookies or ():
            made.headers.add("Set-Cookie", cookie)
        return made

    return make


HTML: dict[str, Any] = {"content_type": "text/html"}


@pytest.mark.parametrize(
    ("one", "two", "what", "values"),
    [
        (response(status=200), response(status=404), "status", ("200", "404")),
        (response("a"), response("a", **HTML), "header:Content-Type", None),
        (response("a", charset="utf-8"), response("a", charset="latin-1"), "header:Content-Type", None),
        (response(headers={"Location": "/a"}), response(headers={"Location": "/b"}), "header:Location", ("/a", "/b")),
        (response(headers={"Allow": "GET"}), response(headers={"Allow": "GET,A"}), "header:Allow", ("GET", "A, GET")),
        (response(headers={"ETag": '"a"'}), response(), "header:Etag", ("present", "absent")),
        (response(headers={"Vary": "Cookie"}), response(), "header:Vary", ("cookie", "absent")),
        (response(headers={"X-Total": "1"}), response(headers={"X-Total": "2"}), "header:X-Total", ("1", "2")),
        (response(headers={"Retry-After": "1"}), response(), "header:Retry-After", ("1", "absent")),
        (response(headers={"WWW-Authenticate": 'Basic realm="a"'}), response(), "header:Www-Authenticate", None),
        (response(cookies=["a=1"]), response(), "cookie:a", ("set", "not set")),
        (response(cookies=["a=1"]), response(cookies=["a=1; Max-Age=0"]), "cookie:a", ("set", "deleted")),
        (response(cookies=["a=1; HttpOnly"]), response(cookies=["a=1"]), "cookie:a;httponly", ("yes", "absent")),
        (response(cookies=["a=1; SameSite=Lax"]), response(cookies=["a=1"]), "cookie:a;samesite", ("lax", "absent")),
        (response(cookies=["a=1; Path=/x"]), response(cookies=["a=1; Path=/"]), "cookie:a;path", ("/x", "/")),
        (response(cookies=["a=one"]), response(cookies=["a=two"]), "cookie:a", None),
        (response("a"), response("b"), "body", None),
        (response("a b"), response("a  b"), "body", None),  # plain text: white space counts
        (response("<p>a</p>", **HTML), response("<p>b</p>", **HTML), "body", None),
    ],
)  # fmt: skip
async def test_each_kind_of_difference(one: Any, two: Any, what: str, values: tuple[str, str] | None) -> None:
    """One thing differs, and that one alone is reported."""
    difference = only(await compared(one, two))
    assert difference.what == what
    if values is not None:
        assert (difference.flask, difference.aiohttp) == values


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (response(headers={"Location": "/a?b#c"}), response(headers={"Location": "http://HOST/a?b#c"})),
        (response(headers={"Location": "y"}), response(headers={"Location": "/y"})),
        (response(headers={"Allow": "GET, HEAD"}), response(headers={"Allow": "HEAD,GET"})),
        (response(headers={"Vary": "Cookie, Accept"}), response(headers={"Vary": "accept,cookie"})),
        (response(headers={"ETag": '"a"'}), response(headers={"ETag": 'W/"b"'})),
        (response(headers={"Server": "a"}), response(headers={"Server": "b"})),
        (response("<p>a</p> <b>\n", **HTML), response("<p>a</p>\n\n  <b>", **HTML)),
        (response("see http://HOST/", **HTML), response("see http://HOST/", **HTML)),
        (response(cookies=["a=1; Max-Age=0"]), response(cookies=["a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"])),
        (response(cookies=["a=1; httponly; Path=/"]), response(cookies=['a="1"; HttpOnly'])),
        (response(cookies=["s=eyJh.aB-_12.abcdefghijklmnop"]), response(cookies=["s=eyJi.cD34.tsrqponmlkjihgfe"])),
    ],
)  # fmt: skip
async def test_what_makes_no_difference(one: Any, two: Any) -> None:
    """How a thing is written, where it means the same."""
    report = await compared(one, two)
    assert report.table() == "1 request, 0 differences"


def as_json(data: str) -> Callable[[web.Request], web.Response]:
    return response(data, content_type="application/json")


async def test_json_is_compared_as_json() -> None:
    """Each place that differs has its pointer; the order of members and white space do not count, types do."""
    one = as_json('{"a": 1, "b": [1, {"c/d": true}], "token": "x", "only": null}')
    two = as_json('{"b":[1,{"c/d":1},2],"a":1.0,"token":"y"}')
    report = await compared(one, two)
    assert [(entry.what, entry.flask, entry.aiohttp) for entry in report.differences] == [
        ("body:/b/1/c~1d", "true", "1"),
        ("body:/b/2", "absent", "2"),
        ("body:/token", "***", "***"),
        ("body:/only", "null", "absent"),
    ]
    assert (await compared(one, as_json("nonsense"))).differences[0].what == "body"
    many = await compared(as_json(json.dumps([0] * 1000)), as_json(json.dumps([1] * 1000)))
    assert len(many.differences) == 21
    deep = await compared(as_json("[" * 5000 + "]" * 5000), as_json("[" * 5000 + "1" + "]" * 5000))
    assert len(deep.differences) == 1


async def test_html_has_a_diff_that_hides_secrets() -> None:
    """The diff shows lines around what differs, tag by tag; what looks secret is masked."""
    one = response("<ul><li>a</li><li>b</li></ul><p>password=hunter2</p>", **HTML)
    two = response("<ul><li>a</li><li>c</li></ul><p>password=hunter3</p>", **HTML)
    detail = only(await compared(one, two)).detail
    assert "-<li>b</li>" in detail
    assert "+<li>c</li>" in detail
    assert "hunter" not in detail


async def test_bytes_and_compressed_bodies() -> None:
    """Bytes are told apart by length and hash; a content coding that one side lacks is a header's difference only."""
    png: dict[str, Any] = {"content_type": "image/png"}
    difference = only(
        await compared(lambda _: web.Response(body=b"\0\1", **png), lambda _: web.Response(body=b"\0\2", **png))
    )
    assert difference.what == "body"
    assert difference.flask.startswith("2 bytes, sha256 ")

    def compressed(_: web.Request) -> web.Response:
        made = web.Response(text="text" * 100)
        made.enable_compression(web.ContentCoding.gzip)
        return made

    assert only(await compared(compressed, response("text" * 100))).what == "header:Content-Encoding"


async def test_head_has_no_body_and_redirects_are_followed_where_asked() -> None:
    """A followed redirect ends in the last answer, and the way there counts: its cookies and its places."""

    def redirecting(name: str, status: int) -> Callable[[web.Request], web.Response]:
        def make(request: web.Request) -> web.Response:
            if request.path == "/x":
                return response(status=status, headers={"Location": "/y"}, cookies=[f"{name}=1"])(request)
            return response(f"{request.method} {request.cookies}")(request)

        return make

    step = {"method": "POST", "path": "/x", "body": "text", "follow": True}
    report = await compared(redirecting("a", 302), redirecting("b", 303), step)
    assert {entry.what for entry in report.differences} == {"redirects", "cookie:a", "cookie:b", "body"}
    assert report.differences[0].flask == "302 /y"
    assert (await compared(redirecting("a", 302), redirecting("a", 302), "HEAD /x")).equal
    loop = response(status=302, headers={"Location": "/x"})
    assert only(await compared(loop, loop, step)).flask == "more than 20 redirects"


async def test_ignore_and_normalise() -> None:
    """What a script leaves out, for one step or for all, is not compared; text that moves is replaced first."""
    one, two = response("at 10:31", headers={"X-A": "1"}), response("at 10:32", headers={"X-A": "2"})
    step = {"path": "/x", "ignore": ["header:x-*"], "normalise": [{"pattern": r"\d\d:\d\d", "replacement": "TIME"}]}
    assert (await compared(one, two, step)).equal
    assert seen(await compared(one, two)) == {("1. GET /x", "header:X-A"), ("1. GET /x", "body")}
    one, two = as_json('{"a": [{"id": 1}]}'), as_json('{"a": [{"id": 2}]}')
    assert (await compared(one, two, {"path": "/x", "ignore": "body:/a/*/id"})).equal


async def test_announced_differences() -> None:
    """An announced difference does not fail; one with other values does, and one that is gone is stale."""
    one, two = response(status=308), response(status=404)
    entry = {"step": "*/x", "what": "status", "reason": "trap 1", "flask": "308", "aiohttp": "404"}
    report = await compared(one, two, expect=[entry])
    assert report.equal
    assert report.differences[0].announced == "trap 1"
    assert "trap 1" in report.table(announced=True)
    assert "308" not in report.table()
    report = await compared(one, response(status=500), expect=[entry])
    assert (len(report.unexpected), len(report.stale)) == (1, 1)
    with pytest.raises(AssertionError, match=r"announced, but not found"):
        (await compared(one, one, expect=[entry])).check()


# Servers that do not answer


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def raw_server(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def read_head(reader: asyncio.StreamReader) -> str:
    return (await reader.readuntil(b"\r\n\r\n")).decode()


@contextlib.asynccontextmanager
async def recording() -> AsyncIterator[tuple[str, list[str]]]:
    requests: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await read_head(reader))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with raw_server(talk) as url:
        yield url, requests


def first_then(answer: bytes, *, hang: bool = False) -> Callable[..., Awaitable[None]]:
    """A server that answers the request for "/", by which one sees that it is ready, and then so."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if " / " in (await read_head(reader)).splitlines()[0]:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            return
        writer.write(answer)
        await writer.drain()
        if hang:
            await asyncio.Event().wait()

    return talk


@pytest.mark.parametrize(
    ("answer", "hang", "error"),
    [
        (b"", False, "connection closed without an answer"),
        (b"", True, "no complete answer within 0.5 s"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab", False, "no complete HTTP answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", False, "no complete HTTP answer"),
        (b"HTTP/1.1 200 OK\r\n\r\nab", True, "no complete answer within"),
        (b"SSH-2.0-OpenSSH\r\n", False, "no complete HTTP answer"),
    ],
)
async def test_two_broken_servers_are_not_equal(answer: bytes, hang: bool, error: str) -> None:
    """No answer, half of one or something else is a failure, even on both sides, and cannot be announced."""
    entry = {"step": "*", "what": "*", "reason": "never"}
    step = {"path": "/x", "timeout": 0.5 if hang else 30, "ignore": "*"}
    async with raw_server(first_then(answer, hang=hang)) as one, raw_server(first_then(answer, hang=hang)) as two:
        report = await compare([step], flask=one, aiohttp=two, expect=[entry])
    assert not report.equal
    assert only(report).what == "connection"
    assert only(report).flask.startswith(error)
    assert only(report).announced is None


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("GET", b"HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\nab"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n"),
        ("GET", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"),
    ],
)
async def test_an_answer_that_keeps_its_connection_open_is_one(method: str, answer: bytes) -> None:
    """The length ends an answer, too: a server that does not close afterwards has answered."""
    talk = first_then(answer, hang=True)
    async with raw_server(talk) as one, raw_server(talk) as two:
        assert (await compare([f"{method} /x"], flask=one, aiohttp=two)).equal


async def test_one_dropped_connection_can_be_announced() -> None:
    """Where one side answers and the other drops the connection, that is a difference like others."""
    entry = {"step": "*", "what": "connection", "reason": "a line break in a header", "flask": "status 200"}
    async with served(answering(response("a"))) as one, raw_server(first_then(b"")) as two:
        assert (await compare(["GET /x"], flask=one, aiohttp=two, expect=[entry])).equal


async def test_nobody_listens() -> None:
    """A URL where nobody answers within the wait is an error that names it, and so is one with nobody behind."""
    async with raw_server(first_then(b"")) as gone:
        pass
    with pytest.raises(ParityError, match=r"^(flask|aiohttp): http:.+ is not ready within 0.3 s: connection refused"):
        await compare(["GET /"], flask=gone, aiohttp=gone, wait=0.3)
    with pytest.raises(ParityError, match=r"not ready within 1 s: status 503"):
        async with served(answering(response(status=503))) as one:
            await compare(["GET /"], flask=one, aiohttp=one, wait=1)


@pytest.mark.parametrize(
    ("module", "target", "message"),
    [
        ("print('before'); raise RuntimeError('no database')", "broken:app", "exit code 1"),
        ("print('before'); import os; os.kill(os.getpid(), 9)", "broken:app", "signal 9"),
        ("print('before')", "broken:missing", "no attribute 'missing'"),
        ("print('before'); app = 3", "broken:app", "no aiohttp.web.Application"),
    ],
)
async def test_a_side_that_does_not_start(write: Write, module: str, target: str, message: str) -> None:
    """The error says which side it is, how its process ended, and what it wrote."""
    write("broken", module)
    with pytest.raises(ParityError) as caught:
        async with served(answering(response())) as one:
            await compare(["GET /"], flask=one, aiohttp=target)
    assert str(caught.value).startswith("aiohttp: its process ended with ")
    assert message in str(caught.value)
    assert "before" in str(caught.value)


async def test_a_side_that_is_never_ready(write: Write) -> None:
    """A process that never listens is stopped after the wait."""
    write("late", "import threading; threading.Event().wait()")
    with pytest.raises(ParityError, match=r"^(flask|aiohttp): not ready within 1 s"):
        await compare(["GET /"], flask="late:app", aiohttp="late:app", wait=1)


async def test_the_end_of_a_process_is_waited_for_whatever_happens() -> None:
    """Cancelled while it waits, it waits on: as when the other side has failed at that moment."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    ending, go = asyncio.Event(), asyncio.Event()

    async def end() -> None:
        ending.set()
        await go.wait()
        process.kill()
        await process.wait()

    task = asyncio.create_task(_to_the_end(end()))
    await ending.wait()
    task.cancel()
    await asyncio.sleep(0)
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert process.returncode is not None


async def test_a_server_that_dies_midway(write: Write) -> None:
    """The comparison ends with what the process wrote: the answers after that would all be failures."""
    write(
        "mortal",
        "import os, sys\nfrom aiohttp import web\n"
        "async def die(request):\n    print('last words', file=sys.stderr, flush=True)\n    os._exit(7)\n"
        "def create_app():\n    app = web.Application()\n    app.router.add_get('/x', die)\n    return app\n",
    )
    async with served(answering(response())) as one:
        with pytest.raises(ParityError, match="exit code 7\nlast words"):
            await compare(["GET /x", "GET /y"], flask=one, aiohttp="mortal:create_app")


# Captured values, and what reports do not show


async def test_captures() -> None:
    """Variables come from a regex, a pointer, a header or a cookie, and go into paths, headers and bodies."""

    def make(request: web.Request) -> web.Response:
        if request.path == "/start":
            return response(
                '{"a": [{"id": 7}]}',
                headers={"X-Next": "/next"},
                cookies=["c=value; Path=/"],
                content_type="application/json",
            )(request)
        return response(f"{request.raw_path} {request.headers.get('X-Cookie')} {request.headers.get('Cookie')}")(
            request
        )

    steps = [
        {
            "path": "/start",
            "capture": {
                "id": {"pointer": "/a/0/id"},
                "next": {"header": "X-Next"},
                "c": {"cookie": "c"},
                "r": '"(id)"',
            },
        },
        {"path": "/${next}?${r}=${id}&$${id}", "headers": {"X-Cookie": "${c}"}, "name": "second"},
    ]
    fixed = response("//next?id=7&${id} value c=value")
    report = await compared(make, lambda request: make(request) if request.path == "/start" else fixed(request), steps)
    assert report.table() == "2 requests, 0 differences"


async def test_a_capture_that_fails() -> None:
    """A variable that one side does not give is a difference, and so is the request that cannot be sent for it."""
    steps = [{"path": "/x", "name": "one", "capture": {"id": "id=(.)"}}, {"path": "/${id}", "name": "two"}]
    report = await compared(response("id=1"), response("none"), steps)
    assert {("one", "capture:id"), ("two", "connection")} <= seen(report)
    assert report.differences[-1].aiohttp == "not sent: id was not captured"


async def test_secrets_stay_out_of_reports() -> None:
    """Cookies, tokens and credentials do not appear, in the table or in JSON."""
    secret = "s3cr3t-value"
    one = response(f"token={secret}1", cookies=[f"sid={secret}1"], headers={"Authorization": f"Bearer {secret}1"})
    two = response(f"token={secret}2", cookies=[f"sid={secret}2"], headers={"Authorization": f"Bearer {secret}2"})
    step = {"path": "/x", "headers": {"Authorization": f"Bearer {secret}", "Cookie": f"a={secret}"}}
    report = await compared(one, two, step)
    assert seen(report) == {("1. GET /x", what) for what in ("body", "cookie:sid", "header:Authorization")}
    assert secret not in report.table() + json.dumps(report.to_dict())


async def test_reports_are_safe_to_print() -> None:
    """An escape sequence of a page, and a token in a path of the script, do not reach the terminal."""
    one, two = response("a\x1b[2J\nb"), response("a\x1b]0;x\x07\nb")
    table = (await compared(one, two, "GET /x?q=1&token=s3cr3t")).table()
    assert "GET /x?q=1&token=***" in table
    assert "\x1b" not in table
    assert "s3cr3t" not in table


async def test_no_process_outlives_the_one_that_started_it(write: Write, tmp_path: Path) -> None:
    """The servers end even where the comparison is killed in a way that nothing can handle."""
    write("run", "import asyncio, sys\nfrom aiotoolkit.porting.parity import compare\n"
          "asyncio.run(compare(['GET /'], flask='hang:app', aiohttp='hang:app', wait=50))\n")  # fmt: skip
    write("hang", "import os, threading\nopen('hung', 'w').write(str(os.getpid()))\nthreading.Event().wait()")
    process = await asyncio.create_subprocess_exec(sys.executable, "run.py", cwd=tmp_path)
    hung = int(await until(lambda: (tmp_path / "hung").exists() and (tmp_path / "hung").read_text()))
    process.kill()
    await process.wait()
    await until(lambda: not is_running(hung))


async def until(question: Callable[[], Any]) -> Any:
    async with asyncio.timeout(40):
        while not (answer := question()):  # noqa: ASYNC110 - another process does not set an event of ours
            await asyncio.sleep(0.02)
    return answer


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with contextlib.suppress(OSError):  # a zombie that nobody has waited for has ended, too
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


async def test_cookies_go_back_as_a_browser_sends_them() -> None:
    """By path and client, untouched, and no longer once they were deleted."""
    cookies = {"/set": ['a="\\303\\251"; Path=/', "b=1; Path=/deep; Secure", "c=1"], "/end": ["a=; Max-Age=0; Path=/"]}
    requests: list[tuple[str, str]] = []

    def make(request: web.Request) -> web.Response:
        requests.append((request.path, request.headers.get("Cookie", "")))
        return response(cookies=cookies.get(request.path))(request)

    steps: list[Any] = [
        "GET /set",
        "GET /deep/er",
        "GET /deeper",
        "GET /end",
        {"path": "/set2"},
        {"path": "/o", "client": "other"},
    ]
    await compared(make, response(), steps, expect=[])
    assert requests[1:] == [
        ("/set", ""),
        ("/deep/er", 'b=1; a="\\303\\251"; c=1'),
        ("/deeper", 'a="\\303\\251"; c=1'),
        ("/end", 'a="\\303\\251"; c=1'),
        ("/set2", "c=1"),
        ("/o", ""),
    ]


def test_in_a_plain_test(write: Write) -> None:
    """``check_parity`` is an assertion with a table."""
    write("one", PORT)
    write("two", PORT.replace("|", "+"))
    check_parity(["GET /raw/x"], flask=wsgi(write), aiohttp="one:create_app")
    with pytest.raises(AssertionError, match=r"(?s)the two applications differ.*1\. GET /raw/x +body"):
        check_parity(["GET /raw/x"], flask=wsgi(write), aiohttp="two:create_app")


def wsgi(write: Write) -> str:
    """A WSGI application without a framework."""
    write(
        "plain",
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Type', 'text/plain; charset=utf-8')])\n"
        "    return [(environ['PATH_INFO'] + '|').encode()]\n",
    )
    return "plain:app"


async def test_base_urls_are_checked() -> None:
    """A password in a URL, a query or another scheme is refused."""
    for url in ("http://user:password@127.0.0.1/", "http://127.0.0.1/?a", "http://:1/", "http://127.0.0.1:99999/"):
        with pytest.raises(ParityError) as caught:
            await compare(["GET /"], flask=url, aiohttp=url)
        assert "password@" not in str(caught.value)


def test_base64_of_a_hostile_session_is_no_error() -> None:
    """What a signed cookie holds is read with bounds; what is no session of itsdangerous is None."""
    from aiotoolkit.porting._parity_compare import signed_payload

    bomb = base64.urlsafe_b64encode(zlib.compress(b"[" * 10_000_000)).decode()
    for value in ("", ".", "a.b.c", f".{bomb}.a.b", "\u00e9.a.b", "eyJh.b.c"):
        assert signed_payload(value) is None
    assert signed_payload("eyJhIjoxfQ.b.c") == {"a": 1}
