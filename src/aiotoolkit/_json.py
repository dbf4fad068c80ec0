"""JSON in and out: one strict decoder, one table of what is written how.

``loads`` accepts and refuses the same bytes whether it stands on the standard library or on msgspec (which is used
where it is installed). ``to_plain`` is the table that every encoder and the response check share.
"""

import dataclasses
import json
import marshal
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from json.scanner import make_scanner
from typing import Any, Final, NoReturn
from uuid import UUID

import ujson

from aiotoolkit._text import finite_float

try:
    import msgspec
except ImportError:
    _msgspec_decode: Callable[[bytes], Any] | None = None
    _msgspec_encode: Callable[[Any], bytes] | None = None
else:
    # Its own conversion takes 8 us for a number such as 1e308, of which a megabyte holds a sixth of a million.
    _msgspec_decode = msgspec.json.Decoder(float_hook=finite_float).decode
    _msgspec_encode = msgspec.json.Encoder().encode

__all__ = [
    "MAX_DEPTH",
    "WRITES_ENUMS",
    "dumps",
    "dumps_plain",
    "dumps_replacing",
    "is_deeper_than",
    "is_exact",
    "loads",
    "loads_stdlib",
    "to_plain",
]

MAX_DEPTH: Final = 100
"""How many containers may be nested in data that is written: deeper ones end some encoders in a crash."""

_NOT_MARKS: Final = bytes(set(range(256)) - set(b'[]{}"'))
_ONE_BRACKET: Final = bytes.maketrans(b"{}", b"[]")
_OPENING: Final = ord("[")
_SURROGATE_PAIR: Final = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
# msgspec counts the sign as a digit of the 4,300 that Python converts at most.
_MAX_DIGITS: Final = 4300
_LONG_NEGATIVE: Final = re.compile(rb"-[0-9]{%d}" % _MAX_DIGITS)


def loads_stdlib(body: bytes) -> Any:
    """Decode JSON text (RFC 8259) with the standard library, without its extensions.

    Raises:
        ValueError: bad UTF-8, a BOM, NaN or an infinity (``1e400`` too), a lone surrogate, an integer of more than
            4,300 characters, or anything else that is not JSON.
        RecursionError: containers nested deeper than the interpreter follows.
    """
    text = str(body, "utf-8")
    # A hook for each integer costs time: it is there only where the text has digits that may be too many.
    counting = b"-" in body and _LONG_NEGATIVE.search(body)
    value = _INTEGER_COUNTING_DECODER.decode(text) if counting else _decode(text)
    # The backslash alone is searched for first: for one byte this is many times faster.
    if b"\\" in body and "\\u" in text and _has_lone_surrogate(text):
        raise ValueError("Lone surrogate")
    return value


def _decode(text: str) -> Any:
    # Most texts have no white space around them: decode() would look for it with two regular expressions.
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        value, end = None, -1
    return value if end == len(text) else _DECODER.decode(text)


def _has_lone_surrogate(text: str) -> bool:
    """Tell whether JSON text has an escaped half of a pair, even in a member that a later one replaced."""
    # The dot keeps apart what an escaped backslash stood between.
    escapes = text.replace("\\\\", ".")
    return _SURROGATE.search(_SURROGATE_PAIR.sub(".", escapes)) is not None


def _short_integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError("Integer out of range")
    return int(text)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_float=finite_float, parse_constant=_no_constant)
_scan: Final[Callable[[str, int], tuple[Any, int]]] = make_scanner(_DECODER)  # type: ignore[arg-type]  # typeshed takes its argument for itself
_INTEGER_COUNTING_DECODER: Final = json.JSONDecoder(
    parse_float=finite_float, parse_int=_short_integer, parse_constant=_no_constant
)

loads: Final[Callable[[bytes], Any]] = loads_stdlib if _msgspec_decode is None else _msgspec_decode
"""Decode JSON text: msgspec's decoder where it is installed, else :func:`loads_stdlib`; see there for the errors."""


