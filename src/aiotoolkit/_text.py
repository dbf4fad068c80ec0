"""Numbers and booleans written as text, as query strings, paths, headers and cookies hold them.

The grammar is JSON's (RFC 8259), in ASCII: no ``1_0``, no digits of other scripts, no spaces, no ``yes``.
"""

import math
import re
from typing import Final

__all__ = ["is_unicode", "parse_boolean", "parse_integer", "parse_number"]

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_INT64: Final = range(-(2**63), 2**63)


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
    number = int(text) if _INTEGER.fullmatch(text) else None
    if number is None or number not in _INT64:
        raise ValueError("must be an integer of at most 64 bits")
    return number


def parse_number(text: str) -> float:
    """Read a number; an integer of 64 bits is an ``int``, any other the nearest ``float``.

    Raises:
        ValueError: it is none, or it is out of range.
    """
    if _INTEGER.fullmatch(text) and int(text) in _INT64:
        return int(text)
    number = float(text) if _NUMBER.fullmatch(text) else math.inf
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
