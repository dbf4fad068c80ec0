"""Binds settings to an application, and finds them again from a request; and the access log of its server."""

import asyncio
import dataclasses
from typing import Any, Final, TypeVar, cast, overload

from aiohttp import web

from aiotoolkit._access_log import AccessLogger
from aiotoolkit.logger import flush_logging
from aiotoolkit.settings import Settings

__all__ = ["SETTINGS_KEY", "AccessLogger", "get_settings", "setup_settings"]

T = TypeVar("T")

#: Where an application keeps its settings. Read them with `get_settings`, which knows their type.
SETTINGS_KEY: Final = web.AppKey("SETTINGS_KEY", object)

_FLUSH_SECONDS = 5.0


def setup_settings(app: web.Application, settings: object) -> None:
    """Bind settings to an application, before it starts or becomes a sub-application.

    When the application stops, what waits in the log queue and for Sentry is sent, in a thread and for a few seconds
    at most. Logging itself goes on: other applications of the process share it.

    Args:
        app: The application. A sub-application without settings of its own sees those of its parents in its requests.
        settings: `aiotoolkit.settings.Settings`, or an instance of a frozen dataclass, as
            `aiotoolkit.settings.load_settings` makes; it is kept as it is.

    Raises:
        TypeError: The settings are neither, or ``app`` is no application.
        RuntimeError: The application has settings already, or has started, or is a sub-application already.
    """
    if not isinstance(app, web.Application):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
        raise TypeError(f"setup_settings takes an application first, not {_describe(app)}")
    if not isinstance(settings, Settings) and not _is_frozen_dataclass(settings):
        raise TypeError(
            f"setup_settings takes Settings or a frozen dataclass instance, not {_describe(settings)}; "
            "make them with immutable_settings or load_settings"
        )
    if SETTINGS_KEY in app:
        raise RuntimeError("this application has settings already: call setup_settings once for each application")
    if app.pre_frozen:
        raise RuntimeError("call setup_settings before the application starts, and before add_subapp")
    app[SETTINGS_KEY] = settings
    app.on_cleanup.append(_flush_logging)


@overload
def get_settings(source: web.Request | web.Application) -> Settings: ...


@overload
def get_settings(source: web.Request | web.Application, cls: type[T]) -> T: ...


def get_settings(source: web.Request | web.Application, cls: type[Any] = Settings) -> Any:
    """Return the settings of a request or of an application.

    A request sees the settings of its application, or else those of the nearest application above it that has some.
    An application has only its own.

    Args:
        source: A request, or an application.
        cls: The class of the settings, where they are a dataclass: ``get_settings(request, Config)`` is a ``Config``.

    Raises:
        TypeError: The settings are of another class, or ``source`` is neither a request nor an application, or ``cls``
            is no class.
        RuntimeError: There are no settings: ``setup_settings(app, settings)`` was not called.
    """
    if isinstance(source, web.Application):
        settings = source.get(SETTINGS_KEY)
    elif isinstance(source, web.Request):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
        settings = source.config_dict.get(SETTINGS_KEY)
    else:
        raise TypeError(f"get_settings takes a request or an application, not {_describe(source)}")
    if settings is None:
        raise RuntimeError(
            f"this {'application' if isinstance(source, web.Application) else 'request'} has no settings: "
            "call setup_settings(app, settings) where the application is made"
        )
    try:
        fits = isinstance(settings, cls)
    except TypeError:
        fits = False
    if not fits:
        if not isinstance(cls, type):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
            raise TypeError(f"get_settings takes the class of the settings second, not {_describe(cls)}")
        name = type(settings).__qualname__
        raise TypeError(f"the settings are a {name}, not a {cls.__qualname__}: call get_settings(..., {name})")
    return settings


async def _flush_logging(_app: web.Application) -> None:
    await asyncio.to_thread(flush_logging, _FLUSH_SECONDS)


def _is_frozen_dataclass(settings: object) -> bool:
    is_instance = dataclasses.is_dataclass(settings) and not isinstance(settings, type)
    return is_instance and cast("Any", settings).__dataclass_params__.frozen


def _describe(value: object) -> str:
    return f"the class {value.__qualname__}" if isinstance(value, type) else type(value).__name__
