"""_json: one strict decoder, one table of what is written how."""

import contextlib
import dataclasses
import datetime as dt
import enum
import importlib
import json
import math
import subprocess
import sys
import time
from collections import OrderedDict, UserDict, defaultdict
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict, MultiDict

from aiotoolkit import _json
from aiotoolkit._json import MAX_DEPTH, dumps, is_deeper_than, is_exact, loads_stdlib, to_plain
from tests.strategies import containers, json_values, scalars

# --- decoding ---------------------------------------------------------------------------------------------------------

json_texts = st.builds(
    lambda value, ascii_only, indent: json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode(),
    json_values,
    st.booleans(),
    st.sampled_from([None, 1]),
)
# Pieces that decoders disagree on, between pieces of JSON.
fragments = st.sampled_from(
    [
        b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\", b"\\u", b"\\ud800", b"\\uDBFF", b"\\udc00", b"\\uDFFF",
        b"\\\\", b'\\"', b"\\n", b"\\x", b"\\u12g4", b"\\u+123", b"0", b"1", b"9", b"-", b"+", b".", b"e", b"E",
        b"true", b"false", b"null", b"NaN", b"Infinity", b"-Infinity", b"nan", b" ", b"\t", b"\n", b"\r", b"\x00",
        b"\x0b", b"\x1f", b"\x7f", b"\xff", b"\xc3\xa9", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xf0\x9f\x98\x80", b'"a"',
        b'""', b"\xc0\x80", b"\xe2\x80\xa8", b"1e400", b"1e-400", b"//", b"/**/", b"'a'", b"01", b"\xc2\xa0",
    ]
)  # fmt: skip
mutated = st.builds(
    lambda text, at, cut, insert: text[: at % (len(text) + 1)] + insert + text[at % (len(text) + 1) + cut :],
    json_texts,
    st.integers(0, 10_000),
    st.integers(0, 2),
    fragments | st.binary(max_size=2),
)
numbers = st.from_regex(rb"-?(0|[1-9][0-9]{0,400})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)
strings = st.lists(fragments, max_size=8).map(lambda parts: b'"' + b"".join(parts) + b'"')
hostile = st.binary() | mutated | numbers | strings | st.lists(fragments, max_size=12).map(b"".join) | json_texts

LIMITS = [
    b"1" * 4300,
    b"1" * 4301,
    b"-" + b"1" * 4299,
    b"-" + b"1" * 4300,
    b"[-" + b"1" * 4301 + b"]",
    b'"-' + b"1" * 4300 + b'"',  # digits in a string are no number
    b'["' + b"-" + b"1" * 5000 + b'", -1]',
    b"1e-" + b"0" * 4300 + b"1",
    b"1e+" + b"0" * 4300 + b"1",
    b"-" + b"1" * 4300 + b".5",
    b"-" + b"1" * 4300 + b"e-4300",
    b"1" * 4301 + b"e-4301",
    b"0." + b"0" * 5000 + b"1",
    b"-0",
    b"-0.0",
    b"0e99999999999999999999",
    b"1e99999999999999999999",
    b"1e-99999999999999999999",
    b"1.7976931348623157e308",
    b"1.7976931348623159e308",
    b"179769313486231580793728971405301e276",
    b"4.9e-324",
    b"2e-324",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775809",
    b"18446744073709551615",
    b"18446744073709551616",
    b"123456789012345678901234567890",
    b"9007199254740993.0",
]
SURROGATES = [
    b'"\\ud83d\\ude00"',
    b'"\\uD83D\\uDE00"',
    b'"\\ud83d"',
    b'"\\ude00"',
    b'"\\ude00\\ud83d"',
    b'"\\ud83d\\ud83d\\ude00"',
    b'"\\ud83d\\ude00\\ude00"',
    b'"\\ud83d\\\\\\ude00"',
    b'"\\ud83d \\ude00"',
    b'"\\\\ud800"',
    b'"\\\\\\ud800"',
    b'"\\\\\\\\ud800"',
    b'{"\\ud800":1}',
    b'{"a":"\\ud800","a":1}',
    b'["\\u00e9", "\\\\", "\\ud83d\\ude00"]',
]


def decoded(decode: Any, body: bytes) -> Any:
    """What a decoder makes of bytes, comparable: types and the sign of zero count; every refusal is the same."""
    try:
        return json.dumps(decode(body)), True
    except (ValueError, RecursionError):
        return None, False


@pytest.mark.extra("msgspec")
@pytest.mark.parametrize("body", LIMITS + SURROGATES, ids=lambda body: body[:24].decode())
def test_decoders_agree_at_the_limits(body: bytes) -> None:
    """At the limits of numbers and surrogates both decoders give the same value, or both refuse."""
    import msgspec

    assert decoded(loads_stdlib, body) == decoded(msgspec.json.Decoder().decode, body)


@pytest.mark.extra("msgspec")
@settings(max_examples=600, deadline=None)
@given(hostile)
def test_decoders_agree(body: bytes) -> None:
    """Both decoders accept and refuse the same bytes, and give the same values."""
    import msgspec

    assert decoded(loads_stdlib, body) == decoded(msgspec.json.Decoder().decode, body)


@settings(max_examples=300, deadline=None)
@given(hostile)
def test_only_known_errors(body: bytes) -> None:
    """Whatever the bytes are, decoding raises ValueError or RecursionError, or gives what JSON has."""
    for decode in (loads_stdlib, _json.loads):
        try:
            value = decode(body)
        except (ValueError, RecursionError):
            continue
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"nul", b"NaN", b"-Infinity", b"[Infinity]", b"1e400", b"-1e400", b"01", b"5.", b".5", b"+1", b"1 2",
        b'"\t"', b'"\\x"', b"'a'", b"[1,]", b"{1:2}", b'{"a":1,}', b"\xef\xbb\xbf1", b'"\xff"', b'"\xed\xa0\x80"',
        b"1\x00", '{"a":1}'.encode("utf-16"), '{"a":1}'.encode("utf-32"), b"[1] //", b'"\x7f' + b"\x1f" + b'"',
    ],
)  # fmt: skip
@pytest.mark.parametrize("decode", [loads_stdlib, _json.loads], ids=["stdlib", "installed"])
def test_no_json(decode: Any, body: bytes) -> None:
    """What RFC 8259 does not know is refused, by the decoder that is installed too."""
    with pytest.raises(ValueError, match=r"."):
        decode(body)


