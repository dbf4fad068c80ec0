"""Schemathesis sends what a document allows, and what it does not, to the live application, with every check.

The seed is fixed: the same cases are sent each time.
"""

import re
import sys

import pytest

from tests.openapi_check.conftest import HERE, Live, run

pytestmark = [pytest.mark.extra("schemathesis"), pytest.mark.timeout(900)]

SEED = "20261121"
# Cases for each operation and phase, so that there are at least MINIMUM in all, in a minute or so.
EXAMPLES = {"projects": 500, "schema_first": 500, "everything": 70}
MINIMUM = 2000


def test_schemathesis(live: Live) -> None:
    """No check fails, of at least 2,000 cases."""
    config = HERE / f"{live.name}.toml"
    done = run(
        *(sys.executable, "-m", "schemathesis.cli", *([f"--config-file={config}"] if config.exists() else [])),
        *("run", str(live.file), f"--url={live.url}", "--checks=all", "--phases=examples,coverage,fuzzing,stateful"),
        *(f"--seed={SEED}", f"--max-examples={EXAMPLES[live.name]}", "--generation-database=none", "--no-color"),
        folder=live.file.parent,
        environment=live.environment,
        limit=800,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counted = re.search(r"(\d[\d,]*) generated", done.stdout)
    assert counted is not None, done.stdout
    cases = int(counted[1].replace(",", ""))
    print(f"{live.name}: {cases} cases")
    assert cases >= MINIMUM, done.stdout
