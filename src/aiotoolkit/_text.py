"""Numbers and booleans written as text, as query strings, paths, headers and cookies hold them.

The grammar is JSON's (RFC 8259), in ASCII: no ``1_0``, no digits of other scripts, no spaces, no ``yes``.
"""

import math
import re
from typing import Final

__all__ = [
    "INT64",
    "exceeds_int64",
    "finite_float",
    "is_unicode",
    "parse_any_integer",
    "parse_boolean",
    "parse_integer",
    "parse_number",
]

INT64: Final = range(-(2**63), 2**63)
"""The integers of 64 bits."""

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_ANY_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")
# As many characters as an integer of a JSON body may have.
_MAX_CHARACTERS: Final = 4300


def exceeds_int64(value: object) -> bool:
    """Tell whether a value is a number out of the range of 64 bits."""
    return isinstance(value, int | float) and not INT64[0] <= value <= INT64[-1]


def is_unicode(text: str) -> bool:
    """Tell whether text can be written as UTF-8: a raw byte in a header reaches Python as a lone surrogate."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def parse_integer(text: str) -> int:
    """Read an integer of 64 bits.

    Raises:
        ValueError: it is none, or it needs more bits: what stores it would fail.
    """
    if _is_short_natural(text):
        return int(text)
    number = int(text) if _INTEGER.fullmatch(text) else None
    if number is None or number not in INT64:
        raise ValueError("must be an integer of at most 64 bits")
    return number


def parse_any_integer(text: str) -> int:
    """Read an integer of at most 4,300 characters.

    Raises:
        ValueError: it is none, or a longer one.
    """
    if len(text) > _MAX_CHARACTERS or not _ANY_INTEGER.fullmatch(text):
        raise ValueError("must be an integer")
    return int(text)


def parse_number(text: str) -> float:
    """Read a number; an integer of 64 bits is an ``int``, any other the nearest ``float``.

    Raises:
        ValueError: it is none, or it is out of range.
    """
    if _is_short_natural(text):
        return int(text)
    if _INTEGER.fullmatch(text) and int(text) in INT64:
        return int(text)
    if not _NUMBER.fullmatch(text):
        raise ValueError("must be a number")
    return finite_float(text)


def _is_short_natural(text: str) -> bool:
    # Most integers: these questions cost a third of a regular expression.
    return text.isdecimal() and text.isascii() and text[0] != "0" and len(text) < 19


def finite_float(text: str) -> float:
    """Read a number of JSON text as a float.

    Raises:
        ValueError: it is out of range, as ``1e400``.
    """
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("must be a number")
    return number


def parse_boolean(text: str) -> bool:
    """Read ``true`` or ``false``.

    Raises:
        ValueError: it is neither.
    """
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"
