"""Schema.handler on a real server, with a real client."""

import asyncio
import functools
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, make_mocked_request

from aiotoolkit.middlewares import setup_errors
from aiotoolkit.problems import Problem
from aiotoolkit.responses import json_response
from aiotoolkit.routes import add_route_context
from aiotoolkit.schemas import RequestValidationError, Response, ResponseValidationError, Schema
from tests.raw import raw_request, read_response

Client = TestClient[web.Request, web.Application]
NAME = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
LIMIT = {"type": "object", "properties": {"limit": {"type": "integer", "default": 20}}}


@pytest.fixture
async def serve(aiohttp_client: Any) -> Callable[..., Awaitable[Client]]:
    """Makes a client of an application that has one handler, at every method of ``/`` and ``/{number}``."""

    async def make(handler: Any, **options: Any) -> Client:
        app = web.Application()
        setup_errors(app, **options)
        app.router.add_route("*", "/", handler)
        app.router.add_route("*", "/{number}", handler)
        client: Client = await aiohttp_client(app)
        return client

    return make


async def errors_of(response: aiohttp.ClientResponse, status: int) -> Any:
    assert response.status == status, await response.text()
    assert response.content_type == "application/problem+json"
    return (await response.json())["errors"]


# Views of every kind


async def test_a_function(serve: Any) -> None:
    """A function is given what it names, and what it returns becomes the response."""

    @Schema(request=NAME, query=LIMIT, response=True, status=201).handler
    async def create(request: web.Request, *, body: dict[str, str], query: dict[str, int]) -> dict[str, Any]:
        return {"body": body, "query": query, "method": request.method}

    client = await serve(create)
    async with client.post("/?limit=3", json={"name": "x"}) as response:
        assert response.status == 201
        assert await response.json() == {"body": {"name": "x"}, "query": {"limit": 3}, "method": "POST"}


async def test_a_method_of_a_view(serve: Any) -> None:
    """Each method of a web.View has its own Schema; the request is the view's."""

    class Projects(web.View):
        @Schema(query=LIMIT).handler
        async def get(self, *, query: dict[str, int]) -> list[Any]:
            return [query, self.request.method]

        @Schema(request=NAME).handler
        async def post(self, body: dict[str, str]) -> dict[str, str]:
            return body

    client = await serve(Projects)
    async with client.get("/") as response:
        assert await response.json() == [{"limit": 20}, "GET"]
    async with client.post("/", json={"name": "x"}) as response:
        assert await response.json() == {"name": "x"}
    async with client.post("/", json={}) as response:
        assert (await errors_of(response, 422))[0]["pointer"] == "#/name"
    async with client.put("/") as response:
        assert response.status == 405


async def test_a_method_of_an_object(serve: Any) -> None:
    """A method of any object works, decorated in its class or bound."""

    class Service:
        def __init__(self, word: str) -> None:
            self.word = word

        @Schema(query=LIMIT).handler
        async def get(self, request: web.Request, *, query: dict[str, int]) -> list[Any]:
            return [self.word, query["limit"]]

        async def other(self, request: web.Request, *, query: dict[str, int]) -> list[Any]:
            return [self.word * 2, query["limit"]]

    for handler, word in (
        (Service("a").get, "a"),
        (Service("b").get, "b"),
        (Schema(query=LIMIT).handler(Service("c").other), "cc"),
    ):
        client = await serve(handler)
        async with client.get("/") as response:
            assert await response.json() == [word, 20]


async def test_other_callables(serve: Any) -> None:
    """Objects with an async __call__, and partials of async functions, are views."""

    class View:
        async def __call__(self, request: web.Request, *, query: dict[str, int]) -> list[Any]:
            return ["object", query["limit"]]

    async def view(word: str, request: web.Request, *, query: dict[str, int]) -> list[Any]:
        return [word, query["limit"]]

    schema = Schema(query=LIMIT)
    for handler, word in ((schema.handler(View()), "object"), (schema.handler(functools.partial(view, "p")), "p")):
        client = await serve(handler)
        async with client.get("/") as response:
            assert await response.json() == [word, 20]


