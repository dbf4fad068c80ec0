"""The files of parity: requests, recordings, announced differences; and the command."""

import json
from pathlib import Path
from typing import Any

import pytest

from aiotoolkit import cli
from aiotoolkit.porting._parity_script import BOUNDARY, make_script
from aiotoolkit.porting.parity import ScriptError, load_announced, load_script

STEPS = [{"path": "/a"}, {"name": "b", "method": "POST", "path": "/b", "json": {"x": 1}}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("s.json", json.dumps(STEPS)),
        ("s.json", json.dumps({"steps": STEPS, "ignore": ["header:etag"]})),
        ("s.jsonl", "\n\n".join(map(json.dumps, STEPS))),
        pytest.param(
            "s.yaml",
            "- path: /a\n- {name: b, method: POST, path: /b, json: {x: 1}}\n",
            marks=pytest.mark.extra("yaml"),
        ),
    ],
)
def test_formats(tmp_path: Path, name: str, text: str) -> None:
    """A script is JSON, JSON lines or YAML, with or without what holds for all steps."""
    path = tmp_path / name
    path.write_text(text)
    first, second = load_script(path).steps
    assert (first.name, first.method, first.path) == ("1. GET /a", "GET", "/a")
    assert second.prepare({}) == ("/b", [("Content-Type", "application/json")], b'{"x": 1}')
    assert first.ignore in {(), ("header:etag",)}


def test_bodies(tmp_path: Path) -> None:
    """Forms keep order and repetition; files come from texts, base64 or the folder of the script."""
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    script = make_script(
        [
            {"path": "/1", "form": {"a": ["1", "2"], "b": 3}},
            {"path": "/2", "form": [["b", "x"], ["a", "\u00e9&="], ["b", "y"]]},
            {"path": "/3", "body": {"base64": "AAE="}, "headers": {"Content-Type": "x/y"}},
            {
                "path": "/4",
                "form": {"t": "x"},
                "files": {'f"': [{"path": "a.png"}, {"base64": "AAE=", "filename": ""}]},
            },
        ],
        folder=tmp_path,
    )
    prepared = [step.prepare({}) for step in script.steps]
    assert prepared[0][2] == b"a=1&a=2&b=3"
    assert prepared[1][2] == b"b=x&a=%C3%A9%26%3D&b=y"
    assert prepared[2] == ("/3", [("Content-Type", "x/y")], b"\0\1")
    kind, body = prepared[3][1][0][1], prepared[3][2]
    assert kind == f"multipart/form-data; boundary={BOUNDARY}"
    assert b'name="f%22"; filename="a.png"\r\nContent-Type: application/octet-stream\r\n\r\n\x89PNG\r\n' in body
    assert b'filename=""' in body
    assert body.endswith(f"--{BOUNDARY}--\r\n".encode())


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "it has no step"),
        ("GET /", "a script is a list of steps"),
        ({"step": []}, "the script: unknown key 'step'"),
        ([3], "step 1 is neither a mapping nor a text"),
        (["GET"], "'path' must be a text that starts with '/'"),
        ([{"path": "a"}], "'path' must be a text"),
        ([{"path": "/a b"}], "write blanks and such as %20"),
        ([{"path": "/a#b"}], "no fragment"),
        ([{"path": "/a\r\nX: y"}], "write blanks"),
        ([{"path": "/", "method": "GE T"}], "'GE T' is no method"),
        ([{"path": "/", "methode": "GET"}], "unknown key 'methode'; known are body"),
        ([{"path": "/", "headers": {"A": "b\nc"}}], "that HTTP cannot carry"),
        ([{"path": "/", "headers": {"A b": "c"}}], "that HTTP cannot carry"),
        ([{"path": "/", "headers": {"A": True}}], "True must be written as text"),
        ([{"path": "/", "headers": 3}], "is a mapping, or a list of"),
        ([{"path": "/", "json": 1, "form": {}}], "only one of json, form"),
        ([{"path": "/", "body": 1}], "'body' is a text"),
        ([{"path": "/", "body": {"base64": "?"}}], "what is called base64 is not"),
        ([{"path": "/", "files": {"a": {"path": "gone"}}}], "cannot read the file to upload"),
        ([{"path": "/", "files": {"a": "text"}}], "is a mapping with text, base64 or path"),
        ([{"path": "/", "timeout": 0}], "'timeout' is a number of seconds"),
        ([{"path": "/", "follow": "yes"}], "'follow' is true or false"),
        ([{"path": "/", "ignore": [3]}], "is a list of texts"),
        ([{"path": "/", "normalise": [{"pattern": "("}]}], "is no regular expression"),
        ([{"path": "/", "normalise": ["a"]}], "an entry has a 'pattern'"),
        ([{"path": "/", "capture": {"a": "no group"}}], "needs a group"),
        ([{"path": "/", "capture": {"a": {"xpath": "//a"}}}], "comes from one of regex"),
        ([{"path": "/", "capture": {"base": {"header": "X"}}}], "the variable 'base' comes from"),
        ([{"path": "/${id}"}], "no step before it captures 'id'"),
        ([{"path": "/", "json": {"a": "${id}"}}], "no step before it captures 'id'"),
        ([{"path": "/", "name": "a"}, {"path": "/", "name": "a"}], "two steps are called 'a'"),
    ],
)
def test_wrong_scripts(document: Any, message: str) -> None:
    """What is wrong is said before anything is started, with the step and what to write."""
    with pytest.raises(ScriptError) as caught:
        make_script(document)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("gone.json", None),
        ("s.json", b"{"),
        ("s.json", b"\xff"),
        ("s.json", b"[" * 100_000),
        ("s.jsonl", b"{}\n{"),
        pytest.param("s.yaml", b"a: [", marks=pytest.mark.extra("yaml")),
        ("s.har", b'{"log": {}}'),
        ("s.har", b"[]"),
        ("s.har", b'{"log": {"entries": []}}'),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, data: bytes | None) -> None:
    """A missing or broken file is a ScriptError, whatever is in it."""
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(ScriptError):
        load_script(tmp_path / name)


