"""sessions: what Flask writes is read here, what is written here is read by Flask, and nothing else is believed."""

import json
import logging
import subprocess
import sys
import uuid
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession, CookieJar, web
from hypothesis import given, settings
from hypothesis import strategies as st

from aiotoolkit.middlewares import error_middleware, setup_errors
from aiotoolkit.porting.hooks import setup_hooks
from aiotoolkit.settings import immutable_settings
from tests.porting.both import flask_served
from tests.raw import RawResponse, raw_request, read_response, served

PACKAGES = ("flask", "aiohttp_session", "itsdangerous", "markupsafe")
pytestmark = [pytest.mark.extra(package) for package in PACKAGES]

if TYPE_CHECKING or all(map(find_spec, PACKAGES)):  # the marks skip the tests where one is missing
    import aiohttp_session
    import flask
    from aiohttp_session import get_session, new_session
    from itsdangerous import TimestampSigner, URLSafeTimedSerializer, base64_encode
    from markupsafe import Markup

    from aiotoolkit.porting import _tagged_json
    from aiotoolkit.porting._session_cookie import SignedCookie
    from aiotoolkit.porting.sessions import FlaskSession, FlaskSessionStorage, setup_sessions

SECRET = "a secret that no log may hold"
MONTH = 31 * 24 * 3600


def make_flask(**config: Any) -> "flask.Flask":
    app = flask.Flask(__name__)
    app.config.update(SECRET_KEY=SECRET, **config)
    return app


def flask_serializer(**config: Any) -> "URLSafeTimedSerializer":
    """What Flask itself signs its sessions with."""
    serializer = flask.sessions.SecureCookieSessionInterface().get_signing_serializer(make_flask(**config))
    assert serializer is not None
    return serializer


@pytest.fixture
def flask_context() -> Iterator[None]:
    """Where Flask's JSON is that of an application."""
    with make_flask().app_context():
        yield


# Values


def values() -> st.SearchStrategy[Any]:
    """Whatever Flask can write into a session and read back."""
    keys = st.text(max_size=4) | st.sampled_from([" di", " t", " b", " m", " u", " d", " di__", " t__", "__"])
    leaves = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False)
        | st.text()
        | st.binary()
        | st.text(max_size=5).map(Markup)
        | st.uuids()
        | st.datetimes(timezones=st.just(UTC), min_value=datetime(1971, 1, 1))  # noqa: DTZ001 - hypothesis wants it so
    )
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.lists(inner, max_size=3).map(tuple)
            | st.dictionaries(keys, inner, max_size=3)
        ),
        max_leaves=12,
    )


def typed(value: Any) -> Any:
    """The value together with the type of everything in it."""
    if isinstance(value, dict):
        return (dict, [(key, typed(item)) for key, item in value.items()])
    if isinstance(value, list | tuple):
        return (type(value), [typed(item) for item in value])
    return (type(value), repr(value))


