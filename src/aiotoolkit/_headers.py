"""What may stand in a response header."""

import re
from collections.abc import Mapping
from typing import Any, Final

from multidict import CIMultiDict

__all__ = ["MEDIA_TYPE", "NAME_PATTERN", "check_headers", "check_text", "copy_headers"]

NAME_PATTERN: Final = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
"""The pattern of a header's name (RFC 9110, sections 5.1 and 5.6.2)."""

_NAME = re.compile(NAME_PATTERN)

MEDIA_TYPE: Final = re.compile(f"{NAME_PATTERN}/{NAME_PATTERN}")
"""A media type (RFC 9110, section 8.3.1), without its parameters."""

# RFC 9110, section 5.5: visible characters, space, tab and obs-text. aiohttp refuses CR, LF and NUL only when it
# writes the response, where it is too late for an answer: the connection would be dropped.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def copy_headers(headers: Any) -> CIMultiDict[str]:
    """Copy the headers that a caller gave for a response, or refuse them.

    Raises:
        TypeError: they are neither a mapping nor a list of pairs, or a name or a value is no text.
        ValueError: a name is none (RFC 9110, section 5.1), or a value holds a control character.
    """
    if headers is None:
        return CIMultiDict()
    try:
        copy: CIMultiDict[str] = CIMultiDict(headers)
    except (TypeError, ValueError) as error:
        kind = type(headers).__name__
        raise TypeError(f"headers= takes a mapping of str to str, or a list of such pairs, not this {kind}") from error
    for name in copy:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a header: one is letters, digits and !#$%&'*+.^_`|~-")
    check_headers(copy)
    return copy


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse headers that could not be sent, or that would start a header of their own.

    Raises:
        TypeError: a name or a value is no text.
        ValueError: a name or a value holds a control character; the text names the header and not its value.
    """
    # One question for all of it: which header it is matters only where the answer is no.
    try:
        printable = "".join([*headers, *headers.values()]).isprintable()
    except TypeError:
        printable = False
    if printable:
        return
    for name, value in headers.items():
        if isinstance(name, str) and _CONTROL.search(name):
            raise ValueError(f"The name of the response header {name!r} holds a control character")
        check_text(name, value)


def check_text(name: str, text: str) -> None:
    """Refuse a control character in one part of a response's head.

    Raises:
        TypeError: it is no text, as in ``{"Retry-After": 30}``.
        ValueError: it holds one; the error says ``name`` and not the text.
    """
    if not isinstance(text, str):
        raise TypeError(f"The response header {name!r} must be a str, not {type(text).__name__}")
    # isprintable() is the cheap question; it also says no to a tab and to some letters that are fine.
    if not text.isprintable() and _CONTROL.search(text):
        raise ValueError(f"The response header {name!r} holds a control character, which HTTP does not allow")
