"""The dynamic parts of a route's path, as parameters of OpenAPI: a Python regular expression as a JSON Schema."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

__all__ = ["NotTemplateError", "parts_of", "schema_of_pattern", "shape_of"]


class NotTemplateError(Exception):
    """No path template of OpenAPI means what the route does; the text says why."""


def shape_of(path: str) -> str:
    """A template without the names in it: two that differ in names only are one (OpenAPI 3.1.1, section 4.8.8)."""
    return _NAME.sub("{}", path)


_NAME: Final = re.compile(r"\{([^{}]*)\}")


def parts_of(path: str, pattern: re.Pattern[str] | None) -> dict[str, str]:
    """The dynamic parts of a path, each with its regular expression.

    Raises:
        NotTemplateError: a part may hold a slash, or it is none that can be told apart.
    """
    names = _NAME.findall(path)
    found = {} if pattern is None else dict(_groups(pattern.pattern))
    if sorted(names) != sorted(found):
        raise NotTemplateError("a brace in the path belongs to no dynamic part")
    for name, regex in found.items():
        if any(_takes_slash(token) for token in _tokens(regex)):
            raise NotTemplateError(f"the dynamic part {name!r} may hold a slash, and a path parameter may not")
    return found


_START: Final = re.compile(r"\(\?P<(\w+)>")
# One character as it is written, an opening with its flags, or a quantifier.
_TOKEN: Final = re.compile(
    r"\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\."
    r"|\[\^?\]?(?:\\.|[^\]\\])*\]"
    r"|\(\?(?:P<\w+>|P=\w+\)|<[=!]|[aiLmsux-]+[:)]|.)"
    r"|(?:[*+?]|\{[0-9]*(?:,[0-9]*)?\})[+?]?"
    r"|.",
    re.DOTALL,
)


def _tokens(regex: str) -> Iterator[str]:
    return (match[0] for match in _TOKEN.finditer(regex))


def _groups(regex: str) -> Iterator[tuple[str, str]]:
    """The names and regular expressions of the outermost named groups."""
    name, depth, start = "", 0, 0
    for match in _TOKEN.finditer(regex):
        if match[0][0] == "(" and not match[0].endswith(")"):
            depth += 1
            named = _START.fullmatch(match[0])
            if depth == 1 and named is not None:
                name, start = named[1], match.end()
        elif match[0] == ")":
            depth -= 1
            if depth == 0:
                yield name, regex[start : match.start()]


def _takes_slash(token: str) -> bool:
    """Tell whether a token stands for a slash, or for any character."""
    if token[0] in "(*+?{|)^$":
        return False
    try:
        return re.fullmatch(token, "/") is not None
    except re.error:  # such as a reference to a group: it holds what that does
        return False


_INTEGERS: Final[dict[str, dict[str, Any]]] = {
    r"\d+": {"type": "integer", "minimum": 0},
    "[0-9]+": {"type": "integer", "minimum": 0},
    r"-?\d+": {"type": "integer"},
    "-?[0-9]+": {"type": "integer"},
}
_ANYTHING: Final = frozenset({"[^{}/]+", "[^/]+"})  # the first is aiohttp's own, where a route gives none
_WORDS: Final = re.compile(r"[\w-]+(?:\|[\w-]+)+")


def schema_of_pattern(regex: str) -> tuple[dict[str, Any], bool]:
    """The JSON Schema of the text that a regular expression of Python matches, and whether it says all.

    Digits and letters are those of ASCII, as JSON Schema's are. What only Python has is kept in ``x-python-pattern``.
    """
    regex = _without_group(regex)
    if regex in _ANYTHING:
        return {"type": "string", "minLength": 1}, True
    if regex in _INTEGERS:
        return dict(_INTEGERS[regex]), True
    if _WORDS.fullmatch(regex):
        return {"type": "string", "enum": list(dict.fromkeys(regex.split("|")))}, True
    try:
        translated = "".join(map(_translated, _tokens(regex)))
    except LookupError:
        return {"type": "string", "x-python-pattern": regex}, False
    return {"type": "string", "pattern": f"^(?:{translated})$"}, True


def _without_group(regex: str) -> str:
    """The same without a group around all of it."""
    for opening in ("(?:", "("):
        inner = regex[len(opening) : -1]
        if regex.startswith(opening) and regex.endswith(")") and _WORDS.fullmatch(inner):
            return inner
    return regex


_ESCAPES: Final = {r"\d": "[0-9]", r"\D": "[^0-9]", r"\w": "[A-Za-z0-9_]", r"\W": "[^A-Za-z0-9_]"}
_IN_CLASS: Final = {r"\d": "0-9", r"\w": "A-Za-z0-9_"}
_SAME: Final = frozenset({r"\s", r"\S", r"\b", r"\B", r"\t", r"\n", r"\r", r"\f", r"\v"})
_SYNTAX: Final = frozenset(r"^$\.*+?()[]{}|/")


def _translated(token: str) -> str:
    """A token as ECMA-262 writes it.

    Raises:
        LookupError: it has no such thing.
    """
    kind = token[0]
    translate = _TRANSLATIONS.get(kind if token != kind else "")
    return token if translate is None else translate(token)


def _translated_escape(token: str) -> str:
    if token in _ESCAPES:
        return _ESCAPES[token]
    if len(token) > 2 or token in _SAME:
        return token
    if token[1].isalnum():
        raise LookupError(token)
    return token if token[1] in _SYNTAX else token[1]


def _translated_class(token: str) -> str:
    negated = "^" if token.startswith("[^") else ""
    inner = token[1 + len(negated) : -1]
    inner = "\\" + inner if inner.startswith("]") else inner
    return f"[{negated}{re.sub(_TOKEN_IN_CLASS, _in_class, inner)}]"


_TOKEN_IN_CLASS: Final = re.compile(r"\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|\[", re.DOTALL)


def _in_class(match: re.Match[str]) -> str:
    token = match[0]
    if token == "[":  # noqa: S105 - no password
        return r"\["
    if token in (r"\D", r"\W"):
        return token
    return _IN_CLASS[token] if token in _IN_CLASS else _escaped_in_class(token)


def _escaped_in_class(token: str) -> str:
    return token if token == r"\-" else _translated_escape(token)  # noqa: S105 - no password


def _translated_opening(token: str) -> str:
    if _START.fullmatch(token):
        return "(?:"
    if token in ("(?:", "(?=", "(?!", "(?<=", "(?<!"):
        return token
    raise LookupError(token)


def _translated_quantifier(token: str) -> str:
    if token.endswith("+") and len(token) > 1:  # possessive
        raise LookupError(token)
    return "{0" + token[1:] if token.startswith("{,") else token


_TRANSLATIONS: Final[dict[str, Callable[[str], str]]] = {
    "\\": _translated_escape,
    "[": _translated_class,
    "(": _translated_opening,
    **dict.fromkeys("*+?{", _translated_quantifier),
}
