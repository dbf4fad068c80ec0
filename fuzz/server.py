"""The server under attack: ``python -m fuzz.server``. It tells its ports on stdout, and its state over the second one.

The attacked application is what a user would write: Schemas on both engines, both middlewares. Each body comes back
through a response schema, so a value that passes one way and not the other is a 500.
"""

import asyncio
import contextlib
import ctypes
import gc
import json
import logging
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from aiotoolkit.logger import BadRequestFilter
from aiotoolkit.middlewares import setup_errors, setup_request_id
from aiotoolkit.schemas import Schema
from fuzz.targets import BODIES, FORM, PARAMETERS

__all__ = ["ENGINES", "make_app"]

ENGINES: Final = {"rs": "jsonschema-rs", "py": "jsonschema"}
_HEARTBEAT: Final = 0.01
_MAX_RECORDS: Final = 3  # of each kind


def make_app() -> web.Application:
    """Every target, on every engine that is meant for such data."""
    app = web.Application()
    setup_errors(app)
    setup_request_id(app)
    for prefix, engine in ENGINES.items():
        for name, body in BODIES.items():
            if prefix == "py" and body.slow_in_python:
                continue
            schema = Schema(request=body.schema, response=body.schema, engine=engine)
            app.router.add_post(f"/{prefix}/{name}", schema.handler(_echo))
        optional = Schema(request=BODIES["flat"].schema, engine=engine, body_required=False)
        app.router.add_post(f"/{prefix}/optional", optional.handler(_echo))
        app.router.add_post(f"/{prefix}/form", Schema(form=FORM, engine=engine).handler(_echo_form))
        places: dict[str, Any] = dict(PARAMETERS)
        parameters = Schema(**places, engine=engine)
        app.router.add_get(f"/{prefix}/parameters/{{id}}/{{slug}}", parameters.handler(_echo_parameters))
        both = Schema(**places, request=BODIES["flat"].schema, engine=engine)
        app.router.add_post(f"/{prefix}/parameters/{{id}}/{{slug}}", both.handler(_echo_both))
    return app


async def _echo(request: web.Request, *, body: Any) -> Any:
    return body


async def _echo_form(request: web.Request, *, form: dict[str, Any]) -> Any:
    def shown(value: Any) -> Any:
        if isinstance(value, list):
            return [shown(item) for item in value]
        return value if isinstance(value, str | int | bool) else [value.filename, len(value.file.read())]

    return {name: shown(value) for name, value in form.items()}


async def _echo_parameters(request: web.Request, *, path: Any, query: Any, headers: Any, cookies: Any) -> Any:
    return [path, query, headers, cookies]


async def _echo_both(request: web.Request, *, path: Any, query: Any, headers: Any, cookies: Any, body: Any) -> Any:
    return [path, query, headers, cookies, body]


class _Records(logging.Handler):
    """Keeps what is logged at WARNING or above."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.unexpected: list[tuple[float, str]] = []  # when, by the clock that all processes share, and what
        self.count = 0
        self._kinds: Counter[Any] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.count += 1
        self._kinds[record.name, record.msg, type(error)] += 1
        if self._kinds[record.name, record.msg, type(error)] <= _MAX_RECORDS:
            self.unexpected.append((time.monotonic(), self.format(record)[-3000:]))


class _Watch:
    """What the server knows of its own health."""

    def __init__(self) -> None:
        self.records = _Records()
        self.worst_lag = 0.0

    async def heartbeat(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(_HEARTBEAT)
            self.worst_lag = max(self.worst_lag, time.monotonic() - before - _HEARTBEAT)

    async def state(self, request: web.Request) -> web.Response:
        if "settled" in request.query:
            gc.collect()
            _trim()
        state = {
            "rss": _resident(),
            "files": _open_files(),
            "tasks": len(asyncio.all_tasks()),
            "cpu": time.process_time(),
            "worst_lag": self.worst_lag,
            "records": self.records.count,
            "unexpected": self.records.unexpected,
        }
        return web.json_response(state)


def _trim() -> None:
    """Give back what the C library's allocator keeps: a high-water mark is no leak."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _open_files() -> int:
    """How many; 0 where the system does not say."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def _resident() -> int:
    """Bytes of the resident set; 0 where the system does not say."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


async def _serve() -> None:
    watch = _Watch()
    logging.captureWarnings(True)
    logging.basicConfig(handlers=[watch.records], level=logging.WARNING)
    # What aiohttp logs as errors about bytes that are no HTTP; default_logging_dict installs it, too.
    logging.getLogger("aiohttp.server").addFilter(BadRequestFilter())
    control = web.Application()
    control.router.add_get("/", watch.state)
    ports = []
    runners = [web.AppRunner(app, access_log=None, lingering_time=1.0) for app in (make_app(), control)]
    for runner in runners:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ports.append(runner.addresses[0][1])
    beating = asyncio.create_task(watch.heartbeat())
    print(json.dumps(ports), flush=True)
    # The end of stdin is the end of who started it.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    beating.cancel()
    for runner in runners:
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve())
