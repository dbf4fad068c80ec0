"""Text that stays on its line."""

import re

__all__ = ["escape", "without_surrogates"]

# Characters that end, hide or reorder a line of a terminal or a log file: C0 (but tab), DEL, C1, the Unicode line
# separators and direction overrides; and lone surrogates, which no stream can encode.
_UNSAFE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def escape(text: str) -> str:
    r"""Write line breaks and other control characters as ``\n``, ``\x1b`` and so on."""
    return text if text.isprintable() else _UNSAFE.sub(_escaped, text)


def without_surrogates(text: str) -> str:
    r"""Write lone surrogates as ``\udcff``: no encoding has them, and strict JSON parsers refuse them."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
