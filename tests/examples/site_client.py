"""A client of the example site that sends its forms as a browser does: with every field that the page has."""

import io
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

Client = TestClient[web.Request, Any]

MARKS = [
    pytest.mark.extra("aiohttp_jinja2"),
    pytest.mark.extra("aiohttp_session"),
    pytest.mark.extra("aiosqlite"),
    pytest.mark.extra("cryptography"),
    # aiohttp-session keeps its session under a str, of which aiohttp warns.
    pytest.mark.filterwarnings("ignore:It is recommended to use web.RequestKey:aiohttp.web.NotAppKeyWarning"),
]
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PASSWORD = "correct horse battery staple"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


@dataclass
class Form:
    """A form of a page: where it goes, and what its fields hold."""

    action: str | None
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """A page: its status, its forms, its title, its texts, and every tag with its attributes."""

    def __init__(self, url: str, status: int, html: str) -> None:
        super().__init__()
        self.url = url
        self.status = status
        self.html = html
        self.forms: list[Form] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.title = ""
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        self._open.append(tag)
        if tag == "form":
            self.forms.append(Form(attributes.get("action"), attributes.get("method", "get")))
        elif tag in ("input", "textarea") and self.forms and attributes.get("type") != "file":
            self.forms[-1].fields[attributes["name"]] = attributes.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "title":
            self.title += data
        elif self._open and self._open[-1] == "textarea" and self.forms:
            name = self.tags[-1][1]["name"]
            self.forms[-1].fields[name] = (self.forms[-1].fields[name] + data).removeprefix("\n")
        if data.strip():
            self.texts.append(data.strip())

    def handle_endtag(self, tag: str) -> None:
        while tag in self._open and self._open.pop() != tag:
            pass

    @property
    def text(self) -> str:
        return " ".join(self.texts)

    def form(self, action: str | None = None) -> Form:
        """The form of that action; without one, the form that belongs to the page and not to its head."""
        matching = [form for form in self.forms if form.action == action or action is None]
        return matching[-1]


async def get(client: Client, url: str) -> Page:
    """Open a page, following redirects."""
    async with client.get(url, headers=BROWSER) as response:
        return Page(str(response.url.relative()), response.status, await response.text())


async def send(client: Client, page: Page, action: str | None = None, files: Any = None, **fields: str) -> Page:
    """Fill in a form of a page and send it, following redirects."""
    form = page.form(action)
    assert form.method == "post"
    data = aiohttp.FormData()
    for name, value in {**form.fields, **fields}.items():
        data.add_field(name, value)
    for name, (content, filename, content_type) in (files or {}).items():
        data.add_field(name, io.BytesIO(content), filename=filename, content_type=content_type)
    async with client.post(form.action or page.url, data=data, headers=BROWSER) as response:
        return Page(str(response.url.relative()), response.status, await response.text())


async def register(client: Client, name: str = "ada") -> Page:
    """Make an account, and be logged in."""
    page = await send(client, await get(client, "/account/register"), name=name, password=PASSWORD)
    assert (page.status, page.url) == (200, "/account/")
    return page


async def write(client: Client, title: str = "A title", text: str = "A text", **more: Any) -> Page:
    """Write a post, and see it."""
    page = await send(client, await get(client, "/blog/new"), title=title, text=text, **more)
    assert page.status == 200, page.text
    return page


def image(content: bytes = PNG, filename: str = "image.png", content_type: str = "image/png") -> dict[str, Any]:
    """What a file input sends."""
    return {"image": (content, filename, content_type)}
