"""The views of accounts."""

from typing import Final

from aiohttp import web
from aiohttp_session import get_session

from aiotoolkit.app import get_settings
from aiotoolkit.components import render_template
from aiotoolkit.requests import query_argument, read_form
from aiotoolkit.routes import url_for
from examples.site.components.account import storage
from examples.site.components.account.limits import LIMITS_KEY
from examples.site.components.account.middlewares import current_user, safe_next, signed_in
from examples.site.components.account.passwords import PASSWORDS_KEY
from examples.site.forms import Fields, Form
from examples.site.sessions import renew_session
from examples.site.settings import Settings
from examples.site.storage import DATABASE_KEY

__all__ = ["index", "login", "login_form", "logout", "register", "register_form"]

NEW_USER: Final = Fields(
    name={
        "type": "string",
        "minLength": 3,
        "maxLength": 32,
        "pattern": "^[a-z0-9][a-z0-9_-]*$",
        "description": "must be 3 to 32 characters: a to z, digits, - and _; the first one a letter or a digit",
    },
    password={"type": "string", "minLength": 12, "maxLength": 128},
)
# What is too long for the fields is as wrong as any other text.
CREDENTIALS: Final = Fields(
    name={"type": "string", "maxLength": 32},
    password={"type": "string", "maxLength": 128},
)
WRONG: Final = "The name or the password is wrong."

# Attempts in a quarter of an hour: of one address for one name, of one address in all.
PER_NAME: Final = 10
PER_ADDRESS: Final = 50


async def index(request: web.Request) -> web.StreamResponse:
    return await render_template("account:index.html", request, {"account": signed_in(request)})


async def login_form(request: web.Request) -> web.StreamResponse:
    after = safe_next(query_argument(request, "next", default=""))
    if current_user(request):
        raise web.HTTPSeeOther(after or url_for(request, "account.index"))
    return await _show(request, "login", Form(), after)


async def login(request: web.Request) -> web.StreamResponse:
    form = await CREDENTIALS.read(request)
    after = safe_next((await read_form(request)).get("next"))
    name, address = form.values["name"].lower(), request.remote or ""
    limits = request.app[LIMITS_KEY]
    limits.count(f"login {address}", PER_ADDRESS)
    limits.count(f"login {address} {name[:32]}", PER_NAME)
    user_id = None if form.errors else await _user_of(request, name, form.values["password"])
    if user_id is None:
        form.errors = {"name": WRONG}
        return await _show(request, "login", form, after)
    limits.forget(f"login {address} {name}")
    await _begin(request, user_id)
    raise web.HTTPSeeOther(after or url_for(request, "account.index"))


async def register_form(request: web.Request) -> web.StreamResponse:
    return await _show(request, "register", Form())


async def register(request: web.Request) -> web.StreamResponse:
    request.app[LIMITS_KEY].count(f"register {request.remote}", PER_ADDRESS)
    form = await NEW_USER.read(request)
    if not form.errors:
        password_hash = await request.app[PASSWORDS_KEY].hash(form.values["password"])
        try:
            user_id = await storage.create_user(request.app[DATABASE_KEY], form.values["name"], password_hash)
        except storage.NameTakenError:
            # The names of the authors stand on the blog: that one is taken gives nothing away.
            form.errors["name"] = "is taken: choose another one"
        else:
            await _begin(request, user_id)
            raise web.HTTPSeeOther(url_for(request, "account.index"))
    return await _show(request, "register", form)


async def logout(request: web.Request) -> web.StreamResponse:
    session = await get_session(request)
    await storage.delete_login(request.app[DATABASE_KEY], session["login"])
    session.invalidate()
    raise web.HTTPSeeOther(url_for(request, "pages.index"))


async def _show(request: web.Request, page: str, form: Form, after: str | None = None) -> web.StreamResponse:
    """The form, empty or with its errors; a password is never sent back."""
    form.values.pop("password", None)
    context = {"form": form, "after": after}
    return await render_template(f"account:{page}.html", request, context, status=422 if form.errors else 200)


async def _user_of(request: web.Request, name: str, password: str) -> int | None:
    found = await storage.find_hash(request.app[DATABASE_KEY], name)
    user_id, password_hash = found or (None, None)
    is_right = await request.app[PASSWORDS_KEY].check(password, password_hash)
    return user_id if is_right else None


async def _begin(request: web.Request, user_id: int) -> None:
    """Log a user in, with a new session: what this browser had before is gone, and so is another user's login."""
    database = request.app[DATABASE_KEY]
    if old := (await get_session(request)).get("login"):
        await storage.delete_login(database, old)
    seconds = get_settings(request, Settings).session_age.total_seconds()
    await renew_session(request, login=await storage.create_login(database, user_id, seconds))
