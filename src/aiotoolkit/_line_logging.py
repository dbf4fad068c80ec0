"""Lines of text: one for each record, in colour on a terminal."""

from __future__ import annotations

import logging
import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, TextIO

from aiotoolkit._escaping import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ConsoleHandler", "LineFormatter", "one_flush"]


class LineFormatter(logging.Formatter):
    r"""A text formatter whose messages stay on their line.

    Line breaks and other control characters of a message come out escaped (``\n``, ``\x1b``), so that a user agent or
    a form field cannot forge a log line or drive a terminal (CWE-117). Tracebacks keep their lines, and what an
    exception says is part of its traceback: where each record must be one line whatever it holds, use JSON.
    """

    _second: tuple[int, str] = (-1, "")

    def format(self, record: logging.LogRecord) -> str:
        """Format a record: what logging does for one with nothing to add below its line, in fewer steps."""
        if record.exc_info or record.exc_text or record.stack_info:
            return super().format(record)
        record.message = record.getMessage()
        if self.usesTime():
            record.asctime = self.formatTime(record, self.datefmt)
        return self.formatMessage(record)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - the name is logging's
        """Format the time as logging does, and the part of it that all records of a second share once."""
        if datefmt or not self.default_msec_format:
            return super().formatTime(record, datefmt)
        second, text = self._second
        if second != int(record.created):
            text = super().formatTime(record, self.default_time_format)
            self._second = int(record.created), text
        return self.default_msec_format % (text, record.msecs)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """Format everything but the traceback, with control characters escaped."""
        return escape(super().formatMessage(record))


class ConsoleHandler(logging.StreamHandler[TextIO]):
    """Writes lines to a stream, and colours those that are not INFO where the stream is a terminal.

    There is no colour where the stream is a pipe or a file, where ``NO_COLOR`` is set (https://no-color.org), where
    ``TERM`` is ``dumb``, and on Windows. It is decided for each stream, when the handler is made.
    """

    _COLOURS: ClassVar = {
        logging.DEBUG: "\x1b[2m",
        logging.WARNING: "\x1b[33m",
        logging.ERROR: "\x1b[31m",
        logging.CRITICAL: "\x1b[1;31m",
    }

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self._coloured = _takes_colour(self.stream)

    def setStream(self, stream: TextIO) -> Any:  # noqa: N802 - the name is logging's
        """Write to another stream from now on; return the one before."""
        self._coloured = _takes_colour(stream)
        return super().setStream(stream)

    def format(self, record: logging.LogRecord) -> str:
        """Format the record; the traceback stays uncoloured."""
        text = (self.formatter or _PLAIN).format(record)
        if not self._coloured or record.levelno not in self._COLOURS:
            return text
        line, end, rest = text.partition("\n")
        return f"{self._COLOURS[record.levelno]}{line}\x1b[0m{end}{rest}"

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line; flush it too, unless more of the same batch follow."""
        try:
            self.stream.write(self.format(record) + self.terminator)
            unflushed = _batch.unflushed
            if unflushed is None:
                self.stream.flush()
            else:
                unflushed[self] = record
        except RecursionError:
            raise
        except Exception:  # as in every handler: logging must not break what logs
            self.handleError(record)


@contextmanager
def one_flush() -> Iterator[None]:
    """Let the console handlers that write in this thread flush once, at the end."""
    unflushed: dict[ConsoleHandler, logging.LogRecord] = {}
    _batch.unflushed = unflushed
    try:
        yield
    finally:
        _batch.unflushed = None
        for handler, record in unflushed.items():
            try:
                handler.flush()
            except Exception:  # the same
                handler.handleError(record)


class _Batch(threading.local):
    unflushed: dict[ConsoleHandler, logging.LogRecord] | None = None


_batch = _Batch()
_PLAIN = logging.Formatter()


def _takes_colour(stream: Any) -> bool:
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or sys.platform == "win32":
        return False
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):  # no real stream, or one that is closed
        return False
