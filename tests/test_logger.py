"""Logging dicts, filters, formatters and the queue."""

import asyncio
import copy
import io
import json
import logging
import logging.config
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest
from aiohttp import ClientSession, web
from hypothesis import given
from hypothesis import strategies as st

from aiotoolkit import logger
from aiotoolkit.logger import (
    ACCESS_LOG_FORMAT,
    IgnoreErrorsFilter,
    LineFormatter,
    RequestIdFilter,
    default_logging_dict,
    flush_logging,
    queue_logging,
    request_id_var,
)
from tests.ingest import run_script

Configure = Callable[[dict[str, Any]], None]


@pytest.fixture
def configure() -> Iterator[Configure]:
    """Apply logging dicts; afterwards their loggers are as if they had never been named."""
    names: set[str] = set()

    def apply(logging_dict: dict[str, Any]) -> None:
        names.update(logging_dict["loggers"])
        logging.config.dictConfig(copy.deepcopy(logging_dict))

    yield apply
    for name in names:
        log = logging.getLogger(name)
        for handler in [*log.handlers]:
            log.removeHandler(handler)
            handler.close()
        for each in [*log.filters]:
            log.removeFilter(each)
        log.setLevel(logging.NOTSET)
        log.propagate = True


def record(message: Any = "hello", level: int = logging.INFO, **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("app", level, __file__, 1, message, None, None)
    made.__dict__.update(extra)
    return made


class Gate(logging.StreamHandler[io.StringIO]):
    """A handler whose output is blocked, like a pipe that nobody reads, until the test opens it."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())
        self.opened = threading.Event()
        self.reached = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.reached.set()
        assert self.opened.wait(20)
        super().emit(record)

    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()


def gated(gate: logging.Handler, *names: str, max_records: int = 10_000, request_id: bool = False) -> dict[str, Any]:
    """Return a queued logging dict whose only handler is ``gate``."""
    logging_dict = default_logging_dict(*names, request_id=request_id, handlers=["gate"])
    filters = ["request_id"] if request_id else []
    logging_dict["handlers"] = {"gate": {"()": lambda: gate, "formatter": "default", "filters": filters}}
    logging_dict["formatters"]["default"]["format"] = "%(request_id)s %(message)s" if request_id else "%(message)s"
    return queue_logging(logging_dict, max_records=max_records)


# default_logging_dict


def test_default_logging_dict_is_what_rororo_made() -> None:
    """Formatters, handlers, filters and loggers have the names, levels and format that rororo's users know."""
    made = default_logging_dict("aiohttp", "api")
    assert made["formatters"].keys() == {"default", "naked"}
    assert made["formatters"]["default"]["format"] == "%(asctime)s [%(levelname)s:%(name)s] %(message)s"
    assert made["formatters"]["naked"]["format"] == "%(message)s"
    assert "ignore_errors" in made["filters"]
    assert {name: each["level"] for name, each in made["handlers"].items()} == {"stdout": "DEBUG", "stderr": "WARNING"}
    assert made["handlers"]["stdout"]["filters"] == ["ignore_errors"]
    assert made["loggers"].pop("aiohttp.server") == {"filters": ["bad_requests"]}
    assert made["loggers"] == {
        name: {"handlers": ["stdout", "stderr"], "level": "INFO", "propagate": False} for name in ("aiohttp", "api")
    }
    assert made["disable_existing_loggers"] is False


def test_low_levels_go_to_stdout_and_the_rest_to_stderr(
    configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    """DEBUG, INFO and levels between INFO and WARNING are on stdout, WARNING and above on stderr; each line once."""
    configure(default_logging_dict("levels", level="DEBUG"))
    for level in (10, 20, 25, 30, 40, 50):
        logging.getLogger("levels.child").log(level, "at %d", level)
    captured = capsys.readouterr()
    assert [line.split()[-1] for line in captured.out.splitlines()] == ["10", "20", "25"]
    assert [line.split()[-1] for line in captured.err.splitlines()] == ["30", "40", "50"]


def test_nested_loggers_do_not_double_lines(configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    """A logger, its parent and the root may all be named: a line is still written once."""
    root_handlers, root_level = [*logging.root.handlers], logging.root.level
    try:
        configure(default_logging_dict("", "outer", "outer.inner"))
        logging.getLogger("outer.inner.deep").info("once")
    finally:
        logging.root.handlers[:] = root_handlers
        logging.root.setLevel(root_level)
    assert capsys.readouterr().out.count("once") == 1


def test_existing_loggers_stay_enabled(configure: Configure) -> None:
    """A logger made before dictConfig and not named in the dict goes on working."""
    existing = logging.getLogger("made.before")
    configure(default_logging_dict("made.after"))
    assert existing.disabled is False


def test_stdout_only_has_no_stderr(configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    """With stdout_only every level is on stdout."""
    configure(default_logging_dict("container", stdout_only=True))
    logging.getLogger("container").info("fine")
    logging.getLogger("container").error("broken")
    captured = capsys.readouterr()
    assert [line.split()[-1] for line in captured.out.splitlines()] == ["fine", "broken"]
    assert captured.err == ""


def test_logger_options_reach_each_logger() -> None:
    """Options are those of each logger's entry, and no two entries share a list."""
    made = default_logging_dict("a", "b", level="DEBUG", propagate=True, handlers=["stdout"], ignore_sentry=True)
    expected = {"level": "DEBUG", "propagate": True, "handlers": ["stdout"], "ignore_sentry": True}
    assert made["loggers"] == {"a": expected, "b": expected}
    assert made["loggers"]["a"]["handlers"] is not made["loggers"]["b"]["handlers"]


@pytest.mark.parametrize(
    ("arguments", "options", "error", "says"),
    [
        ((["a", "b"],), {}, TypeError, "one by one"),
        (("a",), {"levle": "DEBUG"}, TypeError, "levle"),
        (("a",), {"level": "LOUD"}, ValueError, "'LOUD'.*INFO"),
        (("a",), {"level": None}, ValueError, "None"),
        (("a",), {"handlers": "stdout"}, TypeError, "handlers"),
        (("a",), {"filters": 5}, TypeError, "filters"),
    ],
)
def test_bad_arguments_are_named(
    arguments: tuple[Any, ...], options: dict[str, Any], error: type[Exception], says: str
) -> None:
    """A wrong name, option or level is an error that quotes it."""
    with pytest.raises(error, match=says):
        default_logging_dict(*arguments, **options)


@pytest.mark.parametrize("options", [{}, {"request_id": True}, {"stdout_only": True}, {"queue": True}])
def test_dicts_are_plain_data(options: dict[str, bool]) -> None:
    """The dict holds only strings, numbers and containers, so it can be frozen, copied, pickled or written as JSON."""
    made = default_logging_dict("a", **options)
    assert pickle.loads(pickle.dumps(made)) == made
    assert json.loads(json.dumps(made)) == made


# Filters and text


def test_ignore_errors_filter_passes_what_is_below_warning() -> None:
    """WARNING and above are refused, whatever the level is called."""
    passes = [level for level in (5, 10, 20, 25, 30, 40, 50) if IgnoreErrorsFilter().filter(record(level=level))]
    assert passes == [5, 10, 20, 25]


def test_request_id_filter_sets_the_id_of_the_request() -> None:
    """The id is "-" outside of a request, the variable's inside, and one that the record brought stays."""
    outside, inside, own = record(), record(), record(request_id="mine")
    assert RequestIdFilter().filter(outside)
    token = request_id_var.set("abc")
    try:
        assert RequestIdFilter().filter(inside)
        assert RequestIdFilter().filter(own)
    finally:
        request_id_var.reset(token)
    assert [each.__dict__["request_id"] for each in (outside, inside, own)] == ["-", "abc", "mine"]


def test_a_message_cannot_forge_a_line() -> None:
    """Line breaks, escape sequences and direction overrides come out escaped; letters of any script do not."""
    formatter = LineFormatter("%(levelname)s %(message)s")
    forged = formatter.format(record("user\n2026-11-20 [ERROR:app] \x1b[31mforged\u202e\x85\u2028\udcff"))
    assert forged == r"INFO user\n2026-11-20 [ERROR:app] \x1b[31mforged\u202e\x85\u2028\udcff"
    for kept in ("tab\there", "naïve café", "日本\u3000語", "👩\u200d💻"):
        assert formatter.format(record(kept)) == f"INFO {kept}"


@given(st.text(st.characters(exclude_categories=[])))
def test_every_message_is_one_line_that_can_be_written(text: str) -> None:
    """Whatever a message holds, its line has no line break and is valid UTF-8."""
    line = LineFormatter("- %(message)s").format(record(text))
    assert len(line.splitlines()) == 1
    line.encode()


def test_tracebacks_keep_their_lines() -> None:
    """Only the message is escaped: a traceback is still readable."""
    try:
        raise ValueError("bad")
    except ValueError as error:
        made = record("failed\nhere")
        made.exc_info = (type(error), error, error.__traceback__)
    lines = LineFormatter("%(message)s").format(made).splitlines()
    assert lines[0] == r"failed\nhere"
    assert lines[1].startswith("Traceback")
    assert lines[-1] == "ValueError: bad"


# JSON lines


@pytest.mark.extra("pythonjsonlogger")
def test_json_lines_have_the_promised_fields(configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    """Time in UTC, level, logger, message, request id, extras, and the exception where there is one."""
    configure(default_logging_dict("jsonlines", json=True, stdout_only=True))
    log = logging.getLogger("jsonlines")
    before = datetime.now(UTC)
    token = request_id_var.set("r-1")
    try:
        log.info("hello %s", "world", extra={"user": 7, "level": "forged", "time": "forged"})
    finally:
        request_id_var.reset(token)
    try:
        raise ValueError("two\nlines")
    except ValueError:
        log.exception("failed")
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first | {"time": ""} == {
        "time": "",
        "level": "INFO",
        "logger": "jsonlines",
        "message": "hello world",
        "request_id": "r-1",
        "user": 7,
    }
    assert first["time"].endswith("Z")
    assert abs((datetime.fromisoformat(first["time"]) - before).total_seconds()) < 5
    assert second["request_id"] == "-"
    assert second["exception"].endswith("ValueError: two\nlines")


@pytest.mark.extra("pythonjsonlogger")
@given(message=st.one_of(st.text(st.characters(exclude_categories=[])), st.dictionaries(st.text(), st.floats())))
def test_every_json_record_is_one_line(message: Any) -> None:
    """Whatever is logged, the record is one line, ASCII, and JSON without NaN."""
    line = logger.json_formatter().format(record(message))
    assert len(line.splitlines()) == 1
    assert line.isascii()
    json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


@pytest.mark.extra("pythonjsonlogger")
def test_what_json_cannot_hold_is_written_as_text() -> None:
    """A cycle, a NaN, an odd key or an object without a repr costs its own field its shape, never the record."""

    class Rude:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    cycle: list[Any] = []
    cycle.append(cycle)
    extra: dict[str, Any] = {"cycle": cycle, "nan": float("nan"), "odd": {(1, 2): 3}, "rude": [{Rude(): 1}]}
    made = json.loads(logger.json_formatter().format(record("kept", good=[1], **extra)))
    assert made["message"] == "kept"
    assert made["nan"] == "nan"
    assert made["cycle"] == ["..."]
    assert made["odd"] == "{(1, 2): 3}"
    assert made["good"] == [1]
    assert "RuntimeError" in made["rude"]


@pytest.mark.extra("pythonjsonlogger")
def test_a_dict_message_becomes_fields(configure: Configure) -> None:
    """``log.info({...})`` gives fields, with and without the queue between."""
    gate = Gate()
    gate.opened.set()
    logging_dict = gated(gate, "dictmessage")
    logging_dict["formatters"]["default"] = {"()": "aiotoolkit.logger.json_formatter"}
    configure(logging_dict)
    logging.getLogger("dictmessage").info({"message": "paid", "amount": 3})
    assert flush_logging()
    written = json.loads(gate.lines()[0])
    assert (written["message"], written["amount"], written["level"]) == ("paid", 3, "INFO")


def test_json_without_its_package_says_what_to_install() -> None:
    """Asking for JSON without python-json-logger fails at once, with the command."""
    done = run_script(
        """
        import sys
        sys.modules["pythonjsonlogger"] = None
        from importlib.util import find_spec
        from aiotoolkit.logger import default_logging_dict, json_formatter
        for ask in (lambda: default_logging_dict("a", json=True), json_formatter):
            try:
                ask()
            except ImportError as error:
                print(error)
        """
    )
    assert (
        done.stdout.splitlines() == ['JSON logging needs python-json-logger: pip install "aiotoolkit[json-logs]"'] * 2
    ), done.stderr


# The access log of a real server


async def serve(app: web.Application, path: str, **headers: str) -> None:
    """Serve one request with the toolkit's access log format."""
    runner = web.AppRunner(app, access_log_format=ACCESS_LOG_FORMAT)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        async with ClientSession(headers=headers) as session, session.get(f"http://{host}:{port}{path}") as response:
            assert response.status == 200
    finally:
        await runner.cleanup()


@pytest.fixture
def app() -> web.Application:
    @web.middleware
    async def number(request: web.Request, handler: Any) -> web.StreamResponse:
        request_id_var.set("req-42")
        response: web.StreamResponse = await handler(request)
        return response

    async def view(request: web.Request) -> web.Response:
        logging.getLogger("aiohttp.view").info("in the view")
        return web.Response(text="ok")

    app = web.Application(middlewares=[number])
    app.router.add_get("/", view)
    return app


async def test_access_log_lines_carry_the_request_id(
    app: web.Application, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    """The view's line and aiohttp's access line both show the id, which the logging formatter adds."""
    configure(default_logging_dict("aiohttp", request_id=True))
    await serve(app, "/?q=1", Referer="http://here/", **{"User-Agent": "test"})
    view, access = capsys.readouterr().out.splitlines()
    assert view.endswith("[INFO:aiohttp.view] [req-42] in the view")
    assert '[INFO:aiohttp.access] [req-42] 127.0.0.1 "GET /?q=1 HTTP/1.1" 200 ' in access
    assert access.endswith('"http://here/" "test"')
    assert "%" not in access


@pytest.mark.extra("pythonjsonlogger")
async def test_json_access_log_has_fields(
    app: web.Application, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    """With JSON, what aiohttp's access logger knows comes as fields too, beside the request id."""
    configure(default_logging_dict("aiohttp", json=True, queue=True))
    await serve(app, "/")
    assert await asyncio.to_thread(flush_logging)
    access = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert access["logger"] == "aiohttp.access"
    assert access["request_id"] == "req-42"
    assert access["response_status"] == 200
    assert access["first_request_line"] == "GET / HTTP/1.1"


# The queue


def test_queue_logging_leaves_its_input_alone() -> None:
    """The input is neither changed nor shared where it matters; names stay; a second call changes nothing."""
    plain = default_logging_dict("a", request_id=True)
    before = copy.deepcopy(plain)
    queued = queue_logging(plain)
    assert plain == before
    assert queued["loggers"] == plain["loggers"]
    assert queued["handlers"].keys() == plain["handlers"].keys()
    assert queued["handlers"]["stdout"]["filters"] == ["ignore_errors", "request_id"]
    assert queue_logging(queued) == queued
    assert default_logging_dict("a", request_id=True, queue=True) == queued


def test_queue_logging_takes_a_frozen_dict(configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    """A dict of read-only mappings and tuples, as settings hold it, is fine."""
    plain = default_logging_dict("frozen")
    handlers = {
        name: MappingProxyType({**each, "filters": tuple(each["filters"])}) for name, each in plain["handlers"].items()
    }
    configure(queue_logging(MappingProxyType({**plain, "handlers": MappingProxyType(handlers)})))
    logging.getLogger("frozen").info("here")
    assert flush_logging()
    assert "here" in capsys.readouterr().out


def test_sentry_and_forwarding_handlers_stay_outside() -> None:
    """Sentry handlers need the exception's context, and forwarding handlers pass on to handlers that are queued."""
    handlers = {
        "sentry": {"()": "aiotoolkit.logger.sentry_handler", "client": "raven", "dsn": "https://k@host/1"},
        "raven": {"class": "raven.handlers.logging.SentryHandler"},
        "sdk": {"class": "sentry_sdk.integrations.logging.EventHandler"},
        "memory": {"class": "logging.handlers.MemoryHandler", "capacity": 10, "target": "out"},
        "out": {"class": "logging.StreamHandler"},
    }
    queued = queue_logging({"version": 1, "handlers": handlers})
    assert {name for name, spec in queued["handlers"].items() if spec is not handlers[name]} == {"out"}


def test_forwarding_handlers_reach_queued_ones(configure: Configure) -> None:
    """A MemoryHandler in front of a queued handler still delivers, whatever order dictConfig builds them in."""
    gate = Gate()
    gate.opened.set()
    logging_dict = gated(gate, "memory", max_records=10)
    logging_dict["handlers"]["a_memory"] = {
        "class": "logging.handlers.MemoryHandler",
        "capacity": 2,
        "target": "gate",
    }
    logging_dict["loggers"]["memory"]["handlers"] = ["a_memory"]
    configure(queue_logging(logging_dict))
    logging.getLogger("memory").info("one")
    logging.getLogger("memory").info("two")
    assert flush_logging()
    assert gate.lines() == ["one", "two"]


@pytest.mark.parametrize("bad", [None, [], {"handlers": []}, {"handlers": {"a": "logging.StreamHandler"}}])
def test_queue_logging_refuses_what_is_no_logging_dict(bad: Any) -> None:
    """What is no mapping of handlers is a TypeError."""
    with pytest.raises(TypeError, match="mapping"):
        queue_logging(bad)


def test_queue_logging_refuses_an_empty_queue() -> None:
    """A queue that holds nothing would drop everything."""
    with pytest.raises(ValueError, match=r"max_records.*0"):
        queue_logging({}, max_records=0)


def test_records_keep_order_context_and_arguments(configure: Configure) -> None:
    """The id, the arguments and the traceback are those of the moment of the call; lines come in order."""
    gate = Gate()
    configure(gated(gate, "ordered", request_id=True))
    log = logging.getLogger("ordered")
    values: list[int] = []
    for number in range(50):
        values.append(number)
        token = request_id_var.set(f"r{number}")
        log.info("%d of %s", len(values), values[-1:])
        request_id_var.reset(token)
        values[-1] = -1
    try:
        raise ValueError("kept")
    except ValueError:
        log.exception("failed")
    gate.opened.set()
    assert flush_logging()
    lines = gate.lines()
    assert lines[:50] == [f"r{number} {number + 1} of [{number}]" for number in range(50)]
    assert lines[50] == "- failed"
    assert lines[-1] == "ValueError: kept"


def test_other_handlers_see_the_record_untouched(configure: Configure) -> None:
    """The queue works on a copy: a handler beside it still gets message template, arguments and exception."""
    gate = Gate()
    gate.opened.set()
    seen: list[logging.LogRecord] = []

    class Beside(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record)

    logging_dict = gated(gate, "beside")
    logging_dict["handlers"]["z_beside"] = {"()": Beside}
    logging_dict["loggers"]["beside"]["handlers"].append("z_beside")
    configure(logging_dict)
    try:
        raise ValueError
    except ValueError:
        logging.getLogger("beside").exception("a %s", "b")
    assert flush_logging()
    assert (seen[0].msg, seen[0].args, seen[0].exc_text) == ("a %s", ("b",), None)
    assert seen[0].exc_info is not None


async def test_a_blocked_output_does_not_stop_the_event_loop(configure: Configure) -> None:
    """While a pipe that nobody reads is full, tasks that log go on at once; every line arrives once it is read."""
    reader, writer = os.pipe()
    with os.fdopen(reader) as output, os.fdopen(writer, "w") as stream:
        configure(gated(logging.StreamHandler(stream), "pipe"))
        log = logging.getLogger("pipe")
        line = "x" * 1000
        started = time.monotonic()
        for number in range(500):  # about eight times what a pipe holds
            log.info("%d %s", number, line)
            await asyncio.sleep(0)
        assert time.monotonic() - started < 5
        assert not await asyncio.to_thread(flush_logging, 0.05)
        lines = await asyncio.to_thread(lambda: [output.readline() for _ in range(500)])
        assert [each.split()[0] for each in lines] == [str(number) for number in range(500)]
        assert await asyncio.to_thread(flush_logging)


def test_a_full_queue_drops_counts_and_tells(configure: Configure) -> None:
    """What does not fit is dropped without waiting, and the output itself says how much it lost."""
    gate = Gate()
    configure(gated(gate, "full", max_records=10))
    log = logging.getLogger("full")
    log.info("first")
    assert gate.reached.wait(10)  # the thread has taken it, so the queue is empty
    for number in range(100):
        log.info("%d", number)
    gate.opened.set()
    assert flush_logging()
    lines = gate.lines()
    assert [line for line in lines if "dropped" not in line] == ["first", *map(str, range(10))]
    assert [line for line in lines if "dropped" in line] == ["90 log records were dropped here: the log queue was full"]
    log.info("after")
    assert flush_logging()
    assert gate.lines()[len(lines) :] == ["after"]


def test_a_broken_handler_does_not_stop_the_thread(configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever a handler raises is told on stderr, as logging does, and the next record is written."""

    class Broken(logging.StreamHandler[io.StringIO]):
        def handle(self, record: logging.LogRecord) -> bool:
            if "bad" in record.getMessage():
                raise SystemExit("from a handler")
            return bool(super().handle(record))

    broken = Broken(io.StringIO())
    configure(gated(broken, "broken"))
    logging.getLogger("broken").info("bad")
    logging.getLogger("broken").info("good")
    assert flush_logging()
    assert broken.stream.getvalue() == "good\n"
    assert "from a handler" in capsys.readouterr().err


def test_a_second_configuration_loses_nothing(configure: Configure) -> None:
    """What is queued is written before dictConfig closes the old handlers."""
    gate = Gate()
    configure(gated(gate, "again"))
    for number in range(100):
        logging.getLogger("again").info("%d", number)
    gate.opened.set()
    configure(default_logging_dict("again"))
    assert gate.lines() == [str(number) for number in range(100)]


def test_flush_logging_is_safe_at_any_time(configure: Configure) -> None:
    """From many threads, with nothing queued or with much, and as often as one likes."""
    assert flush_logging()
    gate = Gate()
    configure(gated(gate, "flushes"))
    results: list[bool] = []
    threads = [threading.Thread(target=lambda: results.append(flush_logging(20))) for _ in range(8)]
    for number, thread in enumerate(threads):
        logging.getLogger("flushes").info("%d", number)
        thread.start()
    assert not flush_logging(0)
    gate.opened.set()
    for thread in threads:
        thread.join()
    assert results == [True] * 8
    assert gate.lines() == [str(number) for number in range(8)]
    assert flush_logging(0.5)


def test_queued_records_are_written_at_exit() -> None:
    """A program that ends right after logging loses nothing, to neither stream."""
    done = run_script(
        """
        import logging.config
        from aiotoolkit.logger import default_logging_dict
        logging.config.dictConfig(default_logging_dict("app", queue=True))
        for number in range(3000):
            logging.getLogger("app").log(20 + number % 2 * 10, "%d", number)
        """
    )
    numbers = [int(line.split()[-1]) for line in (done.stdout + done.stderr).splitlines()]
    assert done.returncode == 0
    assert sorted(numbers) == list(range(3000))
    assert numbers[:1500] == sorted(numbers[:1500])


def test_a_first_record_at_exit_is_written() -> None:
    """When it is too late to start a thread, the record is written directly."""
    done = run_script(
        """
        import atexit, logging.config
        from aiotoolkit.logger import default_logging_dict
        logging.config.dictConfig(default_logging_dict("app", queue=True))
        atexit.register(logging.getLogger("app").info, "last words")
        """
    )
    assert done.stdout.endswith("last words\n"), done.stderr


@pytest.mark.parametrize("first", ["", "first"])
def test_a_finaliser_may_log(first: str) -> None:
    """A record made while the interpreter ends is written, and does not hang it, with the thread started or not."""
    done = run_script(
        """
        import logging.config, sys
        from aiotoolkit.logger import default_logging_dict
        logging.config.dictConfig(default_logging_dict("app", queue=True))
        log = logging.getLogger("app")
        if sys.argv[1]:
            log.info(sys.argv[1])
        class Late:
            def __del__(self):
                log.info("last words")
        late = Late()
        """,
        first,
    )
    assert [line.split("] ")[-1] for line in done.stdout.splitlines()] == [*filter(None, [first]), "last words"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_a_fork_has_its_own_thread_and_queue() -> None:
    """Parent and child, forked while the queue is in use, each write their own records once."""
    done = run_script(
        """
        import logging.config, os, sys
        from aiotoolkit.logger import default_logging_dict, flush_logging
        logging.config.dictConfig(default_logging_dict("app", queue=True))
        log = logging.getLogger("app")
        for number in range(200):
            log.info("before %d", number)
        child = os.fork()
        name = "parent" if child else "child"
        for number in range(200):
            log.info("%s %d", name, number)
        if child:
            assert os.waitpid(child, 0)[1] == 0
            assert flush_logging()
        """,
        ignore=["__main__"],  # a fork with threads: this is what is tested
    )
    assert done.returncode == 0, done.stderr
    words = sorted(tuple(line.split()[-2:]) for line in done.stdout.splitlines())
    assert words == sorted((name, str(number)) for name in ("before", "parent", "child") for number in range(200))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_a_fork_waits_for_the_record_that_is_being_written() -> None:
    """A child never gets an output that is locked because the parent's thread was writing to it."""
    done = run_script(
        """
        import logging, os, threading
        from aiotoolkit.logger import flush_logging, queued_handler
        started, forking, output = threading.Event(), threading.Event(), threading.Lock()

        class Slow(logging.Handler):
            def emit(self, record):
                with output:
                    started.set()
                    forking.wait()

        log = logging.getLogger("app")
        log.addHandler(queued_handler(handler={"()": Slow}, max_records=10))
        os.register_at_fork(before=forking.set)  # the last one to be registered is the first one to be called
        log.error("slow")
        started.wait()
        child = os.fork()
        if not child:
            os._exit(0 if output.acquire(blocking=False) else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert flush_logging()
        """,
        ignore=["__main__"],  # a fork with threads: this is what is tested
    )
    assert done.returncode == 0, done.stderr


# The module itself


def test_importing_the_module_loads_nothing_heavy() -> None:
    """Neither aiohttp nor asyncio nor a Sentry client nor the queue comes with the import."""
    done = run_script(
        """
        import sys
        import aiotoolkit.logger as logger
        names = "aiohttp asyncio raven sentry_sdk pythonjsonlogger queue logging.config aiotoolkit._queue_logging"
        print([name for name in names.split() if name in sys.modules])
        print([name for name in logger.__all__ if not hasattr(logger, name)])
        """
    )
    assert done.stdout.splitlines() == ["[]", "[]"], done.stderr


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"level": []}, ValueError, r"unknown log level \[\]"),
        ({"level": True}, ValueError, "unknown log level True"),
        ({"handlers": [5]}, TypeError, r"handlers of a logger must be a list of names, got \[5\]"),
        ({"propagate": 1}, TypeError, "propagate of a logger must be True or False, got 1"),
        ({"ignore_sentry": "no"}, TypeError, "ignore_sentry of a logger must be True or False, got 'no'"),
    ],
)
def test_logger_options_of_a_wrong_type(options: dict[str, Any], error: type[Exception], says: str) -> None:
    """An option of a wrong type is named."""
    with pytest.raises(error, match=says):
        default_logging_dict("a", **options)


@pytest.mark.parametrize("max_records", ["x", None, 1.5, True])
def test_max_records_is_a_number(max_records: Any) -> None:
    """How many records may wait is a whole number."""
    with pytest.raises(TypeError, match=f"max_records must be an int, got {max_records!r}"):
        queue_logging({}, max_records=max_records)


@pytest.mark.parametrize("timeout", ["x", None])
def test_timeout_is_a_number(timeout: Any) -> None:
    """Seconds are a number."""
    with pytest.raises(TypeError, match=f"timeout must be a number of seconds, got {timeout!r}"):
        flush_logging(timeout)
