"""Sentry in a logging dict, whichever client sends the events."""

from __future__ import annotations

import importlib.util
import logging
import threading
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard
from urllib.parse import parse_qsl, urlsplit
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import MutableMapping

__all__ = ["checked_level", "flush", "is_mapping", "sends_to_sentry", "sentry_handler", "update_sentry_logging"]

_EXTRAS = {"sentry_sdk": "sentry", "raven": "raven"}
_SENTRY_HANDLER = "aiotoolkit.logger.sentry_handler"
_RAVEN_DSN_OPTIONS = frozenset({"ca_certs", "timeout", "verify_ssl"})
_SENT = "_aiotoolkit_sent"
# The clients', and the one that tells of lost events.
_OWN_LOGGERS = ("aiotoolkit.logger", "raven", "sentry.errors", "sentry_sdk")
_SENDING_THREADS = frozenset({"aiotoolkit.raven", "raven.AsyncWorker", "sentry-sdk.BackgroundWorker"})


def update_sentry_logging(
    logging_dict: dict[str, Any],
    dsn: str | None,
    *loggers: str,
    level: str | int | None = None,
    client: str | None = None,
    **options: Any,
) -> None:
    """Send the records of loggers to Sentry: adds a handler ``sentry`` to a logging dict, in place.

    Each record is one event, however many of the loggers above it have the handler. A logger whose entry says
    ``"ignore_sentry": True`` stays out, and so do its children. Nothing is sent, and no client made, before the dict
    is used.

    Events go out in a thread; 5,000 may wait, further ones are dropped and counted. Each has the method, URL and id of
    the request in which it was logged, behind the error or the request-id middleware. What looks secret is replaced
    wherever it stands in an event.

    With ``sentry_sdk``, the client is initialised when the handler is built, unless the application did that before:
    then its client is used as it is. Defaults that differ from the sdk's own: no request bodies
    (``max_request_body_size="never"``), no integration is enabled just because a package is installed
    (``auto_enabling_integrations=False``), no breadcrumbs unless ``integrations`` has the ``AioHttpIntegration``, which
    keeps those of requests apart.

    With ``raven``, a transport that would block the event loop is refused. The default transport is raven's own with
    its TLS and its queue repaired.

    Args:
        logging_dict: A plain dict for :func:`logging.config.dictConfig`.
        dsn: The project's address; ``None`` or ``""``: nothing is done. ``SENTRY_DSN`` in the environment is not read.
        loggers: Names of loggers that have an entry in the dict, ``"root"`` for its root; all of them by default.
        level: Level from which records are sent; ``"ERROR"`` by default.
        client: ``"sentry_sdk"``, ``"raven"``, or ``None`` for the installed one, ``sentry_sdk`` first.
        options: Options of ``sentry_sdk.init`` or of ``raven.Client``.

    Raises:
        TypeError: The dict is frozen or no logging dict, a logger or the client is no text, or the client does not
            know an option.
        ValueError: The DSN is malformed, or a logger, level, client or transport is not one that can be used.
        ImportError: The client is not installed.
    """
    if not dsn:
        return
    _require_plain(logging_dict)
    entries = _entries(logging_dict)
    for name in loggers:
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
            raise TypeError(f"update_sentry_logging takes names of loggers, one by one; got {name!r}")
    unknown = [name for name in loggers if name not in entries]
    if unknown:
        known = ", ".join(map(repr, entries)) or "none"
        raise ValueError(f"no entry in the logging dict for logger {unknown[0]!r}; it has: {known}")
    client = _installed_client(client)
    handler = {
        "()": _SENTRY_HANDLER,
        "level": checked_level("ERROR" if level is None else level),
        "client": client,
        "dsn": _checked_dsn(dsn, client),
        **_checked_options(client, options),
    }
    _add_handler(logging_dict, handler, {name: entries[name] for name in loggers or entries}, entries)


