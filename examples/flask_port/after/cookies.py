"""Cookies beyond ASCII: Werkzeug writes them as UTF-8, aiohttp takes their bytes for Latin-1."""

from aiohttp import web

__all__ = ["read_cookie", "write_cookie"]


def read_cookie(request: web.Request, name: str) -> str:
    """The value of a cookie, which a client may also have sent as UTF-8; what is neither is replaced."""
    value = request.cookies.get(name, "")
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value.encode(errors="surrogateescape").decode(errors="replace")


def write_cookie(response: web.StreamResponse, name: str, value: str, *, max_age: int, secure: bool) -> None:
    """Set a cookie, or take it away where its value is empty."""
    if value:
        text = value.encode().decode("latin-1")
        response.set_cookie(name, text, max_age=max_age, secure=secure, httponly=True, samesite="Lax")
    else:
        response.del_cookie(name, secure=secure, httponly=True, samesite="Lax")
