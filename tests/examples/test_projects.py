"""Every operation of the projects API, and every error of it, on SQLite and on PostgreSQL."""

import asyncio
import copy
import importlib
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

pytestmark = [
    pytest.mark.extra("jsl"),
    pytest.mark.extra("sqlalchemy"),
    pytest.mark.extra("aiosqlite"),
    # jsl imports it; it will be gone in Python 3.15.
    pytest.mark.filterwarnings("ignore:module 'sre_constants' is deprecated:DeprecationWarning"),
]

Client = TestClient[web.Request, web.Application]
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
MAX_INTEGER = 2**31 - 1


@pytest.fixture(params=["app", pytest.param("schema_first", marks=pytest.mark.extra("yaml"))])
async def client(request: pytest.FixtureRequest, aiohttp_client: AiohttpClient, database_url: str) -> Client:
    """A client of the application on a real socket, with an empty database: code-first, and from its description."""
    module = importlib.import_module(f"examples.projects.{request.param}")
    app: web.Application = module.create_app(database_url=database_url)
    return await aiohttp_client(app)


async def create(client: Client, slug: str = "toolkit", **members: Any) -> dict[str, Any]:
    """Create a project and return the answer."""
    async with client.post("/api/projects", json={"name": "Toolkit", "slug": slug} | members) as response:
        assert response.status == 201, await response.text()
        project: dict[str, Any] = await response.json()
        return project


async def problem(response: aiohttp.ClientResponse, status: int) -> dict[str, Any]:
    """The problem details of an answer, which has the one shape of all errors."""
    from aiotoolkit.problems import PROBLEM_SCHEMA
    from aiotoolkit.schemas import JSONSchemaEngine

    assert response.status == status, await response.text()
    assert response.content_type == "application/problem+json"
    document: dict[str, Any] = await response.json()
    assert list(JSONSchemaEngine().compile(PROBLEM_SCHEMA)(document)) == []
    assert document["status"] == status
    return document


class TestIndex:
    async def test_urls(self, client: Client) -> None:
        """The index names the URLs of the API."""
        async with client.get("/api/") as response:
            assert response.status == 200
            assert await response.json() == {
                "index": "/api/",
                "projects": "/api/projects",
                "project": "/api/project/{project_id}",
            }

    async def test_mounted(self, aiohttp_client: AiohttpClient, sqlite_url: str) -> None:
        """Below another application, the URLs have its prefix."""
        from examples.projects.app import create_app

        app = web.Application()
        app.add_subapp("/v1", create_app(database_url=sqlite_url))
        client = await aiohttp_client(app)
        async with client.get("/v1/api/") as response:
            assert (await response.json())["projects"] == "/v1/api/projects"
        async with client.post("/v1/api/projects", json={"name": "A", "slug": "a"}) as response:
            assert response.headers["Location"] == "/v1/api/project/1"


