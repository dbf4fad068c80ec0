"""The access log of a real server: its fields, its lines, and what strangers can do to them."""

import asyncio
import gzip
import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.web_log import AccessLogger as AiohttpAccessLogger

from aiotoolkit.app import AccessLogger
from aiotoolkit.logger import (
    ACCESS_LOG_FORMAT,
    BadRequestFilter,
    ConsoleHandler,
    LineFormatter,
    RequestIdFilter,
    default_logging_dict,
    flush_logging,
    json_formatter,
    queued_handler,
)
from aiotoolkit.middlewares import setup_errors, setup_request_id

from .raw import Address, exchange, raw_request, read_response

Served = Callable[..., Any]
TENANT: ContextVar[str] = ContextVar("TENANT", default="none")


class Records(logging.Handler):
    """Keeps the records, and the lines that they make."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.addFilter(RequestIdFilter())
        self.formatter = LineFormatter("%(levelname)s %(name)s [%(request_id)s] %(message)s")

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def of(self, name: str) -> list[Any]:
        return [record for record in self.records if record.name == name]

    def lines(self) -> list[str]:
        return [self.format(record) for record in self.records]


@pytest.fixture
def records() -> Iterator[Records]:
    """What the logger ``aiohttp`` and its children log, with the filter that default_logging_dict installs."""
    handler, log, server = Records(), logging.getLogger("aiohttp"), logging.getLogger("aiohttp.server")
    bad_requests = BadRequestFilter()
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    server.addFilter(bad_requests)
    yield handler
    log.removeHandler(handler)
    log.setLevel(logging.NOTSET)
    server.removeFilter(bad_requests)


class Server:
    """An application behind the access logger."""

    def __init__(self, app: web.Application, **options: Any) -> None:
        self.runner = web.AppRunner(app, access_log_class=AccessLogger, **options)

    async def __aenter__(self) -> Address:
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        host, port = self.runner.addresses[0]
        return Address(host, port)

    async def __aexit__(self, *error: object) -> None:
        await self.runner.cleanup()


def application() -> web.Application:
    async def view(request: web.Request) -> web.StreamResponse:
        if (tenant := request.query.get("tenant")) is not None:
            TENANT.set(tenant)
        return web.Response(text="ok")

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x" * 5000)
        return response

    async def socket(request: web.Request) -> web.StreamResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        await response.close()
        return response

    async def broken(request: web.Request) -> web.StreamResponse:
        raise RuntimeError("secret text")

    async def upstream(request: web.Request) -> web.StreamResponse:
        raise BadHttpMessage("of another server")

    app = web.Application()
    for path, handler in (("/stream", stream), ("/socket", socket), ("/broken", broken), ("/upstream", upstream)):
        app.router.add_get(path, handler)
    app.router.add_get("/{rest:.*}", view)
    return app


async def get(server: Address, path: str, **headers: str) -> None:
    given: list[tuple[str, str | bytes]] = [*headers.items()]
    response = await read_response(server, raw_request("GET", path, headers=given, content_type=None))
    assert response.status


async def test_fields(records: Records) -> None:
    """A record has what was asked and what was answered as attributes, and all that any record has."""
    app = application()
    setup_request_id(app)
    async with Server(app) as server:
        await get(
            server, "/items/%C3%A9?page=2", **{"User-Agent": "Test/1", "Referer": "http://x/", "X-Request-ID": "r1"}
        )
    (record,) = records.of("aiohttp.access")
    plain = logging.LogRecord("aiohttp.access", logging.INFO, "x", 0, "", None, None)
    assert record.__dict__.keys() >= plain.__dict__.keys()
    fields = ("method", "path", "status", "remote", "user_agent", "referer", "request_id")
    assert [getattr(record, name) for name in fields] == [
        "GET", "/items/%C3%A9?page=2", 200, "127.0.0.1", "Test/1", "http://x/", "r1",
    ]  # fmt: skip
    assert record.size > 2
    assert 0 < record.duration < 10
    assert (record.levelname, record.process, record.module) == ("INFO", plain.process, "_access_log")
    assert abs(record.created - plain.created) < 10
    assert 0 <= record.msecs < 1000
    assert 0 <= plain.relativeCreated - record.relativeCreated < 10_000


async def test_the_text_is_that_of_aiohttps_own_with_the_format(records: Records) -> None:
    """The line is what aiohttp's access logger writes with ACCESS_LOG_FORMAT, so the same tools read it."""
    app = application()
    async with Server(app) as server:
        await get(server, "/a?b=c", **{"User-Agent": "Test/1"})
    runner = web.AppRunner(app, access_log_format=ACCESS_LOG_FORMAT)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await get(Address(*runner.addresses[0]), "/a?b=c", **{"User-Agent": "Test/1"})
    await runner.cleanup()
    ours, theirs = (record.getMessage().split() for record in records.of("aiohttp.access"))
    seconds = ours.pop(6), theirs.pop(6)
    assert ours == theirs
    assert all(float(each) < 10 for each in seconds)


