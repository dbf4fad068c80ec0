"""middlewares: every error in one shape."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from aiohttp import ClientResponseError, RequestInfo, WSMsgType, hdrs, web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from multidict import CIMultiDict, CIMultiDictProxy
from pytest_aiohttp.plugin import AiohttpClient
from yarl import URL

from aiotoolkit.middlewares import error_middleware, request_id_middleware, setup_errors, setup_request_id
from aiotoolkit.problems import Problem, problem_response

from .raw import exchange, raw_request, read_response, served

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
View = Callable[[web.Request], Awaitable[Any]]
Client = TestClient[web.Request, web.Application]
Serve = Callable[..., Awaitable[Client]]


@pytest.fixture
def serve(aiohttp_client: AiohttpClient) -> Serve:
    """A client of an application whose only view is given, behind the error middleware."""

    async def serve(view: View, handlers: Any = None, *, bare: bool = False, debug: bool = False) -> Client:
        app = web.Application(middlewares=[error_middleware(handlers, debug=debug)] if bare else ())
        if not bare:
            setup_errors(app, handlers, debug=debug)
        app.router.add_route("*", "/", view)
        return await aiohttp_client(app)

    return serve


def raising(error: BaseException | type[BaseException]) -> View:
    async def view(request: web.Request) -> web.Response:
        raise error

    return view


def returning(make: Callable[[], Any]) -> View:
    async def view(request: web.Request) -> Any:
        return make()

    return view


def errors_in(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.WARNING]


def logged_once(caplog: pytest.LogCaptureFixture) -> BaseException:
    """The exception of the only record from WARNING on."""
    (record,) = errors_in(caplog)
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert record.exc_info[1] is not None
    return record.exc_info[1]


async def problem(client: Client, path: str = "/", **kwargs: Any) -> dict[str, Any]:
    """The members of the problem that GET is answered with."""
    async with client.get(path, **kwargs) as response:
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.headers["Vary"] == "Accept"
        members: dict[str, Any] = json.loads(await response.read())
        assert members["status"] == response.status
        return members


SERVER_ERROR = {"type": "about:blank", "title": "Internal Server Error", "status": 500}

# --- HTTP exceptions --------------------------------------------------------------------------------------------------


async def test_no_error(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """A response is passed on as it is; one with status 500 is the handler's own business."""
    client = await serve(returning(lambda: web.Response(status=500, text="mine")))
    async with client.get("/") as response:
        assert (response.status, await response.text()) == (500, "mine")
        assert "Vary" not in response.headers
    assert errors_in(caplog) == []


@pytest.mark.parametrize(
    ("error", "members"),
    [
        (web.HTTPNotFound(), {"title": "Not Found", "status": 404}),
        (web.HTTPNotFound(text="No <x>"), {"title": "Not Found", "status": 404, "detail": "No <x>"}),
        (web.HTTPBadRequest(reason="Too long"), {"title": "Bad Request", "status": 400, "detail": "Too long"}),
        (web.HTTPUnprocessableEntity(), {"title": "Unprocessable Content", "status": 422}),
        (web.HTTPGone(text=""), {"title": "Gone", "status": 410}),
        (web.HTTPInternalServerError(text="db password is x"), {"title": "Internal Server Error", "status": 500}),
        (web.HTTPServiceUnavailable(reason="secret"), {"title": "Service Unavailable", "status": 503}),
        (Problem(409, "Taken.", balance=3), {"title": "Conflict", "status": 409, "detail": "Taken.", "balance": 3}),
        (Problem(503, "Back at noon."), {"title": "Service Unavailable", "status": 503, "detail": "Back at noon."}),
    ],
)  # fmt: skip
async def test_http_exceptions(
    serve: Serve, caplog: pytest.LogCaptureFixture, error: web.HTTPException, members: dict[str, Any]
) -> None:
    """An HTTPException is a problem; a text or reason of its own is the detail below 500; nothing is logged."""
    client = await serve(raising(error))
    assert await problem(client) == {"type": "about:blank", **members}
    assert errors_in(caplog) == []


async def test_router_and_body_errors(serve: Serve) -> None:
    """What the router and the body reader raise has the same shape."""

    async def view(request: web.Request) -> web.Response:
        return web.json_response(len(await request.read()))

    app = web.Application(client_max_size=100)
    setup_errors(app)
    app.router.add_post("/", view)
    app.router.add_put("/", view)
    async with TestClient(TestServer(app)) as client:
        for method in ("GET", "TRACE", "QUERY", "OPTIONS", "DELETE"):
            async with client.request(method, "/") as response:
                assert response.status == 405
                assert response.headers["Allow"] == "POST,PUT"
                assert json.loads(await response.read()) == {
                    "type": "about:blank", "title": "Method Not Allowed", "status": 405
                }  # fmt: skip
        async with client.get("/nowhere") as response:
            assert response.status == 404
            assert response.content_type == "application/problem+json"
        async with client.post("/", data=b"x" * 101) as response:
            assert response.status == 413
            assert (await response.json(content_type=None))["title"] == "Content Too Large"


