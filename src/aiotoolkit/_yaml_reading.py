"""YAML by the rules of JSON, and without what could run code or fill the memory."""

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

__all__ = ["from_yaml"]

# YAML 1.2.2, sections 10.2 and 10.3: the types of JSON, and nothing that looks like a date or a "yes".
_PLAIN: Final[tuple[tuple[str, re.Pattern[str], Callable[[str], Any]], ...]] = (
    ("null", re.compile(r"~|null|Null|NULL|"), lambda text: None),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE"), lambda text: text.lower() == "true"),
    ("int", re.compile(r"[-+]?[0-9]{1,4000}"), int),
    ("int", re.compile(r"0o[0-7]{1,4000}|0x[0-9a-fA-F]{1,4000}"), lambda text: int(text, 0)),
    ("float", re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
)
_TAG: Final = "tag:yaml.org,2002:"
_MAX_DEPTH: Final = 200
_MAX_COPIED: Final = 1_000_000
"""So many values may stand where there are aliases; of all others, each is in the text."""


def from_yaml(text: str) -> Any:
    """Read one document of YAML as plain data.

    Raises:
        ValueError: it is none, or says what JSON does not have.
        ImportError: PyYAML is not installed.
    """
    try:
        import yaml  # noqa: PLC0415 - optional, and only for documents in YAML
    except ImportError as error:
        message = 'A document in YAML needs PyYAML: pip install "aiotoolkit[openapi]", or write it in JSON'
        raise ImportError(message) from error

    # The loaders recurse, and that of libyaml crashes on deep nesting; events are given one by one.
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _YAMLReader(yaml, yaml.parse(text, Loader=loader)).document()
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


class _YAMLReader:
    """Makes plain data of YAML's events; an alias stands for a copy, and there is a limit to all of them together."""

    def __init__(self, yaml: Any, events: Iterator[Any]) -> None:
        self._yaml = yaml
        self._events = events
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._open: set[str] = set()
        self._values = 0
        self._copied = 0

    def document(self) -> Any:
        value = None
        documents = 0
        for event in self._events:
            if isinstance(event, self._yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise ValueError(f"it holds more than one document{_line(event)}")
                value = self._value(next(self._events), 0)
        return value

    def _value(self, event: Any, depth: int) -> Any:
        self._values += 1
        if depth > _MAX_DEPTH:
            raise ValueError(f"it is nested too deeply{_line(event)}")
        anchor = event.anchor
        if isinstance(event, self._yaml.AliasEvent):
            return self._alias(event)
        if anchor is not None:
            self._open.add(anchor)
        before = self._values
        if isinstance(event, self._yaml.ScalarEvent):
            value = _scalar(event)
        elif isinstance(event, self._yaml.SequenceStartEvent):
            _check_tag(event, "seq")
            value = self._items(depth)
        else:
            _check_tag(event, "map")
            value = self._members(depth)
        if anchor is not None:
            self._open.discard(anchor)
            self._anchors[anchor] = value, self._values - before + 1
        return value

    def _alias(self, event: Any) -> Any:
        if event.anchor in self._open:
            raise ValueError(f"an alias stands for what holds it{_line(event)}: use $ref")
        if event.anchor not in self._anchors:
            raise ValueError(f"there is no anchor {event.anchor!r}{_line(event)}")
        value, size = self._anchors[event.anchor]
        self._values += size
        self._copied += size
        if self._copied > _MAX_COPIED:
            raise ValueError(f"its aliases stand for too much{_line(event)}")
        return copy.deepcopy(value)

    def _items(self, depth: int) -> list[Any]:
        items = []
        while not isinstance(event := next(self._events), self._yaml.SequenceEndEvent):
            items.append(self._value(event, depth + 1))
        return items

    def _members(self, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        while not isinstance(key := next(self._events), self._yaml.MappingEndEvent):
            if not isinstance(key, self._yaml.ScalarEvent) or key.anchor is not None:
                raise ValueError(f"a key must be text{_line(key)}")
            if key.value == "<<" and key.implicit[0]:
                raise ValueError(f"YAML 1.2 has no merge key '<<'{_line(key)}: use $ref or allOf")
            if key.value in members:
                raise ValueError(f"the key {key.value!r} is given twice{_line(key)}")
            members[key.value] = self._value(next(self._events), depth + 1)
        return members


def _scalar(event: Any) -> Any:
    text: str = event.value
    if event.tag in (None, "!") and not event.implicit[0]:
        return text  # in quotes
    if event.tag in ("!", f"{_TAG}str"):
        return text
    wanted = None if event.tag is None else event.tag.removeprefix(_TAG)
    for name, pattern, make in _PLAIN:
        if wanted in (None, name) and pattern.fullmatch(text):
            return make(text)
    if wanted is not None:
        raise ValueError(f"there is no JSON for the tag {event.tag!r}{_line(event)}")
    return text


def _check_tag(event: Any, name: str) -> None:
    if event.tag not in (None, "!", _TAG + name):
        raise ValueError(f"there is no JSON for the tag {event.tag!r}{_line(event)}")


def _line(event: Any) -> str:
    return f" (line {event.start_mark.line + 1})"