class TestValues:
    @given(st.deferred(values))
    @settings(deadline=None)
    def test_same_text_and_same_value(self, value: Any) -> None:
        """Each side writes the same characters for a value, and reads the same value of them."""
        with make_flask().app_context():
            theirs = flask.json.tag.TaggedJSONSerializer()
            text = theirs.dumps(value)
            assert _tagged_json.dumps(value) == text
            assert typed(_tagged_json.loads(text)) == typed(theirs.loads(text))

    @given(st.dictionaries(st.text(), st.deferred(values), max_size=4))
    @settings(deadline=None)
    def test_both_ways_through_a_cookie(self, session: dict[str, Any]) -> None:
        """A session that one side signs is the same on the other one."""
        with make_flask().app_context():
            theirs = flask_serializer()
            ours = SignedCookie(SECRET, (), MONTH)
            read = ours.read(theirs.dumps(session))
            assert read is not None
            assert typed(read.session) == typed(theirs.loads(ours.write(session)))

    @pytest.mark.parametrize(
        "value",
        [
            {" t": 1},
            {" di": {" di": 1}},
            {" t__": (1,)},
            {" d": datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=5)))},
            {"a": [{" b": b"\xff"}, ({" m": {}},)]},
            datetime(2026, 1, 2, 3, 4, 5, 678),  # noqa: DTZ001 - Flask takes it for UTC
            date(2026, 1, 2),
            Decimal("1.50"),
            float("inf"),
            "\ud800",
            {1: "a", 2: "b"},
            (uuid.UUID(int=5), [None]),
        ],
        ids=repr,
    )
    @pytest.mark.usefixtures("flask_context")
    def test_odd_values(self, value: Any) -> None:
        """What looks like a tag, and what comes back as another type, is the same on both sides."""
        theirs = flask.json.tag.TaggedJSONSerializer()
        text = theirs.dumps(value)
        assert _tagged_json.dumps(value) == text
        assert typed(_tagged_json.loads(text)) == typed(theirs.loads(text))

    @pytest.mark.usefixtures("flask_context")
    def test_objects(self) -> None:
        """A dataclass and an object with __html__ are written as Flask writes them."""

        @dataclass
        class Point:
            x: int

        class Bold:
            def __html__(self) -> str:
                return "<b>"

        for value in (Point(1), Bold(), [Bold()]):
            assert _tagged_json.dumps(value) == flask.json.tag.TaggedJSONSerializer().dumps(value)
        assert _tagged_json.loads(_tagged_json.dumps(Bold())) == Markup("<b>")

    def test_junk_in_a_date(self) -> None:
        """A date that is none is None, as for Flask."""
        assert _tagged_json.loads('{" d": "yesterday"}') is None
        assert flask.json.tag.TaggedJSONSerializer().loads('{" d": "yesterday"}') is None


# Two servers, one browser


def make_aiohttp(views: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]], **config: Any) -> Any:
    app = web.Application()
    setup_sessions(app, FlaskSessionStorage.from_config(make_flask(**config).config))
    for path, view in views.items():
        app.router.add_get(path, view)
    return app


@asynccontextmanager
async def both(flask_app: Any, aiohttp_app: web.Application) -> AsyncIterator[tuple[str, str, ClientSession]]:
    """The base URLs of both servers, and a browser with one cookie jar for them."""
    with flask_served(flask_app) as old:
        async with served(aiohttp_app) as new, ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
            yield f"http://127.0.0.1:{old.port}", f"http://127.0.0.1:{new.port}", browser


async def text_of(browser: ClientSession, url: str) -> str:
    async with browser.get(url) as response:
        assert response.status == 200
        return await response.text()


CONTENT = {"user": 5, "name": "Zoë", "cart": ("a", b"\x00\xff"), "seen": uuid.UUID(int=7), "note": ["x"] * 200}


def show(session: Any) -> str:
    return repr(sorted(dict(session).items()))


class TestBothServers:
    async def test_logged_in_on_flask(self) -> None:
        """Who logs in on Flask is logged in on aiohttp, and who logs out on aiohttp is logged out on Flask."""
        old = make_flask()

        @old.get("/login")
        def login() -> str:
            flask.session.update(CONTENT)
            return show(flask.session)

        @old.get("/who")
        def old_who() -> str:
            return show(flask.session)

        async def who(request: web.Request) -> web.Response:
            return web.Response(text=show(await get_session(request)))

        async def logout(request: web.Request) -> web.Response:
            (await get_session(request)).clear()
            return web.Response(text="bye")

        async with both(old, make_aiohttp({"/who": who, "/logout": logout})) as (flask_url, aiohttp_url, browser):
            shown = await text_of(browser, f"{flask_url}/login")
            assert shown == show(CONTENT)
            assert await text_of(browser, f"{aiohttp_url}/who") == shown
            await text_of(browser, f"{aiohttp_url}/logout")
            assert len(browser.cookie_jar) == 0
            assert await text_of(browser, f"{flask_url}/who") == "[]"

    async def test_logged_in_on_aiohttp(self) -> None:
        """Who logs in on aiohttp is logged in on Flask, and who logs out on Flask is logged out on aiohttp."""
        old = make_flask()

        @old.get("/who")
        def old_who() -> str:
            return show(flask.session)

        @old.get("/logout")
        def old_logout() -> str:
            flask.session.clear()
            return "bye"

        async def login(request: web.Request) -> web.Response:
            (await new_session(request)).update(CONTENT)
            return web.Response()

        async def who(request: web.Request) -> web.Response:
            return web.Response(text=show(await get_session(request)))

        async with both(old, make_aiohttp({"/login": login, "/who": who})) as (flask_url, aiohttp_url, browser):
            await text_of(browser, f"{aiohttp_url}/login")
            assert await text_of(browser, f"{flask_url}/who") == show(CONTENT)
            await text_of(browser, f"{flask_url}/logout")
            assert len(browser.cookie_jar) == 0
            assert await text_of(browser, f"{aiohttp_url}/who") == "[]"


