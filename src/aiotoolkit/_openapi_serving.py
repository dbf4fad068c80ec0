"""Serves an OpenAPI document as JSON and as YAML, and the pages that show it."""

import importlib.util
import inspect
import json
import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from aiohttp import web

from aiotoolkit._json import dumps
from aiotoolkit._representation import Representation

__all__ = ["served_documents", "setup_openapi"]

_PATHS_KEY: Final = web.AppKey("aiotoolkit.openapi.paths", set[str])
_DOCUMENTS_KEY: Final = web.AppKey("aiotoolkit.openapi.documents", dict[str, Callable[[], dict[str, Any]]])

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
    make = _maker(app, document, {"title": title, "version": version, **options})
    if app.pre_frozen:
        raise RuntimeError("Call setup_openapi before the application starts, and before add_subapp")
    description = _Description(make)
    description.add_document(_checked(path, "path"))
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
        return lambda: document
    missing = [f"{name}=" for name in ("title", "version") if options[name] is None]
    if missing:
        raise TypeError(
            f"{' and '.join(missing)} of the API must be given: "
            'setup_openapi(app, title="Projects", version="1.0"). A ready document is given as document='
        )
    # The builder knows schemas and their engines: who serves a ready document needs none of that.
    from aiotoolkit._openapi_build import build_openapi  # noqa: PLC0415

    inspect.signature(build_openapi).bind(app, **options)
    return lambda: build_openapi(app, **options)


def _checked(path: str, option: str) -> str:
    if not isinstance(path, str) or not _PATH.fullmatch(path):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError(
            f"{option}= is a path such as '/api/docs', of letters, digits, '-', '.', '_' and '~', not {path!r}"
        )
    return path


class _Endpoint:
    """A URL whose content is made when the application starts."""

    def __init__(self, path: str, make: Callable[[_Document], Representation]) -> None:
        self.path = path
        self._make = make
        self._content: Representation | None = None

    def build(self, document: _Document) -> None:
        self._content = self._make(document)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self._content is None:
            raise RuntimeError("The application was not started")
        return self._content.answer(request)


class _Description:
    """A document and its pages, at their URLs."""

    def __init__(self, make: Callable[[], _Document]) -> None:
        self._make = make
        self._endpoints: list[_Endpoint] = []

    def add_document(self, path: str) -> None:
        self._endpoints.append(_Endpoint(f"{path}.json", _json))
        if importlib.util.find_spec("yaml") is not None:
            self._endpoints.append(_Endpoint(f"{path}.yaml", _yaml))

    def register(self, app: web.Application) -> None:
        """Add the routes, all or none."""
        taken = app.setdefault(_PATHS_KEY, set())
        for endpoint in self._endpoints:
            if endpoint.path in taken:
                raise ValueError(
                    f"{endpoint.path} was set up by setup_openapi before: "
                    "a second document needs path=, docs= and swagger_ui= of its own"
                )
            taken.add(endpoint.path)
        for endpoint in self._endpoints:
            app.router.add_get(endpoint.path, endpoint.answer)
        app.on_startup.append(self._build)

    def document(self) -> dict[str, Any]:
        # Through JSON and back: plain data, in which nothing is shared, whatever the document was made of.
        document: dict[str, Any] = json.loads(dumps(self._make()))
        return document

    async def _build(self, _app: web.Application) -> None:
        document = self.document()
        for endpoint in self._endpoints:
            endpoint.build(document)


def _json(document: _Document) -> Representation:
    return Representation(dumps(document), "application/json")


def _yaml(document: _Document) -> Representation:
    from aiotoolkit._openapi_yaml import to_yaml  # noqa: PLC0415 - it needs the extra

    return Representation(to_yaml(document), "application/yaml")


def _relative(source: str, target: str) -> str:
    """The reference from one path to another: it holds below any prefix that a server in front takes away."""
    relative = posixpath.relpath(target, posixpath.dirname(source))
    return relative if relative.startswith(".") else f"./{relative}"
