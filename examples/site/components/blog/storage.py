"""The posts."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypedDict

import aiosqlite
from aiohttp import web

from examples.site.storage import DATABASE_KEY

__all__ = [
    "NewPost",
    "Post",
    "PostNotFoundError",
    "create_post",
    "delete_post",
    "list_posts",
    "read_post",
    "tables_context",
    "update_post",
]

TABLES: Final = """
CREATE TABLE IF NOT EXISTS posts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    author_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    image_name TEXT,
    image_type TEXT,
    image_alt TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
"""
COLUMNS: Final = """
    posts.id, author_id, name AS author, title, text, image_name, image_type, image_alt, posts.created_at
    FROM posts JOIN users ON users.id = author_id
"""


class NewPost(TypedDict):
    """A post, as its author writes it; an image is described for those who do not see it."""

    title: str
    text: str
    image_name: str | None
    image_type: str | None
    image_alt: str


@dataclass(frozen=True)
class Post:
    """A post, as it is stored; ``created_at`` is in seconds since 1970."""

    id: int
    author_id: int
    author: str
    title: str
    text: str
    image_name: str | None
    image_type: str | None
    image_alt: str
    created_at: int

    @property
    def date(self) -> datetime:
        """When it was written, in UTC."""
        return datetime.fromtimestamp(self.created_at, UTC)


class PostNotFoundError(Exception):
    """There is no such post."""


async def tables_context(app: web.Application) -> AsyncIterator[None]:
    """Make the table."""
    await app[DATABASE_KEY].executescript(TABLES)
    yield


async def list_posts(database: aiosqlite.Connection, *, limit: int, offset: int) -> list[Post]:
    """Some posts, the newest first."""
    select = f"SELECT {COLUMNS} ORDER BY posts.id DESC LIMIT ? OFFSET ?"
    return [Post(**row) for row in await database.execute_fetchall(select, (limit, offset))]


async def read_post(database: aiosqlite.Connection, post_id: int) -> Post:
    """Find a post."""
    select = f"SELECT {COLUMNS} WHERE posts.id = ?"
    for row in await database.execute_fetchall(select, (post_id,)):
        return Post(**row)
    raise PostNotFoundError(post_id)


async def create_post(database: aiosqlite.Connection, author_id: int, new: NewPost) -> int:
    """Store a new post, and return its id."""
    insert = """
        INSERT INTO posts (author_id, title, text, image_name, image_type, image_alt, created_at)
        VALUES (:author_id, :title, :text, :image_name, :image_type, :image_alt, :created_at)
    """
    values = {**new, "author_id": author_id, "created_at": int(time.time())}
    async with database.execute(insert, values) as cursor:
        return cursor.lastrowid or 0


async def update_post(database: aiosqlite.Connection, post_id: int, author_id: int, title: str, text: str) -> None:
    """Replace the texts of a post."""
    update = "UPDATE posts SET title = ?, text = ? WHERE id = ? AND author_id = ?"
    await database.execute(update, (title, text, post_id, author_id))


async def delete_post(database: aiosqlite.Connection, post_id: int, author_id: int) -> None:
    """Remove a post."""
    await database.execute("DELETE FROM posts WHERE id = ? AND author_id = ?", (post_id, author_id))
