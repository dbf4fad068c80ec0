"""The rules find what Werkzeug's own router finds: random rules, random paths."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiotoolkit.porting._converters import BUILT_IN
from aiotoolkit.porting._rule import Rule
from aiotoolkit.porting._rule_states import Found, Matcher, Moved

pytestmark = pytest.mark.extra("werkzeug")

PIECES = [
    "a", "b", "ab", "1", "<{}>", "<int:{}>", "<float:{}>", "<path:{}>", "<string(length=2):{}>", "<any(a, b):{}>",
    "<string(minlength=2, maxlength=3):{}>", "<int(min=2, max=11):{}>", "<int(fixed_digits=2):{}>", "<uuid:{}>",
    "<int(signed=True):{}>", "<float(max=2.5, signed=True):{}>", "a<{}>", "<int:{}>b", "<{}>-<int:{}>", "x<path:{}>",
    "<path:{}>y", "<any(\"a,b\", 'c', '1'):{}>",
]  # fmt: skip
TEXTS = [
    "a", "b", "ab", "1", "01", "11", "٣", "1.5", "-1", "-1.5", "aa", "xa", "ay", "1b", "a-1", "c", "a,b", "", "é",
    "0d8ae3e6-4e3a-4a2f-9a63-6a2b8a1f0c11",
]  # fmt: skip
METHODS = ["GET", "POST", "PUT"]


@st.composite
def rule_texts(draw: st.DrawFn) -> str:
    pieces = draw(st.lists(st.sampled_from(PIECES), max_size=4))
    number = 0
    parts = []
    for piece in pieces:
        names = [f"v{number + offset}" for offset in range(piece.count("{}"))]
        number += len(names)
        parts.append(piece.format(*names))
    slash = draw(st.sampled_from(["", "/", "//"]))
    return f"/{'/'.join(parts)}{slash}"


@st.composite
def rule_rows(draw: st.DrawFn) -> tuple[str, list[str], bool]:
    return (
        draw(rule_texts()),
        draw(st.lists(st.sampled_from(METHODS), min_size=1, max_size=2, unique=True)),
        draw(st.booleans()),
    )


paths = st.builds(
    lambda parts, start, end: start + "/".join(parts) + end,
    st.lists(st.sampled_from(TEXTS), max_size=5),
    st.sampled_from(["/", "/", "//"]),
    st.sampled_from(["", "/", "//"]),
)


def werkzeug_answer(url_map: Any, path: str, method: str) -> Any:
    from werkzeug.exceptions import MethodNotAllowed, NotFound
    from werkzeug.routing import RequestRedirect

    adapter = url_map.bind("host.example", path_info=path)
    try:
        return adapter.match(path, method)
    except MethodNotAllowed as error:
        return set(error.valid_methods or ())
    except NotFound:
        return set()
    except RequestRedirect as error:
        return error.new_url.removeprefix("http://host.example")


def our_answer(matcher: Matcher, path: str, method: str) -> Any:
    match matcher.match(path, method):
        case Found(rule, _, values):
            return rule.endpoint, values
        case Moved(moved):
            return moved
        case methods:
            return methods


def ours(rows: list[tuple[str, list[str], bool]], **options: Any) -> Matcher:
    return Matcher(
        [
            Rule(
                text,
                endpoint=f"e{index}",
                methods=frozenset(methods) | ({"HEAD"} if "GET" in methods else set()),
                defaults={},
                strict_slashes=strict,
                known=BUILT_IN,
                **options,
            )
            for index, (text, methods, strict) in enumerate(rows)
        ]
    )


@settings(max_examples=400, deadline=None)
@given(st.lists(rule_rows(), min_size=1, max_size=8), st.lists(paths, min_size=1, max_size=12))
def test_the_same_answers(rows: list[tuple[str, list[str], bool]], urls: list[str]) -> None:
    """Endpoint and converted values, redirect, 405 with its methods, or 404: as Werkzeug has it, for every method."""
    from werkzeug.routing import Map
    from werkzeug.routing import Rule as TheirRule

    url_map = Map(
        [
            TheirRule(text, endpoint=f"e{index}", methods=methods, strict_slashes=strict)
            for index, (text, methods, strict) in enumerate(rows)
        ]
    )
    matcher = ours(rows)
    for url in urls:
        for method in (*METHODS, "HEAD"):
            assert our_answer(matcher, url, method) == werkzeug_answer(url_map, url, method), (url, method)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_the_same_urls(data: st.DataObject) -> None:
    """What is found is built into the same URL, which leads back where Werkzeug's does."""
    from werkzeug.routing import Map
    from werkzeug.routing import Rule as TheirRule

    row = data.draw(rule_rows())
    url = data.draw(paths)
    url_map = Map([TheirRule(row[0], endpoint="e0", methods=row[1], strict_slashes=row[2])])
    matcher = ours([row])
    found = matcher.match(url, row[1][0])
    if not isinstance(found, Found):
        return
    values = found.values | {"more": ["a b", "ü/&"], "other": 1}
    theirs = url_map.bind("host.example").build("e0", values)
    assert found.rule.build(values) == theirs