async def test_under_routes_and_applications(aiohttp_client: Any) -> None:
    """It is a plain handler: for route contexts, sub-applications and middlewares too."""

    @Schema(path={"properties": {"number": {"type": "integer"}}}).handler
    async def read(request: web.Request, *, path: dict[str, int]) -> dict[str, int]:
        return path

    inner = web.Application()
    with add_route_context(inner, SimpleNamespace(read=read)) as add_route:
        add_route("GET", "/{number}", "read")
    app = web.Application()
    app.add_subapp("/api", inner)
    client = await aiohttp_client(app)
    async with client.get("/api/7") as response:
        assert await response.json() == {"number": 7}
    assert list(inner.router) == ["read"]
    # Without the error middleware, a refusal is the same document.
    async with client.get("/api/x") as response:
        assert (await errors_of(response, 400))[0]["name"] == "number"


# Decorators below


def passing(view: Any) -> Any:
    """A decorator as most are written."""

    @functools.wraps(view)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await view(*args, **kwargs)

    return wrapper


async def test_a_decorator_that_passes_everything(serve: Any) -> None:
    """Below, a decorator with **kwargs is given what the view that it wraps names, and nothing more."""

    @Schema(query=LIMIT, headers=True).handler
    @passing
    @passing
    async def view(request: web.Request, *, query: dict[str, int]) -> dict[str, int]:
        return query

    client = await serve(view)
    async with client.get("/") as response:
        assert await response.json() == {"limit": 20}


async def test_a_decorator_that_takes_its_part(serve: Any) -> None:
    """What a decorator names itself it is given, beside what it passes on; what it adds is its own business."""

    def with_user(view: Any) -> Any:
        @functools.wraps(view)
        async def wrapper(request: web.Request, *, headers: dict[str, str], **kwargs: Any) -> Any:
            return await view(request, user=headers["X-User"], **kwargs)

        return wrapper

    @Schema(query=LIMIT, headers={"required": ["X-User"]}, cookies=True).handler
    @with_user
    async def view(request: web.Request, *, user: str, query: dict[str, int]) -> list[Any]:
        return [user, query]

    client = await serve(view)
    async with client.get("/", headers={"X-User": "me"}) as response:
        assert await response.json() == ["me", {"limit": 20}]


async def test_a_decorator_that_passes_nothing(serve: Any) -> None:
    """functools.wraps lends a signature, which is not the one that is called: only the real one counts."""

    def closing(view: Any) -> Any:
        @functools.wraps(view)
        async def wrapper(request: web.Request) -> Any:
            return await view(request, query="mine")

        return wrapper

    @Schema(query=LIMIT).handler
    @closing
    async def view(request: web.Request, *, query: Any) -> list[Any]:
        return [query]

    client = await serve(view)
    async with client.get("/") as response:
        assert await response.json() == ["mine"]


# What is checked when decorating


async def no_request() -> None: ...
async def only_body(*, body: Any) -> None: ...
async def needs_body(request: web.Request, body: Any) -> None: ...
async def needs_form(request: web.Request, *, form: Any) -> None: ...
async def positional(request: web.Request, query: Any, /) -> None: ...
async def unknown(request: web.Request, *, project: Any) -> None: ...
async def misspelled(request: web.Request, bdoy: Any) -> None: ...
async def three(self: Any, request: web.Request, project: Any) -> None: ...
async def generator(request: web.Request) -> AsyncIterator[int]:
    yield 1


def sync(request: web.Request) -> None: ...


class Page(web.View):
    async def get(self) -> web.Response:
        return web.Response()


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (needs_body, "needs_body takes 'body', but its Schema has no request= schema"),
        (needs_form, "needs_form takes 'form', but its Schema has no form= schema"),
        (
            unknown,
            "unknown requires 'project', which a Schema does not pass: it passes body, form, query, path, headers",
        ),
        (misspelled, "misspelled requires 'bdoy', which a Schema does not pass"),
        (three, "three requires 'project', which a Schema does not pass"),
        (positional, "positional must take 'query' by keyword"),
        (no_request, "no_request must take the request, as its first parameter"),
        (sync, "@schema.handler needs an async view: write 'async def sync'"),
        (generator, "@schema.handler needs an async view"),
        (lambda request: None, "@schema.handler needs an async view"),
        (passing, "@schema.handler needs an async view"),
        (Page, "decorates a function or a method, not Page; decorate a web.View's methods"),
        (dict, "decorates a function or a method, not dict"),
        (5, "decorates a function or a method, not 5"),
        (None, "decorates a function or a method, not None"),
        (staticmethod(sync), "needs an async view"),
    ],
)
def test_what_cannot_be_decorated(view: Any, message: str) -> None:
    """A view that could not be called is refused in the line that decorates it, by its name."""
    with pytest.raises(TypeError) as caught:
        Schema(query=LIMIT).handler(view)
    assert message in str(caught.value)


