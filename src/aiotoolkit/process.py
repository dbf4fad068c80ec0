"""What belongs to the whole process, set from settings, once: locale, time zone, logging, Sentry."""

import dataclasses
import functools
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from aiotoolkit._frozen import freeze, thaw
from aiotoolkit._locale import locale_kept_on_error, setup_first_weekday
from aiotoolkit._sentry import sends_to_sentry
from aiotoolkit._timezone import timezone_kept_on_error
from aiotoolkit.logger import default_logging_dict, update_sentry_logging
from aiotoolkit.settings import setup_locale, setup_logging, setup_timezone

__all__ = ["setup_process"]

_NAMES = ("LOCALE", "FIRST_WEEKDAY", "TIME_ZONE", "LOGGING", "SENTRY_DSN")
# Errors do not show these: a DSN is a secret, and a logging configuration may hold one and is long.
_NOT_SHOWN = {"LOGGING", "SENTRY_DSN"}

# Where aiohttp and the error middleware log what a view did not catch: the errors that Sentry is there for.
_UNHANDLED = ("aiohttp.server", "aiotoolkit")

_lock = threading.Lock()
# What setup_process applied to this process: None before, and for good afterwards. A fork inherits it, with its effect.
_applied: dict[str, Any] | None = None


def setup_process(settings: object, *, loggers: Iterable[str] = ()) -> None:
    """Apply settings to the whole process: call it once, in ``main()`` or where a worker starts.

    It reads these settings, under upper-case or lower-case names; one that is absent, ``None`` or ``""`` does nothing:

    - ``LOCALE``: see `aiotoolkit.settings.setup_locale`;
    - ``FIRST_WEEKDAY``: 0 (Monday) to 6 (Sunday), with or without a locale;
    - ``TIME_ZONE``: see `aiotoolkit.settings.setup_timezone`;
    - ``LOGGING``: a logging configuration, frozen or not. Without it, ``loggers`` get
      `aiotoolkit.logger.default_logging_dict`;
    - ``SENTRY_DSN``: errors of the loggers in the logging configuration go to Sentry. A configuration that has a
      Sentry handler already is left as it is. Without ``LOGGING``, unhandled exceptions of views are reported too,
      whether or not ``loggers`` name ``aiohttp`` and ``aiotoolkit``.

    The same settings again do nothing, so every application of a process may call it. It is safe in threads.

    Args:
        settings: `aiotoolkit.settings.Settings`, a dataclass filled by `aiotoolkit.settings.load_settings` (its
            properties count too), or a mapping.
        loggers: Names of loggers for the default logging configuration, used where the settings have no ``LOGGING``.

    Raises:
        TypeError: ``settings`` is nothing of that kind, or ``loggers`` are not names.
        ValueError: A value cannot be applied; the error names the setting. Locale, time zone and loggers are then as
            they were before.
        RuntimeError: The process was set up with other settings; the error names them. Nothing has changed.
    """
    global _applied  # noqa: PLW0603 - a locale, a time zone and logging exist once in a process, and so does this
    wanted = _read(settings)
    wanted["loggers"] = _logger_names(loggers)
    with _lock:
        if _applied is None:
            _apply(wanted)
            _applied = wanted
        elif _applied != wanted:
            raise RuntimeError(f"this process was already set up with other settings: {_differences(_applied, wanted)}")


def _read(settings: object) -> dict[str, Any]:
    """Return the five settings, frozen, so that they can be kept and compared; None where a setting is not set."""
    if isinstance(settings, Mapping):
        get = cast("Mapping[str, Any]", settings).get
    elif dataclasses.is_dataclass(settings) and not isinstance(settings, type):
        get = functools.partial(getattr, settings)  # properties too: a logging dict is often made of other settings
    else:
        raise TypeError(
            "setup_process takes Settings, a dataclass instance or a mapping, "
            f"not {type(settings).__name__} (a module goes through immutable_settings)"
        )
    found = {name: get(name, get(name.lower(), None)) for name in _NAMES}
    return {name: None if value == "" else freeze(value, name=name) for name, value in found.items()}


def _logger_names(loggers: Iterable[str]) -> tuple[str, ...]:
    if isinstance(loggers, str):
        raise TypeError(f"loggers are the names of loggers in a list or tuple, not the text {loggers!r}")
    if not isinstance(loggers, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
        raise TypeError(f"loggers are the names of loggers in a list or tuple, not {type(loggers).__name__}")
    names = tuple(loggers)
    for name in names:
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
            raise TypeError(f"loggers are the names of loggers, text, and one of them is {type(name).__name__}")
    return names


def _apply(wanted: Mapping[str, Any]) -> None:
    with locale_kept_on_error(), timezone_kept_on_error():
        _apply_one("LOCALE", wanted["LOCALE"], setup_locale)
        _apply_one("FIRST_WEEKDAY", wanted["FIRST_WEEKDAY"], setup_first_weekday)
        _apply_one("TIME_ZONE", wanted["TIME_ZONE"], setup_timezone)
        _apply_one("LOGGING", _logging_config(wanted), setup_logging)


def _apply_one(name: str, value: Any, apply: Callable[[Any], object]) -> None:
    if value is None:
        return
    try:
        apply(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {error}") from error


def _logging_config(wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    logging, dsn, loggers = wanted["LOGGING"], wanted["SENTRY_DSN"], wanted["loggers"]
    if logging is not None and not isinstance(logging, Mapping):
        raise ValueError(f"LOGGING is a logging configuration, a mapping, not {type(logging).__name__}")
    if logging is None and not loggers:
        if dsn is not None:
            raise ValueError(
                "SENTRY_DSN needs loggers that report to it: set LOGGING, or call setup_process(loggers=...)"
            )
        return None
    if dsn is not None:
        loggers = tuple(dict.fromkeys((*loggers, *_UNHANDLED)))
    config: dict[str, Any] = default_logging_dict(*loggers) if logging is None else thaw(logging)
    handlers = config.get("handlers", {})  # dictConfig says what is wrong with malformed ones
    if not any(sends_to_sentry(handler) for handler in handlers.values() if isinstance(handler, Mapping)):
        _apply_one("SENTRY_DSN", dsn, functools.partial(update_sentry_logging, config))
    return config


def _differences(applied: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    return "; ".join(
        f"{name} differs" if name in _NOT_SHOWN else f"{name} was {applied[name]!r} and is {wanted[name]!r} now"
        for name in wanted
        if applied[name] != wanted[name]
    )
