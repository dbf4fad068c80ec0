"""Settings of an application: immutable, read from modules or from the environment, and applied to the process.

Two ways to hold settings, and both are immutable:

- `immutable_settings` freezes the upper-case names of a module, in the way of Flask and Django;
- `load_settings` fills a frozen dataclass of yours from environment variables, secret files and a ``.env`` file.

`setup_locale`, `setup_timezone` and `setup_logging` apply single values to the whole process: call them at start-up,
or let `aiotoolkit.process.setup_process` call them.
"""

import logging
import re
from collections.abc import Generator, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from importlib import import_module
from logging.config import dictConfig
from typing import Any, Never, Self, cast

from aiotoolkit._convert import to_bool
from aiotoolkit._environ import SettingsError, from_env, load_settings
from aiotoolkit._frozen import FrozenDict, thaw
from aiotoolkit._locale import setup_locale
from aiotoolkit._redaction import mask_text
from aiotoolkit._timezone import setup_timezone

__all__ = [
    "Settings",
    "SettingsError",
    "from_env",
    "immutable_settings",
    "inject_settings",
    "is_setting_key",
    "iter_settings",
    "load_settings",
    "setup_locale",
    "setup_logging",
    "setup_timezone",
    "to_bool",
]

_DOTTED_PATH = re.compile(r"[^\s./\\\0]+(\.[^\s./\\\0]+)*")


class Settings(FrozenDict[str]):
    """An immutable mapping of settings, which are attributes too: ``settings["DEBUG"]`` is ``settings.DEBUG``.

    Make one with `immutable_settings`. Mappings inside are read-only, lists are tuples, sets are frozensets, at every
    depth. Its ``repr`` hides the values of names that look secret (KEY, SECRET, TOKEN, PASSWORD, DSN, CREDENTIALS...)
    and passwords inside URLs. It can be pickled and hashed when its values can.
    """

    __slots__ = ()

    def __new__(cls, source: Mapping[str, Any]) -> Self:
        """Freeze a mapping whose keys are all setting names."""
        for key in source:
            if not is_setting_key(key):
                raise ValueError(f"{key!r} is not a setting name: setting names are public and upper-case")
        return super().__new__(cls, source)

    def __getattr__(self, name: str, /) -> Any:
        if is_setting_key(name) and name in self:
            return self[name]
        raise AttributeError(f"there is no setting {name}", name=name, obj=self)

    def __setitem__(self, name: str, value: object, /) -> Never:
        raise TypeError(f"{type(self).__name__} is immutable: {name} cannot be set")

    def __delitem__(self, name: str, /) -> Never:
        raise TypeError(f"{type(self).__name__} is immutable: {name} cannot be deleted")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self})


def immutable_settings(defaults: object, **optionals: Any) -> Settings:
    """Return the settings of a module, a mapping or an object, as an immutable mapping.

    Only public upper-case names are settings; other names of the source are left out.

    Args:
        defaults: A module, a mapping (`Settings` too) or any object with upper-case attributes, such as a class.
        **optionals: Settings that override those of ``defaults`` or add to them, for application factories:
            ``immutable_settings(settings, **options)``.

    Returns:
        A deep-frozen copy, which later changes to the source do not reach.

    Raises:
        TypeError: An optional's name is not a setting name, or ``defaults`` is text.
        ValueError: ``defaults`` has no setting at all, or a value contains itself.
    """
    if wrong := [name for name in optionals if not is_setting_key(name)]:
        raise TypeError(f"not setting names: {', '.join(wrong)} (setting names are public and upper-case)")
    settings = dict(iter_settings(defaults))
    if not settings:
        raise ValueError(f"no setting found in {_describe(defaults)}: settings are its public upper-case names")
    return Settings({**settings, **optionals})


def inject_settings(
    mixed: object,
    context: MutableMapping[str, Any],
    fail_silently: bool = False,
) -> None:
    """Copy settings into a mapping, for a settings module that takes over those of another.

    Example: ``inject_settings("project.settings_local", globals(), fail_silently=True)``.

    Args:
        mixed: The dotted path of a module, or what `iter_settings` takes.
        context: Where the settings are put.
        fail_silently: Do nothing when the module of a dotted path does not exist. A module that exists and is
            broken still raises its error.

    Raises:
        ImportError: The module cannot be imported.
        ValueError: The text is not the dotted path of a module; also with ``fail_silently``.
        TypeError: ``mixed`` is nothing that has settings, or ``context`` is not a mapping that can be changed.
    """
    if not isinstance(context, MutableMapping):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
        raise TypeError(f"context is a mapping to put settings into, such as globals(), not {type(context).__name__}")
    if mixed is None or isinstance(mixed, int | float | list | tuple | set | frozenset):
        raise TypeError(f"settings are read from a module, a mapping or an object, not from {type(mixed).__name__}")
    source = mixed
    if isinstance(mixed, str):
        if not _DOTTED_PATH.fullmatch(mixed):
            raise ValueError(f"{mixed!r} is not the dotted path of a module, such as 'project.settings_local'")
        try:
            source = import_module(mixed)
        except ModuleNotFoundError as error:
            if fail_silently and _is_missing(mixed, error):
                return
            raise
    context.update(iter_settings(source))


