"""The posts."""

import csv
import io
from collections.abc import Iterator

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    send_file,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue

from examples.flask_port import checks, images
from examples.flask_port import posts as storage
from examples.flask_port.before.auth import login_required
from examples.flask_port.before.storage import database, now, uploads
from examples.flask_port.posts import Image, Post

__all__ = ["blueprint", "find_or_404", "may_change"]

blueprint = Blueprint("posts", __name__, url_prefix="/posts")


@blueprint.route("/")
def index() -> ResponseReturnValue:
    page = request.args.get("page", 1, type=int)
    tag = request.args.get("tag")
    count = storage.count_posts(database(), tag=tag)
    pages = max(1, -(-count // storage.PAGE_SIZE))
    if not 1 <= page <= pages:
        abort(404)
    posts = storage.list_posts(database(), tag=tag, limit=storage.PAGE_SIZE, offset=(page - 1) * storage.PAGE_SIZE)
    return render_template("posts/index.html", posts=posts, page=page, pages=pages, tag=tag)


@blueprint.route("/<int:id>")
def show(id: int) -> ResponseReturnValue:  # noqa: A002 - the rule's name
    post = find_or_404(id)
    return render_template("posts/show.html", post=post, comments=storage.list_comments(database(), id))


@blueprint.route("/new", methods=["GET", "POST"])
@login_required
def create() -> ResponseReturnValue:
    if request.method == "GET":
        return show_form({"title": "", "body": "", "tag": ""}, {})
    values, errors, image = read_post(None)
    if errors:
        return show_form(values, errors)
    post_id = storage.create_post(database(), g.user.id, **values, created=now(), image=image)
    flash("The post is there.", "success")
    return redirect(url_for("posts.show", id=post_id), 303)


@blueprint.route("/<int:id>/edit", methods=["GET", "POST"])
@login_required
def edit(id: int) -> ResponseReturnValue:  # noqa: A002 - the rule's name
    post = find_own(id)
    if request.method == "GET":
        return show_form({"title": post.title, "body": post.body, "tag": post.tag}, {}, post)
    values, errors, image = read_post(post.image)
    if errors:
        return show_form(values, errors, post)
    storage.update_post(database(), id, **values, image=image)
    if post.image is not None and image != post.image:
        images.delete_image(uploads(), post.image)
    flash("The post is changed.", "success")
    return redirect(url_for("posts.show", id=id), 303)


@blueprint.post("/<int:id>/delete")
@login_required
def delete(id: int) -> ResponseReturnValue:  # noqa: A002 - the rule's name
    post = find_own(id)
    storage.delete_post(database(), id)
    if post.image is not None:
        images.delete_image(uploads(), post.image)
    flash("The post is gone.")
    return redirect(url_for("posts.index"), 303)


@blueprint.route("/<int:id>/image")
def image(id: int) -> ResponseReturnValue:  # noqa: A002 - the rule's name
    found = find_or_404(id).image or abort(404)
    path = uploads() / found.name
    if not path.is_file():
        abort(404)
    return send_file(path, mimetype=found.type, download_name=images.download_name(found))


@blueprint.route("/export.csv")
def export() -> ResponseReturnValue:
    response = Response(stream_with_context(csv_lines()), mimetype="text/csv")
    response.headers["Content-Disposition"] = "attachment; filename=posts.csv"
    return response


def csv_lines() -> Iterator[str]:
    """The posts as CSV, line by line."""
    for row in storage.export_rows(database()):
        line = io.StringIO()
        csv.writer(line).writerow(row)
        yield line.getvalue()


def read_post(image: Image | None) -> tuple[dict[str, str], dict[str, str], Image | None]:
    """The fields of the form, what is wrong with them, and the image: a new one, or that which there is."""
    values = {name: request.form[name].replace("\r\n", "\n").strip() for name in ("title", "body", "tag")}
    errors = checks.check_post(**values)
    upload = request.files.get("image")
    if not errors and upload is not None and upload.filename:
        try:
            image = images.store_image(upload.stream, uploads(), current_app.config["MAX_UPLOAD"])
        except images.NotAnImageError:
            errors["image"] = "must be a PNG, JPEG or GIF image"
        except images.TooLargeError:
            abort(413)
    return values, errors, image


def show_form(values: dict[str, str], errors: dict[str, str], post: Post | None = None) -> ResponseReturnValue:
    page = render_template("posts/form.html", values=values, errors=errors, post=post)
    return page, 422 if errors else 200


def find_or_404(post_id: int) -> Post:
    return storage.find_post(database(), post_id) or abort(404)


def find_own(post_id: int) -> Post:
    post = find_or_404(post_id)
    if not may_change(post.author_id):
        abort(403)
    return post


def may_change(author_id: int) -> bool:
    """Whether the user may change what an author wrote."""
    return bool(g.user) and (g.user.id == author_id or g.user.is_admin)
