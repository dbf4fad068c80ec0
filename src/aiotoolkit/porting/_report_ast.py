"""Reads one file of a Flask code base by its syntax tree. Nothing is imported or run."""

import ast
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from aiotoolkit.porting._report_table import (
    BLOCKING,
    BLOCKING_METHODS,
    EXTENSIONS,
    FLASK_NAMES,
    METHODS,
    WERKZEUG_NAMES,
)

__all__ = ["Blocking", "Finding", "Route", "SourceFile", "read_source"]

HTTP_METHODS = {"get", "post", "put", "patch", "delete"}
VIEW_METHODS = HTTP_METHODS | {"head", "options", "trace", "dispatch_request"}
VIEW_BASES = {
    "flask.views.MethodView", "flask.views.View", "flask_restful.Resource", "flask_restx.Resource",
    "flask_restplus.Resource",
}  # fmt: skip
FLASK_MODULES = {
    "app", "blueprints", "cli", "config", "globals", "helpers", "json", "provider", "sessions", "signals", "templating",
    "wrappers",
}  # fmt: skip
_EXPOSING = ("flask_appbuilder.expose", "flask_appbuilder.api.expose", "flask_admin.expose", "flask_classful.route")


@dataclass(frozen=True, slots=True)
class Finding:
    """One construct at one place."""

    kind: str
    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Route:
    """One URL rule as the source has it.

    Args:
        file: relative to the folder that was read.
        line: where the rule stands.
        rule: the text, without prefixes of blueprints; None where it is not a literal.
        methods: as they are written, empty where they are left to Flask or not literal.
        view: name of the function or class; None where that cannot be read.
    """

    file: str
    line: int
    rule: str | None
    methods: tuple[str, ...]
    view: str | None


@dataclass(frozen=True, slots=True)
class Blocking:
    """A call that keeps the event loop waiting, in a view or hook or in a function of the same file that one calls."""

    file: str
    line: int
    call: str
    view: str
    instead: str


@dataclass(slots=True)
class SourceFile:
    """What one file has."""

    name: str
    lines: int = 0
    findings: list[Finding] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    blocking: list[Blocking] = field(default_factory=list)
    extensions: dict[str, int] = field(default_factory=dict)  # package -> line of its first import


