"""The commands of ``python -m aiotoolkit``.

Exit codes: 0 for success, 1 where what was compared differs, 2 for a wrong use or an application that cannot be loaded.

A module ``_cli_<command>`` has ``add_commands(subparsers)``, which names its function by ``set_defaults(run=...)``; it
imports what the command needs when that runs, so that the help of all of them loads no aiohttp.
"""

import argparse
import contextlib
import os
import sys
import traceback
from collections.abc import Sequence

from aiotoolkit import __version__, _cli_openapi, _cli_routes
from aiotoolkit._loading import LoadingError

__all__ = ["main"]

_EPILOG = """\
examples:
  python -m aiotoolkit routes package.app:create_app
  python -m aiotoolkit openapi package.app:create_app --output openapi.json
  python -m aiotoolkit openapi package.app:create_app --check openapi.json

exit codes: 0 success, 1 what was compared differs, 2 wrong use, or the application cannot be loaded
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit code.

    Args:
        argv: the arguments, by default those of the process.
    """
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as end:  # argparse has printed its help, its version or what is wrong
        return end.code if isinstance(end.code, int) else 2
    try:
        return _run(arguments)
    except LoadingError as error:
        if arguments.traceback and error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        hint = "" if arguments.traceback or error.__cause__ is None else " (--traceback shows more)"
        print(f"error: {error}{hint}", file=sys.stderr)  # noqa: T201 - this is what the command says
        return 2
    except BrokenPipeError:
        _forget_stdout()
        return 0


def _run(arguments: argparse.Namespace) -> int:
    code: int = arguments.run(arguments)
    sys.stdout.flush()  # a reader that has gone away is met here, and not when Python ends
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m aiotoolkit",
        description="Commands for aiohttp.web applications.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"aiotoolkit {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for module in (_cli_openapi, _cli_routes):
        module.add_commands(subparsers)
    return parser


def _forget_stdout() -> None:
    """Keep Python from writing, at its end, what nobody reads (as in the documentation of ``signal``)."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
