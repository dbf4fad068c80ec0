"""The database: SQLite or PostgreSQL, by SQLAlchemy Core.

Every function is one transaction. Uniqueness is the database's to decide: asking first would lose a race.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, TypedDict, cast

from aiohttp import web
from sqlalchemy import AsyncAdaptedQueuePool, Column, Integer, MetaData, RowMapping, String, Table, func, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from aiotoolkit.app import get_settings
from examples.projects.settings import Settings

__all__ = [
    "ENGINE_KEY",
    "NewProject",
    "Project",
    "ProjectNotFoundError",
    "SlugExistsError",
    "StorageError",
    "create_project",
    "delete_project",
    "engine_context",
    "list_projects",
    "read_project",
    "update_project",
]

ENGINE_KEY: Final = web.AppKey("ENGINE_KEY", AsyncEngine)

metadata = MetaData()

projects_table = Table(
    "projects",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(32), nullable=False),
    Column("slug", String(32), nullable=False, unique=True),
    Column("description", String(255), nullable=False),
    sqlite_autoincrement=True,  # as in PostgreSQL, the id of a deleted project is never given to another one
)


class NewProject(TypedDict):
    """A project, as a client describes it."""

    name: str
    slug: str
    description: str


class Project(NewProject):
    """A project, as it is stored."""

    id: int


class StorageError(Exception):
    """The database cannot be opened."""


class ProjectNotFoundError(Exception):
    """There is no such project."""


class SlugExistsError(Exception):
    """Another project has this slug."""


async def engine_context(app: web.Application) -> AsyncIterator[None]:
    """Open the database when the application starts, and close it when the application stops."""
    engine = _create_engine(get_settings(app, Settings).database_url)
    try:
        await _create_tables(engine)
        app[ENGINE_KEY] = engine
        yield
    finally:
        await engine.dispose()


async def list_projects(engine: AsyncEngine, *, limit: int, offset: int) -> tuple[list[Project], int]:
    """One page of the projects, oldest first, and how many there are on all pages."""
    page = select(projects_table).order_by(projects_table.c.id).limit(limit).offset(offset)
    async with engine.connect() as connection:
        result = await connection.execute(page)
        total = await connection.execute(select(func.count()).select_from(projects_table))
        return [_to_project(row) for row in result.mappings()], total.scalar_one()


async def create_project(engine: AsyncEngine, new: NewProject) -> Project:
    """Store a new project."""
    insert = projects_table.insert().values(**new).returning(projects_table)
    try:
        async with engine.begin() as connection:
            result = await connection.execute(insert)
            return _to_project(result.mappings().one())
    except IntegrityError as error:
        raise SlugExistsError(new["slug"]) from error


async def read_project(engine: AsyncEngine, project_id: int) -> Project:
    """Find a project."""
    async with engine.connect() as connection:
        result = await connection.execute(select(projects_table).where(projects_table.c.id == project_id))
        return _to_project(result.mappings().one_or_none())


async def update_project(engine: AsyncEngine, project_id: int, new: NewProject) -> Project:
    """Replace a project."""
    matching = projects_table.c.id == project_id
    update = projects_table.update().where(matching).values(**new).returning(projects_table)
    try:
        async with engine.begin() as connection:
            result = await connection.execute(update)
            return _to_project(result.mappings().one_or_none())
    except IntegrityError as error:
        raise SlugExistsError(new["slug"]) from error


async def delete_project(engine: AsyncEngine, project_id: int) -> None:
    """Remove a project."""
    delete = projects_table.delete().where(projects_table.c.id == project_id).returning(projects_table)
    async with engine.begin() as connection:
        result = await connection.execute(delete)
        _to_project(result.mappings().one_or_none())


def _to_project(row: RowMapping | None) -> Project:
    if row is None:
        raise ProjectNotFoundError
    return cast("Project", dict(row))


DRIVERS: Final = ("sqlite+aiosqlite", "postgresql+asyncpg")


def _create_engine(database_url: str) -> AsyncEngine:
    url = _parse_url(database_url)
    # Seconds: PostgreSQL may take so long to answer, another process so long to release SQLite's file.
    options: dict[str, Any] = {"connect_args": {"timeout": 10}}
    if url.drivername == "sqlite+aiosqlite":
        # SQLite has one writer at a time: requests wait for one connection here, and never fail on a locked file.
        return create_async_engine(url, poolclass=AsyncAdaptedQueuePool, pool_size=1, max_overflow=0, **options)
    return create_async_engine(url, pool_pre_ping=True, **options)


def _parse_url(database_url: str) -> URL:
    known = " or ".join(f"{driver}://" for driver in DRIVERS)
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError):  # whose text may show a password
        raise StorageError(f"DATABASE_URL cannot be read: it must be a URL that begins with {known}") from None
    if url.drivername not in DRIVERS:
        raise StorageError(f"DATABASE_URL must begin with {known}, not with {url.drivername}://")
    return url


async def _create_tables(engine: AsyncEngine) -> None:
    """Connect, and create the tables that are missing. An application that grows has migrations instead."""
    try:
        if engine.dialect.name == "sqlite":
            await asyncio.to_thread(_open_file, engine)
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
    except Exception as error:  # each driver raises errors of its own here
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise StorageError(f"DATABASE_URL: {engine.url.drivername} cannot open the database: {reason}") from error


def _open_file(engine: AsyncEngine) -> None:
    """Find out whether SQLite's file can be opened: a thread of aiosqlite's outlives its failure, and complains."""
    arguments, options = engine.dialect.create_connect_args(engine.url)
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect
    connect(*arguments, **options).close()
