"""The rows of docs/reference/flask-traps.md that are about one request: what Flask, aiohttp and the toolkit answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any

from aiohttp import web

from aiotoolkit.middlewares import error_middleware, setup_errors
from aiotoolkit.porting.hooks import setup_hooks
from aiotoolkit.porting.rules import add_rule, add_rule_context, rule_values, url_for
from aiotoolkit.porting.views import flask_view, required
from aiotoolkit.requests import query_argument, read_form, read_json
from aiotoolkit.responses import json_response
from tests.porting.both import Answer

__all__ = ["TRAPS", "Expect", "Sent", "Trap"]


@dataclass(frozen=True)
class Sent:
    """A request."""

    method: str = "GET"
    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True)
class Expect:
    """An answer: its status (0 where the connection drops), its text, a part of it, its headers, its methods.

    A header that is None must not be there, and of one in ``contains`` a part is given. ``location`` is a redirect's
    path and query.
    """

    status: int
    text: str | None = None
    part: str | None = None
    location: str | None = None
    allow: frozenset[str] | None = None
    headers: dict[str, str | None] = field(default_factory=dict)
    contains: dict[str, str] = field(default_factory=dict)

    def check(self, answer: Answer) -> None:
        assert answer.status == self.status
        if self.text is not None:
            assert answer.text == self.text
        if self.part is not None:
            assert self.part in answer.text
        if self.location is not None:
            assert answer.location == self.location
        if self.allow is not None:
            assert answer.allow == self.allow
        for name, value in self.headers.items():
            assert answer.headers.get(name) == value
        for name, value in self.contains.items():
            assert value in answer.headers[name]


@dataclass(frozen=True)
class Trap:
    """One row: three applications, and the requests with their three answers (the last one where there is a kit)."""

    number: int
    flask: Callable[[Any], None]
    plain: Callable[[web.Application], None]
    kit: Callable[[web.Application], None] | None
    cases: tuple[tuple[Sent, Expect, Expect, Expect | None], ...]
    needs: tuple[str, ...] = ()


TRAPS: list[Trap] = []


def trap(number: int, *cases: tuple[Sent, Expect, Expect, Expect | None], needs: tuple[str, ...] = ()) -> Any:
    """Make a row of a class with the functions ``flask``, ``plain`` and, where there is one, ``kit``."""

    def add(row: Any) -> Any:
        TRAPS.append(Trap(number, row.flask, row.plain, getattr(row, "kit", None), cases, needs))
        return row

    return add


def text_view(text: str) -> Any:
    async def view(request: web.Request) -> web.Response:
        return web.Response(text=text)

    return view


async def values_view(request: web.Request) -> web.Response:
    return web.Response(text=repr(next(iter(rule_values(request).values()))))


OK = Expect(200)
NOT_FOUND = Expect(404)
FAILED = Expect(500)
MULTIPART = ("Content-Type", "multipart/form-data; boundary=b")
URLENCODED = ("Content-Type", "application/x-www-form-urlencoded")
JSON = ("Content-Type", "application/json")


def part(name: str, value: str, filename: str | None = None) -> bytes:
    file = "" if filename is None else f'; filename="{filename}"'
    kind = "" if filename is None else "Content-Type: application/octet-stream\r\n"
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{file}\r\n{kind}\r\n'
    return f"{head}{value}\r\n--b--\r\n".encode()


# URLs


MOVED = Expect(308, location="/slash/?a=%2F")


@trap(
    1,
    (
        Sent(path="/slash?a=%2F"),
        Expect(308, location="/slash/?a=%2F"),
        NOT_FOUND,
        Expect(308, location="/slash/?a=%2F"),
    ),
)
class MissingSlash:
    @staticmethod
    def flask(app: Any) -> None:
        app.add_url_rule("/slash/", "slash", lambda: "slash")

    @staticmethod
    def plain(app: web.Application) -> None:
        app.router.add_get("/slash/", text_view("slash"))

    @staticmethod
    def kit(app: web.Application) -> None:
        add_rule(app, "/slash/", text_view("slash"), endpoint="slash")


@trap(
    2,
    (Sent(path="/a//x"), Expect(308, location="/a/x"), NOT_FOUND, Expect(308, location="/a/x")),
    (Sent(path="//a/x"), OK, NOT_FOUND, OK),
)
class DoubledSlash:
    @staticmethod
    def flask(app: Any) -> None:
        app.add_url_rule("/a/x", "x", lambda: "x")

    @staticmethod
    def plain(app: web.Application) -> None:
        app.router.add_get("/a/x", text_view("x"))

    @staticmethod
    def kit(app: web.Application) -> None:
        add_rule(app, "/a/x", text_view("x"), endpoint="x")


@trap(3, (Sent(path="/loose/"), OK, OK, OK), (Sent(path="/loose"), OK, NOT_FOUND, OK))
class LooseSlash:
    @staticmethod
    def flask(app: Any) -> None:
        app.add_url_rule("/loose/", "loose", lambda: "loose", strict_slashes=False)

    @staticmethod
    def plain(app: web.Application) -> None:
        app.router.add_get("/loose/", text_view("loose"))

    @staticmethod
    def kit(app: web.Application) -> None:
        add_rule(app, "/loose/", text_view("loose"), endpoint="loose", strict_slashes=False)


@trap(
    4,
    (Sent(path="/3"), Expect(200, "int"), Expect(200, "text"), Expect(200, "int")),
    (Sent(path="/me"), Expect(200, "fixed"), Expect(200, "fixed"), Expect(200, "fixed")),
)
class Specificity:
    @staticmethod
    def flask(app: Any) -> None:
        app.add_url_rule("/<x>", "text", lambda x: "text")
        app.add_url_rule("/<int:x>", "int", lambda x: "int")
        app.add_url_rule("/me", "me", lambda: "fixed")

    @staticmethod
    def plain(app: web.Application) -> None:
        app.router.add_get("/{x}", text_view("text"))
        app.router.add_get(r"/{x:\d+}", text_view("int"))
        app.router.add_get("/me", text_view("fixed"))

    @staticmethod
    def kit(app: web.Application) -> None:
        add_rule(app, "/<x>", text_view("text"), endpoint="text")
        add_rule(app, "/<int:x>", text_view("int"), endpoint="int")
        add_rule(app, "/me", text_view("fixed"), endpoint="me")


@trap(6, (Sent(path="/p/one"), OK, OK, OK), (Sent(path="/p/two"), OK, NOT_FOUND, OK))
class SamePrefix:
    @staticmethod
    def flask(app: Any) -> None:
        from flask import Blueprint

        for name in ("one", "two"):
            blueprint = Blueprint(name, name)
            blueprint.add_url_rule(f"/{name}", "view", lambda: "x")
            app.register_blueprint(blueprint, url_prefix="/p")

    @staticmethod
    def plain(app: web.Application) -> None:
        for name in ("one", "two"):
            inner = web.Application()
            inner.router.add_get(f"/{name}", text_view("x"))
            app.add_subapp("/p", inner)

    @staticmethod
    def kit(app: web.Application) -> None:
        for name in ("one", "two"):
            with add_rule_context(app, "/p", name) as rule:
                rule(f"/{name}", text_view("x"), endpoint="view")


@trap(
    7,
    (
        Sent(path="/p/none"),
        Expect(404, headers={"X-Blueprint": None}),
        Expect(404, headers={"X-Blueprint": "yes"}),
        Expect(404, headers={"X-Blueprint": None}),
    ),
    (
        Sent(path="/p/known"),
        Expect(200, headers={"X-Blueprint": "yes"}),
        Expect(200, headers={"X-Blueprint": "yes"}),
        Expect(200, headers={"X-Blueprint": "yes"}),
    ),
)
class UnknownBelowPrefix:
    @staticmethod
    def flask(app: Any) -> None:
        from flask import Blueprint

        blueprint = Blueprint("p", "p")
        blueprint.add_url_rule("/known", "known", lambda: "x")

        @blueprint.after_request
        def mark(response: Any) -> Any:
            response.headers["X-Blueprint"] = "yes"
            return response

        app.register_blueprint(blueprint, url_prefix="/p")

    @staticmethod
    def plain(app: web.Application) -> None:
        @web.middleware
        async def mark(request: web.Request, handler: Any) -> web.StreamResponse:
            try:
                response: web.StreamResponse = await handler(request)
            except web.HTTPException as error:
                error.headers["X-Blueprint"] = "yes"
                raise
            response.headers["X-Blueprint"] = "yes"
            return response

        inner = web.Application(middlewares=[mark])
        inner.router.add_get("/known", text_view("x"))
        app.add_subapp("/p", inner)

    @staticmethod
    def kit(app: web.Application) -> None:
        hooks = setup_hooks(app, errors=error_middleware())

        @hooks.scope("p").after_request
        def mark(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
            response.headers["X-Blueprint"] = "yes"
            return response

        with add_rule_context(app, "/p", "p") as rule:
            rule("/known", text_view("x"), endpoint="known")


def url_views(app: Any, build: Callable[..., str]) -> None:
    """Views that answer with a URL of the endpoint "user"."""
    app.add_url_rule("/user/<int:id>", "user", lambda id: "x")
    app.add_url_rule("/number", "number", lambda: build("user", id=3))
    app.add_url_rule("/extra", "extra", lambda: build("user", id=3, page=2))
    app.add_url_rule("/bad", "bad", lambda: build("user", id="x"))
    app.add_url_rule("/missing", "missing", lambda: build("user"))


def plain_urls(app: web.Application, **parts: dict[str, Any]) -> None:
    app.router.add_get("/user/{id}", text_view("x"), name="user")
    for name, given in parts.items():

        async def view(request: web.Request, given: Any = given) -> web.Response:
            return web.Response(text=str(request.app.router["user"].url_for(**given)))

        app.router.add_get(f"/{name}", view)


def kit_urls(app: web.Application, **parts: dict[str, Any]) -> None:
    add_rule(app, "/user/<int:id>", text_view("x"), endpoint="user")
    for name, given in parts.items():

        async def view(request: web.Request, given: Any = given) -> web.Response:
            return web.Response(text=url_for(request, "user", **given))

        add_rule(app, f"/{name}", view, endpoint=name)


@trap(8, (Sent(path="/number"), Expect(200, "/user/3"), FAILED, Expect(200, "/user/3")))
class UrlForNumber:
    @staticmethod
    def flask(app: Any) -> None:
        import flask

        url_views(app, flask.url_for)

    @staticmethod
    def plain(app: web.Application) -> None:
        plain_urls(app, number={"id": 3})

    @staticmethod
    def kit(app: web.Application) -> None:
        kit_urls(app, number={"id": 3})


@trap(
    9,
    (Sent(path="/extra"), Expect(200, "/user/3?page=2"), Expect(200, "/user/3"), Expect(200, "/user/3?page=2")),
    (Sent(path="/bad"), FAILED, Expect(200, "/user/x"), FAILED),
    (Sent(path="/missing"), FAILED, FAILED, FAILED),
)
class UrlForParts:
    @staticmethod
    def flask(app: Any) -> None:
        import flask

        url_views(app, flask.url_for)

    @staticmethod
    def plain(app: web.Application) -> None:
        plain_urls(app, extra={"id": "3", "page": "2"}, bad={"id": "x"}, missing={})

    @staticmethod
    def kit(app: web.Application) -> None:
        kit_urls(app, extra={"id": 3, "page": 2}, bad={"id": "x"}, missing={})


# What views return


def returned() -> dict[str, Callable[[], Any]]:
    def pieces() -> Any:
        yield "a"
        yield "b"

    return {
        "text": lambda: "x",
        "dict": lambda: {"a": 1},
        "tuple": lambda: ("x", 201),
        "bytes": lambda: b"x",
        "generator": pieces,
    }


HTML = {"Content-Type": "text/html; charset=utf-8"}


@trap(
    11,
    (Sent(path="/text"), Expect(200, "x", headers=dict(HTML)), FAILED, Expect(200, "x", headers=dict(HTML))),
    (Sent(path="/dict"), Expect(200, '{"a":1}\n'), FAILED, Expect(200, '{"a":1}\n')),
    (Sent(path="/tuple"), Expect(201, "x"), FAILED, Expect(201, "x")),
    (Sent(path="/bytes"), Expect(200, "x", headers=dict(HTML)), FAILED, Expect(200, "x", headers=dict(HTML))),
    (Sent(path="/generator"), Expect(200, "ab"), FAILED, Expect(200, "ab")),
)
class Returns:
    @staticmethod
    def flask(app: Any) -> None:
        for name, make in returned().items():
            app.add_url_rule(f"/{name}", name, make)

    @staticmethod
    def plain(app: web.Application) -> None:
        for name, make in returned().items():

            async def view(request: web.Request, make: Any = make) -> Any:
                return make()

            app.router.add_get(f"/{name}", view)

    @staticmethod
    def kit(app: web.Application) -> None:
        for name, make in returned().items():

            async def view(request: web.Request, make: Any = make) -> Any:
                return make()

            add_rule(app, f"/{name}", flask_view(view), endpoint=name)


def hard_data() -> dict[str, Any]:
    from datetime import date
    from decimal import Decimal
    from uuid import UUID

    return {"when": date(2024, 2, 29), "price": Decimal("1.10"), "id": UUID(int=7)}


ID = "00000000-0000-0000-0000-000000000007"
SORTED = Expect(200, '{"a":1,"b":2}\n')
FLASK_DATA = f'{{"id":"{ID}","price":"1.10","when":"Thu, 29 Feb 2024 00:00:00 GMT"}}\n'


@trap(
    12,
    (
        Sent(path="/keys"),
        Expect(200, '{"a":1,"b":2}\n'),
        Expect(200, '{"b": 2, "a": 1}'),
        Expect(200, '{"a":1,"b":2}\n'),
    ),
    (Sent(path="/data"), Expect(200, FLASK_DATA), FAILED, Expect(200, FLASK_DATA)),
    (
        Sent(path="/new"),
        Expect(200, FLASK_DATA),
        FAILED,
        Expect(200, f'{{"when":"2024-02-29","price":1.1,"id":"{ID}"}}'),
    ),
)
class JsonOutput:
    @staticmethod
    def flask(app: Any) -> None:
        from flask import jsonify

        app.add_url_rule("/keys", "keys", lambda: jsonify(b=2, a=1))
        app.add_url_rule("/data", "data", lambda: jsonify(hard_data()))
        app.add_url_rule("/new", "new", lambda: jsonify(hard_data()))

    @staticmethod
    def plain(app: web.Application) -> None:
        async def keys(request: web.Request) -> web.Response:
            return web.json_response({"b": 2, "a": 1})

        async def data(request: web.Request) -> web.Response:
            return web.json_response(hard_data())

        app.router.add_get("/keys", keys)
        app.router.add_get("/data", data)
        app.router.add_get("/new", data)

    @staticmethod
    def kit(app: web.Application) -> None:
        async def keys(request: web.Request) -> Any:
            return {"b": 2, "a": 1}

        async def data(request: web.Request) -> Any:
            return hard_data()

        async def new(request: web.Request) -> web.Response:
            return json_response(hard_data())

        add_rule(app, "/keys", flask_view(keys))
        add_rule(app, "/data", flask_view(data))
        add_rule(app, "/new", new)


# Reading


@trap(
    13,
    (Sent("POST", "/form", (URLENCODED,), b"b=1"), Expect(400), FAILED, Expect(400)),
    (Sent(path="/query"), Expect(400), FAILED, Expect(400)),
)
class MissingField:
    @staticmethod
    def flask(app: Any) -> None:
        from flask import request

        app.add_url_rule("/form", "form", lambda: request.form["a"], methods=["POST"])
        app.add_url_rule("/query", "query", lambda: request.args["a"])

    @staticmethod
    def plain(app: web.Application) -> None:
        async def form(request: web.Request) -> web.Response:
            return web.Response(text=str((await request.post())["a"]))

        async def query(request: web.Request) -> web.Response:
            return web.Response(text=request.query["a"])

        app.router.add_post("/form", form)
        app.router.add_get("/query", query)

    @staticmethod
    def kit(app: web.Application) -> None:
        async def form(request: web.Request) -> web.Response:
            return web.Response(text=required(await read_form(request), "a"))

        async def query(request: web.Request) -> web.Response:
            return web.Response(text=query_argument(request, "a"))

        app.router.add_post("/form", form)
        app.router.add_get("/query", query)


@trap(
    14,
    (Sent(path="/?n=x"), Expect(200, "1"), FAILED, Expect(400)),
    (Sent(path="/"), Expect(200, "1"), Expect(200, "1"), Expect(200, "1")),
)
class BadArgument:
    @staticmethod
    def flask(app: Any) -> None:
        from flask import request

        app.add_url_rule("/", "view", lambda: str(request.args.get("n", 1, type=int)))

    @staticmethod
    def plain(app: web.Application) -> None:
        async def view(request: web.Request) -> web.Response:
            return web.Response(text=str(int(request.query.get("n", "1"))))

        app.router.add_get("/", view)

    @staticmethod
    def kit(app: web.Application) -> None:
        async def view(request: web.Request) -> web.Response:
            return web.Response(text=str(query_argument(request, "n", int, default=1)))

        app.router.add_get("/", view)


class ReadsJson:
    @staticmethod
    def flask(app: Any) -> None:
        from flask import request

        app.add_url_rule("/", "view", lambda: {"got": request.get_json()}, methods=["POST"])

    @staticmethod
    def plain(app: web.Application) -> None:
        async def view(request: web.Request) -> web.Response:
            return web.json_response({"got": await request.json()})

        app.router.add_post("/", view)

    @staticmethod
    def kit(app: web.Application) -> None:
        async def view(request: web.Request) -> web.Response:
            return json_response({"got": await read_json(request)})

        app.router.add_post("/", view)


trap(15, (Sent("POST", "/", (), b"[1]"), Expect(415), OK, Expect(415)))(ReadsJson)
trap(
    16,
    (Sent("POST", "/", (JSON,), b"{"), Expect(400), FAILED, Expect(400)),
    (Sent("POST", "/", (JSON,), b""), Expect(400), FAILED, Expect(400)),
)(ReadsJson)


@trap(
    17,
    (
        Sent("POST", "/", (MULTIPART,), part("file", "", "")),
        Expect(200, "''"),
        Expect(200, "bytearray(b'')"),
        Expect(200, "None"),
    ),
)
class EmptyFile:
    @staticmethod
    def flask(app: Any) -> None:
        from flask import request

        app.add_url_rule("/", "view", lambda: repr(request.files["file"].filename), methods=["POST"])

    @staticmethod
    def plain(app: web.Application) -> None:
        async def view(request: web.Request) -> web.Response:
            return web.Response(text=repr((await request.post())["file"]))

        app.router.add_post("/", view)

    @staticmethod
    def kit(app: web.Application) -> None:
        async def view(request: web.Request) -> web.Response:
            return web.Response(text=repr((await read_form(request)).get("file")))

        app.router.add_post("/", view)


class ReadsBody:
    @staticmethod
    def flask(app: Any) -> None:
        from flask import request

        app.add_url_rule("/", "view", lambda: str(len(request.get_data())), methods=["POST"])
        app.add_url_rule("/form", "form", lambda: str(len(request.form["a"])), methods=["POST"])

    @staticmethod
    def plain(app: web.Application) -> None:
        async def view(request: web.Request) -> web.Response:
            return web.Response(text=str(len(await request.read())))

        async def form(request: web.Request) -> web.Response:
            return web.Response(text=str(len(str((await request.post())["a"]))))

        app.router.add_post("/", view)
        app.router.add_post("/form", form)


LARGE = b"x" * (1024 * 1024 + 1)
trap(18, (Sent("POST", "/", (), LARGE), Expect(200, str(len(LARGE))), Expect(413), None))(ReadsBody)
trap(
    19,
    (Sent("POST", "/form", (MULTIPART,), part("a", "x" * 600_000)), Expect(413), Expect(200, "600000"), None),
)(ReadsBody)


# Errors


PROBLEM = Expect(404, headers={"Content-Type": "application/problem+json"})


@trap(
    20,
    (
        Sent(path="/none"),
        Expect(404, part="<!doctype html>", headers=dict(HTML)),
        Expect(404, "404: Not Found", headers={"Content-Type": "text/plain; charset=utf-8"}),
        PROBLEM,
    ),
    (
        Sent(path="/none", headers=(("Accept", "text/html"),)),
        Expect(404, part="<!doctype html>", headers=dict(HTML)),
        Expect(404, "404: Not Found", headers={"Content-Type": "text/plain; charset=utf-8"}),
        Expect(404, part="<h1>", headers=dict(HTML)),
    ),
)
class ErrorBodies:
    @staticmethod
    def flask(app: Any) -> None:
        pass

    @staticmethod
    def plain(app: web.Application) -> None:
        pass

    @staticmethod
    def kit(app: web.Application) -> None:
        setup_errors(app)


MARKED, UNMARKED = {"X-After": "yes"}, {"X-After": None}


@trap(
    21,
    (
        Sent(path="/none"),
        Expect(404, headers=dict(MARKED)),
        Expect(404, headers=dict(UNMARKED)),
        Expect(404, headers=dict(MARKED)),
    ),
    (
        Sent(path="/fail"),
        Expect(500, headers=dict(MARKED)),
        Expect(500, headers=dict(UNMARKED)),
        Expect(500, headers=dict(MARKED)),
    ),
    (
        Sent(path="/stop"),
        Expect(403, headers=dict(MARKED)),
        Expect(403, headers=dict(UNMARKED)),
        Expect(403, headers=dict(MARKED)),
    ),
)
class AfterRequest:
    @staticmethod
    def flask(app: Any) -> None:
        from flask import abort, request

        app.add_url_rule("/fail", "fail", lambda: 1 // 0)

        def stop() -> None:
            if request.path == "/stop":
                abort(403)

        def mark(response: Any) -> Any:
            response.headers["X-After"] = "yes"
            return response

        app.before_request(stop)
        app.after_request(mark)

    @staticmethod
    def plain(app: web.Application) -> None:
        @web.middleware
        async def hooks(request: web.Request, handler: Any) -> web.StreamResponse:
            if request.path == "/stop":
                raise web.HTTPForbidden
            response: web.StreamResponse = await handler(request)
            response.headers["X-After"] = "yes"
            return response

        async def fail(request: web.Request) -> web.Response:
            return web.Response(text=str(1 // 0))

        app.middlewares.append(hooks)
        app.router.add_get("/fail", fail)

    @staticmethod
    def kit(app: web.Application) -> None:
        hooks = setup_hooks(app, errors=error_middleware())

        @hooks.before_request
        def stop(request: web.Request) -> None:
            if request.path == "/stop":
                raise web.HTTPForbidden

        @hooks.after_request
        def mark(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
            response.headers["X-After"] = "yes"
            return response

        async def fail(request: web.Request) -> web.Response:
            return web.Response(text=str(1 // 0))

        app.router.add_get("/fail", fail)


def session_fail(app: web.Application) -> None:
    import aiohttp_session

    async def view(request: web.Request) -> web.Response:
        (await aiohttp_session.get_session(request))["user"] = 1
        return web.Response(text=str(1 // 0))

    app.router.add_get("/", view)


@trap(22, (Sent(), FAILED, FAILED, FAILED), needs=("aiohttp_session", "itsdangerous"))
class SessionOfAnError:
    """The cookie is checked by the test: its value differs."""

    @staticmethod
    def flask(app: Any) -> None:
        from flask import session

        app.secret_key = "secret"

        def view() -> str:
            session["user"] = 1
            return str(1 // 0)

        app.add_url_rule("/", "view", view)

    @staticmethod
    def plain(app: web.Application) -> None:
        import aiohttp_session

        aiohttp_session.setup(app, aiohttp_session.SimpleCookieStorage())
        session_fail(app)

    @staticmethod
    def kit(app: web.Application) -> None:
        from aiotoolkit.porting.sessions import FlaskSessionStorage, setup_sessions

        setup_sessions(app, FlaskSessionStorage("secret"))
        session_fail(app)


# Methods and paths


GET_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class OneRoute:
    @staticmethod
    def flask(app: Any) -> None:
        app.add_url_rule("/", "view", lambda: "x")

    @staticmethod
    def plain(app: web.Application) -> None:
        app.router.add_route("GET", "/", text_view("x"))

    @staticmethod
    def kit(app: web.Application) -> None:
        add_rule(app, "/", text_view("x"), endpoint="view")


trap(
    23,
    (Sent("OPTIONS"), Expect(200, "", allow=GET_METHODS), Expect(405, allow=frozenset({"GET"})),
     Expect(200, "", allow=GET_METHODS)),
)(OneRoute)  # fmt: skip
trap(24, (Sent("HEAD"), OK, Expect(405), OK))(OneRoute)


class TextPart:
    """``<x>`` and ``{x}``."""

    @staticmethod
    def flask(app: Any) -> None:
        app.add_url_rule("/s/<x>", "view", lambda x: f"{x!r}")

    @staticmethod
    def plain(app: web.Application) -> None:
        async def view(request: web.Request) -> web.Response:
            return web.Response(text=repr(request.match_info["x"]))

        app.router.add_get("/s/{x}", view)

    @staticmethod
    def kit(app: web.Application) -> None:
        add_rule(app, "/s/<x>", values_view)


trap(25, (Sent(path="/s/a%2Fb"), NOT_FOUND, Expect(200, "'a/b'"), NOT_FOUND))(TextPart)


@trap(
    26,
    (
        Sent(path="/set"),
        Expect(200, headers={"Set-Cookie": r'c="\303\251"; Path=/'}),
        Expect(200, headers={"Set-Cookie": r'c="\351"; Path=/'}),
        None,
    ),
    (Sent(path="/get", headers=(("Cookie", r'c="\303\251"'),)), Expect(200, "'é'"), Expect(200, "'Ã©'"), None),
)
class NonAsciiCookie:
    @staticmethod
    def flask(app: Any) -> None:
        from flask import make_response, request

        def set_it() -> Any:
            response = make_response("x")
            response.set_cookie("c", "é")
            return response

        app.add_url_rule("/set", "set", set_it)
        app.add_url_rule("/get", "get", lambda: repr(request.cookies.get("c")))

    @staticmethod
    def plain(app: web.Application) -> None:
        async def set_it(request: web.Request) -> web.Response:
            response = web.Response(text="x")
            response.set_cookie("c", "é")
            return response

        async def get_it(request: web.Request) -> web.Response:
            return web.Response(text=repr(request.cookies.get("c")))

        app.router.add_get("/set", set_it)
        app.router.add_get("/get", get_it)


@trap(29, (Sent(), FAILED, Expect(0), FAILED))
class LineFeedInHeader:
    @staticmethod
    def flask(app: Any) -> None:
        app.add_url_rule("/", "view", lambda: ("x", {"X-Name": "a\r\nb"}))

    @staticmethod
    def plain(app: web.Application) -> None:
        async def view(request: web.Request) -> web.Response:
            return web.Response(text="x", headers={"X-Name": "a\r\nb"})

        app.router.add_get("/", view)

    @staticmethod
    def kit(app: web.Application) -> None:
        setup_errors(app)
        LineFeedInHeader.plain(app)


FOLDER = Path(__file__).parent / "static"


@trap(30, (Sent(path="/static/"), NOT_FOUND, Expect(403), NOT_FOUND), (Sent(path="/static/a.txt"), OK, OK, OK))
class StaticFolder:
    @staticmethod
    def flask(app: Any) -> None:
        app.static_folder = str(FOLDER)

    @staticmethod
    def plain(app: web.Application) -> None:
        app.router.add_static("/static", FOLDER)

    @staticmethod
    def kit(app: web.Application) -> None:
        from aiotoolkit.components import setup_static

        setup_static(app, FOLDER)


@trap(
    33,
    (Sent(path="/f/"), NOT_FOUND, Expect(200, "''"), NOT_FOUND),
    (Sent(path="/f/a/b"), Expect(200, "'a/b'"), Expect(200, "'a/b'"), Expect(200, "'a/b'")),
)
class PathPart:
    @staticmethod
    def flask(app: Any) -> None:
        app.add_url_rule("/f/<path:x>", "view", lambda x: f"{x!r}")

    @staticmethod
    def plain(app: web.Application) -> None:
        async def view(request: web.Request) -> web.Response:
            return web.Response(text=repr(request.match_info["x"]))

        app.router.add_get("/f/{x:.*}", view)

    @staticmethod
    def kit(app: web.Application) -> None:
        add_rule(app, "/f/<path:x>", values_view)


trap(34, (Sent(path="/s/a%7Bb%7D"), Expect(200, "'a{b}'"), NOT_FOUND, Expect(200, "'a{b}'")))(TextPart)
trap(
    35,
    (Sent(path="/s/a%FF"), Expect(200, "'a\N{REPLACEMENT CHARACTER}'"), Expect(200, "'a%FF'"),
     Expect(200, "'a\N{REPLACEMENT CHARACTER}'")),
)(TextPart)  # fmt: skip


@trap(36, (Sent(path="/3"), Expect(200, "4"), FAILED, Expect(200, "4")))
class NumberPart:
    @staticmethod
    def flask(app: Any) -> None:
        app.add_url_rule("/<int:n>", "view", lambda n: str(n + 1))

    @staticmethod
    def plain(app: web.Application) -> None:
        async def view(request: web.Request) -> web.Response:
            number: Any = request.match_info["n"]
            return web.Response(text=str(number + 1))

        app.router.add_get(r"/{n:\d+}", view)

    @staticmethod
    def kit(app: web.Application) -> None:
        async def view(request: web.Request, n: int) -> Any:
            return str(n + 1)

        add_rule(app, "/<int:n>", flask_view(view))


@trap(
    38,
    (
        Sent(path="/age"),
        Expect(200, contains={"Set-Cookie": " GMT; Max-Age=86400; Path=/"}),
        Expect(200, headers={"Set-Cookie": "c=1; Max-Age=1 day, 0:00:00; Path=/"}),
        None,
    ),
    (
        Sent(path="/expires"),
        Expect(200, headers={"Set-Cookie": "c=1; Expires=Thu, 29 Feb 2024 00:00:00 GMT; Path=/"}),
        Expect(200, headers={"Set-Cookie": "c=1; expires=2024-02-29 00:00:00+00:00; Path=/"}),
        None,
    ),
)
class CookieLifetime:
    @staticmethod
    def flask(app: Any) -> None:
        from flask import Response

        def view(options: dict[str, Any]) -> Any:
            response = Response("x")
            response.set_cookie("c", "1", **options)
            return response

        for name, options in lifetimes().items():
            app.add_url_rule(f"/{name}", name, lambda options=options: view(options))

    @staticmethod
    def plain(app: web.Application) -> None:
        for name, options in lifetimes().items():

            async def view(request: web.Request, options: Any = options) -> web.Response:
                response = web.Response(text="x")
                response.set_cookie("c", "1", **options)
                return response

            app.router.add_get(f"/{name}", view)


def lifetimes() -> dict[str, dict[str, Any]]:
    from datetime import datetime, timedelta

    return {
        "age": {"max_age": timedelta(days=1)},
        "expires": {"expires": datetime(2024, 2, 29, tzinfo=UTC)},
    }


@trap(
    39,
    (
        Sent(),
        Expect(200, headers={"X-Name": "é"}),
        Expect(200, headers={"X-Name": "é".encode().decode("latin-1")}),
        None,
    ),
)
class NonAsciiHeader:
    @staticmethod
    def flask(app: Any) -> None:
        app.add_url_rule("/", "view", lambda: ("x", {"X-Name": "é"}))

    @staticmethod
    def plain(app: web.Application) -> None:
        async def view(request: web.Request) -> web.Response:
            return web.Response(text="x", headers={"X-Name": "é"})

        app.router.add_get("/", view)


@trap(
    40,
    (Sent(), NOT_FOUND, NOT_FOUND, NOT_FOUND),
    (Sent(), NOT_FOUND, Expect(0), NOT_FOUND),
)
class SharedException:
    @staticmethod
    def flask(app: Any) -> None:
        from werkzeug.exceptions import NotFound

        shared = NotFound()

        def view() -> str:
            raise shared

        app.add_url_rule("/", "view", view)

    @staticmethod
    def plain(app: web.Application) -> None:
        shared = web.HTTPNotFound()

        async def view(request: web.Request) -> web.Response:
            raise shared

        app.router.add_get("/", view)

    @staticmethod
    def kit(app: web.Application) -> None:
        setup_errors(app)
        SharedException.plain(app)


@trap(
    41,
    (
        Sent(),
        Expect(200, headers={"Vary": "Cookie"}),
        Expect(200, headers={"Vary": None}),
        Expect(200, headers={"Vary": "Cookie"}),
    ),
    needs=("aiohttp_session", "itsdangerous"),
)
class SessionAndCaches:
    @staticmethod
    def flask(app: Any) -> None:
        from flask import session

        app.secret_key = "secret"
        app.add_url_rule("/", "view", lambda: str(session.get("user")))

    @staticmethod
    def plain(app: web.Application) -> None:
        import aiohttp_session

        aiohttp_session.setup(app, aiohttp_session.SimpleCookieStorage())
        session_read(app)

    @staticmethod
    def kit(app: web.Application) -> None:
        from aiotoolkit.porting.sessions import FlaskSessionStorage, setup_sessions

        setup_sessions(app, FlaskSessionStorage("secret"))
        session_read(app)


def session_read(app: web.Application) -> None:
    import aiohttp_session

    async def view(request: web.Request) -> web.Response:
        return web.Response(text=str((await aiohttp_session.get_session(request)).get("user")))

    app.router.add_get("/", view)


NO_CACHE, UNSAID = {"Cache-Control": "no-cache"}, {"Cache-Control": None}
trap(
    42,
    (
        Sent(path="/static/a.txt"),
        Expect(200, headers=dict(NO_CACHE)),
        Expect(200, headers=dict(UNSAID)),
        Expect(200, headers=dict(NO_CACHE)),
    ),
)(StaticFolder)


@trap(
    43,
    (
        Sent(),
        Expect(200, headers={"Content-Type": "application/json"}),
        Expect(200, headers={"Content-Type": "application/json; charset=utf-8"}),
        Expect(200, headers={"Content-Type": "application/json"}),
    ),
)
class JsonType:
    @staticmethod
    def flask(app: Any) -> None:
        app.add_url_rule("/", "view", lambda: {"a": 1})

    @staticmethod
    def plain(app: web.Application) -> None:
        async def view(request: web.Request) -> web.Response:
            return web.json_response({"a": 1})

        app.router.add_get("/", view)

    @staticmethod
    def kit(app: web.Application) -> None:
        async def view(request: web.Request) -> web.Response:
            return json_response({"a": 1})

        app.router.add_get("/", view)