@pytest.mark.extra("pythonjsonlogger")
async def test_json_has_fields_and_a_short_message(records: Records) -> None:
    """A JSON line has each field once, and not the whole line again as a text."""
    async with Server(application()) as server:
        await get(server, "/a?token=hunter2")
    line = json.loads(json_formatter().format(records.of("aiohttp.access")[0]))
    assert line | {"time": "", "duration": 0, "size": 0} == {
        "time": "", "level": "INFO", "logger": "aiohttp.access", "message": "GET /a?token=*** 200", "request_id": "-",
        "method": "GET", "path": "/a?token=***", "status": 200, "size": 0, "duration": 0, "remote": "127.0.0.1",
        "user_agent": None, "referer": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "logged"),
    [
        ("/?page=2&size=10", "/?page=2&size=10"),
        ("/?access_token=abc&page=2", "/?access_token=***&page=2"),
        ("/?%74oken=abc", "/?%74oken=***"),
        ("/?next=https://user:pw@host/", "/?next=***"),
        ("/?next=%2Flogin%3Fpassword%3Dabc", "/?next=***"),
        ("/?q=caf%C3%A9&flag", "/?q=caf%C3%A9&flag"),
        ("/?token=a=b&token=c", "/?token=***&token=***"),
        ("/?q=%zz%", "/?q=%zz%"),
    ],
)
async def test_no_secrets(records: Records, sent: str, logged: str) -> None:
    """Values of a query that look secret are hidden, in the path and in the referrer."""
    async with Server(application()) as server:
        await get(server, sent, Referer=f"http://here{sent}")
    (record,) = records.of("aiohttp.access")
    assert record.path == logged
    assert record.referer.startswith("http://here/?")
    for secret in ("abc", "pw@", "a=b"):
        assert secret not in record.getMessage()


