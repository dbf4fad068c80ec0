"""Errors as pages for browsers; every other client gets the toolkit's problem details."""

from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web
from multidict import CIMultiDict

from aiotoolkit.app import get_settings
from aiotoolkit.components import render_template
from aiotoolkit.middlewares import REQUEST_ID_KEY
from aiotoolkit.problems import Problem
from aiotoolkit.requests import prefers_html
from examples.site.settings import Settings

__all__ = ["error_page"]

PAGES: Final = {
    403: ("You may not do this", "This belongs to somebody else, or the form has expired."),
    404: ("There is no such page", "It may have been deleted, or the address is misspelt."),
    405: ("This cannot be done here", "The page is there, but not for what was asked of it."),
    413: ("That is too large", "Go back and choose a smaller file: the largest that the site takes has {limit} MB."),
    429: ("Too many attempts", "Wait a few minutes, then try again."),
    500: ("Something went wrong", "It is our mistake. It has been noted, and nothing of yours is lost."),
}
OTHER: Final = ("The request cannot be answered", "Something about it is not as the site expects it.")

# The page has its own body; these headers describe that of the error.
BODY_HEADERS: Final = (hdrs.CONTENT_TYPE, hdrs.CONTENT_LENGTH)


async def error_page(request: web.Request, error: Exception) -> web.StreamResponse:
    """Answer any error; what is raised again is answered by the toolkit."""
    settings = get_settings(request, Settings)
    shows_traceback = settings.debug and not isinstance(error, web.HTTPException)
    if shows_traceback or not prefers_html(request):
        raise error
    status = int(error.status if isinstance(error, web.HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR)
    title, text = PAGES.get(status, OTHER)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        text = text.format(limit=settings.max_upload_mb)
    elif isinstance(error, Problem) and error.detail and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        text = error.detail
    # A failure is found in the log by the request's id.
    request_id = request.get(REQUEST_ID_KEY) if status >= HTTPStatus.INTERNAL_SERVER_ERROR else None
    context = {"title": title, "text": text, "status": status, "request_id": request_id}
    response = await render_template("error.html", request, context, status=status)
    if isinstance(error, web.HTTPException):
        _take_over(response, error)
    return response


def _take_over(response: web.Response, error: web.HTTPException) -> None:
    """Keep what the error says besides its body: Allow, Retry-After, the cookie of a session."""
    headers = CIMultiDict(error.headers)
    for name in BODY_HEADERS:
        headers.popall(name, None)
    response.headers.update(headers)
    for cookie, morsel in error.cookies.items():
        response.cookies[cookie] = morsel