async def test_optional_places(serve: Any) -> None:
    """A parameter with a default may name a place that the Schema does not declare, or anything else."""

    @Schema(query=LIMIT).handler
    async def view(request: web.Request, query: Any = None, body: Any = "none", *, more: int = 1) -> list[Any]:
        return [query, body, more]

    client = await serve(view)
    async with client.get("/") as response:
        assert await response.json() == [{"limit": 20}, "none", 1]


async def test_all_places_by_kwargs(serve: Any) -> None:
    """A view with **kwargs is given every place that is declared."""

    @Schema(query=LIMIT, path=True, headers=True, cookies=True, request=NAME).handler
    async def view(request: web.Request, /, **places: Any) -> list[str]:
        return sorted(places)

    client = await serve(view)
    async with client.post("/", json={"name": "x"}) as response:
        assert await response.json() == ["body", "cookies", "headers", "path", "query"]


async def test_places_that_no_view_names(serve: Any) -> None:
    """What is declared is checked, also where the view does not want it."""

    @Schema(query=LIMIT, request=NAME).handler
    async def view(request: web.Request) -> str:
        return "ok"

    client = await serve(view)
    async with client.post("/", json={"name": "x"}) as response:
        assert await response.json() == "ok"
    async with client.post("/?limit=x", json={"name": "x"}) as response:
        assert response.status == 400
    async with client.post("/", json={}) as response:
        assert response.status == 422


async def test_the_view_itself() -> None:
    """handler.view is the function for a unit test, without any check; handler.schema what decorates it."""
    schema = Schema(query=LIMIT, response=NAME)

    @schema.handler
    async def view(request: web.Request, *, query: dict[str, int]) -> dict[str, int]:
        """Show the query."""
        return query

    request = make_mocked_request("GET", "/")
    assert await view.view(request, query={"any": 1}) == {"any": 1}
    assert view.schema is schema
    assert view.__name__ == "view"  # type: ignore[attr-defined]  # a function has one
    assert view.__doc__ == "Show the query."
    with pytest.raises(ResponseValidationError):
        await view(request)


async def test_what_is_called_without_a_request() -> None:
    """A decorated view that is called with something else says what it wants."""

    @Schema().handler
    async def view(request: web.Request) -> None: ...

    with pytest.raises(TypeError, match="is called with a request last, not 'x'"):
        await view("x")  # type: ignore[arg-type]  # which is the point
    with pytest.raises(TypeError, match="is called with a request last, not without arguments"):
        await view()  # type: ignore[call-arg]  # which is the point


def test_typed_views() -> None:
    """The views whose types are checked are views that can be decorated."""
    from tests import typing_schemas

    assert typing_schemas.function.schema is typing_schemas.schema


# Reading


