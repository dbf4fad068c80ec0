"""Two answers to one request: every difference that a client could notice."""

import base64
import binascii
import difflib
import hashlib
import html
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urljoin, urlsplit

from aiotoolkit._redaction import HIDDEN, is_secret_name, mask_text
from aiotoolkit.porting._parity_client import Answer, Origin, SetCookie, decoded_body, parse_set_cookie
from aiotoolkit.porting._parity_script import Rule

__all__ = ["Difference", "View", "differences_of"]

# What belongs to the connection or to the server software, or follows from the body.
IGNORED = {"connection", "content-length", "date", "keep-alive", "server", "set-cookie", "trailer", "transfer-encoding"}
SETS = {
    "access-control-allow-headers", "access-control-allow-methods", "access-control-expose-headers", "allow",
    "cache-control", "vary",
}  # fmt: skip
# Their values depend on the clock or on how a file is stored: that they are there is what counts.
PRESENCE = {"etag", "expires", "last-modified"}
SECRET_HEADERS = {"authorization", "proxy-authorization"}

MOST = 20  # differences of one JSON body, and lines of one diff: the first ones tell the story
SHOWN = 200  # characters of a value

# payload.timestamp.signature of itsdangerous, a JSON web token, a Fernet token: different each time they are made.
_SIGNED = re.compile(r"\.?[\w-]*\.[\w-]{4,}\.[\w-]{16,}|gAAAA[\w=-]{40,}")
_ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between the two answers to one step.

    Args:
        step: the name of the step.
        request: method and path, as the script has them.
        what: ``status``, ``header:Name``, ``cookie:name``, ``cookie:name;attribute``, ``body``, ``body:/json/pointer``,
            ``capture:name``, ``redirects``, or ``connection`` for an answer that did not come.
        flask: what Flask's side gave, shortened and without secrets.
        aiohttp: the other side's.
        detail: a unified diff, for texts.
        announced: the reason why it is expected, or None.
    """

    step: str
    request: str
    what: str
    flask: str
    aiohttp: str
    detail: str = ""
    announced: str | None = None


@dataclass(frozen=True, slots=True)
class View:
    """One side's answer, and what must be taken out of it before it can be compared."""

    answer: Answer
    origin: Origin
    rules: Sequence[Rule]
    hidden: Sequence[tuple[str, str]] = ()  # values that differ by nature (tokens), and the names that replace them

    def clean(self, text: str) -> str:
        """The text without the address of the server, captured values, and what the script's rules replace."""
        text = text.replace(str(self.origin), "{base}").replace(self.origin.authority, "{host}")
        for value, name in self.hidden:
            text = text.replace(value, name).replace(html.escape(value), name)
        for rule in self.rules:
            text = rule.pattern.sub(rule.replacement, text)
        return text


Found = tuple[str, str, str, str]  # what, flask, aiohttp, detail


def differences_of(left: View, right: View, *, method: str, sessions: bool, ignore: Sequence[str]) -> list[Found]:
    """List the differences between two answers.

    Args:
        left: Flask's.
        right: aiohttp's.
        method: of the request: the answer to HEAD has no body.
        sessions: compare what is inside signed cookies that anyone can read (itsdangerous).
        ignore: patterns of what is not reported.
    """
    if left.answer.error is not None or right.answer.error is not None:
        return [_connection(left.answer, right.answer)]  # no rule may hide that: two dead servers are not equal
    found: list[Found] = []
    if left.answer.status != right.answer.status:
        found.append(("status", str(left.answer.status), str(right.answer.status), ""))
    if left.answer.hops != right.answer.hops:
        ways = [mask_text(", ".join(view.answer.hops)) or "none" for view in (left, right)]
        found.append(("redirects", ways[0], ways[1], ""))
    found += _headers(left, right)
    found += _cookies(left, right, sessions=sessions)
    if method != "HEAD":
        found += _bodies(left, right)
    return [item for item in found if not any(matches(item[0], pattern) for pattern in ignore)]


def matches(what: str, pattern: str) -> bool:
    """Whether a pattern (``header:X-*``, ``body:/items/*/id``, ``body``) covers a difference. Case does not count."""
    what, pattern = what.lower(), pattern.lower()
    return fnmatchcase(what, pattern) or (pattern == "body" and what.startswith("body:"))


def _connection(left: Answer, right: Answer) -> Found:
    return "connection", left.error or f"status {left.status}", right.error or f"status {right.status}", ""


def _headers(left: View, right: View) -> Iterator[Found]:
    names = {name.lower(): name for view in (right, left) for name, _ in view.answer.headers}
    for lower in sorted(names.keys() - IGNORED):
        one, two = _header(left, lower), _header(right, lower)
        if one != two:
            yield f"header:{names[lower].title()}", _shown_header(lower, one), _shown_header(lower, two), ""


