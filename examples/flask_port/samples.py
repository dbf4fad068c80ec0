"""A few accounts and posts to try it with: for a development machine, since the password is written here."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from examples.flask_port.posts import add_comment, create_post
from examples.flask_port.users import create_user

__all__ = ["SAMPLE_PASSWORD", "add_samples"]

SAMPLE_PASSWORD: Final = "a logbook for everyone"  # noqa: S105 - it is printed by the command that uses it

POSTS: Final = (
    ("ada", "Setting out", "sea", 2024),
    ("ada", "First night", "sea", 2024),
    ("bob", "A list of stores", "stores", 2024),
    ("ada", "Wind from the north", "weather", 2025),
    ("bob", "Rain & <fog>", "weather", 2025),
    ("ada", "Two whales", "sea", 2025),
    ("bob", "The mast", "repairs", 2025),
    ("ada", "Café in the port", "land", 2025),
    ("bob", "A storm", "weather", 2026),
    ("ada", "Calm", "weather", 2026),
    ("bob", "Out of tea", "stores", 2026),
    ("ada", "Home", "land", 2026),
)


def add_samples(connection: sqlite3.Connection, hash_password: Callable[[str], str]) -> None:
    """Two accounts, an administrator's, and what they wrote."""
    ids = {name: create_user(connection, name, hash_password(SAMPLE_PASSWORD)) for name in ("ada", "bob")}
    ids["admin"] = create_user(connection, "admin", hash_password(SAMPLE_PASSWORD), is_admin=True)
    for number, (author, title, tag, year) in enumerate(POSTS, start=1):
        created = datetime(year, number, 1, 12, tzinfo=UTC)
        body = f"{title}: what happened.\n\nAnd what happened then, on day {number}."
        post_id = create_post(connection, ids[author], title=title, body=body, tag=tag, created=created)
        if number % 3 == 0:
            add_comment(connection, post_id, ids["bob"], f"A comment on <b>{title}</b>.", created)
