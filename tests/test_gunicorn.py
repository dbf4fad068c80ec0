"""Logging under gunicorn, with aiohttp's worker and its preload."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

APPLICATION = """
import logging.config

from aiohttp import web

from aiotoolkit.app import AccessLogger
from aiotoolkit.logger import default_logging_dict
from aiotoolkit.middlewares import setup_request_id

logging.config.dictConfig(default_logging_dict("aiohttp", "shop", json=True, stdout_only=True, queue=True))


async def view(request):
    logging.getLogger("shop").info("seen")
    return web.Response(text="ok")


async def create_runner():
    app = web.Application()
    setup_request_id(app)
    app.router.add_get("/", view)
    return web.AppRunner(app, access_log_class=AccessLogger)
"""


@pytest.mark.extra("gunicorn")
@pytest.mark.extra("pythonjsonlogger")
def test_workers_forked_from_a_preloaded_application(tmp_path: Path) -> None:
    """Each worker writes its lines through the queue, with request ids and fields, and loses none at SIGTERM."""
    (tmp_path / "shop.py").write_text(textwrap.dedent(APPLICATION))
    command = [sys.executable, "-m", "gunicorn", "shop:create_runner", "--worker-class", "aiohttp.GunicornWebWorker"]
    command += ["--preload", "--workers", "2", "--bind", "127.0.0.1:0", "--chdir", str(tmp_path)]
    environ = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        address = next(found[0] for line in process.stderr if (found := re.search(r"http://127.0.0.1:\d+", line)))
        for number in range(20):
            request = urllib.request.Request(f"{address}/?token=x&n={number}", headers={"X-Request-ID": f"r{number}"})
            with urllib.request.urlopen(request, timeout=20) as response:
                assert response.read() == b"ok"
        process.send_signal(signal.SIGTERM)
        written, _ = process.communicate(timeout=30)
    lines = [json.loads(line) for line in written.splitlines()]
    seen = [(line["logger"], line["request_id"], line.get("path")) for line in lines]
    expected: list[tuple[str, str, str | None]] = [("shop", f"r{number}", None) for number in range(20)]
    expected += [("aiohttp.access", f"r{number}", f"/?token=***&n={number}") for number in range(20)]
    assert sorted(seen, key=str) == sorted(expected, key=str)