def act(action: str, session: Any) -> None:
    """One way to use a session; the same words for both sides."""
    if action == "read":
        session.get("user")
    elif action == "write":
        session["user"] = 6
    elif action == "nested":
        session.get("list", []).append(1)
    elif action == "pop":
        session.pop("user", None)
    elif action == "clear":
        session.clear()
    elif action == "permanent":
        session.permanent = True


def cookies_of(answer: RawResponse) -> list[tuple[str, list[str]]]:
    """The cookies that are set: whether there is a value, and the attributes without the time of their end."""
    found = []
    for header in answer.headers.getall("Set-Cookie", ()):
        pair, *attributes = header.split("; ")
        name, _, value = pair.partition("=")
        known = {"Expires=Thu, 01 Jan 1970 00:00:00 GMT"}
        words = [word if word in known else word.split("=")[0] if "Expires" in word else word for word in attributes]
        found.append((f"{name}={bool(value)}", words))
    return found


CONFIGS: list[dict[str, Any]] = [
    {},
    {"SESSION_REFRESH_EACH_REQUEST": False},
    {
        "SESSION_COOKIE_NAME": "login",
        "SESSION_COOKIE_DOMAIN": ".example.com:80",
        "SESSION_COOKIE_PATH": "/a b;c",
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": False,
        "SESSION_COOKIE_SAMESITE": "lax",
    },
    {"SESSION_COOKIE_PARTITIONED": True, "SESSION_COOKIE_SAMESITE": "None", "APPLICATION_ROOT": "/app"},
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
async def test_same_headers(config: dict[str, Any]) -> None:
    """Set-Cookie and Vary are those of Flask, whatever is done with whatever session there was."""
    old = make_flask(**config)
    actions = ["nothing", "read", "write", "nested", "pop", "clear", "permanent"]

    for action in actions:

        def old_view(action: str = action) -> str:
            if action != "nothing":
                act(action, flask.session)
            return "ok"

        old.add_url_rule(f"/{action}", action, old_view)

    async def view(request: web.Request) -> web.Response:
        if request.path != "/nothing":
            act(request.path[1:], await get_session(request))
        return web.Response(text="ok")

    new = make_aiohttp({f"/{action}": view for action in actions}, **config)
    name = config.get("SESSION_COOKIE_NAME", "session")
    signed = flask_serializer()
    sessions = [None, {"user": 5, "list": []}, {"user": 5, "_permanent": True}, {"_permanent": True}, {}]
    with flask_served(old) as old_address:
        async with served(new) as new_address:
            for session in sessions:
                headers = [] if session is None else [("Cookie", f"{name}={signed.dumps(session)}")]
                for action in actions:
                    data = raw_request("GET", f"/{action}", headers=headers)  # type: ignore[arg-type] # of str only
                    theirs, ours = await read_response(old_address, data), await read_response(new_address, data)
                    assert (theirs.status, ours.status) == (200, 200)
                    case = (session, action)
                    assert (case, cookies_of(ours)) == (case, cookies_of(theirs))
                    assert (case, ours.headers.get("Vary")) == (case, theirs.headers.get("Vary"))


async def test_end_of_a_permanent_session() -> None:
    """A permanent session's cookie ends after the lifetime, and its signature with it."""

    async def view(request: web.Request) -> web.Response:
        session = await get_session(request)
        assert isinstance(session, FlaskSession)
        assert not session.permanent
        session.permanent = True
        return web.Response()

    async with served(make_aiohttp({"/": view}, PERMANENT_SESSION_LIFETIME=600)) as address:
        answer = await read_response(address, raw_request("GET", "/"))
    attributes = dict(word.partition("=")[::2] for word in answer.headers["Set-Cookie"].split("; "))
    left = parsedate_to_datetime(attributes["Expires"]) - datetime.now(UTC)
    assert timedelta(seconds=480) < left <= timedelta(seconds=600)


# Hostile cookies


def sign(payload: bytes, *, key: str = SECRET, salt: bytes = b"cookie-session", age: int = 0) -> str:
    """Sign any payload as one who knows the key could."""

    class Signer(TimestampSigner):
        def get_timestamp(self) -> int:
            return super().get_timestamp() - age

    return Signer(key, salt=salt, key_derivation="hmac").sign(payload).decode("latin-1")


def pack(data: bytes) -> bytes:
    return b"." + base64_encode(zlib.compress(data))


GOOD = b'{"user":5}'


def hostile_cookies() -> dict[str, bytes | str]:
    good = sign(base64_encode(GOOD))
    payload, _, rest = good.partition(".")
    return {
        "empty": b"",
        "dots": b"...",
        "many dots": b"." * 4000,
        "random bytes": bytes(range(0x80, 0x100)),
        "not UTF-8": b"\xff\xfe." + good.encode(),
        "valid with bytes beyond ASCII": good.encode() + "é".encode(),
        "no base64": b"%%%.%%%.%%%",
        "quoted junk": b'"\\377\\"',
        "changed payload": "A" + payload[1:] + "." + rest,
        "changed signature": good[:-2] + ("AA" if good[-2:] != "AA" else "BB"),
        "no signature": good.rpartition(".")[0],
        "no timestamp": payload + "." + good.rpartition(".")[2],
        "another key": sign(base64_encode(GOOD), key="another"),
        "another salt": sign(base64_encode(GOOD), salt=b"remember"),
        "expired": sign(base64_encode(GOOD), age=MONTH + 60),
        "from the future": sign(base64_encode(GOOD), age=-3600),
        "after all years": sign(base64_encode(GOOD), age=-(10**17)),
        "signed: no base64": sign(b"%%%"),
        "signed: no JSON": sign(base64_encode(b"{")),
        "signed: not UTF-8": sign(base64_encode(b'{"a":"\xff"}')),
        "signed: a list": sign(base64_encode(b"[1]")),
        "signed: a text": sign(base64_encode(b'"a"')),
        "signed: null": sign(base64_encode(b"null")),
        "signed: a tuple": sign(base64_encode(b'{" t":[1]}')),
        "signed: deep": sign(pack(b"[" * 200_000)),
        "signed: deep objects": sign(pack(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)),
        "signed: many digits": sign(pack(b'{"a":' + b"9" * 5000 + b"}")),
        "signed: a bomb": sign(pack(b'{"a":"' + b"a" * 3_000_000 + b'"}')),
        "signed: no zlib": sign(b"." + base64_encode(b"zlib")),
        "signed: cut zlib": sign(b"." + base64_encode(zlib.compress(GOOD * 50)[:-6])),
        "signed: wrong tags": sign(base64_encode(b'{"a":{" b":5}}')),
        "signed: a bad UUID": sign(base64_encode(b'{"a":{" u":"5"}}')),
        "signed: an odd dict": sign(base64_encode(b'{"a":{" di":[]}}')),
    }


class TestHostileCookies:
    async def test_an_empty_session(self, caplog: pytest.LogCaptureFixture) -> None:
        """Whatever the cookie is, the session is empty and the answer 200; nothing is logged, the secret least."""

        async def view(request: web.Request) -> web.Response:
            return web.Response(text=show(await get_session(request)))

        caplog.set_level(logging.DEBUG)
        async with served(make_aiohttp({"/": view})) as address:
            for name, cookie in hostile_cookies().items():
                value = cookie if isinstance(cookie, bytes) else cookie.encode()
                data = raw_request("GET", "/", headers=[("Cookie", b"a=b; session=" + value)])
                answer = await read_response(address, data)
                assert (name, answer.status, answer.body) == (name, 200, b"[]")
        assert not [record for record in caplog.records if record.levelno > logging.INFO]
        assert SECRET not in caplog.text

    async def test_the_control(self) -> None:
        """The same signer, with what Flask writes: it is read."""
        read = SignedCookie(SECRET, (), MONTH).read(sign(base64_encode(GOOD)))
        assert read is not None
        assert read.session == {"user": 5}
        assert (
            SignedCookie(SECRET, (), MONTH).read(sign(pack(GOOD * 0 + b'{"a":"' + b"a" * 500_000 + b'"}'))) is not None
        )

    @given(st.text(st.characters(max_codepoint=255), max_size=200) | st.text("ab.-_", max_size=40))
    @settings(deadline=None)
    def test_any_text(self, value: str) -> None:
        """No text that is not signed is read, and none is an error."""
        assert SignedCookie(SECRET, (), MONTH).read(value) is None

    @given(st.binary(max_size=300) | st.text(max_size=50).map(lambda text: json.dumps(text).encode()))
    @settings(deadline=None)
    def test_any_signed_payload(self, payload: bytes) -> None:
        """No payload that the key holder signs is an error."""
        cookie = SignedCookie(SECRET, (), MONTH)
        for signed in (sign(payload), sign(base64_encode(payload)), sign(pack(payload))):
            read = cookie.read(signed)
            assert read is None or isinstance(read.session, dict)

    async def test_two_cookies_of_the_name(self) -> None:
        """The first one counts, as for Flask: browsers send that of the nearest path first."""
        old = make_flask()
        old.add_url_rule("/", "who", lambda: show(flask.session))

        async def view(request: web.Request) -> web.Response:
            return web.Response(text=show(await get_session(request)))

        first, second = (sign(base64_encode(b'{"user":%d}' % number)) for number in (1, 2))
        headers: list[tuple[str, str | bytes]] = [("Cookie", f'x=1;session = "{first}" ; session={second}')]
        data = raw_request("GET", "/", headers=headers)
        with flask_served(old) as old_address:
            async with served(make_aiohttp({"/": view})) as address:
                assert (await read_response(address, data)).body == b"[('user', 1)]"
                assert (await read_response(old_address, data)).body == b"[('user', 1)]"


# Keys


class TestKeys:
    def test_rotation(self) -> None:
        """What an older key signed is read; what is written is signed with the first."""
        cookie = SignedCookie("new", ["old", b"older"], MONTH)
        for key in ("new", "old", "older"):
            assert cookie.read(sign(base64_encode(GOOD), key=key)) is not None
        assert cookie.read(sign(base64_encode(GOOD), key="unknown")) is None
        written = cookie.write({"user": 5})
        assert SignedCookie("new", (), MONTH).read(written) is not None
        assert SignedCookie("old", ["older"], MONTH).read(written) is None

    @pytest.mark.usefixtures("flask_context")
    def test_same_rotation_as_flask(self) -> None:
        """Flask reads what is written here with the same keys, and the other way round."""
        config = {"SECRET_KEY_FALLBACKS": ["old"]}
        storage = FlaskSessionStorage.from_config(make_flask(**config).config)
        assert flask_serializer(**config).loads(storage._signed.write({"a": 1})) == {"a": 1}
        assert storage._signed.read(flask_serializer(**config).dumps({"a": 1})) is not None

    def test_bytes_and_text(self) -> None:
        """A key is the same as text and as its bytes."""
        written = SignedCookie("ключ", (), MONTH).write({"a": 1})
        assert SignedCookie("ключ".encode(), (), MONTH).read(written) is not None

    @pytest.mark.parametrize("key", [5, None, bytearray(b"key"), ["the key"]])
    def test_no_key(self, key: Any) -> None:
        """What is no key is refused at the start, without showing it."""
        with pytest.raises(TypeError, match="secret_key: a key is str or bytes") as raised:
            FlaskSessionStorage(key)
        assert "the key" not in str(raised.value)

    @pytest.mark.parametrize("key", ["", b""])
    def test_empty(self, key: Any) -> None:
        """An empty key signs for everybody."""
        with pytest.raises(ValueError, match="must not be empty"):
            FlaskSessionStorage(key)
        with pytest.raises(ValueError, match="fallback_keys: a key must not be empty"):
            FlaskSessionStorage("key", fallback_keys=[key])

    def test_not_encodable(self) -> None:
        """The error of a key that cannot be encoded does not carry it."""
        with pytest.raises(ValueError, match="cannot encode") as raised:
            FlaskSessionStorage("secret\ud800")
        assert "secret\\" not in repr(raised.value)
        assert raised.value.__suppress_context__

    def test_one_fallback_as_text(self) -> None:
        """A text for a list would make a key of each letter."""
        with pytest.raises(TypeError, match="a list of keys"):
            FlaskSessionStorage("key", fallback_keys="old")

    def test_never_shown(self) -> None:
        """No repr holds a key."""
        storage = FlaskSessionStorage(SECRET, fallback_keys=["older secret"])
        shown = "".join(
            map(repr, [storage, storage._signed, storage._signed._signer, storage._attributes, vars(storage)])
        )
        assert "secret" not in shown

    def test_from_settings(self) -> None:
        """The settings may be aiotoolkit's, and need no more than the key."""
        config = immutable_settings({"SECRET_KEY": SECRET, "SECRET_KEY_FALLBACKS": ["old"], "OTHER": 1})
        storage = FlaskSessionStorage.from_config(config)
        assert storage.cookie_name == "session"
        assert storage._signed.read(sign(base64_encode(GOOD), key="old")) is not None
        with pytest.raises(ValueError, match="SECRET_KEY"):
            FlaskSessionStorage.from_config({"SECRET_KEY": None})


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"cookie_name": "a b"}, ValueError),
        ({"cookie_name": ""}, ValueError),
        ({"secure": "yes"}, TypeError),
        ({"httponly": None}, TypeError),
        ({"samesite": "maybe"}, ValueError),
        ({"samesite": True}, ValueError),
        ({"path": "a"}, ValueError),
        ({"domain": "a b"}, ValueError),
        ({"domain": "a\r\nb"}, ValueError),
        ({"lifetime": "a month"}, TypeError),
        ({"lifetime": -1}, ValueError),
        ({"lifetime": True}, TypeError),
    ],
    ids=str,
)
def test_wrong_options(options: dict[str, Any], error: type[Exception]) -> None:
    """A wrong option is found at the start."""
    with pytest.raises(error):
        FlaskSessionStorage("key", **options)


