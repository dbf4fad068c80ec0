"""parity: a Flask application on both sides, which shows what differs before there is a port."""

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
