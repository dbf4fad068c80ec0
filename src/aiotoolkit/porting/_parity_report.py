"""What a comparison found: as a table, as JSON, and against the list of announced differences."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from aiotoolkit.porting._parity_compare import Difference, matches
from aiotoolkit.porting._parity_errors import ScriptError
from aiotoolkit.porting._parity_script import load_document

__all__ = ["Announced", "ParityReport", "load_announced", "make_announced", "make_report"]


@dataclass(frozen=True, slots=True)
class Announced:
    """A difference that is expected, and why.

    Args:
        step: pattern for the name of the step.
        what: pattern for the kind of difference.
        reason: what a reader of the report is told.
        flask: pattern for the value of Flask's side, where only that one is expected.
        aiohttp: the same for the other side.
    """

    step: str
    what: str
    reason: str
    flask: str = "*"
    aiohttp: str = "*"

    def covers(self, difference: Difference) -> bool:
        """Whether it is this difference. One that is about both sides failing cannot be announced."""
        answered = [value.startswith("status ") for value in (difference.flask, difference.aiohttp)]
        if difference.what == "connection" and not any(answered):
            return False
        return (
            _fits(difference.step, self.step)
            and matches(difference.what, self.what)
            and _fits(difference.flask, self.flask)
            and _fits(difference.aiohttp, self.aiohttp)
        )


def _fits(text: str, pattern: str) -> bool:
    return text == pattern or fnmatchcase(text, pattern)


@dataclass(frozen=True, slots=True)
class ParityReport:
    """The result of a comparison.

    Args:
        steps: the names of the steps that were sent, in their order.
        differences: all of them; those that were expected have ``announced`` set.
        stale: announced differences that no longer appear: they must be taken out of the list.
    """

    steps: tuple[str, ...]
    differences: tuple[Difference, ...]
    stale: tuple[Announced, ...] = ()

    @property
    def unexpected(self) -> tuple[Difference, ...]:
        """The differences that nobody announced."""
        return tuple(difference for difference in self.differences if difference.announced is None)

    @property
    def equal(self) -> bool:
        """Whether there is no unexpected difference, and no announced one is missing."""
        return not self.unexpected and not self.stale

    def check(self) -> None:
        """Raise an AssertionError with the table, unless the two sides are equal."""
        if not self.equal:
            raise AssertionError(f"the two applications differ\n{self.table()}")

    def summary(self) -> str:
        """One line: how many steps, how many differences."""
        announced = len(self.differences) - len(self.unexpected)
        parts = [_count(len(self.steps), "request"), _count(len(self.unexpected), "difference")]
        parts += [f"{announced} announced"] if announced else []
        parts += [f"{len(self.stale)} announced but not found"] if self.stale else []
        return ", ".join(parts)

    def table(self, *, announced: bool = False) -> str:
        """The unexpected differences as text for people, with the announced ones where that is asked for."""
        shown = self.differences if announced else self.unexpected
        rows = [("step", "what", "flask", "aiohttp")]
        rows += [(item.step, item.what, item.flask, item.aiohttp) for item in shown]
        lines = [self.summary()]
        if shown:
            lines += ["", *_aligned(rows)]
        for item in shown:
            if item.announced is not None:
                lines += ["", f"{item.step}: {item.what}: announced: {item.announced}"]
            if item.detail:
                lines += [
                    "",
                    f"{item.step} ({item.request}):",
                    *(f"    {_printable(line)}" for line in item.detail.split("\n")),
                ]
        if self.stale:
            lines += ["", "announced, but not found (take them out):"]
            lines += [f"    {item.step}: {item.what}: {item.reason}" for item in self.stale]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The report as data for JSON."""
        return {
            "equal": self.equal,
            "steps": list(self.steps),
            "differences": [asdict(item) for item in self.differences],
            "stale": [asdict(item) for item in self.stale],
        }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    clipped = [[_clip(cell, limit) for cell, limit in zip(row, (44, 36, 40, 40), strict=True)] for row in rows]
    widths = [max(len(row[column]) for row in clipped) for column in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in clipped]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def _clip(text: str, limit: int) -> str:
    text = _printable(text)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def _printable(text: str) -> str:
    """No control character: a body may hold an escape sequence for the terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def make_report(
    steps: Iterable[str], differences: Iterable[Difference], announced: Sequence[Announced]
) -> ParityReport:
    """Tell expected differences from the others."""
    found: list[Difference] = []
    used: set[int] = set()
    for difference in differences:
        covering = [number for number, entry in enumerate(announced) if entry.covers(difference)]
        used.update(covering)
        reason = announced[covering[0]].reason if covering else None
        found.append(replace(difference, announced=reason))
    stale = tuple(entry for number, entry in enumerate(announced) if number not in used)
    return ParityReport(tuple(steps), tuple(found), stale)


def load_announced(path: Path | str) -> tuple[Announced, ...]:
    """Read a file of announced differences: a list of mappings, as JSON or YAML.

    Raises:
        ScriptError: it cannot be read, or an entry is wrong.
    """
    return make_announced(load_document(Path(path)), str(path))


def make_announced(document: Any, where: str = "the announced differences") -> tuple[Announced, ...]:
    """Check announced differences that are given as data.

    Raises:
        ScriptError: an entry is wrong.
    """
    if not isinstance(document, Sequence) or isinstance(document, str):
        raise ScriptError(f"{where}: it is a list of mappings with step, what and reason")
    announced: list[Announced] = []
    for number, entry in enumerate(document, 1):
        if isinstance(entry, Announced):
            announced.append(entry)
            continue
        if not isinstance(entry, Mapping) or not {"step", "what", "reason"} <= entry.keys():
            raise ScriptError(f"{where}: entry {number} needs step, what and reason")
        if unknown := entry.keys() - {"step", "what", "reason", "flask", "aiohttp"}:
            raise ScriptError(f"{where}: entry {number} has the unknown key {min(unknown)!r}")
        announced.append(Announced(**{key: str(value) for key, value in entry.items()}))
    return tuple(announced)