def is_setting_key(key: object) -> bool:
    """Say whether a name is a setting's: public and upper-case, as ``DEBUG``, not ``_DEBUG`` or ``debug``."""
    return isinstance(key, str) and key.isupper() and not key.startswith("_")


def iter_settings(mixed: object) -> Iterator[tuple[str, Any]]:
    """Iterate over the settings, pairs of name and value, of a module, a mapping or any object with attributes.

    Raises:
        TypeError: ``mixed`` is text: import the module first, or use `inject_settings`.
    """
    if isinstance(mixed, str | bytes):
        raise TypeError(f"settings are read from a module, a mapping or an object, not from the text {mixed!r}")
    if isinstance(mixed, Mapping):
        return (item for item in cast("Mapping[str, Any]", mixed).items() if is_setting_key(item[0]))
    return ((name, getattr(mixed, name)) for name in dir(mixed) if is_setting_key(name))


def setup_logging(config: Mapping[str, Any], *, remove_root_handlers: bool = False) -> None:
    """Configure logging by `logging.config.dictConfig`, from a plain or a frozen mapping.

    The configuration is copied, with plain dicts and lists in place of frozen mappings and tuples, so that a frozen
    ``settings.LOGGING`` works. When it is refused, every logger is as it was before the call.

    Args:
        config: A logging configuration, version 1.
        remove_root_handlers: First remove the root logger's handlers. ``python -m aiohttp.web`` calls
            `logging.basicConfig`, which otherwise doubles each line.

    Raises:
        TypeError: The configuration is not a mapping.
        ValueError: The configuration is wrong; the error names the handler, filter, formatter or logger.
    """
    if not isinstance(config, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
        raise TypeError(f"a logging configuration is a mapping, not {type(config).__name__}")
    plain = thaw(config)
    with _loggers_kept_on_error():
        if remove_root_handlers:
            for handler in logging.root.handlers[:]:
                logging.root.removeHandler(handler)
        try:
            dictConfig(plain)
        except Exception as error:
            reason = "; ".join([" <- ".join(_chain(error)), *_malformed(plain)])
            raise ValueError(f"the logging configuration is refused: {mask_text(reason)}") from error


@contextmanager
def _loggers_kept_on_error() -> Generator[None]:
    before = {logger: (logger.level, logger.handlers[:], logger.filters[:]) for logger in _all_loggers()}
    flags = {logger: (logger.propagate, logger.disabled) for logger in before}
    try:
        yield
    except BaseException:
        for logger in _all_loggers():
            level, logger.handlers[:], logger.filters[:] = before.get(logger, (logging.NOTSET, [], []))
            logger.setLevel(level)
            logger.propagate, logger.disabled = flags.get(logger, (True, False))
        raise


def _chain(error: BaseException | None) -> Iterator[str]:
    """Yield what an error and its causes say: dictConfig itself only says "Unable to configure handler 'file'"."""
    while error is not None:
        yield str(error) or type(error).__name__
        error = error.__cause__


def _malformed(config: dict[str, Any]) -> Iterator[str]:
    """Name the sections that are no mapping of mappings: of those, dictConfig only says what Python could not do."""
    for section in ("formatters", "filters", "handlers", "loggers"):
        entries = config.get(section, {})
        if isinstance(entries, dict):
            for name, entry in cast("dict[object, object]", entries).items():
                if not isinstance(entry, dict | str):  # "cfg://..." stands for a mapping
                    yield f"{name!r} in {section!r} must be a mapping, not {type(entry).__name__}"
        else:
            yield f"{section!r} must be a mapping of names to mappings, not {type(entries).__name__}"
    if not isinstance(root := config.get("root", {}), dict | str):
        yield f"'root' must be a mapping, not {type(root).__name__}"


def _all_loggers() -> list[logging.Logger]:
    known = logging.root.manager.loggerDict.values()
    return [logging.root, *(logger for logger in known if isinstance(logger, logging.Logger))]


def _is_missing(path: str, error: ModuleNotFoundError) -> bool:
    """Say whether the module itself or a package of its path is missing, not a module that it imports."""
    return error.name is not None and f"{path}.".startswith(f"{error.name}.")


def _describe(source: object) -> str:
    name = getattr(source, "__name__", None)
    return f"{type(source).__name__} {name}" if name else f"this {type(source).__name__}"
