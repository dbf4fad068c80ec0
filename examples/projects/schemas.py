"""What comes in and what goes out: one Schema for each operation, made once, at import.

``create_project`` takes its body as a jsl document, the others as plain dicts: both are JSON Schema in the end. A title
is the name of a schema in the API's description, where each of them stands once.
"""

from typing import Final, TypedDict

import jsl

from aiotoolkit.problems import PROBLEM_SCHEMA
from aiotoolkit.schemas import Response, Schema

__all__ = [
    "Page",
    "ProjectPath",
    "create_project",
    "delete_project",
    "index",
    "list_projects",
    "read_project",
    "update_project",
]

# A name is one line; no text holds U+0000, which PostgreSQL cannot store.
NAME_PATTERN: Final = r"^[^\u0000-\u001f\u007f]*$"
SLUG_PATTERN: Final = r"^[a-z0-9][a-z0-9-]*$"
TEXT_PATTERN: Final = r"^[^\u0000]*$"

# The largest value of the column "id", and of an offset in PostgreSQL.
MAX_INTEGER: Final = 2**31 - 1

FIELDS: Final = {
    "name": {"type": "string", "minLength": 1, "maxLength": 32, "pattern": NAME_PATTERN},
    "slug": {"type": "string", "minLength": 1, "maxLength": 32, "pattern": SLUG_PATTERN},
    "description": {"type": "string", "maxLength": 255, "pattern": TEXT_PATTERN, "default": ""},
}

NEW_PROJECT: Final = {
    "title": "NewProject",
    "type": "object",
    "properties": FIELDS,
    "required": ["name", "slug"],
    "additionalProperties": False,
}


class NewProjectDocument(jsl.Document):  # type: ignore[misc]  # jsl has no types
    """The same as NEW_PROJECT."""

    class Options:
        title = "NewProject"
        additional_properties = False

    name = jsl.StringField(required=True, min_length=1, max_length=32, pattern=NAME_PATTERN)
    slug = jsl.StringField(required=True, min_length=1, max_length=32, pattern=SLUG_PATTERN)
    description = jsl.StringField(max_length=255, pattern=TEXT_PATTERN, default="")


PROJECT: Final = {
    "title": "Project",
    "type": "object",
    "properties": {"id": {"type": "integer", "minimum": 0}, **FIELDS},
    "required": ["id", "name", "slug", "description"],
    "additionalProperties": False,
}

PROJECTS: Final = {
    "title": "ProjectList",
    "type": "object",
    "properties": {
        "projects": {"type": "array", "items": PROJECT},
        "total": {"type": "integer", "minimum": 0},
    },
    "required": ["projects", "total"],
    "additionalProperties": False,
}

INDEX: Final = {"type": "object", "additionalProperties": {"type": "string", "format": "uri-template"}}


class ProjectPath(TypedDict):
    """The dynamic parts of a project's URL."""

    project_id: int


PROJECT_PATH: Final = {
    "type": "object",
    "properties": {"project_id": {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER}},
    "required": ["project_id"],
}


class Page(TypedDict):
    """Which part of a list a client wants to see."""

    limit: int
    offset: int


PAGE: Final = {
    "type": "object",
    "properties": {
        "limit": {
            "description": "How many projects, at most.",
            "type": "integer",
            "minimum": 1,
            "maximum": 100,
            "default": 20,
        },
        "offset": {
            "description": "How many projects to leave out before them.",
            "type": "integer",
            "minimum": 0,
            "maximum": MAX_INTEGER,
            "default": 0,
        },
    },
    "additionalProperties": False,
}

# Every error has this shape.
PROBLEM: Final = "application/problem+json"
ERROR: Final = Response(PROBLEM_SCHEMA, content_type=PROBLEM)
NOT_FOUND: Final = Response(PROBLEM_SCHEMA, content_type=PROBLEM, description="There is no such project.")
SLUG_EXISTS: Final = Response(PROBLEM_SCHEMA, content_type=PROBLEM, description="Another project has the slug.")

# What is answered to a body that cannot be taken.
BODY_ERRORS: Final = {400: ERROR, 413: ERROR, 415: ERROR, 422: ERROR}

# For the API's description; the rest of it comes from the schemas and from the docstrings of the views.
OPERATION: Final = {"tags": ["projects"]}

index = Schema(response=INDEX, operation={"tags": ["index"]})
list_projects = Schema(query=PAGE, responses={200: PROJECTS, 400: ERROR}, operation=OPERATION)
create_project = Schema(
    request=NewProjectDocument,
    responses={
        201: Response(PROJECT, headers={"Location": {"type": "string", "format": "uri-reference"}}),
        409: SLUG_EXISTS,
        **BODY_ERRORS,
    },
    operation=OPERATION,
)
read_project = Schema(path=PROJECT_PATH, responses={200: PROJECT, 404: NOT_FOUND}, operation=OPERATION)
update_project = Schema(
    path=PROJECT_PATH,
    request=NEW_PROJECT,
    responses={200: PROJECT, 404: NOT_FOUND, 409: SLUG_EXISTS, **BODY_ERRORS},
    operation=OPERATION,
)
delete_project = Schema(path=PROJECT_PATH, responses={204: Response(), 404: NOT_FOUND}, operation=OPERATION)
