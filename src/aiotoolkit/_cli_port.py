"""The commands ``port parity`` and ``port report``: tools for moving a Flask application to aiohttp."""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aiotoolkit._loading import LoadingError, write_output

if TYPE_CHECKING:
    from aiotoolkit.porting.parity import Side

__all__ = ["add_commands"]

_PARITY = """\
Send the same requests to a Flask application and to its port, and report every difference in status, headers, cookies
and body. Both are started as processes of their own, from fresh state; or they are the URLs of running servers.
"""
_PARITY_EPILOG = """\
examples:
  python -m aiotoolkit port parity requests.yaml --flask old.app:app --aiohttp new.app:create_app
  python -m aiotoolkit port parity recording.har --flask http://127.0.0.1:5000 --aiohttp http://127.0.0.1:8080

exit codes: 0 equal, 1 differences (or an announced one that does not appear), 2 could not compare
"""
_REPORT = """\
Take stock of a Flask code base: every construct with its place and its equivalent, the extensions, and calls that would
block the event loop. The code is read and never run, unless --app names an application.
"""
_REPORT_EPILOG = """\
examples:
  python -m aiotoolkit port report src
  python -m aiotoolkit port report src --app package.app:create_app --format markdown > stock.md

exit codes: 0 success, 2 wrong use, or the application cannot be loaded
"""


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``port`` with its own commands."""
    port = subparsers.add_parser("port", help="compare a Flask application with its port, or take stock of it")
    commands = port.add_subparsers(title="commands", metavar="COMMAND", dest="port_command", required=True)
    _add_parity(commands)
    _add_report(commands)


def _add_parity(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _add_parser(commands, "parity", "compare the answers of two applications", _PARITY, _PARITY_EPILOG)
    parser.add_argument("script", type=Path, metavar="SCRIPT", help="requests: .json, .jsonl, .yaml or .har")
    for side, framework in (("flask", "Flask, or any WSGI,"), ("aiohttp", "aiohttp")):
        group = parser.add_argument_group(f"the side of {side}")
        group.add_argument(
            f"--{side}", required=True, metavar="TARGET", help=f"{framework} application MODULE:NAME, or a base URL"
        )
        group.add_argument(
            f"--{side}-env", action="append", default=[], metavar="NAME=VALUE",
            help="environment of its process; {folder} is a fresh temporary folder",
        )  # fmt: skip
        group.add_argument(f"--{side}-before", metavar="COMMAND", help="run first, in that environment")
        group.add_argument(
            f"--{side}-python", default=sys.executable, metavar="PATH", help="the interpreter (default: this one)"
        )
    parser.add_argument("--expect", type=Path, metavar="FILE", help="announced differences")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON")
    parser.add_argument("--host", help="of a recording: whose requests (default: of its first one)")
    parser.add_argument("--timeout", type=_seconds, default=30.0, help="seconds for each request (default: 30)")
    parser.add_argument("--wait", type=_seconds, default=60.0, help="seconds for each side to be ready (default: 60)")
    parser.add_argument("--ready-path", default="/", metavar="PATH", help="of base URLs: asked for until answered")
    parser.add_argument("--sessions", action="store_true", help="compare what is inside signed session cookies, too")
    parser.add_argument("--announced", action="store_true", help="show announced differences, too")
    parser.set_defaults(run=_run_parity)


def _add_report(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _add_parser(commands, "report", "take stock of a Flask code base", _REPORT, _REPORT_EPILOG)
    parser.add_argument("path", type=Path, metavar="PATH", help="a folder, or one file")
    parser.add_argument("--app", metavar="MODULE:NAME", help="load this application, in a process of its own")
    parser.add_argument("--python", default=sys.executable, metavar="PATH", help="the interpreter that loads it")
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    parser.add_argument("--notes", metavar="URL", help="where the links lead: the address of the page of notes")
    parser.set_defaults(run=_run_report)


def _add_parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str, description: str, epilog: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=text,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(traceback=False)  # an error is told in full as it is
    return parser


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:  # nan fails both
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return value


def _side(arguments: argparse.Namespace, name: str) -> "Side":
    from aiotoolkit.porting.parity import Side  # noqa: PLC0415 - the help of all commands loads nothing of this

    env: dict[str, str] = {}
    for pair in getattr(arguments, f"{name}_env"):
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise LoadingError(f"--{name}-env is NAME=VALUE, not {key!r}")
        env[key] = value
    return Side(
        getattr(arguments, name),
        env=env,
        before=getattr(arguments, f"{name}_before"),
        python=getattr(arguments, f"{name}_python"),
        ready_path=arguments.ready_path,
    )


def _run_parity(arguments: argparse.Namespace) -> int:
    from aiotoolkit.porting.parity import ParityError, compare, load_script  # noqa: PLC0415 - as above

    progress = _Progress()
    try:
        report = asyncio.run(
            compare(
                load_script(arguments.script, host=arguments.host),
                flask=_side(arguments, "flask"),
                aiohttp=_side(arguments, "aiohttp"),
                expect=arguments.expect or (),
                timeout=arguments.timeout,
                wait=arguments.wait,
                sessions=arguments.sessions,
                progress=progress.show,
            )
        )
    except ParityError as error:
        progress.clear()
        raise LoadingError(str(error)) from None
    except KeyboardInterrupt:
        progress.clear()
        raise LoadingError("interrupted") from None
    progress.clear()
    if arguments.json is not None:
        _write_json(arguments.json, report.to_dict())
    write_output(report.table(announced=arguments.announced) + "\n")
    return 0 if report.equal else 1


def _run_report(arguments: argparse.Namespace) -> int:
    from aiotoolkit.porting.report import ReportError, take_stock  # noqa: PLC0415 - as above

    progress = _Progress()
    try:
        report = take_stock(arguments.path, app=arguments.app, python=arguments.python, progress=progress.show)
    except ReportError as error:
        progress.clear()
        raise LoadingError(str(error)) from None
    progress.clear()
    write_output(report.render(arguments.format, notes=arguments.notes) + "\n")
    return 0


class _Progress:
    """One line on a terminal that says how far it is; nothing anywhere else."""

    def __init__(self) -> None:
        self.active = sys.stderr.isatty()

    def show(self, number: int, count: int, name: str) -> None:
        """Write the line over the one before."""
        if self.active:
            text = "".join(character if character.isprintable() else "?" for character in name)[:60]
            self._write(f"\r\x1b[K{number}/{count} {text}")

    def clear(self) -> None:
        """Take the line away."""
        if self.active:
            self._write("\r\x1b[K")

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def _write_json(path: Path, data: object) -> None:
    try:
        path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise LoadingError(f"cannot write {path}: {error.strerror}") from None
