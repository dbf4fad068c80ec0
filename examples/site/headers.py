"""What browsers are told about each response."""

from typing import Final

from aiohttp import hdrs, web

from aiotoolkit.app import get_settings
from examples.site.settings import Settings

__all__ = ["set_security_headers"]

# No script at all; styles and images from the site itself, forms to the site itself, and nobody may frame it.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


async def set_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """A signal, since it reaches files and errors as well; what a view has set stays."""
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    if response.content_type == "text/html":
        headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        # A page holds the token of its session, and what only the user may see.
        headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
    if get_settings(request, Settings).https:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
