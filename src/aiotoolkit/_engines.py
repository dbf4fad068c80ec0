"""The validation engines: jsonschema-rs, jsonschema, or a user's own, behind one small interface.

One engine decides about an instance and says why: the engines differ in details (classes of regular expressions,
formats), so that asking a second one for the reasons could contradict the first.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, Protocol, cast

from aiotoolkit._documents import (
    Document,
    InvalidSchemaError,
    JSONSchema,
    pointer_to,
    specification_of,
    with_dialect,
)
from aiotoolkit._messages import MESSAGE_LIMIT, USES_LIMIT, describe
from aiotoolkit._risks import branching_recursion, count_alternatives

if TYPE_CHECKING:
    import jsonschema.exceptions
    import jsonschema.protocols
    import jsonschema_rs

__all__ = [
    "Check",
    "Engine",
    "JSONSchemaEngine",
    "JSONSchemaRSEngine",
    "Violation",
    "find_engine",
]


class Violation(NamedTuple):
    """One way in which an instance breaks its schema.

    Attributes:
        path: the keys and indices that lead to the value; for a missing or an unwanted member, to this member.
        keyword: the keyword of the schema that was broken, such as ``"minLength"``.
        message: what the schema wants, without the value, such as ``"must have at least 1 character"``.
    """

    path: tuple[str | int, ...]
    keyword: str
    message: str


Check = Callable[[Any], Iterable[Violation]]
"""A compiled schema: takes plain data and gives its violations; none for valid data."""

Formats = Mapping[str, Callable[[str], bool]]
"""Formats by their name: a function that tells whether a text is of the format."""


class Engine(Protocol):
    """What a ``Schema`` needs of a validator library."""

    def compile(self, schema: JSONSchema, /) -> Check:
        """Compile a schema, once.

        The check is given plain data only: dict, list, str, int, float (finite), bool and None. It may be called
        from several threads, and must not change what it is given.

        Raises:
            InvalidSchemaError: the schema breaks its metaschema, or refers to what it does not hold itself.
        """
        ...  # pragma: no cover - a protocol


class JSONSchemaRSEngine:
    """The default engine: jsonschema-rs, complete on every draft and fast.

    Formats are asserted, on every draft. Regular expressions are ECMA 262's, matched in linear time where they need
    no look-around. Nothing is fetched.

    Args:
        formats: more formats, or others for known names.
    """

    __module__ = "aiotoolkit.schemas"

    def __init__(self, *, formats: Formats | None = None) -> None:
        self._formats = _checked_formats(formats)

    def compile(self, schema: JSONSchema, /) -> Check:
        """Compile a schema; see :class:`Engine`."""
        try:
            import jsonschema_rs  # noqa: PLC0415 - an engine is loaded when a schema asks for it
        except ImportError as error:
            text = 'jsonschema-rs cannot be imported: pip install jsonschema-rs, or use engine="jsonschema"'
            raise ImportError(text) from error

        specification_of(schema)  # an unknown one would be fetched by the next line
        try:
            jsonschema_rs.meta.validate(schema)
        except jsonschema_rs.ValidationError as error:
            raise _broken_metaschema(error.message, tuple(error.instance_path), schema) from error
        try:
            validator = jsonschema_rs.validator_for(
                schema, validate_formats=True, formats=self._formats, retriever=_refuse_to_fetch
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
            Document(schema)  # says more of a reference that means nothing
            place = pointer_to(tuple(getattr(error, "instance_path", ())))
            raise InvalidSchemaError(str(error).partition("\n")[0][:MESSAGE_LIMIT], place) from error
        return _check_with(validator, Document(schema))


def _check_with(validator: "jsonschema_rs.Validator", document: Document) -> Check:
    is_valid = validator.is_valid
    list_errors = _Lister(validator, document).errors

    def check(instance: Any) -> Iterable[Violation]:
        # Where a no has no reasons, it is still a no.
        return () if is_valid(instance) else list_errors(instance) or [_UNEXPLAINED]

    return check


_UNEXPLAINED: Final = Violation((), "schema", "does not match its schema")


class _Lister:
    """Gives the reasons of an instance that is not valid, as many as can be had at a bounded cost.

    jsonschema-rs decides in linear time, but lists errors all at once, 10 us for each; a body of a megabyte can hold
    half a million. An error of ``anyOf`` and ``oneOf`` brings all errors of all alternatives, and where a schema
    leads to itself in several ways, their number grows exponentially.
    """

    # A larger instance is told its first error only; or none, where one error can hold all others.
    _VALUES: Final = 2_000

    def __init__(self, validator: "jsonschema_rs.Validator", document: Document) -> None:
        self._validator = validator
        self._explodes = branching_recursion(document) is not None
        self._alternatives = count_alternatives(document)
        self._limit = self._VALUES // max(self._alternatives, 1)

    def errors(self, instance: Any) -> list[Violation]:
        if self._explodes:
            return []
        is_large = _has_more_values(instance, self._limit)
        if is_large and self._alternatives:
            return []
        errors = self._first(instance) if is_large else self._validator.iter_errors(instance)
        return [violation for error in errors for violation in _from_rs(error, instance)]

    def _first(self, instance: Any) -> "list[jsonschema_rs.ValidationError]":
        import jsonschema_rs  # noqa: PLC0415 - loaded by now

        try:
            self._validator.validate(instance)
        except jsonschema_rs.ValidationError as error:
            return [error]
        return []


def _from_rs(error: "jsonschema_rs.ValidationError", instance: Any) -> Iterator[Violation]:
    path, value = _find(instance, error.instance_path)
    keyword = error.kind.name
    if keyword == "falseSchema":
        yield from _not_allowed(path, str(error.schema_path[-1]) if error.schema_path else "", value)
    elif keyword in ("additionalProperties", "unevaluatedProperties"):
        yield from _unexpected(path, keyword, error.kind.value)
    elif keyword == "required":
        yield Violation((*path, error.kind.value), keyword, "is required")
    else:
        limit = error.kind.value if keyword in USES_LIMIT else None
        yield Violation(path, keyword, describe(keyword, limit))


def _find(instance: Any, steps: Iterable[str | int]) -> tuple[tuple[str | int, ...], Any]:
    """A path in the instance, and the value there.

    jsonschema-rs gives the name "7" as a number and leaves empty names out; where the value is lost, it is None.
    """
    path: list[str | int] = []
    for step in steps:
        known = str(step) if isinstance(instance, dict) else step
        path.append(known)
        try:
            instance = instance[known]
        except (LookupError, TypeError):
            instance = None
    return tuple(path), instance


def _not_allowed(path: tuple[str | int, ...], keyword: str, value: Any) -> Iterator[Violation]:
    """The violations of a ``false`` schema: as ``additionalProperties``, it is about each member."""
    if keyword == "additionalProperties" and isinstance(value, dict):
        yield from _unexpected(path, keyword, value)
    else:
        yield Violation(path, "false", "is not allowed")


def _unexpected(path: tuple[str | int, ...], keyword: str, names: Iterable[str]) -> Iterator[Violation]:
    for name in names:
        yield Violation((*path, name), keyword, "is not allowed")


class JSONSchemaEngine:
    """The pure-Python engine: jsonschema, for custom keywords, custom types and validator classes.

    It is some 200 times slower than jsonschema-rs, and a hostile instance can keep it busy: mind ``uniqueItems`` over
    objects and regular expressions with nested quantifiers. Formats are asserted as far as it knows them (see
    jsonschema's ``format`` extras). Nothing is fetched.

    Args:
        validator_class: a class of ``jsonschema.validators``, or one made by ``extend``; by default the one of the
            schema's draft.
        formats: more formats, or others for known names.

    Attributes:
        dialect: the ``$schema`` of the schemas that have none: that of the ``validator_class``.
    """

    __module__ = "aiotoolkit.schemas"

    def __init__(
        self, *, validator_class: "type[jsonschema.protocols.Validator] | None" = None, formats: Formats | None = None
    ) -> None:
        if not (validator_class is None or hasattr(validator_class, "check_schema")):
            raise TypeError(f"validator_class is a class of jsonschema.validators, not {validator_class!r}")
        self._validator_class = validator_class
        self._formats = _checked_formats(formats)
        metaschema = getattr(validator_class, "META_SCHEMA", None)
        self.dialect: str | None = metaschema.get("$schema") if isinstance(metaschema, dict) else None

    def compile(self, schema: JSONSchema, /) -> Check:
        """Compile a schema; see :class:`Engine`."""
        import jsonschema  # noqa: PLC0415 - an engine is loaded when a schema asks for it
        from jsonschema.validators import validator_for  # noqa: PLC0415
        from referencing import Registry  # noqa: PLC0415

        schema = with_dialect(schema, self.dialect)
        specification_of(schema)
        validator_class = self._validator_class or validator_for(schema, default=jsonschema.Draft202012Validator)
        _check_schema(validator_class, schema, "#")
        document = Document(schema)
        for subschema in document.misplaced:
            _check_schema(validator_class, subschema.contents, document.pointer(subschema.contents))
        checker = self._format_checker(validator_class.FORMAT_CHECKER)
        # A registry without a retrieve function fetches nothing; jsonschema adds the metaschemas to it.
        validator = validator_class(schema, format_checker=checker, registry=Registry())

        def check(instance: Any) -> Iterator[Violation]:
            for error in validator.iter_errors(instance):
                yield from list(_from_jsonschema(error)) or [_UNEXPLAINED]

        return check

    def _format_checker(self, known: "jsonschema.FormatChecker") -> "jsonschema.FormatChecker":
        import jsonschema  # noqa: PLC0415 - loaded by now

        checker = jsonschema.FormatChecker(())
        checker.checkers = {
            **known.checkers,
            **{name: (_text_only(function), ()) for name, function in self._formats.items()},
        }
        return checker


def _check_schema(validator_class: "type[jsonschema.protocols.Validator]", schema: JSONSchema, place: str) -> None:
    import jsonschema  # noqa: PLC0415 - loaded by now

    try:
        validator_class.check_schema(cast("dict[str, Any]", schema))  # a bool is fine: its stubs forgot it
    except jsonschema.SchemaError as error:
        raise _broken_metaschema(error.message, tuple(error.absolute_path), schema, place) from error


_TYPES: Final = ("array", "boolean", "integer", "null", "number", "object", "string")


def _broken_metaschema(
    message: str, path: tuple[str | int, ...], schema: JSONSchema, place: str = "#"
) -> InvalidSchemaError:
    """The error of a schema that is none, in better words where a type is misspelled."""
    _, value = _find(schema, path)
    names = value if isinstance(value, list) else [value]
    unknown = next((name for name in names if isinstance(name, str) and name not in _TYPES), None)
    is_type = path[-1:] == ("type",) and path[-2:-1] not in (("properties",), ("$defs",), ("definitions",))
    if is_type and unknown is not None:
        message = f"There is no type {unknown[:_NAME_LIMIT]!r}: the types are {', '.join(_TYPES)}"
    return InvalidSchemaError(message[:MESSAGE_LIMIT], place + pointer_to(path).removeprefix("#"))


_NAME_LIMIT: Final = 50


def _from_jsonschema(error: "jsonschema.exceptions.ValidationError") -> Iterator[Violation]:
    """A violation in the shape that jsonschema-rs has for it, as far as the error tells."""
    path = tuple(error.absolute_path)
    keyword = _SAME_AS.get(str(error.validator or "false"), str(error.validator or "false"))
    missing = _missing_name(error)
    if missing is not None:
        yield Violation((*path, missing), "required", "is required")
    elif keyword == "additionalProperties" and error.validator_value is False:
        yield from _unexpected(path, keyword, _additional(error.instance, error.schema))
    elif keyword == "false":
        yield Violation(path, keyword, "is not allowed")
    else:
        if keyword in _LIMITS and isinstance(error.schema, dict) and error.schema.get(_LIMITS[keyword]) is True:
            keyword = _LIMITS[keyword]  # a boolean beside it, in draft-04
        limit = error.validator_value if keyword in USES_LIMIT else None
        yield Violation(path, keyword, describe(keyword, limit))


_SAME_AS: Final[Mapping[str, str]] = {"minContains": "contains", "maxContains": "contains"}
_LIMITS: Final[Mapping[str, str]] = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}


def _missing_name(error: "jsonschema.exceptions.ValidationError") -> str | None:
    """The missing property that an error is about: jsonschema says it in the message only."""
    value = error.validator_value
    if error.validator == "required":
        groups, said = [value], "is a required property"
    elif error.validator in ("dependentRequired", "dependencies") and isinstance(value, dict):
        groups, said = list(value.values()), "is a dependency of "
    else:
        return None
    names = (name for group in groups if isinstance(group, list) for name in group)
    return next((name for name in names if error.message.startswith(f"{name!r} {said}")), None)


def _additional(instance: Any, schema: Any) -> list[str]:
    patterns = schema.get("patternProperties", {})
    return [
        name
        for name in instance
        if name not in schema.get("properties", {}) and not any(re.search(pattern, name) for pattern in patterns)
    ]


def _has_more_values(instance: Any, limit: int) -> bool:
    """Tell whether plain data holds more than ``limit`` values, looking at no more of them."""
    pending = [instance]
    seen = 0
    while pending:
        value = pending.pop()
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        seen += len(items)
        if seen > limit:
            return True
        pending.extend(items)
    return False


def _checked_formats(formats: Formats | None) -> dict[str, Callable[[str], bool]]:
    if not isinstance(formats, Mapping | None):
        raise TypeError(f"formats is a mapping of a format's name to a function, not {formats!r}")
    for name, function in (formats or {}).items():
        if not isinstance(name, str) or not callable(function):
            raise TypeError(f"formats holds functions by their format's name, not {name!r}: {function!r}")
    return {name: _safe_format(function) for name, function in (formats or {}).items()}


def _safe_format(function: Callable[[str], bool]) -> Callable[[str], bool]:
    """A format's ValueError means no: whatever else it raises is its own bug."""

    def check(text: str) -> bool:
        try:
            return bool(function(text))
        except ValueError:
            return False

    return check


def _text_only(function: Callable[[str], bool]) -> Callable[[object], bool]:
    return lambda value: function(value) if isinstance(value, str) else True


def _refuse_to_fetch(uri: str) -> NoReturn:
    raise ValueError("references outside of the schema are refused")


def find_engine(engine: Engine | str | None) -> Engine:
    """The engine that is meant: an object, a name, or by default jsonschema-rs where it is installed.

    Raises:
        TypeError, ValueError: it is none.
    """
    if engine is None:
        return JSONSchemaRSEngine() if _has_jsonschema_rs() else JSONSchemaEngine()
    if isinstance(engine, str):
        try:
            return _ENGINES[engine]()
        except KeyError:
            raise ValueError(f"There is no engine {engine!r}: use one of {', '.join(_ENGINES)}, or an object") from None
    if isinstance(engine, type) or not callable(getattr(engine, "compile", None)):
        raise TypeError(f"An engine is an object with compile(schema), or a name, not {engine!r}")
    return engine


def _has_jsonschema_rs() -> bool:
    try:
        import jsonschema_rs  # noqa: F401, PLC0415 - whether this works is the question
    except ImportError:
        return False
    return True


_ENGINES: Final[Mapping[str, Callable[[], Engine]]] = {
    "jsonschema-rs": JSONSchemaRSEngine,
    "jsonschema": JSONSchemaEngine,
}
