"""The page that shows an OpenAPI document."""

import asyncio
import copy
import itertools
import json
import re
import shlex
import shutil
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiotoolkit._html import element, markdown
from aiotoolkit._openapi_page import PAGE_HEADERS, render_page
from aiotoolkit._openapi_page_document import Document
from aiotoolkit._openapi_page_samples import Samples
from aiotoolkit.schemas import JSONSchemaEngine
from tests.pet_shop import PET_SHOP

BASE = "http://127.0.0.1:8080/openapi.json"
VOID = {"meta", "link", "br", "wbr"}
ELEMENTS = VOID | {
    "html", "head", "body", "title", "style", "header", "nav", "main", "section", "article", "div", "span", "p", "a",
    "h1", "h2", "h3", "h4", "ul", "ol", "li", "dl", "dt", "dd", "code", "pre", "b", "em", "strong", "details",
    "summary",
}  # fmt: skip
ATTRIBUTES = {
    "aria-label", "charset", "class", "content", "href", "id", "lang", "name", "open", "rel", "role", "start",
    "tabindex",
}  # fmt: skip


class Page(HTMLParser):
    """Reads a page, and refuses what no page of ours may hold."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = ""
        self.ids: list[str] = []
        self.hrefs: list[str] = []
        self.headings: list[int] = []
        self.code: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], "an element is not closed"

    def _separate(self, tag: str) -> None:
        """Blocks stand apart."""
        if tag not in ("a", "b", "code", "em", "span", "strong", "wbr"):
            self.text += " "

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ELEMENTS, tag
        self._separate(tag)
        for name, value in attrs:
            assert name in ATTRIBUTES, name
            if name == "id":
                self.ids.append(value or "")
            if name == "href":
                self.hrefs.append(value or "")
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "code":
            self.code.append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        self._separate(tag)

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data
        if "code" in self._open:
            self.code[-1] += data


def page_of(document: Any, **options: Any) -> Page:
    return Page(render_page(document, base=BASE, **options))


def command_of(document: Any, operation: int = 0) -> str:
    """The curl command of one operation."""
    command = [code for code in page_of(document).code if code.startswith("curl")][operation]
    return command.replace(" \\\n", " ")  # shlex does not know that a backslash continues a line


def check_links(page: Page) -> None:
    """No id is there twice, and each link leads to an id, to the web, to a mailbox or to what the caller named."""
    assert len(page.ids) == len(set(page.ids))
    for href in page.hrefs:
        if href.startswith("#"):
            assert href[1:] in page.ids, href
        else:
            assert re.match(r"https?://|mailto:|\./|data:,$", href), href


def test_shows_everything() -> None:
    """All that the document says to a reader is on the page."""
    text = re.sub(r"\s+", " ", page_of(PET_SHOP).text)
    for said in (
        "Pet shop", "2.4.1", "Everything that a pet shop knows.", "It sells food.", "https://eu.example.com/v2",
        "production", "http://127.0.0.1:8080/test", "HTTP bearer", "A token.", "key in query key", "OAuth 2",
        "shop@example.com",
        "The manual", "Animals of all kinds.", "A photo of a pet", "deprecated", "GET /pets/{petId}/photos/{photoId}",
        "Answers the bytes.", "Authentication: bearer", "Authentication: basic or key",
        "petId integer required at least 7",
        "photoId string (uuid) required", 'size array of string Which sizes. each: one of "small", "large"',
        "filter object required", "at most 20 characters", "ETag string required", "Its version.", "200 The photo.",
        "404 There is none.", "Ask for another.", "default Anything else.", "Request body required", "What is new.",
        "application/json Pet", "application/xml string", "name string required How it is called. 1 to 40 characters",
        'kind string required one of "cat", "dog"', "more than 0 a multiple of 0.5", "born string (date) or null",
        "parent Pet", "owner Person or null", "address object Members city string required", "at most 3 items",
        "each: at most 60 characters", "size any of deprecated", "at most 3", "No other properties.",
        "only in responses",
        'default "Ada"', "any other name integer", "properties whose names match", "all of", "Node", "Odd/name ~",
        "anything",
    ):  # fmt: skip
        assert said.lower() in text.lower(), said


def test_is_well_formed() -> None:
    """Elements are closed in order, links lead somewhere, headings skip no level."""
    page = page_of(PET_SHOP, links=[("OpenAPI JSON", "./openapi.json")])
    check_links(page)
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(lower <= upper + 1 for upper, lower in itertools.pairwise(page.headings))
    assert "./openapi.json" in page.hrefs
    assert {"main", "schemas", "schema-Pet", "operation-getPhoto", "operation-addPet"} <= set(page.ids)


def test_policy() -> None:
    """The policy allows the one style sheet of the page, by its hash, and nothing else; there is no script."""
    import base64
    import hashlib

    text = render_page(PET_SHOP, base=BASE)
    (style,) = re.findall("<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = PAGE_HEADERS["Content-Security-Policy"].split("; ")
    assert policy == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    assert "<script" not in text
    assert "style=" not in text


PAYLOADS = (
    "</code></pre></style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "https://example.com/\"onclick='alert(1)'",
    '[a](javascript:alert(1)) [b](https://example.com/"onclick=1) `<b>` **<i>** <!-- -->',
    "```\n</code><script>alert(1)</script>\n```",
    "&lt;script&gt;&#0;\x00\x1b\ud800\u202e",
)


def replaced(value: Any, payload: str) -> Any:
    """The same with every text replaced, and a hostile name beside every other."""
    if isinstance(value, dict):
        hostile = {payload: value[next(iter(value))]} if value else {}
        return {key: replaced(member, payload) for key, member in value.items()} | hostile
    if isinstance(value, list):
        return [replaced(item, payload) for item in value]
    return payload if isinstance(value, str) else value


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_texts(payload: str) -> None:
    """Whatever the texts and names of a document hold, they are shown: nothing of it is HTML, or runs when clicked."""
    hostile = replaced(PET_SHOP, payload)
    for document in hostile, {**hostile, "paths": PET_SHOP["paths"], "servers": []}, with_types(hostile):
        check_links(page_of(document))


def with_types(document: Any) -> Any:
    """Schemas, parameters and schemes keep what makes them shown in detail."""
    kept = {"type", "in", "style", "$ref", "format", "scheme"}

    def merge(first: Any, second: Any, key: str = "") -> Any:
        if isinstance(first, dict):
            merged = {name: merge(first.get(name, value), value, name) for name, value in second.items()}
            return {name: value for name, value in merged.items() if name not in kept or name in first}
        if isinstance(first, list):
            return [merge(a, b, key) for a, b in zip(first, second, strict=True)]
        return first if key in kept else second

    return merge(PET_SHOP, document)


def test_a_name_is_shown_as_it_is() -> None:
    """Escaping changes what a browser would run, not what a reader sees."""
    document = {"info": {"title": "A & B <i>", "version": "1"}, "paths": {"/a": {"get": {"summary": "x < y"}}}}
    page = page_of(document)
    assert "A & B <i>" in page.text
    assert "x < y" in page.text


def nodes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, member in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from nodes(member, (*path, key))


PATHS = [path for path in nodes(PET_SHOP) if path]
JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20),
    st.just([]), st.just({}), st.lists(st.integers(), max_size=2), st.just({"$ref": "#/components/schemas/Pet"}),
    st.just({"$ref": "#"}), st.just({"$ref": "#/nowhere"}), st.just({"$ref": "https://example.com/x"}),
    st.just({"enum": []}), st.just({"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Node"}}),
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(PATHS), JUNK), min_size=1, max_size=4))
def test_any_document(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    """A document that is broken anywhere is shown as far as it can be."""
    document = copy.deepcopy(PET_SHOP)
    for path, junk in changes:
        parent: Any = document
        try:
            for key in path[:-1]:
                parent = parent[key]
            parent[path[-1]] = copy.deepcopy(junk)  # a later change may go into it
        except (IndexError, KeyError, TypeError):
            continue  # an earlier change took it away
    check_links(page_of(document))


@pytest.mark.parametrize("document", [{}, {"info": None, "paths": []}, {"paths": {"/a": None, "/b": {"get": None}}}])
def test_almost_nothing(document: Any) -> None:
    """An empty document has a page."""
    assert page_of(document).headings[0] == 1


def test_circles() -> None:
    """References that lead round in circles end: schemas, parameters, and references to references."""
    circle = {"$ref": "#/components/schemas/A"}
    document: dict[str, Any] = {
        "paths": {
            "/a": {
                "post": {
                    "parameters": [{"$ref": "#/components/parameters/P"}],
                    "requestBody": {"content": {"application/json": {"schema": circle}}},
                    "responses": {"200": {"description": "", "content": {"application/json": {"schema": circle}}}},
                }
            }
        },
        "components": {
            "parameters": {"P": {"$ref": "#/components/parameters/P"}},
            "schemas": {
                "A": {"type": "array", "minItems": 2, "items": {"anyOf": [circle, {"$ref": "#/components/schemas/B"}]}},
                "B": {"$ref": "#/components/schemas/C"},
                "C": {"$ref": "#/components/schemas/B"},
                "D": {"allOf": [{"$ref": "#/components/schemas/D"}, {"properties": {"d": {"$ref": "#"}}}]},
                "E": {
                    "required": ["e", "f"],
                    "properties": {name: {"$ref": "#/components/schemas/E"} for name in "ef"},
                },
            },
        },
    }
    document["paths"]["/e"] = {
        "post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/E"}}}}}
    }
    check_links(page_of(document))


def test_doubling_schemas() -> None:
    """Schemas that name the next one ten times each do not make ten times as many examples on every level."""
    schemas = {
        f"S{level}": {
            "type": "object",
            "required": list("abcdefghij"),
            "properties": {name: {"$ref": f"#/components/schemas/S{level + 1}"} for name in "abcdefghij"},
        }
        for level in range(20)
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/S0"}}}
    document = {"paths": {"/a": {"post": {"requestBody": {"content": content}}}}, "components": {"schemas": schemas}}
    assert len(render_page(document, base=BASE)) < 1_000_000


def test_deep_schemas() -> None:
    """Schemas that are nested deeper than anyone reads end the page's interest, not the program."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(90):
        schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "array", "items": schema}}}
    page = page_of({"components": {"schemas": {"Deep": schema}}})
    assert "More levels are in the document itself." in page.text


