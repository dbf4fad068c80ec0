"""Keywords of jsonschema that hostile data could exploit, written anew; imported only where jsonschema is used.

jsonschema compares each item of ``uniqueItems`` with each, collects all errors of all alternatives, and evaluates a
part of the data as often as a schema leads to it. Here every keyword takes time in proportion to the data.
"""

import contextlib
import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any, Final

import jsonschema
from jsonschema.exceptions import FormatError, ValidationError
from jsonschema.validators import extend
from referencing.jsonschema import lookup_recursive_ref

__all__ = ["Evaluation", "compiles", "harden"]

Keyword = Callable[[Any, Any, Any, Any], Iterable[ValidationError] | None]
"""A keyword of jsonschema: takes the validator, the keyword's value, the instance and the schema."""


class Evaluation(jsonschema.FormatChecker):
    """What a validator carries to each part of the data: the formats, and what is known of the parts already.

    Args:
        formats: functions by the format's name; they are asked first.
        known: jsonschema's own.
        remember: whether to remember which parts are valid, as it takes where a schema leads to itself.
        is_dynamic: whether the schema has references whose meaning depends on the way to them.
    """

    def __init__(
        self,
        formats: Mapping[str, Callable[[object], bool]],
        known: jsonschema.FormatChecker,
        *,
        remember: bool,
        is_dynamic: bool,
    ) -> None:
        self.checkers = known.checkers  # the very same, to which more may be added
        regex = {"regex": _is_regex} if known.checkers.get("regex") == _STOCK_REGEX else {}
        self.formats = {**regex, **formats}
        self.is_dynamic = is_dynamic
        self.deciding = 0
        # By reference and part: the part, so that no other one gets its id, and whether it is valid.
        self.memory: dict[tuple[Any, ...], tuple[Any, bool]] | None = {} if remember else None

    def anew(self) -> "Evaluation":
        """The same for another instance."""
        if self.memory is None:
            return self
        return Evaluation(self.formats, self, remember=True, is_dynamic=self.is_dynamic)

    def check(self, instance: object, format: str) -> None:  # noqa: A002 - jsonschema calls it so
        """Refuse what is not of a format.

        Raises:
            FormatError: it is not.
        """
        function = self.formats.get(format)
        if function is None:
            super().check(instance, format)
        elif not function(instance):
            raise FormatError(f"{str(instance)[:_SHOWN]!r} is not a {format!r}")


_SHOWN: Final = 50
_STOCK_REGEX: Final = jsonschema.Draft202012Validator.FORMAT_CHECKER.checkers.get("regex")

# The message of an error holds the instance, and costs as much: nobody reads it.
_SILENT: Final = ""


@functools.lru_cache(maxsize=32)
def harden(validator_class: Any) -> Any:
    """A validator class like this one, whose keywords are those below where they were jsonschema's own."""
    if validator_class.__mro__[1:] != (object,):  # a subclass may do anything, and extend() would lose it
        return validator_class
    replaced = {
        name: make(function)
        for name, make in _MAKERS.items()
        if (function := validator_class.VALIDATORS.get(name)) in _stock(name)
    }
    hardened: Any = extend(validator_class, replaced)  # type: ignore[no-untyped-call]  # its stubs leave it open
    hardened.descend = _descend_with(hardened.descend)
    hardened.is_valid = _is_valid
    return hardened


def _stock(name: str) -> set[Any]:
    classes: list[Any] = [
        jsonschema.Draft4Validator,
        jsonschema.Draft6Validator,
        jsonschema.Draft7Validator,
        jsonschema.Draft201909Validator,
        jsonschema.Draft202012Validator,
    ]
    return {each.VALIDATORS[name] for each in classes if name in each.VALIDATORS}


def _descend_with(stock: Callable[..., Iterator[ValidationError]]) -> Callable[..., Iterator[ValidationError]]:
    def descend(
        self: Any, instance: Any, schema: Any, path: Any = None, schema_path: Any = None, resolver: Any = None
    ) -> Iterator[ValidationError]:
        if schema is False:  # for which jsonschema forgets the path
            error = _false(instance)
            if path is not None:
                error.path.appendleft(path)
            return iter((error,))
        return stock(self, instance, schema, path, schema_path, resolver)

    return descend


def _false(instance: Any) -> ValidationError:
    no_keyword: Any = None  # which its stubs forgot
    return ValidationError(_SILENT, validator=no_keyword, instance=instance, schema=False)


def _is_valid(self: Any, instance: Any) -> bool:
    with _deciding(self):
        return next(iter(self.iter_errors(instance)), None) is None


