"""What may be shown of a value: secrets are recognised by name, by place in a URL, or by ``name=value`` in a text."""

import re
from collections.abc import Mapping
from types import NoneType
from typing import Any

__all__ = ["HIDDEN", "is_secret_name", "mask_text", "safe_repr"]

HIDDEN = "***"

_SECRET_WORDS = (
    "authorization",
    "connection_?string",
    "credential",
    "dsn",
    "jwt",
    "key",
    "pass",
    "private",
    "pwd",
    "salt",
    "secret",
    "token",
)
# Hiding MONKEY_COUNT costs nothing, showing APIKEY2 does: a word counts wherever it stands in a name.
_SECRET_NAME = re.compile("|".join(_SECRET_WORDS), re.IGNORECASE)
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


def is_secret_name(name: object) -> bool:
    """Say whether a value of this name must not be shown: SECRET_KEY, sentry_dsn, ``api-token``, Authorization..."""
    return isinstance(name, str) and _SECRET_NAME.search(name) is not None


def mask_text(text: str) -> str:
    """Hide what looks secret inside a text. It hides too much rather than too little."""
    # A raw password may hold "/", "@" or "?" (drivers accept them): it ends at the last "@" and nowhere before.
    end = text.rfind("@")
    if login := _URL_LOGIN.search(text, 0, max(end, 0)):
        text = text[: login.end()] + HIDDEN + text[end:]
    text = _URL_USER.sub(f"://{HIDDEN}@", text)
    return _ASSIGNMENT.sub(rf"\1{HIDDEN}", text)


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
