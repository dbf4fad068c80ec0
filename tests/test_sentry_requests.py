"""What Sentry learns of the request in which an error happened, from a real server, by both clients."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.ingest import Ingest, message_of
from tests.sentry_helpers import both_clients, run


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    with Ingest() as server:
        yield server


def tags(event: dict[str, Any]) -> dict[str, Any]:
    return dict(event.get("tags") or {})


FAILING = """
async def fails(request):
    raise ValueError("the reason")
"""


@both_clients
def test_an_unhandled_exception_is_one_event_with_its_request(client: str, ingest: Ingest) -> None:
    """Behind the error middleware: once, with the exception, its frames, method, URL and request id."""
    out = run(
        FAILING
        + """
setup("aiohttp", "aiotoolkit")
async def main():
    async with serve(make_app(fails=fails)) as port:
        print(await ask(port, "/fails?page=2&size=%20", "X-Request-ID: abc-1", method="POST", body="the-" + "body"))
asyncio.run(main())
""",
        client,
        ingest,
    )
    assert "500" in out
    (event,) = ingest.events
    (exception,) = event["exception"]["values"]
    assert exception["type"] == "ValueError"
    assert exception["stacktrace"]["frames"][-1]["function"] == "fails"
    assert event["logger"] == "aiotoolkit.middlewares"
    assert event["level"] == "error"
    assert event["request"]["method"] == "POST"
    assert event["request"]["url"] == "http://shop/fails"
    assert event["request"]["query_string"] == "page=2&size=%20"
    assert tags(event)["request_id"] == "abc-1"
    assert "data" not in event["request"]
    assert b"the-body" not in b"".join(ingest.raw)


@both_clients
def test_what_a_view_logs_has_its_request_too(client: str, ingest: Ingest) -> None:
    """Records of the view, of a task and a thread that it starts, and of aiohttp after the response has started."""
    run(
        """
        setup("aiohttp", "app")
        async def logs(request):
            logging.getLogger("app").error("view")
            await asyncio.create_task(task())
            await asyncio.to_thread(logging.getLogger("app").error, "thread")
            response = web.StreamResponse()
            await response.prepare(request)
            await response.write(b"x")
            raise KeyError("late")
        async def task():
            logging.getLogger("app").error("task")
        async def main():
            async with serve(make_app(logs=logs)) as port:
                await ask(port, "/logs", "X-Request-ID: r1")
            logging.getLogger("app").error("outside")
        asyncio.run(main())
        """,
        client,
        ingest,
    )
    seen = {message_of(event): event for event in ingest.events}
    assert sorted(seen) == ["Error handling request from 127.0.0.1", "outside", "task", "thread", "view"]
    outside = seen.pop("outside")
    assert not outside.get("request")
    assert "request_id" not in tags(outside)
    for message, event in seen.items():
        assert event["request"]["url"] == "http://shop/logs", message
        assert tags(event)["request_id"] == "r1", message
        assert "request_id" not in event.get("extra", {})


@both_clients
def test_concurrent_requests_do_not_mix(client: str, ingest: Ingest) -> None:
    """Thirty requests that wait for each other: each event has its own URL and id, and no log line of another."""
    run(
        """
        setup("aiohttp", "aiotoolkit", "app")
        waiting = asyncio.Barrier(30)
        async def meets(request):
            logging.getLogger("app").info("private to %s", request.query["n"])
            await waiting.wait()
            raise ValueError(request.query["n"])
        async def main():
            async with serve(make_app(meets=meets)) as port:
                await asyncio.gather(*(ask(port, f"/meets?n={n}", f"X-Request-ID: id-{n}") for n in range(30)))
        asyncio.run(main())
        """,
        client,
        ingest,
    )
    numbers = set()
    for event in ingest.events:
        number = event["exception"]["values"][0]["value"].strip("'")
        assert event["request"]["query_string"] == f"n={number}"
        assert tags(event)["request_id"] == f"id-{number}"
        assert "private to" not in str(event.get("breadcrumbs"))
        numbers.add(int(number))
    assert (numbers, len(ingest.events)) == (set(range(30)), 30)


@both_clients
def test_what_is_no_error_is_not_reported(client: str, ingest: Ingest) -> None:
    """Redirects, 4xx raised and returned, 404, a client that goes away, a cancelled handler: no event."""
    out = run(
        """
        setup("aiohttp", "aiotoolkit", "app")
        started, cancelled = asyncio.Event(), asyncio.Event()
        async def redirect(request): raise web.HTTPFound("/")
        async def refuse(request): raise web.HTTPForbidden()
        async def returned(request): return web.Response(status=422)
        async def waits(request):
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()
        async def reads(request):
            started.set()
            try:
                await request.read()
            finally:
                cancelled.set()
        async def leave(port, target):
            started.clear(), cancelled.clear()
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"POST {target} HTTP/1.1\\r\\nHost: shop\\r\\nContent-Length: 9\\r\\n\\r\\nx".encode())
            await started.wait()
            writer.transport.abort()
            await cancelled.wait()
        async def main():
            app = make_app(redirect=redirect, refuse=refuse, returned=returned, waits=waits, reads=reads)
            async with serve(app, handler_cancellation=True) as port:
                print([await ask(port, "/" + each) for each in ("redirect", "refuse", "returned", "missing")])
                await leave(port, "/waits")
                await leave(port, "/reads")
            async with serve(make_app(reads=reads)) as port:
                await leave(port, "/reads")
        asyncio.run(main())
        logging.getLogger("app").error("the only one")
        """,
        client,
        ingest,
    )
    assert "[302, 403, 422, 404]" in out
    assert ingest.messages() == ["the only one"]


@both_clients
def test_an_exception_that_is_logged_on_its_way_up_is_one_event(client: str, ingest: Ingest) -> None:
    """A view logs it and lets it pass: the middleware's record of the same exception is not a second event."""
    run(
        """
        setup("aiotoolkit", "app")
        async def fails(request):
            try:
                raise ValueError("the reason")
            except ValueError:
                logging.getLogger("app").exception("in the view")
                raise
        async def main():
            async with serve(make_app(fails=fails)) as port:
                await ask(port, "/fails")
                await ask(port, "/fails")
        asyncio.run(main())
        """,
        client,
        ingest,
    )
    assert ingest.messages() == ["in the view"] * 2


