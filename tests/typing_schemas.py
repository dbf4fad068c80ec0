"""What a type checker sees of schemas: checked by mypy and pyright, and imported by test_schema_handler."""

from collections.abc import Awaitable, Callable
from typing import Any, assert_type

from aiohttp import web

from aiotoolkit.schemas import Engine, JSONSchemaEngine, JSONSchemaRSEngine, RequestValidationError, Response, Schema

engine: Engine = JSONSchemaRSEngine()
engine = JSONSchemaEngine()
schema = Schema(
    request={"type": "object"},
    query=True,
    responses={200: {"type": "object"}, 404: Response(description="No such project")},
    engine=engine,
    operation={"summary": "Create a project"},
)


@schema.handler
async def function(request: web.Request, *, body: Any, query: dict[str, Any]) -> dict[str, int]:
    return {"size": len(query)}


@schema.handler
async def own_response(request: web.Request) -> web.StreamResponse:
    return web.Response()


@schema.handler
async def any_place(request: web.Request, /, **places: Any) -> list[str]:
    return list(places)


class Projects(web.View):
    @schema.handler
    async def get(self, *, query: dict[str, Any]) -> list[int]:
        return [len(query)]


class Service:
    @schema.handler
    async def get(self, request: web.Request, *, query: dict[str, Any]) -> list[int]:
        return [len(query)]


def routes(app: web.Application) -> None:
    """Each is a handler for aiohttp."""
    app.router.add_get("/function", function)
    app.router.add_get("/own", own_response)
    app.router.add_get("/any", any_place)
    app.router.add_view("/view", Projects)
    app.router.add_get("/method", Service().get)
    assert_type(Service().get, Callable[[web.Request], Awaitable[web.StreamResponse]])
    assert_type(function.schema, Schema)


async def unit_test(request: web.Request) -> None:
    """The undecorated views keep their types; the decorated ones give a response."""
    assert_type(await function.view(request, body={}, query={}), dict[str, int])
    assert_type(await own_response.view(request), web.StreamResponse)
    assert_type(await any_place.view(request, query={}), list[str])
    assert_type(await Service.get.view(Service(), request, query={}), list[int])
    assert_type(await Projects.get.view(Projects(request), query={}), list[int])
    await function.view(request, body={})  # type: ignore[call-arg]  # query is missing
    await function.view(request, body={}, query=5)  # type: ignore[arg-type]  # no dict
    if request.method == "POST":
        assert_type(await function(request), web.StreamResponse)
        assert_type(await Projects(request).get(), web.StreamResponse)


def errors(error: RequestValidationError) -> None:
    """An error's data are on its attributes."""
    assert_type(error.status, int)
    assert_type(schema.make_error("x", error=error), Exception)
