"""The JSON formatter; importing this module needs python-json-logger."""

from __future__ import annotations

import dataclasses
import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonEncoder, JsonFormatter

from aiotoolkit._access_line import AccessLine
from aiotoolkit._escaping import without_surrogates
from aiotoolkit._log_secrets import hide, is_extra
from aiotoolkit._redaction import mask_text

__all__ = ["JSONFormatter"]

# A lone surrogate is legal JSON in ASCII, and no strict parser takes it; a pair is one character, such as an emoji.
_SURROGATES = re.compile(r"\\ud[89a-f][0-9a-f]{2}")


class JSONFormatter(JsonFormatter):
    """One JSON object per record, on one line, ASCII, without secrets in its extras, whatever the record holds."""

    _second: tuple[int, str] = (-1, "")

    def __init__(self) -> None:
        super().__init__(["asctime", "levelname", "name", "message", "request_id"])  # pyright: ignore[reportUnknownMemberType] - its types are partial

    def format(self, record: logging.LogRecord) -> str:
        """Format the record. What the access log knows is plain data already."""
        if not isinstance(record.msg, AccessLine):
            return self._format_any(record)
        fields = self._head(record, record.msg.summary())
        fields.update(record.msg.fields)
        return _encoded(fields)

    def _format_any(self, record: logging.LogRecord) -> str:
        if isinstance(record.msg, dict):  # pyright: ignore[reportUnnecessaryIsInstance] - msg may be any object
            # python-json-logger before 4.2 writes the traceback into the caller's dict.
            record = _with_message(record, dict(record.msg))
        try:
            return str(super().format(record))
        except Exception as error:  # the text of a message may raise anything; its record still says when and where
            template = record.msg if isinstance(record.msg, str) else f"<{type(record.msg).__name__}>"
            failed = _with_message(record, f"{template} (without arguments: {type(error).__name__})")
            return str(super().format(failed))

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - the name is logging's
        """Return the record's time as RFC 3339, section 5.6, in UTC, to the millisecond."""
        second, text = self._second
        if second != int(record.created):
            second = int(record.created)
            text = datetime.fromtimestamp(second, UTC).isoformat(timespec="seconds").removesuffix("+00:00")
            self._second = second, text
        return f"{text}.{int(record.created % 1 * 1000):03d}Z"

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Fill ``log_data``; an extra or a dict message called ``level`` cannot replace the record's own."""
        fields = hide(message_dict)
        exception, stack = fields.pop("exc_info", None), fields.pop("stack_info", None)
        message = record.message or fields.pop("message", "")
        for name, value in record.__dict__.items():
            if is_extra(name):
                fields[name] = hide(value, name)
        log_data.update(self._head(record, message))
        log_data.update((name, value) for name, value in fields.items() if name not in log_data)
        if exception:
            log_data["exception"] = exception
        if stack:
            log_data["stack_info"] = stack

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        """Encode the fields, as text those that JSON cannot hold (NaN, cycles, odd keys): no record is lost."""
        try:
            return _encoded(log_data)
        except Exception:  # an object may raise anything when it is encoded
            return _encoded({_key(key): _encodable(value) for key, value in log_data.items()})

    def _head(self, record: logging.LogRecord, message: Any) -> dict[str, Any]:
        return {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": message,
            "request_id": record.__dict__.get("request_id", "-"),
        }


def _with_message(record: logging.LogRecord, message: Any) -> logging.LogRecord:
    copy = logging.makeLogRecord(record.__dict__)
    copy.msg, copy.args = message, None
    return copy


class _Encoder(JsonEncoder):
    """The encoder of python-json-logger, without the secrets that a dataclass or the text of an object may hold."""

    def default(self, o: Any) -> Any:
        if dataclasses.is_dataclass(o) and not isinstance(o, type):
            return hide({field.name: getattr(o, field.name, None) for field in dataclasses.fields(o)})
        encoded = super().default(o)
        return mask_text(encoded) if isinstance(encoded, str) else hide(encoded)


_encode = _Encoder(allow_nan=False).encode


def _encoded(value: Any) -> str:
    line = _encode(value)
    if "\\ud" in line and _SURROGATES.search(line):
        return _encode(_clean(json.loads(line)))
    return line


def _clean(value: Any) -> Any:
    """Replace lone surrogates in every text of decoded JSON."""
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {without_surrogates(key): _clean(item) for key, item in value.items()}
    return value


def _encodable(value: Any) -> Any:
    try:
        _encode(value)
    except Exception:
        try:
            return mask_text(repr(value))
        except Exception as error:  # a repr may raise anything
            return f"<{type(value).__name__} without repr: {type(error).__name__}>"
    return value


def _key(key: Any) -> str:
    return key if isinstance(key, str) else f"<{type(key).__name__}>"