async def test_parameters_come_first(aiohttp_server: Any) -> None:
    """Bad parameters are answered while the body is still unread, and unsent."""
    started = asyncio.Event()

    @Schema(request=NAME, query=LIMIT).handler
    async def view(request: web.Request, *, body: Any, query: Any) -> None:
        started.set()

    app = web.Application()
    app.router.add_post("/", view)
    server = await aiohttp_server(app)
    head = raw_request("POST", "/?limit=x").replace(b"Content-Length: 0", b"Content-Length: 1000")
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(head)
    answer = await asyncio.wait_for(reader.readuntil(b"}]}"), 5)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"errors":[{"detail":"must be of type integer","in":"query","name":"limit"}]' in answer
    assert not started.is_set()


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"name": "x"}', "application/json", 200),
        (b'{"name": "x"}', "application/vnd.api+json; charset=UTF-8", 200),
        (b"{}", "application/json", 422),
        (b"[]", "application/json", 422),
        (b"null", "application/json", 422),
        (b'{"name": "\\u0000"}', "application/json", 200),
        (b'{"name": "x"}', "text/plain", 415),
        (b'{"name": "x"}', None, 415),
        (b"", "application/json", 400),
        (b'{"name": NaN}', "application/json", 400),
        (b'{"name": "\\ud800"}', "application/json", 400),
        (b'{"name": 1e400}', "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"name": ' + b"9" * 5000 + b"}", "application/json", 400),
        (b'{"a":' * 60 + b"1" + b"}" * 60, "application/json", 422),
    ],
)
async def test_bodies(aiohttp_server: Any, body: bytes, content_type: str | None, status: int) -> None:
    """A body that is no JSON is 400 or 415; one that breaks its schema 422; nothing is a 5xx."""

    @Schema(request=NAME).handler
    async def view(request: web.Request, *, body: Any) -> Any:
        return body

    app = web.Application()
    setup_errors(app)
    app.router.add_post("/", view)
    response = await read_response(await aiohttp_server(app), raw_request("POST", "/", body, content_type=content_type))
    assert response.status == status


async def test_a_body_that_is_not_required(serve: Any) -> None:
    """With body_required=False, no body is None; a body that is there is checked."""
    seen: list[Any] = []

    def processor(data: dict[str, str]) -> str:
        seen.append(data)
        return data["name"]

    module = SimpleNamespace(request=NAME, request_processor=processor)

    @Schema(module, body_required=False).handler
    async def view(request: web.Request, *, body: str | None) -> list[Any]:
        return [body]

    client = await serve(view)
    async with client.post("/") as response:
        assert await response.json() == [None]
    async with client.post("/", json={"name": "x"}) as response:
        assert await response.json() == ["x"]
    async with client.post("/", json={}) as response:
        assert response.status == 422
    assert seen == [{"name": "x"}]


async def test_forms(serve: Any) -> None:
    """A form is an object: texts converted by their types, names repeated in arrays, files in their places."""
    file = {"type": "string", "format": "binary"}

    @Schema(
        form={
            "type": "object",
            "properties": {
                "name": {"type": "string", "minLength": 1},
                "size": {"type": "integer", "default": 1},
                "tags": {"type": "array", "items": {"type": "string"}},
                "logo": file,
                "pages": {"type": "array", "items": file, "maxItems": 2},
            },
            "required": ["name"],
            "additionalProperties": False,
        }
    ).handler
    async def view(request: web.Request, *, form: dict[str, Any]) -> dict[str, Any]:
        if "logo" in form:
            form["logo"] = [form["logo"].filename, form["logo"].size]
        if "pages" in form:
            form["pages"] = [page.file.read().decode() for page in form["pages"]]
        return form

    client = await serve(view)
    async with client.post("/", data={"name": "x", "size": "3"}) as response:
        assert await response.json() == {"name": "x", "size": 3}
    async with client.post("/", data=[("name", "x"), ("tags", "a"), ("tags", "b")]) as response:
        assert await response.json() == {"name": "x", "size": 1, "tags": ["a", "b"]}
    data = aiohttp.FormData({"name": "x"})
    data.add_field("logo", b"12345", filename="logo.png")
    data.add_field("pages", b"one", filename="1")
    data.add_field("pages", b"two", filename="2")
    async with client.post("/", data=data) as response:
        assert await response.json() == {"name": "x", "size": 1, "logo": ["logo.png", 5], "pages": ["one", "two"]}

    async def refused(*fields: tuple[str, Any]) -> Any:
        form = aiohttp.FormData(default_to_multipart=True)
        for name, value in fields:
            form.add_field(name, value, filename="f" if isinstance(value, bytes) else None)
        async with client.post("/", data=form) as response:
            return [(error["pointer"], error["detail"], error["in"]) for error in await errors_of(response, 422)]

    good = ("name", "x")
    assert await refused(("size", "1")) == [("#/name", "is required", "body")]
    assert await refused(("name", "")) == [("#/name", "must have at least 1 character", "body")]
    assert await refused(good, ("size", "x")) == [("#/size", "must be of type integer", "body")]
    assert await refused(good, good) == [("#/name", "must be given once", "body")]
    assert await refused(good, ("logo", "text")) == [("#/logo", "must be a file", "body")]
    assert await refused(("name", b"file")) == [("#/name", "must not be a file", "body")]
    assert await refused(good, ("other", "1")) == [("#/other", "is not allowed", "body")]
    assert await refused(good, ("other", b"file")) == [("#/other", "must not be a file", "body")]
    assert await refused(good, *[("pages", b"x")] * 3) == [("#/pages", "must have at most 2 items", "body")]
    async with client.post("/", json={"name": "x"}) as response:
        assert response.status == 415


