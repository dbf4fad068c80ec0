"""The posts and their comments."""

import sqlite3
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

__all__ = [
    "PAGE_SIZE",
    "Comment",
    "Image",
    "Post",
    "add_comment",
    "count_posts",
    "create_post",
    "delete_comment",
    "delete_post",
    "export_rows",
    "find_comment",
    "find_post",
    "find_post_by_key",
    "list_comments",
    "list_images",
    "list_posts",
    "read_statistics",
    "update_post",
]

PAGE_SIZE: Final = 5
LARGEST_ID: Final = 2**63 - 1  # what SQLite holds
NAMESPACE: Final = uuid.UUID("6d1ee3bd-a4a2-4a53-8b3c-7b8f6a0f8a52")  # of the lasting addresses
SELECT: Final = """
    SELECT posts.*, users.name AS author, (SELECT count(*) FROM comments WHERE post_id = posts.id) AS comments
    FROM posts JOIN users ON users.id = posts.author_id
"""


@dataclass(frozen=True)
class Image:
    name: str  # of the file, in the folder of the uploads
    type: str
    size: int


@dataclass(frozen=True)
class Post:
    id: int
    author_id: int
    author: str
    title: str
    body: str
    tag: str
    created: datetime
    comments: int
    image: Image | None

    @property
    def key(self) -> uuid.UUID:
        """What the lasting address has in place of the number."""
        return _key(self.id)


@dataclass(frozen=True)
class Comment:
    id: int
    post_id: int
    author_id: int
    author: str
    text: str
    created: datetime


def list_posts(
    connection: sqlite3.Connection,
    *,
    limit: int,
    offset: int = 0,
    tag: str | None = None,
    year: int | None = None,
    author: str | None = None,
) -> list[Post]:
    where, values = _conditions(tag, year, author)
    rows = connection.execute(f"{SELECT} {where} ORDER BY posts.id DESC LIMIT ? OFFSET ?", (*values, limit, offset))
    return [_post(row) for row in rows]


def count_posts(
    connection: sqlite3.Connection, *, tag: str | None = None, year: int | None = None, author: str | None = None
) -> int:
    where, values = _conditions(tag, year, author)
    query = f"SELECT count(*) FROM posts JOIN users ON users.id = posts.author_id {where}"  # noqa: S608 - no value in it
    return int(connection.execute(query, values).fetchone()[0])


def _conditions(tag: str | None, year: int | None, author: str | None) -> tuple[str, list[Any]]:
    wanted = {"posts.tag = ?": tag, "users.name = ?": author}
    if year is not None:
        wanted["substr(posts.created, 1, 4) = ?"] = f"{year:04}"
    conditions = {condition: value for condition, value in wanted.items() if value is not None}
    return (f"WHERE {' AND '.join(conditions)}" if conditions else "", list(conditions.values()))


def find_post(connection: sqlite3.Connection, post_id: int) -> Post | None:
    if not 0 < post_id <= LARGEST_ID:
        return None
    row = connection.execute(f"{SELECT} WHERE posts.id = ?", (post_id,)).fetchone()
    return None if row is None else _post(row)


def find_post_by_key(connection: sqlite3.Connection, key: uuid.UUID) -> Post | None:
    row = connection.execute(f"{SELECT} WHERE posts.key = ?", (str(key),)).fetchone()
    return None if row is None else _post(row)


def create_post(
    connection: sqlite3.Connection,
    author_id: int,
    *,
    title: str,
    body: str,
    tag: str,
    created: datetime,
    image: Image | None = None,
) -> int:
    values = (author_id, title, body, tag, created.isoformat(), *_columns(image))
    with connection:
        row = connection.execute(
            "INSERT INTO posts (author_id, title, body, tag, created, image_name, image_type, image_size)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            values,
        ).fetchone()
        connection.execute("UPDATE posts SET key = ? WHERE id = ?", (str(_key(row["id"])), row["id"]))
    return int(row["id"])


def update_post(
    connection: sqlite3.Connection, post_id: int, *, title: str, body: str, tag: str, image: Image | None
) -> None:
    with connection:
        connection.execute(
            "UPDATE posts SET title = ?, body = ?, tag = ?, image_name = ?, image_type = ?, image_size = ?"
            " WHERE id = ?",
            (title, body, tag, *_columns(image), post_id),
        )


