"""Sending records with raven; importing this module needs it.

raven has had no release since 2018, so what is missing in it is repaired here.
"""

# pyright: reportMissingTypeStubs=false
# raven has no types.
from __future__ import annotations

import inspect
from contextvars import ContextVar
from datetime import UTC, datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from raven.base import Client
from raven.handlers.logging import RESERVED, extract_extra
from raven.transport.threaded import ThreadedHTTPTransport
from raven.utils.stacks import iter_stack_frames

from aiotoolkit._raven_transport import ThreadedTransport
from aiotoolkit._sentry_event import finish_event, request_id_tag

if TYPE_CHECKING:
    import logging

__all__ = ["RavenClient", "check_options"]

# What Client.__init__ reads from its **options; it swallows anything else.
_OPTIONS = frozenset(
    {
        *("auto_log_stacks", "capture_locals", "client_cls", "context", "enable_breadcrumbs", "environment"),
        *("exclude_paths", "hook_libraries", "ignore_exceptions", "include_paths", "include_versions"),
        *("install_logging_hook", "install_sys_hook", "list_max_length", "machine", "name", "processors"),
        *("raise_send_errors", "release", "repos", "sample_rate", "sanitize_keys", "site", "string_max_length"),
        *("tags", "transport"),
    }
)

# raven's breadcrumbs belong to a thread: an event would have those of all requests that the event loop serves. The
# hooks that record them cost time at every call of a logger, also where its level is off.
_DEFAULTS = {"enable_breadcrumbs": False, "hook_libraries": (), "install_logging_hook": False}

# The record's own attributes, which say nothing that the event does not say elsewhere.
_RECORD: Any = RESERVED | {
    *("asctime", "filename", "pathname", "lineno", "process", "processName", "request_id", "stack_info"),
    *("taskName", "thread", "threadName"),
}
_LEVELS = {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "fatal"}


def check_options(options: dict[str, Any]) -> None:
    """Raise a TypeError for an option that raven does not have, a ValueError for a transport that does not work."""
    unknown = sorted(options.keys() - _OPTIONS)
    if unknown:
        raise TypeError(f"unknown options of raven.Client: {', '.join(unknown)}; it has: {', '.join(sorted(_OPTIONS))}")
    transport = options.get("transport")
    if transport is None:
        return
    if not inspect.isclass(transport):
        raise ValueError(f"transport must be a class of raven.transport, got {transport!r}: raven would send nothing")
    if not getattr(transport, "is_async", False) or not hasattr(transport, "async_send"):
        raise ValueError(
            f"transport {transport.__name__} blocks the event loop while it sends: "
            "leave the option out, and a thread sends"
        )


class RavenClient:
    """A client of raven, and how a record becomes one of its events."""

    def __init__(self, dsn: str, options: dict[str, Any]) -> None:
        check_options(options)
        options = {**_DEFAULTS, "client_cls": Client, **options}
        if options.get("transport") in {None, ThreadedHTTPTransport}:
            options["transport"] = ThreadedTransport
        base = options.pop("client_cls")
        repaired = type(base.__name__, (_Repaired, base), {"__module__": base.__module__})
        self._client = repaired(dsn=dsn, **options)
        self._client.remote.get_transport()  # raven makes it at the first event: too late for an error to be seen

    def send(self, record: logging.LogRecord) -> None:
        """Capture one event.

        Then clear the context: it remembers the ids of exceptions to skip them the next time, and a later exception
        may have the id of one that is gone. raven counts on a request per thread, which clears it at its end.
        """
        if _is_repeated(record):
            return
        try:
            self._capture(record)
        finally:
            self._client.context.clear()

    def flush(self, timeout: float) -> bool:
        """Wait for the queue of the thread that sends."""
        transport = self._client.remote.get_transport()
        if isinstance(transport, ThreadedTransport):
            return transport.flush(timeout)
        worker = getattr(transport, "_worker", None)
        if worker is None or not worker.is_alive():
            return True
        return bool(worker._timed_queue_join(timeout))  # raven has no public way, and will not change

    def _capture(self, record: logging.LogRecord) -> None:
        data, extra = extract_extra(record, _RECORD)
        message = {"message": str(record.msg), "params": record.args or (), "formatted": record.getMessage()}
        kind, about = "raven.events.Message", dict[str, Any](message)
        if record.exc_info and record.exc_info[0] is not None:
            data.update(self._client.get_handler(kind).capture(**message))
            kind, about = "raven.events.Exception", {"exc_info": record.exc_info}
        data.update(level=_LEVELS.get(record.levelno, record.levelno), logger=record.name)
        self._client.capture(
            kind,
            data=data,
            date=datetime.fromtimestamp(record.created, UTC),
            extra=extra,
            sample_rate=extra.pop("sample_rate", None),
            stack=_stack(record),
            tags=request_id_tag(record) | getattr(record, "tags", {}),
            **about,
        )


class _Repaired:
    """What every client class of raven's gets: the last word on an event, and no log line for each one that is lost."""

    remote: Any

    def send(self, auth_header: Any = None, **data: Any) -> None:
        """Send an event that is complete: breadcrumbs and tags are added after raven's own processors."""
        data = finish_event(data)
        if entry := data.get("sentry.interfaces.Message"):
            data["message"] = entry["formatted"]  # which was scrubbed with its arguments in sight
        super().send(auth_header, **data)  # type: ignore[misc] # a client of raven comes next

    def send_remote(self, url: str, data: bytes, headers: dict[str, str] | None = None) -> None:
        """Give the encoded event to the transport; ours knows itself when to wait and what is lost."""
        transport = self.remote.get_transport()
        if isinstance(transport, ThreadedTransport):
            transport.enqueue(url, data, headers or {})
        else:
            super().send_remote(url, data, headers)  # type: ignore[misc] # a client of raven comes next


def _stack(record: logging.LogRecord) -> Any:
    """The frames up to the logger, if the record has ``stack_info=True`` or raven's ``extra={"stack": True}``."""
    stack = getattr(record, "stack", None) or bool(record.stack_info)
    if stack is not True:
        return stack or None
    # Outermost first; raven's own choice of them is made for the other order.
    return list(takewhile(lambda item: item[0].f_globals.get("__name__") != "logging", iter_stack_frames()))


def _is_repeated(record: logging.LogRecord) -> bool:
    """Tell whether the record's exception was the last one of this task: errors are logged again on their way up."""
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return False
    if _last_error.get() is error:
        return True
    _last_error.set(error)
    return False


_last_error: ContextVar[BaseException | None] = ContextVar("last_error", default=None)
