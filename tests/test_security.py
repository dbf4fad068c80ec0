"""Security schemes: credentials, verifiers, ways that are alternatives, and what a client is told."""

import base64
import logging
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

from aiotoolkit.middlewares import setup_errors
from aiotoolkit.openapi import VERIFIED, Credentials, InvalidDocumentError, OperationTable, setup_operations
from aiotoolkit.problems import Problem
from tests.operations import document, ok

Client = TestClient[web.Request, web.Application]

SCHEMES: dict[str, Any] = {
    "basic": {"type": "http", "scheme": "Basic"},
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "digest": {"type": "http", "scheme": "Digest"},
    "header": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "query": {"type": "apiKey", "in": "query", "name": "key"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "session"},
    "oauth": {"type": "oauth2", "flows": {"implicit": {"authorizationUrl": "/", "scopes": {"read": "", "write": ""}}}},
    "openid": {"type": "openIdConnect", "openIdConnectUrl": "https://example.com"},
    "tls": {"$ref": "#/components/securitySchemes/mutual"},
    "mutual": {"type": "mutualTLS"},
}
SECRET = "s3cret-token"


class Verifiers:
    """Verifiers that remember whom they were asked about."""

    def __init__(self) -> None:
        self.asked: list[Credentials] = []

    async def verify(self, request: web.Request, credentials: Credentials) -> Any:
        self.asked.append(credentials)
        assert not request.content.is_eof() or not request.can_read_body
        if credentials.scopes and "write" in credentials.scopes:
            raise Problem(403, "The scope write is needed.")
        if credentials.scheme == "tls":
            return "certificate"
        if credentials.username is not None:
            return credentials.username if credentials.password == SECRET else None
        return "me" if credentials.token == SECRET else False


def app_of(security: Any, verifiers: Verifiers, *, root: Any = None) -> web.Application:
    operation: dict[str, Any] = {
        "operationId": "who",
        "parameters": [{"name": "n", "in": "query", "schema": {"type": "integer"}}],
        "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": ok(),
    }
    if security is not None:
        operation["security"] = security
    described = document({"/who": {"post": operation}}, components={"securitySchemes": SCHEMES})
    if root is not None:
        described["security"] = root
    table = OperationTable()

    @table.register
    async def who(request: web.Request, *, query: dict[str, Any]) -> Any:
        return {"verified": dict(request.get(VERIFIED, {"nobody": "asked"})), "query": query}

    app = web.Application()
    setup_errors(app)
    used = {name for way in [*(security or []), *(root or [])] for name in way}
    setup_operations(app, described, table, security=dict.fromkeys(used, verifiers.verify))
    return app


def basic(text: str | bytes) -> dict[str, str]:
    data = text.encode() if isinstance(text, str) else text
    return {"Authorization": f"Basic {base64.b64encode(data).decode()}"}


GIVEN: list[tuple[str, dict[str, Any]]] = [
    ("basic", {"headers": basic(f"me:{SECRET}")}),
    ("bearer", {"headers": {"Authorization": f"bearer {SECRET}"}}),
    ("digest", {"headers": {"Authorization": f"Digest {SECRET}"}}),
    ("header", {"headers": {"x-key": SECRET}}),
    ("query", {"params": {"key": SECRET}}),
    ("cookie", {"headers": {"Cookie": f"session={SECRET}"}}),
    ("oauth", {"headers": {"Authorization": f"Bearer {SECRET}"}}),
    ("openid", {"headers": {"Authorization": f"Bearer {SECRET}"}}),
]


@pytest.mark.parametrize(("scheme", "given"), GIVEN)
async def test_schemes(aiohttp_client: AiohttpClient, scheme: str, given: dict[str, Any]) -> None:
    """Each scheme's credentials reach its verifier, and what that returns reaches the view."""
    verifiers = Verifiers()
    client = await aiohttp_client(app_of([{scheme: []}], verifiers))
    async with client.post("/who", **given) as response:
        assert (response.status, await response.json()) == (200, {"verified": {scheme: "me"}, "query": {}})
    (asked,) = verifiers.asked
    assert asked.scheme == scheme
    assert SECRET not in repr(asked)


