"""Swagger UI as files of this host, under a policy that lets nothing else in."""

import functools
import json
from typing import Final

from aiotoolkit._html import Html, element
from aiotoolkit._representation import Representation

__all__ = ["SwaggerUI"]

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}

# The last one is named inside the first: a licence goes where its work goes.
_FILES: Final = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
    "swagger-ui-bundle.js.LICENSE.txt": "text/plain; charset=utf-8",
}
_PAGE_STYLE: Final = b"body { margin: 0 }\n"


class SwaggerUI:
    """The page, and the files that it needs.

    Attributes:
        files: what stands below the page, by name.

    Raises:
        ImportError: aiotoolkit-swagger-ui is not installed.
    """

    def __init__(self, document_url: str) -> None:
        self.files = {name: _file(name) for name in _FILES} | {
            "page.css": Representation(_PAGE_STYLE, _FILES["swagger-ui.css"]),
            "initializer.js": Representation(_initializer(document_url), _FILES["swagger-ui-bundle.js"]),
        }

    def file(self, name: str, _document: object) -> Representation:
        """One of the files: they are the same for every document."""
        return self.files[name]

    def page(self, folder: str, title: str) -> Representation:
        """Make the page.

        Args:
            folder: the reference to where the files are, from the page.
            title: of the API.
        """

        def url(name: str) -> str:
            return f"{folder}/{name}?v={self.files[name].version}"

        head = element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("title", title),
            element("link", rel="icon", type="image/png", href=url("favicon-32x32.png")),
            element("link", rel="stylesheet", href=url("swagger-ui.css")),
            element("link", rel="stylesheet", href=url("page.css")),
            element("script", defer=True, src=url("swagger-ui-bundle.js")),
            element("script", defer=True, src=url("initializer.js")),
        )
        body = element("body", element("div", id="swagger-ui"), element("noscript", "Swagger UI needs JavaScript."))
        text = Html(f"<!doctype html>\n{element('html', head, body, lang='en')}\n")
        return Representation(text.encode(), "text/html; charset=utf-8", _HEADERS)


@functools.cache
def _file(name: str) -> Representation:
    """A file of the package: it is read and compressed once, for all applications of the process."""
    try:
        import aiotoolkit_swagger_ui  # noqa: PLC0415 - it needs the extra
    except ImportError as error:
        raise ImportError('swagger_ui= needs its files: pip install "aiotoolkit[swagger-ui]"') from error
    return Representation(aiotoolkit_swagger_ui.files().joinpath(name).read_bytes(), _FILES[name])


def _initializer(document_url: str) -> bytes:
    options = {
        "url": document_url,
        "dom_id": "#swagger-ui",
        "layout": "BaseLayout",
        "deepLinking": True,
        "validatorUrl": None,  # it would send the document to a host of others
    }
    return f"window.ui = SwaggerUIBundle({json.dumps(options, indent=2)});\n".encode()
