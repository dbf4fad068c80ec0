"""Users and their logins.

A login has a row of its own, which its session names: logging out deletes it, and every copy of the cookie is void.
"""

import secrets
import sqlite3
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import aiosqlite
from aiohttp import web

from examples.site.storage import DATABASE_KEY

__all__ = [
    "NameTakenError",
    "User",
    "create_login",
    "create_user",
    "delete_login",
    "find_hash",
    "find_user",
    "tables_context",
]

TABLES: Final = """
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS logins (
    id TEXT PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS logins_by_time ON logins (expires_at);
"""


@dataclass(frozen=True)
class User:
    """Somebody with an account; ``created_at`` is in seconds since 1970."""

    id: int
    name: str
    created_at: int

    @property
    def date(self) -> datetime:
        """When the account was made, in UTC."""
        return datetime.fromtimestamp(self.created_at, UTC)


class NameTakenError(Exception):
    """Another user has this name."""


async def tables_context(app: web.Application) -> AsyncIterator[None]:
    """Make the tables, and forget the logins that have expired."""
    database = app[DATABASE_KEY]
    await database.executescript(TABLES)
    await database.execute("DELETE FROM logins WHERE expires_at < ?", (int(time.time()),))
    yield


async def create_user(database: aiosqlite.Connection, name: str, password_hash: str) -> int:
    """Store a new user, and return the id."""
    insert = "INSERT INTO users (name, password_hash, created_at) VALUES (?, ?, ?)"
    try:
        async with database.execute(insert, (name, password_hash, int(time.time()))) as cursor:
            return cursor.lastrowid or 0
    except sqlite3.IntegrityError as error:
        raise NameTakenError(name) from error


async def find_hash(database: aiosqlite.Connection, name: str) -> tuple[int, str] | None:
    """The id and the password hash of the user of a name."""
    rows = await database.execute_fetchall("SELECT id, password_hash FROM users WHERE name = ?", (name,))
    return next(((row["id"], row["password_hash"]) for row in rows), None)


async def create_login(database: aiosqlite.Connection, user_id: int, seconds: float) -> str:
    """Remember that a user logged in, and return the login's id, which is a secret."""
    login = secrets.token_urlsafe(32)
    insert = "INSERT INTO logins (id, user_id, expires_at) VALUES (?, ?, ?)"
    await database.execute(insert, (login, user_id, int(time.time() + seconds)))
    return login


async def find_user(database: aiosqlite.Connection, login: str) -> User | None:
    """The user of a login that has not ended."""
    select = """
        SELECT users.id, name, created_at FROM logins JOIN users ON users.id = user_id
        WHERE logins.id = ? AND expires_at >= ?
    """
    rows = await database.execute_fetchall(select, (login, int(time.time())))
    return next((User(**row) for row in rows), None)


async def delete_login(database: aiosqlite.Connection, login: str) -> None:
    """End a login."""
    await database.execute("DELETE FROM logins WHERE id = ?", (login,))
