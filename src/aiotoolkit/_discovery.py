"""Finding the components of a package."""

import pkgutil
from types import ModuleType

from aiohttp import web

from aiotoolkit._component import Component, register_all
from aiotoolkit._packages import ComponentError, has_routes, import_package, paths_of

__all__ = ["setup_components"]


def setup_components(app: web.Application, package: str | ModuleType) -> None:
    """Register each component of a package of components.

    A component is a sub-package that has a ``routes`` module, or an attribute ``component``: a `Component`. Without
    that attribute it is ``Component(name, package, url_prefix="/" + name)``. Those that the package's
    ``component_order`` names come first, in that order; the others follow in alphabetical order. Sub-packages whose
    names begin with an underscore are left out.

    Raises:
        ComponentError: one of them cannot be loaded or registered, or there is none. Nothing is registered then.
        RuntimeError, TypeError: as for `Component.register`.
    """
    register_all(app, _discover(import_package(package)))


def _discover(package: ModuleType) -> list[Component]:
    components = {
        name: _component_of(name, import_package(f"{package.__name__}.{name}")) for name in _sub_packages(package)
    }
    found = {name: component for name, component in components.items() if component is not None}
    if not found:
        raise ComponentError(f"{package.__name__} has no component: no sub-package of it has a routes module")
    first: list[str] = list(getattr(package, "component_order", ()))
    if unknown := [name for name in first if name not in found]:
        raise ComponentError(f"component_order of {package.__name__} names {unknown[0]!r}, which is no component of it")
    return [found[name] for name in (*first, *(name for name in found if name not in first))]


def _component_of(name: str, package: ModuleType) -> Component | None:
    component = getattr(package, "component", None)
    if isinstance(component, Component):
        return component
    if component is not None and not isinstance(component, ModuleType):
        raise ComponentError(f"'component' in {package.__name__} is no Component, but {component!r}")
    try:
        return Component(name, package, url_prefix=f"/{name}") if has_routes(package) else None
    except ValueError as error:
        raise ComponentError(f"{package.__name__}: {error}") from error


def _sub_packages(package: ModuleType) -> list[str]:
    names = [module.name for module in pkgutil.iter_modules(paths_of(package)) if module.ispkg]
    return sorted(name for name in names if not name.startswith("_"))
