"""The comments, below the addresses of their posts."""

from aiohttp import web

from aiotoolkit.porting.rules import add_rule_context, rule_values
from aiotoolkit.porting.sessions import flash
from examples.flask_port import checks
from examples.flask_port import posts as storage
from examples.flask_port.after.forms import read_field
from examples.flask_port.after.posts import find_or_404, may_change
from examples.flask_port.after.sessions import login_required, user_of
from examples.flask_port.after.storage import now, query
from examples.flask_port.after.urls import url_for

__all__ = ["add_routes"]


def add_routes(app: web.Application) -> None:
    with add_rule_context(app, "/posts", "comments") as add_rule:
        add_rule("/<int:id>/comments", login_required(create), endpoint="create", methods=["POST"])
        add_rule(
            "/<int:id>/comments/<int:comment_id>/delete", login_required(delete), endpoint="delete", methods=["POST"]
        )


async def create(request: web.Request) -> web.StreamResponse:
    post = await find_or_404(request)
    text = (await read_field(request, "text")).strip()
    if error := checks.check_comment(text):
        await flash(request, error, "error")
        raise web.HTTPSeeOther(url_for(request, "posts.show", id=post.id))
    comment_id = await query(request, storage.add_comment, post.id, user_of(request).id, text, now(request))
    raise web.HTTPSeeOther(url_for(request, "posts.show", id=post.id, _anchor=f"comment-{comment_id}"))


async def delete(request: web.Request) -> web.StreamResponse:
    values = rule_values(request)
    comment = await query(request, storage.find_comment, values["id"], values["comment_id"])
    if comment is None:
        raise web.HTTPNotFound
    if not await may_change(request, comment.author_id):
        raise web.HTTPForbidden
    await query(request, storage.delete_comment, comment.id)
    await flash(request, "The comment is gone.")
    raise web.HTTPSeeOther(url_for(request, "posts.show", id=comment.post_id))
