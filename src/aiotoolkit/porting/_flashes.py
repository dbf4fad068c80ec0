"""Flask's flash messages in the session of aiohttp-session."""

from collections.abc import Collection
from functools import partial
from typing import Any, Final, Literal, overload

from aiohttp import web
from aiohttp_session import Session, get_session

from aiotoolkit.porting._session_storage import has_flask_storage, session_now

__all__ = ["flash", "flashes_context", "get_flashed_messages"]

_SESSION_KEY: Final = "_flashes"
_FLASHED_KEY: Final = web.RequestKey("aiotoolkit.porting.flashes", list[tuple[str, str]])


async def flash(request: web.Request, message: str, category: str = "message") -> None:
    """Keep a message for the next page that shows the messages of this session, here or on Flask.

    Args:
        request: any of the session.
        message: text, or a ``markupsafe.Markup``, which templates do not escape.
        category: any text, such as ``"error"``.
    """
    session = await get_session(request)
    session[_SESSION_KEY] = [*_listed(session.get(_SESSION_KEY)), (category, message)]


@overload
async def get_flashed_messages(
    request: web.Request, *, with_categories: Literal[False] = False, category_filter: Collection[str] = ()
) -> list[str]: ...
@overload
async def get_flashed_messages(
    request: web.Request, *, with_categories: Literal[True], category_filter: Collection[str] = ()
) -> list[tuple[str, str]]: ...
async def get_flashed_messages(
    request: web.Request, *, with_categories: bool = False, category_filter: Collection[str] = ()
) -> list[str] | list[tuple[str, str]]:
    """Take the messages out of the session; further calls in the same request return the same ones.

    Args:
        request: any of the session.
        with_categories: return pairs of category and message, and not the messages alone.
        category_filter: return those of these categories only; the others are taken too.
    """
    return _flashed(request, await get_session(request), with_categories, category_filter)


async def flashes_context(request: web.Request) -> dict[str, Any]:
    """Context processor: ``get_flashed_messages(with_categories=False, category_filter=())`` for templates.

    For `aiotoolkit.components.setup_templates` or aiohttp-jinja2. The templates that Flask has work unchanged. The
    session is not opened before a template asks, unless its storage has to be waited for.
    """
    session = None if has_flask_storage(request) else await get_session(request)
    return {"get_flashed_messages": partial(_flashed_in_template, request, session)}


def _flashed_in_template(
    request: web.Request,
    session: Session | None,
    with_categories: bool = False,
    category_filter: Collection[str] = (),
) -> list[str] | list[tuple[str, str]]:
    return _flashed(request, session_now(request) if session is None else session, with_categories, category_filter)


def _flashed(
    request: web.Request, session: Session, with_categories: bool, category_filter: Collection[str]
) -> list[str] | list[tuple[str, str]]:
    flashes = request.get(_FLASHED_KEY)
    if flashes is None:
        flashes = request[_FLASHED_KEY] = _listed(session.get(_SESSION_KEY))
        if _SESSION_KEY in session:
            del session[_SESSION_KEY]
    if category_filter:
        flashes = [flashed for flashed in flashes if flashed[0] in category_filter]
    return list(flashes) if with_categories else [message for _, message in flashes]


def _listed(flashes: Any) -> list[tuple[str, str]]:
    """The pairs; what is none was put there by something else."""
    if not isinstance(flashes, list | tuple):
        return []
    return [(pair[0], pair[1]) for pair in flashes if isinstance(pair, list | tuple) and len(pair) == 2]
