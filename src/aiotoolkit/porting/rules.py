r"""Flask's URL rules on aiohttp's router: converters, order of specificity, slashes, HEAD and OPTIONS, and `url_for`.

``add_rule(app, "/user/<int:id>", read_user)`` finds the same views, the same values and the same redirects as Flask
does. The rules of an application are one resource of its router, which is searched once for each request, after the
routes that were added to the router by other means and begin with more of the request's path.

Werkzeug is not needed at run time.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from inspect import iscoroutinefunction
from typing import Any, Final, Protocol, cast
from urllib.parse import quote, unquote

from aiohttp import hdrs, web
from aiohttp.abc import AbstractView
from aiohttp.typedefs import Handler
from yarl import URL

from aiotoolkit import routes
from aiotoolkit.porting._converters import BUILT_IN, SAFE, Converter
from aiotoolkit.porting._rule_match import RuleMatch, endpoint_of, rule_values
from aiotoolkit.porting._rule_states import Found, Matcher, Moved, Rule

__all__ = [
    "AddRule",
    "Converter",
    "RuleResource",
    "add_rule",
    "add_rule_context",
    "endpoint_of",
    "rule_values",
    "setup_rules",
    "url_for",
]

View = Handler | type[AbstractView]

_UNQUOTED_QUERY: Final = "%" + SAFE + '?[]{}|^`"<>\\'
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
    ) -> "RuleResource":
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
    if _TABLE in app:
        raise RuntimeError("The application has rules already: call setup_rules once, before the first add_rule")
    known = dict(BUILT_IN)
    for name, converter in (converters or {}).items():
        if not (isinstance(converter, type) and issubclass(converter, Converter)):
            raise TypeError(f"The converter {name!r} must be a class derived from aiotoolkit.porting.rules.Converter")
        known[name] = converter
    table = _Table(known, strict_slashes=strict_slashes)
    app.router.register_resource(table)
    app[_TABLE] = table


def add_rule(
    app: web.Application,
    rule: str,
    view: View,
    *,
    endpoint: str | None = None,
    methods: Iterable[str] | None = None,
    defaults: Mapping[str, Any] | None = None,
    strict_slashes: bool | None = None,
) -> "RuleResource":
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
    if _TABLE not in app:
        setup_rules(app)
    return app[_TABLE].add(
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
    ) -> RuleResource:
        name = _endpoint_for(view, endpoint)
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
        url = _build(endpoint, rules, given, preferred, required=_method is not None)
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


def _tables_of(request_or_app: web.Request | web.Application) -> "list[_Table]":
    if isinstance(request_or_app, web.Application):
        apps: list[web.Application] = [request_or_app]
    else:
        # The application that answers comes first, then those around it.
        apps = [request_or_app.app, *reversed(request_or_app.match_info.apps)]
    return [app[_TABLE] for app in apps if _TABLE in app]


def _build(
    endpoint: str, rules: Iterable[Rule], values: Mapping[str, Any], method: str | None, *, required: bool
) -> str:
    for wanted in (method,) if required or method is None else (method, None):
        for rule in rules:
            if rule.is_suitable_for(values, wanted):
                try:
                    return rule.build(values)
                except (TypeError, ValueError) as error:
                    raise ValueError(f"The URL of {endpoint!r}, {rule.text}, cannot be built: {error}") from error
    known = " or ".join(rule.text for rule in rules)
    given = ", ".join(values) or "nothing"
    raise LookupError(f"The URL of {endpoint!r} cannot be built from {given}: its rules are {known}")


def _absolute(url: str, request: web.Request | None, scheme: str | None) -> str:
    if request is None:
        raise TypeError("An external URL needs a request, which knows scheme and host, not an application")
    if not _HOST.fullmatch(request.host):
        raise web.HTTPBadRequest(text="The Host header does not name a host")
    return f"{scheme or request.scheme}://{request.host}{url}"


class RuleResource(web.AbstractResource):
    """A rule on aiohttp's router: its name, its path and its methods, for `url_for` and whoever lists the routes."""

    def __init__(self, rule: Rule, name: str | None) -> None:
        super().__init__(name=name)
        self.rule = rule
        self.routes: dict[str, web.ResourceRoute] = {}

    @property
    def endpoint(self) -> str:
        """The rule's endpoint."""
        return self.rule.endpoint

    @property
    def canonical(self) -> str:
        """The path with ``{name}`` for what is dynamic."""
        return self.rule.formatter

    def url_for(self, **parts: Any) -> URL:
        """The URL of the rule with these values."""
        return URL(_build(self.endpoint, [self.rule], parts, None, required=False), encoded=True)

    async def resolve(self, request: web.Request) -> tuple[None, set[str]]:
        """Nothing: the application's rules are searched together, by their order of specificity."""
        return None, _NO_METHODS

    def add_prefix(self, prefix: str) -> None:
        """Move below the prefix of a sub-application."""
        self.rule = self.rule.with_prefix(_rule_prefix(prefix))

    def get_info(self) -> Any:
        """As aiohttp's own resources have it."""
        if self.rule.converters:
            return {"formatter": self.rule.formatter, "pattern": self.rule.pattern}
        return {"path": self.rule.formatter}

    def raw_match(self, path: str) -> bool:
        """Never: a route of aiohttp's own with the same path is another resource."""
        return False

    def __len__(self) -> int:
        return len(self.routes)

    def __iter__(self) -> Iterator[web.AbstractRoute]:
        return iter(self.routes.values())

    def __repr__(self) -> str:
        return f"<RuleResource {self.endpoint!r} {self.rule.text}>"


