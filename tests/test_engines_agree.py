"""The engines agree on random schemas of every draft and on the official suite, but for a documented table."""

import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiotoolkit.schemas import InvalidSchemaError, JSONSchemaEngine, JSONSchemaRSEngine, Violation
from tests.strategies import DRAFTS, json_schemas, small_values
from tests.test_suite import DRAFTS as SUITE_DRAFTS
from tests.test_suite import Bundler, read

pytestmark = pytest.mark.extra("jsonschema_rs")
MANY = 20
SLOW = [HealthCheck.too_slow]  # a machine may be busy, and a schema has many parts


def compiled(schema: Any) -> Any:
    """The checks of both engines; None where both refuse the schema."""
    checks: list[Any] = []
    for engine in (JSONSchemaRSEngine(), JSONSchemaEngine()):
        try:
            checks.append(engine.compile(schema))
        except InvalidSchemaError:
            checks.append(None)
    assert (checks[0] is None) == (checks[1] is None), schema
    return None if checks[0] is None else checks


def assert_same(found: tuple[list[Violation], list[Violation]], schema: Any, instance: Any) -> None:
    """The same verdict; and the same violations, but for those of the table."""
    assert (not found[0]) == (not found[1]), (schema, instance, found)
    for violations in found:
        assert all(len(violation.message) <= 150 for violation in violations)
    if max(map(len, found)) < MANY and not any(violation.keyword == "schema" for violation in found[0]):
        # Beside other mistakes, unevaluatedProperties sees more or less: a row of the table.
        told = [[one for one in each if not one.keyword.startswith("unevaluated")] for each in found]
        assert sorted(told[0], key=repr) == sorted(told[1], key=repr), (schema, instance)
        if not told[0]:
            assert set(found[0]) == set(found[1]), (schema, instance)


@pytest.mark.parametrize("draft", DRAFTS)
def test_random_schemas(draft: int) -> None:
    """Whatever the schema and the instance, both engines say the same."""

    @settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
    @given(schema=json_schemas(draft), instances=st.lists(small_values, min_size=3, max_size=6))
    def agree(schema: Any, instances: list[Any]) -> None:
        checks = compiled(schema)
        for instance in instances if checks else ():
            rs, pure = (list(check(instance)) for check in checks)
            assert_same((rs, pure), schema, instance)

    agree()


@pytest.mark.parametrize("draft", SUITE_DRAFTS)
def test_the_suite(draft: str) -> None:
    """On every schema and every instance of the official suite, both engines say the same."""
    bundler = Bundler(draft, read("remotes"))
    compared = 0
    for file, groups in read(f"tests/{draft}").items():
        if "/" in file or file == "format.json":  # formats are in the table
            continue
        for group in groups:
            schema = bundler.bundle(group["schema"])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # some could keep jsonschema busy
                checks = compiled(schema)
            for test in group["tests"] if checks else ():
                rs, pure = (list(check(test["data"])) for check in checks)
                assert_same((rs, pure), schema, test["data"])
                compared += 1
    assert compared > 500


def test_valid_and_invalid_are_frequent() -> None:
    """The random schemas are worth the time: each verdict is given in at least a tenth of the cases."""
    verdicts: list[bool] = []

    @settings(max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=SLOW)
    @given(schema=json_schemas(), instances=st.lists(small_values, min_size=3, max_size=6))
    def collect(schema: Any, instances: list[Any]) -> None:
        try:
            check = JSONSchemaRSEngine().compile(schema)
        except InvalidSchemaError:
            return
        verdicts.extend(not list(check(instance)) for instance in instances)

    collect()
    assert 0.1 < sum(verdicts) / len(verdicts) < 0.9
