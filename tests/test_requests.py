"""requests: reading JSON, forms and arguments; what the client accepts."""

import gzip
import io
import json
import uuid
import zlib
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, assert_type

import pytest
from aiohttp import FormData, web
from aiohttp.test_utils import TestClient, make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDictProxy
from pytest_aiohttp.plugin import AiohttpClient

from aiotoolkit.problems import Problem
from aiotoolkit.requests import (
    UploadedFile,
    is_xhr_request,
    prefers_html,
    query_argument,
    read_form,
    read_json,
)
from aiotoolkit.responses import json_response

JSON = {"Content-Type": "application/json"}
Client = TestClient[web.Request, web.Application]
Serve = Callable[..., Awaitable[Client]]


@pytest.fixture
def serve(aiohttp_client: AiohttpClient) -> Serve:
    """A client of an application in which ``read`` is the whole view, without any middleware."""

    async def serve(read: Callable[[web.Request], Awaitable[Any]], **options: Any) -> Client:
        async def view(request: web.Request) -> web.Response:
            return json_response(await read(request))

        app = web.Application(**options)
        app.router.add_route("*", "/", view)
        return await aiohttp_client(app)

    return serve


async def problem_of(client: Client, *args: Any, **kwargs: Any) -> tuple[int, Any]:
    """Send a request, and return the status and the problem's members (or the answer's JSON)."""
    async with client.request(*args, **kwargs) as response:
        return response.status, await response.json(content_type=None)


# --- read_json --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json; charset="UTF-8"',
        "application/json;charset=utf8",
        "application/json; profile=x",
        "application/vnd.api+json",
        "application/problem+json; charset=utf-8",
    ],
)
async def test_json_types(serve: Serve, content_type: str) -> None:
    """JSON and every +json type are read, in UTF-8."""
    client = await serve(read_json)
    body = '{"é": [1, 2.5, null]}'.encode()
    assert await problem_of(client, "POST", "/", data=body, headers={"Content-Type": content_type}) == (
        200,
        {"é": [1, 2.5, None]},
    )


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": ""},
        {"Content-Type": "application/jsonp"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "json"},
        {"Content-Type": '"";;;='},
        {"Content-Type": "text/html, application/json"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json; charset=nope"},
    ],
    ids=lambda headers: headers.get("Content-Type", "none"),
)
async def test_other_types(serve: Serve, headers: dict[str, str]) -> None:
    """Another type or charset, or none, is 415 and says what would be accepted (RFC 9110, section 15.5.16)."""
    client = await serve(read_json)
    async with client.post("/", data=b"[]", headers=headers, skip_auto_headers=["Content-Type"]) as response:
        assert response.status == 415
        assert response.headers["Accept"] == "application/json"
        assert (await response.json(content_type=None))["status"] == 415


async def test_own_types(serve: Serve) -> None:
    """An operation can name other types; +json is still taken."""
    client = await serve(lambda request: read_json(request, content_types=("text/json", "application/json")))
    for content_type in ("text/json", "application/json", "application/x+json"):
        status, _ = await problem_of(client, "POST", "/", data=b"1", headers={"Content-Type": content_type})
        assert status == 200
    async with client.post("/", data=b"1", headers={"Content-Type": "text/plain"}) as response:
        assert response.status == 415
        assert response.headers["Accept"] == "text/json, application/json"


async def test_types_are_no_text() -> None:
    """One str in the place of the types would be searched letter by letter: it is refused."""
    request = make_mocked_request("POST", "/", headers=JSON)
    with pytest.raises(TypeError, match="not one str"):
        await read_json(request, content_types="application/json")


@pytest.mark.parametrize("coding", ["br2", "x-gzip", "compress", "gzip, gzip", "identity, gzip", "*", "foo"])
async def test_unknown_content_encoding(serve: Serve, coding: str) -> None:
    """A coding that is not undone is 415 and says which would be (RFC 9110, section 15.5.16)."""
    client = await serve(read_json)
    headers = {**JSON, "Content-Encoding": coding}
    async with client.post("/", data=b"[]", headers=headers, compress=None) as response:
        assert response.status == 415
        assert response.headers["Accept-Encoding"] == "gzip, deflate"


