"""Views: what they return, beside Flask's own answers, and the threads of those that block."""

import asyncio
import contextvars
import dataclasses
import functools
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import pytest
from aiohttp import web
from multidict import CIMultiDict
from pytest_aiohttp import AiohttpClient

from aiotoolkit.middlewares import setup_errors
from aiotoolkit.porting.rules import add_rule
from aiotoolkit.porting.views import (
    MethodView,
    flask_dumps,
    flask_view,
    make_response,
    required,
    run_async,
    setup_sync_views,
    sync_view,
)
from tests.porting.both import both, send
from tests.raw import served

with_flask = pytest.mark.extra("flask")


@dataclasses.dataclass
class Point:
    x: int
    y: int


class Markup:
    def __html__(self) -> str:
        return "<b>"


def generator() -> Iterator[str | bytes]:
    yield "a"
    yield "é".encode()


DATA = {
    "b": 1,
    "a": [1.5, None, True, "é</script>"],
    "date": date(2024, 2, 29),
    "time": datetime(2024, 1, 2, 3, 4, 5),  # noqa: DTZ001 - Flask takes it for UTC
    "aware": datetime(2024, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=3))),
    "early": datetime(33, 1, 1),  # noqa: DTZ001 - the same
    "decimal": Decimal("1.10"),
    "uuid": uuid.UUID(int=7),
    "point": Point(1, 2),
    "markup": Markup(),
    "nan": float("nan"),
}

VALUES: dict[str, Callable[[], Any]] = {
    "text": lambda: "héllo",
    "empty": lambda: "",
    "bytes": lambda: b"\x00\xff",
    "dict": lambda: DATA,
    "list": lambda: [{"z": 1, "y": 2}, "x"],
    "generator": generator,
    "iterator": lambda: iter(["x", "y"]),
    "status": lambda: ("made", 201),
    "http-status": lambda: ("made", HTTPStatus.CREATED),
    "status-text": lambda: ("made", "202 Now"),
    "status-number-text": lambda: ("made", "203"),
    "headers": lambda: ("x", {"X-One": "1", "X-Many": ["1", "2"]}),
    "header-pairs": lambda: ("x", [("X-One", "1"), ("X-One", "2")]),
    "content-type": lambda: ("x", {"Content-Type": "text/plain"}),
    "content-type-case": lambda: ("x", 200, {"content-type": "text/csv"}),
    "three": lambda: ("x", 404, {"X-One": "1"}),
    "three-none": lambda: ("x", None, None),
    "dict-status": lambda: ({"a": 1}, 202),
    "dict-headers": lambda: ({"a": 1}, {"X-One": ["1", "2"], "Content-Type": "application/problem+json"}),
    "dict-header-pairs": lambda: ({"a": 1}, [("X-One", "1"), ("X-One", "2")]),
    "list-three": lambda: ([1], 203, [("X-One", "1")]),
    "generator-three": lambda: (generator(), 206, {"Content-Type": "text/plain"}),
    "none": lambda: None,
    "number": lambda: 1,
    "boolean": lambda: True,
    "tuple-of-one": lambda: ("x",),
    "tuple-of-four": lambda: ("x", 1, 2, 3),
    "empty-tuple": lambda: (),
    "none-status": lambda: (None, 200),
    "mixed-keys": lambda: {1: 1, "a": 2},
    "set": lambda: {1, 2},
    "unknown-data": lambda: {"a": object()},
    "list-of-status": lambda: ("x", [200]),
    "bad-status": lambda: ("x", 1.5),
    "no-content": lambda: ("", 204),
}


def make_flask() -> Any:
    from flask import Flask

    app = Flask(__name__)
    app.logger.disabled = True
    for name, make in VALUES.items():
        app.add_url_rule(f"/{name}", name, make)
    return app


def make_app(*, blocking: bool) -> web.Application:
    app = web.Application()
    setup_errors(app)
    setup_sync_views(app, threads=2)
    for name, make in VALUES.items():

        def view(request: web.Request, *, make: Callable[[], Any] = make) -> Any:
            return make()

        async def view_async(request: web.Request, *, make: Callable[[], Any] = make) -> Any:
            return make()

        add_rule(app, f"/{name}", sync_view(view) if blocking else flask_view(view_async), endpoint=name)
    return app