_NO_METHODS: Final[set[str]] = set()


class _Table(web.AbstractResource):
    """All rules of one application: the resource that answers for them."""

    def __init__(self, converters: Mapping[str, type[Converter]], *, strict_slashes: bool) -> None:
        super().__init__()
        self._converters = converters
        self._strict_slashes = strict_slashes
        self._resources: dict[int, RuleResource] = {}
        self._views: dict[str, View] = {}
        self._prefix = ""
        self._matcher: Matcher | None = None
        self._redirect = web.ResourceRoute(hdrs.METH_ANY, _redirect, self)

    def add(
        self,
        router: web.UrlDispatcher,
        text: str,
        view: View,
        *,
        endpoint: str | None,
        methods: Iterable[str] | None,
        defaults: Mapping[str, Any] | None,
        strict_slashes: bool | None,
    ) -> RuleResource:
        """Check a rule, and add it to the router."""
        name = _endpoint_for(view, endpoint)
        if self._views.get(name, view) is not view:
            raise ValueError(f"The endpoint {name!r} belongs to another view: pass another endpoint= with {text!r}")
        _check_view(view, text)
        wanted = _methods_for(view, methods)
        automatic = _automatic(wanted)
        rule = Rule(
            text,
            endpoint=name,
            methods=wanted | automatic,
            defaults=defaults or {},
            strict_slashes=self._strict_slashes if strict_slashes is None else strict_slashes,
            known=self._converters,
        )
        resource = RuleResource(rule, name if name not in self._views and _is_route_name(name) else None)
        for method in sorted(rule.methods):
            handler = self._handler(view, method, automatic=method in automatic)
            resource.routes[method] = web.ResourceRoute(method, handler, resource)
        router.register_resource(resource)
        self._views[name] = view
        self._resources[id(resource)] = resource
        self._matcher = None
        return resource

    def _handler(self, view: View, method: str, *, automatic: bool) -> View:
        if automatic and method == hdrs.METH_OPTIONS:
            return self._answer_options
        if automatic and isinstance(view, type) and issubclass(view, web.View) and not hasattr(view, "head"):
            return _head_of(view)
        return view

    @property
    def matcher(self) -> Matcher:
        """The tree of the rules, made when it is asked for the first time after a rule was added."""
        if self._matcher is None:
            self._matcher = Matcher([resource.rule for resource in self._resources.values()])
            self._by_rule = {id(resource.rule): resource for resource in self._resources.values()}
        return self._matcher

    async def resolve(self, request: web.Request) -> tuple[web.UrlMappingMatchInfo | None, set[str]]:
        """Find the rule of a request, or the redirect to where it is."""
        result = self.matcher.match(_path_of(request), request.method)
        if isinstance(result, Found):
            rule = result.rule
            route = self._by_rule[id(rule)].routes[request.method]
            return RuleMatch(result.texts, route, converted=result.values, endpoint=rule.endpoint), _NO_METHODS
        if isinstance(result, Moved):
            query = request.rel_url.raw_query_string
            location = f"{result.path}?{quote(query, safe=_UNQUOTED_QUERY)}" if query else result.path
            return RuleMatch({}, self._redirect, location=location), _NO_METHODS
        return None, result

    async def _answer_options(self, request: web.Request) -> web.Response:
        allowed = self.matcher.allowed_methods(_path_of(request))
        return web.Response(headers={hdrs.ALLOW: ", ".join(sorted(allowed))}, content_type="text/html", charset="utf-8")

    @property
    def canonical(self) -> str:
        """The prefix of all rules."""
        return self._prefix or "/"

    def url_for(self, **parts: Any) -> URL:
        """Refused: each rule has its own."""
        raise RuntimeError("url_for is for a rule: use aiotoolkit.porting.rules.url_for")

    def add_prefix(self, prefix: str) -> None:
        """Move below the prefix of a sub-application, after its rules or before them."""
        self._prefix = prefix + self._prefix
        self._matcher = None

    def freeze(self) -> None:
        """Build the tree before the first request."""
        _ = self.matcher

    def get_info(self) -> Any:
        """The prefix of all rules."""
        return {"path": self.canonical}

    def raw_match(self, path: str) -> bool:
        """Never: it is no route."""
        return False

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[web.AbstractRoute]:
        return iter(())

    def __repr__(self) -> str:
        return f"<rules of {self.canonical}>"


