"""Logging dicts, request ids in log lines, JSON lines, logging that never blocks, and Sentry.

Everything here makes or changes a plain dict for :func:`logging.config.dictConfig`, so one call sets up a web
application, a worker and a script alike. Nothing here needs aiohttp.

What a dict refers to is named by dotted strings in this module (``"aiotoolkit.logger.RequestIdFilter"``), so a dict
can be frozen, copied, pickled, or written by hand in YAML.
"""

from __future__ import annotations

import copy
import importlib.util
import logging
import sys
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar  # noqa: TC003 - the documentation reads the annotation
from typing import Any

from aiotoolkit import _request_context
from aiotoolkit._line_logging import ConsoleHandler, LineFormatter
from aiotoolkit._log_secrets import SecretsFilter
from aiotoolkit._sentry import checked_level, is_mapping, sends_to_sentry, sentry_handler, update_sentry_logging

__all__ = [
    "ACCESS_LOG_FORMAT",
    "BadRequestFilter",
    "ConsoleHandler",
    "IgnoreErrorsFilter",
    "LineFormatter",
    "RequestIdFilter",
    "SecretsFilter",
    "default_logging_dict",
    "flush_logging",
    "json_formatter",
    "queue_logging",
    "queued_handler",
    "request_id_var",
    "sentry_handler",
    "update_sentry_logging",
]

#: The id of the request that the running task serves; ``None`` outside of requests. The request-id middleware sets it.
request_id_var: ContextVar[str | None] = _request_context.request_id_var

#: A format for aiohttp's access log (``web.run_app(app, access_log_format=ACCESS_LOG_FORMAT)``): client, request line,
#: status, bytes sent, seconds, referrer, user agent. It has neither time nor request id: aiohttp would print a
#: ``%(request_id)s`` in it as it stands, so both come from the logging formatter (``request_id=True``).
ACCESS_LOG_FORMAT = '%a "%r" %s %b %Tf "%{Referer}i" "%{User-Agent}i"'

_TEXT_FORMAT = "%(asctime)s [%(levelname)s:%(name)s] %(message)s"
_TEXT_FORMAT_WITH_ID = "%(asctime)s [%(levelname)s:%(name)s] [%(request_id)s] %(message)s"
_AIOHTTP_SERVER = "aiohttp.server"
_LOGGER_OPTIONS = frozenset({"filters", "handlers", "ignore_sentry", "level", "propagate"})
_QUEUED_HANDLER = "aiotoolkit.logger.queued_handler"


class IgnoreErrorsFilter(logging.Filter):
    """Passes what is below ``WARNING``: the rest belongs to stderr."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record may go to stdout."""
        return record.levelno < logging.WARNING


class BadRequestFilter(logging.Filter):
    """Lowers what aiohttp's server logs for bytes that are no HTTP request, or a damaged body: from ERROR to INFO.

    Anybody can send such bytes, so they are no error of the application, and must not fill its error log or Sentry.
    The message names the kind of the error only: aiohttp's text quotes the bytes, and they may hold a password.
    Errors of handlers pass as they are. Put it on the logger ``aiohttp.server``, not on handlers, so that all handlers
    see the lowered record; `default_logging_dict` does.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Lower the record if it is about bytes that are no request; refuse it if its logger does not take INFO."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None or not _is_from_parser(error):
            return True
        client = record.args[0] if isinstance(record.args, tuple) and record.args else "-"
        record.msg, record.args = "Refused bytes from %s that are not HTTP: %s", (client, type(error).__name__)
        record.exc_info = record.exc_text = None
        record.levelno = min(record.levelno, logging.INFO)
        record.levelname = logging.getLevelName(record.levelno)
        return logging.getLogger(record.name).isEnabledFor(record.levelno)


class RequestIdFilter(logging.Filter):
    """Gives each record a ``request_id``: the one of the current request, or ``"-"`` outside of requests.

    Put it on handlers, not on loggers: a logger's filters do not see the records of its children.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Set ``record.request_id``, unless the record brought its own (``extra={"request_id": ...}``)."""
        if "request_id" not in record.__dict__:
            record.request_id = request_id_var.get() or "-"
        return True


