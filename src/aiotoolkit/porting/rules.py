r"""Flask's URL rules on aiohttp's router: converters, order of specificity, slashes, HEAD and OPTIONS, and `url_for`.

``add_rule(app, "/user/<int:id>", read_user)`` finds the same views, the same values and the same redirects as Flask
does. The rules of an application are one resource of its router, which is searched once for each request, after the
routes that were added to the router by other means and begin with more of the request's path.

Werkzeug is not needed at run time.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol
from urllib.parse import quote

from aiohttp import web

from aiotoolkit import routes
from aiotoolkit.porting._converters import BUILT_IN, Converter
from aiotoolkit.porting._rule_match import endpoint_of, rule_values
from aiotoolkit.porting._rule_table import TABLE, RuleTable, View, build_url, endpoint_for

__all__ = [
    "AddRule",
    "Converter",
    "add_rule",
    "add_rule_context",
    "endpoint_of",
    "rule_values",
    "setup_rules",
    "url_for",
]

# RFC 9110, section 7.2, without what no host is called.
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


class AddRule(Protocol):
    """What `add_rule_context` yields: `add_rule` without the application, below the context's prefixes."""

    def __call__(
        self,
        rule: str,
        view: View,
        *,
        endpoint: str | None = None,
        methods: Iterable[str] | None = None,
        defaults: Mapping[str, Any] | None = None,
        strict_slashes: bool | None = None,
    ) -> web.AbstractResource:
        """Add one rule, see `add_rule`."""
        ...


def setup_rules(
    app: web.Application, *, converters: Mapping[str, type[Converter]] | None = None, strict_slashes: bool = True
) -> None:
    """Prepare an application for rules; needed only for converters of its own or other slashes, before the first rule.

    Args:
        app: the application.
        converters: more converters by the name that rules give them; ``default`` is that of ``<name>``.
        strict_slashes: what rules have that do not say it.

    Raises:
        RuntimeError: the application has rules already, or is frozen.
        TypeError: a converter is no `Converter` class.
    """
    if TABLE in app:
        raise RuntimeError("The application has rules already: call setup_rules once, before the first add_rule")
    known = dict(BUILT_IN)
    for name, converter in (converters or {}).items():
        if not (isinstance(converter, type) and issubclass(converter, Converter)):
            raise TypeError(f"The converter {name!r} must be a class derived from aiotoolkit.porting.rules.Converter")
        known[name] = converter
    table = RuleTable(known, strict_slashes=strict_slashes)
    app.router.register_resource(table)
    app[TABLE] = table


def add_rule(
    app: web.Application,
    rule: str,
    view: View,
    *,
    endpoint: str | None = None,
    methods: Iterable[str] | None = None,
    defaults: Mapping[str, Any] | None = None,
    strict_slashes: bool | None = None,
) -> web.AbstractResource:
    """Add a URL rule, as ``Flask.add_url_rule``.

    Args:
        app: the application. A sub-application has rules of its own, below its prefix.
        rule: a path with ``<name>`` or ``<converter(arguments):name>`` for what is dynamic.
        view: a coroutine function that takes the request, or a `web.View`. Views that take the values and return what
            Flask's do are wrapped by ``aiotoolkit.porting.views.flask_view`` or ``sync_view``.
        endpoint: the name for `url_for`: any text; by default the view's ``__name__``. Several rules of one view may
            share it.
        methods: by default the ``methods`` of the view, or those that a `web.View` has, or GET. HEAD comes with GET,
            and OPTIONS is answered with the path's methods where no rule names it.
        defaults: values that are not in the path. Where another rule of the endpoint has them in the path, that URL
            is redirected to this rule.
        strict_slashes: with a slash at the end of the rule, whether a path without it is redirected (308) rather than
            answered; without one, whether a path with it is 404 rather than answered.

    Returns:
        The rule's resource, which is on the application's router under the endpoint, where that is a name that
        aiohttp takes and no other rule has.

    Raises:
        TypeError: the view is not async, or an argument is of the wrong type.
        ValueError: the rule cannot be read, or the endpoint belongs to another view.
        RuntimeError: the application is frozen.
    """
    if not isinstance(app, web.Application):
        raise TypeError(f"Rules are added to a web.Application, not to {type(app).__name__}")
    if TABLE not in app:
        setup_rules(app)
    return app[TABLE].add(
        app.router, rule, view, endpoint=endpoint, methods=methods, defaults=defaults, strict_slashes=strict_slashes
    )


