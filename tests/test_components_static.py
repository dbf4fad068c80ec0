"""Static files of components: URLs, caching, conditional and range requests, and nothing outside of the folders."""

import gzip
import logging
import os
import urllib.parse
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp import AiohttpClient

from aiotoolkit.components import Component, setup_components, setup_static, static_url
from aiotoolkit.middlewares import setup_errors
from tests.packages import Packages
from tests.raw import raw_request, read_response, served

SECRET = "what nobody may read"
CSS = b"body { color: black }\n" * 20
YEAR = "public, max-age=31536000, immutable"


@pytest.fixture
def app(packages: Packages) -> web.Application:
    """An application with the component ``blog`` and files of its own; what is secret lies all around."""
    packages.write(
        {
            "blog/static/css/site.css": CSS,
            "blog/static/app.mjs": "export {}",
            "blog/templates/secret.html": SECRET,
            "blog/secret.py": f"# {SECRET}",
            "blog/__init__.py": f"# {SECRET}",
            "blog/static-other/secret.txt": SECRET,
            "static/robots.txt": "User-agent: *",
        }
    )
    (packages.path / "blog" / "static" / "link.txt").symlink_to("../secret.py")
    (packages.path / "blog" / "static" / "folder").symlink_to("../templates")
    (packages.path / "blog" / "static" / "loop").symlink_to("loop")
    app = web.Application()
    setup_errors(app)
    Component("blog", f"{packages.name}.blog", url_prefix="/blog").register(app)
    setup_static(app, packages.path / "static")
    return app