def default_logging_dict(
    *loggers: str,
    json: bool = False,
    request_id: bool = False,
    stdout_only: bool = False,
    queue: bool = False,
    **logger_options: Any,
) -> dict[str, Any]:
    """Make a dict for :func:`logging.config.dictConfig`.

    DEBUG and INFO go to stdout, WARNING and above to stderr. The named loggers and their children are logged; other
    loggers stay as they are (``disable_existing_loggers`` is False). No line is written twice (``propagate`` is
    False). Text on a terminal is coloured, see :class:`ConsoleHandler`.

    Args:
        loggers: Names of loggers, such as ``"aiohttp", "api"``; ``""`` is the root logger.
        json: One JSON object per line, with time (RFC 3339, UTC), level, logger, message, request_id, the record's
            extras with secrets hidden, and exception. Needs ``pip install "aiotoolkit[json-logs]"``.
        request_id: Text lines show the request id. JSON lines always do.
        stdout_only: Everything goes to stdout, as container platforms expect it; there is no handler ``stderr``.
        queue: The handlers run in a thread, see :func:`queue_logging`.
        logger_options: Options of each logger's entry: ``level`` ("INFO" by default), ``propagate``, ``handlers``,
            ``filters``, ``ignore_sentry`` (see :func:`update_sentry_logging`).

    Returns:
        A new dict with the formatters ``default`` and ``naked``, the handlers ``stdout`` and ``stderr``, the filters
        ``ignore_errors``, ``request_id`` and ``bad_requests``, and an entry for each logger; where aiohttp's are
        among them, also one for ``aiohttp.server``, with :class:`BadRequestFilter`. Change it as you like.

    Raises:
        TypeError: A logger's name is not a string, or an option has a wrong type or an unknown name.
        ValueError: ``level`` is not the name of a level.
        ImportError: ``json`` is asked for and python-json-logger is not installed.
    """
    if json:
        _require_json_logger()
    with_id = json or request_id
    logging_dict: dict[str, Any] = {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "bad_requests": {"()": "aiotoolkit.logger.BadRequestFilter"},
            "ignore_errors": {"()": "aiotoolkit.logger.IgnoreErrorsFilter"},
            "request_id": {"()": "aiotoolkit.logger.RequestIdFilter"},
        },
        "formatters": {
            "default": _json_format() if json else _text_format(with_id=with_id),
            "naked": {"format": "%(message)s"},
        },
        "handlers": _handlers(with_id=with_id, stdout_only=stdout_only),
        "loggers": {},
    }
    options = _checked_logger_options(logger_options, list(logging_dict["handlers"]))
    for name in loggers:
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
            raise TypeError(f"default_logging_dict takes names of loggers, one by one; got {name!r}")
        logging_dict["loggers"][name] = copy.deepcopy(options)
    _filter_bad_requests(logging_dict["loggers"])
    return queue_logging(logging_dict) if queue else logging_dict


def queue_logging(logging_dict: Mapping[str, Any], *, max_records: int = 10_000) -> dict[str, Any]:
    """Put the handlers of a logging dict behind a queue, so that a slow or blocked output never stops the event loop.

    A record is filtered and its message built where it is logged, in its own context, so filters see the request id;
    then one listener thread per process formats and writes it. The thread starts at the first record; a forked
    process starts its own. What is queued is written at exit, before the next ``dictConfig``, and by
    :func:`flush_logging`.

    When ``max_records`` records wait, further ones are dropped and counted, and the output itself says how many it
    lost as soon as there is room. Logging never blocks.

    Sentry handlers stay outside of the queue, because they need the context of the exception; so do handlers that
    pass records on to other handlers of the dict (``target``, ``handlers``), which are queued themselves.

    Args:
        logging_dict: A dict for :func:`logging.config.dictConfig`, frozen or not; it is not changed.
        max_records: How many records may wait.

    Returns:
        A new dict, in which handlers, formatters, filters and loggers keep their names.

    Raises:
        TypeError: ``logging_dict`` or its ``handlers`` is not a mapping, or ``max_records`` not an int.
        ValueError: ``max_records`` is less than 1.
    """
    handlers = logging_dict.get("handlers", {}) if is_mapping(logging_dict) else None
    if not is_mapping(handlers):
        raise TypeError("queue_logging takes a logging dict with a mapping of handlers, as default_logging_dict makes")
    if not isinstance(max_records, int) or isinstance(max_records, bool):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
        raise TypeError(f"max_records must be an int, got {max_records!r}")
    if max_records < 1:
        raise ValueError(f"max_records must be at least 1, got {max_records!r}")
    queued = {name: _queued_spec(spec, handlers, max_records) for name, spec in handlers.items()}
    return {**logging_dict, "handlers": queued}


def flush_logging(timeout: float = 5.0) -> bool:
    """Write what waits in the log queue, and send what waits in the Sentry clients that logging uses.

    Call it when an application or a worker stops. It stops nothing: others in the process can go on logging. It
    may be called at any time and from any thread, also when nothing is set up. It blocks for up to ``timeout``
    seconds, so in a coroutine use ``await asyncio.to_thread(flush_logging)``.

    Args:
        timeout: Seconds, for everything together.

    Returns:
        Whether all of it was done in time.

    Raises:
        TypeError: ``timeout`` is not a number.
    """
    if not isinstance(timeout, int | float):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
        raise TypeError(f"timeout must be a number of seconds, got {timeout!r}")
    from aiotoolkit import _queue_logging, _sentry  # noqa: PLC0415 - the queue is only loaded where it is used

    deadline = time.monotonic() + timeout
    written = _queue_logging.drain(timeout)
    return _sentry.flush(deadline) and written


