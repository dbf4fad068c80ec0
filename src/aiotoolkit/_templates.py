"""The templates of an application and of its components; importing this module needs aiohttp-jinja2."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

import aiohttp_jinja2
import jinja2
from aiohttp import hdrs, web
from aiohttp.typedefs import LooseHeaders
from jinja2 import nodes
from multidict import CIMultiDict

from aiotoolkit._component import ContextProcessor, Registered, Registry
from aiotoolkit._static import is_plain_path
from aiotoolkit.app import SETTINGS_KEY

__all__ = ["Templates", "functions"]

_SUFFIXES: Final = (".j2", ".jinja", ".jinja2")  # what says only that it is a template
_TEXT: Final = frozenset({".txt", ".text", ".md", ".csv"})
_TYPES: Final = {
    ".txt": "text/plain",
    ".text": "text/plain",
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".xml": "application/xml",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".js": "text/javascript",
    ".css": "text/css",
}

_NO_SETTINGS: Final = jinja2.StrictUndefined("no settings: setup_settings was not called")

# What is rendered now: a macro that is imported without its context knows no other way.
_request: Final = ContextVar[web.Request]("aiotoolkit.template_request")


class Templates:
    """What renders the templates of one application."""

    def __init__(
        self,
        app: web.Application,
        registry: Registry,
        folder: Path | None,
        *,
        debug: bool,
        context_processors: tuple[ContextProcessor, ...],
    ) -> None:
        self._app = app
        self._registry = registry
        self._processors = context_processors
        self._loader = _Loader(registry, folder)
        self._debug = debug
        self._is_loaded = False
        self._has_settings = False
        self.environment = _Environment(
            loader=self._loader,
            autoescape=_is_escaped,
            auto_reload=debug,
            cache_size=-1,
            enable_async=True,
            undefined=jinja2.StrictUndefined,
        )
        if aiohttp_jinja2.APP_KEY in app:
            raise RuntimeError("setup_templates(app) makes the environment of aiohttp-jinja2: do not call its setup()")
        app[aiohttp_jinja2.APP_KEY] = self.environment

    async def load_at_startup(self, _app: web.Application) -> None:
        """Read and compile every template."""
        self._load()

    def _load(self) -> None:
        self._is_loaded = True
        self._loader.is_closed = False
        self._find_settings()
        if not self._debug:
            for name in self._loader.list_templates():
                self.environment.get_template(name)
            self._loader.is_closed = True

    def _find_settings(self) -> None:
        names = self.environment.globals
        if isinstance(names.get("settings", _NO_SETTINGS), jinja2.Undefined):
            names["settings"] = self._app.get(SETTINGS_KEY, _NO_SETTINGS)
        self._has_settings = not isinstance(names["settings"], jinja2.Undefined)

    async def render(
        self,
        name: str,
        request: web.Request,
        context: Mapping[str, Any] | None,
        status: int,
        headers: LooseHeaders | None,
    ) -> web.Response:
        """Render a template as a response."""
        if not self._is_loaded:
            self._load()
        registered = self._registry.of_request(request)
        if name.startswith(":"):
            if registered is None:
                raise LookupError(f"{name!r} is relative to a component, and no component answers this request")
            name = registered.name + name
        self.environment.get_template(name)  # aiohttp-jinja2 does not tell where it looked for it
        full = await self._context(request, registered, context)
        token = _request.set(request)
        try:
            text = await aiohttp_jinja2.render_string_async(name, request, full)
        finally:
            _request.reset(token)
        # Names from headers and URLs may hold what UTF-8 cannot: lone surrogates.
        return web.Response(body=text.encode(errors="replace"), status=status, headers=_headers(name, headers))

    async def _context(
        self, request: web.Request, registered: Registered | None, context: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        full: dict[str, Any] = {"request": request}
        if not self._has_settings and (settings := request.config_dict.get(SETTINGS_KEY)) is not None:
            full["settings"] = settings
        for processor in self._processors:
            full.update(await processor(request))
        if registered is not None:
            for processor in registered.context_processors:
                full.update(await processor(request))
        if context:
            full.update(context)
        return full


def functions(url_for: Callable[..., Any], static_url: Callable[..., str]) -> dict[str, Any]:
    """The same functions for templates, which know the request."""

    @jinja2.pass_context
    def url_for_in_template(context: jinja2.runtime.Context, name: str, /, **parts: Any) -> Any:
        return url_for(_request_of(context), name, **parts)

    @jinja2.pass_context
    def static_url_in_template(context: jinja2.runtime.Context, name: str, /) -> str:
        return static_url(_request_of(context), name)

    return {"url_for": url_for_in_template, "static_url": static_url_in_template}


def _request_of(context: jinja2.runtime.Context) -> web.Request:
    request = _request.get(None)
    if request is None:  # rendered by aiohttp-jinja2's own functions
        request = context.get("request")
    if request is None:
        raise LookupError("url_for and static_url need a request in the template: render it with render_template")
    return request


class _Environment(jinja2.Environment):
    """Takes ``:path`` and ``.route`` in a component's template for those of the component."""

    def join_path(self, template: str, parent: str) -> str:
        component, colon, _ = parent.partition(":")
        return component + template if colon and template.startswith(":") else template

    def _generate(self, source: nodes.Template, name: str | None, *args: Any, **kwargs: Any) -> str:
        component, colon, _ = (name or "").partition(":")
        if colon:
            _name_component(source, component)
        return super()._generate(source, name, *args, **kwargs)


