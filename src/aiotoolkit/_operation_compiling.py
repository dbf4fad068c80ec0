"""The schemas of a document, compiled: each once, and what refers to most of the others all together."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, cast

from aiotoolkit._documents import Document, InvalidSchemaError, pointer_to
from aiotoolkit._engines import Engine, Violation
from aiotoolkit._openapi_document import InvalidDocumentError, place_of
from aiotoolkit._operation_source import Bundle, Direction, Source
from aiotoolkit._validation import CompiledSchema, compile_schema

__all__ = ["Compiler"]

Path = tuple[str | int, ...]

_LARGE: Final = 60
"""From so many schemas on that one refers to, it is compiled together with others: they have most of them in common."""


class Compiler:
    """Compiles the schemas of a document.

    In many large documents, nearly every schema leads to nearly every other one: compiled one by one, they would take
    minutes and gigabytes. Those become the members of one schema of an object.

    Args:
        source: the document.
        engine: what validates.
    """

    def __init__(self, source: Source, engine: Engine) -> None:
        self.source = source
        self.engine = engine
        self._known: dict[tuple[Direction, Path], CompiledSchema] = {}
        self._shared: dict[Direction, _Shared] = {}

    def one(self, contents: Any, bundle: Bundle, place: str, direction: Direction) -> CompiledSchema:
        """Compile a schema of a bundle.

        Raises:
            InvalidDocumentError: it cannot be used; the error says where it stands in the document.
        """
        is_request = direction == "request"
        mode: Any = "validation" if is_request else "serialization"
        try:
            return compile_schema(contents, self.engine, name=direction, fill_defaults=is_request, mode=mode)
        except InvalidSchemaError as error:
            raise bundle.error(error, place) from error

    def body(self, schema: Any, path: Path, direction: Direction) -> CompiledSchema:
        """Compile the schema of a body, or return what was compiled for another one; it is ready after ``finish``."""
        schema, path = self.source.follow(schema, path)
        known = self._known.get((direction, path))
        if known is None:
            bundle = Bundle(self.source, direction)
            contents = bundle.finished(bundle.add(schema, path, "#"))
            if isinstance(contents, dict) and len(contents.get("$defs", ())) >= _LARGE:
                shared = self._shared.setdefault(direction, _Shared(self.source, direction))
                known = shared.add(schema, path, contents, self.engine)
            else:
                known = self.one(contents, bundle, place_of(path), direction)
            self._known[direction, path] = known
        return known

    def finish(self) -> None:
        """Compile what is compiled together.

        Raises:
            InvalidDocumentError: one of them cannot be used.
        """
        for direction, shared in self._shared.items():
            shared.compile(self, direction)


class _Shared:
    """Schemas that are compiled as the members of one object."""

    def __init__(self, source: Source, direction: Direction) -> None:
        self._bundle = Bundle(source, direction)
        self._members: dict[str, Any] = {}
        self.compiled: CompiledSchema | None = None

    def add(self, schema: Any, path: Path, contents: Any, engine: Engine) -> CompiledSchema:
        name = str(len(self._members))
        self._members[name] = self._bundle.add(schema, path, pointer_to(("properties", name)))
        member = _Member(self, name)
        return CompiledSchema(
            document=_LateDocument(contents),
            check=member.check,
            fill=member.fill,
            engine=engine,
            unfilled=(),
            slow=(),
            is_bounded=False,
            has_numbers=True,
        )

    def compile(self, compiler: Compiler, direction: Direction) -> None:
        contents = {"type": "object", "properties": self._members, "additionalProperties": False}
        self.compiled = compiler.one(self._bundle.finished(contents), self._bundle, "#/components", direction)


@dataclass(frozen=True, slots=True)
class _Member:
    """One of the schemas that are compiled together."""

    shared: _Shared
    name: str

    def check(self, instance: Any) -> Iterable[Violation]:
        violations = self._compiled().check({self.name: instance})
        if violations == ():
            return ()
        return (violation._replace(path=violation.path[1:]) for violation in violations)

    def fill(self, instance: Any) -> Any:
        fill = self._compiled().fill
        return instance if fill is None else cast("dict[str, Any]", fill({self.name: instance}))[self.name]

    def _compiled(self) -> CompiledSchema:
        if self.shared.compiled is None:
            raise InvalidDocumentError(["The schemas of the document are not compiled yet"])
        return self.shared.compiled


class _LateDocument(Document):
    """A document that is looked into only when somebody asks: for large ones, that takes a second."""

    def __init__(self, contents: Any) -> None:
        self.contents = contents

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "root" in self.__dict__:
            raise AttributeError(name)
        super().__init__(self.contents)
        return getattr(self, name)
