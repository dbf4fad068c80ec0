"""Settings of an application, found again from its requests."""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, assert_type

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from pytest_aiohttp.plugin import AiohttpClient

from aiotoolkit.app import SETTINGS_KEY, get_settings, setup_settings
from aiotoolkit.logger import queue_logging
from aiotoolkit.settings import Settings, immutable_settings, load_settings, setup_logging


@dataclass(frozen=True)
class Config:
    """Settings of these tests."""

    name: str = "config"


@dataclass
class Mutable:
    """A dataclass that can change."""


SETTINGS = immutable_settings({"NAME": "settings"})


async def show_settings(request: web.Request) -> web.Response:
    return web.Response(text=get_settings(request).NAME)


async def show_config(request: web.Request) -> web.Response:
    config = get_settings(request, Config)
    assert_type(config, Config)
    return web.Response(text=config.name)


async def test_settings_of_a_request(aiohttp_client: AiohttpClient) -> None:
    """A request finds the settings of its application, the very object that was bound."""
    seen: list[Settings] = []

    async def view(request: web.Request) -> web.Response:
        settings = get_settings(request)
        assert_type(settings, Settings)
        seen.append(settings)
        return web.Response()

    app = web.Application()
    setup_settings(app, SETTINGS)
    app.router.add_get("/", view)
    client = await aiohttp_client(app)
    assert (await client.get("/")).status == 200
    assert seen == [SETTINGS]
    assert seen[0] is SETTINGS is get_settings(app) is app[SETTINGS_KEY]


async def test_dataclass(aiohttp_client: AiohttpClient) -> None:
    """A dataclass is asked for by its class, which is also its type."""
    app = web.Application()
    config = load_settings(Config, environ={"NAME": "loaded"})
    setup_settings(app, config)
    app.router.add_get("/", show_config)
    client = await aiohttp_client(app)
    assert await (await client.get("/")).text() == "loaded"
    assert assert_type(get_settings(app, Config), Config) is config


async def test_middlewares_see_settings(aiohttp_client: AiohttpClient) -> None:
    """Middlewares see the settings too, also for a URL that does not exist."""

    @web.middleware
    async def middleware(request: web.Request, handler: Any) -> web.StreamResponse:
        return web.Response(text=get_settings(request).NAME)

    app = web.Application(middlewares=[middleware])
    setup_settings(app, SETTINGS)
    client = await aiohttp_client(app)
    assert await (await client.get("/nowhere")).text() == "settings"


async def test_sub_applications(aiohttp_client: AiohttpClient) -> None:
    """A sub-application's requests see its own settings, else its parents'; the application itself only its own."""
    app, own, inherits, deep = (web.Application() for _ in range(4))
    setup_settings(app, SETTINGS)
    setup_settings(own, immutable_settings({"NAME": "own"}))
    for sub in (own, inherits, deep):
        sub.router.add_get("/", show_settings)
    inherits.add_subapp("/deep", deep)
    app.add_subapp("/own", own)
    app.add_subapp("/inherits", inherits)
    client = await aiohttp_client(app)
    texts = [await (await client.get(path)).text() for path in ("/own/", "/inherits/", "/inherits/deep/")]
    assert texts == ["own", "settings", "settings"]
    with pytest.raises(RuntimeError, match="this application has no settings"):
        get_settings(inherits)


def test_mocked_request() -> None:
    """A request made for a unit test sees the settings of its application."""
    app = web.Application()
    setup_settings(app, SETTINGS)
    request = make_mocked_request("GET", "/", app=app)
    assert get_settings(request) is SETTINGS


def test_not_set_up() -> None:
    """Without settings the error says which call is missing."""
    app = web.Application()
    for source in (app, make_mocked_request("GET", "/", app=app)):
        with pytest.raises(RuntimeError, match=r"has no settings: call setup_settings\(app, settings\)"):
            get_settings(source)


def test_another_class() -> None:
    """Settings of another class are a TypeError that shows the right call."""
    app = web.Application()
    setup_settings(app, Config())
    with pytest.raises(
        TypeError, match=r"the settings are a Config, not a Settings: call get_settings\(\.\.\., Config\)"
    ):
        get_settings(app)
    other = web.Application()
    setup_settings(other, SETTINGS)
    with pytest.raises(TypeError, match="the settings are a Settings, not a Config"):
        get_settings(other, Config)


