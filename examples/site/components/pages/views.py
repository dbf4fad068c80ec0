"""The views of the pages."""

from aiohttp import web

from aiotoolkit.components import render_template

__all__ = ["about", "index"]


async def index(request: web.Request) -> web.StreamResponse:
    return await render_template("pages:index.html", request, {})


async def about(request: web.Request) -> web.StreamResponse:
    return await render_template("pages:about.html", request, {})
