"""From the text of an environment variable to a value of an annotated type."""

import math
import re
import types
import typing
from collections.abc import Callable
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NewType, Union, get_args, get_origin

__all__ = ["Converter", "converter_for", "to_bool"]

# What "type Name = ..." makes, from Python 3.12 on.
_TYPE_ALIAS = getattr(typing, "TypeAliasType", None)

Converter = Callable[[str], Any]

_WORDS = {
    **dict.fromkeys(("1", "y", "yes", "t", "true", "on"), True),
    **dict.fromkeys(("0", "n", "no", "f", "false", "off"), False),
}


def to_bool(value: str | int) -> bool:
    """Return the truth that a word means, in any case of letters.

    True is yes, on, true, 1, y or t; False is no, off, false, 0, n or f.

    Args:
        value: A word, or a bool, or the number 0 or 1.

    Raises:
        ValueError: Any other word or number; the error shows it.
        TypeError: Neither text nor a number, for example the ``None`` of a variable that is not set.
    """
    if not isinstance(value, str | int):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
        raise TypeError(f"to_bool takes a word such as 'yes', not {value!r}; give the variable a default")
    word = value if isinstance(value, str) else str(int(value))
    try:
        return _WORDS[word.strip().lower()]
    except KeyError:
        raise ValueError(f"{value!r} does not mean yes or no: use one of {', '.join(_WORDS)}") from None


def converter_for(annotation: Any) -> Converter:
    """Return the function that reads text as the annotated type.

    The function raises a ValueError that says what was expected, and never shows the text: it may be a secret.

    Raises:
        TypeError: There is no converter for the type; the error shows the type.
    """
    annotation = _strip(annotation)
    origin = get_origin(annotation)
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if origin is Literal:
        return _literal(get_args(annotation))
    if origin in (Union, types.UnionType):
        return _optional(annotation)
    if (origin or annotation) in _COLLECTIONS:
        return _collection(origin or annotation, get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _enum(annotation)
    shown = getattr(annotation, "__qualname__", None) or str(annotation)
    raise TypeError(
        f"{shown} cannot be read from text; "
        'give the field a function of the text: field(metadata={"converter": function})'
    )


def _strip(annotation: Any) -> Any:
    """Return the type itself, without what only wraps or renames it."""
    while True:
        if get_origin(annotation) in (Annotated, Final):
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif type(annotation) is _TYPE_ALIAS:
            annotation = annotation.__value__
        else:
            return annotation


def _int(text: str) -> int:
    # int() takes 1_000 and Arabic digits too, and refuses more than 4,300 digits with an error of its own.
    if not re.fullmatch(r"[+-]?[0-9]{1,1000}", text.strip()):
        raise ValueError("expected a whole number")
    return int(text)


def _float(text: str) -> float:
    if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text.strip()):
        number = float(text)
        if math.isfinite(number):
            return number
    raise ValueError("expected a number")


def _bool(text: str) -> bool:
    try:
        return to_bool(text)
    except ValueError:  # whose text shows the word
        raise ValueError(f"expected one of {', '.join(_WORDS)}") from None


def _path(text: str) -> Path:
    if not text:
        raise ValueError("expected a path")
    return Path(text)


_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds", "ms": "milliseconds"}


def _timedelta(text: str) -> timedelta:
    text = text.strip()
    number = r"[0-9]+(?:\.[0-9]+)?"
    try:
        if re.fullmatch(rf"[+-]?{number}", text):
            return timedelta(seconds=float(text))
        if re.fullmatch(rf"(?:{number}(?:ms|[dhms]))+", text):
            parts = re.findall(rf"({number})(ms|[dhms])", text)
            return sum((timedelta(**{_UNITS[unit]: float(count)}) for count, unit in parts), timedelta())
    except OverflowError:
        pass  # a hundred thousand centuries are no duration either
    raise ValueError("expected a duration: seconds, or counts with the units d, h, m, s, ms, as in 1h30m")


_SCALARS: dict[Any, Converter] = {
    str: str,
    int: _int,
    float: _float,
    bool: _bool,
    Path: _path,
    timedelta: _timedelta,
}

_COLLECTIONS: set[Any] = {list, tuple, set, frozenset}


def _enum(enum: type[Enum]) -> Converter:
    members = dict(enum.__members__) | {str(member.value): member for member in enum}
    values = ", ".join(repr(str(member.value)) for member in enum)

    def convert(text: str) -> Enum:
        if text.strip() not in members:
            raise ValueError(f"expected one of {values}")
        return members[text.strip()]

    return convert


def _literal(choices: tuple[Any, ...]) -> Converter:
    readers = [(choice, converter_for(type(choice))) for choice in choices if choice is not None]

    def convert(text: str) -> Any:
        if None in choices and not text.strip():
            return None
        for choice, read in readers:
            try:
                if read(text) == choice:
                    return choice
            except ValueError:
                continue
        raise ValueError(f"expected one of {', '.join(repr(choice) for choice, _ in readers)}")

    return convert


def _optional(annotation: Any) -> Converter:
    inner = [arg for arg in get_args(annotation) if arg is not types.NoneType]
    if len(inner) != 1 or len(get_args(annotation)) != 2:
        raise TypeError(f'{annotation} may mean several types; give the field a converter, or one type "| None"')
    read = converter_for(inner[0])
    return lambda text: read(text) if text.strip() else None


def _collection(kind: Callable[[list[Any]], Any], args: tuple[Any, ...]) -> Converter:
    """Items separated by commas, stripped; empty items are left out."""
    fixed = kind is tuple and bool(args) and args[-1] is not Ellipsis
    readers = [_item_converter(arg) for arg in args if arg is not Ellipsis] or [str]

    def convert(text: str) -> Any:
        items = [item.strip() for item in text.split(",") if item.strip()]
        if fixed and len(items) != len(readers):
            raise ValueError(f"expected {len(readers)} items separated by commas")
        values: list[Any] = []
        for number, item in enumerate(items):
            read = readers[number] if fixed else readers[0]
            try:
                values.append(read(item))
            except ValueError as error:
                raise ValueError(f"item {number + 1}: {error}") from None
        return kind(values)

    return convert


def _item_converter(annotation: Any) -> Converter:
    inner = _strip(annotation)
    if (get_origin(inner) or inner) in _COLLECTIONS:
        raise TypeError(f"items of a list cannot be lists ({inner}); give the field a converter")
    return converter_for(inner)
