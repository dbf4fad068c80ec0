"""report: what the syntax trees of a Flask code base show, and what a loaded application shows."""

import json
import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from aiotoolkit import cli
from aiotoolkit.porting._report_table import BLOCKING, CONSTRUCTS, EXTENSIONS, FLASK_NAMES, METHODS, WERKZEUG_NAMES
from aiotoolkit.porting.report import ReportError, Stock, take_stock

NOTES = Path(__file__).parents[2] / "docs/reference/flask.md"

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)

    def write(name: str, text: str) -> Path:
        path = tmp_path / "code" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path.parent

    return write


def kinds(stock: Stock) -> Counter[str]:
    return Counter(finding.kind for finding in stock.findings)


def routes(stock: Stock) -> list[tuple[str | None, str, str | None]]:
    return [(route.rule, "/".join(route.methods), route.view) for route in stock.routes]


ROUTES = """
import flask_restful
from flask import Blueprint, Flask as F
from flask.views import MethodView
from flask_restful import Api

app = F(__name__)
bp = Blueprint("bp", __name__, url_prefix="/bp")
api = Api(app)
PREFIX = "/v1"

@app.route("/")
@bp.route("/two", methods=["GET", "post"])
def index():
    return "text"

@app.get("/get/<int:id>")
async def get(id):
    return {"id": id}, 200

@bp.route(PREFIX + "/computed")
def computed():
    return None

def named():
    return flask.jsonify()

app.add_url_rule("/named", "named", named, methods=("PUT",))
app.add_url_rule("/nothing", endpoint="index")
app.add_url_rule(rule="/keyword", view_func=login_required(named))

class Items(MethodView):
    def get(self):
        return []
    def helper(self):
        return "no view"

app.add_url_rule("/items", view_func=Items.as_view("items"))

class User(flask_restful.Resource):
    def delete(self, id):
        return "", 204

api.add_resource(User, "/users", "/users/<id>")
app.register_blueprint(bp)
client.get("/not/a/route")
"""


def test_routes(write: Write) -> None:
    """Decorators, rules added by a call, class-based views and resources; a rule that is computed is None."""
    stock = take_stock(write("app.py", ROUTES))
    assert routes(stock) == [
        ("/", "", "index"),
        ("/two", "GET/POST", "index"),
        ("/get/<int:id>", "GET", "get"),
        (None, "", "computed"),
        ("/named", "PUT", "named"),
        ("/nothing", "", None),
        ("/keyword", "", "named"),
        ("/items", "", "Items"),
        ("/users", "", "User"),
        ("/users/<id>", "", "User"),
    ]
    found = kinds(stock)
    assert (found["application"], found["blueprint"], found["method-view"]) == (1, 2, 2)
    assert found["view-return"] == 4  # "text", a tuple, a list, and ("", 204)
    assert stock.extensions == {"flask_restful": "app.py:2"}


CONSTRUCT_SOURCE = """
import click
import flask
from flask import g as state, session, current_app, request, abort
from flask.cli import AppGroup, with_appcontext
from flask.json.provider import DefaultJSONProvider
from flask.signals import got_request_exception
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.exceptions import NotFound

def create_app():
    app = flask.Flask(__name__)
    app.config["DEBUG"] = True
    app.config.from_object("settings")
    app.wsgi_app = ProxyFix(app.wsgi_app)
    app.url_map.converters["list"] = int
    app.json = DefaultJSONProvider(app)
    app.teardown_appcontext(print)
    app.register_error_handler(404, print)
    app.cli.add_command(command)
    got_request_exception.connect(print, app)
    return app

@app.before_request
def before():
    state.user = session["user"] if request.cookies else request.files
    if not current_app.config["OPEN"]:
        abort(403)
    raise NotFound

@app.errorhandler(404)
def missing(error):
    flask.flash("no")
    return flask.redirect(flask.url_for("index"))

@app.template_filter("x")
@app.context_processor
def both():
    return flask.render_template("x", y=flask.jsonify(1))

@app.shell_context_processor
def shell():
    return flask.send_file("x"), flask.stream_with_context(x), flask.make_response("x").set_cookie("a")

@app.cli.command("init")
@with_appcontext
def command():
    app.test_client()
"""


def test_constructs(write: Write) -> None:
    """Every kind of construct, through aliases and attributes, and each once."""
    stock = take_stock(write("app.py", CONSTRUCT_SOURCE))
    assert kinds(stock) == {
        "application": 2, "configuration": 3, "converter": 1, "hook": 2, "error-handler": 2, "response": 1,
        "session": 1, "g": 1, "url-for": 1, "redirect": 1, "abort": 2, "flash": 1, "jsonify": 2, "templates": 3,
        "send-file": 1, "streaming": 1, "cli": 3, "shell": 1, "test-client": 1, "signals": 1, "uploads": 1,
        "cookies": 2, "proxyfix": 1,
    }  # fmt: skip
    places = {(finding.line, finding.kind) for finding in stock.findings}
    assert {(12, "application"), (15, "application"), (15, "proxyfix"), (26, "g"), (26, "uploads")} <= places


