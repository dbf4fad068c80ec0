"""An OpenAPI document as plain data: read from a file, its references followed, every object in it of a known kind."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from aiotoolkit._documents import pointer_to
from aiotoolkit._drafts import SCHEMA_LISTS, SCHEMA_MAPS, SINGLE_SCHEMAS
from aiotoolkit._yaml_reading import from_yaml

__all__ = ["FILES", "InvalidDocumentError", "Part", "load_document", "lookup", "parts_of_document", "place_of"]


class InvalidDocumentError(ValueError):
    """An OpenAPI document that cannot be used, or that does not go with its views.

    Attributes:
        errors: everything that is wrong, each with its place.
    """

    __module__ = "aiotoolkit.openapi"

    def __init__(self, errors: Sequence[str]) -> None:
        self.errors: tuple[str, ...] = tuple(errors)
        lines = "".join(f"\n- {error}" for error in self.errors)
        super().__init__(self.errors[0] if len(self.errors) == 1 else f"There are {len(self.errors)} errors:{lines}")


FILES: Final = "x-files"
"""The member of a document that holds the other files that it refers to, by their path."""

_SUFFIXES: Final = (".json", ".yaml", ".yml")


def load_document(source: "str | Path | Mapping[str, Any]") -> dict[str, Any]:
    """Read a document, with the local files that it refers to, as plain data of its own.

    Files are JSON or YAML, by their names. YAML is read by the rules of JSON (YAML 1.2's JSON schema, as OpenAPI
    3.1.1, section 4.2, asks for): a date is text, so is ``yes``, and every key is text. The contents of another file
    stand under ``x-files`` in what is returned, and the references lead there. Nothing is fetched, and no file
    outside of the document's own folder is read.

    Raises:
        InvalidDocumentError: it cannot be read, or refers to what it may not; or a key is given twice.
        TypeError: the source is neither a path nor a mapping.
    """
    if isinstance(source, Mapping):
        document, folder = _copied(source), None
    elif isinstance(source, str | Path):
        path = Path(source)
        document, folder = _read(path), path.parent.resolve()
    else:
        raise TypeError(f"An OpenAPI document is a path or a mapping, not {source!r}")
    _check_version(document)
    _Files(document, folder).embed()
    return document


def _copied(source: Mapping[str, Any]) -> dict[str, Any]:
    try:
        text = json.dumps(source, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidDocumentError([f"The document is no JSON: {error}"]) from error
    copied: dict[str, Any] = json.loads(text)
    return copied


def _check_version(document: Any) -> None:
    version = document.get("openapi") if isinstance(document, dict) else None
    if not isinstance(version, str) or not re.fullmatch(r"3\.[01]\.[0-9]+(-[0-9A-Za-z.]+)?", version):
        found = "Swagger 2" if isinstance(document, dict) and "swagger" in document else f"openapi: {version!r}"
        raise InvalidDocumentError([f"The document must be of OpenAPI 3.0 or 3.1, not {found} (at #/openapi)"])


def _read(path: Path) -> Any:
    if path.suffix.lower() not in _SUFFIXES:
        raise InvalidDocumentError([f"{path} is no document: its name must end in one of {', '.join(_SUFFIXES)}"])
    try:
        if path.exists() and not path.is_file():  # of a pipe, reading would not end
            raise InvalidDocumentError([f"{path} cannot be read: it is no file"])
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidDocumentError([f"{path} cannot be read: {error.strerror or error}"]) from error
    except UnicodeDecodeError as error:
        raise InvalidDocumentError([f"{path} cannot be read: it is not UTF-8"]) from error
    try:
        return _from_json(text) if path.suffix.lower() == ".json" else from_yaml(text)
    except RecursionError:
        raise InvalidDocumentError([f"{path} is nested too deeply"]) from None
    except ValueError as error:
        raise InvalidDocumentError([f"{path} cannot be read: {error}"]) from error


def _from_json(text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
            raise ValueError(f"the key {twice!r} is given twice in one object")
        return members

    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is no JSON")

    return json.loads(text, object_pairs_hook=unique, parse_constant=refuse)


# The kinds of objects of OpenAPI 3.1.1, section 4.8: of each, the members that are objects of a kind themselves, one
# by itself (1), a list of them (2) or a map of them (3).
_ONE, _LIST, _MAP = 1, 2, 3
_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_PARAMETER: Final = {"schema": (_ONE, "schema"), "content": (_MAP, "media type"), "examples": (_MAP, "example")}
_KINDS: Final[Mapping[str, Mapping[str, tuple[int, str]]]] = {
    "document": {"paths": (_MAP, "path item"), "webhooks": (_MAP, "path item"), "components": (_ONE, "components")},
    "components": {
        "schemas": (_MAP, "schema"),
        "responses": (_MAP, "response"),
        "parameters": (_MAP, "parameter"),
        "examples": (_MAP, "example"),
        "requestBodies": (_MAP, "request body"),
        "headers": (_MAP, "header"),
        "securitySchemes": (_MAP, "security scheme"),
        "links": (_MAP, "link"),
        "callbacks": (_MAP, "callback"),
        "pathItems": (_MAP, "path item"),
    },
    "path item": {"parameters": (_LIST, "parameter"), **dict.fromkeys(_METHODS, (_ONE, "operation"))},
    "operation": {
        "parameters": (_LIST, "parameter"),
        "requestBody": (_ONE, "request body"),
        "responses": (_MAP, "response"),
        "callbacks": (_MAP, "callback"),
    },
    "callback": {},
    "parameter": _PARAMETER,
    "header": _PARAMETER,
    "request body": {"content": (_MAP, "media type")},
    "response": {"headers": (_MAP, "header"), "content": (_MAP, "media type"), "links": (_MAP, "link")},
    "media type": {"schema": (_ONE, "schema"), "encoding": (_MAP, "encoding"), "examples": (_MAP, "example")},
    "encoding": {"headers": (_MAP, "header")},
    "example": {},
    "link": {},
    "security scheme": {},
    "schema": {
        **dict.fromkeys(sorted(SCHEMA_LISTS), (_LIST, "schema")),
        **dict.fromkeys(("$defs", "definitions", *sorted(SCHEMA_MAPS)), (_MAP, "schema")),
        **dict.fromkeys(sorted(SINGLE_SCHEMAS), (_ONE, "schema")),
    },
}


class Part(NamedTuple):
    """An object of a document.

    Attributes:
        kind: which one of OpenAPI's: ``"operation"``, ``"schema"``.
        contents: the object itself.
        path: where it stands.
    """

    kind: str
    contents: dict[str, Any]
    path: tuple[str | int, ...]

    @property
    def place(self) -> str:
        return place_of(self.path)

    def parts(self) -> Iterator["Part"]:
        """The objects of known kinds that are directly inside this one."""
        if self.kind == "callback":
            members: Any = [(name, _ONE, "path item") for name in self.contents if not name.startswith("x-")]
        else:
            members = [(name, *how) for name, how in _KINDS[self.kind].items() if name in self.contents]
        for name, how, kind in members:
            found, path = self.contents[name], (*self.path, name)
            if how == _ONE:
                several: Any = [(path, found)]
            elif how == _LIST:
                several = [
                    ((*path, index), item) for index, item in enumerate(found if isinstance(found, list) else ())
                ]
            else:
                pairs = found.items() if isinstance(found, dict) else ()
                several = [((*path, key), item) for key, item in pairs if not (kind == "path item" and key[:2] == "x-")]
            for place, item in several:
                if isinstance(item, dict):
                    yield Part(kind, item, place)


def place_of(path: tuple[str | int, ...]) -> str:
    """Where something stands, for an error: a pointer, after the file's name if it is another file."""
    if len(path) >= 2 and path[0] == FILES:
        return f"{path[1]}{pointer_to(path[2:])}"
    return pointer_to(path)


