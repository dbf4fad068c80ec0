"""The same application from its description: ``openapi.yaml`` says what the routes and schemas of ``app.py`` say.

The views are the same ones, without the schemas that decorate them there.
"""

from pathlib import Path
from typing import Any, Final

from aiohttp import web

from aiotoolkit.app import setup_settings
from aiotoolkit.middlewares import setup_errors, setup_request_id
from aiotoolkit.openapi import OperationTable, setup_openapi, setup_operations
from examples.projects import errors, storage, views
from examples.projects.settings import read_settings

__all__ = ["create_app", "operations"]

DOCUMENT: Final = Path(__file__).with_name("openapi.yaml")

operations: Final = OperationTable()
operations.register(views.index.view)
operations.register(views.list_projects.view)
operations.register(views.create_project.view)
operations.register(views.read_project.view)
operations.register(views.update_project.view)
operations.register(views.delete_project.view)


def create_app(**options: Any) -> web.Application:
    """Make an application; options override the settings of the environment: ``create_app(debug=True)``."""
    settings = read_settings(**options)

    app = web.Application()
    setup_settings(app, settings)
    setup_request_id(app)
    setup_errors(app, errors.HANDLERS, debug=settings.debug)
    app.cleanup_ctx.append(storage.engine_context)

    document = setup_operations(app, DOCUMENT, operations, prefix="/api")
    setup_openapi(app, document=document)
    return app
