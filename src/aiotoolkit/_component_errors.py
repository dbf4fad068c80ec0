"""The error handlers of a component: those of the error middleware, for what its own routes raise."""

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from aiotoolkit._error_handlers import (
    ErrorHandlers,
    handler_lookup,
    has_started,
    is_gone,
    is_http,
    log_unhandled,
    status_of,
)

__all__ = ["component_error_middleware"]


def component_error_middleware(handlers: ErrorHandlers) -> Middleware:
    """Make the middleware that answers the errors that there is a handler for, and lets the others go on.

    What a handler raises goes on as well: to those of the outer component, and of the application.

    Raises:
        TypeError, ValueError: as for `aiotoolkit.middlewares.error_middleware`.
    """
    find_handler = handler_lookup(handlers)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except Exception as raised:
            answer = await answer_of(request, raised)
            if answer is None:
                raise
            return answer
        if is_http(response):  # returned, which means the same
            return await answer_of(request, response) or response
        return response

    async def answer_of(request: web.Request, error: Exception) -> web.StreamResponse | None:
        status = status_of(error)
        if status < 400 or is_gone(request) or has_started(request):
            return None
        handler, handles_class = find_handler(error, status)
        if handler is None:
            return None
        if not (is_http(error) or handles_class):
            log_unhandled(request, error)
        return await handler(request, error)

    return middleware
