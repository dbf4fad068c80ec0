"""aiohttp-pydantic: requests validated by pydantic models; answers are not."""

from typing import Annotated, Literal

from aiohttp import web
from aiohttp_pydantic import PydanticView
from pydantic import BaseModel, ConfigDict, Field, RootModel

from benchmarks.contenders._serving import serve_aiohttp


class Project(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=32)]
    slug: Annotated[str, Field(min_length=1, max_length=32)]
    description: Annotated[str, Field(max_length=255)] = ""


class Projects(RootModel[list[Project]]):
    pass


class One(PydanticView):
    async def post(self, project: Project):
        return web.json_response(project.model_dump())


class Many(PydanticView):
    async def post(self, projects: Projects):
        return web.json_response(projects.model_dump())

    async def get(
        self,
        limit: Annotated[int, Field(ge=1, le=100)],
        offset: Annotated[int, Field(ge=0)],
        active: bool,
        min_price: Annotated[float, Field(ge=0)],
        sort: Literal["name", "slug"],
    ):
        found = {"limit": limit, "offset": offset, "active": active, "min_price": min_price, "sort": sort}
        return web.json_response(found)


def make_app() -> web.Application:
    app = web.Application()
    app.router.add_view("/project", One)
    app.router.add_view("/projects", Many)
    return app


if __name__ == "__main__":
    serve_aiohttp(make_app())