@pytest.mark.parametrize("cls", ["Config", Config(), None, (Settings, Mutable), 5])
def test_no_class(cls: Any) -> None:
    """Settings are asked for by their class, and not by its name or an instance."""
    app = web.Application()
    setup_settings(app, Config())
    with pytest.raises(TypeError, match=f"takes the class of the settings second, not {type(cls).__name__}"):
        get_settings(app, cls)


@pytest.mark.parametrize("app", [None, 5, web.Application])
def test_no_application(app: Any) -> None:
    """Settings are bound to an application and to nothing else."""
    with pytest.raises(TypeError, match="setup_settings takes an application first, not"):
        setup_settings(app, SETTINGS)


@pytest.mark.parametrize("source", [None, SETTINGS, {}, "app", web.Application])
def test_no_source(source: Any) -> None:
    """Settings are looked for in a request or an application and nowhere else."""
    with pytest.raises(TypeError, match="takes a request or an application"):
        get_settings(source)


@pytest.mark.parametrize("settings", [None, {"NAME": "x"}, Config, Settings, Mutable(), "NAME", 3])
def test_no_settings(settings: object) -> None:
    """Only Settings and frozen dataclass instances can be bound, and after an error nothing is."""
    app = web.Application()
    with pytest.raises(TypeError, match="takes Settings or a frozen dataclass instance, not"):
        setup_settings(app, settings)
    assert SETTINGS_KEY not in app
    assert len(app.on_cleanup) == len(web.Application().on_cleanup)


def test_twice() -> None:
    """An application gets its settings once."""
    app = web.Application()
    setup_settings(app, SETTINGS)
    with pytest.raises(RuntimeError, match="has settings already"):
        setup_settings(app, SETTINGS)
    assert len(app.on_cleanup) == len(web.Application().on_cleanup) + 1


async def test_too_late(aiohttp_client: AiohttpClient) -> None:
    """An application that runs, or is a sub-application, cannot get settings any more."""
    app, sub = web.Application(), web.Application()
    app.add_subapp("/sub", sub)
    await aiohttp_client(app)
    for late in (app, sub):
        with pytest.raises(RuntimeError, match="before the application starts, and before add_subapp"):
            setup_settings(late, SETTINGS)
        assert SETTINGS_KEY not in late


class Blocked(logging.Handler):
    """A handler whose output is blocked until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.released.wait(10)
        self.messages.append(record.getMessage())


@pytest.fixture
def blocked() -> Iterator[Blocked]:
    """A blocked handler behind the queue of the logger tests.app."""
    handler = Blocked()
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"blocked": {"()": lambda: handler}},
        "loggers": {"tests.app": {"handlers": ["blocked"], "level": "INFO", "propagate": False}},
    }
    setup_logging(queue_logging(config))
    yield handler
    handler.released.set()
    logger = logging.getLogger("tests.app")
    for each in logger.handlers[:]:
        logger.removeHandler(each)
        each.close()
    logger.propagate = True
    logger.setLevel(logging.NOTSET)


async def start() -> web.AppRunner:
    """Start an application with settings."""
    app = web.Application()
    setup_settings(app, SETTINGS)
    runner = web.AppRunner(app)
    await runner.setup()
    return runner


async def test_clean_up_writes_the_log_queue(blocked: Blocked) -> None:
    """The clean-up waits, without stopping the loop, until the log queue is written; logging goes on afterwards."""
    runner = await start()
    logging.getLogger("tests.app").info("queued")
    cleaning = asyncio.create_task(runner.cleanup())
    done, _ = await asyncio.wait([cleaning], timeout=0.2)
    assert not done  # the loop ran on, and the clean-up waits
    assert blocked.messages == []
    blocked.released.set()
    await asyncio.wait_for(cleaning, 10)
    assert blocked.messages == ["queued"]
    logging.getLogger("tests.app").info("afterwards")
    other = await start()
    await other.cleanup()
    assert blocked.messages == ["queued", "afterwards"]


async def test_clean_up_is_bounded(blocked: Blocked, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log output that stays blocked does not keep the application from stopping."""
    monkeypatch.setattr("aiotoolkit.app._FLUSH_SECONDS", 0.1)
    runner = await start()
    logging.getLogger("tests.app").info("queued")
    started = time.monotonic()
    await asyncio.wait_for(runner.cleanup(), 5)
    assert time.monotonic() - started >= 0.1
    assert blocked.messages == []
