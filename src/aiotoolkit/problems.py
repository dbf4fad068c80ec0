"""Problem details for HTTP APIs (RFC 9457): build them, raise them, render them as JSON or as HTML."""

from collections.abc import Mapping, Sequence
from html import escape
from http import HTTPStatus
from itertools import islice
from typing import Any, Final

from aiohttp import hdrs, web
from aiohttp.typedefs import LooseHeaders
from multidict import CIMultiDict, CIMultiDictProxy

from aiotoolkit._accept import prefers_html
from aiotoolkit._headers import copy_headers
from aiotoolkit._json import dumps_replacing

__all__ = ["PROBLEM_SCHEMA", "Problem", "problem_response"]

MAX_ERRORS: Final = 20

# HTTPStatus changes its phrases between Python versions (422 did in 3.13): RFC 9110's names, on every version.
_TITLES: Final[Mapping[int, str]] = {
    **{status.value: status.phrase for status in HTTPStatus},
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}

PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "Problem details (RFC 9457)",
    "type": "object",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri-reference"},
        "errors": {
            "type": "array",
            "maxItems": MAX_ERRORS,
            "items": {
                "type": "object",
                "properties": {
                    "detail": {"type": "string"},
                    "in": {"enum": ["body", "query", "path", "header", "cookie"]},
                    "pointer": {"type": "string"},
                    "name": {"type": "string"},
                },
                "required": ["detail"],
            },
        },
    },
    "required": ["type", "title", "status"],
}
"""The JSON Schema of what a :class:`Problem` is rendered as."""


CONTENT_TYPE: Final = "application/problem+json"
_HEADERS: Final = CIMultiDictProxy(CIMultiDict({hdrs.CONTENT_TYPE: CONTENT_TYPE}))  # each response copies them


class Problem(web.HTTPException):
    """An error that is answered with problem details.

    Raise it in any application: its body is the JSON document, with or without the error middleware (which answers
    in HTML where the client prefers that). A subclass may set ``status_code``, ``type`` and ``title``::

        class SlugExists(Problem):
            status_code = 409
            type = "https://api.example.com/problems/slug-exists"
            title = "The slug exists"

        raise SlugExists(detail="Choose another slug.")

    A lone surrogate, which a raw byte of a request's header becomes, is rendered as ``?``.

    Args:
        status: an HTTP status, 400 to 599; a subclass may set ``status_code`` instead.
        detail: what is wrong this time, for a human; it is shown to the client.
        type: a URI reference that names the kind of problem.
        title: the same for each problem of a type; by default the name of the status.
        instance: a URI reference that names this very occurrence.
        errors: at most 20 mappings of ``detail``, ``in`` and ``pointer`` or ``name``; what is more is left out.
        headers: more response headers, such as ``Retry-After``.
        **extensions: more members of the document, written as any JSON answer is.

    Raises:
        TypeError, ValueError: the status is none, a member is of the wrong type, a header holds a control character,
            an extension is no JSON.
    """

    type: str = "about:blank"
    title: str = ""
    empty_body = True  # for aiohttp: it need not make a text of its own

    def __init__(
        self,
        status: int | None = None,
        detail: str | None = None,
        *,
        type: str | None = None,  # noqa: A002 - the name of RFC 9457
        title: str | None = None,
        instance: str | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: LooseHeaders | None = None,
        **extensions: Any,
    ) -> None:
        self.status_code: int = _checked_status(self, status)
        self.type = self.type if type is None else type
        self.title = title or self.title or default_title(self.status_code)
        self.detail = detail
        self.instance = instance
        self.errors: tuple[Mapping[str, Any], ...] = _checked_errors(errors)
        self.extensions = extensions
        _check_texts(self)
        members = self.to_dict()
        super().__init__(headers=_HEADERS if headers is None else _described(copy_headers(headers)))
        # Bytes: to a text, aiohttp would add a charset, which the media type does not have (RFC 8259, section 11).
        self.body = dumps_replacing(members)

    def __str__(self) -> str:
        return f"{self.status_code} {self.title}" + (f": {self.detail}" if self.detail else "")

    def to_dict(self) -> dict[str, Any]:
        """The members of the JSON document; those that are not given are left out."""
        members: dict[str, Any] = {"type": self.type, "title": self.title, "status": self.status_code}
        if self.detail is not None:
            members["detail"] = self.detail
        if self.instance is not None:
            members["instance"] = self.instance
        if self.errors:
            members["errors"] = list(self.errors)
        return members | self.extensions if self.extensions else members


def problem_response(
    status: int,
    detail: str | None = None,
    *,
    request: web.Request | None = None,
    headers: LooseHeaders | None = None,
    **members: Any,
) -> web.Response:
    """Build a response with problem details, where raising a :class:`Problem` does not fit.

    Args:
        status: an HTTP status, 400 to 599.
        detail: what is wrong this time, for a human.
        request: when it is given, the answer is HTML if this client ranks HTML above JSON.
        headers: more response headers.
        **members: ``type``, ``title``, ``instance``, ``errors`` and extensions, as for :class:`Problem`.

    Raises:
        TypeError, ValueError: as for :class:`Problem`; or ``request`` is none.
    """
    if request is not None and not isinstance(request, web.BaseRequest):
        raise TypeError(f"request= must be the request that is answered, not {type(request).__name__}")
    problem = Problem(status, detail, **members)
    return render(problem.to_dict(), status=status, headers=copy_headers(headers), request=request)


