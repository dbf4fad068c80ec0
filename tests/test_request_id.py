"""middlewares: an id for each request, in its response and in its log lines."""

import asyncio
import io
import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestClient, make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp.plugin import AiohttpClient

from aiotoolkit.logger import RequestIdFilter, request_id_var
from aiotoolkit.middlewares import REQUEST_ID_KEY, request_id_middleware, setup_errors, setup_request_id
from aiotoolkit.problems import Problem

from .raw import exchange, raw_request, read_response, served

Client = TestClient[web.Request, web.Application]
NEW_ID = re.compile(r"[0-9a-f]{32}")
logger = logging.getLogger("tests.request_id")


async def shown(request: web.Request) -> web.Response:
    """The id as the handler sees it."""
    assert request[REQUEST_ID_KEY] == request_id_var.get()
    return web.Response(text=request[REQUEST_ID_KEY])


def application(**options: Any) -> web.Application:
    app = web.Application()
    setup_request_id(app, **options)
    app.router.add_get("/", shown)
    return app


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the root logger writes at INFO and above, as ``id level name message``."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RequestIdFilter())
    handler.setFormatter(logging.Formatter("%(request_id)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.parametrize(
    "sent",
    ["a", "7", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "a.b_c:d/e+f=g@h-i", "00-4bf92f3577b34da6a3ce929d0e0e4736-01", "x" * 128],
)
async def test_trusted(aiohttp_client: AiohttpClient, sent: str) -> None:
    """An id that can do no harm is taken from the client, and comes back."""
    client = await aiohttp_client(application())
    async with client.get("/", headers={"x-request-id": sent}) as response:
        assert response.headers.getall("X-Request-ID") == [sent]
        assert await response.text() == sent


@pytest.mark.parametrize("sent", [None, "", " ", "a b", "é", "a,b", "<script>", "x" * 129, "a;b", '"a"', "%0a", "\t"])
async def test_replaced(aiohttp_client: AiohttpClient, sent: str | None) -> None:
    """Without an id, or with one that is anything else, the request gets a new one."""
    client = await aiohttp_client(application())
    headers = {} if sent is None else {"X-Request-ID": sent}
    async with client.get("/", headers=headers) as response:
        assert NEW_ID.fullmatch(response.headers["X-Request-ID"])
        assert await response.text() == response.headers["X-Request-ID"]


async def test_untrusted(aiohttp_client: AiohttpClient) -> None:
    """With trust=False the client's id is never taken."""
    client = await aiohttp_client(application(trust=False))
    async with client.get("/", headers={"X-Request-ID": "mine"}) as response:
        assert NEW_ID.fullmatch(await response.text())


@pytest.mark.parametrize("sent", [b"a\xffb", b"a\x0bb", b"a\r\n b", b"\xe2\x80\xa8"])
async def test_raw_bytes(sent: bytes) -> None:
    """Bytes that are no id are replaced, or refused by the parser; they never come back."""
    async with served(application()) as server:
        request = raw_request("GET", "/", headers=[("X-Request-ID", sent)], content_type=None)
        response = await read_response(server, request)
    assert response.status in (200, 400)
    if response.status == 200:
        assert NEW_ID.fullmatch(response.body.decode())


@given(st.text())
def test_any_id(sent: str) -> None:
    """Whatever a client sends, the id is short and cannot write a log line of its own."""

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response()

    async def run() -> str:
        request = make_mocked_request("GET", "/", headers={"X-Request-ID": sent})
        response = await request_id_middleware()(request, handler)
        assert response.headers["X-Request-ID"] == request[REQUEST_ID_KEY] == request_id_var.get()
        return request[REQUEST_ID_KEY]

    used = asyncio.run(run())
    assert used.isascii()
    assert used.isprintable()
    assert " " not in used
    assert 1 <= len(used) <= 128


@pytest.mark.parametrize("header", ["", "X Request", "X-Request-ID:", "X\r\nY", "é", "X-A\n"])
@pytest.mark.parametrize(
    "make", [request_id_middleware, lambda header: setup_request_id(web.Application(), header=header)]
)
def test_no_header_name(make: Callable[..., Any], header: str) -> None:
    """What is no header name is refused when the application is made."""
    with pytest.raises(ValueError, match="is not the name of an HTTP header"):
        make(header=header)


async def test_own_header(aiohttp_client: AiohttpClient) -> None:
    """The header can have another name, for the request and the response."""
    client = await aiohttp_client(application(header="X-Trace"))
    async with client.get("/", headers={"X-Trace": "t", "X-Request-ID": "r"}) as response:
        assert (response.headers["X-Trace"], await response.text()) == ("t", "t")
        assert "X-Request-ID" not in response.headers


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"x")
    return response


