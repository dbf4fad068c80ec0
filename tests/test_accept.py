"""_accept: which of HTML and JSON a client ranks first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiotoolkit._accept import prefers_html

CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    "accept",
    [
        CHROME,
        FIREFOX,
        "text/html",
        "TEXT/HTML",
        " text/html ; level=1 ",
        "text/*",
        "text/html, */*; q=0.01",
        "text/html, application/json;q=0.9",
        "text/html, application/*;q=0.9",
        "text/html;q=0.5, application/json;q=0",
        "text/html;q=0.5, application/vnd.api+json;q=0.4, application/json;q=0.4",
        "text/html, application/json;q=2",  # no weight: it counts as 0
        "text/html, application/json;q=nan",
        "text/html, application/json;q=",
        "garbage, text/html",
    ],
)
def test_html_first(accept: str) -> None:
    """HTML it is where text/html ranks strictly above every JSON type."""
    assert prefers_html(accept)


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",  # curl, requests, fetch()
        "application/json",
        "application/json, text/plain, */*",  # axios
        "text/html, application/json",
        "text/html, application/problem+json",
        "text/html, application/vnd.api+json",
        "text/html, */*",
        "text/html;q=0.8, */*;q=0.8",
        "text/html;q=0.1, application/*;q=0.2",
        "text/html;q=0",
        "text/html;q=nan, */*;q=0.1",
        "text/html;q=inf, application/json;q=0.1",
        "text/html;q=-1",
        "text/plain",
        "text",
        ",;,;q=1",
        "*/*;q=0",
    ],
)
def test_json_else(accept: str) -> None:
    """A tie, a wildcard, no header and a header that cannot be read all mean JSON."""
    assert not prefers_html(accept)


@given(st.text())
def test_any_text(accept: str) -> None:
    """Whatever the header holds, there is an answer and no error."""
    assert prefers_html(accept) in (True, False)


@given(st.lists(st.sampled_from(["text/html", "*/*;q=0.5", "text/*;q=0.2", "image/png", "application/json;q=0.3"])))
def test_order_means_nothing(ranges: list[str]) -> None:
    """Only weights count, not the order of the ranges (RFC 9110, section 12.5.1)."""
    assert prefers_html(",".join(ranges)) == prefers_html(",".join(reversed(ranges)))
