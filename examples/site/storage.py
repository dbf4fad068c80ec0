"""The database: one SQLite file. Each component brings its own tables.

The connection commits each statement by itself, so each function of the components is one statement: requests share
the connection, and a transaction of one would hold the statements of another.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import aiosqlite
from aiohttp import web

from aiotoolkit.app import get_settings
from examples.site.settings import Settings

__all__ = ["DATABASE_KEY", "StorageError", "database_context"]

DATABASE_KEY: Final = web.AppKey("DATABASE_KEY", aiosqlite.Connection)


class StorageError(Exception):
    """The database, or another place where the site keeps things, cannot be opened."""


async def database_context(app: web.Application) -> AsyncIterator[None]:
    """Open the database when the application starts, and close it when the application stops."""
    path = get_settings(app, Settings).database
    # aiosqlite leaves a thread behind where it cannot open a file, which fails when the event loop has gone.
    await asyncio.to_thread(_prepare, path)
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        connection.row_factory = sqlite3.Row
        await connection.execute("PRAGMA foreign_keys = ON")
        app[DATABASE_KEY] = connection
        yield


def _prepare(path: Path) -> None:
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.Error as error:
        raise StorageError(f"cannot open the database {path}: {error} (DATABASE names another file)") from error
