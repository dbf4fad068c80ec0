"""responses: JSON answers."""

import functools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any, assert_type

import pytest
from aiohttp import web
from multidict import CIMultiDict
from pytest_aiohttp.plugin import AiohttpClient

from aiotoolkit.responses import NO_BODY, json_response


def application(make: Callable[[], web.StreamResponse]) -> web.Application:
    async def view(request: web.Request) -> web.StreamResponse:
        return make()

    app = web.Application()
    app.router.add_get("/", view)
    return app


async def test_data(aiohttp_client: AiohttpClient) -> None:
    """Data are sent as UTF-8 without a charset, which the media type does not have."""
    response = assert_type(json_response({"é": [1, None, "</a>"]}), web.Response)
    assert response.headers["Content-Type"] == "application/json"
    client = await aiohttp_client(application(lambda: json_response({"é": [1, None, "</a>"]})))
    answer = await client.get("/")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert await answer.read() == '{"é":[1,null,"</a>"]}'.encode()


def test_none_is_null() -> None:
    """None is JSON's null; no data is no body."""
    assert json_response(None).body == b"null"
    assert json_response().body is None
    assert json_response(NO_BODY).body is None
    assert repr(NO_BODY) == "NO_BODY"


async def test_no_body(aiohttp_client: AiohttpClient) -> None:
    """Without data there is neither a body nor a type of one."""
    client = await aiohttp_client(application(lambda: json_response(status=204, headers={"X-A": "1"})))
    answer = await client.get("/")
    assert answer.status == 204
    assert "Content-Type" not in answer.headers
    assert answer.headers["X-A"] == "1"
    assert await answer.read() == b""


@pytest.mark.parametrize("status", [204, 205, 304])
def test_status_without_body(status: int) -> None:
    """Data for a status that has no body are refused: null too, for it would be sent."""
    nothing: list[Any] = [{}, None]
    for data in nothing:
        with pytest.raises(ValueError, match=rf"status {status} has no body: call json_response\(status={status}\)"):
            json_response(data, status=status)
    assert json_response(status=status).status == status


def test_options() -> None:
    """Status, headers and media type are as given; the caller's headers do not change."""
    headers = CIMultiDict([("X-A", "1"), ("X-A", "2"), ("content-type", "text/plain")])
    response = json_response([], status=201, headers=headers, content_type="application/vnd.api+json")
    assert response.status == 201
    assert response.headers.getall("X-A") == ["1", "2"]
    assert response.headers.getall("Content-Type") == ["application/vnd.api+json"]
    assert headers["Content-Type"] == "text/plain"


async def test_foreign_content_length(aiohttp_client: AiohttpClient) -> None:
    """A Content-Length that came along with other headers does not make the client wait for bytes that never come."""
    client = await aiohttp_client(application(lambda: json_response([1], headers={"Content-Length": "999"})))
    answer = await client.get("/")
    assert answer.headers["Content-Length"] == "3"
    assert await answer.json() == [1]


@pytest.mark.parametrize("data", [{}, NO_BODY])
def test_bad_headers(data: Any) -> None:
    """Headers that could not be sent are refused at once, with a body or without."""
    with pytest.raises(ValueError, match="'X-A' holds a control character"):
        json_response(data, headers={"X-A": "a\r\nSet-Cookie: b"})
    with pytest.raises(TypeError, match="'Retry-After' must be a str, not int"):
        json_response(data, headers={"Retry-After": 3})  # type: ignore[arg-type]  # the mistake under test


def test_bad_content_type() -> None:
    """A media type with a control character is refused, too."""
    with pytest.raises(ValueError, match="'Content-Type' holds a control character"):
        json_response({}, content_type="application/json\r\nX: y")


@pytest.mark.parametrize("data", [{}, NO_BODY])
@pytest.mark.parametrize("headers", [5, "ab", {1: "x"}])
def test_no_headers(data: Any, headers: Any) -> None:
    """What are no headers is named as that."""
    with pytest.raises(TypeError, match="headers= takes a mapping"):
        json_response(data, headers=headers)
    with pytest.raises(ValueError, match="'X A' is not the name of a header"):
        json_response(data, headers={"X A": "1"})


