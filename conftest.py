"""Run every ```python block of the documentation and of the README, document by document."""

from typing import Any

from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser, SkipParser


def name_the_module(namespace: dict[str, Any]) -> None:
    """Give each document's namespace a module name: ``web.AppKey`` asks for it."""
    namespace["__name__"] = "docs"


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    setup=name_the_module,
).pytest()
