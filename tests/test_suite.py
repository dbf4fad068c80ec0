"""The official JSON-Schema-Test-Suite, through ``Schema``."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin

import jsonschema
import pytest

from aiotoolkit.schemas import InvalidSchemaError, RequestValidationError, Schema
from tools import json_schema_suite

DRAFTS = {
    "draft4": "http://json-schema.org/draft-04/schema#",
    "draft6": "http://json-schema.org/draft-06/schema#",
    "draft7": "http://json-schema.org/draft-07/schema#",
    "draft2019-09": "https://json-schema.org/draft/2019-09/schema",
    "draft2020-12": "https://json-schema.org/draft/2020-12/schema",
}
REMOTE = "http://localhost:1234/"
ENGINES = [pytest.param("jsonschema-rs", marks=pytest.mark.extra("jsonschema_rs")), "jsonschema"]

UNKNOWN_DIALECT = {
    # $schema names a metaschema of the suite: one that is not built in is never fetched, so the Schema is refused.
    "vocabulary: schema that uses custom metaschema with with no validation vocabulary",
    "vocabulary: ignore unrecognized optional vocabulary",
}
REFUSED = {"draft2019-09": UNKNOWN_DIALECT, "draft2020-12": UNKNOWN_DIALECT}


def asserted_formats(draft: str, engine: str) -> set[str]:
    """Formats are asserted on purpose; draft 2020-12 tests that by default they are not."""
    if draft != "draft2020-12":
        return set()
    known = jsonschema.Draft202012Validator.FORMAT_CHECKER.checkers
    return {
        f"format: {name} format: invalid {name} string is only an annotation by default"
        for name in FORMATS
        if engine == "jsonschema-rs" or name in known
    }


FORMATS = [
    "date", "date-time", "duration", "email", "hostname", "idn-email", "idn-hostname", "ipv4", "ipv6", "iri",
    "iri-reference", "json-pointer", "regex", "relative-json-pointer", "time", "uri", "uri-reference", "uri-template",
    "uuid",
]  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("draft", DRAFTS)
def test_the_required_tests(draft: str, engine: str) -> None:
    """Every required test comes out as the suite says, but for those that are named here with their reason."""
    with warnings.catch_warnings():
        # Some of these schemas could keep jsonschema busy.
        warnings.simplefilter("ignore", UserWarning)
        found = dict(misses(draft, engine))
    assert {name for name, what in found.items() if what == "accepted"} == set()
    assert {name for name, what in found.items() if what == "refused"} == asserted_formats(draft, engine)
    assert set(found) - asserted_formats(draft, engine) == REFUSED.get(draft, set()), found


@pytest.mark.parametrize("draft", DRAFTS)
def test_the_suite_is_complete(draft: str) -> None:
    """The tests are those that were counted, so that none is lost on the way."""
    files = {file: groups for file, groups in read(f"tests/{draft}").items() if "/" not in file}
    assert (len(files), sum(len(group["tests"]) for groups in files.values() for group in groups)) == COUNTS[draft]


COUNTS = {
    "draft4": (30, 610),
    "draft6": (36, 829),
    "draft7": (37, 913),
    "draft2019-09": (46, 1227),
    "draft2020-12": (46, 1257),
}


def read(folder: str) -> dict[str, Any]:
    try:
        return json_schema_suite.read(folder)
    except json_schema_suite.NotFetchedError as error:
        if os.environ.get("REQUIRE_SUITE") == "1":
            pytest.fail(f"REQUIRE_SUITE=1, but {error}")
        pytest.skip(str(error))


class Bundler:
    """Puts the documents that a schema of the suite refers to into the schema, since nothing is ever fetched."""

    def __init__(self, draft: str, remotes: dict[str, Any]) -> None:
        self.identifier = "id" if draft == "draft4" else "$id"
        self.definitions = "$defs" if draft.startswith("draft2") else "definitions"
        self.dialect = DRAFTS[draft]
        self.remotes = {REMOTE + path: document for path, document in remotes.items()}

    def bundle(self, schema: Any) -> Any:
        if isinstance(schema, bool):
            return schema
        schema = {"$schema": self.dialect, **schema}
        found: dict[str, Any] = {}
        self._find(schema, "", found)
        if not found:
            return schema
        if "$ref" in schema and self.definitions == "definitions":
            schema["allOf"] = [{"$ref": schema.pop("$ref")}]  # beside a $ref, nothing would be seen
        embedded = {f"remote {index}": document for index, document in enumerate(found.values())}
        return {**schema, self.definitions: {**schema.get(self.definitions, {}), **embedded}}

    def _find(self, value: Any, base: str, found: dict[str, Any]) -> None:
        if isinstance(value, list):
            for item in value:
                self._find(item, base, found)
        if not isinstance(value, dict):
            return
        if isinstance(value.get(self.identifier), str):
            base = urljoin(base, value[self.identifier])
        for item in value.values():
            self._find(item, base, found)
        if isinstance(value.get("$ref"), str):
            uri = urldefrag(urljoin(base, value["$ref"])).url
            if uri in self.remotes and uri not in found:
                found[uri] = self._identified(uri)
                self._find(self.remotes[uri], uri, found)

    def _identified(self, uri: str) -> dict[str, Any]:
        """The document with its address as its identifier; around it, where it has another one."""
        document = self.remotes[uri]
        if document.get(self.identifier, uri) != uri:
            return {self.identifier: uri, "allOf": [document]}
        return {**document, self.identifier: uri}


def misses(draft: str, engine: str) -> Iterator[tuple[str, str]]:
    """The tests that do not come out as the suite says, each with what happens instead."""
    bundler = Bundler(draft, read("remotes"))
    for file, groups in read(f"tests/{draft}").items():
        if "/" in file:  # such as optional/
            continue
        for group in groups:
            name = f"{file.removesuffix('.json')}: {group['description']}"
            try:
                schema = Schema(request=bundler.bundle(group["schema"]), engine=engine, fill_defaults=False)
            except InvalidSchemaError as error:
                yield name, str(error)
                continue
            for test in group["tests"]:
                try:
                    schema.validate_request(test["data"])
                except RequestValidationError:
                    if test["valid"]:
                        yield f"{name}: {test['description']}", "refused"
                else:
                    if not test["valid"]:
                        yield f"{name}: {test['description']}", "accepted"


def test_a_suite_that_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without an index, fetching fails with pip's reason, and leaves nothing behind."""
    monkeypatch.setattr(json_schema_suite, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(json_schema_suite.NotFetchedError, match="pip cannot fetch jsonschema-4"):
        json_schema_suite.read("tests/draft7")
    assert list((tmp_path / "cache").iterdir()) == []
    monkeypatch.delenv("REQUIRE_SUITE", raising=False)
    with pytest.raises(pytest.skip.Exception, match="pip cannot fetch"):
        read("tests/draft7")
    monkeypatch.setenv("REQUIRE_SUITE", "1")
    with pytest.raises(pytest.fail.Exception, match="REQUIRE_SUITE=1, but pip cannot fetch"):
        read("tests/draft7")


def test_an_archive_that_is_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is not the pinned archive is never read."""
    monkeypatch.setattr(json_schema_suite, "CACHE", tmp_path)
    (tmp_path / json_schema_suite.NAME).write_bytes(b"x")
    with pytest.raises(ValueError, match="remove it"):
        json_schema_suite.read("tests/draft7")
