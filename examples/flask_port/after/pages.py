"""The pages that are about everything, at the root of the site."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web
from aiohttp_session import get_session

from aiotoolkit.app import get_settings
from aiotoolkit.components import render_template
from aiotoolkit.porting.rules import add_rule_context, rule_values
from aiotoolkit.porting.sessions import flash
from aiotoolkit.porting.views import flask_view
from examples.flask_port import checks
from examples.flask_port.after.cookies import write_cookie
from examples.flask_port.after.forms import read_field
from examples.flask_port.after.settings import Settings
from examples.flask_port.after.storage import now, query
from examples.flask_port.after.urls import url_for
from examples.flask_port.posts import find_post_by_key, list_posts

__all__ = ["add_routes"]

COLLECTIONS: Final = {"all": 100, "latest": 3}
HELP: Final = (Path(__file__).parents[1] / "before" / "help").resolve()
YEAR: Final = 365 * 24 * 60 * 60  # seconds


def add_routes(app: web.Application) -> None:
    with add_rule_context(app, name_prefix="pages") as add_rule:
        add_rule("/", home)
        add_rule("/index", home)
        add_rule("/about", about, strict_slashes=False)
        add_rule("/archive/<name>", collection)
        add_rule("/archive/<int:year>", archive)
        add_rule("/p/<uuid:key>", lasting)
        add_rule("/help/<path:topic>", show_help, endpoint="help")
        add_rule("/preferences", preferences, methods=["GET", "POST"])
        add_rule("/robots.txt", robots)
        add_rule("/health", health)
    if get_settings(app, Settings).faults:
        with add_rule_context(app) as add_rule:
            add_rule("/fault", fault)


async def home(request: web.Request) -> web.StreamResponse:
    posts = await query(request, list_posts, limit=5)
    return await render_template(
        "pages/home.html", request, {"posts": posts, "years": range(2024, now(request).year + 1)}
    )


async def about(request: web.Request) -> web.StreamResponse:
    return await render_template("pages/about.html", request)


async def collection(request: web.Request) -> web.StreamResponse:
    name: str = rule_values(request)["name"]
    if name not in COLLECTIONS:
        raise web.HTTPNotFound
    posts = await query(request, list_posts, limit=COLLECTIONS[name])
    return await render_template("pages/archive.html", request, {"name": name, "posts": posts})


async def archive(request: web.Request) -> web.StreamResponse:
    year: int = rule_values(request)["year"]
    if year > 9999:
        raise web.HTTPNotFound
    posts = await query(request, list_posts, year=year, limit=100)
    return await render_template("pages/archive.html", request, {"name": year, "posts": posts})


async def lasting(request: web.Request) -> web.StreamResponse:
    post = await query(request, find_post_by_key, rule_values(request)["key"])
    if post is None:
        raise web.HTTPNotFound
    raise web.HTTPFound(url_for(request, "posts.show", id=post.id))


async def show_help(request: web.Request) -> web.StreamResponse:
    path = await asyncio.to_thread(_help_file, rule_values(request)["topic"])
    if path is None:
        raise web.HTTPNotFound
    headers = {
        hdrs.CONTENT_TYPE: "text/plain; charset=utf-8",
        hdrs.CONTENT_DISPOSITION: f"inline; filename={path.name}",
        hdrs.CACHE_CONTROL: "no-cache",
    }
    return web.FileResponse(path, headers=headers)


def _help_file(topic: str) -> Path | None:
    try:
        path = (HELP / f"{topic}.txt").resolve()
        return path if path.is_relative_to(HELP) and path.is_file() else None
    except (OSError, ValueError):  # a name that no file has
        return None


async def preferences(request: web.Request) -> web.StreamResponse:
    if request.method != "POST":
        return await render_template("pages/preferences.html", request, {"themes": checks.THEMES})
    theme, nickname = await read_field(request, "theme"), (await read_field(request, "nickname")).strip()
    if error := checks.check_preferences(theme, nickname):
        await flash(request, error, "error")
        raise web.HTTPSeeOther(url_for(request, "pages.preferences"))
    response = web.HTTPSeeOther(url_for(request, "pages.home"))
    secure = get_settings(request, Settings).session_cookie_secure
    for name, value in (("theme", theme), ("nickname", nickname)):
        write_cookie(response, name, value, max_age=YEAR, secure=secure)
    raise response


# These two are as they were, but for "async" and the request.
@flask_view
async def robots(_request: web.Request) -> tuple[str, int, dict[str, str]]:
    return "User-agent: *\nDisallow: /auth/\n", 200, {"Content-Type": "text/plain; charset=utf-8"}


@flask_view
async def health(request: web.Request) -> dict[str, object]:
    return {"status": "ok", "database": await query(request, _is_there)}


def _is_there(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT 1").fetchone()[0] == 1)


async def fault(request: web.Request) -> web.StreamResponse:
    """Fail, after something was written to the session."""
    (await get_session(request))["_permanent"] = True
    raise RuntimeError("a secret of the server")
