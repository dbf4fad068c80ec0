"""How often somebody may try: guessing passwords must be slow, and so must be making accounts."""

import time
from collections import OrderedDict
from typing import Final

from aiohttp import hdrs, web

from aiotoolkit.problems import Problem

__all__ = ["LIMITS_KEY", "Limits"]

WINDOW: Final = 15 * 60.0  # seconds
MAX_KEYS: Final = 100_000


class Limits:
    """Counts attempts by key in windows of a quarter of an hour. In memory: one process, forgotten at its end."""

    def __init__(self) -> None:
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def count(self, key: str, most: int) -> None:
        """Count one attempt.

        Raises:
            Problem: 429, there were more than ``most``; ``Retry-After`` says when the next one may be made.
        """
        now = time.monotonic()
        start, attempts = self._windows.get(key, (now, 0))
        if now - start >= WINDOW:
            start, attempts = now, 0
        if attempts >= most:
            wait = str(int(WINDOW - (now - start)) + 1)
            raise Problem(429, "Too many attempts. Wait a few minutes.", headers={hdrs.RETRY_AFTER: wait})
        self._windows[key] = (start, attempts + 1)
        self._windows.move_to_end(key)
        if len(self._windows) > MAX_KEYS:
            self._windows.popitem(last=False)

    def forget(self, key: str) -> None:
        """Forget a key's attempts: the last one was right."""
        self._windows.pop(key, None)


LIMITS_KEY: Final = web.AppKey("LIMITS_KEY", Limits)