@pytest.mark.parametrize(
    ("coding", "encode"),
    [("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)],
)
async def test_content_encoding(serve: Serve, coding: str, encode: Callable[[bytes], bytes]) -> None:
    """Compressed bodies are read."""
    client = await serve(read_json)
    assert await problem_of(
        client, "POST", "/", data=encode(b"[1, 2]"), headers={**JSON, "Content-Encoding": coding}
    ) == (200, [1, 2])


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"{", b"nul", b'{"a":1,}', b"[NaN]", b"[Infinity]", b"1e400", b"-1e400", b"1" * 5000, b"01", b"5.",
        b'"\t"', b'"\xff"', b"\xef\xbb\xbf[]", b'"\\ud800"', b'{"\\udc00":1}', '"a"'.encode("utf-16"), b"[]x", b"\x00",
    ],
    ids=lambda body: repr(body[:16]),
)  # fmt: skip
async def test_no_json(serve: Serve, body: bytes) -> None:
    """Whatever is no JSON text is 400, and nothing of it comes back."""
    client = await serve(read_json)
    status, members = await problem_of(client, "POST", "/", data=body, headers=JSON)
    assert status == 400
    assert members == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "The body is not JSON text in UTF-8.",
    }


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
async def test_depth(serve: Serve, opening: str, closing: str) -> None:
    """64 levels are read, 65 are 400, and so are 200,000."""
    client = await serve(read_json)
    for depth, expected in ((64, 200), (65, 400), (150_000, 400)):
        body = (opening * depth + "1" + closing * depth).encode()
        status, members = await problem_of(client, "POST", "/", data=body, headers=JSON)
        assert status == expected
        if expected == 400:
            assert members["detail"] == "The JSON body is nested deeper than 64 levels."


@pytest.mark.parametrize(("limit", "body", "expected"), [(0, b"1", 200), (0, b"[]", 400), (2, b"[[1]]", 200)])
async def test_own_depth(serve: Serve, limit: int, body: bytes, expected: int) -> None:
    """An operation sets its own limit, down to no container at all."""
    client = await serve(lambda request: read_json(request, max_depth=limit))
    assert (await problem_of(client, "POST", "/", data=body, headers=JSON))[0] == expected


async def test_unlimited_depth(serve: Serve) -> None:
    """Where the limit is beyond what the decoder follows, the decoder's own limit is a 400 too."""
    client = await serve(lambda request: read_json(request, max_depth=10**6))
    body = b"[" * 200_000 + b"]" * 200_000
    assert (await problem_of(client, "POST", "/", data=body, headers=JSON))[0] == 400


async def test_own_decoder(serve: Serve) -> None:
    """Another decoder is given the bytes; its ValueError is 400."""

    def loads(body: bytes) -> Any:
        return json.loads(body, parse_float=lambda text: f"decimal {text}")

    client = await serve(lambda request: read_json(request, loads=loads))
    assert await problem_of(client, "POST", "/", data=b"[1.10]", headers=JSON) == (200, ["decimal 1.10"])
    assert (await problem_of(client, "POST", "/", data=b"[", headers=JSON))[0] == 400


@pytest.mark.extra("msgspec")
async def test_msgspec_struct(serve: Serve) -> None:
    """A typed decoder of msgspec fits as it is: what breaks its type is 400."""
    import msgspec

    decoder = msgspec.json.Decoder(dict[str, int])
    client = await serve(lambda request: read_json(request, loads=decoder.decode))
    assert await problem_of(client, "POST", "/", data=b'{"a":1}', headers=JSON) == (200, {"a": 1})
    assert (await problem_of(client, "POST", "/", data=b'{"a":"x"}', headers=JSON))[0] == 400


async def test_too_large(serve: Serve) -> None:
    """More bytes than client_max_size are 413, compressed ones are counted as they come out."""
    client = await serve(read_json, client_max_size=1000)
    assert (await client.post("/", data=b'"' + b"x" * 998 + b'"', headers=JSON)).status == 200
    assert (await client.post("/", data=b'"' + b"x" * 999 + b'"', headers=JSON)).status == 413
    bomb = gzip.compress(b" " * 10_000_000)
    assert (await client.post("/", data=bomb, headers={**JSON, "Content-Encoding": "gzip"})).status == 413


