"""The database of both: one SQLite file, through the standard library. A connection belongs to one request."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Final

__all__ = ["connect", "create_tables"]

SCHEMA: Final = Path(__file__).with_name("schema.sql")


def connect(path: Path) -> sqlite3.Connection:
    """Open the database. It may be closed in another thread than this one, and is used by one at a time.

    Raises:
        sqlite3.OperationalError: there is none: the CLI's ``init-db`` makes it.
    """
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=30, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def create_tables(path: Path) -> None:
    """Make the database, and what it does not have yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(SCHEMA.read_text(encoding="utf-8"))
