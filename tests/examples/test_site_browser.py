"""The example site in a real browser: what it shows, how it is used with the keyboard, and what it asks of the net.

``SCREENSHOTS=docs/images`` keeps the pictures that the documentation shows.
"""

import os
import struct
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp.test_utils import TestServer

from tests.examples.chromium import Tab, chromium, find_chromium
from tests.examples.page_checks import CONTRAST, focus
from tests.examples.site_client import MARKS, PASSWORD

pytestmark = [*MARKS, pytest.mark.timeout(180)]

PAGES = ("/", "/about", "/blog/", "/blog/1", "/blog/new", "/blog/1/edit", "/account/", "/nothing")
PUBLIC_PAGES = ("/account/login", "/account/register")

UNLABELLED = """
[...document.querySelectorAll("input:not([type=hidden]), textarea")].filter(element => !element.labels.length).length
"""


@pytest.fixture
def pictures_folder(tmp_path: Path) -> Path:
    """Where the pictures go."""
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path / "screenshots"))
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    """A tab of a new browser."""
    async with chromium(tmp_path / "profile") as opened:
        await opened.resize(1280, 800)
        yield opened


def url_of(server: TestServer, path: str) -> str:
    return f"http://127.0.0.1:{server.port}{path}"


async def tab_to(tab: Tab, name: str) -> list[dict[str, Any]]:
    """Press Tab until that element has the focus; returns what had it on the way."""
    stops = []
    for _ in range(30):
        await tab.press("Tab")
        stops.append(await focus(tab))
        if stops[-1]["name"] == name:
            return stops
    raise AssertionError(f"no {name!r} among {stops}")


async def fill(tab: Tab, button: str, **fields: str) -> None:
    """Fill in a form with the keyboard alone, and send it by its button."""
    for name, text in fields.items():
        await tab_to(tab, name)
        await tab.write(text)
    await tab_to(tab, button)
    async with tab.loading():
        await tab.press("Enter")


async def register(tab: Tab, server: TestServer) -> None:
    await tab.go(url_of(server, "/account/register"))
    await fill(tab, "Make an account", name="ada", password=PASSWORD)
    assert await tab.evaluate("location.pathname") == "/account/"


