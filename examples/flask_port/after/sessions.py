"""Who is asking, and with which session: the cookie is Flask's own."""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from aiohttp_session import Session, get_session

from aiotoolkit.porting.rules import endpoint_of
from aiotoolkit.requests import read_form
from examples.flask_port.after.storage import query
from examples.flask_port.after.urls import url_for
from examples.flask_port.users import User, find_user

__all__ = ["begin_session", "csrf_token", "current_user", "login_required", "protect", "user_of"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
FORM_TYPES: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
USER: Final = web.RequestKey("examples.flask_port.user", object)


async def current_user(request: web.Request) -> User | None:
    """The user that the session is of, read once for each request."""
    if USER not in request:
        request[USER] = None  # where the database fails, the page that says so does without
        user_id = (await get_session(request)).get("user_id")
        if isinstance(user_id, int):
            request[USER] = await query(request, find_user, user_id)
    user = request[USER]
    return user if isinstance(user, User) else None


def user_of(request: web.Request) -> User:
    """The user, in a view that takes nobody else."""
    user = request[USER]
    if not isinstance(user, User):
        raise TypeError("This view needs @login_required")
    return user


def login_required(view: Handler) -> Handler:
    """Send whoever is not logged in to the login page first."""

    async def wrapped(request: web.Request) -> web.StreamResponse:
        if await current_user(request) is not None:
            return await view(request)
        if request.path.startswith("/api/"):
            raise web.HTTPUnauthorized
        raise web.HTTPSeeOther(url_for(request, "auth.login", next=request.path))

    return wrapped


async def begin_session(request: web.Request, user_id: int, *, permanent: bool) -> None:
    """Begin a new session: nothing that was planted before the login is there after it."""
    session = await get_session(request)
    session.invalidate()
    session["user_id"] = user_id
    session["_permanent"] = permanent


def csrf_token(session: Session) -> str:
    """The token of the session, made when a form first asks for it."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(32)
    token: str = session["csrf"]
    return token


async def protect(request: web.Request) -> None:
    """Refuse what could change something and does not come from a page of the same session."""
    if request.method in SAFE_METHODS or endpoint_of(request) is None:
        return
    given = request.headers.get("X-CSRF-Token")
    if not given and request.content_type in FORM_TYPES:
        given = (await read_form(request)).get("csrf_token")  # type: ignore[assignment] # checked below
    expected = (await get_session(request)).get("csrf", "")
    if not (expected and isinstance(given, str) and hmac.compare_digest(_bytes(given), expected.encode())):
        raise web.HTTPBadRequest


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