async def file(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(Path(__file__))


async def finished(request: web.Request) -> web.StreamResponse:
    response = web.Response(text="x")
    await response.prepare(request)
    await response.write_eof()
    return response


async def missing(request: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound


async def moved(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/")


async def broken(request: web.Request) -> web.StreamResponse:
    raise ValueError


async def nothing(request: web.Request) -> Any:
    return None


@pytest.mark.parametrize("view", [shown, stream, file, finished, missing, moved, broken, nothing])
@pytest.mark.parametrize("errors", [True, False])
async def test_every_kind_of_response(
    aiohttp_client: AiohttpClient, view: Callable[[web.Request], Awaitable[Any]], errors: bool
) -> None:
    """Responses, streams, files and errors carry the id once; so do those that aiohttp makes itself."""
    app = web.Application()
    setup_request_id(app)
    if errors:
        setup_errors(app)
    app.router.add_get("/", view)
    client = await aiohttp_client(app)
    async with client.get("/", headers={"X-Request-ID": "mine"}, allow_redirects=False) as response:
        assert response.headers.getall("X-Request-ID") == ["mine"]
    async with client.post("/", headers={"X-Request-ID": "mine"}) as response:
        assert response.status == 405
        assert response.headers.getall("X-Request-ID") == ["mine"]


async def test_websocket(aiohttp_client: AiohttpClient) -> None:
    """A websocket's handshake carries the id."""

    async def view(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(request[REQUEST_ID_KEY])
        await socket.close()
        return socket

    app = web.Application()
    setup_request_id(app)
    app.router.add_get("/", view)
    client = await aiohttp_client(app)
    async with client.ws_connect("/", headers={"X-Request-ID": "mine"}) as socket:
        message = await socket.receive()
        assert (message.type, message.data) == (WSMsgType.TEXT, "mine")
        assert socket._response.headers["X-Request-ID"] == "mine"  # the handshake has no public name


async def test_handler_cannot_forge(aiohttp_client: AiohttpClient) -> None:
    """The id on the response is the request's, whatever the handler set there."""

    async def view(request: web.Request) -> web.Response:
        return web.Response(headers={"X-Request-ID": "of another service"})

    app = web.Application()
    setup_request_id(app)
    app.router.add_get("/", view)
    client = await aiohttp_client(app)
    async with client.get("/", headers={"X-Request-ID": "mine"}) as response:
        assert response.headers.getall("X-Request-ID") == ["mine"]


async def test_sub_applications(aiohttp_client: AiohttpClient) -> None:
    """A parent's ids reach its children; a child's own stay in it."""
    app, child = web.Application(), application(header="X-Child")
    app.add_subapp("/child", child)
    app.router.add_get("/", missing)
    client = await aiohttp_client(app)
    async with client.get("/child/") as response:
        assert "X-Child" in response.headers
    async with client.get("/") as response:
        assert "X-Child" not in response.headers
    parent, plain = application(), web.Application()
    plain.router.add_get("/", shown)
    parent.add_subapp("/child", plain)
    client = await aiohttp_client(parent)
    async with client.get("/child/", headers={"X-Request-ID": "mine"}) as response:
        assert (response.headers["X-Request-ID"], await response.text()) == ("mine", "mine")


async def test_never_mixed(lines: io.StringIO) -> None:
    """Concurrent requests, over kept-alive connections too, see their own id only, and so do their tasks and lines."""
    everyone = asyncio.Barrier(5)

    async def background() -> str | None:
        await asyncio.sleep(0)
        return request_id_var.get()

    async def view(request: web.Request) -> web.Response:
        before = request_id_var.get()
        await everyone.wait()
        logger.info("%s", request.query["id"])
        inside = await asyncio.create_task(background())
        in_thread = await asyncio.to_thread(request_id_var.get)
        assert before == inside == in_thread == request_id_var.get() == request[REQUEST_ID_KEY]
        if request.query["id"].endswith("3"):
            raise web.HTTPNotFound
        return web.Response(text=request[REQUEST_ID_KEY])

    app = web.Application()
    setup_errors(app)
    setup_request_id(app)
    app.router.add_get("/", view)

    async def client(number: int, server: Any) -> None:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        for round_ in range(6):
            sent = f"client-{number}-{round_}"
            headers: list[tuple[str, str | bytes]] = [("X-Request-ID", sent)]
            writer.write(raw_request("GET", f"/?id={sent}", headers=headers, content_type=None, close=False))
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(re.findall(r"Content-Length: (\d+)", head)[0])
            await reader.readexactly(length)
            assert re.findall(r"X-Request-ID: (\S+)", head) == [sent]
        writer.close()

    async with served(app) as server, asyncio.timeout(20):
        await asyncio.gather(*(client(number, server) for number in range(5)))
    records = [line.split(" ") for line in lines.getvalue().splitlines()]
    assert {record[0] for record in records if record[2] == logger.name} == {
        record[3] for record in records if record[2] == logger.name
    }
    access = [record for record in records if record[2] == "aiohttp.access"]
    assert len(access) == 30
    for record in access:
        assert f"/?id={record[0]}" in record


async def test_pipelined(aiohttp_client: AiohttpClient) -> None:
    """Requests that were sent at once on one connection keep their ids apart; one without an id gets a new one."""
    async with served(application()) as server:
        requests = [
            raw_request("GET", "/", headers=[("X-Request-ID", "first")], content_type=None, close=False),
            raw_request("GET", "/", content_type=None, close=False),
            raw_request("GET", "/", headers=[("X-Request-ID", "third")], content_type=None),
        ]
        received = (await exchange(server, b"".join(requests))).decode()
    ids = re.findall(r"X-Request-ID: (\S+)", received)
    assert ids[0] == "first"
    assert NEW_ID.fullmatch(ids[1])
    assert ids[2] == "third"


async def test_access_log_and_errors(lines: io.StringIO) -> None:
    """The access log, which is written after the response, and the log of an error have the request's id."""
    app = web.Application()
    setup_errors(app)
    setup_request_id(app)
    app.router.add_get("/", broken)
    async with served(app) as server:
        request = raw_request("GET", "/", headers=[("X-Request-ID", "mine")], content_type=None)
        assert (await read_response(server, request)).headers["X-Request-ID"] == "mine"
    written = lines.getvalue().splitlines()
    assert written[0] == "mine ERROR aiotoolkit.middlewares Unhandled exception in GET /"
    assert any(line.startswith("mine INFO aiohttp.access ") for line in written)


async def test_log_injection(lines: io.StringIO) -> None:
    """An id that would write a log line of its own is never logged."""
    async with served(application()) as server:
        for sent in ("x ERROR root forged", "x\\nERROR", "\x1b[31m", "é"):
            await exchange(server, raw_request("GET", "/", headers=[("X-Request-ID", sent)], content_type=None))
    for line in lines.getvalue().splitlines():
        if "aiohttp.access" in line:
            assert NEW_ID.fullmatch(line.split(" ")[0]) or line.startswith("- ")


async def test_ids_are_unique(aiohttp_client: AiohttpClient) -> None:
    """New ids do not repeat."""
    client = await aiohttp_client(application())
    ids = [(await client.get("/")).headers["X-Request-ID"] for _ in range(50)]
    assert len(set(ids)) == 50


async def test_one_id_for_one_request(aiohttp_client: AiohttpClient) -> None:
    """A sub-application that is set up too goes by the id that the request has, with its own header beside."""
    seen: list[str] = []

    @web.middleware
    async def outer(request: web.Request, handler: Any) -> web.StreamResponse:
        seen.append(request[REQUEST_ID_KEY])
        response: web.StreamResponse = await handler(request)
        return response

    app = web.Application(middlewares=[outer])
    setup_request_id(app)
    app.add_subapp("/same/", application())
    app.add_subapp("/other/", application(header="X-Trace"))
    client = await aiohttp_client(app)
    for path, header in (("/same/", "X-Request-ID"), ("/other/", "X-Trace")):
        response = await client.get(path)
        assert {await response.text(), response.headers["X-Request-ID"], response.headers[header]} == {seen.pop()}


@pytest.mark.parametrize(
    "header", ["Content-Length", "transfer-encoding", "CONNECTION", "Host", "Content-Type", "Upgrade", "Set-Cookie"]
)
@pytest.mark.parametrize("make", [request_id_middleware, application])
def test_header_of_http_itself(make: Callable[..., Any], header: str) -> None:
    """A header that HTTP needs itself cannot carry the id."""
    with pytest.raises(ValueError, match=f"'{header}' cannot carry a request id"):
        make(header=header)


@pytest.mark.parametrize("make", [request_id_middleware, application])
def test_options_of_a_wrong_type(make: Callable[..., Any]) -> None:
    """Options of a wrong type are named."""
    with pytest.raises(TypeError, match="header= must be the name of a header, a str, not int"):
        make(header=5)
    with pytest.raises(TypeError, match="trust= must be True or False, not 'no'"):
        make(trust="no")


@pytest.mark.parametrize("app", [None, 5])
def test_no_application(app: Any) -> None:
    """Ids are set up for an application and for nothing else."""
    with pytest.raises(TypeError, match="setup_request_id takes an application first, not"):
        setup_request_id(app)


async def test_problems_name_their_request(aiohttp_client: AiohttpClient) -> None:
    """Problem details have the id as a member, also of a raised Problem; one that an application set itself stays."""

    async def gone(request: web.Request) -> web.StreamResponse:
        raise Problem(410)

    async def own(request: web.Request) -> web.StreamResponse:
        raise Problem(409, request_id="own")

    app = web.Application()
    setup_errors(app)
    setup_request_id(app)
    for path, view in (("/broken", broken), ("/missing", missing), ("/gone", gone)):
        app.router.add_get(path, view)
    app.router.add_get("/own", own)
    client = await aiohttp_client(app)
    for path in ("/broken", "/missing", "/gone", "/nowhere"):
        async with client.get(path, headers={"X-Request-ID": "mine"}) as response:
            assert (await response.json(content_type=None))["request_id"] == "mine"
    async with client.get("/own", headers={"X-Request-ID": "mine"}) as response:
        assert (await response.json(content_type=None))["request_id"] == "own"


async def test_problems_without_ids(aiohttp_client: AiohttpClient) -> None:
    """Where no ids are set up, problems have no such member."""
    app = web.Application()
    setup_errors(app)
    client = await aiohttp_client(app)
    async with client.get("/") as response:
        assert "request_id" not in await response.json(content_type=None)
