"""What every template can use, besides what the toolkit gives it."""

from functools import partial
from typing import Any

from aiohttp import web

from examples.site.components.account.middlewares import current_user
from examples.site.sessions import csrf_token

__all__ = ["site_context"]


async def site_context(request: web.Request) -> dict[str, Any]:
    """The user, or None; and the token for forms, as a function: a page without a form makes no session."""
    return {"user": current_user(request), "csrf_token": partial(csrf_token, request)}
