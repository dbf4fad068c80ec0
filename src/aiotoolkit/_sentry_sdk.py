"""Sending records with sentry-sdk; importing this module needs it."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

import sentry_sdk
from sentry_sdk.consts import DEFAULT_OPTIONS
from sentry_sdk.integrations.logging import EventHandler, LoggingIntegration, ignore_logger
from sentry_sdk.scrubber import EventScrubber
from sentry_sdk.transport import HttpTransport, Transport

from aiotoolkit._fork_guard import ForkGuard
from aiotoolkit._sentry_event import Losses, finish_event, request_id_tag, scrub_event

if TYPE_CHECKING:
    from collections.abc import Callable

    Hook = Callable[[Any, Any], Any]

__all__ = ["THREAD_NAME", "SdkClient", "check_options"]

THREAD_NAME = "sentry-sdk.BackgroundWorker"

_MAX_WAITING = 5_000
_REASONS = {
    "full_queue": "too many wait to be sent",
    "network": "it cannot be reached",
    "self_rate_limits": "it asked to wait",
}


def check_options(options: dict[str, Any]) -> None:
    """Raise a TypeError for an option that ``sentry_sdk.init`` does not have, a ValueError for a useless transport."""
    unknown = sorted(options.keys() - DEFAULT_OPTIONS.keys())
    if unknown:
        known = ", ".join(sorted(name for name in DEFAULT_OPTIONS if not name.startswith("_")))
        raise TypeError(f"unknown options of sentry_sdk.init: {', '.join(unknown)}; it has: {known}")
    transport = options.get("transport")
    is_class = isinstance(transport, type) and issubclass(transport, Transport)
    if transport is not None and not is_class and not isinstance(transport, Transport):
        raise ValueError(
            f"transport must be a class or an instance of sentry_sdk.transport.Transport, got {transport!r}: the sdk "
            "would ignore it, or call it in the event loop. Leave the option out, and a thread sends"
        )


class SdkClient:
    """The sdk's client for this process: the application's own, or one initialised here."""

    def __init__(self, dsn: str, options: dict[str, Any], ignored_loggers: tuple[str, ...]) -> None:
        check_options(options)
        _initialise(dsn, options)
        for name in ignored_loggers:
            # The sdk's own list, so that an application's LoggingIntegration and breadcrumbs leave them out too.
            ignore_logger(name)
            ignore_logger(f"{name}.*")
        self._handler = EventHandler()

    def send(self, record: logging.LogRecord) -> None:
        """Capture one event, unless the application's LoggingIntegration is about to send the record itself."""
        client = sentry_sdk.get_client()
        own = getattr(client.get_integration(LoggingIntegration), "_handler", None)
        if own is not None and record.levelno >= own.level:
            return
        if client is _ours():
            self._handler.emit(record)
            return
        # An application's client has no hook of ours: what it sends for us is completed on the way.
        with sentry_sdk.new_scope() as scope:
            scope.add_event_processor(_finish_event)
            self._handler.emit(record)

    def flush(self, timeout: float) -> bool:
        """Wait for the transport's queue; the sdk tells of a time-out only by having taken all the time."""
        transport = sentry_sdk.get_client().transport
        if isinstance(transport, _ReportingTransport) and transport.pause() > timeout:
            return False
        deadline = time.monotonic() + timeout
        sentry_sdk.flush(timeout=timeout)
        return time.monotonic() < deadline


class _ReportingTransport(HttpTransport):
    """The sdk's transport, which pauses after a failure, says in the log what is lost, and survives a fork.

    The sdk by itself tries every event four times while nothing listens, and takes the CPU from the event loop. Here
    events wait for 1, 4, 9 ... 36 seconds after each failure, as raven's do.
    """

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._losses = Losses()
        self._guard = ForkGuard(_renew_transport)
        self._failures = 0
        self._resume_at = 0.0

    def pause(self) -> float:
        """Return the seconds until the next event is tried, if any wait."""
        waiting = getattr(getattr(self._worker, "_queue", None), "unfinished_tasks", 0)
        return self._resume_at - time.monotonic() if waiting else 0.0

    def _send_envelope(self, envelope: Any) -> None:
        while (pause := self._resume_at - time.monotonic()) > 0:
            time.sleep(min(pause, 1))
        failures = self._failures
        try:
            with self._guard:
                super()._send_envelope(envelope)
        finally:
            if self._failures == failures:
                self._failures = 0

    def on_dropped_event(self, reason: str) -> None:  # the sdk's hook
        self._losses.add(_REASONS.get(reason) or reason.replace("status_", "it answered "))
        if reason == "network" or reason.startswith("status_5"):
            self._failures += 1
            self._resume_at = time.monotonic() + min(self._failures, 6) ** 2