def delete_post(connection: sqlite3.Connection, post_id: int) -> None:
    with connection:
        connection.execute("DELETE FROM posts WHERE id = ?", (post_id,))


def list_images(connection: sqlite3.Connection, *, kind: str | None = None, larger_than: float = -1) -> list[Post]:
    """The posts that have an image: of one kind (``png``), or of more than so many megabytes."""
    rows = connection.execute(f"{SELECT} WHERE image_name IS NOT NULL ORDER BY posts.id DESC")
    found = [post for row in rows if (post := _post(row)).image is not None]
    return [
        post
        for post in found
        if post.image is not None
        and (kind is None or post.image.type == f"image/{kind}")
        and post.image.size / 1_000_000 > larger_than
    ]


def export_rows(connection: sqlite3.Connection) -> Iterator[tuple[str, ...]]:
    """Every post, as the rows of a table; the first one names the columns."""
    yield ("id", "title", "author", "tag", "created", "comments")
    for row in connection.execute(f"{SELECT} ORDER BY posts.id"):
        post = _post(row)
        yield (
            str(post.id),
            _no_formula(post.title),
            post.author,
            post.tag,
            post.created.isoformat(),
            str(post.comments),
        )


def _no_formula(text: str) -> str:
    """Text that a spreadsheet takes for text: what begins so would be calculated."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def read_statistics(connection: sqlite3.Connection) -> dict[str, Any]:
    posts = count_posts(connection)
    comments = int(connection.execute("SELECT count(*) FROM comments").fetchone()[0])
    newest = next(iter(list_posts(connection, limit=1)), None)
    return {
        "posts": posts,
        "comments": comments,
        "comments_per_post": Decimal(comments * 100 // max(posts, 1)) / 100,
        "newest": newest and newest.created,
        "newest_key": newest and newest.key,
    }


def list_comments(connection: sqlite3.Connection, post_id: int) -> list[Comment]:
    rows = connection.execute(
        "SELECT comments.*, users.name AS author FROM comments JOIN users ON users.id = comments.author_id"
        " WHERE post_id = ? ORDER BY comments.id",
        (post_id,),
    )
    return [_comment(row) for row in rows]


def find_comment(connection: sqlite3.Connection, post_id: int, comment_id: int) -> Comment | None:
    if not (0 < post_id <= LARGEST_ID and 0 < comment_id <= LARGEST_ID):
        return None
    row = connection.execute(
        "SELECT comments.*, users.name AS author FROM comments JOIN users ON users.id = comments.author_id"
        " WHERE post_id = ? AND comments.id = ?",
        (post_id, comment_id),
    ).fetchone()
    return None if row is None else _comment(row)


def add_comment(connection: sqlite3.Connection, post_id: int, author_id: int, text: str, created: datetime) -> int:
    with connection:
        row = connection.execute(
            "INSERT INTO comments (post_id, author_id, text, created) VALUES (?, ?, ?, ?) RETURNING id",
            (post_id, author_id, text, created.isoformat()),
        ).fetchone()
    return int(row["id"])


def delete_comment(connection: sqlite3.Connection, comment_id: int) -> None:
    with connection:
        connection.execute("DELETE FROM comments WHERE id = ?", (comment_id,))


def _key(post_id: int) -> uuid.UUID:
    return uuid.uuid5(NAMESPACE, str(post_id))


def _columns(image: Image | None) -> tuple[Any, ...]:
    return (None, None, None) if image is None else (image.name, image.type, image.size)


def _post(row: sqlite3.Row) -> Post:
    image = None if row["image_name"] is None else Image(row["image_name"], row["image_type"], row["image_size"])
    return Post(
        id=row["id"],
        author_id=row["author_id"],
        author=row["author"],
        title=row["title"],
        body=row["body"],
        tag=row["tag"],
        created=datetime.fromisoformat(row["created"]),
        comments=row["comments"],
        image=image,
    )


def _comment(row: sqlite3.Row) -> Comment:
    created = datetime.fromisoformat(row["created"])
    return Comment(row["id"], row["post_id"], row["author_id"], row["author"], row["text"], created)