class TestCreate:
    async def test_created(self, client: Client) -> None:
        """A new project is answered with 201, its id, and a Location that leads to it."""
        new = {"name": "Ünïcode 🚀", "slug": "a-1", "description": "Two\nlines"}
        async with client.post("/api/projects", json=new) as response:
            assert response.status == 201
            project = await response.json()
            assert project == {"id": project["id"], **new}
            assert response.headers["Location"] == f"/api/project/{project['id']}"
        async with client.get(response.headers["Location"]) as response:
            assert await response.json() == project

    async def test_default(self, client: Client) -> None:
        """A project without a description has an empty one."""
        assert (await create(client))["description"] == ""

    @pytest.mark.parametrize(
        "members",
        [
            {"name": "n", "slug": "s"},
            {"name": "n" * 32, "slug": "s" * 32, "description": "d" * 255},
            {"name": "🚀" * 32, "slug": "9-", "description": "🚀" * 255},
        ],
    )
    async def test_limits(self, client: Client, members: dict[str, str]) -> None:
        """Texts may be as long as they may be, counted in characters."""
        project = await create(client, **members)
        assert {name: project[name] for name in members} == members

    @pytest.mark.parametrize(
        ("members", "pointer"),
        [
            ({"name": ""}, "#/name"),
            ({"name": "n" * 33}, "#/name"),
            ({"name": 1}, "#/name"),
            ({"name": None}, "#/name"),
            ({"name": "two\nlines"}, "#/name"),
            ({"name": "\u0000"}, "#/name"),
            ({"slug": ""}, "#/slug"),
            ({"slug": "s" * 33}, "#/slug"),
            ({"slug": "Upper"}, "#/slug"),
            ({"slug": "-a"}, "#/slug"),
            ({"slug": "a/b"}, "#/slug"),
            ({"slug": "a\n"}, "#/slug"),
            ({"slug": "é"}, "#/slug"),
            ({"slug": "٣"}, "#/slug"),
            ({"description": "d" * 256}, "#/description"),
            ({"description": "\u0000"}, "#/description"),
            ({"description": None}, "#/description"),
            ({"id": 7}, "#/id"),
        ],
    )
    @pytest.mark.parametrize("method", ["POST", "PUT"])
    async def test_invalid(self, client: Client, method: str, members: dict[str, Any], pointer: str) -> None:
        """A member that breaks the schema is named, and nothing is stored: in jsl's schema and in the plain one."""
        body = {"name": "Toolkit", "slug": "toolkit"} | members
        project = await create(client, "before") if method == "PUT" else None
        url = f"/api/project/{project['id']}" if project else "/api/projects"
        async with client.request(method, url, json=body) as response:
            assert {error["pointer"] for error in (await problem(response, 422))["errors"]} == {pointer}
        async with client.get("/api/projects") as response:
            assert (await response.json())["projects"] == ([project] if project else [])

    async def test_required(self, client: Client) -> None:
        """All missing members are named at once."""
        async with client.post("/api/projects", json={}) as response:
            document = await problem(response, 422)
        assert {error["pointer"] for error in document["errors"]} == {"#/name", "#/slug"}

    async def test_slug_exists(self, client: Client) -> None:
        """A slug that exists is a conflict, which names the member."""
        await create(client)
        async with client.post("/api/projects", json={"name": "Other", "slug": "toolkit"}) as response:
            assert (await problem(response, 409))["errors"][0]["pointer"] == "#/slug"

    async def test_race(self, client: Client) -> None:
        """Of twenty requests at once for one slug, one creates it and all others are told that it exists."""

        async def post() -> int:
            async with client.post("/api/projects", json={"name": "Toolkit", "slug": "toolkit"}) as response:
                return response.status

        assert sorted(await asyncio.gather(*(post() for _ in range(20)))) == [201] + [409] * 19
        async with client.get("/api/projects") as response:
            assert (await response.json())["total"] == 1

    async def test_schemas_are_the_same(self) -> None:
        """The jsl document and the plain dict of a new project say the same."""
        from examples.projects import schemas

        document = copy.deepcopy(schemas.NewProjectDocument.get_schema())
        assert document.pop("$schema") == "http://json-schema.org/draft-04/schema#"
        assert sorted(document.pop("required")) == schemas.NEW_PROJECT["required"]
        assert document == {key: value for key, value in schemas.NEW_PROJECT.items() if key != "required"}


class TestRead:
    async def test_found(self, client: Client) -> None:
        """A project is answered as it was stored; HEAD has no body."""
        project = await create(client)
        async with client.get(f"/api/project/{project['id']}") as response:
            assert response.status == 200
            assert await response.json() == project
        async with client.head(f"/api/project/{project['id']}") as response:
            assert response.status == 200
            assert await response.read() == b""

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    @pytest.mark.parametrize(
        "project_id",
        ["0", "77", "007", str(MAX_INTEGER), str(MAX_INTEGER + 1), str(2**63 - 1), str(2**63), "9" * 5000, "٣"],
    )
    async def test_not_found(self, client: Client, method: str, project_id: str) -> None:
        """An unknown id is not found, also where the database could hold no such number."""
        body = {"name": "Toolkit", "slug": "toolkit"} if method == "PUT" else None
        async with client.request(method, f"/api/project/{project_id}", json=body) as response:
            assert (await problem(response, 404))["detail"] == "There is no such project."

    async def test_not_a_number(self, client: Client) -> None:
        """What is no number is no URL of the API: no route has it, or else it is the id of no project."""
        async with client.get("/api/project/seven") as response:
            assert (await problem(response, 404)).get("detail") in (None, "There is no such project.")


