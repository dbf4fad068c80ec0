"""The Schema of an operation: all that its description says, compiled."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from aiohttp import web

from aiotoolkit._documents import InvalidSchemaError
from aiotoolkit._engines import find_engine
from aiotoolkit._operation_bodies import Decoder, OperationReader, bodies_of
from aiotoolkit._operation_compiling import Compiler
from aiotoolkit._operation_parameters import PlaceSchema, parameter_schemas, parameters_in
from aiotoolkit._operation_responses import responses_of
from aiotoolkit._operation_source import Found, Source
from aiotoolkit._parameters import Parameters
from aiotoolkit._reading import PLACES, Place
from aiotoolkit._responding import Responder
from aiotoolkit._validation import CompiledSchema
from aiotoolkit.responses import json_response
from aiotoolkit.schemas import Engine, Schema

__all__ = ["SchemaMaker", "match_name"]

_PART: Final = re.compile(r"\{([^{}]*)\}")


def match_name(name: str) -> str:
    """What aiohttp calls a part of a path: a name of Python."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return plain if re.match(r"[A-Za-z_]", plain) else f"_{plain}"


class SchemaMaker:
    """Makes the Schemas of a document's operations; what several of them use is compiled once.

    Args:
        source: the document.
        engine: what validates.
        validate_responses: as for ``Schema``.
        decoders: what makes data of the bytes of a media type.
    """

    def __init__(
        self,
        source: Source,
        engine: Engine | str | None,
        validate_responses: bool | Literal["log"],
        decoders: Mapping[str, Decoder],
    ) -> None:
        if not (isinstance(validate_responses, bool) or validate_responses == "log"):
            raise TypeError(f'validate_responses is True, False or "log", not {validate_responses!r}')
        self._source = source
        self._compiler = Compiler(source, find_engine(engine))
        self._validate: bool | Literal["log"] = validate_responses
        self._decoders = {name.lower(): decode for name, decode in decoders.items()}
        self._notes: dict[str, None] = {}

    def notes(self) -> list[str]:
        """What the author of the document should know."""
        return list(self._notes)

    def schema(self, path_item: Found, operation: Found, template: str, in_query: frozenset[str]) -> Schema[Any]:
        """The Schema of an operation.

        Args:
            path_item: what the operation belongs to.
            operation: the operation.
            template: its path.
            in_query: names in the query that are no parameters.

        Raises:
            InvalidDocumentError: the operation cannot be used as it is described.
        """
        parameters = parameters_in(self._source, path_item, operation)
        places = parameter_schemas(self._source, parameters, in_query)
        _check_path(operation, template, places.get("path"))
        sources = {name: self._compiled(place, operation) for name, place in places.items()}
        bodies = bodies_of(self._compiler, operation, self._decoders)
        try:
            reader = OperationReader(sources, bodies, self._compiler.engine, places=_places(places, in_query))
        except InvalidSchemaError as error:
            raise _in_document(error, places, operation) from error
        for name, schema in reader.schemas.items():
            for place in schema.unfilled:
                note = f"the default at {place} of the {name} of {operation.place} stands where it may not apply"
                self._notes[note] = None
        answers = responses_of(self._compiler, operation)
        return Schema._made_of(reader, Responder(answers, json_response, self._validate), _described(operation))

    def finish(self) -> None:
        """Compile what is compiled in the end.

        Raises:
            InvalidDocumentError: a schema cannot be used.
        """
        self._compiler.finish()

    def _compiled(self, place: PlaceSchema, operation: Found) -> CompiledSchema:
        return self._compiler.one(place.contents, place.bundle, operation.place, "request")


def _in_document(error: InvalidSchemaError, places: Mapping[str, PlaceSchema], operation: Found) -> Exception:
    for name, place in places.items():
        if error.message.startswith(f"The {name} schema"):
            return place.bundle.error(error, operation.place)
    return operation.error(f"{error}")


def _check_path(operation: Found, template: str, place: PlaceSchema | None) -> None:
    """Refuse a path whose parts are not its parameters."""
    parts = _PART.findall(template)
    names = set(place.names if place is not None else ())
    if re.search(r"[{}]", _PART.sub("", template)) or not all(parts):
        raise operation.error(f"The braces of the path {template!r} do not make parts")
    if re.search(r"[?#]", template):
        raise operation.error(f"The path {template!r} has a query or a fragment, which no path has")
    if len(set(map(match_name, parts))) != len(parts):
        raise operation.error(f"The path {template!r} has two parts with one name")
    lacking = [name for name in parts if name not in names]
    if lacking:
        raise operation.error(f"The path {template!r} has no parameter for its part {lacking[0]!r}")
    more = sorted(names.difference(parts))
    if more:
        raise operation.error(f"The path {template!r} has no part for the parameter {more[0]!r}")


def _places(places: Mapping[str, PlaceSchema], in_query: frozenset[str]) -> tuple[Place, ...]:
    """Where the parameters are, where it is not as everywhere."""
    renamed = {match_name(name): name for name in (places["path"].names if "path" in places else ())}

    def path_pairs(request: web.Request, parameters: Parameters) -> Iterable[tuple[str, str]]:
        return [(renamed[name], text) for name, text in request.match_info.items() if name in renamed]

    def query_pairs(request: web.Request, parameters: Parameters) -> Iterable[tuple[str, str]]:
        return [(name, text) for name, text in request.query.items() if name not in in_query]

    special = {}
    if any(name != own for name, own in renamed.items()):
        special["path"] = path_pairs
    if in_query:
        special["query"] = query_pairs
    return tuple(place._replace(pairs=special.get(place.argument, place.pairs)) for place in PLACES)


_DESCRIBED: Final[Mapping[str, type]] = {
    "summary": str,
    "description": str,
    "tags": list,
    "security": list,
    "deprecated": bool,
}


def _described(operation: Found) -> dict[str, Any]:
    """What a Schema says for a description."""
    return {name: operation.get(name) for name, kind in _DESCRIBED.items() if isinstance(operation.get(name), kind)}
