"""The results as text, as JSON and as Markdown."""

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.imports import ImportRow, imports_table
from benchmarks.inprocess import COLUMNS, Row, inprocess_table, per_item, verdict
from benchmarks.load import LoadRow
from benchmarks.memory import MemoryRow, memory_table
from benchmarks.servers import CONTENDERS
from benchmarks.workload import REQUESTS

__all__ = ["Results", "as_json", "as_markdown", "as_text", "write_into"]


_BEGIN: Final = "<!-- measured: begin -->"
_END: Final = "<!-- measured: end -->"


class Results(NamedTuple):
    """What was measured; a part that was left out is empty."""

    inprocess: Mapping[str, Sequence[Row]]
    load: Sequence[LoadRow]
    memory: Sequence[MemoryRow]
    imports: list[ImportRow]


def machine() -> str:
    """The date and the machine, in one line."""
    cpuinfo = Path("/proc/cpuinfo")
    models = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next((line.partition(":")[2].strip() for line in models if line.startswith("model name")), "")
    processor = model or platform.processor() or platform.machine()
    today = datetime.now(UTC).date()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    system = f"{platform.system()} {platform.machine()}"
    return f"{today}, {python}, aiohttp {version('aiohttp')}, {system}, {os.cpu_count()} cores of {processor}"


def as_json(results: Results) -> dict[str, Any]:
    """Everything, as plain data."""
    return {
        "machine": machine(),
        "inprocess": {install: [row._asdict() for row in rows] for install, rows in results.inprocess.items()},
        "load": [row._asdict() for row in results.load],
        "memory": [row._asdict() for row in results.memory],
        "imports": [row._asdict() for row in results.imports],
    }


def as_text(results: Results) -> str:
    """Tables for a terminal."""
    lines = [machine()]
    for install, rows in results.inprocess.items():
        lines += inprocess_table(install, rows)
    for request in dict.fromkeys(row.request for row in results.load):
        lines += _load_table(request, [row for row in results.load if row.request == request])
    if results.memory:
        lines += memory_table(results.memory)
    if results.imports:
        lines += imports_table(results.imports)
    return "\n".join(lines)


def _load_table(request: str, rows: Sequence[LoadRow]) -> list[str]:
    head = f"{'':<22}{'answers/s':>11}{'x aiohttp':>11}{'CPU us':>11}{'x aiohttp':>11}{'+/-':>7}  validates"
    lines = ["", f"{REQUESTS[request].label}: servers under wrk", head]
    for row in rows:
        columns = f"{row.per_second:>11.0f}{row.throughput_ratio:>11.2f}{row.cpu:>11.1f}{row.cpu_ratio:>11.2f}"
        validates = CONTENDERS[row.contender].validates
        lines.append(f"{row.contender:<22}{columns}{row.spread:>7.2f}  {validates}")
    return lines


def as_markdown(results: Results) -> str:
    """The tables of docs/explanation/speed.md."""
    lines = [f"Measured: {machine()}."]
    if results.load:
        lines += _load_markdown(results.load)
    for install, rows in results.inprocess.items():
        lines += _inprocess_markdown(install, rows)
    if results.memory:
        lines += ["", "| memory at the peak of one request | body | peak | peak / body |", "|---|---|---|---|"]
        for memory in results.memory:
            label = f"{memory.contender}: {REQUESTS[memory.request].label}"
            sizes = f"{memory.body / 1000:.0f} kB | {memory.peak / 1000:.0f} kB | {memory.peak / memory.body:.1f}"
            lines.append(f"| {label} | {sizes} |")
    if results.imports:
        lines += ["", "| import, ms of CPU time | `aiohttp.web` | then `aiotoolkit.schemas` |", "|---|---|---|"]
        lines += [f"| {row.install} | {row.aiohttp:.0f} | {row.toolkit:.0f} |" for row in results.imports]
    return "\n".join(lines)


def write_into(file: Path, results: Results) -> None:
    """Put the tables into a document, between its two comments.

    Raises:
        ValueError: it does not have them.
    """
    text = file.read_text()
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{file} has no {_BEGIN} and {_END} between which the tables go")
    file.write_text(f"{before}{_BEGIN}\n\n{as_markdown(results)}\n\n{_END}{after}")


def _load_markdown(rows: Sequence[LoadRow]) -> list[str]:
    requests = list(dict.fromkeys(row.request for row in rows))
    cells = {(row.contender, row.request): f"{row.throughput_ratio:.2f} / {row.cpu_ratio:.2f}" for row in rows}
    heads = " | ".join(REQUESTS[request].label for request in requests)
    lines = [
        "",
        f"| throughput / CPU, as ratios to plain aiohttp | validates | {heads} |",
        "|---" * (len(requests) + 2) + "|",
    ]
    for name in dict.fromkeys(row.contender for row in rows):
        values = " | ".join(cells.get((name, request), "") for request in requests)
        lines.append(f"| {name} | {CONTENDERS[name].validates} | {values} |")
    return lines


def _inprocess_markdown(install: str, rows: Sequence[Row]) -> list[str]:
    title = f"{install} install, us of CPU time without sockets"
    lines = ["", f"| {title} | aiohttp | aiohttp again | toolkit | +/- | speed / aiohttp | target |", "|---" * 7 + "|"]
    for row in rows:
        times = " | ".join(f"{row.times[column]:.1f}" for column in COLUMNS)
        label = REQUESTS[row.request].label
        lines.append(f"| {label} | {times} | {row.spread:.1f} | {row.speed:.2f} | {verdict(install, row)} |")
    costs = [f"{cost:.2f} us from {between} items" for between, cost in per_item(rows).items()]
    return [*lines, "", f"Each further item costs the toolkit {', '.join(costs)}."] if costs else lines
