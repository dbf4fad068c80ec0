"""Components: what they are made of, and how they get onto an application."""

import functools
import inspect
import keyword
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeAlias

from aiohttp import web
from aiohttp.abc import AbstractView
from aiohttp.typedefs import Handler, Middleware

from aiotoolkit._component_errors import component_error_middleware
from aiotoolkit._error_handlers import ErrorHandlers
from aiotoolkit._packages import ComponentError, describe, has_routes, import_package, name_of, paths_of
from aiotoolkit._route_block import Block, as_coroutine_function
from aiotoolkit._static import StaticFolder
from aiotoolkit.routes import AddRoute, add_route_table

__all__ = [
    "STATIC_URL",
    "CleanupContext",
    "Component",
    "ContextProcessor",
    "Registered",
    "Registry",
    "add_static",
    "checked_processors",
    "find_registry",
    "open_block",
    "register_all",
    "registry_of",
]

ContextProcessor: TypeAlias = Callable[[web.Request], Awaitable[Mapping[str, Any]]]
"""Names for the templates of a request: ``async (request) -> mapping``."""

CleanupContext: TypeAlias = (
    Callable[[web.Application], AsyncIterator[None]] | Callable[[web.Application], AbstractAsyncContextManager[None]]
)
"""As those of `aiohttp.web.Application.cleanup_ctx`."""

STATIC_URL: Final = "/static"


class Component:
    """A package of routes, templates and static files, that `register` puts on an application.

    Args:
        name: what its route names, templates and static files are found under; an identifier.
        package: the package, as a module or as its dotted name (``__name__`` in its ``__init__``). Its ``routes``
            module, where there is one, has a table ``routes``, as `aiotoolkit.routes.add_route_table` takes, or a
            function ``setup_routes(add_route)``. Its folders ``templates`` and ``static`` hold the files.
        url_prefix: what the URLs of its routes begin with. None: nothing.
        middlewares: for its routes only, the first one outermost.
        error_handlers: for the errors of its routes only, as for `aiotoolkit.middlewares.setup_errors`. An error
            that none of them is for goes on to the outer component, and then to the application.
        context_processors: ``async (request) -> mapping``: names for each template that its requests render.
        cleanup_ctx: as those of the application, which runs them.
        setup: called with the application when the component is registered.
        components: those inside of it. Their names and URLs go on from its own.

    Raises:
        TypeError: one of the middlewares, handlers or processors is not what is called for.
        ValueError: the name is not an identifier, or an error handler is for what is no error.
    """

    def __init__(
        self,
        name: str,
        package: str | ModuleType,
        *,
        url_prefix: str | None = None,
        middlewares: Iterable[Middleware] = (),
        error_handlers: ErrorHandlers | None = None,
        context_processors: Iterable[ContextProcessor] = (),
        cleanup_ctx: Iterable[CleanupContext] = (),
        setup: Callable[[web.Application], object] | None = None,
        components: "Iterable[Component]" = (),
    ) -> None:
        self.name: str = _checked_name(name)
        self.package = package
        self.url_prefix = url_prefix
        self.steps: tuple[Middleware, ...] = _checked_steps(error_handlers, middlewares)
        self.context_processors: tuple[ContextProcessor, ...] = checked_processors(context_processors)
        self.cleanup_ctx: tuple[CleanupContext, ...] = tuple(cleanup_ctx)
        self.setup = setup
        self.components: tuple[Component, ...] = tuple(components)

    def __repr__(self) -> str:
        return f"Component({self.name!r}, {name_of(self.package)!r})"

    def register(self, app: web.Application) -> None:
        """Put the component, and those inside of it, on an application: all of it or nothing.

        Raises:
            ComponentError: it cannot be loaded, or a name or URL of it is taken.
            RuntimeError: the application has started.
            TypeError: ``app`` is no application.
        """
        register_all(app, [self])


@dataclass(eq=False)
class Registered:
    """A component on an application.

    Attributes:
        name: its full name, with those of the components around it.
        steps: the middlewares of its routes, outermost first.
    """

    name: str
    component: Component
    folder: Path
    steps: tuple[Middleware, ...]
    context_processors: tuple[ContextProcessor, ...]
    static: StaticFolder | None = None


@dataclass(eq=False)
class Registry:
    """What an application knows of its components."""

    components: dict[str, Registered] = field(default_factory=dict)
    by_resource: dict[web.AbstractResource, Registered] = field(default_factory=dict)
    static_folder: Path | None = None
    static: StaticFolder | None = None
    debug: bool = False
    is_loaded: bool = False

    def of_request(self, request: web.Request) -> Registered | None:
        """The component whose route answers the request."""
        return self.by_resource.get(request.match_info.route.resource)  # type: ignore[arg-type] # None is no key

    async def load_at_startup(self, _app: web.Application) -> None:
        """Read the static files of all components, before the first request."""
        self.load()

    def load(self) -> None:
        """The same for those that there are now: an application may ask for a URL before it starts."""
        self.is_loaded = True
        for registered in self.components.values():
            if registered.static is not None:
                override = None if self.static_folder is None else self.static_folder / registered.name
                registered.static.load(override, debug=self.debug)
        if self.static is not None:
            self.static.load(debug=self.debug)


_REGISTRY_KEY: Final = web.AppKey("aiotoolkit.components", Registry)


def registry_of(app: web.Application) -> Registry:
    """What the application knows of its components; made at the first call, before the application starts."""
    registry = app.get(_REGISTRY_KEY)
    if registry is None:
        registry = app[_REGISTRY_KEY] = Registry()
        app.on_startup.append(registry.load_at_startup)
    return registry


