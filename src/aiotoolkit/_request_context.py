"""The request that the running task serves, for what is logged in it; nothing here needs aiohttp."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weakref import ref

__all__ = ["current_request", "request_id_var", "request_var"]

request_id_var: ContextVar[str | None] = ContextVar("request_id", default=None)

# A weak reference: the context is copied into every task and timer that the request starts, and some live for ever.
request_var: ContextVar[ref[Any] | None] = ContextVar("request", default=None)


def current_request() -> Any:
    """Return the request of the running task, or None outside of requests and when it is gone."""
    reference = request_var.get()
    return None if reference is None else reference()