def read_source(name: str, data: bytes) -> SourceFile:
    """Take stock of one file.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it cannot be read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about escapes in texts: not what was asked
        tree = ast.parse(data)
    return _Reader(name, data.count(b"\n") + 1, tree).read()


FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class _Reader:
    def __init__(self, name: str, lines: int, tree: ast.Module) -> None:
        self.found = SourceFile(name, lines)
        self.tree = tree
        self.nodes = list(ast.walk(tree))
        self.names = _imports(self.nodes)
        self.is_flask = any(_is_flask(target) for target in self.names.values()) or "*flask" in self.names
        self.view_names: set[str] = set()
        self.views: list[tuple[str, ast.AST]] = []
        self.called = {node.func for node in self.nodes if isinstance(node, ast.Call)}
        self.claimed: set[ast.AST] = set()  # decorators and called names that already count as something else

    def read(self) -> SourceFile:
        """Everything that this file has."""
        self._extensions()
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self._function(node)
            elif isinstance(node, ast.ClassDef):
                self._class(node)
            elif isinstance(node, ast.Call):
                self._call(node)
            elif isinstance(node, ast.Subscript | ast.Attribute):
                self._access(node)
        for node in self.nodes:
            if isinstance(node, ast.Name | ast.Attribute) and node not in self.claimed:
                self._name(node)
        self._blocking()
        self.found.findings.sort(key=lambda finding: (finding.line, finding.kind, finding.text))
        self.found.routes.sort(key=lambda route: route.line)
        return self.found

    def _add(self, kind: str, node: ast.AST, text: str) -> None:
        line = getattr(node, "lineno", 1)
        self.found.findings.append(Finding(kind, self.found.name, line, " ".join(text.split())[:120]))

    def _extensions(self) -> None:
        for node in self.nodes:
            modules: list[str] = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            for module in modules:
                package = module.partition(".")[0]
                if package in EXTENSIONS or (package.startswith(("flask_", "flaskext")) and package != "flask_"):
                    self.found.extensions.setdefault(package, node.lineno)  # type: ignore[attr-defined] # an import

    def resolve(self, node: ast.AST) -> str:
        """The dotted name of an expression, through the imports of the file; empty for anything else."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        root = self.names.get(node.id, "")
        if not root and "*flask" in self.names and node.id in FLASK_NAMES:
            root = f"flask.{node.id}"
        if not root and node.id in {"open", "input"} and not parts:
            root = node.id
        return ".".join([root, *reversed(parts)]) if root else ""

    def _function(self, node: FunctionNode) -> None:
        is_view = False
        for decorator in node.decorator_list:
            call = decorator if isinstance(decorator, ast.Call) else None
            target = call.func if call else decorator
            if call is not None and self._is_route(call):
                self._route(call, node.name)
                is_view = True
            elif isinstance(target, ast.Attribute):
                is_view |= self._decorator(target, call, node)
        if is_view:
            self._view(node.name, node)

    def _is_route(self, call: ast.Call) -> bool:
        if self.resolve(call.func) in _EXPOSING:
            return True
        if not isinstance(call.func, ast.Attribute):
            return False
        rule = _argument(call, 0, "rule")
        if call.func.attr == "route":
            # Without one: an aiohttp or Bottle file, or another library's decorator of this name.
            return rule is not None and (self.is_flask or isinstance(rule, ast.Constant))
        return call.func.attr in HTTP_METHODS and _literal(rule) is not None and self._like_rule(rule)

    def _like_rule(self, rule: ast.AST | None) -> bool:
        text = _literal(rule)
        return self.is_flask and text is not None and (text == "" or text.startswith("/"))

    def _route(self, call: ast.Call, view: str | None, rules: Iterable[ast.AST | None] | None = None) -> None:
        attribute = call.func.attr if isinstance(call.func, ast.Attribute) else "route"
        methods = _methods(call) or ((attribute.upper(),) if attribute in HTTP_METHODS else ())
        for rule in rules if rules is not None else [_argument(call, 0, "rule")]:
            text = _literal(rule)
            self.found.routes.append(Route(self.found.name, call.lineno, text, methods, view))
            shown = text if text is not None else _source(rule)
            self._add("route", call, f"{'/'.join(methods)} {shown} -> {view or '?'}".strip())
        self.claimed.add(call.func)

    def _decorator(self, target: ast.Attribute, call: ast.Call | None, node: FunctionNode) -> bool:
        """Count a decorator of Flask's; True for a hook or an error handler: they run in requests, as views do."""
        kind = METHODS.get(target.attr)
        if kind is None and target.attr == "command" and _ends(target, ("cli", "command")):
            kind = "cli"
        if kind is None:
            return False
        arguments = ", ".join(_source(argument) for argument in call.args) if call else ""
        self._add(kind, target, f"@{target.attr}{f'({arguments})' if arguments else ''} {node.name}")
        self.claimed.update({target, call.func} if call else {target})
        return kind in {"hook", "error-handler"}

    def _view(self, name: str, node: ast.AST) -> None:
        self.view_names.add(name)
        self.views.append((name, node))
        for inner in _own_nodes(node):
            if isinstance(inner, ast.Return) and _is_converted(inner.value):
                self._add("view-return", inner, f"return {_source(inner.value)}")

    def _class(self, node: ast.ClassDef) -> None:
        bases = {self.resolve(base) for base in node.bases}
        if not bases & VIEW_BASES and not any(base.endswith((".MethodView", ".Resource")) for base in bases):
            return
        self._add("method-view", node, f"class {node.name}")
        for item in node.body:
            if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name in VIEW_METHODS:
                self._view(f"{node.name}.{item.name}", item)
        for decorator in node.decorator_list:  # @api.route("/x") of Flask-RESTX
            if isinstance(decorator, ast.Call) and self._is_route(decorator):
                self._route(decorator, node.name, decorator.args)

    def _call(self, node: ast.Call) -> None:
        func = node.func
        if self.resolve(func).endswith("middleware.proxy_fix.ProxyFix"):
            self._add("proxyfix", node, _source(node))
        if not isinstance(func, ast.Attribute) or func in self.claimed:
            return
        if func.attr == "add_url_rule":
            view = _argument(node, 2, "view_func")
            self._route(node, _view_name(view))
        elif func.attr == "add_resource" and node.args:
            self._route(node, _view_name(node.args[0]), node.args[1:])
        elif _ends(func, ("cli", "add_command")):
            self._add("cli", node, _source(node))
        elif func.attr in METHODS and self.is_flask | (func.attr in {"register_blueprint", "test_client"}):
            self._add(METHODS[func.attr], node, _source(func))
            self.claimed.add(func)
        elif _ends(func, ("config", func.attr)) and func.attr.startswith(("from_", "get", "setdefault", "update")):
            self._config(func.value, _source(node))

    def _access(self, node: ast.Subscript | ast.Attribute) -> None:
        if isinstance(node, ast.Subscript):
            if isinstance(node.value, ast.Attribute) and node.value.attr == "config":
                self._config(node.value, _source(node))
            if _ends(node.value, ("url_map", "converters")):
                self._add("converter", node, _source(node))
        elif node.attr == "wsgi_app" and isinstance(node.ctx, ast.Store):
            self._add("application", node, f"{_source(node)} = (a WSGI middleware)")

    def _config(self, owner: ast.AST, text: str) -> None:
        root = self.resolve(owner)
        # Many classes have a config: that of Flask is found in its files, or on current_app.
        if self.is_flask or _is_flask(root):
            self._add("configuration", owner, text if "=" not in text else f"{text.partition('(')[0]}(...)")

    def _name(self, node: ast.Name | ast.Attribute) -> None:
        name = self.resolve(node)
        if (kind := WERKZEUG_NAMES.get(name)) is not None:
            self._add(kind, node, name)
        elif name.startswith("werkzeug.exceptions.") and isinstance(node.ctx, ast.Load):
            self._add("abort", node, name.rpartition(".")[2])
        elif name.startswith("flask."):
            self._flask_name(node, name)

    def _flask_name(self, node: ast.Name | ast.Attribute, name: str) -> None:
        # Of "flask.request.args" the part "flask.request" is met too: the longest one counts.
        parts = name.split(".")
        while len(parts) > 2 and parts[1] in FLASK_MODULES:
            del parts[1]
        if len(parts) < 2 or parts[1] not in FLASK_NAMES:
            return
        if isinstance(node, ast.Attribute):
            self.claimed.add(node.value)
        kind = FLASK_NAMES[parts[1]]
        if kind in {"application", "blueprint"} and node not in self.called:
            return  # an annotation
        if parts[1:3] == ["request", "files"]:
            kind = "uploads"
        elif parts[1:3] == ["request", "cookies"]:
            kind = "cookies"
        elif parts[1:3] == ["current_app", "config"]:
            return  # it is counted as configuration
        self._add(kind, node, ".".join(parts[1:3]) if kind in {"request", "uploads", "cookies"} else parts[1])

    def _blocking(self) -> None:
        functions = {node.name: node for node in self.tree.body if isinstance(node, FunctionNode)}
        for name, function in functions.items():
            if name in self._named_views() and name not in self.view_names:
                self._view(name, function)
        seen: set[int] = set()
        for view, node in self.views:
            pending: list[ast.AST] = [node]
            while pending:
                current = pending.pop()
                for call in (inner for inner in ast.walk(current) if isinstance(inner, ast.Call)):
                    if id(call) in seen:
                        continue
                    seen.add(id(call))
                    self._blocking_call(call, view)
                    if isinstance(call.func, ast.Name) and (helper := functions.get(call.func.id)) is not None:
                        pending.append(helper)

    def _named_views(self) -> set[str]:
        """Functions that add_url_rule and register_error_handler name."""
        return {route.view for route in self.found.routes if route.view is not None}

    def _blocking_call(self, call: ast.Call, view: str) -> None:
        name = self.resolve(call.func)
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            if instead := BLOCKING.get(".".join(parts[:length])):
                self.found.blocking.append(Blocking(self.found.name, call.lineno, name, view, instead))
                return
        for ending, instead in BLOCKING_METHODS.items():
            if _ends(call.func, ending):
                text = f".{'.'.join(ending)}"
                self.found.blocking.append(Blocking(self.found.name, call.lineno, text, view, instead))
                return