class TestUpdate:
    async def test_updated(self, client: Client) -> None:
        """Every member is replaced; one that is left out has its default again."""
        project = await create(client, description="Before")
        url = f"/api/project/{project['id']}"
        async with client.put(url, json={"name": "After", "slug": "after"}) as response:
            assert response.status == 200
            updated = await response.json()
        assert updated == {"id": project["id"], "name": "After", "slug": "after", "description": ""}
        async with client.get(url) as response:
            assert await response.json() == updated

    async def test_own_slug(self, client: Client) -> None:
        """A project may keep its slug."""
        project = await create(client)
        async with client.put(f"/api/project/{project['id']}", json={"name": "After", "slug": "toolkit"}) as response:
            assert response.status == 200

    async def test_slug_exists(self, client: Client) -> None:
        """Another project's slug is a conflict, and the project stays as it was."""
        await create(client, "taken")
        project = await create(client, "mine")
        url = f"/api/project/{project['id']}"
        async with client.put(url, json={"name": "After", "slug": "taken"}) as response:
            await problem(response, 409)
        async with client.get(url) as response:
            assert await response.json() == project

    async def test_race(self, client: Client) -> None:
        """Of many projects that ask for one slug at once, one gets it."""
        projects = [await create(client, f"slug-{number}") for number in range(10)]

        async def put(project: dict[str, Any]) -> int:
            body = {"name": "Toolkit", "slug": "wanted"}
            async with client.put(f"/api/project/{project['id']}", json=body) as response:
                return response.status

        assert sorted(await asyncio.gather(*map(put, projects))) == [200] + [409] * 9


class TestDelete:
    async def test_deleted(self, client: Client) -> None:
        """A deleted project is gone: 204 without a body, then 404."""
        url = f"/api/project/{(await create(client))['id']}"
        async with client.delete(url) as response:
            assert response.status == 204
            assert await response.read() == b""
            assert "Content-Type" not in response.headers
        async with client.get(url) as response:
            await problem(response, 404)
        async with client.delete(url) as response:
            await problem(response, 404)

    async def test_id_is_not_used_again(self, client: Client) -> None:
        """An old link never leads to another project; the slug is free again."""
        project = await create(client)
        await (await client.delete(f"/api/project/{project['id']}")).release()
        assert (await create(client))["id"] > project["id"]


class TestList:
    async def test_empty(self, client: Client) -> None:
        """Without projects the list is empty."""
        async with client.get("/api/projects") as response:
            assert response.status == 200
            assert await response.json() == {"projects": [], "total": 0}

    @pytest.mark.parametrize(
        ("query", "numbers"),
        [
            ("", range(20)),
            ("?limit=1", range(1)),
            ("?limit=100", range(25)),
            ("?offset=20", range(20, 25)),
            ("?limit=2&offset=3", range(3, 5)),
            ("?offset=25", range(0)),
            (f"?offset={MAX_INTEGER}&limit=100", range(0)),
        ],
    )
    async def test_pages(self, client: Client, query: str, numbers: range) -> None:
        """A page holds ``limit`` projects (20) from ``offset`` (0) on, in the order of their making; total is all."""
        await asyncio.gather(*(create(client, f"slug-{number}") for number in range(25)))
        async with client.get("/api/projects", params={"limit": 100}) as response:
            projects = (await response.json())["projects"]
        assert [project["id"] for project in projects] == sorted({project["id"] for project in projects})
        async with client.get(f"/api/projects{query}") as response:
            assert response.status == 200
            assert await response.json() == {"projects": [projects[number] for number in numbers], "total": 25}

    @pytest.mark.parametrize(
        ("query", "name"),
        [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=-1", "limit"),
            ("limit=", "limit"),
            ("limit=ten", "limit"),
            ("limit=1.0", "limit"),
            ("limit=1_0", "limit"),
            ("limit=%D9%A3", "limit"),
            ("limit=+1", "limit"),
            ("limit=1&limit=1", "limit"),
            ("limit=%00", "limit"),
            ("limit=%FF", "limit"),
            ("offset=-1", "offset"),
            (f"offset={MAX_INTEGER + 1}", "offset"),
            (f"offset={2**63}", "offset"),
            (f"offset={'9' * 5000}", "offset"),
            ("page=1", "page"),
        ],
    )
    async def test_invalid(self, client: Client, query: str, name: str) -> None:
        """A parameter that breaks the schema is named."""
        async with client.get(f"/api/projects?{query}") as response:
            assert {error["name"] for error in (await problem(response, 400))["errors"]} == {name}


