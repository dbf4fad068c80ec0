"""Logbook: every request to the Flask application and to the three stages of its port, as real servers."""

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from aiotoolkit.porting import parity
from aiotoolkit.porting._parity_client import Answer, CookieJar
from aiotoolkit.porting._parity_script import Step, make_script
from aiotoolkit.porting._parity_servers import Side, running
from aiotoolkit.porting.parity import ParityReport, _captured, _Client
from examples.flask_port.after.settings import STAGES, Stage
from examples.flask_port.differences import DIFFERENCES, differs_at
from examples.flask_port.parity import ORIGINAL, compare_stage, stage_side
from examples.flask_port.requests import REQUESTS, TOKEN, Request
from examples.flask_port.samples import SAMPLE_PASSWORD

pytestmark = [
    pytest.mark.extra("flask"),
    pytest.mark.extra("aiohttp_jinja2"),
    pytest.mark.extra("aiohttp_session"),
    pytest.mark.extra("itsdangerous"),
    # The first test of each kind starts the servers, whose number a busy machine feels.
    pytest.mark.timeout(300),
]

SIDES: Mapping[str, Side] = {"flask": ORIGINAL, **{stage: stage_side(stage) for stage in STAGES}}
# The sections of the guide.
ANCHORS = {"request", "response", "redirect", "jsonify", "blueprints", "send-file", "cookies", "uploads", "url-rules"}

Answers = Mapping[str, Mapping[str, Answer]]


class Recorder(_Client):
    """A client of the comparison that remembers what it was answered."""

    async def send(self, step: Step, timeout: float) -> Answer:  # noqa: ASYNC109 - as it is overridden
        answer = await super().send(step, timeout)
        side = "flask" if self.server.name == "flask" else stage_now.get()
        recorded.setdefault(side, {})[step.name] = answer
        return answer


stage_now: ContextVar[Stage] = ContextVar("stage_now")
recorded: dict[str, dict[str, Answer]] = {}


@pytest.fixture(scope="module")
def reports() -> Iterator[Mapping[Stage, ParityReport]]:
    """What differs at each stage, all of them compared at once."""

    async def compare_one(stage: Stage) -> ParityReport:
        stage_now.set(stage)
        return await compare_stage(stage)

    async def compare_all() -> list[ParityReport]:
        return await asyncio.gather(*map(compare_one, STAGES))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parity, "_Client", Recorder)
        yield dict(zip(STAGES, asyncio.run(compare_all()), strict=True))
    recorded.clear()


@pytest.fixture(scope="module")
def answers(reports: Mapping[Stage, ParityReport]) -> Answers:
    """What the original and each stage answered to every request."""
    assert set(recorded) == {"flask", *reports}
    return recorded


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.name)
def test_answer(answers: Answers, request_: Request) -> None:
    """The original and each stage answer what is expected; another status is one that is announced."""
    for side, found in answers.items():
        answer = found[request_.name]
        is_other = side != "flask" and differs_at(side, request_.name)  # type: ignore[arg-type] # it is a stage
        status = request_.ported if is_other and request_.ported else request_.status
        text = answer.body.decode(errors="replace")
        assert answer.error is None, side
        assert answer.status == status, f"{side}: {text}"
        if is_other and request_.ported:
            continue
        for part in request_.has:
            assert part in text, side
        for part in request_.lacks:
            assert part not in text, side
        for name, value in request_.headers.items():
            given = answer.get(name.lower())
            if name == "Allow":
                given = given and ", ".join(sorted(given.replace(" ", "").split(",")))
            elif name == "Location":
                given = given and "/" + given.removeprefix("http://").partition("/")[2]
            assert given == value, f"{side}: {name}"


def test_no_answer_leaks(answers: Answers) -> None:
    """Nothing but the page that fails is a 5xx of the port; no answer has a traceback or an error's text."""
    for side, found in answers.items():
        for name, answer in found.items():
            assert answer.status < 500 or side != "all" or name == "a page that fails", name
            for secret in (b"Traceback", b"site-packages", b"sqlite3.", b"flask_port/", b"werkzeug"):
                assert secret not in answer.body, f"{side}: {name}"


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_else_differs(reports: Mapping[Stage, ParityReport], stage: Stage) -> None:
    """A stage answers as the original does, but for what is announced; and all that is announced is there."""
    reports[stage].check()
    assert len(reports[stage].steps) == len(REQUESTS) >= 120


def test_differences_are_of_the_table() -> None:
    """An announced difference names requests that are sent, a reason, and a section of the guide."""
    names = {request.name for request in REQUESTS}
    for difference in DIFFERENCES:
        assert names.issuperset(difference.steps), difference
        assert difference.steps, difference
        assert len(difference.reason) > 20, difference
        assert difference.anchor in ANCHORS, difference
    for request in REQUESTS:
        if request.ported is not None:
            assert differs_at("all", request.name), f"{request.name}: no difference is announced"


# Sessions


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clients(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mapping[str, _Client]]:
    """The four servers, with one database."""
    folder = tmp_path_factory.mktemp("together")
    shared = {name: value.replace("{folder}", str(folder)) for name, value in ORIGINAL.env.items()}
    async with contextlib.AsyncExitStack() as stack:
        found = {}
        for name, side in SIDES.items():
            own = {key: value for key, value in side.env.items() if key == "LOGBOOK_STAGE"}
            before = ORIGINAL.before if name == "flask" else None
            one = Side(side.target, env={**shared, **own}, before=before)
            kind = "flask" if name == "flask" else "aiohttp"
            client = found[name] = _Client(await stack.enter_async_context(running(kind, one, wait=120)))
            client.variables["folder"] = str(folder)
        yield found