def find_registry(request_or_app: web.Request | web.Application) -> Registry | None:
    """The registry of an application, or of the nearest one around a request."""
    if isinstance(request_or_app, web.Application):
        return request_or_app.get(_REGISTRY_KEY)
    return request_or_app.config_dict.get(_REGISTRY_KEY)


def register_all(app: web.Application, components: Sequence[Component]) -> None:
    """Put components on an application: all of them or nothing."""
    if not isinstance(app, web.Application):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
        raise TypeError(f"A component is registered on an application, not on {type(app).__name__}")
    if app.pre_frozen:
        raise RuntimeError("Register components before the application starts, and before add_subapp")
    registry = registry_of(app)
    block = Block(app.router)
    loading = _Loading(registry, block)
    for component in components:
        loading.add(block, component, None)
    for registered in loading.components.values():
        _call_setup(app, registered)
    try:
        block.commit()
    except ValueError as error:  # a setup function took a name or a URL of theirs
        raise ComponentError(f"{', '.join(map(repr, components))}: {error}") from error
    registry.components |= loading.components
    registry.by_resource |= loading.by_resource
    for registered in loading.components.values():
        app.cleanup_ctx.extend(registered.component.cleanup_ctx)


# Checks


def _checked_name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"The name of a component is text, not {type(name).__name__}")
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"{name!r} cannot be the name of a component: take an identifier that is no keyword")
    return name


def _checked_steps(handlers: ErrorHandlers | None, middlewares: Iterable[Middleware]) -> tuple[Middleware, ...]:
    steps = tuple(middlewares)
    for step in steps:
        if not _is_async(step):
            raise TypeError(f"A middleware is an async function (request, handler), not {step!r}")
    return steps if handlers is None else (component_error_middleware(handlers), *steps)


def checked_processors(processors: Iterable[ContextProcessor]) -> tuple[ContextProcessor, ...]:
    """Context processors as a tuple.

    Raises:
        TypeError: one of them is no async function.
    """
    checked = tuple(processors)
    for processor in checked:
        if not _is_async(processor):
            raise TypeError(f"A context processor is an async function (request), not {processor!r}")
    return checked


def _is_async(function: object) -> bool:
    call = getattr(function, "__call__", None)  # noqa: B004 - its function
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


# Registration


class _Loading:
    """Components on their way onto an application."""

    def __init__(self, registry: Registry, root: Block) -> None:
        self._registry = registry
        self._root = root
        self.components: dict[str, Registered] = {}
        self.by_resource: dict[web.AbstractResource, Registered] = {}

    def add(self, outer_block: Block, component: Component, outer: Registered | None) -> None:
        """Load a component, and those inside of it, into a block of routes."""
        name = f"{outer.name}.{component.name}" if outer else component.name
        package = import_package(component.package)
        try:
            self._add(outer_block, component, outer, name, package)
        except ComponentError:
            raise
        except Exception as error:
            raise ComponentError(f"Component {name!r} ({package.__name__}): {describe(error)}") from error

    def _add(
        self, outer_block: Block, component: Component, outer: Registered | None, name: str, package: ModuleType
    ) -> None:
        if name in self.components or name in self._registry.components:
            raise ValueError("there is a component of that name already: give one of them another name")
        registered = _registered(component, outer, name, Path(paths_of(package)[0]))
        self.components[name] = registered
        static = registered.folder / "static"
        if static.is_dir():
            registered.static = add_static(self._root, f"{STATIC_URL}/{name}", f"Component {name!r}", static)
        wrap = functools.partial(self._wrap, registered, {})
        with open_block(Block(outer_block, None, component.url_prefix, component.name, wrap)) as block:
            _add_routes(block, package)
            for inner in component.components:
                self.add(block, inner, registered)

    def _wrap(
        self,
        registered: Registered,
        wrapped: dict[Any, Any],
        resource: web.Resource,
        view: Handler | type[AbstractView],
    ) -> Handler | type[AbstractView]:
        self.by_resource[resource] = registered
        if not registered.steps:
            return view
        if view not in wrapped:  # GET and HEAD share theirs
            wrapped[view] = _wrapped(view, registered.steps)
        return wrapped[view]  # type: ignore[no-any-return] # it is what was put in


def _registered(component: Component, outer: Registered | None, name: str, folder: Path) -> Registered:
    steps = outer.steps if outer else ()
    processors = outer.context_processors if outer else ()
    return Registered(name, component, folder, steps + component.steps, processors + component.context_processors)


def _add_routes(block: Block, package: ModuleType) -> None:
    if not has_routes(package):
        return
    module = import_package(f"{package.__name__}.routes")
    if hasattr(module, "setup_routes"):
        module.setup_routes(AddRoute(block))
    else:
        add_route_table(AddRoute(block), module)


def add_static(block: Block, url: str, label: str, folder: Path) -> StaticFolder:
    """Serve a folder below a URL."""
    static = StaticFolder(label, folder)
    static.resource = block.add(url + "/{path:.+}", {"GET": static.serve}, None, None)
    return static


def _wrapped(view: Handler | type[AbstractView], steps: Sequence[Middleware]) -> Handler:
    """The view behind middlewares, as aiohttp would build it for each request."""
    handler: Any = view
    for step in reversed(steps):
        updated = () if isinstance(handler, type) else ("__dict__",)  # what decorators left on a function
        handler = functools.update_wrapper(functools.partial(step, handler=handler), handler, updated=updated)
    return as_coroutine_function(handler)


def _call_setup(app: web.Application, registered: Registered) -> None:
    if registered.component.setup is None:
        return
    try:
        registered.component.setup(app)
    except Exception as error:
        package = name_of(registered.component.package)
        raise ComponentError(f"setup of component {registered.name!r} ({package}): {describe(error)}") from error


@contextmanager
def open_block(block: Block) -> Iterator[Block]:
    try:
        yield block
        block.commit()
    finally:
        block.end()
