"""Flask's tagged JSON: JSON that also carries tuples, bytes, markup, UUIDs and datetimes."""

import dataclasses
import email.utils
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from markupsafe import Markup

__all__ = ["dumps", "loads"]


def dumps(value: object) -> str:
    """Write a value as Flask does: the same text, character by character.

    Raises:
        RecursionError: it is nested too deeply.
        TypeError: it holds what has no JSON form, or an object's keys that cannot be sorted.
        ValueError: it holds itself.
    """
    return json.dumps(_tagged(value), default=_default, sort_keys=True, separators=(",", ":"))


def loads(text: bytes | str) -> Any:
    """Read a value back.

    Raises:
        Exception: the text is none that `dumps` writes; of any class, as what decodes a tag raises it.
    """
    return json.loads(text, object_hook=_untagged)


def _tagged(value: Any) -> Any:  # noqa: PLR0911 - one for each type
    if isinstance(value, dict):
        return _tagged_dict(value)
    if isinstance(value, tuple):
        return {" t": [_tagged(item) for item in value]}
    if isinstance(value, list):
        return [_tagged(item) for item in value]
    if isinstance(value, bytes):
        return {" b": b64encode(value).decode("ascii")}
    if callable(getattr(value, "__html__", None)):
        return {" m": str(value.__html__())}
    if isinstance(value, UUID):
        return {" u": value.hex}
    if isinstance(value, datetime):
        return {" d": _http_date(value)}
    return value


def _tagged_dict(value: dict[Any, Any]) -> dict[Any, Any]:
    if len(value) == 1:
        key = next(iter(value))
        if key in _READERS:  # the user's own key would be taken for a tag
            return {" di": {f"{key}__": _tagged(value[key])}}
    return {key: _tagged(item) for key, item in value.items()}


def _untagged(value: dict[str, Any]) -> Any:
    """One object of the JSON, after those inside of it."""
    if len(value) != 1:
        return value
    key, content = next(iter(value.items()))
    read = _READERS.get(key)
    return value if read is None else read(content)


def _read_dict(content: dict[str, Any]) -> dict[str, Any]:
    key, value = next(iter(content.items()))
    return {key[:-2]: value}


def _read_date(content: Any) -> datetime | None:
    try:
        parsed = email.utils.parsedate_to_datetime(content)
    except (TypeError, ValueError):
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    " di": _read_dict,
    " t": tuple,
    " b": b64decode,
    " m": Markup,
    " u": UUID,
    " d": _read_date,
}


def _http_date(value: date) -> str:
    """The date as HTTP writes it (RFC 9110, section 5.6.7); a naive one is in UTC."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, time(), tzinfo=UTC)
    value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return email.utils.format_datetime(value, usegmt=True)


def _default(value: Any) -> Any:
    """What has no tag, as the JSON of Flask's applications writes it: it is read back as text, or as an object."""
    if isinstance(value, date):
        return _http_date(value)
    if isinstance(value, Decimal | UUID):
        return str(value)
    if dataclasses.is_dataclass(value):
        return dataclasses.asdict(value)  # type: ignore[arg-type] # of a class it raises the TypeError
    if hasattr(value, "__html__"):
        return str(value.__html__())
    raise TypeError(f"A session cannot hold a {type(value).__name__}")
