"""``python -m aiotoolkit routes``: list what an application answers."""

import argparse
import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

from aiotoolkit._loading import add_target, load_application, stdout_to_stderr, write_output

if TYPE_CHECKING:
    from aiotoolkit._openapi_routes import RouteEntry

__all__ = ["add_commands"]

_DESCRIPTION = """\
List the routes of an application and of its sub-applications and components, with all prefixes, in the order in which
they are asked: the first that fits a request answers it. The HEAD that aiohttp adds to each GET is left out.

"described" says whether the handler has a Schema; an OpenAPI document tells of no other ones.
"""
_EPILOG = """\
examples:
  python -m aiotoolkit routes package.app:create_app
  python -m aiotoolkit routes package.app:create_app --json | jq '.[] | select(.described | not).path'

exit codes: 0 success, 2 wrong use, or the application cannot be loaded
"""
_COLUMNS = ("method", "path", "name", "described", "handler")
_MARGIN = 2
_SHORTEST_HANDLER = 20


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``routes``."""
    parser = subparsers.add_parser(
        "routes",
        help="list method, path, name and handler of each route",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_target(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON array, with an object for each route")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from aiotoolkit._openapi_routes import iterate_routes  # noqa: PLC0415 - it loads aiohttp, and "--help" needs none

    with stdout_to_stderr():
        routes = [_as_dict(entry) for entry in iterate_routes(load_application(arguments.target))]
    if arguments.json:
        write_output(json.dumps(routes, indent=2, ensure_ascii=False) + "\n")
    else:
        write_output(_table(routes, shutil.get_terminal_size().columns if sys.stdout.isatty() else None))
    return 0


def _as_dict(entry: "RouteEntry") -> dict[str, Any]:
    return {
        "method": entry.method,
        "host": entry.host,
        "path": entry.path,
        "name": entry.name,
        "described": entry.schema is not None,
        "handler": _name_of(entry.view),
    }


def _name_of(function: Any) -> str:
    """``module:qualname``, of the class for an object that can be called."""
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}:{named.__qualname__}"


def _table(routes: list[dict[str, Any]], width: int | None) -> str:
    """Aligned columns; for a terminal, the handler is cut at its start to fit the line."""
    header = tuple(column.upper() for column in _COLUMNS)
    rows: list[tuple[str, ...]] = [header, *map(_row, routes)]
    widths = [max(len(row[index]) for row in rows) + _MARGIN for index in range(len(_COLUMNS) - 1)]
    room = None if width is None else max(width - sum(widths), _SHORTEST_HANDLER)
    return "".join(
        "".join(text.ljust(size) for text, size in zip(row, widths, strict=False)) + _cut(row[-1], room) + "\n"
        for row in rows
    )


def _row(route: dict[str, Any]) -> tuple[str, ...]:
    described = "yes" if route["described"] else "no"
    return route["method"], f"{route['host'] or ''}{route['path']}", route["name"] or "-", described, route["handler"]


def _cut(text: str, room: int | None) -> str:
    return text if room is None or len(text) <= room else f"…{text[1 - room :]}"