@given(json_values)
def test_all_json(value: Any) -> None:
    """All JSON that Python writes is read back, by the decoder that is installed too."""
    body = json.dumps(value, ensure_ascii=False).encode()
    assert loads_stdlib(body) == value
    assert _json.loads(body) == value


def test_last_member_counts() -> None:
    """Of members with one name the last one counts."""
    assert loads_stdlib(b'{"a": 1, "a": 2}') == _json.loads(b'{"a": 1, "a": 2}') == {"a": 2}


@pytest.mark.parametrize("decode", [loads_stdlib, _json.loads], ids=["stdlib", "installed"])
@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"a":' * 200_000, b"[" * 200_000 + b"]" * 200_000])
def test_deep_bytes(decode: Any, body: bytes) -> None:
    """200,000 levels are an error, and no crash."""
    with pytest.raises((ValueError, RecursionError)):
        decode(body)


@pytest.mark.parametrize("number", [b"1e308", b"5e-324", b"1.7976931348623157e308"])
def test_numbers_at_the_edge(number: bytes) -> None:
    """A megabyte of the smallest or the largest floats is read in a tenth of a second and not in two."""
    body = b"[" + b",".join([number] * (1_000_000 // len(number))) + b"]"
    began = time.process_time()
    assert set(_json.loads(body)) == {float(number)}
    assert time.process_time() - began < 1.2


# --- depth ------------------------------------------------------------------------------------------------------------


def reference_depth(body: bytes) -> int:
    """The depth of the containers of JSON text, character by character."""
    depth = deepest = 0
    in_string = escaped = False
    for byte in body:
        if in_string:
            if escaped:
                escaped = False
            elif byte == ord("\\"):
                escaped = True
            elif byte == ord('"'):
                in_string = False
        elif byte == ord('"'):
            in_string = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


bracket_text = st.text(st.sampled_from('[]{}"\\,:/ a\u005b5'), max_size=8)


def bracket_containers(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Arrays, and objects whose names hold brackets."""
    return st.lists(children, max_size=3) | st.dictionaries(bracket_text, children, max_size=3)


bracket_values = st.recursive(bracket_text | st.integers(), bracket_containers, max_leaves=30)


@settings(max_examples=400)
@given(bracket_values, st.integers(0, 8))
def test_depth(value: Any, limit: int) -> None:
    """For JSON text the answer is exact; brackets and quotes inside strings do not count."""
    body = json.dumps(value).encode()
    assert is_deeper_than(body, limit) is (reference_depth(body) > limit)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"[":', b'["\\\\",', b'["\\"",', b'["",'])
@pytest.mark.parametrize("limit", [1, 2, 3, 64])
def test_depth_of_towers(opening: bytes, limit: int) -> None:
    """A tower of containers is exactly as deep as it is, closed or not."""
    containers = opening.count(b"[") + opening.count(b"{") - opening.count(b'"["')
    assert is_deeper_than(opening * (limit + 1) * containers, limit)
    height = limit // containers
    if opening in (b"[", b'{"a":'):
        closing = b"]" if opening == b"[" else b"}"
        assert not is_deeper_than(opening * height + b"1" + closing * height, limit)
        assert is_deeper_than(opening * (height + 1) + b"1" + closing * (height + 1), limit)


class DepthProbe:
    """A decoder by the book that says how deep it was when it gave up."""

    def __init__(self) -> None:
        self.deepest = 0

    def decode(self, body: bytes) -> None:
        """Decode with the standard library's Python code, which can be watched."""
        py_make_scanner: Any = importlib.import_module("json.scanner").py_make_scanner
        probe, depth = self, 0
        decoder: Any = json.JSONDecoder()  # its parts are replaced: they have no types
        scan_array, scan_object = decoder.parse_array, decoder.parse_object

        def deeper(scan: Any) -> Any:
            def watched(*args: Any) -> Any:
                nonlocal depth
                depth += 1
                probe.deepest = max(probe.deepest, depth)
                try:
                    return scan(*args)
                finally:
                    depth -= 1

            return watched

        decoder.parse_array, decoder.parse_object = deeper(scan_array), deeper(scan_object)
        decoder.scan_once = py_make_scanner(decoder)
        decoder.decode(str(body, "utf-8"))


@settings(max_examples=600, deadline=None)
@given(
    st.lists(fragments | st.sampled_from([b"[", b'{"":', b'["', b'"]', b'"\\', b"[[", b'[""']), max_size=24).map(
        b"".join
    )
    | mutated,
    st.integers(0, 6),
)
@example(b'[\\"[[[[', 3)
@example(b'[[[[]\\"]', 3)
@example(b"[]" * 5 + b"[[[[", 3)
def test_never_deeper_than_it_says(body: bytes, limit: int) -> None:
    """Text that is said not to be deeper never leads a decoder deeper, JSON or not."""
    probe = DepthProbe()
    with contextlib.suppress(ValueError):
        probe.decode(body)
    if not is_deeper_than(body, limit):
        assert probe.deepest <= limit


# --- the table --------------------------------------------------------------------------------------------------------


class Color(enum.Enum):
    RED = "red"
    WHEN = dt.date(2026, 1, 2)
    PAIR = (1, 2)


class Level(enum.IntEnum):
    LOW = 1


class Name(enum.StrEnum):
    ANN = "ann"


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "another text"


class Number(int):
    def __int__(self) -> int:
        return 99


class Real(float):
    pass


class Point(NamedTuple):
    x: int
    y: int


@dataclasses.dataclass
class Item:
    name: str
    when: dt.datetime
    tags: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    item: Any


UTC = dt.UTC
PLUS_3 = dt.timezone(dt.timedelta(hours=3))
UUID_TEXT = "12345678-1234-5678-1234-567812345678"

TABLE: list[tuple[Any, Any]] = [
    (dt.datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05"),  # noqa: DTZ001 - a naive one is what is tested
    (dt.datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC), "2026-01-02T03:04:05.678900+00:00"),
    (dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=PLUS_3), "2026-01-02T03:04:05+03:00"),
    (dt.datetime(2026, 7, 1, tzinfo=ZoneInfo("Europe/Berlin")), "2026-07-01T00:00:00+02:00"),
    # Berlin's local mean time had seconds, which RFC 3339 has not.
    (dt.datetime(1880, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")), "1879-12-31T23:06:32+00:00"),
    (dt.date(26, 1, 2), "0026-01-02"),
    (dt.time(3, 4, 5), "03:04:05"),
    (dt.time(3, 4, tzinfo=PLUS_3), "03:04:00+03:00"),
    (UUID(UUID_TEXT), UUID_TEXT),
    (Decimal("1.10"), 1.1),
    (Decimal(7), 7),
    (Decimal("-0"), 0),
    (Decimal("1E+2"), 100.0),
    (Decimal(10) ** 18, 10**18),
    (Decimal(10**19), 1e19),
    (Color.RED, "red"),
    (Color.WHEN, "2026-01-02"),
    (Color.PAIR, [1, 2]),
    (Level.LOW, 1),
    (Name.ANN, "ann"),
    (Text("text"), "text"),
    (Number(3), 3),
    (Real(1.5), 1.5),
    (Point(1, 2), [1, 2]),
    ((1, (2,)), [1, [2]]),
    ({1}, [1]),
    (frozenset({"a"}), ["a"]),
    (defaultdict(list, {"a": (1,)}), {"a": [1]}),
    (OrderedDict(a=1), {"a": 1}),
    (UserDict(a=1), {"a": 1}),
    (MappingProxyType({"a": 1}), {"a": 1}),
    (MultiDict(a="1"), {"a": "1"}),
    (Item("n", dt.datetime(2026, 1, 2, tzinfo=UTC)), {"name": "n", "when": "2026-01-02T00:00:00+00:00", "tags": []}),
    (Slotted(Slotted(None)), {"item": {"item": None}}),
    ({1: "a", Level.LOW + 1: "b"}, {"1": "a", "2": "b"}),
    ({Name.ANN: 1, Color.RED: 2, UUID(UUID_TEXT): 3}, {"ann": 1, "red": 2, UUID_TEXT: 3}),
    ({dt.date(2026, 1, 2): 1}, {"2026-01-02": 1}),
    ({Text("a"): 1}, {"a": 1}),
    ({"a": [{"b": (1, {"c": Decimal(1)})}], "d": 1}, {"a": [{"b": [1, {"c": 1}]}], "d": 1}),
    ([1, "a", (2,), 3, (4,)], [1, "a", [2], 3, [4]]),
]


@pytest.mark.parametrize(("data", "plain"), TABLE, ids=lambda value: type(value).__name__)
def test_table(data: Any, plain: Any) -> None:
    """Each type is written as the table says, in exact types, and the encoder writes just that."""
    result = to_plain(data)
    assert result == plain
    assert_plain(result)
    assert json.loads(dumps(data)) == plain


def assert_plain(value: Any) -> None:
    """Only JSON's own types, and no subclass of them."""
    assert type(value) in (dict, list, str, int, float, bool, type(None))
    if type(value) is dict:
        assert all(type(key) is str for key in value)
    for item in value.values() if type(value) is dict else value if type(value) is list else ():
        assert_plain(item)


def holding_itself() -> list[Any]:
    data: list[Any] = []
    data.append({"a": data})
    return data


def nested(depth: int, leaf: Any = 1, wrap: Any = lambda inner: [inner]) -> Any:
    for _ in range(depth):
        leaf = wrap(leaf)
    return leaf


REFUSED: list[tuple[Any, type[Exception], str]] = [
    (math.nan, ValueError, "NaN or an infinity"),
    ([{"a": (math.inf,)}], ValueError, "NaN or an infinity"),
    ({"a": {-math.inf}}, ValueError, "NaN or an infinity"),
    (Real("nan"), ValueError, "NaN or an infinity"),
    (Decimal("NaN"), ValueError, "NaN or an infinity"),
    (Decimal("-Infinity"), ValueError, "NaN or an infinity"),
    (Decimal("sNaN"), ValueError, "NaN"),
    (Decimal("1E+1000000"), ValueError, "NaN or an infinity"),
    ([Item("n", dt.datetime.now(UTC)), Slotted(math.nan)], ValueError, "NaN or an infinity"),
    (b"bytes", TypeError, "bytes cannot be written as JSON"),
    (bytearray(b"b"), TypeError, "bytearray cannot be written as JSON"),
    (object(), TypeError, "object cannot be written as JSON"),
    (Item, TypeError, "type cannot be written as JSON"),
    (Fraction(1, 2), TypeError, "Fraction cannot be written as JSON"),
    (1j, TypeError, "complex cannot be written as JSON"),
    ((item for item in "ab"), TypeError, "generator cannot be written as JSON"),
    (range(3), TypeError, "range cannot be written as JSON"),
    ({(1, 2): 1}, TypeError, "key must be text or an integer, not tuple"),
    ({None: 1}, TypeError, "not NoneType"),
    ({True: 1}, TypeError, "not bool"),
    ({1.5: 1}, TypeError, "not float"),
    ({b"a": 1}, TypeError, "not bytes"),
    ({Color.PAIR: 1}, TypeError, "not Color"),
    ({1: "a", "1": "b"}, ValueError, "Two keys"),
    ({"ann": 1, Color.RED: 1, "red": (2,)}, ValueError, "Two keys"),
    (MultiDict([("a", "1"), ("a", "2")]), ValueError, "Two keys"),
    (holding_itself(), ValueError, "holds itself"),
    (nested(MAX_DEPTH + 1), ValueError, "nested deeper than 100 levels"),
    (nested(MAX_DEPTH + 1, wrap=lambda inner: (inner,)), ValueError, "nested deeper"),
    (nested(MAX_DEPTH + 1, wrap=lambda inner: {"a": inner}), ValueError, "nested deeper"),
    (nested(MAX_DEPTH + 1, wrap=Slotted), ValueError, "nested deeper"),
    (dt.datetime(1, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")), ValueError, "edge of the calendar"),
    (dt.time(1, tzinfo=dt.timezone(dt.timedelta(seconds=3208))), ValueError, "no seconds in RFC 3339"),
]


@pytest.mark.parametrize(
    ("data", "error", "message"), REFUSED, ids=lambda value: value if type(value) is str else type(value).__name__
)
def test_refused(data: Any, error: type[Exception], message: str) -> None:
    """What JSON cannot say is refused by name: nothing is guessed, cut or turned into null."""
    with pytest.raises(error, match=message):
        to_plain(data)
    with pytest.raises(error, match=message):
        dumps(data)


@pytest.mark.parametrize("data", ["\ud800", {"\udc00": 1}, ["a\udfff"]])
def test_lone_surrogates_out(data: Any) -> None:
    """A lone surrogate cannot be written as UTF-8: a ValueError."""
    with pytest.raises(ValueError, match="surrogate"):
        dumps(data)


@given(json_values)
def test_plain_data_is_returned(data: Any) -> None:
    """Plain data comes back as the same object."""
    assert to_plain(data) is data


def copied(data: Any) -> Any:
    """A copy of containers, whatever type they have; leaves are shared."""
    if type(data) is dict:
        return {key: copied(value) for key, value in data.items()}
    return type(data)(map(copied, data)) if type(data) in (list, tuple) else data


def rich_containers(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Containers that the table turns into arrays and objects, too."""
    named = st.dictionaries(st.just(Name.ANN) | st.text(max_size=3), children, max_size=4)
    return containers(children) | st.tuples(children, children) | named


rich_values = st.recursive(
    scalars
    | st.dates()
    | st.uuids()
    | st.just(Level.LOW)
    | st.decimals(allow_nan=False, allow_infinity=False, places=2),
    rich_containers,
    max_leaves=12,
)


@given(rich_values)
def test_copy_on_write(data: Any) -> None:
    """The caller's data never changes; the result is plain; parts that were plain are shared, not copied."""
    before = copied(data)
    plain = to_plain(data)
    assert_plain(plain)
    assert data == before
    assert repr(data) == repr(before)
    assert to_plain(plain) is plain
    if type(data) is list:
        for old, new in zip(data, plain, strict=True):
            assert (new is old) is (to_plain(old) is old)


def test_order_of_members() -> None:
    """Members keep their order, converted or not."""
    assert list(to_plain({"z": (1,), 5: 1, "a": 2, "m": (3,)})) == ["z", "5", "a", "m"]
    assert list(to_plain({"z": 1, "b": (1,), "a": 2})) == ["z", "b", "a"]


@pytest.mark.parametrize("sibling", [{}, {5: 1}, {"k": (1,)}])
def test_each_level_is_visited_once(sibling: dict[Any, Any]) -> None:
    """Depth costs no more than its levels, wherever something must be converted."""
    visits = 0

    class Counted(Mapping[str, Any]):
        def __getitem__(self, key: str) -> Any:
            nonlocal visits
            visits += 1
            return 1

        def __iter__(self) -> Any:
            return iter(["a"])

        def __len__(self) -> int:
            return 1

    to_plain(nested(50, Counted(), lambda inner: {"inner": inner, **sibling}))
    assert visits == 1


def test_no_hooks_of_the_data() -> None:
    """Methods that the encoder would call on foreign objects are never called."""

    class Hooked:
        def __json__(self) -> str:
            return '{"injected": true}'

        def toDict(self) -> dict[str, Any]:
            return {"injected": True}

    with pytest.raises(TypeError, match="Hooked cannot be written"):
        dumps([Hooked()])


@pytest.mark.parametrize("data", [1, "a", [1.5, None], {"a": [True, {}]}])
def test_exact_data(data: Any) -> None:
    """Data of Python's own types alone are exact."""
    assert is_exact(data)


@pytest.mark.parametrize("data", [Decimal(1), next(iter(Name)), next(iter(Level)), OrderedDict(a=1), UUID(int=1)])
def test_inexact_data(data: Any) -> None:
    """A subclass, or any other class, is not exact, at any depth: encoders differ about them."""
    assert not is_exact(data)
    assert not is_exact({"a": [1, {"b": data}]})


def test_text_is_written_as_it_is() -> None:
    """Slashes and letters are not escaped; quotes, backslashes and control characters are."""
    assert dumps("</é😀\u2028\x7f") == '"</é😀\u2028\x7f"'.encode()
    assert dumps('"\\\x00\n\x1f') == b'"\\"\\\\\\u0000\\n\\u001f"'


@given(json_values)
def test_round_trip(data: Any) -> None:
    """What is written is read back the same, by a strict decoder, to the type and the sign of zero."""
    assert json.dumps(loads_stdlib(dumps(data))) == json.dumps(data)


def test_big_integers() -> None:
    """Integers of any size that Python converts are written in full; longer ones are a ValueError."""
    assert dumps(10**4000) == str(10**4000).encode()
    with pytest.raises(ValueError, match="4300"):
        dumps(10**5000)


PLAIN_OUTPUT = """
import sys
if sys.argv[1] == "blocked":
    sys.modules["msgspec"] = None
import datetime, decimal, uuid
import json
from aiotoolkit import _json
from aiotoolkit.responses import json_response
print(_json.loads is _json.loads_stdlib)
data = {"when": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), "price": decimal.Decimal("1.10"), "é": [1e22, 0.1],
        "id": uuid.UUID(int=7), "set": {1}, "big": 2**70, "text": "</\\x00\\"", "zero": -0.0}
print(json.dumps(json.loads(json_response(data).body)))
"""


@pytest.mark.extra("msgspec")
def test_same_bytes_without_msgspec() -> None:
    """What is installed changes decoder and encoder, and never a value on the wire."""
    results = {}
    for mode in ("installed", "blocked"):
        command = [sys.executable, "-W", "error", "-c", PLAIN_OUTPUT, mode]
        results[mode] = subprocess.run(command, capture_output=True, text=True, check=True, timeout=50).stdout.split(
            "\n"
        )
    assert results["installed"][0] == "False"
    assert results["blocked"][0] == "True"
    assert results["installed"][1:] == results["blocked"][1:]


def test_case_insensitive_keys() -> None:
    """Keys that differ in nothing but their case are different keys in JSON, and one in a CIMultiDict of two is two."""
    assert to_plain({"a": 1, "A": 2}) == {"a": 1, "A": 2}
    assert to_plain(CIMultiDict([("a", "1"), ("A", "2")])) == {"a": "1", "A": "2"}


def test_very_deep_data() -> None:
    """200,000 levels of data are the same clear error, and no crash."""
    with pytest.raises(ValueError, match="nested deeper than 100 levels"):
        dumps(nested(200_000))
