"""What the templates of the Flask application find in Flask: they are used as they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

from aiohttp import web
from aiohttp_session import get_session
from multidict import MultiMapping

from aiotoolkit.porting.rules import endpoint_of
from examples.flask_port import checks
from examples.flask_port.after.cookies import read_cookie
from examples.flask_port.after.sessions import csrf_token, current_user
from examples.flask_port.after.urls import url_for

__all__ = ["flask_context"]


@dataclass(frozen=True)
class TemplateRequest:
    """As much of Flask's ``request`` as a template looks at."""

    path: str
    method: str
    endpoint: str | None
    args: MultiMapping[str]


async def flask_context(request: web.Request) -> Mapping[str, Any]:
    """Flask's own names for templates, and those of the application's context processor."""
    session = await get_session(request)
    theme = read_cookie(request, "theme")
    return {
        "g": SimpleNamespace(user=await current_user(request)),
        "session": session,
        "request": TemplateRequest(request.path, request.method, endpoint_of(request), request.query),
        "url_for": partial(url_for, request),
        "csrf_token": partial(csrf_token, session),
        "theme": theme if theme in checks.THEMES else checks.THEMES[0],
        "nickname": read_cookie(request, "nickname")[: checks.MAX_NICKNAME],
    }
