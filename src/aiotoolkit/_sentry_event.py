"""What an event says of the request it happened in, and what it must not say."""

from __future__ import annotations

import logging
import re
import threading
import time
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote_plus

from aiotoolkit._redaction import HIDDEN, is_secret_name, mask_source, mask_text
from aiotoolkit._request_context import current_request, request_id_var

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LOGGER_NAME", "Losses", "finish_event", "request_id_tag", "scrub_event"]

#: What the toolkit itself says of Sentry, which must never become an event.
LOGGER_NAME = "aiotoolkit.logger"

_NOTICE_SECONDS = 60.0

# Of a request, what helps to repeat it and names nobody.
_HEADERS = ("Accept", "Content-Length", "Content-Type", "Host", "User-Agent")

# Parts of an event whose names are not the application's: hiding the version of "passlib" helps nobody.
_NOT_SCRUBBED = frozenset({"_meta", "modules", "sdk"})
_SOURCE = frozenset({"context_line", "post_context", "pre_context"})

# The name before its value in a sequence: ("Authorization", "...") of raw headers, "--password", "..." of a command.
# Both clients send the repr of what is inside of variables.
_PAIR_NAME = re.compile(r"b?['\"]?[\w-]{1,64}['\"]?", re.ASCII)


def finish_event(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event with the data and the id of the running request, and without secrets.

    What the event has of them already stays. What is added has no body, no cookie and no secret header.

    Args:
        event: Plain data, as it is about to be sent.
    """
    request, request_id, tags = current_request(), request_id_var.get(), event.get("tags") or {}
    if request is not None and not event.get("request"):
        event["request"] = _request_data(request)
    if request_id is not None and isinstance(tags, dict):
        event["tags"] = {"request_id": request_id, **tags}
    return scrub_event(event)


def request_id_tag(record: logging.LogRecord) -> dict[str, str]:
    """The id that a record brought itself, as a tag."""
    request_id = record.__dict__.get("request_id", "-")
    return {"request_id": request_id} if isinstance(request_id, str) and request_id != "-" else {}


def scrub_event(event: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of the event in which nothing looks secret, by its name or by its place in a text."""
    return cast("dict[str, Any]", _scrubbed_mapping(event))


class Losses:
    """Counts events that did not reach Sentry, and says so in the log: at once, then once a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._lost = 0
        self._next = 0.0

    def add(self, reason: str) -> None:
        """Count one lost event."""
        with self._lock:
            self._lost += 1
            if self._clock() < self._next:
                return
        self.report(reason)

    def report(self, reason: str, more: int = 0) -> None:
        """Say what was lost since the last time, and that ``more`` events are lost now."""
        with self._lock:
            lost, self._lost, self._next = self._lost + more, 0, self._clock() + _NOTICE_SECONDS
        if lost:
            logging.getLogger(LOGGER_NAME).warning("%d events did not reach Sentry: %s", lost, reason)


def _request_data(request: Any) -> dict[str, Any]:
    headers = request.headers
    # Not request.host: without a Host header it asks the DNS, and blocks.
    host, path = headers.get("Host"), request.rel_url.raw_path
    data = {
        "method": request.method,
        "url": path if host is None else f"{request.scheme}://{host}{path}",
        "headers": {name: headers[name] for name in _HEADERS if name in headers},
    }
    if query := request.rel_url.raw_query_string:
        data["query_string"] = query
    return data


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        # One word, as most strings of an event are, hides nothing by its place in a text.
        return value if value.isalnum() else mask_text(_encodable(value))
    if isinstance(value, dict):
        return _scrubbed_mapping(value)
    if isinstance(value, list | tuple):
        return _scrubbed_items(value)
    return value


def _scrubbed_mapping(mapping: dict[Any, Any]) -> dict[Any, Any]:
    if mapping.get("params") and isinstance(mapping.get("formatted"), str):
        mapping = {**mapping, "formatted": _without_secret_params(mapping["formatted"], mapping["params"])}
    scrubbed = {key: _scrubbed_member(key, value) for key, value in mapping.items()}
    before, after = mapping.get("formatted"), scrubbed.get("formatted")
    if mapping.get("params") and before != after:
        scrubbed["params"] = _scrubbed_params(mapping["params"], str(after))
    return scrubbed


def _without_secret_params(message: str, params: Any) -> str:
    """Hide the arguments of a message that have the name of a secret: ``%(token)s``."""
    for name, value in params.items() if isinstance(params, dict) else ():
        text = str(value).strip("'") if isinstance(value, str | int | float) else ""
        if text and is_secret_name(name):
            message = message.replace(text, HIDDEN)
    return message


def _scrubbed_params(params: Any, message: str) -> Any:
    """Hide the arguments of a message that are not in it any more: by themselves they do not look secret."""
    if isinstance(params, dict):
        return {name: _scrubbed_param(param, message) for name, param in params.items()}
    if isinstance(params, list | tuple):
        return [_scrubbed_param(param, message) for param in params]
    return HIDDEN


def _scrubbed_param(param: Any, message: str) -> Any:
    is_shown = isinstance(param, str | int | float) and str(param).strip("'") in message
    return _scrubbed(param) if is_shown else HIDDEN


def _scrubbed_member(key: Any, value: Any) -> Any:
    if key in _NOT_SCRUBBED:
        return value
    if is_secret_name(key):
        return value if value is None else HIDDEN
    if key in _SOURCE:
        lines = value if isinstance(value, list) else [value]
        masked = [mask_source(line) if isinstance(line, str) else line for line in lines]
        return masked if isinstance(value, list) else masked[0]
    if key == "query_string" and isinstance(value, str):
        return _scrubbed_query(_encodable(value))
    if key == "url" and isinstance(value, str):
        return _scrubbed_url(_encodable(value))
    return _scrubbed(value)


def _scrubbed_items(items: list[Any] | tuple[Any, ...]) -> list[Any]:
    """Scrub each item; one that follows the name of a secret is hidden."""
    scrubbed = [_scrubbed(item) for item in items]
    for index, name in enumerate(items[:-1]):
        is_name = isinstance(name, str) and (len(items) == 2 or name.lstrip("'").startswith("-"))
        if is_name and _PAIR_NAME.fullmatch(name) and is_secret_name(name) and items[index + 1] is not None:
            scrubbed[index + 1] = HIDDEN
    return scrubbed


def _scrubbed_url(url: str) -> str:
    path, mark, query = url.partition("?")
    return mask_text(path) + mark + _scrubbed_query(query)


def _scrubbed_query(query: str) -> str:
    return "&".join(map(_scrubbed_parameter, query.split("&")))


def _scrubbed_parameter(parameter: str) -> str:
    """Hide the value of a parameter that has a secret name, or that holds one, such as a URL with a token."""
    name, equals, value = parameter.partition("=")
    text = unquote_plus(value)
    if equals and (is_secret_name(unquote_plus(name)) or mask_text(text) != text):
        return f"{name}={HIDDEN}"
    return parameter


def _encodable(text: str) -> str:
    """Return text that UTF-8 can encode: Sentry refuses a whole event for one lone surrogate in a header."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text
