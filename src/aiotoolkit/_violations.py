"""What an engine is, and what it says: the words that all of them share."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, Protocol

from aiotoolkit._documents import InvalidSchemaError, JSONSchema, pointer_to
from aiotoolkit._messages import MESSAGE_LIMIT

__all__ = [
    "MAX_VIOLATIONS",
    "UNEXPLAINED",
    "Check",
    "Engine",
    "Formats",
    "Violation",
    "broken_metaschema",
    "checked_formats",
    "find",
    "identities",
    "unexpected",
]

MAX_VIOLATIONS: Final = 20
"""How many violations are told of one instance."""


class Violation(NamedTuple):
    """One way in which an instance breaks its schema.

    Attributes:
        path: the keys and indices that lead to the value; for a missing or an unwanted member, to this member.
        keyword: the keyword of the schema that was broken, such as ``"minLength"``.
        message: what the schema wants, without the value, such as ``"must have at least 1 character"``.
    """

    path: tuple[str | int, ...]
    keyword: str
    message: str


Check = Callable[[Any], Iterable[Violation]]
"""A compiled schema: takes plain data and gives its violations; none for valid data."""

Formats = Mapping[str, Callable[[str], bool]]
"""Formats by their name: a function that tells whether a text is of the format."""


class Engine(Protocol):
    """What a ``Schema`` needs of a validator library."""

    def compile(self, schema: JSONSchema, /) -> Check:
        """Compile a schema, once.

        The check is given plain data only: dict, list, str, int, float (finite), bool and None. It may be called
        from several threads, and must not change what it is given. Equal schemas share it: an engine is asked once.

        Raises:
            InvalidSchemaError: the schema breaks its metaschema, or refers to what it does not hold itself.
        """
        ...  # pragma: no cover - a protocol


UNEXPLAINED: Final = Violation((), "schema", "does not match its schema")


def find(instance: Any, steps: Iterable[str | int]) -> tuple[tuple[str | int, ...], Any]:
    """A path in the instance, and the value there.

    jsonschema-rs gives the name "7" as a number and leaves empty names out; where the value is lost, it is None.
    """
    path: list[str | int] = []
    for step in steps:
        known = str(step) if isinstance(instance, dict) else step
        path.append(known)
        try:
            instance = instance[known]
        except (LookupError, TypeError):
            instance = None
    return tuple(path), instance


def unexpected(path: tuple[str | int, ...], keyword: str, names: Iterable[str]) -> Iterator[Violation]:
    for name in names:
        yield Violation((*path, name), keyword, "is not allowed")


_TYPES: Final = ("array", "boolean", "integer", "null", "number", "object", "string")


def broken_metaschema(
    message: str, path: tuple[str | int, ...], schema: JSONSchema, place: str = "#"
) -> InvalidSchemaError:
    """The error of a schema that is none, in better words where a type is misspelled."""
    _, value = find(schema, path)
    names = value if isinstance(value, list) else [value]
    unknown = next((name for name in names if isinstance(name, str) and name not in _TYPES), None)
    is_type = path[-1:] == ("type",) and path[-2:-1] not in (("properties",), ("$defs",), ("definitions",))
    if is_type and unknown is not None:
        message = f"There is no type {unknown[:_NAME_LIMIT]!r}: the types are {', '.join(_TYPES)}"
    return InvalidSchemaError(message[:MESSAGE_LIMIT], place + pointer_to(path).removeprefix("#"))


_NAME_LIMIT: Final = 50


def checked_formats(formats: Formats | None) -> dict[str, Callable[[str], bool]]:
    if not isinstance(formats, Mapping | None):
        raise TypeError(f"formats is a mapping of a format's name to a function, not {formats!r}")
    for name, function in (formats or {}).items():
        if not isinstance(name, str) or not callable(function):
            raise TypeError(f"formats holds functions by their format's name, not {name!r}: {function!r}")
    return {name: _safe_format(function) for name, function in (formats or {}).items()}


def _safe_format(function: Callable[[str], bool]) -> Callable[[str], bool]:
    """A format's ValueError means no: whatever else it raises is its own bug."""

    def check(text: str) -> bool:
        try:
            return bool(function(text))
        except ValueError:
            return False

    return check


def identities(formats: Formats) -> Hashable:
    """What formats have in common that hold the same functions, as long as these are alive."""
    return frozenset((name, id(function)) for name, function in formats.items())