# Saving


def setup_order(order: str, app: web.Application) -> None:
    """The error middleware outside, inside, or nowhere."""
    storage = FlaskSessionStorage(SECRET)
    if order == "errors inside":
        setup_errors(app)
        setup_sessions(app, storage)
        app.middlewares.reverse()
    else:
        setup_sessions(app, storage)
        if order == "errors outside":
            setup_errors(app)


def saved_in(answer: RawResponse) -> dict[str, Any] | None:
    """The session of the answer's cookie."""
    headers = answer.headers.getall("Set-Cookie", ())
    assert len(headers) <= 1
    if not headers:
        return None
    read = SignedCookie(SECRET, (), MONTH).read(headers[0].partition(";")[0].partition("=")[2])
    return None if read is None else read.session


async def fails(request: web.Request) -> web.Response:
    raise RuntimeError("unhandled")


async def redirects(request: web.Request) -> web.Response:
    raise web.HTTPFound("/")


async def refuses(request: web.Request) -> web.Response:
    raise web.HTTPForbidden


async def streams(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"x")
    return response


async def sends_a_file(request: web.Request) -> web.FileResponse:
    return web.FileResponse(Path(__file__))


@pytest.mark.parametrize("order", ["errors outside", "errors inside", "no errors"])
@pytest.mark.parametrize(
    ("view", "status"), [(fails, 500), (redirects, 302), (refuses, 403), (streams, 200), (sends_a_file, 200)]
)
async def test_saved_with_every_answer(order: str, view: Any, status: int) -> None:
    """As in Flask, the session is saved whatever becomes of the request; also after an unhandled exception."""

    async def change(request: web.Request) -> Any:
        (await get_session(request))["user"] = 5
        return await view(request)

    app = web.Application()
    setup_order(order, app)
    app.router.add_get("/", change)
    async with served(app) as address:
        answer = await read_response(address, raw_request("GET", "/"))
    assert (answer.status, saved_in(answer)) == (status, {"user": 5})
    assert "Cookie" in answer.headers["Vary"].split(", ")


