"""Templates of components: names, overrides, what is in each of them, and no file read after the start."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from pytest_aiohttp import AiohttpClient

from aiotoolkit.app import setup_settings
from aiotoolkit.components import (
    Component,
    render_template,
    setup_components,
    setup_static,
    setup_templates,
    static_url,
)
from aiotoolkit.middlewares import setup_errors
from aiotoolkit.settings import immutable_settings
from tests.packages import Packages
from tests.raw import raw_request, read_response, served

pytestmark = pytest.mark.extra("aiohttp_jinja2")

# A view that renders what the query asks for, as no application should.
ROUTES = """
    from aiotoolkit.components import render_template

    async def render(request):
        return await render_template(request.query["name"], request, {"x": request.query.get("x", "")})

    async def item(request):
        return await render_template(":item.html", request)

    routes = [("GET", "/", render, "render"), ("GET", "/item/{id}", item, "item")]
"""

Get = Callable[..., Awaitable[str]]


@pytest.fixture(autouse=True)
def routes(packages: Packages) -> None:
    """Both components have the same routes."""
    packages.write({"blog/routes.py": ROUTES, "pages/routes.py": ROUTES})


@pytest.fixture
def serve(aiohttp_client: AiohttpClient) -> Callable[[web.Application], Awaitable[Get]]:
    """Start an application; what this returns renders a template in a component's view."""

    async def start(app: web.Application) -> Get:
        client = await aiohttp_client(app)

        async def get(name: str, *, at: str = "/blog/", x: str = "", status: int = 200) -> str:
            async with client.get(at, params={"name": name, "x": x}) as response:
                text = await response.text()
                assert response.status == status, text
                return text

        return get

    return start


Serve = Callable[[web.Application], Awaitable[Get]]


def site(packages: Packages, **options: Any) -> web.Application:
    """All components of the package, with templates."""
    app = web.Application()
    setup_components(app, packages.name)
    folder = packages.path / "templates"
    setup_templates(app, folder=folder if folder.is_dir() else None, **options)
    return app


# Names


async def test_names(packages: Packages, serve: Serve) -> None:
    """The same file name in two components and in the application is three templates."""
    packages.write(
        {
            "blog/templates/a.html": "blog's",
            "pages/templates/a.html": "pages'",
            "templates/a.html": "application's",
            "templates/deep/er/b.html": "deep",
        }
    )
    get = await serve(site(packages))
    for at in ("/blog/", "/pages/"):
        assert await get("blog:a.html", at=at) == "blog's"
        assert await get("pages:a.html", at=at) == "pages'"
        assert await get("a.html", at=at) == "application's"
    assert await get(":a.html", at="/blog/") == "blog's"
    assert await get(":a.html", at="/pages/") == "pages'"
    assert await get("deep/er/b.html") == "deep"


async def test_templates_use_each_other(packages: Packages, serve: Serve) -> None:
    """``extends``, ``include`` and ``import`` take the same names; a relative one is in the template's component."""
    packages.write(
        {
            "templates/base.html": "<{% block b %}{% endblock %}>{% include 'pages:menu.html' %}",
            "pages/templates/menu.html": "{% import ':macros.html' as m %}{% include ':part.html' %}{{ m.m() }}",
            "pages/templates/macros.html": "{% macro m() %} pages macro {{ url_for('.item', id=1) }}{% endmacro %}",
            "pages/templates/part.html": "pages part {{ url_for('.item', id=2) }}",
            "blog/templates/part.html": "WRONG",
            "blog/templates/macros.html": "WRONG",
            "blog/templates/item.html": (
                "{% extends 'base.html' %}{% block b %}{{ url_for('.item', id=3) }}{% endblock %}"
            ),
        }
    )
    get = await serve(site(packages))
    expected = "</blog/item/3>pages part /pages/item/2 pages macro /pages/item/1"
    assert await get(":item.html", at="/blog/") == expected
    assert await get("", at="/blog/item/9") == expected