def is_deeper_than(body: bytes, limit: int) -> bool:
    """Tell, without decoding it, whether JSON text nests more than ``limit`` containers.

    Brackets inside strings do not count. For text that is not JSON the answer may be either; it is not decoded then,
    or decoding fails.
    """
    if body.count(b"[") + body.count(b"{") <= limit:
        return False
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Removing both quotes of an empty string, or those where two strings touch once all else is gone, leaves the rest
    # where it was: inside or outside of a string.
    marks = body.translate(_ONE_BRACKET, _NOT_MARKS).replace(b'""', b"")
    outside = b"".join(marks.split(b'"')[::2])
    if not limit:
        return bool(outside)
    # Without its innermost pairs, nested brackets are one level less deep, and most bodies are nearly empty.
    return _depth_exceeds(outside.replace(b"[]", b""), limit - 1)


def _depth_exceeds(brackets: bytes, limit: int) -> bool:
    depth = 0
    for bracket in brackets:
        if bracket == _OPENING:
            depth += 1
            if depth > limit:
                return True
        else:
            depth -= 1
    return False


def dumps(data: Any) -> bytes:
    """Encode data as JSON text in UTF-8, by the table of :func:`to_plain`.

    Raises:
        TypeError: data of a type that the table does not know.
        ValueError: a number that is not finite, a lone surrogate, or nesting beyond :data:`MAX_DEPTH`.
    """
    return dumps_plain(to_plain(data))


def _text_ujson(plain: Any) -> str:
    text: str = ujson.dumps(plain, ensure_ascii=False, escape_forward_slashes=False, allow_nan=False, reject_bytes=True)
    return text


def _dumps_ujson(plain: Any) -> bytes:
    return _text_ujson(plain).encode()


dumps_plain: Final[Callable[[Any], bytes]] = _dumps_ujson if _msgspec_encode is None else _msgspec_encode
"""Encode what :func:`to_plain` gave: with msgspec where it is installed, else with ujson; the values are the same."""


def dumps_replacing(data: Any) -> bytes:
    """The same as :func:`dumps`, with ``?`` for each lone surrogate."""
    try:
        return dumps(data)
    except UnicodeEncodeError:
        return _text_ujson(to_plain(data)).encode("utf-8", "replace")


WRITES_ENUMS: Final = _msgspec_encode is not None
"""Whether :func:`dumps_plain` writes the value of an Enum, as the table has it."""


def is_exact(data: Any) -> bool:
    """Tell, at the speed of C, that data hold only objects of Python's own types: no Decimal, no Enum, no subclass.

    They may still be of types that JSON does not have, such as bytes. Data nested deeper than marshal follows are not.
    """
    try:
        marshal.dumps(data)
    except ValueError:
        return False
    return True


_ATOMS: Final = frozenset({str, int, bool, type(None)})


def to_plain(data: Any) -> Any:
    """Turn data into dict, list, str, int, float, bool and None, whatever its depth.

    The table: datetime, date and time become RFC 3339 text (a naive one stays without an offset), UUID its text,
    Decimal a number, Enum its value, a dataclass or Mapping an object, a list, tuple, set or frozenset an array. A
    msgspec Struct is written with its own names and tags, a pydantic model as by ``model_dump(mode="json")``.
    A Decimal is an integer if it was written as one of at most 19 digits, else a float. Keys go by the same table and
    must come out as text or as an integer. Data that is plain already is returned as it is: the same object, no copy.

    Raises:
        TypeError: a value of any other type, or a key that is no text.
        ValueError: a number that is not finite, a time that RFC 3339 cannot express, two keys that become the same
            text, or nesting beyond :data:`MAX_DEPTH` (a container that holds itself, too).
    """
    return _plain(data, MAX_DEPTH)


