"""How `aiotoolkit.routes.url_for` finds a route by its name and builds the URL that leads back to it."""

import difflib
import math
import os
import re
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, TypeAlias, cast
from urllib.parse import quote
from uuid import UUID

from aiohttp import web
from yarl import URL

__all__ = ["PathPart", "Query", "part_names", "url_for"]

PathPart: TypeAlias = str | int | float | Decimal | UUID | date | time | Enum | os.PathLike[str]
"""What `url_for` takes as a part of a path, as a value of a query, and as an anchor."""

Query: TypeAlias = Mapping[str, PathPart | Sequence[PathPart]] | Iterable[tuple[str, PathPart]]
"""What `url_for` takes as a query."""

_FILENAME = frozenset({"filename"})
_FIELD = re.compile(r"\{(\w+)\}")
# RFC 9110, section 7.2, without what no host is called: neither aiohttp nor yarl checks what the client sent.
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
# Of the characters that RFC 3986, section 3.3 allows in a path, those that are harmless inside HTML and shells too.
_SAFE = ":@,"


def url_for(
    request_or_app: web.Request | web.Application,
    name: str,
    /,
    *,
    _query: Query | None = None,
    _anchor: PathPart | None = None,
    _absolute: bool = False,
    **parts: PathPart,
) -> URL:
    r"""Build the URL of a named route.

    The URL leads back to the route with the same parts. A value that cannot do so is an error, not a broken link.
    Slashes inside a value stay slashes where the route's pattern takes them (``{path:.*}``), and become ``%2F`` where
    it does not (``{name}``).

    Args:
        request_or_app: Where to look the name up. The request's own application comes first (the sub-application
            that answers it), then all others that are mounted on the same root; an application comes before the
            sub-applications below it. Sub-applications bound to a domain are left out: their paths mean nothing on
            another host.
        name: The route's full name, such as ``"api.list_projects"``.
        _query: The query: a mapping, where a list or tuple repeats its key, or a list of pairs.
        _anchor: The fragment, without ``#``.
        _absolute: Add scheme and host, as the request has them. The host comes from the client's ``Host`` header:
            where that is not checked by a proxy in front, do not mail such URLs.
        **parts: The dynamic parts of the path, or ``filename`` for static files. Numbers, UUIDs, dates (ISO 8601),
            paths and enumerations (their value) become text; booleans become ``true`` or ``false``.

    Returns:
        A `yarl.URL`, percent-encoded.

    Raises:
        LookupError: No route has that name, or several applications have one.
        TypeError: A part is missing, unknown or of a type that has no obvious text; ``_absolute`` without a request.
        ValueError: A part does not match the route's pattern, or cannot stand in a URL (RFC 3986, section 5.2.4:
            clients remove ``.`` and ``..``).
        aiohttp.web.HTTPBadRequest: ``_absolute``, and the client's ``Host`` header is not a host.

    Example::

        url_for(request, "api.project", project_id=7, _query={"page": 2})  # /api/project/7?page=2
    """
    url = _build_path(_find_resource(request_or_app, name), name, parts)
    if _query is not None:
        pairs = _query_pairs(_query)
        url = url.extend_query(pairs) if url.raw_query_string else url.with_query(pairs)
    if _anchor is not None:
        url = url.with_fragment(_to_text(_anchor, "_anchor"))
    return _to_absolute(url, request_or_app, name) if _absolute else url


def part_names(request_or_app: web.Request | web.Application, name: str) -> frozenset[str]:
    """What `url_for` takes as parts for a route.

    Raises:
        LookupError: No route has that name, or several applications have one.
    """
    return _part_names(_find_resource(request_or_app, name))


# Finding the route


def _find_resource(request_or_app: object, name: object) -> web.AbstractResource:
    match request_or_app:
        case web.Request():
            app = request_or_app.app
        case web.Application():
            app = request_or_app
        case _:
            raise TypeError(f"url_for takes a request or an application first, not {type(request_or_app).__name__}")
    if not isinstance(name, str):
        raise TypeError(f"url_for takes the name of a route second, as text, not {type(name).__name__}")
    resource = app.router.get(name)
    if resource is not None:
        return resource
    return _find_in_others(_root(request_or_app) if isinstance(request_or_app, web.Request) else app, name)


