"""Send the same requests to a Flask application and to its port, and report every difference.

`compare` starts both from fresh state, waits until both answer, sends each step of a script to both and compares what
comes back. `check_parity` does the same for a test. ``python -m aiotoolkit port parity`` is the command.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from aiotoolkit.porting._parity_client import Answer, CookieJar, decoded_body, fetch
from aiotoolkit.porting._parity_compare import Difference, View, differences_of
from aiotoolkit.porting._parity_errors import ParityError, ScriptError
from aiotoolkit.porting._parity_report import Announced, ParityReport, load_announced, make_announced, make_report
from aiotoolkit.porting._parity_script import Capture, Script, Step, load_script, make_script
from aiotoolkit.porting._parity_servers import Server, Side, running

__all__ = [
    "Announced",
    "Difference",
    "ParityError",
    "ParityReport",
    "Script",
    "ScriptError",
    "Side",
    "Step",
    "check_parity",
    "compare",
    "load_announced",
    "load_script",
]

ScriptLike = Script | Path | str | Sequence[Any] | Mapping[str, Any]
AnnouncedLike = Path | str | Sequence[Announced | Mapping[str, Any]]

MOST_REDIRECTS = 20


async def compare(
    script: ScriptLike,
    *,
    flask: Side | str,
    aiohttp: Side | str,
    expect: AnnouncedLike = (),
    timeout: float = 30.0,  # noqa: ASYNC109 - of each request, whose failure is a row of the report
    wait: float = 60.0,
    sessions: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
) -> ParityReport:
    """Send every step to both sides, and compare the answers.

    Args:
        script: a path to a file of requests or to a HAR recording, or the steps themselves.
        flask: ``module:app``, ``module:create_app`` or the URL of a running server, or a `Side` with more to say.
        aiohttp: the same for the other side.
        expect: announced differences: a path, or mappings with ``step``, ``what``, ``reason``.
        timeout: seconds for each request.
        wait: seconds for each side to be ready.
        sessions: compare what is inside signed session cookies, too. Values are never shown.
        progress: called before each step with its number, how many there are, and its name.

    Raises:
        ScriptError: the script or the announced differences are wrong.
        ParityError: a side did not start, or its process ended meanwhile.
    """
    if not isinstance(script, Script):
        script = load_script(script) if isinstance(script, Path | str) else make_script(script)
    announced = load_announced(expect) if isinstance(expect, Path | str) else make_announced(expect)
    sides = [side if isinstance(side, Side) else Side(side) for side in (flask, aiohttp)]
    async with contextlib.AsyncExitStack() as stack:
        left, right = await _start(stack, sides, wait)
        run = _Run((_Client(left), _Client(right)), timeout, sessions)
        for number, step in enumerate(script.steps, 1):
            if progress is not None:
                progress(number, len(script.steps), step.name)
            await run.step(step)
    return make_report((step.name for step in script.steps), run.differences, announced)


async def _start(stack: contextlib.AsyncExitStack, sides: Sequence[Side], wait: float) -> list[Server]:
    """Start both sides at once; where one fails, the other one is stopped."""
    try:
        async with asyncio.TaskGroup() as group:
            starting = [
                group.create_task(stack.enter_async_context(running(name, side, wait=wait)))
                for name, side in zip(("flask", "aiohttp"), sides, strict=True)
            ]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in starting]


def check_parity(script: ScriptLike, *, flask: Side | str, aiohttp: Side | str, **options: Any) -> None:
    """Compare in a test: an AssertionError shows the table of differences.

    In a test that is a coroutine, write ``(await compare(...)).check()``.

    Args:
        script: as for `compare`.
        flask: as for `compare`.
        aiohttp: as for `compare`.
        options: as for `compare`.

    Raises:
        AssertionError: there are differences that nobody announced, or announced ones do not appear.
        ParityError: as for `compare`.
    """
    asyncio.run(compare(script, flask=flask, aiohttp=aiohttp, **options)).check()


@dataclass(slots=True)
class _Client:
    """A browser's worth of state for one side: cookies of each named client, and captured variables."""

    server: Server
    jars: dict[str, CookieJar] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.variables["base"] = str(self.server.origin)

    async def send(self, step: Step, timeout: float) -> Answer:  # noqa: ASYNC109 - of the request
        try:
            target, headers, body = step.prepare(self.variables)
        except KeyError as error:
            return Answer(error=f"not sent: {error.args[0]} was not captured")
        if re.search(r"[\x00-\x20\x7f#]", target) or not target.startswith(("/", "*")):
            # A captured URL, of this very server.
            target = _own_path(target, self) or ""
            if not target:
                return Answer(error="not sent: its path is not one of this server")
        if any(re.search(r"[\r\n\x00]", value) for _, value in headers):
            return Answer(error="not sent: a captured value cannot stand in a header")
        jar = self.jars.setdefault(step.client, CookieJar())
        method = step.method
        answer = Answer()
        hops: list[str] = []
        cookies: list[tuple[str, str]] = []
        for _ in range(MOST_REDIRECTS):
            answer = await self._send_once(jar, method, target, headers, body, timeout)
            # What was on the way counts as much as where it ended.
            answer = replace(answer, hops=tuple(hops), headers=(*cookies, *answer.headers))
            location = answer.get("location")
            if not step.follow or answer.status not in {301, 302, 303, 307, 308} or location is None:
                return answer
            following = _own_path(urljoin(f"{self.server.origin}{target}", location), self)
            if following is None:
                return answer  # it leads to another host: the answer is the redirect itself
            if answer.status == 303 or (answer.status < 303 and method == "POST"):
                method, body = "GET" if method != "HEAD" else method, b""
                headers = [pair for pair in headers if not pair[0].lower().startswith("content-")]
            target = following
            hops.append(f"{answer.status} {target}")
            cookies = [pair for pair in answer.headers if pair[0].lower() == "set-cookie"]
        return replace(answer, error=f"more than {MOST_REDIRECTS} redirects")

    async def _send_once(
        self,
        jar: CookieJar,
        method: str,
        target: str,
        headers: list[tuple[str, str]],
        body: bytes,
        timeout: float,  # noqa: ASYNC109 - of the request
    ) -> Answer:
        cookie = jar.header(target)
        if cookie is not None and not any(name.lower() == "cookie" for name, _ in headers):
            headers = [*headers, ("Cookie", cookie)]
        answer = await fetch(self.server.origin, method, target, headers, body, timeout=timeout)
        if answer.error is None:
            jar.update(target, answer)
        return answer

    def view(self, step: Step, answer: Answer, hidden: Sequence[str]) -> View:
        values = [(self.variables[name], f"{{{name}}}") for name in hidden if len(self.variables.get(name, "")) >= 8]
        return View(answer, self.server.origin, step.normalise, values)


