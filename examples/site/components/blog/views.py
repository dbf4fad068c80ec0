"""The views of the blog."""

from typing import Final

from aiohttp import web

from aiotoolkit.app import get_settings
from aiotoolkit.components import render_template
from aiotoolkit.problems import Problem
from aiotoolkit.requests import UploadedFile, query_argument, read_form
from aiotoolkit.routes import url_for
from examples.site.components.account.limits import LIMITS_KEY
from examples.site.components.account.middlewares import signed_in
from examples.site.components.blog import images, storage
from examples.site.components.blog.storage import NewPost, Post
from examples.site.forms import LINE_PATTERN, TEXT_PATTERN, Fields, Form
from examples.site.settings import Settings
from examples.site.storage import DATABASE_KEY

__all__ = ["create", "delete", "edit_form", "image", "index", "new_form", "post", "update"]

POST: Final = Fields(
    title={
        "type": "string",
        "minLength": 1,
        "maxLength": 120,
        "pattern": LINE_PATTERN,
        "description": "must be one line of 1 to 120 characters",
    },
    text={
        "type": "string",
        "minLength": 1,
        "maxLength": 20_000,
        "pattern": TEXT_PATTERN,
        "description": "must be 1 to 20,000 characters, without control characters",
    },
    image_alt={
        "type": "string",
        "maxLength": 200,
        "pattern": LINE_PATTERN,
        "description": "must be one line of at most 200 characters",
    },
)
MOST_POSTS: Final = 50  # of one user in a quarter of an hour
PAGE_SIZE: Final = 10
LAST_PAGE: Final = 1_000_000


async def index(request: web.Request) -> web.StreamResponse:
    page = query_argument(request, "page", int, 1)
    if not 1 <= page <= LAST_PAGE:
        raise Problem(404, "The blog has no such page.")
    database, offset = request.app[DATABASE_KEY], (page - 1) * PAGE_SIZE
    # One more than is shown tells whether there is a next page.
    posts = await storage.list_posts(database, limit=PAGE_SIZE + 1, offset=offset)
    context = {"posts": posts[:PAGE_SIZE], "page": page, "has_next": len(posts) > PAGE_SIZE}
    return await render_template("blog:index.html", request, context)


async def post(request: web.Request) -> web.StreamResponse:
    return await render_template("blog:post.html", request, {"post": await _find(request)})


async def image(request: web.Request) -> web.StreamResponse:
    found = await _find(request)
    if found.image_name is None or found.image_type is None:
        raise Problem(404, "The post has no image.")
    return images.image_response(request, found.image_name, found.image_type)


async def new_form(request: web.Request) -> web.StreamResponse:
    return await _show(request, Form())


async def create(request: web.Request) -> web.StreamResponse:
    user = signed_in(request)
    request.app[LIMITS_KEY].count(f"post {user.id}", MOST_POSTS)
    form = await POST.read(request)
    upload = (await read_form(request)).get("image")
    media_type = _checked_type(request, form, upload) if isinstance(upload, UploadedFile) else None
    if form.errors:
        return await _show(request, form)
    name = await images.store_image(request, upload) if media_type and isinstance(upload, UploadedFile) else None
    new: NewPost = {
        "title": form.values["title"],
        "text": form.values["text"],
        "image_name": name,
        "image_type": media_type,
        "image_alt": form.values["image_alt"],
    }
    try:
        post_id = await storage.create_post(request.app[DATABASE_KEY], user.id, new)
    except BaseException:
        if name is not None:
            await images.delete_image(request, name)
        raise
    raise web.HTTPSeeOther(url_for(request, "blog.post", post_id=post_id))


async def edit_form(request: web.Request) -> web.StreamResponse:
    own = await _find_own(request)
    return await _show(request, Form({"title": own.title, "text": own.text}), own)


async def update(request: web.Request) -> web.StreamResponse:
    own = await _find_own(request)
    form = await POST.read(request)
    if form.errors:
        return await _show(request, form, own)
    title, text = form.values["title"], form.values["text"]
    await storage.update_post(request.app[DATABASE_KEY], own.id, own.author_id, title, text)
    raise web.HTTPSeeOther(url_for(request, "blog.post", post_id=own.id))


async def delete(request: web.Request) -> web.StreamResponse:
    own = await _find_own(request)
    await storage.delete_post(request.app[DATABASE_KEY], own.id, own.author_id)
    if own.image_name is not None:
        await images.delete_image(request, own.image_name)
    raise web.HTTPSeeOther(url_for(request, "blog.index"))


async def _find(request: web.Request) -> Post:
    return await storage.read_post(request.app[DATABASE_KEY], int(request.match_info["post_id"]))


async def _find_own(request: web.Request) -> Post:
    found = await _find(request)
    if found.author_id != signed_in(request).id:
        raise Problem(403, "Only its author may change a post.")
    return found


async def _show(request: web.Request, form: Form, changed: Post | None = None) -> web.StreamResponse:
    context = {"form": form, "post": changed}
    return await render_template("blog:form.html", request, context, status=422 if form.errors else 200)


def _checked_type(request: web.Request, form: Form, upload: UploadedFile) -> str | None:
    """The media type of the image, or what is wrong with it."""
    settings = get_settings(request, Settings)
    if upload.size > settings.max_upload:
        raise Problem(413, f"The image is larger than {settings.max_upload_mb} MB.")
    media_type = images.image_type(upload.file)
    if media_type is None:
        form.errors["image"] = "must be a PNG, JPEG, GIF or WebP image"
    elif not form.values["image_alt"]:
        form.errors["image_alt"] = "is required for an image: what does it show?"
    return media_type
