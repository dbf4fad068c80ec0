"""The description of the projects API in a real browser: the page for readers, and Swagger UI.

``SCREENSHOTS=docs/images`` keeps the pictures that the documentation shows.
"""

import asyncio
import itertools
import os
import shutil
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from pytest_aiohttp.plugin import AiohttpServer

from tests.examples.chromium import Tab, chromium
from tests.examples.page_checks import CONTRAST, focus

pytestmark = [
    pytest.mark.extra("jsl"),
    pytest.mark.extra("sqlalchemy"),
    pytest.mark.extra("aiosqlite"),
    # jsl imports it; it will be gone in Python 3.15.
    pytest.mark.filterwarnings("ignore:module 'sre_constants' is deprecated:DeprecationWarning"),
    pytest.mark.timeout(180),
]
needs_swagger_ui = pytest.mark.extra("aiotoolkit_swagger_ui")

# What Chromium advises the authors of a page, and no user sees: fields without a name, a history entry of a fragment.
ADVICE = ("FormEmptyIdAndNameAttributesForInputError", "NavigationEntryMarkedSkippable")
SECONDS = 30.0


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    """A tab of a new browser."""
    async with chromium(tmp_path / "profile") as opened:
        await opened.resize(1280, 800)
        yield opened


@pytest.fixture
async def server(aiohttp_server: AiohttpServer, sqlite_url: str) -> TestServer:
    """The example on a real socket, with an empty database."""
    from examples.projects.app import create_app

    return await aiohttp_server(create_app(database_url=sqlite_url))


def url_of(server: TestServer, path: str) -> str:
    return f"http://127.0.0.1:{server.port}{path}"


def check_silence(tab: Tab, server: TestServer) -> None:
    """The browser complained of nothing, and asked nobody else."""
    assert [said for said in tab.complaints() if not any(advice in said for advice in ADVICE)] == []
    hosts = {urlsplit(url).netloc for url in tab.requested() if urlsplit(url).scheme not in ("about", "data")}
    assert hosts == {f"127.0.0.1:{server.port}"}


class TestPage:
    async def test_sizes_and_colours(self, tab: Tab, server: TestServer) -> None:
        """Wide and on a phone, in light and dark: contrast of 4.5, nothing sideways, one host, no complaint."""
        await tab.go(url_of(server, "/docs"))
        assert await tab.evaluate("document.title") == "Projects"
        backgrounds = set()
        for width, dark in (1440, False), (1440, True), (700, False), (360, False), (360, True), (320, False):
            await tab.resize(width, 800, dark=dark, mobile=width < 500)
            # What is folded away has to be read, too.
            await tab.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
            assert [found for found in await tab.evaluate(CONTRAST) if found[0] < 4.5] == [], (width, dark)
            assert await tab.evaluate("document.documentElement.scrollWidth") <= width
            backgrounds.add((dark, await tab.evaluate("getComputedStyle(document.body).backgroundColor")))
        assert backgrounds == {(False, "rgb(255, 255, 255)"), (True, "rgb(16, 21, 29)")}
        assert await tab.evaluate("document.scripts.length") == 0
        check_silence(tab, server)

    async def test_keyboard(self, tab: Tab, server: TestServer) -> None:
        """Each stop of the keyboard is seen, in a good order; the first one leads to the content."""
        await tab.go(url_of(server, "/docs"))
        stops = []
        for _ in range(14):
            await tab.press("Tab")
            stops.append(await focus(tab))
        names = [stop["name"] for stop in stops]
        assert names[:2] == ["Skip to the content", "OpenAPI JSON"]
        assert "Contents" in names
        assert names.index("Contents") < next(i for i, name in enumerate(names) if name.startswith("GET"))
        assert all(stop["outline"] and stop["visible"] for stop in stops), stops
        await tab.go("about:blank")
        await tab.go(url_of(server, "/docs"))
        await tab.press("Tab")
        await tab.press("Enter")
        assert await tab.evaluate("document.activeElement.id") == "main"
        # What scrolls sideways can be reached, and what is folded opens.
        assert await tab.evaluate("[...document.querySelectorAll('pre')].every(pre => pre.tabIndex === 0)")
        await tab.evaluate("document.querySelector('details.response:not([open]) > summary').focus()")
        await tab.press("Enter")
        assert await tab.evaluate("document.activeElement.parentElement.open")
        check_silence(tab, server)

    async def test_links(self, tab: Tab, server: TestServer) -> None:
        """Links lead to operations and schemas, below the bar on top; the document is one click away."""
        await tab.go(url_of(server, "/docs"))
        links = await tab.evaluate("[...document.querySelectorAll('nav a')].map(link => link.hash)")
        assert len(links) >= 7
        for link in links:
            await tab.evaluate(f"location.hash = {link!r}")
            place = await tab.evaluate("document.querySelector(':target')?.getBoundingClientRect().top ?? -1")
            assert place >= 40, link
        async with tab.loading():
            await tab.evaluate("document.querySelector('.links a').click()")
        assert await tab.evaluate("JSON.parse(document.body.innerText).openapi") == "3.1.0"

    async def test_tree(self, tab: Tab, server: TestServer) -> None:
        """What a screen reader is told: the landmarks, each once, and headings in order."""
        await tab.go(url_of(server, "/docs"))
        tree = (await tab.call("Accessibility.getFullAXTree"))["nodes"]
        roles = [node["role"]["value"] for node in tree if not node.get("ignored")]
        assert [roles.count(role) for role in ("banner", "navigation", "main")] == [1, 1, 1]
        levels = [
            prop["value"]["value"]
            for node in tree
            if node["role"]["value"] == "heading" and not node.get("ignored")
            for prop in node["properties"]
            if prop["name"] == "level"
        ]
        assert levels[0] == 1
        assert all(lower <= upper + 1 for upper, lower in itertools.pairwise(levels))

    async def test_examples_run(self, tab: Tab, server: TestServer) -> None:
        """The command that a reader copies creates a project."""
        await tab.go(url_of(server, "/docs"))
        commands = await tab.evaluate("[...document.querySelectorAll('.samples pre')].map(pre => pre.textContent)")
        (command,) = [command for command in commands if command.startswith("curl -X POST")]
        if shutil.which("curl") is None:
            pytest.skip("curl is not installed")
        shell = f"{command} --silent --noproxy '*'"
        process = await asyncio.create_subprocess_shell(shell, stdout=asyncio.subprocess.PIPE)
        output, _ = await asyncio.wait_for(process.communicate(), SECONDS)
        assert b'"id":1' in output
        assert [project["id"] for project in await projects(server)] == [1]