async def fetch(client: TestClient[Any, Any], url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.get(url, headers={"Accept-Encoding": "identity", **names}) as response:
        return response.status, {key.lower(): value for key, value in response.headers.items()}, await response.read()


# URLs and caching


async def test_a_file_has_a_hashed_url(app: web.Application, aiohttp_client: AiohttpClient) -> None:
    """The URL carries a hash of the content, and only with that hash may a browser keep the file for a year."""
    client = await aiohttp_client(app)
    url = static_url(app, "blog:css/site.css")
    plain = url.partition("?")[0]
    assert plain == "/static/blog/css/site.css"
    status, headers, body = await fetch(client, url)
    assert (status, headers["cache-control"], body) == (200, YEAR, CSS)
    wrong = [plain, plain + "?v=", plain + "?v=0123456789abcdef", url + "&x=1", url + "0", url.replace("?v=", "?V=")]
    for other in wrong:
        status, headers, body = await fetch(client, other)
        assert (status, headers["cache-control"], body) == (200, "no-cache", CSS), other


async def test_the_hash_is_of_the_content(packages: Packages) -> None:
    """Two files of the same content have the same hash, another content has another."""
    packages.write({"a/static/1.css": "x", "a/static/2.css": "x", "a/static/3.css": "y", "a/__init__.py": ""})
    app = web.Application()
    Component("a", f"{packages.name}.a").register(app)
    first, second, third = (static_url(app, f"a:{number}.css").partition("?")[2] for number in (1, 2, 3))
    assert first == second != third


async def test_the_application_has_files_of_its_own(app: web.Application, aiohttp_client: AiohttpClient) -> None:
    """A name without a component is a file in the folder of `setup_static`."""
    url = static_url(app, "robots.txt")
    assert url.startswith("/static/robots.txt?v=")
    status, headers, body = await fetch(await aiohttp_client(app), url)
    assert (status, headers["content-type"], body) == (200, "text/plain; charset=utf-8", b"User-agent: *")


async def test_the_application_overrides_a_file(packages: Packages, aiohttp_client: AiohttpClient) -> None:
    """A file in the application's folder, below the component's name, replaces that of the component."""
    packages.write({"blog/__init__.py": "", "blog/static/a.css": "theirs", "static/blog/a.css": "ours"})
    packages.write({"blog/static/b.css": "theirs too", "static/blog/new.css": "added"})
    for setup_first in (True, False):
        app = web.Application()
        if setup_first:
            setup_static(app, packages.path / "static")
        Component("blog", f"{packages.name}.blog").register(app)
        if not setup_first:
            setup_static(app, packages.path / "static")
        client = await aiohttp_client(app)
        for name, body in (("a", b"ours"), ("b", b"theirs too"), ("new", b"added")):
            assert (await fetch(client, static_url(app, f"blog:{name}.css")))[2] == body


async def test_one_package_under_two_names(packages: Packages, aiohttp_client: AiohttpClient) -> None:
    """The files of a package that is registered twice have a URL below each name, nested ones below both."""
    packages.write({"blog/__init__.py": "", "blog/static/a.css": "x"})
    app = web.Application()
    Component("blog", f"{packages.name}.blog").register(app)
    Component("news", f"{packages.name}.blog", components=[Component("old", f"{packages.name}.blog")]).register(app)
    client = await aiohttp_client(app)
    for name in ("blog", "news", "news.old"):
        url = static_url(app, f"{name}:a.css")
        assert url.startswith(f"/static/{name}/a.css?v=")
        assert (await fetch(client, url))[0] == 200


async def test_relative_names(packages: Packages, aiohttp_client: AiohttpClient) -> None:
    """``:path`` is a file of the component that answers the request."""
    packages.write(
        {
            "blog/static/a.css": "x",
            "blog/routes.py": """
            from aiohttp import web
            from aiotoolkit.components import static_url

            async def index(request):
                return web.Response(text=static_url(request, ":a.css"))

            routes = [("GET", "/", index)]
        """,
        }
    )
    app = web.Application()
    setup_components(app, packages.name)
    assert (await fetch(await aiohttp_client(app), "/blog/"))[2].startswith(b"/static/blog/a.css?v=")
    with pytest.raises(LookupError, match="pass the request"):
        static_url(app, ":a.css")


@pytest.mark.parametrize(
    "name", ["ein bild.svg", "100%.txt", "a%2Fb.txt", "é.txt", "a+b&c=d.txt", "q?x#y.txt", "a;b.txt"]
)
async def test_names_of_every_kind(packages: Packages, name: str, aiohttp_client: AiohttpClient) -> None:
    """The URL of a file leads to it, whatever its name is, and can stand in HTML."""
    packages.write({"blog/__init__.py": "", f"blog/static/{name}": "x"})
    app = web.Application()
    Component("blog", f"{packages.name}.blog").register(app)
    url = static_url(app, f"blog:{name}")
    assert not set(url) & set("\"'<> ")
    async with served(app) as server:
        answer = await read_response(server, raw_request("GET", url))
    assert (answer.status, answer.headers["Cache-Control"], answer.body) == (200, YEAR, b"x")


# Missing files


async def test_a_missing_file_is_logged_once(app: web.Application, caplog: pytest.LogCaptureFixture) -> None:
    """Without debug, a missing file is one warning that says where it was looked for, and a URL without a hash."""
    with caplog.at_level(logging.WARNING, "aiotoolkit.components"):
        static_url(app, "robots.txt")
        caplog.clear()
        assert {static_url(app, "blog:css/sit.css") for _ in range(3)} == {"/static/blog/css/sit.css"}
    (record,) = caplog.records
    assert "'blog' has no static file 'css/sit.css'" in record.message
    assert "Did you mean 'css/site.css'?" in record.message
    assert str(Path("blog", "static")) in record.message


async def test_a_missing_file_is_an_error_in_debug(packages: Packages) -> None:
    """In debug the same text is a LookupError."""
    packages.write({"blog/__init__.py": "", "blog/static/a.css": "", "static/x": ""})
    app = web.Application()
    setup_static(app, packages.path / "static", debug=True)
    Component("blog", f"{packages.name}.blog").register(app)
    with pytest.raises(LookupError, match="'blog' has no static file"):
        static_url(app, "blog:b.css")


@pytest.mark.parametrize(
    ("name", "text"), [("blgo:a.css", "no component 'blgo'"), ("bare:a.css", "no folder 'static'")]
)
async def test_no_such_place(app: web.Application, packages: Packages, name: str, text: str) -> None:
    """A component that does not exist, or has no files, is an error always."""
    packages.write({"bare/__init__.py": ""})
    Component("bare", f"{packages.name}.bare").register(app)
    with pytest.raises(LookupError, match=text):
        static_url(app, name)


async def test_no_files_of_the_application(packages: Packages) -> None:
    """A plain name without `setup_static` is an error that says what is missing."""
    packages.write({"bare/__init__.py": ""})
    app = web.Application()
    Component("bare", f"{packages.name}.bare").register(app)
    with pytest.raises(LookupError, match="setup_static"):
        static_url(app, "a.css")


async def test_setup_static_once(tmp_path: Path) -> None:
    """A second call, and a folder that does not exist, are errors."""
    app = web.Application()
    with pytest.raises(ValueError, match="There is no folder"):
        setup_static(app, tmp_path / "nothing")
    setup_static(app, str(tmp_path))
    with pytest.raises(RuntimeError, match="twice"):
        setup_static(app, tmp_path)


# Changes while the application runs


async def test_files_that_appear_later(packages: Packages, app: web.Application, aiohttp_client: AiohttpClient) -> None:
    """Without debug, a file that was not there at the start is not served."""
    client = await aiohttp_client(app)
    packages.write({"blog/static/later.css": "x"})
    assert (await fetch(client, "/static/blog/later.css"))[0] == 404


async def test_a_file_that_changed(packages: Packages, app: web.Application, aiohttp_client: AiohttpClient) -> None:
    """Without debug, a changed file is served under its old hash, but nobody keeps it."""
    client = await aiohttp_client(app)
    url = static_url(app, "blog:css/site.css")
    packages.write({"blog/static/css/site.css": "changed"})
    status, headers, body = await fetch(client, url)
    assert (status, headers["cache-control"], body) == (200, "no-cache", b"changed")


@pytest.mark.parametrize("query", ["", "?v=hash"])
async def test_a_file_that_is_gone(
    packages: Packages, app: web.Application, aiohttp_client: AiohttpClient, query: str
) -> None:
    """A file that was removed is a 404 that nobody keeps."""
    client = await aiohttp_client(app)
    url = static_url(app, "blog:css/site.css")
    (packages.path / "blog/static/css/site.css").unlink()
    status, headers, _ = await fetch(client, url if query else url.partition("?")[0])
    assert status == 404
    assert "max-age" not in headers.get("cache-control", "")


async def test_a_file_that_became_a_link(
    packages: Packages, app: web.Application, aiohttp_client: AiohttpClient
) -> None:
    """A file in whose place a symbolic link is put while the application runs is a 404."""
    client = await aiohttp_client(app)
    url = static_url(app, "blog:css/site.css")
    path = packages.path / "blog/static/css/site.css"
    path.unlink()
    path.symlink_to(packages.path / "blog/secret.py")
    assert [(await fetch(client, each))[0] for each in (url, url.partition("?")[0])] == [404, 404]


async def test_debug_follows_changes(packages: Packages, aiohttp_client: AiohttpClient) -> None:
    """In debug, files that appear, change or go are seen at once, and the hash with them."""
    packages.write({"blog/__init__.py": "", "blog/static/a.css": "one", "static/x": ""})
    app = web.Application()
    setup_static(app, packages.path / "static", debug=True)
    Component("blog", f"{packages.name}.blog").register(app)
    client = await aiohttp_client(app)
    before = static_url(app, "blog:a.css")
    packages.write({"blog/static/a.css": "another", "blog/static/b.css": "new"})
    after = static_url(app, "blog:a.css")
    assert before != after
    assert (await fetch(client, after))[1]["cache-control"] == YEAR
    assert (await fetch(client, static_url(app, "blog:b.css")))[2] == b"new"
    packages.write({"static/blog/a.css": "override"})
    assert (await fetch(client, static_url(app, "blog:a.css")))[2] == b"override"
    (packages.path / "blog/static/b.css").unlink()
    assert (await fetch(client, "/static/blog/b.css"))[0] == 404


# What aiohttp's file response does


async def test_conditional_requests(app: web.Application, aiohttp_client: AiohttpClient) -> None:
    """ETag and Last-Modified come back as 304, and as 412 where a condition fails."""
    client = await aiohttp_client(app)
    url = static_url(app, "blog:css/site.css")
    _, headers, _ = await fetch(client, url)
    status, again, body = await fetch(client, url, If_None_Match=headers["etag"])
    assert (status, body, again["cache-control"], again["etag"]) == (304, b"", YEAR, headers["etag"])
    assert (await fetch(client, url, If_Modified_Since=headers["last-modified"]))[0] == 304
    assert (await fetch(client, url, If_None_Match='"other"'))[0] == 200
    status, failed, _ = await fetch(client, url, If_Match='"other"')
    assert (status, failed["cache-control"]) == (412, "no-cache")


async def test_range_requests(app: web.Application, aiohttp_client: AiohttpClient) -> None:
    """A part of a file is 206; what is behind its end is 416, which nobody keeps."""
    client = await aiohttp_client(app)
    url = static_url(app, "blog:css/site.css")
    status, headers, body = await fetch(client, url, Range="bytes=5-9")
    assert (status, headers["content-range"], body) == (206, f"bytes 5-9/{len(CSS)}", CSS[5:10])
    assert (await fetch(client, url, Range="bytes=-4"))[2] == CSS[-4:]
    status, headers, _ = await fetch(client, url, Range="bytes=99999-")
    assert (status, headers["cache-control"]) == (416, "no-cache")
    for wrong in ("bytes=9-5", "bytes=a-b", "bytes=0-1,3-4", "lines=1-2", "bytes=" + "9" * 5000 + "-"):
        assert (await fetch(client, url, Range=wrong))[0] in {200, 400, 416}


async def test_head_and_other_methods(app: web.Application, aiohttp_client: AiohttpClient) -> None:
    """HEAD answers without a body; others are 405."""
    client = await aiohttp_client(app)
    url = static_url(app, "blog:css/site.css")
    async with client.head(url, headers={"Accept-Encoding": "identity"}) as response:
        assert (response.status, response.headers["Content-Length"]) == (200, str(len(CSS)))
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        async with client.request(method, url) as response:
            assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD")


async def test_compressed_siblings(packages: Packages, aiohttp_client: AiohttpClient) -> None:
    """A ``.br`` or ``.gz`` beside a file is sent to who takes it, as the type of the file itself."""
    packages.write(
        {
            "blog/__init__.py": "",
            "blog/static/a.css": CSS,
            "blog/static/a.css.gz": gzip.compress(CSS),
            "blog/static/a.css.br": b"brotli",
            "blog/static/b.css": CSS,
        }
    )
    app = web.Application()
    Component("blog", f"{packages.name}.blog").register(app)
    url, other = static_url(app, "blog:a.css"), static_url(app, "blog:b.css")
    async with served(app) as server:

        async def answer(path: str, accept: str) -> Any:
            return await read_response(server, raw_request("GET", path, headers=[("Accept-Encoding", accept)]))

        for accept, encoding, body in (("gzip", "gzip", gzip.compress(CSS)), ("gzip, br", "br", b"brotli")):
            response = await answer(url, accept)
            assert (response.status, response.headers["Content-Encoding"]) == (200, encoding)
            assert response.headers["Content-Type"] == "text/css; charset=utf-8"
            assert response.headers["Cache-Control"] == YEAR
            assert response.headers.getall("Vary") == ["Accept-Encoding"]
            assert gzip.decompress(response.body) == CSS if encoding == "gzip" else response.body == body
        plain = await answer(url, "identity")
        assert (plain.body, plain.headers["Vary"], "Content-Encoding" in plain.headers) == (
            CSS,
            "Accept-Encoding",
            False,
        )
        alone = await answer(other, "gzip, br")
        assert (alone.body, "Vary" in alone.headers) == (CSS, False)


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.html", "text/html; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.json", "application/json; charset=utf-8"),
        ("a.svg", "image/svg+xml; charset=utf-8"),
        ("a.PNG", "image/png"),
        ("a.webp", "image/webp"),
        ("a.avif", "image/avif"),
        ("a.ico", "image/x-icon"),
        ("a.woff2", "font/woff2"),
        ("a.wasm", "application/wasm"),
        ("a.webmanifest", "application/manifest+json; charset=utf-8"),
        ("a.pdf", "application/pdf"),
        ("a.css.gz", "application/gzip"),
        ("a.css.br", "application/x-brotli"),
        ("a.tar.xz", "application/octet-stream"),
        ("a.unknown", "application/octet-stream"),
        ("LICENSE", "application/octet-stream"),
    ],
)
async def test_types(packages: Packages, name: str, content_type: str, aiohttp_client: AiohttpClient) -> None:
    """The type is that of the name, the same on every machine, and browsers are told not to guess another."""
    packages.write({"blog/__init__.py": "", f"blog/static/{name}": b"x"})
    app = web.Application()
    Component("blog", f"{packages.name}.blog").register(app)
    _, headers, _ = await fetch(await aiohttp_client(app), static_url(app, f"blog:{name}"))
    assert (headers["content-type"], headers["x-content-type-options"]) == (content_type, "nosniff")


