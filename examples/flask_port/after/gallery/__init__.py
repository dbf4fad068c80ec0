"""The images of all posts: a component that brings its templates and static files."""

from pathlib import Path
from typing import Any, Final

from aiohttp import web

from aiotoolkit.components import Component, render_template
from aiotoolkit.porting.rules import add_rule_context, rule_values
from examples.flask_port.after.storage import query
from examples.flask_port.after.urls import url_for
from examples.flask_port.posts import list_images

__all__ = ["component"]

# As long as both applications are there the files stay with the blueprint; then they move here, and this line goes.
__path__.insert(0, str(Path(__file__).parents[2] / "before" / "gallery"))

KINDS: Final = ("png", "jpeg", "gif")


def add_routes(app: web.Application) -> None:
    with add_rule_context(app, "/gallery", "gallery") as add_rule:
        add_rule("/", index)
        add_rule("/<any(png, jpeg, gif):kind>/", kind)
        add_rule("/over/<float:megabytes>", over)
        add_rule("/static/<path:filename>", moved, endpoint="old_static")


async def index(request: web.Request) -> web.StreamResponse:
    return await _show(request, "")


async def kind(request: web.Request) -> web.StreamResponse:
    name: str = rule_values(request)["kind"]
    return await _show(request, name, kind=name)


async def over(request: web.Request) -> web.StreamResponse:
    megabytes: float = rule_values(request)["megabytes"]
    return await _show(request, f"over {megabytes} MB", larger_than=megabytes)


async def moved(request: web.Request) -> web.StreamResponse:
    """Lead from where the blueprint has its static files to where the component has them."""
    raise web.HTTPPermanentRedirect(url_for(request, "gallery.static", filename=rule_values(request)["filename"]))


async def _show(request: web.Request, name: str, **wanted: Any) -> web.StreamResponse:
    context = {"posts": await query(request, list_images, **wanted), "kinds": KINDS, "filter": name}
    return await render_template("gallery:gallery/index.html", request, context)


component = Component("gallery", __name__, setup=add_routes)
