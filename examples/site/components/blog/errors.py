"""What the reader is told about the errors of the blog; all others are the application's."""

from typing import NoReturn

from aiohttp import web

from aiotoolkit.problems import Problem

__all__ = ["post_not_found"]


async def post_not_found(request: web.Request, error: Exception) -> NoReturn:
    raise Problem(404, "There is no such post. Its author may have deleted it.")