def parts_of_document(document: dict[str, Any]) -> Iterator[Part]:
    """Every object of a known kind, once: what stands in the document, and what is referred to as one of its kind."""
    pending = [Part("document", document, ())]
    seen: set[tuple[str, int]] = set()
    while pending:
        part = pending.pop()
        if (part.kind, id(part.contents)) in seen:
            continue
        seen.add((part.kind, id(part.contents)))
        yield part
        reference = part.contents.get("$ref")  # now: it may just have been written anew
        if isinstance(reference, str) and part.kind not in _NO_REFERENCES:
            path, contents = lookup(document, reference, part.path)
            if isinstance(contents, dict):
                pending.append(Part(part.kind, contents, path))
        pending.extend(part.parts())


_NO_REFERENCES: Final = ("document", "components", "operation", "media type", "encoding")


def lookup(document: dict[str, Any], reference: str, at: tuple[str | int, ...]) -> tuple[tuple[str | int, ...], Any]:
    """What a reference inside the document means: its path, and what is there (RFC 6901, section 6).

    Raises:
        InvalidDocumentError: there is nothing.
    """
    if not reference.startswith("#"):
        raise InvalidDocumentError([f"$ref {reference!r} leads out of the document (at {place_of(at)})"])
    pointer = unquote(reference[1:], errors="replace")
    if pointer and not pointer.startswith("/"):
        message = f"$ref {reference!r} is no JSON Pointer, as in '#/components/schemas/Pet' (at {place_of(at)})"
        raise InvalidDocumentError([message])
    path: list[str | int] = []
    found: Any = document
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and name in found:
            path.append(name)
            found = found[name]
        elif isinstance(found, list) and re.fullmatch(r"0|[1-9][0-9]{0,8}", name) and int(name) < len(found):
            path.append(int(name))
            found = found[int(name)]
        else:
            raise InvalidDocumentError([f"$ref {reference!r} leads to nothing (at {place_of(at)})"])
    return tuple(path), found


