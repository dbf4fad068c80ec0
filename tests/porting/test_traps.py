"""Each row of docs/reference/flask-traps.md: the same request to Flask, to plain aiohttp, and to the toolkit's form."""

import asyncio
import re
import threading
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from aiotoolkit.app import get_settings, setup_settings
from aiotoolkit.porting.rules import add_rule, add_rule_context, url_for
from aiotoolkit.porting.views import setup_sync_views, sync_view
from aiotoolkit.settings import immutable_settings
from tests.porting.both import flask_served, send
from tests.porting.traps import TRAPS, Trap, text_view
from tests.raw import Address, served

pytestmark = [
    pytest.mark.extra("flask"),
    pytest.mark.filterwarnings("ignore:It is recommended to use web.RequestKey"),  # aiohttp-session's text keys
]

TABLE = Path(__file__).parents[2] / "docs" / "reference" / "flask-traps.md"

# The rows that are no single request: each has a test of its own below.
OTHERS = {5, 10, 27, 28, 31, 32, 37}


def make_flask(row: Trap) -> Any:
    from flask import Flask

    app = Flask("traps")
    app.logger.disabled = True
    row.flask(app)
    return app


def parameters() -> list[Any]:
    return [
        pytest.param(row, id=str(row.number), marks=[pytest.mark.extra(module) for module in row.needs])
        for row in TRAPS
    ]


@pytest.mark.parametrize("row", parameters())
async def test_row(row: Trap, caplog: pytest.LogCaptureFixture) -> None:
    """Flask, aiohttp and the toolkit answer as the table says."""
    plain = web.Application()
    row.plain(plain)
    async with AsyncExitStack() as stack:
        servers = [stack.enter_context(flask_served(make_flask(row))), await stack.enter_async_context(served(plain))]
        if row.kit is not None:
            kit = web.Application()
            row.kit(kit)
            servers.append(await stack.enter_async_context(served(kit)))
        for sent, *expected in row.cases:
            for server, expect in zip(servers, expected, strict=False):
                assert expect is not None
                expect.check(await send(server, sent.method, sent.path, headers=list(sent.headers), body=sent.body))
        if row.number == 22:
            saved = ["Set-Cookie" in (await send(server)).headers for server in servers]
            assert saved == [True, False, True]


def test_the_document_has_these_rows() -> None:
    """The numbers in the tables are those of the tests, each once."""
    rows = [int(number) for number in re.findall(r"^\| (\d+) \|", TABLE.read_text(encoding="utf-8"), re.MULTILINE)]
    assert sorted(rows) == sorted({row.number for row in TRAPS} | OTHERS)


def test_each_row_has_one_test() -> None:
    """No number is used twice, and each of the other rows has its test function."""
    numbers = [row.number for row in TRAPS]
    assert len(set(numbers)) == len(numbers)
    assert not OTHERS & set(numbers)
    assert {int(name.split("_")[2]) for name in globals() if re.match(r"test_row_\d+_", name)} == OTHERS


async def test_row_5_a_blueprint_without_a_prefix() -> None:
    """Flask answers it, aiohttp refuses the sub-application, a rule context answers it."""
    from flask import Blueprint, Flask

    blueprint = Blueprint("b", "b")
    blueprint.add_url_rule("/x", "x", lambda: "x")
    flask_app = Flask("traps")
    flask_app.register_blueprint(blueprint)
    with pytest.raises(ValueError, match="empty"):
        web.Application().add_subapp("", web.Application())
    app = web.Application()
    with add_rule_context(app, None, "b") as rule:
        rule("/x", text_view("x"), endpoint="x")
    with flask_served(flask_app) as flask_server:
        async with served(app) as server:
            assert [(await send(each, path="/x")).text for each in (flask_server, server)] == ["x", "x"]


async def test_row_10_one_endpoint_with_two_rules_and_names_of_any_kind() -> None:
    """In Flask, `url_for` picks the rule; aiohttp refuses the second one, and names that are keywords."""
    from flask import Blueprint, Flask
    from flask import url_for as flask_url_for

    flask_app = Flask("traps")
    admin = Blueprint("admin", "admin")

    def view(**values: Any) -> str:
        return "x"

    flask_app.add_url_rule("/two", "two", view)
    flask_app.add_url_rule("/two/<x>", "two", view)
    admin.add_url_rule("/import", "import", view)
    flask_app.register_blueprint(admin)
    plain = web.Application()
    plain.router.add_get("/two", text_view("x"), name="two")
    with pytest.raises(ValueError, match="Duplicate"):
        plain.router.add_get("/two/{x}", text_view("x"), name="two")
    with pytest.raises(ValueError, match="keyword"):
        plain.router.add_get("/import", text_view("x"), name="admin.import")
    app, own = web.Application(), text_view("x")
    add_rule(app, "/two", own, endpoint="two")
    add_rule(app, "/two/<x>", own, endpoint="two")
    add_rule(app, "/import", own, endpoint="admin.import")
    expected = ["/two", "/two/a", "/import"]
    with flask_app.test_request_context():
        theirs = [flask_url_for("two"), flask_url_for("two", x="a"), flask_url_for("admin.import")]
    assert theirs == expected
    assert [url_for(app, "two"), url_for(app, "two", x="a"), url_for(app, "admin.import")] == expected


async def together(server: Address, requests: int) -> list[str]:
    return [answer.text for answer in await asyncio.gather(*(send(server) for _ in range(requests)))]