class TestErrors:
    @pytest.mark.parametrize("url", ["/", "/api", "/api/project/1", "/api/project/one", "/api/projects/"])
    async def test_browser_gets_a_page(self, client: Client, url: str) -> None:
        """What does not exist is a page for a browser."""
        async with client.get(url, headers=BROWSER) as response:
            assert response.status == 404
            assert response.headers["Content-Type"] == "text/html; charset=utf-8"
            assert response.headers["Vary"] == "Accept"
            assert "<h1>404 Not Found</h1>" in await response.text()

    @pytest.mark.parametrize(
        ("method", "url", "allow"),
        [
            ("POST", "/api/", "GET,HEAD"),
            ("DELETE", "/api/projects", "GET,HEAD,POST"),
            ("POST", "/api/project/1", "DELETE,GET,HEAD,PUT"),
            ("OPTIONS", "/api/project/1", "DELETE,GET,HEAD,PUT"),
            ("PATCH", "/api/project/1", "DELETE,GET,HEAD,PUT"),
            ("TRACE", "/api/projects", "GET,HEAD,POST"),
            ("QUERY", "/api/projects", "GET,HEAD,POST"),
        ],
    )
    async def test_wrong_method(self, client: Client, method: str, url: str, allow: str) -> None:
        """Another method is told which ones there are; a browser is told so on a page."""
        async with client.request(method, url) as response:
            await problem(response, 405)
            assert response.headers["Allow"] == allow
        async with client.request(method, url, headers=BROWSER) as response:
            assert response.status == 405
            assert response.headers["Allow"] == allow
            assert response.content_type == "text/html"

    @pytest.mark.parametrize("debug", [False, True])
    async def test_failure(
        self,
        aiohttp_client: AiohttpClient,
        database_url: str,
        caplog: pytest.LogCaptureFixture,
        *,
        debug: bool,
    ) -> None:
        """A failure of the database is 500 and logged once with its request; only debug shows it to the client."""
        from examples.projects.app import create_app
        from examples.projects.storage import ENGINE_KEY, metadata

        app = create_app(database_url=database_url, debug=debug)
        client = await aiohttp_client(app)
        async with app[ENGINE_KEY].begin() as connection:
            await connection.run_sync(metadata.drop_all)
        async with client.get("/api/projects") as response:
            document = await problem(response, 500)
        assert ("traceback" in document) is debug
        assert ("projects" in str(document)) is debug
        (record,) = (record for record in caplog.records if record.levelname == "ERROR")
        assert record.getMessage() == "Unhandled exception in GET /api/projects"

    async def test_request_id(self, client: Client) -> None:
        """Every answer has the id of its request: the client's, or a new one."""
        async with client.get("/api/project/1", headers={"X-Request-ID": "abc"}) as response:
            assert response.headers["X-Request-ID"] == "abc"
        async with client.get("/api/") as response:
            assert len(response.headers["X-Request-ID"]) == 32


