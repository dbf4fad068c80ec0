"""The database, the images and the time, for views: everything that blocks is done in threads."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from aiohttp import web

from aiotoolkit.app import get_settings
from examples.flask_port.after.settings import Settings
from examples.flask_port.database import connect

__all__ = ["now", "query", "query_at", "uploads"]

P = ParamSpec("P")
T = TypeVar("T")


async def query(
    request: web.Request,
    function: Callable[Concatenate[sqlite3.Connection, P], T],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Call a function that both applications share, with a connection of its own, in a thread."""

    def run() -> T:
        return query_at(get_settings(request, Settings).database, function, *args, **kwargs)

    return await asyncio.to_thread(run)


def query_at(
    database: Path, function: Callable[Concatenate[sqlite3.Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
) -> T:
    """The same, in this thread and at a path."""
    with contextlib.closing(connect(database)) as connection:
        return function(connection, *args, **kwargs)


def uploads(request: web.Request) -> Path:
    """The folder of the uploaded images."""
    return get_settings(request, Settings).uploads.absolute()


def now(request: web.Request) -> datetime:
    """The time; the tests have their own."""
    return get_settings(request, Settings).fixed_time or datetime.now(UTC)
