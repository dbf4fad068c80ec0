"""Sessions in encrypted cookies, and the token that each form of a session carries."""

import hashlib
import hmac
import secrets
import warnings
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from aiohttp_session import get_session, new_session, session_middleware
from aiohttp_session.cookie_storage import EncryptedCookieStorage

from aiotoolkit.problems import Problem
from aiotoolkit.requests import read_form
from examples.site.settings import Settings

__all__ = ["csrf_middleware", "csrf_token", "renew_session", "sessions_middleware"]

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class CookieStorage(EncryptedCookieStorage):
    """Takes a cookie that nobody can have got from here for no cookie; the library fails on bytes beyond ASCII."""

    def load_cookie(self, request: web.Request) -> str | None:
        cookie = super().load_cookie(request)
        return cookie if cookie is not None and cookie.isascii() else None


def sessions_middleware(settings: Settings) -> Middleware:
    """Give each request a session, stored at the client and readable by nobody but the server."""
    # aiohttp-session 2.12 keeps its session under a str, of which aiohttp warns.
    warnings.filterwarnings("ignore", category=web.NotAppKeyWarning, module="aiohttp_session")
    storage = CookieStorage(
        _cookie_key(settings.secret_key),
        # The prefix binds the cookie to this very host; browsers take it with Secure only.
        cookie_name="__Host-session" if settings.https else "session",
        max_age=int(settings.session_age.total_seconds()),
        secure=settings.https,
        httponly=True,
        samesite="Lax",
    )
    return session_middleware(storage)


def _cookie_key(secret: str) -> bytes:
    """The key of the cookies alone: another use of the secret takes another ``person``."""
    return hashlib.blake2b(secret.encode(), digest_size=32, person=b"session-cookie").digest()


async def renew_session(request: web.Request, **values: str) -> None:
    """Begin a session with these values only: nothing that was planted before a login is there after it."""
    session = await new_session(request)
    session.update(values, csrf=secrets.token_urlsafe(32))


async def csrf_token(request: web.Request) -> str:
    """The token of the request's session, made when the first form asks for it."""
    session = await get_session(request)
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(32)
    token: str = session["csrf"]
    return token


@web.middleware
async def csrf_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse whatever could change something and did not come from a form of the same session."""
    if request.method not in SAFE_METHODS and request.match_info.http_exception is None:
        expected = (await get_session(request)).get("csrf", "")
        given = (await read_form(request)).get("csrf_token", "")
        if not (expected and isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())):
            raise Problem(403, "The form has expired. Go back, reload the page, and send the form again.")
    return await handler(request)
