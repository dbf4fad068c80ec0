"""_openapi_paths: a regular expression of a route and what JSON Schema says of it match the same texts."""

import re
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from aiotoolkit._openapi_paths import NotTemplateError, parts_of, schema_of_pattern
from aiotoolkit.schemas import Engine, JSONSchemaEngine, JSONSchemaRSEngine

ENGINES = [pytest.param(JSONSchemaRSEngine, marks=pytest.mark.extra("jsonschema_rs")), JSONSchemaEngine]

atoms = st.sampled_from(
    ["a", "b", r"\d", r"\w", "[ab]", "[^ab/]", r"[\d.]", r"[]a]", r"[\w-]", r"\-", r"\.", "(?:ab|1)", "(a|b)"]
)
quantifiers = st.sampled_from(["", "", "", "?", "*", "+", "{2}", "{,2}", "{1,}", "{1,2}", "+?"])
regexes = st.lists(st.tuples(atoms, quantifiers), min_size=1, max_size=4).map(
    lambda parts: "".join(atom + quantifier for atom, quantifier in parts)
)
texts = st.text("ab1.-_]x", max_size=5)


@pytest.mark.parametrize("engine_class", ENGINES)
def test_the_same_texts_match(engine_class: type[Engine]) -> None:
    """Of ASCII, a text matches both or none; what is an integer is the text of one."""
    engine: Any = engine_class()

    @given(regexes, st.lists(texts, min_size=3, max_size=8))
    def agree(regex: str, found: list[str]) -> None:
        schema, is_complete = schema_of_pattern(regex)
        assert is_complete
        check = engine.compile(schema)
        for text in found:
            value = int(text) if schema["type"] == "integer" and text.isdigit() else text
            assert (not list(check(value))) == (re.fullmatch(regex, text) is not None), (regex, schema, text)

    agree()


@given(regexes, regexes)
def test_parts(first: str, second: str) -> None:
    """Each part of a path is found with its regular expression, whatever groups and braces that has."""
    path = f"/x/{{first:{first}}}-{{second:{second}}}/y"
    info = web.UrlDispatcher().add_resource(path).get_info()
    assert parts_of(info["formatter"], info["pattern"]) == {"first": first, "second": second}


@pytest.mark.parametrize("regex", [".", r"\S+", r"[^a]", r"a(?:b|/)", r"\D", "[!-~]", r"\W", r"\x2f", r"[/]", "(?!a)."])
def test_a_slash(regex: str) -> None:
    """A part that a slash could be in is no part of a template."""
    with pytest.raises(NotTemplateError, match="'x' may hold a slash"):
        parts_of("/{x}", re.compile(f"/(?P<x>{regex})"))


def test_a_brace_in_a_prefix() -> None:
    """A prefix is no template: braces in it would become one."""
    app, inner = web.Application(), web.Application()
    inner.router.add_get("/{x}", web.View)
    app.add_subapp("/{tenant}", inner)
    (resource,) = inner.router.resources()
    info = resource.get_info()
    with pytest.raises(NotTemplateError, match="a brace in the path belongs to no dynamic part"):
        parts_of(info["formatter"], info["pattern"])