_initialised: tuple[Any, str, dict[str, Any]] | None = None


def _ours() -> Any:
    return _initialised[0] if _initialised else None


def _initialise(dsn: str, options: dict[str, Any]) -> None:
    """Initialise the sdk once; again only if the client is ours and is to be another one."""
    global _initialised  # noqa: PLW0603 - the sdk has one client per process, so there is one to remember
    current = sentry_sdk.get_client()
    same = _initialised is not None and _initialised[1:] == (dsn, options)
    if current.is_active() and (same or current is not _ours()):
        return
    sentry_sdk.init(dsn=dsn, **_with_defaults(options))
    _initialised = (sentry_sdk.get_client(), dsn, options)
    # Some lines for each event that cannot be sent; what is lost is said by _ReportingTransport.
    for name in ("urllib3.connectionpool", "urllib3.util.retry"):
        logging.getLogger(name).addFilter(_not_of_the_sdk)


def _with_defaults(options: dict[str, Any]) -> dict[str, Any]:
    integrations: list[Any] = list(options.get("integrations") or ())
    # Breadcrumbs belong to a scope, and without this integration all requests share one: an event would have the log
    # lines of its neighbours.
    scoped = any(type(each).__name__ == "AioHttpIntegration" for each in integrations)
    if not any(isinstance(each, LoggingIntegration) for each in integrations):
        # The integration would send each record a second time.
        logs = logging.INFO if options.get("enable_logs") else None
        crumbs = logging.INFO if scoped or options.get("max_breadcrumbs") else None
        integrations.append(LoggingIntegration(level=crumbs, event_level=None, sentry_logs_level=logs))
    defaults: dict[str, Any] = {
        "auto_enabling_integrations": False,
        "max_request_body_size": "never",
        "transport_queue_size": _MAX_WAITING,
    }
    if not scoped:
        defaults["max_breadcrumbs"] = 0
    if not options.get("_experiments"):  # which may choose another transport
        defaults["transport"] = _ReportingTransport
    if not options.get("data_collection"):  # which has its own way to filter
        pii = bool(options.get("send_default_pii"))
        defaults["event_scrubber"] = EventScrubber(recursive=True, send_default_pii=pii)
    hooks = {
        "before_send": _after(options.get("before_send"), _finish_event),
        "before_send_transaction": _after(options.get("before_send_transaction"), _scrub_event),
    }
    return {**defaults, **options, **hooks, "integrations": integrations}


def _after(own: Hook | None, last: Hook) -> Hook:
    """Run the application's hook first: nothing secret that it adds is sent."""
    if own is None:
        return last

    def both(event: Any, hint: Any) -> Any:
        event = own(event, hint)
        return None if event is None else last(event, hint)

    return both


def _finish_event(event: Any, hint: Any) -> Any:
    record = hint.get("log_record")
    if record is not None:
        extra = event.get("extra") or {}
        for name in ("asctime", "request_id"):  # which formatters and filters of other handlers left there
            extra.pop(name, None)
        if tag := request_id_tag(record):
            event["tags"] = {**tag, **dict(event.get("tags") or {})}
    return finish_event(event)


def _scrub_event(event: Any, _hint: Any) -> Any:
    return scrub_event(event)


def _not_of_the_sdk(record: logging.LogRecord) -> bool:
    return record.threadName != THREAD_NAME


def _renew_transport() -> None:
    """Leave what waits, and the connections, to the parent: copies would be sent twice, or into each other."""
    client = _ours()
    if client is not None and isinstance(client.transport, _ReportingTransport):
        client.transport = _ReportingTransport(client.options)