@both_clients
def test_one_exception_object_raised_for_two_requests_is_two_events(client: str, ingest: Ingest) -> None:
    """Some code raises the same object again and again: each request reports it."""
    run(
        """
        setup("aiotoolkit")
        error = ValueError("made once")
        async def fails(request):
            raise error
        async def main():
            async with serve(make_app(fails=fails)) as port:
                await ask(port, "/fails")
                await ask(port, "/fails")
        asyncio.run(main())
        """,
        client,
        ingest,
    )
    assert len(ingest.events) == 2


@both_clients
def test_a_hostile_request_is_described_all_the_same(client: str, ingest: Ingest) -> None:
    """Bytes that are no text, a Host that is no host, an absolute URL: the event arrives, as JSON that all can read."""
    run(
        FAILING
        + """
setup("aiotoolkit")
async def main():
    async with serve(make_app(fails=fails)) as port:
        await ask(port, "/fails?%ff=%00", "User-Agent: \\xff\\xfe", "X-Request-ID: \\xff")
        await ask(port, "http://ann:hun" + "ter@other/fails")
asyncio.run(main())
""",
        client,
        ingest,
    )
    first, second = ingest.events
    assert first["request"]["headers"]["User-Agent"] == "\\udcff\\udcfe"
    assert first["request"]["query_string"] == "%ff=%00"
    assert second["request"]["method"] == "GET"
    raw = b"".join(ingest.raw)
    assert b"\\ud" not in raw.replace(b"\\\\ud", b"")
    assert b"hunter" not in raw


