"""Accounts: registration, login, logout."""

import functools
from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, current_app, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.security import check_password_hash, generate_password_hash

from examples.flask_port import checks
from examples.flask_port.before.storage import database
from examples.flask_port.posts import count_posts
from examples.flask_port.users import NameTakenError, create_user, find_user_by_name

__all__ = ["blueprint", "login_required"]

blueprint = Blueprint("auth", __name__, url_prefix="/auth")


def login_required(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Send whoever is not logged in to the login page first."""

    @functools.wraps(view)
    def wrapped(**parts: Any) -> ResponseReturnValue:
        if g.user is None:
            if request.path.startswith("/api/"):
                abort(401)
            return redirect(url_for("auth.login", next=request.path), 303)
        return view(**parts)

    return wrapped


@blueprint.route("/register", methods=["GET", "POST"])
def register() -> ResponseReturnValue:
    name, errors = "", {}
    if request.method == "POST":
        name, password = request.form["name"], request.form["password"]
        errors = checks.check_account(name, password)
        if not errors:
            hashed = generate_password_hash(password, current_app.config["PASSWORD_METHOD"])
            try:
                user_id = create_user(database(), name, hashed)
            except NameTakenError:
                # The names of the authors stand on the pages: that one is taken gives nothing away.
                errors["name"] = "is taken: choose another one"
            else:
                begin_session(user_id, permanent=False)
                flash(f"Welcome, {name}!", "success")
                return redirect(url_for("pages.home"), 303)
    return render_template("auth/register.html", name=name, errors=errors), 422 if errors else 200


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    name, error = "", None
    target = checks.safe_next(request.values.get("next", ""))
    if request.method == "POST":
        name = request.form["name"]
        user_id = user_of(name, request.form["password"])
        if user_id is not None:
            begin_session(user_id, permanent="remember" in request.form)
            flash("You are logged in.", "success")
            return redirect(target or url_for("pages.home"), 303)
        error = checks.WRONG_LOGIN
    page = render_template("auth/login.html", name=name, error=error, next=target or "")
    return page, 422 if error else 200


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    session.clear()
    flash("You are logged out.")
    return redirect(url_for("pages.home"), 303)


@blueprint.route("/account")
@login_required
def account() -> ResponseReturnValue:
    return render_template("auth/account.html", count=count_posts(database(), author=g.user.name))


def user_of(name: str, password: str) -> int | None:
    """The account of a name and its password. A name that nobody has takes as long as a wrong password."""
    if len(password) > checks.MAX_PASSWORD:
        return None
    user = find_user_by_name(database(), name)
    if user is None:
        generate_password_hash(password, current_app.config["PASSWORD_METHOD"])
        return None
    return user.id if check_password_hash(user.password_hash, password) else None


def begin_session(user_id: int, *, permanent: bool) -> None:
    """Begin a new session: nothing that was planted before the login is there after it."""
    session.clear()
    session["user_id"] = user_id
    session.permanent = permanent