def _find_in_others(root: web.Application, name: str) -> web.AbstractResource:
    found = [resource for app in _family(root) if (resource := app.router.get(name)) is not None]
    if len(found) == 1:
        return found[0]
    if found:
        places = " and ".join(resource.canonical for resource in found)
        raise LookupError(f"Several applications have a route named {name!r}: {places}. Pass the application meant")
    names = sorted({known for app in _family(root) for known in app.router})
    close = difflib.get_close_matches(name, names)
    hint = f"Did you mean {' or '.join(map(repr, close))}?" if close else f"Named routes: {_listed(names)}"
    raise LookupError(f"There is no route named {name!r}. {hint}")


# What each frozen application has mounted below it. Weak on both sides: routes may hold what holds the application.
_families: weakref.WeakKeyDictionary[web.Application, tuple[weakref.ref[web.Application], ...]] = (
    weakref.WeakKeyDictionary()
)


def _family(app: web.Application) -> list[web.Application]:
    """The application and all that are mounted below it under a prefix, at any depth."""
    known = _families.get(app)
    if known is None:
        known = tuple(weakref.ref(member) for member in _walk(app))
        if app.router.frozen:
            _families[app] = known
    return [member for ref in known if (member := ref()) is not None]


def _walk(app: web.Application) -> Iterator[web.Application]:
    yield app
    for resource in app.router.resources():
        info = resource.get_info()
        if "app" in info and "prefix" in info:  # a sub-application bound to a domain has a rule, no prefix
            yield from _walk(info["app"])


def _root(request: web.Request) -> web.Application:
    """The outermost application that a request came through, on the same host as the one that answers it."""
    root = request.app
    chain = request.match_info.apps
    for outer in reversed(chain[: chain.index(root)]):
        if root not in _family(outer):
            break
        root = outer
    return root


# Building the path


def _build_path(resource: web.AbstractResource, name: str, parts: Mapping[str, object]) -> URL:
    info = resource.get_info()
    _check_names(name, resource, _part_names(resource), parts)
    if "directory" in info:
        return _static_url(resource, name, _to_text(parts["filename"], "filename"))
    template = _parse(resource.canonical)[1]
    if "pattern" in info:
        return _fill(name, template, info["pattern"], {key: _to_text(value, key) for key, value in parts.items()})
    return URL.build(path=template or "/", encoded=True)


def _part_names(resource: web.AbstractResource) -> frozenset[str]:
    return _FILENAME if "directory" in resource.get_info() else _parse(resource.canonical)[0]


@lru_cache(maxsize=4096)
def _parse(canonical: str) -> tuple[frozenset[str], str]:
    """The names of a path's dynamic parts, and the path with its fixed parts percent-encoded.

    aiohttp has those of a dynamic path encoded already, and those of a plain path as they were written: with ``%25``
    and ``%2F`` as the only encoded characters that can match.
    """
    return frozenset(_FIELD.findall(canonical)), quote(canonical, safe="/%{}!$&'()*+;=" + _SAFE)


def _check_names(
    name: str, resource: web.AbstractResource, fields: frozenset[str], parts: Mapping[str, object]
) -> None:
    if fields == parts.keys():
        return
    problems: list[str] = []
    if missing := sorted(fields - parts.keys()):
        problems.append(f"is missing {', '.join(missing)}")
    if unknown := sorted(parts.keys() - fields):
        problems.append(f"does not take {', '.join(unknown)}")
    takes = f"It takes {', '.join(sorted(fields))}" if fields else "It takes no parts (for a query, pass _query)"
    raise TypeError(f"The URL of {name!r}, {resource.canonical}, {' and '.join(problems)}. {takes}")


