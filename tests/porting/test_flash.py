"""Flash messages: flashed on one side, shown on the other."""

from collections.abc import Awaitable, Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession, CookieJar, web

from tests.porting.both import flask_served
from tests.raw import raw_request, read_response, served

PACKAGES = ("flask", "aiohttp_session", "aiohttp_jinja2", "itsdangerous", "markupsafe")
pytestmark = [pytest.mark.extra(package) for package in PACKAGES]

if TYPE_CHECKING or all(map(find_spec, PACKAGES)):  # the marks skip the tests where one is missing
    import aiohttp_jinja2
    import aiohttp_session
    import flask
    import jinja2
    from aiohttp_session import SimpleCookieStorage, get_session
    from markupsafe import Markup

    from aiotoolkit.components import render_template, setup_templates
    from aiotoolkit.porting._session_cookie import SignedCookie
    from aiotoolkit.porting.sessions import (
        FlaskSessionStorage,
        flash,
        flashes_context,
        get_flashed_messages,
        setup_sessions,
    )

SECRET = "secret"

# As Flask's own documentation writes it, with both options.
TEMPLATE = """
{%- with messages = get_flashed_messages(with_categories=true) -%}
  {%- if messages -%}<ul>
    {%- for category, message in messages -%}<li class="{{ category }}">{{ message }}</li>{%- endfor -%}
  </ul>{%- endif -%}
{%- endwith -%}
|{{ get_flashed_messages() | join(",") }}|{{ get_flashed_messages(False, ["error"]) | length -}}
"""

SHOWN = '<ul><li class="message">1 &lt; 2</li><li class="error"><b>bold</b></li></ul>|1 &lt; 2,<b>bold</b>|1'

View = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_flask() -> "flask.Flask":
    app = flask.Flask(__name__)
    app.secret_key = SECRET

    @app.get("/flash")
    def flash_some() -> str:
        flask.flash("1 < 2")
        flask.flash(Markup("<b>bold</b>"), "error")
        return ""

    app.add_url_rule("/show", "show", lambda: flask.render_template_string(TEMPLATE))
    return app


def make_aiohttp(views: Mapping[str, View]) -> web.Application:
    app = web.Application()
    setup_sessions(app, FlaskSessionStorage(SECRET))
    for path, view in views.items():
        app.router.add_get(path, view)
    return app


async def flash_some(request: web.Request) -> web.Response:
    await flash(request, "1 < 2")
    await flash(request, Markup("<b>bold</b>"), "error")
    return web.Response()


async def show(request: web.Request) -> web.Response:
    return await render_template("show.html", request)


async def text_of(browser: ClientSession, url: str) -> str:
    async with browser.get(url) as response:
        assert response.status == 200
        return await response.text()


@pytest.mark.parametrize(("flashed", "shown"), [("flask", "aiohttp"), ("aiohttp", "flask"), ("aiohttp", "aiohttp")])
async def test_across(flashed: str, shown: str, tmp_path: Path) -> None:
    """What one side flashes is shown by the same template on the other one, once."""
    (tmp_path / "show.html").write_text(TEMPLATE)
    app = make_aiohttp({"/flash": flash_some, "/show": show})
    setup_templates(app, folder=tmp_path, context_processors=[flashes_context])
    with flask_served(make_flask()) as old:
        async with served(app) as new, ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
            urls = {"flask": f"http://127.0.0.1:{old.port}", "aiohttp": f"http://127.0.0.1:{new.port}"}
            await text_of(browser, urls[flashed] + "/flash")
            assert (await text_of(browser, urls[shown] + "/show")).strip() == SHOWN
            for url in urls.values():
                assert (await text_of(browser, url + "/show")).strip() == "||0"


# aiohttp-jinja2 1.6 keeps its context under a str.
@pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")
async def test_plain_jinja() -> None:
    """The context processor also serves aiohttp-jinja2's own, not asynchronous, environment."""

    @aiohttp_jinja2.template("show.html")
    async def view(request: web.Request) -> dict[str, Any]:
        return {}

    app = make_aiohttp({"/flash": flash_some, "/show": view})
    aiohttp_jinja2.setup(
        app, loader=jinja2.DictLoader({"show.html": TEMPLATE}), context_processors=[flashes_context], autoescape=True
    )
    async with served(app) as address, ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        await text_of(browser, f"http://127.0.0.1:{address.port}/flash")
        assert (await text_of(browser, f"http://127.0.0.1:{address.port}/show")).strip() == SHOWN


async def test_not_asked_for(tmp_path: Path) -> None:
    """A page without messages in it leaves them for the next one, and does not vary by the cookie."""
    (tmp_path / "show.html").write_text("nothing")
    app = make_aiohttp({"/show": show})
    setup_templates(app, folder=tmp_path, context_processors=[flashes_context])
    cookie = SignedCookie(SECRET, (), 60).write({"_flashes": [("message", "a")]})
    async with served(app) as address:
        answer = await read_response(address, raw_request("GET", "/show", headers=[("Cookie", f"session={cookie}")]))
    assert (answer.status, answer.body) == (200, b"nothing")
    assert "Vary" not in answer.headers
    assert "Set-Cookie" not in answer.headers


async def test_in_a_view() -> None:
    """A view gets messages, or pairs; the filter leaves some out, and all are taken; again in the request, the same."""

    async def view(request: web.Request) -> web.Response:
        await flash_some(request)
        everything = await get_flashed_messages(request)
        errors = await get_flashed_messages(request, with_categories=True, category_filter=["error"])
        await flash(request, "for the next request")
        return web.json_response(
            [everything, errors, await get_flashed_messages(request), len(await get_session(request))]
        )

    async with served(make_aiohttp({"/": view})) as address:
        answer = await read_response(address, raw_request("GET", "/"))
    both = ["1 < 2", "<b>bold</b>"]
    assert answer.json() == [both, [["error", "<b>bold</b>"]], both, 1]


@pytest.mark.parametrize("junk", [None, 5, "text", {"a": 1}, [1, ["a"], "ab", ["x", "kept"]]])
async def test_junk(junk: Any) -> None:
    """What is no message, under the key of the messages, is none."""

    async def view(request: web.Request) -> web.Response:
        (await get_session(request))["_flashes"] = junk
        return web.json_response(await get_flashed_messages(request))

    async with served(make_aiohttp({"/": view})) as address:
        answer = await read_response(address, raw_request("GET", "/"))
    assert (answer.status, answer.json()) == (200, ["kept"] if isinstance(junk, list) else [])


async def test_another_storage() -> None:
    """Other storages of aiohttp-session carry messages too."""
    app = web.Application()
    aiohttp_session.setup(app, SimpleCookieStorage())

    async def view(request: web.Request) -> web.Response:
        shown = (await flashes_context(request))["get_flashed_messages"](with_categories=True)
        await flash(request, "next")
        return web.json_response(shown)

    app.router.add_get("/", view)
    async with served(app) as address, ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        url = f"http://127.0.0.1:{address.port}/"
        assert [await text_of(browser, url) for _ in range(2)] == ["[]", '[["message", "next"]]']
