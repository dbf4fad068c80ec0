"""The pages that are about everything, at the root of the site."""

import uuid
from pathlib import Path
from typing import Final

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    send_from_directory,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue

from examples.flask_port import checks
from examples.flask_port.before.storage import database, now
from examples.flask_port.posts import find_post_by_key, list_posts

__all__ = ["blueprint", "fault"]

blueprint = Blueprint("pages", __name__)

COLLECTIONS: Final = {"all": 100, "latest": 3}
HELP: Final = Path(__file__).parent / "help"
YEAR: Final = 365 * 24 * 60 * 60  # seconds


# The lower one is added first: url_for takes it.
@blueprint.route("/index")
@blueprint.route("/")
def home() -> ResponseReturnValue:
    years = range(2024, now().year + 1)
    return render_template("pages/home.html", posts=list_posts(database(), limit=5), years=years)


@blueprint.route("/about", strict_slashes=False)
def about() -> ResponseReturnValue:
    return render_template("pages/about.html")


@blueprint.route("/archive/<name>")
def collection(name: str) -> ResponseReturnValue:
    if name not in COLLECTIONS:
        abort(404)
    posts = list_posts(database(), limit=COLLECTIONS[name])
    return render_template("pages/archive.html", name=name, posts=posts)


# A number is a year, although the rule for any name comes first.
@blueprint.route("/archive/<int:year>")
def archive(year: int) -> ResponseReturnValue:
    if year > 9999:
        abort(404)
    posts = list_posts(database(), year=year, limit=100)
    return render_template("pages/archive.html", name=year, posts=posts)


@blueprint.route("/p/<uuid:key>")
def lasting(key: uuid.UUID) -> ResponseReturnValue:
    post = find_post_by_key(database(), key) or abort(404)
    return redirect(url_for("posts.show", id=post.id))


@blueprint.route("/help/<path:topic>")
def help(topic: str) -> ResponseReturnValue:  # noqa: A001 - the endpoint's name
    return send_from_directory(HELP, f"{topic}.txt")


@blueprint.route("/preferences", methods=["GET", "POST"])
def preferences() -> ResponseReturnValue:
    if request.method == "GET":
        return render_template("pages/preferences.html", themes=checks.THEMES)
    theme, nickname = request.form["theme"], request.form["nickname"].strip()
    if error := checks.check_preferences(theme, nickname):
        flash(error, "error")
        return redirect(url_for("pages.preferences"), 303)
    response = redirect(url_for("pages.home"), 303)
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    for name, value in (("theme", theme), ("nickname", nickname)):
        if value:
            response.set_cookie(name, value, max_age=YEAR, secure=secure, httponly=True, samesite="Lax")
        else:
            response.delete_cookie(name, secure=secure, httponly=True, samesite="Lax")
    return response


@blueprint.route("/robots.txt")
def robots() -> ResponseReturnValue:
    return "User-agent: *\nDisallow: /auth/\n", 200, {"Content-Type": "text/plain; charset=utf-8"}


@blueprint.route("/health")
def health() -> ResponseReturnValue:
    return {"status": "ok", "database": database().execute("SELECT 1").fetchone()[0] == 1}


def fault() -> ResponseReturnValue:
    """Fail, after something was written to the session."""
    session.permanent = True
    raise RuntimeError("a secret of the server")
