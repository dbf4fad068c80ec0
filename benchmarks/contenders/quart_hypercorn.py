"""quart-schema on Hypercorn: requests and answers validated by pydantic models."""

import asyncio
from typing import Annotated, Literal

from hypercorn.asyncio import serve
from hypercorn.config import Config
from pydantic import BaseModel, ConfigDict, Field, RootModel
from quart import Quart
from quart_schema import QuartSchema, validate_querystring, validate_request, validate_response

from benchmarks.contenders._serving import options


class Project(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=32)]
    slug: Annotated[str, Field(min_length=1, max_length=32)]
    description: Annotated[str, Field(max_length=255)] = ""


class Projects(RootModel[list[Project]]):
    pass


class Search(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=100)]
    offset: Annotated[int, Field(ge=0)]
    active: bool
    min_price: Annotated[float, Field(ge=0)]
    sort: Literal["name", "slug"]


app = Quart(__name__)
QuartSchema(app)


@app.post("/project")
@validate_request(Project)
@validate_response(Project)
async def one(data: Project) -> Project:
    return data


@app.post("/projects")
@validate_request(Projects)
@validate_response(Projects)
async def many(data: Projects) -> Projects:
    return data


@app.get("/projects")
@validate_querystring(Search)
@validate_response(Search)
async def search(query_args: Search) -> Search:
    return query_args


if __name__ == "__main__":
    config = Config()
    config.bind = [f"127.0.0.1:{options().port}"]
    asyncio.run(serve(app, config))
