"""A stock-taking as text, as Markdown and as JSON."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from aiotoolkit.porting._report_ast import Blocking, Finding, Route, SourceFile
from aiotoolkit.porting._report_live import Live, LiveRoute
from aiotoolkit.porting._report_table import CONSTRUCTS, EXTENSIONS

__all__ = ["NOTES", "Stock"]

NOTES = "docs/reference/flask.md"
_ORIGINS = {
    "found": "found in the source",
    "automatic": "static files, added by Flask",
    "package": "of installed packages",
    "missed": "not found in the source",
}


@dataclass(frozen=True, slots=True)
class Stock:
    """What a Flask code base has.

    Args:
        path: what was read.
        files: each file that could be read.
        unreadable: name and reason of each that could not.
        live: what the loaded application has; None where none was named.
    """

    path: str
    files: tuple[SourceFile, ...]
    unreadable: tuple[tuple[str, str], ...]
    live: Live | None = None

    @property
    def findings(self) -> list[Finding]:
        """Every construct, file by file."""
        return [finding for file in self.files for finding in file.findings]

    @property
    def routes(self) -> list[Route]:
        """Every URL rule of the source."""
        return [route for file in self.files for route in file.routes]

    @property
    def blocking(self) -> list[Blocking]:
        """Every call in a view that keeps the event loop waiting."""
        return [call for file in self.files for call in file.blocking]

    @property
    def extensions(self) -> dict[str, str]:
        """Package of each extension, and where it is imported first."""
        found: dict[str, str] = {}
        for file in self.files:
            for package, line in file.extensions.items():
                found.setdefault(package, f"{file.name}:{line}")
        return dict(sorted(found.items()))

    def render(self, style: str = "text", *, notes: str | None = None) -> str:
        """The report as ``text``, ``markdown`` or ``json``.

        Args:
            style: one of the three.
            notes: the address of the page that links lead to.

        Raises:
            ValueError: there is no such style.
        """
        notes = notes or NOTES
        if style == "json":
            return json.dumps(self.to_dict(notes=notes), indent=2, ensure_ascii=True)
        if style not in {"text", "markdown"}:
            raise ValueError(f"{style!r} is none of text, markdown and json")
        page = _Markdown() if style == "markdown" else _Text()
        _write(page, self, notes)
        return "\n".join(page.lines).strip()

    def to_dict(self, *, notes: str = NOTES) -> dict[str, Any]:
        """The report as data for JSON."""
        return {
            "path": self.path,
            "files": len(self.files),
            "lines": sum(file.lines for file in self.files),
            "unreadable": [{"file": name, "reason": reason} for name, reason in self.unreadable],
            "constructs": [
                {
                    "kind": kind,
                    "count": len(found),
                    "equivalent": CONSTRUCTS[kind].equivalent,
                    "notes": f"{notes}#{CONSTRUCTS[kind].slug}",
                    "places": [{"file": item.file, "line": item.line, "text": item.text} for item in found],
                }
                for kind, found in _by_kind(self.findings)
            ],
            "routes": [asdict(route) for route in self.routes],
            "extensions": [
                {"package": package, "place": place, "notes": f"{notes}#{_extension(package)[1]}"}
                for package, place in self.extensions.items()
            ],
            "blocking": [asdict(call) for call in self.blocking],
            "live": None if self.live is None else _live_dict(self.live),
        }


def _live_dict(live: Live) -> dict[str, Any]:
    counts = {origin: live.count(origin) for origin in _ORIGINS}
    routes = [asdict(route) for route in live.routes]
    return {"counts": counts, "routes": routes, "not_live": [asdict(route) for route in live.not_live], **live.rest}


def _by_kind(findings: Iterable[Finding]) -> Iterator[tuple[str, list[Finding]]]:
    """In the order of the table, which is that of the notes."""
    by_kind: dict[str, list[Finding]] = {kind: [] for kind in CONSTRUCTS}
    for finding in findings:
        by_kind[finding.kind].append(finding)
    return ((kind, found) for kind, found in by_kind.items() if found)


def _extension(package: str) -> tuple[str, str]:
    return EXTENSIONS.get(package, (package.replace("_", "-").title(), "extensions"))


class _Text:
    """Plain text: headings are underlined, tables are aligned."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def heading(self, text: str, level: int = 2) -> None:
        """A line and its underline."""
        text = _printable(text)
        self.lines += ["", text, ("=" if level == 1 else "-") * len(text), ""]

    def paragraph(self, text: str) -> None:
        """Some lines of prose."""
        self.lines += [_printable(text), ""]

    def table(self, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Columns as wide as what is in them."""
        cells = [tuple(header), *(tuple(_printable(str(cell)) for cell in row) for row in rows)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
        for row in cells:
            self.lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        self.lines.append("")

    def link(self, text: str, target: str) -> str:
        """The target: text has no links."""
        return target if text else ""


class _Markdown(_Text):
    """GitHub's Markdown. What comes from the code is escaped: it may be anything."""

    def heading(self, text: str, level: int = 2) -> None:
        """A line with its signs."""
        self.lines += ["", f"{'#' * level} {_escaped(text)}", ""]

    def paragraph(self, text: str) -> None:
        """Some lines of prose."""
        self.lines += [_escaped(text), ""]

    def table(self, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """A table with pipes."""
        self.lines += [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
        self.lines += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
        self.lines.append("")

    def link(self, text: str, target: str) -> str:
        """A link that stays one inside a table."""
        return _Link(f"[{_escaped(text)}]({target})")


class _Link(str):
    """Text that is Markdown already."""

    __slots__ = ()


def _cell(cell: object) -> str:
    return cell if isinstance(cell, _Link) else _escaped(str(cell))


def _escaped(text: str) -> str:
    text = _printable(text).replace("\\", "\\\\")
    for character in "`*_[]<>|#":
        text = text.replace(character, f"\\{character}")
    return text


def _printable(text: str) -> str:
    """No control character: a file name or a literal may hold an escape sequence for the terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _write(page: _Text, stock: Stock, notes: str) -> None:
    page.heading(f"Flask in {stock.path}", 1)
    page.paragraph(
        f"{len(stock.files)} files, {sum(file.lines for file in stock.files)} lines, {len(stock.routes)} routes, "
        f"{len(stock.blocking)} blocking calls, {len(stock.unreadable)} unreadable files."
    )
    _constructs(page, stock, notes)
    if stock.live is not None:
        _live(page, stock.live)
    _extensions(page, stock, notes)
    _blocking(page, stock, notes)
    if stock.unreadable:
        page.heading("Unreadable files")
        page.table(("file", "reason"), stock.unreadable)
    if stock.findings:
        page.heading("Places")
        rows = ((f"{item.file}:{item.line}", CONSTRUCTS[item.kind].title, item.text) for item in stock.findings)
        page.table(("place", "construct", "source"), rows)


def _constructs(page: _Text, stock: Stock, notes: str) -> None:
    page.heading("Constructs")
    if not stock.findings:
        page.paragraph("No Flask was found.")
        return
    rows: list[tuple[object, ...]] = []
    for kind, found in _by_kind(stock.findings):
        title, slug, equivalent = CONSTRUCTS[kind]
        rows.append(
            (title, len(found), len({item.file for item in found}), equivalent, page.link(slug, f"{notes}#{slug}"))
        )
    page.table(("construct", "count", "files", "with aiohttp", "notes"), rows)


def _live(page: _Text, live: Live) -> None:
    page.heading("The loaded application")
    rows: list[tuple[object, ...]] = [("routes of the URL map", len(live.routes))]
    rows += [(f"routes {text}", live.count(origin)) for origin, text in _ORIGINS.items()]
    rows.append(("routes of the source that it does not have", len(live.not_live)))
    for kind, count in sorted(Counter(hook["kind"] for hook in live.rest["hooks"]).items()):
        rows.append((f"hooks: {kind}", count))
    rows.append(("error handlers", len(live.rest["error_handlers"])))
    for name in ("blueprints", "commands", "extensions", "template_filters", "wsgi_middlewares"):
        if found := live.rest[name]:
            shown = ", ".join(item if isinstance(item, str) else item["name"] for item in found)
            rows.append((name.replace("_", " "), f"{len(found)}: {shown}"))
    page.table(("what", "count"), rows)
    for origin in ("missed", "package"):
        if found_routes := [route for route in live.routes if route.origin == origin]:
            page.heading(f"Routes {_ORIGINS[origin]}", 3)
            page.table(("rule", "methods", "endpoint", "view"), map(_route_row, found_routes))
    if live.not_live:
        page.heading("Routes of the source that the application does not have", 3)
        page.table(
            ("rule", "view", "place"),
            ((route.rule or "(computed)", route.view or "?", f"{route.file}:{route.line}") for route in live.not_live),
        )


def _route_row(route: LiveRoute) -> tuple[object, ...]:
    place = f"{route.file}:{route.line}" if route.file else ""
    return route.rule, " ".join(route.methods), route.endpoint, f"{route.view} {place}".strip()


def _extensions(page: _Text, stock: Stock, notes: str) -> None:
    if not stock.extensions:
        return
    page.heading("Extensions")
    rows = []
    for package, place in stock.extensions.items():
        name, slug = _extension(package)
        rows.append((name, package, place, page.link(slug, f"{notes}#{slug}")))
    page.table(("extension", "package", "first import", "notes"), rows)


def _blocking(page: _Text, stock: Stock, notes: str) -> None:
    if not stock.blocking:
        return
    page.heading("Calls that block the event loop")
    page.paragraph(f"In views and hooks, and in functions of their file that these call. Notes: {notes}#blocking-calls")
    counted = Counter((call.call, call.instead) for call in stock.blocking)
    page.table(
        ("call", "count", "instead"), ((call, count, instead) for (call, instead), count in counted.most_common())
    )
    rows = ((f"{call.file}:{call.line}", call.call, call.view) for call in stock.blocking)
    page.table(("place", "call", "in"), rows)
