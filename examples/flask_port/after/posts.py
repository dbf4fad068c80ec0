"""The posts."""

import asyncio
import contextlib
import csv
import io
from collections.abc import Iterator
from pathlib import Path

from aiohttp import hdrs, web

from aiotoolkit.app import get_settings
from aiotoolkit.components import render_template
from aiotoolkit.porting.rules import add_rule_context, rule_values
from aiotoolkit.porting.sessions import flash
from aiotoolkit.porting.views import sync_view
from examples.flask_port import checks, images
from examples.flask_port import posts as storage
from examples.flask_port.after.forms import int_argument, read_field, read_file
from examples.flask_port.after.sessions import current_user, login_required, user_of
from examples.flask_port.after.settings import Settings
from examples.flask_port.after.storage import now, query, uploads
from examples.flask_port.after.urls import url_for
from examples.flask_port.database import connect
from examples.flask_port.posts import Image, Post

__all__ = ["add_routes", "find_or_404", "may_change"]


def add_routes(app: web.Application) -> None:
    with add_rule_context(app, "/posts", "posts") as add_rule:
        add_rule("/", index)
        add_rule("/<int:id>", show)
        add_rule("/new", login_required(create), endpoint="create", methods=["GET", "POST"])
        add_rule("/<int:id>/edit", login_required(edit), endpoint="edit", methods=["GET", "POST"])
        add_rule("/<int:id>/delete", login_required(delete), endpoint="delete", methods=["POST"])
        add_rule("/<int:id>/image", image)
        add_rule("/export.csv", export)


async def index(request: web.Request) -> web.StreamResponse:
    page, tag = int_argument(request, "page", 1), request.query.get("tag")
    count = await query(request, storage.count_posts, tag=tag)
    pages = max(1, -(-count // storage.PAGE_SIZE))
    if not 1 <= page <= pages:
        raise web.HTTPNotFound
    posts = await query(
        request, storage.list_posts, tag=tag, limit=storage.PAGE_SIZE, offset=(page - 1) * storage.PAGE_SIZE
    )
    context = {"posts": posts, "page": page, "pages": pages, "tag": tag}
    return await render_template("posts/index.html", request, context)


async def show(request: web.Request) -> web.StreamResponse:
    post = await find_or_404(request)
    comments = await query(request, storage.list_comments, post.id)
    return await render_template("posts/show.html", request, {"post": post, "comments": comments})


async def create(request: web.Request) -> web.StreamResponse:
    if request.method != "POST":
        return await show_form(request, {"title": "", "body": "", "tag": ""}, {})
    values, errors, image = await read_post(request, None)
    if errors:
        return await show_form(request, values, errors)
    author_id = user_of(request).id
    post_id = await query(request, storage.create_post, author_id, **values, created=now(request), image=image)
    await flash(request, "The post is there.", "success")
    raise web.HTTPSeeOther(url_for(request, "posts.show", id=post_id))


async def edit(request: web.Request) -> web.StreamResponse:
    post = await find_own(request)
    if request.method != "POST":
        return await show_form(request, {"title": post.title, "body": post.body, "tag": post.tag}, {}, post)
    values, errors, image = await read_post(request, post.image)
    if errors:
        return await show_form(request, values, errors, post)
    await query(request, storage.update_post, post.id, **values, image=image)
    if post.image is not None and image != post.image:
        await asyncio.to_thread(images.delete_image, uploads(request), post.image)
    await flash(request, "The post is changed.", "success")
    raise web.HTTPSeeOther(url_for(request, "posts.show", id=post.id))


async def delete(request: web.Request) -> web.StreamResponse:
    post = await find_own(request)
    await query(request, storage.delete_post, post.id)
    if post.image is not None:
        await asyncio.to_thread(images.delete_image, uploads(request), post.image)
    await flash(request, "The post is gone.")
    raise web.HTTPSeeOther(url_for(request, "posts.index"))


async def image(request: web.Request) -> web.StreamResponse:
    found = (await find_or_404(request)).image
    if found is None:
        raise web.HTTPNotFound
    path = uploads(request) / found.name
    if not await asyncio.to_thread(path.is_file):
        raise web.HTTPNotFound  # with a page, which a FileResponse does not have
    headers = {
        hdrs.CONTENT_TYPE: found.type,
        hdrs.CONTENT_DISPOSITION: f"inline; filename={images.download_name(found)}",
        hdrs.CACHE_CONTROL: "no-cache",
    }
    return web.FileResponse(path, headers=headers)


@sync_view
def export(request: web.Request) -> tuple[Iterator[str], dict[str, str]]:
    """A view that blocks, with a generator: both run in the threads of the pool, as they did in Flask's."""
    headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": "attachment; filename=posts.csv",
    }
    return csv_lines(get_settings(request, Settings).database), headers


def csv_lines(database: Path) -> Iterator[str]:
    """The posts as CSV, line by line."""
    with contextlib.closing(connect(database)) as connection:
        for row in storage.export_rows(connection):
            line = io.StringIO()
            csv.writer(line).writerow(row)
            yield line.getvalue()


async def read_post(request: web.Request, image: Image | None) -> tuple[dict[str, str], dict[str, str], Image | None]:
    """The fields of the form, what is wrong with them, and the image: a new one, or that which there is."""
    values = {
        name: (await read_field(request, name)).replace("\r\n", "\n").strip() for name in ("title", "body", "tag")
    }
    errors = checks.check_post(**values)
    upload = await read_file(request, "image")
    if not errors and upload is not None:
        largest = get_settings(request, Settings).max_upload
        try:
            image = await asyncio.to_thread(images.store_image, upload.file, uploads(request), largest)
        except images.NotAnImageError:
            errors["image"] = "must be a PNG, JPEG or GIF image"
        except images.TooLargeError as error:
            raise web.HTTPRequestEntityTooLarge(max_size=largest, actual_size=upload.size) from error
    return values, errors, image


async def show_form(
    request: web.Request, values: dict[str, str], errors: dict[str, str], post: Post | None = None
) -> web.StreamResponse:
    context = {"values": values, "errors": errors, "post": post}
    return await render_template("posts/form.html", request, context, status=422 if errors else 200)


async def find_or_404(request: web.Request) -> Post:
    """The post that the address names."""
    post = await query(request, storage.find_post, rule_values(request)["id"])
    if post is None:
        raise web.HTTPNotFound
    return post


async def find_own(request: web.Request) -> Post:
    """The same, where it is the user's to change."""
    post = await find_or_404(request)
    if not await may_change(request, post.author_id):
        raise web.HTTPForbidden
    return post


async def may_change(request: web.Request, author_id: int) -> bool:
    """Whether the user may change what an author wrote."""
    user = await current_user(request)
    return user is not None and (user.id == author_id or user.is_admin)
