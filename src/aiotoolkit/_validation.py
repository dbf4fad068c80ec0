"""A schema made ready: read from its source, checked, compiled; and the data that is checked against it."""

from itertools import islice
from typing import Any, Final, Literal, NamedTuple

from aiotoolkit._defaults import Fill, compile_defaults
from aiotoolkit._documents import (
    Document,
    InvalidSchemaError,
    SchemaSource,
    pointer_to,
    read_source,
    with_dialect,
)
from aiotoolkit._engines import Check, Engine, Violation

__all__ = ["MAX_VIOLATIONS", "CompiledSchema", "compile_schema", "pointer_of"]

MAX_VIOLATIONS: Final = 20
_POINTER_LIMIT: Final = 200


class CompiledSchema(NamedTuple):
    """A schema that is ready for any number of instances, from any number of tasks.

    Attributes:
        document: the schema itself, and what its references mean.
        check: the engine's verdict.
        fill: fills in defaults; None where there are none, or none are wanted.
    """

    document: Document
    check: Check
    fill: Fill | None

    def validate(self, data: Any) -> tuple[Any, list[Violation]]:
        """Fill in defaults and check.

        Args:
            data: plain data (dict, list, str, int, float, bool, None); it is not changed.

        Returns:
            The data with its defaults, and at most 20 violations.
        """
        if self.fill is not None:
            data = self.fill(data)
        try:
            return data, list(islice(self.check(data), MAX_VIOLATIONS))
        except UnicodeEncodeError:
            # A lone surrogate. The decoders refuse it; data that comes from elsewhere may hold one.
            return data, [Violation((), "encoding", "holds text that is not Unicode")]


def compile_schema(
    source: SchemaSource,
    engine: Engine,
    *,
    name: str,
    fill_defaults: bool,
    mode: Literal["validation", "serialization"] = "validation",
) -> CompiledSchema:
    """Read, check and compile a schema.

    Args:
        source: what ``Schema`` takes: a dict, a bool, or an object that gives a schema.
        engine: what decides.
        name: what the schema is for, said in each error: ``"request"``.
        fill_defaults: whether to fill in defaults.
        mode: which schema a pydantic model is asked for.

    Raises:
        TypeError: the source is none of these.
        InvalidSchemaError: the schema cannot be used; the error says why, and where in it.
    """
    try:
        # The dialect of an engine that has one of its own, such as that of a validator class of jsonschema.
        contents = with_dialect(read_source(source, mode=mode), getattr(engine, "dialect", None))
        check = engine.compile(contents)
        document = Document(contents)
        fill = compile_defaults(document, engine) if fill_defaults else None
    except InvalidSchemaError as error:
        raise error.named(name) from error.__cause__
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from error
    return CompiledSchema(document, check, fill)


def pointer_of(violation: Violation) -> str:
    """Where the violation is, as a JSON Pointer in a URI fragment, of bounded length."""
    pointer = pointer_to(violation.path)
    return pointer if len(pointer) <= _POINTER_LIMIT else pointer[: _POINTER_LIMIT - 1] + "…"
