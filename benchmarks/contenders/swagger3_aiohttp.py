"""aiohttp-swagger3: requests validated against an OpenAPI document; answers are not."""

from pathlib import Path

from aiohttp import web
from aiohttp_swagger3 import SwaggerFile

from benchmarks.contenders._serving import serve_aiohttp


async def one(request: web.Request, body: dict) -> web.Response:
    return web.json_response(body)


async def many(request: web.Request, body: list) -> web.Response:
    return web.json_response(body)


async def search(
    request: web.Request, limit: int, offset: int, active: bool, min_price: float, sort: str
) -> web.Response:
    found = {"limit": limit, "offset": offset, "active": active, "min_price": min_price, "sort": sort}
    return web.json_response(found)


def make_app() -> web.Application:
    app = web.Application()
    swagger = SwaggerFile(app, spec_file=str(Path(__file__).with_name("openapi.yaml")))
    swagger.add_routes([web.post("/project", one), web.post("/projects", many), web.get("/projects", search)])
    return app


if __name__ == "__main__":
    serve_aiohttp(make_app())
