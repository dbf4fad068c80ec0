"""The JSON formatter; importing this module needs python-json-logger."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pythonjsonlogger.json import JsonEncoder, JsonFormatter

if TYPE_CHECKING:
    import logging

__all__ = ["JSONFormatter"]

_NAMES = {"asctime": "time", "levelname": "level", "name": "logger", "exc_info": "exception"}


class JSONFormatter(JsonFormatter):
    """One JSON object per record, on one line, ASCII, whatever the record holds."""

    def __init__(self) -> None:
        fields = ["asctime", "levelname", "name", "message", "request_id"]
        super().__init__(fields, rename_fields=_NAMES)  # pyright: ignore[reportUnknownMemberType] - its types are partial

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - the name is logging's
        """Return the record's time as RFC 3339, section 5.6, in UTC, to the millisecond."""
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Fill ``log_data``; an extra or a dict message called ``level`` cannot replace the record's own."""
        super().add_fields(log_data, record, message_dict)
        log_data.update(time=record.asctime, level=record.levelname, logger=record.name)

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        """Encode the fields, as text those that JSON cannot hold (NaN, cycles, odd keys): no record is lost."""
        try:
            return _encoded(log_data)
        except (TypeError, ValueError, RecursionError):
            return _encoded({str(key): _encodable(value) for key, value in log_data.items()})


def _encoded(value: Any) -> str:
    return json.dumps(value, cls=JsonEncoder, allow_nan=False)


def _encodable(value: Any) -> Any:
    try:
        _encoded(value)
    except (TypeError, ValueError, RecursionError):
        try:
            return repr(value)
        except Exception as error:  # a repr may raise anything
            return f"<{type(value).__name__} without repr: {type(error).__name__}>"
    return value