async def test_read_twice(serve: Serve) -> None:
    """A body can be read again: by a middleware and the view, say. Both get data of their own."""

    async def twice(request: web.Request) -> Any:
        await request.read()
        first, second = await read_json(request), await read_json(request)
        first.append(2)
        return second

    client = await serve(twice)
    assert await problem_of(client, "POST", "/", data=b"[1]", headers=JSON) == (200, [1])


# --- read_form --------------------------------------------------------------------------------------------------------


async def shown(request: web.Request) -> list[Any]:
    """The fields of a form, files as what is known of them."""
    form = assert_type(await read_form(request), MultiDictProxy[str | UploadedFile])
    return [
        [name, value if isinstance(value, str) else [value.filename, value.content_type, value.size]]
        for name, value in form.items()
    ]


async def test_urlencoded(serve: Serve) -> None:
    """A form is read with repeated names, blank values, + and percent escapes, in order."""
    client = await serve(shown)
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
    body = "a=1&b=x+y&a=%C3%A9&c=&d&é=ü&bad=%FF".encode()
    assert await problem_of(client, "POST", "/", data=body, headers=headers) == (
        200,
        [["a", "1"], ["b", "x y"], ["a", "é"], ["c", ""], ["d", ""], ["é", "ü"], ["bad", "\ufffd"]],
    )
    assert await problem_of(client, "POST", "/", data=b"", headers=headers) == (200, [])


async def test_multipart(serve: Serve) -> None:
    """Text and files are read, in order, with repeated names."""
    client = await serve(shown)
    data = FormData()
    data.add_field("text", "é")
    data.add_field("text", "2")
    data.add_field("file", b"content", filename="photo.png", content_type="image/png")
    data.add_field("file", b"", filename="empty", content_type="text/plain")
    assert await problem_of(client, "POST", "/", data=data) == (
        200,
        [["text", "é"], ["text", "2"], ["file", ["photo.png", "image/png", 7]], ["file", ["empty", "text/plain", 0]]],
    )


async def test_file_content(serve: Serve) -> None:
    """A file is open at its start; a large one is on disk; all are closed with the request."""
    files: list[UploadedFile] = []

    async def read(request: web.Request) -> list[Any]:
        form = await read_form(request)
        files.extend(value for value in form.values() if isinstance(value, UploadedFile))
        again = await read_form(request)
        assert [value.size for value in again.values() if isinstance(value, UploadedFile)] == [3, 5_000_000]
        return [[len(file.file.read()), file.file.fileno() > 0 if file.size > 1_000_000 else None] for file in files]

    client = await serve(read, client_max_size=10_000_000)
    data = FormData()
    data.add_field("small", b"abc", filename="a")
    data.add_field("large", io.BytesIO(b"x" * 5_000_000), filename="b")
    assert await problem_of(client, "POST", "/", data=data) == (200, [[3, None], [5_000_000, True]])
    assert [file.file.closed for file in files] == [True, True]


def multipart(*parts: tuple[str, bytes]) -> bytes:
    """A multipart body of (headers, content)."""
    return b"".join(b"--b\r\n" + head.encode() + b"\r\n\r\n" + body + b"\r\n" for head, body in parts) + b"--b--\r\n"


MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}


@pytest.mark.parametrize(
    ("sent", "filename"),
    [
        (r'filename="C:\\Users\\ann\\photo.png"', "photo.png"),
        ('filename="../../etc/passwd"', "passwd"),
        ('filename="/etc/passwd"', "passwd"),
        ("filename*=UTF-8''..%2F..%2F%C3%A9.txt", "é.txt"),
        ('filename="é.txt"', "é.txt"),
        ('filename="dir/"', ""),
    ],
)
async def test_file_names(serve: Serve, sent: str, filename: str) -> None:
    """Of a file's name only the last part counts, in the manner of any system (RFC 7578, section 4.2)."""
    client = await serve(shown)
    body = multipart((f'Content-Disposition: form-data; name="f"; {sent}', b"abc"))
    assert await problem_of(client, "POST", "/", data=body, headers=MULTIPART) == (
        200,
        [["f", [filename, "application/octet-stream", 3]]],
    )


