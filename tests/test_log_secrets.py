"""Secrets in the extras of log records, and JSON lines of values that are hard to write."""

import copy
import dataclasses
import enum
import json
import logging
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from aiotoolkit.logger import SecretsFilter, json_formatter
from aiotoolkit.settings import immutable_settings

ANY_TEXT = st.text(st.characters(exclude_categories=[]))


def record(message: Any = "hello", **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("app", logging.INFO, __file__, 1, message, None, None)
    made.__dict__.update(extra)
    return made


def filtered(**extra: Any) -> dict[str, Any]:
    made = record(**extra)
    assert SecretsFilter().filter(made)
    return {name: made.__dict__[name] for name in extra}


@dataclasses.dataclass(frozen=True)
class Config:
    host: str
    db_password: str


HEADERS = {"Authorization": "Bearer hunter2", "cookie": "sid=hunter2", "Set-Cookie": "sid=hunter2", "Accept": "*/*"}
SECRETS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"authorization": "Bearer hunter2"}, {"authorization": "***"}),
    ({"api_key": b"hunter2", "user": "ann"}, {"api_key": "***", "user": "ann"}),
    ({"session_cookie": None}, {"session_cookie": None}),
    (
        {"headers": HEADERS},
        {"headers": {"Authorization": "***", "cookie": "***", "Set-Cookie": "***", "Accept": "*/*"}},
    ),
    (
        {"headers": CIMultiDictProxy(CIMultiDict(HEADERS))},
        {"headers": {**dict.fromkeys(HEADERS, "***"), "Accept": "*/*"}},
    ),
    ({"deep": [({"token": 5},)]}, {"deep": [[{"token": "***"}]]}),
    ({"frozen": MappingProxyType({"secret": {"a": 1}})}, {"frozen": {"secret": "***"}}),
    ({"url": "postgres://u:hunter2@db/x"}, {"url": "postgres://u:***@db/x"}),
    ({"query": "page=2&token=hunter2"}, {"query": "page=2&token=***"}),
    ({"body": b'{"password": "hunter2"}'}, {"body": '{"password": ***}'}),
    ({"count": 3, "ratio": 0.5, "ok": True}, {"count": 3, "ratio": 0.5, "ok": True}),
]  # fmt: skip


@pytest.mark.parametrize(("extra", "shown"), SECRETS)
def test_secrets_in_extras_are_hidden_in_copies(extra: dict[str, Any], shown: dict[str, Any]) -> None:
    """A value is hidden by its name at any depth, or by its place in a text; what was passed stays as it is."""
    before = {
        name: copy.copy(value) if not isinstance(value, Mapping) else dict(value) for name, value in extra.items()
    }
    assert filtered(**extra) == shown
    for name, value in extra.items():
        assert value == before[name] or dict(value) == before[name]


@pytest.mark.extra("pythonjsonlogger")
@pytest.mark.parametrize(("extra", "shown"), SECRETS)
def test_json_lines_hide_them_without_a_filter(extra: dict[str, Any], shown: dict[str, Any]) -> None:
    """JSON lines show no secret of the extras, nor of a dict message."""
    line = json.loads(json_formatter().format(record(**extra)))
    assert {name: line[name] for name in shown} == shown
    line = json.loads(json_formatter().format(record({"message": "m", **extra})))
    assert {name: line[name] for name in shown} == shown


@pytest.mark.extra("pythonjsonlogger")
def test_objects_that_hold_secrets() -> None:
    """Settings, dataclasses, exceptions and other objects in extras are written without their secrets."""

    class Client:
        def __str__(self) -> str:
            return "Client(token=hunter2)"

    extra = {
        "config": Config("db", "hunter2"),
        "configs": [Config("db", "hunter2")],
        "settings": immutable_settings({"DB_PASSWORD": "hunter2", "DEBUG": True}),
        "error": ValueError("https://u:hunter2@host"),
        "client": Client(),
    }
    written = json_formatter().format(record(**extra))
    assert "hunter2" not in written
    line = json.loads(written)
    assert line["config"] == {"host": "db", "db_password": "***"}
    assert line["settings"]["DEBUG"] is True