def sentry_handler(*, client: str, dsn: str, ignored_loggers: Iterable[str] = (), **options: Any) -> logging.Handler:
    """Make the handler that sends each record as one event; :func:`update_sentry_logging` writes it into the dict.

    Args:
        client: ``"sentry_sdk"`` or ``"raven"``.
        dsn: The project's address.
        ignored_loggers: Names of loggers that stay out, with their children.
        options: Options of the client.
    """
    return _SentryHandler(_make_client(client, dsn, options, tuple(ignored_loggers)), tuple(ignored_loggers))


def sends_to_sentry(spec: Mapping[str, Any]) -> bool:
    """Tell whether an entry of ``handlers`` is a Sentry handler: ours, or one of the clients' own."""
    factory = spec.get("()") or spec.get("class")
    name = factory if isinstance(factory, str) else f"{getattr(factory, '__module__', '')}."
    return name == _SENTRY_HANDLER or factory is sentry_handler or name.startswith(("raven.", "sentry_sdk."))


def flush(deadline: float) -> bool:
    """Send what waits in the clients of the handlers in use, until ``deadline`` (of ``time.monotonic``)."""
    results = [handler.client.flush(max(deadline - time.monotonic(), 0)) for handler in list(_handlers)]
    return all(results)


def is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Tell whether a part of a logging dict, which anybody may have written, is a mapping, frozen or not."""
    return isinstance(value, Mapping)


def checked_level(level: Any) -> str | int:
    """Return the level, or raise an error that lists the names of levels."""
    if isinstance(level, int) and not isinstance(level, bool):
        return level
    names = logging.getLevelNamesMapping()
    if not isinstance(level, str) or level not in names:
        raise ValueError(f"unknown log level {level!r}; the levels are {', '.join(names)}, or a number")
    return level


class _Client(Protocol):
    def send(self, record: logging.LogRecord) -> None: ...

    def flush(self, timeout: float) -> bool: ...


class _SentryHandler(logging.Handler):
    """Gives a record to the client once, unless its logger is ignored."""

    def __init__(self, client: _Client, ignored_loggers: tuple[str, ...]) -> None:
        super().__init__()
        self.client = client
        self._ignored = (*_OWN_LOGGERS, *ignored_loggers)
        self._ignored_parents = tuple(f"{name}." for name in self._ignored)
        _handlers.add(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.name in self._ignored or record.name.startswith(self._ignored_parents):
            return
        # What happens while an event is made or sent must not become the next one, and so on.
        if record.threadName in _SENDING_THREADS or getattr(_this_thread, "makes_event", False):
            return
        # The same record comes again from each logger above that has the handler.
        if _SENT not in record.__dict__:
            record.__dict__[_SENT] = True
            self._send(record)

    def _send(self, record: logging.LogRecord) -> None:
        _this_thread.makes_event = True
        try:
            self.client.send(_readable(record))
        except Exception:  # as in every handler: logging must not break what logs
            self.handleError(record)
        finally:
            _this_thread.makes_event = False


def _readable(record: logging.LogRecord) -> logging.LogRecord:
    """Return the record, or a copy with its arguments behind its message where they do not fit: no error is lost."""
    try:
        record.getMessage()
    except Exception:  # a wrong number or type of arguments, or a __str__ that raises
        copy = logging.makeLogRecord(record.__dict__)
        copy.msg, copy.args = f"{record.msg!r} % {_safe_args(record.args)}", None
        return copy
    return record


def _safe_args(args: object) -> str:
    try:
        return repr(args)
    except Exception as error:  # a repr may raise anything
        return f"<arguments without repr: {type(error).__name__}>"


_this_thread = threading.local()
_handlers: WeakSet[_SentryHandler] = WeakSet()


def _require_plain(logging_dict: Any) -> None:
    """Raise, before anything is changed, unless everything that will change is a plain dict."""
    if not is_mapping(logging_dict):
        raise TypeError(f"update_sentry_logging takes a logging dict, got {type(logging_dict).__name__}")
    loggers = logging_dict.get("loggers", {})
    sections: list[Any] = [logging_dict, loggers, logging_dict.get("handlers", {}), logging_dict.get("root", {})]
    if is_mapping(loggers):
        sections += loggers.values()
    if not all(isinstance(section, dict) for section in sections):
        raise TypeError("update_sentry_logging changes the logging dict: call it before immutable_settings freezes it")


def _entries(logging_dict: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Collect the loggers' entries by name; the root of the dict is "root"."""
    root = {"root": logging_dict["root"]} if "root" in logging_dict else {}
    return {**root, **logging_dict.get("loggers", {})}


