"""Hooks: the order in which they run, and on what, beside Flask's own."""

import asyncio
import logging
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp import AiohttpClient

from aiotoolkit.middlewares import error_middleware, setup_errors
from aiotoolkit.porting.hooks import Hooks, after_this_request, setup_hooks
from aiotoolkit.porting.rules import add_rule, add_rule_context
from tests.porting.both import both, send
from tests.raw import served

with_flask = pytest.mark.extra("flask")

# path, header X-Mode
REQUESTS = [
    ("/ok", ""), ("/none", ""), ("/abort", ""), ("/fail", ""), ("/handled", ""), ("/redirect", ""), ("/slash", ""),
    ("/blog/ok", ""), ("/blog/none", ""), ("/blog/admin/ok", ""), ("/once", ""), ("/ok", "stop"), ("/ok", "before"),
    ("/ok", "abort"), ("/ok", "after"), ("/blog/ok", "inner-stop"), ("/blog/admin/fail", ""), ("/ok", "teardown"),
]  # fmt: skip


class Handled(Exception):
    """An exception that has an error handler."""


class Unhandled(Exception):
    """One that has none."""


def make_flask(log: list[str]) -> Any:
    from flask import Blueprint, Flask, abort, redirect, request
    from flask import after_this_request as flask_after_this_request

    app = Flask(__name__)
    app.logger.disabled = True

    def mode() -> str:
        return request.headers.get("X-Mode", "")

    def before(name: str) -> Any:
        def hook() -> Any:
            log.append(f"before {name}")
            if name == "app2":
                if mode() == "stop":
                    return "stopped"
                if mode() == "before":
                    raise Unhandled("before")
                if mode() == "abort":
                    abort(403)
            if name == "blog" and mode() == "inner-stop":
                return "stopped"
            return None

        return hook

    def after(name: str) -> Any:
        def hook(response: Any) -> Any:
            log.append(f"after {name} {response.status_code}")
            if name == "app1" and mode() == "after":
                raise Unhandled("after")
            response.headers.add("X-After", name)
            return response

        return hook

    def teardown(name: str) -> Any:
        def hook(error: Any) -> None:
            log.append(f"teardown {name} {type(error).__name__}")

        return hook

    def view(name: str) -> Any:
        def function() -> Any:
            log.append("view")
            if name == "abort":
                abort(404)
            if name == "fail":
                raise Unhandled("view")
            if name == "handled":
                raise Handled
            if name == "redirect":
                return redirect("/ok")
            if name == "once":
                flask_after_this_request(after("once"))
            return name

        return function

    blog, admin = Blueprint("blog", __name__), Blueprint("admin", __name__)
    for target, name in ((app, "app1"), (app, "app2"), (blog, "blog"), (admin, "admin")):
        target.before_request(before(name))
        target.after_request(after(name))
        target.teardown_request(teardown(name))
    for name in ("ok", "abort", "fail", "handled", "redirect", "once"):
        app.add_url_rule(f"/{name}", name, view(name))
    app.add_url_rule("/slash/", "slash", view("slash"))
    blog.add_url_rule("/ok", "ok", view("ok"))
    admin.add_url_rule("/ok", "ok", view("ok"))
    admin.add_url_rule("/fail", "fail", view("fail"))
    blog.register_blueprint(admin, url_prefix="/admin")
    app.register_blueprint(blog, url_prefix="/blog")
    app.register_error_handler(Handled, lambda error: ("handled", 418))
    return app


def make_app(log: list[str], *, is_async: bool) -> web.Application:
    app = web.Application()

    async def handle(request: web.Request, error: Exception) -> web.Response:
        return web.Response(text="handled", status=418)

    hooks = setup_hooks(app, errors=error_middleware({Handled: handle}))
    blog = hooks.scope("blog")
    for target, name in ((hooks, "app1"), (hooks, "app2"), (blog, "blog"), (blog.scope("admin"), "admin")):
        add_hooks(target, name, log, is_async=is_async)

    def view(name: str) -> Any:
        async def function(request: web.Request) -> web.Response:
            log.append("view")
            match name:
                case "abort":
                    raise web.HTTPNotFound
                case "fail":
                    raise Unhandled("view")
                case "handled":
                    raise Handled
                case "redirect":
                    raise web.HTTPFound("/ok")
                case "once":
                    after_this_request(request, after_hook("once", log))
            return web.Response(text=name)

        return function

    for name in ("ok", "abort", "fail", "handled", "redirect", "once"):
        add_rule(app, f"/{name}", view(name), endpoint=name)
    add_rule(app, "/slash/", view("slash"), endpoint="slash")
    with add_rule_context(app, "/blog", "blog") as rule:
        rule("/ok", view("ok"), endpoint="ok")
        rule("/admin/ok", view("ok"), endpoint="admin.ok")
        rule("/admin/fail", view("fail"), endpoint="admin.fail")
    return app


