"""One request in the access log: fields for what reads records, and a text for what writes lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiotoolkit._escaping import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AccessLine"]

_QUOTES = 6


class AccessLine:
    """The message of an access log record. Its text is made where, and only where, text is written.

    Args:
        fields: method, path, status, size, duration, remote, user_agent and referer; the record has them too.
        version: Major and minor version of HTTP.
    """

    __slots__ = ("fields", "version")

    def __init__(self, fields: Mapping[str, Any], version: tuple[int, int]) -> None:
        self.fields = fields
        self.version = version

    def __str__(self) -> str:
        """Return the line; no value in it can end its quotes or the line."""
        line = _line(self.fields, self.version)
        if line.isprintable() and line.count('"') == _QUOTES and "\\" not in line:
            return line
        escaped = {name: _escaped(value) if isinstance(value, str) else value for name, value in self.fields.items()}
        return _line(escaped, self.version)

    def summary(self) -> str:
        """Return a short text, for where the fields stand beside it."""
        fields = self.fields
        return f"{fields['method']} {fields['path']} {fields['status']}"


def _line(fields: Mapping[str, Any], version: tuple[int, int]) -> str:
    return (
        f'{fields["remote"] or "-"} "{fields["method"]} {fields["path"]} HTTP/{version[0]}.{version[1]}" '
        f"{fields['status']} {fields['size']} {fields['duration']:.6f} "
        f'"{fields["referer"] or "-"}" "{fields["user_agent"] or "-"}"'
    )


def _escaped(text: str) -> str:
    return escape(text.replace("\\", "\\\\").replace('"', '\\"'))