def test_names_of_other_libraries_do_not_count(write: Write) -> None:
    """``request``, ``g``, ``session`` and ``redirect`` are Flask's only where they come from Flask."""
    source = (
        "from django.shortcuts import redirect\nimport requests\n"
        "def view(request, session, g):\n    request.method; session['a']; g.x\n    requests.get('/x')\n"
        "    return redirect('/')\n"
        "class C:\n    config = {}\n    def get(self): return self.config['x'] + self.client.get('/x')\n"
    )
    stock = take_stock(write("views.py", source))
    assert stock.findings == []
    assert stock.blocking == []
    assert "No Flask was found." in stock.render()


BLOCKING_SOURCE = """
import requests as r, time, subprocess, sqlite3
from time import sleep as nap
from urllib import request as web
from werkzeug.security import generate_password_hash
from flask import Flask

app = Flask(__name__)

@app.get("/")
def index():
    import smtplib
    nap(1)
    r.Session().get("x")
    subprocess.run(["ls"])
    generate_password_hash("x")
    open("file").read()
    web.urlopen("x")
    smtplib.SMTP("x")
    return helper()

def helper():
    time.sleep(1)
    db.session.commit()
    return helper()

def unused():
    time.sleep(1)

def added():
    User.query.filter_by(id=1)

app.add_url_rule("/added", view_func=added)
time.sleep(0)
"""


def test_blocking_calls(write: Write) -> None:
    """Calls in views, and in functions that they call, with aliases resolved; nothing outside of requests."""
    stock = take_stock(write("app.py", BLOCKING_SOURCE))
    assert sorted((call.call, call.view) for call in stock.blocking) == [
        (".query.filter_by", "added"),
        (".session.commit", "index"),
        ("open", "index"),
        ("requests.Session", "index"),
        ("smtplib.SMTP", "index"),
        ("subprocess.run", "index"),
        ("time.sleep", "index"),
        ("time.sleep", "index"),
        ("urllib.request.urlopen", "index"),
        ("werkzeug.security.generate_password_hash", "index"),
    ]
    assert {call.instead for call in stock.blocking if call.call == "time.sleep"} == {"asyncio.sleep"}


def test_hostile_files(write: Write, tmp_path: Path) -> None:
    """A file that cannot be read is named with its reason; nothing of it is run, followed or waited for."""
    code = write("good.py", "import flask\nraise SystemExit('it was run')\n")
    write("python2.py", "print 'old'\n")
    write("deep.py", "(" * 500 + ")" * 500)
    write("chain.py", "x = " + "+".join(["1"] * 20_000))
    write("null.py", "a = 1\0")
    write("large.py", "#" * (4 * 2**20 + 1))
    write("escape\x1b[2J.py", "x = '\\d'\nflask.Flask()\n")
    write("node_modules/skipped.py", "(")
    write(".hidden/skipped.py", "(")
    write("venv/lib/skipped.py", "(")
    write("venv/pyvenv.cfg", "")
    write("notes.txt", "(")
    (code / "latin.py").write_bytes(b"# -*- coding: latin-1 -*-\nname = '\xe9'\n")
    (code / "bytes.py").write_bytes(b"name = '\xff'\n")
    (code / "codec.py").write_bytes(b"# coding: nonsense\n")
    os.mkfifo(code / "pipe.py")
    (code / "loop").symlink_to(code, target_is_directory=True)
    (code / "again.py").symlink_to(code / "good.py")
    (code / "broken.py").symlink_to(code / "gone.py")
    stock = take_stock(code)
    assert {file.name for file in stock.files} <= {"again.py", "good.py", "latin.py", "escape\x1b[2J.py", "chain.py"}
    assert len({"again.py", "good.py"} & {file.name for file in stock.files}) == 1
    reasons = dict(stock.unreadable)
    assert {"python2.py", "deep.py", "null.py", "large.py", "bytes.py", "codec.py", "broken.py"} <= reasons.keys()
    assert reasons["python2.py"].startswith("line 1: Missing parentheses")
    for style in ("text", "markdown", "json"):
        assert "\x1b" not in stock.render(style)


def test_markdown_is_escaped_and_links_into_the_notes(write: Write) -> None:
    """What comes from the code cannot break out of a table."""
    code = write("app.py", "import flask\napp = flask.Flask('x')\n@app.route('/a|b`<img src=x>')\ndef f(): pass\n")
    text = take_stock(code).render("markdown", notes="https://notes.example/flask")
    assert "[application](https://notes.example/flask#application)" in text
    assert r"/a\|b\`\<img src=x\> -\> f" in text
    with pytest.raises(ValueError, match="none of text, markdown and json"):
        take_stock(code).render("html")