async def test_head(serve: Serve) -> None:
    """HEAD gets the head of the same answer, and no body."""
    client = await serve(raising(web.HTTPNotFound))
    async with client.head("/") as head, client.get("/") as get:
        assert head.status == 404
        assert head.headers["Content-Length"] == str(len(await get.read()))
        assert await head.read() == b""


@pytest.mark.parametrize(
    ("error", "name", "value"),
    [
        (lambda: web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"}), "WWW-Authenticate", "Bearer"),
        (lambda: web.HTTPTooManyRequests(headers={"Retry-After": "30"}), "Retry-After", "30"),
        (lambda: web.HTTPServiceUnavailable(headers={"Retry-After": "30"}), "Retry-After", "30"),
        (lambda: web.HTTPMethodNotAllowed("GET", ["POST"]), "Allow", "POST"),
        (lambda: Problem(503, headers={"Retry-After": "30"}), "Retry-After", "30"),
        (lambda: web.HTTPUnavailableForLegalReasons("https://x.y"), "Link", '<https://x.y>; rel="blocked-by"'),
    ],
)  # fmt: skip
async def test_headers_are_kept(serve: Serve, error: Callable[[], web.HTTPException], name: str, value: str) -> None:
    """Headers and cookies that were set on the exception stay; those of its body do not."""

    async def view(request: web.Request) -> web.Response:
        raised = error()
        raised.set_cookie("a", "1", path="/x")
        raised.headers.add("X-A", "1")
        raised.headers.add("X-A", "2")
        raise raised

    client = await serve(view)
    async with client.get("/") as response:
        assert response.headers.getall(name) == [value]
        assert response.headers.getall("X-A") == ["1", "2"]
        assert response.headers.getall("Set-Cookie") == ["a=1; Path=/x"]
        assert response.headers.getall("Content-Type") == ["application/problem+json"]
        assert len(response.headers.getall("Content-Length")) == 1


async def test_force_close_is_kept(serve: Serve) -> None:
    """An exception that ends its connection does so."""

    async def view(request: web.Request) -> web.Response:
        error = web.HTTPBadRequest()
        error.force_close()
        raise error

    client = await serve(view)
    assert (await client.get("/")).headers["Connection"] == "close"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects(serve: Serve, status: int) -> None:
    """Redirects are passed on with Location, headers, cookies and text."""
    classes = {kind.status_code: kind for kind in web.HTTPMove.__subclasses__()}

    async def view(request: web.Request) -> web.Response:
        redirect = classes[status]("/target?a=b", headers={"X-A": "1"}, text="moved")
        redirect.set_cookie("c", "1")
        raise redirect

    client = await serve(view, {400: unused})
    async with client.get("/", allow_redirects=False) as response:
        assert response.status == status
        assert response.headers["Location"] == "/target?a=b"
        assert response.headers["X-A"] == "1"
        assert response.headers.getall("Set-Cookie") == ["c=1; Path=/"]
        assert await response.text() == "moved"


async def unused(request: web.Request, error: Exception) -> web.StreamResponse:
    raise AssertionError("this handler is not for it")


async def test_other_answers_below_400(serve: Serve) -> None:
    """An HTTPException of 2xx or 304 is an answer, not an error."""
    client = await serve(raising(web.HTTPNoContent()))
    assert (await client.get("/")).status == 204
    client = await serve(raising(web.HTTPNotModified(headers={"ETag": '"x"'})))
    response = await client.get("/")
    assert (response.status, response.headers["ETag"]) == (304, '"x"')


async def test_own_body_is_kept(serve: Serve) -> None:
    """An exception with a body of its own, other than plain text, keeps it, as JSON or as HTML."""
    for text, content_type in (('{"error": 1}', "application/json"), ("<h1>Gone</h1>", "text/html")):
        error = web.HTTPNotFound(text=text, content_type=content_type, headers={"X-A": "1"})
        client = await serve(raising(error))
        async with client.get("/", headers=BROWSER) as response:
            assert response.status == 404
            assert response.content_type == content_type
            assert await response.text() == text
            assert response.headers["X-A"] == "1"


@pytest.mark.parametrize("make", [web.HTTPNotFound, lambda: web.HTTPFound("/x"), lambda: Problem(404)])
@pytest.mark.filterwarnings("ignore:returning HTTPException object is deprecated")  # that is what is tested
async def test_returned_exception(serve: Serve, make: Callable[[], web.HTTPException]) -> None:
    """A returned HTTPException counts as raised."""
    client = await serve(returning(make))
    async with client.get("/", allow_redirects=False) as response:
        assert response.status == make().status
        if response.status == 404:
            assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "shared",
    [web.HTTPNotFound(), web.HTTPFound("/x"), Problem(404), web.HTTPGone(text="{}", content_type="application/json")],
    ids=lambda error: type(error).__name__ + str(error.status),
)
@pytest.mark.parametrize("kept_alive", [True, False])
async def test_one_object_for_many_requests(serve: Serve, shared: web.HTTPException, kept_alive: bool) -> None:
    """One exception object can be raised for any number of requests, at once too; it never changes."""
    shared.set_cookie("c", "1")
    before = dict(shared.headers)
    everyone_is_here = asyncio.Barrier(3)

    async def view(request: web.Request) -> web.Response:
        if "wait" in request.query:
            await everyone_is_here.wait()
        raise shared

    client = await serve(view)
    headers = {} if kept_alive else {"Connection": "close"}

    async def get(path: str) -> tuple[int, bytes, list[str], str]:
        async with client.get(path, headers=headers, allow_redirects=False) as response:
            cookies = response.headers.getall("Set-Cookie")
            return response.status, await response.read(), cookies, response.headers.get("Location", "")

    async with asyncio.timeout(5):
        answers = [await get("/"), await get("/"), *await asyncio.gather(*(get("/?wait") for _ in range(3)))]
    assert {str(answer) for answer in answers} == {str(answers[0])}
    assert answers[0][0] == shared.status
    assert answers[0][2] == ["c=1; Path=/"]
    assert dict(shared.headers) == before
    assert not shared.prepared


