"""What is made once for all who ask for the same."""

from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

__all__ = ["Cache"]

T = TypeVar("T")


class Cache(Generic[T]):
    """Immutable results by what they were made from, as long as anybody uses them; some of them longer.

    It may be asked by several threads: two that ask for the same at once may both make it, and one result is kept.

    Args:
        recent: how many results are kept that nobody uses any more, so that it costs nothing to drop and remake them.
    """

    def __init__(self, *, recent: int) -> None:
        self._used: WeakValueDictionary[Hashable, T] = WeakValueDictionary()
        self._recent: deque[T] = deque(maxlen=recent)

    def get(self, key: Hashable, make: Callable[[], T], *, keep: bool) -> T:
        """The result for a key, made if there is none.

        Args:
            key: what the result depends on, all of it.
            make: makes the result; what it raises is raised, and not remembered.
            keep: whether the result may be kept when nobody uses it any more, with all that it refers to.
        """
        known = self._used.get(key)
        if known is not None:
            return known
        made = self._used.setdefault(key, make())
        if keep:
            self._recent.append(made)
        return made
