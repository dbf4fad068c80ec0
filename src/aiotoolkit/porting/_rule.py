"""One URL rule, read as Werkzeug reads it: its parts, its converters, and the URL that it makes of values."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from aiotoolkit.porting._converters import SAFE, Converter, parse_arguments

__all__ = ["SLASHES", "Part", "Rule"]

_TOKEN: Final = re.compile(
    r"(?P<slash>/)|(?P<fixed>[^</]+)"
    r"|<(?:(?P<converter>[a-zA-Z_][a-zA-Z0-9_]*)(?:\((?P<arguments>.*?)\))?:)?(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)>"
)
SLASHES: Final = re.compile("/{2,}")
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
        self.text = SLASHES.sub("/", text)
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

    @cached_property
    def formatter(self) -> str:
        """The path with ``{name}`` for what is dynamic, percent-encoded."""
        return "".join(f"{{{text}}}" if dynamic else quote(text, safe=SAFE) for dynamic, text in self.trace)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What matches the path, with a group for each value, as aiohttp's resources have it."""
        regex = "".join(
            f"(?P<{text}>{self.converters[text].regex})" if dynamic else re.escape(quote(text, safe=SAFE))
            for dynamic, text in self.trace
        )
        return re.compile(regex)

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
