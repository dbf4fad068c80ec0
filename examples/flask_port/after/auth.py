"""Accounts: registration, login, logout."""

from aiohttp import web
from aiohttp_session import get_session

from aiotoolkit.components import render_template
from aiotoolkit.porting.rules import add_rule_context
from aiotoolkit.porting.sessions import flash
from aiotoolkit.requests import read_form
from examples.flask_port import checks
from examples.flask_port.after.forms import read_field
from examples.flask_port.after.passwords import PASSWORDS_KEY
from examples.flask_port.after.sessions import begin_session, login_required, user_of
from examples.flask_port.after.storage import query
from examples.flask_port.after.urls import url_for
from examples.flask_port.posts import count_posts
from examples.flask_port.users import NameTakenError, create_user, find_user_by_name

__all__ = ["add_routes"]


def add_routes(app: web.Application) -> None:
    with add_rule_context(app, "/auth", "auth") as add_rule:
        add_rule("/register", register, methods=["GET", "POST"])
        add_rule("/login", login, methods=["GET", "POST"])
        add_rule("/logout", logout, methods=["POST"])
        add_rule("/account", login_required(account), endpoint="account")


async def register(request: web.Request) -> web.StreamResponse:
    name, errors = "", {}
    if request.method == "POST":
        name, password = await read_field(request, "name"), await read_field(request, "password")
        errors = checks.check_account(name, password)
        if not errors:
            hashed = await request.app[PASSWORDS_KEY].hash(password)
            try:
                user_id = await query(request, create_user, name, hashed)
            except NameTakenError:
                # The names of the authors stand on the pages: that one is taken gives nothing away.
                errors["name"] = "is taken: choose another one"
            else:
                await begin_session(request, user_id, permanent=False)
                await flash(request, f"Welcome, {name}!", "success")
                raise web.HTTPSeeOther(url_for(request, "pages.home"))
    context = {"name": name, "errors": errors}
    return await render_template("auth/register.html", request, context, status=422 if errors else 200)


async def login(request: web.Request) -> web.StreamResponse:
    name, error = "", None
    given = request.query.get("next", "")
    if request.method == "POST":
        form = await read_form(request)
        given = given or str(form.get("next", ""))
        name = await read_field(request, "name")
        user_id = await _find_user_id(request, name, await read_field(request, "password"))
        if user_id is not None:
            await begin_session(request, user_id, permanent="remember" in form)
            await flash(request, "You are logged in.", "success")
            raise web.HTTPSeeOther(checks.safe_next(given) or url_for(request, "pages.home"))
        error = checks.WRONG_LOGIN
    context = {"name": name, "error": error, "next": checks.safe_next(given) or ""}
    return await render_template("auth/login.html", request, context, status=422 if error else 200)


async def logout(request: web.Request) -> web.StreamResponse:
    (await get_session(request)).invalidate()
    await flash(request, "You are logged out.")
    raise web.HTTPSeeOther(url_for(request, "pages.home"))


async def account(request: web.Request) -> web.StreamResponse:
    count = await query(request, count_posts, author=user_of(request).name)
    return await render_template("auth/account.html", request, {"count": count})


async def _find_user_id(request: web.Request, name: str, password: str) -> int | None:
    """The account of a name and its password. A name that nobody has takes as long as a wrong password."""
    if len(password) > checks.MAX_PASSWORD:
        return None
    user = await query(request, find_user_by_name, name)
    is_right = await request.app[PASSWORDS_KEY].check(password, user.password_hash if user is not None else None)
    return user.id if user is not None and is_right else None