@contextmanager
def add_rule_context(
    app: web.Application, url_prefix: str | None = None, name_prefix: str | None = None
) -> Iterator[AddRule]:
    """Add rules that share a URL prefix and a prefix of their endpoints, as a blueprint's do.

    The rules are on the application itself: its 404, its middlewares and its names, as in Flask. Several blueprints
    may have one prefix, or none.

    Example::

        with add_rule_context(app, "/blog", "blog") as add_rule:
            add_rule("/<int:id>", read_post)  # the endpoint is "blog.read_post"
    """
    prefix = (url_prefix or "").rstrip("/")

    def add(
        rule: str,
        view: View,
        *,
        endpoint: str | None = None,
        methods: Iterable[str] | None = None,
        defaults: Mapping[str, Any] | None = None,
        strict_slashes: bool | None = None,
    ) -> web.AbstractResource:
        name = endpoint_for(view, endpoint)
        return add_rule(
            app,
            f"{prefix}/{rule.lstrip('/')}" if rule else prefix,
            view,
            endpoint=f"{name_prefix}.{name}" if name_prefix else name,
            methods=methods,
            defaults=defaults,
            strict_slashes=strict_slashes,
        )

    yield add


def url_for(
    request_or_app: web.Request | web.Application,
    endpoint: str,
    /,
    *,
    _anchor: str | None = None,
    _external: bool = False,
    _method: str | None = None,
    _scheme: str | None = None,
    **values: Any,
) -> str:
    """Build the URL of an endpoint, as Flask's ``url_for``.

    Of several rules, the one that takes the values is used. Values that no rule takes become the query, and None is
    left out. An endpoint that is no rule's is looked for among the names of all other routes, with
    `aiotoolkit.routes.url_for`.

    Args:
        request_or_app: the request, or an application.
        endpoint: the endpoint; ``".index"`` is that of the request's own blueprint.
        _anchor: the fragment.
        _external: with scheme and host, which the client's ``Host`` header names.
        _method: prefer the rule of this method; by default that of the request.
        _scheme: another scheme than the request's; implies ``_external``.
        **values: the parts of the path, and of the query.

    Raises:
        LookupError: no rule and no route has that endpoint, or its rules need more values.
        TypeError: ``_external`` without a request.
        ValueError: a value does not fit its converter.
        aiohttp.web.HTTPBadRequest: ``_external``, and the client's ``Host`` header is not a host.
    """
    request = request_or_app if isinstance(request_or_app, web.Request) else None
    if endpoint.startswith("."):
        endpoint = _sibling(request, endpoint)
    given = {name: value for name, value in values.items() if value is not None}
    tables = _tables_of(request_or_app)
    rules = next((found for table in tables if (found := table.matcher.rules_of(endpoint))), ())
    if rules:
        preferred = _method or (None if request is None else request.method)
        url = build_url(endpoint, rules, given, preferred, required=_method is not None)
    else:
        url = str(routes.url_for(request_or_app, endpoint, **given))
    if _anchor is not None:
        url += "#" + quote(_anchor, safe="%!#$&'()*+,/:;=?@")
    return _absolute(url, request, _scheme) if _external or _scheme is not None else url


def _sibling(request: web.Request | None, endpoint: str) -> str:
    own = None if request is None else endpoint_of(request)
    if own is None:
        raise LookupError(f"{endpoint!r} means an endpoint of the request's blueprint, and there is none: write it out")
    return (own.rpartition(".")[0] + endpoint).lstrip(".")


def _tables_of(request_or_app: web.Request | web.Application) -> "list[RuleTable]":
    if isinstance(request_or_app, web.Application):
        apps: list[web.Application] = [request_or_app]
    else:
        # The application that answers comes first, then those around it.
        apps = [request_or_app.app, *reversed(request_or_app.match_info.apps)]
    return [app[TABLE] for app in apps if TABLE in app]


def _absolute(url: str, request: web.Request | None, scheme: str | None) -> str:
    if request is None:
        raise TypeError("An external URL needs a request, which knows scheme and host, not an application")
    if not _HOST.fullmatch(request.host):
        raise web.HTTPBadRequest(text="The Host header does not name a host")
    return f"{scheme or request.scheme}://{request.host}{url}"