class TestFactory:
    async def test_unknown_option(self) -> None:
        """An option that is no setting is an error that names it."""
        from examples.projects.app import create_app

        with pytest.raises(TypeError, match="databse_url"):
            create_app(databse_url="sqlite+aiosqlite://")

    async def test_two_applications(self, aiohttp_client: AiohttpClient, sqlite_url: str) -> None:
        """Two applications in one process share nothing."""
        from examples.projects.app import create_app

        one = await aiohttp_client(create_app(database_url=sqlite_url))
        other = await aiohttp_client(create_app(database_url="sqlite+aiosqlite://"))
        await create(one)
        async with other.get("/api/projects") as response:
            assert (await response.json())["total"] == 0

    async def test_the_guide(self) -> None:
        """The test that the how-to page shows passes, and it is the only block of the page that is not a file's."""
        from examples.projects.app import create_app

        guide = Path(__file__).parents[2] / "docs" / "how-to" / "build-a-rest-api.md"
        block, last = re.findall(r"^```python\n(.*?)^```$", guide.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
        assert "asyncio.run(check(create_app))" in last
        namespace: dict[str, Any] = {}
        exec(block, namespace)
        await namespace["check"](create_app)


PASSWORD = "hunter2"


class TestDatabaseURL:
    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            ("", "must be a URL"),
            ("projects.sqlite3", "must be a URL"),
            (f"me:{PASSWORD}@localhost", "must be a URL"),
            (f"postgresql+asyncpg://me:{PASSWORD}", "must be a URL"),
            (f"postgres://me:{PASSWORD}@localhost/x", "not with postgres://"),
            (f"postgresql://me:{PASSWORD}@localhost/x", "not with postgresql://"),
            (f"mysql+aiomysql://me:{PASSWORD}@localhost/x", "not with mysql+aiomysql://"),
            ("sqlite:///x", "not with sqlite://"),
            ("sqlite+aiosqlite:////no/such/folder/x", "unable to open database file"),
            ("sqlite+aiosqlite:////dev/null/x", "unable to open database file"),
            ("sqlite+aiosqlite:////etc", "unable to open database file"),
        ],
    )
    async def test_wrong(self, url: str, reason: str) -> None:
        """A URL that cannot be used ends the start with one line that says why, without a password."""
        await self.refused(url, reason)

    @pytest.mark.extra("asyncpg")
    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            (f"postgresql+asyncpg://me:{PASSWORD}@127.0.0.1:1/x", "Connect call failed"),
            (f"postgresql+asyncpg://me:{PASSWORD}@no-host.invalid/x", "cannot open the database"),
            (f"postgresql+asyncpg://me:pass@{PASSWORD}@127.0.0.1:1/x", "cannot open the database"),
            (f"postgresql+asyncpg://me:{PASSWORD}@127.0.0.1:1/x?unknown=1", "unknown"),
        ],
    )
    async def test_unreachable(self, url: str, reason: str) -> None:
        """The same goes for a server that cannot be reached."""
        await self.refused(url, reason)

    async def test_unknown_database(self, postgres_url: str) -> None:
        """The same goes for a database that the server does not have."""
        await self.refused(f"{postgres_url}_not", "does not exist")

    async def test_file_that_is_none(self, tmp_path: Path) -> None:
        """The same goes for a file that is no database."""
        file = tmp_path / "text"
        file.write_text("no database" * 100)
        await self.refused(f"sqlite+aiosqlite:///{file}", "file is not a database")

    async def refused(self, url: str, reason: str) -> None:
        from examples.projects.app import create_app
        from examples.projects.storage import StorageError

        runner = web.AppRunner(create_app(database_url=url))
        with pytest.raises(StorageError) as caught:
            await runner.setup()
        await runner.cleanup()
        message = str(caught.value)
        assert message.startswith("DATABASE_URL")
        assert reason in message
        assert "\n" not in message
        assert PASSWORD not in message


class TestLoad:
    async def test_mixed(self, client: Client) -> None:
        """Readers and writers at once never fail, and never see another's project."""

        async def use(number: int) -> None:
            project = await create(client, f"slug-{number}")
            url = f"/api/project/{project['id']}"
            async with client.put(url, json={"name": f"Name {number}", "slug": f"slug-{number}"}) as response:
                assert response.status == 200
            async with client.get("/api/projects") as response:
                assert response.status == 200
            async with client.get(url) as response:
                assert (await response.json())["name"] == f"Name {number}"
            async with client.delete(url) as response:
                assert response.status == 204

        await asyncio.gather(*map(use, range(50)))
        async with client.get("/api/projects") as response:
            assert (await response.json())["total"] == 0

    async def test_in_memory(self, aiohttp_client: AiohttpClient) -> None:
        """SQLite in memory works too, for tests: every request sees the same database."""
        from examples.projects.app import create_app

        client = await aiohttp_client(create_app(database_url="sqlite+aiosqlite://"))
        await asyncio.gather(*(create(client, f"slug-{number}") for number in range(10)))
        async with client.get("/api/projects") as response:
            assert (await response.json())["total"] == 10
