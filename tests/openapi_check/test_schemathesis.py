"""Schemathesis sends what a document allows, and what it does not, to the live application, with every check.

The seed is fixed: the same cases are sent each time.
"""

import re
import sys

import pytest

from tests.openapi_check.conftest import HERE, Live, run

pytestmark = pytest.mark.timeout(900)

SEED = "20261121"
# How many cases for each operation, and how many that must be in all: half a minute where nothing else runs.
EXAMPLES = {"projects": 550, "schema_first": 550, "everything": 30}
MINIMUM = {"projects": 2000, "schema_first": 2000, "everything": 1500}


def test_schemathesis(live: Live) -> None:
    """No check fails, of thousands of cases."""
    config = HERE / f"{live.name}.toml"
    done = run(
        *(sys.executable, "-m", "schemathesis.cli", *([f"--config-file={config}"] if config.exists() else [])),
        *(
            "run",
            str(live.file),
            f"--url={live.url}{live.base}",
            "--checks=all",
            "--phases=examples,coverage,fuzzing,stateful",
        ),
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
    assert cases >= MINIMUM[live.name], done.stdout