@pytest.mark.parametrize(
    "entries",
    [{}, "text", [{"step": "a", "what": "b"}], [{"step": "a", "what": "b", "reason": "c", "left": "d"}], [3]],
)
def test_wrong_announcements(tmp_path: Path, entries: Any) -> None:
    """An entry without a step, a kind and a reason is refused, and so is one with another key."""
    (tmp_path / "expect.json").write_text(json.dumps(entries))
    with pytest.raises(ScriptError, match=r"expect.json"):
        load_announced(tmp_path / "expect.json")


def entry(method: str, url: str, headers: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    listed = [{"name": name, "value": value} for name, value in (headers or {}).items()]
    return {"request": {"method": method, "url": url, "headers": listed, **more}}


BINARY = {"text": "AAE=", "encoding": "base64"}
RECORDING = {
    "log": {
        "entries": [
            entry(
                "GET",
                "https://old.example/a%2Fb?x=${y}#top",
                {
                    ":authority": "old.example",
                    "Host": "old.example",
                    "Connection": "keep-alive",
                    "Cookie": "session=secret",
                    "If-None-Match": '"a"',
                    "Accept": "text/html",
                },
            ),
            entry("GET", "https://cdn.example/x.js"),
            entry("GET", "wss://old.example/socket"),
            entry("GET", "data:text/plain,x"),
            entry(
                "POST",
                "https://old.example/form",
                {"Referer": "https://old.example/a", "Origin": "https://old.example", "Content-Length": "3"},
                postData={"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "a", "value": "1 2"}]},
            ),
            entry(
                "PUT", "https://old.example", {"Content-Type": "x/y"}, postData={"text": "AAE=", "encoding": "base64"}
            ),
            entry("PUT", "https://old.example/t", postData={"mimeType": "text/plain", "text": "${t}"}),
        ]
    }
}


def test_recordings(tmp_path: Path) -> None:
    """A HAR gives the requests to its first host, or another, without what belongs to its own connection."""
    path = tmp_path / "recording.har"
    path.write_text(json.dumps(RECORDING))
    steps = load_script(path).steps
    sent = [(step.method, *step.prepare({"base": "http://127.0.0.1:1"})) for step in steps]
    assert sent == [
        ("GET", "/a%2Fb?x=${y}", [("Accept", "text/html")], b""),
        (
            "POST",
            "/form",
            [
                ("Referer", "http://127.0.0.1:1/a"),
                ("Origin", "http://127.0.0.1:1"),
                ("Content-Type", "application/x-www-form-urlencoded"),
            ],
            b"a=1+2",
        ),
        ("PUT", "/", [("Content-Type", "x/y")], b"\0\1"),
        ("PUT", "/t", [], b"${t}"),
    ]
    assert [step.path for step in load_script(path, host="cdn.example").steps] == ["/x.js"]
    with pytest.raises(ScriptError, match=r"no request to other.example; it has .*cdn.example, old.example"):
        load_script(path, host="other.example")


# The command


PLAIN = (
    "import os\n"
    "def app(environ, start_response):\n"
    "    status = '200 OK' if environ['PATH_INFO'] != '/gone' else '404 Not Found'\n"
    "    start_response(status, [('Content-Type', 'text/plain; charset=utf-8')])\n"
    "    return [os.environ['GREETING'].encode()]\n"
)
PORT = (
    "import os\n"
    "from aiohttp import web\n"
    "async def index(request):\n"
    "    return web.Response(text=os.environ['GREETING'])\n"
    "def create_app(argv):\n"
    "    app = web.Application()\n"
    "    app.router.add_get('/{tail:.*}', index)\n"
    "    return app\n"
)


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two small applications that greet as their environment says, and the command that compares them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain.py").write_text(PLAIN)
    (tmp_path / "port.py").write_text(PORT)
    (tmp_path / "requests.json").write_text('["GET /", {"path": "/gone", "name": "gone"}]')
    (tmp_path / "one.json").write_text('["GET /"]')
    common = ["--flask", "plain:app", "--aiohttp", "port:create_app", "--wait", "40"]
    return ["port", "parity", *common, "--flask-env", "GREETING=hello", "--aiohttp-env"]


def test_command(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit codes: 0 for equal sides, 1 for a difference, and with the announced one 0 again."""
    assert cli.main([*command, "GREETING=hello", "one.json"]) == 0
    assert capsys.readouterr() == ("1 request, 0 differences\n", "")
    assert cli.main([*command, "GREETING=hello", "requests.json", "--json", "report.json"]) == 1
    assert "gone  status  404    200" in capsys.readouterr().out
    report = json.loads((tmp_path / "report.json").read_text())
    assert [(item["step"], item["what"]) for item in report["differences"]] == [("gone", "status")]
    (tmp_path / "expect.json").write_text('[{"step": "gone", "what": "status", "reason": "known"}]')
    assert cli.main([*command, "GREETING=hello", "requests.json", "--expect", "expect.json", "--announced"]) == 0
    assert "known" in capsys.readouterr().out
    assert cli.main([*command, "GREETING=hello", "one.json", "--expect", "expect.json"]) == 1


def test_progress(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On a terminal one line says how far it is, and is gone at the end."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert cli.main([*command, "GREETING=hello", "requests.json"]) == 1
    shown = capsys.readouterr().err
    assert "\r\x1b[K2/2 gone" in shown
    assert shown.endswith("\r\x1b[K")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "x\x1b.py").write_text("")
    assert cli.main(["port", "report", "app"]) == 0
    assert capsys.readouterr().err == "\r\x1b[K1/1 x?.py\r\x1b[K"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["GREETING=hello", "gone.json"], "error: cannot read gone.json"),
        (["GREETING", "one.json"], "error: --aiohttp-env is NAME=VALUE"),
        (["GREETING=hello", "one.json", "--flask-before", "./nothing"], "error: flask: cannot start ./nothing"),
        (["GREETING=hello", "one.json", "--flask-before", "a 'b"], 'error: flask: "a \'b" is no command: No closing'),
        (["GREETING=hello", "one.json", "--flask-python", "/nothing"], "error: flask: cannot start /nothing "),
        (["GREETING=hello", "one.json", "--json", "no/such/folder"], "error: cannot write no/such/folder"),
        (["GREETING=hello", "one.json", "--timeout", "-1"], "'-1' is no number of seconds"),
    ],
)
def test_command_that_cannot_compare(
    command: list[str], capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    """Exit code 2, and one line that says why."""
    assert cli.main([*command, *more]) == 2
    assert message in capsys.readouterr().err
