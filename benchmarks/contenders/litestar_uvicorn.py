"""Litestar on uvicorn: requests validated by msgspec structures; answers are encoded by their type."""

from typing import Annotated, Literal

import msgspec
from litestar import Litestar, get, post
from litestar.params import Parameter

from benchmarks.contenders._serving import serve_asgi


class Project(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    slug: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    description: Annotated[str, msgspec.Meta(max_length=255)] = ""


class Search(msgspec.Struct):
    limit: int
    offset: int
    active: bool
    min_price: float
    sort: str


@post("/project", status_code=200)
async def one(data: Project) -> Project:
    return data


@post("/projects", status_code=200)
async def many(data: list[Project]) -> list[Project]:
    return data


@get("/projects")
async def search(
    limit: Annotated[int, Parameter(ge=1, le=100)],
    offset: Annotated[int, Parameter(ge=0)],
    active: bool,
    min_price: Annotated[float, Parameter(ge=0)],
    sort: Literal["name", "slug"],
) -> Search:
    return Search(limit, offset, active, min_price, sort)


app = Litestar([one, many, search])

if __name__ == "__main__":
    serve_asgi(app)
