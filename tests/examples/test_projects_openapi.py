"""The description of examples/projects: valid, complete, and what the running application does."""

from typing import Any

import jsonschema
import pytest
from pytest_aiohttp.plugin import AiohttpClient

from aiotoolkit.openapi import build_openapi
from tests.test_openapi_build import assert_references, validate

pytestmark = [
    pytest.mark.extra("jsl"),
    pytest.mark.extra("sqlalchemy"),
    pytest.mark.extra("aiosqlite"),
    # jsl imports it; it will be gone in Python 3.15.
    pytest.mark.filterwarnings("ignore:module 'sre_constants' is deprecated:DeprecationWarning"),
]

METHODS = {"GET /api/", "GET /api/projects", "POST /api/projects"} | {
    f"{method} /api/project/{{project_id}}" for method in ("GET", "PUT", "DELETE")
}


@pytest.fixture
def document() -> dict[str, Any]:
    from examples.projects.app import DESCRIPTION, create_app

    return build_openapi(create_app(), **DESCRIPTION)


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def test_it_is_valid_and_complete(document: dict[str, Any]) -> None:
    """Every operation is there, with all that a reader and a linter ask for."""
    validate(document)
    assert_references(document)
    found = operations(document)
    assert found.keys() == METHODS
    tags = {tag["name"] for tag in document["tags"]}
    for operation in found.values():
        assert operation["operationId"]
        assert operation["summary"]
        assert set(operation["tags"]) <= tags
        assert any(status.startswith("4") for status in operation["responses"])
    assert {"contact", "license", "description"} <= document["info"].keys()
    assert (document["security"], bool(document["servers"])) == ([], True)


def test_each_schema_stands_once(document: dict[str, Any]) -> None:
    """The jsl document and the dict of a new project are one component."""
    assert list(document["components"]["schemas"]) == ["NewProject", "Problem", "Project", "ProjectList"]
    found = operations(document)
    bodies = [found[name]["requestBody"]["content"] for name in found if "requestBody" in found[name]]
    assert bodies == [{"application/json": {"schema": {"$ref": "#/components/schemas/NewProject"}}}] * 2


async def test_the_answers_are_as_described(aiohttp_client: AiohttpClient, sqlite_url: str) -> None:
    """What the application answers is what the document says of the operation and the status."""
    from examples.projects.app import DESCRIPTION, create_app

    client = await aiohttp_client(create_app(database_url=sqlite_url))
    served = await client.get("/openapi.json")
    document = await served.json()
    assert document == build_openapi(create_app(), **DESCRIPTION)
    project = {"name": "One", "slug": "one"}
    requests: list[tuple[str, str, str, Any, int]] = [
        ("GET", "/api/", "/api/", None, 200),
        ("GET", "/api/projects", "/api/projects?limit=0", None, 400),
        ("POST", "/api/projects", "/api/projects", project, 201),
        ("POST", "/api/projects", "/api/projects", project, 409),
        ("POST", "/api/projects", "/api/projects", {"name": 1}, 422),
        ("GET", "/api/projects", "/api/projects", None, 200),
        ("GET", "/api/project/{project_id}", "/api/project/1", None, 200),
        ("PUT", "/api/project/{project_id}", "/api/project/1", {**project, "description": "More"}, 200),
        ("DELETE", "/api/project/{project_id}", "/api/project/1", None, 204),
        ("GET", "/api/project/{project_id}", "/api/project/1", None, 404),
    ]
    for method, template, url, body, status in requests:
        answer = await client.request(method, url, json=body)
        assert answer.status == status
        response = document["paths"][template][method.lower()]["responses"][str(status)]
        assert response.get("headers", {}).keys() <= answer.headers.keys()
        if status == 204:
            assert "content" not in response
            continue
        schema = response["content"][answer.content_type]["schema"]
        whole = {"$ref": "#/schema", "schema": schema, "components": document["components"]}
        assert list(jsonschema.Draft202012Validator(whole).iter_errors(await answer.json(content_type=None))) == []
