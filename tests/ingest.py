"""A local Sentry for tests, and scripts in processes of their own: logging and Sentry clients belong to a process."""

import contextlib
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
from collections.abc import Mapping, Sequence
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
        headers: Headers of every answer.

    Attributes:
        events: What was accepted, in the order of arrival.
        raw: Everything that arrived, accepted or not: head and decompressed body of each request.
        first_statuses: The statuses of the first answers, instead of ``status``.
        go_on: Answers wait while it is cleared.
    """

    def __init__(
        self,
        *,
        certificate: tuple[Path, Path] | None = None,
        status: int = 200,
        delay: float = 0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.events: list[dict[str, Any]] = []
        self.raw: list[bytes] = []
        self.status = status
        self.first_statuses: list[int] = []
        self.delay = delay
        self.headers = headers or {}
        self.go_on = threading.Event()
        self.go_on.set()
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
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def dsn(self, host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://public@{host}:{self._server.server_port}/1"

    def wait(self, count: int, timeout: float = 30) -> list[dict[str, Any]]:
        """Wait until ``count`` events have arrived, and return all that have."""
        with self._arrived:
            self._arrived.wait_for(lambda: len(self.events) >= count, timeout)
            return list(self.events)

    def messages(self) -> list[str]:
        """Return the message of each event, whichever client sent it."""
        return [message_of(event) for event in self.events]

    def wait_for_requests(self, count: int, timeout: float = 30) -> bool:
        """Wait until ``count`` requests have arrived, answered or not."""
        with self._arrived:
            return self._arrived.wait_for(lambda: len(self.raw) >= count, timeout)

    def _keep(self, raw: bytes) -> None:
        with self._arrived:
            self.raw.append(raw)
            self._arrived.notify_all()

    def _add(self, events: list[dict[str, Any]]) -> None:
        with self._arrived:
            self.events += events
            self._arrived.notify_all()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        ingest = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                body = decompressed(self.headers["Content-Encoding"], body)
                ingest._keep(f"{self.requestline}\n{self.headers}".encode() + body)
                if ingest.delay:
                    time.sleep(ingest.delay)
                ingest.go_on.wait(30)
                status = ingest.first_statuses.pop(0) if ingest.first_statuses else ingest.status
                if status == 200:
                    ingest._add(decoded(self.path, body))
                self.send_response(status)
                for name, value in ingest.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def handle(self) -> None:
                # A client that does not wait for an answer is not worth a traceback.
                with contextlib.suppress(ConnectionError):
                    super().handle()

            def log_message(self, format: str, *args: object) -> None:
                """Stay silent."""

        return Handler


def decompressed(encoding: str | None, body: bytes) -> bytes:
    """Undo a Content-Encoding."""
    match encoding:
        case "deflate":
            return zlib.decompress(body)
        case "gzip":
            return gzip.decompress(body)
        case _:
            return body


def decoded(path: str, body: bytes) -> list[dict[str, Any]]:
    """Return the events of one request to ``/store/`` or ``/envelope/``."""
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
