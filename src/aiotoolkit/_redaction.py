"""What may be shown of a value: secrets are recognised by name, by place in a URL, or by ``name=value`` in a text."""

import re
from collections.abc import Mapping
from types import NoneType
from typing import Any

__all__ = ["HIDDEN", "is_secret_name", "mask_source", "mask_text", "safe_repr"]

HIDDEN = "***"

_SECRET_WORDS = (
    "authorization",
    "connection_?string",
    "cookie",
    "credential",
    "csrf",
    "dsn",
    "jwt",
    "key",
    "pass",
    "private",
    "pwd",
    "salt",
    "secret",
    "session_?id",
    "token",
    "xsrf",
)
# Hiding MONKEY_COUNT costs nothing, showing APIKEY2 does: a word counts wherever it stands in a name.
# The name is folded and not the pattern: that is up to twenty times faster.
_SECRET_NAME = re.compile("|".join(_SECRET_WORDS))
_URL_LOGIN = re.compile(r"://[^/?#:]*:")
# Without a password the user name may be a token, as in https://TOKEN@host.
_URL_USER = re.compile(r"://[^/?#@:]+@")
# password=..., 'password': ... and "password": ..., in query strings, connection strings, JSON and foreign reprs.
# The count keeps a long run of such words from being scanned again for each of them.
_ASSIGNMENT = re.compile(
    rf"""((?:{"|".join(_SECRET_WORDS)})[\w-]{{0,64}}(?:["']\s*:|\s*=)\s*)"""
    r"""(?:b?'(?:[^'\\]|\\.)*'|b?"(?:[^"\\]|\\.)*"|[\[({].*|\S+)""",
    re.IGNORECASE | re.DOTALL,
)
# ('Authorization', '...') in the repr of raw headers and of other pairs.
_PAIR = re.compile(
    rf"""((["'])[\w-]{{0,64}}(?:{"|".join(_SECRET_WORDS)})[\w-]{{0,64}}\2\s*,\s*b?)"""
    r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""",
    re.IGNORECASE | re.DOTALL,
)
# Authorization: ..., Set-Cookie: ... as a header is written, to the end of the line; password: ... to the next blank.
_HEADER = re.compile(r"""\b((?:proxy-)?authorization|(?:set-)?cookie)(:[ \t]*)[^\s"'][^\r\n]*""", re.IGNORECASE)
_LABEL = re.compile(r"""((?:api[_-]?key|passw(?:or)?d|pwd|secret|token):[ \t]+)[^\s"']\S*""", re.IGNORECASE)
# What follows the name of a scheme, wherever it stands (RFC 9110, section 11.4).
_CREDENTIALS = re.compile(r"\b(Basic|Bearer|Digest)[ ]+[A-Za-z0-9._~+/=-]{6,}")
# In source code a literal is a secret, a name is not.
_LITERAL = re.compile(rf"""(?:{"|".join(_SECRET_WORDS)})[\w-]{{0,64}}["']?\s*[:=]\s*\w{{0,2}}["']""", re.IGNORECASE)


def is_secret_name(name: object) -> bool:
    """Say whether a value of this name must not be shown: SECRET_KEY, sentry_dsn, ``api-token``, Authorization..."""
    return isinstance(name, str) and _SECRET_NAME.search(name.casefold()) is not None


def mask_text(text: str) -> str:
    """Hide what looks secret inside a text. It hides too much rather than too little."""
    # A raw password may hold "/", "@" or "?" (drivers accept them): it ends at the last "@" and nowhere before.
    end = text.rfind("@")
    if login := _URL_LOGIN.search(text, 0, max(end, 0)):
        text = text[: login.end()] + HIDDEN + text[end:]
    text = _URL_USER.sub(f"://{HIDDEN}@", text)
    text = _ASSIGNMENT.sub(rf"\1{HIDDEN}", text)
    text = _PAIR.sub(rf"\1'{HIDDEN}'", text)
    text = _HEADER.sub(rf"\1\2{HIDDEN}", text)
    text = _LABEL.sub(rf"\1{HIDDEN}", text)
    return _CREDENTIALS.sub(rf"\1 {HIDDEN}", text)


def mask_source(line: str) -> str:
    """Hide literals that look secret in a line of source code, and leave code itself readable."""
    return mask_text(line) if "://" in line or _LITERAL.search(line) else line


def safe_repr(value: Any, name: object = None) -> str:
    """Return the ``repr`` of a value that has this name, with secrets hidden at every depth.

    ``None`` is shown under any name: that a secret is not set is no secret.
    """
    kind = type(value)
    if is_secret_name(name) and kind is not NoneType:
        return repr(HIDDEN)
    if issubclass(kind, Mapping):
        return "{" + ", ".join(f"{safe_repr(key)}: {safe_repr(item, key)}" for key, item in value.items()) + "}"
    if kind is str:
        return repr(mask_text(value))
    if kind in _BRACKETS:
        return _safe_collection(value)
    return mask_text(repr(value))


_BRACKETS = {tuple: "({})", list: "[{}]", set: "{{{}}}", frozenset: "frozenset({{{}}})"}


def _safe_collection(value: tuple[Any, ...]) -> str:
    if not value:
        return repr(value)
    inner = ", ".join(safe_repr(item) for item in value)
    if type(value) is tuple and len(value) == 1:
        inner += ","
    return _BRACKETS[type(value)].format(inner)
