"""``python -m aiotoolkit openapi``: print the OpenAPI document of an application, or compare it with a file."""

import argparse
import difflib
import json
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from aiotoolkit._loading import LoadingError, add_target, load_application, stdout_to_stderr, write_output

if TYPE_CHECKING:
    from aiohttp import web

    _Make = Callable[[], dict[str, Any]]

__all__ = ["add_commands"]

_DESCRIPTION = """\
Print the OpenAPI document of an application: the one that it serves where it calls setup_openapi, else one that is
built of its routes and schemas. Nothing is started: no server, no database, no on_startup.
"""
_EPILOG = """\
examples:
  python -m aiotoolkit openapi package.app:create_app
  python -m aiotoolkit openapi package.app:create_app --output openapi.yaml
  python -m aiotoolkit openapi package.app:create_app --check openapi.yaml
  python -m aiotoolkit openapi package.app:create_app --path /internal/openapi
  python -m aiotoolkit openapi package.app:app --title Projects --version 1.0

exit codes: 0 success, 1 the file of --check differs (the difference is printed), 2 wrong use, the application cannot
be loaded or described, or the file of --check cannot be read
"""


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``openapi``."""
    parser = subparsers.add_parser(
        "openapi",
        help="print the OpenAPI document, or compare it with a file",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_target(parser)
    parser.add_argument("--path", help="which document, where several are served: the path given to setup_openapi")
    parser.add_argument("--title", help="without setup_openapi: the title (default: the name of the package)")
    parser.add_argument("--version", help="without setup_openapi: the version (default: that of the package, or 0.1.0)")
    parser.add_argument("--format", choices=("json", "yaml"), help="default: that of the file's name, else json")
    file = parser.add_mutually_exclusive_group()
    file.add_argument("--output", type=Path, metavar="FILE", help="write the document there, and not to the terminal")
    file.add_argument("--check", type=Path, metavar="FILE", help="compare the document with this file, JSON or YAML")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    with stdout_to_stderr(), _plain_warnings():
        document = _document_of(load_application(arguments.target), arguments)
    file: Path | None = arguments.check or arguments.output
    kind = arguments.format or _kind_of(file)
    if arguments.check is not None:
        return _check(document, arguments.check, kind, arguments.target)
    text = _dump(document, kind)
    if arguments.output is None:
        write_output(text)
        return 0
    try:
        arguments.output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise LoadingError(f"{arguments.output} cannot be written: {error.strerror}") from None
    return 0


def _document_of(app: "web.Application", arguments: argparse.Namespace) -> dict[str, Any]:
    served = _served_by(app)
    if not served and arguments.path is None:
        return _built(lambda: _build(app, arguments))
    if arguments.title or arguments.version:
        raise LoadingError("the application calls setup_openapi, which says title and version: leave both out here")
    return _built(_chosen(served, arguments.path))


def _served_by(app: "web.Application") -> dict[str, "_Make"]:
    """What makes the documents that an application and its sub-applications serve, by their paths without suffix."""
    from aiotoolkit._openapi_routes import iterate_routes  # noqa: PLC0415 - it loads aiohttp, and "--help" needs none
    from aiotoolkit._openapi_serving import served_documents  # noqa: PLC0415 - the same

    found = {}
    for route in iterate_routes(app):
        for path, make in served_documents(route.application).items():
            if route.path.endswith(f"{path}.json"):
                found[route.path.removesuffix(".json")] = make
    return found


def _chosen(served: dict[str, "_Make"], path: str | None) -> "_Make":
    if path is None and len(served) == 1:
        return next(iter(served.values()))
    if path is None:
        raise LoadingError(f"several documents are served: choose one by --path ({', '.join(served)})")
    wanted = path.removesuffix(".json").removesuffix(".yaml")
    if wanted not in served:
        raise LoadingError(f"no document is served at {path} ({', '.join(served) or 'setup_openapi is not called'})")
    return served[wanted]


def _build(app: "web.Application", arguments: argparse.Namespace) -> dict[str, Any]:
    from aiotoolkit.openapi import build_openapi  # noqa: PLC0415 - it loads aiohttp, and "--help" needs none

    package = arguments.target.partition(":")[0].partition(".")[0]
    version = getattr(sys.modules[package], "__version__", None)
    return build_openapi(
        app,
        title=arguments.title or package,
        version=arguments.version or (version if isinstance(version, str) else "0.1.0"),
    )


def _built(make: "_Make") -> dict[str, Any]:
    try:
        return make()
    except Exception as error:
        text = " ".join(str(error).split())
        raise LoadingError(f"the application cannot be described: {text}") from error


def _check(document: dict[str, Any], file: Path, kind: str, target: str) -> int:
    committed = _read(file, kind)
    # Of equal meaning: the order of members, and how the file is laid out, do not matter.
    old, new = (_dump(one, kind, sort_keys=True) for one in (committed, document))
    if old == new:
        return 0
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), str(file), target, lineterm="")
    write_output("".join(f"{line}\n" for line in lines))
    how = f"python -m aiotoolkit openapi {target} --output {file}"
    print(f"{file} differs from the application; to write it anew: {how}", file=sys.stderr)  # noqa: T201 - for the user
    return 1


def _read(file: Path, kind: str) -> Mapping[str, Any]:
    try:
        text = file.read_text(encoding="utf-8-sig")
        data = json.loads(text) if kind == "json" else _load_yaml(text)
    except OSError as error:
        raise LoadingError(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise LoadingError(f"{file} is no {kind.upper()}: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise LoadingError(f"{file} holds no document, which is an object")
    return data


def _kind_of(file: Path | None) -> str:
    return "yaml" if file is not None and file.suffix.lower() in (".yaml", ".yml") else "json"


def _dump(document: Mapping[str, Any], kind: str, *, sort_keys: bool = False) -> str:
    if sort_keys:
        document = json.loads(json.dumps(document, sort_keys=True))
    if kind == "json":
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    _yaml()
    from aiotoolkit._openapi_yaml import to_yaml  # noqa: PLC0415 - it needs the extra

    return to_yaml(document).decode()


def _load_yaml(text: str) -> Any:
    yaml = _yaml()

    class Loader(yaml.SafeLoader):  # type: ignore[misc, name-defined]  # it is imported when it is needed
        """Without the dates of YAML 1.1: JSON has none, and an example of one is text."""

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        return _with_text_keys(yaml.load(text, Loader))
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _with_text_keys(data: Any) -> Any:
    """As JSON has them: ``200:`` in YAML is a number."""
    if isinstance(data, dict):
        return {key if isinstance(key, str) else json.dumps(key): _with_text_keys(value) for key, value in data.items()}
    return [_with_text_keys(one) for one in data] if isinstance(data, list) else data


def _yaml() -> Any:
    try:
        import yaml  # noqa: PLC0415 - it is optional
    except ImportError as error:
        raise LoadingError('YAML needs PyYAML: pip install "aiotoolkit[openapi]"') from error
    return yaml


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show what cannot be described as one line: where in the toolkit it was noticed tells the reader nothing."""
    show = warnings.showwarning

    def show_plainly(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if category is UserWarning:
            print(f"warning: {message}", file=sys.stderr)  # noqa: T201 - for the user
        else:
            show(message, category, filename, lineno, file, line)

    with warnings.catch_warnings():
        warnings.showwarning = show_plainly
        yield