@pytest.mark.parametrize("content_type", ["", "\r\nContent-Type: application/octet-stream"])
async def test_empty_file_input(serve: Serve, content_type: str) -> None:
    """A file input that was left empty is no file; without a type of its own it is an empty text."""
    client = await serve(shown)
    body = multipart((f'Content-Disposition: form-data; name="f"; filename=""{content_type}', b""))
    assert await problem_of(client, "POST", "/", data=body, headers=MULTIPART) == (
        200,
        [] if content_type else [["f", ""]],
    )


async def test_typed_text(serve: Serve) -> None:
    """A part with a media type and no file name is text, if it is UTF-8."""
    client = await serve(shown)
    head = 'Content-Disposition: form-data; name="a"\r\nContent-Type: application/json'
    assert await problem_of(client, "POST", "/", data=multipart((head, "é".encode())), headers=MULTIPART) == (
        200,
        [["a", "é"]],
    )
    assert (await problem_of(client, "POST", "/", data=multipart((head, b"\xff")), headers=MULTIPART))[0] == 400


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "",
        "text/plain",
        "multipart/mixed; boundary=b",
        "application/x-www-form-urlencoded; charset=x",
    ],
)
async def test_no_form_type(serve: Serve, content_type: str) -> None:
    """Another type or charset is 415 and names both types of forms."""
    client = await serve(shown)
    async with client.post("/", data=b"a=1", headers={"Content-Type": content_type}) as response:
        assert response.status == 415
        assert response.headers["Accept"] == "application/x-www-form-urlencoded, multipart/form-data"


@pytest.mark.parametrize("kind", ["urlencoded", "multipart"])
async def test_too_much_form(serve: Serve, kind: str) -> None:
    """Too many fields, and too many bytes, are 413."""
    client = await serve(shown, client_max_size=200_000)
    field = 'Content-Disposition: form-data; name="a"'
    if kind == "urlencoded":
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        many, large = b"&".join([b"a=1"] * 1001), b"a=" + b"x" * 200_000
    else:
        headers = MULTIPART
        many, large = multipart(*[(field, b"1")] * 1001), multipart((field, b"x" * 200_000))
    for body in (many, large):
        assert (await client.post("/", data=body, headers=headers)).status == 413


# --- query_argument ---------------------------------------------------------------------------------------------------


def query(text: str) -> web.Request:
    return make_mocked_request("GET", f"/?{text}")


def refused(text: str, *args: Any) -> Any:
    """The error of an argument, in the shape that it is answered with."""
    with pytest.raises(Problem) as caught:
        query_argument(query(text), "n", *args)
    members = caught.value.to_dict()
    (error,) = members["errors"]
    assert (members["status"], members["detail"]) == (400, "The query is not valid.")
    assert (error["in"], error["name"]) == ("query", "n")
    return error["detail"]


def test_types() -> None:
    """Each overload gives its own type."""
    request = query("n=1&b=true&f=1.5&s=%C3%A9+x&u=12345678123456781234567812345678&d=1.10")
    assert assert_type(query_argument(request, "s"), str) == "é x"
    assert assert_type(query_argument(request, "n", int), int) == 1
    assert assert_type(query_argument(request, "n", float), float) == 1.0
    assert type(query_argument(request, "n", float)) is float
    assert assert_type(query_argument(request, "f", float), float) == 1.5
    assert assert_type(query_argument(request, "b", bool), bool) is True
    assert assert_type(query_argument(request, "u", uuid.UUID), uuid.UUID).int
    assert query_argument(request, "d", Decimal) == Decimal("1.10")
    assert assert_type(query_argument(request, "x", default=None), str | None) is None
    assert assert_type(query_argument(request, "x", int, None), int | None) is None
    assert assert_type(query_argument(request, "x", int, 20), int) == 20
    assert assert_type(query_argument(request, "n", int, default="none"), int | str) == 1
    assert query_argument(request, "n", type=lambda text: text * 2) == "11"


