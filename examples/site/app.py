"""The application: what it is made of, from the outside in."""

from pathlib import Path
from typing import Any, Final

from aiohttp import web

from aiotoolkit.app import setup_settings
from aiotoolkit.components import setup_components, setup_static, setup_templates
from aiotoolkit.middlewares import setup_errors, setup_request_id
from examples.site import context, storage
from examples.site.components.account.middlewares import login_middleware
from examples.site.errors import error_page
from examples.site.headers import set_security_headers
from examples.site.sessions import csrf_middleware, sessions_middleware
from examples.site.settings import read_settings

__all__ = ["create_app"]

FOLDER: Final = Path(__file__).parent

# What a form holds besides its file: texts, and the borders of its parts.
FORM_SIZE: Final = 256 * 1024

# Everything else needs a login, also what is added later: paths as the routes have them.
PUBLIC_PATHS: Final = (
    "/",
    "/about",
    "/account/login",
    "/account/register",
    "/blog/",
    "/blog/{post_id}",
    "/blog/{post_id}/image",
)


def create_app(**options: Any) -> web.Application:
    """Make an application; options override the settings of the environment: ``create_app(debug=True)``."""
    settings = read_settings(**options)

    app = web.Application(
        client_max_size=settings.max_upload + FORM_SIZE,
        middlewares=[sessions_middleware(settings), login_middleware(PUBLIC_PATHS), csrf_middleware],
    )
    setup_settings(app, settings)
    setup_request_id(app)
    setup_errors(app, error_page, debug=settings.debug)
    app.on_response_prepare.append(set_security_headers)
    app.cleanup_ctx.append(storage.database_context)

    setup_templates(app, folder=FOLDER / "templates", debug=settings.debug, context_processors=[context.site_context])
    setup_static(app, FOLDER / "static", debug=settings.debug)
    setup_components(app, "examples.site.components")
    return app
