"""An OpenAPI document as YAML, which needs PyYAML."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

__all__ = ["to_yaml"]

if TYPE_CHECKING:
    from yaml import SafeDumper as BaseDumper
else:
    BaseDumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # that of libyaml is ten times as fast


class _Dumper(BaseDumper):
    """PyYAML's, for readers of YAML 1.2, which OpenAPI recommends: PyYAML itself knows 1.1.

    What is text in 1.1 and a number in 1.2 gets quotes, and text of several lines is a literal block.
    """


# YAML 1.2.2, section 10.3.2, the core schema.
_Dumper.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z"), None)
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z"), None
)


def _represent_text(dumper: BaseDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def to_yaml(document: Mapping[str, Any]) -> bytes:
    """Write plain data, in which nothing is shared, in the order that it has."""
    written: bytes = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, encoding="utf-8"
    )
    return written
