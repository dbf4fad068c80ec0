"""Objects and applications by their names on a command line: ``package.module:attribute``.

No aiohttp: it is imported when an application is loaded.
"""

import argparse
import asyncio
import contextlib
import difflib
import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["LoadingError", "add_target", "load_application", "load_object", "stdout_to_stderr", "write_output"]


# Files whose lines say nothing about why an application fails.
_TOOLKIT = os.path.join(os.path.dirname(__file__), "")
_MACHINERY = (__file__, importlib.__file__, asyncio.runners.__file__, asyncio.base_events.__file__)


class LoadingError(Exception):
    """An object cannot be loaded. Its text is one line that says why; ``__cause__`` is what was raised, if anything."""


def load_object(target: str) -> object:
    """Import a module, and return what an attribute of it holds.

    Args:
        target: ``"package.module:attribute"``. The attribute may be dotted, as in ``"module:Class.method"``.

    Raises:
        LoadingError: it has another form, or the module or the attribute is missing, or importing fails, be it by
            ``sys.exit``.
    """
    module_name, colon, path = target.partition(":")
    if not (colon and module_name and path):
        raise LoadingError(f"{target!r} names no object: write module:attribute, as in package.app:create_app")
    if not all(part.isidentifier() for part in module_name.split(".")):
        raise LoadingError(f"{module_name!r} is no name of a module{_suggest_module(module_name, path)}")
    found: object = _import(module_name, path)
    for index, name in enumerate(path.split(".")):
        found = _attribute(found, name, ".".join([module_name, *path.split(".")[:index]]))
    return found


def load_application(target: str) -> "web.Application":
    """Load an application, or call the function that makes it, and wait for it where that is a coroutine function.

    Nothing is started: neither ``on_startup`` nor a clean-up context runs. No event loop may run in this thread.

    Args:
        target: as for `load_object`; it names an application, or something that returns one without arguments.

    Raises:
        LoadingError: as for `load_object`; also where the function needs arguments, fails, or returns something else.
    """
    from aiohttp import web  # noqa: PLC0415 - "--help" needs no aiohttp

    found = load_object(target)
    if isinstance(found, web.Application):
        return found
    if not callable(found):
        raise LoadingError(f"{target} is {_kind(found)}: neither an application nor a function that makes one")
    made = _call(found, target)
    if not isinstance(made, web.Application):
        hint = ": it must return the application" if made is None else ", no aiohttp.web.Application"
        raise LoadingError(f"{target} returned {_kind(made)}{hint}")
    return made


def add_target(parser: argparse.ArgumentParser) -> None:
    """Add what a command needs to load an application: ``target``, and ``--traceback`` for when that fails."""
    parser.add_argument(
        "target",
        metavar="MODULE:ATTRIBUTE",
        help="an application, or a function (async or not) that makes one without arguments: package.app:create_app",
    )
    parser.add_argument("--traceback", action="store_true", help="when loading fails, show where")


def write_output(text: str) -> None:
    """Write to standard output, in UTF-8 whatever the terminal's encoding is."""
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:  # replaced by something of the caller's
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    buffer.write(text.encode())
    buffer.flush()


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Send what the block prints to standard error, its child processes' output too: standard output is for data."""
    with contextlib.redirect_stdout(sys.stderr):
        try:
            if sys.__stdout__ is not None:
                sys.__stdout__.flush()
            kept = os.dup(1)
        except OSError:  # it is closed
            yield
            return
        try:
            os.dup2(2, 1)
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)


def _import(name: str, attribute: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # "package.module" is missing, or "package" is: the name that was asked for, and not one that it imports.
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            hint = _suggest_module(name, attribute) if name.endswith(".py") else ""
            raise LoadingError(f"there is no module {error.name!r} in {os.getcwd()!r} or on sys.path{hint}") from error
        raise LoadingError(f"importing {name} failed: {_describe(error)}") from error
    except (Exception, SystemExit) as error:
        raise LoadingError(f"importing {name} failed: {_describe(error)}") from error


def _attribute(owner: object, name: str, shown: str) -> object:
    try:
        return getattr(owner, name)
    except AttributeError as error:
        close = difflib.get_close_matches(name, [known for known in dir(owner) if not known.startswith("_")], n=1)
        hint = f": did you mean {close[0]!r}?" if close else ""
        raise LoadingError(f"{shown} has no attribute {name!r}{hint}") from error
    except Exception as error:
        raise LoadingError(f"reading {name!r} of {shown} failed: {_describe(error)}") from error


def _call(function: Callable[..., object], target: str) -> object:
    if missing := _required_parameters(function):
        raise LoadingError(
            f"{target} needs arguments ({', '.join(missing)}): name a function without required ones, that calls it"
        )
    try:
        made = function()
        return asyncio.run(_wait(made)) if inspect.isawaitable(made) else made
    except (Exception, SystemExit) as error:
        raise LoadingError(f"calling {target} failed: {_describe(error)}") from error


async def _wait(awaitable: Awaitable[object]) -> object:
    return await awaitable


def _required_parameters(function: Callable[..., object]) -> list[str]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # made in C, without a signature: calling it will tell
        return []
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [one.name for one in parameters if one.kind not in optional and one.default is one.empty]


def _suggest_module(name: str, attribute: str) -> str:
    dotted = name.removesuffix(".py").replace("/", ".").replace("\\", ".").strip(".")
    return f": write {dotted}:{attribute}" if all(part.isidentifier() for part in dotted.split(".")) else ""


def _kind(value: object) -> str:
    return "None" if value is None else f"a value of type {type(value).__name__}"


def _describe(error: BaseException) -> str:
    """An error in one line, with the place where it was raised."""
    text = " ".join(str(error).split())
    shown = f"{type(error).__name__}: {text}" if text else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    known = [frame for frame in frames if not frame.filename.startswith("<") and frame.filename not in _MACHINERY]
    # What the toolkit refuses is written in the user's own file.
    own = [frame for frame in known if not frame.filename.startswith(_TOOLKIT)] or known
    return f"{shown} ({own[-1].filename}, line {own[-1].lineno})" if own else shown
