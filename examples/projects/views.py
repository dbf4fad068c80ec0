"""The views: each takes what its schema has checked, and returns data. Their docstrings describe the API."""

from aiohttp import web

from aiotoolkit.routes import url_for
from examples.projects import schemas, storage
from examples.projects.storage import ENGINE_KEY, NewProject, Project

__all__ = ["create_project", "delete_project", "index", "list_projects", "read_project", "update_project"]


@schemas.index.handler
async def index(request: web.Request) -> dict[str, str]:
    """List the URLs of the API.

    Some are templates (RFC 6570), for the client to fill in.
    """
    return {
        "index": str(url_for(request, "api.index")),
        "projects": str(url_for(request, "api.projects")),
        # A template, for the client to fill in.
        "project": request.app.router["api.project"].canonical,
    }


@schemas.list_projects.handler
async def list_projects(request: web.Request, *, query: schemas.Page) -> dict[str, object]:
    """List one page of the projects, oldest first."""
    projects, total = await storage.list_projects(request.app[ENGINE_KEY], **query)
    return {"projects": projects, "total": total}


@schemas.create_project.handler
async def create_project(request: web.Request, *, body: NewProject) -> web.Response:
    """Create a project.

    `Location` in the answer is its URL.
    """
    project = await storage.create_project(request.app[ENGINE_KEY], body)
    location = url_for(request, "api.project", project_id=project["id"])
    response: web.Response = schemas.create_project.make_response(project, headers={"Location": str(location)})
    return response


@schemas.read_project.handler
async def read_project(request: web.Request, *, path: schemas.ProjectPath) -> Project:
    """Read a project."""
    return await storage.read_project(request.app[ENGINE_KEY], path["project_id"])


@schemas.update_project.handler
async def update_project(request: web.Request, *, path: schemas.ProjectPath, body: NewProject) -> Project:
    """Replace a project.

    A `description` that is left out becomes empty.
    """
    return await storage.update_project(request.app[ENGINE_KEY], path["project_id"], body)


@schemas.delete_project.handler
async def delete_project(request: web.Request, *, path: schemas.ProjectPath) -> None:
    """Delete a project."""
    await storage.delete_project(request.app[ENGINE_KEY], path["project_id"])
