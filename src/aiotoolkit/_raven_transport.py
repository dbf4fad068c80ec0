"""How raven's events go out: a thread, a bounded queue, and today's TLS; importing this module needs raven."""

# pyright: reportMissingTypeStubs=false
# raven has no types.
from __future__ import annotations

import atexit
import queue
import ssl
import threading
import time
import urllib.error
import urllib.request
from typing import Any
from weakref import WeakSet

from raven.transport.threaded import ThreadedHTTPTransport

from aiotoolkit._fork_guard import ForkGuard
from aiotoolkit._sentry_event import Losses

__all__ = ["THREAD_NAME", "ThreadedTransport"]

THREAD_NAME = "aiotoolkit.raven"

_MAX_WAITING = 5_000
_EXIT_SECONDS = 2.0
_MAX_PAUSE = 86_400
_POLL_SECONDS = 0.02

_Event = tuple[str, bytes, dict[str, str]]


class ThreadedTransport(ThreadedHTTPTransport):  # type: ignore[misc] # raven has no types
    """raven's default transport, with what is missing in it.

    raven's uses ``ssl.wrap_socket``, which Python 3.12 removed, sends no server name and does not check the host's.
    Its queue has no limit, and while Sentry is away it logs every event that it drops. Here 5,000 events may wait.
    After a failure the thread pauses: as long as Sentry asks (``Retry-After``), else 1, 4, 9 ... 36 seconds. Events
    that find the queue full are dropped and counted, and so is one whose sending failed: it is not sent again.
    """

    def __init__(self, timeout: Any = 5, verify_ssl: Any = True, ca_certs: Any = None) -> None:
        # Not the bundle of 2018 that raven falls back to: without ca_certs, the system's certificates.
        super().__init__(timeout, verify_ssl, ca_certs)
        # Not in the thread: a fork while it is made would leave the child with locks that are held for ever.
        self._opener = self._make_opener()
        self._start_afresh()
        self._guard = ForkGuard(self._start_afresh)
        _transports.add(self)

    def _start_afresh(self) -> None:
        self._losses = Losses()
        self._waiting: queue.Queue[_Event] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._start_lock = threading.Lock()
        # An event is counted as lost and as no longer waiting in one step: finish would count it twice in between.
        self._settling = threading.Lock()
        self._failures = 0
        self._resume_at = 0.0

    def enqueue(self, url: str, data: bytes, headers: dict[str, str]) -> None:
        """Have the thread send one event; never blocks."""
        if self._waiting.qsize() >= _MAX_WAITING:
            self._losses.add("too many wait to be sent")
            return
        self._start()
        self._waiting.put((url, data, headers))

    def flush(self, timeout: float) -> bool:
        """Wait until everything is sent or lost, but not for a pause that lasts longer than ``timeout``."""
        deadline = time.monotonic() + timeout
        done = self._waiting.all_tasks_done
        with done:
            while self._waiting.unfinished_tasks:
                left = deadline - time.monotonic()
                if left <= 0 or self._pause() > left or self._thread is None:
                    return False
                done.wait(min(left, _POLL_SECONDS))
        return True

    def finish(self, timeout: float) -> None:
        """Send what can be sent before the process ends, and tell of the rest."""
        self.flush(timeout)
        with self._settling:
            self._losses.report("the process ended", self._waiting.unfinished_tasks)

    def _start(self) -> None:
        with self._start_lock:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    return  # the interpreter ends
                self._thread = thread

    def _run(self) -> None:
        waiting = self._waiting
        while True:
            event = waiting.get()
            while (pause := self._pause()) > 0:
                time.sleep(min(pause, 1))
            failure = self._send(*event)
            with self._settling:
                if failure is None:
                    self._failures = 0
                else:
                    self._failed(*failure)
                waiting.task_done()
            del event

    def _pause(self) -> float:
        return self._resume_at - time.monotonic()

    def _send(self, url: str, data: bytes, headers: dict[str, str]) -> tuple[str, int] | None:
        """Return why the event was lost, and how many seconds Sentry asks to wait; None where it arrived."""
        try:
            with self._guard:
                self._post(urllib.request.Request(url, data, headers))  # noqa: S310 - the DSN was checked to be http(s)
        except urllib.error.HTTPError as error:
            with error:
                return f"it answered {error.code}", _retry_after(error)
        except Exception as error:  # the thread must outlive whatever the network does
            return f"{type(error).__name__}: {error}", 0
        return None

    def _failed(self, reason: str, retry_after: int) -> None:
        self._failures += 1
        self._resume_at = time.monotonic() + (retry_after or min(self._failures, 6) ** 2)
        self._losses.add(reason)

    def _post(self, request: urllib.request.Request) -> None:
        with self._opener.open(request, timeout=self.timeout) as response:
            response.read(65_536)

    def _make_opener(self) -> urllib.request.OpenerDirector:
        context = ssl.create_default_context(cafile=self.ca_certs)
        if not self.verify_ssl:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _NoRedirects)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET without the event, and carry the key to another host."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


def _retry_after(error: urllib.error.HTTPError) -> int:
    """Return the seconds that the server asks to wait, 0 if it says none (RFC 9110, section 10.2.3)."""
    seconds = error.headers.get("Retry-After", "")
    return min(int(seconds), _MAX_PAUSE) if seconds.isascii() and seconds.isdigit() and len(seconds) < 20 else 0


_transports: WeakSet[ThreadedTransport] = WeakSet()


@atexit.register
def _at_exit() -> None:
    deadline = time.monotonic() + _EXIT_SECONDS
    for transport in list(_transports):
        transport.finish(max(deadline - time.monotonic(), 0))
