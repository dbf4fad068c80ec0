"""What every test module shares: the ``extra`` marker."""

import importlib.util
import os

import pytest

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
