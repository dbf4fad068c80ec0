"""Errors, as the Flask application answers them: pages, and JSON below ``/api``."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web
from multidict import CIMultiDict

from aiotoolkit.components import render_template
from aiotoolkit.responses import json_response
from aiotoolkit.schemas import RequestValidationError
from examples.flask_port.checks import error_texts

__all__ = ["answer_error"]

# They are about the body that the error would have had.
BODY_HEADERS = (hdrs.CONTENT_TYPE, hdrs.CONTENT_LENGTH)


async def answer_error(request: web.Request, error: Exception) -> web.StreamResponse:
    """Answer any error."""
    status = int(error.status if isinstance(error, web.HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR)
    title, text = error_texts(status)
    response: web.Response
    if request.path.startswith("/api/"):
        content: dict[str, Any] = {"error": title, "status": status, "message": text}
        if isinstance(error, RequestValidationError):
            content["errors"] = {_place(item): item["detail"] for item in error.errors}
        response = json_response(content, status=status)
    else:
        response = await render_template("error.html", request, {"title": title, "text": text}, status=status)
    if isinstance(error, web.HTTPException):
        headers = CIMultiDict(error.headers)
        for name in BODY_HEADERS:
            headers.popall(name, None)
        response.headers.update(headers)
    return response


def _place(item: Mapping[str, Any]) -> str:
    return str(item.get("pointer") or item.get("name") or "").removeprefix("#/").removeprefix("#")
