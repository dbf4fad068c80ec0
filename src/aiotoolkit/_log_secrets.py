"""Secrets in log records: hidden by name and by place, in copies; what the application passed is never changed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any
from urllib.parse import unquote_plus

from aiotoolkit._redaction import HIDDEN, is_secret_name, mask_text

__all__ = ["SecretsFilter", "hide", "hide_in_query", "hide_in_url", "is_extra"]

_MAX_DEPTH = 32
# What every record has, on this Python. The formatters add message and asctime; taskName is there from 3.12 on.
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "request_id"}


class SecretsFilter(logging.Filter):
    """Hides secrets in the extras of records, ``extra={...}``, by their names and at every depth.

    A value whose name looks secret (password, token, Authorization, Cookie...) becomes ``***``, and so does a password
    in a URL. The extras are replaced by copies: what the application passed is never changed. JSON lines of
    `aiotoolkit.logger.default_logging_dict` do this by themselves; put the filter on handlers of your own that send or
    write extras, or on a logger for all of them.

    The message and its arguments are not touched: do not log secrets there.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the extras that hold secrets, and pass the record."""
        extras = [name for name in record.__dict__ if is_extra(name)]
        for name in extras:
            record.__dict__[name] = hide(record.__dict__[name], name)
        return True


def is_extra(name: str) -> bool:
    """Tell whether an attribute of a record was passed as ``extra``."""
    return name not in _STANDARD and not name.startswith("_")


def hide(value: Any, name: object = None) -> Any:
    """Return a copy of a value in which secrets are hidden at every depth.

    Containers become dicts and lists; numbers, and objects of other types, are returned as they are.
    """
    return _hide(value, name, ())


def _hide(value: Any, name: object, parents: tuple[int, ...]) -> Any:
    if value is not None and is_secret_name(name):
        return HIDDEN
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, bytes | bytearray):
        return mask_text(value.decode("utf-8", "backslashreplace"))
    if isinstance(value, Mapping | list | tuple | AbstractSet):
        return _hide_in_container(value, parents)
    return value


def _hide_in_container(value: Any, parents: tuple[int, ...]) -> Any:
    if id(value) in parents or len(parents) == _MAX_DEPTH:
        return "..."
    parents = (*parents, id(value))
    if isinstance(value, Mapping):
        return {key: _hide(item, key, parents) for key, item in value.items()}
    return [_hide(item, None, parents) for item in value]


def hide_in_url(url: str) -> str:
    """Hide the secrets of a URL: those of its query, and a password before its host."""
    if "@" in url:
        url = mask_text(url)
    if "?" not in url:
        return url
    path, mark, query = url.partition("?")
    return path + mark + hide_in_query(query) if query else url


def hide_in_query(query: str) -> str:
    """Hide the values of a query string that look secret: by their name, or by what they hold themselves."""
    # Most queries have no secret word and nothing encoded: one look is enough for them.
    if "%" not in query and "@" not in query and not is_secret_name(query):
        return query
    return "&".join(map(_hide_in_pair, query.split("&")))


def _hide_in_pair(pair: str) -> str:
    name, mark, value = pair.partition("=")
    if not mark:
        return pair
    if is_secret_name(unquote_plus(name)):
        return f"{name}={HIDDEN}"
    text = unquote_plus(value)
    return pair if mask_text(text) == text else f"{name}={HIDDEN}"
