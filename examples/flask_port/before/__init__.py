"""Logbook as it was written: Flask, with blueprints and SQLite. ``flask --app examples.flask_port.before run``."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Flask, Response, g, render_template, request, session
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter

from examples.flask_port import checks
from examples.flask_port.before import api, auth, cli, comments, csrf, gallery, pages, posts, users
from examples.flask_port.before.storage import close_database, database
from examples.flask_port.filters import FILTERS
from examples.flask_port.users import User, find_user

__all__ = ["create_app"]


class UsernameConverter(BaseConverter):
    """The name of an account."""

    regex = checks.NAME


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Make the application; its settings are the variables LOGBOOK_SECRET_KEY, LOGBOOK_DATABASE, and so on."""
    app = Flask(__name__)
    app.config.from_mapping(
        DATABASE="logbook.sqlite3",
        UPLOADS="logbook-uploads",
        MAX_UPLOAD=2_000_000,
        PASSWORD_METHOD="scrypt",  # noqa: S106 - the method's name
        FIXED_TIME=None,  # what the tests take for the time
        FAULTS=False,  # a page that fails, to see what happens then
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(days=14),
    )
    app.config.from_prefixed_env("LOGBOOK")
    app.config.from_mapping(config or {})
    if not app.config["SECRET_KEY"]:
        raise RuntimeError("Set LOGBOOK_SECRET_KEY: openssl rand -hex 32 makes one")
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_UPLOAD"] + 500_000

    app.url_map.converters["username"] = UsernameConverter
    app.before_request(load_user)
    app.before_request(csrf.protect)
    app.after_request(set_security_headers)
    app.teardown_appcontext(close_database)
    app.register_error_handler(HTTPException, answer_http_error)
    app.register_error_handler(500, answer_http_error)
    app.context_processor(site_context)
    for name, function in FILTERS.items():
        app.add_template_filter(function, name)
    for blueprint in (
        pages.blueprint,
        auth.blueprint,
        users.blueprint,
        posts.blueprint,
        comments.blueprint,
        gallery.blueprint,
        api.blueprint,
    ):
        app.register_blueprint(blueprint)
    if app.config["FAULTS"]:
        app.add_url_rule("/fault", view_func=pages.fault)
    cli.add_commands(app)
    return app


def load_user() -> None:
    if request.endpoint not in ("static", "gallery.static"):
        g.user = user_of_session()


def user_of_session() -> User | None:
    user_id = session.get("user_id")
    return find_user(database(), user_id) if isinstance(user_id, int) else None


def set_security_headers(response: Response) -> Response:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'")
    return response


def site_context() -> dict[str, Any]:
    theme = request.cookies.get("theme")
    return {
        "csrf_token": csrf.token,
        "theme": theme if theme in checks.THEMES else checks.THEMES[0],
        "nickname": request.cookies.get("nickname", "")[: checks.MAX_NICKNAME],
    }


def answer_http_error(error: HTTPException) -> ResponseReturnValue:
    """An error as a page, or as JSON below ``/api``; redirects go out as they are."""
    status = error.code or 500
    if status < 400:
        return error
    title, text = checks.error_texts(status)
    headers = {
        name: value for name, value in error.get_headers() if name.lower() not in ("content-type", "content-length")
    }
    if request.path.startswith("/api/"):
        return {"error": title, "status": status, "message": text}, status, headers
    if "user" not in g:  # a static file; or the hook failed, and would do so again
        g.user = None if status == 500 else user_of_session()
    return render_template("error.html", title=title, text=text), status, headers
