"""parity: an application against itself, before there is a port; and a port that fails where Flask does not."""

from pathlib import Path

import pytest

from aiotoolkit.porting.parity import compare

pytestmark = pytest.mark.extra("flask")

CLOCK = """
import uuid
from flask import Flask

def create_app(config=None):
    app = Flask(__name__)

    @app.get("/")
    def index():
        return "the same each time"

    @app.get("/token")
    def token():
        return uuid.uuid4().hex

    return app
"""


async def test_a_flask_application_against_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The side of aiohttp takes a Flask application, too: what differs then is time, chance or order."""
    (tmp_path / "clock.py").write_text(CLOCK)
    monkeypatch.chdir(tmp_path)
    report = await compare(["GET /", "GET /token"], flask="clock:create_app", aiohttp="clock:create_app")
    assert [(difference.step, difference.what) for difference in report.differences] == [("2. GET /token", "body")]


BROKEN = """
from aiohttp import web

async def index(request):
    return web.Response(text=missing, content_type="text/html")

async def token(request):
    return web.Response(status=503)

def create_app():
    app = web.Application()
    app.router.add_get("/", index)
    app.router.add_get("/token", token)
    return app
"""


async def test_a_side_that_fails_shows_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the process wrote while it answered 500 stands below the table, and nothing where it wrote nothing."""
    (tmp_path / "clock.py").write_text(CLOCK)
    (tmp_path / "broken.py").write_text(BROKEN)
    monkeypatch.chdir(tmp_path)
    report = await compare(["GET /", "GET /token"], flask="clock:create_app", aiohttp="broken:create_app")
    first, second = (item for item in report.differences if item.what == "status")
    assert first.detail.startswith("aiohttp wrote:\n")
    assert "NameError: name 'missing' is not defined" in first.detail
    assert second.detail == ""
    assert "NameError: name 'missing' is not defined" in report.table()
