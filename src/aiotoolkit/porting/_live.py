"""Load a Flask application in a process of its own, and write as JSON what it has.

Run as a script, by a Python that need not have the toolkit: ``python _live.py MODULE:NAME OUTPUT FOLDER``.
"""

import contextlib
import importlib
import inspect
import json
import os
import sys
from typing import Any


def main() -> None:
    target, output, folder = sys.argv[1:]
    load = importlib.import_module("_serve").load
    sys.path[0] = os.getcwd()
    sys.path.append(folder)
    os.dup2(2, 1)  # what the application prints is no part of the answer
    app = load(target, required=2)
    if not hasattr(app, "url_map"):
        raise SystemExit(f"{target} is a {type(app).__name__}, and no Flask application")
    with open(output, "w", encoding="utf-8") as file:
        json.dump(describe(app), file)
    os._exit(0)  # threads of the application do not keep the report waiting


def describe(app: Any) -> dict[str, Any]:
    """Rules, hooks, handlers, extensions and blueprints: names and places, and no value of the configuration."""
    return {
        "routes": [describe_rule(app, rule) for rule in app.url_map.iter_rules()],
        "hooks": describe_hooks(app),
        "error_handlers": [
            {"scope": scope or "", "error": str(code or getattr(kind, "__name__", kind)), "handler": place(handler)}
            for scope, codes in app.error_handler_spec.items()
            for code, handlers in codes.items()
            for kind, handler in handlers.items()
        ],
        "extensions": sorted(map(str, app.extensions)),
        "blueprints": [
            {"name": name, "url_prefix": getattr(blueprint, "url_prefix", None)}
            for name, blueprint in app.blueprints.items()
        ],
        "commands": sorted(app.cli.commands),
        "template_filters": own_names(app, "filters"),
        "session_interface": full_name(type(app.session_interface)),
        "request_class": full_name(app.request_class),
        "response_class": full_name(app.response_class),
        "wsgi_middlewares": middlewares(app),
    }


def describe_rule(app: Any, rule: Any) -> dict[str, Any]:
    view = app.view_functions.get(rule.endpoint)
    return {
        "rule": rule.rule,
        "endpoint": str(rule.endpoint),
        "methods": sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}),
        "host": rule.host or rule.subdomain or "",
        "view": place(view),
    }


HOOKS = (
    "before_request_funcs",
    "after_request_funcs",
    "teardown_request_funcs",
    "url_value_preprocessors",
    "url_default_functions",
    "template_context_processors",
)


def describe_hooks(app: Any) -> list[dict[str, Any]]:
    found = [
        {"kind": name.replace("_funcs", ""), "scope": scope or "", "function": place(function)}
        for name in HOOKS
        for scope, functions in getattr(app, name, {}).items()
        for function in functions
    ]
    for name in ("teardown_appcontext_funcs", "before_first_request_funcs"):
        functions = getattr(app, name, ())
        found += [{"kind": name.replace("_funcs", ""), "scope": "", "function": place(item)} for item in functions]
    return found


def place(function: Any) -> dict[str, Any]:
    """Name, file and line of a function or class, behind decorators and partials."""
    found = getattr(function, "view_class", None) or function
    with contextlib.suppress(ValueError):  # a loop of __wrapped__
        found = inspect.unwrap(found)
    found = getattr(found, "func", found)  # functools.partial
    code = getattr(found, "__code__", None)
    module = sys.modules.get(str(getattr(found, "__module__", "")))
    return {
        "name": str(getattr(found, "__qualname__", type(found).__name__)),
        "file": str(code.co_filename if code is not None else getattr(module, "__file__", "") or ""),
        "line": int(code.co_firstlineno) if code is not None else 0,
    }


def own_names(app: Any, kind: str) -> list[str]:
    from jinja2.filters import FILTERS  # noqa: PLC0415 - Flask brings it

    return sorted(map(str, set(getattr(app.jinja_env, kind)) - set(FILTERS)))


def full_name(kind: Any) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def middlewares(app: Any) -> list[str]:
    """The WSGI middlewares around the application, outermost first."""
    names: list[str] = []
    current: Any = app.wsgi_app
    while current is not app and not inspect.ismethod(current) and len(names) < 20:
        names.append(full_name(type(current)))
        inner = [getattr(current, name) for name in ("wsgi_app", "app", "application") if hasattr(current, name)]
        if not inner:
            break
        current = inner[0]
    return names


if __name__ == "__main__":
    main()
