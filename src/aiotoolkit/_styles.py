"""The styles of OpenAPI in which one text holds an array or an object (OpenAPI 3.1.1, section 4.8.12.2)."""

from collections.abc import Mapping
from typing import Any, Final

from aiotoolkit import _json

__all__ = ["GATHERED", "STYLES", "UNWRAPPED", "decode_json_text", "members_in", "unwrap"]

# What stands between the items of an array, by style and explode; the first row of a place is its default. None is
# where the name is repeated instead, or where it begins each item. A name is given once in a path and in a cookie.
_QUERY: Final[Mapping[tuple[str, bool], str | None]] = {
    ("form", True): None,
    ("form", False): ",",
    ("spaceDelimited", False): " ",
    ("pipeDelimited", False): "|",
}
_SIMPLE: Final[Mapping[tuple[str, bool], str | None]] = {("simple", False): ",", ("simple", True): ","}
STYLES: Final[Mapping[str, Mapping[tuple[str, bool], str | None]]] = {
    "query": _QUERY,
    "form": _QUERY,
    "path": {
        **_SIMPLE,
        ("label", False): ",",
        ("label", True): ".",
        ("matrix", False): ",",
        ("matrix", True): ";",
    },
    "headers": _SIMPLE,
    "cookies": {("form", False): ","},
}
"""Of each place, its styles."""

UNWRAPPED: Final = frozenset({"label", "matrix"})
"""The styles of which a mark stands before the value."""

GATHERED: Final = frozenset({("deepObject", True), ("form", True)})
"""The styles of objects whose members are given by several names."""

_MAX_NESTING: Final = 64


def unwrap(text: str, style: str, name: str, *, explode: bool, is_object: bool) -> str:
    """A value without the marks of its style; each further item is still marked by what stands between them.

    Raises:
        ValueError: the mark is not there.
    """
    if style == "label":
        if text[:1] != ".":
            raise ValueError("must begin with '.'")
        return text[1:]
    if explode and is_object:
        if text[:1] != ";":
            raise ValueError("must begin with ';'")
        return text[1:]
    mark = f";{name}"
    if text == mark:  # RFC 6570, section 3.2.7: an empty value has no "="
        return ""
    if not text.startswith(f"{mark}="):
        raise ValueError(f"must begin with '{mark}='")
    rest = text[len(mark) + 1 :]
    # Of an exploded array, each further item has the name as well.
    return _items_without_name(rest, f"{name}=") if explode else rest


def _items_without_name(rest: str, mark: str) -> str:
    first, *others = rest.split(";")
    if not all(item.startswith(mark) for item in others):
        raise ValueError(f"each item must begin with ';{mark}'")
    return ";".join([first, *(item[len(mark) :] for item in others)])


def members_in(text: str, delimiter: str, *, explode: bool) -> list[tuple[str, str]]:
    """The names and texts of an object's members: ``a,1,b,2``, or ``a=1,b=2``.

    Raises:
        ValueError: they do not make pairs.
    """
    if not text:
        return []
    items = text.split(delimiter)
    if explode:
        pairs = [tuple(item.split("=", 1)) for item in items]
        if any(len(pair) != 2 for pair in pairs):
            raise ValueError("must be pairs of a name and a value, as in 'a=1'")
        return [(pair[0], pair[1]) for pair in pairs]
    if len(items) % 2:
        raise ValueError("must be names, each with its value")
    return list(zip(items[::2], items[1::2], strict=True))


def decode_json_text(text: str) -> Any:
    """Read a parameter that is JSON text.

    Raises:
        ValueError: it is none, or nested too deeply.
    """
    try:
        body = text.encode()
        if not _json.is_deeper_than(body, _MAX_NESTING):
            return _json.loads(body)
    except (ValueError, RecursionError):
        pass
    raise ValueError("must be JSON text")
