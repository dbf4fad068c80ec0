"""Sending records with raven; importing this module needs it.

raven has had no release since 2018, so what is missing in it is repaired here.
"""

# pyright: reportMissingTypeStubs=false
# raven has no types.
from __future__ import annotations

import inspect
import ssl
import urllib.error
import urllib.request
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from raven.base import Client
from raven.exceptions import APIError, RateLimited
from raven.handlers.logging import SentryHandler
from raven.transport.threaded import ThreadedHTTPTransport

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

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


def check_options(options: dict[str, Any]) -> None:
    """Raise a TypeError for an option that raven does not have, a ValueError for a transport that does not work."""
    unknown = sorted(options.keys() - _OPTIONS)
    if unknown:
        raise TypeError(f"unknown options of raven.Client: {', '.join(unknown)}")
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
    """A client of raven, and the handler of raven's that turns records into events."""

    def __init__(self, dsn: str, options: dict[str, Any]) -> None:
        check_options(options)
        options = {"client_cls": Client, **options}
        if options.get("transport") in {None, ThreadedHTTPTransport}:
            options["transport"] = ThreadedTransport
        self._client = options.pop("client_cls")(dsn=dsn, **options)
        self._handler = SentryHandler(self._client)

    def send(self, record: logging.LogRecord) -> None:
        """Capture one event.

        Then clear the context: it remembers the ids of exceptions to skip them the next time, and a later exception
        may have the id of one that is gone. raven counts on a request per thread, which clears it at its end.
        """
        try:
            self._handler.emit(record)
        finally:
            self._client.context.clear()

    def flush(self, timeout: float) -> bool:
        """Wait for the queue of the thread that sends."""
        worker = getattr(self._client.remote.get_transport(), "_worker", None)
        if worker is None or not worker.is_alive():
            return True
        return bool(worker._timed_queue_join(timeout))  # raven has no public way, and will not change


class ThreadedTransport(ThreadedHTTPTransport):  # type: ignore[misc] # raven has no types
    """raven's default transport with today's TLS.

    raven's uses ``ssl.wrap_socket``, which Python 3.12 removed, sends no server name and does not check the host's.
    """

    def __init__(self, timeout: Any = 5, verify_ssl: Any = True, ca_certs: Any = None) -> None:
        # Not the bundle of 2018 that raven falls back to: without ca_certs, the system's certificates.
        super().__init__(timeout, verify_ssl, ca_certs)

    def send_sync(
        self,
        url: str,
        data: bytes,
        headers: dict[str, str],
        success_cb: Callable[[], None],
        failure_cb: Callable[[Exception], None],
    ) -> None:
        """Send one event, in the thread; the client logs a failure and waits longer before it tries again."""
        try:
            self._post(urllib.request.Request(url, data, headers))  # noqa: S310 - the DSN was checked to be http(s)
        except Exception as error:  # the client decides what a failure means
            failure_cb(error)
        else:
            success_cb()

    @cached_property
    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca_certs)
        if not self.verify_ssl:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _post(self, request: urllib.request.Request) -> None:
        try:
            with urllib.request.urlopen(request, timeout=self.timeout, context=self._context) as response:  # noqa: S310 - as above
                response.read()
        except urllib.error.HTTPError as error:
            with error:
                _raise_api_error(error)


def _raise_api_error(error: urllib.error.HTTPError) -> NoReturn:
    """Raise what the client understands: it waits as long as the server asks, else longer after each failure."""
    message = error.headers.get("X-Sentry-Error") or f"HTTP {error.code}"
    if error.code != 429:
        raise APIError(message, error.code) from None
    seconds = error.headers.get("Retry-After", "")
    raise RateLimited(message, int(seconds) if seconds.isdigit() else 0) from None
