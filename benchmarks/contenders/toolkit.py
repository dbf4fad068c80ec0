"""The toolkit: requests and answers validated, errors as problem details, an id for each request."""

from typing import Any

from aiohttp import web

from aiotoolkit.middlewares import setup_errors, setup_request_id
from aiotoolkit.schemas import Schema
from benchmarks.contenders._serving import serve_aiohttp
from benchmarks.workload import PROJECT, PROJECTS, QUERY, SEARCH


@Schema(request=PROJECT, response=PROJECT).handler
async def one(request: web.Request, *, body: dict[str, Any]) -> dict[str, Any]:
    return body


@Schema(request=PROJECTS, response=PROJECTS).handler
async def many(request: web.Request, *, body: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return body


@Schema(query=QUERY, response=SEARCH).handler
async def search(request: web.Request, *, query: dict[str, Any]) -> dict[str, Any]:
    return query


def make_app() -> web.Application:
    """The application, with both middlewares."""
    app = web.Application()
    setup_errors(app)
    setup_request_id(app)
    app.router.add_post("/project", one)
    app.router.add_post("/projects", many)
    app.router.add_get("/projects", search)
    return app


if __name__ == "__main__":
    serve_aiohttp(make_app())
