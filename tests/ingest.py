"""A local Sentry for tests, and scripts in processes of their own: logging and Sentry clients belong to a process."""

import gzip
import json
import os
import ssl
import subprocess
import sys
import textwrap
import threading
import time
import zlib
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parent.parent


class Ingest:
    """What both clients send to, over real HTTP: ``/api/<id>/store/`` of raven, ``/api/<id>/envelope/`` of the sdk.

    Args:
        certificate: Certificate and key file; then it speaks HTTPS.
        status: The status of every answer.
        delay: Seconds before every answer.
    """

    def __init__(self, *, certificate: tuple[Path, Path] | None = None, status: int = 200, delay: float = 0) -> None:
        self.events: list[dict[str, Any]] = []
        self.status = status
        self.delay = delay
        self._arrived = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self._scheme = "https"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def dsn(self, host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://public@{host}:{self._server.server_port}/1"

    def wait(self, count: int, timeout: float = 10) -> list[dict[str, Any]]:
        """Wait until ``count`` events have arrived, and return all that have."""
        with self._arrived:
            self._arrived.wait_for(lambda: len(self.events) >= count, timeout)
            return list(self.events)

    def messages(self) -> list[str]:
        """Return the message of each event, whichever client sent it."""
        return [message_of(event) for event in self.events]

    def _add(self, events: list[dict[str, Any]]) -> None:
        with self._arrived:
            self.events += events
            self._arrived.notify_all()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        ingest = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if ingest.delay:
                    time.sleep(ingest.delay)
                if ingest.status == 200:
                    ingest._add(decoded(self.path, self.headers["Content-Encoding"], body))
                self.send_response(ingest.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: object) -> None:
                """Stay silent."""

        return Handler


def decoded(path: str, encoding: str | None, body: bytes) -> list[dict[str, Any]]:
    """Return the events of one request to ``/store/`` or ``/envelope/``."""
    match encoding:
        case "deflate":
            body = zlib.decompress(body)
        case "gzip":
            body = gzip.decompress(body)
    if path.endswith("/store/"):
        return [json.loads(body)]
    assert path.endswith("/envelope/"), path
    events, rest = [], body.partition(b"\n")[2]
    while rest.strip():
        line, _, rest = rest.partition(b"\n")
        header = json.loads(line)
        length = header.get("length", len(rest.partition(b"\n")[0]))
        payload, rest = rest[:length], rest[length + 1 :]
        if header["type"] == "event":
            events.append(json.loads(payload))
    return events


def message_of(event: dict[str, Any]) -> str:
    entry = event.get("logentry") or event.get("sentry.interfaces.Message") or {}
    return str(entry.get("formatted") or entry.get("message"))


def run_script(
    source: str,
    *arguments: str,
    ignore: Sequence[str] = (),
    environ: dict[str, str] | None = None,
    timeout: float = 30,
) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own, with warnings as errors but those of the modules in ``ignore``."""
    warnings = ["-W", "error"]
    for module in ignore:
        warnings += ["-W", f"ignore::DeprecationWarning:{module}"]
    return subprocess.run(
        [sys.executable, *warnings, "-c", textwrap.dedent(source), *arguments],
        capture_output=True,
        check=False,
        cwd=ROOT,
        encoding="utf-8",
        env={**os.environ, **(environ or {})},
        timeout=timeout,
    )
