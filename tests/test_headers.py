"""_headers: what may stand in a response header."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from aiotoolkit._headers import check_headers, check_text, copy_headers

CONTROLS = [chr(code) for code in (*range(0x09), *range(0x0A, 0x20), 0x7F)]


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: f"{ord(control):#04x}")
def test_control_characters(control: str) -> None:
    """Each control character that HTTP forbids is refused, wherever it stands in a name or a value."""
    for text in (control, f"a{control}b", f"é{control}"):
        with pytest.raises(ValueError, match="'X-A'"):
            check_headers({"X-A": text})
        with pytest.raises(ValueError, match=f"The name of the response header {re.escape(repr(text))}"):
            check_headers({text: "value"})


@pytest.mark.parametrize("text", ["", "plain", "a\tb", "é", "\x85", "\xa0", "日本", "a\u2028b", "\udcff"])
def test_everything_else(text: str) -> None:
    """Tabs and letters of any script pass: HTTP allows them, or the writer encodes them."""
    check_headers({"X-A": text})


def test_value_is_not_shown() -> None:
    """The error names the header, and never its value: that may be a secret."""
    with pytest.raises(ValueError, match="X-Token") as caught:
        check_headers({"X-Token": "secret\r\n"})
    assert "secret" not in str(caught.value)


def test_all_of_one_name() -> None:
    """Of headers with one name, each is checked."""
    with pytest.raises(ValueError, match="Set-Cookie"):
        check_headers(CIMultiDict([("Set-Cookie", "fine"), ("Set-Cookie", "b\n")]))


@pytest.mark.parametrize("value", [30, None, b"bytes", ["a"]])
def test_not_text(value: object) -> None:
    """A header that is no text is a TypeError that names the header."""
    with pytest.raises(TypeError, match=rf"'Retry-After' must be a str, not {type(value).__name__}"):
        check_headers({"Retry-After": value})  # type: ignore[dict-item]  # the mistake under test


@given(st.text())
def test_same_as_the_rule(text: str) -> None:
    """For any text the verdict is RFC 9110's, whatever isprintable() thinks of it."""
    forbidden = any(character in CONTROLS for character in text)
    if forbidden:
        with pytest.raises(ValueError, match="control character"):
            check_text("X", text)
    else:
        check_text("X", text)


@pytest.mark.parametrize("name", ["", "X A", "X:", "é", "X-A\n", "(X)", "\udcff"])
def test_names(name: str) -> None:
    """What a caller gives a name that HTTP does not know as one is refused under that very name."""
    with pytest.raises(ValueError, match=f"^{re.escape(repr(name))} is not the name of a header"):
        copy_headers({name: "value"})


@pytest.mark.parametrize("headers", [5, "ab", [("X-A",)], {1: "x"}, {"a", "b"}])
def test_no_headers(headers: Any) -> None:
    """What are no headers at all is a TypeError that says what they are."""
    with pytest.raises(TypeError, match="headers= takes a mapping of str to str"):
        copy_headers(headers)


def test_copy() -> None:
    """Headers are copied, each of one name too."""
    headers = CIMultiDict([("X-A", "1"), ("x-a", "2")])
    copy = copy_headers(headers)
    assert copy == headers
    assert copy is not headers
    assert copy_headers(None) == {}