async def test_row_27_views_that_block() -> None:
    """Views that wait for each other: Flask runs them in threads, as `sync_view` does; aiohttp's stop each other."""
    from flask import Flask

    def wait_for(barrier: threading.Barrier) -> str:
        try:
            barrier.wait()
        except threading.BrokenBarrierError:
            return "alone"
        return "together"

    flask_app, plain, kit = Flask("traps"), web.Application(), web.Application()
    flask_barrier, kit_barrier = threading.Barrier(4, timeout=30), threading.Barrier(4, timeout=30)
    # It can never be passed: the one thread that could come is the one that waits.
    plain_barrier = threading.Barrier(4, timeout=0.05)
    flask_app.add_url_rule("/", "view", lambda: wait_for(flask_barrier))

    async def blocks(request: web.Request) -> web.Response:
        return web.Response(text=wait_for(plain_barrier))

    def in_a_thread(request: web.Request) -> str:
        return wait_for(kit_barrier)

    plain.router.add_get("/", blocks)
    setup_sync_views(kit, threads=4)
    add_rule(kit, "/", sync_view(in_a_thread))
    with flask_served(flask_app) as server:
        assert await together(server, 4) == ["together"] * 4
    async with served(plain) as server:
        assert await together(server, 4) == ["alone"] * 4
    async with served(kit) as server:
        assert await together(server, 4) == ["together"] * 4


async def leave(server: Address, started: asyncio.Event) -> None:
    """Send a request, and go as soon as its view runs."""
    _, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.wait_for(started.wait(), 30)
    writer.transport.abort()


async def test_row_28_the_client_leaves() -> None:
    """The view finishes in Flask and in aiohttp's runner; aiohttp's test server cancels it."""
    from flask import Flask

    loop = asyncio.get_running_loop()
    started, ended, go_on = asyncio.Event(), asyncio.Event(), threading.Event()
    flask_app = Flask("traps")

    def wait_and_end() -> str:
        loop.call_soon_threadsafe(started.set)
        go_on.wait(30)
        loop.call_soon_threadsafe(ended.set)
        return "x"

    flask_app.add_url_rule("/", "view", wait_and_end)
    with flask_served(flask_app) as server:
        await leave(server, started)
        go_on.set()
        await asyncio.wait_for(ended.wait(), 30)

    def make() -> tuple[web.Application, asyncio.Event, asyncio.Event, asyncio.Future[str]]:
        started, go_on = asyncio.Event(), asyncio.Event()
        end: asyncio.Future[str] = loop.create_future()

        async def view(request: web.Request) -> web.Response:
            started.set()
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                end.set_result("cancelled")
                raise
            end.set_result("finished")
            return web.Response()

        app = web.Application()
        app.router.add_get("/", view)
        return app, started, go_on, end

    app, started, go_on_async, end = make()
    async with served(app) as server:
        await leave(server, started)
        for _ in range(10):  # turns of the event loop in which a cancellation would have come
            await asyncio.sleep(0)
        go_on_async.set()
        assert await asyncio.wait_for(end, 30) == "finished"
    app, started, _, end = make()
    async with TestServer(app) as test_server:
        assert test_server.port is not None
        await leave(Address("127.0.0.1", test_server.port), started)
        assert await asyncio.wait_for(end, 30) == "cancelled"


async def test_row_31_outside_of_a_request() -> None:
    """Flask's globals need a context; in aiohttp the application is an argument, and what it holds is read from it."""
    import flask

    for proxy in (flask.current_app, flask.g, flask.session, flask.request):
        with pytest.raises(RuntimeError, match="Working outside of"):
            getattr(proxy, "user")  # noqa: B009 - the attribute of a proxy runs code
    key = web.AppKey("user", str)
    app = web.Application()
    app[key] = "me"
    setup_settings(app, immutable_settings({"DEBUG": True}))
    assert app[key] == "me"
    assert get_settings(app)["DEBUG"] is True


async def test_row_32_test_clients_and_redirects() -> None:
    """Flask's test client shows a redirect, aiohttp's follows it unless it is told not to."""
    from flask import Flask, redirect

    flask_app = Flask("traps")
    flask_app.add_url_rule("/", "old", lambda: redirect("/new"))
    flask_app.add_url_rule("/new", "new", lambda: "new")
    assert flask_app.test_client().get("/").status_code == 302

    async def old(request: web.Request) -> web.Response:
        raise web.HTTPFound("/new")

    app = web.Application()
    app.router.add_get("/", old)
    app.router.add_get("/new", text_view("new"))
    async with TestClient(TestServer(app)) as client:
        async with client.get("/") as response:
            assert response.status == 200
        async with client.get("/", allow_redirects=False) as response:
            assert response.status == 302


async def test_row_37_two_views_for_one_url() -> None:
    """Flask lets the first one answer, aiohttp refuses the second one where it follows, and is silent elsewhere."""
    from flask import Flask

    flask_app = Flask("traps")
    flask_app.add_url_rule("/x", "first", lambda: "first")
    flask_app.add_url_rule("/x", "second", lambda: "second")
    plain = web.Application()
    plain.router.add_get("/x", text_view("first"))
    with pytest.raises(RuntimeError, match="never be executed"):
        plain.router.add_get("/x", text_view("second"))
    app = web.Application()
    add_rule(app, "/x", text_view("first"), endpoint="first")
    add_rule(app, "/x", text_view("second"), endpoint="second")
    with flask_served(flask_app) as flask_server:
        async with served(app) as server, served(plain) as plain_server:
            for each in (flask_server, plain_server, server):
                assert (await send(each, path="/x")).text == "first"