def _header(view: View, name: str) -> str:
    value = view.answer.get(name)
    if value is None:
        return _ABSENT
    if name in PRESENCE:
        return "present"
    if name in SETS:
        members = {part.strip() for part in value.split(",")}
        folded = members if name == "allow" else {part.lower() for part in members}
        return ", ".join(sorted(folded - {""}))
    if name == "content-type":
        return _content_type(value)
    if name == "location":
        return view.clean(_location(view, value))
    return view.clean(value)


def _content_type(value: str) -> str:
    kind, *parameters = value.split(";")
    pairs = [parameter.strip().partition("=") for parameter in parameters if parameter.strip()]
    ordered = sorted(f"{name.strip().lower()}={text.strip().strip(chr(34)).lower()}" for name, _, text in pairs)
    return "; ".join([kind.strip().lower(), *ordered])


def _location(view: View, value: str) -> str:
    """A path where it leads to the side's own host, however it was written."""
    try:
        parts = urlsplit(urljoin(str(view.origin) + view.answer.url, value))
        own = (parts.hostname, parts.port or view.origin.port) == (view.origin.host, view.origin.port)
    except ValueError:
        return value
    if not own:
        return value
    tail = f"?{parts.query}" if parts.query else ""
    return f"{parts.path or '/'}{tail}" + (f"#{parts.fragment}" if parts.fragment else "")


def _shown_header(name: str, value: str) -> str:
    if name in SECRET_HEADERS:
        return HIDDEN
    if is_secret_name(name) and value != _ABSENT:
        return f"{HIDDEN} ({len(value)} characters)"
    return mask_text(value)[:SHOWN]


def _cookies(left: View, right: View, *, sessions: bool) -> Iterator[Found]:
    ours, theirs = _by_name(left), _by_name(right)
    for name in sorted(ours.keys() | theirs.keys()):
        one, two = ours.get(name), theirs.get(name)
        if one is None or two is None:
            yield f"cookie:{name}", _presence(one), _presence(two), ""
            continue
        if one.deletes != two.deletes:
            yield f"cookie:{name}", _presence(one), _presence(two), ""
            continue
        if not one.deletes:
            yield from _cookie_value(name, (left, one), (right, two), sessions=sessions)
        first, second = _attributes(one), _attributes(two)
        for key in sorted(first.keys() | second.keys()):
            if (a := first.get(key, _ABSENT)) != (b := second.get(key, _ABSENT)):
                yield f"cookie:{name};{key}", a, b, ""


def _by_name(view: View) -> dict[str, SetCookie]:
    cookies = (parse_set_cookie(text) for text in view.answer.all("set-cookie"))
    return {cookie.name: cookie for cookie in cookies if cookie is not None}


def _presence(cookie: SetCookie | None) -> str:
    if cookie is None:
        return "not set"
    return "deleted" if cookie.deletes else "set"


def _attributes(cookie: SetCookie) -> dict[str, str]:
    """The date of Expires moves with the clock; that there is one does not. Values of the others count as they are."""
    shown = {key: value or "yes" for key, value in cookie.attributes.items()}
    if cookie.deletes:
        # Max-Age=0 and a date of long ago say the same.
        return {key: value for key, value in shown.items() if key not in {"max-age", "expires"}}
    if "expires" in shown:
        shown["expires"] = "present"
    if "samesite" in shown:
        shown["samesite"] = shown["samesite"].lower()
    shown.setdefault("path", "/")
    return shown


def _cookie_value(
    name: str, left: tuple[View, SetCookie], right: tuple[View, SetCookie], *, sessions: bool
) -> Iterator[Found]:
    (one_view, one), (two_view, two) = left, right
    first, second = one.value.strip('"'), two.value.strip('"')
    signed = [_SIGNED.fullmatch(value) is not None for value in (first, second)]
    if all(signed):
        if sessions:
            yield from _session(name, first, second)
    elif any(signed):
        one_kind, two_kind = ("a signed value" if kind else "a plain value" for kind in signed)
        yield f"cookie:{name}", one_kind, two_kind, ""
    elif one_view.clean(first) != two_view.clean(second):
        yield f"cookie:{name}", _hidden_value(first), _hidden_value(second), ""


def _hidden_value(value: str) -> str:
    return f"{HIDDEN} ({len(value)} characters, sha256 {hashlib.sha256(value.encode()).hexdigest()[:8]})"


def _session(name: str, left: str, right: str) -> Iterator[Found]:
    one, two = signed_payload(left), signed_payload(right)
    for pointer, a, b in json_differences(one, two):
        yield f"cookie:{name}:{pointer}", _kind_only(a), _kind_only(b), ""


def _kind_only(value: Any) -> str:
    return _ABSENT if value is _MISSING else f"{HIDDEN} ({type(value).__name__})"


