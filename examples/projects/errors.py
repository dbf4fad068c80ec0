"""What the client is told about each error of the application; everything else is told by the toolkit."""

from typing import Final, NoReturn

from aiohttp import web

from aiotoolkit.middlewares import ErrorHandlers
from aiotoolkit.problems import Problem
from aiotoolkit.schemas import RequestValidationError
from examples.projects.storage import ProjectNotFoundError, SlugExistsError

__all__ = ["HANDLERS"]


async def not_found(request: web.Request, error: Exception) -> NoReturn:
    raise Problem(404, "There is no such project.")


async def slug_exists(request: web.Request, error: Exception) -> NoReturn:
    taken = {"detail": "must be unique: another project has it", "in": "body", "pointer": "#/slug"}
    raise Problem(409, "The slug exists.", errors=[taken])


async def invalid_request(request: web.Request, error: Exception) -> NoReturn:
    """An id that no project can have is one of no project: 404, where the toolkit would answer 400."""
    if isinstance(error, RequestValidationError) and any(item["in"] == "path" for item in error.errors):
        await not_found(request, error)
    raise error


HANDLERS: Final[ErrorHandlers] = {
    ProjectNotFoundError: not_found,
    SlugExistsError: slug_exists,
    RequestValidationError: invalid_request,
}
