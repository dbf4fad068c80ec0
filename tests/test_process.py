"""What settings do to the whole process, once."""

import calendar
import locale
import logging
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta, timezone
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from aiotoolkit import process
from aiotoolkit.process import setup_process
from aiotoolkit.settings import immutable_settings, load_settings
from tests.settings_helpers import process_state_restored, run_python

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"null": {"class": "logging.NullHandler"}},
    "loggers": {"tests.process": {"handlers": ["null"], "level": "INFO"}},
}


@pytest.fixture(autouse=True)
def _fresh_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that was not set up yet, and is as it was afterwards."""
    monkeypatch.setattr(process, "_applied", None)
    with process_state_restored():
        yield
    for name in ("tests.process", "tests.process.default"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).setLevel(logging.NOTSET)
        logging.getLogger(name).propagate = True


@dataclass(frozen=True)
class Config:
    """Settings as load_settings makes them."""

    locale: str | None = None
    first_weekday: int | None = None
    time_zone: str | None = None
    sentry_dsn: str | None = None
    logging: dict[str, Any] | None = field(default=None, metadata={"converter": str})


FULL = {"LOCALE": "C", "FIRST_WEEKDAY": 6, "TIME_ZONE": "Asia/Tokyo", "LOGGING": LOGGING, "OTHER": 1}


@pytest.mark.parametrize(
    "settings",
    [
        immutable_settings(FULL),
        FULL,
        {name.lower(): value for name, value in FULL.items()},
        Config("C", 6, "Asia/Tokyo", logging=LOGGING),
    ],
    ids=["Settings", "dict", "lower case", "dataclass"],
)
def test_everything_is_applied(settings: object) -> None:
    """Settings, mappings and dataclasses are applied, under upper-case or lower-case names."""
    setup_process(settings)
    assert locale.setlocale(locale.LC_ALL) == "C"
    assert calendar.firstweekday() == 6
    assert time.localtime().tm_gmtoff == 9 * 3600
    assert [type(handler) for handler in logging.getLogger("tests.process").handlers] == [logging.NullHandler]


def test_loaded_settings() -> None:
    """What load_settings read is applied."""
    setup_process(load_settings(Config, environ={"TIME_ZONE": "Asia/Tokyo", "FIRST_WEEKDAY": "6", "SENTRY_DSN": ""}))
    assert time.localtime().tm_gmtoff == 9 * 3600
    assert calendar.firstweekday() == 6


@pytest.mark.parametrize("nothing", [None, ""])
def test_settings_that_are_not_set(nothing: object) -> None:
    """None and empty text do nothing."""
    before = (locale.setlocale(locale.LC_ALL), os.environ.get("TZ"), calendar.firstweekday())
    setup_process(dict.fromkeys(FULL, nothing) | {"SENTRY_DSN": nothing})
    assert (locale.setlocale(locale.LC_ALL), os.environ.get("TZ"), calendar.firstweekday()) == before


def test_default_logging() -> None:
    """Without LOGGING the loggers get the default configuration; with it they do not."""
    setup_process({}, loggers=["tests.process.default"])
    assert len(logging.getLogger("tests.process.default").handlers) == 2


def test_logging_wins_over_the_default() -> None:
    """LOGGING is the whole configuration where it is set."""
    setup_process({"LOGGING": LOGGING}, loggers=["tests.process.default"])
    assert logging.getLogger("tests.process.default").handlers == []


def test_the_same_again() -> None:
    """The same settings do nothing the second time, whichever form they have, and even in other objects."""
    setup_process(FULL, loggers=("a",))
    [handler] = logging.getLogger("tests.process").handlers
    calendar.setfirstweekday(3)
    setup_process(immutable_settings(FULL, OTHER=2), loggers=["a"])
    setup_process({name.lower(): value for name, value in FULL.items()}, loggers=("a",))
    assert calendar.firstweekday() == 3
    assert logging.getLogger("tests.process").handlers == [handler]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"TIME_ZONE": "UTC"}, "TIME_ZONE was 'Asia/Tokyo' and is 'UTC' now"),
        ({"TIME_ZONE": None}, "TIME_ZONE was 'Asia/Tokyo' and is None now"),
        (
            {"FIRST_WEEKDAY": 0, "LOCALE": "POSIX"},
            "LOCALE was 'C' and is 'POSIX' now; FIRST_WEEKDAY was 6 and is 0 now",
        ),
        ({"LOGGING": {**LOGGING, "loggers": {"hunter2": {}}}}, "LOGGING differs"),
        ({"SENTRY_DSN": "https://hunter2@sentry.example/1"}, "SENTRY_DSN differs"),
    ],
)
def test_other_settings(change: dict[str, Any], message: str) -> None:
    """Other settings are an error that names each that differs, shows no secret, and changes nothing."""
    setup_process(FULL)
    with pytest.raises(RuntimeError, match="already set up with other settings") as caught:
        setup_process(FULL | change)
    assert str(caught.value).endswith(f": {message}")
    assert "hunter2" not in str(caught.value)
    assert os.environ["TZ"].endswith("Asia/Tokyo")
    assert calendar.firstweekday() == 6
    setup_process(FULL)


def test_other_loggers() -> None:
    """Other loggers are other settings."""
    setup_process({}, loggers=["tests.process.default"])
    with pytest.raises(RuntimeError, match="loggers was"):
        setup_process({})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"LOCALE": "xx_XX"}, "LOCALE: the locale 'xx_XX'"),
        ({"LOCALE": 3}, "LOCALE: LC_ALL is the name"),
        ({"FIRST_WEEKDAY": 7}, "FIRST_WEEKDAY: .* not 7"),
        ({"TIME_ZONE": "Mars/Olympus"}, "TIME_ZONE: 'Mars/Olympus'"),
        ({"TIME_ZONE": timedelta(hours=1)}, "TIME_ZONE: a time zone is a name"),
        ({"LOGGING": {"version": 1, "handlers": {"x": {"class": "no.such.Handler"}}}}, "LOGGING: .*'x'.*no"),
        ({"LOGGING": "logging.conf"}, "LOGGING is a logging configuration"),
        ({"LOGGING": None, "SENTRY_DSN": "https://k@sentry.example/1"}, "SENTRY_DSN needs loggers"),
    ],
)
def test_nothing_is_half_applied(change: dict[str, Any], message: str) -> None:
    """A value that cannot be applied is an error that names the setting; nothing stays and nothing is remembered."""
    before = (locale.setlocale(locale.LC_ALL), calendar.firstweekday(), os.environ.get("TZ"), time.localtime(0))
    with pytest.raises(ValueError, match=message):
        setup_process(FULL | change)
    assert (locale.setlocale(locale.LC_ALL), calendar.firstweekday(), os.environ.get("TZ"), time.localtime(0)) == before
    assert logging.getLogger("tests.process").handlers == []
    setup_process(FULL)
    assert calendar.firstweekday() == 6


def test_tzinfo() -> None:
    """A time zone may be an object."""
    setup_process({"TIME_ZONE": timezone(timedelta(hours=3))})
    setup_process({"TIME_ZONE": timezone(timedelta(hours=3))})
    assert time.localtime().tm_gmtoff == 3 * 3600


@pytest.mark.parametrize(
    "settings", [None, 3, "project.settings", Config, ModuleType("m"), SimpleNamespace(LOCALE="C")]
)
def test_no_settings(settings: object) -> None:
    """What holds no settings is a TypeError; a module goes through immutable_settings first."""
    with pytest.raises(TypeError, match=r"Settings, a dataclass instance or a mapping.*immutable_settings"):
        setup_process(settings)


def test_loggers_as_text() -> None:
    """One name in place of a list of names would be taken letter by letter: it is refused."""
    with pytest.raises(TypeError, match="not the text 'app'"):
        setup_process({}, loggers="app")


def test_threads() -> None:
    """Of threads that call it at once, one applies the settings and the others find them applied."""
    made: list[logging.Handler] = []

    def make() -> logging.Handler:
        made.append(logging.NullHandler())
        return made[-1]

    config = {**LOGGING, "handlers": {"null": {"()": make}}}
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait(10)
        setup_process({"LOGGING": config})

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(made) == 1


@pytest.mark.extra("sentry_sdk")
@pytest.mark.parametrize("form", ["LOGGING", "loggers"])
def test_sentry(form: str) -> None:
    """SENTRY_DSN gives the configured loggers a Sentry handler; frozen LOGGING too, which does not change."""
    output = run_python(
        """
        import logging, sys
        from aiotoolkit.process import setup_process
        from aiotoolkit.settings import immutable_settings

        config = {"version": 1, "loggers": {"app": {"level": "INFO"}}}
        settings = {"DEBUG": True, "SENTRY_DSN": "http://key@127.0.0.1:9/1"}
        if sys.argv[1] == "LOGGING":
            settings["LOGGING"] = config
        setup_process(immutable_settings(settings), loggers=["app"])
        print([type(handler).__name__ for handler in logging.getLogger("app").handlers])
        assert "handlers" not in config
        """,
        form,
    )
    assert output.count("SentryHandler") == 1
    assert ("ConsoleHandler" in output) == (form == "loggers")


@pytest.mark.extra("sentry_sdk")
def test_sentry_is_there_already() -> None:
    """A configuration that has a Sentry handler keeps it as it is: nothing is reported twice."""
    output = run_python(
        """
        import logging
        from aiotoolkit.logger import default_logging_dict, update_sentry_logging
        from aiotoolkit.process import setup_process

        dsn = "http://key@127.0.0.1:9/1"
        config = default_logging_dict("app", "other")
        update_sentry_logging(config, dsn, "app", level="CRITICAL")
        setup_process({"SENTRY_DSN": dsn, "LOGGING": config})
        for name in ("app", "other"):
            names = [(type(h).__name__, h.level) for h in logging.getLogger(name).handlers]
            print([level for name, level in names if "Sentry" in name])
        """
    )
    assert output.splitlines() == ["[50]", "[]"]


def test_fork() -> None:
    """A forked child is set up as its parent, and the same settings do nothing there."""
    if not hasattr(os, "fork"):
        pytest.skip("this platform has no fork")
    output = run_python(
        """
        import os, time
        from aiotoolkit.process import setup_process

        setup_process({"TIME_ZONE": "Asia/Tokyo"})
        if (child := os.fork()) == 0:
            setup_process({"TIME_ZONE": "Asia/Tokyo"})
            assert time.localtime().tm_gmtoff == 9 * 3600
            os._exit(0)
        print(os.waitpid(child, 0)[1])
        """
    )
    assert output == "0"


def test_a_property_of_a_dataclass_is_a_setting() -> None:
    """A dataclass may make its logging configuration of its other settings, in a property."""

    @dataclass(frozen=True)
    class Computed:
        log_level: str = "WARNING"

        @property
        def logging(self) -> dict[str, object]:
            return {
                "version": 1,
                "disable_existing_loggers": False,
                "loggers": {"tests.process": {"level": self.log_level}},
            }

    setup_process(Computed())
    assert logging.getLogger("tests.process").level == logging.WARNING


@pytest.mark.extra("sentry_sdk")
def test_a_malformed_dsn_is_named() -> None:
    """An error of the DSN says which setting it is, and not what it holds."""
    with pytest.raises(ValueError, match=r"^SENTRY_DSN: malformed") as caught:
        setup_process({"SENTRY_DSN": "https://s3cret@/1"}, loggers=["app"])
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(("loggers", "says"), [(5, "int"), (["a", 5], "one of them is int"), ([["a"]], "is list")])
def test_loggers_are_names(loggers: Any, says: str) -> None:
    """What are no names of loggers is named, also where a configuration makes them superfluous."""
    for settings in ({}, {"LOGGING": LOGGING}):
        with pytest.raises(TypeError, match=f"loggers are the names of loggers.*{says}"):
            setup_process(settings, loggers=loggers)