async def test_the_layout_of_a_component(packages: Packages, serve: Serve) -> None:
    """A relative name in a layout means the layout's component, also where another one's template extends it."""
    packages.write(
        {
            "pages/static/a.css": "",
            "pages/templates/l.html": (
                "{{ static_url(':a.css') }} {{ url_for('.item', id=1) }} {% block b %}{% endblock %}"
            ),
            "blog/templates/item.html": (
                "{% extends 'pages:l.html' %}{% block b %}{{ url_for('.item', id=2) }}{% endblock %}"
            ),
        }
    )
    app = site(packages)
    get = await serve(app)
    assert await get(":item.html") == f"{static_url(app, 'pages:a.css')} /pages/item/1 /blog/item/2"


async def test_a_relative_name_in_the_application_s_template(packages: Packages, serve: Serve) -> None:
    """In a template that belongs to no component, a relative name means the request's component."""
    packages.write({"templates/a.html": "{{ url_for('.item', id=1) }}", "templates/b.html": "{% include ':a.html' %}"})
    app = site(packages)

    async def outside(request: web.Request) -> web.Response:
        with pytest.raises(LookupError, match="no component answers this request"):
            await render_template(request.query["name"], request)
        return web.Response(text="refused")

    app.router.add_get("/outside", outside)
    get = await serve(app)
    assert await get("a.html", at="/blog/") == "/blog/item/1"
    assert await get("a.html", at="/pages/") == "/pages/item/1"
    for name in ("a.html", ":a.html"):
        assert await get(name, at="/outside") == "refused"


async def test_a_package_that_is_registered_twice(packages: Packages, serve: Serve) -> None:
    """Each registration has templates of its own, whose relative names mean itself."""
    packages.write(
        {
            "blog/templates/item.html": "{{ url_for('.item', id=1) }} {% include ':part.html' %}",
            "blog/templates/part.html": "{{ static_url(':a.css') }}",
            "blog/static/a.css": "",
        }
    )
    app = web.Application()
    setup_templates(app)
    blog = f"{packages.name}.blog"
    Component(
        "one", blog, url_prefix="/one", components=[Component("in", blog, url_prefix="/in")] if False else []
    ).register(app)
    Component("two", blog, url_prefix="/two", components=[Component("sub", blog, url_prefix="/sub")]).register(app)
    get = await serve(app)
    for prefix, name in (("/one", "one"), ("/two", "two"), ("/two/sub", "two.sub")):
        assert await get(":item.html", at=f"{prefix}/") == f"{prefix}/item/1 {static_url(app, f'{name}:a.css')}"
    assert (await get("two.sub:item.html", at="/one/")).startswith("/two/sub/item/1")


async def test_the_application_overrides_a_template(packages: Packages, serve: Serve) -> None:
    """A file in the application's folder, below the component's name, replaces the component's."""
    packages.write(
        {
            "blog/templates/item.html": "theirs {% include ':part.html' %}",
            "blog/templates/part.html": "their part",
            "templates/blog/part.html": "our part {{ url_for('.item', id=1) }}",
            "templates/blog/new.html": "new",
        }
    )
    app = site(packages)
    get = await serve(app)
    assert await get("blog:item.html", at="/pages/") == "theirs our part /blog/item/1"
    assert await get(":new.html") == "new"


async def test_nested_components_are_overridden_by_their_full_name(packages: Packages, serve: Serve) -> None:
    """The folder of a nested component's overrides has its full name."""
    packages.write({"blog/templates/a.html": "theirs", "templates/two.sub/a.html": "nested"})
    app = web.Application()
    blog = f"{packages.name}.blog"
    Component("two", blog, url_prefix="/blog", components=[Component("sub", blog, url_prefix="/s")]).register(app)
    setup_templates(app, folder=packages.path / "templates")
    get = await serve(app)
    assert (await get("two.sub:a.html"), await get("two:a.html")) == ("nested", "theirs")