def render(
    members: Mapping[str, Any], *, status: int, headers: LooseHeaders | None = None, request: web.Request | None = None
) -> web.Response:
    """Render the members of a problem as a fresh response, in the form that the client prefers.

    The headers are such that can be sent: see ``check_headers``.
    """
    response_headers = _without_body_headers(CIMultiDict(headers or ()))
    html = False
    if request is not None:
        _vary_by_accept(response_headers)
        accepted = request.headers.getall(hdrs.ACCEPT, None)
        html = accepted is not None and prefers_html(",".join(accepted))
    response_headers[hdrs.CONTENT_TYPE] = "text/html; charset=utf-8" if html else CONTENT_TYPE
    body = _html(members).encode("utf-8", "replace") if html else dumps_replacing(members)
    return web.Response(status=status, body=body, headers=response_headers)


def default_title(status: int) -> str:
    """The name of a status (RFC 9110, section 15), the same on every Python."""
    return _TITLES.get(status) or ("Client Error" if status < 500 else "Server Error")


def _checked_status(problem: Problem, given: int | None) -> int:
    status: Any = problem.status_code if given is None else given
    if given is None and (status is None or status == web.HTTPException.status_code):
        name = type(problem).__name__
        raise ValueError(f"{name} has no status: give one, or set status_code in the subclass")
    # A bool is an int for Python, and Problem("text") is a detail that lost its keyword.
    if not isinstance(status, int) or isinstance(status, bool):
        raise TypeError(f"A problem's status is an int, not {status!r}; a text is given as detail=")
    if not 400 <= status <= 599:
        raise ValueError(f"A problem's status is 400 to 599, not {status}; set it, or status_code in a subclass")
    return int(status)


def _check_texts(problem: Problem) -> None:
    texts = (problem.type, problem.title, problem.detail, problem.instance)
    if _TEXTS.issuperset(map(type, texts)):
        return
    for name, value in zip(("type", "title", "detail", "instance"), texts, strict=True):
        if value is not None and not isinstance(value, str):
            raise TypeError(f"A problem's {name} is a str, not {type(value).__name__}")


_TEXTS: Final = frozenset({str, type(None)})


def _checked_errors(errors: Any) -> tuple[Mapping[str, Any], ...]:
    if isinstance(errors, str | bytes) or not isinstance(errors, Sequence):
        raise TypeError(f"A problem's errors are a list of mappings, not {type(errors).__name__}")
    first = tuple(islice(errors, MAX_ERRORS))
    for error in first:
        if (type(error) is not dict and not isinstance(error, Mapping)) or "detail" not in error:
            raise TypeError("Each of a problem's errors is a mapping with a detail")
    return first


def _described(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    headers = _without_body_headers(headers)
    headers[hdrs.CONTENT_TYPE] = CONTENT_TYPE
    return headers


def _without_body_headers(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    """The same without what describes the body, which is ours."""
    if headers:
        headers.popall(hdrs.CONTENT_TYPE, None)
        headers.popall(hdrs.CONTENT_LENGTH, None)
    return headers


def _vary_by_accept(headers: CIMultiDict[str]) -> None:
    if hdrs.VARY not in headers:
        headers[hdrs.VARY] = "Accept"
        return
    varies = [name.strip().lower() for value in headers.getall(hdrs.VARY) for name in value.split(",")]
    if "accept" not in varies and "*" not in varies:
        headers.add(hdrs.VARY, "Accept")


_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{status} {title}</title>
</head>
<body>
<main>
<h1>{status} {title}</h1>
{content}</main>
</body>
</html>
"""


def _html(members: Mapping[str, Any]) -> str:
    """A page for humans: status, title, detail, errors and, in debug, the traceback."""
    content = ""
    if members.get("detail"):
        content += f"<p>{escape(members['detail'])}</p>\n"
    if members.get("errors"):
        items = "".join(f"<li>{escape(_error_line(error))}</li>\n" for error in members["errors"])
        content += f"<ul>\n{items}</ul>\n"
    lines = members.get("traceback")
    # An application's own extension may have this name, and be anything.
    if isinstance(lines, list) and all(isinstance(line, str) for line in lines):
        content += f"<pre>{escape(''.join(lines))}</pre>\n"
    return _PAGE.format(status=members["status"], title=escape(members["title"]), content=content)


def _error_line(error: Mapping[str, Any]) -> str:
    place = error.get("name") or error.get("pointer") or ""
    where = " ".join(part for part in (str(error.get("in", "")), str(place)) if part)
    return f"{where}: {error.get('detail', '')}" if where else str(error.get("detail", ""))
