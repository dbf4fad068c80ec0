"""The default engine: jsonschema-rs."""

import contextlib
from collections.abc import Hashable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, NoReturn

from aiotoolkit._documents import (
    TOO_DEEP,
    Document,
    InvalidSchemaError,
    JSONSchema,
    pointer_to,
    specification_of,
)
from aiotoolkit._messages import MESSAGE_LIMIT, USES_LIMIT, describe
from aiotoolkit._risks import branching_recursion, has_alternatives, ways_to_a_value
from aiotoolkit._violations import (
    UNEXPLAINED,
    Check,
    Formats,
    Violation,
    broken_metaschema,
    checked_formats,
    find,
    identities,
    unexpected,
)

if TYPE_CHECKING:
    import jsonschema_rs

__all__ = ["JSONSchemaRSEngine"]


class JSONSchemaRSEngine:
    """The default engine: jsonschema-rs, complete on every draft and fast.

    Formats are asserted, on every draft. Regular expressions are ECMA 262's, matched in linear time where they need
    no look-around. Nothing is fetched.

    Args:
        formats: more formats, or others for known names.
    """

    __module__ = "aiotoolkit.schemas"

    def __init__(self, *, formats: Formats | None = None) -> None:
        self._formats = checked_formats(formats)
        self._given = dict(formats or {})

    def compile(self, schema: JSONSchema, /) -> Check:
        """Compile a schema; see :class:`Engine`."""
        return self._prepare(schema)[1]

    def _configuration(self) -> Hashable:
        """What this engine shares with those that compile alike: valid while it is alive."""
        return identities(self._given)

    def _prepare(self, schema: JSONSchema, *, is_checked: bool = False) -> tuple[Document, Check]:
        """The check, and the document that it was compiled from; ``is_checked``: its metaschema needs no look again."""
        try:
            import jsonschema_rs  # noqa: PLC0415 - an engine is loaded when a schema asks for it
        except ImportError as error:
            text = 'jsonschema-rs cannot be imported: pip install jsonschema-rs, or use engine="jsonschema"'
            raise ImportError(text) from error

        specification_of(schema)  # an unknown one would be fetched by the next line
        try:
            if not is_checked:
                with _depth_named():
                    jsonschema_rs.meta.validate(schema)
        except jsonschema_rs.ValidationError as error:
            raise broken_metaschema(error.message, tuple(error.instance_path), schema) from error
        document = Document(schema)  # which says more of a reference that means nothing
        try:
            with _depth_named():
                validator = jsonschema_rs.validator_for(
                    schema, validate_formats=True, formats=self._formats, retriever=_refuse_to_fetch
                )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
            place = pointer_to(tuple(getattr(error, "instance_path", ())))
            raise InvalidSchemaError(str(error).partition("\n")[0][:MESSAGE_LIMIT], place) from error
        return document, _check_with(validator, document)


@contextlib.contextmanager
def _depth_named() -> Iterator[None]:
    """Say what jsonschema-rs says of a schema of more than 255 levels so that its author knows what it means."""
    try:
        yield
    except ValueError as error:
        if "Recursion limit" not in str(error):
            raise
        raise InvalidSchemaError(TOO_DEEP) from error


def _check_with(validator: "jsonschema_rs.Validator", document: Document) -> Check:
    is_valid = validator.is_valid
    list_errors = _Lister(validator, document).errors

    def check(instance: Any) -> Iterable[Violation]:
        return () if is_valid(instance) else reasons(instance)

    def reasons(instance: Any) -> Iterator[Violation]:  # only for who wants to know
        # Where a no has no reasons, it is still a no.
        yield from list_errors(instance) or [UNEXPLAINED]

    return check


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
        self._has_alternatives = has_alternatives(document)
        self._limit = self._VALUES // ways_to_a_value(document) if self._has_alternatives else self._VALUES
        self._explodes = not self._limit or branching_recursion(document) is not None

    def errors(self, instance: Any) -> list[Violation]:
        if self._explodes:
            return []
        is_large = _has_more_values(instance, self._limit)
        if is_large and self._has_alternatives:
            return []
        errors = self._first(instance) if is_large else self._validator.iter_errors(instance)
        found = (violation for error in errors for violation in _from_rs(error, instance))
        return list(dict.fromkeys(found))  # one is found as often as a schema leads to it

    def _first(self, instance: Any) -> "list[jsonschema_rs.ValidationError]":
        import jsonschema_rs  # noqa: PLC0415 - loaded by now

        try:
            self._validator.validate(instance)
        except jsonschema_rs.ValidationError as error:
            return [error]
        return []


def _from_rs(error: "jsonschema_rs.ValidationError", instance: Any) -> Iterator[Violation]:
    path, value = find(instance, error.instance_path)
    kind = error.kind  # made anew each time
    keyword = kind.name
    if keyword == "falseSchema":
        yield from _not_allowed(path, str(error.schema_path[-1]) if error.schema_path else "", value)
    elif keyword in ("additionalProperties", "unevaluatedProperties"):
        yield from unexpected(path, keyword, kind.value)
    elif keyword == "required":
        yield Violation((*path, kind.value), keyword, "is required")
    else:
        limit = kind.value if keyword in USES_LIMIT else None
        yield Violation(path, keyword, describe(keyword, limit))


def _not_allowed(path: tuple[str | int, ...], keyword: str, value: Any) -> Iterator[Violation]:
    """The violations of a ``false`` schema: as ``additionalProperties``, it is about each member."""
    if keyword == "additionalProperties" and isinstance(value, dict):
        yield from unexpected(path, keyword, value)
    else:
        yield Violation(path, "false", "is not allowed")


def _has_more_values(instance: Any, limit: int) -> bool:
    """Tell whether plain data holds more than ``limit`` values, looking at no more of them.

    An integer counts by its length: to tell the error of one with 4,300 digits takes jsonschema-rs 2 ms.
    """
    pending = [instance] if type(instance) in _CONTAINERS else []
    seen = 0
    while pending:
        value = pending.pop()
        items = value.values() if type(value) is dict else value
        seen += len(items)
        if seen > limit:
            return True
        for item in items:
            kind = type(item)
            if kind in _CONTAINERS:
                pending.append(item)
            elif kind is int and not -_SHORT < item < _SHORT:
                seen += item.bit_length() // 64
    return seen > limit


_CONTAINERS: Final = frozenset({dict, list})
_SHORT: Final = 2**64


def _refuse_to_fetch(uri: str) -> NoReturn:
    raise ValueError("references outside of the schema are refused")
