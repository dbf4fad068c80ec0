"""What hostile clients send to the example site: forged forms, forged cookies, hostile texts, links and files."""

import asyncio
import sqlite3
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pytest_aiohttp.plugin import AiohttpClient
from yarl import URL

from tests.examples.site_client import (
    BROWSER,
    MARKS,
    PASSWORD,
    PNG,
    Client,
    Page,
    get,
    image,
    register,
    send,
    write,
)
from tests.raw import Address, read_response

pytestmark = MARKS

POSTS = ["/account/login", "/account/register", "/account/logout", "/blog/new", "/blog/1/edit", "/blog/1/delete"]
PROTECTED = ["/account/", "/blog/new", "/blog/1/edit"]


async def post(client: Client, url: str, data: Any, **headers: str) -> Page:
    async with client.post(url, data=data, headers=BROWSER | headers) as response:
        return Page(str(response.url.relative()), response.status, await response.text())


async def token_of(client: Client) -> str:
    return (await get(client, "/blog/new")).form().fields["csrf_token"]


class TestLoginRequired:
    @pytest.mark.parametrize("url", PROTECTED)
    async def test_get(self, site: Client, url: str) -> None:
        """Without a login, each protected page leads to the form, which leads back."""
        async with site.get(url, headers=BROWSER, allow_redirects=False) as response:
            assert response.status == 303
            assert response.headers["Location"] == f"/account/login?next={url}"

    @pytest.mark.parametrize("url", ["/account/logout", "/blog/new", "/blog/1/edit", "/blog/1/delete"])
    async def test_post(self, site: Client, url: str) -> None:
        """Without a login nothing can be sent, and its body is not even read."""
        async with site.post(url, data={"a": "b"}, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (303, "/account/login")

    @pytest.mark.parametrize(
        "url",
        [
            "/blog/new/",
            "/blog//new",
            "//blog/new",
            "/blog/./new",
            "/blog/x/../new",
            "/blog/%6eew",
            "/BLOG/NEW",
            "/blog/new;a",
        ],
    )
    async def test_other_spellings(self, site: Client, site_server: TestServer, url: str) -> None:
        """No other spelling of a protected URL shows the page behind it."""
        assert site_server.port is not None
        address = Address("127.0.0.1", site_server.port)
        raw = f"GET {url} HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
        response = await read_response(address, raw.encode())
        assert response.status in (303, 404), response
        assert b"Publish" not in response.body

    async def test_new_routes_are_protected(self, aiohttp_client: AiohttpClient, options: dict[str, Any]) -> None:
        """A route that somebody adds later needs a login until it is said to be public."""
        from examples.site.app import create_app

        async def secret(request: web.Request) -> web.Response:
            raise AssertionError("it must not be called")

        app = create_app(**options)
        app.router.add_get("/secret", secret)
        client = await aiohttp_client(app)
        assert (await get(client, "/secret")).url == "/account/login?next=/secret"

    async def test_unknown(self, site: Client) -> None:
        """An unknown URL is not found, with or without a login; a wrong method is not allowed."""
        assert (await get(site, "/nothing")).status == 404
        assert (await post(site, "/about", {})).status == 405


class TestForgedForms:
    @pytest.mark.parametrize("url", POSTS)
    @pytest.mark.parametrize("token", [None, "", "x", "ü", "\ud800", "a" * 100_000])
    async def test_token(self, site: Client, url: str, token: str | None) -> None:
        """Without the session's token each form is refused, by a page that says what to do."""
        await register(site)
        await write(site)
        data = {} if token is None else {"csrf_token": token.encode("utf-8", "surrogatepass")}
        form = aiohttp.FormData({"name": "eve", "password": PASSWORD, "title": "x", "text": "x"})
        for name, value in data.items():
            form.add_field(name, value.decode("latin-1"))
        page = await post(site, url, form)
        assert (page.status, "Go back, reload the page" in page.text) == (403, True)
        assert (await get(site, "/account/")).url == "/account/"
        assert (await get(site, "/blog/1")).title == "A title · Fieldnotes"

    async def test_token_of_another_session(self, site: Client, other: Client) -> None:
        """The token of another user's session is none."""
        await register(site)
        await register(other, "grace")
        page = await post(site, "/blog/new", {"csrf_token": await token_of(other), "title": "a", "text": "b"})
        assert page.status == 403

    async def test_token_as_a_file(self, site: Client) -> None:
        """A file in the place of the token is none."""
        await register(site)
        form = aiohttp.FormData()
        form.add_field("csrf_token", b"x", filename="token", content_type="text/plain")
        assert (await post(site, "/blog/new", form)).status == 403

    async def test_token_in_the_url(self, site: Client) -> None:
        """The right token in the query is none: URLs get into logs."""
        await register(site)
        token = await token_of(site)
        assert (await post(site, f"/blog/new?csrf_token={token}", {"title": "a", "text": "b"})).status == 403

    async def test_empty_session(self, site: Client) -> None:
        """Where the session has no token, an empty one does not match it."""
        assert (await post(site, "/account/login", {"csrf_token": "", "name": "a", "password": "b"})).status == 403

    @pytest.mark.parametrize("content_type", ["text/plain", "application/json", ""])
    async def test_other_types(self, site: Client, content_type: str) -> None:
        """What is no form is refused."""
        assert (await post(site, "/account/login", b"{}", **{"Content-Type": content_type})).status in (403, 415)

    async def test_logout_needs_post(self, site: Client) -> None:
        """An image that points to the URL logs nobody out."""
        await register(site)
        assert (await get(site, "/account/logout")).status == 405
        assert (await get(site, "/account/")).url == "/account/"


class TestSessions:
    async def test_new_session_at_login(self, site: Client, other: Client) -> None:
        """A login brings a new cookie and a new token, so one that was planted before it is worth nothing."""
        await register(site)
        page = await get(other, "/account/login")
        planted = {cookie.key: cookie.value for cookie in other.session.cookie_jar}
        token = page.form().fields["csrf_token"]
        await send(other, page, name="ada", password=PASSWORD)
        assert await token_of(other) != token
        async with aiohttp.ClientSession(cookies=planted) as session:
            url = other.make_url("/account/")
            async with session.get(url, headers=BROWSER, allow_redirects=False) as response:
                assert response.status == 303

    async def test_planted_values(self, aiohttp_client: AiohttpClient, options: dict[str, Any]) -> None:
        """Whatever a session held before a login is gone after it."""
        from aiohttp_session import get_session

        from examples.site.app import create_app

        async def plant(request: web.Request) -> web.Response:
            session = await get_session(request)
            session["planted"] = "x"
            return web.Response()

        async def look(request: web.Request) -> web.Response:
            return web.json_response(sorted(await get_session(request)))

        app = create_app(**options)
        # Below this path no login is needed.
        app.router.add_get("/static/plant", plant)
        app.router.add_get("/static/look", look)
        client = await aiohttp_client(app)
        await client.get("/static/plant")
        async with client.get("/static/look") as response:
            assert await response.json() == ["planted"]
        await register(client)
        async with client.get("/static/look") as response:
            assert await response.json() == ["csrf", "login"]

    async def test_copied_cookie_after_logout(self, site: Client, other: Client) -> None:
        """A copy of the cookie is worth nothing once its user has logged out."""
        page = await register(site)
        copy = {cookie.key: cookie.value for cookie in site.session.cookie_jar}
        other.session.cookie_jar.update_cookies(copy, other.make_url("/"))
        assert (await get(other, "/account/")).url == "/account/"
        await send(site, page, "/account/logout")
        assert (await get(other, "/account/")).url.startswith("/account/login")
        assert (await get(other, "/blog/")).status == 200

    @pytest.mark.parametrize("change", ["cut", "flip", "swap", "other key", "text", "empty", "long", "number", "bytes"])
    async def test_tampering(self, site: Client, change: str) -> None:
        """A cookie that was changed or made elsewhere is no session, and no error."""
        from cryptography.fernet import Fernet

        await register(site)
        (cookie,) = [cookie.value for cookie in site.session.cookie_jar]
        elsewhere = Fernet(Fernet.generate_key()).encrypt(b'{"created": 1, "session": {"login": "x"}}').decode()
        forged = {
            "cut": cookie[:-1],
            "flip": cookie[:40] + ("A" if cookie[40] != "A" else "B") + cookie[41:],
            "swap": cookie[::-1],
            "other key": elsewhere,
            "text": '{"login": 1}',
            "empty": "",
            "long": "g" * 7000,
            "number": "0",
            "bytes": "\xff\xfe\x80",
        }[change]
        address = Address("127.0.0.1", site.port or 0)
        head = f"GET /account/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: session={forged}\r\n\r\n"
        response = await read_response(address, head.encode("latin-1"))
        assert response.status == 303, response

    async def test_expired_login(self, site: Client, options: dict[str, Any]) -> None:
        """A login that has expired is none, whatever its cookie says."""
        await register(site)
        with sqlite3.connect(options["database"]) as database:
            database.execute("UPDATE logins SET expires_at = 1")
        database.close()
        assert (await get(site, "/account/")).url.startswith("/account/login")

    async def test_second_login(self, site: Client, options: dict[str, Any]) -> None:
        """A browser that makes a second account ends the login of the first."""
        await register(site)
        await register(site, "grace")
        with sqlite3.connect(options["database"]) as database:
            assert database.execute("SELECT count(*) FROM logins").fetchone() == (1,)
        database.close()

    async def test_guessing(self, site: Client, other: Client) -> None:
        """After ten wrong passwords for a name the address has to wait; another name is not held up."""
        await register(site)
        await register(site, "grace")
        form = await get(other, "/account/login")
        for _ in range(10):
            assert (await send(other, form, name="ada", password="wrong")).status == 422
        fields = form.form().fields | {"name": "ada", "password": PASSWORD}
        async with other.post("/account/login", data=fields, headers=BROWSER) as response:
            assert response.status == 429
            assert 0 < int(response.headers["Retry-After"]) <= 901
            assert "Too many attempts" in await response.text()
        assert (await send(other, form, name="grace", password=PASSWORD)).url == "/account/"


UNSAFE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/%0d%0aSet-Cookie:a=b",
    "/\r\nSet-Cookie: a=b",
    "/\0/evil.example",
    "/.//evil.example",
    "/..//evil.example",
    "/%2e%2e//evil.example",
    "/%5cevil.example",
    "/%2f/evil.example",
    "/@evil.example",
    "/:80@evil.example",
    "http:evil.example",
    "http:/evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/\u2028/evil.example",
    "/\uff0f/evil.example",
    "/ü",
    "evil.example",
    "?next=//evil.example",
    "#//evil.example",
    "/a//evil.example",
    "",
]