# A loaded application

LIVE = """
print("noise on standard output")
import functools
from flask import Flask, Blueprint, jsonify

def wrapped(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        return view(*args, **kwargs)
    return wrapper

def create_app(name="live"):
    app = Flask(name)
    app.config["SECRET_KEY"] = "very secret"
    bp = Blueprint("bp", __name__, url_prefix="/bp")

    @bp.route("/found/<int:x>")
    @wrapped
    def found(x):
        return str(x)

    def register(rule, view):
        app.add_url_rule(*[rule], view_func=view, endpoint=rule)

    for number in range(3):
        register(f"/missed/{number}", lambda: "x")

    @app.before_request
    def before():
        pass

    @app.errorhandler(404)
    def missing(error):
        return "", 404

    app.register_blueprint(bp)
    app.register_blueprint(bp, name="again", url_prefix="/again")
    return app

dead = Blueprint("dead", __name__)

@dead.route("/dead")
def dead_view():
    pass
"""


@pytest.mark.extra("flask")
def test_live(write: Write) -> None:
    """The loaded application shows what static reading misses, and which rules of the source are not there."""
    code = write("live_app.py", LIVE)
    live = take_stock(code, app="live_app:create_app").live
    assert live is not None
    origins = {route.rule: route.origin for route in live.routes}
    assert origins == {
        "/static/<path:filename>": "automatic",
        "/bp/found/<int:x>": "found",
        "/again/found/<int:x>": "found",
        "/missed/0": "missed",
        "/missed/1": "missed",
        "/missed/2": "missed",
    }
    assert live.count("missed") == 3
    assert "/dead" in [route.rule for route in live.not_live]
    assert {"before_request", "template_context_processors"} <= {hook["kind"] for hook in live.rest["hooks"]}
    assert [(item["error"], item["handler"]["name"]) for item in live.rest["error_handlers"]] == [
        ("404", "create_app.<locals>.missing")
    ]
    text = take_stock(code, app="live_app:create_app('other')").render("json")
    assert "very secret" not in text
    assert json.loads(text)["live"]["counts"] == {"found": 2, "automatic": 1, "package": 0, "missed": 3}


@pytest.mark.extra("flask")
@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("raise RuntimeError('no database')", "bad:app", "no database"),
        ("import os; os._exit(5)", "bad:app", "exit code 5"),
        ("import os; os.kill(os.getpid(), 11)", "bad:app", "exit code -11"),
        ("", "bad:app", "no attribute 'app'"),
        ("app = print", "bad:app", "no Flask application"),
        ("", "not here:app", "No module named"),
        ("", "bad:app(", "was never closed"),
    ],
)
def test_an_application_that_does_not_load(write: Write, source: str, target: str, message: str) -> None:
    """The error says what the process wrote; a crash does the report no harm."""
    code = write("bad.py", source)
    with pytest.raises(ReportError, match=re.escape(message)):
        take_stock(code, app=target)


def test_an_application_that_hangs(write: Write) -> None:
    """Loading has an end."""
    code = write("slow.py", "import threading; threading.Event().wait()")
    with pytest.raises(ReportError, match=r"not loaded within 0.5 s"):
        take_stock(code, app="slow:app", timeout=0.5)


# The command, and the table


def test_command(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """Three formats, for a folder or one file; a path that is not there is exit code 2."""
    code = write("app.py", ROUTES)
    assert cli.main(["port", "report", str(code)]) == 0
    assert "10 routes" in capsys.readouterr().out
    assert cli.main(["port", "report", str(code / "app.py"), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["constructs"][0]["notes"] == "docs/reference/flask.md#application"
    assert cli.main(["port", "report", str(code), "--format", "markdown", "--notes", "n.md"]) == 0
    assert "| [application](n.md#application) |" in capsys.readouterr().out
    assert cli.main(["port", "report", "nowhere"]) == 2
    assert capsys.readouterr().err == "error: nowhere does not exist\n"


def test_the_table_is_whole() -> None:
    """Each name leads to a kind of construct."""
    assert {*FLASK_NAMES.values(), *METHODS.values(), *WERKZEUG_NAMES.values()} <= CONSTRUCTS.keys()
    assert all(BLOCKING.values())


@pytest.mark.skipif(not NOTES.exists(), reason="the page of notes is not there")
def test_every_link_leads_to_a_section_of_the_notes() -> None:
    """Each anchor that a report can name is a heading, or an explicit target, of the page."""
    text = NOTES.read_text()
    headings = re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    anchors |= set(re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE)) | set(re.findall(r'id="([\w-]+)"', text))
    wanted = {construct.slug for construct in CONSTRUCTS.values()} | {slug for _, slug in EXTENSIONS.values()}
    assert wanted - anchors == set()