async def test_a_hostile_form(aiohttp_server: Any) -> None:
    """Names and values that are no text, and damaged parts, are 4xx."""

    @Schema(form={"type": "object", "properties": {"a": {"type": "integer"}}}, body_required=False).handler
    async def view(request: web.Request, *, form: Any) -> Any:
        return form

    app = web.Application()
    setup_errors(app)
    app.router.add_post("/", view)
    server = await aiohttp_server(app)
    part = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n1\r\n--b--\r\n'
    for name in (b"a\xff", b"\xed\xa0\x80", b"", b"a/~b", b"\x00"):
        request = raw_request("POST", "/", part % name, content_type="multipart/form-data; boundary=b")
        assert (await read_response(server, request)).status in (200, 400, 422), name
    for body in (b"a=%FF", b"a=\xff", b"%ED%A0%80=1", b"=&&=;", b"a=1_0", b"a=1&a=2", b"&".join([b"b=1"] * 900)):
        request = raw_request("POST", "/", body, content_type="application/x-www-form-urlencoded")
        assert (await read_response(server, request)).status in (200, 400, 413, 422), body
    assert (await read_response(server, raw_request("POST", "/", content_type=None))).json() is None


async def test_a_processor(serve: Any) -> None:
    """The view is given what the module's request_processor makes of the body; its errors are its own."""

    def processor(data: dict[str, str]) -> str:
        if data["name"] == "taken":
            raise Problem(409, "The name is taken.")
        return data["name"].upper()

    @Schema(SimpleNamespace(request=NAME, request_processor=processor)).handler
    async def view(request: web.Request, *, body: str) -> str:
        return body

    client = await serve(view)
    async with client.post("/", json={"name": "x"}) as response:
        assert await response.json() == "X"
    async with client.post("/", json={"name": "taken"}) as response:
        assert response.status == 409


# Errors


class ApiError(Exception):
    pass


async def test_an_error_class(serve: Any) -> None:
    """With error_class, a refusal is that error, with the RequestValidationError as its cause."""
    seen: list[Exception] = []

    async def answer(request: web.Request, error: Exception) -> web.Response:
        seen.append(error)
        return web.json_response({"error": str(error)}, status=409)

    @Schema(request=NAME, query=LIMIT, error_class=ApiError).handler
    async def view(request: web.Request, *, body: Any) -> None: ...

    client = await serve(view, handlers={ApiError: answer})
    async with client.post("/", json={}) as response:
        assert response.status == 409
        assert await response.json() == {"error": "The request is not valid: #/name is required"}
    async with client.post("/?limit=x", json={}) as response:
        assert await response.json() == {"error": "The request is not valid: limit must be of type integer"}
    causes = [error.__cause__ for error in seen]
    assert [cause.status for cause in causes if isinstance(cause, RequestValidationError)] == [422, 400]
    # What is no JSON at all is still the reader's problem.
    async with client.post("/", data=b"{", headers={"Content-Type": "application/json"}) as response:
        assert response.status == 400


async def test_one_handler_for_an_application(serve: Any) -> None:
    """A handler of the error middleware changes status and shape of every refusal in an application."""

    async def answer(request: web.Request, error: Exception) -> web.Response:
        assert isinstance(error, RequestValidationError)
        return web.json_response(
            {"fields": [item.get("pointer", item.get("name")) for item in error.errors]}, status=418
        )

    @Schema(request=NAME, query=LIMIT).handler
    async def view(request: web.Request, *, body: Any) -> None: ...

    client = await serve(view, handlers={RequestValidationError: answer})
    async with client.post("/", json={}) as response:
        assert (response.status, await response.json()) == (418, {"fields": ["#/name"]})
    async with client.post("/?limit=x") as response:
        assert (response.status, await response.json()) == (418, {"fields": ["limit"]})