@with_flask
@pytest.mark.parametrize("blocking", [False, True])
async def test_returns_as_in_flask(blocking: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Status, type, headers and bytes of every form are Flask's; what Flask refuses is a 500 in both."""
    async with both(make_flask(), make_app(blocking=blocking)) as servers:
        for name in VALUES:
            flask, ours = await servers.send("GET", f"/{name}")
            assert ours.status == flask.status, name
            if flask.status < 400 or name == "three":
                assert ours.body == flask.body, name
                assert ours.headers.getall("Content-Type", []) == flask.headers.getall("Content-Type", []), name
                for header in ("X-One", "X-Many"):
                    assert ours.headers.getall(header, []) == flask.headers.getall(header, []), name
            head_flask, head_ours = await servers.send("HEAD", f"/{name}")
            assert (head_ours.status, head_ours.body) == (head_flask.status, b""), name


async def test_none_says_which_view(aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture) -> None:
    """The error in the log names the view that returned nothing."""

    async def forgetful(request: web.Request) -> Any:
        return None

    app = web.Application()
    add_rule(app, "/", flask_view(forgetful))
    client = await aiohttp_client(app)
    async with client.get("/") as response:
        assert response.status == 500
    (record,) = [record for record in caplog.records if record.exc_info]
    assert record.exc_info is not None
    assert record.exc_info[1] is not None
    assert "ended without a return statement" in str(record.exc_info[1])
    assert record.exc_info[1].__notes__ == ["It was returned by the view of 'forgetful'."]


async def test_responses_are_kept(aiohttp_client: AiohttpClient) -> None:
    """A response is itself, with the status and headers of its tuple; one that was sent cannot change any more."""
    response = web.Response(text="x")
    assert make_response(response) is response
    assert make_response((response, "404 Gone Away", {"X-One": "1"})) is response
    assert (response.status, response.reason, response.headers["X-One"]) == (404, "Gone Away", "1")

    async def stream(request: web.Request) -> Any:
        response = web.StreamResponse()
        await response.prepare(request)
        with pytest.raises(TypeError, match="sent already"):
            make_response((response, 404))
        await response.write(b"x")
        return response

    app = web.Application()
    app.router.add_get("/", flask_view(stream))
    client = await aiohttp_client(app)
    async with client.get("/") as answer:
        assert await answer.read() == b"x"


async def test_a_bytearray_is_a_body() -> None:
    """Flask takes one, though Werkzeug's own server then fails to send it."""
    response = make_response(bytearray(b"abc"))
    assert isinstance(response, web.Response)
    assert response.body == b"abc"


async def test_a_status_may_be_bytes() -> None:
    """As in Flask."""
    assert make_response(("x", b"201 Made")).status == 201


async def test_headers_may_be_a_multi_dict() -> None:
    """A multidict keeps the values of a repeated name."""
    response = make_response(({}, CIMultiDict([("X-One", "1"), ("x-one", "2")])))
    assert response.headers.getall("X-One") == ["1", "2"]


@pytest.mark.parametrize("status", ["", "abc", "٢٠٠", 99, 1000, "20"])
async def test_a_bad_status_is_an_error(status: object) -> None:
    """What is no status is refused, before anything is sent."""
    with pytest.raises(ValueError, match="status"):
        make_response(("x", status))


async def test_another_encoder() -> None:
    """``dumps`` chooses how data are written, such as Flask's without sorted keys."""
    unsorted = make_response({"b": 1, "a": 2}, dumps=functools.partial(flask_dumps, sort_keys=False))
    assert isinstance(unsorted, web.Response)
    assert unsorted.body == b'{"b":1,"a":2}\n'
    given = make_response([1], dumps=lambda data: b"bytes")
    assert isinstance(given, web.Response)
    assert given.body == b"bytes"


# Values of the URL


async def test_values_are_keyword_arguments(aiohttp_client: AiohttpClient) -> None:
    """A view takes the values of its rule, converted; those of a route of aiohttp's own are text."""

    async def view(request: web.Request, number: int | str) -> Any:
        return repr(number)

    app = web.Application()
    add_rule(app, "/rule/<int:number>", flask_view(view))
    app.router.add_get("/route/{number}", flask_view(view))
    client = await aiohttp_client(app)
    for path, text in (("/rule/3", "3"), ("/route/3", "'3'")):
        async with client.get(path) as response:
            assert await response.text() == text


@with_flask
async def test_missing_fields_are_400() -> None:
    """``required(form, name)`` answers as Flask's ``request.form[name]``."""
    import flask

    flask_app = flask.Flask(__name__)
    flask_app.add_url_rule("/", "view", lambda: flask.request.form["a"], methods=["POST"])

    async def view(request: web.Request) -> Any:
        return required(await request.post(), "a")

    app = web.Application()
    add_rule(app, "/", flask_view(view), methods=["POST"])
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    async with both(flask_app, app) as servers:
        for body, status in ((b"a=1", 200), (b"b=1", 400)):
            flask_answer, answer = await servers.send("POST", "/", headers=form, body=body)
            assert (flask_answer.status, answer.status) == (status, status)


# Streams


async def test_an_async_generator_is_streamed() -> None:
    """Each piece is sent when it is there: the client reads the first before the second is made."""
    go_on = asyncio.Event()

    async def view(request: web.Request) -> AsyncIterator[str]:
        yield "first"
        await asyncio.wait_for(go_on.wait(), 30)
        yield "second"

    app = web.Application()
    add_rule(app, "/", flask_view(view))
    async with served(app) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"first" in await asyncio.wait_for(reader.readuntil(b"first"), 30)
        go_on.set()
        assert b"second" in await asyncio.wait_for(reader.read(), 30)
        writer.close()


@pytest.mark.parametrize("blocking", [False, True])
async def test_a_stream_that_fails_is_cut(blocking: bool, caplog: pytest.LogCaptureFixture) -> None:
    """An exception in a generator, or a piece that is no text, breaks the response off: it does not look complete."""

    def pieces(kind: str) -> Iterator[Any]:
        yield "piece"
        if kind == "error":
            raise RuntimeError("broken")
        yield 1

    def view(request: web.Request, kind: str) -> Any:
        return pieces(kind)

    async def view_async(request: web.Request, kind: str) -> Any:
        return pieces(kind)

    app = web.Application()
    setup_sync_views(app)
    add_rule(app, "/<kind>", sync_view(view) if blocking else flask_view(view_async), endpoint="x")
    async with served(app) as server:
        for kind in ("error", "number"):
            with pytest.raises(ValueError, match="invalid literal"):  # the last chunk is missing
                await send(server, "GET", f"/{kind}")


@pytest.mark.parametrize("blocking", [False, True])
async def test_a_generator_is_closed_when_the_client_leaves(blocking: bool) -> None:
    """The ``finally`` of a generator runs though its pieces are not taken to the end."""
    closed, loop = asyncio.Event(), asyncio.get_running_loop()

    def pieces() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 65536
        finally:
            loop.call_soon_threadsafe(closed.set)

    def view(request: web.Request) -> Any:
        return pieces()

    async def view_async(request: web.Request) -> Any:
        return pieces()

    app = web.Application()
    setup_sync_views(app)
    add_rule(app, "/", sync_view(view) if blocking else flask_view(view_async), endpoint="x")
    async with served(app) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(reader.readexactly(100_000), 30)
        writer.transport.abort()
        await asyncio.wait_for(closed.wait(), 30)


async def test_a_generator_is_closed_after_its_thread(caplog: pytest.LogCaptureFixture) -> None:
    """A request that is cancelled while a thread makes the next piece closes the generator when that thread is done."""
    loop = asyncio.get_running_loop()
    waiting, closed, go_on = asyncio.Event(), asyncio.Event(), threading.Event()
    tasks: list[asyncio.Task[None]] = []

    def view(request: web.Request) -> Iterator[str]:
        assert request.task is not None
        tasks.append(request.task)

        def pieces() -> Iterator[str]:
            try:
                loop.call_soon_threadsafe(waiting.set)
                assert go_on.wait(30)
                yield "piece"
            finally:
                loop.call_soon_threadsafe(closed.set)

        return pieces()

    app = web.Application()
    setup_sync_views(app, threads=2)
    add_rule(app, "/", sync_view(view))
    async with served(app) as server:
        _, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(waiting.wait(), 30)
        tasks[0].cancel()
        for _ in range(10):  # turns of the event loop, in which the generator begins to be closed
            await asyncio.sleep(0)
        go_on.set()
        await asyncio.wait_for(closed.wait(), 30)
        writer.close()
    assert [record.message for record in caplog.records] == []


# Blocking views


async def test_blocking_views_run_side_by_side() -> None:
    """As many as there are threads wait for each other, while the event loop answers others; one more waits."""
    barrier = threading.Barrier(4, timeout=30)

    def view(request: web.Request) -> str:
        barrier.wait()
        return threading.current_thread().name

    async def other(request: web.Request) -> web.Response:
        return web.Response(text="other")

    app = web.Application()
    setup_sync_views(app, threads=4)
    add_rule(app, "/", sync_view(view))
    add_rule(app, "/other", other)
    async with served(app) as server:
        waiting = [asyncio.ensure_future(send(server)) for _ in range(3)]
        assert (await send(server, "GET", "/other")).text == "other"
        answers = [await send(server), *await asyncio.gather(*waiting)]
    assert len({answer.text for answer in answers}) == 4
    assert all(answer.text.startswith("sync-view") for answer in answers)


variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


async def test_the_context_is_carried_over(aiohttp_client: AiohttpClient) -> None:
    """A blocking view and its generator see the request's context variables; what they set is not seen outside."""
    after: list[str] = []

    @web.middleware
    async def set_variable(request: web.Request, handler: Any) -> Any:
        variable.set(request.query["v"])
        response = await handler(request)
        after.append(variable.get())
        return response

    def view(request: web.Request) -> Iterator[str]:
        seen = variable.get()
        variable.set("inside")

        def pieces() -> Iterator[str]:
            yield seen
            yield variable.get()

        return pieces()

    app = web.Application(middlewares=[set_variable])
    setup_sync_views(app)
    add_rule(app, "/", sync_view(view))
    client = await aiohttp_client(app)

    async def get(value: str) -> str:
        async with client.get("/", params={"v": value}) as response:
            return await response.text()

    assert list(await asyncio.gather(get("a"), get("b"))) == ["ainside", "binside"]
    assert sorted(after) == ["a", "b"]


async def test_exceptions_are_those_of_the_view(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    """A response that is raised is answered; StopIteration, which no future can carry, is an error and no hang."""

    def view(request: web.Request, kind: str) -> str:
        if kind == "stop":
            raise StopIteration
        raise web.HTTPConflict

    app = web.Application()
    setup_sync_views(app)
    add_rule(app, "/<kind>", sync_view(view))
    client = await aiohttp_client(app)
    for kind, status in (("stop", 500), ("conflict", 409)):
        async with client.get(f"/{kind}") as response:
            assert response.status == status


async def test_run_async(aiohttp_client: AiohttpClient) -> None:
    """A blocking view reads the body, or whatever is async, through `run_async`; nobody else does."""

    def view(request: web.Request) -> Any:
        async def nested() -> str:
            coroutine = asyncio.sleep(0, "x")
            with pytest.raises(RuntimeError, match="write await"):
                run_async(coroutine)
            return "nested"

        return {"form": dict(run_async(request.post())), "nested": run_async(nested())}

    app = web.Application()
    setup_sync_views(app)
    add_rule(app, "/", sync_view(view), methods=["POST"])
    client = await aiohttp_client(app)
    async with client.post("/", data={"a": "1"}) as response:
        assert await response.json() == {"form": {"a": "1"}, "nested": "nested"}
    with pytest.raises(RuntimeError, match="sync_view"):
        run_async(asyncio.sleep(0))


async def test_a_cancelled_request_leaves_its_view_to_end() -> None:
    """The thread of a request that is cancelled goes on, and is waited for when the application stops."""
    started, loop = asyncio.Event(), asyncio.get_running_loop()
    go_on = threading.Event()
    ended: list[bool] = []

    def view(request: web.Request) -> str:
        loop.call_soon_threadsafe(started.set)
        ended.append(go_on.wait(30))
        return "x"

    stopping = asyncio.Event()

    async def tell(app: web.Application) -> AsyncIterator[None]:
        yield
        stopping.set()

    app = web.Application()
    setup_sync_views(app)
    app.cleanup_ctx.append(tell)  # ends just before the threads do
    add_rule(app, "/", sync_view(view))
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    _, writer = await asyncio.open_connection(host, port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.wait_for(started.wait(), 30)
    writer.transport.abort()
    cleaning = asyncio.ensure_future(runner.cleanup())
    await asyncio.wait_for(stopping.wait(), 30)
    for _ in range(10):  # turns of the event loop, in which an application that does not wait would end
        await asyncio.sleep(0)
    assert not cleaning.done()
    assert not ended
    go_on.set()
    await asyncio.wait_for(cleaning, 30)
    assert ended == [True]


async def test_threads_of_a_sub_application(aiohttp_client: AiohttpClient) -> None:
    """It uses those of the application around it; none at all is an error that names the missing call."""

    def view(request: web.Request) -> str:
        return "x"

    app, inner = web.Application(), web.Application()
    setup_sync_views(app)
    add_rule(inner, "/", sync_view(view))
    app.add_subapp("/inner", inner)
    client = await aiohttp_client(app)
    async with client.get("/inner/") as response:
        assert await response.text() == "x"


async def test_without_threads(aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture) -> None:
    """An application without threads says in its log which call is missing."""
    app = web.Application()
    add_rule(app, "/", sync_view(lambda request: "x"), endpoint="x")
    client = await aiohttp_client(app)
    async with client.get("/") as response:
        assert response.status == 500
    assert "setup_sync_views(app)" in caplog.text


# Classes


@with_flask
async def test_method_views_as_in_flask() -> None:
    """A class answers its methods, HEAD by get, OPTIONS with the list, and 405 for the rest."""
    import flask
    from flask.views import MethodView as FlaskMethodView

    class FlaskItem(FlaskMethodView):
        def __init__(self, text: str) -> None:
            self.text = text

        def get(self, number: int) -> Any:
            return {"text": self.text, "number": number}

        def delete(self, number: int) -> Any:
            return "", 204

    class Item(MethodView):
        def __init__(self, text: str) -> None:
            self.text = text

        async def get(self, request: web.Request, number: int) -> Any:
            return {"text": self.text, "number": number}

        def delete(self, request: web.Request, number: int) -> Any:
            assert threading.current_thread() is not threading.main_thread()
            return "", 204

    flask_app, app = flask.Flask(__name__), web.Application()
    flask_app.add_url_rule("/<int:number>", view_func=FlaskItem.as_view("item", "x"))
    setup_sync_views(app)
    add_rule(app, "/<int:number>", Item.as_view("item", "x"))
    async with both(flask_app, app) as servers:
        for method in ("GET", "HEAD", "DELETE", "OPTIONS", "POST"):
            flask_answer, answer = await servers.send(method, "/3")
            assert (answer.status, answer.allow) == (flask_answer.status, flask_answer.allow), method
            if flask_answer.status == 200:
                assert answer.body == flask_answer.body, method


async def test_a_method_view_on_a_plain_route(aiohttp_client: AiohttpClient) -> None:
    """On a route for all methods, what the class has not is 405."""

    class Item(MethodView):
        async def get(self, request: web.Request) -> Any:
            return "x"

    app = web.Application()
    app.router.add_route("*", "/", Item.as_view())
    client = await aiohttp_client(app)
    async with client.post("/") as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD")


async def test_wrong_views_are_refused() -> None:
    """A view of the wrong kind, a class without methods, and a senseless number of threads, are errors at set-up."""

    async def view(request: web.Request) -> Any:
        return "x"

    with pytest.raises(TypeError, match="sync_view"):
        flask_view(lambda request: "x")  # type: ignore[arg-type,return-value]  # what is refused
    with pytest.raises(TypeError, match="flask_view"):
        sync_view(view)
    with pytest.raises(TypeError, match="no method"):
        MethodView.as_view()
    app = web.Application()
    for threads in (0, True, "2"):
        with pytest.raises(ValueError, match="threads="):
            setup_sync_views(app, threads=threads)  # type: ignore[arg-type]
    setup_sync_views(app)
    with pytest.raises(RuntimeError, match="once"):
        setup_sync_views(app)