@pytest.fixture
def browsers(clients: Mapping[str, _Client]) -> Mapping[str, _Client]:
    """The same, with no cookie yet."""
    for client in clients.values():
        client.jars.clear()
        client.variables.pop("token", None)
    return clients


async def send(client: _Client, method: str, path: str, **fields: Any) -> Answer:
    """Send one request; the form has the token that the client saw last."""
    step: dict[str, Any] = {"name": path, "method": method, "path": path}
    if method == "POST":
        step["form"] = {"csrf_token": client.variables.get("token", ""), **fields}
    answer = await client.send(make_script([step]).steps[0], 120)
    token = _captured(make_script([{"path": "/", "capture": {"t": TOKEN}}]).steps[0].capture["t"], answer, CookieJar())
    if token is not None:
        client.variables["token"] = token
    return answer


@pytest.mark.asyncio(loop_scope="module")
async def test_users_stay_logged_in(browsers: Mapping[str, _Client]) -> None:
    """Who logs in anywhere is logged in everywhere, with the same token and messages; and logged out everywhere."""
    for login in SIDES:
        jar = CookieJar()
        for client in browsers.values():
            client.jars[""] = jar  # one browser
            client.variables.pop("token", None)
        await send(browsers[login], "GET", "/auth/login")
        answer = await send(
            browsers[login], "POST", "/auth/login", name="ada", password=SAMPLE_PASSWORD, remember="yes"
        )
        assert (answer.status, answer.get("location")) == (303, "/"), login
        for other, client in browsers.items():
            answer = await send(client, "GET", "/auth/account")
            assert answer.status == 200, f"{login} -> {other}"
            assert b"You stay logged in." in answer.body, f"{login} -> {other}"
            # The message of the login is shown once, by whoever is asked first.
            assert (b"You are logged in." in answer.body) is (other == "flask"), f"{login} -> {other}"
        token = browsers["flask"].variables["token"]
        assert {client.variables["token"] for client in browsers.values()} == {token}
        answer = await send(browsers["all"], "POST", "/auth/logout")
        assert answer.status == 303
        for other, client in browsers.items():
            answer = await send(client, "GET", "/auth/account")
            assert answer.status == 303, f"{login} -> {other}"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_login_begins_a_new_session(browsers: Mapping[str, _Client]) -> None:
    """What was in the session before a login is gone: its token, and what somebody else may have planted."""
    for name, client in browsers.items():
        await send(client, "GET", "/auth/login")
        planted = client.variables["token"]
        await send(client, "POST", "/auth/login", name="bob", password=SAMPLE_PASSWORD)
        answer = await send(client, "GET", "/posts/new")
        assert answer.status == 200, name
        assert client.variables["token"] != planted, name
        client.variables["token"] = planted
        assert (await send(client, "POST", "/auth/logout")).status == 400, name


@pytest.mark.asyncio(loop_scope="module")
async def test_uploads_have_names_of_our_own(browsers: Mapping[str, _Client]) -> None:
    """An upload is one file with a random name, whatever the client calls it; a refused one leaves none."""
    folder = Path(browsers["all"].variables["folder"])
    images = ({"base64": "iVBORw0KGgo="}, 303), ({"text": "<script>"}, 422)
    for number, client in enumerate((browsers["flask"], browsers["half"], browsers["all"]), 1):
        await send(client, "GET", "/auth/login")
        await send(client, "POST", "/auth/login", name="ada", password=SAMPLE_PASSWORD)
        await send(client, "GET", "/posts/new")
        form = {"csrf_token": client.variables["token"], "title": "a", "tag": "b", "body": "c"}
        for content, status in images:
            upload = {"image": {**content, "filename": "../../../a.html", "content_type": "text/html"}}
            step = {"method": "POST", "path": "/posts/new", "form": form, "files": upload}
            answer = await client.send(make_script([step]).steps[0], 120)
            assert answer.status == status
        names = os.listdir(folder / "uploads")
        assert len(names) == number
        assert all(re.fullmatch("[0-9a-f]{32}", name) for name in names)
    database = {"logbook.sqlite3", "logbook.sqlite3-wal", "logbook.sqlite3-shm"}
    assert set(os.listdir(folder)) <= {"uploads", *database}


@pytest.mark.asyncio(loop_scope="module")
async def test_a_database_that_is_gone(browsers: Mapping[str, _Client]) -> None:
    """Without its database each of them answers with its page of errors, to who is logged in as well."""
    folder = Path(browsers["all"].variables["folder"])
    for client in browsers.values():
        await send(client, "GET", "/auth/login")
        await send(client, "POST", "/auth/login", name="ada", password=SAMPLE_PASSWORD)
    os.rename(folder / "logbook.sqlite3", folder / "elsewhere")
    try:
        for name, client in browsers.items():
            for path in ("/posts/", "/auth/account", "/api/v1/posts", "/static/none.css"):
                answer = await send(client, "GET", path)
                assert answer.status == 500 or path == "/static/none.css", f"{name}: {path}"
                assert b"It is our mistake" in answer.body or path == "/static/none.css", f"{name}: {path}"
                assert b"sqlite" not in answer.body, f"{name}: {path}"
    finally:
        os.rename(folder / "elsewhere", folder / "logbook.sqlite3")
    for name, client in browsers.items():
        assert (await send(client, "GET", "/auth/account")).status == 200, name
