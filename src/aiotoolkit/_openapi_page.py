"""An OpenAPI document as one page of HTML: complete, without a script, and nothing in it is fetched."""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

from aiotoolkit._html import Html, element, join, markdown, plain, safe_url
from aiotoolkit._openapi_page_curl import Curl, best_media
from aiotoolkit._openapi_page_document import Document, Operation, listed, mapped, texted
from aiotoolkit._openapi_page_samples import Samples
from aiotoolkit._openapi_page_schema import SchemaView, deprecated_badge, head_of, written

__all__ = ["PAGE_HEADERS", "render_page"]

_STYLE: Final = files("aiotoolkit").joinpath("_openapi_page.css").read_text(encoding="utf-8")
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

PAGE_HEADERS: Final = {
    # An empty icon stands in the page, so that no browser asks for /favicon.ico.
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""The headers of the page: a policy by which nothing but its own style sheet is used."""

_PLACES: Final = (
    ("path", "Path parameters"),
    ("query", "Query parameters"),
    ("header", "Headers"),
    ("cookie", "Cookies"),
)
_UNTAGGED: Final = "Operations"


def render_page(document: Mapping[str, Any], *, base: str, links: Iterable[tuple[str, str]] = ()) -> str:
    """Render a page.

    Args:
        document: OpenAPI 3.1; an older or a broken one is shown as far as it can be understood.
        base: the URL of the document, to which the URLs of its servers are relative.
        links: labels and URLs of other forms of the document.
    """
    return _Page(Document(document), base).render(links)


class _Page:
    def __init__(self, document: Document, base: str) -> None:
        self._document = document
        self._samples = Samples(document)
        self._curl = Curl(document, self._samples, base)
        self._schemas = SchemaView(document)

    def render(self, links: Iterable[tuple[str, str]]) -> str:
        info = self._document.info
        title = texted(info.get("title")) or "API"
        groups = self._groups()
        components = mapped(self._document.components.get("schemas"))
        head = element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="color-scheme", content="light dark"),
            element("title", title),
            element("link", rel="icon", href="data:,"),
            element("style", Html(_STYLE)),
        )
        body = element(
            "body",
            element("a", "Skip to the content", class_="skip", href="#main"),
            element("header", element("p", title, class_="product"), self._links(links), class_="top"),
            element("nav", self._contents(groups, components), aria_label="Contents"),
            element(
                "main",
                self._intro(title),
                *(self._group(index, name, operations) for index, (name, operations) in enumerate(groups.items())),
                self._components(components),
                id="main",
                tabindex="-1",
            ),
        )
        return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"

    # -- around the operations --

    @staticmethod
    def _links(links: Iterable[tuple[str, str]]) -> Html:
        return element("p", *(element("a", label, href=url) for label, url in links), class_="links")

    def _groups(self) -> dict[str, list[Operation]]:
        """Operations by their tags: those that the document declares first, in its order."""
        groups: dict[str, list[Operation]] = {}
        for tag in listed(self._document.node.get("tags")):
            groups.setdefault(texted(mapped(tag).get("name")), [])
        for operation in self._document.operations():
            tags = [tag for tag in listed(operation.node.get("tags")) if isinstance(tag, str)]
            # An operation is shown once: its anchor can be there only once.
            groups.setdefault(tags[0] if tags else _UNTAGGED, []).append(operation)
        return {name: operations for name, operations in groups.items() if operations}

    def _contents(self, groups: Mapping[str, list[Operation]], components: Mapping[str, Any]) -> Html:
        sections = [
            join(
                [
                    element("p", element("a", name, href=f"#group-{index}"), class_="group"),
                    element("ul", *map(_entry, operations)),
                ]
            )
            for index, (name, operations) in enumerate(groups.items())
        ]
        if components:
            entries = (element("li", element("a", name, href=f"#{self._schemas.anchors[name]}")) for name in components)
            title = element("p", element("a", "Schemas", href="#schemas"), class_="group")
            sections.append(join([title, element("ul", *entries)]))
        return element("details", element("summary", "Contents"), *sections, open=True)

    def _intro(self, title: str) -> Html:
        info = self._document.info
        description = texted(info.get("description"))
        return element(
            "section",
            element("h1", title, " ", element("span", texted(info.get("version")), class_="version")),
            element("p", texted(info.get("summary")), class_="lead") if info.get("summary") else None,
            markdown(description) if description else None,
            self._about(),
            class_="intro",
        )

    def _about(self) -> Html | None:
        info = self._document.info
        contact, license_ = mapped(info.get("contact")), mapped(info.get("license"))
        schemes = mapped(self._document.components.get("securitySchemes"))
        terms = texted(license_.get("name")) or texted(license_.get("identifier"))
        rows: list[tuple[str, list[Html | None]]] = [
            ("Servers", [self._server(mapped(server)) for server in listed(self._document.node.get("servers"))]),
            (
                "Authentication",
                [self._scheme(name) for name in schemes],
            ),
            ("Contact", [_link(texted(contact.get("name")), contact.get("url")), _mail(contact.get("email"))]),
            (
                "Licence",
                [_link(terms, license_.get("url"))],
            ),
            ("Terms", [_link("", info.get("termsOfService"))]),
            ("More", [_documentation(self._document.node)]),
        ]
        shown = []
        for name, values in rows:
            details = [element("dd", value) for value in values if value]
            if details:
                shown.append(element("div", element("dt", name), *details))
        return element("dl", *shown, class_="about") if shown else None

    def _server(self, server: Mapping[str, Any]) -> Html:
        description = texted(server.get("description"))
        return join([element("code", self._curl.server(server)), f" {description}" if description else None])

    def _scheme(self, name: str) -> Html:
        scheme = self._document.scheme(name)
        kind, place = texted(scheme.get("type")), texted(scheme.get("in"))
        words = {
            "http": f"HTTP {texted(scheme.get('scheme'))}",
            "apiKey": f"key in {place} {texted(scheme.get('name'))}",
            "oauth2": "OAuth 2",
            "openIdConnect": "OpenID Connect",
            "mutualTLS": "TLS certificate of the client",
        }.get(kind, kind)
        description = texted(scheme.get("description"))
        return join([element("code", name), f" {words}", markdown(description) if description else None])

    def _components(self, components: Mapping[str, Any]) -> Html | None:
        if not components:
            return None
        sections = [
            element(
                "section",
                element("h3", element("a", name, href=f"#{self._schemas.anchors[name]}")),
                element("p", element("span", self._schemas.label(schema), class_="type")),
                self._schemas.block(schema, expand=False),
                id=self._schemas.anchors[name],
                class_="component",
            )
            for name, schema in components.items()
        ]
        return element("section", element("h2", "Schemas"), *sections, id="schemas")

    # -- operations --

    def _group(self, index: int, name: str, operations: list[Operation]) -> Html:
        tags = [mapped(tag) for tag in listed(self._document.node.get("tags"))]
        tag = next((tag for tag in tags if tag.get("name") == name), {})
        description = texted(tag.get("description"))
        return element(
            "section",
            element("h2", name),
            markdown(description) if description else None,
            _documentation(tag),
            *map(self._operation, operations),
            id=f"group-{index}",
        )

    def _operation(self, operation: Operation) -> Html:
        description = texted(operation.node.get("description")) or texted(operation.path_item.get("description"))
        return element(
            "article",
            element(
                "div",
                element(
                    "h3",
                    element("a", operation.title, href=f"#{operation.anchor}"),
                    *deprecated_badge(operation.node),
                ),
                _endpoint(operation),
                markdown(description) if description else None,
                _documentation(operation.node),
                self._security(operation),
                *self._parameters(operation),
                self._body(operation),
                self._responses(operation),
                class_="text",
            ),
            self._samples_of(operation),
            id=operation.anchor,
        )

    def _security(self, operation: Operation) -> Html | None:
        alternatives = self._document.security(operation)
        if not alternatives:
            return None
        words = []
        for alternative in alternatives:
            schemes = [
                f"{name} ({', '.join(map(str, scopes))})" if scopes else name for name, scopes in alternative.items()
            ]
            words.append(" and ".join(schemes) or "none")
        return element("p", element("strong", "Authentication: "), " or ".join(words), class_="security")

    def _parameters(self, operation: Operation) -> Iterator[Html]:
        parameters = self._document.parameters(operation)
        for place, title in _PLACES:
            found = [self._parameter(node) for node in parameters if node.get("in") == place]
            if found:
                yield element("h4", title)
                yield element("ul", *found, class_="properties")

    def _parameter(self, node: Mapping[str, Any]) -> Html:
        media_type, media = best_media(node.get("content"))
        schema = node.get("schema", media.get("schema"))
        title = element("code", texted(node.get("name")), class_="name")
        return self._described(title, node, schema, f" as {media_type}" if media_type else "")

    def _described(self, title: Html, node: Mapping[str, Any], schema: object, more: str = "") -> Html:
        """A parameter or a header."""
        resolved = self._document.resolve(schema)
        description = texted(node.get("description")) or texted(resolved.get("description"))
        inner = self._schemas.block({key: value for key, value in resolved.items() if key == "properties"})
        return element(
            "li",
            head_of(title, [self._schemas.label(schema), more], node, is_required=node.get("required") is True),
            markdown(description) if description else None,
            self._schemas.facts(resolved),
            _examples(node),
            element("div", inner, class_="nested") if inner else None,
        )

    def _body(self, operation: Operation) -> Html | None:
        body = self._document.resolve(operation.node.get("requestBody"))
        if not body:
            return None
        description = texted(body.get("description"))
        required = element("strong", "required", class_="required") if body.get("required") is True else "optional"
        return join(
            [
                element("h4", "Request body ", required),
                markdown(description) if description else None,
                *self._content(body.get("content")),
            ]
        )

    def _content(self, content: object, *, expand: bool = True) -> Iterator[Html]:
        for media_type, media in mapped(content).items():
            schema = mapped(media).get("schema")
            label = self._schemas.label(schema) if schema is not None else None
            yield element(
                "p",
                element("code", media_type),
                *([plain(" "), element("span", label, class_="type")] if label else []),
            )
            if schema is not None:
                yield element("div", self._schemas.block(schema), class_="schema")

    def _responses(self, operation: Operation) -> Html | None:
        responses = mapped(operation.node.get("responses"))
        if not responses:
            return None
        return join(
            [element("h4", "Responses"), *(self._response(str(status), node) for status, node in responses.items())]
        )

    def _response(self, status: str, value: object) -> Html:
        node = self._document.resolve(value)
        headers = [self._header(name, header) for name, header in mapped(node.get("headers")).items()]
        kind = status[:1] if status[:1] in "12345" else "x"
        # The components of errors are the same for most operations: a link is enough.
        content = list(self._content(node.get("content"), expand=kind == "2"))
        lines = texted(node.get("description")).strip().split("\n", 1)
        title = [element("span", status, class_=f"status status-{kind}"), plain(" "), *_one_line(lines[0])]
        more = [
            markdown(lines[1]) if lines[1:] else None,
            element("p", "Headers", class_="note") if headers else None,
            element("ul", *headers, class_="properties") if headers else None,
            *content,
        ]
        if not any(more):
            return element("p", *title, class_="response")
        return element("details", element("summary", *title), *more, class_="response", open=kind == "2")

    def _header(self, name: str, value: object) -> Html:
        node = self._document.resolve(value)
        schema = node.get("schema", best_media(node.get("content"))[1].get("schema"))
        return self._described(element("code", name, class_="name"), node, schema)

    def _samples_of(self, operation: Operation) -> Html:
        blocks = [element("h4", "Request"), _code(self._curl.command(operation), f"curl command: {operation.title}")]
        for status, value in mapped(operation.node.get("responses")).items():
            if not str(status).startswith("2"):
                continue
            media_type, media = best_media(self._document.resolve(value).get("content"))
            if "json" in media_type and media:
                sample = json.dumps(self._samples.of_media(media), indent=2, ensure_ascii=False)
                label = f"Example of response {status}: {operation.title}"
                blocks += [element("h4", f"Response {status}"), _code(sample, label)]
            break
        return element("div", *blocks, class_="samples")


def _entry(operation: Operation) -> Html:
    link = element("a", _method(operation.method), " ", element("span", operation.title), href=f"#{operation.anchor}")
    return element("li", link, class_="deprecated" if operation.node.get("deprecated") is True else None)


def _method(method: str) -> Html:
    return element("span", method.upper(), class_=f"method method-{method}")


def _endpoint(operation: Operation) -> Html:
    """The path, with places where a long one may be broken, and its parts marked."""
    pieces: list[Html] = []
    for index, segment in enumerate(operation.path.split("/")):
        if index:
            pieces.append(Html("/<wbr>"))
        pieces.append(element("b", segment) if "{" in segment else plain(segment))
    return element("p", _method(operation.method), " ", element("code", *pieces), class_="endpoint")


def _code(text: str, label: str) -> Html:
    # It scrolls sideways, so the keyboard must reach it, and then it needs a name.
    return element("pre", element("code", text), tabindex="0", role="region", aria_label=label)


def _one_line(text: str) -> list[Html]:
    """A description inside a line: markdown without the paragraph around it."""
    made = markdown(text)
    if made.startswith("<p>") and made.count("<p>") == 1 and made.endswith("</p>"):
        return [Html(made[3:-4])]
    return [plain(text)]


def _examples(node: Mapping[str, Any]) -> Html | None:
    values = [node["example"]] if "example" in node else []
    values += [
        mapped(example)["value"] for example in mapped(node.get("examples")).values() if "value" in mapped(example)
    ]
    if not values:
        return None
    return element(
        "span", element("span", f"for example {', '.join(map(written, values[:3]))}", class_="fact"), class_="facts"
    )


def _documentation(node: Mapping[str, Any]) -> Html | None:
    outside = mapped(node.get("externalDocs"))
    link = _link(texted(outside.get("description")), outside.get("url"))
    return element("p", link, class_="outside") if link else None


def _link(label: str, url: object) -> Html | None:
    target = safe_url(url)
    if target is None:
        return plain(label or texted(url)) or None
    return element("a", label or target, href=target, rel="noreferrer")


def _mail(address: object) -> Html | None:
    target = safe_url(f"mailto:{address}") if isinstance(address, str) else None
    return None if target is None else element("a", texted(address), href=target)