@pytest.mark.parametrize("data", [{}, NO_BODY])
def test_bad_status(data: Any) -> None:
    """A status that no final response has is refused; HTTPStatus is fine."""
    statuses: list[Any] = [True, None, "200", 200.0]
    for status in statuses:
        with pytest.raises(TypeError, match=f"is an int, not {type(status).__name__}"):
            json_response(data, status=status)
    for status in (-1, 0, 101, 199, 600):
        with pytest.raises(ValueError, match=f"200 to 599, not {status}"):
            json_response(data, status=status)
    assert json_response(data, status=HTTPStatus.CREATED).status == 201


@pytest.mark.parametrize("content_type", ["", "json", "application/", " application/json"])
def test_no_content_type(content_type: str) -> None:
    """What is no media type is refused; one with parameters is fine."""
    with pytest.raises(ValueError, match="content_type= must be a media type"):
        json_response({}, content_type=content_type)
    with pytest.raises(TypeError, match="'Content-Type' must be a str, not NoneType"):
        json_response({}, content_type=None)  # type: ignore[arg-type]  # the mistake under test
    assert json_response({}, content_type='application/json; profile="a"').body == b"{}"


def test_no_encoder() -> None:
    """An encoder that cannot be called is named."""
    with pytest.raises(TypeError, match="dumps= must be a function of the data, not str"):
        json_response({}, dumps="orjson")  # type: ignore[arg-type]  # the mistake under test


@pytest.mark.parametrize("dumps", [None, functools.partial(json.dumps, ensure_ascii=False)])
def test_lone_surrogate(dumps: Any) -> None:
    """Half of a character is an error that says so, and neither shows nor carries the data."""
    with pytest.raises(ValueError, match="The data hold a lone surrogate") as caught:
        json_response({"password": "secret\udcff"}, dumps=dumps)
    assert "secret" not in str(caught.value)
    assert not isinstance(caught.value, UnicodeEncodeError)


@pytest.mark.parametrize("data", [float("nan"), {"a": [float("inf")]}, Decimal("NaN")])
def test_not_finite(data: Any) -> None:
    """A number that JSON does not have is an error, and not null."""
    with pytest.raises(ValueError, match="NaN or an infinity"):
        json_response(data)


@pytest.mark.parametrize("result", ['{"é":1}', '{"é":1}'.encode()])
def test_own_encoder(result: str | bytes) -> None:
    """Another encoder is given plain data, and returns text or bytes."""
    seen = []

    def encode(data: Any) -> str | bytes:
        seen.append(data)
        return result

    response = json_response({"when": datetime(2026, 1, 2, tzinfo=UTC), "tags": ("a",)}, dumps=encode)
    assert seen == [{"when": "2026-01-02T00:00:00+00:00", "tags": ["a"]}]
    assert response.body == '{"é":1}'.encode()


def test_application_wide_encoder() -> None:
    """functools.partial makes an application's own json_response."""
    indented = functools.partial(json_response, dumps=functools.partial(json.dumps, indent=2))
    assert indented([1]).body == b"[\n  1\n]"


@pytest.mark.parametrize("result", [None, 1, {"a": 1}])
def test_encoder_that_returns_nothing(result: Any) -> None:
    """An encoder that returns neither text nor bytes is an error, and not an empty body."""
    with pytest.raises(TypeError, match=rf"dumps= must return str or bytes, not {type(result).__name__}"):
        json_response({}, dumps=lambda data: result)


@pytest.mark.extra("msgspec")
def test_msgspec_encoder() -> None:
    """msgspec's encoder fits as it is, and writes the same values."""
    import msgspec

    data = {"price": Decimal("1.10"), "when": datetime(2026, 1, 2, tzinfo=UTC)}
    assert json_response(data, dumps=msgspec.json.encode).body == json_response(data).body
