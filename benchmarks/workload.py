"""The requests that every contender answers, and the schemas that say what is valid.

Nothing but the standard library is imported: each contender runs in an environment of its own.
"""

import json
from typing import Any, Final, NamedTuple

__all__ = ["PROJECT", "PROJECTS", "QUERY", "REQUESTS", "SEARCH", "Request", "projects"]

PROJECT: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 32},
        "slug": {"type": "string", "minLength": 1, "maxLength": 32},
        "description": {"type": "string", "maxLength": 255},
    },
    "required": ["name", "slug"],
    "additionalProperties": False,
}
PROJECTS: Final[dict[str, Any]] = {"type": "array", "items": PROJECT}
QUERY: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "limit": {"type": "integer", "minimum": 1, "maximum": 100},
        "offset": {"type": "integer", "minimum": 0},
        "active": {"type": "boolean"},
        "min_price": {"type": "number", "minimum": 0},
        "sort": {"type": "string", "enum": ["name", "slug"]},
    },
    "required": ["limit", "offset", "active", "min_price", "sort"],
    "additionalProperties": False,
}
SEARCH: Final = QUERY
"""The schema of the answer to the search: the five parameters, as they were understood."""


class Request(NamedTuple):
    """One request of the workload.

    Attributes:
        label: what the tables call it.
        target: the path and the query string.
        body: None for a GET.
        items: how many projects it holds; 0 where that means nothing.
        status: what a contender that validates answers.
    """

    label: str
    target: str
    body: Any
    items: int = 0
    status: int = 200

    @property
    def method(self) -> str:
        """GET without a body, POST with one."""
        return "GET" if self.body is None else "POST"

    def content(self) -> bytes:
        """The body as it is sent."""
        return b"" if self.body is None else json.dumps(self.body).encode()

    def raw(self, host: str = "127.0.0.1") -> bytes:
        """The bytes of the whole request."""
        content = self.content()
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {host}"]
        if content:
            lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
        return "\r\n".join((*lines, "", "")).encode() + content


def projects(count: int) -> list[dict[str, str]]:
    """Different projects, all valid."""
    return [
        {"name": f"Project {number}", "slug": f"project-{number}", "description": "Independent modules for aiohttp.web"}
        for number in range(count)
    ]


REQUESTS: Final[dict[str, Request]] = {
    "one": Request("POST, one project", "/project", projects(1)[0]),
    "100": Request("POST, 100 projects", "/projects", projects(100), 100),
    "1000": Request("POST, 1,000 projects", "/projects", projects(1000), 1000),
    "10000": Request("POST, 10,000 projects", "/projects", projects(10_000), 10_000),
    "invalid": Request("POST, one wrong member", "/project", {**projects(1)[0], "slug": 7}, status=422),
    "query": Request("GET, five parameters", "/projects?limit=20&offset=40&active=true&min_price=9.5&sort=name", None),
}
