"""Threads that send, and processes that fork: gunicorn's preload and multiprocessing do."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ForkGuard"]

_WAIT_SECONDS = 0.2


class ForkGuard:
    """Lets a fork wait for a moment while a thread is inside, and renews what the thread used in the child.

    A thread that is copied in the middle of a DNS look-up or of a TLS handshake leaves locks in the child that nobody
    will ever release. While it only waits for an answer, forking does no harm, so the wait is short.

    Args:
        renew: Called in the child, where the thread is not running and what waits is the parent's to send.
    """

    def __init__(self, renew: Callable[[], None]) -> None:
        self.renew = renew
        self.lock = threading.Lock()
        self.is_held_by_fork = False
        _guards.add(self)

    def __enter__(self) -> None:
        self.lock.acquire()

    def __exit__(self, *_error: object) -> None:
        self.lock.release()


_guards: WeakSet[ForkGuard] = WeakSet()


def _before_fork() -> None:
    for guard in list(_guards):
        guard.is_held_by_fork = guard.lock.acquire(timeout=_WAIT_SECONDS)


def _after_in_parent() -> None:
    for guard in list(_guards):
        if guard.is_held_by_fork:
            guard.is_held_by_fork = False
            guard.lock.release()


def _after_in_child() -> None:
    for guard in list(_guards):
        guard.is_held_by_fork = False
        guard.lock = threading.Lock()
        guard.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
