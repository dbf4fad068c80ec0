"""Cookies beyond ASCII: Werkzeug writes them as UTF-8, aiohttp takes their bytes for Latin-1."""

from aiohttp import web

__all__ = ["read_cookie", "write_cookie"]


def read_cookie(request: web.Request, name: str) -> str:
    """The value of a cookie, whatever it is written in."""
    value = request.cookies.get(name, "")
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        pass
    try:
        return value.encode().decode()
    except UnicodeError:  # bytes that are no UTF-8
        return value.encode(errors="surrogateescape").decode("latin-1")


def write_cookie(response: web.StreamResponse, name: str, value: str, *, max_age: int, secure: bool) -> None:
    """Set a cookie, or take it away where its value is empty."""
    if value:
        text = value.encode().decode("latin-1")
        response.set_cookie(name, text, max_age=max_age, secure=secure, httponly=True, samesite="Lax")
    else:
        response.del_cookie(name, secure=secure, httponly=True, samesite="Lax")