class _Files:
    """The other files that a document refers to, which become a part of it."""

    def __init__(self, document: dict[str, Any], folder: Path | None) -> None:
        self._document = document
        self._folder = folder

    def embed(self) -> None:
        if FILES in self._document:
            raise InvalidDocumentError([f"The member {FILES!r} is where other files are put: it must not be there"])
        for part in parts_of_document(self._document):  # which goes on in the files that are found
            reference = part.contents.get("$ref")
            if isinstance(reference, str) and part.kind not in _NO_REFERENCES:
                part.contents["$ref"] = self._rewritten(reference, part)

    def _rewritten(self, reference: str, part: Part) -> str:
        file = str(part.path[1]) if len(part.path) > 1 and part.path[0] == FILES else None
        name, _, fragment = reference.partition("#")
        if not name:
            if file is None or reference.startswith(_prefix(file)):
                return reference
            return _prefix(file) + _pointer(fragment, reference, part)
        return _prefix(self._include(unquote(name), file, reference, part)) + _pointer(fragment, reference, part)

    def _include(self, name: str, file: str | None, reference: str, part: Part) -> str:
        """The name of a file below the document's folder, which is read if it is not there yet."""
        problem = f"$ref {reference!r} (at {part.place})"
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//", name):
            raise InvalidDocumentError([f"{problem} is outside of the document, and nothing is ever fetched"])
        if self._folder is None:
            raise InvalidDocumentError([f"{problem} is a file, and a document that is given as a dict has no folder"])
        try:
            path = (self._folder / (Path(file).parent if file else "") / name).resolve()
        except (OSError, RuntimeError, ValueError) as error:  # a loop of symbolic links, a null character
            raise InvalidDocumentError([f"{problem} names no file: {error}"]) from error
        if not path.is_relative_to(self._folder):
            raise InvalidDocumentError([f"{problem} is outside of the document's folder, where nothing is read"])
        key = path.relative_to(self._folder).as_posix()
        files = self._document.setdefault(FILES, {})
        if key not in files:
            try:
                files[key] = _read(path)
            except InvalidDocumentError as error:
                raise InvalidDocumentError([f"{problem}: {error}"]) from error
        return key


def _prefix(file: str) -> str:
    return pointer_to((FILES, file))


def _pointer(fragment: str, reference: str, part: Part) -> str:
    if fragment and not fragment.startswith("/"):
        raise InvalidDocumentError([f"$ref {reference!r} is no JSON Pointer (at {part.place})"])
    return fragment
