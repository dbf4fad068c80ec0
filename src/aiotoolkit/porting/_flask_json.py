"""JSON as Flask's ``jsonify`` writes it."""

import dataclasses
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from email.utils import format_datetime
from typing import Any
from uuid import UUID

__all__ = ["flask_dumps"]


def flask_dumps(data: Any, *, sort_keys: bool = True, ensure_ascii: bool = True) -> str:
    """Encode data to the same text as Flask's ``jsonify``, with the line feed at its end.

    Dates and times are HTTP dates, Decimal and UUID are text, dataclasses are objects, and an object with
    ``__html__`` is its HTML.

    Args:
        data: what to encode.
        sort_keys: as ``app.json.sort_keys``; then all keys must be text.
        ensure_ascii: as ``app.json.ensure_ascii``.

    Raises:
        TypeError: data of another type.
    """
    text = json.dumps(data, default=_default, sort_keys=sort_keys, ensure_ascii=ensure_ascii, separators=(",", ":"))
    return f"{text}\n"


def _default(value: Any) -> Any:
    match value:
        case date():
            return _http_date(value)
        case Decimal() | UUID():
            return str(value)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return dataclasses.asdict(value)
        case _ if hasattr(value, "__html__"):
            return str(value.__html__())
        case _:
            raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _http_date(value: date) -> str:
    """An HTTP date (RFC 9110, section 5.6.7); a time without a zone counts as UTC."""
    moment = value if isinstance(value, datetime) else datetime.combine(value, time(), UTC)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return format_datetime(moment, usegmt=True)