def _imports(nodes: Iterable[ast.AST]) -> dict[str, str]:
    """What each imported name stands for. ``*flask`` is there where everything of flask was imported."""
    names: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                if alias.name != "*":
                    names[alias.asname or alias.name] = f"{module}.{alias.name}"
                elif module == "flask":
                    names["*flask"] = module
    return names


def _is_flask(target: str) -> bool:
    return target == "flask" or target.startswith(("flask.", "flask_"))


def _argument(call: ast.Call, position: int, name: str) -> ast.AST | None:
    if len(call.args) > position:
        return call.args[position]
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _literal(node: ast.AST | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _methods(call: ast.Call) -> tuple[str, ...]:
    value = next((keyword.value for keyword in call.keywords if keyword.arg == "methods"), None)
    if not isinstance(value, ast.List | ast.Tuple | ast.Set):
        return ()
    return tuple(text.upper() for text in map(_literal, value.elts) if text is not None)


def _view_name(node: ast.AST | None) -> str | None:
    """``view``, ``module.view``, ``View.as_view("name")`` or a decorated form of them."""
    while isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr == "as_view":
            node = node.func.value
        else:
            node = node.args[0] if node.args else None
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _ends(node: ast.AST, names: tuple[str, ...]) -> bool:
    """Whether an expression ends in ``.name.name``, whatever stands before."""
    for position, name in enumerate(reversed(names)):
        if isinstance(node, ast.Attribute) and node.attr == name:
            node = node.value
        else:
            return position > 0 and position == len(names) - 1 and isinstance(node, ast.Name) and node.id == name
    return True


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, without those of functions inside it."""
    pending = list(ast.iter_child_nodes(function))
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            pending += ast.iter_child_nodes(node)


def _is_converted(value: ast.AST | None) -> bool:
    """What Flask turns into a response, as far as a literal shows it."""
    if isinstance(value, ast.Constant):
        return isinstance(value.value, str | bytes)
    return isinstance(value, ast.JoinedStr | ast.Tuple | ast.Dict | ast.List)


def _source(node: ast.AST | None) -> str:
    text = "?" if node is None else ast.unparse(node)
    return text if len(text) <= 80 else f"{text[:77]}..."