def test_an_application_cannot_lose_a_record_to_the_filter() -> None:
    """Cycles and deep values end, and the standard attributes of a record are not touched."""
    cycle: dict[str, Any] = {"token": "x"}
    cycle["again"] = [cycle] * 10
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    shown = filtered(cycle=cycle, deep=deep)
    assert shown["cycle"] == {"token": "***", "again": ["..."] * 10}
    assert len(repr(shown["deep"])) < 200
    made = record("password=x")
    before = dict(made.__dict__)
    SecretsFilter().filter(made)
    assert made.__dict__ == before


class Rude:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Half:
    a: int
    b: int = dataclasses.field(init=False)


HOSTILE: list[Any] = [
    "two\nlines\r\u2028\x85\x00", "\udcff lone \ud800", float("nan"), [float("inf")], b"\xff\x00\n", bytearray(b"\n"),
    Rude(), [Rude()], {Rude(): Rude()}, {"\udcff": 1}, {("a",): 1, None: 2, 3: 4}, 10**6000, object(), Rude, Colour.RED,
    Half(1), Decimal("NaN"), uuid.UUID(int=1), datetime(2026, 1, 1, tzinfo=UTC), {1, "a"}, range(3), complex(1, 2),
    RecursionError("\n"), iter([1]), memoryview(b"x"), "👩\u200d💻", MappingProxyType({"a": {1}}),
]  # fmt: skip


@pytest.mark.extra("pythonjsonlogger")
@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_no_value_breaks_a_json_line(value: Any) -> None:
    """Whatever an extra, a message or an exception is, the line is one line of strict JSON, and the record is kept."""
    made = record(value if not isinstance(value, dict) else "m", extra_value=value, nested=[{"deep": value}])
    made.exc_text = "Traceback\n\udcff"
    line = json_formatter().format(made)
    assert line.isascii()
    assert line.isprintable()
    parsed = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    json.dumps(parsed, ensure_ascii=False).encode()  # no lone surrogate, or this raises
    assert parsed["logger"] == "app"
    assert parsed["exception"] == "Traceback\n\\udcff"
    assert "extra_value" in parsed
    assert "nested" in parsed


@pytest.mark.extra("pythonjsonlogger")
def test_a_message_that_cannot_be_built_keeps_its_record() -> None:
    """Arguments that do not fit their message cost the arguments, not the line."""
    made = record("%d items")
    made.args = ("x",)
    assert json.loads(json_formatter().format(made))["message"] == "%d items (without arguments: TypeError)"


@pytest.mark.extra("pythonjsonlogger")
def test_a_dict_message_is_not_changed() -> None:
    """The traceback of a dict message is in the line, and not in the caller's dict."""
    message = {"message": "failed", "form": {"password": "hunter2"}}
    made = record(message)
    made.exc_text = "Traceback"
    made.stack_info = "Stack"
    line = json.loads(json_formatter().format(made))
    assert (line["message"], line["exception"], line["stack_info"]) == ("failed", "Traceback", "Stack")
    assert line["form"] == {"password": "***"}
    assert message == {"message": "failed", "form": {"password": "hunter2"}}


@pytest.mark.extra("pythonjsonlogger")
def test_emoji_stay_what_they_are() -> None:
    """Pairs of surrogates are characters and not touched, beside a lone one too."""
    line = json.loads(json_formatter().format(record("👩\u200d💻 \udcff")))
    assert line["message"] == "👩\u200d💻 \\udcff"


@pytest.mark.extra("pythonjsonlogger")
@given(
    st.dictionaries(ANY_TEXT, st.recursive(ANY_TEXT | st.floats() | st.binary(), st.lists, max_leaves=5), max_size=3)
)
def test_any_extras(extra: dict[str, Any]) -> None:
    """Any names and values of extras give one line of strict JSON."""
    made = record()
    for name, value in extra.items():
        made.__dict__.setdefault(name, value)
    line = json_formatter().format(made)
    assert line.isascii()
    assert line.isprintable()
    parsed = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    json.dumps(parsed, ensure_ascii=False).encode()


@pytest.mark.extra("pythonjsonlogger")
def test_extras_never_replace_what_the_record_says() -> None:
    """Extras called like the fields of every line cannot forge them, nor hide an exception."""
    made = record("real", time="x", level="x", logger="x", exception="x")
    made.exc_text = "Traceback"
    line = json.loads(json_formatter().format(made))
    assert (line["level"], line["logger"], line["exception"]) == ("INFO", "app", "Traceback")
    assert line["time"].startswith(str(datetime.now(UTC).year))
