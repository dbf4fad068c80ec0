"""The pages of the authors."""

from aiohttp import web

from aiotoolkit.components import render_template
from aiotoolkit.porting.rules import add_rule_context, rule_values
from examples.flask_port.after.storage import query
from examples.flask_port.posts import list_posts
from examples.flask_port.users import find_user_by_name

__all__ = ["add_routes"]


def add_routes(app: web.Application) -> None:
    with add_rule_context(app, "/users", "users") as add_rule:
        add_rule("/<username:name>", show)


async def show(request: web.Request) -> web.StreamResponse:
    user = await query(request, find_user_by_name, rule_values(request)["name"])
    if user is None:
        raise web.HTTPNotFound
    posts = await query(request, list_posts, author=user.name, limit=50)
    return await render_template("user.html", request, {"user": user, "posts": posts})