async def test_nothing_forges_a_line(records: Records) -> None:
    """Quotes, backslashes, escape sequences and line breaks of a stranger stay inside their own column."""
    async with Server(application()) as server:
        hostile = b'x" 200 1 "forged\\\xc2\x9b31m\xe2\x80\xa8\xe2\x80\xae\xff'
        await exchange(server, raw_request("GET", "/%0d%0a%22", headers=[("User-Agent", hostile)], content_type=None))
        await exchange(server, b'GET /"\\\xe2\x80\xa8?q=" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    assert len(records.of("aiohttp.access")) == 2
    for record in records.of("aiohttp.access"):
        plain = logging.Formatter().format(record)  # without the toolkit's formatter, too
        assert plain.isprintable()
        assert plain.replace('\\"', "").count('"') == 6
        assert str(json.loads(json.dumps(record.user_agent))) == str(record.user_agent)
    assert r'"x\" 200 1 \"forged\\\x9b31m\u2028\u202e\udcff"' in records.lines()[0]


async def test_every_kind_of_answer_is_one_line(records: Records) -> None:
    """Streams, websockets, 404, 500 and what the parser refuses are each logged once."""
    async with Server(application()) as server:
        await get(server, "/stream")
        async with ClientSession() as session, session.ws_connect(f"http://{server.host}:{server.port}/socket") as ws:
            await ws.receive()
        await exchange(server, raw_request("POST", "/a"))
        await get(server, "/broken")
        await exchange(server, b"GET / HTTP/1.1\r\nbad header\r\n\r\n")
    logged = sorted((record.status, record.path) for record in records.of("aiohttp.access"))
    assert logged == [(101, "/socket"), (200, "/stream"), (400, "/"), (405, "/a"), (500, "/broken")]


async def test_a_client_that_left_is_499(records: Records) -> None:
    """Behind the error middleware, a request whose client went away is logged with status 499."""
    entered = asyncio.Event()

    async def view(request: web.Request) -> web.Response:
        entered.set()
        while request.transport is not None:  # noqa: ASYNC110 - no event tells a handler that its client left
            await asyncio.sleep(0)
        raise ConnectionResetError

    app = web.Application()
    setup_errors(app)
    app.router.add_get("/", view)
    async with Server(app) as server:
        _, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await entered.wait()
        writer.transport.abort()
    assert [record.status for record in records.of("aiohttp.access")] == [499]


async def test_nothing_is_done_where_the_level_is_off(records: Records) -> None:
    """Above INFO there is no record, also on a connection that was open when the level changed."""
    async with Server(application()) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        for level in (logging.INFO, logging.WARNING, logging.INFO):
            logging.getLogger("aiohttp").setLevel(level)
            writer.write(raw_request("GET", f"/{level}", content_type=None, close=False))
            await reader.readuntil(b"\r\n\r\nok")
        writer.close()
    assert [record.path for record in records.of("aiohttp.access")] == ["/20", "/20"]
    logging.getLogger("aiohttp").setLevel(logging.WARNING)
    assert AccessLogger(logging.getLogger("aiohttp.access"), ACCESS_LOG_FORMAT).enabled is False
    logging.getLogger("aiohttp").setLevel(logging.INFO)
    assert AccessLogger(logging.getLogger("aiohttp.access"), ACCESS_LOG_FORMAT).enabled is True


async def test_filters_run_in_the_context_of_their_request(records: Records) -> None:
    """Filters of the application see each request's own context variables, with many at once; any may refuse it."""

    class Tenant(logging.Filter):
        def filter(self, record: Any) -> bool:
            record.tenant = TENANT.get()
            return bool(record.status != 404)

    log, tenant = logging.getLogger("aiohttp.access"), Tenant()
    log.addFilter(tenant)
    try:
        async with Server(application()) as server:
            await asyncio.gather(*(get(server, f"/?tenant={number}") for number in range(30)))
    finally:
        log.removeFilter(tenant)
    logged = {(record.path, record.tenant) for record in records.of("aiohttp.access")}
    assert logged == {(f"/?tenant={number}", str(number)) for number in range(30)}


async def test_ids_never_mix(records: Records) -> None:
    """Over many kept-alive connections with pipelined requests, each line has the id of its own request."""
    app = application()
    setup_request_id(app)

    async def client(server: Address, number: int) -> None:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        for batch in range(5):
            for each in range(4):
                sent: list[tuple[str, str | bytes]] = [("X-Request-ID", f"{number}.{batch}.{each}")]
                path = f"/?n={number}.{batch}.{each}"
                writer.write(raw_request("GET", path, headers=sent, content_type=None, close=False))
            for _ in range(4):
                await reader.readuntil(b"\r\n\r\nok")
        writer.close()

    async with Server(app) as server, asyncio.timeout(20):
        await asyncio.gather(*(client(server, number) for number in range(20)))
    logged = [(record.path, record.request_id) for record in records.of("aiohttp.access")]
    assert len(logged) == 400
    assert {path for path, _ in logged} == {f"/?n={request_id}" for _, request_id in logged}
    assert all(path == f"/?n={request_id}" for path, request_id in logged)


async def test_event_loops_in_several_threads(records: Records) -> None:
    """Servers in threads of their own write all their lines."""

    async def serve() -> None:
        async with Server(application()) as server:
            for _ in range(50):
                await get(server, "/")

    await asyncio.gather(*(asyncio.to_thread(asyncio.run, serve()) for _ in range(4)))
    assert len(records.of("aiohttp.access")) == 200


async def test_a_filter_that_fails_costs_no_connection(records: Records) -> None:
    """What a filter raises is logged; the request is answered, and so is the next one on its connection."""

    class Broken(logging.Filter):
        def filter(self, record: Any) -> bool:
            if record.levelno == logging.INFO:
                raise RuntimeError("filter")
            return True

    log, broken = logging.getLogger("aiohttp.access"), Broken()
    log.addFilter(broken)
    try:
        async with Server(application()) as server:
            request = raw_request("GET", "/", content_type=None, close=False)
            received = await exchange(server, request + raw_request("GET", "/", content_type=None))
    finally:
        log.removeFilter(broken)
    assert received.count(b"200 OK") == 2
    assert [record.getMessage() for record in records.of("aiohttp.access")] == ["Error in logging"] * 2


async def test_a_record_factory_of_the_application_is_used(records: Records) -> None:
    """A class of records that the application chose is that of the access log too."""

    class Own(logging.LogRecord):
        pass

    logging.setLogRecordFactory(Own)
    try:
        async with Server(application()) as server:
            await get(server, "/")
    finally:
        logging.setLogRecordFactory(logging.LogRecord)
    assert isinstance(records.of("aiohttp.access")[0], Own)


def test_outside_of_an_event_loop(records: Records) -> None:
    """A logger that is called where no event loop runs writes at once."""
    from aiohttp.test_utils import make_mocked_request

    access = AccessLogger(logging.getLogger("aiohttp.access"), AiohttpAccessLogger.LOG_FORMAT)
    access.log(make_mocked_request("GET", "/x"), web.Response(), 0.5)
    assert [(record.path, record.duration) for record in records.of("aiohttp.access")] == [("/x", 0.5)]


def test_a_format_of_ones_own_is_not_read() -> None:
    """Who passes another format is told that it has no effect."""
    with pytest.warns(UserWarning, match="does not read access_log_format"):
        AccessLogger(logging.getLogger("aiohttp.access"), "%a")


@pytest.mark.extra("pythonjsonlogger")
@pytest.mark.parametrize("formatter", [LineFormatter("[%(request_id)s] %(message)s"), json_formatter])
async def test_through_the_queue(records: Records, formatter: Any) -> None:
    """Behind the queue, text and JSON lines are what they are without it."""
    direct, behind = io.StringIO(), io.StringIO()
    plain = ConsoleHandler(direct)
    queued = queued_handler(handler={"class": "aiotoolkit.logger.ConsoleHandler", "stream": behind}, max_records=100)
    log = logging.getLogger("aiohttp.access")
    for handler in (plain, queued):
        handler.setFormatter(formatter if isinstance(formatter, logging.Formatter) else formatter())
        log.addHandler(handler)
    app = application()
    setup_request_id(app)
    try:
        async with Server(app) as server:
            await asyncio.gather(*(get(server, f"/{number}?token=x") for number in range(20)))
        assert await asyncio.to_thread(flush_logging)
    finally:
        for handler in (plain, queued):
            log.removeHandler(handler)
            handler.close()
    assert behind.getvalue() == direct.getvalue()
    assert direct.getvalue().count("token=***") >= 20


# What aiohttp's server logs for bytes that are no request

STRANGE = [
    b"GET / HTTP/1.1\r\nAuthorization: Bearer hunter2\x00\r\n\r\n",
    b"GET / HTTP/1.1\r\nX-Very-Long: " + b"hunter2" * 5000 + b"\r\n\r\n",
    b"GET /?password=hunter2 HTTP/9.x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: hunter2\r\n\r\n",
    b"GET /\xff\xfehunter2 HTTP/1.1\r\nHost: x\r\n\r\n",
]


@pytest.mark.parametrize("sent", STRANGE)
async def test_strangers_bytes_are_no_error(records: Records, sent: bytes) -> None:
    """Bytes that are no HTTP request are told at INFO, in one line, without traceback and without the bytes."""
    async with Server(application()) as server:
        received = await exchange(server, sent)
    assert b" 400 Bad Request" in received
    (record,) = records.of("aiohttp.server")
    assert (record.levelno, record.levelname, record.exc_info) == (logging.INFO, "INFO", None)
    line = records.format(record)
    assert line.startswith("INFO aiohttp.server [-] Refused bytes from 127.0.0.1 that are not HTTP: ")
    assert "hunter2" not in line
    assert "\n" not in line


async def test_a_damaged_body_that_nobody_reads_is_no_error(records: Records) -> None:
    """aiohttp meets the damage of a compressed body behind the answer: that is told at INFO, too."""
    body = gzip.compress(b" " * 3_000_000)
    body = body[:1500] + b"\x01\x02" + body[1502:]
    head = "GET / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\nConnection: close\r\n\r\n"
    async with Server(application()) as server:
        received = await exchange(server, head.format(len(body)).encode() + body)
    assert b" 200 OK" in received
    (record,) = records.of("aiohttp.server")
    assert (record.levelno, record.exc_info) == (logging.INFO, None)
    assert record.getMessage().endswith("RequestPayloadError")


async def test_what_aiohttp_logs_at_debug_stays_there(records: Records) -> None:
    """What is no HTTP from its first byte on, such as TLS, is at DEBUG in aiohttp: it is not raised, and not quoted."""
    logging.getLogger("aiohttp").setLevel(logging.DEBUG)
    async with Server(application()) as server:
        await exchange(server, b"\x16\x03\x01hunter2\r\n\r\n")
    record = next(record for record in records.of("aiohttp.server") if "Refused" in record.getMessage())
    assert record.levelno == logging.DEBUG
    assert "hunter2" not in records.format(record)


async def test_strangers_bytes_obey_the_level(records: Records) -> None:
    """A logger that takes only warnings does not get them."""
    logging.getLogger("aiohttp").setLevel(logging.WARNING)
    async with Server(application()) as server:
        await exchange(server, STRANGE[0])
    assert records.records == []


@pytest.mark.parametrize("path", ["/broken", "/upstream"])
async def test_errors_of_handlers_stay_errors(records: Records, path: str) -> None:
    """What a handler raises is an ERROR with its traceback, under the request's id, even an error of a HTTP parser."""
    app = application()
    setup_request_id(app)
    async with Server(app) as server:
        await get(server, path, **{"X-Request-ID": "mine"})
    (record,) = records.of("aiohttp.server")
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert record.request_id == "mine"


@pytest.mark.parametrize("names", [("",), ("aiohttp",), ("aiohttp.server", "shop"), ("aiohttp", "aiohttp.server")])
def test_default_logging_dict_installs_the_filter(names: tuple[str, ...]) -> None:
    """The filter is on aiohttp's logger wherever the dict logs it, and only there."""
    loggers = default_logging_dict(*names)["loggers"]
    assert loggers["aiohttp.server"]["filters"] == ["bad_requests"]
    assert [name for name, entry in loggers.items() if "filters" in entry] == ["aiohttp.server"]
    assert "aiohttp.server" not in default_logging_dict("shop")["loggers"]


# Colour


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def written(stream: Any, level: int = logging.WARNING, message: str = "hello") -> str:
    handler = ConsoleHandler(stream)
    handler.setFormatter(LineFormatter("%(message)s"))
    handler.handle(logging.LogRecord("app", level, __file__, 1, message, None, None))
    return str(stream.getvalue())


def test_colour_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets warnings and errors in colour; a pipe, NO_COLOR and a dumb terminal never any."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert written(Terminal()) == "\x1b[33mhello\x1b[0m\n"
    assert written(Terminal(), logging.INFO) == "hello\n"
    assert written(io.StringIO()) == "hello\n"
    monkeypatch.setenv("NO_COLOR", "")
    assert written(Terminal()) == "\x1b[33mhello\x1b[0m\n"
    monkeypatch.setenv("NO_COLOR", "1")
    assert written(Terminal()) == "hello\n"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert written(Terminal()) == "hello\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize("queue", [False, True])
def test_each_output_is_decided_on_its_own(queue: bool) -> None:
    """With stderr on a terminal and stdout on a pipe, only stderr is coloured, behind the queue too."""
    import os
    import subprocess

    leader, follower = os.openpty()
    source = f"""
import logging.config
from aiotoolkit.logger import default_logging_dict
logging.config.dictConfig(default_logging_dict("app", level="DEBUG", queue={queue}))
logging.getLogger("app").debug("quiet")
logging.getLogger("app").error("loud \\x1b[2J")
"""
    environ = {**os.environ, "TERM": "xterm"}
    environ.pop("NO_COLOR", None)
    command = [sys.executable, "-c", source]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=follower, env=environ, check=True, timeout=30)
    os.close(follower)
    shown = os.read(leader, 4096)
    os.close(leader)
    assert b"quiet" in done.stdout
    assert b"\x1b" not in done.stdout
    assert shown.startswith(b"\x1b[31m")
    assert shown.endswith(b"loud \\x1b[2J\x1b[0m\r\n")