def _name_component(source: nodes.Template, component: str) -> None:
    for call in source.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.args and isinstance(call.args[0], nodes.Const):
            mark = {"url_for": ".", "static_url": ":"}.get(call.node.name)
            value = call.args[0].value
            if mark is not None and isinstance(value, str) and value.startswith(mark):
                call.args[0].value = component + value


class _Loader(jinja2.BaseLoader):
    """Finds ``component:path`` in the application's folder, then in the component's, and ``component::path`` there.

    Attributes:
        is_closed: whether it reads no file any more.
    """

    def __init__(self, registry: Registry, folder: Path | None) -> None:
        self._registry = registry
        self._folder = folder
        self.is_closed = False

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        path = None if self.is_closed else self._locate(template)
        if path is None:
            raise jinja2.TemplateNotFound(template, self._missing_message(template))
        modified = _modified(path)
        try:
            source = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"Template {path} is not UTF-8 text: {error.reason} at byte {error.start}") from error
        return source, str(path), lambda: self._locate(template) == path and _modified(path) == modified

    def list_templates(self) -> list[str]:
        names = set() if self._folder is None else set(_paths(self._folder))
        for component in self._registry.components:
            *overrides, own = (set(_paths(folder)) for folder in self._folders(component))
            names.update(f"{component}:{path}" for path in own.union(*overrides))
            names.update(f"{component}::{path}" for path in own.intersection(*overrides) if overrides)
        return sorted(names)

    def _folders(self, component: str) -> list[Path]:
        """Where the templates of a component are, those that override the others first."""
        overrides = [] if self._folder is None else [self._folder / component]
        return [*overrides, self._registry.components[component].folder / "templates"]

    def _candidates(self, template: str) -> list[Path]:
        component, colon, path = template.partition(":") if ":" in template else ("", "", template)
        is_own, path = path.startswith(":"), path.removeprefix(":")
        if not _is_template(path) or (colon and component not in self._registry.components):
            return []
        if not colon:
            return [] if self._folder is None else [self._folder / path]
        folders = self._folders(component)
        if is_own:  # the one that is overridden
            return [folders[-1] / path] if len(folders) > 1 and (folders[0] / path).is_file() else []
        return [folder / path for folder in folders]

    def _locate(self, template: str) -> Path | None:
        return next((path for path in self._candidates(template) if path.is_file()), None)

    def _missing_message(self, template: str) -> str:
        component, colon, _ = template.partition(":")
        if colon and component not in self._registry.components:
            known = ", ".join(self._registry.components) or "none"
            return f"There is no template {template!r}: there is no component {component!r}. Components: {known}"
        if "::" in template and not self._candidates(template):
            return f"There is no template {template!r}: '::' is for a template that the application overrides"
        places = ", ".join(map(str, self._candidates(template))) or "no place: it is not the name of a template"
        return f"There is no template {template!r}. Looked for it in: {places}"


def _paths(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for file in files:
            path = Path(parent, file).relative_to(folder).as_posix()
            if _is_template(path):
                yield path


def _is_template(path: str) -> bool:
    return is_plain_path(path) and ":" not in path


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return -1


def _kind(name: str) -> str:
    stem, suffix = os.path.splitext(name.lower())
    return os.path.splitext(stem)[1] if suffix in _SUFFIXES else suffix


def _is_escaped(name: str | None) -> bool:
    return name is None or _kind(name) not in _TEXT


def _headers(name: str, headers: LooseHeaders | None) -> CIMultiDict[str]:
    full = CIMultiDict[str](headers or ())
    if hdrs.CONTENT_TYPE not in full:
        full[hdrs.CONTENT_TYPE] = f"{_TYPES.get(_kind(name), 'text/html')}; charset=utf-8"
    return full
