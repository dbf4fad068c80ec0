"""Addresses, by the names that they have in Flask: those of the routes here, and those of the routes still there."""

from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from aiotoolkit.components import static_url
from aiotoolkit.porting import rules

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["OLD_APP", "url_for"]

# The Flask application, as long as there is one.
OLD_APP: Final = web.AppKey[object]("examples.flask_port.old_app")


def url_for(request: web.Request, endpoint: str, **values: Any) -> str:
    """Flask's ``url_for``, for views and for the templates that both applications share."""
    blueprint, _, name = endpoint.rpartition(".")
    if name == "static":
        path = values["filename"]
        return static_url(request, f"{blueprint}:{path}" if blueprint else path)
    try:
        return rules.url_for(request, endpoint, **values)
    except LookupError:
        if OLD_APP not in request.app:
            raise
    return _url_there(request.app[OLD_APP], endpoint, values)  # type: ignore[arg-type] # see setup_fallback in app.py


def _url_there(flask_app: "Flask", endpoint: str, values: dict[str, Any]) -> str:
    anchor = values.pop("_anchor", None)
    url = flask_app.url_map.bind("localhost").build(endpoint, values)
    return f"{url}#{anchor}" if anchor else url
