"""rororo 3: requests and answers validated against an OpenAPI document."""

from pathlib import Path

from aiohttp import web
from rororo import OperationTableDef, openapi_context, setup_openapi

from benchmarks.contenders._serving import serve_aiohttp

operations = OperationTableDef()


@operations.register
async def one(request: web.Request) -> web.Response:
    with openapi_context(request) as context:
        return web.json_response(dict(context.data))


@operations.register
async def many(request: web.Request) -> web.Response:
    with openapi_context(request) as context:
        return web.json_response([dict(item) for item in context.data])


@operations.register
async def search(request: web.Request) -> web.Response:
    with openapi_context(request) as context:
        return web.json_response(dict(context.parameters.query))


def make_app() -> web.Application:
    schema = Path(__file__).with_name("openapi.yaml")
    return setup_openapi(web.Application(), schema, operations, server_url="/")


if __name__ == "__main__":
    serve_aiohttp(make_app())
