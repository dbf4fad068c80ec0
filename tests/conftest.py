"""What every test module shares: the ``extra`` marker, and packages that a test writes."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packages import Packages, temporary_packages

REQUIRE_EXTRAS = os.environ.get("REQUIRE_EXTRAS") == "1"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, by its name, what needs a package that is not installed; fail where the extras were promised."""
    for mark in item.iter_markers("extra"):
        module = mark.args[0]
        if importlib.util.find_spec(module) is not None:
            continue
        if REQUIRE_EXTRAS:
            pytest.fail(f"{module} is not installed, but REQUIRE_EXTRAS=1")
        pytest.skip(f"optional package {module} is not installed")


@pytest.fixture
def packages(tmp_path: Path) -> Iterator[Packages]:
    """A package that can be imported, whose files the test writes."""
    with temporary_packages(tmp_path) as made:
        yield made
