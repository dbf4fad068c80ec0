"""Who is asking, and whether a login is needed."""

import re
from collections.abc import Collection
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from aiohttp_session import get_session

from aiotoolkit.routes import url_for
from examples.site.components.account import storage
from examples.site.components.account.storage import User
from examples.site.storage import DATABASE_KEY

__all__ = ["current_user", "login_middleware", "safe_next", "signed_in"]

USER_KEY: Final = web.RequestKey("USER_KEY", User)
STATIC_PATH: Final = "/static/"

# Paths of this site only. What is not in this list cannot leave it: no scheme, no second slash, no backslash, no dots.
NEXT_PATTERN: Final = re.compile(r"(?:/[A-Za-z0-9_-]+)*/?(?:\?[A-Za-z0-9_=&%+-]*)?", re.ASCII)


def login_middleware(public_paths: Collection[str]) -> Middleware:
    """Find the user of each request, and send everybody else to the login form.

    Args:
        public_paths: what needs no login: paths as the routes have them (``"/blog/{post_id}"``), so no spelling of a
            URL passes for another one. Static files and URLs that lead nowhere need none either.
    """
    exempt = frozenset(public_paths)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        path = _route_path(request)
        if path is not None and path.startswith(STATIC_PATH):
            return await handler(request)
        user = await _find_user(request)
        if user is not None:
            request[USER_KEY] = user
        elif path is not None and path not in exempt:
            raise web.HTTPSeeOther(url_for(request, "account.login", _query=_way_back(request)))
        return await handler(request)

    return middleware


def current_user(request: web.Request) -> User | None:
    """The user who is logged in, or None."""
    return request.get(USER_KEY)


def signed_in(request: web.Request) -> User:
    """The user of a request that the middleware lets pass only with one."""
    return request[USER_KEY]


def safe_next(text: object) -> str | None:
    """The path of this site that a text is, or None: anybody can write what stands in a link to the login form."""
    return text if isinstance(text, str) and text.startswith("/") and NEXT_PATTERN.fullmatch(text) else None


def _route_path(request: web.Request) -> str | None:
    """The path of the route that will answer; None where none does."""
    resource = request.match_info.route.resource
    return None if resource is None else resource.canonical


async def _find_user(request: web.Request) -> User | None:
    login = (await get_session(request)).get("login")
    return await storage.find_user(request.app[DATABASE_KEY], login) if login else None


def _way_back(request: web.Request) -> dict[str, str]:
    # A form cannot be sent again by following a link.
    path = safe_next(request.rel_url.raw_path_qs) if request.method == "GET" else None
    return {"next": path} if path else {}
