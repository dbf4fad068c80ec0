"""What a loaded application has, and which of its routes the source showed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aiotoolkit.porting._report_ast import Route

__all__ = ["Live", "LiveRoute", "match_routes", "read_live"]


@dataclass(frozen=True, slots=True)
class LiveRoute:
    """One rule of the URL map.

    Args:
        rule: with all prefixes.
        endpoint: its name.
        methods: without the HEAD and OPTIONS that Flask adds.
        view: name of the function or class.
        file: where that is defined.
        line: of its first decorator, 0 where it is unknown.
        origin: ``found`` by static reading, ``missed`` by it, ``package`` for one that an installed package brings, or
            ``automatic`` for Flask's own routes of static files.
    """

    rule: str
    endpoint: str
    methods: tuple[str, ...]
    view: str
    file: str
    line: int
    origin: str = "missed"


@dataclass(frozen=True, slots=True)
class Live:
    """What a loaded application has.

    Args:
        routes: every rule of its URL map.
        not_live: routes of the source that this application does not have: dead code, or other applications.
        rest: hooks, error handlers, extensions, blueprints, commands and the like, by name.
    """

    routes: tuple[LiveRoute, ...]
    not_live: tuple[Route, ...]
    rest: Mapping[str, Any]

    def count(self, origin: str) -> int:
        """How many routes have this origin."""
        return sum(route.origin == origin for route in self.routes)


def read_live(data: Mapping[str, Any]) -> Live:
    """Take what the process of the application wrote."""
    routes = tuple(
        LiveRoute(
            str(item["rule"]),
            str(item["endpoint"]),
            tuple(item["methods"]),
            str(item["view"]["name"]),
            str(item["view"]["file"]),
            int(item["view"]["line"]),
        )
        for item in data["routes"]
    )
    return Live(routes, (), {key: value for key, value in data.items() if key != "routes"})


def match_routes(live: Live, routes: Sequence[Route], folder: Path) -> Live:
    """Find each live route in the source: the same view, and a rule that ends as the source says.

    A rule of the source answers for one live route only, except where its blueprint is registered more than once.
    """
    by_view: defaultdict[str | None, list[tuple[int, Route]]] = defaultdict(list)
    for number, route in enumerate(routes):
        by_view[route.view].append((number, route))
    used: set[int] = set()
    found: list[LiveRoute] = []
    for item in live.routes:
        match = _find(item, by_view, used, folder)
        if match is not None:
            used.add(match)
        found.append(replace(item, origin=_origin(item, match, folder)))
    rest = tuple(route for number, route in enumerate(routes) if number not in used)
    return Live(tuple(found), rest, live.rest)


def _find(
    item: LiveRoute,
    by_view: Mapping[str | None, list[tuple[int, Route]]],
    used: AbstractSet[int],
    folder: Path,
) -> int | None:
    names = [item.view.rpartition(".")[2], item.view.split(".")[0]]  # a function inside a factory; a class
    candidates = [pair for name in dict.fromkeys(names) for pair in by_view.get(name, ())]
    same_file = [pair for pair in candidates if _is_same(item.file, folder / pair[1].file)]
    # A view may be registered in another file than the one that defines it; a rule without a view says nothing of it.
    for group in (same_file, candidates, by_view.get(None, [])):
        fitting = [(number, route) for number, route in group if _fits(item.rule, route)]
        fitting.sort(key=lambda pair: (pair[0] in used, pair[1].rule is None, -len(pair[1].rule or "")))
        if fitting and not (group is not same_file and fitting[0][0] in used):
            return fitting[0][0]
    return None


def _fits(rule: str, route: Route) -> bool:
    if route.rule is None:  # computed, so any
        return route.view is not None
    return rule.endswith(route.rule) or (route.rule in {"", "/"} and route.view is not None)


def _is_same(file: str, other: Path) -> bool:
    return bool(file) and Path(file).resolve() == other.resolve()


def _origin(item: LiveRoute, number: int | None, folder: Path) -> str:
    if number is not None:
        return "found"
    if item.endpoint.rpartition(".")[2] == "static":
        return "automatic"
    file = Path(item.file).resolve()
    # An environment may lie inside the folder.
    inside = file.is_relative_to(folder) and not {"site-packages", "dist-packages"} & set(
        file.relative_to(folder).parts
    )
    return "missed" if inside or not item.file else "package"
