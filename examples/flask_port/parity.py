"""Compares the stages of the port with the Flask application: ``python -m examples.flask_port.parity --stage all``."""

import argparse
import asyncio
import shlex
import sys
from typing import Final

from aiotoolkit.porting.parity import ParityReport, Side, compare
from examples.flask_port.after.settings import STAGES, Stage
from examples.flask_port.differences import expected_at
from examples.flask_port.requests import ENVIRONMENT, script

__all__ = ["ORIGINAL", "compare_stage", "stage_side"]

BEFORE: Final = shlex.join([sys.executable, "-m", "examples.flask_port.after", "init-db", "--sample"])
ORIGINAL: Final = Side("examples.flask_port.before:create_app", env=ENVIRONMENT, before=BEFORE, ready_path="/health")


def stage_side(stage: Stage) -> Side:
    """The port at a stage, with a database of its own."""
    environment = {**ENVIRONMENT, "LOGBOOK_STAGE": stage}
    return Side("examples.flask_port.after.app:create_app", env=environment, before=BEFORE, ready_path="/health")


async def compare_stage(stage: Stage) -> ParityReport:
    """Send every request to the Flask application and to a stage of the port, each with a fresh database."""
    return await compare(
        script(),
        flask=ORIGINAL,
        aiohttp=stage_side(stage),
        expect=expected_at(stage),
        sessions=True,
        timeout=120,  # seconds: a machine may have more to do
        wait=120,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m examples.flask_port.parity", description=__doc__)
    parser.add_argument("--stage", choices=STAGES, help="the stage to compare (default: all three)")
    chosen = parser.parse_args().stage
    is_equal = True
    for stage in [chosen] if chosen else STAGES:
        report = asyncio.run(compare_stage(stage))
        is_equal &= report.equal
        print(f"{stage}: {report.table(announced=True)}\n")
    sys.exit(0 if is_equal else 1)


if __name__ == "__main__":
    main()
