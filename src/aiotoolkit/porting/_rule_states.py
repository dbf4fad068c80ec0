"""The tree of states that finds the rule of a path.

The tree is that of Werkzeug 3: one state for each part between two slashes, fixed parts before dynamic ones, and those
by their weight. Its fine points are kept because applications depend on them: a converter that refuses a value does
not make the next rule match, and a rule whose method is another one does.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote

from aiotoolkit.porting._converters import SAFE
from aiotoolkit.porting._rule import SLASHES, Part, Rule

__all__ = ["Found", "Matcher", "Moved"]


class Found(NamedTuple):
    """The rule of a path, the texts in the path, and the values."""

    rule: Rule
    texts: dict[str, str]
    values: dict[str, Any]


class Moved(NamedTuple):
    """The path, percent-encoded, where the resource is."""

    path: str


@dataclass
class _State:
    # Each with its regular expression, the numbers of its groups that are values, and where it leads.
    dynamic: list[tuple[Part, re.Pattern[str], tuple[int, ...], "_State"]] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    fixed: dict[str, "_State"] = field(default_factory=dict)


class _SlashRequiredError(Exception):
    """The path matches with a slash at its end."""


class Matcher:
    """Finds the rule of a path."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._root = _State()
        self._by_endpoint: dict[str, list[Rule]] = {}
        for rule in rules:
            self._add(rule)
            self._by_endpoint.setdefault(rule.endpoint, []).append(rule)
        _sort(self._root)
        for same in self._by_endpoint.values():
            same.sort(key=lambda rule: (-len(rule.arguments), -len(rule.defaults)))
        self._shortcuts = self._find_shortcuts(rules)

    def rules_of(self, endpoint: str) -> Sequence[Rule]:
        """The rules of an endpoint, in the order in which URLs are built."""
        return self._by_endpoint.get(endpoint, ())

    def match(self, path: str, method: str) -> Found | Moved | set[str]:
        """Find the rule of a decoded path.

        Returns:
            The rule, or where to go instead, or the methods that the path has: none where it is not known.
        """
        if (rule := self._shortcuts.get((path, method))) is not None:
            return Found(rule, {}, dict(rule.defaults))
        path = "/" + path.lstrip("/")
        search = _Search(self._root, path, method)
        try:
            found = search.run()
        except _SlashRequiredError:
            return _moved(f"{path}/")
        if found is None:
            return self._match_merged(path, method, search.methods)
        return self._convert(*found, method, search.methods)

    def allowed_methods(self, path: str) -> set[str]:
        """The methods that a path has."""
        result = self.match(path, "")
        return result if isinstance(result, set) else set()

    def _match_merged(self, path: str, method: str, methods: set[str]) -> Moved | set[str]:
        merged = SLASHES.sub("/", path)
        if merged == path:
            return methods
        search = _Search(self._root, merged, method)
        try:
            found = search.run()
        except _SlashRequiredError:
            return _moved(f"{merged}/")
        return methods | search.methods if found is None else _moved(merged)

    def _convert(self, rule: Rule, found: list[str], method: str, methods: set[str]) -> Found | Moved | set[str]:
        texts = dict(zip(rule.converters, found, strict=True))
        try:
            values = {name: converter.to_python(texts[name]) for name, converter in rule.converters.items()}
        except ValueError:
            return methods
        values.update(rule.defaults)
        for other in self._by_endpoint[rule.endpoint]:
            if other is rule:
                break
            if other.provides_defaults_for(rule) and other.is_suitable_for(values, method):
                return Moved(other.build(values))
        return Found(rule, texts, values)

    def _add(self, rule: Rule) -> None:
        state = self._root
        for part in rule.parts:
            if part.fixed:
                state = state.fixed.setdefault(part.content, _State())
                continue
            known = next((entry[3] for entry in state.dynamic if entry[0] == part), None)
            if known is None:
                known = _State()
                pattern = re.compile(part.content)
                groups = tuple(pattern.groupindex[f"part_{number}"] for number in range(len(part.weight.arguments)))
                state.dynamic.append((part, pattern, groups, known))
            state = known
        state.rules.append(rule)

    def _find_shortcuts(self, rules: Sequence[Rule]) -> dict[tuple[str, str], Rule | None]:
        """The rules of fixed paths, which win over all others: most requests need no search.

        None for those that may redirect to another rule of their endpoint.
        """
        shortcuts: dict[tuple[str, str], Rule | None] = {}
        for rule in rules:
            if not rule.converters:
                alone = len(self._by_endpoint[rule.endpoint]) == 1
                for method in rule.methods:
                    shortcuts.setdefault((rule.text, method), rule if alone else None)
        return shortcuts


def _sort(state: _State) -> None:
    state.dynamic.sort(key=lambda entry: entry[0].weight)
    for following in [*state.fixed.values(), *(entry[3] for entry in state.dynamic)]:
        _sort(following)


def _moved(path: str) -> Moved:
    return Moved(quote(path, SAFE, errors="surrogateescape"))


class _Search:
    """One walk through the tree; ``methods`` are those of the rules that had the path."""

    __slots__ = ("_method", "_parts", "_root", "methods")

    def __init__(self, root: _State, path: str, method: str) -> None:
        self._root = root
        self._parts = path.split("/")
        self._method = method
        self.methods: set[str] = set()

    def run(self) -> tuple[Rule, list[str]] | None:
        return self._walk(self._root, self._parts, 0, [])

    def _walk(self, state: _State, parts: list[str], index: int, texts: list[str]) -> tuple[Rule, list[str]] | None:
        if index == len(parts):
            return self._end(state, texts)
        part = parts[index]
        if (following := state.fixed.get(part)) is not None:
            found = self._walk(following, parts, index + 1, texts)
            if found is not None:
                return found
        if state.dynamic:
            found = self._walk_dynamic(state, parts, index, texts)
            if found is not None:
                return found
        if part == "" and index == len(parts) - 1:
            rule = self._rule_of(rule for rule in state.rules if not rule.strict_slashes)
            return None if rule is None else (rule, texts)
        return None

    def _walk_dynamic(
        self, state: _State, parts: list[str], index: int, texts: list[str]
    ) -> tuple[Rule, list[str]] | None:
        for part, pattern, groups, following in state.dynamic:
            match = pattern.match("/".join(parts[index:]) if part.final else parts[index])
            if match is None:
                continue
            own = [match[group] for group in groups]
            if part.suffixed and match.groups()[-1] == "/":
                found = self._walk(following, [""], 0, texts + own)
            elif part.final:
                found = self._end(following, texts + own)
            else:
                found = self._walk(following, parts, index + 1, texts + own)
            if found is not None:
                return found
        return None

    def _end(self, state: _State, texts: list[str]) -> tuple[Rule, list[str]] | None:
        if (rule := self._rule_of(state.rules)) is not None:
            return rule, texts
        if (following := state.fixed.get("")) is not None:
            for rule in following.rules:
                if self._method in rule.methods:
                    if rule.strict_slashes:
                        raise _SlashRequiredError
                    return rule, texts
        return None

    def _rule_of(self, rules: "Iterator[Rule] | list[Rule]") -> Rule | None:
        for rule in rules:
            if self._method in rule.methods:
                return rule
            self.methods |= rule.methods
        return None
