"""Deep-frozen copies of plain data, and plain copies of frozen data."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Never, Self, TypeVar

from aiotoolkit._redaction import safe_repr

__all__ = ["FrozenDict", "freeze", "thaw"]

KeyT = TypeVar("KeyT")

# Deeper data is a mistake; the limit also keeps repr, hash and pickle away from RecursionError.
_MAX_DEPTH = 100


class FrozenDict(Mapping[KeyT, Any]):
    """A read-only mapping whose values are frozen at every depth.

    It equals any mapping with equal items, and is hashable and picklable when its values are. Its ``repr`` hides
    what looks secret.
    """

    # A mapping proxy in a slot: there is no __dict__ to write to, and the slot holds nothing that can be changed.
    __slots__ = ("_data",)
    _data: Mapping[KeyT, Any]

    # __new__, since __init__ could be called a second time to change the object.
    def __new__(cls, source: Mapping[KeyT, Any]) -> Self:
        """Freeze a copy of ``source``."""
        self = super().__new__(cls)
        data = {key: freeze(value, name=str(key)) for key, value in source.items()}
        object.__setattr__(self, "_data", MappingProxyType(data))
        return self

    def __getitem__(self, key: KeyT, /) -> Any:
        return self._data[key]

    def __iter__(self) -> Iterator[KeyT]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __contains__(self, key: object, /) -> bool:
        return key in self._data

    def __hash__(self) -> int:
        return hash(frozenset(self._data.items()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({safe_repr(self._data)})"

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping proxy cannot be pickled; what it shows can.
        return type(self), (dict(self._data),)

    def __setattr__(self, name: str, value: object, /) -> Never:
        raise AttributeError(f"{type(self).__name__} is immutable: {name} cannot be set", name=name, obj=self)

    def __delattr__(self, name: str, /) -> Never:
        raise AttributeError(f"{type(self).__name__} is immutable: {name} cannot be deleted", name=name, obj=self)


def freeze(value: Any, *, name: str = "the value", _parents: tuple[int, ...] = ()) -> Any:
    """Return an immutable copy of plain data; what is frozen already is returned as it is.

    Mappings become `FrozenDict`, lists tuples, sets frozensets, bytearrays bytes. Other objects are kept.

    Raises:
        ValueError: The data contain themselves, or are nested more than 100 levels deep; ``name`` says where.
    """
    kind = type(value)
    if issubclass(kind, FrozenDict):
        return value
    if issubclass(kind, bytearray):
        return bytes(value)
    if issubclass(kind, set):
        return frozenset(value)  # members are hashable, so nothing mutable hides inside
    if not issubclass(kind, Mapping | list | tuple):
        return value
    if id(value) in _parents:
        raise ValueError(f"{name} contains itself, so it cannot be frozen")
    if len(_parents) >= _MAX_DEPTH:
        raise ValueError(f"{name} is nested more than {_MAX_DEPTH} levels deep")
    parents = (*_parents, id(value))
    if issubclass(kind, Mapping):
        return FrozenDict({key: freeze(item, name=name, _parents=parents) for key, item in value.items()})
    frozen = tuple(freeze(item, name=name, _parents=parents) for item in value)
    return _like(value, frozen) if issubclass(kind, tuple) else frozen


def thaw(value: Any, *, _frozen: bool = False) -> Any:
    """Return a copy of the data with plain dicts, and with lists and sets where frozen data hold tuples and frozensets.

    A tuple outside frozen data was a tuple from the start, and stays one.
    """
    kind = type(value)
    if issubclass(kind, Mapping):
        frozen = _frozen or issubclass(kind, FrozenDict)
        return {key: thaw(item, _frozen=frozen) for key, item in value.items()}
    if issubclass(kind, list):
        return [thaw(item, _frozen=_frozen) for item in value]
    if issubclass(kind, tuple):
        items = tuple(thaw(item, _frozen=_frozen) for item in value)
        return list(items) if _frozen and kind is tuple else _like(value, items)
    return set(value) if _frozen and kind is frozenset else value


def _like(original: tuple[Any, ...], items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the items as a tuple of the original's type, or the original itself where nothing changed."""
    if all(new is old for new, old in zip(items, original, strict=True)):
        return original
    make: Callable[[tuple[Any, ...]], tuple[Any, ...]] = getattr(original, "_make", tuple)  # a named tuple stays one
    return make(items)