async def projects(server: TestServer) -> list[dict[str, Any]]:
    async with aiohttp.ClientSession() as session, session.get(url_of(server, "/api/projects")) as response:
        found: list[dict[str, Any]] = (await response.json())["projects"]
        return found


async def wait_until(tab: Tab, script: str) -> None:
    """Wait until a script says yes: the page's own mutations wake it."""
    await asyncio.wait_for(
        tab.evaluate(
            f"""new Promise(resolve => {{
              const look = () => ({script}) && (observer.disconnect(), resolve(true));
              const observer = new MutationObserver(look);
              observer.observe(document, {{childList: true, subtree: true, attributes: true, characterData: true}});
              look();
            }})"""
        ),
        SECONDS,
    )


CREATE = ".opblock-post"


@needs_swagger_ui
class TestSwaggerUI:
    async def test_try_it_out(self, tab: Tab, server: TestServer) -> None:
        """Under the strict policy, a reader creates a project with it, and it is there."""
        await tab.go(url_of(server, "/swagger"))
        await wait_until(tab, f"document.querySelector('{CREATE} button')")
        await tab.evaluate(f"document.querySelector('{CREATE} .opblock-summary-control').click()")
        await wait_until(tab, f"document.querySelector('{CREATE} .try-out__btn')")
        await tab.evaluate(f"document.querySelector('{CREATE} .try-out__btn').click()")
        await wait_until(tab, f"document.querySelector('{CREATE} textarea')")
        await tab.evaluate(
            f"document.querySelector('{CREATE} textarea').focus(); document.querySelector('{CREATE} textarea').select()"
        )
        await tab.write('{"name": "Made in a browser", "slug": "made"}')
        await tab.evaluate(f"document.querySelector('{CREATE} .execute').click()")
        await wait_until(tab, f"document.querySelector('{CREATE} .live-responses-table .response-col_status')")
        said = await tab.evaluate(f"document.querySelector('{CREATE} .live-responses-table').innerText")
        assert "201" in said
        assert "/api/project/1" in said
        assert [(project["name"], project["slug"]) for project in await projects(server)] == [
            ("Made in a browser", "made")
        ]
        check_silence(tab, server)

    async def test_it_reads_every_operation(self, tab: Tab, server: TestServer) -> None:
        """All operations of the document are there, and no error is shown."""
        await tab.go(url_of(server, "/swagger"))
        await wait_until(tab, "document.querySelectorAll('.opblock').length === 6")
        assert await tab.evaluate("document.querySelector('.errors-wrapper')") is None
        assert await tab.evaluate("document.querySelector('.info .title').innerText.includes('Projects')")
        check_silence(tab, server)

    async def test_nothing_else_runs(self, tab: Tab, server: TestServer) -> None:
        """A script that got into the page would not run, and no other host would be told."""
        await tab.go(url_of(server, "/swagger"))
        add = "document.body.appendChild(document.createElement('script')).textContent = 'window.hit = 1'; window.hit"
        assert await tab.evaluate(add) is None
        ask = "fetch('http://127.0.0.2:1/').then(() => 'sent', error => 'refused')"
        assert await tab.evaluate(ask) == "refused"
        assert sum("Content Security Policy" in said for said in tab.complaints()) >= 2


@needs_swagger_ui
async def test_screenshots(tab: Tab, server: TestServer, tmp_path: Path) -> None:
    """The pictures of the documentation are made, each a small PNG."""
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    anchor = await first_operation(tab, server, "Create")
    pictures = {
        "openapi-page.png": (f"/docs{anchor}", 1440, 900, False),
        "openapi-phone.png": (f"/docs{anchor}", 360, 720, True),
        "openapi-swagger.png": ("/swagger", 1100, 760, False),
    }
    for name, (path, width, height, dark) in pictures.items():
        await tab.resize(width, height, dark=dark, mobile=width < 500)
        await tab.go("about:blank")
        await tab.go(url_of(server, path))
        if path == "/swagger":
            await wait_until(tab, "document.querySelectorAll('.opblock').length === 6")
        content = await tab.screenshot()
        assert struct.unpack(">II", content[16:24]) == (width, height)
        assert len(content) < 200_000
        (folder / name).write_bytes(content)


async def first_operation(tab: Tab, server: TestServer, start: str) -> str:
    """The fragment of the operation whose title starts so."""
    await tab.go(url_of(server, "/docs"))
    script = f"[...document.querySelectorAll('h3 a')].find(link => link.innerText.startsWith({start!r})).hash"
    found: str = await tab.evaluate(script)
    return found
