"""What ``import aiotoolkit.schemas`` takes over ``import aiohttp.web``, each in new processes, in turns."""

import json
import statistics
import subprocess
import sys
from typing import Final, NamedTuple

from benchmarks.inprocess import INSTALLS

__all__ = ["IMPORT_TARGET", "ImportRow", "measure_imports"]

IMPORT_TARGET: Final = 80.0  # milliseconds over aiohttp's own

_SCRIPT: Final = """
import sys, time
if {block}:
    sys.modules["msgspec"] = None
start = time.process_time()
import aiohttp.web
between = time.process_time()
import aiotoolkit.schemas
end = time.process_time()
print([(between - start) * 1e3, (end - between) * 1e3])
"""


class ImportRow(NamedTuple):
    """Milliseconds of CPU time, medians.

    Attributes:
        install: "plain" or "fast".
        aiohttp: for ``aiohttp.web``.
        toolkit: for ``aiotoolkit.schemas``, with ``aiohttp.web`` imported already.
    """

    install: str
    aiohttp: float
    toolkit: float


def measure_imports(rounds: int = 15) -> list[ImportRow]:
    """Measure both installations."""
    print("imports ...", file=sys.stderr, flush=True)
    samples: dict[str, list[tuple[float, float]]] = {install: [] for install in INSTALLS}
    for number in range(rounds + 1):
        for install, taken in samples.items():
            script = _SCRIPT.format(block=install == "plain")
            done = subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.PIPE)
            if number:  # the first round may have compiled to __pycache__
                first, second = json.loads(done.stdout)
                taken.append((first, second))
    return [
        ImportRow(install, *(statistics.median(column) for column in zip(*taken, strict=True)))
        for install, taken in samples.items()
    ]


def imports_table(rows: list[ImportRow]) -> list[str]:
    """The lines of a table."""
    lines = ["", "imports, ms of CPU time"]
    for row in rows:
        verdict = "met" if row.toolkit <= IMPORT_TARGET else "MISSED"
        times = f"aiohttp.web {row.aiohttp:.0f}, then aiotoolkit.schemas {row.toolkit:.0f}"
        lines.append(f"{row.install:<6} {times}  {verdict} ({IMPORT_TARGET:.0f})")
    return lines