@pytest.mark.parametrize("debug", [False, True])
async def test_an_override_extends_what_it_replaces(packages: Packages, debug: bool, serve: Serve) -> None:
    """Two colons name the component's own template, from inside the override and from elsewhere."""
    packages.write(
        {
            "blog/templates/a.html": "<{% block b %}theirs{% endblock %}{{ url_for('.item', id=1) }}>",
            "templates/blog/a.html": "{% extends '::a.html' %}{% block b %}ours{% endblock %}",
            "templates/x.html": "{% include 'blog::a.html' %}",
        }
    )
    get = await serve(site(packages, debug=debug))
    assert await get(":a.html") == "<ours/blog/item/1>"
    assert await get("x.html") == await get("::a.html") == "<theirs/blog/item/1>"


# Missing


@pytest.mark.parametrize("debug", [False, True])
async def test_a_missing_template(packages: Packages, debug: bool, aiohttp_client: AiohttpClient) -> None:
    """A template that does not exist is an error that lists where it was looked for."""
    packages.write({"templates/a.html": "", "blog/templates/i.html": "{% include ':gone.html' %}"})
    app = site(packages, debug=debug)
    errors: list[str] = []

    @web.middleware
    async def catching(request: web.Request, handler: Any) -> web.StreamResponse:
        with pytest.raises(LookupError) as caught:
            await handler(request)
        errors.append(str(caught.value))
        return web.Response()

    app.middlewares.append(catching)
    client = await aiohttp_client(app)
    for name in (":no.html", "no.html", "blgo:no.html", "blog:i.html", "../a.html", "::i.html"):
        await (await client.get("/blog/", params={"name": name})).read()
    folders = [packages.path / "templates" / "blog", packages.path / "blog" / "templates"]
    assert errors == [
        f"There is no template 'blog:no.html'. Looked for it in: {folders[0] / 'no.html'}, {folders[1] / 'no.html'}",
        f"There is no template 'no.html'. Looked for it in: {packages.path / 'templates' / 'no.html'}",
        "There is no template 'blgo:no.html': there is no component 'blgo'. Components: blog, pages",
        f"There is no template 'blog:gone.html'. Looked for it in: {', '.join(str(f / 'gone.html') for f in folders)}",
        "There is no template '../a.html'. Looked for it in: no place: it is not the name of a template",
        "There is no template 'blog::i.html': '::' is for a template that the application overrides",
    ]


INJECTIONS = [
    "../secret.html", "blog:../secret.html", "blog:../../secret.html", ":../secret.html", "blog:a/../../secret.html",
    "/etc/passwd", "blog:/etc/passwd", "blog://etc/passwd", "..\\secret.html", "blog:..\\secret.html",
    "%2e%2e/secret.html", "blog:%2e%2e/secret.html", "blog:.", "blog:", ":", "", ".", "..", "/", "blog:./a.html",
    "./a.html", "a.html/", "a.html\0", "\0", "blog:a.html\0.txt", "::a.html", "blog:blog:a.html", "blog::a.html",
    "Blog:a.html", "{{ 7*7 }}", "blog:{{ 7*7 }}", "file:///etc/passwd", "http://example.com/a.html", "a.html\n",
    "~/a.html", "\u2024\u2024/secret.html", "blog:" + "../" * 50 + "etc/passwd", "a" * 5000, "blog", "blog/../a.html",
    "routes.py", "blog:routes.py", "blog:../routes.py", "blog:../__init__.py", ".hidden.html", "blog:a.html~",
]  # fmt: skip


