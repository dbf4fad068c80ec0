"""The settings: immutable, read from the environment. ``LOG_LEVEL=DEBUG python -m examples.projects``."""

from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from aiotoolkit.logger import default_logging_dict
from aiotoolkit.settings import load_settings

__all__ = ["Settings", "read_settings"]

LOGGERS: Final = ("aiohttp", "aiotoolkit", "examples")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Each field is the environment variable of the same name in upper case."""

    database_url: str = "sqlite+aiosqlite:///projects.sqlite3"
    debug: bool = False  # show tracebacks to the client
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    sentry_dsn: str | None = None
    time_zone: str = "UTC"

    @property
    def logging(self) -> dict[str, Any]:
        """To stdout and stderr, with the id of the request in each line."""
        return default_logging_dict(*LOGGERS, level=self.log_level, request_id=True)


def read_settings(**options: Any) -> Settings:
    """Read the environment; options override it.

    Raises:
        SettingsError: variables cannot be read; it names all of them.
        TypeError: there is no setting of an option's name.
    """
    return replace(load_settings(Settings), **options)
