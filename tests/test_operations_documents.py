"""Documents that other people wrote: they load, or fail with errors that name the place."""

import json
import re
import warnings
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiotoolkit._openapi_document import lookup
from aiotoolkit.openapi import InvalidDocumentError, OperationTable, setup_operations
from tools import openapi_documents

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

# What is wrong with some of them, by what their errors say.
BROKEN = {
    "3.0/json/schema-types.json": "The default breaks its own schema",
    "3.1/json/schema-types.json": "The default breaks its own schema",
    "3.0/json/circular-paths.json": "its items are objects or arrays",
    "3.0/json/schema-validation.json": 'is not a "regex"',
    "3.1/json/schema-validation-local.json": r"draft-04/schema#' is not supported",
    "3.1/json/schema-validation-top-level.json": r"draft-04/schema#' is not supported.*#/jsonSchemaDialect",
    "3.0/json/parameters-common.json": "has two parts with one name",
    "3.0/json/response-http-behavior.json": "There is no security scheme 'api_key' in the components",
    "3.0/json/parameters-style.json": "There is no style 'form' with explode=True in cookies",
    "3.1/json/parameters-style.json": "There is no style 'form' with explode=True in cookies",
}


def documents(package: openapi_documents.Package) -> dict[str, Any]:
    try:
        return openapi_documents.read(package)
    except openapi_documents.NotFetchedError as error:
        pytest.skip(str(error))


def load(document: dict[str, Any], app: web.Application) -> int:
    """Load a document with a view for each operation and a verifier for each scheme; returns how many operations."""

    async def view(request: web.Request) -> Any:
        return web.Response(status=204)

    async def verify(request: web.Request, credentials: Any) -> str:
        return "me"

    table = OperationTable()
    for path, found in document.get("paths", {}).items():
        _, item = lookup(document, found["$ref"], ()) if "$ref" in found else ((), found)
        for method in METHODS:
            if isinstance(item.get(method), dict):
                table.register(view, name=item[method].get("operationId", f"{method.upper()} {path}"))
    schemes = document.get("components", {}).get("securitySchemes", {})
    decoders = dict.fromkeys(["application/xml", "text/xml"], bytes.decode)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The document says what has no effect", UserWarning)
        options: dict[str, Any] = {"security": dict.fromkeys(schemes, verify), "decoders": decoders}
        setup_operations(app, document, table, validate_responses=True, **options)
    return len(table)


def test_examples() -> None:
    """The petstores and the other examples of OpenAPI 3.0 and 3.1 load, but for those that say what cannot be."""
    found = documents(openapi_documents.EXAMPLES)
    assert len(found) > 60
    loaded = 0
    for name, document in found.items():
        if name in BROKEN:
            with pytest.raises(InvalidDocumentError, match=BROKEN[name]) as caught:
                load(document, web.Application())
            assert all(re.search(r"\(at #/", error) for error in caught.value.errors), name
        else:
            loaded += load(document, web.Application())
    assert loaded > 500


@pytest.mark.timeout(240)
async def test_github(aiohttp_client: AiohttpClient) -> None:
    """GitHub's API, over a thousand operations, loads and answers."""
    (document,) = documents(openapi_documents.GITHUB).values()
    app = web.Application()
    assert load(document, app) > 1_000
    client = await aiohttp_client(app)
    async with client.get("/repos/a/b/issues?per_page=many") as response:
        problem = await response.json()
        assert (response.status, problem["errors"][0]["name"]) == (400, "per_page")
    async with client.post("/repos/a/b/issues", json={"body": "no title"}) as response:
        problem = await response.json()
        assert (response.status, problem["errors"][0]["pointer"]) == (422, "#/title")


def test_not_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the registry, the reason is told; what is in the cache must be what is pinned."""
    monkeypatch.setattr(openapi_documents, "CACHE", tmp_path)
    monkeypatch.setattr(openapi_documents, "REGISTRY", tmp_path.as_uri())
    with pytest.raises(openapi_documents.NotFetchedError, match="readme-oas-examples"):
        openapi_documents.read(openapi_documents.EXAMPLES)
    (tmp_path / openapi_documents.EXAMPLES.file).write_bytes(b"x")
    with pytest.raises(ValueError, match="is not the archive that is wanted"):
        openapi_documents.read(openapi_documents.EXAMPLES)


def test_unchanged() -> None:
    """A document that is given stays as it is."""
    for name, document in documents(openapi_documents.EXAMPLES).items():
        if name.endswith(("petstore.json", "train-travel.json")):
            before = json.dumps(document)
            load(document, web.Application())
            assert json.dumps(document) == before
