"""The pages of the authors."""

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue

from examples.flask_port.before.storage import database
from examples.flask_port.posts import list_posts
from examples.flask_port.users import find_user_by_name

__all__ = ["blueprint"]

blueprint = Blueprint("users", __name__, url_prefix="/users")


@blueprint.route("/<username:name>")
def show(name: str) -> ResponseReturnValue:
    user = find_user_by_name(database(), name) or abort(404)
    return render_template("user.html", user=user, posts=list_posts(database(), author=name, limit=50))