class TestOpenRedirects:
    @pytest.mark.parametrize("target", UNSAFE)
    async def test_after_login(self, site: Client, other: Client, target: str) -> None:
        """No text in "next" leads away from the site, in the form's URL or in the form itself."""
        await register(site)
        async with other.get("/account/login", params={"next": target}, headers=BROWSER) as response:
            page = Page("/account/login", response.status, await response.text())
        fields = page.form().fields
        assert "next" not in fields
        sent = fields | {"name": "ada", "password": PASSWORD, "next": target}
        async with other.post("/account/login", data=sent, headers=BROWSER, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (303, "/account/")
        async with other.get(
            "/account/login", params={"next": target}, headers=BROWSER, allow_redirects=False
        ) as response:
            assert (response.status, response.headers["Location"]) == (303, "/account/")

    @pytest.mark.parametrize(
        "target", ["/", "/blog/", "/blog/1", "/blog/?page=2", "/blog/new?x=a%20b&y=1", "/?x=%0D%0ASet-Cookie", "/?%zz"]
    )
    async def test_own_paths(self, site: Client, other: Client, target: str) -> None:
        """Paths of the site are taken, and nothing in their queries ends a header."""
        await register(site)
        async with other.get("/account/login", params={"next": target}, headers=BROWSER) as response:
            fields = Page("/account/login", response.status, await response.text()).form().fields
        assert fields["next"] == target
        sent = fields | {"name": "ada", "password": PASSWORD}
        async with other.post("/account/login", data=sent, headers=BROWSER, allow_redirects=False) as response:
            location = response.headers["Location"]
            assert len(response.headers.getall("Set-Cookie")) == 1
        assert URL(location) == URL(target)
        assert location.isprintable()


HOSTILE = [
    "{{7*7}}",
    "{% raw %}{{ settings.secret_key }}",
    "{{ request.app }}",
    "${7*7}",
    "<script>alert(1)</script>",
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "<!--",
    "&lt;script&gt;",
    "\u202eevil",
]


class TestInjection:
    @pytest.mark.parametrize("text", HOSTILE)
    async def test_stored(self, site: Client, text: str) -> None:
        """Whatever a post holds is shown as it was written: nothing in it is a tag or a template."""
        await register(site)
        page = await write(site, title=text, text=text, image_alt=text, files=image())
        form = await get(site, "/blog/1/edit")
        assert form.form().fields["text"] == text
        assert form.form().fields["title"] == text
        for shown in page, form, await get(site, "/blog/"):
            assert "49" not in shown.text
            assert {tag for tag, _ in shown.tags}.isdisjoint({"script"})
            assert not any("onerror" in attributes for _, attributes in shown.tags)
        assert text in page.text
        assert page.title == f"{text} · Fieldnotes"
        assert [attributes["alt"] for tag, attributes in page.tags if tag == "img"] == [text]

    @pytest.mark.parametrize("text", HOSTILE)
    @pytest.mark.parametrize("url", ["/account/login", "/account/register"])
    async def test_sent_back(self, site: Client, url: str, text: str) -> None:
        """What a refused form held is text, in every field."""
        page = await send(site, await get(site, url), name=text, password="x")
        assert page.status == 422
        assert page.form().fields["name"] == text
        assert "49" not in page.text
        assert {tag for tag, _ in page.tags}.isdisjoint({"script", "img"})

    @pytest.mark.parametrize("text", HOSTILE)
    async def test_in_urls(self, site: Client, text: str) -> None:
        """A hostile path, query or file name is nothing on any page."""
        for url in (f"/{text}", f"/blog/?page={text}", f"/account/login?next={text}", f"/static/{text}"):
            async with site.get(url, headers=BROWSER) as response:
                body = await response.text()
            assert "<script>alert" not in body, url
            assert "49" not in Page(url, response.status, body).text, url


class TestUploads:
    @pytest.mark.parametrize(
        ("content", "media_type"),
        [
            (PNG, "image/png"),
            (b"\xff\xd8\xff\xe0" + b"x" * 20, "image/jpeg"),
            (b"GIF89a" + b"x" * 20, "image/gif"),
            (b"RIFF1234WEBPVP8 ", "image/webp"),
        ],
    )
    async def test_types(self, site: Client, content: bytes, media_type: str) -> None:
        """The content decides the type; nothing that the client calls it does, and nobody may guess another one."""
        await register(site)
        await write(site, image_alt="x", files=image(content, "evil.html", "text/html"))
        async with site.get("/blog/1/image") as response:
            assert await response.read() == content
            headers = response.headers
        assert headers["Content-Type"] == media_type
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Disposition"] == f'attachment; filename="image.{media_type.removeprefix("image/")}"'
        assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"

    @pytest.mark.parametrize(
        "content",
        [
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
            b"<html>",
            b"x",
            b"\x89PNG",
            b"RIFF1234WAVE",
            b" GIF89a",
        ],
    )
    async def test_others(self, site: Client, options: dict[str, Any], content: bytes) -> None:
        """What is none of the four types is refused, whatever it is called, and is not kept."""
        await register(site)
        page = await send(site, await get(site, "/blog/new"), title="a", text="b", image_alt="c", files=image(content))
        assert (page.status, "must be a PNG, JPEG, GIF or WebP image" in page.text) == (422, True)
        assert list(options["uploads"].iterdir()) == []

    @pytest.mark.parametrize("filename", ["../../evil.png", "/etc/passwd", "..\\evil", 'a"b.png', "x" * 1000, "ü.png"])
    async def test_names(self, site: Client, options: dict[str, Any], filename: str) -> None:
        """The client's name for a file is used for nothing."""
        await register(site)
        await write(site, image_alt="x", files=image(filename=filename))
        (stored,) = options["uploads"].iterdir()
        assert len(stored.name) == 32
        assert set(stored.name) <= set("0123456789abcdef")

    @pytest.mark.parametrize("extra", [0, 1, 300_000, 1_000_000])
    async def test_limit(self, site: Client, options: dict[str, Any], extra: int) -> None:
        """A file of the greatest size is taken; one more byte is a page that names the limit."""
        await register(site)
        content = PNG.ljust(2 * 1024 * 1024 + extra, b"\0")
        page = await send(site, await get(site, "/blog/new"), title="a", text="b", image_alt="c", files=image(content))
        if extra == 0:
            assert page.url == "/blog/1"
        else:
            assert page.status == 413
            assert "the largest that the site takes has 2 MB" in page.text
            assert list(options["uploads"].iterdir()) == []

    async def test_too_many(self, site: Client) -> None:
        """A user who sends post after post has to wait, whatever is in them."""
        await register(site)
        token = await token_of(site)
        for _ in range(50):
            assert (await post(site, "/blog/new", {"csrf_token": token})).status == 422
        assert (await post(site, "/blog/new", {"csrf_token": token})).status == 429

    async def test_failing_database(self, aiohttp_client: AiohttpClient, options: dict[str, Any]) -> None:
        """An image whose post cannot be stored is not kept."""
        from examples.site.app import create_app
        from examples.site.storage import DATABASE_KEY

        app = create_app(**options)
        client = await aiohttp_client(app)
        await register(client)
        form = await get(client, "/blog/new")
        await app[DATABASE_KEY].execute("DROP TABLE posts")
        page = await send(client, form, title="a", text="b", image_alt="c", files=image())
        assert page.status == 500
        assert list(options["uploads"].iterdir()) == []


class TestErrors:
    async def test_500(self, aiohttp_client: AiohttpClient, options: dict[str, Any]) -> None:
        """A failure is a page for a browser and a problem for others; neither tells what happened."""
        from examples.site.app import create_app
        from examples.site.storage import DATABASE_KEY

        app = create_app(**options)
        client = await aiohttp_client(app)
        await app[DATABASE_KEY].execute("DROP TABLE posts")
        async with client.get("/blog/", headers=BROWSER | {"X-Request-ID": "my-id"}) as response:
            page = Page("/blog/", response.status, await response.text())
        assert (page.status, page.title) == (500, "Something went wrong · Fieldnotes")
        assert "Error 500, request my-id" in page.text
        assert "posts" not in page.text
        async with client.get("/blog/", headers={"Accept": "application/json"}) as response:
            assert response.content_type == "application/problem+json"
            problem = await response.json()
        assert {name for name, value in problem.items() if "posts" in str(value)} == set()
        assert (problem["status"], problem["title"]) == (500, "Internal Server Error")

    async def test_failing_database_for_a_user(self, aiohttp_client: AiohttpClient, options: dict[str, Any]) -> None:
        """The error page is there even where the database is not, for a user as well."""
        from examples.site.app import create_app
        from examples.site.storage import DATABASE_KEY

        app = create_app(**options)
        client = await aiohttp_client(app)
        await register(client)
        await app[DATABASE_KEY].execute("DROP TABLE logins")
        page = await get(client, "/blog/")
        assert (page.status, page.title) == (500, "Something went wrong · Fieldnotes")

    async def test_pages(self, site: Client) -> None:
        """Errors look like the site, and keep their headers."""
        await register(site)
        page = await get(site, "/nothing")
        assert (page.status, page.title) == (404, "There is no such page · Fieldnotes")
        assert "Log out" in page.text
        page = await get(site, "/blog/999")
        assert (page.status, "Its author may have deleted it" in page.text) == (404, True)
        async with site.post("/about", data={}, headers=BROWSER) as response:
            assert response.status == 405
            assert set(response.headers["Allow"].split(",")) == {"GET", "HEAD"}
        page = await get(site, "/static/nothing.css")
        assert (page.status, page.title) == (404, "There is no such page · Fieldnotes")

    async def test_logout_from_an_error_page(self, site: Client) -> None:
        """The form in the head of an error page works."""
        await register(site)
        page = await send(site, await get(site, "/nothing"), "/account/logout")
        assert (page.url, page.status) == ("/", 200)

    async def test_debug(self, aiohttp_client: AiohttpClient, options: dict[str, Any]) -> None:
        """In debug a failure shows its traceback."""
        from examples.site.app import create_app
        from examples.site.storage import DATABASE_KEY

        app = create_app(**options, debug=True)
        client = await aiohttp_client(app)
        await app[DATABASE_KEY].execute("DROP TABLE posts")
        assert "no such table" in (await get(client, "/blog/")).text


class TestHeaders:
    @pytest.mark.parametrize("url", ["/", "/account/login", "/nothing", "/static/nothing", "/blog/?page=x"])
    async def test_html(self, site: Client, url: str) -> None:
        """Every page, errors too, forbids scripts, frames and guesses, and is not kept."""
        async with site.get(url, headers=BROWSER) as response:
            headers = response.headers
            html = await response.text()
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy == {
            "default-src": "'none'",
            "style-src": "'self'",
            "img-src": "'self'",
            "form-action": "'self'",
            "base-uri": "'none'",
            "frame-ancestors": "'none'",
        }
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        page = Page(url, response.status, html)
        assert not any("style" in attributes or tag in ("style", "script") for tag, attributes in page.tags)
        assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)

    async def test_files_and_problems(self, site: Client) -> None:
        """What is no page is not guessed at either."""
        for url in "/static/icon.svg", "/nothing":
            async with site.get(url) as response:
                assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_race_of_deletions(site: Client) -> None:
    """Ten deletions of one post at once: none of them is a failure."""
    await register(site)
    page = await write(site, image_alt="x", files=image())
    pages = await asyncio.gather(*(send(site, page, "/blog/1/delete") for _ in range(10)))
    assert {found.status for found in pages} <= {200, 404}
