"""problems: RFC 9457 problem details, built, raised and rendered."""

import http
import json
from typing import Any

import jsonschema
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp.plugin import AiohttpClient

from aiotoolkit.problems import PROBLEM_SCHEMA, Problem, default_title, problem_response

from .raw import raw_request, read_response, served

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


class SlugExists(Problem):
    status_code = 409
    type = "https://api.example.com/problems/slug-exists"
    title = "The slug exists"


def application(handler: Any) -> web.Application:
    app = web.Application()
    app.router.add_get("/", handler)
    return app


def document(problem: Problem) -> dict[str, Any]:
    """The JSON document of a problem, checked against the published schema."""
    assert isinstance(problem.body, bytes)
    members: dict[str, Any] = json.loads(problem.body)
    jsonschema.validate(members, PROBLEM_SCHEMA)
    return members


async def test_raised_in_any_application(aiohttp_client: AiohttpClient) -> None:
    """A raised problem is a whole answer, without any middleware."""

    async def view(request: web.Request) -> web.Response:
        raise SlugExists(detail="Choose another slug.", slug="a/b", headers={"X-A": "1"})

    client = await aiohttp_client(application(view))
    response = await client.get("/")
    assert response.status == 409
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["X-A"] == "1"
    assert await response.json(content_type=None) == {
        "type": "https://api.example.com/problems/slug-exists",
        "title": "The slug exists",
        "status": 409,
        "detail": "Choose another slug.",
        "slug": "a/b",
    }


async def test_head(aiohttp_client: AiohttpClient) -> None:
    """HEAD gets the head of the same answer, and no body."""

    async def view(request: web.Request) -> web.Response:
        raise Problem(404)

    client = await aiohttp_client(application(view))
    head, get = await client.head("/"), await client.get("/")
    assert head.status == 404
    assert await head.read() == b""
    assert head.headers["Content-Length"] == str(len(await get.read()))


def test_members() -> None:
    """Members that are not given are left out; the rest is in the order of the RFC."""
    assert document(Problem(404)) == {"type": "about:blank", "title": "Not Found", "status": 404}
    full = Problem(
        422, "No.", type="/p", title="T", instance="/i", errors=[{"detail": "d", "in": "body", "pointer": "#/a"}], n=1
    )
    assert list(document(full)) == ["type", "title", "status", "detail", "instance", "errors", "n"]
    assert full.text == full.body.decode() if isinstance(full.body, bytes) else False
    assert str(full) == "422 T: No."
    assert str(Problem(404)) == "404 Not Found"


def test_subclass() -> None:
    """A subclass sets status, type and title; arguments win over it; the class itself can be raised."""
    with pytest.raises(SlugExists) as caught:
        raise SlugExists
    assert document(caught.value)["status"] == 409
    changed = SlugExists(status=410, type="/other", title="Other")
    assert (changed.status, changed.type, changed.title) == (410, "/other", "Other")
    assert (SlugExists.status_code, SlugExists.type, SlugExists.title) == (
        409,
        "https://api.example.com/problems/slug-exists",
        "The slug exists",
    )


TITLES = {
    400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout",
    409: "Conflict", 410: "Gone", 411: "Length Required", 412: "Precondition Failed", 413: "Content Too Large",
    414: "URI Too Long", 415: "Unsupported Media Type", 416: "Range Not Satisfiable", 417: "Expectation Failed",
    421: "Misdirected Request", 422: "Unprocessable Content", 423: "Locked", 424: "Failed Dependency",
    425: "Too Early", 426: "Upgrade Required", 428: "Precondition Required", 429: "Too Many Requests",
    431: "Request Header Fields Too Large", 451: "Unavailable For Legal Reasons", 499: "Client Error",
    500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Gateway Timeout", 505: "HTTP Version Not Supported", 599: "Server Error",
}  # fmt: skip


@pytest.mark.parametrize(("status", "title"), TITLES.items())
def test_titles(status: int, title: str) -> None:
    """A status has one title on every Python, whatever name HTTPStatus has for it there."""
    assert default_title(status) == title
    assert document(Problem(status))["title"] == title


@pytest.mark.parametrize("status", [200, 399, 600, 0, -1])
def test_bad_status(status: int) -> None:
    """Only 400 to 599 are errors."""
    with pytest.raises(ValueError, match=rf"400 to 599, not {status}"):
        Problem(status)


@pytest.mark.parametrize("status", ["404", "The name is missing.", 404.0, True, object])
def test_no_status(status: Any) -> None:
    """A text in the place of the status is a detail that lost its keyword, and the error says so."""
    with pytest.raises(TypeError, match="a text is given as detail="):
        Problem(status)