# Nothing outside of the folders

ATTEMPTS = [
    "/static/blog/../secret.py",
    "/static/blog/../../secret.py",
    "/static/blog/css/../../secret.py",
    "/static/blog/css/../../../../../../../../../../etc/passwd",
    "/static/blog/%2e%2e/secret.py",
    "/static/blog/%2E%2E/secret.py",
    "/static/blog/.%2e/secret.py",
    "/static/blog/%2e./secret.py",
    "/static/blog/..%2fsecret.py",
    "/static/blog/..%2Fsecret.py",
    "/static/blog/%2e%2e%2fsecret.py",
    "/static/blog/%252e%252e/secret.py",
    "/static/blog/%252e%252e%252fsecret.py",
    "/static/blog/..%252fsecret.py",
    "/static/blog/..%c0%afsecret.py",
    "/static/blog/%c0%ae%c0%ae/secret.py",
    "/static/blog/..%ef%bc%8fsecret.py",
    "/static/blog/%ef%bc%8e%ef%bc%8e/secret.py",
    "/static/blog/..\\secret.py",
    "/static/blog/..%5csecret.py",
    "/static/blog/%2e%2e%5csecret.py",
    "/static/blog/..;/secret.py",
    "/static/blog/.../secret.py",
    "/static/blog/..../secret.py",
    "/static/blog/./../secret.py",
    "/static/blog//../secret.py",
    "/static/blog/..//secret.py",
    "/static/blog/..%00/secret.py",
    "/static/blog/secret.py%00.css",
    "/static/blog/css/site.css%00",
    "/static/blog/css/site.css/../../../secret.py",
    "/static/blog/css/site.css/",
    "/static/blog/link.txt",
    "/static/blog/folder/secret.html",
    "/static/blog/loop",
    "/static/blog/../static-other/secret.txt",
    "/static/blog-other/secret.txt",
    "/static/blog//etc/passwd",
    "/static/blog/%2Fetc%2Fpasswd",
    "/static/blog/file:///etc/passwd",
    "/static/blog/C:%5CWindows%5Cwin.ini",
    "/static/blog/~/secret.py",
    "/static/blog/$HOME/secret.py",
    "/static/blog/CSS/SITE.CSS",
    "/static/../blog/secret.py",
    "/static/%2e%2e/blog/secret.py",
    "/static//blog/secret.py",
    "/static/blog/",
    "/static/blog",
    "/static/blog/css",
    "/static/blog/css/",
    "/static/",
    "/static",
    "/static/blog/" + "../" * 200 + "etc/passwd",
    "/static/blog/" + "a" * 4000,
    "/static/blog/" + "a/" * 2000,
    "/static/blog/%ff%fe",
    "/static/blog/%ed%a0%80",
    "/static/blog/%",
    "/static/blog/%zz",
    "http://test/static/blog/../secret.py",
    "http://test/static/blog/%2e%2e/secret.py",
]