def _decide(validator: Any, instance: Any, schema: Any) -> bool:
    with _deciding(validator):
        return next(iter(validator.descend(instance, schema)), None) is None


@contextlib.contextmanager
def _deciding(validator: Any) -> Iterator[None]:
    """While it lasts, a yes or a no is wanted, and no errors."""
    evaluation = validator.format_checker
    if not isinstance(evaluation, Evaluation) or evaluation.memory is None:
        yield
        return
    evaluation.deciding += 1
    try:
        yield
    finally:
        evaluation.deciding -= 1


def _reference(stock: Keyword) -> Keyword:
    def reference(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[ValidationError] | None:
        evaluation = validator.format_checker
        if not isinstance(evaluation, Evaluation) or evaluation.memory is None or not isinstance(instance, dict | list):
            return stock(validator, value, instance, schema)
        return remembered(evaluation.memory, validator, value, instance, schema)

    def remembered(
        memory: dict[tuple[Any, ...], tuple[Any, bool]], validator: Any, value: Any, instance: Any, schema: Any
    ) -> Iterator[ValidationError]:
        evaluation: Evaluation = validator.format_checker
        key = (stock, id(schema), id(instance), *(_scope(validator) if evaluation.is_dynamic else ()))
        _, known = memory.get(key, (None, None))
        if known or (known is False and evaluation.deciding):
            yield from () if known else (ValidationError(_SILENT),)
            return
        is_valid = True
        for error in stock(validator, value, instance, schema) or ():
            if is_valid:
                is_valid = False
                memory[key] = instance, False
            yield error
        if is_valid:
            memory[key] = instance, True

    return reference


def _scope(validator: Any) -> Iterable[str]:
    """The schemas that a dynamic reference may mean, outermost first."""
    return dict.fromkeys(reversed([uri for uri, _ in validator._resolver.dynamic_scope()]))


def _type(_: Keyword) -> Keyword:
    def type_(validator: Any, types: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if not any(validator.is_type(instance, each) for each in ([types] if isinstance(types, str) else types)):
            yield ValidationError(_SILENT)

    return type_


def _any_of(_: Keyword) -> Keyword:
    def any_of(validator: Any, schemas: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        for each in schemas:  # not any(): it would take a level of Python's stack
            if _decide(validator, instance, each):
                return
        yield ValidationError(_SILENT)

    return any_of


def _one_of(_: Keyword) -> Keyword:
    def one_of(validator: Any, schemas: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        matches = 0
        for each in schemas:
            matches += _decide(validator, instance, each)
            if matches > 1:
                break
        if matches != 1:
            yield ValidationError(_SILENT)

    return one_of


def _not(_: Keyword) -> Keyword:
    def not_(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if _decide(validator, instance, value):
            yield ValidationError(_SILENT)

    return not_


def _property_names(_: Keyword) -> Keyword:
    def property_names(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if validator.is_type(instance, "object"):
            for name in instance:
                if not _decide(validator, name, value):
                    yield _false(instance) if value is False else ValidationError(_SILENT)
                    return  # of another name, the same would be said

    return property_names


def _additional_items(stock: Keyword) -> Keyword:
    def additional_items(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[ValidationError] | None:
        # Beside anything but an array it says nothing; beside a bool, jsonschema crashes.
        return stock(validator, value, instance, schema) if isinstance(schema.get("items"), list) else None

    return additional_items


def _unevaluated_items(stock: Any) -> Keyword:
    is_newest = stock is jsonschema.Draft202012Validator.VALIDATORS["unevaluatedItems"]
    find = stock.__globals__["find_evaluated_item_indexes_by_schema"] if is_newest else _evaluated_items

    def unevaluated_items(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if validator.is_type(instance, "array"):
            evaluated = set(find(validator, instance, schema))
            if any(index not in evaluated for index in range(len(instance))):
                yield ValidationError(_SILENT)

    return unevaluated_items


def _evaluated_items(validator: Any, instance: Any, schema: Any) -> set[int]:
    """The items that a schema of 2019-09 evaluates; jsonschema crashes where ``items`` is a bool."""
    evaluated: set[int] = set()
    if isinstance(schema, bool):
        return evaluated
    items = schema.get("items")
    if isinstance(items, list) and "additionalItems" not in schema:
        evaluated.update(range(len(items)))
    elif items is not None:
        evaluated.update(range(len(instance)))
    for keyword in ("contains", "unevaluatedItems"):  # contains as in 2020-12, and as in jsonschema-rs
        if keyword in schema:
            evaluated.update(index for index, item in enumerate(instance) if _decide(validator, item, schema[keyword]))
    for inner, target in _in_place(validator, instance, schema):
        evaluated |= _evaluated_items(inner, instance, target)
    return evaluated


def _in_place(validator: Any, instance: Any, schema: Any) -> Iterator[tuple[Any, Any]]:
    """The schemas of 2019-09 that apply to the same value, and that it is valid by; each with its validator."""
    found = [validator._resolver.lookup(schema["$ref"])] if "$ref" in schema else []
    if "$recursiveRef" in schema:
        found.append(lookup_recursive_ref(validator._resolver))
    for resolved in found:
        yield validator.evolve(schema=resolved.contents, _resolver=resolved.resolver), resolved.contents
    branches = [each for keyword in ("allOf", "anyOf", "oneOf") for each in schema.get(keyword, ())]
    if "if" in schema:
        branches.append(schema["if"])
        branches.append(schema.get("then" if _decide(validator, instance, schema["if"]) else "else", True))
    for branch in branches:
        if _decide(validator, instance, branch):
            yield validator, branch


def _unevaluated_properties(stock: Any) -> Keyword:
    name = "find_evaluated_property_keys_by_schema"
    find = stock.__globals__[name]
    newest: Any = jsonschema.Draft202012Validator.VALIDATORS["unevaluatedProperties"]
    # That of 2019-09 takes the keywords of a schema in additionalProperties for names, but only it knows $recursiveRef.
    better = newest.__globals__[name]

    def unevaluated_properties(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if validator.is_type(instance, "object"):
            is_dynamic = getattr(validator.format_checker, "is_dynamic", True)
            evaluated = set((find if is_dynamic else better)(validator, instance, schema))
            for name in instance:
                if name not in evaluated and not _decide(validator, instance[name], value):
                    yield ValidationError(_SILENT, path=(name,))

    return unevaluated_properties


def _multiple_of(_: Keyword) -> Keyword:
    def multiple_of(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if not validator.is_type(instance, "number"):
            return
        if isinstance(value, int) and isinstance(instance, int):
            is_multiple = instance % value == 0
        else:  # 19.99 is a multiple of 0.01 in decimal, and not in binary
            is_multiple = (Fraction(repr(instance)) / Fraction(repr(value))).denominator == 1
        if not is_multiple:
            yield ValidationError(_SILENT)

    return multiple_of


def _unique_items(stock: Keyword) -> Keyword:
    def unique_items(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if value and validator.is_type(instance, "array"):
            try:
                is_unique = len({_frozen(item) for item in instance}) == len(instance)
            except TypeError:  # what is no JSON, such as a keyword of a user may make
                yield from stock(validator, value, instance, schema) or ()
                return
            if not is_unique:
                yield ValidationError(_SILENT)

    return unique_items


def _frozen(value: Any) -> Any:
    """What two values have in common that are equal in JSON: 1 is 1.0, and not true; members have no order.

    A number becomes a text: of those, nobody outside knows the hashes, and cannot make thousands alike.
    """
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return (repr(value),)
    if isinstance(value, int | float):
        return ("number", hex(int(value)) if value == value // 1 else repr(value))
    if isinstance(value, list):
        return ("array", *map(_frozen, value))
    if isinstance(value, dict):
        return ("object", frozenset((name, _frozen(item)) for name, item in value.items()))
    raise TypeError


_MAKERS: Final[Mapping[str, Callable[[Any], Keyword]]] = {
    "$ref": _reference,
    "$dynamicRef": _reference,
    "$recursiveRef": _reference,
    "additionalItems": _additional_items,
    "anyOf": _any_of,
    "multipleOf": _multiple_of,
    "not": _not,
    "oneOf": _one_of,
    "propertyNames": _property_names,
    "type": _type,
    "unevaluatedItems": _unevaluated_items,
    "unevaluatedProperties": _unevaluated_properties,
    "uniqueItems": _unique_items,
}


def compiles(text: object) -> bool:
    """The format ``regex`` for a schema's own patterns: what Python compiles."""
    try:
        re.compile(text if isinstance(text, str) else "")
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def _is_regex(text: object) -> bool:
    """The format ``regex``: what Python compiles, without flags inside, which ECMA 262 does not have.

    With the flag for upper and lower case, a class of characters takes milliseconds to compile.
    """
    return not isinstance(text, str) or (_FLAGS.search(text) is None and compiles(text))


_FLAGS: Final = re.compile(r"\(\?[a-zA-Z-]+[:)]")