def signed_payload(value: str) -> Any:
    """What a cookie of itsdangerous holds, which anyone can read; the signature does not matter. None: not readable."""
    packed = value.startswith(".")
    text = value.removeprefix(".").split(".")[0]
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return json.loads(zlib.decompressobj().decompress(data, 2**20) if packed else data)
    except (ValueError, zlib.error, binascii.Error, RecursionError):
        return None


def _bodies(left: View, right: View) -> Iterator[Found]:
    kinds = [_content_type(view.answer.get("content-type") or "").partition(";")[0] for view in (left, right)]
    one, two = decoded_body(left.answer), decoded_body(right.answer)
    if one == two:
        return
    if all(_is_json(kind) for kind in kinds):
        try:
            parsed = _parse_json(left, one), _parse_json(right, two)
        except (ValueError, RecursionError):
            pass
        else:
            yield from _json_bodies(*parsed)
            return
    # A side that says nothing of its type, or something else, is compared as what the other one is.
    if all(_is_text(kind) for kind in kinds if kind):
        is_html = any("html" in kind for kind in kinds)
        yield from _texts(left.clean(_decode(one)), right.clean(_decode(two)), is_html=is_html)
        return
    yield "body", _summary(one), _summary(two), ""


def _is_json(kind: str) -> bool:
    return kind == "application/json" or kind.endswith("+json")


def _is_text(kind: str) -> bool:
    return kind.startswith("text/") or _is_json(kind) or kind.endswith(("+xml", "/xml", "/javascript"))


def _decode(data: bytes) -> str:
    return data.decode(errors="backslashreplace")


def _summary(data: bytes) -> str:
    return f"{len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()[:12]}"


def _parse_json(view: View, data: bytes) -> Any:
    return json.loads(view.clean(data.decode()))


def _json_bodies(left: Any, right: Any) -> Iterator[Found]:
    for number, (pointer, one, two) in enumerate(json_differences(left, right)):
        if number == MOST:
            yield "body", "and more", "and more", ""
            return
        name = pointer.rpartition("/")[2]
        yield (f"body:{pointer}" if pointer else "body"), _shown_json(name, one), _shown_json(name, two), ""


class _Missing:
    pass


_MISSING = _Missing()


def json_differences(left: Any, right: Any, pointer: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two JSON values differ: JSON pointers (RFC 6901) and both values. The order of members does not count."""
    pending = [(pointer, left, right)]
    while pending:  # no recursion: the bodies are deeper than the stack where somebody wants it so
        where, one, two = pending.pop()
        if isinstance(one, dict) and isinstance(two, dict):
            keys = list(one) + [key for key in two if key not in one]
            deeper = [(_join(where, key), one.get(key, _MISSING), two.get(key, _MISSING)) for key in keys]
        elif isinstance(one, list) and isinstance(two, list):
            count = max(len(one), len(two))
            deeper = [(f"{where}/{number}", _at(one, number), _at(two, number)) for number in range(count)]
        else:
            # True == 1 in Python, and not in JSON.
            if isinstance(one, bool) is not isinstance(two, bool) or one != two:
                yield where, one, two
            continue
        pending += reversed(deeper)


def _join(pointer: str, key: str) -> str:
    return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"


def _at(values: list[Any], number: int) -> Any:
    return values[number] if number < len(values) else _MISSING


def _shown_json(name: str, value: Any) -> str:
    if value is _MISSING:
        return _ABSENT
    if is_secret_name(name) and isinstance(value, str):
        return HIDDEN
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, dict | list) else _shown_container(value)
    return mask_text(text)[:SHOWN]


def _shown_container(value: dict[str, Any] | list[Any]) -> str:
    return f"object of {len(value)}" if isinstance(value, dict) else f"array of {len(value)}"


def _texts(left: str, right: str, *, is_html: bool) -> Iterator[Found]:
    if is_html:
        left, right = _folded(left), _folded(right)
    if left == right:
        return
    ours, theirs = left.split("\n"), right.split("\n")
    # difflib takes time with the square of what differs.
    small = len(ours) + len(theirs) < 10_000
    diff = list(difflib.unified_diff(ours, theirs, "flask", "aiohttp", lineterm="", n=1)) if small else []
    one, two = f"{len(left)} characters", f"{len(right)} characters"
    if diff:
        only = [sum(line.startswith(sign) for line in diff[2:]) for sign in "-+"]
        one, two = f"{one}, {only[0]} lines differ", f"{two}, {only[1]} lines differ"
    more = [f"... {len(diff) - MOST} more lines"] if len(diff) > MOST else []
    yield "body", one, two, "\n".join([mask_text(line[:SHOWN]) for line in diff[:MOST]] + more)


def _folded(text: str) -> str:
    """One blank for each run of white space, and a line for each tag, so that a diff can be read."""
    return re.sub(r">( ?)<", r">\1\n<", " ".join(text.split()))
