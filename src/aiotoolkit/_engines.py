"""The validation engines: jsonschema-rs, jsonschema, or a user's own, behind one small interface.

One engine decides about an instance and says why: the engines differ in details (classes of regular expressions,
formats), so that asking a second one for the reasons could contradict the first.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Final, cast

from aiotoolkit._documents import Document, JSONSchema
from aiotoolkit._engine_jsonschema import JSONSchemaEngine
from aiotoolkit._engine_rs import JSONSchemaRSEngine
from aiotoolkit._violations import Check, Engine, Violation

__all__ = [
    "Check",
    "Engine",
    "JSONSchemaEngine",
    "JSONSchemaRSEngine",
    "Violation",
    "find_engine",
    "identity_of",
    "prepare",
    "recompile",
    "slow_places_of",
]


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


def prepare(engine: Engine, schema: JSONSchema) -> tuple[Document, Check]:
    """Compile a schema, which is read once where the engine is one of the toolkit's.

    Raises:
        InvalidSchemaError: the schema cannot be used.
    """
    if type(engine) in _STOCK:
        return cast("JSONSchemaRSEngine | JSONSchemaEngine", engine)._prepare(schema)
    check = engine.compile(schema)
    return Document(schema), check


def recompile(engine: Engine, schema: JSONSchema) -> Check:
    """Compile a schema that is made of one that was compiled."""
    if type(engine) in _STOCK:
        return cast("JSONSchemaRSEngine | JSONSchemaEngine", engine)._prepare(schema, is_checked=True)[1]
    return engine.compile(schema)


def slow_places_of(engine: Engine, document: Document) -> Iterable[tuple[str, str]]:
    """The places where hostile data could keep an engine busy that is known for it, each with the reason."""
    return engine._slow_places(document) if isinstance(engine, JSONSchemaEngine) else ()


def identity_of(engine: Engine) -> tuple[Hashable, bool]:
    """What two engines have in common that compile alike, and whether this says all about them.

    An engine of a user's own is like itself only; it must be alive for as long as its identity is used.
    """
    if type(engine) in _STOCK:
        return (type(engine), cast("JSONSchemaRSEngine | JSONSchemaEngine", engine)._configuration()), True
    return id(engine), False


_STOCK: Final = (JSONSchemaRSEngine, JSONSchemaEngine)  # exactly: a subclass may do anything


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
