"""The settings: the variables that the Flask application has, under the same names."""

import re
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

from aiotoolkit.logger import default_logging_dict
from aiotoolkit.settings import load_settings

__all__ = ["FORM_SIZE", "STAGES", "Settings", "Stage", "read_settings"]

Stage = Literal["fallback", "half", "all"]
STAGES: Final[tuple[Stage, ...]] = ("fallback", "half", "all")

# What a form holds besides its file: texts, and the borders of its parts.
FORM_SIZE: Final = 500_000


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Each field is the variable of the same name in upper case, after ``LOGBOOK_``."""

    stage: Stage = "all"  # how far the port has come
    secret_key: str = ""  # signs the session cookies, for both applications
    database: Path = Path("logbook.sqlite3")
    uploads: Path = Path("logbook-uploads")  # never below a folder of static files
    max_upload: int = 2_000_000  # bytes
    password_method: str = "scrypt:32768:8:1"  # noqa: S105 - the method's name; n, r and p of RFC 7914
    session_cookie_secure: bool = False  # True where browsers come by https
    permanent_session_lifetime: timedelta = timedelta(days=14)
    # What the tests take for the time.
    fixed_time: datetime | None = field(default=None, metadata={"converter": datetime.fromisoformat})
    faults: bool = False  # a page that fails, to see what happens then
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def logging(self) -> dict[str, Any]:
        """To stdout and stderr."""
        return default_logging_dict("aiohttp", "aiotoolkit", "examples", level=self.log_level)


def read_settings(**options: Any) -> Settings:
    """Read the environment; options override it.

    Raises:
        SettingsError: variables cannot be read; it names all of them.
        ValueError: there is no secret key, or the method of the password hashes is none that is known here.
    """
    settings = replace(load_settings(Settings, prefix="LOGBOOK_"), **options)
    if not settings.secret_key:
        raise ValueError(f"Set LOGBOOK_SECRET_KEY, to {secrets.token_hex(32)} for example")
    if settings.password_method == "scrypt":  # noqa: S105 - what Flask's side calls the same
        return replace(settings, password_method=Settings.password_method)
    if not re.fullmatch("scrypt:[1-9][0-9]*:[1-9][0-9]*:[1-9][0-9]*", settings.password_method):
        raise ValueError("LOGBOOK_PASSWORD_METHOD must be scrypt, or scrypt:n:r:p")
    return settings
