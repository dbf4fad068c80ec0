"""Whether a view's annotations fit what its Schema gives: what no type checker sees, since the decorator calls it."""

import inspect
from types import NoneType, SimpleNamespace, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints, is_typeddict

from aiotoolkit._typed import is_model, name_of

__all__ = ["check_annotation"]


def check_annotation(view: Any, name: str, parameter: inspect.Parameter, given: Any) -> None:
    """Refuse a parameter that is annotated with another type than its Schema gives.

    An annotation that cannot be told when the view is decorated is left alone, and so is one that stands below a
    decorator: what that passes on is its own business.

    Args:
        view: the view.
        name: what to call it.
        parameter: one of its parameters, named after a declared place.
        given: the type of this place; None for plain data, Any if it cannot be known.

    Raises:
        TypeError: the types contradict each other.
    """
    if given is Any or hasattr(view, "__wrapped__"):
        return
    annotation = _resolved(view, parameter.annotation)
    fits = _takes_plain(annotation) if given is None else _takes(annotation, _bare(given))
    if fits:
        return
    argument = "request" if parameter.name == "body" else parameter.name
    given_as = f"{argument}= is a JSON Schema, which gives plain data" if given is None else f"it is a {name_of(given)}"
    wanted = name_of(annotation)
    raise TypeError(
        f"{name} takes {parameter.name!r} as {wanted}, but by its Schema {given_as}: "
        f"annotate that, or give the Schema {argument}={wanted}"
    )


def _resolved(view: Any, annotation: Any) -> Any:
    """The annotation itself, where it is text; Any where there is none, or it means nothing yet."""
    if annotation is inspect.Parameter.empty:
        return Any
    call = view if hasattr(view, "__globals__") else getattr(type(view).__call__, "__func__", type(view).__call__)
    names = getattr(inspect.unwrap(getattr(call, "__func__", call)), "__globals__", {})
    try:
        hints = get_type_hints(SimpleNamespace(__annotations__={"it": annotation}), globalns=names, include_extras=True)
    except Exception:
        return Any
    return hints["it"]


def _bare(annotation: Any) -> Any:
    """A type without what only says more of it."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        else:
            return annotation


def _members(annotation: Any) -> tuple[Any, ...]:
    """The members of a union; any other type alone."""
    annotation = _bare(annotation)
    if get_origin(annotation) in (Union, UnionType):
        return tuple(found for member in get_args(annotation) for found in _members(member))
    return (NoneType if annotation is None else annotation,)


def _takes_plain(annotation: Any) -> bool:
    """Tell whether dicts, lists and what JSON has else may be what an annotation means."""
    members = [member for member in _members(annotation) if member is not NoneType]
    return not members or any(
        not is_model(get_origin(member) or member) and all(_takes_plain(part) for part in _parts(member))
        for member in members
    )


def _takes(annotation: Any, given: Any) -> bool:
    """Tell whether each value of a type is one of an annotation's, as far as it can be told."""
    taken = _members(annotation)
    return all(any(_takes_one(item, member) for item in taken) for member in _members(given))


_ANYTHING: Final = (Any, object)


def _takes_one(annotation: Any, given: Any) -> bool:
    if annotation in _ANYTHING or given in _ANYTHING or annotation == given:
        return True
    wider, narrower = get_origin(annotation) or annotation, get_origin(given) or given
    if not isinstance(wider, type) or not isinstance(narrower, type):  # such as a TypeVar, or a Literal
        return True
    if is_typeddict(wider):
        return is_typeddict(narrower) and _has_members_of(narrower, wider)
    if not issubclass(dict if is_typeddict(narrower) else narrower, wider):
        return False
    parts, given_parts = _parts(annotation), _parts(given)
    return len(parts) != len(given_parts) or all(map(_takes, parts, given_parts))


def _has_members_of(narrower: Any, wider: Any) -> bool:
    """Tell whether one TypedDict has all members of another: inheritance leaves no other trace."""
    names = [kind.__required_keys__ | kind.__optional_keys__ for kind in (narrower, wider)]
    return bool(names[1] <= names[0])


def _parts(annotation: Any) -> tuple[Any, ...]:
    """The arguments of a generic class, which are types: not those of a Literal, nor the dots of a tuple."""
    origin = get_origin(annotation)
    if not isinstance(origin, type) or issubclass(origin, type):
        return ()
    return tuple(part for part in get_args(annotation) if part is not ...)
