"""The accounts."""

import sqlite3
from dataclasses import dataclass

__all__ = ["NameTakenError", "User", "create_user", "find_user", "find_user_by_name"]


class NameTakenError(Exception):
    """Somebody else has that name."""


@dataclass(frozen=True)
class User:
    id: int
    name: str
    password_hash: str
    is_admin: bool


def create_user(connection: sqlite3.Connection, name: str, password_hash: str, *, is_admin: bool = False) -> int:
    try:
        with connection:
            row = connection.execute(
                "INSERT INTO users (name, password_hash, is_admin) VALUES (?, ?, ?) RETURNING id",
                (name, password_hash, is_admin),
            ).fetchone()
    except sqlite3.IntegrityError as error:
        raise NameTakenError(name) from error
    return int(row["id"])


def find_user(connection: sqlite3.Connection, user_id: int) -> User | None:
    return _user(connection.execute("SELECT * FROM users WHERE id = ?", (user_id,)).fetchone())


def find_user_by_name(connection: sqlite3.Connection, name: str) -> User | None:
    return _user(connection.execute("SELECT * FROM users WHERE name = ?", (name,)).fetchone())


def _user(row: sqlite3.Row | None) -> User | None:
    if row is None:
        return None
    return User(row["id"], row["name"], row["password_hash"], bool(row["is_admin"]))
