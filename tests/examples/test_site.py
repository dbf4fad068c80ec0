"""Every page and every form of the example site, as a browser uses them."""

import asyncio
import hashlib
from typing import Any

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from tests.examples.site_client import BROWSER, MARKS, PASSWORD, PNG, Client, get, image, register, send, write

pytestmark = MARKS


class TestPages:
    @pytest.mark.parametrize(
        ("url", "title"),
        [
            ("/", "Start · Fieldnotes"),
            ("/about", "About · Fieldnotes"),
            ("/blog/", "Blog · Fieldnotes"),
            ("/account/login", "Log in · Fieldnotes"),
            ("/account/register", "Register · Fieldnotes"),
        ],
    )
    async def test_public(self, site: Client, url: str, title: str) -> None:
        """What is public needs no login; each page has a title and a heading of its own."""
        page = await get(site, url)
        assert (page.status, page.url, page.title) == (200, url, title)
        assert [tag for tag, _ in page.tags].count("h1") == 1

    @pytest.mark.parametrize("url", ["/", "/about", "/blog/"])
    async def test_without_a_form_there_is_no_session(self, site: Client, url: str) -> None:
        """A page that has no form sets no cookie."""
        async with site.get(url, headers=BROWSER) as response:
            assert "Set-Cookie" not in response.headers

    async def test_every_link_leads_somewhere(self, site: Client) -> None:
        """Whatever a page links to is there, for a user with a post and for nobody."""
        await register(site)
        await write(site, image_alt="An image", files=image())
        seen: set[str] = set()
        waiting = {"/"}
        while waiting:
            url = waiting.pop()
            seen.add(url)
            page = await get(site, url)
            assert page.status == 200, url
            names = [attributes.get("href") or attributes.get("src") for _, attributes in page.tags]
            links = {name.partition("#")[0] for name in names if name}
            files = {link for link in links if link.startswith("/static/") or link.endswith("/image")}
            for file in files - seen:
                async with site.get(file) as response:
                    assert response.status == 200, file
            seen |= files
            waiting |= {link for link in links - seen if link}
        assert {"/about", "/blog/", "/blog/1", "/blog/1/edit", "/blog/1/image", "/blog/new", "/account/"} <= seen

    async def test_overridden_template(self, site: Client) -> None:
        """The site's own byline, with the date, stands in the place of the blog's."""
        await register(site)
        assert [tag for tag, _ in (await write(site)).tags].count("time") == 1

    async def test_static_files_are_kept_for_a_year(self, site: Client) -> None:
        """The style sheet's URL changes with its content."""
        page = await get(site, "/")
        (url,) = [attributes["href"] for tag, attributes in page.tags if attributes.get("rel") == "stylesheet"]
        async with site.get(url) as response:
            assert response.content_type == "text/css"
            assert "max-age=31536000" in response.headers["Cache-Control"]


