"""The images of all posts: a blueprint that brings its templates and static files."""

from typing import Final

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from examples.flask_port.before.storage import database
from examples.flask_port.posts import list_images

__all__ = ["blueprint"]

blueprint = Blueprint("gallery", __name__, url_prefix="/gallery", template_folder="templates", static_folder="static")

KINDS: Final = ("png", "jpeg", "gif")


@blueprint.route("/")
def index() -> ResponseReturnValue:
    return render_template("gallery/index.html", posts=list_images(database()), kinds=KINDS, filter="")


@blueprint.route("/<any(png, jpeg, gif):kind>/")
def kind(kind: str) -> ResponseReturnValue:
    posts = list_images(database(), kind=kind)
    return render_template("gallery/index.html", posts=posts, kinds=KINDS, filter=kind)


@blueprint.route("/over/<float:megabytes>")
def over(megabytes: float) -> ResponseReturnValue:
    posts = list_images(database(), larger_than=megabytes)
    return render_template("gallery/index.html", posts=posts, kinds=KINDS, filter=f"over {megabytes} MB")
