"""The access log of aiohttp's server, lean and structured."""

import asyncio
import logging
import warnings
import weakref
from contextvars import Context, copy_context
from time import time as now
from typing import Any, Final, NamedTuple

from aiohttp import hdrs
from aiohttp.abc import AbstractAccessLogger
from aiohttp.web import BaseRequest, StreamResponse
from aiohttp.web_log import AccessLogger as AiohttpAccessLogger

from aiotoolkit._access_line import AccessLine
from aiotoolkit._line_logging import one_flush
from aiotoolkit._log_secrets import hide_in_query, hide_in_url
from aiotoolkit.logger import ACCESS_LOG_FORMAT, request_id_var

__all__ = ["AccessLogger"]

_KNOWN_FORMATS: Final = (AiohttpAccessLogger.LOG_FORMAT, ACCESS_LOG_FORMAT)


class AccessLogger(AbstractAccessLogger):
    """An access log with one record for each request: ``web.run_app(app, access_log_class=AccessLogger)``.

    Its text is that of `aiotoolkit.logger.ACCESS_LOG_FORMAT`, always: ``access_log_format`` is not read. The fields
    are attributes of the record, so JSON lines have them, and filters can read them:

    - ``method``; ``path``: as it was sent, percent-encoded, with the query; ``status``; ``size``: bytes sent, headers
      too; ``duration``: seconds; ``remote``; ``user_agent``; ``referer``; the last three may be ``None``;
    - ``request_id``: as the request-id middleware set it, else ``"-"``.

    Values in a query that look secret are ``***``, by their name or by what they hold, in the referrer too.

    The records are at INFO. Where the logger's level is above that, nothing is done. Each is handled as any record: by
    the logger's filters and handlers, and by the handlers of its parents, in the context of its request.

    The lines of one turn of the event loop are written together at its end, with the time at which each request was
    done: a process that is killed in the middle loses those of that turn.
    """

    def __init__(self, logger: logging.Logger, log_format: str) -> None:
        super().__init__(logger, log_format)
        if log_format not in _KNOWN_FORMATS:
            warnings.warn(
                "AccessLogger writes one format and does not read access_log_format; for a format of your own take "
                "aiohttp's access logger, or choose from the record's fields in a logging formatter",
                stacklevel=2,
            )
        self._turn = _turn_of_running_loop()
        # Made at the first request: what is the same in all records of a connection.
        self._template: logging.LogRecord | None = None

    @property
    def enabled(self) -> bool:
        """Whether the logger takes INFO. aiohttp asks once for each connection."""
        return self.logger.isEnabledFor(logging.INFO)

    def log(self, request: BaseRequest, response: StreamResponse, time: float) -> None:
        """Log one request; ``time`` is in seconds."""
        if self.logger.isEnabledFor(logging.INFO):
            done = _Done(self, request, response, time, now(), copy_context())
            if self._turn is None:
                _write([done])
            else:
                self._turn.add(done)

    def _handle(self, done: "_Done") -> None:
        self.logger.handle(self._record(done))

    def _record(self, done: "_Done") -> logging.LogRecord:
        logger, template, fields = self.logger, self._template, _fields(done)
        if template is None:
            # The caller is known: it is not looked for.
            template = self._template = logger.makeRecord(logger.name, logging.INFO, __file__, 0, "", (), None, "log")
        created = done.created
        record = template.__class__.__new__(template.__class__)
        record.__dict__ = {
            **template.__dict__,
            **fields,
            "msg": AccessLine(fields, done.request.version),
            "created": created,
            "msecs": float(int(created % 1 * 1000)),
            "relativeCreated": template.relativeCreated + (created - template.created) * 1000,
        }
        return record


class _Done(NamedTuple):
    """A request that was served."""

    access_logger: AccessLogger
    request: BaseRequest
    response: StreamResponse
    seconds: float
    created: float
    context: Context


class _Turn:
    """The requests that were served in this turn of an event loop: written together they cost half as much."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        # Weak, because the loop is the key under which this is kept.
        self._loop = weakref.ref(loop)
        self._done: list[_Done] = []
        self._context = Context()  # of no request; of this loop alone, because a context cannot be entered twice

    def add(self, done: _Done) -> None:
        self._done.append(done)
        if len(self._done) == 1:
            loop = self._loop()
            if loop is None or loop.is_closed():
                self._end()
            else:
                loop.call_soon(self._end, context=self._context)

    def _end(self) -> None:
        done, self._done = self._done, []
        _write(done)


def _write(done: list[_Done]) -> None:
    with one_flush():
        for each in done:
            try:
                # Filters see the context of the request: its id, and what else the application keeps there.
                each.context.run(each.access_logger._handle, each)
            except Exception:  # a filter of the application may raise anything
                each.access_logger.logger.exception("Error in logging")


def _turn_of_running_loop() -> _Turn | None:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    turn = _turns.get(loop)
    if turn is None:
        turn = _turns[loop] = _Turn(loop)
    return turn


def _fields(done: _Done) -> dict[str, Any]:
    request, response = done.request, done.response
    url, headers = request.rel_url, request.headers
    query, referer = url.raw_query_string, headers.get(hdrs.REFERER)
    return {
        "method": request.method,
        "path": f"{url.raw_path}?{hide_in_query(query)}" if query else url.raw_path,
        "status": response.status,
        "size": response.body_length,
        "duration": round(done.seconds, 6),
        "remote": request.remote,
        "user_agent": headers.get(hdrs.USER_AGENT),
        "referer": None if referer is None else hide_in_url(referer),
        "request_id": done.context.get(request_id_var) or "-",
    }


_turns: Final[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Turn]] = weakref.WeakKeyDictionary()
