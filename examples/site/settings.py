"""The settings: immutable, read from the environment. ``LOG_LEVEL=DEBUG python -m examples.site``."""

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal

from aiotoolkit.logger import default_logging_dict
from aiotoolkit.settings import load_settings

__all__ = ["Settings", "read_settings"]

LOGGERS: Final = ("aiohttp", "aiohttp_session", "aiotoolkit", "examples")
MIN_SECRET: Final = 32


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Each field is the environment variable of the same name in upper case."""

    environment: Literal["development", "production"] = "development"
    secret_key: str = ""  # encrypts the session cookies
    database: Path = Path("site.sqlite3")
    uploads: Path = Path("site-uploads")  # never below a folder of static files
    max_upload_mb: int = 2
    session_age: timedelta = timedelta(days=14)
    debug: bool = False  # show tracebacks to the client, and read templates again when they change
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    sentry_dsn: str | None = None
    time_zone: str = "UTC"

    @property
    def max_upload(self) -> int:
        """The size of the largest image, in bytes."""
        return self.max_upload_mb * 1024 * 1024

    @property
    def https(self) -> bool:
        """Whether browsers reach the site by https: in production behind a proxy that ends TLS."""
        return self.environment == "production"

    @property
    def logging(self) -> dict[str, Any]:
        """To stdout and stderr, with the id of the request in each line."""
        return default_logging_dict(*LOGGERS, level=self.log_level, request_id=True)


def read_settings(**options: Any) -> Settings:
    """Read the environment; options override it.

    In development a missing secret is made up, so sessions end when the process does.

    Raises:
        SettingsError: variables cannot be read; it names all of them.
        TypeError: there is no setting of an option's name.
        ValueError: SECRET_KEY is too short, or missing in production.
    """
    settings = replace(load_settings(Settings), **options)
    if not settings.secret_key and settings.environment == "development":
        return replace(settings, secret_key=secrets.token_hex(MIN_SECRET))
    if len(settings.secret_key) < MIN_SECRET:
        state = "is too short" if settings.secret_key else "is required in production"
        raise ValueError(
            f"SECRET_KEY {state}: at least {MIN_SECRET} characters, such as those of: openssl rand -hex 32"
        )
    return settings