@pytest.mark.parametrize("debug", [False, True])
async def test_nothing_outside(app: web.Application, packages: Packages, debug: bool) -> None:
    """No encoding, link or ``..`` reaches a file that is not in the folder: each of 60 attempts is a 400 or a 404."""
    assert len(ATTEMPTS) >= 40
    if debug:
        app = web.Application()
        setup_static(app, packages.path / "static", debug=True)
        Component("blog", f"{packages.name}.blog").register(app)
    async with served(app) as server:
        for attempt in ATTEMPTS:
            answer = await read_response(server, raw_request("GET", attempt))
            assert answer.status in {400, 404}, attempt
            assert SECRET.encode() not in answer.body, attempt
            assert b"root:" not in answer.body, attempt
        # The server is alive, and what is in the folder is still there.
        assert (await read_response(server, raw_request("GET", "/static/blog/css/site.css"))).status == 200


@pytest.mark.parametrize("debug", [False, True])
async def test_hidden_files(packages: Packages, debug: bool, aiohttp_client: AiohttpClient) -> None:
    """Hidden files, what is in hidden folders, and editors' backups are not served."""
    names = [".env", ".git/config", "css/.secret.css", "css/site.css~"]
    packages.write({"blog/__init__.py": "", "static/x": "", **{f"blog/static/{name}": SECRET for name in names}})
    app = web.Application()
    setup_static(app, packages.path / "static", debug=debug)
    Component("blog", f"{packages.name}.blog").register(app)
    client = await aiohttp_client(app)
    assert [(await fetch(client, f"/static/blog/{name}"))[0] for name in names] == [404] * len(names)


