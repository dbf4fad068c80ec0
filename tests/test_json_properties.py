"""_json: both decoders on the texts that decoders disagree about, and on what the fuzzer sends."""

import json
import math
import random
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiotoolkit._json import is_deeper_than, loads_stdlib
from fuzz.targets import BODIES
from fuzz.values import hostile_text, mutated_bytes
from tests.test_json import decoded, hostile

pytestmark = pytest.mark.extra("msgspec")

MAX_DEPTH = 64


def verdicts(body: bytes) -> list[Any]:
    """What each decoder makes of a body behind the depth guard, as a request is read."""
    import msgspec

    if is_deeper_than(body, MAX_DEPTH):
        return [None, None]
    return [decoded(loads_stdlib, body), decoded(msgspec.json.Decoder().decode, body)]


@pytest.mark.parametrize("name", sorted(BODIES))
def test_hostile_structures(name: str) -> None:
    """Values whose structure was changed, and their bytes changed again, are the same to both decoders."""
    chance = random.Random(name)
    for _ in range(300):
        text = hostile_text(BODIES[name].sample(chance), chance).encode("utf-8", "surrogatepass")
        for body in (text, mutated_bytes(text, chance)):
            first, second = verdicts(body)
            assert first == second, body


@settings(max_examples=300, deadline=None)
@given(hostile, hostile, st.sampled_from([b"[%s,%s]", b'{"a":%s,"b":%s}', b'{"a":%s,"a":%s}', b"%s%s", b"%s \n\t\r%s"]))
def test_what_stands_side_by_side(first: bytes, second: bytes, frame: bytes) -> None:
    """Two texts in one array or object, as two members of one name, or after each other: one verdict."""
    one, other = verdicts(frame % (first, second))
    assert one == other


def halfway(number: float) -> Decimal:
    """The exact middle between a float and the next one: every digit of it decides how it is rounded."""
    return (Decimal(number) + Decimal(math.nextafter(number, math.inf))) / 2


@settings(max_examples=300, deadline=None)
@given(st.floats(0, 1e300), st.sampled_from([-1, 0, 1]), st.sampled_from(["f", "e"]))
def test_halfway_numbers(number: float, side: int, notation: str) -> None:
    """Numbers of hundreds of digits beside the middle of two floats are rounded alike, and as Python rounds."""
    with localcontext(prec=1200):
        middle = halfway(number)
        if side:
            middle += side * middle * Decimal(10) ** -1100
        text = format(middle, notation)
    first, second = verdicts(text.encode())
    assert first == second
    # Without a fraction or an exponent it is an integer.
    assert json.loads(first[0]) == (float(text) if set(text) & set(".eE") else int(text))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30), st.lists(st.booleans(), min_size=30, max_size=30), st.booleans())
def test_each_way_to_escape(text: str, escaped: list[bool], upper: bool) -> None:
    """However its characters are escaped, text is the same to both decoders, and what it was."""

    def escape(character: str) -> str:
        units = character.encode("utf-16-be")
        pattern = "\\u%04X" if upper else "\\u%04x"
        return "".join(pattern % int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2))

    written = "".join(
        escape(character) if chosen or character in '"\\' or character < " " else character
        for character, chosen in zip(text, escaped, strict=False)
    )
    body = f'{{"{written}": "{written}"}}'.encode()
    first, second = verdicts(body)
    assert first == second
    assert json.loads(first[0]) == {text: text}