SHARED = ["/", "/<{}>", "/a/<{}>", "/a/<int:{}>", "/p/<path:{}>", "/a/", "/b", "/<int:{}>/x", "/p/<path:{}>/"]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(SHARED), st.integers(0, 1), st.sampled_from([None, 1, 3]), st.sampled_from(METHODS)),
        min_size=1,
        max_size=6,
    ),
    st.lists(paths, min_size=1, max_size=8),
)
def test_the_same_redirects_to_defaults(rows: list[tuple[str, int, int | None, str]], urls: list[str]) -> None:
    """Rules that share endpoints, with default values: the same values, redirects and URLs."""
    from werkzeug.routing import BuildError, Map
    from werkzeug.routing import Rule as TheirRule

    url_map, own = Map(), []
    for text, number, default, method in rows:
        rule, defaults = text.format("v"), {} if default is None else {"v": default}
        url_map.add(TheirRule(rule, endpoint=f"e{number}", methods=[method], defaults=defaults or None))
        methods = frozenset({method, "HEAD"} if method == "GET" else {method})
        own.append(
            Rule(rule, endpoint=f"e{number}", methods=methods, defaults=defaults, strict_slashes=True, known=BUILT_IN)
        )
    matcher = Matcher(own)
    for url in [*urls, "/1", "/3", "/a/1", "/a/3", "/p/1", "/1/x", "/a", "/p/3/"]:
        for method in METHODS:
            assert our_answer(matcher, url, method) == werkzeug_answer(url_map, url, method), (url, method)
    for endpoint in ("e0", "e1"):
        for values in ({}, {"v": 1}, {"v": 3}, {"v": 4, "w": "x"}):
            try:
                theirs: str | None = url_map.bind("host.example").build(endpoint, values, method="GET")
            except BuildError:
                theirs = None
            suitable = [rule for rule in matcher.rules_of(endpoint) if rule.is_suitable_for(values, "GET")]
            assert (suitable[0].build(values) if suitable else None) == theirs


EVERY_KIND = ours(
    [
        (f"/{piece.format('v0', 'v1')}{end}", ["GET"], strict)
        for piece in PIECES
        for end, strict in (("", True), ("/", True), ("/x/", False))
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(["/", "//", "\\", "..", "%2F", "x", "1", "\udc80", "\udcff"])  # bytes that are no UTF-8
        | st.text(st.characters(codec="utf-8"), max_size=5)
    )
)
def test_whatever_the_path_is(pieces: list[str]) -> None:
    """No path is an error, and none redirects to another host: neither browsers nor Python would read it so."""
    path = "/" + "".join(pieces)
    result = EVERY_KIND.match(path, "GET")
    if isinstance(result, Moved):
        assert result.path.startswith("/")
        assert not result.path.startswith("//")
        assert result.path.isascii()
        assert result.path.isprintable()
        assert "\\" not in result.path
