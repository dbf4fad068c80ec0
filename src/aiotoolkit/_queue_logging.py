"""Handlers behind a queue, and the thread that writes for them.

``logging.handlers.QueueListener`` is not used: dictConfig knows it from Python 3.12 on only, its thread does not
survive a fork, and stopping it waits for a blocked output for ever.
"""

from __future__ import annotations

import atexit
import contextvars
import logging
import logging.config
import os
import sys
import threading
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from queue import SimpleQueue
from typing import Any
from weakref import WeakSet

from aiotoolkit._access_line import AccessLine
from aiotoolkit._line_logging import one_flush
from aiotoolkit._log_secrets import hide, is_extra

__all__ = ["QueuedHandler", "drain"]

_EXIT_TIMEOUT = 5.0
_FORK_TIMEOUT = 1.0
# Seconds that the first record of a batch waits for others, and how many are written with one flush at most.
_NAP = 0.02
_BATCH = 100
_CHANGEABLE = (Mapping, list, AbstractSet, bytearray)


class QueuedHandler(logging.Handler):
    """Queues records for a handler that it builds and owns.

    Level and filters are this handler's, so they run where the record was logged. The formatter is shared.
    """

    def __init__(self, spec: Mapping[str, Any], max_records: int) -> None:
        # dictConfig's own class builds the real handler, so every form of an entry works on every Python. It is built
        # first: logging.shutdown() goes backwards, so it flushes this handler before it closes the real one.
        config = logging.config.DictConfigurator({"version": 1, "handlers": {"target": dict(spec)}})
        self.target: logging.Handler = config.configure_handler(config.config["handlers"]["target"])
        super().__init__()
        self.max_records = max_records
        self._past_queue = False
        self.is_stuck = False
        _handlers.add(self)

    def setFormatter(self, fmt: logging.Formatter | None) -> None:  # noqa: N802 - the name is logging's
        """Give the formatter to the real handler too."""
        super().setFormatter(fmt)
        self.target.setFormatter(fmt)

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a copy of the record, or count it as dropped when the queue is full."""
        if self._past_queue:
            if not (self.is_stuck or _listener.given_up):
                self.target.handle(record)
            return
        listener = _listener
        if listener.records.qsize() >= self.max_records:
            listener.dropped[self] = listener.dropped.get(self, 0) + 1
            return
        try:
            listener.put(self, self._copy(record))
        except Exception:  # as in every handler: logging must not break what logs
            self.handleError(record)

    def flush(self) -> None:
        """Wait until everything queued is written, for a few seconds at most. ``logging.shutdown()`` calls it."""
        _listener.drain_at_exit()

    def close(self) -> None:
        """Close the real handler; what is logged later goes to it directly, as to any closed handler.

        After ``logging.shutdown()`` the interpreter ends: the thread stops for good, and finalisers may still log.
        """
        self._past_queue = True
        if not _listener.drain_at_exit():
            self.abandon_if_stuck()
        self.target.close()
        super().close()

    def abandon_if_stuck(self) -> None:
        """Let go of the real handler if it blocks the thread: who waits for it next would hang too."""
        lock = self.target.lock
        if lock is None or lock.acquire(blocking=False):
            if lock is not None:
                lock.release()
            return
        self.is_stuck = True
        self.target.lock = None
        for name in ("flush", "close"):
            setattr(self.target, name, _do_nothing)

    def _copy(self, record: logging.LogRecord) -> logging.LogRecord:
        """Build message and traceback now: arguments may change later, and a queue of frames would hold much memory.

        A copy, because other handlers read the record while the listener writes to it.
        """
        copy = logging.LogRecord.__new__(logging.LogRecord)
        attributes = copy.__dict__
        attributes.update(record.__dict__)
        if isinstance(record.msg, AccessLine):
            return copy  # nothing of it changes
        if record.args or not isinstance(record.msg, dict):  # pyright: ignore[reportUnnecessaryIsInstance] - msg may be any object; JSON takes dicts apart
            copy.msg, copy.args = record.getMessage(), None
        else:
            copy.msg = hide(record.msg)
        for name in [name for name, value in attributes.items() if isinstance(value, _CHANGEABLE) and is_extra(name)]:
            attributes[name] = hide(attributes[name], name)
        if record.exc_info and not record.exc_text:
            formatter = self.formatter or _PLAIN
            copy.exc_text = formatter.formatException(record.exc_info)
        copy.exc_info = None
        return copy


_Item = tuple[QueuedHandler, logging.LogRecord] | threading.Event


class _Listener:
    """The queue of this process and the thread that empties it."""

    def __init__(self) -> None:
        # SimpleQueue because its put() neither blocks nor deadlocks when a signal handler or a finaliser logs.
        self.records: SimpleQueue[_Item] = SimpleQueue()
        # Only grows, and each handler's count under that handler's lock; what was reported is counted by the thread.
        self.dropped: dict[QueuedHandler, int] = {}
        self._reported: dict[QueuedHandler, int] = {}
        # Held while a record is written: a fork in the middle would leave the child with an output that is locked.
        self.writing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._start_lock = threading.RLock()
        self._hurry = threading.Event()
        self.given_up = False
        self._handled = 0
        self._stuck_at = -1

    def put(self, handler: QueuedHandler, record: logging.LogRecord) -> None:
        if self._thread is None and not self._start():
            handler.target.handle(record)
            return
        self.records.put((handler, record))

    def drain(self, timeout: float) -> bool:
        if self._thread is None:
            return True
        if self.is_this_thread():
            return False
        done = threading.Event()
        self.records.put(done)
        self._hurry.set()
        return done.wait(max(timeout, 0))

    def drain_at_exit(self) -> bool:
        """Drain for a few seconds, but only once for an output that is blocked."""
        if self._handled != self._stuck_at and self.drain(_EXIT_TIMEOUT):
            return True
        self._stuck_at = self._handled
        return False

    def is_this_thread(self) -> bool:
        return self._thread is threading.current_thread()

    def _start(self) -> bool:
        with self._start_lock:
            # A thread started while the interpreter ends never runs; Python 3.12 raises, 3.11 waits for it forever.
            if self._thread is None and not sys.is_finalizing():
                thread = threading.Thread(target=self._run, name="aiotoolkit.logger", daemon=True)
                try:
                    self._thread = thread
                    # Without the context of the request that happens to log first (Python 3.14 may hand it on).
                    contextvars.Context().run(thread.start)
                except RuntimeError:
                    self._thread = None
            return self._thread is not None

    def _run(self) -> None:
        while True:
            item = self.records.get()
            # To wake up for each record would cost its logger more than to write it itself.
            self._hurry.wait(_NAP)
            self._hurry.clear()
            self._handle_batch(item)
            del item

    def _handle_batch(self, item: _Item) -> None:
        waiting: list[threading.Event] = []
        with self.writing, one_flush():
            for _ in range(min(self.records.qsize(), _BATCH)):
                self._handle(item, waiting)
                item = self.records.get()
            self._handle(item, waiting)
        for event in waiting:  # now that it is flushed
            event.set()

    def _handle(self, item: _Item, waiting: list[threading.Event]) -> None:
        if isinstance(item, threading.Event):
            self._report_dropped()
            waiting.append(item)
            return
        handler, record = item
        _write(handler, record)
        self._handled += 1
        if self.dropped and self.records.qsize() <= handler.max_records // 2:
            self._report_dropped()

    def _report_dropped(self) -> None:
        for handler, dropped in list(self.dropped.items()):
            lost = dropped - self._reported.get(handler, 0)
            if lost:
                self._reported[handler] = dropped
                _write(handler, _notice(lost))


def drain(timeout: float) -> bool:
    """Wait until everything queued in this process is written; tell whether it was, within ``timeout`` seconds."""
    return _listener.drain(timeout)


def _write(handler: QueuedHandler, record: logging.LogRecord) -> None:
    try:
        handler.target.handle(record)
    except BaseException:  # the only thread that writes must outlive whatever one record does
        handler.target.handleError(record)


def _notice(lost: int) -> logging.LogRecord:
    text = "%d log records were dropped here: the log queue was full"
    record = logging.LogRecord("aiotoolkit.logger", logging.WARNING, __file__, 0, text, (lost,), None)
    record.request_id = "-"
    return record


def _give_up_at_exit() -> None:
    """Drain; where an output stays blocked, leave it alone, or the interpreter would wait for its lock for ever."""
    if _listener.drain_at_exit():
        return
    _listener.given_up = True
    for handler in list(_handlers):
        handler.abandon_if_stuck()
        if handler.is_stuck:
            _detach(getattr(handler.target, "stream", None))


def _detach(stream: object) -> None:
    """Keep Python from flushing a stream that is blocked when it ends."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is stream:
            setattr(sys, name, None)


def _do_nothing() -> None: ...


def _before_fork() -> None:
    """Wait, for a bounded time, until no record is being written."""
    _fork.holds = not _listener.is_this_thread() and _listener.writing.acquire(timeout=_FORK_TIMEOUT)


def _after_fork_in_parent() -> None:
    if _fork.holds:
        _listener.writing.release()


def _after_fork() -> None:
    """Start afresh: the thread was not copied, and what is queued is the parent's to write."""
    global _listener  # noqa: PLW0603 - one listener per process
    _listener = _Listener()


_PLAIN = logging.Formatter()
_handlers: WeakSet[QueuedHandler] = WeakSet()
_listener = _Listener()
_fork = threading.local()
# Called before logging.shutdown(), which is registered when logging is imported.
atexit.register(_give_up_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork)
