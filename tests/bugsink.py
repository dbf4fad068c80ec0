"""A real Sentry-compatible server for tests: Bugsink, in a virtual environment of its own.

Bugsink's licence is PolyForm Shield: it is run here as a tool, and is no dependency of anything. It needs a folder, a
free port of 127.0.0.1 and nothing else; it calls nobody.

    python -m tests.bugsink FOLDER      makes the virtual environment in FOLDER, unless it is there
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = "2.6.1"
_READY_SECONDS = 60

_SETTINGS = """
import zlib
from pathlib import Path
import bugsink.streams
from bugsink.settings.default import *

# raven sends what RFC 9110 calls deflate, zlib's format; Bugsink expects raw deflate.
bugsink.streams.WBITS_PARAM_FOR_DEFLATE = zlib.MAX_WBITS

FOLDER = Path(__file__).parent
SECRET_KEY = {secret!r}
ALLOWED_HOSTS = ["127.0.0.1"]
TIME_ZONE = "UTC"
DATABASES["default"]["NAME"] = str(FOLDER / "main.sqlite3")
DATABASES["snappea"]["NAME"] = str(FOLDER / "snappea.sqlite3")
SNAPPEA = {{"TASK_ALWAYS_EAGER": True}}
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
MANY = 1_000_000
BUGSINK = {{
    "BASE_URL": "http://127.0.0.1:{port}",
    "SINGLE_USER": True,
    "SINGLE_TEAM": True,
    "PHONEHOME": False,
    "INGEST_STORE_BASE_DIR": str(FOLDER / "ingest"),
    "MAX_EVENTS_PER_5_MINUTES": MANY,
    "MAX_EVENTS_PER_HOUR": MANY,
    "MAX_EVENTS_PER_PROJECT_PER_5_MINUTES": MANY,
    "MAX_EVENTS_PER_PROJECT_PER_HOUR": MANY,
}}
"""

_PREPARE = """
import json, django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("migrate", "snappea", database="snappea", verbosity=0)
from bsmain.models import AuthToken
from projects.models import Project
from teams.models import Team
team = Team.objects.create(name="t")
tokens = AuthToken.create_full_access()
names = ("raven", "sentry-sdk")
projects = [Project.objects.create(team=team, name=name, slug=name, alert_on_new_issue=False) for name in names]
print(json.dumps({"token": tokens.token, "projects": {p.name: {"id": p.id, "dsn": p.dsn} for p in projects}}))
"""


@dataclass(frozen=True)
class Bugsink:
    """A running server, and what it knows."""

    base: str
    token: str
    projects: dict[str, dict[str, Any]]

    def dsn(self, project: str) -> str:
        return str(self.projects[project]["dsn"])

    def events(self, project: str) -> list[dict[str, Any]]:
        """Return the data of every event of a project, as the server stored it."""
        events = []
        for issue in self._get(f"issues/?project={self.projects[project]['id']}"):
            for event in self._get(f"events/?issue={issue['id']}"):
                full = self._ask(f"events/{event['id']}/")
                events.append(full["data"] | {"stacktrace_text": self._text(f"events/{event['id']}/stacktrace/")})
        return events

    def _get(self, path: str) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = self._ask(path)["results"]
        return results

    def _ask(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._text(path))
        return answer

    def _text(self, path: str) -> str:
        url = f"{self.base}/api/canonical/0/{path}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=30) as response:
            return str(response.read().decode())


@contextmanager
def run_bugsink(environment: Path, folder: Path) -> Iterator[Bugsink]:
    """Run a server with an empty database in ``folder``; what it printed is shown when something fails."""
    port = _free_port()
    (folder / "bugsink_conf.py").write_text(_SETTINGS.format(secret=secrets.token_hex(32), port=port))
    environ = {**os.environ, "PYTHONPATH": str(folder), "DJANGO_SETTINGS_MODULE": "bugsink_conf"}
    environ.pop("SENTRY_DSN", None)
    python = str(environment / "bin" / "python")
    with (folder / "bugsink.log").open("w+") as log:
        prepare = [python, "-c", _PREPARE]
        done = subprocess.run(prepare, env=environ, cwd=folder, stdout=subprocess.PIPE, stderr=log, check=False)
        command = [python, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--threads", "4", "--no-control-socket"]
        server = None
        try:
            made = json.loads(done.stdout.splitlines()[-1])
            server = subprocess.Popen([*command, "bugsink.wsgi"], env=environ, cwd=folder, stdout=log, stderr=log)
            _wait_until_ready(f"http://127.0.0.1:{port}/health/ready", server)
            yield Bugsink(f"http://127.0.0.1:{port}", made["token"], made["projects"])
        except BaseException:
            print((folder / "bugsink.log").read_text()[-20_000:], file=sys.stderr)
            raise
        finally:
            if server is not None:
                server.terminate()
                server.wait(30)


def make_environment(folder: Path) -> None:
    """Make the virtual environment, unless it is there with this version."""
    stamp = folder / f"bugsink-{VERSION}"
    if stamp.exists():
        return
    venv.create(folder, clear=True, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, f"bugsink=={VERSION}"], check=True)
    stamp.touch()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_until_ready(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                if response.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"Bugsink did not start: exit code {server.poll()}")


if __name__ == "__main__":
    make_environment(Path(sys.argv[1]))
