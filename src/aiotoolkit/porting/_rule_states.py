"""URL rules as Werkzeug reads them, and the tree of states that finds the rule of a path.

The tree is that of Werkzeug 3: one state for each part between two slashes, fixed parts before dynamic ones, and those
by their weight. Its fine points are kept because applications depend on them: a converter that refuses a value does
not make the next rule match, and a rule whose method is another one does.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from aiotoolkit.porting._converters import SAFE, Converter, parse_arguments

__all__ = ["Found", "Matcher", "Moved", "Rule"]

_TOKEN: Final = re.compile(
    r"(?P<slash>/)|(?P<fixed>[^</]+)"
    r"|<(?:(?P<converter>[a-zA-Z_][a-zA-Z0-9_]*)(?:\((?P<arguments>.*?)\))?:)?(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)>"
)
_SLASHES: Final = re.compile("/{2,}")
# Werkzeug leaves these unquoted in a query.
_QUERY_SAFE: Final = "!$'()*,/:;?@"


class Weight(NamedTuple):
    """What orders the dynamic parts of a state: many fixed pieces first, the longer ones first, then converters."""

    fixed_count: int
    fixed: tuple[tuple[int, int], ...]
    argument_count: int
    arguments: tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """What stands between two slashes of a rule; ``final`` where it takes all the rest of the path.

    ``content`` is the text itself where ``fixed``, or else a regular expression. ``suffixed`` says that its last group
    is a slash which may be missing.
    """

    content: str
    final: bool
    fixed: bool
    suffixed: bool
    weight: Weight


@dataclass
class _Draft:
    """A part that is being read."""

    pieces: list[str] = field(default_factory=list)  # regular expressions
    plain: list[str] = field(default_factory=list)
    fixed_weights: list[tuple[int, int]] = field(default_factory=list)
    argument_weights: list[int] = field(default_factory=list)
    final: bool = False

    def add_fixed(self, text: str) -> None:
        self.fixed_weights.append((len(self.fixed_weights), -len(text)))
        self.add_text(text)

    def add_text(self, text: str) -> None:
        self.plain.append(text)
        self.pieces.append(re.escape(text))

    def add_converter(self, converter: Converter) -> None:
        self.pieces.append(f"(?P<part_{len(self.argument_weights)}>{converter.regex})")
        self.argument_weights.append(converter.weight)
        self.final = self.final or not converter.part_isolating

    def finish(self, *, last: bool) -> Part:
        weight = Weight(
            -len(self.fixed_weights),
            tuple(self.fixed_weights),
            -len(self.argument_weights),
            tuple(self.argument_weights),
        )
        if not self.argument_weights:
            return Part("".join(self.plain), final=False, fixed=True, suffixed=False, weight=weight)
        suffixed = last and self.final and self.pieces[-1].endswith("/")
        if suffixed:
            self.pieces[-1] = self.pieces[-1][:-1] + "(?<!/)(/?)"
        content = "".join([*self.pieces, r"\Z"])
        return Part(content, final=self.final, fixed=False, suffixed=suffixed, weight=weight)


class Rule:
    """One URL rule of an endpoint.

    Attributes:
        text: the rule, such as ``/user/<int:id>``.
        endpoint: the name of its view.
        methods: with HEAD and OPTIONS where these are automatic.
        defaults: values that are not in its path.
        strict_slashes: whether a slash at the end counts.
        arguments: the names of its values: those in the path, and the defaults.
        converters: of the names in the path, in order.
    """

    def __init__(
        self,
        text: str,
        *,
        endpoint: str,
        methods: frozenset[str],
        defaults: Mapping[str, Any],
        strict_slashes: bool,
        known: Mapping[str, type[Converter]],
    ) -> None:
        if not text.startswith("/"):
            raise ValueError(f"The rule {text!r} does not begin with a slash")
        self.text = _SLASHES.sub("/", text)
        self.endpoint = endpoint
        self.methods = methods
        self.defaults = dict(defaults)
        self.strict_slashes = strict_slashes
        self._known = known
        self.converters: dict[str, Converter] = {}
        self.trace: list[tuple[bool, str]] = []
        self.parts = list(self._parse())
        self.arguments = frozenset(self.converters) | frozenset(self.defaults)
        self._check_built()

    def with_prefix(self, prefix: str) -> "Rule":
        """The same rule below a prefix."""
        return Rule(
            prefix + self.text,
            endpoint=self.endpoint,
            methods=self.methods,
            defaults=self.defaults,
            strict_slashes=self.strict_slashes,
            known=self._known,
        )

    # Reading

    def _parse(self) -> Iterator[Part]:
        draft, position = _Draft(), 0
        while position < len(self.text):
            match = _TOKEN.match(self.text, position)
            if match is None:
                raise ValueError(f"The rule {self.text!r} cannot be read from {self.text[position:]!r} on")
            position = match.end()
            if match["slash"]:
                self.trace.append((False, "/"))
                if draft.final:
                    draft.add_text("/")
                else:
                    yield draft.finish(last=False)
                    draft = _Draft()
            elif match["fixed"]:
                self.trace.append((False, match["fixed"]))
                draft.add_fixed(match["fixed"])
            else:
                self.trace.append((True, match["name"]))
                draft.add_converter(self._converter(match["name"], match["converter"], match["arguments"]))
        part = draft.finish(last=True)
        yield part
        if part.suffixed:
            yield Part("", final=False, fixed=True, suffixed=False, weight=part.weight)

    def _converter(self, name: str, kind: str | None, arguments: str | None) -> Converter:
        if name in self.converters:
            raise ValueError(f"The rule {self.text!r} has {name!r} twice")
        if kind is not None and kind not in self._known:
            known = ", ".join(sorted(self._known.keys() - {"default"}))
            raise ValueError(f"The rule {self.text!r} names an unknown converter, {kind!r}. Known are: {known}")
        try:
            positional, named = parse_arguments(arguments or "")
            converter = self._known[kind or "default"](*positional, **named)
            re.compile(converter.regex)
        except (TypeError, ValueError, re.error) as error:
            raise ValueError(f"The rule {self.text!r}: {kind or 'string'}({arguments or ''}): {error}") from error
        self.converters[name] = converter
        return converter

    def _check_built(self) -> None:
        """Find out now that a default cannot be written, not when a URL is built."""
        for name in self.defaults.keys() & self.converters.keys():
            try:
                self.converters[name].to_url(self.defaults[name])
            except (TypeError, ValueError) as error:
                raise ValueError(f"The rule {self.text!r}: the default of {name!r} does not fit: {error}") from error

    @property
    def formatter(self) -> str:
        """The path with ``{name}`` for what is dynamic, percent-encoded."""
        return "".join(f"{{{text}}}" if dynamic else quote(text, safe=SAFE) for dynamic, text in self.trace)

    @property
    def pattern(self) -> re.Pattern[str]:
        """What matches the path, as aiohttp has it: decoded but for ``%2F``, which no rule takes, and ``%25``."""
        regex = "".join(
            f"(?P<{text}>{self.converters[text].regex})" if dynamic else re.escape(quote(text, safe=SAFE))
            for dynamic, text in self.trace
        )
        return re.compile(f"(?!.*%2F){regex}")

    # Building

    def provides_defaults_for(self, other: "Rule") -> bool:
        """Whether its defaults are values of the other rule, which then redirects to it."""
        return bool(self.defaults) and self.trace != other.trace and self.arguments == other.arguments

    def is_suitable_for(self, values: Mapping[str, Any], method: str | None) -> bool:
        """Whether a URL can be built with these values: all there, and defaults left out or the same."""
        if method is not None and method not in self.methods:
            return False
        if any(name not in values for name in self.arguments - self.defaults.keys()):
            return False
        return all(values.get(name, default) == default for name, default in self.defaults.items())

    def build(self, values: Mapping[str, Any]) -> str:
        """The path and the query of these values. Always a path of the same host."""
        path = "".join(self._text(name, values) if dynamic else quote(name, safe=SAFE) for dynamic, name in self.trace)
        rest = [(name, value) for name, value in _pairs(values) if name not in self.arguments]
        query = urlencode(rest, safe=_QUERY_SAFE)
        return f"/{path.lstrip('/')}" + (f"?{query}" if query else "")

    def _text(self, name: str, values: Mapping[str, Any]) -> str:
        value = self.defaults[name] if name in self.defaults else values[name]
        return self.converters[name].to_url(value)


def _pairs(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        for single in value if isinstance(value, list | tuple | set) else (value,):
            if single is not None:
                yield name, single


# Matching


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
    dynamic: list[tuple[Part, re.Pattern[str], "_State"]] = field(default_factory=list)
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
        merged = _SLASHES.sub("/", path)
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
            known = next((entry[2] for entry in state.dynamic if entry[0] == part), None)
            if known is None:
                known = _State()
                state.dynamic.append((part, re.compile(part.content), known))
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
    for following in [*state.fixed.values(), *(entry[2] for entry in state.dynamic)]:
        _sort(following)


def _moved(path: str) -> Moved:
    return Moved(quote(path, safe=SAFE))


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
        for part, pattern, following in state.dynamic:
            match = pattern.match("/".join(parts[index:]) if part.final else parts[index])
            if match is None:
                continue
            own = [match[f"part_{number}"] for number in range(len(part.weight.arguments))]
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
