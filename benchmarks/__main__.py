"""What the toolkit costs beside plain aiohttp, and what others cost; ``make bench`` runs it.

Read the numbers with these biases in mind. Loopback, no access log, no database: an application spends more elsewhere.
Plain aiohttp validates nothing and shapes no error, so it does not do the same work. We wrote every contender, after
its own documentation, and know our own best. A difference as small as that of "aiohttp again" says nothing.
"""

import argparse
import json
import sys
from pathlib import Path

from benchmarks.imports import measure_imports
from benchmarks.inprocess import INSTALLS, run_both
from benchmarks.load import NO_WRK, has_wrk, measure_load
from benchmarks.memory import can_measure_memory, measure_memory
from benchmarks.report import Results, as_json, as_markdown, as_text, write_into
from benchmarks.servers import CONTENDERS
from benchmarks.workload import REQUESTS

_PARTS = ("inprocess", "load", "memory", "imports")
_LOAD_REQUESTS = ("one", "100", "1000", "invalid", "query")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=_PARTS, default=_PARTS, help="default: all of them")
    parser.add_argument("--requests", nargs="+", choices=REQUESTS, help="default: all; under wrk all but 10000")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, metavar="NAME", help=f"of {', '.join(CONTENDERS)}")
    parser.add_argument("--no-peers", action="store_true", help="only aiohttp and the toolkit")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender under wrk (5)")
    parser.add_argument("--duration", type=int, default=2, help="seconds of each turn under wrk (2)")
    parser.add_argument("--turns", type=int, default=48, help="turns of each column in one process (48)")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print JSON")
    output.add_argument("--markdown", action="store_true", help="print the tables of docs/explanation/speed.md")
    output.add_argument("--write", type=Path, metavar="FILE", help="put these tables into the document")
    options = parser.parse_args()
    if min(options.rounds, options.duration) < 1 or options.turns < 2:
        parser.error("--rounds and --duration are at least 1, --turns at least 2")
    return options


def _measure(options: argparse.Namespace) -> Results:
    parts = set(options.parts)
    if "load" in parts and not has_wrk():
        print(NO_WRK, file=sys.stderr)
        parts.discard("load")
    if "memory" in parts and not can_measure_memory():
        print("This system does not tell the peak of a process's memory, so that part is left out.", file=sys.stderr)
        parts.discard("memory")
    names = options.only or [name for name in CONTENDERS if not (options.no_peers and CONTENDERS[name].peer)]
    loaded = options.requests or _LOAD_REQUESTS
    return Results(
        inprocess=run_both(INSTALLS, options.requests or list(REQUESTS), options.turns) if "inprocess" in parts else {},
        load=measure_load(names, loaded, options.rounds, options.duration) if "load" in parts else [],
        memory=measure_memory() if "memory" in parts else [],
        imports=measure_imports() if "imports" in parts else [],
    )


def _main() -> None:
    options = _parse()
    results = _measure(options)
    if options.json:
        print(json.dumps(as_json(results), indent=2))
    elif options.write:
        write_into(options.write, results)
    elif options.markdown:
        print(as_markdown(results))
    else:
        print(__doc__)
        print(as_text(results))


if __name__ == "__main__":
    _main()
