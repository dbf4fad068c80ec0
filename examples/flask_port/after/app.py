"""The application: what it is made of at each stage of the port, from the outside in."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from aiohttp import web

from aiotoolkit.app import setup_settings
from aiotoolkit.components import setup_static, setup_templates
from aiotoolkit.middlewares import error_middleware
from aiotoolkit.porting.fallback import setup_fallback
from aiotoolkit.porting.hooks import setup_hooks
from aiotoolkit.porting.rules import Converter, setup_rules
from aiotoolkit.porting.sessions import FlaskSessionStorage, flashes_context, setup_sessions
from aiotoolkit.porting.views import setup_sync_views
from examples.flask_port import checks
from examples.flask_port.after import api, auth, comments, gallery, pages, posts, users
from examples.flask_port.after.errors import answer_error
from examples.flask_port.after.passwords import PASSWORDS_KEY, Passwords
from examples.flask_port.after.sessions import current_user, protect
from examples.flask_port.after.settings import FORM_SIZE, Settings, Stage, read_settings
from examples.flask_port.after.templates import flask_context
from examples.flask_port.after.urls import OLD_APP
from examples.flask_port.filters import FILTERS

__all__ = ["PORTED", "create_app"]

BEFORE: Final = Path(__file__).parents[1] / "before"

Part = Callable[[web.Application], None]

# What is ported at each stage; everything else is answered by the Flask application.
PORTED: Final[dict[Stage, tuple[Part, ...]]] = {
    "fallback": (),
    "half": (pages.add_routes, posts.add_routes, comments.add_routes, gallery.component.register),
    "all": (
        *(pages.add_routes, auth.add_routes, users.add_routes, posts.add_routes, comments.add_routes),
        *(gallery.component.register, api.add_routes),
    ),
}

SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
}


class UsernameConverter(Converter):
    """The name of an account."""

    regex = checks.NAME


def create_app(settings: Settings | None = None, *, stage: Stage | None = None) -> web.Application:
    """Make the application; without settings, with those of the environment, whose LOGBOOK_STAGE says how far it is."""
    settings = settings or read_settings()
    stage = stage or settings.stage
    app = web.Application(client_max_size=settings.max_upload + FORM_SIZE)
    setup_settings(app, settings)
    if PORTED[stage]:
        _setup_ported(app, settings, PORTED[stage])
    if stage != "all":
        _setup_old(app, settings)
    return app


def _setup_ported(app: web.Application, settings: Settings, parts: tuple[Part, ...]) -> None:
    storage = FlaskSessionStorage(
        settings.secret_key,
        lifetime=settings.permanent_session_lifetime,
        secure=settings.session_cookie_secure,
        samesite="Lax",
    )
    setup_sessions(app, storage)
    hooks = setup_hooks(app, errors=error_middleware(answer_error))
    hooks.before_request(load_user)
    hooks.before_request(protect)
    hooks.after_request(set_security_headers)
    app[PASSWORDS_KEY] = Passwords(settings.password_method)

    setup_sync_views(app)
    setup_rules(app, converters={"username": UsernameConverter})
    setup_templates(
        app, folder=BEFORE / "templates", filters=FILTERS, context_processors=[flask_context, flashes_context]
    )
    setup_static(app, BEFORE / "static")
    for add_part in parts:
        add_part(app)


def _setup_old(app: web.Application, settings: Settings) -> None:
    from examples.flask_port.before import create_app as create_flask_app  # noqa: PLC0415 - it goes with the last stage

    old = create_flask_app(
        {
            "SECRET_KEY": settings.secret_key,
            "DATABASE": str(settings.database),
            "UPLOADS": str(settings.uploads),
            "MAX_UPLOAD": settings.max_upload,
            "PASSWORD_METHOD": settings.password_method,
            "PERMANENT_SESSION_LIFETIME": settings.permanent_session_lifetime,
            "SESSION_COOKIE_SECURE": settings.session_cookie_secure,
            "FIXED_TIME": settings.fixed_time and settings.fixed_time.isoformat(),
            "FAULTS": settings.faults,
        }
    )
    app[OLD_APP] = old
    # Somewhat more than Flask takes, so that it answers with its own page.
    setup_fallback(app, old, max_body_size=2 * (settings.max_upload + FORM_SIZE))


async def load_user(request: web.Request) -> None:
    """Read the user of the session: not for static files, nor for what is still Flask's."""
    is_old = OLD_APP in request.app and request.match_info.http_exception is not None
    if not is_old and not request.path.startswith("/static/"):
        await current_user(request)


def set_security_headers(_request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    return response
