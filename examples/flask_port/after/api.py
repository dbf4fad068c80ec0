"""The JSON API: ``/api/v1``. Whoever changes something sends the session's token as X-CSRF-Token."""

from typing import Any, Final

from aiohttp import web
from aiohttp_session import get_session

from aiotoolkit.porting.rules import add_rule_context
from aiotoolkit.responses import json_response
from aiotoolkit.schemas import Schema
from examples.flask_port import checks
from examples.flask_port import posts as storage
from examples.flask_port.after.forms import int_argument
from examples.flask_port.after.posts import find_or_404, find_own
from examples.flask_port.after.sessions import csrf_token, current_user, login_required, user_of
from examples.flask_port.after.storage import now, query
from examples.flask_port.after.urls import url_for
from examples.flask_port.posts import Post

__all__ = ["add_routes"]

MOST_POSTS: Final = 100

POST: Final = Schema(
    request={
        "type": "object",
        "properties": {
            "title": {
                "type": "string",
                "minLength": 1,
                "maxLength": checks.MAX_TITLE,
                "pattern": r"^[^\x00-\x1f\x7f]*$",
            },
            "body": {
                "type": "string",
                "minLength": 1,
                "maxLength": checks.MAX_BODY,
                "pattern": r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$",
            },
            "tag": {"type": "string", "pattern": f"^{checks.TAG}$"},
        },
        "required": ["title", "body", "tag"],
        "additionalProperties": False,
    }
)


def add_routes(app: web.Application) -> None:
    with add_rule_context(app, "/api/v1", "api.v1") as add_rule:
        add_rule("/posts", index)
        add_rule("/posts", login_required(create), endpoint="create", methods=["POST"])
        add_rule("/posts/<int:id>", show)
        add_rule("/posts/<int:id>", login_required(update), endpoint="update", methods=["PUT"])
        add_rule("/posts/<int:id>", login_required(delete), endpoint="delete", methods=["DELETE"])
        add_rule("/statistics", statistics)
        add_rule("/tags", tags)
        add_rule("/session", show_session, endpoint="show_session")


async def index(request: web.Request) -> web.StreamResponse:
    limit = max(0, min(int_argument(request, "limit", 10), MOST_POSTS))
    offset = max(0, min(int_argument(request, "offset", 0), 2**31))
    tag = request.query.get("tag")
    found = await query(request, storage.list_posts, tag=tag, limit=limit, offset=offset)
    total = await query(request, storage.count_posts, tag=tag)
    return json_response({"posts": [as_json(request, post) for post in found], "total": total})


@POST.handler
async def create(request: web.Request, body: dict[str, str]) -> web.StreamResponse:
    title, text, tag = body["title"], body["body"], body["tag"]
    post_id = await query(
        request, storage.create_post, user_of(request).id, title=title, body=text, tag=tag, created=now(request)
    )
    location = url_for(request, "api.v1.show", id=post_id)
    return json_response(await _read(request, post_id), status=201, headers={"Location": location})


async def show(request: web.Request) -> web.StreamResponse:
    return json_response(as_json(request, await find_or_404(request)))


@POST.handler
async def update(request: web.Request, body: dict[str, str]) -> web.StreamResponse:
    post = await find_own(request)
    await query(request, storage.update_post, post.id, **body, image=post.image)
    return json_response(await _read(request, post.id))


async def delete(request: web.Request) -> web.StreamResponse:
    post = await find_own(request)
    await query(request, storage.delete_post, post.id)
    return web.Response(status=204)


async def statistics(request: web.Request) -> web.StreamResponse:
    return json_response(await query(request, storage.read_statistics))


async def tags(request: web.Request) -> web.StreamResponse:
    posts = await query(request, storage.list_posts, limit=MOST_POSTS)
    return json_response(sorted({post.tag for post in posts}))


async def show_session(request: web.Request) -> web.StreamResponse:
    user, session = await current_user(request), await get_session(request)
    shown = user and {"id": user.id, "name": user.name}
    permanent = bool(session.get("_permanent"))
    return json_response({"user": shown, "csrf_token": csrf_token(session), "permanent": permanent})


async def _read(request: web.Request, post_id: int) -> dict[str, Any]:
    post = await query(request, storage.find_post, post_id)
    if post is None:  # somebody else deleted it meanwhile
        raise web.HTTPNotFound
    return as_json(request, post)


def as_json(request: web.Request, post: Post) -> dict[str, Any]:
    """A post as the API shows it."""
    return {
        "id": post.id,
        "title": post.title,
        "body": post.body,
        "tag": post.tag,
        "author": post.author,
        "created": post.created.isoformat(),
        "url": url_for(request, "posts.show", id=post.id),
        "has_image": post.image is not None,
    }
