"""Types as schemas: dataclasses, TypedDicts, msgspec Structs, pydantic models, and what is built of them.

A type gives a JSON Schema, by which the engine decides, and a converter, which makes valid data into the type. Neither
msgspec nor pydantic is imported before a type needs it.
"""

import contextlib
import functools
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args, get_origin, is_typeddict

from aiotoolkit._engines import Violation
from aiotoolkit._messages import MESSAGE_LIMIT
from aiotoolkit._violations import MAX_VIOLATIONS

if TYPE_CHECKING:
    import msgspec
    import pydantic
    from pydantic_core import ErrorDetails

__all__ = ["Convert", "TypedSource", "is_model", "is_pydantic", "is_type", "name_of", "read_type"]

Mode = Literal["validation", "serialization"]

Convert = Callable[[Any], tuple[Any, list[Violation]]]
"""Makes valid data into a type: what was made, and why it could not be made."""


class TypedSource(NamedTuple):
    """A type made ready.

    Attributes:
        contents: its JSON Schema.
        convert: makes data that are valid by it into the type.
    """

    contents: Any
    convert: Convert


def read_type(source: Any, *, name: str, mode: Mode) -> TypedSource | None:
    """Take the schema and the converter of a type; None for what is no type.

    Args:
        source: what a schema is given as.
        name: what the schema is for: ``"request"``, ``"query"``, ...
        mode: whether it is for what comes in, or for what goes out.

    Raises:
        ImportError: the type needs msgspec, which is not installed.
        TypeError: the type cannot be described, or cannot stand in this place.
    """
    source = getattr(source, "__value__", source) if type(source).__name__ == "TypeAliasType" else source
    if not is_type(source):
        return None
    typed = _of_pydantic(source, mode) if is_pydantic(source) else _of_msgspec(source, name, mode)
    _check_files(typed.contents, name)
    return typed


def is_type(source: Any) -> bool:
    """Tell a type with members, or one built of others, from what is no schema, or gives one as a jsl document does."""
    if hasattr(source, "get_schema") or (hasattr(source, "model_json_schema") and not is_pydantic(source)):
        return False
    return is_model(source) or is_typeddict(source) or get_origin(source) is not None


def is_pydantic(source: Any) -> bool:
    """Tell whether a type is a pydantic model or dataclass, or is built of one."""
    return hasattr(source, "__pydantic_validator__") or any(is_pydantic(part) for part in get_args(source))


def is_model(source: Any) -> bool:
    """Tell whether a class makes objects of named members, which data that are only validated never are."""
    marks = ("__dataclass_fields__", "__struct_fields__", "__pydantic_validator__")
    return isinstance(source, type) and any(hasattr(source, mark) for mark in marks)


def name_of(source: Any) -> str:
    """A type as one writes it."""
    if get_origin(source) is None and isinstance(source, type):
        return source.__name__
    return repr(source).replace("typing.", "")


# msgspec


def _of_msgspec(source: Any, name: str, mode: Mode) -> TypedSource:
    try:
        import msgspec  # noqa: PLC0415 - optional
    except ImportError as error:
        message = f'{name}: the type {name_of(source)} needs msgspec as a schema: pip install "aiotoolkit[fast]"'
        raise ImportError(message) from error
    try:
        contents = msgspec.json.schema(source, schema_hook=_schema_of_custom)
        contents = _with_decimals(contents, _decimal_schema(name, mode))
        make = _maker(source)
    except Exception as error:
        reason = str(error).strip().rpartition("\n")[2]
        raise TypeError(f"msgspec cannot describe {name_of(source)}: {type(error).__name__}: {reason}") from error

    def made(data: Any) -> Any:
        try:
            return make({"data": data}).data
        except msgspec.ValidationError as error:
            # To JSON Schema, 1.0 is an integer; to msgspec it is none.
            if "got `float`" not in str(error):
                raise
            return make({"data": _with_integers(data)}).data

    def convert(data: Any) -> tuple[Any, list[Violation]]:
        try:
            return made(data), []
        except msgspec.ValidationError as error:
            return data, [_from_msgspec(error, data)]
        except UnicodeEncodeError:  # a lone surrogate, which only data from elsewhere than a request may hold
            return data, [Violation((), "encoding", "holds text that is not Unicode")]

    return TypedSource(contents, convert)


def _maker(source: Any) -> Callable[..., Any]:
    """What makes ``{"data": ...}`` into an object whose ``data`` are of the type.

    msgspec keeps what it knows of a class, and looks at any other type anew for each datum.
    """
    import msgspec  # noqa: PLC0415 - loaded by now

    make = functools.partial(msgspec.convert, type=msgspec.defstruct("Box", [("data", source)]), str_keys=True)
    with contextlib.suppress(msgspec.ValidationError):
        make({})  # finds, now, what else msgspec cannot do with the type
    return make


def _with_integers(data: Any) -> Any:
    """The data with an int for each float that is a whole number of 64 bits."""
    if isinstance(data, float):
        return int(data) if data.is_integer() and -(2**63) <= data < 2**63 else data
    if isinstance(data, dict):
        return {key: _with_integers(value) for key, value in data.items()}
    return [_with_integers(item) for item in data] if isinstance(data, list) else data


def _schema_of_custom(custom: Any) -> Any:
    schema = getattr(custom, "json_schema", None)
    if not isinstance(schema, dict):
        raise NotImplementedError  # msgspec's own error says more
    return schema