def test_status_is_needed() -> None:
    """Without a status, from a class or an argument, there is no problem."""
    with pytest.raises(ValueError, match=r"^Problem has no status: give one, or set status_code in the subclass"):
        Problem()
    with pytest.raises(ValueError, match=r"^Problem has no status"):
        Problem(None, "A detail.")
    assert document(Problem(http.HTTPStatus.NOT_FOUND))["status"] == 404


def test_errors_are_capped() -> None:
    """Of 10,000 errors, 20 are shown."""
    problem = Problem(422, errors=[{"detail": str(number)} for number in range(10_000)])
    assert [error["detail"] for error in document(problem)["errors"]] == [str(number) for number in range(20)]
    assert len(problem.errors) == 20


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"detail": ValueError("x")}, TypeError, "detail is a str, not ValueError"),
        ({"detail": 5}, TypeError, "detail is a str, not int"),
        ({"title": ["T"]}, TypeError, "title is a str, not list"),
        ({"type": 1}, TypeError, "type is a str, not int"),
        ({"instance": b"/"}, TypeError, "instance is a str, not bytes"),
        ({"errors": {"detail": "x"}}, TypeError, "errors are a list of mappings"),
        ({"errors": "text"}, TypeError, "errors are a list of mappings"),
        ({"errors": ["text"]}, TypeError, "a mapping with a detail"),
        ({"errors": [{"pointer": "#/a"}]}, TypeError, "a mapping with a detail"),
        ({"extension": object()}, TypeError, "object cannot be written as JSON"),
        ({"extension": float("nan")}, ValueError, "NaN"),
        ({"headers": {"X-A": "a\r\nSet-Cookie: b"}}, ValueError, "'X-A' holds a control character"),
        ({"headers": {"X-A\n": "a"}}, ValueError, "is not the name of a header"),
        ({"headers": {"X A": "a"}}, ValueError, "'X A' is not the name of a header"),
        ({"headers": 5}, TypeError, "headers= takes a mapping of str to str, or a list of such pairs, not this int"),
        ({"errors": 5}, TypeError, "errors are a list of mappings, not int"),
        ({"errors": None}, TypeError, "errors are a list of mappings, not NoneType"),
        ({"errors": {"a"}}, TypeError, "errors are a list of mappings, not set"),
        ({"errors": iter(())}, TypeError, "errors are a list of mappings, not tuple_iterator"),
        ({"headers": {"Retry-After": 30}}, TypeError, "'Retry-After' must be a str, not int"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    """What could not be sent is an error where it is written, raised or returned."""
    with pytest.raises(error, match=message):
        Problem(400, **arguments)
    with pytest.raises(error, match=message):
        problem_response(400, **arguments)


@pytest.mark.parametrize("headers", [{"content-type": "text/plain"}, {"CONTENT-LENGTH": "5"}])
def test_body_headers_are_ours(headers: dict[str, str]) -> None:
    """Headers that describe the body are the problem's own."""
    for response in (Problem(400, headers=headers), problem_response(400, headers=headers)):
        assert response.headers.getall("Content-Type") == ["application/problem+json"]
        assert "Content-Length" not in response.headers


def test_caller_keeps_headers() -> None:
    """The caller's headers do not change."""
    headers = {"Content-Type": "text/plain", "X-A": "1"}
    Problem(400, headers=headers)
    assert headers == {"Content-Type": "text/plain", "X-A": "1"}


def test_response_without_request() -> None:
    """Without a request, the response is JSON for everyone."""
    response = problem_response(429, "Slow down.", headers={"Retry-After": "30"}, type="/slow", limit=5)
    assert response.status == 429
    assert response.headers["Retry-After"] == "30"
    assert "Vary" not in response.headers
    assert json.loads(response.body or b"") == {  # type: ignore[arg-type]  # a body of bytes
        "type": "/slow",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "Slow down.",
        "limit": 5,
    }


def test_response_for_a_browser() -> None:
    """With a request, a browser gets an HTML page in which nothing is markup that should be text."""
    response = problem_response(
        400,
        "<script>alert(1)</script>",
        request=make_mocked_request("GET", "/", headers=BROWSER),
        title='<b>"T"</b>',
        errors=[{"detail": "<i>", "in": "query", "name": "<n>"}, {"detail": "no place"}],
        secret="<hidden>",
    )
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Vary"] == "Accept"
    assert isinstance(response.body, bytes)
    page = response.body.decode()
    for tag in ("<script", "<b>", "<i>", "<n>", "hidden"):
        assert tag not in page
    assert "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>" in page
    assert "<li>query &lt;n&gt;: &lt;i&gt;</li>" in page
    assert "<li>no place</li>" in page


@pytest.mark.parametrize("accept", [None, "*/*", "application/json"])
def test_response_for_programs(accept: str | None) -> None:
    """With a request, everyone else gets JSON; caches are told what it depends on."""
    headers = {} if accept is None else {"Accept": accept}
    response = problem_response(404, request=make_mocked_request("GET", "/", headers=headers))
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Vary"] == "Accept"


@pytest.mark.parametrize(
    ("vary", "result"),
    [("Origin", ["Origin", "Accept"]), ("accept", ["accept"]), ("*", ["*"]), ("Origin, Accept", ["Origin, Accept"])],
)
def test_vary_is_kept(vary: str, result: list[str]) -> None:
    """A Vary header of the caller stays, and names Accept once."""
    response = problem_response(404, headers={"Vary": vary}, request=make_mocked_request("GET", "/"))
    assert response.headers.getall("Vary") == result


texts = st.text(max_size=20)


@given(
    st.integers(400, 599),
    st.none() | texts,
    st.lists(st.fixed_dictionaries({"detail": texts}, optional={"name": texts, "in": st.just("query")}), max_size=30),
    st.dictionaries(st.sampled_from(["a", "b", "balance"]), st.none() | texts | st.integers() | st.lists(texts)),
)
def test_what_is_rendered_fits_the_schema(
    status: int, detail: str | None, errors: list[dict[str, str]], extensions: dict[str, Any]
) -> None:
    """PROBLEM_SCHEMA accepts every document, whatever texts and extensions it has."""
    members = document(Problem(status, detail, errors=errors, **extensions))
    assert members.get("detail") == detail
    assert {name: members[name] for name in extensions} == extensions


def test_schema_refuses() -> None:
    """PROBLEM_SCHEMA says no to what is no problem."""
    jsonschema.Draft202012Validator.check_schema(PROBLEM_SCHEMA)
    good = {"type": "about:blank", "title": "T", "status": 400}
    for bad in ({}, {**good, "status": 200}, {**good, "detail": 1}, {**good, "errors": [{}]}, {**good, "errors": [1]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, PROBLEM_SCHEMA)


LONE = "bad \udcff"


@pytest.mark.parametrize(
    "members",
    [{"detail": LONE}, {"title": LONE}, {"errors": [{"detail": LONE}]}, {"type": LONE}, {"n": [LONE]}],
    ids=["detail", "title", "errors", "type", "extension"],
)
async def test_lone_surrogates(aiohttp_client: AiohttpClient, members: dict[str, Any]) -> None:
    """What UTF-8 cannot encode is replaced, in JSON as in HTML, raised or returned."""

    async def view(request: web.Request) -> web.Response:
        if "raise" in request.query:
            raise Problem(400, **members)
        return problem_response(400, **members, request=request)

    client = await aiohttp_client(application(view))
    for path in ("/", "/?raise=1"):
        response = await client.get(path)
        assert response.status == 400
        assert '"bad ?"' in await response.text()
        json.loads(await response.read())
    response = await client.get("/", headers=BROWSER)
    assert response.status == 400
    assert response.content_type == "text/html"
    shown = members.keys().isdisjoint({"type", "n"})
    assert ("bad ?" in await response.text()) is shown


async def test_raw_byte_of_a_header_in_a_detail() -> None:
    """A raw byte that a client sent may go into a detail: the answer is the problem, and not a 500."""

    async def view(request: web.Request) -> web.Response:
        raise Problem(400, f"bad {request.headers['X-Raw']}")

    async with served(application(view)) as server:
        response = await read_response(server, raw_request("GET", "/", headers=[("X-Raw", b"\xff")]))
    assert response.status == 400
    assert json.loads(response.body)["detail"] == "bad ?"


@pytest.mark.parametrize("value", [5, None, "text", {"a": 1}, [1, 2], ("a",)])
def test_extension_named_traceback(value: Any) -> None:
    """An extension may have the name of the debug member, whatever it holds: HTML shows a list of text only."""
    request = make_mocked_request("GET", "/", headers=BROWSER)
    response = problem_response(400, traceback=value, request=request)
    assert response.content_type == "text/html"
    assert b"<pre>" not in (response.body or b"")  # type: ignore[operator]  # a body of bytes
    listed = problem_response(400, traceback=["a <b>"], request=request)
    assert b"<pre>a &lt;b&gt;</pre>" in (listed.body or b"")  # type: ignore[operator]  # a body of bytes


@pytest.mark.parametrize("request_", [5, "GET", {}])
def test_no_request(request_: Any) -> None:
    """What is no request cannot say which form the client prefers."""
    with pytest.raises(
        TypeError, match=f"request= must be the request that is answered, not {type(request_).__name__}"
    ):
        problem_response(400, request=request_)