@pytest.mark.parametrize("debug", [False, True])
async def test_links_of_folders(packages: Packages, debug: bool, aiohttp_client: AiohttpClient) -> None:
    """A component's folder may itself be a link, as that of a build; what overrides it may not lead elsewhere."""
    packages.write({"blog/__init__.py": "", "build/a.css": "built", "private/b.css": SECRET, "static/x": ""})
    (packages.path / "blog" / "static").symlink_to(packages.path / "build")
    (packages.path / "static" / "blog").symlink_to(packages.path / "private")
    app = web.Application()
    setup_static(app, packages.path / "static", debug=debug)
    Component("blog", f"{packages.name}.blog").register(app)
    client = await aiohttp_client(app)
    assert (await fetch(client, static_url(app, "blog:a.css")))[2] == b"built"
    assert (await fetch(client, "/static/blog/b.css"))[0] == 404


@pytest.mark.parametrize("debug", [False, True])
async def test_no_url_outside(app: web.Application, packages: Packages, debug: bool) -> None:
    """`static_url` hashes no file that is not in the folder."""
    if debug:
        app = web.Application()
        setup_static(app, packages.path / "static", debug=True)
        Component("blog", f"{packages.name}.blog").register(app)
    names = [urllib.parse.unquote(attempt.removeprefix("/static/blog/")) for attempt in ATTEMPTS]
    for name in (*names, str(packages.path / "blog" / "secret.py"), "", ".", "..", "\0", "\ud800"):
        try:
            url = static_url(app, f"blog:{name}")
        except LookupError:
            continue
        assert "?v=" not in url, name


async def test_links_are_reported(app: web.Application, caplog: pytest.LogCaptureFixture) -> None:
    """A symbolic link in the folder is a warning at the start: it will not be served."""
    with caplog.at_level(logging.WARNING, "aiotoolkit.components"):
        static_url(app, "robots.txt")
    assert any("link.txt" in record.message and "symbolic" in record.message for record in caplog.records)


async def test_what_is_no_file(packages: Packages, aiohttp_client: AiohttpClient) -> None:
    """A pipe in the folder neither hangs the start nor a request."""
    packages.write({"blog/__init__.py": "", "blog/static/a.css": "x"})
    os.mkfifo(packages.path / "blog/static/pipe")
    app = web.Application()
    Component("blog", f"{packages.name}.blog").register(app)
    client = await aiohttp_client(app)
    assert (await fetch(client, "/static/blog/pipe"))[0] == 404
