"""The filters of the templates."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from markupsafe import Markup, escape

__all__ = ["FILTERS"]


MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def day(moment: datetime) -> str:
    """A date that everybody reads in the same way: 1 March 2026."""
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def paragraphs(text: str) -> Markup:
    """Text with empty lines between its paragraphs, as HTML. What it holds is escaped."""
    parts = [escape(part) for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n")) if part.strip()]
    return Markup("\n").join(Markup("<p>{}</p>").format(part) for part in parts)


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {"day": day, "paragraphs": paragraphs}