@both_clients
def test_the_request_is_not_kept_alive(client: str, ingest: Ingest) -> None:
    """A task that outlives its request sees that it is gone, and its events say nothing of it."""
    run(
        """
        import gc, weakref
        setup("app")
        state = {}
        async def starts(request):
            state["gone"] = weakref.ref(request)
            state["task"] = asyncio.create_task(later())
            return web.Response()
        async def later():
            await state["go"].wait()
            logging.getLogger("app").error("later")
        async def main():
            state["go"] = asyncio.Event()
            async with serve(make_app(starts=starts)) as port:
                await ask(port, "/starts", "X-Request-ID: r1")
                gc.collect()
                assert state["gone"]() is None
                state["go"].set()
                await state["task"]
        asyncio.run(main())
        """,
        client,
        ingest,
    )
    (event,) = ingest.events
    assert not event.get("request")
    assert tags(event)["request_id"] == "r1"


@pytest.mark.extra("sentry_sdk")
def test_the_sdks_aiohttp_integration_doubles_nothing(ingest: Ingest) -> None:
    """With AioHttpIntegration too: one event behind the middleware, one after the response started, one without it."""
    run(
        FAILING
        + """
from sentry_sdk.integrations.aiohttp import AioHttpIntegration
setup("aiohttp", "aiotoolkit", integrations=[AioHttpIntegration()])
async def late(request):
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"x")
    raise KeyError("late")
async def main():
    plain = web.Application()
    plain.router.add_get("/plain", fails)
    async with serve(make_app(fails=fails, late=late)) as port:
        secret = "s3" + "same"
        headers = "X-Request-ID: r1", f"Authorization: Bearer {secret}", f"Cookie: a={secret}"
        await ask(port, f"/fails?token={secret}", *headers)
        await ask(port, "/late", "X-Request-ID: r2")
    async with serve(plain) as port:
        await ask(port, "/plain")
asyncio.run(main())
""",
        "sentry_sdk",
        ingest,
    )
    urls = [event["request"]["url"].rpartition("/")[2] for event in ingest.events]
    assert urls == ["fails", "late", "plain"]
    assert [tags(event).get("request_id") for event in ingest.events] == ["r1", "r2", None]
    assert b"s3same" not in b"".join(ingest.raw)


@pytest.mark.extra("sentry_sdk")
def test_an_applications_own_client_gets_the_request_too(ingest: Ingest) -> None:
    """The application's init() stays as it is; what the handler sends through it is complete, and without secrets."""
    run(
        FAILING
        + """
import sentry_sdk
sentry_sdk.init(dsn, auto_enabling_integrations=False, default_integrations=False)
setup("aiotoolkit", "app")
async def main():
    async with serve(make_app(fails=fails)) as port:
        await ask(port, "/fails?token=" + secret, "X-Request-ID: r1")
secret = "s3" + "same"
logging.getLogger("app").error("password=%s", secret, extra={"api_key": secret})
asyncio.run(main())
assert flush_logging(10)
""",
        "sentry_sdk",
        ingest,
    )
    outside, event = ingest.events
    assert event["request"]["url"] == "http://shop/fails"
    assert tags(event)["request_id"] == "r1"
    assert "request" not in outside
    assert b"s3same" not in b"".join(ingest.raw)


@both_clients
@pytest.mark.parametrize("loggers", [["shop"], ["aiohttp", "shop"], [""], ["aiotoolkit.middlewares", "aiotoolkit"]])
def test_setup_process_alone_reports_unhandled_exceptions(client: str, loggers: list[str], ingest: Ingest) -> None:
    """With SENTRY_DSN and the application's own loggers: once, behind the error middleware and without it."""
    hidden = "sentry_sdk" if client == "raven" else "raven"
    run(
        FAILING
        + f"""
import importlib.util
find_spec = importlib.util.find_spec  # setup_process takes the client that is installed
importlib.util.find_spec = lambda name, package=None: None if name == {hidden!r} else find_spec(name, package)
from aiotoolkit.process import setup_process
setup_process({{"SENTRY_DSN": dsn}}, loggers={loggers!r})
async def main():
    async with serve(make_app(fails=fails)) as port:
        await ask(port, "/fails")
    plain = web.Application()
    plain.router.add_get("/plain", fails)
    async with serve(plain) as port:
        await ask(port, "/plain")
asyncio.run(main())
""",
        client,
        ingest,
    )
    assert [event["logger"] for event in ingest.events] == ["aiotoolkit.middlewares", "aiohttp.server"]