@pytest.mark.parametrize(
    "text",
    ["1_0", "%D9%A1", "01", "%2B1", "+1", "1.0", "", "x", "9223372036854775808", "1%00", "1%0A", "0x1", "9" * 5000],
)
def test_no_integer(text: str) -> None:
    """An integer is ASCII digits, and fits 64 bits."""
    assert refused(f"n={text}", int) == "must be an integer of at most 64 bits"


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "1e400", "1_0.5", ".5", "", "1,5"])
def test_no_number(text: str) -> None:
    """A float is finite, in JSON's grammar."""
    assert refused(f"n={text}", float) == "must be a number"


@pytest.mark.parametrize("text", ["1", "0", "True", "yes", "on", ""])
def test_no_boolean(text: str) -> None:
    """A boolean is true or false."""
    assert refused(f"n={text}", bool) == "must be true or false"


def test_missing() -> None:
    """An argument without a default is required; a blank one is there."""
    assert refused("m=1") == "is required"
    assert refused("", int) == "is required"
    assert query_argument(query("n="), "n") == ""
    assert query_argument(query("n"), "n", default="x") == ""


@pytest.mark.parametrize("default", [None, 0, "", [], ...])
def test_default(default: object) -> None:
    """Any default is returned as it is, and never converted."""
    assert query_argument(query(""), "n", int, default) is default


def test_bad_text_is_not_the_default() -> None:
    """Unlike Flask's args.get, bad text is an error where there is a default, too."""
    assert refused("n=x", int, 20) == "must be an integer of at most 64 bits"
    assert refused("n=", int, None) == "must be an integer of at most 64 bits"


def test_given_twice() -> None:
    """An argument that is given twice is an error: proxies and servers do not agree on which one counts."""
    assert refused("n=1&n=1", int) == "must be given once"
    assert refused("n=1&n=2", int, 3) == "must be given once"


@pytest.mark.parametrize(("convert", "text"), [(uuid.UUID, "x"), (Decimal, "x"), (lambda text: 1 // int(text), "0")])
def test_own_type(convert: Callable[[str], Any], text: str) -> None:
    """What a callable says about the text stays in the log: the client learns that it is not valid."""
    assert refused(f"n={text}", convert) == "is not valid"


def test_bug_in_own_type() -> None:
    """A callable that cannot be called with a text is the application's bug, not the client's."""

    def convert() -> int:
        return 1

    with pytest.raises(TypeError, match="positional argument"):
        query_argument(query("n=1"), "n", convert)  # type: ignore[arg-type]  # the mistake under test


@given(st.text(st.characters(codec="utf-8")))
def test_any_text(text: str) -> None:
    """Any text comes through as it was sent."""
    request = make_mocked_request("GET", "/")
    request = request.clone(rel_url=request.rel_url.with_query({"n": text}))
    assert query_argument(request, "n") == text


async def test_argument_error_body(serve: Serve) -> None:
    """The client learns where the mistake is, and gets back nothing that it sent."""

    async def view(request: web.Request) -> int:
        return query_argument(request, "limit", int, 20)

    client = await serve(view)
    assert await problem_of(client, "GET", "/") == (200, 20)
    assert await problem_of(client, "GET", "/?limit=<script>") == (
        400,
        {
            "type": "about:blank",
            "title": "Bad Request",
            "status": 400,
            "detail": "The query is not valid.",
            "errors": [{"detail": "must be an integer of at most 64 bits", "in": "query", "name": "limit"}],
        },
    )


# --- what the client is and accepts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Requested-With": "XMLHttpRequest"}, True),
        ({"x-requested-with": "xmlhttprequest"}, True),
        ({"X-Requested-With": "com.android.browser"}, False),
        ({"X-Requested-With": ""}, False),
        ({}, False),
    ],
)
def test_xhr(headers: dict[str, str], expected: bool) -> None:
    """A script that says so with X-Requested-With is one."""
    assert assert_type(is_xhr_request(make_mocked_request("GET", "/", headers=headers)), bool) is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], False),
        (["*/*"], False),
        (["text/html,application/xhtml+xml,*/*;q=0.8"], True),
        (["text/html;q=0.9", "application/json"], False),
        (["application/json;q=0.5", "text/html"], True),
    ],
)
def test_prefers_html(values: list[str], expected: bool) -> None:
    """All Accept headers of a request count as one list."""
    request = make_mocked_request("GET", "/", headers=[("Accept", value) for value in values])
    assert assert_type(prefers_html(request), bool) is expected