# No exponent: a few characters would make a number of a billion digits. No NaN: it cannot be compared.
_DECIMAL_PATTERN: Final = r"^-?[0-9]+(\.[0-9]+)?$"


def _decimal_schema(name: str, mode: Mode) -> dict[str, Any]:
    """What a Decimal is written as, or read from: a number, and text, which keeps each digit."""
    if mode == "serialization":
        return {"type": "number"}
    kinds = ["number", "string"] if name == "request" else "string"
    return {"type": kinds, "pattern": _DECIMAL_PATTERN}


def _with_decimals(contents: Any, decimal: dict[str, Any]) -> Any:
    if isinstance(contents, list):
        return [_with_decimals(item, decimal) for item in contents]
    if not isinstance(contents, dict):
        return contents
    if contents.get("format") == "decimal":
        return {key: value for key, value in contents.items() if key != "format"} | decimal
    return {key: _with_decimals(value, decimal) for key, value in contents.items()}


_PLACE: Final = re.compile(r"`\$\.data([^`]*)`$")
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_NO_VALUE: Final = re.compile(r"[^'`]*|Expected `[^']*")


def _from_msgspec(error: "msgspec.ValidationError", data: Any) -> Violation:
    """The violation in ``Expected `int`, got `str` - at `$.data.a[0].b```, or in what the type itself said."""
    text = str(error)
    if error.__cause__ is not None:  # what the type's own __post_init__ raised
        own = str(error.__cause__)
        return Violation(_path_in(text.removeprefix(own), data), "type", _cut(own))
    message = text.rpartition(" - at ")[0]
    # An enum's and a tag's message show the value.
    return Violation(_path_in(text, data), "type", _cut(message if _NO_VALUE.fullmatch(message) else ""))


def _path_in(text: str, data: Any) -> tuple[str | int, ...]:
    """The path that a message ends in, as far as it leads in the data."""
    place = _PLACE.search(text)
    known = place[1].partition("[...]")[0] if place else ""  # which stands for any member
    steps: list[str | int] = [int(step[2]) if step[2] else step[1] for step in _STEP.finditer(known)]
    return _found(data, steps)


def _found(data: Any, steps: Iterable[str | int]) -> tuple[str | int, ...]:
    """The steps that lead on in the data: pydantic's have the names of a union's members between them."""
    path = []
    for step in steps:
        try:
            data = data[step]
        except (LookupError, TypeError):
            continue
        path.append(step)
    return tuple(path)


def _cut(message: str) -> str:
    message = message.strip() or "is not valid"
    return message if len(message) <= MESSAGE_LIMIT else message[: MESSAGE_LIMIT - 1] + "…"


# pydantic


def _of_pydantic(source: Any, mode: Mode) -> TypedSource:
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - loaded by whoever wrote the model

    is_class = isinstance(source, type) and hasattr(source, "model_validate")
    try:
        adapter = None if is_class else TypeAdapter(source)
        contents = adapter.json_schema(mode=mode) if adapter else source.model_json_schema(mode=mode)
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise TypeError(f"pydantic cannot describe {name_of(source)}: {type(error).__name__}: {reason}") from error
    # The engine was strict about JSON's types: a strict model would refuse a date for being text.
    make = functools.partial(adapter.validate_python if adapter else source.model_validate, strict=False)

    def convert(data: Any) -> tuple[Any, list[Violation]]:
        try:
            return make(data), []
        except ValidationError as error:
            return data, _from_pydantic(error, data)

    return TypedSource(contents, convert)


# Pydantic lists all errors at once, 5 us for each; a body of a megabyte can hold a hundred thousand.
_LISTABLE: Final = 1_000


def _from_pydantic(error: "pydantic.ValidationError", data: Any) -> list[Violation]:
    if error.error_count() > _LISTABLE:
        return [Violation((), "type", f"has more than {_LISTABLE} mistakes")]
    errors = error.errors(include_url=False, include_input=False)[:MAX_VIOLATIONS]
    return [Violation(_found(data, item["loc"]), item["type"], _said_by_pydantic(item)) for item in errors]


def _said_by_pydantic(item: "ErrorDetails") -> str:
    from pydantic_core.core_schema import ErrorType  # noqa: PLC0415 - loaded by now

    context = item.get("ctx")
    if item["type"] in ("value_error", "assertion_error") and context:
        return _cut(str(context["error"]))
    # A message of pydantic's own with a context may hold a part of the value.
    if context and item["type"] in get_args(ErrorType):
        return _cut(f"is not valid ({item['type']})")
    return _cut(item["msg"])


# Files


def _check_files(contents: Any, name: str) -> None:
    """Refuse files where none can come from, and a form's files that are not what a form reads."""
    if isinstance(contents, dict) and contents.get("format") == "binary":
        is_file = "contentMediaType" in contents  # unlike the text that pydantic makes bytes of
        if name == "form" and not is_file:
            raise TypeError("a file of a form is an aiotoolkit.requests.UploadedFile: annotate it so, and not as bytes")
        if name != "form" and is_file:
            raise TypeError("an UploadedFile comes in a form, and nowhere else: give its type as form=")
    if isinstance(contents, dict | list):
        for part in contents.values() if isinstance(contents, dict) else contents:
            _check_files(part, name)
