"""A schema made ready: read from its source, checked, compiled; and the data that is checked against it."""

import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final, Literal

from aiotoolkit._bounds import bounded
from aiotoolkit._cache import Cache
from aiotoolkit._defaults import Defaults, Fill, never_filled
from aiotoolkit._documents import (
    Document,
    InvalidSchemaError,
    JSONSchema,
    SchemaSource,
    pointer_to,
    read_source,
    with_dialect,
)
from aiotoolkit._engines import (
    Check,
    Engine,
    JSONSchemaRSEngine,
    Violation,
    identity_of,
    prepare,
    recompile,
    slow_places_of,
)
from aiotoolkit._examples import check_examples
from aiotoolkit._json import WRITES_ENUMS, is_exact
from aiotoolkit._shape import bounded_depth, has_numbers
from aiotoolkit._typed import Convert, read_type
from aiotoolkit._violations import MAX_VIOLATIONS

__all__ = ["MAX_NESTING", "MAX_VIOLATIONS", "CompiledSchema", "compile_schema", "pointer_of"]

MAX_NESTING: Final = 64
"""How many arrays and objects of a request may be nested."""
_POINTER_LIMIT: Final = 200


@dataclass(frozen=True, slots=True, weakref_slot=True)
class CompiledSchema:
    """A schema that is ready for any number of instances, from any number of tasks.

    Attributes:
        document: the schema itself, and what its references mean.
        check: the engine's verdict.
        fill: fills in defaults; None where there are none, or none are wanted.
        engine: what made the check; it lives as long as this does, since what is compiled is known by it.
        unfilled: the places of defaults that are never filled.
        slow: the places where hostile data could keep the engine busy, each with the reason.
        is_bounded: whether data that pass hold nothing that the engine did not look at, so that their depth is
            bounded by the schema.
        has_numbers: whether such data may hold a number.
        convert: makes valid data into the type that the schema was given as; None where it was none.
        type: that type.
    """

    document: Document
    check: Check
    fill: Fill | None
    engine: Engine
    unfilled: tuple[str, ...]
    slow: tuple[tuple[str, str], ...]
    is_bounded: bool
    has_numbers: bool
    convert: Convert | None = None
    type: Any = None

    def warnings(self, name: str) -> Iterator[str]:
        """What its author should know of it."""
        for place in self.unfilled:
            message = f"The default at {place} of the {name} schema is not filled where it stands under"
            yield f"{message} anyOf, oneOf, not, if, then or else: they may not apply"
        for place, why in self.slow:
            message = f"Hostile data can keep the jsonschema engine busy at {place} of the {name} schema: {why}"
            yield f"{message}. Use jsonschema-rs"

    def read(self, data: Any, files: Mapping[str, Any] | None = None) -> tuple[Any, Sequence[Violation]]:
        """Fill in defaults, check, and make valid data into the type that the schema was given as.

        Args:
            data: as for :meth:`validate`.
            files: members that are no data.
        """
        data, violations = self.validate(data)
        if files:
            data = {**data, **files}
        return (data, violations) if self.convert is None or violations else self.convert(data)

    def accepts(self, data: Any) -> bool:
        """Tell of any Python object whether it is plain data that the schema allows; if in doubt, it is not.

        Only a bounded schema can tell.
        """
        try:
            if not self.is_bounded or self.check(data) != ():
                return False
        except ValueError:
            return False  # of a type that the engine does not know
        # What the engine takes for a number may be a Decimal, and for a text an Enum, which encoders write otherwise.
        return (WRITES_ENUMS and not self.has_numbers) or is_exact(data)

    def validate(
        self, data: Any, before_reasons: Callable[[], object] | None = None
    ) -> tuple[Any, Sequence[Violation]]:
        """Fill in defaults and check.

        Args:
            data: plain data (dict, list, str, int, float, bool, None); it is not changed.
            before_reasons: called for data that are not valid by a bounded schema, before the engine lists why.

        Returns:
            The data with its defaults, and at most 20 violations.
        """
        try:
            if self.fill is not None:
                data = self.fill(data)
            violations = self.check(data)
            if violations == ():  # what jsonschema-rs has for valid data: there is nothing to list
                return data, ()
            if before_reasons is not None:
                before_reasons()
            return data, list(islice(violations, MAX_VIOLATIONS))
        except UnicodeEncodeError:
            # A lone surrogate. The decoders refuse it; data that comes from elsewhere may hold one.
            return data, [Violation((), "encoding", "holds text that is not Unicode")]
        except RecursionError:
            return data, [Violation((), "schema", "is nested too deeply for its schema")]