@pytest.mark.parametrize(("scheme", "given"), GIVEN)
async def test_refused(
    aiohttp_client: AiohttpClient, scheme: str, given: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Missing and wrong credentials are answered with 401 and a challenge; no secret is in the answer or the log."""
    caplog.set_level(logging.DEBUG)
    client = await aiohttp_client(app_of([{scheme: []}], Verifiers()))
    wrong: dict[str, Any] = {
        place: {name: value.replace(SECRET, f"{SECRET}x") for name, value in values.items()}
        for place, values in given.items()
    }
    if scheme == "basic":
        wrong = {"headers": basic(f"me:{SECRET}x")}
    requests: list[dict[str, Any]] = [{}, wrong]
    for request in requests:
        async with client.post("/who", **request) as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"]
            assert response.content_type == "application/problem+json"
            assert SECRET not in await response.text()
    assert SECRET not in "".join(record.getMessage() for record in caplog.records if record.name != "aiohttp.access")


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + "A" * 4001},
        basic("no colon"),
        basic(b"\xff:\xff"),
        basic(":"),
        {"Authorization": f"Bearer {SECRET}"},
        {"Authorization": f"Basic{SECRET}"},
        {"Authorization": ""},
        [("Authorization", basic(f"me:{SECRET}")["Authorization"])] * 2,
    ],
)
async def test_hostile_basic(aiohttp_client: AiohttpClient, headers: Any) -> None:
    """Whatever stands in Authorization, the answer is 401."""
    client = await aiohttp_client(app_of([{"basic": []}], Verifiers()))
    async with client.post("/who", headers=headers) as response:
        assert response.status == 401


async def test_before_body(aiohttp_client: AiohttpClient) -> None:
    """Credentials are checked before parameters and body: who has none is told nothing else."""
    client = await aiohttp_client(app_of([{"bearer": []}], Verifiers()))
    async with client.post("/who?n=x", data=b"{", headers={"Content-Type": "application/json"}) as response:
        assert response.status == 401


async def test_alternatives(aiohttp_client: AiohttpClient) -> None:
    """One of the ways is enough, and each way wants all of its schemes; a verifier is asked once."""
    verifiers = Verifiers()
    ways: Any = [{"header": [], "cookie": []}, {"header": [], "bearer": []}]
    client = await aiohttp_client(app_of(ways, verifiers))
    key, cookie = {"X-Key": SECRET}, {"Cookie": "session=wrong"}
    bearer = {"Authorization": f"Bearer {SECRET}"}
    async with client.post("/who", headers=key | cookie | bearer) as response:
        assert (await response.json())["verified"] == {"header": "me", "bearer": "me"}
    assert [each.scheme for each in verifiers.asked] == ["header", "cookie", "bearer"]
    async with client.post("/who", headers=key) as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == 'ApiKey in="header", ApiKey in="cookie", Bearer'
    assert len(verifiers.asked) == 3


async def test_scopes(aiohttp_client: AiohttpClient) -> None:
    """The scopes reach the verifier, which may answer with 403; another way may do all the same."""
    verifiers = Verifiers()
    client = await aiohttp_client(app_of([{"oauth": ["write"]}, {"header": []}], verifiers))
    bearer = {"Authorization": f"Bearer {SECRET}"}
    async with client.post("/who", headers=bearer) as response:
        assert (response.status, (await response.json())["detail"]) == (403, "The scope write is needed.")
    assert verifiers.asked[0].scopes == ("write",)
    async with client.post("/who", headers=bearer | {"X-Key": SECRET}) as response:
        assert (await response.json())["verified"] == {"header": "me"}


@pytest.mark.parametrize(("security", "root"), [([{}, {"bearer": []}], None), (None, [{"bearer": []}, {}])])
async def test_optional(aiohttp_client: AiohttpClient, security: Any, root: Any) -> None:
    """With an empty requirement, credentials may be given or not; wherever it stands."""
    client = await aiohttp_client(app_of(security, Verifiers(), root=root))
    async with client.post("/who") as response:
        assert (await response.json())["verified"] == {}
    async with client.post("/who", headers={"Authorization": f"Bearer {SECRET}"}) as response:
        assert (await response.json())["verified"] == {"bearer": "me"}


async def test_open(aiohttp_client: AiohttpClient) -> None:
    """An operation with security: [] is open, whatever the document says for all."""
    verifiers = Verifiers()
    client = await aiohttp_client(app_of([], verifiers, root=[{"bearer": []}]))
    async with client.post("/who", headers={"Authorization": "Bearer x"}) as response:
        assert (await response.json())["verified"] == {"nobody": "asked"}
    assert verifiers.asked == []


async def test_certificate(aiohttp_client: AiohttpClient) -> None:
    """For a certificate, the verifier asks the request."""
    client = await aiohttp_client(app_of([{"tls": []}], Verifiers()))
    async with client.post("/who") as response:
        assert (await response.json())["verified"] == {"tls": "certificate"}


@pytest.mark.parametrize("query", ["key=a&key=b", "key="])
async def test_two_keys(aiohttp_client: AiohttpClient, query: str) -> None:
    """Two keys, or an empty one, are none."""
    verifiers = Verifiers()
    client = await aiohttp_client(app_of([{"query": []}], verifiers))
    async with client.post(f"/who?{query}") as response:
        assert response.status == 401
    assert verifiers.asked == []


@pytest.mark.parametrize(
    ("security", "verifiers", "why"),
    [
        ([{"bearer": []}], {}, r"'bearer' has no verifier: give setup_operations security=.*#/components"),
        ([{"unknown": []}], {}, "There is no security scheme 'unknown' in the components"),
        (
            [],
            {"unknown": Verifiers().verify},
            "no security scheme 'unknown' for this verifier; there are: basic",
        ),
        (5, {}, "security is a list of objects"),
        ([5], {}, "security is a list of objects"),
        ([{"bearer": "x"}], {"bearer": Verifiers().verify}, "are a list of texts"),
    ],
)
def test_start(security: Any, verifiers: Any, why: str) -> None:
    """What misses or does not fit is an error at the start."""
    described = document(
        {"/x": {"get": {"operationId": "x", "security": security}}}, components={"securitySchemes": SCHEMES}
    )
    table = OperationTable()

    @table.register
    async def x(request: web.Request) -> Any: ...

    with pytest.raises(InvalidDocumentError, match=why):
        setup_operations(web.Application(), described, table, security=verifiers)


def test_missing_once() -> None:
    """A verifier that misses is told once, however many operations want it."""
    paths = {f"/{number}": {"get": {"operationId": f"x{number}"}} for number in range(3)}
    described = document(paths, components={"securitySchemes": SCHEMES}, security=[{"bearer": []}])
    table = OperationTable()

    async def x(request: web.Request) -> Any: ...

    for number in range(3):
        table.register(x, name=f"x{number}")
    with pytest.raises(InvalidDocumentError) as caught:
        setup_operations(web.Application(), described, table)
    assert len(caught.value.errors) == 1


@pytest.mark.parametrize("scheme", [{"type": "magic"}, {"type": "http"}, {"type": "apiKey", "in": "body", "name": "a"}])
def test_unknown_schemes(scheme: dict[str, Any]) -> None:
    """A scheme that is none is an error at the start."""
    described = document(
        {"/x": {"get": {"operationId": "x"}}}, components={"securitySchemes": {"s": scheme}}, security=[{"s": []}]
    )
    with pytest.raises(InvalidDocumentError, match=r"#/components/securitySchemes/s"):
        setup_operations(web.Application(), described, OperationTable(), security={"s": Verifiers().verify})
