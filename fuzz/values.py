"""JSON texts that are hostile by their structure: valid values, changed where it hurts, and written by hand."""

import json
import random
from collections.abc import Callable
from typing import Any, Final

__all__ = ["hostile_text", "large_text", "mutated_bytes"]


class Raw(str):
    """JSON text, or what is none, written as it stands."""

    __slots__ = ()


class Members(list[tuple[Any, Any]]):
    """An object with members of the same name."""


_SCALARS: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**30, 0.1, -0.0, 1e308,
    5e-324, "", "a", "x" * 33, "x" * 5000, "\x00", "\x7f", "\uffff", "\u202e", "\U0010ffff", "é", "é", "𝒳" * 40,
    "true", "null", "1", "NaN", "../../etc/passwd", "<script>", "%s%n", "{0}", "${x}", "2026-02-30T25:61:61Z",
    "9999-99-99", "a@b@c", "::::::::::", "999.1.1.1", "-" * 400, "a-" * 200, "http://[", "xn--" * 50, [], {}, [[]],
    {"": None}, {"__proto__": 1}, {"$ref": "#"}, {"default": {}}, [None] * 50,
)  # fmt: skip
_RAW: Final = (
    "1e400", "-1e400", "NaN", "Infinity", "-Infinity", "01", "-", "1.", ".5", "+1", "0x10", "1e", "1E+2", "-0", "-0.0",
    "1" * 400, "1" * 5000, "-" + "9" * 4400, "0." + "1" * 5000, "1e-5000", "1e" + "9" * 50, '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\ud83d\\ude00"', '"\\u0000"', '"\\x"', '"\t"', '"\\"', "'a'", "undefined", "nul", "True", "[1,]", '{"a":1,}',
    "{,}",
    '{"a" 1}', "[1 2]", "//c", "/**/1", '"\\uD83D\\u00"', "\ufeff1", "1\x00", "[" * 70 + "]" * 70, "[" * 300, "]" * 300,
    '{"a":' * 70 + "1" + "}" * 70, '{"children":[' * 33 + "]}" * 33, '{"not":' * 63 + '"x"' + "}" * 63,
)  # fmt: skip
_FRAGMENTS: Final = (
    b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\", b"\\u", b"\\ud800", b"\\\\", b"\x00", b"\xff", b"\xc3",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf", b"\xf4\x90\x80\x80", b"e", b"-", b".", b"0", b"9" * 30, b"NaN", b"\r\n", b"\x1f\x8b", b" " * 100,
)  # fmt: skip


def hostile_text(value: Any, chance: random.Random) -> str:
    """The text of a value, after up to four changes of its structure."""
    for _ in range(chance.choice((0, 1, 1, 1, 2, 4))):
        value = _changed(value, chance)
    return _written(value, chance)


def _changed(value: Any, chance: random.Random) -> Any:
    """Change one place, at any depth."""
    if type(value) in (dict, list) and value and chance.random() < 0.75:
        key = chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
        copy: Any = value.copy()
        copy[key] = _changed(copy[key], chance)
        return copy
    return chance.choice(_CHANGES)(value, chance)


def _another(value: Any, chance: random.Random) -> Any:
    return chance.choice(_SCALARS)


def _raw(value: Any, chance: random.Random) -> Any:
    return Raw(chance.choice(_RAW))


def _wrapped(value: Any, chance: random.Random) -> Any:
    for _ in range(chance.choice((1, 1, 5, 60, 64, 65, 70))):
        value = [value] if chance.random() < 0.7 else {"a": value}
    return value


def _repeated(value: Any, chance: random.Random) -> Any:
    # What was repeated before would grow to megabytes, which are all answered with 413.
    return [value] * (2 if len(repr(value)) > 2000 else chance.choice((2, 21, 100, 300)))


def _less(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict) and value:
        gone = chance.choice(list(value))
        return {name: item for name, item in value.items() if name != gone}
    return value[:-1] if isinstance(value, list | str) else None


def _more(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        return {**value, chance.choice(("", "extra", "x-1", "__class__", "é" * 30, "a/b~c")): chance.choice(_SCALARS)}
    return [*value, chance.choice(_SCALARS)] if isinstance(value, list) else [value, value]


def _doubled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        pairs = list(value.items()) or [("a", 1)]
        return Members([*pairs, (chance.choice(pairs)[0], chance.choice(_SCALARS))])
    return value


_CHANGES: Final[tuple[Callable[[Any, random.Random], Any], ...]] = (
    _another, _another, _another, _raw, _raw, _wrapped, _repeated, _less, _less, _more, _more, _doubled,
)  # fmt: skip


def _written(value: Any, chance: random.Random) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, Members):
        return "{" + ",".join(f"{json.dumps(name)}:{_written(item, chance)}" for name, item in value) + "}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}: {_written(item, chance)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_written(item, chance) for item in value) + "]"
    return json.dumps(value, ensure_ascii=chance.random() < 0.5)


def large_text(chance: random.Random) -> str:
    """Large, and made to cost more than its size."""
    count = chance.choice((1000, 5000, 20_000))
    return chance.choice(_LARGE)(count)


_LARGE: Final[tuple[Callable[[int], str], ...]] = (
    lambda count: "[" * (count * 10) + "]" * (count * 10),
    lambda count: "[" * (count * 10),
    lambda count: '{"a":' * count + "1" + "}" * count,
    lambda count: "[" + ",".join(f'{{"n":{number}}}' for number in range(count)) + "]",
    lambda count: "[" + ",".join(["{}"] * count) + "]",
    lambda count: "[" + ",".join(f'{{"name":"p{number}","stars":1}}' for number in range(count // 4)) + "]",
    lambda count: "{" + ",".join(f'"k{number}":{number}' for number in range(count)) + "}",
    lambda count: '{"name": "' + "x" * count * 10 + '", "stars": 1}',
    lambda count: '{"slug": "' + "a-" * count + '!"}',
    lambda count: '{"name": "a", "stars": ' + "1" * count + "}",
    lambda count: '{"value": 1, "children": [' + ",".join(['{"value": 1}'] * count) + "]}",
    lambda count: '{"and": [' + ",".join(['{"or": [{"not": 1}]}'] * (count // 10)) + "]}",
    lambda count: '"' + "\\ud83d\\ude00" * count + '"',
    lambda count: '{"rows": [' + ",".join(["{}"] * count) + "]}",
    lambda count: '{"x-' + "y" * count + '": []}',
    lambda count: '{"mail": "' + "a." * count + '@example.org"}',
    lambda count: '{"host": "' + "a." * count + '"}',
    lambda count: '{"link": "http://' + "%41" * count + '"}',
    lambda count: '{"v6": "' + "1:" * count + '"}',
)


def mutated_bytes(data: bytes, chance: random.Random) -> bytes:
    """The bytes, with up to three cut out, put in, changed, doubled or swapped pieces."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        at = chance.randrange(len(data) + 1)
        length = chance.choice((0, 1, 1, 2, 8, 40))
        new = chance.choice(
            (
                b"",
                b"",
                chance.randbytes(chance.choice((1, 1, 4, 20))),
                chance.choice(_FRAGMENTS),
                data[at : at + 20] * 2,
            )
        )
        data = data[:at] + new + data[at + length :]
    return data