async def test_one_response_for_many_requests(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """A plain response object can be sent once: the second request is told so with 500, and does not hang."""
    shared = web.Response(text="once")
    client = await serve(returning(lambda: shared))
    assert await (await client.get("/")).text() == "once"
    async with asyncio.timeout(5):
        assert await problem(client) == SERVER_ERROR
    assert "sent before: each request needs its own" in str(logged_once(caplog))


# --- exceptions -------------------------------------------------------------------------------------------------------


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def response_error() -> ClientResponseError:
    info = RequestInfo(URL("http://other"), "GET", CIMultiDictProxy(CIMultiDict()), URL("http://other"))
    return ClientResponseError(info, (), status=404, message="Not Found")


class WithStatus(Exception):
    status = status_code = code = 404
    headers: Mapping[str, str] = {"X-A": "1"}


@pytest.mark.parametrize("bare", [True, False])
@pytest.mark.parametrize(
    "error",
    [
        ValueError("secret"),
        KeyError("secret"),
        Unprintable(),
        response_error(),
        WithStatus("secret"),
        ConnectionResetError("the database, not the client"),
        ExceptionGroup("secret", [ValueError("secret")]),
        StopAsyncIteration("secret"),
        OSError(5, "secret"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_unhandled(serve: Serve, caplog: pytest.LogCaptureFixture, error: Exception, bare: bool) -> None:
    """Any other exception is 500: nothing of it, a status neither, reaches the client; it is logged exactly once."""
    client = await serve(raising(error), bare=bare)
    async with client.get("/?token=secret") as response:
        assert response.status == 500
        assert "X-A" not in response.headers
        text = await response.text()
    assert json.loads(text) == SERVER_ERROR
    assert logged_once(caplog) is error
    (record,) = errors_in(caplog)
    assert record.name == "aiotoolkit.middlewares"
    assert record.getMessage() == "Unhandled exception in GET /"


async def test_no_line_of_its_own(caplog: pytest.LogCaptureFixture, serve: Serve) -> None:
    """The path in the log is percent-encoded: it cannot add a line."""
    app = web.Application()
    setup_errors(app)
    app.router.add_get("/{tail:[^x]*}", raising(ValueError))
    async with TestClient(TestServer(app)) as client:
        await client.get(URL("/a%0AERROR%20forged", encoded=True))
    assert errors_in(caplog)[0].getMessage() == "Unhandled exception in GET /a%0AERROR%20forged"


async def test_timeout(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """A timeout is 504, as in aiohttp itself, and logged."""

    async def view(request: web.Request) -> web.Response:
        async with asyncio.timeout(0):
            await asyncio.Event().wait()
        return web.Response()

    client = await serve(view)
    assert await problem(client) == {"type": "about:blank", "title": "Gateway Timeout", "status": 504}
    assert isinstance(logged_once(caplog), TimeoutError)


@pytest.mark.parametrize("error", [asyncio.CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit])
async def test_base_exceptions_pass(error: type[BaseException]) -> None:
    """What is no Exception is nobody's answer: it passes, and no handler sees it."""
    middleware = error_middleware(unused)
    with pytest.raises(error):
        await middleware(make_mocked_request("GET", "/"), raising(error))


@pytest.mark.parametrize("result", [None, "text", b"bytes", {"a": 1}, (web.Response(), 200), 404])
async def test_no_response(serve: Serve, caplog: pytest.LogCaptureFixture, result: Any) -> None:
    """A handler that returns no response is a 500, whose log entry says what it returned."""
    client = await serve(returning(lambda: result))
    assert await problem(client) == SERVER_ERROR
    assert str(logged_once(caplog)) == f"A handler must return a response, not {type(result).__name__}"


def with_cookie(response: web.Response) -> web.Response:
    response.cookies["c"] = "1"
    dict.__setitem__(response.cookies["c"], "path", "/\r\nX: y")  # http.cookies refuses it on newer Pythons
    return response


@pytest.mark.parametrize(
    "make",
    [
        lambda: web.Response(headers={"X-A": "a\rb"}),
        lambda: web.Response(headers={"X-A": "a\nSet-Cookie: b"}),
        lambda: web.Response(headers={"X-A": "a\x00"}),
        lambda: web.Response(headers={"X-A\x01": "a"}),
        lambda: web.Response(headers={"Retry-After": 30}),  # type: ignore[arg-type]  # the mistake under test
        lambda: web.Response(reason="a\x00b"),
        lambda: with_cookie(web.Response()),
        lambda: web.Response(status=0),
        lambda: web.HTTPNotFound(headers={"X-A": "a\x7f"}),
        lambda: web.HTTPNotFound(reason="a\x01b"),
        lambda: web.HTTPFound("/x", headers={"X-A": "a\rb"}),
        lambda: with_cookie(web.HTTPNotFound()),
        lambda: web.HTTPNotFound(headers={"Retry-After": 30}),  # type: ignore[arg-type]  # the mistake under test
        web.HTTPException,  # the base class: it has no status
    ],
)
@pytest.mark.parametrize("raised", [True, False])
async def test_unsendable(serve: Serve, caplog: pytest.LogCaptureFixture, make: Any, raised: bool) -> None:
    """What aiohttp would drop the connection for is answered with 500 and logged."""

    async def view(request: web.Request) -> Any:
        response = make()
        if raised and isinstance(response, Exception):
            raise response
        return response

    client = await serve(view)
    assert client.server is not None
    answer = await read_response(client.server, raw_request("GET", "/", content_type=None))
    assert (answer.status, answer.json()) == (500, SERVER_ERROR)
    assert "X" not in answer.headers
    assert isinstance(logged_once(caplog), TypeError | ValueError)


async def test_damaged_body(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """A body that cannot be read is the client's mistake, whoever reads it: 400, and nothing is logged."""

    async def view(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    seen = []

    async def handler(request: web.Request, error: Exception) -> web.StreamResponse:
        seen.append(error)
        raise error

    client = await serve(view, {400: handler})
    async with client.post("/", data=b"zzz", headers={"Content-Encoding": "gzip"}, compress=None) as response:
        assert response.status == 400
        assert response.headers["Connection"] == "close"
    assert isinstance(seen[0], Problem)
    assert isinstance(seen[0].__cause__, web.RequestPayloadError)
    assert errors_in(caplog) == []


# --- clients that are gone, responses that have started ---------------------------------------------------------------


async def test_client_is_gone(caplog: pytest.LogCaptureFixture) -> None:
    """A client that went away is no error: 499 in the access log, and nothing from WARNING on."""
    begun, done = asyncio.Event(), asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        begun.set()
        try:
            while True:
                await response.write(b"x" * 100_000)
                await asyncio.sleep(0)
        finally:
            done.set()

    async def read(request: web.Request) -> web.Response:
        begun.set()
        try:
            return web.Response(body=await request.read())
        finally:
            done.set()

    app = web.Application()
    setup_errors(app, unused)
    app.router.add_get("/stream", stream)
    app.router.add_post("/read", read)
    caplog.set_level(logging.INFO)
    async with served(app) as server:
        for request in (raw_request("GET", "/stream"), raw_request("POST", "/read", b"x" * 10)[:-5]):
            begun.clear()
            done.clear()
            _, writer = await asyncio.open_connection(server.host, server.port)
            writer.write(request)
            await asyncio.wait_for(begun.wait(), 5)
            writer.transport.abort()
            await asyncio.wait_for(done.wait(), 5)
    assert errors_in(caplog) == []
    lines = [record.getMessage() for record in caplog.records if record.name == "aiohttp.access"]
    assert [" 499 " in line for line in lines] == [True, True]


@pytest.mark.parametrize("error", [TimeoutError(110, "timed out"), OSError(5, "x"), ConnectionResetError()])
async def test_connection_was_lost(serve: Serve, caplog: pytest.LogCaptureFixture, error: Exception) -> None:
    """Whatever the connection was lost by, the handler that reads on is not at fault."""

    async def view(request: web.Request) -> web.Response:
        assert request.transport is not None
        # As asyncio does, where a client's machine vanished from the network.
        request.transport.abort()
        request.content.set_exception(error)
        return web.Response(body=await request.read())

    client = await serve(view, unused)
    assert client.server is not None
    assert await exchange(client.server, raw_request("POST", "/", b"x" * 10)[:-5]) == b""
    assert errors_in(caplog) == []


async def started_stream(request: web.Request) -> None:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"abc")


async def started_response(request: web.Request) -> None:
    """Prepare a response whose head is still in the buffer."""
    await web.Response(text="abc").prepare(request)


async def finished_stream(request: web.Request) -> None:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write_eof(b"abc")


ENDINGS: dict[str, Any] = {
    "HTTPNotFound": web.HTTPNotFound,
    "HTTPFound": lambda: web.HTTPFound("/x"),
    "Problem": lambda: Problem(404),
    "ValueError": lambda: ValueError("secret"),
    "TimeoutError": TimeoutError,
    "a response": lambda: web.Response(text="second"),
    "nothing": lambda: None,
}


@pytest.mark.parametrize("start", [started_stream, started_response, finished_stream])
@pytest.mark.parametrize("ending", ENDINGS)
async def test_never_a_second_response(
    serve: Serve, caplog: pytest.LogCaptureFixture, start: Callable[[web.Request], Awaitable[None]], ending: str
) -> None:
    """After prepare() nothing more is written, whatever happens: it is logged once, and the connection closed."""

    async def view(request: web.Request) -> Any:
        await start(request)
        result = ENDINGS[ending]()
        if isinstance(result, Exception):
            raise result
        return result

    client = await serve(view, unused)
    assert client.server is not None
    async with asyncio.timeout(5):
        received = await exchange(client.server, raw_request("GET", "/", content_type=None, close=False))
    assert received.count(b"HTTP/1.1 ") == (0 if start is started_response else 1)
    assert b"second" not in received
    assert b"secret" not in received
    assert b"problem+json" not in received
    if start is not started_response:
        assert b"3\r\nabc\r\n" in received
    assert len(errors_in(caplog)) == 1
    assert logged_once(caplog)


@pytest.mark.parametrize("ending", ENDINGS)
async def test_started_websocket(serve: Serve, caplog: pytest.LogCaptureFixture, ending: str) -> None:
    """An error in a websocket never gets a second response either."""

    async def view(request: web.Request) -> Any:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("hello")
        result = ENDINGS[ending]()
        if isinstance(result, Exception):
            raise result
        return result

    client = await serve(view, unused)
    async with client.ws_connect("/") as socket:
        assert (await socket.receive()).data == "hello"
        message = await asyncio.wait_for(socket.receive(), 5)
        assert message.type in (WSMsgType.CLOSED, WSMsgType.CLOSE)
    assert len(errors_in(caplog)) == 1


async def test_stream_without_the_signal(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """The middleware alone, without setup_errors, sees a started stream as well."""

    async def view(request: web.Request) -> web.Response:
        await started_stream(request)
        raise web.HTTPNotFound

    client = await serve(view, bare=True)
    assert client.server is not None
    received = await exchange(client.server, raw_request("GET", "/", content_type=None))
    assert received.count(b"HTTP/1.1 ") == 1
    assert len(errors_in(caplog)) == 1


@pytest.mark.parametrize("bare", [True, False])
@pytest.mark.parametrize("finish", [True, False])
@pytest.mark.parametrize("kind", [web.Response, web.StreamResponse])
async def test_prepared_response_returned(
    serve: Serve, caplog: pytest.LogCaptureFixture, kind: type[web.StreamResponse], finish: bool, bare: bool
) -> None:
    """A response that the handler prepared, or even finished, is passed on."""

    async def view(request: web.Request) -> web.StreamResponse:
        response = kind()
        await response.prepare(request)
        if finish:
            await response.write_eof()
        return response

    client = await serve(view, bare=bare)
    for _ in range(2):
        assert (await client.get("/")).status == 200
    assert errors_in(caplog) == []


async def test_mocked_request() -> None:
    """A mocked request, whose writer counts nothing, is answered as a real one."""
    middleware = error_middleware()
    response = await middleware(make_mocked_request("GET", "/"), raising(web.HTTPNotFound()))
    assert isinstance(response, web.Response)
    assert (response.status, response.content_type) == (404, "application/problem+json")
    plain = web.Response()
    assert await middleware(make_mocked_request("GET", "/"), returning(lambda: plain)) is plain


# --- handlers ---------------------------------------------------------------------------------------------------------


def answering(name: str) -> Any:
    async def handler(request: web.Request, error: Exception) -> web.StreamResponse:
        return web.Response(text=f"{name}: {type(error).__name__}", status=499)

    return handler


class Base(Exception):
    pass


class Mixin:
    pass


class Child(Mixin, Base):
    pass


class MyNotFound(web.HTTPNotFound):
    pass


@pytest.mark.parametrize(
    ("error", "keys", "chosen"),
    [
        (Child(), [Base, Child, Exception, 500], Child),
        (Child(), [Base, Exception, 500], Base),
        (Child(), [Exception, 500], Exception),
        (Child(), [500, 404], 500),
        (Child(), [404, ValueError, web.HTTPException], None),
        (MyNotFound(), [404, web.HTTPException, web.HTTPNotFound], web.HTTPNotFound),
        (MyNotFound(), [404, web.HTTPError], web.HTTPError),
        (MyNotFound(), [404, 500], 404),
        (MyNotFound(), [Exception, 404], Exception),
        (Problem(404), [404, Problem], Problem),
        (Problem(404), [404], 404),
        (web.HTTPInternalServerError(), [500], 500),
        (TimeoutError(), [504, 500], 504),
        (TimeoutError(), [OSError, 504], OSError),
    ],
)
async def test_which_handler(serve: Serve, error: Exception, keys: list[Any], chosen: Any) -> None:
    """The exact class comes first, then its bases in their order, then the status; 500 gets the original exception."""
    client = await serve(raising(error), {key: answering(str(key)) for key in keys})
    async with client.get("/") as response:
        if chosen is None:
            assert response.content_type == "application/problem+json"
        else:
            assert await response.text() == f"{chosen}: {type(error).__name__}"


@pytest.mark.parametrize("error", [web.HTTPNotFound(), Problem(422), ValueError(), TimeoutError()])
async def test_one_handler_for_all(serve: Serve, caplog: pytest.LogCaptureFixture, error: Exception) -> None:
    """One function gets every error; unhandled ones are still logged."""
    client = await serve(raising(error), answering("all"))
    assert await (await client.get("/")).text() == f"all: {type(error).__name__}"
    assert len(errors_in(caplog)) == (0 if isinstance(error, web.HTTPException) else 1)


async def test_router_errors_reach_handlers(serve: Serve) -> None:
    """A handler for 404 gets the router's own 404."""
    client = await serve(returning(web.Response), {404: answering("404")})
    assert await (await client.get("/nowhere")).text() == "404: HTTPNotFound"


@pytest.mark.parametrize(("key", "records"), [(Base, 0), (Child, 0), (Exception, 1), (500, 1)])
async def test_what_counts_as_handled(serve: Serve, caplog: pytest.LogCaptureFixture, key: Any, records: int) -> None:
    """An exception with a handler for its class is expected, and not logged; Exception and 500 expect nothing."""
    client = await serve(raising(Child()), {key: answering("x")})
    assert (await client.get("/")).status == 499
    assert len(errors_in(caplog)) == records


@pytest.mark.parametrize("key", [ValueError, Exception, 500])
async def test_handler_gives_the_error_back(serve: Serve, caplog: pytest.LogCaptureFixture, key: Any) -> None:
    """A handler that raises its error again leaves it to the default: 500, logged exactly once."""
    error = ValueError("secret")

    async def handler(request: web.Request, error: Exception) -> web.StreamResponse:
        raise error

    client = await serve(raising(error), {key: handler})
    assert await problem(client) == SERVER_ERROR
    assert logged_once(caplog) is error


async def test_handler_raises_a_problem(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """A handler may raise a Problem: that is the answer, without another round through the handlers."""

    async def handler(request: web.Request, error: Exception) -> web.StreamResponse:
        raise Problem(404, "No such row.") from error

    client = await serve(raising(KeyError("x")), {KeyError: handler, 404: unused})
    assert (await problem(client))["detail"] == "No such row."
    assert errors_in(caplog) == []


async def test_handler_redirects(serve: Serve) -> None:
    """A handler may send the client elsewhere, by raising or by returning."""

    async def handler(request: web.Request, error: Exception) -> web.StreamResponse:
        raise web.HTTPFound("/login")

    client = await serve(raising(web.HTTPUnauthorized), {401: handler})
    response = await client.get("/", allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (302, "/login")


@pytest.mark.parametrize("result", [None, "text", 404])
async def test_handler_returns_nothing(serve: Serve, caplog: pytest.LogCaptureFixture, result: Any) -> None:
    """A handler that returns no response is a 500 of its own."""

    async def handler(request: web.Request, error: Exception) -> web.StreamResponse:
        return result  # type: ignore[no-any-return]  # the mistake under test

    client = await serve(raising(web.HTTPNotFound), {404: handler})
    assert await problem(client) == SERVER_ERROR
    assert str(logged_once(caplog)) == f"A handler must return a response, not {type(result).__name__}"


@pytest.mark.filterwarnings("ignore:returning HTTPException object is deprecated")  # that is what is tested
@pytest.mark.parametrize("make", [web.HTTPGone, lambda: problem_response(410), lambda: Problem(410)])
async def test_handler_returns_an_error(serve: Serve, make: Callable[[], web.Response]) -> None:
    """An HTTPException that a handler returns counts as raised; a problem response is sent as it is."""

    async def handler(request: web.Request, error: Exception) -> web.StreamResponse:
        return make()

    client = await serve(raising(web.HTTPNotFound), {404: handler, 410: unused})
    async with client.get("/") as response:
        assert (response.status, response.content_type) == (410, "application/problem+json")


async def test_handler_fails(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """A handler that fails is a 500; its log entry shows the first error too."""

    async def handler(request: web.Request, error: Exception) -> web.StreamResponse:
        raise ZeroDivisionError("secret")

    client = await serve(raising(KeyError("first")), {KeyError: handler, ZeroDivisionError: unused})
    assert await problem(client) == SERVER_ERROR
    failure = logged_once(caplog)
    assert isinstance(failure, ZeroDivisionError)
    assert isinstance(failure.__context__, KeyError)


async def test_handler_is_unsendable(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """What a handler returns is checked as any response is."""

    async def handler(request: web.Request, error: Exception) -> web.StreamResponse:
        return web.Response(headers={"X-A": "a\rb"})

    client = await serve(raising(web.HTTPNotFound), {404: handler})
    assert await problem(client) == SERVER_ERROR
    assert "'X-A' holds a control character" in str(logged_once(caplog))


async def test_handler_streams(serve: Serve) -> None:
    """A handler may stream its answer."""

    async def handler(request: web.Request, error: Exception) -> web.StreamResponse:
        response = web.StreamResponse(status=404)
        await response.prepare(request)
        await response.write(b"streamed")
        return response

    client = await serve(raising(web.HTTPNotFound), {404: handler})
    assert await (await client.get("/")).text() == "streamed"


class CallableHandler:
    async def __call__(self, request: web.Request, error: Exception) -> web.StreamResponse:
        return web.Response(text="object")


async def test_callable_object(serve: Serve) -> None:
    """An object with an async __call__ is a handler."""
    client = await serve(raising(web.HTTPNotFound), {404: CallableHandler()})
    assert await (await client.get("/")).text() == "object"


def synchronous(request: web.Request, error: Exception) -> web.Response:
    return web.Response()


async def one_argument(request: web.Request) -> web.Response:
    return web.Response()


async def three_arguments(request: web.Request, error: Exception, more: int) -> web.Response:
    return web.Response()


@pytest.mark.parametrize(
    ("handlers", "error", "message"),
    [
        ({399: unused}, ValueError, "400 to 599 or for an Exception class, not for 399"),
        ({600: unused}, ValueError, "not for 600"),
        ({200: unused}, ValueError, "not for 200"),
        ({True: unused}, ValueError, "not for True"),
        ({"404": unused}, ValueError, "not for '404'"),
        ({BaseException: unused}, ValueError, "BaseException"),
        ({asyncio.CancelledError: unused}, ValueError, "CancelledError"),
        ({int: unused}, ValueError, "int"),
        ({ValueError(): unused}, ValueError, "ValueError"),
        ({404: synchronous}, TypeError, "The error handler for 404 must be an async function"),
        ({404: None}, TypeError, "The error handler for 404 must be an async function"),
        ({404: CallableHandler}, TypeError, r"must take \(request, error\)"),
        ({404: one_argument}, TypeError, r"for 404 must take \(request, error\)"),
        (
            {ValueError: three_arguments},
            TypeError,
            r"must take \(request, error\): missing a required argument: 'more'",
        ),
        (synchronous, TypeError, "for every error must be an async function"),
        ("text", TypeError, "for every error must be an async function"),
        ([(404, unused)], TypeError, "for every error must be an async function"),
    ],
)
def test_handlers_are_checked(handlers: Any, error: type[Exception], message: str) -> None:
    """A key or a handler that could never work is an error at once, and nothing is set up."""
    with pytest.raises(error, match=message):
        error_middleware(handlers)
    app = web.Application()
    with pytest.raises(error, match=message):
        setup_errors(app, handlers)
    assert_untouched(app)


def assert_untouched(app: web.Application) -> None:
    assert list(app.middlewares) == []
    assert list(app.on_response_prepare) == []
    assert len(app) == 0


# --- HTML and debug ---------------------------------------------------------------------------------------------------


async def test_html_for_browsers(serve: Serve) -> None:
    """A browser gets a page in which nothing is markup; both forms say that they depend on Accept."""
    client = await serve(raising(web.HTTPNotFound(text="<script>alert(1)</script>", headers={"X-A": "1"})))
    async with client.get("/", headers=BROWSER) as response:
        assert response.status == 404
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert response.headers["Vary"] == "Accept"
        assert response.headers["X-A"] == "1"
        page = await response.text()
    assert "<h1>404 Not Found</h1>" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    assert (await problem(client))["detail"] == "<script>alert(1)</script>"


async def test_vary_is_merged(serve: Serve) -> None:
    """A Vary header of the exception stays beside ours."""
    client = await serve(raising(web.HTTPNotFound(headers={"Vary": "Origin"})))
    assert (await client.get("/")).headers.getall("Vary") == ["Origin", "Accept"]


async def test_debug(serve: Serve) -> None:
    """In debug a 500 shows its traceback, as JSON or escaped in HTML, whatever characters it holds."""
    client = await serve(raising(ValueError("<b>secret</b> \ud800")), debug=True)
    lines = (await problem(client))["traceback"]
    assert lines[0] == "Traceback (most recent call last):\n"
    assert lines[-1] == "ValueError: <b>secret</b> \\ud800\n"
    async with client.get("/", headers=BROWSER) as response:
        page = await response.text()
    assert "ValueError: &lt;b&gt;secret&lt;/b&gt; \\ud800" in page
    assert "<b>" not in page


@pytest.mark.parametrize("error", [web.HTTPNotFound(), TimeoutError(), web.HTTPBadGateway(), Problem(500)])
async def test_debug_is_for_500(serve: Serve, error: Exception) -> None:
    """No other status has a traceback."""
    client = await serve(raising(error), debug=True)
    assert "traceback" not in await problem(client)


# --- where it stands --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [setup_errors, setup_request_id])
async def test_order(aiohttp_client: AiohttpClient, first: Any) -> None:
    """In either order of the calls, the request id is outermost, then come the errors, then the application's own."""
    second = setup_request_id if first is setup_errors else setup_errors
    seen: list[int] = []

    @web.middleware
    async def own(request: web.Request, handler: View) -> web.StreamResponse:
        try:
            return await handler(request)  # type: ignore[no-any-return]  # a test view's result
        except web.HTTPException as error:
            seen.append(error.status)
            raise

    app = web.Application(middlewares=[own])
    first(app)
    second(app)
    client = await aiohttp_client(app)
    async with client.get("/nowhere") as response:
        assert response.content_type == "application/problem+json"
        assert response.headers["X-Request-ID"]
    assert seen == [404]
    names = [middleware.__qualname__.partition(".")[0] for middleware in app.middlewares[:2]]  # type: ignore[attr-defined]  # functions
    assert names == ["setup_request_id", "error_middleware"]
    assert app.middlewares[2] is own


@pytest.mark.parametrize("setup", [setup_errors, setup_request_id])
async def test_set_up_twice(setup: Any) -> None:
    """A second call is an error, and changes nothing."""
    app = web.Application()
    setup(app)
    middlewares, signals = list(app.middlewares), list(app.on_response_prepare)
    with pytest.raises(RuntimeError, match=rf"{setup.__name__}\(app\) was called twice"):
        setup(app)
    assert (list(app.middlewares), list(app.on_response_prepare)) == (middlewares, signals)


@pytest.mark.parametrize("setup", [setup_errors, setup_request_id])
async def test_set_up_too_late(aiohttp_client: AiohttpClient, setup: Any) -> None:
    """A call after the start, or after add_subapp, is an error, and changes nothing."""
    app, child = web.Application(), web.Application()
    app.add_subapp("/child", child)
    with pytest.raises(RuntimeError, match="before the application starts, or is added to another one"):
        setup(child)
    assert_untouched(child)
    await aiohttp_client(app)
    with pytest.raises(RuntimeError, match="before the application starts"):
        setup(app)
    assert_untouched(app)


async def test_sub_applications(aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture) -> None:
    """The parent's middleware answers for its children; a child's own comes first; each error is logged once."""
    app, plain, own = web.Application(), web.Application(), web.Application()
    setup_errors(app)
    setup_errors(own, {ValueError: answering("own")})
    for child in (plain, own):
        child.router.add_get("/value", raising(ValueError()))
        child.router.add_get("/key", raising(KeyError()))

        async def late(request: web.Request) -> web.Response:
            await started_response(request)
            raise web.HTTPNotFound

        child.router.add_get("/late", late)
    app.add_subapp("/plain", plain)
    app.add_subapp("/own", own)
    client = await aiohttp_client(app)
    assert await problem(client, "/plain/value") == SERVER_ERROR
    assert isinstance(logged_once(caplog), ValueError)
    caplog.clear()
    assert await (await client.get("/own/value")).text() == "own: ValueError"
    assert errors_in(caplog) == []
    assert await problem(client, "/own/key") == SERVER_ERROR
    assert isinstance(logged_once(caplog), KeyError)
    assert (await problem(client, "/own/nowhere"))["status"] == 404
    assert (await problem(client, "/nowhere"))["status"] == 404
    assert client.server is not None
    for path in ("/plain/late", "/own/late"):
        caplog.clear()
        assert await exchange(client.server, raw_request("GET", path, content_type=None)) == b""
        assert len(errors_in(caplog)) == 1


async def test_without_setup(aiohttp_client: AiohttpClient) -> None:
    """Both middlewares work as plain ones, in a list of the developer's own."""
    app = web.Application(middlewares=[request_id_middleware(), error_middleware()])
    client = await aiohttp_client(app)
    async with client.get("/nowhere") as response:
        assert response.headers[hdrs.CONTENT_TYPE] == "application/problem+json"
        assert response.headers["X-Request-ID"]


async def test_inner_middlewares_change_the_answer(aiohttp_client: AiohttpClient) -> None:
    """What a middleware inside adds to a raised exception, such as a session's cookie, is kept."""

    @web.middleware
    async def session(request: web.Request, handler: View) -> web.StreamResponse:
        try:
            return await handler(request)  # type: ignore[no-any-return]  # a test view's result
        except web.HTTPException as error:
            error.set_cookie("session", "1")
            raise

    app = web.Application(middlewares=[session])
    setup_errors(app)
    client = await aiohttp_client(app)
    async with client.get("/nowhere") as response:
        assert response.status == 404
        assert response.cookies["session"].value == "1"


async def test_problem_with_an_extension_named_traceback(serve: Serve) -> None:
    """A problem's extension that is called as the debug member is no failure of the middleware's page."""
    client = await serve(raising(Problem(400, traceback=5)))
    response = await client.get("/", headers=BROWSER)
    assert response.status == 400
    assert response.content_type == "text/html"


async def test_lone_surrogates(serve: Serve) -> None:
    """A text that UTF-8 cannot encode is answered with its status, in both forms."""

    async def view(request: web.Request) -> web.Response:
        error = web.HTTPBadRequest()
        error.body = b"bad +2AA-"
        error.headers["Content-Type"] = "text/plain; charset=utf-7"
        assert error.text == "bad \ud800"
        raise error

    client = await serve(view)
    response = await client.get("/")
    assert response.status == 400
    assert (await response.json(content_type=None))["detail"] == "bad ?"
    response = await client.get("/", headers=BROWSER)
    assert response.status == 400
    assert "bad ?" in await response.text()


async def test_header_name_that_is_none() -> None:
    """A raised error whose header has a name that aiohttp sends all the same does not break the middleware."""
    app = web.Application()
    setup_errors(app)
    app.router.add_get("/", raising(web.HTTPBadRequest(headers={"X(A)": "1"})))
    async with served(app) as server:
        received = await exchange(server, raw_request("GET", "/"))
    assert received.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("app", [None, 5, web.Application])
def test_no_application(app: Any) -> None:
    """The middleware is installed on an application and on nothing else."""
    with pytest.raises(TypeError, match="setup_errors takes an application first, not"):
        setup_errors(app)


@pytest.mark.parametrize("debug", [None, 1, "no"])
def test_debug_is_a_bool(debug: Any) -> None:
    """A text such as "no" would show tracebacks to everyone: debug= is a bool."""
    app = web.Application()
    with pytest.raises(TypeError, match=f"debug= must be True or False, not {debug!r}"):
        setup_errors(app, debug=debug)
    assert not app.middlewares