def _plain(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is dict:
        return _plain_object(value, _one_deeper(depth))
    if kind is list:
        return _plain_array(value, _one_deeper(depth))
    if kind is float:
        return _plain_float(value)
    return _converted(value, depth)


def _one_deeper(depth: int) -> int:
    if not depth:
        raise ValueError(f"The data is nested deeper than {MAX_DEPTH} levels, or holds itself")
    return depth - 1


def _plain_float(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("JSON has no number for NaN or an infinity")
    return value


def _plain_array(items: list[Any], depth: int) -> list[Any]:
    """The same list where nothing had to change, else a new one."""
    for index, item in enumerate(items):
        if type(item) in _ATOMS:
            continue
        plain = _plain(item, depth)
        if plain is not item:
            return [*items[:index], plain, *(_plain(rest, depth) for rest in items[index + 1 :])]
    return items


def _plain_object(members: dict[Any, Any], depth: int) -> dict[str, Any]:
    """The same dict where nothing had to change, else a new one.

    Each value is visited once: twice on every level would be 2**depth times at the bottom.
    """
    changed: dict[Any, Any] = {}
    text_keys = True
    for key, value in members.items():
        if type(key) is not str:
            text_keys = False
        if type(value) in _ATOMS:
            continue
        plain = _plain(value, depth)
        if plain is not value:
            changed[key] = plain
    if changed:
        members = members | changed
    return members if text_keys else _with_text_keys(members.items())


def _with_text_keys(members: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, value in members:
        name = _plain_key(key)
        if name in plain:
            raise ValueError("Two keys of an object become the same text in JSON")
        plain[name] = value
    return plain


def _plain_key(key: Any) -> str:
    if type(key) is str:
        return key
    plain = _plain(key, MAX_DEPTH) if isinstance(key, str | int | Enum | UUID | date | time) else None
    if isinstance(plain, str):
        return plain
    if isinstance(plain, int) and not isinstance(plain, bool):
        return str(plain)
    raise TypeError(f"A JSON object's key must be text or an integer, not {type(key).__name__}")


def _converted(value: Any, depth: int) -> Any:  # noqa: C901, PLR0911 - the table, one line for each row
    if hasattr(type(value), "__struct_fields__") or hasattr(type(value), "__pydantic_serializer__"):
        return _plain(_from_model(value), depth)
    if isinstance(value, Enum):
        return _plain(value.value, depth)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return _plain_float(float.__float__(value))
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, datetime):
        return _datetime(value)
    if isinstance(value, date | time):
        return _date_or_time(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        deeper = _one_deeper(depth)
        return _with_text_keys((key, _plain(item, deeper)) for key, item in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        deeper = _one_deeper(depth)
        return [_plain(item, deeper) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        deeper = _one_deeper(depth)
        return {field.name: _plain(getattr(value, field.name), deeper) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} cannot be written as JSON; convert it first")


_OWN_ROWS: Final = (datetime, date, time, UUID, Decimal)
"""What the table writes inside a Struct, too, so that a type is written in one way."""


def _from_model(value: Any) -> Any:
    """A msgspec Struct or a pydantic model by the rules of its own: aliases, tags, what is left out."""
    if hasattr(value, "__pydantic_serializer__"):
        # Its warnings show values; that a member is of another type is for the response's schema to say.
        return value.__pydantic_serializer__.to_python(value, mode="json", by_alias=True, warnings=False)
    if isinstance(value, type):  # whose metaclass has what its instances have
        raise TypeError(f"The class {value.__name__} cannot be written as JSON; an instance can")
    import msgspec  # noqa: PLC0415 - optional, and loaded by whoever made the Struct

    try:
        return msgspec.to_builtins(value, builtin_types=_OWN_ROWS, enc_hook=to_plain)
    except RecursionError as error:
        raise ValueError(f"The data is nested deeper than {MAX_DEPTH} levels, or holds itself") from error


_MAX_INTEGER_DIGITS: Final = 19


def _decimal(value: Decimal) -> int | float:
    """A whole number without a fraction or an exponent is an integer; any other number is a float."""
    if value.is_finite():
        sign_digits_exponent = value.as_tuple()
        if sign_digits_exponent.exponent == 0 and len(sign_digits_exponent.digits) <= _MAX_INTEGER_DIGITS:
            return int(value)
    return _plain_float(float(value))


def _datetime(value: datetime) -> str:
    offset = value.utcoffset()
    if offset is not None and offset.total_seconds() % 60:
        # RFC 3339 has no seconds in an offset; the local mean times of old dates do.
        try:
            value = value.astimezone(UTC)
        except OverflowError as error:
            raise ValueError("A datetime at the edge of the calendar has no UTC in RFC 3339") from error
    return value.isoformat()


def _date_or_time(value: date | time) -> str:
    offset = value.utcoffset() if isinstance(value, time) else None
    if offset is not None and offset.total_seconds() % 60:
        raise ValueError("A time's offset has no seconds in RFC 3339")
    return value.isoformat()