def _own_path(url: str, client: _Client) -> str | None:
    """Path and query of a URL of this server; None for any other."""
    origin = client.server.origin
    try:
        parts = urlsplit(urljoin(str(origin), url))
        if (parts.hostname, parts.port or origin.port) != (origin.host, origin.port):
            return None
    except ValueError:
        return None
    path = (parts.path or "/").removeprefix(origin.prefix) + (f"?{parts.query}" if parts.query else "")
    return None if re.search(r"[\x00-\x20\x7f]", path) else path


@dataclass(slots=True)
class _Run:
    """The steps that were sent, and what they showed."""

    clients: tuple[_Client, _Client]
    timeout: float
    sessions: bool
    differences: list[Difference] = field(default_factory=list)

    async def step(self, step: Step) -> None:
        """Send one step to both sides at once, and note every difference.

        Raises:
            ParityError: one of the processes has ended.
        """
        timeout = step.timeout or self.timeout
        left, right = await asyncio.gather(*(client.send(step, timeout) for client in self.clients))
        if left.error is not None or right.error is not None:
            await self._check_alive()
        captured = list(self._capture(step, (left, right)))
        # A value that both sides gave alike is no token: it stays in what is compared.
        first, second = (client.variables for client in self.clients)
        hidden = [name for name in first.keys() & second.keys() if name != "base" and first[name] != second[name]]
        hidden.sort(key=lambda name: -len(first[name]))
        views = [client.view(step, answer, hidden) for client, answer in zip(self.clients, (left, right), strict=True)]
        found = differences_of(*views, method=step.method, sessions=self.sessions, ignore=step.ignore)
        for what, flask, aiohttp, detail in [*found, *captured]:
            self.differences.append(Difference(step.name, step.shown_target, what, flask, aiohttp, detail))

    async def _check_alive(self) -> None:
        await asyncio.sleep(0.1)  # a process that crashed closes its connections a moment before it has ended
        for client in self.clients:
            client.server.check_alive()

    def _capture(self, step: Step, answers: tuple[Answer, Answer]) -> Iterable[tuple[str, str, str, str]]:
        for name, capture in step.capture.items():
            shown: list[str] = []
            for client, answer in zip(self.clients, answers, strict=True):
                value = _captured(capture, answer, client.jars.get(step.client, CookieJar()))
                if value is None:
                    client.variables.pop(name, None)
                else:
                    client.variables[name] = value
                shown.append("not found" if value is None else "found")
            if "not found" in shown:
                yield f"capture:{name}", shown[0], shown[1], ""


def _captured(capture: Capture, answer: Answer, jar: CookieJar) -> str | None:
    if answer.error is not None:
        return None
    if capture.kind == "header":
        return answer.get(capture.argument.lower())
    if capture.kind == "cookie":
        return jar.get(capture.argument)
    body = decoded_body(answer).decode(errors="replace")
    if capture.kind == "regex":
        match = re.search(capture.argument, body)
        return None if match is None else match[1]
    return _at_pointer(body, capture.argument)


def _at_pointer(body: str, pointer: str) -> str | None:
    try:
        value = json.loads(body)
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            value = value[int(key)] if isinstance(value, list) else value[key]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return value if isinstance(value, str) else json.dumps(value)
