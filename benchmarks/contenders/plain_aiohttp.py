"""aiohttp as it is used by hand: ``request.json()``, ``web.json_response``, parameters converted and checked."""

import math

from aiohttp import web

from benchmarks.contenders._serving import serve_aiohttp


async def echo(request: web.Request) -> web.Response:
    return web.json_response(await request.json())


async def search(request: web.Request) -> web.Response:
    query = request.query
    try:
        limit = int(query["limit"])
        offset = int(query["offset"])
        active = {"true": True, "false": False}[query["active"]]
        min_price = float(query["min_price"])
        sort = query["sort"]
    except (KeyError, ValueError) as error:
        raise web.HTTPBadRequest(text="a parameter is missing or malformed") from error
    if not (1 <= limit <= 100 and offset >= 0 and 0 <= min_price < math.inf and sort in {"name", "slug"}):
        raise web.HTTPBadRequest(text="a parameter is out of range")
    found = {"limit": limit, "offset": offset, "active": active, "min_price": min_price, "sort": sort}
    return web.json_response(found)


def make_app() -> web.Application:
    """The application: it checks no body, and shapes no error."""
    app = web.Application()
    app.router.add_post("/project", echo)
    app.router.add_post("/projects", echo)
    app.router.add_get("/projects", search)
    return app


if __name__ == "__main__":
    serve_aiohttp(make_app())
