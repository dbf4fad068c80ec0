"""What is sent to the Flask application and to each stage of its port, and what they have to answer."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from examples.flask_port.samples import SAMPLE_PASSWORD

__all__ = ["ENVIRONMENT", "NORMALISE", "REQUESTS", "Request", "script"]

# What both sides are started with: cheap hashes, a clock that stands still, a page that fails.
ENVIRONMENT: Final[Mapping[str, str]] = {
    "LOGBOOK_SECRET_KEY": "only for the comparison of both applications",
    "LOGBOOK_DATABASE": "{folder}/logbook.sqlite3",
    "LOGBOOK_UPLOADS": "{folder}/uploads",
    "LOGBOOK_PASSWORD_METHOD": "scrypt:1024:8:1",
    "LOGBOOK_FIXED_TIME": "2026-06-01T12:00:00+00:00",
    "LOGBOOK_FAULTS": "true",
}

# The tokens of sessions are made at random.
TOKENS: Final = [{"pattern": 'name="csrf_token" value="[^"]{43}"', "replacement": "{token}"}]
RANDOM: Final = ["cookie:session:/csrf", "body:/csrf_token"]

# The addresses of static files: the port's have the hash of the content, and another folder for the gallery's. Two
# requests compare them as they are.
NORMALISE: Final = [
    {"pattern": r"/gallery/static/(?=gallery\.css)", "replacement": "/static/gallery/"},
    {"pattern": r"\.css\?v=[0-9a-f]{16}", "replacement": ".css"},
]

TOKEN: Final = 'name="csrf_token" value="([^"]+)"'  # noqa: S105 - where a page has it
PNG: Final = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
GIF: Final = b"GIF89a" + b"\0" * 50
LARGE: Final = b"\xff\xd8\xff" + b"\0" * 1_600_000  # over 1.5 MB, and over aiohttp's default limit
TOO_LARGE: Final = b"\x89PNG\r\n\x1a\n" + b"\0" * 2_100_000  # over what an image may have, below what a body may have
FAR_TOO_LARGE: Final = b"\x89PNG\r\n\x1a\n" + b"\0" * 2_600_000  # over what a body may have
UTF_8: Final = {"Content-Type": "text/html; charset=utf-8"}
JSON: Final = {"Content-Type": "application/json"}
SECURE: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
}


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, and what is expected of every answer to it.

    Attributes:
        step: as ``aiotoolkit.porting.parity`` takes it.
        status: of the answer.
        has: texts that the body must have.
        lacks: texts that it must not have.
        headers: values that the answer must have; None for what must not be there.
        ported: another status, where the port announces another one.
    """

    step: Mapping[str, Any]
    status: int = 200
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    headers: Mapping[str, str | None] = field(default_factory=dict)
    ported: int | None = None

    @property
    def name(self) -> str:
        return str(self.step["name"])


def ask(
    name: str,
    path: str,
    status: int = 200,
    *has: str,
    method: str = "GET",
    lacks: tuple[str, ...] = (),
    expected: Mapping[str, str | None] | None = None,
    ported: int | None = None,
    raw: bool = False,
    **step: Any,
) -> Request:
    """A request; ``raw``: what NORMALISE is for is compared as it is."""
    rules = TOKENS if raw else TOKENS + NORMALISE
    full = {"name": name, "method": method, "path": path, "normalise": rules, "ignore": RANDOM, **step}
    return Request(step=full, status=status, has=has, lacks=lacks, headers=expected or {}, ported=ported)


def post(name: str, path: str, status: int, *has: str, client: str = "", **more: Any) -> Request:
    """A form of a page, with the token of that client's session."""
    form = {"csrf_token": f"${{token_{client or 'anybody'}}}", **more.pop("form", {})}
    return ask(name, path, status, *has, method="POST", client=client, form=form, **more)


def moves(name: str, path: str, status: int, location: str, **more: Any) -> Request:
    """A request that is redirected."""
    return ask(name, path, status, expected={"Location": location}, **more)