@pytest.mark.parametrize("view", [fails, redirects, streams])
@pytest.mark.parametrize("outside", [True, False])
async def test_a_clone_of_the_request(view: Any, outside: bool) -> None:
    """A middleware that passes on a clone, as those that read a proxy's headers do, loses no session."""

    @web.middleware
    async def cloning(request: web.Request, handler: Any) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request.clone(remote="9.9.9.9"))
        return response

    async def change(request: web.Request) -> Any:
        assert request.remote == "9.9.9.9"
        (await get_session(request))["user"] = 5
        return await view(request)

    app = web.Application()
    if outside:
        app.middlewares.append(cloning)
    setup_sessions(app, FlaskSessionStorage(SECRET))
    if not outside:
        app.middlewares.append(cloning)
    app.router.add_get("/", change)
    async with served(app) as address:
        assert saved_in(await read_response(address, raw_request("GET", "/"))) == {"user": 5}


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/fails", 500), ("/nowhere", 404), ("/short", 403)])
async def test_with_hooks(path: str, status: int) -> None:
    """What hooks before and after the view change is saved, whatever the request ends with."""
    app = web.Application()
    setup_sessions(app, FlaskSessionStorage(SECRET))
    hooks = setup_hooks(app, errors=error_middleware())

    @hooks.before_request
    async def before(request: web.Request) -> web.Response | None:
        (await get_session(request))["before"] = 1
        return web.Response(status=403) if request.path == "/short" else None

    @hooks.after_request
    async def after(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        (await get_session(request))["after"] = 1
        return response

    async def view(request: web.Request) -> web.Response:
        return web.Response()

    app.router.add_get("/", view)
    app.router.add_get("/fails", fails)
    async with served(app) as address:
        answer = await read_response(address, raw_request("GET", path))
    assert (answer.status, saved_in(answer)) == (status, {"before": 1, "after": 1})


async def test_a_new_session() -> None:
    """new_session() takes the place of the one that came, also where the handler fails afterwards."""

    async def view(request: web.Request) -> web.Response:
        (await new_session(request))["user"] = 6
        raise RuntimeError

    cookie = sign(base64_encode(b'{"user":5,"_permanent":true}'))
    async with served(make_aiohttp({"/": view})) as address:
        answer = await read_response(address, raw_request("GET", "/", headers=[("Cookie", f"session={cookie}")]))
    assert saved_in(answer) == {"user": 6}


async def test_saved_by_a_websocket() -> None:
    """The handshake carries what changed before it."""

    async def view(request: web.Request) -> web.WebSocketResponse:
        (await get_session(request))["user"] = 5
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.close()
        return socket

    async with (
        served(make_aiohttp({"/": view})) as address,
        ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser,
        browser.ws_connect(f"http://127.0.0.1:{address.port}/"),
    ):
        assert len(browser.cookie_jar) == 1


async def test_too_late(caplog: pytest.LogCaptureFixture) -> None:
    """A change after the response has started cannot be saved, and says so."""

    async def view(request: web.Request) -> web.StreamResponse:
        response = await streams(request)
        (await get_session(request))["user"] = 5
        return response

    async with served(make_aiohttp({"/late": view})) as address:
        answer = await read_response(address, raw_request("GET", "/late"))
    assert (answer.status, saved_in(answer)) == (200, None)
    assert [record.getMessage() for record in caplog.records] == [
        "The session of GET /late changed too late to be saved"
    ]


@pytest.mark.parametrize("order", ["errors outside", "errors inside", "no errors"])
@pytest.mark.parametrize("value", ["object()", "deep", "keys", "digits", "markup"])
async def test_cannot_be_written(order: str, value: str, caplog: pytest.LogCaptureFixture) -> None:
    """A session that cannot be written is an error on the server, as in Flask; the old cookie stays."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    class Broken:
        def __html__(self) -> str:
            raise KeyError("broken")

    values = {"object()": object(), "deep": deep, "keys": {1: 2, "a": 3}, "digits": 10**5000, "markup": Broken()}
    unfit: Any = values[value]

    async def view(request: web.Request) -> web.Response:
        (await get_session(request))["password hash"] = unfit
        return web.Response()

    app = web.Application()
    setup_order(order, app)
    app.router.add_get("/", view)
    async with served(app) as address:
        answer = await read_response(address, raw_request("GET", "/"))
    assert (answer.status, saved_in(answer)) == (500, None)
    assert "cannot be written into a cookie" in caplog.text
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1
    assert SECRET not in caplog.text


async def test_too_large(caplog: pytest.LogCaptureFixture) -> None:
    """A cookie that browsers may drop is sent with a warning, at the very size where Werkzeug warns."""
    storage = FlaskSessionStorage(SECRET)
    response = flask.Response()
    sizes = set()
    for length in range(2500, 2700, 2):
        content = Random(length).randbytes(length).hex()  # which cannot be compressed to less than its half
        header = storage.cookie_of(FlaskSession(None, data={"created": 1, "session": {"a": content}}, new=False))
        sizes.add(len(header))
        warned = bool(caplog.records)
        caplog.clear()
        value = header.partition(";")[0].partition("=")[2]
        if warned:
            with pytest.warns(UserWarning, match="too large"):
                response.set_cookie("session", value, httponly=True)
        else:
            response.set_cookie("session", value, httponly=True)
    assert min(sizes) <= 4093 < max(sizes)


async def test_the_response_has_the_cookie() -> None:
    """A response that sets the session's cookie itself keeps its own: it may be the old application's."""

    async def view(request: web.Request) -> web.Response:
        (await get_session(request))["user"] = 5
        return web.Response(headers={"Set-Cookie": "session=theirs; Path=/"})

    async with served(make_aiohttp({"/": view})) as address:
        answer = await read_response(address, raw_request("GET", "/"))
    assert answer.headers.getall("Set-Cookie") == ["session=theirs; Path=/"]


async def test_vary_is_added_to() -> None:
    """What the response varies by already stays, and no name stands there twice."""

    async def view(request: web.Request) -> web.Response:
        await get_session(request)
        return web.Response(headers={"Vary": request.query["vary"]})

    async with served(make_aiohttp({"/": view})) as address:
        for vary, expected in (("Accept", "Accept, Cookie"), ("accept, cookie", "accept, cookie")):
            answer = await read_response(address, raw_request("GET", f"/?vary={vary.replace(' ', '%20')}"))
            assert answer.headers.getall("Vary") == [expected]


async def test_plain_middleware() -> None:
    """The storage also works with aiohttp-session's own middleware."""

    async def view(request: web.Request) -> web.Response:
        session = await get_session(request)
        session["count"] = session.get("count", 0) + 1
        return web.Response(text=str(session["count"]))

    app = web.Application()
    aiohttp_session.setup(app, FlaskSessionStorage(SECRET))
    app.router.add_get("/", view)
    async with served(app) as address, ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        url = f"http://127.0.0.1:{address.port}/"
        assert [await text_of(browser, url) for _ in range(3)] == ["1", "2", "3"]


async def test_two_browsers() -> None:
    """Requests at the same time do not see each other's session."""

    async def view(request: web.Request) -> web.Response:
        session = await get_session(request)
        session.setdefault("name", request.query["name"])
        return web.Response(text=session["name"])

    async with (
        served(make_aiohttp({"/": view})) as address,
        ClientSession(cookie_jar=CookieJar(unsafe=True)) as one,
        ClientSession(cookie_jar=CookieJar(unsafe=True)) as two,
    ):
        url = f"http://127.0.0.1:{address.port}/?name="
        assert await text_of(one, url + "one") == "one"
        assert await text_of(two, url + "two") == "two"
        assert await text_of(one, url + "three") == "one"


class TestSetup:
    @pytest.mark.parametrize("package", ["aiohttp_session", "itsdangerous", "markupsafe"])
    def test_without_a_package(self, package: str) -> None:
        """The error says what to install."""
        code = f"import sys; sys.modules[{package!r}] = None; import aiotoolkit.porting.sessions"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=False)
        assert f'Flask sessions need {package}: pip install "aiotoolkit[flask]"' in done.stderr

    def test_twice(self) -> None:
        """An application has one session."""
        app = web.Application()
        setup_sessions(app, FlaskSessionStorage(SECRET))
        with pytest.raises(RuntimeError, match="twice"):
            setup_sessions(app, FlaskSessionStorage(SECRET))

    def test_another_storage(self) -> None:
        """Only this storage can be treated as Flask treats its sessions."""
        storage: Any = aiohttp_session.SimpleCookieStorage()
        with pytest.raises(TypeError, match="FlaskSessionStorage, not SimpleCookieStorage"):
            setup_sessions(web.Application(), storage)
