"""What a client accepts, read from its Accept header (RFC 9110, section 12.5.1)."""

from collections.abc import Iterator

__all__ = ["prefers_html"]

_JSON_TYPES = frozenset({"application/json", "application/problem+json"})


def prefers_html(accept: str) -> bool:
    """Tell whether ``text/html`` ranks strictly above every JSON type.

    A browser asks for HTML by name and for the rest with a lower quality; curl's ``*/*`` ranks both the same, and
    gets JSON. A missing or unreadable header counts as ``*/*``.

    Args:
        accept: the value of the Accept header; several headers joined with commas.
    """
    ranges = dict(_media_ranges(accept))
    if not ranges:
        return False
    listed_json = {name for name in ranges if name.endswith("+json")} | _JSON_TYPES
    return _quality(ranges, "text/html") > max(_quality(ranges, name) for name in listed_json)


def _media_ranges(accept: str) -> Iterator[tuple[str, float]]:
    for item in accept.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        if "/" in name:
            yield name, _q(parameters)


def _q(parameters: list[str]) -> float:
    """The weight of a media range, 0 to 1; 0 where it cannot be read."""
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                weight = float(parameter[2:])
            except ValueError:
                return 0.0
            # "nan" and "inf" are floats for Python and nonsense here.
            return weight if 0.0 <= weight <= 1.0 else 0.0
    return 1.0


def _quality(ranges: dict[str, float], name: str) -> float:
    """The quality of a media type: its most specific range decides."""
    kind = name.partition("/")[0]
    for candidate in (name, f"{kind}/*", "*/*"):
        if candidate in ranges:
            return ranges[candidate]
    return 0.0
