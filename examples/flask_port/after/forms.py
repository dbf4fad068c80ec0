"""Fields and arguments, with what Flask answers where they are missing or wrong."""

from aiohttp import web

from aiotoolkit.problems import Problem
from aiotoolkit.requests import UploadedFile, read_form

__all__ = ["int_argument", "read_field", "read_file"]


async def read_field(request: web.Request, name: str) -> str:
    """The text of a field; without it, 400."""
    values = (await read_form(request)).getall(name, [])
    text = next((value for value in values if isinstance(value, str)), None)
    if text is None:
        raise Problem(400, f"The form has no field {name!r}.")
    return text


async def read_file(request: web.Request, name: str) -> UploadedFile | None:
    """The file of a field; None where none was chosen."""
    values = (await read_form(request)).getall(name, [])
    return next((value for value in values if isinstance(value, UploadedFile) and value.filename), None)


def int_argument(request: web.Request, name: str, default: int) -> int:
    """A number of the query; what is none is taken for the default, as ``request.args.get(name, type=int)`` does."""
    try:
        return int(request.query.get(name, default))
    except ValueError:
        return default
