"""Which routes of a Flask application an aiohttp application has not got yet."""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from aiohttp import web
from yarl import URL

__all__ = ["UnportedRoute", "unported_routes"]

# A variable part of a rule: <name>, <converter:name>, <converter(arguments):name>.
_PART: Final = re.compile(r"<(?:(?P<converter>\w+)(?:\((?P<arguments>.*?)\))?:)?\w+>")

# A value that each of Flask's converters takes.
_SAMPLES: Final = {
    "default": "sample",
    "string": "sample",
    "int": "1",
    "float": "1.5",
    "path": "sample/sample",
    "uuid": "00000000-0000-4000-8000-000000000000",
}

_OPEN: Final = re.compile(r"\{[^{}]*\}")


class UnportedRoute(NamedTuple):
    """A rule that the old application still answers, with the methods that are missing."""

    rule: str
    methods: tuple[str, ...]
    endpoint: str


def unported_routes(app: web.Application, flask_app: Any) -> list[UnportedRoute]:
    """The rules of a Flask application whose requests do not reach a route of the aiohttp application.

    A rule is ported where a URL that it matches is matched by a route for the same method. A rule with a converter of
    the application's own is compared with the routes by its fixed parts. ``HEAD`` and ``OPTIONS`` are left out where
    Flask has added them. Hosts and subdomains are not compared.

    Args:
        app: with its routes; sub-applications count.
        flask_app: anything with ``url_map.iter_rules()``; Flask itself is not needed.
    """
    resources = [_Resource(resource) for resource in _resources(app)]
    unported = []
    for rule in flask_app.url_map.iter_rules():
        if getattr(rule, "build_only", False):
            continue
        ported = _ported_methods(rule.rule, resources)
        missing = () if "*" in ported else tuple(sorted(_methods(rule) - ported))
        if missing:
            unported.append(UnportedRoute(rule.rule, missing, rule.endpoint))
    return unported


def _methods(rule: Any) -> set[str]:
    methods = set(rule.methods or {"*"})
    if "GET" in methods:
        methods.discard("HEAD")
    if len(methods) > 1 and getattr(rule, "provide_automatic_options", True):
        methods.discard("OPTIONS")
    return methods


class _Resource:
    """What the router knows of one path."""

    def __init__(self, resource: web.AbstractResource) -> None:
        info = resource.get_info()
        self.methods = {route.method for route in resource}
        self._path = info.get("path")
        self._pattern = info.get("pattern")
        self._prefix = info.get("prefix") if self._path is None and self._pattern is None else None
        self.shape = _OPEN.sub("{}", info.get("path") or info.get("formatter") or "")

    def matches(self, path: str) -> bool:
        """Whether a request for this path, which is not quoted, would get here."""
        quoted = URL.build(path=path).raw_path  # the router quotes prefixes and most patterns, and not plain paths
        if self._pattern is not None:
            return any(self._pattern.fullmatch(form) for form in (path, quoted))
        if self._prefix is not None:  # static files
            return quoted.startswith(f"{self._prefix}/")
        return self._path in {path, quoted}


def _resources(app: web.Application) -> Iterator[web.AbstractResource]:
    for resource in app.router.resources():
        inner = resource.get_info().get("app")
        if inner is None:
            yield resource
        else:
            yield from _resources(inner)


def _ported_methods(rule: str, resources: list[_Resource]) -> set[str]:
    sample = _sample(rule)
    if sample is None:
        shape = URL.build(path=_PART.sub("{}", rule)).raw_path.replace("%7B%7D", "{}")
        found = [resource for resource in resources if resource.shape == shape]
    else:
        found = [resource for resource in resources if resource.matches(sample)]
    return {method for resource in found for method in resource.methods}


def _sample(rule: str) -> str | None:
    """A path that the rule matches; None where only its converter knows one."""
    values = []
    for part in _PART.finditer(rule):
        value = _value(part["converter"] or "default", part["arguments"] or "")
        if value is None:
            return None
        values.append(value)
    remaining = iter(values)
    return _PART.sub(lambda _: next(remaining), rule)


def _value(converter: str, arguments: str) -> str | None:
    if converter == "any":
        return arguments.split(",", maxsplit=1)[0].strip().strip("\"'") or None
    if arguments:  # lengths, bounds: what they take is not worth guessing
        return None
    return _SAMPLES.get(converter)
