"""What the port answers otherwise than the Flask application, on purpose: all of it. Nothing else may differ."""

from dataclasses import dataclass
from typing import Final

from examples.flask_port.after.settings import Stage
from examples.flask_port.requests import REQUESTS

__all__ = ["DIFFERENCES", "Difference", "differs_at", "expected_at"]

GUIDE: Final = "docs/reference/flask.md"


# Whose routes are still Flask's at the second stage.
LATER: Final = ("/auth/", "/users/", "/api/")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A difference that the guide announces.

    Attributes:
        steps: the names of the requests.
        what: what differs, as patterns of ``aiotoolkit.porting.parity``.
        stages: where it is there.
        reason: why.
        anchor: the section of the guide that announces it.
    """

    steps: tuple[str, ...]
    what: tuple[str, ...]
    stages: tuple[Stage, ...]
    reason: str
    anchor: str


def _redirects(*, later: bool) -> tuple[str, ...]:
    """The requests that are redirected, by the routes that are ported first, or by the others."""
    moved = (request for request in REQUESTS if request.status in {302, 303, 308})
    return tuple(request.name for request in moved if str(request.step["path"]).startswith(LATER) is later)


# A login that a ported page asks for, and so on, is a redirect of that page.
REDIRECT: Final = "aiohttp's redirects say where they lead in one line of text, and Flask's in a page; nobody sees it"
STATIC: Final = "the addresses of static files carry the hash of their content, so that browsers keep them for a year"
FIRST: Final[tuple[Stage, ...]] = ("half", "all")
LAST: Final[tuple[Stage, ...]] = ("all",)

DIFFERENCES: Final[tuple[Difference, ...]] = (
    Difference(
        steps=("a method that nobody knows",),
        what=("status", "header:*", "body"),
        stages=("fallback", "half", "all"),
        reason="aiohttp's parser refuses a method that it does not know before any application sees it",
        anchor="request",
    ),
    Difference(
        steps=_redirects(later=False),
        what=("header:Content-Type", "body"),
        stages=FIRST,
        reason=REDIRECT,
        anchor="redirect",
    ),
    Difference(
        steps=_redirects(later=True),
        what=("header:Content-Type", "body"),
        stages=LAST,
        reason=REDIRECT,
        anchor="redirect",
    ),
    Difference(
        steps=("home: as it is", "gallery: as it is"), what=("body",), stages=FIRST, reason=STATIC, anchor="blueprints"
    ),
    Difference(
        steps=("the gallery's style", "a style that the gallery has not"),
        what=("status", "header:*", "body"),
        stages=FIRST,
        reason="the static files of a component are below /static/ and its name; the old addresses lead there",
        anchor="blueprints",
    ),
    Difference(
        steps=("a static file", "HEAD of a static file"),
        what=("header:Content-Disposition",),
        stages=FIRST,
        reason="static files are sent without Content-Disposition",
        anchor="send-file",
    ),
    Difference(
        steps=("a post to a static file",),
        what=("header:Allow",),
        stages=LAST,
        reason="OPTIONS is answered for rules, and not for static files",
        anchor="url-rules",
    ),
    Difference(
        steps=("help: a part that is not there",),
        what=("header:Cache-Control", "header:Content-Disposition", "header:Content-Type", "body"),
        stages=FIRST,
        reason="a FileResponse answers 416 by itself, without a page",
        anchor="send-file",
    ),
    Difference(
        steps=("help: not modified",),
        what=("header:Accept-Ranges", "header:Content-Type", "header:Last-Modified"),
        stages=FIRST,
        reason="a 304 has other headers of the file; clients keep those that they have",
        anchor="send-file",
    ),
    Difference(
        steps=("preferences: kept", "preferences: a nickname that is code"),
        what=("cookie:nickname;expires",),
        stages=FIRST,
        reason="Max-Age alone says how long a cookie is kept: every browser of today reads it",
        anchor="cookies",
    ),
    Difference(
        steps=("preferences: kept", "preferences: a nickname that is code", "preferences: no nickname"),
        what=("cookie:theme;expires",),
        stages=FIRST,
        reason="Max-Age alone says how long a cookie is kept: every browser of today reads it",
        anchor="cookies",
    ),
    Difference(
        steps=("a cookie in UTF-8",),
        what=("body",),
        stages=FIRST,
        reason="bytes of UTF-8 in a cookie are read as such, where Werkzeug takes them for Latin-1",
        anchor="cookies",
    ),
    Difference(
        steps=("a long text",),
        what=("status", "body"),
        stages=FIRST,
        reason="a field of more than 500,000 bytes is not refused as such: the form's own limit refuses it, with 422",
        anchor="uploads",
    ),
    Difference(
        steps=("api: statistics",),
        what=("body:/comments_per_post", "body:/newest"),
        stages=LAST,
        reason="a Decimal is a number, and a datetime as in RFC 3339; flask_dumps would keep Flask's texts",
        anchor="jsonify",
    ),
    Difference(
        steps=("api: a list", "api: null", "api: a number for a title", "api: a member too many", "api: a bad tag"),
        what=("body:/errors/*",),
        stages=LAST,
        reason="the texts of validation errors are those of the Schema",
        anchor="request",
    ),
    Difference(
        steps=("api: a lone surrogate", "api: a deep body", "api: a byte order mark"),
        what=("status", "body:/*"),
        stages=LAST,
        reason="read_json refuses what is no JSON of RFC 8259 or too deep, where the view in Flask fails or goes on",
        anchor="request",
    ),
    Difference(
        steps=("api: no change of another's post",),
        what=("status", "body:/*"),
        stages=LAST,
        reason="a Schema checks the body before the view looks for the post",
        anchor="request",
    ),
    Difference(
        steps=("api: no JSON", "api: no Content-Type"),
        what=("header:Accept",),
        stages=LAST,
        reason="a 415 says which type would do (RFC 9110, section 15.5.16)",
        anchor="request",
    ),
    Difference(
        steps=("api: deleted",),
        what=("header:Content-Type",),
        stages=LAST,
        reason="an answer without a body has no type",
        anchor="response",
    ),
)


def expected_at(stage: Stage) -> list[dict[str, str]]:
    """The announced differences of a stage, as ``aiotoolkit.porting.parity`` takes them."""
    return [
        {"step": step, "what": what, "reason": f"{item.reason} ({GUIDE}#{item.anchor})"}
        for item in DIFFERENCES
        if stage in item.stages
        for step in item.steps
        for what in item.what
    ]


def differs_at(stage: Stage, step: str) -> bool:
    """Whether a request is announced to be answered otherwise at a stage."""
    return any(step in item.steps for item in DIFFERENCES if stage in item.stages)
