"""What the port answers otherwise than the Flask application, on purpose: all of it. Nothing else may differ."""

from dataclasses import dataclass
from typing import Final

from examples.flask_port.after.settings import Stage

__all__ = ["DIFFERENCES", "Difference", "expected_at"]

GUIDE: Final = "docs/how-to/port-a-flask-app.md"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A difference that the guide announces.

    Attributes:
        step: the name of the request, as a pattern.
        what: what differs, as ``aiotoolkit.porting.parity`` calls it.
        stages: where it is there.
        reason: why.
        anchor: the section of the guide that announces it.
    """

    step: str
    what: str
    stages: tuple[Stage, ...]
    reason: str
    anchor: str


DIFFERENCES: Final[tuple[Difference, ...]] = ()


def expected_at(stage: Stage) -> list[dict[str, str]]:
    """The announced differences of a stage, as ``aiotoolkit.porting.parity`` takes them."""
    return [
        {"step": item.step, "what": item.what, "reason": f"{item.reason} ({GUIDE}#{item.anchor})"}
        for item in DIFFERENCES
        if stage in item.stages
    ]
