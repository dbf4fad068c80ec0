"""The rules of an application on aiohttp's router."""

from collections.abc import Iterable, Iterator, Mapping
from inspect import iscoroutinefunction
from typing import Any, Final, cast
from urllib.parse import quote, unquote

from aiohttp import hdrs, web
from aiohttp.abc import AbstractView
from aiohttp.typedefs import Handler
from yarl import URL

from aiotoolkit.porting._converters import SAFE, Converter
from aiotoolkit.porting._rule import Rule
from aiotoolkit.porting._rule_match import RuleMatch
from aiotoolkit.porting._rule_states import Found, Matcher, Moved

__all__ = ["TABLE", "RuleTable", "View", "build_url", "endpoint_for"]

View = Handler | type[AbstractView]

# What stays as it is in the query of a redirect.
_QUERY: Final = f"%{SAFE}?"


def build_url(
    endpoint: str, rules: Iterable[Rule], values: Mapping[str, Any], method: str | None, *, required: bool
) -> str:
    """Build the URL by the first rule that takes the values, of the method first; errors as for ``rules.url_for``."""
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


class _RuleResource(web.AbstractResource):
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
        return URL(build_url(self.endpoint, [self.rule], parts, None, required=False), encoded=True)

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


class RuleTable(web.AbstractResource):
    """All rules of one application: the resource that answers for them."""

    def __init__(self, converters: Mapping[str, type[Converter]], *, strict_slashes: bool) -> None:
        super().__init__()
        self._converters = converters
        self._strict_slashes = strict_slashes
        self._resources: list[_RuleResource] = []
        self._views: dict[str, View] = {}
        self._prefix = ""
        self._matcher: Matcher | None = None
        self._by_rule: dict[int, _RuleResource] = {}
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
    ) -> web.AbstractResource:
        """Check a rule, and add it to the router."""
        name = endpoint_for(view, endpoint)
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
        resource = _RuleResource(rule, name if name not in self._views and _is_route_name(name) else None)
        for method in sorted(rule.methods):
            handler = self._handler(view, method, automatic=method in automatic)
            resource.routes[method] = web.ResourceRoute(method, handler, resource)
        router.register_resource(resource)
        self._views[name] = view
        self._resources.append(resource)
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
            self._matcher = Matcher([resource.rule for resource in self._resources])
            self._by_rule = {id(resource.rule): resource for resource in self._resources}
        return self._matcher

    async def resolve(self, request: web.Request) -> tuple[web.UrlMappingMatchInfo | None, set[str]]:
        """Find the rule of a request, or the redirect to where it is."""
        result = self.matcher.match(_path_of(request), request.method)
        if isinstance(result, Found):
            rule = result.rule
            route = self._by_rule[id(rule)].routes[request.method]
            return RuleMatch(result.texts, route, result.values, rule.endpoint), _NO_METHODS
        if isinstance(result, Moved):
            query = quote(request.rel_url.raw_query_string, _QUERY, errors="surrogateescape")
            location = f"{result.path}?{query}" if query else result.path
            return RuleMatch({}, self._redirect, {}, None, location), _NO_METHODS
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


TABLE: Final = web.AppKey("aiotoolkit.porting.rules", RuleTable)


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


def endpoint_for(view: object, endpoint: str | None) -> str:
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