async def test_a_refusal_is_not_logged(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A client's mistake is no error of the application."""

    @Schema(request=NAME).handler
    async def view(request: web.Request, *, body: Any) -> None: ...

    client = await serve(view)
    with caplog.at_level(logging.INFO, "aiotoolkit"):
        async with client.post("/", json={"name": 5}) as response:
            text = await response.text()
    assert json.loads(text) == {
        "type": "about:blank",
        "title": "Unprocessable Content",
        "status": 422,
        "detail": "The request is not valid.",
        "errors": [{"detail": "must be of type string", "in": "body", "pointer": "#/name"}],
    }
    assert [record for record in caplog.records if record.name != "aiohttp.access"] == []


# Responses


async def test_a_response_that_breaks_its_schema(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    """It is a 500, logged once, and no data reach the client or the log."""

    @Schema(response=NAME).handler
    async def view(request: web.Request) -> Any:
        return {"name": 5, "password": "hunter2"}

    client = await serve(view)
    async with client.get("/") as response:
        assert response.status == 500
        text = await response.text()
    assert json.loads(text) == {"type": "about:blank", "title": "Internal Server Error", "status": 500}
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ResponseValidationError)
    assert "#/name must be of type string" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": b"x"}, object(), "\ud800"])
@pytest.mark.parametrize("validate", [True, False, "log"])
async def test_nothing_that_is_no_json_is_sent(serve: Any, value: Any, validate: Any) -> None:
    """NaN and what else JSON does not have is a 500, whatever validate_response is, and never on the wire."""

    @Schema(response=True, validate_response=validate).handler
    async def view(request: web.Request) -> Any:
        return value

    client = await serve(view)
    async with client.get("/") as response:
        assert response.status == 500
        assert "NaN" not in await response.text()


async def test_responses_of_its_own(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A response that the view made is sent as it is, unchecked; so is a stream, and what make_response made."""
    schema = Schema(response=NAME, status=200, query={"properties": {"kind": {"type": "string"}}})

    @schema.handler
    async def view(request: web.Request, *, query: dict[str, str]) -> Any:
        match query["kind"]:
            case "text":
                return web.Response(text="plain", status=203)
            case "made":
                return schema.make_response({"name": "x"}, headers={"X-A": "b"})
            case "raised":
                raise web.HTTPFound("/elsewhere")
        stream = web.StreamResponse()
        await stream.prepare(request)
        await stream.write(b"part")
        return stream

    client = await serve(view)
    async with client.get("/?kind=text") as response:
        assert (response.status, await response.text()) == (203, "plain")
    async with client.get("/?kind=made") as response:
        assert (response.headers["X-A"], await response.json()) == ("b", {"name": "x"})
    async with client.get("/?kind=stream") as response:
        assert await response.text() == "part"
    async with client.get("/?kind=raised", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (302, "/elsewhere")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_several_statuses(serve: Any) -> None:
    """A view answers with another status by make_response; one that is not declared is a 500."""
    schema = Schema(responses={201: NAME, 404: {"type": "object", "required": ["reason"]}}, query=LIMIT)

    @schema.handler
    async def view(request: web.Request, *, query: dict[str, int]) -> Any:
        if query["limit"] == 20:
            return {"name": "x"}
        return schema.make_response({"reason": "no"}, status=query["limit"])

    client = await serve(view)
    async with client.get("/") as response:
        assert (response.status, await response.json()) == (201, {"name": "x"})
    async with client.get("/?limit=404") as response:
        assert (response.status, await response.json()) == (404, {"reason": "no"})
    async with client.get("/?limit=403") as response:
        assert response.status == 500
    async with client.get("/?limit=201") as response:
        assert response.status == 500


async def test_no_content(serve: Any) -> None:
    """A view that returns None answers 204 without a body."""

    @Schema(status=204).handler
    async def view(request: web.Request) -> None: ...

    client = await serve(view)
    async with client.delete("/") as response:
        assert (response.status, await response.read()) == (204, b"")
        assert "Content-Type" not in response.headers


async def test_head(aiohttp_server: Any) -> None:
    """HEAD has the headers of GET and no body; its query is checked too."""

    @Schema(query=LIMIT, response=NAME).handler
    async def view(request: web.Request, *, query: Any) -> dict[str, str]:
        return {"name": "x"}

    app = web.Application()
    app.router.add_get("/", view)
    server = await aiohttp_server(app)
    response = await read_response(server, raw_request("HEAD", "/", content_type=None))
    assert (response.status, response.body) == (200, b"")
    assert response.headers["Content-Length"] == str(len(b'{"name":"x"}'))
    response = await read_response(server, raw_request("HEAD", "/?limit=x", content_type=None))
    assert (response.status, response.body) == (400, b"")


async def test_declared_headers(serve: Any) -> None:
    """A declared header that breaks its schema is a 500; a control character never reaches the wire."""
    schema = Schema(
        responses={200: Response(True, headers={"X-Total": {"type": "integer"}})}, query={"properties": {"total": {}}}
    )  # fmt: skip

    @schema.handler
    async def view(request: web.Request, *, query: dict[str, str]) -> web.Response:
        made: web.Response = schema.make_response([], headers={"X-Total": query["total"]})
        return made

    client = await serve(view)
    async with client.get("/?total=3") as response:
        assert (response.status, response.headers["X-Total"]) == (200, "3")
    for bad in ("x", "", "3%0D%0AX-Evil: 1", "3%00"):
        async with client.get(f"/?total={bad}") as response:
            assert response.status == 500
            assert "X-Evil" not in response.headers


@pytest.mark.parametrize(
    ("factory", "text"),
    [
        (json_response, '{"a":"é"}'),
        (web.json_response, '{"a": "\\u00e9"}'),
        (functools.partial(json_response, dumps=lambda data: "own"), "own"),
    ],
)
async def test_response_factories(serve: Any, factory: Any, text: str) -> None:
    """Any function that makes a response of data and a status will do."""

    @Schema(response=True, status=201, response_factory=factory).handler
    async def view(request: web.Request) -> dict[str, str]:
        return {"a": "é"}

    client = await serve(view)
    async with client.get("/") as response:
        assert (response.status, await response.text()) == (201, text)


async def test_no_response_factory(serve: Any) -> None:
    """Without a factory, the handler returns the checked data, for a decorator above to make a response of."""

    @Schema(response=NAME, response_factory=None).handler
    async def data(request: web.Request) -> Any:
        return {"name": "x"}

    async def view(request: web.Request) -> web.Response:
        return web.json_response([await data(request)])

    client = await serve(view)
    async with client.get("/") as response:
        assert await response.json() == [{"name": "x"}]


async def test_validate_response_log(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    """With "log", a breach is sent, and logged at ERROR."""

    @Schema(response=NAME, validate_response="log").handler
    async def view(request: web.Request) -> dict[str, int]:
        return {"name": 5}

    client = await serve(view)
    async with client.get("/") as response:
        assert (response.status, await response.json()) == (200, {"name": 5})
    assert [record.name for record in caplog.records if record.levelno >= logging.ERROR] == ["aiotoolkit.schemas"]


# Many at once


async def test_concurrent_requests(serve: Any) -> None:
    """Requests that wait for each other inside one Schema's view keep their own data."""
    barrier = asyncio.Barrier(20)
    schema = Schema(
        request={"type": "object", "properties": {"n": {"type": "integer"}, "seen": {"type": "array", "default": []}}},
        query=LIMIT,
        path={"properties": {"number": {"type": "integer"}}},
        response={"properties": {"n": {"maximum": 98}}},
    )

    @schema.handler
    async def view(request: web.Request, *, body: dict[str, Any], query: Any, path: Any) -> dict[str, Any]:
        body["seen"].append(body["n"])
        await barrier.wait()
        body["seen"].append(path["number"])
        return {**body, "limit": query["limit"]}

    client = await serve(view)

    async def ask(number: int) -> tuple[int, Any]:
        async with client.post(f"/{number}?limit={number}", json={"n": number}) as response:
            return response.status, await response.json()

    answers = await asyncio.gather(*map(ask, range(80, 100)))
    for number, (status, data) in zip(range(80, 100), answers, strict=True):
        if number == 99:
            assert status == 500
        else:
            assert (status, data) == (200, {"n": number, "seen": [number, number], "limit": number})