@pytest.mark.parametrize("debug", [False, True])
async def test_names_from_outside(
    packages: Packages, debug: bool, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """A name that a client sends reaches no file that is not a template."""
    packages.write(
        {
            "templates/a.html": "a",
            "templates/.hidden.html": "hidden",
            "blog/templates/a.html": "a",
            "blog/templates/a.html~": "hidden",
            "secret.html": "secret",
            "blog/secret.html": "secret",
        }
    )
    app = site(packages, debug=debug)
    setup_errors(app)
    get = await serve(app)
    caplog.set_level(logging.CRITICAL)
    for name in INJECTIONS:
        text = await get(name, status=500)
        assert "secret" not in text, name
        assert "root:" not in text, name
    assert await get("a.html", x="{{ 7*7 }}") == "a"


# What is in each template


async def test_what_is_in_every_template(packages: Packages, serve: Serve) -> None:
    """``request``, ``settings``, ``url_for`` and ``static_url`` are in each of them, included and imported ones too."""
    packages.write(
        {
            "blog/static/a.css": "",
            "blog/templates/all.html": "{{ request.path }} {{ settings.TITLE }} {% include 'blog:more.html' %}",
            "blog/templates/more.html": "{% import 'blog:macros.html' as m %}{{ request.method }} {{ m.links(3) }}",
            "blog/templates/macros.html": (
                "{% macro links(id) %}{{ url_for('blog.item', id=id, _query={'p': 1}) }} {{ settings.TITLE }} "
                "{{ static_url('blog:a.css').partition('?')[0] }}{% endmacro %}"
            ),
        }
    )
    app = site(packages)
    setup_settings(app, immutable_settings({"TITLE": "Site"}))
    get = await serve(app)
    assert await get(":all.html") == "/blog/ Site GET /blog/item/3?p=1 Site /static/blog/a.css"


async def test_settings_of_an_outer_application(packages: Packages, serve: Serve) -> None:
    """``settings`` are those that the request sees, as for `get_settings`."""
    packages.write({"blog/templates/a.html": "{{ settings.TITLE }}"})
    inner, app = site(packages), web.Application()
    setup_settings(app, immutable_settings({"TITLE": "outer"}))
    app.add_subapp("/inner", inner)
    assert await (await serve(app))(":a.html", at="/inner/blog/") == "outer"


async def test_no_settings(packages: Packages, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """Without settings, using them is an error that says so."""
    packages.write({"blog/templates/a.html": "{{ settings.TITLE }}"})
    app = site(packages)
    setup_errors(app)
    await (await serve(app))(":a.html", status=500)
    assert "setup_settings was not called" in caplog.text


async def test_an_undefined_name_is_an_error(
    packages: Packages, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """A misspelt name is an error, not a blank; ``is defined`` and ``default`` still ask."""
    packages.write(
        {
            "blog/templates/a.html": "{{ y }}",
            "blog/templates/b.html": "{{ y|default('none') }}{{ y is defined }}",
        }
    )
    app = site(packages)
    setup_errors(app)
    get = await serve(app)
    await get(":a.html", status=500)
    assert "'y' is undefined" in caplog.text
    assert await get(":b.html") == "noneFalse"


@pytest.mark.parametrize(
    ("name", "escaped", "content_type"),
    [
        ("a.html", True, "text/html"),
        ("a.HTM", True, "text/html"),
        ("a.xml", True, "application/xml"),
        ("a.svg", True, "image/svg+xml"),
        ("a.html.j2", True, "text/html"),
        ("a", True, "text/html"),
        ("a.js", True, "text/javascript"),
        ("a.txt", False, "text/plain"),
        ("a.txt.jinja", False, "text/plain"),
        ("a.md", False, "text/markdown"),
        ("a.csv", False, "text/csv"),
        ("txt.html", True, "text/html"),
        ("a.txt.html", True, "text/html"),
    ],
)
async def test_escaping(
    packages: Packages, name: str, escaped: bool, content_type: str, aiohttp_client: AiohttpClient
) -> None:
    """HTML is escaped in all templates but those of plain text, and the response's type is that of the name."""
    packages.write({f"blog/templates/{name}": "{{ x }}"})
    client = await aiohttp_client(site(packages))
    async with client.get("/blog/", params={"name": f":{name}", "x": "<b>"}) as response:
        assert await response.text() == ("&lt;b&gt;" if escaped else "<b>")
        assert response.headers["Content-Type"] == f"{content_type}; charset=utf-8"


async def test_no_template_in_a_value(packages: Packages, serve: Serve) -> None:
    """What a client sends is text in the page, and never run."""
    packages.write({"blog/templates/a.html": "{{ x }}"})
    get = await serve(site(packages))
    assert await get(":a.html", x="{{ 7*7 }}{% raw %}<script>") == "{{ 7*7 }}{% raw %}&lt;script&gt;"


async def test_what_utf_8_cannot_hold(packages: Packages) -> None:
    """A page that shows what a client sent in no encoding is still a page."""
    packages.write({"templates/a.html": "{{ request.headers['User-Agent'] }}|{{ request.path }}|{{ request.query }}"})
    app = site(packages)

    async def view(request: web.Request) -> web.Response:
        return await render_template("a.html", request)

    app.router.add_get("/{path:.*}", view)
    async with served(app) as server:
        for path in ("/%ff?x=%ed%a0%80", "/%ed%b0%80", "/a?%80=%80"):
            sent = raw_request("GET", path, headers=[("User-Agent", b"a\xff\xed\xa0\x80b")])
            response = await read_response(server, sent)
            assert response.status == 200
            assert response.body.decode().startswith("a")


async def test_status_and_headers(packages: Packages, aiohttp_client: AiohttpClient) -> None:
    """The response has the status and the headers that are asked for."""
    packages.write({"templates/a.html": "ä {{ n }}"})
    app = site(packages)

    async def view(request: web.Request) -> web.Response:
        headers = {"Content-Type": "application/xhtml+xml", "X-Other": "1"}
        return await render_template("a.html", request, {"n": 1}, status=404, headers=headers)

    app.router.add_get("/", view)
    async with (await aiohttp_client(app)).get("/") as response:
        assert (response.status, response.headers["X-Other"]) == (404, "1")
        assert response.headers.getall("Content-Type") == ["application/xhtml+xml"]
        assert await response.read() == "ä 1".encode()


async def test_globals_and_filters(packages: Packages, serve: Serve) -> None:
    """The application's own names and filters are in every template."""

    async def later(text: str) -> str:
        return text.upper()

    packages.write({"blog/templates/a.html": "{{ site }} {{ 'b'|twice }} {{ later('c') }}"})
    get = await serve(site(packages, globals={"site": "a", "later": later}, filters={"twice": lambda text: text * 2}))
    assert await get(":a.html") == "a bb C"


async def test_context_processors(packages: Packages, serve: Serve) -> None:
    """The application's processors come first, then the outer component's, the inner one's, and the view's names."""

    def naming(name: str, **names: str) -> Any:
        async def processor(request: web.Request) -> Mapping[str, Any]:
            return {"last": name, name: request.path, **names}

        return processor

    packages.write({"templates/a.html": "{{ last }}:{{ app }}:{{ outer is defined }}:{{ inner is defined }}:{{ x }}"})
    blog = f"{packages.name}.blog"
    app = web.Application()
    setup_templates(app, folder=packages.path / "templates", context_processors=[naming("app", x="processor's")])
    inner = Component("inner", blog, url_prefix="/inner", context_processors=[naming("inner")])
    Component("outer", blog, url_prefix="/o", context_processors=[naming("outer")], components=[inner]).register(app)
    Component("plain", blog, url_prefix="/plain").register(app)
    get = await serve(app)
    assert await get("a.html", at="/o/inner/", x="1") == "inner:/o/inner/:True:True:1"
    assert await get("a.html", at="/o/", x="2") == "outer:/o/:True:False:2"
    assert await get("a.html", at="/plain/", x="3") == "app:/plain/:False:False:3"


async def test_two_requests_do_not_mix(packages: Packages, aiohttp_client: AiohttpClient) -> None:
    """Two requests that render at the same time see each its own request, in imported macros too."""
    packages.write(
        {
            "templates/a.html": (
                "{% import 'm.html' as m %}{{ wait() }}{{ m.link(request.query['n']) }} {{ request.query['n'] }}"
            ),
            "templates/m.html": "{% macro link(n) %}{{ url_for('.item', id=n) }}{% endmacro %}",
        }
    )
    both = asyncio.Barrier(2)

    async def wait() -> str:
        await both.wait()
        return ""

    app = site(packages, globals={"wait": wait})
    client = await aiohttp_client(app)

    async def get(at: str, number: str) -> str:
        async with client.get(at, params={"name": "a.html", "n": number}) as response:
            return await response.text()

    first, second = await asyncio.gather(get("/blog/", "1"), get("/pages/", "2"))
    assert (first, second) == ("/blog/item/1 1", "/pages/item/2 2")


async def test_a_missing_static_file_is_an_error_in_debug(
    packages: Packages, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """A template that names a missing file fails in debug; otherwise the page is there, and a warning is logged."""
    packages.write({"blog/templates/a.html": "<{{ static_url(':no.css') }}>", "blog/static/a.css": ""})
    app = site(packages, debug=True)
    setup_errors(app)
    await (await serve(app))(":a.html", status=500)
    caplog.clear()
    get = await serve(site(packages))
    assert await get(":a.html") == await get(":a.html") == "</static/blog/no.css>"
    assert [record.levelname for record in caplog.records if "no static file" in record.message] == ["WARNING"]


# Compiled once


async def test_no_file_is_read_after_the_start(packages: Packages, serve: Serve) -> None:
    """Every template still renders when all folders are gone."""
    packages.write(
        {
            "blog/static/a.css": "",
            "templates/base.html": "<{% block b %}{% endblock %}>",
            "blog/templates/item.html": (
                "{% extends 'base.html' %}{% block b %}{% include ':part.html' %}{% endblock %}"
            ),
            "blog/templates/part.html": (
                "{% import ':m.html' as m %}{{ m.m() }}{{ static_url(':a.css').partition('?')[0] }}"
            ),
            "blog/templates/m.html": "{% macro m() %}m{% endmacro %}",
            "templates/pages/late.html": "late",
        }
    )
    app = site(packages)
    get = await serve(app)
    for folder in ("blog/templates", "templates", "blog/static"):
        shutil.rmtree(packages.path / folder)
    assert await get(":item.html") == "<m/static/blog/a.css>"
    assert await get("pages:late.html") == "late"


async def test_changes_are_seen_in_debug_only(packages: Packages, serve: Serve) -> None:
    """In debug a changed file, a new one and a new override are seen at once; otherwise never."""
    packages.write({"blog/templates/a.html": "one", "templates/x": ""})
    debugging, running = site(packages, debug=True), site(packages)
    debug, get = await serve(debugging), await serve(running)
    assert await debug(":a.html") == await get(":a.html") == "one"
    packages.write({"blog/templates/a.html": "two", "blog/templates/new.html": "new"})
    with pytest.raises(LookupError, match=r"There is no template 'blog:new\.html'"):
        await render_template("blog:new.html", make_mocked_request("GET", "/", app=running))
    assert (await debug(":a.html"), await debug(":new.html"), await get(":a.html")) == ("two", "new", "one")
    packages.write({"templates/blog/a.html": "override"})
    assert (await debug(":a.html"), await get(":a.html")) == ("override", "one")


@pytest.mark.parametrize(
    ("content", "error", "text"),
    [("{% if %}", Exception, "Expected an expression"), (b"\xff", ValueError, "is not UTF-8")],
)
async def test_a_broken_template_stops_the_start(
    packages: Packages, content: str | bytes, error: type[Exception], text: str
) -> None:
    """A template that cannot be compiled is an error when the application starts."""
    packages.write({"blog/templates/a.html": content})
    runner = web.AppRunner(site(packages))
    with pytest.raises(error, match=text):
        await runner.setup()
    await runner.cleanup()


# Setting up


async def test_setup_templates_once(tmp_path: Path) -> None:
    """A second call, a folder that does not exist, and aiohttp-jinja2's own set-up are errors."""
    import aiohttp_jinja2

    app = web.Application()
    with pytest.raises(ValueError, match="There is no folder"):
        setup_templates(app, folder=tmp_path / "nothing")
    with pytest.raises(TypeError, match="context processor"):
        setup_templates(app, context_processors=[lambda request: {}])  # type: ignore[list-item,return-value]  # the mistake
    setup_templates(app, folder=str(tmp_path))
    with pytest.raises(RuntimeError, match="twice"):
        setup_templates(app)
    other = web.Application()
    aiohttp_jinja2.setup(other)
    with pytest.raises(RuntimeError, match="do not call its setup"):
        setup_templates(other)


async def test_after_the_start(aiohttp_client: AiohttpClient) -> None:
    """An application that runs takes no templates any more."""
    app = web.Application()
    await aiohttp_client(app)
    with pytest.raises(RuntimeError, match="before the application starts"):
        setup_templates(app)


async def test_without_setup(aiohttp_client: AiohttpClient) -> None:
    """Rendering without `setup_templates` is an error that names it."""
    app = web.Application()

    async def view(request: web.Request) -> web.Response:
        with pytest.raises(RuntimeError, match="setup_templates"):
            await render_template("a.html", request)
        return web.Response(text="refused")

    app.router.add_get("/", view)
    async with (await aiohttp_client(app)).get("/") as response:
        assert await response.text() == "refused"


async def test_a_request_without_a_server(packages: Packages) -> None:
    """A test may render with a mocked request, for an application that never started."""
    packages.write({"templates/a.html": "{{ request.path }}"})
    response = await render_template("a.html", make_mocked_request("GET", "/x", app=site(packages)))
    assert response.body == b"/x"


async def test_the_environment_of_aiohttp_jinja2(packages: Packages, aiohttp_client: AiohttpClient) -> None:
    """What is written for aiohttp-jinja2 finds the same templates."""
    import aiohttp_jinja2

    packages.write({"blog/templates/a.html": "{{ x }}", "blog/templates/b.html": "{{ url_for('blog.item', id=1) }}"})
    app = site(packages)

    @aiohttp_jinja2.template("blog:a.html")
    async def view(request: web.Request) -> dict[str, str]:
        return {"x": "<"}

    @aiohttp_jinja2.template("blog:b.html")
    async def without_request(request: web.Request) -> dict[str, str]:
        return {}

    async def refused(request: web.Request) -> web.Response:
        with pytest.raises(LookupError, match="render it with render_template"):
            await without_request(request)
        return web.Response(text="refused")

    app.router.add_get("/", view)
    app.router.add_get("/refused", refused)
    client = await aiohttp_client(app)
    async with client.get("/") as response, client.get("/refused") as other:
        assert (await response.text(), await other.text()) == ("&lt;", "refused")


async def test_a_clean_up_context_may_ask_for_urls(packages: Packages, serve: Serve) -> None:
    """Static URLs are known as soon as the application starts."""
    packages.write({"blog/static/a.css": "", "blog/templates/a.html": "a"})
    seen: list[str] = []

    async def context(app: web.Application) -> AsyncIterator[None]:
        seen.append(static_url(app, "blog:a.css"))
        yield

    app = web.Application()
    setup_static(app, packages.path)
    Component("blog", f"{packages.name}.blog", cleanup_ctx=[context], url_prefix="/blog").register(app)
    setup_templates(app)
    assert await (await serve(app))(":a.html") == "a"
    assert seen == [static_url(app, "blog:a.css")]


async def test_what_is_asked_for_before_the_start(packages: Packages, serve: Serve) -> None:
    """A URL or a page that is made while the application is built takes nothing from what is registered later."""
    packages.write({"blog/static/a.css": "", "pages/static/b.css": "", "blog/templates/a.html": "a"})
    packages.write({"pages/templates/b.html": "{{ settings.TITLE }}"})
    app = web.Application()
    setup_templates(app)
    Component("blog", f"{packages.name}.blog", url_prefix="/blog").register(app)
    assert "?v=" in static_url(app, "blog:a.css")
    assert (await render_template("blog:a.html", make_mocked_request("GET", "/", app=app))).body == b"a"
    setup_settings(app, immutable_settings({"TITLE": "Site"}))
    Component("pages", f"{packages.name}.pages", url_prefix="/pages").register(app)
    assert await (await serve(app))("pages:b.html") == "Site"
    assert "?v=" in static_url(app, "pages:b.css")