class TestAccount:
    async def test_register_log_out_log_in(self, site: Client) -> None:
        """Whoever makes an account is logged in, can log out, and can log in again, whatever the case of the name."""
        page = await register(site)
        assert "Hello, ada" in page.text
        page = await send(site, page, "/account/logout")
        assert (page.url, "Log in" in page.text) == ("/", True)
        assert (await get(site, "/account/")).url == "/account/login?next=/account/"
        page = await send(site, await get(site, "/account/login"), name=" Ada ", password=PASSWORD)
        assert page.url == "/account/"
        assert (await get(site, "/account/login")).url == "/account/"

    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            ({"name": "ab"}, {"name"}),
            ({"name": "a" * 33}, {"name"}),
            ({"name": "Ada Lovelace"}, {"name"}),
            ({"name": "-ada"}, {"name"}),
            ({"name": "ådå"}, {"name"}),
            ({"password": "x" * 11}, {"password"}),
            ({"password": "x" * 129}, {"password"}),
            ({"name": "", "password": ""}, {"name", "password"}),
        ],
    )
    async def test_registration_says_what_is_wrong(self, site: Client, fields: dict[str, str], wrong: set[str]) -> None:
        """Each field with a mistake is marked, says what is wrong, and keeps its text unless it is a password."""
        sent = {"name": "ada", "password": PASSWORD} | fields
        page = await send(site, await get(site, "/account/register"), **sent)
        assert (page.status, page.title) == (422, "Error: Register · Fieldnotes")
        inputs = {attributes["name"]: attributes for tag, attributes in page.tags if tag == "input"}
        assert {name for name, attributes in inputs.items() if "aria-invalid" in attributes} == wrong
        ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
        for name in wrong:
            assert f"{name}-error" in inputs[name]["aria-describedby"]
            assert set(inputs[name]["aria-describedby"].split()) <= ids
        assert inputs["name"]["value"] == sent["name"]
        assert inputs["password"]["value"] == ""

    async def test_a_name_is_given_once(self, site: Client, other: Client) -> None:
        """A name that is taken is an error; of two registrations at once one wins."""
        pages = [await get(client, "/account/register") for client in (site, other)]
        sent = [
            send(client, page, name="ada", password=PASSWORD) for client, page in zip((site, other), pages, strict=True)
        ]
        assert sorted(page.status for page in await asyncio.gather(*sent)) == [200, 422]

    async def test_login_does_not_tell_who_exists(self, site: Client, other: Client) -> None:
        """A wrong password and an unknown name get the same page, but for the name itself."""
        await register(site, "ada")
        form = await get(other, "/account/login")
        known = await send(other, form, name="ada", password="wrong password!")
        unknown = await send(other, form, name="eve", password="wrong password!")
        assert known.status == unknown.status == 422
        assert known.html.replace("ada", "eve") == unknown.html

    async def test_return_after_login(self, site: Client, other: Client) -> None:
        """The page that needed a login is there after it, with its query."""
        await register(site)
        page = await get(other, "/blog/new?x=1")
        assert page.url == "/account/login?next=/blog/new?x%3D1"
        assert (await send(other, page, name="ada", password=PASSWORD)).url == "/blog/new?x=1"

    async def test_cookie(self, site: Client) -> None:
        """The session's cookie is for no script, for no other site, and expires."""
        async with site.get("/account/login", headers=BROWSER) as response:
            cookie = response.headers["Set-Cookie"]
        assert cookie.startswith("session=")
        assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=1209600"} <= set(cookie.split("; "))
        assert "Secure" not in cookie

    async def test_cookie_over_https(self, aiohttp_client: AiohttpClient, options: dict[str, Any]) -> None:
        """In production it is sent over https only, and bound to the host."""
        from examples.site.app import create_app

        client = await aiohttp_client(create_app(**options, environment="production", secret_key="s" * 32))
        async with client.get("/account/login", headers=BROWSER) as response:
            cookie = response.headers["Set-Cookie"]
            assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert cookie.startswith("__Host-session=")
        assert "Secure" in cookie.split("; ")

    async def test_hash(self) -> None:
        """A hash has its own salt and takes time in a thread: the event loop goes on meanwhile."""
        from examples.site.components.account.passwords import Passwords

        passwords = Passwords()
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        task = asyncio.create_task(turn())
        first, second = await asyncio.gather(passwords.hash(PASSWORD), passwords.hash(PASSWORD))
        task.cancel()
        assert turns > 10
        assert first != second
        assert first.startswith("scrypt$32768$8$3$")
        assert await passwords.check(PASSWORD, first)
        assert not await passwords.check(PASSWORD + " ", first)
        assert not await passwords.check(PASSWORD, None)

    async def test_unknown_name_costs_as_much(
        self, site: Client, other: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A wrong password and an unknown name make the same hash, so the time does not tell who exists either."""
        await register(site, "ada")
        form = await get(other, "/account/login")
        costs = []
        scrypt = hashlib.scrypt

        def counted(password: bytes, **options: Any) -> bytes:
            costs.append({name: value for name, value in options.items() if name != "salt"})
            return scrypt(password, **options)

        monkeypatch.setattr(hashlib, "scrypt", counted)
        await send(other, form, name="ada", password="wrong password!")
        await send(other, form, name="eve", password="wrong password!")
        known, unknown = costs
        assert known == unknown


class TestBlog:
    async def test_write_edit_delete(self, site: Client) -> None:
        """A post can be written, read, changed and deleted by its author."""
        await register(site)
        page = await write(site, "First", "One\n\nTwo")
        assert (page.url, page.title) == ("/blog/1", "First · Fieldnotes")
        assert "One\n\nTwo" in page.html
        form = await get(site, "/blog/1/edit")
        assert form.form().fields["text"] == "One\n\nTwo"
        page = await send(site, form, title="Second")
        assert (page.url, page.title) == ("/blog/1", "Second · Fieldnotes")
        page = await send(site, page, "/blog/1/delete")
        assert (page.url, "Nobody has written" in page.text) == ("/blog/", True)
        assert (await get(site, "/blog/1")).status == 404

    async def test_only_the_author_may_change(self, site: Client, other: Client) -> None:
        """Another user sees no buttons, and is told so where the URL is known anyway."""
        await register(site)
        await write(site)
        await register(other, "grace")
        page = await get(other, "/blog/1")
        assert not any(attributes.get("class") == "actions" for _, attributes in page.tags)
        refused = await get(other, "/blog/1/edit")
        assert (refused.status, "Only its author" in refused.text) == (403, True)
        token = page.form().fields["csrf_token"]
        for action in "edit", "delete":
            body = {"csrf_token": token, "title": "Mine", "text": "Mine"}
            async with other.post(f"/blog/1/{action}", data=body, headers=BROWSER) as response:
                assert response.status == 403
        assert (await get(site, "/blog/1")).title == "A title · Fieldnotes"

    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            ({"title": ""}, "title"),
            ({"title": "t" * 121}, "title"),
            ({"title": "a\nb"}, "title"),
            ({"text": " \n "}, "text"),
            ({"text": "x" * 20_001}, "text"),
            ({"text": "a\0b"}, "text"),
            ({"image_alt": "x" * 201}, "image_alt"),
        ],
    )
    async def test_invalid(self, site: Client, fields: dict[str, str], wrong: str) -> None:
        """A post that cannot be stored is not; the form says why and keeps what was written."""
        await register(site)
        sent = {"title": "Title", "text": "Text"} | fields
        page = await send(site, await get(site, "/blog/new"), **sent)
        assert page.status == 422
        assert f"{wrong}-error" in [attributes.get("id") for _, attributes in page.tags]
        if "\0" not in sent["text"]:  # no text of HTML can hold it
            assert page.form().fields["text"] == sent["text"].strip()
        assert "Nobody has written" in (await get(site, "/blog/")).text

    async def test_pages(self, site: Client) -> None:
        """Ten posts to a page, the newest first, with links between the pages."""
        await register(site)
        for number in range(11):
            await write(site, f"Post {number}")
        first, second = await get(site, "/blog/"), await get(site, "/blog/?page=2")
        assert [tag for tag, _ in first.tags].count("article") == 10
        assert "Older posts" in first.text
        assert "Newer posts" not in first.text
        assert ("Post 0" in second.text, "Older posts" in second.text) == (True, False)

    @pytest.mark.parametrize(
        ("page", "status"), [("0", 404), ("-1", 404), ("1000001", 404), ("x", 400), ("9" * 5000, 400)]
    )
    async def test_bad_pages(self, site: Client, page: str, status: int) -> None:
        """A page that the blog cannot have is an error of the client."""
        assert (await get(site, f"/blog/?page={page}")).status == status

    @pytest.mark.parametrize("post_id", ["0", "01", "999999999999999999", "9" * 19, "9" * 5000, "x", "٣"])
    async def test_bad_ids(self, site: Client, post_id: str) -> None:
        """No text in the place of an id is more than an unknown page."""
        assert (await get(site, f"/blog/{post_id}")).status == 404

    async def test_image(self, site: Client, other: Client, options: dict[str, Any]) -> None:
        """An image is shown with its description to everybody, and is gone with its post."""
        await register(site)
        page = await write(site, image_alt='A "bird"', files=image())
        (shown,) = [attributes for tag, attributes in page.tags if tag == "img"]
        assert shown == {"src": "/blog/1/image", "alt": 'A "bird"'}
        async with other.get("/blog/1/image") as response:
            assert (response.status, await response.read()) == (200, PNG)
        assert len(list(options["uploads"].iterdir())) == 1
        await send(site, page, "/blog/1/delete")
        assert list(options["uploads"].iterdir()) == []
        async with other.get("/blog/1/image") as response:
            assert response.status == 404

    async def test_image_needs_a_description(self, site: Client) -> None:
        """An image without a description is not taken."""
        await register(site)
        page = await send(site, await get(site, "/blog/new"), title="A", text="B", files=image())
        assert page.status == 422
        assert "image_alt-error" in [attributes.get("id") for _, attributes in page.tags]

    async def test_post_without_image(self, site: Client) -> None:
        """A post that has no image answers its URL with 404."""
        await register(site)
        await write(site)
        assert (await get(site, "/blog/1/image")).status == 404


async def test_two_users_at_once(site: Client, other: Client) -> None:
    """Forty requests of two users side by side: each sees pages of their own."""
    await register(site, "ada")
    await register(other, "grace")

    async def look(client: Client, name: str) -> bool:
        page = await get(client, "/account/")
        return f"Hello, {name}" in page.text

    looks = [look(client, name) for _ in range(20) for client, name in ((site, "ada"), (other, "grace"))]
    assert all(await asyncio.gather(*looks))


async def test_what_was_stored_stays(aiohttp_client: AiohttpClient, options: dict[str, Any]) -> None:
    """With the same secret and files, users stay logged in when the application is started again."""
    from examples.site.app import create_app

    first = await aiohttp_client(create_app(**options, secret_key="s" * 32))
    await register(first)
    await write(first)
    cookies = {cookie.key: cookie.value for cookie in first.session.cookie_jar}
    await first.close()
    again = await aiohttp_client(create_app(**options, secret_key="s" * 32), cookies=cookies)
    assert (await get(again, "/account/")).url == "/account/"
    assert (await get(again, "/blog/1")).status == 200


class TestSettings:
    def test_production_needs_a_secret(self) -> None:
        """Without a secret there is no production; in development each start makes one of its own."""
        from examples.site.settings import read_settings

        with pytest.raises(ValueError, match="SECRET_KEY is required"):
            read_settings(environment="production")
        assert read_settings().secret_key != read_settings().secret_key

    def test_a_short_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A secret that can be guessed is refused, and not shown."""
        from examples.site.settings import read_settings

        monkeypatch.setenv("SECRET_KEY", "hunter2")
        with pytest.raises(ValueError, match="SECRET_KEY is too short") as caught:
            read_settings()
        assert "hunter2" not in str(caught.value)

    def test_repr(self) -> None:
        """The settings' repr hides the secret."""
        from examples.site.settings import read_settings

        assert "s" * 32 not in repr(read_settings(secret_key="s" * 32))
