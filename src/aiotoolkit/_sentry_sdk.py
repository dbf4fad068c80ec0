"""Sending records with sentry-sdk; importing this module needs it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import sentry_sdk
from sentry_sdk.consts import DEFAULT_OPTIONS
from sentry_sdk.integrations.logging import EventHandler, LoggingIntegration, ignore_logger
from sentry_sdk.scrubber import EventScrubber

if TYPE_CHECKING:
    import logging

__all__ = ["SdkClient", "check_options"]


def check_options(options: dict[str, Any]) -> None:
    """Raise a TypeError for an option that ``sentry_sdk.init`` does not have."""
    unknown = sorted(options.keys() - DEFAULT_OPTIONS.keys())
    if unknown:
        raise TypeError(f"unknown options of sentry_sdk.init: {', '.join(unknown)}")


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
        integration = sentry_sdk.get_client().get_integration(LoggingIntegration)
        own = getattr(integration, "_handler", None)
        if own is None or record.levelno < own.level:
            self._handler.emit(record)

    def flush(self, timeout: float) -> bool:
        """Wait for the transport's queue; the sdk tells of a time-out only by having taken all the time."""
        deadline = time.monotonic() + timeout
        sentry_sdk.flush(timeout=timeout)
        return time.monotonic() < deadline


_initialised: tuple[Any, str, dict[str, Any]] | None = None


def _initialise(dsn: str, options: dict[str, Any]) -> None:
    """Initialise the sdk once; again only if the client is ours and is to be another one."""
    global _initialised  # noqa: PLW0603 - the sdk has one client per process, so there is one to remember
    current = sentry_sdk.get_client()
    if current.is_active() and (
        _initialised is None or _initialised[0] is not current or _initialised[1:] == (dsn, options)
    ):
        return
    sentry_sdk.init(dsn=dsn, **_with_defaults(options))
    _initialised = (sentry_sdk.get_client(), dsn, options)


def _with_defaults(options: dict[str, Any]) -> dict[str, Any]:
    integrations: list[Any] = list(options.get("integrations") or ())
    if not any(isinstance(each, LoggingIntegration) for each in integrations):
        # The integration would send each record a second time; it still records breadcrumbs.
        integrations.append(LoggingIntegration(event_level=None))
    defaults: dict[str, Any] = {"max_request_body_size": "never", "auto_enabling_integrations": False}
    if not options.get("data_collection"):  # which has its own way to filter
        pii = bool(options.get("send_default_pii"))
        defaults["event_scrubber"] = EventScrubber(recursive=True, send_default_pii=pii)
    return {**defaults, **options, "integrations": integrations}