_TABLE: Final = web.AppKey("aiotoolkit.porting.rules", _Table)


async def _redirect(request: web.Request) -> web.StreamResponse:
    location = cast("RuleMatch", request.match_info).location
    raise web.HTTPPermanentRedirect(URL(location, encoded=True))


def _head_of(view: type[web.View]) -> Handler:
    async def head(request: web.Request) -> web.StreamResponse:
        response: web.StreamResponse = await cast("Any", view(request)).get()
        return response

    return head


def _path_of(request: web.Request) -> str:
    """The path as Flask sees it: all of it decoded, so that ``%2F`` is a slash."""
    path = request.rel_url.raw_path
    return unquote(path, errors="replace") if "%" in path else path


def _rule_prefix(prefix: str) -> str:
    prefix = unquote(prefix)
    if "<" in prefix:
        raise ValueError(f"The prefix {prefix!r} of a sub-application with rules cannot hold '<'")
    return prefix


def _endpoint_for(view: object, endpoint: str | None) -> str:
    name: object = getattr(view, "__name__", None) if endpoint is None else endpoint
    if not isinstance(name, str) or not name:
        raise TypeError(f"{view!r} has no name: pass endpoint=, some text")
    return name


def _check_view(view: object, text: str) -> None:
    if isinstance(view, type) and issubclass(view, AbstractView):
        return
    if not iscoroutinefunction(view):
        raise TypeError(
            f"{text}: the view {view!r} is neither a coroutine function nor a web.View: write async def, or wrap it "
            "with sync_view of aiotoolkit.porting.views"
        )


def _methods_for(view: object, methods: Iterable[str] | None) -> frozenset[str]:
    if methods is None:
        methods = cast("Iterable[str] | None", getattr(view, "methods", None))
    if methods is None and isinstance(view, type):
        methods = [method for method in hdrs.METH_ALL if hasattr(view, method.lower())]
    if isinstance(methods, str):
        raise TypeError(f"methods= is a list of methods, such as [{methods!r}], not text")
    return frozenset(method.upper() for method in methods or ("GET",))


def _automatic(methods: frozenset[str]) -> frozenset[str]:
    added = {hdrs.METH_OPTIONS} | ({hdrs.METH_HEAD} if hdrs.METH_GET in methods else set())
    return frozenset(added - methods)


def _is_route_name(name: str) -> bool:
    """Whether aiohttp takes it as the name of a resource."""
    try:
        web.UrlDispatcher().add_resource("/", name=name)
    except ValueError:
        return False
    return True
