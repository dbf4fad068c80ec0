"""The token of each session, without which nothing is changed."""

import hmac
import secrets

from flask import abort, request, session

__all__ = ["protect", "token"]

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def token() -> str:
    """The token of the session, made when a form first asks for it."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(32)
    value: str = session["csrf"]
    return value


def protect() -> None:
    """Refuse what could change something and does not come from a page of the same session."""
    if request.method in SAFE_METHODS or request.routing_exception is not None:
        return
    given = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
    expected = session.get("csrf", "")
    if not (expected and hmac.compare_digest(given.encode(), expected.encode())):
        abort(400)
