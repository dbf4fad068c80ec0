"""_text: numbers and booleans written as text."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiotoolkit._text import is_unicode, parse_boolean, parse_integer, parse_number

NO_NUMBERS = [
    "", " ", "1_0", "٣", "¹", "+1", " 1", "1 ", "1\n", "01", "-01", "--1", "0x10", "1e", "1.", ".5", "1,5",
    "nan", "NaN", "inf", "Infinity", "-inf", "true", "1e400", "-1e400", "9" * 400, "\x00", "\uff11",
]  # fmt: skip


@pytest.mark.parametrize("text", [*NO_NUMBERS, "1.0", "1e3", "9223372036854775808", "-9223372036854775809", "9" * 5000])
def test_no_integers(text: str) -> None:
    """What is not JSON's grammar in ASCII, or needs more than 64 bits, is no integer."""
    with pytest.raises(ValueError, match="must be an integer of at most 64 bits"):
        parse_integer(text)


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_no_numbers(text: str) -> None:
    """What is not JSON's grammar in ASCII, or not finite, is no number."""
    with pytest.raises(ValueError, match="must be"):
        parse_number(text)


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers(number: int) -> None:
    """Every 64-bit integer is read as it is written, by both."""
    assert parse_integer(str(number)) == number
    assert parse_number(str(number)) == number
    assert type(parse_number(str(number))) is int


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats(number: float) -> None:
    """Every finite float is read as it is written."""
    parsed = parse_number(repr(number))
    assert parsed == number
    assert math.copysign(1, parsed) == math.copysign(1, number)


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("-0", 0), ("1e3", 1000.0), ("1E-3", 0.001), ("9" * 20, 1e20), ("9" * 19, 1e19)]
)
def test_other_numbers(text: str, value: float) -> None:
    """Exponents are taken; an integer of more than 64 bits is the nearest float where a number is wanted."""
    assert parse_number(text) == value


def test_booleans() -> None:
    """Only true and false are booleans."""
    assert parse_boolean("true") is True
    assert parse_boolean("false") is False


@pytest.mark.parametrize("text", ["", "True", "FALSE", "1", "0", "yes", "on", " true", "true\n"])
def test_no_booleans(text: str) -> None:
    """Everything else is none."""
    with pytest.raises(ValueError, match="must be true or false"):
        parse_boolean(text)


@given(st.text(st.characters(codec=None)))
def test_unicode(text: str) -> None:
    """Text is Unicode unless it holds a lone surrogate."""
    assert is_unicode(text) is not any("\ud800" <= character <= "\udfff" for character in text)


@pytest.mark.parametrize("parse", [parse_boolean, parse_integer, parse_number])
@given(text=st.text())
def test_nothing_but_value_errors(parse: Callable[[str], Any], text: str) -> None:
    """Whatever the text is, the only error is a ValueError, whose text does not hold it."""
    messages = []
    try:
        parse(text)
    except ValueError as error:
        messages.append(str(error))
    assert {*messages} <= {"must be an integer of at most 64 bits", "must be a number", "must be true or false"}
