"""aiohttp with orjson in and out, and no validation: the ceiling."""

import orjson
from aiohttp import web

from benchmarks.contenders import plain_aiohttp
from benchmarks.contenders._serving import serve_aiohttp


async def echo(request: web.Request) -> web.Response:
    data = await request.json(loads=orjson.loads)
    return web.Response(body=orjson.dumps(data), content_type="application/json")


def make_app() -> web.Application:
    """The application: plain aiohttp's, with the fastest codec for bodies."""
    app = web.Application()
    app.router.add_post("/project", echo)
    app.router.add_post("/projects", echo)
    app.router.add_get("/projects", plain_aiohttp.search)
    return app


if __name__ == "__main__":
    serve_aiohttp(make_app())