def _fill(name: str, template: str, pattern: re.Pattern[str], texts: dict[str, str]) -> URL:
    # A slash inside a value stays one only where the route then still sees the same values.
    for safe in ("/" + _SAFE, _SAFE):
        path = template.format_map({key: _quote(text, safe) for key, text in texts.items()})
        # "//" at the start would send the client to another host.
        if not path.startswith("//") and not _has_dot_segment(path) and _leads_back(path, pattern, texts):
            return URL.build(path=path, encoded=True)
    given = ", ".join(f"{key}={_shortened(text)}" for key, text in texts.items())
    raise ValueError(f"The URL of {name!r} cannot be built with {given}: it would not lead back to {pattern.pattern}")


def _quote(text: str, safe: str) -> str:
    return text if text.isalnum() and text.isascii() else quote(text, safe=safe)


def _leads_back(path: str, pattern: re.Pattern[str], texts: dict[str, str]) -> bool:
    """Whether aiohttp, which matches the decoded path save for ``%25`` and ``%2F``, would see the same values."""
    match = pattern.fullmatch(URL.build(path=path, encoded=True).path_safe if "%" in path else path)
    if match is None:
        return False
    return all(match[key].replace("%2F", "/").replace("%25", "%") == text for key, text in texts.items())


def _static_url(resource: web.AbstractResource, name: str, filename: str) -> URL:
    if not filename.strip("/") or _has_dot_segment(filename):
        raise ValueError(
            f"The URL of {name!r} cannot be built with filename={_shortened(filename)}: name a file below it"
        )
    return resource.url_for(filename=filename)


def _has_dot_segment(path: str) -> bool:
    return "." in path and not {".", ".."}.isdisjoint(path.split("/"))


# Turning values into text


def _to_text(value: object, what: str) -> str:
    match value:
        case Enum():
            return _to_text(value.value, what)
        case bool():
            return "true" if value else "false"
        case str():
            return _encodable(value, what)
        case float() | Decimal() if not math.isfinite(value):
            raise ValueError(f"{what} is not a finite number")
        case int() | float() | Decimal() | UUID():
            return str(value)
        case date() | time():
            return value.isoformat()
        case os.PathLike():
            return _encodable(_path_text(value, what), what)
        case _:
            raise TypeError(f"{what} is of type {type(value).__name__}, which has no obvious text: convert it to str")


def _path_text(path: os.PathLike[Any], what: str) -> str:
    text: object = path.__fspath__()
    if not isinstance(text, str):
        raise TypeError(f"{what} is a path of bytes: convert it to str")
    return text.replace(os.sep, "/")


def _encodable(text: str, what: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{what} holds a lone surrogate, which has no place in a URL") from None
    return text


def _query_pairs(query: object) -> list[tuple[str, str]]:
    if isinstance(query, str | bytes) or not isinstance(query, Iterable):
        raise TypeError(f"_query is a mapping or a list of pairs, not {type(query).__name__}")
    pairs: list[tuple[str, str]] = []
    for pair in cast("Iterable[Any]", query.items() if isinstance(query, Mapping) else query):
        if not isinstance(pair, tuple | list) or len(pair) != 2 or not isinstance(pair[0], str):
            raise TypeError("_query is a mapping with text for keys, or a list of such (key, value) pairs")
        key, value = _encodable(pair[0], "a key of _query"), pair[1]
        what = f"_query[{key!r}]"
        values = cast("Sequence[object]", value) if isinstance(value, list | tuple) else (value,)
        pairs.extend((key, _to_text(single, what)) for single in values)
    return pairs


def _to_absolute(url: URL, request: object, name: str) -> URL:
    if not isinstance(request, web.Request):
        raise TypeError(
            f"The absolute URL of {name!r} needs a request, which knows scheme and host, not an application"
        )
    host = request.host
    try:
        if _HOST.fullmatch(host):
            return URL.build(scheme=request.scheme, authority=host).join(url)
    except ValueError:  # the port is out of range
        pass
    raise web.HTTPBadRequest(text="The Host header does not name a host")


# Wording


def _listed(names: list[str], most: int = 10) -> str:
    if not names:
        return "none"
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _shortened(text: str, most: int = 40) -> str:
    return repr(text if len(text) <= most else text[:most] + "...")
