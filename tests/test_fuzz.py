"""fuzz: a short run of what ``make fuzz`` does for longer."""

import pytest

from fuzz.run import fuzz
from fuzz.wire import attack

SEED = 8


@pytest.mark.timeout(120)
async def test_hostile_requests() -> None:
    """Thousands of hostile requests: no 5xx, no stall, nothing logged, nothing left open, no growth of memory."""
    report = await fuzz(SEED, 4000, seconds=60)
    assert [text for text, _ in report.faults] == []
    assert report.answers["200"] > 100
    assert report.answers["422"] > 100
    assert report.answers["400"] > 100


def test_same_requests_for_a_seed() -> None:
    """A seed and a number always give the same request, so that a fault can be looked at again."""
    assert [attack(1, number) for number in range(300)] == [attack(1, number) for number in range(300)]
    assert attack(1, 1) != attack(2, 1)
