"""The application: what it is made of, and where its URLs lead."""

import importlib.util
from typing import Any, Final

from aiohttp import web

from aiotoolkit.app import setup_settings
from aiotoolkit.middlewares import setup_errors, setup_request_id
from aiotoolkit.openapi import setup_openapi
from aiotoolkit.routes import add_route_context
from examples.projects import errors, storage, views
from examples.projects.settings import read_settings

__all__ = ["create_app"]

DESCRIPTION: Final[dict[str, Any]] = {
    "title": "Projects",
    "version": "1.0.0",
    "summary": "What a team works on.",
    "description": "Every project has a `slug`, by which people and URLs know it, and no two have the same.",
    "contact": {"name": "The aiotoolkit developers"},
    "license": {"name": "BSD-3-Clause", "identifier": "BSD-3-Clause"},
    "tags": [
        {"name": "projects", "description": "Create, read, update and delete projects."},
        {"name": "index", "description": "Where to begin."},
    ],
}
# Only where it is installed, so that "make run" needs no more than it did: pip install "aiotoolkit[swagger-ui]".
SWAGGER_UI: Final = "/swagger" if importlib.util.find_spec("aiotoolkit_swagger_ui") else None


def create_app(**options: Any) -> web.Application:
    """Make an application; options override the settings of the environment: ``create_app(debug=True)``."""
    settings = read_settings(**options)

    app = web.Application()
    setup_settings(app, settings)
    setup_request_id(app)
    setup_errors(app, errors.HANDLERS, debug=settings.debug)
    app.cleanup_ctx.append(storage.engine_context)

    with add_route_context(app, views, "/api", "api") as add_route:
        add_route("GET", "/", "index")
        add_route("GET", "/projects", "list_projects", "projects")
        add_route("POST", "/projects", "create_project", "projects")
        add_route("GET", r"/project/{project_id:\d+}", "read_project", "project")
        add_route("PUT", r"/project/{project_id:\d+}", "update_project", "project")
        add_route("DELETE", r"/project/{project_id:\d+}", "delete_project", "project")

    setup_openapi(app, **DESCRIPTION, swagger_ui=SWAGGER_UI)
    return app
