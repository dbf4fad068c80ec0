"""Events of both clients as a real Sentry-compatible server shows them; ``make sentry-check`` runs this."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bugsink import Bugsink, run_bugsink
from tests.sentry_helpers import RAVEN, SDK, start

ENVIRONMENT = os.environ.get("BUGSINK_ENVIRONMENT")

pytestmark = [
    pytest.mark.skipif(ENVIRONMENT is None, reason="needs Bugsink in its own environment: make sentry-check"),
    pytest.mark.timeout(180),
]

PROGRAM = """
setup("aiohttp", "aiotoolkit", "app", level="WARNING", release="shop@1.2", environment="test")
SECRET = "s3" + "same"

async def fails(request):
    amount, password = 7, SECRET
    raise ValueError(f"no stock for {amount}")

async def warns(request):
    logging.getLogger("app.stock").warning("low on %s", "tea", extra={"shelf": 12, "api_key": SECRET})
    return web.Response()

async def main():
    async with serve(make_app(fails=fails, warns=warns)) as port:
        headers = "X-Request-ID: r-fails", "Cookie: sid=" + SECRET
        await ask(port, "/fails?page=2&token=" + SECRET, *headers, method="POST")
        await ask(port, "/warns", "X-Request-ID: r-warns")
        await ask(port, "/missing")
    logging.getLogger("app").critical("outside of any request")

asyncio.run(main())
assert flush_logging(20)
"""


@pytest.fixture(scope="module")
def bugsink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bugsink]:
    assert ENVIRONMENT is not None
    with run_bugsink(Path(ENVIRONMENT), tmp_path_factory.mktemp("bugsink")) as server:
        yield server


def message_of(event: dict[str, Any]) -> str:
    entry = event.get("logentry") or event.get("sentry.interfaces.Message") or {}
    return str(entry.get("formatted") or entry.get("message"))


@pytest.mark.parametrize(("client", "project"), [(*RAVEN.values, "raven"), (*SDK.values, "sentry-sdk")])
def test_the_server_shows_each_event(client: str, project: str, bugsink: Bugsink) -> None:
    """Three events, with message, level, exception, frames, request, tags, extras and release, and without secrets."""
    pytest.importorskip(client)
    done = start(PROGRAM, client, bugsink.dsn(project))
    assert done.returncode == 0, done.stderr
    assert "did not reach Sentry" not in done.stderr
    events = {message_of(event): event for event in bugsink.events(project)}
    assert sorted(events) == ["Unhandled exception in POST /fails", "low on tea", "outside of any request"]
    assert "s3same" not in str(events)
    assert {event["release"] for event in events.values()} == {"shop@1.2"}
    assert {event["environment"] for event in events.values()} == {"test"}
    check_the_exception(events["Unhandled exception in POST /fails"])
    check_the_warning(events["low on tea"])
    outside = events["outside of any request"]
    assert outside["level"] == "fatal"
    assert not outside.get("request")


def check_the_exception(event: dict[str, Any]) -> None:
    assert event["level"] == "error"
    assert event["logger"] == "aiotoolkit.middlewares"
    (exception,) = event["exception"]["values"]
    assert exception["type"] == "ValueError"
    assert exception["value"].strip("'") == "no stock for 7"
    frame = exception["stacktrace"]["frames"][-1]
    assert frame["function"] == "fails"
    assert str(frame["vars"]["amount"]) == "7"
    assert event["request"]["method"] == "POST"
    assert event["request"]["url"] == "http://shop/fails"
    assert event["request"]["query_string"] == "page=2&token=***"
    assert dict(event["tags"])["request_id"] == "r-fails"
    assert "fails" in event["stacktrace_text"]


def check_the_warning(event: dict[str, Any]) -> None:
    assert event["level"] == "warning"
    assert event["logger"] == "app.stock"
    assert str(event["extra"]["shelf"]) == "12"
    assert event["extra"]["api_key"] == "***" or event["extra"]["api_key"] == "[Filtered]"
    assert event["request"]["url"] == "http://shop/warns"
    assert dict(event["tags"])["request_id"] == "r-warns"