def call(name: str, method: str, path: str, status: int, *has: str, client: str = "ada", **more: Any) -> Request:
    """A call of the API, with the token of that client's session."""
    headers = {"X-CSRF-Token": f"${{token_{client}}}"} | more.pop("headers", {})
    return ask(name, path, status, *has, method=method, client=client, headers=headers, **more)


def file(content: bytes, filename: str = "image.png", kind: str = "image/png") -> dict[str, Any]:
    """What a file input sends."""
    encoded = base64.b64encode(content).decode()
    return {"image": {"base64": encoded, "filename": filename, "content_type": kind}}


def writes(name: str, status: int, *has: str, path: str = "/posts/new", client: str = "ada", **more: Any) -> Request:
    """The form of a post, with its file."""
    values = {"title": "A title", "tag": "sea", "body": "A text"} | more.pop("form", {})
    return post(name, path, status, *has, client=client, form=values, files=more.pop("files", {}), **more)


PAGES: Final = (
    ask("home", "/", 200, "Out of tea", "Log in", expected=UTF_8 | SECURE | {"Set-Cookie": None}),
    ask("home: as it is", "/", 200, "/static/css/logbook.css", raw=True),
    ask("home by its other rule", "/index", 200, "Out of tea"),
    ask("home of curl", "/", 200, "Out of tea", headers={"Accept": "*/*"}),
    ask("home of a client of JSON", "/", 200, "Out of tea", headers={"Accept": "application/json"}),
    ask("about", "/about", 200, "A place for what happened"),
    ask("about with a slash", "/about/", 200, "A place for what happened"),
    ask("two slashes at the start", "//about", 200, "A place for what happened"),
    moves("two slashes inside", "/posts//export.csv", 308, "/posts/export.csv"),
    ask("a collection", "/archive/latest", 200, "Archive: latest", "Out of tea", lacks=("A storm",)),
    ask("all posts", "/archive/all", 200, "Setting out", "Home"),
    ask("no such collection", "/archive/none", 404, "There is no such page"),
    ask("a year, whose rule comes later", "/archive/2025", 200, "Archive: 2025", "Two whales", lacks=("Calm",)),
    ask("a year with zeros", "/archive/0002025", 200, "Archive: 2025"),
    ask("a year too far", "/archive/99999999999999999999999", 404),
    ask("a negative year is a name", "/archive/-2025", 404),
    ask("a year in other digits", "/archive/%D9%A2%D9%A0%D9%A2%D9%A5", 200, "Archive: 2025"),
    ask("an encoded slash", "/archive/a%2Fb", 404),
    ask("an encoded letter", "/%61bout", 200, "A place for what happened"),
    ask("the case of a path counts", "/About", 404),
    ask("nothing", "/nothing", 404, "There is no such page", "Log in", expected=UTF_8 | SECURE),
    ask("nothing, with markup", "/%3Cscript%3Ealert(1)%3C/script%3E", 404, lacks=("<script>",)),
    ask("nothing, with bytes that are no UTF-8", "/%ff%fe", 404),
    ask("nothing, with a NUL", "/%00", 404),
    ask("a post to nothing", "/nothing", 404, method="POST", form={"a": "b"}),
    ask("robots", "/robots.txt", 200, "Disallow: /auth/", expected={"Content-Type": "text/plain; charset=utf-8"}),
    ask("health", "/health", 200, '"status"', expected=JSON | SECURE),
    ask("an unknown lasting address", "/p/4f0b5b8e-0000-5000-8000-000000000000", 404),
    ask("a lasting address that is none", "/p/3", 404),
    ask("help", "/help/writing", 200, "An empty line", expected={"Content-Type": "text/plain; charset=utf-8"}),
    ask("help below", "/help/images/size", 200, "Images are"),
    ask("help that is not there", "/help/nothing", 404),
    ask("help, up", "/help/../templates/base", 404),
    ask("help, up, encoded", "/help/%2e%2e/%2e%2e/schema", 404),
    ask("help, up, with encoded slashes", "/help/..%2f..%2fschema", 404),
    ask("help, up, with backslashes", "/help/..%5c..%5cschema", 404),
    ask("help, absolute", "/help//etc/passwd", 308, expected={"Location": "/help/etc/passwd"}),
    ask("help with a NUL", "/help/a%00b", 404),
    ask("help with a long name", f"/help/{'a' * 300}", 404),
    ask("help: a part", "/help/writing", 206, headers={"Range": "bytes=0-6"}, expected={"Content-Length": "7"}),
    ask("help: the end", "/help/writing", 206, headers={"Range": "bytes=-5"}, expected={"Content-Length": "5"}),
    ask("help: a part that is not there", "/help/writing", 416, headers={"Range": "bytes=9000-"}),
    ask("help: not modified", "/help/writing", 304, headers={"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}),
    ask("a page that fails", "/fault", 500, "It is our mistake", lacks=("a secret of the server",), client="fault"),
    ask("what it wrote to the session", "/api/v1/session", 200, '"permanent":true', client="fault"),
    ask("HEAD", "/", method="HEAD", expected=UTF_8),
    ask("HEAD of nothing", "/nothing", 404, method="HEAD"),
    ask("OPTIONS", "/about", method="OPTIONS", expected={"Allow": "GET, HEAD, OPTIONS"}),
    ask("OPTIONS of a form", "/preferences", method="OPTIONS", expected={"Allow": "GET, HEAD, OPTIONS, POST"}),
    ask("OPTIONS of nothing", "/nothing", 404, method="OPTIONS"),
    ask("a method that a page has not", "/about", 405, method="DELETE", expected={"Allow": "GET, HEAD, OPTIONS"}),
    ask("a method that nobody knows", "/about", 405, method="BREW", ported=400),
    ask("a method that few know", "/about", 405, method="PROPFIND"),
    ask("a static file", "/static/css/logbook.css", 200, ":root", expected={"Content-Type": "text/css; charset=utf-8"}),
    ask("HEAD of a static file", "/static/css/logbook.css", method="HEAD"),
    ask("a static file that is not there", "/static/css/none.css", 404),
    ask("a static file, up", "/static/../templates/base.html", 404),
    ask("a static file, up, encoded", "/static/%2e%2e/templates/base.html", 404),
    ask("the folder of static files", "/static/", 404),
    ask("a folder of static files", "/static/css/", 404),
    ask("the folder of static files without a slash", "/static", 404),
    ask("a post to a static file", "/static/css/logbook.css", 405, method="POST", form={"a": "b"}),
)

COOKIES: Final = (
    ask("preferences", "/preferences", 200, "Nickname", client="", capture={"token_anybody": TOKEN}),
    post("preferences: kept", "/preferences", 303, form={"theme": "dark", "nickname": "Zoë ☕"}),
    ask("preferences: seen", "/about", 200, 'class="dark"', "Hello Zoë ☕."),
    post("preferences: a nickname that is code", "/preferences", 303, form={"theme": "dark", "nickname": "<b>x</b>"}),
    ask("preferences: the code is text", "/about", 200, "Hello &lt;b&gt;x&lt;/b&gt;."),
    post("preferences: no such theme", "/preferences", 303, form={"theme": "pink", "nickname": ""}),
    ask("preferences: what was wrong", "/preferences", 200, "Choose a theme"),
    post("preferences: no nickname", "/preferences", 303, form={"theme": "light", "nickname": ""}),
    ask("preferences: it is gone", "/about", 200, 'class="light"', lacks=("Hello",)),
    post("preferences: a line break", "/preferences", 303, form={"theme": "dark", "nickname": "a\r\nSet-Cookie: a=b"}),
    post("preferences: a field is missing", "/preferences", 400, "cannot be read", form={"theme": "dark"}),
    ask("a cookie in UTF-8", "/about", 200, "Hello Zo", client="raw", headers={"Cookie": "nickname=Zo\u00c3\u00ab"}),
    ask("a cookie in Latin-1", "/about", 200, "Hello Zoë.", client="raw", headers={"Cookie": "nickname=Zo\u00eb"}),
    ask("a cookie in octal", "/about", 200, "Zoë", client="raw", headers={"Cookie": 'nickname="Zo\\303\\253"'}),
    ask("a cookie that is odd", "/about", 200, client="raw", headers={"Cookie": ";;=; nickname; theme==;"}),
    ask("a session that is none", "/about", 200, "Log in", client="raw", headers={"Cookie": "session=x.y.z"}),
    ask("a session that is empty", "/about", 200, "Log in", client="raw", headers={"Cookie": "session="}),
    ask(
        "a session of another key",
        "/about",
        200,
        "Log in",
        client="raw",
        headers={"Cookie": "session=eyJ1c2VyX2lkIjoxfQ.aQAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAA"},
    ),
)

ACCOUNTS: Final = (
    moves("an account without a login", "/auth/account", 303, "/auth/login?next=/auth/account"),
    ask("login", "/auth/login", 200, "Stay logged in", client="ada", capture={"token_ada": TOKEN}),
    ask("login: without a token", "/auth/login", 400, method="POST", client="ada", form={"name": "ada"}),
    ask("login: with another token", "/auth/login", 400, method="POST", client="ada", form={"csrf_token": "x"}),
    ask("login: a token beyond ASCII", "/auth/login", 400, method="POST", client="ada", form={"csrf_token": "é"}),
    ask("login: another's token", "/auth/login", 400, method="POST", form={"csrf_token": "${token_ada}"}, client="eve"),
    ask("login: no form", "/auth/login", 400, method="POST", client="ada", body="hello"),
    ask("login: JSON", "/auth/login", 400, method="POST", client="ada", json={"csrf_token": "x"}),
    post("login: a field is missing", "/auth/login", 400, client="ada", form={"name": "ada"}),
    post(
        "login: a wrong password",
        "/auth/login",
        422,
        "The name or the password is wrong.",
        client="ada",
        form={"name": "ada", "password": "wrong password"},
    ),
    post(
        "login: no such name",
        "/auth/login",
        422,
        "The name or the password is wrong.",
        client="ada",
        form={"name": "nobody", "password": "wrong password"},
    ),
    post("login: a long password", "/auth/login", 422, client="ada", form={"name": "ada", "password": "x" * 200}),
    post(
        "login: a name that is code",
        "/auth/login",
        422,
        "&lt;script&gt;",
        client="ada",
        form={"name": "<script>\"'", "password": "x"},
        lacks=("<script>",),
    ),
    ask("login: on to a page", "/auth/login?next=/posts/new", 200, 'value="/posts/new"', client="ada"),
    ask("login: on to another host", "/auth/login?next=//evil.example/", 200, client="ada", lacks=("evil.example",)),
    ask("login: on to a backslash", "/auth/login?next=/%5Cevil.example/", 200, client="ada", lacks=("evil.example",)),
    ask("login: on to a URL", "/auth/login?next=https://evil.example/", 200, client="ada", lacks=("evil.example",)),
    ask("login: on to a line break", "/auth/login?next=/%0D%0AX:y", 200, 'name="next" value=""', client="ada"),
    ask("login: on to a tab", "/auth/login?next=/%09/evil.example/", 200, client="ada", lacks=("evil.example",)),
    post(
        "ada logs in, not to another host",
        "/auth/login",
        303,
        client="ada",
        form={"name": "ada", "password": SAMPLE_PASSWORD, "next": "//evil.example/", "remember": "yes"},
        expected={"Location": "/"},
    ),
    ask("ada is logged in", "/auth/account", 200, "You wrote 7 posts.", "You stay logged in", client="ada"),
    ask("ada: the message is told once", "/auth/account", 200, client="ada", lacks=("You are logged in.",)),
    post("ada: the token of before", "/auth/logout", 400, client="ada"),
    ask("ada's token", "/posts/new", 200, "Write", client="ada", capture={"token_ada": TOKEN}),
    ask("bob: login", "/auth/login?next=/auth/account", 200, client="bob", capture={"token_bob": TOKEN}),
    post(
        "bob logs in",
        "/auth/login?next=/auth/account",
        303,
        client="bob",
        form={"name": "bob", "password": SAMPLE_PASSWORD},
        expected={"Location": "/auth/account"},
    ),
    ask(
        "bob is logged in",
        "/auth/account",
        200,
        "until the browser is closed",
        client="bob",
        capture={"token_bob": TOKEN},
    ),
    ask("register", "/auth/register", 200, "Register", client="new", capture={"token_new": TOKEN}),
    post(
        "register: a name that is taken",
        "/auth/register",
        422,
        "is taken",
        client="new",
        form={"name": "ada", "password": "x" * 12},
    ),
    post(
        "register: a bad name",
        "/auth/register",
        422,
        "must be 3 to 32",
        client="new",
        form={"name": "A", "password": "x" * 12},
    ),
    post(
        "register: a short password",
        "/auth/register",
        422,
        "must be 10 to 128",
        client="new",
        form={"name": "cleo", "password": "x"},
    ),
    post(
        "register: a name of two lines",
        "/auth/register",
        422,
        client="new",
        form={"name": "cleo\n", "password": "x" * 12},
    ),
    post("register: cleo", "/auth/register", 303, client="new", form={"name": "cleo", "password": "x" * 12}),
    ask("cleo is logged in", "/", 200, "Welcome, cleo!", client="new", capture={"token_new": TOKEN}),
    ask("cleo has an account", "/users/cleo", 200, "There is nothing here", client="new"),
    ask("an author", "/users/ada", 200, "Two whales", lacks=("The mast",)),
    ask("no such author", "/users/nobody", 404),
    ask("a name that no author has", "/users/Ada", 404),
    ask("an author with a slash", "/users/ada/", 404),
    ask("a GET cannot log out", "/auth/logout", 405, client="new", expected={"Allow": "OPTIONS, POST"}),
    post("cleo logs out", "/auth/logout", 303, client="new"),
    ask("cleo is logged out", "/", 200, "You are logged out.", "Register", client="new"),
)

POSTS: Final = (
    moves("posts without the slash", "/posts", 308, "/posts/"),
    moves("posts without the slash, with a query", "/posts?page=2&a=%20b", 308, "/posts/?page=2&a=%20b"),
    ask("posts", "/posts/", 200, "Page 1 of 3", 'rel="next"', lacks=('rel="prev"',)),
    ask("posts: the second page", "/posts/?page=2", 200, "Page 2 of 3", 'rel="prev"'),
    ask("posts: no such page", "/posts/?page=9", 404),
    ask("posts: page 0", "/posts/?page=0", 404),
    ask("posts: a page that is no number", "/posts/?page=two", 200, "Page 1 of 3"),
    ask("posts: a page of nothing", "/posts/?page=", 200, "Page 1 of 3"),
    ask("posts: two pages", "/posts/?page=2&page=3", 200, "Page 2 of 3"),
    ask("posts: a huge page", f"/posts/?page={'9' * 40}", 404),
    ask("posts: a page of too many digits", f"/posts/?page={'9' * 5000}", 200, "Page 1 of 3"),
    ask("posts of a tag", "/posts/?tag=weather", 200, "Posts: weather", "A storm", lacks=("Home",)),
    ask("posts of a tag that is code", "/posts/?tag=%3Cb%3E", 200, "Posts: &lt;b&gt;", "There is nothing here"),
    ask("posts of a quote", "/posts/?tag='%20OR%201=1--", 200, "There is nothing here"),
    ask("a post", "/posts/3", 200, "A list of stores", "A comment on &lt;b&gt;", capture={"key": "/p/([0-9a-f-]{36})"}),
    moves("its lasting address", "/p/${key}", 302, "/posts/3"),
    ask("a title with markup", "/posts/5", 200, "Rain &amp; &lt;fog&gt;"),
    ask("a title beyond ASCII", "/posts/8", 200, "Café in the port"),
    ask("no such post", "/posts/99", 404),
    ask("post 0", "/posts/0", 404),
    ask("a post beyond 64 bits", "/posts/99999999999999999999", 404),
    ask("a negative post", "/posts/-1", 404),
    ask("a post with a slash", "/posts/3/", 404),
    ask("a post without an image", "/posts/3/image", 404),
    moves("writing without a login", "/posts/new", 303, "/auth/login?next=/posts/new"),
    ask("the form", "/posts/new", 200, 'name="title"', client="ada"),
    writes(
        "a post, with an empty file input",
        303,
        files=file(b"", "", "application/octet-stream"),
        expected={"Location": "/posts/13"},
    ),
    ask("the new post", "/posts/13", 200, "The post is there.", "1 June 2026", "Edit", client="ada"),
    ask("the new post, told once", "/posts/13", 200, client="ada", lacks=("The post is there.",)),
    ask("the new post of others", "/posts/13", 200, client="bob", lacks=("Edit",)),
    writes(
        "a post with an image", 303, files=file(PNG, "../../evil.html", "text/html"), expected={"Location": "/posts/14"}
    ),
    ask(
        "the image", "/posts/14/image", 200, expected={"Content-Type": "image/png", "X-Content-Type-Options": "nosniff"}
    ),
    ask("a part of the image", "/posts/14/image", 206, headers={"Range": "bytes=0-3"}),
    ask("HEAD of the image", "/posts/14/image", method="HEAD", expected={"Content-Length": "208"}),
    writes(
        "a post with a large image", 303, files=file(LARGE, "a.jpg", "image/jpeg"), expected={"Location": "/posts/15"}
    ),
    writes("an image that is too large", 413, "too large", files=file(TOO_LARGE)),
    writes("a body that is too large", 413, "too large", files=file(FAR_TOO_LARGE)),
    writes("an image that is none", 422, "must be a PNG", files=file(b"<svg onload=alert(1)>", "a.png")),
    writes("an image that is a script", 422, "must be a PNG", files=file(b"#!/bin/sh", "a.png")),
    writes("a long text", 413, form={"body": "x" * 600_000}, ported=422, files=file(b"", "")),
    writes("a text that is too long", 422, "20,000", form={"body": "x" * 20_001}),
    writes("no title", 422, "must be one line", form={"title": "  "}),
    writes("a title of two lines", 422, "must be one line", form={"title": "a\nb"}),
    writes("a bad tag", 422, "a to z, digits", form={"tag": "Sea Side"}),
    writes(
        "a title that is code", 303, form={"title": "<script>alert(1)</script>"}, expected={"Location": "/posts/16"}
    ),
    ask("the title is text", "/posts/16", 200, "&lt;script&gt;alert(1)", client="ada", lacks=("<script>",)),
    post("a field is missing", "/posts/new", 400, client="ada", form={"title": "a"}),
    ask(
        "a form that breaks off",
        "/posts/new",
        400,
        method="POST",
        client="ada",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
        body="--x\r\nContent-Disp",
    ),
    ask(
        "a form without a boundary",
        "/posts/new",
        400,
        method="POST",
        client="ada",
        headers={"Content-Type": "multipart/form-data"},
        body="hello",
    ),
    ask("editing", "/posts/14/edit", 200, "A title", client="ada"),
    writes(
        "edited, with another image", 303, path="/posts/14/edit", form={"title": "Changed"}, files=file(GIF, "a.gif")
    ),
    ask("the changed post", "/posts/14", 200, "The post is changed.", "Changed", client="ada"),
    ask("the changed image", "/posts/14/image", 200, expected={"Content-Type": "image/gif"}),
    ask("editing another's post", "/posts/14/edit", 403, "somebody else", client="bob"),
    post("deleting another's post", "/posts/14/delete", 403, client="bob"),
    ask("deleting without a token", "/posts/14/delete", 400, method="POST", form={"a": "b"}),
    post(
        "deleting without a login", "/posts/14/delete", 303, expected={"Location": "/auth/login?next=/posts/14/delete"}
    ),
    ask("a GET cannot delete", "/posts/14/delete", 405, client="ada"),
    post(
        "a comment",
        "/posts/14/comments",
        303,
        client="bob",
        form={"text": "One <i>word</i>.\n\nMore."},
        expected={"Location": "/posts/14#comment-5"},
    ),
    ask("the comment", "/posts/14", 200, "One &lt;i&gt;word", "Delete the comment", client="bob"),
    post("an empty comment", "/posts/14/comments", 303, client="bob", form={"text": "  "}),
    ask("what was wrong with it", "/posts/14", 200, "A comment has 1 to", client="bob"),
    post("a comment on nothing", "/posts/99/comments", 404, client="bob", form={"text": "a"}),
    post("deleting another's comment", "/posts/14/comments/5/delete", 403, client="ada"),
    post("deleting no comment", "/posts/14/comments/99/delete", 404, client="bob"),
    post("deleting a comment of another post", "/posts/13/comments/5/delete", 404, client="bob"),
    post("deleting a comment", "/posts/14/comments/5/delete", 303, client="bob"),
    ask("comments are not there to be read", "/posts/14/comments", 405, expected={"Allow": "OPTIONS, POST"}),
    ask("admin: login", "/auth/login", 200, client="admin", capture={"token_admin": TOKEN}),
    post(
        "admin logs in",
        "/auth/login",
        303,
        client="admin",
        form={"name": "admin", "password": SAMPLE_PASSWORD},
    ),
    ask("admin is logged in", "/auth/account", 200, "You wrote 0 posts. You are an administrator.", client="admin"),
    ask("admin edits another's post", "/posts/8/edit", 200, client="admin", capture={"token_admin": TOKEN}),
    writes(
        "admin changes another's post",
        303,
        path="/posts/8/edit",
        client="admin",
        form={"title": "Café by the port", "tag": "land"},
        files=file(b"", "", "application/octet-stream"),
    ),
    ask("the author is who it was", "/posts/8", 200, "Café by the port", ">ada</a>", client="admin"),
    post("admin deletes another's comment", "/posts/3/comments/1/delete", 303, client="admin"),
    post("deleting a post", "/posts/13/delete", 303, client="ada", expected={"Location": "/posts/"}),
    ask("that is told", "/posts/", 200, "The post is gone.", client="ada"),
    ask("the post is gone", "/posts/13", 404, client="ada"),
    ask(
        "export",
        "/posts/export.csv",
        200,
        "1,Setting out,ada,sea",
        expected={"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": "attachment; filename=posts.csv"},
    ),
    ask("HEAD of the export", "/posts/export.csv", method="HEAD"),
)

GALLERY: Final = (
    ask("gallery", "/gallery/", 200, "/posts/15/image", "/posts/14/image"),
    ask("gallery: as it is", "/gallery/", 200, "gallery.css", raw=True),
    moves("gallery without the slash", "/gallery", 308, "/gallery/"),
    ask("gallery: one kind", "/gallery/gif/", 200, "/posts/14/image", lacks=("/posts/15/image",)),
    moves("gallery: one kind without the slash", "/gallery/gif", 308, "/gallery/gif/"),
    ask("gallery: no such kind", "/gallery/svg/", 404),
    ask("gallery: large ones", "/gallery/over/1.5", 200, "/posts/15/image", lacks=("/posts/14/image",)),
    ask("gallery: a whole number is no float", "/gallery/over/1", 404),
    ask("gallery: no number", "/gallery/over/nan", 404),
    ask("nothing in the gallery", "/gallery/nothing", 404, "There is no such page"),
    ask("the gallery's style", "/gallery/static/gallery.css", 200, ported=308),
    ask("a style that the gallery has not", "/gallery/static/none.css", 404, ported=308),
)

API: Final = (
    ask("api: posts", "/api/v1/posts?limit=2", 200, '"total"', expected=JSON | SECURE),
    ask("api: posts of a tag", "/api/v1/posts?tag=land", 200, "Caf"),
    ask("api: a limit that is none", "/api/v1/posts?limit=many&offset=-3", 200),
    ask("api: a huge offset", f"/api/v1/posts?offset={'9' * 30}", 200),
    ask("api: a post", "/api/v1/posts/3", 200, "A list of stores"),
    ask("api: no such post", "/api/v1/posts/99", 404, '"Not Found"', expected=JSON),
    ask("api: nothing", "/api/nothing", 404, '"Not Found"', expected=JSON),
    ask("api: a method that it has not", "/api/v1/posts", 405, method="PATCH", client="ada"),
    ask("api: OPTIONS of two views", "/api/v1/posts/3", method="OPTIONS"),
    ask("api: HEAD", "/api/v1/posts", method="HEAD", expected=JSON),
    ask("api: tags", "/api/v1/tags", 200, "weather"),
    ask("api: statistics", "/api/v1/statistics", 200, "comments_per_post"),
    ask(
        "api: nobody's session",
        "/api/v1/session",
        200,
        '"user"',
        client="api",
        capture={"token_api": {"pointer": "/csrf_token"}},
    ),
    ask("api: ada's session", "/api/v1/session", 200, '"ada"', client="ada"),
    call("api: without a login", "POST", "/api/v1/posts", 401, '"Unauthorized"', client="api", json={}),
    ask("api: without a token", "/api/v1/posts", 400, method="POST", client="ada", json={"title": "a"}),
    call(
        "api: a new post",
        "POST",
        "/api/v1/posts",
        201,
        '"A title"',
        json={"title": "A title", "body": "A text", "tag": "sea"},
        expected=JSON | {"Location": "/api/v1/posts/17"},
    ),
    call(
        "api: with a charset",
        "POST",
        "/api/v1/posts",
        201,
        headers={"Content-Type": "application/json; charset=utf-8"},
        body='{"title": "Caf\u00e9", "body": "A text", "tag": "sea"}',
    ),
    call("api: no JSON", "POST", "/api/v1/posts", 415, '"error"', headers={"Content-Type": "text/plain"}, body="{}"),
    call("api: no Content-Type", "POST", "/api/v1/posts", 415, body="{}"),
    call("api: broken JSON", "POST", "/api/v1/posts", 400, '"error"', headers=JSON, body="{"),
    call("api: an empty body", "POST", "/api/v1/posts", 400, headers=JSON, body=""),
    call(
        "api: bytes that are no UTF-8",
        "POST",
        "/api/v1/posts",
        400,
        headers=JSON,
        body={"base64": base64.b64encode(b'{"title": "\xff"}').decode()},
    ),
    call(
        "api: a lone surrogate",
        "POST",
        "/api/v1/posts",
        500,
        headers=JSON,
        body='{"title": "\\ud800", "body": "b", "tag": "t"}',
        ported=400,
    ),
    call("api: a deep body", "POST", "/api/v1/posts", 500, headers=JSON, body="[" * 100_000, ported=400),
    call("api: a byte order mark", "POST", "/api/v1/posts", 422, headers=JSON, body="\ufeff{}", ported=400),
    call("api: a list", "POST", "/api/v1/posts", 422, '"errors"', json=[]),
    call("api: null", "POST", "/api/v1/posts", 422, json=None),
    call(
        "api: a number for a title", "POST", "/api/v1/posts", 422, '"title"', json={"title": 1, "body": "b", "tag": "t"}
    ),
    call(
        "api: a member too many",
        "POST",
        "/api/v1/posts",
        422,
        '"id"',
        json={"title": "a", "body": "b", "tag": "t", "id": 1},
    ),
    call("api: a bad tag", "POST", "/api/v1/posts", 422, '"tag"', json={"title": "a", "body": "b", "tag": "T"}),
    call("api: a changed post", "PUT", "/api/v1/posts/17", 200, '"B"', json={"title": "B", "body": "b", "tag": "t"}),
    call(
        "api: another's post",
        "PUT",
        "/api/v1/posts/17",
        403,
        client="bob",
        json={"title": "B", "body": "b", "tag": "t"},
    ),
    call("api: a change of nothing", "PUT", "/api/v1/posts/99", 404, json={"title": "B", "body": "b", "tag": "t"}),
    call("api: no change of another's post", "PUT", "/api/v1/posts/17", 403, client="bob", json={}, ported=422),
    call("api: another's post is not deleted", "DELETE", "/api/v1/posts/17", 403, client="bob"),
    call("api: deleted", "DELETE", "/api/v1/posts/17", 204),
    call("api: deleted once", "DELETE", "/api/v1/posts/17", 404),
)

REQUESTS: Final[tuple[Request, ...]] = PAGES + COOKIES + ACCOUNTS + POSTS + GALLERY + API


def script() -> list[Mapping[str, Any]]:
    """The requests, as ``aiotoolkit.porting.parity`` takes them."""
    return [request.step for request in REQUESTS]
