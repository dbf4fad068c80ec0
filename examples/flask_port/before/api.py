"""The JSON API: ``/api/v1``. Whoever changes something sends the session's token as X-CSRF-Token."""

from typing import Any

from flask import Blueprint, abort, g, request, session, url_for
from flask.typing import ResponseReturnValue

from examples.flask_port import checks
from examples.flask_port import posts as storage
from examples.flask_port.before import csrf
from examples.flask_port.before.auth import login_required
from examples.flask_port.before.posts import find_or_404, may_change
from examples.flask_port.before.storage import database, now
from examples.flask_port.posts import Post

__all__ = ["blueprint"]

blueprint = Blueprint("api", __name__, url_prefix="/api")
v1 = Blueprint("v1", __name__, url_prefix="/v1")

FIELDS = ("title", "body", "tag")
MOST_POSTS = 100


class InvalidPostError(Exception):
    """What was sent is no post."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("invalid post")
        self.errors = errors


@blueprint.errorhandler(InvalidPostError)
def answer_invalid_post(error: InvalidPostError) -> ResponseReturnValue:
    title, text = checks.error_texts(422)
    return {"error": title, "status": 422, "message": text, "errors": error.errors}, 422


@v1.get("/posts")
def index() -> ResponseReturnValue:
    limit = request.args.get("limit", 10, type=int)
    offset = request.args.get("offset", 0, type=int)
    tag = request.args.get("tag")
    limit, offset = max(0, min(limit, MOST_POSTS)), max(0, min(offset, 2**31))
    found = storage.list_posts(database(), tag=tag, limit=limit, offset=offset)
    return {"posts": [as_json(post) for post in found], "total": storage.count_posts(database(), tag=tag)}


@v1.post("/posts")
@login_required
def create() -> ResponseReturnValue:
    new = read_post()
    post_id = storage.create_post(
        database(), g.user.id, title=new["title"], body=new["body"], tag=new["tag"], created=now()
    )
    return as_json(find_or_404(post_id)), 201, {"Location": url_for(".show", id=post_id)}


@v1.get("/posts/<int:id>")
def show(id: int) -> ResponseReturnValue:  # noqa: A002 - the rule's name
    return as_json(find_or_404(id))


@v1.put("/posts/<int:id>")
@login_required
def update(id: int) -> ResponseReturnValue:  # noqa: A002 - the rule's name
    post = find_or_404(id)
    if not may_change(post.author_id):
        abort(403)
    storage.update_post(database(), id, **read_post(), image=post.image)
    return as_json(find_or_404(id))


@v1.delete("/posts/<int:id>")
@login_required
def delete(id: int) -> ResponseReturnValue:  # noqa: A002 - the rule's name
    post = find_or_404(id)
    if not may_change(post.author_id):
        abort(403)
    storage.delete_post(database(), id)
    return "", 204


@v1.get("/statistics")
def statistics() -> ResponseReturnValue:
    return storage.read_statistics(database())


@v1.get("/tags")
def tags() -> ResponseReturnValue:
    return sorted({post.tag for post in storage.list_posts(database(), limit=MOST_POSTS)})


@v1.get("/session")
def show_session() -> ResponseReturnValue:
    user = g.user and {"id": g.user.id, "name": g.user.name}
    return {"user": user, "csrf_token": csrf.token(), "permanent": session.permanent}


def read_post() -> dict[str, str]:
    """The post that was sent.

    Raises:
        InvalidPostError: something in it is not as it should be.
    """
    data: Any = request.get_json()
    if not isinstance(data, dict):
        raise InvalidPostError({"": "must be an object"})
    errors = {name: "must be text" for name in FIELDS if not isinstance(data.get(name), str)}
    errors |= {name: "is unknown" for name in data if name not in FIELDS}
    values = {name: data.get(name, "") for name in FIELDS}
    if errors or (errors := checks.check_post(**values)):
        raise InvalidPostError(errors)
    return values


def as_json(post: Post) -> dict[str, Any]:
    """A post as the API shows it."""
    return {
        "id": post.id,
        "title": post.title,
        "body": post.body,
        "tag": post.tag,
        "author": post.author,
        "created": post.created.isoformat(),
        "url": url_for("posts.show", id=post.id),
        "has_image": post.image is not None,
    }


blueprint.register_blueprint(v1)
