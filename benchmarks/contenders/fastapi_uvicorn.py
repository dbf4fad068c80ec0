"""FastAPI on uvicorn: requests and answers validated by pydantic models."""

from typing import Annotated, Literal

from fastapi import FastAPI, Query
from pydantic import BaseModel, ConfigDict, Field

from benchmarks.contenders._serving import serve_asgi


class Project(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=32)]
    slug: Annotated[str, Field(min_length=1, max_length=32)]
    description: Annotated[str, Field(max_length=255)] = ""


class Search(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=100)]
    offset: Annotated[int, Field(ge=0)]
    active: bool
    min_price: Annotated[float, Field(ge=0)]
    sort: Literal["name", "slug"]


app = FastAPI()


@app.post("/project")
async def one(project: Project) -> Project:
    return project


@app.post("/projects")
async def many(projects: list[Project]) -> list[Project]:
    return projects


@app.get("/projects")
async def search(query: Annotated[Search, Query()]) -> Search:
    return query


if __name__ == "__main__":
    serve_asgi(app)
