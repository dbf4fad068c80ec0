"""The database connection and the time of a request."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from flask import current_app, g

from examples.flask_port.database import connect

__all__ = ["close_database", "database", "now", "uploads"]


def database() -> sqlite3.Connection:
    """The connection of this request, opened when it is first asked for."""
    if "database" not in g:
        g.database = connect(Path(current_app.config["DATABASE"]))
    connection: sqlite3.Connection = g.database
    return connection


def close_database(_error: BaseException | None) -> None:
    connection = g.pop("database", None)
    if connection is not None:
        connection.close()


def uploads() -> Path:
    """The folder of the uploaded images."""
    return Path(current_app.config["UPLOADS"]).absolute()


def now() -> datetime:
    """The time; the tests have their own."""
    fixed = current_app.config["FIXED_TIME"]
    return datetime.fromisoformat(fixed) if fixed else datetime.now(UTC)