def png(width: int = 640, height: int = 240) -> bytes:
    """A real image: a slope of two colours."""
    rows = b"".join(
        b"\0" + b"".join(bytes((40 + y // 3, 110 + x // 8, 90 + y // 4)) for x in range(width)) for y in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


async def write_post(tab: Tab, server: TestServer, tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(png())
    await tab.go(url_of(server, "/blog/new"))
    await tab.choose_file("#image", path)
    text = "Grey above, then a green that I have no name for.\\n\\nNo wind. Two herons, one of them asleep."
    await fill(
        tab, "Publish", title="The lake before sunrise", text=text.replace("\\n", "\n"), image_alt="A slope of green"
    )
    assert await tab.evaluate("location.pathname") == "/blog/1"


async def test_keyboard(tab: Tab, site_server: TestServer) -> None:
    """Account, logout and login need no more than the keyboard; the focus is seen at each step, in a good order."""
    await tab.go(url_of(site_server, "/blog/new"))
    assert await tab.evaluate("location.pathname + location.search") == "/account/login?next=/blog/new"
    stops = await tab_to(tab, "Register")
    assert [stop["name"] for stop in stops] == [
        "Skip to the content",
        "Fieldnotes",
        "Blog",
        "About",
        "Log in",
        "Register",
    ]
    stops += await tab_to(tab, "password")
    stops += await tab_to(tab, "Log in")
    assert [stop["name"] for stop in stops[-3:]] == ["name", "password", "Log in"]
    assert all(stop["outline"] and stop["visible"] for stop in stops), stops
    async with tab.loading():
        await tab_to(tab, "Register")
        await tab.press("Enter")
    await fill(tab, "Make an account", name="ada", password=PASSWORD)
    assert await tab.evaluate("document.querySelector('h1').textContent") == "Hello, ada"
    await fill(tab, "Log out")
    await tab.go(url_of(site_server, "/blog/new"))
    await tab_to(tab, "name")
    await tab.write("ada")
    await tab_to(tab, "password")
    await tab.write(PASSWORD)
    async with tab.loading():
        await tab.press("Enter")  # in a field, as most people do
    assert await tab.evaluate("location.pathname") == "/blog/new"
    assert tab.complaints() == []


async def test_skip_link(tab: Tab, site_server: TestServer) -> None:
    """The first stop of the keyboard leads past the navigation."""
    await tab.go(url_of(site_server, "/account/login"))
    await tab.press("Tab")
    assert (await focus(tab))["name"] == "Skip to the content"
    await tab.press("Enter")
    assert await tab.evaluate("document.activeElement.id") == "main"
    await tab.press("Tab")
    assert (await focus(tab))["name"] == "name"


async def test_errors_are_told(tab: Tab, site_server: TestServer) -> None:
    """A mistake is announced, linked to its field, and part of the field's description."""
    await tab.go(url_of(site_server, "/account/register"))
    await fill(tab, "Make an account", name="Ada Lovelace", password="short")
    assert await tab.evaluate("document.title") == "Error: Register · Fieldnotes"
    assert await tab.evaluate("document.querySelectorAll('[role=alert] a').length") == 2
    tree = (await tab.call("Accessibility.getFullAXTree"))["nodes"]
    boxes = {node["name"]["value"]: node for node in tree if node["role"]["value"] == "textbox"}
    assert set(boxes) == {"Name", "Password"}
    assert "must match" not in boxes["Name"]["description"]["value"]
    assert "3 to 32 characters" in boxes["Name"]["description"]["value"]
    assert "at least 12 characters" in boxes["Password"]["description"]["value"]
    invalid = [property["value"]["value"] for property in boxes["Name"]["properties"] if property["name"] == "invalid"]
    assert invalid == ["true"]


async def test_pages(tab: Tab, site_server: TestServer, tmp_path: Path) -> None:
    """Wide, at 320 pixels, in light and dark: contrast of 4.5, nothing sideways, one request's origin, no complaint."""
    paths = dict.fromkeys(PUBLIC_PAGES)
    await look_at(tab, site_server, list(paths))
    await register(tab, site_server)
    await write_post(tab, site_server, tmp_path)
    assert await tab.evaluate("document.querySelector('article img').naturalWidth") == 640
    await look_at(tab, site_server, list(PAGES))
    assert {urlsplit(url).netloc for url in tab.requested() if url != "about:blank"} == {
        f"127.0.0.1:{site_server.port}"
    }
    # The one page that is an error says so in the console: nothing else is there.
    assert {said for said in tab.complaints() if "/nothing" not in said} == set()


async def look_at(tab: Tab, server: TestServer, paths: list[str]) -> None:
    for path in paths:
        await tab.go(url_of(server, path))
        assert await tab.evaluate("document.title.length") > 0
        for width, dark in (1280, False), (1280, True), (320, False), (320, True):
            await tab.resize(width, 800, dark=dark, mobile=width < 500)
            low = [found for found in await tab.evaluate(CONTRAST) if found[0] < 4.5]
            assert low == [], (path, width, dark)
            assert await tab.evaluate("document.documentElement.scrollWidth") <= width, path
        assert await tab.evaluate(UNLABELLED) == 0, path
    await tab.resize(1280, 800)


async def test_the_check_of_contrast_sees(tab: Tab, site_server: TestServer) -> None:
    """A grey of three to one is found by the check that finds nothing on the pages."""
    await tab.go(url_of(site_server, "/"))
    await tab.evaluate("document.querySelector('h1').style.color = '#949494'")
    (low,) = [found for found in await tab.evaluate(CONTRAST) if found[0] < 4.5]
    assert 2.8 < low[0] < 3.1
    assert low[1].startswith("<h1")


async def test_no_script_runs(tab: Tab, site_server: TestServer, tmp_path: Path) -> None:
    """Scripts in every field of a post run nowhere: they are text, and the policy would stop them."""
    await register(tab, site_server)
    await tab.go(url_of(site_server, "/blog/new"))
    hostile = '"><script>window.hit = 1</script><img src=x onerror="window.hit = 1">{{7*7}}'
    await fill(tab, "Publish", title=hostile, text=hostile)
    for path in "/blog/1", "/blog/", "/blog/1/edit":
        await tab.go(url_of(site_server, path))
        assert await tab.evaluate("window.hit === undefined && document.scripts.length === 0")
        assert await tab.evaluate("document.body.textContent.includes('{{7*7}}')")
    assert tab.complaints() == []
    # Even a script that got into a page would not run.
    add = "document.body.appendChild(document.createElement('script')).textContent = 'window.hit = 1'; window.hit"
    assert await tab.evaluate(add) is None
    assert any("Content Security Policy" in said for said in tab.complaints())


async def test_too_large_upload(tab: Tab, site_server: TestServer, tmp_path: Path) -> None:
    """A browser that sends too much sees the page that says so, not a broken connection."""
    await register(tab, site_server)
    path = tmp_path / "large.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n".ljust(12_000_000, b"\0"))
    await tab.go(url_of(site_server, "/blog/new"))
    await tab.choose_file("#image", path)
    await fill(tab, "Publish", title="a", text="b", image_alt="c")
    assert await tab.evaluate("document.querySelector('h1').textContent") == "That is too large"
    async with tab.loading():
        await tab.evaluate("history.back()")


async def test_screenshots(tab: Tab, site_server: TestServer, tmp_path: Path, pictures_folder: Path) -> None:
    """The pictures of the documentation are made, each a small PNG."""
    await register(tab, site_server)
    await write_post(tab, site_server, tmp_path)
    pictures = {
        "site-post.png": ("/blog/1", 1000, 800, False),
        "site-phone.png": ("/blog/", 360, 640, True),
        "site-form.png": ("/blog/new", 1000, 900, False),
    }
    for name, (path, width, height, dark) in pictures.items():
        await tab.resize(width, height, dark=dark, mobile=width < 500)
        await tab.go(url_of(site_server, path))
        content = await tab.screenshot()
        assert struct.unpack(">II", content[16:24]) == (width, height)
        assert len(content) < 150_000
        (pictures_folder / name).write_bytes(content)


@pytest.mark.parametrize("required", [False, True])
def test_without_a_browser(monkeypatch: pytest.MonkeyPatch, *, required: bool) -> None:
    """Where no browser is, these tests are skipped by name, or fail if they are required."""
    monkeypatch.setattr("tests.examples.chromium.REQUIRE_CHROMIUM", required)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CHROMIUM", raising=False)
    outcome = pytest.fail.Exception if required else pytest.skip.Exception
    with pytest.raises(outcome, match="no browser: none of chromium, chromium-browser, google-chrome is installed"):
        find_chromium()