def compile_schema(
    source: "SchemaSource | CompiledSchema",
    engine: Engine,
    *,
    name: str,
    fill_defaults: bool,
    mode: Literal["validation", "serialization"] = "validation",
) -> CompiledSchema:
    """Read, check and compile a schema.

    Args:
        source: what ``Schema`` takes: a dict, a bool, a type, or an object that gives a schema; or what was compiled.
        engine: what decides.
        name: what the schema is for, said in each error: ``"request"``.
        fill_defaults: whether to fill in defaults.
        mode: which schema a pydantic model is asked for; in a request, integers have 64 bits unless the schema says
            more, while ``document`` stays the schema as it was given.

    Raises:
        TypeError: the source is none of these.
        InvalidSchemaError: the schema cannot be used; the error says why, and where in it.
    """
    if isinstance(source, CompiledSchema):
        return source
    try:
        # The dialect of an engine that has one of its own, such as that of a validator class of jsonschema.
        typed = read_type(source, name=name, mode=mode)
        contents = read_source(source if typed is None else typed.contents, mode=mode)
        contents = with_dialect(contents, getattr(engine, "dialect", None))
        # A type fills its own defaults: it knows more of them, and whether a member was there.
        compiled = _shared(
            contents, engine, fill_defaults=fill_defaults and typed is None, is_response=mode == "serialization"
        )
    except InvalidSchemaError as error:
        raise error.named(name) from error.__cause__
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from error
    except RecursionError as error:
        raise InvalidSchemaError("its references form a chain that is too long to follow").named(name) from error
    if typed is None or mode == "serialization":
        return compiled
    return replace(compiled, convert=typed.convert, type=source)


# One for the process, which no application can see: what it holds is immutable, and depends on its key alone.
_COMPILED: Final[Cache[CompiledSchema]] = Cache(recent=256)


def _shared(contents: JSONSchema, engine: Engine, *, fill_defaults: bool, is_response: bool) -> CompiledSchema:
    """A schema compiled, or one that was compiled from the same contents by an engine like this one."""
    identity, is_known = identity_of(engine)
    # As text, 1 is not 1.0 nor True. The order of members stays: defaults and violations come in it.
    key = (json.dumps(contents, ensure_ascii=False), identity, fill_defaults, is_response)
    # An engine of a user's own must not be kept alive by a schema that nobody uses.
    make = functools.partial(_compiled, contents, engine, fill_defaults=fill_defaults, is_response=is_response)
    return _COMPILED.get(key, make, keep=is_known)


def _compiled(contents: JSONSchema, engine: Engine, *, fill_defaults: bool, is_response: bool) -> CompiledSchema:
    document, check = prepare(engine, contents)
    checked = document if is_response else bounded(document)
    if checked is not document:
        check = recompile(engine, checked.contents)
    defaults = Defaults(checked) if fill_defaults else None
    # fill_defaults=False says that defaults have no use; in a response, they are only ever read.
    check_examples(checked, engine, defaults=defaults, check_defaults=fill_defaults or is_response)
    fill = defaults.compile() if defaults else None
    unfilled = tuple(never_filled(document)) if fill_defaults else ()
    slow = tuple(slow_places_of(engine, document))
    is_bounded = _is_bounded(document, engine)
    return CompiledSchema(document, check, fill, engine, unfilled, slow, is_bounded, has_numbers(document))


def _is_bounded(document: Document, engine: Engine) -> bool:
    # Of other engines it is not known what they look at, nor of a class made of this one.
    depth = bounded_depth(document) if type(engine) is JSONSchemaRSEngine else None
    return depth is not None and depth <= MAX_NESTING


def pointer_of(violation: Violation) -> str:
    """Where the violation is, as a JSON Pointer in a URI fragment, of bounded length."""
    pointer = pointer_to(violation.path)
    return pointer if len(pointer) <= _POINTER_LIMIT else pointer[: _POINTER_LIMIT - 1] + "…"
