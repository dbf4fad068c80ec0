"""What ``@schema.handler`` asks of a view, and how it finds the request."""

import functools
import inspect
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol, Self, TypeVar, overload

from aiohttp import web

from aiotoolkit._annotations import check_annotation

# A decorator's functools.wraps would show the signature of what it wraps, and not the one that is called.
if sys.version_info >= (3, 14):
    from annotationlib import Format

    # Annotations are evaluated when they are asked for: those that mean nothing yet are no error.
    _signature = functools.partial(inspect.signature, follow_wrapped=False, annotation_format=Format.FORWARDREF)
else:
    _signature = functools.partial(inspect.signature, follow_wrapped=False)

__all__ = ["DecoratedFunction", "DecoratedMethod", "DecoratedViewMethod", "arguments_of", "request_of"]

V_co = TypeVar("V_co", covariant=True)
S_co = TypeVar("S_co", covariant=True)


class _Decorated(Protocol[V_co, S_co]):
    @property
    def view(self) -> V_co:
        """The undecorated view."""
        ...

    @property
    def schema(self) -> S_co:
        """What checks its requests and answers."""
        ...


class DecoratedFunction(_Decorated[V_co, S_co], Protocol[V_co, S_co]):
    """A decorated function: a handler for aiohttp."""

    def __call__(self, request: web.Request, /) -> Awaitable[web.StreamResponse]:
        """Answer a request."""
        ...


class DecoratedMethod(_Decorated[V_co, S_co], Protocol[V_co, S_co]):
    """A decorated method of any object: a handler for aiohttp, once bound."""

    @overload
    def __get__(self, instance: None, owner: type, /) -> Self: ...
    @overload
    def __get__(
        self, instance: object, owner: type | None = None, /
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]: ...


class DecoratedViewMethod(_Decorated[V_co, S_co], Protocol[V_co, S_co]):
    """A decorated method of a ``web.View``."""

    @overload
    def __get__(self, instance: None, owner: type, /) -> Self: ...
    @overload
    def __get__(
        self, instance: object, owner: type | None = None, /
    ) -> Callable[[], Awaitable[web.StreamResponse]]: ...


_PLACES: Final = ("body", "form", "query", "path", "headers", "cookies")
_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def arguments_of(view: Any, declared: Mapping[str, Any]) -> tuple[str, ...]:
    """The declared places that a view takes, by name.

    Args:
        view: an ``async def`` function or method, or an object with an async ``__call__``.
        declared: the places that the Schema has a schema for, each with the type that it gives: None for plain data.

    Raises:
        TypeError: it is none, or it requires a place that the Schema does not declare, or says that it is of another
            type.
    """
    name = getattr(view, "__qualname__", None) or repr(view)
    if inspect.isclass(view) or not callable(view):
        raise TypeError(f"@schema.handler decorates a function or a method, not {name}; decorate a web.View's methods")
    if not (inspect.iscoroutinefunction(view) or inspect.iscoroutinefunction(type(view).__call__)):
        raise TypeError(f"@schema.handler needs an async view: write 'async def {name}'")
    parameters = _parameters(view)
    for parameter in parameters:
        _check_parameter(name, parameter, declared)
        if parameter.name in declared:
            check_annotation(view, name, parameter, declared[parameter.name])
    _check_positional(name, parameters)
    wanted = _named_by(view)
    return tuple(place for place in _PLACES if place in declared and (wanted is None or place in wanted))


def _parameters(view: Any) -> list[inspect.Parameter]:
    return list(_signature(view).parameters.values())


def _named_by(view: Any) -> set[str] | None:
    """The names that a view can be passed; None where it takes any."""
    parameters = _parameters(view)
    names = {parameter.name for parameter in parameters}
    if not any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return names
    # A decorator's **kwargs go on to what it wraps.
    wrapped = getattr(view, "__wrapped__", None)
    further = None if wrapped is None else _named_by(wrapped)
    return None if further is None else names | further


def _check_positional(view: str, parameters: list[inspect.Parameter]) -> None:
    """Refuse a view that could not be called with a request, alone or after its method's ``self``."""
    if any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters):
        return
    positional = [item for item in parameters if item.kind in _POSITIONAL and item.name not in _PLACES]
    required = [item.name for item in positional if item.default is inspect.Parameter.empty]
    if not positional:
        raise TypeError(f"{view} must take the request, as its first parameter")
    taken = 1 if required[:1] == ["request"] else 2  # the request, perhaps after a method's own object
    if len(required) > taken:
        places = ", ".join(_PLACES)
        raise TypeError(f"{view} requires {required[taken]!r}, which a Schema does not pass: it passes {places}")


def _check_parameter(view: str, parameter: inspect.Parameter, declared: Mapping[str, Any]) -> None:
    required = parameter.default is inspect.Parameter.empty
    if parameter.name in _PLACES:
        if required and parameter.name not in declared:
            raise TypeError(f"{view} takes {parameter.name!r}, but its Schema has no {_schema_of(parameter.name)}")
        if parameter.name in declared and parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            raise TypeError(f"{view} must take {parameter.name!r} by keyword")
    elif required and parameter.kind is inspect.Parameter.KEYWORD_ONLY:
        places = ", ".join(_PLACES)
        raise TypeError(f"{view} requires {parameter.name!r}, which a Schema does not pass: it passes {places}")


def _schema_of(place: str) -> str:
    return "request= schema" if place == "body" else f"{place}= schema"


def request_of(args: tuple[Any, ...]) -> web.Request:
    """The request in the positional arguments of a view: a function's, a method's, or a ``web.View``'s own."""
    if args and type(args[-1]) is web.Request:  # what aiohttp passes to a function; the classes cost more to ask
        return args[-1]
    if not args:
        raise TypeError("A view that @schema.handler decorates is called with a request last, not without arguments")
    last = args[-1]
    if isinstance(last, web.View):
        last = last.request
    if not isinstance(last, web.Request):
        raise TypeError(f"A view that @schema.handler decorates is called with a request last, not {last!r}")
    return last