def large_document(count: int) -> dict[str, Any]:
    paths = {f"/things/{number}/{{petId}}": PET_SHOP["paths"]["/pets"] for number in range(count // 3)}
    return {**PET_SHOP, "paths": paths}


def test_large_documents() -> None:
    """A thousand operations are rendered in seconds; each has an anchor of its own though their ids are the same."""
    started = time.perf_counter()
    text = render_page(large_document(1000), base=BASE)
    assert time.perf_counter() - started < 30
    assert len(text) < 12_000_000
    assert text.count("<article") == 999
    assert len(set(re.findall(r'<article id="([^"]*)"', text))) == 999


def test_older_documents() -> None:
    """OpenAPI 3.0's words for null and for bounds are understood."""
    schema = {"type": "integer", "nullable": True, "minimum": 3, "exclusiveMinimum": True, "example": 4}
    page = page_of({"openapi": "3.0.3", "components": {"schemas": {"Old": schema}}})
    assert "integer or null" in page.text
    assert "more than 3" in page.text
    assert "for example 4" in page.text


class TestCurl:
    def test_get(self) -> None:
        """Everything that must be sent is in the command, in its style, and quoted for the shell."""
        words = shlex.split(command_of(PET_SHOP))
        url = "https://eu.example.com/v2/pets/7/photos/123e4567-e89b-12d3-a456-426614174000"
        assert words == [
            "curl",
            f"{url}?size=small&size=large&filter%5Bcolor%5D=example",
            "-b",
            "session=example",
            "-H",
            "X-Trace: it's a $HOME `trace`",
            "-H",
            "Authorization: Bearer TOKEN",
        ]

    def test_json_body(self) -> None:
        """The body is an example that fits the schema, without what only responses have."""
        words = shlex.split(command_of(PET_SHOP, 1))
        assert words[:3] == ["curl", "-X", "POST"]
        assert words[4:8] == ["-u", "USER:PASSWORD", "-H", "Content-Type: application/json"]
        body = json.loads(words[words.index("--data-raw") + 1])
        assert "id" not in body
        schema = {**PET_SHOP["components"]["schemas"]["Pet"], "components": PET_SHOP["components"]}
        assert list(JSONSchemaEngine().compile(schema)(body)) == []

    def test_forms(self) -> None:
        """A file is sent from a file, a value that begins with @ is not one, and fields are encoded."""
        assert shlex.split(command_of(PET_SHOP, 2))[-4:] == ["-F", "photo=@FILE", "--form-string", "note=@home"]
        assert "?key=API_KEY" in command_of(PET_SHOP, 2)
        assert shlex.split(command_of(PET_SHOP, 3))[-2:] == ["-d", "a%20b=c%26d"]

    @pytest.mark.parametrize(
        ("parameter", "address"),
        [
            ({"in": "path", "style": "label"}, "/.a,b"),
            ({"in": "path", "style": "matrix"}, "/;x=a,b"),
            ({"in": "query"}, "/{x}?x=a&x=b"),
            ({"in": "query", "explode": False}, "/{x}?x=a,b"),
            ({"in": "query", "style": "pipeDelimited"}, "/{x}?x=a%7Cb"),
            ({"in": "query", "style": "spaceDelimited"}, "/{x}?x=a%20b"),
        ],
    )
    def test_styles(self, parameter: dict[str, Any], address: str) -> None:
        """Arrays are written in the style of their parameter."""
        node = {"name": "x", "required": True, "example": ["a", "b"], **parameter}
        document = {"paths": {"/{x}": {"get": {"parameters": [node]}}}}
        url = shlex.split(command_of(document))[1]
        assert url == "http://127.0.0.1:8080" + address.replace("{x}", "%7Bx%7D")

    def test_relative_servers(self) -> None:
        """A server's URL is relative to that of the document (OpenAPI 3.1, section 4.8.5)."""
        for server, expected in {"/": "", "..": "/v1", "./x/": "/v1/a/x", "": "", "//[": "//["}.items():
            document = {"servers": [{"url": server}], "paths": {"/p": {"get": {}}}}
            text = render_page(document, base="http://127.0.0.1/v1/a/openapi.json")
            (command,) = (code for code in Page(text).code if code.startswith("curl"))
            start = "" if server == "//[" else "http://127.0.0.1"
            assert shlex.split(command)[1] == f"{start}{expected}/p"

    async def test_in_a_shell(self) -> None:
        """A shell and curl send what the document says, whatever the values hold."""
        if shutil.which("curl") is None:
            pytest.skip("curl is not installed")
        seen: list[tuple[Any, ...]] = []
        hostile = "'; echo $(id) `id` \"\\ &|<>*?[]{}%41\u00e9"

        async def answer(request: web.Request) -> web.Response:
            seen.append((request.method, request.match_info["x"], request.query.getall("q"), request.headers["X-H"],
                         request.content_type, await request.text()))  # fmt: skip
            return web.Response()

        app = web.Application()
        app.router.add_route("*", "/at/{x:.+}", answer)
        server = TestServer(app)
        await server.start_server()
        parameters = [
            {"name": "x", "in": "path", "required": True, "example": hostile},
            {"name": "q", "in": "query", "required": True, "example": [hostile, "@b"]},
            {"name": "X-H", "in": "header", "required": True, "example": hostile.rstrip("\u00e9")},
        ]
        body = {"content": {"application/json": {"example": {hostile: "@x\n"}}}}
        document = {"paths": {"/at/{x}": {"patch": {"parameters": parameters, "requestBody": body}}}}
        base = str(server.make_url("/openapi.json"))
        (command,) = (code for code in Page(render_page(document, base=base)).code if code.startswith("curl"))
        process = await asyncio.create_subprocess_exec("sh", "-c", f"{command} --silent --show-error --noproxy '*'")
        assert await asyncio.wait_for(process.wait(), 30) == 0
        await server.close()
        ((method, part, values, header, kind, text),) = seen
        assert (method, part, values, header) == ("PATCH", hostile, [hostile, "@b"], hostile.rstrip("\u00e9"))
        assert kind == "application/json"
        assert json.loads(text) == {hostile: "@x\n"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]*$", "maxLength": 32},
        {"type": "string", "minLength": 30, "maxLength": 31},
        {"type": "string", "maxLength": 2},
        {"type": "string", "pattern": "^[A-Z]{3}$"},
        {"type": "string", "format": "date-time"},
        {"type": "integer", "minimum": 5, "exclusiveMaximum": 7},
        {"type": "integer", "exclusiveMinimum": 5},
        {"type": "integer", "maximum": -5},
        {"type": "number", "multipleOf": 0.25, "minimum": 0.3},
        {"type": "array", "minItems": 3, "items": {"type": "boolean"}},
        {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
        {"type": "object", "required": ["a"], "additionalProperties": {"type": "null"}},
        {
            "allOf": [
                {"type": "object", "properties": {"a": {"const": 1}}},
                {"required": ["a"], "properties": {"b": {}}},
            ]
        },
        {"type": "object", "oneOf": [{"required": ["a"], "properties": {"a": {"type": "integer"}}}, False]},
        {"type": ["null", "integer"]},
        {"enum": [{"a": 1}]},
    ],
)
def test_samples_fit(schema: dict[str, Any]) -> None:
    """The values that are made up are valid."""
    sample = Samples(Document({})).of_schema(schema)
    assert list(JSONSchemaEngine().compile(schema)(sample)) == []


class TestMarkdown:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("a\nb\n\nc", "<p>a\nb</p><p>c</p>"),
            ("`a < b` and ``a`b``", "<p><code>a &lt; b</code> and <code>a`b</code></p>"),
            ("- a\n- b\n  c\n\n- d", "<ul><li>a</li><li>b\nc</li><li>d</li></ul>"),
            ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
            ("# Head #\ntext", "<p><strong>Head</strong></p><p>text</p>"),
            ("```json\n{}\n\n<b>\n```\nx", '<pre tabindex="0"><code>{}\n\n&lt;b&gt;</code></pre><p>x</p>'),
            ("~~~\nno end", '<pre tabindex="0"><code>no end</code></pre>'),
            ("**a** *b* 2 * 3 * 4 snake_case", "<p><strong>a</strong> <em>b</em> 2 * 3 * 4 snake_case</p>"),
            ("[a](https://b.c/d?e=f&g)", '<p><a href="https://b.c/d?e=f&amp;g">a</a></p>'),
            ("[a](javascript:b)", "<p>[a](javascript:b)</p>"),
            ("[a](data:text/html,b)", "<p>[a](data:text/html,b)</p>"),
            ("<script>", "<p>&lt;script&gt;</p>"),
            ("", ""),
        ],
    )
    def test_subset(self, text: str, expected: str) -> None:
        """Paragraphs, code, lists, headings, emphasis and links to the web; HTML is text."""
        assert markdown(text) == expected

    @pytest.mark.parametrize(
        "piece", ["`", "`` ` ", "*", "**a", "[", "[a](", "- ", "# ", "```\n", " ", "\n", "1. a\n\n", "a`"]
    )
    def test_hostile_lengths(self, piece: str) -> None:
        """No text takes long: 100,000 of the same are read within seconds."""
        started = time.perf_counter()
        markdown(piece * 100_000)
        assert time.perf_counter() - started < 20

    @settings(deadline=None)
    @given(st.text(st.sampled_from("`*[]()-1.# \nab<>\"'&~https:/")))
    def test_never_unsafe(self, text: str) -> None:
        """Any text gives closed elements and no attribute of its own."""
        Page(f"<div>{markdown(text)}</div>")


def test_element() -> None:
    """Children and attributes are escaped, an element inside another one is not."""
    inner = element("b", "<")
    assert element("a", inner, ">", href='"', hidden=True, open=False, class_="c") == (
        '<a href="&quot;" hidden class="c"><b>&lt;</b>&gt;</a>'
    )
