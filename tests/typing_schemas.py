"""What a type checker sees of schemas: checked by mypy and pyright, and imported by test_schema_handler."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict, assert_type

import pydantic
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
    assert_type(function.schema, Schema[Any])


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


@dataclass
class Project:
    name: str


class ProjectDict(TypedDict):
    name: str


class Model(pydantic.BaseModel):
    name: str


class Module:
    request = Project


def types_of_requests(instance: Any) -> None:
    """A Schema knows what it makes a request into; Any where no type checker can tell. Never called."""
    assert_type(Schema(request=Project), Schema[Project])
    assert_type(Schema(request=Project, response=list[Project], status=201), Schema[Project])
    assert_type(Schema(request=ProjectDict), Schema[ProjectDict])
    assert_type(Schema(request=Model), Schema[Model])
    assert_type(Schema(request=list[Model]), Schema[list[Model]])
    assert_type(Schema(request=dict[str, Project]), Schema[dict[str, Project]])
    assert_type(Schema(request={"type": "object"}), Schema[Any])
    assert_type(Schema(request=True), Schema[Any])
    assert_type(Schema(request=Project | None), Schema[Any])
    assert_type(Schema(request=Annotated[Project, "a note"]), Schema[Any])
    assert_type(Schema(request=instance), Schema[Any])
    assert_type(Schema(Module), Schema[Any])
    assert_type(Schema(form=Project, query=Project), Schema[Any])
    assert_type(Schema(), Schema[Any])


typed: Schema[Project | ProjectDict] = Schema(request={"type": "object"})
plain: Schema = schema


def takes_any_schema(given: Schema) -> Any:
    """A Schema without a parameter is a Schema of anything."""
    assert_type(given.make_response({}), Any)
    return given.validate_request({})


def by_hand() -> None:
    """What validate_request returns is the type of the request. Never called."""
    project = Schema(request=Project)
    assert_type(project.validate_request({"name": "one"}), Project)
    assert_type(project.validate_request({}, {"name": "one"}), Project)
    assert_type(Schema(request=ProjectDict).validate_request({"name": "one"})["name"], str)
    assert_type(schema.validate_request({}), Any)
    assert_type(schema.validate_request({}, {}, merged_class=Project), Any)
    assert_type(project.make_response(Project("one")), Any)
    assert project.validate_request({}).size  # type: ignore[attr-defined]  # there is none
    takes_any_schema(project)
    wider: Schema[object] = project
    other: Schema[Model] = project  # type: ignore[assignment]  # it gives another type
    takes_any_schema(wider)
    takes_any_schema(other)


def decorated(project: Schema[Project], request: web.Request) -> None:
    """A decorated view has the type of its Schema. Never called."""

    @project.handler
    async def view(request: web.Request, *, body: Project) -> Project:
        return body

    assert_type(view.schema, Schema[Project])
    assert_type(view.schema.validate_request({}), Project)
    assert_type(view(request), Awaitable[web.StreamResponse])
