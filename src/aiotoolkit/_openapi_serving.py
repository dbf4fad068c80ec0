"""Serves an OpenAPI document as JSON and as YAML, and the pages that show it."""

import functools
import importlib.util
import inspect
import json
import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from aiohttp import web

from aiotoolkit._json import dumps
from aiotoolkit._openapi_build import build_openapi, check_options
from aiotoolkit._openapi_page import PAGE_HEADERS, render_page
from aiotoolkit._representation import Representation
from aiotoolkit._swagger_ui import SwaggerUI

__all__ = ["served_documents", "setup_openapi"]

_PATHS_KEY: Final = web.AppKey("aiotoolkit.openapi.paths", set[str])
_DOCUMENTS_KEY: Final = web.AppKey("aiotoolkit.openapi.documents", dict[str, Callable[[], dict[str, Any]]])

# The examples on the page name the server as the client does. This stands for it until there is a request.
_PLACEHOLDER: Final = "http://aiotoolkit-origin.invalid"
_FALLBACK: Final = "http://localhost"  # for a Host header that is none
_ORIGIN: Final = re.compile(r"https?://([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")
_MAX_ORIGINS: Final = 16

# What a URL holds as it is: no dynamic parts, nothing that is quoted.
_PATH: Final = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")

_Document = Mapping[str, Any]


def setup_openapi(
    app: web.Application,
    *,
    title: str | None = None,
    version: str | None = None,
    document: _Document | None = None,
    path: str = "/openapi",
    docs: str | None = "/docs",
    swagger_ui: str | None = None,
    **options: Any,
) -> None:
    """Serve the description of an application: the document as JSON and as YAML, and pages that show it.

    The document is made when the application starts, from all the routes that it has then; what cannot be made stops
    the start. From then on a request costs a look-up. The routes that this adds are not described.

    Args:
        app: the application, or a sub-application, before it starts.
        title: of the API.
        version: of the API, not of OpenAPI.
        document: a ready document, in place of one that is built from the routes.
        path: where the document is, without ``.json`` and ``.yaml``. YAML needs PyYAML (``aiotoolkit[openapi]``):
            without it, there is only JSON.
        docs: where the page for readers is, or None for no page.
        swagger_ui: where Swagger UI is (``aiotoolkit[swagger-ui]``), or None for none.
        options: those of `build_openapi`.

    Raises:
        TypeError: ``title=`` or ``version=`` is missing, or something stands beside ``document=``.
        ValueError: a path cannot be one, or something else of this function is there already.
        RuntimeError: the application has started, or is a sub-application already.
        ImportError: Swagger UI is not installed.
    """
    if not isinstance(app, web.Application):
        raise TypeError(f"An application serves its description, not {type(app).__name__}")
    make = _maker(app, document, {"title": title, "version": version, **options})
    if app.pre_frozen:
        raise RuntimeError("Call setup_openapi before the application starts, and before add_subapp")
    for option, given in {"path": path, "docs": docs, "swagger_ui": swagger_ui}.items():
        _check_path(option, given)
    description = _Description(make)
    description.add_document(path)
    if docs is not None:
        description.add_page(docs, swagger_ui)
    if swagger_ui is not None:
        description.add_swagger_ui(swagger_ui)
    description.register(app)
    app.setdefault(_DOCUMENTS_KEY, {})[path] = description.document


def served_documents(app: web.Application) -> Mapping[str, Callable[[], dict[str, Any]]]:
    """What makes each document that an application serves, by its ``path=``; not those of its sub-applications."""
    return app.get(_DOCUMENTS_KEY, {})


def _maker(app: web.Application, document: _Document | None, options: dict[str, Any]) -> Callable[[], _Document]:
    given = [f"{name}=" for name, value in options.items() if value is not None]
    if document is not None:
        if given:
            raise TypeError(f"document= is served as it is: write what {', '.join(given)} says into the document")
        if not isinstance(document, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
            raise TypeError(f"document= takes a mapping, not {type(document).__name__}: read the file first")
        if not isinstance(document.get("openapi"), str):
            raise ValueError("document= is no OpenAPI document: its member 'openapi' says the version, such as '3.1.0'")
        try:
            dumps(document)
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"document= cannot be written as JSON: {error}") from error
        return lambda: document
    missing = [f"{name}=" for name in ("title", "version") if options[name] is None]
    if missing:
        raise TypeError(
            f"{' and '.join(missing)} of the API must be given: "
            'setup_openapi(app, title="Projects", version="1.0"). A ready document is given as document='
        )
    inspect.signature(build_openapi).bind(app, **options)
    check_options(app, options)
    return lambda: build_openapi(app, **options)


def _check_path(option: str, path: object) -> None:
    if (path is None and option != "path") or (isinstance(path, str) and _PATH.fullmatch(path)):
        return
    raise ValueError(
        f"{option}= is a path such as '/api/docs', of letters, digits, '-', '.', '_' and '~', not {path!r}"
    )


