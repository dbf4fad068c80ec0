"""The converters of Flask's URL rules, and the arguments that a rule gives them."""

import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final
from urllib.parse import quote
from uuid import UUID

__all__ = ["BUILT_IN", "SAFE", "Converter", "parse_arguments"]

# https://url.spec.whatwg.org/#url-path-segment-string, as Werkzeug quotes.
SAFE: Final = "!$&'()*+,/:;=@"


class Converter:
    """Turns the text of one part of a path into a value, and a value into text.

    A converter of your own derives from it, sets ``regex`` and overrides what it needs. What a rule writes in
    parentheses, ``<list(sep="+"):names>``, are the arguments of its constructor.

    Attributes:
        regex: what the part looks like. It may be set in the constructor.
        weight: among rules that differ only in their converters, the lower one is tried first.
        part_isolating: whether the part stays between two slashes. By default, whether ``regex`` has no slash where a
            class sets it.
    """

    regex: str = "[^/]+"
    weight: ClassVar[int] = 100
    part_isolating: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Find out whether the part may hold slashes."""
        super().__init_subclass__(**kwargs)
        if "regex" in cls.__dict__ and "part_isolating" not in cls.__dict__:
            cls.part_isolating = "/" not in cls.regex

    def to_python(self, text: str) -> Any:
        """The value of a text that matches ``regex``. A ValueError means that nothing is found: 404."""
        return text

    def to_url(self, value: Any) -> str:
        """The text of a value, percent-encoded; a ValueError where it has none."""
        return quote(str(value), safe=SAFE)


class StringConverter(Converter):
    """``<name>`` or ``<string(length=2):name>``: any text without a slash."""

    def __init__(self, minlength: int = 1, maxlength: int | None = None, length: int | None = None) -> None:
        if length is not None:
            self.regex = f"[^/]{{{int(length)}}}"
        elif maxlength is not None or minlength != 1:
            self.regex = f"[^/]{{{int(minlength)},{'' if maxlength is None else int(maxlength)}}}"


class PathConverter(Converter):
    """``<path:name>``: text that may hold slashes, but does not begin with one."""

    regex = "[^/].*?"
    weight = 200
    part_isolating = False


class AnyConverter(Converter):
    """``<any(about, help):page>``: one of these words."""

    def __init__(self, *items: object) -> None:
        self.items = tuple(str(item) for item in items)
        self.regex = f"(?:{'|'.join(map(re.escape, self.items))})"

    def to_url(self, value: Any) -> str:
        """The word itself."""
        if value in self.items:
            return str(value)
        raise ValueError(f"{value!r} is not one of {', '.join(map(repr, self.items))}")


class IntegerConverter(Converter):
    """``<int(min=1, max=9, fixed_digits=0, signed=False):number>``."""

    regex = r"\d+"
    weight = 50

    def __init__(
        self,
        fixed_digits: int = 0,
        min: float | None = None,  # noqa: A002 - the name that rules give it
        max: float | None = None,  # noqa: A002 - the same
        signed: bool = False,
    ) -> None:
        self.fixed_digits, self.min, self.max = fixed_digits, min, max
        if signed:
            self.regex = f"-?{self.regex}"

    def to_python(self, text: str) -> Any:
        """The number, unless it is out of bounds or has another number of digits."""
        if self.fixed_digits and len(text) != self.fixed_digits:
            raise ValueError("another number of digits")
        return self._within(int(text))

    def to_url(self, value: Any) -> str:
        """The digits, with zeros in front where their number is fixed."""
        return str(int(value)).zfill(self.fixed_digits)

    def _within(self, number: float) -> float:
        if (self.min is not None and number < self.min) or (self.max is not None and number > self.max):
            raise ValueError("out of bounds")
        return number


class FloatConverter(IntegerConverter):
    """``<float(min=0.5, max=2.5, signed=False):number>``: digits, a dot, digits."""

    regex = r"\d+\.\d+"

    def __init__(
        self,
        min: float | None = None,  # noqa: A002 - the name that rules give it
        max: float | None = None,  # noqa: A002 - the same
        signed: bool = False,
    ) -> None:
        super().__init__(0, min, max, signed)

    def to_python(self, text: str) -> Any:
        """The number; so many digits that it would be infinite are none."""
        number = float(text)
        if not math.isfinite(number):
            raise ValueError("out of bounds")
        return self._within(number)

    def to_url(self, value: Any) -> str:
        """The number as Python writes it."""
        return str(float(value))


class UUIDConverter(Converter):
    """``<uuid:identifier>``."""

    regex = "[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"

    def to_python(self, text: str) -> Any:
        """The UUID."""
        return UUID(text)

    def to_url(self, value: Any) -> str:
        """The UUID's text."""
        return str(value)


BUILT_IN: Final[Mapping[str, type[Converter]]] = {
    "default": StringConverter,
    "string": StringConverter,
    "any": AnyConverter,
    "path": PathConverter,
    "int": IntegerConverter,
    "float": FloatConverter,
    "uuid": UUIDConverter,
}

_ARGUMENT: Final = re.compile(r"""\s*(?:(\w+)\s*=\s*)?(?:("[^"]*"|'[^']*')|([\w.]+))\s*(?:,|$)""")
_CONSTANTS: Final[Mapping[str, object]] = {"None": None, "True": True, "False": False}


def parse_arguments(text: str) -> tuple[list[Any], dict[str, Any]]:
    """The positional and the keyword arguments in ``<converter(these):name>``.

    Raises:
        ValueError: the text is no list of names, numbers, constants and quoted texts.
    """
    positional: list[Any] = []
    named: dict[str, Any] = {}
    position = 0
    while position < len(text):
        match = _ARGUMENT.match(text, position)
        if match is None:
            raise ValueError(f"cannot read the converter argument {text[position:]!r}")
        name, quoted, bare = match.groups()
        value = quoted[1:-1] if quoted is not None else _value(bare)
        if name:
            named[name] = value
        else:
            positional.append(value)
        position = match.end()
    return positional, named


def _value(bare: str) -> object:
    if bare in _CONSTANTS:
        return _CONSTANTS[bare]
    for number in (int, float):
        try:
            return number(bare)
        except ValueError:
            continue
    return bare