def _add_handler(
    logging_dict: dict[str, Any],
    handler: dict[str, Any],
    chosen: Mapping[str, MutableMapping[str, Any]],
    entries: Mapping[str, MutableMapping[str, Any]],
) -> None:
    """Change the dict; everything was checked before."""
    handlers = logging_dict.setdefault("handlers", {})
    ignored = {name for name, entry in entries.items() if entry.pop("ignore_sentry", False)}
    ignored.update(handlers.get("sentry", {}).get("ignored_loggers", ()))
    for name, entry in chosen.items():
        if name not in ignored:
            entry["handlers"] = [*(each for each in entry.get("handlers", ()) if each != "sentry"), "sentry"]
    # Every logger is a child of the root: to ignore the root is to leave it alone, not to silence all others.
    handlers["sentry"] = {**handler, "ignored_loggers": sorted(ignored - {"", "root"})}


def _installed_client(client: str | None) -> str:
    if client is not None and not isinstance(client, str):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
        raise TypeError(f'client must be "sentry_sdk", "raven" or None, got {client!r}')
    if client is not None and client not in _EXTRAS:
        raise ValueError(
            f'unknown Sentry client {client!r}; it is "sentry_sdk", "raven", or None for the installed one'
        )
    for name in [client] if client else _EXTRAS:
        if importlib.util.find_spec(name) is not None:
            return name
    raise ImportError(f'Sentry needs a client: pip install "aiotoolkit[{_EXTRAS[client or "sentry_sdk"]}]"')


def _checked_dsn(dsn: object, client: str) -> str:
    """Return the DSN if it has every part; errors name the part and never quote the DSN, which holds a secret."""
    if not isinstance(dsn, str):
        raise TypeError(f"the Sentry DSN must be a string, got {type(dsn).__name__}")
    dsn = dsn.strip()
    problem = _dsn_problem(dsn, client)
    if problem:
        raise ValueError(f"malformed Sentry DSN: {problem}; it looks like https://<public key>@<host>/<project id>")
    return dsn


def _dsn_problem(dsn: str, client: str) -> str | None:
    try:
        url = urlsplit(dsn)
        port = url.port
    except ValueError:
        return "host or port cannot be read"
    project = url.path.rpartition("/")[2]
    problems = {
        "it contains blanks or control characters": not dsn.isprintable() or " " in dsn,
        "the scheme is neither http nor https": url.scheme not in {"http", "https"},
        "the public key is missing": not url.username,
        "the host is missing": not url.hostname,
        "the port is 0": port == 0,
        "the project id is missing, or no number": not (project.isascii() and project.isdigit()),
        "it has a fragment": bool(url.fragment),
        "sentry_sdk takes no options in a DSN": client == "sentry_sdk" and bool(url.query),
        f"raven's options in a DSN are {', '.join(sorted(_RAVEN_DSN_OPTIONS))}": not (
            dict(parse_qsl(url.query, keep_blank_values=True)).keys() <= _RAVEN_DSN_OPTIONS
        ),
    }
    return next((problem for problem, found in problems.items() if found), None)


def _checked_options(client: str, options: dict[str, Any]) -> dict[str, Any]:
    if client == "raven":
        from aiotoolkit._sentry_raven import check_options  # noqa: PLC0415 - an optional package
    else:
        from aiotoolkit._sentry_sdk import check_options  # noqa: PLC0415 - an optional package
    check_options(options)
    return options


def _make_client(client: str, dsn: str, options: dict[str, Any], ignored_loggers: tuple[str, ...]) -> _Client:
    if client == "raven":
        from aiotoolkit._sentry_raven import RavenClient  # noqa: PLC0415 - an optional package

        return RavenClient(dsn, options)
    from aiotoolkit._sentry_sdk import SdkClient  # noqa: PLC0415 - an optional package

    return SdkClient(dsn, options, ignored_loggers)
