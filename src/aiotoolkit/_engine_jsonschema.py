"""The pure-Python engine: jsonschema."""

import contextlib
import re
import sys
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

from referencing import Registry
from referencing.jsonschema import UnknownDialect

from aiotoolkit._documents import Document, InvalidSchemaError, JSONSchema, specification_of, with_dialect
from aiotoolkit._messages import USES_LIMIT, describe
from aiotoolkit._risks import is_recursive, slow_places
from aiotoolkit._violations import (
    MAX_VIOLATIONS,
    UNEXPLAINED,
    Check,
    Formats,
    Violation,
    broken_metaschema,
    checked_formats,
    identities,
    unexpected,
)

if TYPE_CHECKING:
    import jsonschema.exceptions
    import jsonschema.protocols

__all__ = ["JSONSchemaEngine"]


class JSONSchemaEngine:
    """The pure-Python engine: jsonschema, for custom keywords, custom types and validator classes.

    It is some 200 times slower than jsonschema-rs, and hostile text can keep it busy where a regular expression has
    nested quantifiers. Formats are asserted as far as it knows them (see jsonschema's ``format`` extras). Nothing is
    fetched. Keywords of jsonschema that hostile data could exploit are replaced, unless the class has its own.

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
        self._formats = checked_formats(formats)
        self._given = dict(formats or {})
        metaschema = getattr(validator_class, "META_SCHEMA", None)
        self.dialect: str | None = metaschema.get("$schema") if isinstance(metaschema, dict) else None

    def compile(self, schema: JSONSchema, /) -> Check:
        """Compile a schema; see :class:`Engine`."""
        return self._prepare(schema)[1]

    def _configuration(self) -> Hashable:
        """What this engine shares with those that compile alike: valid while it is alive."""
        return id(self._validator_class), identities(self._given)

    def _prepare(self, schema: JSONSchema, *, is_checked: bool = False) -> tuple[Document, Check]:
        """The check, and the document that it was compiled from; ``is_checked``: its metaschema needs no look again."""
        import jsonschema  # noqa: PLC0415 - an engine is loaded when a schema asks for it
        from jsonschema.validators import validator_for  # noqa: PLC0415 - the same

        schema = with_dialect(schema, self.dialect)
        specification_of(schema)
        validator_class = self._validator_class or validator_for(schema, default=jsonschema.Draft202012Validator)
        if not is_checked:
            _check_schema(validator_class, schema, "#")
        document = Document(schema)
        for subschema in document.misplaced:
            _check_schema(validator_class, subschema.contents, document.pointer(subschema.contents))
        _check_patterns(document)
        return document, _check_with(validator_class, document, self._formats)

    def _slow_places(self, document: Document) -> Iterator[tuple[str, str]]:
        """The places where hostile data could keep this engine busy, each with the reason."""
        from aiotoolkit._jsonschema_keywords import harden  # noqa: PLC0415 - it imports jsonschema

        given = self._validator_class
        return slow_places(document, patterns_only=given is None or harden(given) is not given)


_DYNAMIC: Final = ("$dynamicRef", "$recursiveRef")


def _check_with(validator_class: Any, document: Document, formats: Mapping[str, Callable[[str], bool]]) -> Check:
    from aiotoolkit._jsonschema_keywords import Evaluation, harden  # noqa: PLC0415 - it imports jsonschema

    evaluation = Evaluation(
        {name: _text_only(function) for name, function in formats.items()},
        validator_class.FORMAT_CHECKER,
        remember=is_recursive(document),
        is_dynamic=any(name in part.keywords for part in document.subschemas for name in _DYNAMIC),
    )
    contents = _undated(document)
    # A registry without a retrieve function fetches nothing; jsonschema adds the metaschemas to it.
    resource = document.root.specification.create_resource(contents)
    registry: Registry[Any] = Registry().with_resource(resource.id() or "", resource)
    with contextlib.suppress(UnknownDialect, AttributeError):  # of what is no schema
        registry = registry.crawl()  # once, and not for each reference of each instance
    validator = harden(validator_class)(contents, format_checker=evaluation, registry=registry)

    def violations(instance: Any) -> list[Violation]:
        errors = validator.evolve(format_checker=evaluation.anew()).iter_errors(instance)
        found = (violation for error in errors for violation in _explained(error))
        # Where a schema leads to one value in several ways, one violation is found as often.
        return list(dict.fromkeys(islice(found, MAX_VIOLATIONS)))

    def check(instance: Any) -> list[Violation]:
        try:
            return violations(instance)
        except RecursionError:
            if threading.current_thread() is not threading.main_thread():
                return [_TOO_DEEP]
        with _deeper_stack():
            try:
                return violations(instance)
            except RecursionError:
                return [_TOO_DEEP]

    return check


def _explained(error: "jsonschema.exceptions.ValidationError") -> Iterator[Violation]:
    violation = None
    for violation in _from_jsonschema(error):
        yield violation
    if violation is None:  # an error is a no, also where nothing is found
        yield UNEXPLAINED


_TOO_DEEP: Final = Violation((), "schema", "is nested too deeply for its schema")


@contextlib.contextmanager
def _deeper_stack() -> Iterator[None]:
    """Let Python call deeper: 64 levels of data, with a schema of many references, are more than it allows.

    The limit is the process's own, but to raise it harms nobody. So many calls need 4 MB of the stack: half of what
    the main thread has, and more than another one may have.
    """
    with _STACK:
        before = sys.getrecursionlimit()
        raised = max(before, _FRAMES)
        sys.setrecursionlimit(raised)
        try:
            yield
        finally:
            if sys.getrecursionlimit() == raised:
                sys.setrecursionlimit(before)


_STACK: Final = threading.Lock()
_FRAMES: Final = 8_000


def _undated(document: Document) -> JSONSchema:
    """The schema without its ``$schema``, at which jsonschema would fall back to a validator class of its own."""
    contents = document.contents
    if not isinstance(contents, dict) or "$schema" not in contents:
        return contents
    dialect = contents["$schema"]
    dated = {id(part.contents) for part in document.subschemas if part.keywords.get("$schema") == dialect}

    def undated(value: Any) -> Any:
        if isinstance(value, dict):
            own = value.items() if id(value) not in dated else ((k, v) for k, v in value.items() if k != "$schema")
            return {key: undated(item) for key, item in own}
        return [undated(item) for item in value] if isinstance(value, list) else value

    copy: JSONSchema = undated(contents)
    return copy


def _check_schema(validator_class: Any, schema: JSONSchema, place: str) -> None:
    import jsonschema  # noqa: PLC0415 - loaded by now

    from aiotoolkit._jsonschema_keywords import Evaluation, compiles  # noqa: PLC0415 - it imports jsonschema

    # The format regex of jsonschema lets an OverflowError and a RecursionError through.
    formats = Evaluation({"regex": compiles}, validator_class.FORMAT_CHECKER, remember=False, is_dynamic=False)
    try:
        validator_class.check_schema(schema, format_checker=formats)
    except jsonschema.SchemaError as error:
        raise broken_metaschema(error.message, tuple(error.absolute_path), schema, place) from error


def _check_patterns(document: Document) -> None:
    """Refuse what Python cannot compile: the metaschemas do not look at the names in patternProperties."""
    for part in document.subschemas:
        found = [("pattern", part.keywords.get("pattern", ""))]
        found += [("patternProperties", name) for name in part.keywords.get("patternProperties", {})]
        for keyword, pattern in found:
            try:
                re.compile(pattern)
            except (re.error, OverflowError, RecursionError) as error:
                place = f"{document.pointer(part.contents)}/{keyword}"
                message = f"Python cannot compile the pattern {pattern[:_NAME_LIMIT]!r}: {error}"
                raise InvalidSchemaError(message, place) from error


_NAME_LIMIT: Final = 50


def _from_jsonschema(error: "jsonschema.exceptions.ValidationError") -> Iterator[Violation]:
    """A violation in the shape that jsonschema-rs has for it, as far as the error tells."""
    path = tuple(error.absolute_path)
    keyword = _SAME_AS.get(str(error.validator or "false"), str(error.validator or "false"))
    missing = _missing_name(error)
    if missing is not None:
        yield Violation((*path, missing), "required", "is required")
    elif keyword == "additionalProperties" and error.validator_value is False:
        yield from unexpected(path, keyword, _additional(error.instance, error.schema))
    elif keyword == "items" and error.validator_value is False and isinstance(error.schema, dict):
        for index in range(len(error.schema.get("prefixItems", ())), len(cast("list[Any]", error.instance))):
            yield Violation((*path, index), "false", "is not allowed")
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


def _text_only(function: Callable[[str], bool]) -> Callable[[object], bool]:
    return lambda value: function(value) if isinstance(value, str) else True
