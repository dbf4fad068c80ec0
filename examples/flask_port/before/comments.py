"""The comments, below the addresses of their posts."""

from flask import Blueprint, abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from examples.flask_port import checks
from examples.flask_port import posts as storage
from examples.flask_port.before.auth import login_required
from examples.flask_port.before.posts import find_or_404, may_change
from examples.flask_port.before.storage import database, now

__all__ = ["blueprint"]

blueprint = Blueprint("comments", __name__, url_prefix="/posts")


@blueprint.post("/<int:id>/comments")
@login_required
def create(id: int) -> ResponseReturnValue:  # noqa: A002 - the rule's name
    find_or_404(id)
    text = request.form["text"].strip()
    if error := checks.check_comment(text):
        flash(error, "error")
        return redirect(url_for("posts.show", id=id), 303)
    comment_id = storage.add_comment(database(), id, g.user.id, text, now())
    return redirect(url_for("posts.show", id=id, _anchor=f"comment-{comment_id}"), 303)


@blueprint.post("/<int:id>/comments/<int:comment_id>/delete")
@login_required
def delete(id: int, comment_id: int) -> ResponseReturnValue:  # noqa: A002 - the rule's name
    comment = storage.find_comment(database(), id, comment_id) or abort(404)
    if not may_change(comment.author_id):
        abort(403)
    storage.delete_comment(database(), comment_id)
    flash("The comment is gone.")
    return redirect(url_for("posts.show", id=id), 303)