class _Content(Protocol):
    def answer(self, request: web.Request) -> web.Response: ...


class _Endpoint:
    """A URL whose content is made when the application starts."""

    def __init__(self, path: str, make: Callable[[_Document], _Content]) -> None:
        self.path = path
        self._make = make
        self._resource: web.AbstractResource | None = None
        self._content: _Content | None = None

    @property
    def url(self) -> str:
        """The path with the prefixes of the applications around this one."""
        return self.path if self._resource is None else self._resource.canonical

    def register(self, router: web.UrlDispatcher) -> None:
        self._resource = router.add_get(self.path, self.answer).resource

    def build(self, document: _Document) -> None:
        self._content = self._make(document)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self._content is None:
            raise RuntimeError("The application was not started")
        return self._content.answer(request)


class _Page:
    """A page in which the URL of the server stands: one for each name by which clients know it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._has_origin = _PLACEHOLDER in text
        self._made: dict[str, Representation] = {}

    def answer(self, request: web.Request) -> web.Response:
        origin = f"{request.scheme}://{request.host}" if self._has_origin else _FALLBACK
        made = self._made.get(origin)
        if made is None:
            made = self._make(origin)
        return made.answer(request)

    def _make(self, origin: str) -> Representation:
        if not _ORIGIN.fullmatch(origin):
            origin = _FALLBACK
        body = self._text.replace(_PLACEHOLDER, origin).encode()
        # A client that makes up names does not fill the memory, nor does it get anything compressed.
        is_kept = len(self._made) < _MAX_ORIGINS
        made = Representation(body, "text/html; charset=utf-8", PAGE_HEADERS, compress=is_kept)
        if is_kept:
            self._made[origin] = made
        return made


class _Description:
    """A document and its pages, at their URLs."""

    def __init__(self, make: Callable[[], _Document]) -> None:
        self._make = make
        self._endpoints: list[_Endpoint] = []

    def add_document(self, path: str) -> None:
        self._endpoints.append(_Endpoint(f"{path}.json", _json))
        if importlib.util.find_spec("yaml") is not None:
            self._endpoints.append(_Endpoint(f"{path}.yaml", _yaml))

    def add_page(self, path: str, swagger_ui: str | None) -> None:
        links = [
            (f"OpenAPI {endpoint.path.rpartition('.')[2].upper()}", _relative(path, endpoint.path))
            for endpoint in self._endpoints
        ]
        if swagger_ui is not None:
            links.append(("Swagger UI", _relative(path, swagger_ui)))

        def make(document: _Document) -> _Page:
            # Only now it is known what prefix the application has below others.
            base = _PLACEHOLDER + self._endpoints[0].url
            return _Page(render_page(document, base=base, links=links))

        self._endpoints.append(_Endpoint(path, make))

    def add_swagger_ui(self, path: str) -> None:
        swagger_ui = SwaggerUI(_relative(path, self._endpoints[0].path))
        folder = f"./{posixpath.basename(path)}"
        self._endpoints.append(_Endpoint(path, lambda document: swagger_ui.page(folder, _title(document))))
        for name in swagger_ui.files:
            self._endpoints.append(_Endpoint(f"{path}/{name}", functools.partial(swagger_ui.file, name)))

    def register(self, app: web.Application) -> None:
        """Add the routes, all or none."""
        taken = app.setdefault(_PATHS_KEY, set())
        paths = [endpoint.path for endpoint in self._endpoints]
        twice = [path for index, path in enumerate(paths) if path in taken or path in paths[:index]]
        if twice:
            raise ValueError(
                f"setup_openapi serves {twice[0]} already: "
                "a second document needs path=, docs= and swagger_ui= of its own"
            )
        taken.update(paths)
        for endpoint in self._endpoints:
            endpoint.register(app.router)
        app.on_startup.append(self._build)

    def document(self) -> dict[str, Any]:
        # Through JSON and back: plain data, in which nothing is shared, whatever the document was made of.
        document: dict[str, Any] = json.loads(dumps(self._make()))
        return document

    async def _build(self, _app: web.Application) -> None:
        document = self.document()
        for endpoint in self._endpoints:
            endpoint.build(document)


def _title(document: _Document) -> str:
    info = document.get("info")
    return str(info.get("title", "")) if isinstance(info, Mapping) else ""


def _json(document: _Document) -> Representation:
    return Representation(dumps(document), "application/json")


def _yaml(document: _Document) -> Representation:
    from aiotoolkit._openapi_yaml import to_yaml  # noqa: PLC0415 - it needs the extra

    return Representation(to_yaml(document), "application/yaml")


def _relative(source: str, target: str) -> str:
    """The reference from one path to another: it holds below any prefix that a server in front takes away."""
    relative = posixpath.relpath(target, posixpath.dirname(source))
    return relative if relative.startswith(".") else f"./{relative}"
