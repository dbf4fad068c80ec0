"""Parts of an application: a package with its routes, templates and static files, on the application itself.

`Component.register` and `setup_components` put them there: aiohttp's sub-applications have a router of their own, and
what is in it the application cannot name. `setup_templates` and `render_template` need ``aiotoolkit[jinja]``.

A name is ``component.route`` for a route, ``component:path`` for a template or a static file. With nothing before the
dot or the colon it means the component whose route answers the request.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.typedefs import LooseHeaders
from yarl import URL

from aiotoolkit import routes
from aiotoolkit._component import (
    STATIC_URL,
    CleanupContext,
    Component,
    ContextProcessor,
    Registry,
    add_static,
    checked_processors,
    find_registry,
    open_block,
    registry_of,
)
from aiotoolkit._discovery import setup_components
from aiotoolkit._packages import ComponentError
from aiotoolkit._route_block import Block
from aiotoolkit._url_for import PathPart, Query

if TYPE_CHECKING:
    from aiotoolkit._templates import Templates

__all__ = [
    "CleanupContext",
    "Component",
    "ComponentError",
    "ContextProcessor",
    "render_template",
    "setup_components",
    "setup_static",
    "setup_templates",
    "static_url",
    "url_for",
]

_TEMPLATES_KEY: "web.AppKey[Templates]" = web.AppKey("aiotoolkit.templates")


def setup_templates(
    app: web.Application,
    *,
    folder: Path | str | None = None,
    debug: bool = False,
    filters: Mapping[str, Callable[..., Any]] | None = None,
    globals: Mapping[str, Any] | None = None,  # noqa: A002 - jinja2's own word
    context_processors: Iterable[ContextProcessor] = (),
) -> None:
    """Make the templates of the application and of its components, with aiohttp-jinja2.

    They are read and compiled when the application starts, and never again. A name that a template uses and nobody
    gave it is an error (``jinja2.StrictUndefined``). HTML is escaped in all of them but ``.txt``, ``.text``, ``.md``
    and ``.csv``.

    Args:
        app: the application, before it starts. Components may be registered before or after.
        folder: the application's own templates. Below a folder that is called as a component, they replace those of
            the component, and may extend what they replace as ``"component::path"``.
        debug: read a template again when its file has changed, and take a missing static file for an error.
        filters: for the templates, by name.
        globals: names for every template.
        context_processors: ``async (request) -> mapping``: names for every template that a request renders.

    Raises:
        ImportError: aiohttp-jinja2 is not installed.
        TypeError: a context processor is no async function.
        ValueError: there is no such folder.
        RuntimeError: it was called before, or ``aiohttp_jinja2.setup`` was, or the application has started.
    """
    try:
        from aiotoolkit._templates import Templates, functions  # noqa: PLC0415 - it needs the extra
    except ImportError as error:
        raise ImportError('Templates need aiohttp-jinja2: pip install "aiotoolkit[jinja]"') from error
    if _TEMPLATES_KEY in app:
        raise RuntimeError("setup_templates(app) was called twice for this application")
    if app.pre_frozen:
        raise RuntimeError("Call setup_templates before the application starts, and before add_subapp")
    path = None if folder is None else _existing(folder)
    processors = checked_processors(context_processors)
    registry = registry_of(app)
    registry.debug |= debug
    templates = Templates(app, registry, path, debug=debug, context_processors=processors)
    templates.environment.globals |= functions(url_for, static_url) | dict(globals or {})
    templates.environment.filters |= filters or {}
    app[_TEMPLATES_KEY] = templates
    app.on_startup.append(templates.load_at_startup)


async def render_template(
    name: str,
    request: web.Request,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
    headers: LooseHeaders | None = None,
) -> web.Response:
    """Render a template as a response.

    Args:
        name: ``"component:path"``, ``":path"`` for the component that answers the request, or ``"path"`` for the
            application's own.
        request: it is in every template, under that name.
        context: names for the template. They win over those of context processors.
        status: of the response.
        headers: for the response. Without ``Content-Type``, it is that of the template's name.

    Raises:
        LookupError: there is no such template. The text lists where it was looked for.
        RuntimeError: `setup_templates` was not called.
    """
    templates = request.config_dict.get(_TEMPLATES_KEY)
    if templates is None:
        raise RuntimeError("This application has no templates: call setup_templates(app) where it is made")
    return await templates.render(name, request, context, status, headers)


def setup_static(app: web.Application, folder: Path | str, *, debug: bool = False) -> None:
    """Serve the application's own static files, as ``static_url(request, "path")``.

    Below a folder that is called as a component, they replace those of the component.

    Args:
        app: the application, before it starts. Components may be registered before or after.
        folder: the files. Symbolic links in it are not followed.
        debug: find files that appear or change while the application runs, and take a missing one for an error.

    Raises:
        ValueError: there is no such folder.
        RuntimeError: it was called before, or the application has started.
    """
    registry = registry_of(app)
    if registry.static is not None:
        raise RuntimeError("setup_static(app) was called twice for this application")
    path = _existing(folder)
    with open_block(Block(app.router)) as block:
        registry.static = add_static(block, STATIC_URL, "The application", path)
    registry.static_folder = path
    registry.debug |= debug


def static_url(request_or_app: web.Request | web.Application, name: str) -> str:
    """The URL of a static file, with a hash of its content, so that browsers may keep it for a year.

    Args:
        request_or_app: whose components are meant.
        name: ``"component:path"``, ``":path"`` for the component that answers the request, or ``"path"`` for the
            application's own.

    Raises:
        LookupError: there is no such component; in debug also for a missing file. Without debug that is logged once,
            and the URL leads to a 404.
        RuntimeError: the application has neither components nor static files.
    """
    registry = _registry(request_or_app)
    if not registry.is_loaded:
        registry.load()
    component, colon, path = name.partition(":")
    if not colon:
        if registry.static is None:
            raise LookupError(f"The application has no static files of its own for {name!r}: call setup_static")
        return registry.static.url_of(name)
    full_name = component or _current(registry, request_or_app, name)
    registered = registry.components.get(full_name)
    if registered is None or registered.static is None:
        problem = "There is no component" if registered is None else "There is no folder 'static' in component"
        raise LookupError(f"{problem} {full_name!r}, for the static file {name!r}")
    return registered.static.url_of(path)


def url_for(
    request_or_app: web.Request | web.Application,
    name: str,
    /,
    *,
    _query: Query | None = None,
    _anchor: PathPart | None = None,
    _absolute: bool = False,
    **parts: PathPart,
) -> URL:
    """As `aiotoolkit.routes.url_for`, where ``".route"`` is one of the component that answers the request.

    Raises:
        LookupError, TypeError, ValueError: as there; also where no component answers the request.
    """
    if name.startswith("."):
        name = _current(_registry(request_or_app), request_or_app, name) + name
    return routes.url_for(request_or_app, name, _query=_query, _anchor=_anchor, _absolute=_absolute, **parts)


def _registry(request_or_app: web.Request | web.Application) -> Registry:
    registry = find_registry(request_or_app)
    if registry is None:
        raise RuntimeError("This application has no components: register one, or call setup_components(app, package)")
    return registry


def _current(registry: Registry, request_or_app: web.Request | web.Application, name: str) -> str:
    if isinstance(request_or_app, web.Application):
        raise LookupError(f"{name!r} is relative to the component of a request: pass the request")  # noqa: TRY004 - of a name
    registered = registry.of_request(request_or_app)
    if registered is None:
        raise LookupError(f"{name!r} is relative to a component, and no component answers this request: name one")
    return registered.name


def _existing(folder: Path | str) -> Path:
    path = Path(folder).resolve()
    if not path.is_dir():
        raise ValueError(f"There is no folder {path}")
    return path