def json_formatter() -> logging.Formatter:
    """Make the formatter of JSON lines; in a logging dict it is ``{"()": "aiotoolkit.logger.json_formatter"}``.

    Raises:
        ImportError: python-json-logger is not installed.
    """
    _require_json_logger()
    from aiotoolkit._json_logging import JSONFormatter  # noqa: PLC0415 - an optional package

    return JSONFormatter()


def queued_handler(*, handler: Mapping[str, Any], max_records: int) -> logging.Handler:
    """Make a handler that runs behind the queue; :func:`queue_logging` writes it into the dict.

    Args:
        handler: The entry of the real handler, without its level, formatter and filters.
        max_records: How many records may wait.
    """
    from aiotoolkit._queue_logging import QueuedHandler  # noqa: PLC0415 - the queue is only loaded where it is used

    return QueuedHandler(handler, max_records)


def _filter_bad_requests(loggers: dict[str, Any]) -> None:
    """Put the filter on aiohttp's logger where the dict logs it: a parent's filters do not see its records."""
    if not loggers.keys().isdisjoint(("", "aiohttp", _AIOHTTP_SERVER)):
        entry = loggers.setdefault(_AIOHTTP_SERVER, {})
        entry["filters"] = [*entry.get("filters", ()), "bad_requests"]


def _is_from_parser(error: BaseException) -> bool:
    # Looked up, because this module does not import aiohttp; what is not loaded raised nothing.
    exceptions, server = sys.modules.get("aiohttp.http_exceptions"), sys.modules.get("aiohttp.web_protocol")
    if server is not None and type(error) is server.RequestPayloadError:
        return True  # a body that is damaged: also one that nobody reads, behind the answer
    if exceptions is None or not isinstance(error, exceptions.HttpProcessingError):
        return False
    # A handler may raise the same, from a client of its own: then the traceback begins where aiohttp called it.
    traceback = error.__traceback__
    return traceback is None or traceback.tb_frame.f_code.co_name != "_handle_request"


def _text_format(*, with_id: bool) -> dict[str, Any]:
    return {
        "class": "aiotoolkit.logger.LineFormatter",
        "format": _TEXT_FORMAT_WITH_ID if with_id else _TEXT_FORMAT,
    }


def _json_format() -> dict[str, Any]:
    return {"()": "aiotoolkit.logger.json_formatter"}


def _handlers(*, with_id: bool, stdout_only: bool) -> dict[str, Any]:
    # The cheap filter that refuses records comes before the one that changes them.
    request_id = ["request_id"] if with_id else []
    stdout = _stream_handler("stdout", "DEBUG", request_id if stdout_only else ["ignore_errors", *request_id])
    if stdout_only:
        return {"stdout": stdout}
    return {"stdout": stdout, "stderr": _stream_handler("stderr", "WARNING", request_id)}


def _stream_handler(stream: str, level: str, filters: list[str]) -> dict[str, Any]:
    return {
        "class": "aiotoolkit.logger.ConsoleHandler",
        "filters": filters,
        "formatter": "default",
        "level": level,
        "stream": f"ext://sys.{stream}",
    }


def _checked_logger_options(options: dict[str, Any], handlers: list[str]) -> dict[str, Any]:
    unknown = sorted(options.keys() - _LOGGER_OPTIONS)
    if unknown:
        raise TypeError(
            f"unknown options of default_logging_dict: {', '.join(unknown)}; "
            f"the options of a logger are {', '.join(sorted(_LOGGER_OPTIONS))}"
        )
    for name in ("handlers", "filters"):
        value = options.get(name, ())
        is_list = isinstance(value, Iterable) and not isinstance(value, str)
        # A filter may be an object too, a handler may not.
        if not is_list or (name == "handlers" and not all(isinstance(each, str) for each in value)):
            raise TypeError(f"{name} of a logger must be a list of names, got {value!r}")
    for name in ("propagate", "ignore_sentry"):
        if not isinstance(options.get(name, False), bool):
            raise TypeError(f"{name} of a logger must be True or False, got {options[name]!r}")
    return {"handlers": handlers, "propagate": False, **options, "level": checked_level(options.get("level", "INFO"))}


def _queued_spec(spec: Any, handlers: Mapping[str, Any], max_records: int) -> Any:
    if not is_mapping(spec):
        raise TypeError(f"a handler of a logging dict must be a mapping, got {spec!r}")
    passes_on = "handlers" in spec or spec.get("target") in handlers
    if passes_on or sends_to_sentry(spec) or spec.get("()") == _QUEUED_HANDLER:
        return spec
    # Level, filters and formatter are given to the queued handler by dictConfig; the first two decide before the queue.
    outer = {key: spec[key] for key in ("level", "filters", "formatter") if key in spec}
    inner = {key: value for key, value in spec.items() if key not in outer}
    return {"()": _QUEUED_HANDLER, "handler": inner, "max_records": max_records, **outer}


def _require_json_logger() -> None:
    if importlib.util.find_spec("pythonjsonlogger") is None:
        raise ImportError('JSON logging needs python-json-logger: pip install "aiotoolkit[json-logs]"')
