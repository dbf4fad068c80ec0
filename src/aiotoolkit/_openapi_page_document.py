"""Reads an OpenAPI document for those who show it: what is not there, or of another kind, is empty."""

import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["METHODS", "Document", "Operation", "listed", "mapped", "server_url", "texted", "unique_anchor"]

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_MAX_HOPS: Final = 20  # from one reference to the next: a chain that is longer is a circle

Node = Mapping[str, Any]


def mapped(value: object) -> Node:
    """A mapping, or an empty one in place of anything else."""
    return value if isinstance(value, Mapping) else {}


def listed(value: object) -> list[Any]:
    """A list, or an empty one in place of anything else."""
    return value if isinstance(value, list) else []


def texted(value: object) -> str:
    """A text, or an empty one in place of anything else."""
    return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation, with what its path says for all of them."""

    method: str  # in lower case
    path: str
    node: Node
    path_item: Node
    anchor: str

    @property
    def title(self) -> str:
        """Its summary, else its id, else what a client sends."""
        found = texted(self.node.get("summary")) or texted(self.path_item.get("summary"))
        return found.strip() or texted(self.node.get("operationId")) or f"{self.method.upper()} {self.path}"


class Document:
    """A document whose references lead within it."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.components = mapped(node.get("components"))
        self.info = mapped(node.get("info"))

    def resolve(self, value: object) -> Node:
        """What a node is, or what its reference leads to, with the summary and description that stand beside it."""
        node = mapped(value)
        beside: dict[str, Any] = {}
        for _ in range(_MAX_HOPS):
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return {**node, **beside} if beside else node
            beside = {key: node[key] for key in ("summary", "description") if key in node} | beside
            node = mapped(self.at(reference))
        return {}

    def at(self, reference: str) -> object:
        """What a local reference (RFC 6901) leads to, or None."""
        if not reference.startswith("#/"):
            return self.node if reference == "#" else None
        found: Any = self.node
        for part in reference[2:].split("/"):
            key = urllib.parse.unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping) and key in found:
                found = found[key]
            elif isinstance(found, list) and key.isascii() and key.isdecimal() and int(key[:9]) < len(found):
                found = found[int(key[:9])]
            else:
                return None
        return found

    def operations(self) -> Iterator[Operation]:
        """All operations, in the document's order."""
        anchors: set[str] = set()
        for path, value in mapped(self.node.get("paths")).items():
            path_item = self.resolve(value)
            for method in (key for key in path_item if key in METHODS):
                node = mapped(path_item[method])
                anchor = unique_anchor(texted(node.get("operationId")) or f"{method}-{path}", anchors)
                yield Operation(method, path, node, path_item, f"operation-{anchor}")

    def parameters(self, operation: Operation) -> list[Node]:
        """The parameters of an operation: its own replace those of its path (OpenAPI 3.1, section 4.8.9.1)."""
        found: dict[tuple[str, str], Node] = {}
        for value in (*listed(operation.path_item.get("parameters")), *listed(operation.node.get("parameters"))):
            node = self.resolve(value)
            found[texted(node.get("in")), texted(node.get("name"))] = node
        return [node for (place, name), node in found.items() if place and name]

    def server(self, operation: Operation | None = None) -> Node:
        """The first server, of the operation, or its path, or the document."""
        nodes = (self.node,) if operation is None else (operation.node, operation.path_item, self.node)
        for node in nodes:
            for server in listed(node.get("servers")):
                return mapped(server)
        return {"url": "/"}

    def security(self, operation: Operation | None = None) -> list[dict[str, list[Any]]]:
        """The alternatives, each of names of schemes with scopes."""
        value = (
            self.node.get("security")
            if operation is None
            else operation.node.get("security", self.node.get("security"))
        )
        return [{name: listed(scopes) for name, scopes in mapped(item).items()} for item in listed(value)]

    def scheme(self, name: str) -> Node:
        """A security scheme."""
        return self.resolve(mapped(self.components.get("securitySchemes")).get(name))


def unique_anchor(text: str, taken: set[str]) -> str:
    """A fragment that is not taken yet, and then is."""
    safe = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "-" for letter in text)
    anchor, number = safe, 1
    while anchor in taken:
        number += 1
        anchor = f"{safe}-{number}"
    taken.add(anchor)
    return anchor


def server_url(server: Node) -> str:
    """A server's URL with the defaults of its variables."""
    url = texted(server.get("url"))
    for name, variable in mapped(server.get("variables")).items():
        url = url.replace(f"{{{name}}}", str(mapped(variable).get("default", "")))
    return url