def add_hooks(hooks: Hooks, name: str, log: list[str], *, is_async: bool) -> None:
    def before(request: web.Request) -> web.Response | None:
        log.append(f"before {name}")
        mode = request.headers.get("X-Mode", "")
        if (name, mode) in (("app2", "stop"), ("blog", "inner-stop")):
            return web.Response(text="stopped")
        if (name, mode) == ("app2", "before"):
            raise Unhandled("before")
        if (name, mode) == ("app2", "abort"):
            raise web.HTTPForbidden
        return None

    async def before_async(request: web.Request) -> web.Response | None:
        await asyncio.sleep(0)
        return before(request)

    after = after_hook(name, log)

    async def after_async(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        await asyncio.sleep(0)
        changed = after(request, response)
        assert isinstance(changed, web.StreamResponse)
        return changed

    def teardown(request: web.Request, error: BaseException | None) -> None:
        log.append(f"teardown {name} {type(error).__name__}")
        if request.headers.get("X-Mode") == "teardown":
            raise Unhandled("teardown")

    async def teardown_async(request: web.Request, error: BaseException | None) -> None:
        await asyncio.sleep(0)
        teardown(request, error)

    hooks.before_request(before_async if is_async else before)
    hooks.after_request(after_async if is_async else after)
    hooks.teardown_request(teardown_async if is_async else teardown)


def after_hook(name: str, log: list[str]) -> Any:
    def hook(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        log.append(f"after {name} {response.status}")
        if name == "app1" and request.headers.get("X-Mode") == "after":
            raise Unhandled("after")
        response.headers.add("X-After", name)
        return response

    return hook


@with_flask
@pytest.mark.parametrize("is_async", [False, True])
async def test_hooks_run_as_flask_runs_them(is_async: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Which hooks run, in which order, on which status and with which error, for every kind of end of a request."""
    theirs: list[str] = []
    ours: list[str] = []
    async with both(make_flask(theirs), make_app(ours, is_async=is_async)) as servers:
        for path, mode in REQUESTS:
            flask, own = await servers.send("GET", path, headers=[("X-Mode", mode)])
            assert ours == theirs, (path, mode)
            assert own.status == flask.status, (path, mode)
            assert own.headers.getall("X-After", []) == flask.headers.getall("X-After", []), (path, mode)
            ours.clear()
            theirs.clear()
    # A teardown hook that fails is logged, and nothing else notices.
    assert sum("teardown hook" in record.message for record in caplog.records) == 2


async def test_an_after_hook_may_replace_the_response(aiohttp_client: AiohttpClient) -> None:
    """What an after hook returns is sent, also in place of an error and of a redirect."""
    for errors in (error_middleware(), None):
        app = web.Application()
        hooks = setup_hooks(app, errors=errors)

        @hooks.after_request
        def replace(request: web.Request, response: web.StreamResponse) -> web.Response:
            return web.Response(text=f"was {response.status}")

        async def redirect(request: web.Request) -> web.Response:
            raise web.HTTPFound("/")

        app.router.add_get("/redirect", redirect)
        client = await aiohttp_client(app)
        async with client.get("/redirect") as response:
            assert await response.text() == "was 302"
        if errors is not None:
            async with client.get("/none") as response:
                assert (response.status, await response.text()) == (200, "was 404")


@pytest.mark.parametrize("kind", ["none", "setup_errors", "inside"])
@pytest.mark.parametrize("path", ["/none", "/fail"])
async def test_headers_reach_errors_wherever_they_are_answered(
    kind: str, path: str, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    """After hooks set headers and cookies on an error: aiohttp's own, that of setup_errors, that of errors=."""
    app = web.Application()
    if kind == "setup_errors":
        setup_errors(app)
    hooks = setup_hooks(app, errors=error_middleware() if kind == "inside" else None)
    calls: list[int] = []

    @hooks.after_request
    def add_headers(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        calls.append(response.status)
        response.headers["X-After"] = "yes"
        response.set_cookie("seen", "1")
        return response

    async def fail(request: web.Request) -> web.Response:
        raise Unhandled

    app.router.add_get("/fail", fail)
    client = await aiohttp_client(app)
    async with client.get(path) as response:
        assert response.status == (404 if path == "/none" else 500)
        assert response.headers["X-After"] == "yes"
        assert response.headers.getall("Set-Cookie") == ["seen=1; Path=/"]
        assert calls == [response.status]
        assert ("json" in response.content_type) == (kind != "none")


async def test_streams_and_web_sockets(aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture) -> None:
    """What a view sends by itself has the after hooks' headers, once; it cannot be replaced."""
    app = web.Application()
    hooks = setup_hooks(app, errors=error_middleware())
    log: list[str] = []

    @hooks.after_request
    def add_header(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        log.append("after")
        response.headers["X-After"] = "yes"
        return web.Response(text="another") if request.path == "/replaced" else response

    @hooks.teardown_request
    def teardown(request: web.Request, error: BaseException | None) -> None:
        log.append(f"teardown {type(error).__name__}")

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"piece")
        if request.path == "/broken":
            raise Unhandled
        return response

    async def socket(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        await response.send_str("hello")
        return response

    for path in ("/stream", "/replaced", "/broken"):
        app.router.add_get(path, stream)
    app.router.add_get("/socket", socket)
    client = await aiohttp_client(app)
    async with client.get("/stream") as response:
        assert (response.headers["X-After"], await response.read()) == ("yes", b"piece")
    assert log == ["after", "teardown NoneType"]
    async with client.get("/replaced") as response:
        assert await response.read() == b"piece"
    assert "another response" in caplog.text
    log.clear()
    async with client.ws_connect("/socket") as connection:
        assert await connection.receive_str() == "hello"
    assert log == ["after", "teardown NoneType"]
    log.clear()
    async with client.get("/broken") as response:
        with pytest.raises(Exception, match="payload"):
            await response.read()
    assert log == ["after", "teardown Unhandled"]


async def test_teardown_runs_for_a_cancelled_request() -> None:
    """A request that is cancelled is torn down with the cancellation; async hooks run to their end."""
    app = web.Application()
    hooks = setup_hooks(app)
    started, torn_down = asyncio.Event(), asyncio.Event()
    errors: list[BaseException | None] = []

    @hooks.teardown_request
    async def teardown(request: web.Request, error: BaseException | None) -> None:
        await asyncio.sleep(0)
        errors.append(error)
        torn_down.set()

    async def wait(request: web.Request) -> web.Response:
        started.set()
        await asyncio.Event().wait()
        return web.Response()

    app.router.add_get("/", wait)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    _, writer = await asyncio.open_connection(host, port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.wait_for(started.wait(), 30)
    writer.close()
    await asyncio.wait_for(torn_down.wait(), 30)
    await runner.cleanup()
    assert [type(error) for error in errors] == [asyncio.CancelledError]


@pytest.mark.extra("aiohttp_session")
@pytest.mark.filterwarnings("ignore:It is recommended to use web.RequestKey")  # aiohttp-session's text keys
async def test_a_session_is_saved_for_an_error(aiohttp_client: AiohttpClient) -> None:
    """With errors= inside, aiohttp-session stands outside and saves what the view and the after hooks changed."""
    import aiohttp_session

    app = web.Application()
    aiohttp_session.setup(app, aiohttp_session.SimpleCookieStorage())
    hooks = setup_hooks(app, errors=error_middleware())

    @hooks.after_request
    async def count(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        (await aiohttp_session.get_session(request))["after"] = 1
        return response

    async def fail(request: web.Request) -> web.Response:
        (await aiohttp_session.get_session(request))["view"] = 1
        raise Unhandled

    app.router.add_get("/", fail)
    client = await aiohttp_client(app)
    async with client.get("/") as response:
        assert response.status == 500
        assert "view" in response.headers["Set-Cookie"]
        assert "after" in response.headers["Set-Cookie"]


async def test_requests_do_not_mix() -> None:
    """Two requests at a time each have their own after_this_request functions and their own error."""
    app = web.Application()
    hooks = setup_hooks(app, errors=error_middleware())
    entered = [asyncio.Event(), asyncio.Event()]
    errors: dict[str, str] = {}

    @hooks.teardown_request
    def teardown(request: web.Request, error: BaseException | None) -> None:
        errors[request.path] = type(error).__name__

    async def view(request: web.Request) -> web.Response:
        number = int(request.match_info["number"])

        def mark(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
            response.headers["X-Number"] = str(number)
            return response

        after_this_request(request, mark)
        entered[number].set()
        await entered[1 - number].wait()
        if number:
            raise Unhandled
        return web.Response()

    app.router.add_get("/{number}", view)
    async with served(app) as server:
        answers = await asyncio.gather(send(server, "GET", "/0"), send(server, "GET", "/1"))
    assert [answer.headers["X-Number"] for answer in answers] == ["0", "1"]
    assert errors == {"/0": "NoneType", "/1": "Unhandled"}


async def test_hooks_of_a_sub_application(aiohttp_client: AiohttpClient) -> None:
    """Its hooks run inside those of the outer application."""
    app, inner = web.Application(), web.Application()
    log: list[str] = []
    for name, target in (("outer", app), ("inner", inner)):
        add_hooks(setup_hooks(target, errors=error_middleware()), name, log, is_async=False)

    async def view(request: web.Request) -> web.Response:
        return web.Response()

    inner.router.add_get("/", view)
    app.add_subapp("/inner", inner)
    client = await aiohttp_client(app)
    async with client.get("/inner/") as response:
        assert response.status == 200
    assert log == [
        "before outer", "before inner", "after inner 200", "teardown inner NoneType", "after outer 200",
        "teardown outer NoneType",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["before", "after"])
async def test_a_wrong_return_is_an_error(
    kind: str, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    """A before hook returns a response or None, an after hook a response: else 500, and the log says which hook."""
    app = web.Application()
    hooks = setup_hooks(app, errors=error_middleware())

    def returns_text(*args: object) -> Any:
        return "text" if kind == "before" else None

    if kind == "before":
        hooks.before_request(returns_text)
    else:
        hooks.after_request(returns_text)
    client = await aiohttp_client(app)
    with caplog.at_level(logging.ERROR):
        async with client.get("/") as response:
            assert response.status == 500
    assert "returns_text must return" in caplog.text


async def test_wrong_set_up_is_refused() -> None:
    """Twice, too late, no function, or without set-up: an error that says so."""
    app = web.Application()
    hooks = setup_hooks(app)
    with pytest.raises(RuntimeError, match="once"):
        setup_hooks(app)
    with pytest.raises(TypeError, match="function"):
        hooks.before_request("x")  # type: ignore[type-var]
    runner = web.AppRunner(app)
    await runner.setup()
    with pytest.raises(RuntimeError, match="no more hooks"):
        hooks.before_request(lambda request: None)
    await runner.cleanup()
    other = web.Application()
    runner = web.AppRunner(other)
    await runner.setup()
    with pytest.raises(RuntimeError, match="frozen"):
        setup_hooks(other)
    await runner.cleanup()


async def test_after_this_request_without_hooks(aiohttp_client: AiohttpClient) -> None:
    """It names the call that is missing."""
    raised: list[str] = []

    async def view(request: web.Request) -> web.Response:
        try:
            after_this_request(request, lambda request, response: response)
        except RuntimeError as error:
            raised.append(str(error))
        return web.Response()

    app = web.Application()
    app.router.add_get("/", view)
    client = await aiohttp_client(app)
    async with client.get("/") as response:
        assert response.status == 200
    assert "setup_hooks" in raised[0]


async def test_after_this_request_comes_too_late(aiohttp_client: AiohttpClient) -> None:
    """In a teardown hook, the after hooks have run."""
    app = web.Application()
    hooks = setup_hooks(app, errors=error_middleware())
    raised: list[str] = []

    @hooks.teardown_request
    def teardown(request: web.Request, error: BaseException | None) -> None:
        try:
            after_this_request(request, lambda request, response: response)
        except RuntimeError as late:
            raised.append(str(late))

    client = await aiohttp_client(app)
    async with client.get("/") as response:
        assert response.status == 404
    assert raised == ["The after hooks of the request have run"]


@pytest.mark.parametrize("path", ["/ok", "/stream"])
async def test_an_after_hook_that_fails_without_an_error_middleware(
    path: str, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    """It is a 500 of aiohttp's own; of a stream that begins, a line in the log. The answer comes in both cases."""
    app = web.Application()
    hooks = setup_hooks(app)

    @hooks.after_request
    def fail(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        raise Unhandled

    async def view(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse() if request.path == "/stream" else web.Response()
        if request.path == "/stream":
            await response.prepare(request)
            await response.write(b"piece")
        return response

    app.router.add_get(path, view)
    client = await aiohttp_client(app)
    async with client.get(path) as response:
        assert response.status == (200 if path == "/stream" else 500)
        await response.read()
    assert "An after hook failed on a response that is being sent" in caplog.text


async def test_teardown_hooks_survive_a_cancelled_one() -> None:
    """A teardown hook that is cancelled does not keep the others from running."""
    app = web.Application()
    hooks = setup_hooks(app)
    ran: list[str] = []

    @hooks.teardown_request
    def last(request: web.Request, error: BaseException | None) -> None:
        ran.append("last")

    @hooks.teardown_request
    async def cancelled(request: web.Request, error: BaseException | None) -> None:
        ran.append("cancelled")
        raise asyncio.CancelledError

    async with served(app) as server:
        await send(server)
    assert ran == ["cancelled", "last"]
