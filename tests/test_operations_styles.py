"""Every place and style of parameters, as OpenAPI documents say them, over a real connection."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiotoolkit.openapi import InvalidDocumentError, OperationTable, setup_operations
from tests.operations import document, echo_app

ARRAY = {"type": "array", "items": {"type": "integer"}}
OBJECT = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


def parameter(where: str, schema: Any, **members: Any) -> dict[str, Any]:
    return {"name": "x", "in": where, "required": True, "schema": schema, **members}


def app_of(*parameters: dict[str, Any]) -> web.Application:
    path = "/x/{x}" if any(each["in"] == "path" for each in parameters) else "/x"
    return echo_app(document({path: {"get": {"operationId": "echo", "parameters": list(parameters)}}}))


QUERY = [
    ("form", True, {"type": "integer"}, "x=1", 1),
    ("form", True, ARRAY, "x=1&x=2", [1, 2]),
    ("form", False, ARRAY, "x=1,2", [1, 2]),
    ("spaceDelimited", False, ARRAY, "x=1%202", [1, 2]),
    ("pipeDelimited", False, ARRAY, "x=1%7C2", [1, 2]),
    ("form", True, OBJECT, "a=1&b=z", {"a": 1, "b": "z"}),
    ("form", False, OBJECT, "x=a,1,b,z", {"a": 1, "b": "z"}),
    ("spaceDelimited", False, OBJECT, "x=a%201%20b%20z", {"a": 1, "b": "z"}),
    ("pipeDelimited", False, OBJECT, "x=a%7C1", {"a": 1}),
    ("deepObject", True, OBJECT, "x%5Ba%5D=1&x%5Bb%5D=z", {"a": 1, "b": "z"}),
    ("deepObject", None, OBJECT, "x[a]=1", {"a": 1}),
]


@pytest.mark.parametrize(("style", "explode", "schema", "query", "expected"), QUERY)
async def test_query(
    aiohttp_client: AiohttpClient, style: str, explode: bool | None, schema: Any, query: str, expected: Any
) -> None:
    """Each style of the query gives the same data as the tables of the specification."""
    words = {"style": style} if explode is None else {"style": style, "explode": explode}
    client = await aiohttp_client(app_of(parameter("query", schema, **words)))
    async with client.get(f"/x?{query}") as response:
        assert (response.status, await response.json()) == (200, {"query": {"x": expected}})


PATH = [
    ("simple", False, {"type": "integer"}, "1", 1),
    ("simple", False, ARRAY, "1,2", [1, 2]),
    ("simple", True, ARRAY, "1,2", [1, 2]),
    ("simple", False, OBJECT, "a,1,b,z", {"a": 1, "b": "z"}),
    ("simple", True, OBJECT, "a=1,b=z", {"a": 1, "b": "z"}),
    ("label", False, {"type": "integer"}, ".1", 1),
    ("label", False, ARRAY, ".1,2", [1, 2]),
    ("label", True, ARRAY, ".1.2", [1, 2]),
    ("label", False, OBJECT, ".a,1,b,z", {"a": 1, "b": "z"}),
    ("label", True, OBJECT, ".a=1.b=z", {"a": 1, "b": "z"}),
    ("matrix", False, {"type": "integer"}, ";x=1", 1),
    ("matrix", False, ARRAY, ";x=1,2", [1, 2]),
    ("matrix", True, ARRAY, ";x=1;x=2", [1, 2]),
    ("matrix", False, OBJECT, ";x=a,1,b,z", {"a": 1, "b": "z"}),
    ("matrix", True, OBJECT, ";a=1;b=z", {"a": 1, "b": "z"}),
    ("matrix", False, {"type": "string"}, ";x", ""),
]


@pytest.mark.parametrize(("style", "explode", "schema", "text", "expected"), PATH)
async def test_path(
    aiohttp_client: AiohttpClient, style: str, explode: bool, schema: Any, text: str, expected: Any
) -> None:
    """Each style of a path, with its marks."""
    client = await aiohttp_client(app_of(parameter("path", schema, style=style, explode=explode)))
    async with client.get(f"/x/{text}") as response:
        assert (response.status, await response.json()) == (200, {"path": {"x": expected}})


@pytest.mark.parametrize(
    ("schema", "words", "text", "expected"),
    [
        ({"type": "boolean"}, {}, "true", True),
        (ARRAY, {}, "1, 2", [1, 2]),
        (OBJECT, {}, "a,1,b,z", {"a": 1, "b": "z"}),
        (OBJECT, {"explode": True}, "a=1,b=z", {"a": 1, "b": "z"}),
    ],
)
async def test_header(aiohttp_client: AiohttpClient, schema: Any, words: Any, text: str, expected: Any) -> None:
    """A header is simple, with its name in any case."""
    client = await aiohttp_client(app_of(parameter("header", schema, **words)))
    async with client.get("/x", headers={"X": text}) as response:
        assert (response.status, await response.json()) == (200, {"headers": {"x": expected}})


@pytest.mark.parametrize(
    ("schema", "words", "text", "expected"),
    [
        ({"type": "integer"}, {}, "1", 1),
        (ARRAY, {"explode": False}, '"1,2"', [1, 2]),
        (OBJECT, {"explode": False}, '"a,1"', {"a": 1}),
    ],
)
async def test_cookie(aiohttp_client: AiohttpClient, schema: Any, words: Any, text: str, expected: Any) -> None:
    """A cookie is of style form."""
    client = await aiohttp_client(app_of(parameter("cookie", schema, **words)))
    async with client.get("/x", headers={"Cookie": f"x={text}"}) as response:
        assert (response.status, await response.json()) == (200, {"cookies": {"x": expected}})


async def test_content(aiohttp_client: AiohttpClient) -> None:
    """A parameter with content is JSON text, in any place."""
    content = {"application/json": {"schema": {"type": "object", "required": ["a"]}}}
    parameters = [
        {"name": name, "in": name, "required": True, "content": content} for name in ("query", "header", "cookie")
    ]
    client = await aiohttp_client(app_of(*parameters))
    text = json.dumps({"a": [1, {"b": None}]})
    headers = {"Header": text, "Cookie": f'cookie="{text.replace(chr(34), chr(92) + chr(34))}"'}
    async with client.get(f"/x?query={quote(text)}", headers=headers) as response:
        data = {"a": [1, {"b": None}]}
        expected = {"query": {"query": data}, "headers": {"header": data}, "cookies": {"cookie": data}}
        assert (response.status, await response.json()) == (200, expected)
    for wrong in ("{", "[]", "1", "", "NaN", "[" * 5000):
        async with client.get(f"/x?query={quote(wrong)}", headers=headers) as response:
            assert response.status == 400, wrong


async def test_allow_empty_value(aiohttp_client: AiohttpClient) -> None:
    """allowEmptyValue lets an empty text pass, whatever the schema; and nothing else."""
    app = app_of(parameter("query", {"type": "integer"}, allowEmptyValue=True, allowReserved=True))
    client = await aiohttp_client(app)
    for text, status, expected in (("", 200, ""), ("5", 200, 5), ("a", 400, None)):
        async with client.get(f"/x?x={text}") as response:
            assert response.status == status
            if expected is not None:
                assert await response.json() == {"query": {"x": expected}}


WRONG = [
    ("query", "form", True, {"type": "integer"}, "x=1&x=2"),
    ("query", "form", True, {"type": "integer"}, "y=1"),
    ("query", "form", False, OBJECT, "x=a"),
    ("query", "form", False, OBJECT, "x=a,1,a,2"),
    ("query", "form", True, OBJECT, "a=1&a=2"),
    ("query", "form", True, OBJECT, "x=1"),
    ("query", "deepObject", True, OBJECT, "x=1"),
    ("query", "deepObject", True, OBJECT, "x[a]=1&x=1"),
    ("query", "deepObject", True, OBJECT, "x[a][b]=1"),
    ("query", "deepObject", True, OBJECT, "x[a]=1&x[a]=1"),
    ("query", "deepObject", True, OBJECT, "x[a]=1&x[c]=1"),
    ("query", "deepObject", True, OBJECT, "x[]=1"),
    ("query", "deepObject", True, OBJECT, "x["),
    ("query", "deepObject", True, OBJECT, "x[a"),
    ("query", "deepObject", True, OBJECT, "x[a]=%FF"),
    ("path", "label", False, {"type": "integer"}, "1"),
    ("path", "label", True, ARRAY, ".1,2"),
    ("path", "matrix", False, {"type": "integer"}, ";y=1"),
    ("path", "matrix", True, ARRAY, ";x=1;y=2"),
    ("path", "matrix", True, OBJECT, "a=1"),
    ("path", "matrix", True, OBJECT, ";a"),
    ("path", "matrix", True, OBJECT, ";;;"),
    ("path", "simple", True, OBJECT, "a"),
]


@pytest.mark.parametrize(("where", "style", "explode", "schema", "text"), WRONG)
async def test_wrong(
    aiohttp_client: AiohttpClient, where: str, style: str, explode: bool, schema: Any, text: str
) -> None:
    """What is not of the style is answered with 400, naming the parameter."""
    client = await aiohttp_client(app_of(parameter(where, schema, style=style, explode=explode)))
    async with client.get(f"/x/{text}" if where == "path" else f"/x?{text}") as response:
        assert response.status == 400
        problem = await response.json()
        assert {error["in"] for error in problem["errors"]} == {where}


HOSTILE = [
    "",
    "%00",
    "%FF",
    "%2C%2C",
    ",",
    ";",
    ".",
    "=",
    "[",
    "]",
    "1_0",
    "%D9%A1",
    "9" * 400,
    "a" * 3000,
    "-0",
    "1e9",
    "%7B",
]


@pytest.mark.parametrize(
    ("where", "style", "explode", "schema"),
    list(
        {(("query"), s, bool(e), json.dumps(o)) for s, e, o, _, _ in QUERY}
        | {(("path"), s, bool(e), json.dumps(o)) for s, e, o, _, _ in PATH}
    ),
)
async def test_hostile(aiohttp_client: AiohttpClient, where: str, style: str, explode: bool, schema: str) -> None:
    """No text is a failure of the server, in any style."""
    client = await aiohttp_client(app_of(parameter(where, json.loads(schema), style=style, explode=explode)))
    for text in HOSTILE:
        urls = [f"/x/{text}"] if where == "path" else [f"/x?x={text}", f"/x?a={text}", f"/x?x[a]={text}", f"/x?{text}"]
        for url in urls:
            async with client.get(url) as response:
                assert response.status in (200, 400, 404), url


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (parameter("query", ARRAY, style="simple"), "There is no style 'simple'"),
        (parameter("query", ARRAY, style="spaceDelimited", explode=True), "There is no style 'spaceDelimited'"),
        (parameter("cookie", ARRAY), "use form with explode=false"),
        (parameter("header", OBJECT, style="deepObject"), "There is no object of style"),
        (parameter("query", {"type": "object", "properties": {"a": OBJECT}}, style="deepObject"), "it is an object"),
        (parameter("query", {"type": "object", "properties": {"a": ARRAY}}, style="deepObject"), "inside an object"),
        (parameter("query", {"type": ["object", "string"]}), "text cannot tell them apart"),
        (parameter("query", {"type": "array", "items": OBJECT}), "its items are objects or arrays"),
        (parameter("header", {}, allowEmptyValue=True), "allowEmptyValue is for query"),
        ({"name": "x", "in": "query"}, "has a schema, or content"),
        ({"name": "x", "in": "query", "content": {"text/plain": {}}}, "only JSON is"),
        ({"name": "x", "in": "query", "content": {}}, "one media type"),
        ({"name": "x", "in": "body"}, "is in one of path"),
        ({"in": "query"}, "A parameter has a name"),
        ({"name": "x", "in": "path", "schema": {}}, "must say required: true"),
    ],
)
def test_unsupported(wrong: dict[str, Any], why: str) -> None:
    """What cannot be read exactly is an error when the application starts, which names the place."""
    with pytest.raises(InvalidDocumentError, match=why) as caught:
        app_of(wrong)
    assert "#/paths/~1x" in str(caught.value)


def test_names_that_meet() -> None:
    """An exploded object whose member has the name of another parameter is refused."""
    other = {"name": "a", "in": "query", "schema": {}}
    with pytest.raises(InvalidDocumentError, match="another parameter's name"):
        app_of(parameter("query", OBJECT, style="form"), other)
    open_object = {"type": "object", "additionalProperties": True}
    with pytest.raises(InvalidDocumentError, match="could belong to"):
        app_of(parameter("query", open_object), {**parameter("query", open_object), "name": "y"})


async def test_open_object(aiohttp_client: AiohttpClient) -> None:
    """An exploded object of any members takes the names that no other parameter has."""
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    client = await aiohttp_client(app_of(parameter("query", schema), {"name": "y", "in": "query", "schema": {}}))
    async with client.get("/x?y=1&p=2&q=3") as response:
        assert await response.json() == {"query": {"x": {"p": 2, "q": 3}, "y": "1"}}


async def test_names_of_path_parts(aiohttp_client: AiohttpClient) -> None:
    """A part of a path may have a name that is none of Python's."""
    parameters = [{"name": "pet-id.x", "in": "path", "required": True, "schema": {"type": "integer"}}]
    paths = {"/{pet-id.x}.json": {"get": {"operationId": "echo", "parameters": parameters}}}
    client = await aiohttp_client(echo_app(document(paths)))
    async with client.get("/7.json") as response:
        assert await response.json() == {"path": {"pet-id.x": 7}}


def test_headers_that_others_say() -> None:
    """Accept, Content-Type and Authorization are no parameters, whatever the document says."""
    table = OperationTable()
    seen = []

    @table.register
    async def echo(request: web.Request) -> None:
        seen.append(request)

    parameters = [
        {"name": name, "in": "header", "required": True} for name in ("Accept", "Content-Type", "Authorization")
    ]
    app = web.Application()
    setup_operations(app, document({"/x": {"get": {"operationId": "echo", "parameters": parameters}}}), table)
    handler: Any = next(iter(app.router.routes())).handler
    assert dict(handler.schema._reader.schemas) == {}
