"""Databases for the examples: a SQLite file, and a database of this test run's own on a PostgreSQL server.

The server is at PGHOST and PGPORT (127.0.0.1:5432), for PGUSER (postgres). Where none answers its tests are skipped,
or fail if REQUIRE_POSTGRES=1.
"""

import asyncio
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from pytest_aiohttp.plugin import AiohttpClient, AiohttpServer

from tests.examples.site_client import Client as SiteClient

PGHOST = os.environ.get("PGHOST", "127.0.0.1")
PGPORT = int(os.environ.get("PGPORT", "5432"))
PGUSER = os.environ.get("PGUSER", "postgres")
REQUIRE_POSTGRES = os.environ.get("REQUIRE_POSTGRES") == "1"


async def execute(statement: str, database: str = "postgres") -> None:
    """Run one SQL statement on the PostgreSQL server."""
    import asyncpg

    connection = await asyncpg.connect(host=PGHOST, port=PGPORT, user=PGUSER, database=database, timeout=10)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def postgres_name() -> Iterator[str]:
    """Make a database for this test run, and drop it in the end."""
    pytest.importorskip("asyncpg", reason="optional package asyncpg is not installed")
    name = f"aiotoolkit_test_{uuid.uuid4().hex}"
    try:
        asyncio.run(execute(f"CREATE DATABASE {name}"))
    except (OSError, TimeoutError) as error:
        reason = f"no PostgreSQL server answers at {PGHOST}:{PGPORT}"
        if REQUIRE_POSTGRES:
            pytest.fail(f"{reason}, but REQUIRE_POSTGRES=1: {error}")
        pytest.skip(reason)
    yield name
    asyncio.run(execute(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def postgres_url(postgres_name: str) -> Iterator[str]:
    """The URL of the test run's database on PostgreSQL, empty again after each test."""
    yield f"postgresql+asyncpg://{PGUSER}@{PGHOST}:{PGPORT}/{postgres_name}"
    asyncio.run(execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public", postgres_name))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a new SQLite file."""
    return f"sqlite+aiosqlite:///{tmp_path}/projects.sqlite3"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Any:
    """The URL of an empty database, one after the other."""
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    """Where one test's site keeps its things."""
    return {"database": tmp_path / "site.sqlite3", "uploads": tmp_path / "uploads"}


@pytest.fixture
async def site_server(aiohttp_server: AiohttpServer, options: dict[str, Any]) -> TestServer:
    """The example site on a real socket, with cheap password hashes."""
    from examples.site.app import create_app
    from examples.site.components.account.passwords import PASSWORDS_KEY, Cost, Passwords

    app = create_app(**options)
    app[PASSWORDS_KEY] = Passwords(Cost(n=2, r=1, p=1))
    return await aiohttp_server(app)


@pytest.fixture
async def site(aiohttp_client: AiohttpClient, site_server: TestServer) -> SiteClient:
    """One browser."""
    client: SiteClient = await aiohttp_client(site_server)
    return client


@pytest.fixture
async def other(aiohttp_client: AiohttpClient, site_server: TestServer) -> SiteClient:
    """Another browser, at the same site."""
    client: SiteClient = await aiohttp_client(site_server)
    return client
