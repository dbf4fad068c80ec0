"""What every answer must be, whatever was sent."""

import json
from typing import Any, Final

from fuzz.client import Answer

__all__ = ["HTML", "PARSER", "fault_of"]

_MAX_ERRORS: Final = 20
_MAX_DETAIL: Final = 1000
_PLACES: Final = {"body", "path", "query", "header", "cookie"}
_MEMBERS: Final = {"type", "title", "status", "detail", "instance", "errors", "request_id"}

PARSER: Final = "the parser's own"
"""What the answers are counted as that aiohttp gives to what is no HTTP: they never reach a middleware."""

HTML: Final = "HTML"


def fault_of(answer: Answer) -> str | None:
    """What is wrong with an answer; None if nothing is."""
    if answer.status >= 500:
        return f"status {answer.status}"
    if answer.status < 400:
        return None if answer.status in (200, 204) else f"status {answer.status}"
    if not answer.body:
        return None  # of a HEAD
    if kind_of(answer) == PARSER:
        return None if answer.status in (400, 417) else f"an answer of aiohttp's own with status {answer.status}"
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        return None
    return _problem_fault(answer)


def kind_of(answer: Answer) -> str:
    """What an answer is counted as: its status, or who gave it."""
    if answer.status >= 400 and "X-Request-ID" not in answer.headers:
        return PARSER
    if answer.status >= 400 and answer.headers.get("Content-Type", "").startswith("text/html"):
        return HTML
    return str(answer.status)


def _problem_fault(answer: Answer) -> str | None:
    content_type = answer.headers.get("Content-Type", "")
    if not content_type.startswith("application/problem+json"):
        return f"status {answer.status} as {content_type!r}"
    try:
        problem = json.loads(answer.body)
    except ValueError as error:
        return f"a problem that is no JSON: {error}"
    if not isinstance(problem, dict) or problem.get("status") != answer.status or not problem.get("title"):
        return "a problem without its members"
    if set(problem) - _MEMBERS:
        return f"a problem with {sorted(set(problem) - _MEMBERS)}"
    return _errors_fault(problem.get("errors", []))


def _errors_fault(errors: Any) -> str | None:
    if len(errors) > _MAX_ERRORS:
        return f"{len(errors)} errors"
    for error in errors:
        if not isinstance(error.get("detail"), str) or error.get("in") not in _PLACES:
            return f"a malformed error: {error}"
        if max(len(str(value)) for value in error.values()) > _MAX_DETAIL:
            return "an error without bounds"
    return None
