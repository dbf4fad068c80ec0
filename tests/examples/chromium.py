"""A headless Chromium, driven over its DevTools protocol: one WebSocket, and no package beside aiohttp.

It is looked for as ``$CHROMIUM``, ``chromium``, ``chromium-browser`` and ``google-chrome``. Where there is none its
tests are skipped, or fail if REQUIRE_CHROMIUM=1.
"""

import asyncio
import base64
import contextlib
import itertools
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
REQUIRE_CHROMIUM = os.environ.get("REQUIRE_CHROMIUM") == "1"
FLAGS = (
    "--headless",
    "--no-sandbox",  # as root there is none, and all that it opens is ours
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--remote-debugging-port=0",
)
TIMEOUT = 60.0  # seconds: the environments of tox run side by side
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27}


def find_chromium() -> str:
    """The path of the browser; skips or fails the test where there is none."""
    for name in filter(None, (os.environ.get("CHROMIUM"), *NAMES)):
        if path := shutil.which(name):
            return path
    reason = f"no browser: none of {', '.join(NAMES)} is installed, and CHROMIUM names none"
    if REQUIRE_CHROMIUM:
        pytest.fail(f"{reason}, but REQUIRE_CHROMIUM=1")
    pytest.skip(reason)


@contextlib.asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator["Tab"]:
    """Start a browser with an empty profile in that folder, and open a tab."""
    process = await asyncio.create_subprocess_exec(
        find_chromium(),
        *FLAGS,
        f"--user-data-dir={folder}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        url = await asyncio.wait_for(_devtools_url(process), TIMEOUT)
        async with aiohttp.ClientSession() as session, session.ws_connect(url, max_msg_size=0) as socket:
            connection = Connection(socket)
            reader = asyncio.create_task(connection.read())
            drain = asyncio.create_task(_drain(process))
            try:
                yield await Tab.open(connection)
                await connection.call("Browser.close")
            finally:
                reader.cancel()
                drain.cancel()
                await asyncio.gather(reader, drain, return_exceptions=True)
    finally:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), TIMEOUT)
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _devtools_url(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    said = b""
    while line := await process.stderr.readline():
        said += line
        if line.startswith(b"DevTools listening on "):
            return line.decode().split()[-1]
    raise RuntimeError(f"the browser ended: {said.decode(errors='replace')}")


async def _drain(process: asyncio.subprocess.Process) -> None:
    assert process.stderr is not None
    while await process.stderr.readline():
        pass


class Connection:
    """Calls and events of the protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.changed = asyncio.Condition()

    async def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params}
        await self._socket.send_json(message | ({"sessionId": session} if session else {}))
        return await asyncio.wait_for(answer, TIMEOUT)

    async def read(self) -> None:
        async for message in self._socket:
            data = message.json()
            if "id" in data:
                answer = self._answers.pop(data["id"])
                if "error" in data:
                    answer.set_exception(RuntimeError(data["error"]["message"]))
                else:
                    answer.set_result(data["result"])
            else:
                async with self.changed:
                    self.events.append((data["method"], data["params"]))
                    self.changed.notify_all()

    async def wait_for(self, method: str, after: int) -> None:
        """Wait until there is such an event among those from index ``after`` on."""

        def is_there() -> bool:
            return any(name == method for name, _ in self.events[after:])

        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(is_there), TIMEOUT)


class Tab:
    """One tab of the browser."""

    def __init__(self, connection: Connection, session: str) -> None:
        self._connection = connection
        self._session = session

    @classmethod
    async def open(cls, connection: Connection) -> "Tab":
        target = await connection.call("Target.createTarget", url="about:blank")
        attached = await connection.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        tab = cls(connection, attached["sessionId"])
        for domain in ("Page", "Network", "Log", "Runtime", "DOM", "Audits", "Accessibility"):
            await tab.call(f"{domain}.enable")
        return tab

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        return await self._connection.call(method, self._session, **params)

    @contextlib.asynccontextmanager
    async def loading(self) -> AsyncIterator[None]:
        """Wait, after the block, for the page to which it led."""
        after = len(self._connection.events)
        yield
        await self._connection.wait_for("Page.loadEventFired", after)

    async def go(self, url: str) -> None:
        async with self.loading():
            await self.call("Page.navigate", url=url)

    async def evaluate(self, script: str) -> Any:
        result = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    async def press(self, key: str, *, shift: bool = False) -> None:
        event = {
            "key": key,
            "code": key,
            "windowsVirtualKeyCode": KEYS[key],
            "modifiers": 8 if shift else 0,
            **({"text": "\r"} if key == "Enter" else {}),
        }
        await self.call("Input.dispatchKeyEvent", type="keyDown", **event)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    async def write(self, text: str) -> None:
        await self.call("Input.insertText", text=text)

    async def choose_file(self, selector: str, path: Path) -> None:
        document = await self.call("DOM.getDocument")
        node = await self.call("DOM.querySelector", nodeId=document["root"]["nodeId"], selector=selector)
        await self.call("DOM.setFileInputFiles", files=[str(path)], nodeId=node["nodeId"])

    async def resize(self, width: int, height: int, *, dark: bool = False, mobile: bool = False) -> None:
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        motion = {"name": "prefers-reduced-motion", "value": "reduce"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme, motion])

    async def screenshot(self) -> bytes:
        result = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(result["data"])

    def requested(self) -> set[str]:
        """The URL of every request of the pages."""
        events = self._connection.events
        return {params["request"]["url"] for name, params in events if name == "Network.requestWillBeSent"}

    def complaints(self) -> list[str]:
        """What the browser wrote to its console, and the issues that it found (such as of the CSP)."""
        said = []
        for name, params in self._connection.events:
            if name == "Log.entryAdded":
                said.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
            elif name in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Audits.issueAdded"):
                said.append(f"{name} {params}")
        return said
