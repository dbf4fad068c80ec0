"""The packages that components are made of: imported, with errors that name them."""

import importlib
import importlib.util
from types import ModuleType

__all__ = ["ComponentError", "describe", "has_routes", "import_package", "name_of", "paths_of"]


class ComponentError(Exception):
    """A component cannot be loaded or registered. Its text names the package, its ``__cause__`` says why."""


def has_routes(package: ModuleType) -> bool:
    """Whether a package has a ``routes`` module; it is not imported."""
    return importlib.util.find_spec(f"{package.__name__}.routes") is not None


def import_package(package: str | ModuleType) -> ModuleType:
    """Import a package by its name."""
    if isinstance(package, ModuleType):
        return package
    try:
        return importlib.import_module(package)
    except Exception as error:
        raise ComponentError(f"{package} cannot be imported: {describe(error)}") from error


def paths_of(package: ModuleType) -> list[str]:
    """The folders of a package."""
    if not hasattr(package, "__path__"):
        raise ComponentError(f"{package.__name__} is a module: a component is a package, which is a folder")
    return list(package.__path__)


def name_of(package: str | ModuleType) -> str:
    """The dotted name of a package."""
    return package.__name__ if isinstance(package, ModuleType) else package


def describe(error: Exception) -> str:
    """An error in one line, for the text of another one."""
    return f"{type(error).__name__}: {error}"
