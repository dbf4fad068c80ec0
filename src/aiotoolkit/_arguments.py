"""What a Schema is made of: its arguments, checked before anything is compiled."""

import copy
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from aiotoolkit._documents import SchemaSource

__all__ = ["check_options", "checked_operation", "from_module", "made_error"]


def check_options(*, response_factory: Any, error_class: Any, validate_response: Any, **flags: Any) -> None:
    if not (response_factory is None or callable(response_factory)):
        raise TypeError(f"response_factory is a function that makes a response, or None, not {response_factory!r}")
    if error_class is not None:
        made_error(error_class, "The request is not valid")
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise TypeError(f"{name} is True or False, not {value!r}")
    if not (isinstance(validate_response, bool) or validate_response == "log"):
        raise TypeError(f'validate_response is True, False or "log", not {validate_response!r}')


def from_module(
    module: Any, request: SchemaSource | None, response: SchemaSource | None
) -> tuple[SchemaSource | None, SchemaSource | None, Callable[[Any], Any] | None]:
    """The schemas and the request processor of a module, as rororo's users write them."""
    if module is None:
        return request, response, None
    if isinstance(module, Mapping | bool):
        raise TypeError("Schema's first argument is a module with schemas; a schema is given by its name: request=...")
    found = {name: getattr(module, name, None) for name in ("request", "response")}
    if not any(value is not None for value in found.values()):
        raise TypeError(f"{module!r} has neither a 'request' nor a 'response' schema")
    if request is not None or response is not None:
        raise TypeError("The request and response schemas are given by the module, or by name, not both")
    processor = getattr(module, "request_processor", None)
    if processor is not None and (not callable(processor) or inspect.iscoroutinefunction(processor)):
        raise TypeError(f"{module!r}.request_processor must be a function, and not async, not {processor!r}")
    return found["request"], found["response"], processor


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


def _are_requirements(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, Mapping) for item in value)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


_OPERATION_TYPES: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "summary": (_is_text, "text"),
    "description": (_is_text, "text"),
    "tags": (_are_texts, "a list of texts"),
    "security": (_are_requirements, "a list of mappings"),
    "deprecated": (_is_flag, "True or False"),
}


def checked_operation(operation: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """A copy that the caller's own dict does not reach."""
    if not isinstance(operation, Mapping | None):
        raise TypeError(f"operation is a mapping with some of {', '.join(_OPERATION_TYPES)}, not {operation!r}")
    copied = copy.deepcopy(dict(operation or {}))
    for name in copied:
        if name not in _OPERATION_TYPES:
            raise TypeError(f"operation holds some of {', '.join(_OPERATION_TYPES)}, not {name!r}")
    for name, (fits, wanted) in _OPERATION_TYPES.items():
        if name in copied and not fits(copied[name]):
            raise TypeError(f"operation: {name} is {wanted}, not {copied[name]!r}")
    return MappingProxyType(copied)


def made_error(error_class: Any, message: str) -> Exception:
    """An error of a class, which is proved to make one of a text."""
    wanted = "error_class makes an exception of a text"
    if not callable(error_class):
        raise TypeError(f"{wanted}; {error_class!r} cannot be called")
    try:
        made = error_class(message)
    except Exception as error:
        raise TypeError(f"{wanted}; {error_class!r} raised {type(error).__name__}: {error}") from error
    if not isinstance(made, Exception):
        raise TypeError(f"{wanted}; {error_class!r} made {type(made).__name__}")
    return made
