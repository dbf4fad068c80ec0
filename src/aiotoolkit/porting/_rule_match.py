"""What a matched rule tells of a request: the converted values and the endpoint."""

from typing import Any

from aiohttp import web

__all__ = ["RuleMatch", "endpoint_of", "rule_values"]


class RuleMatch(web.UrlMappingMatchInfo):
    """The match of a rule: the texts of the path, as aiohttp has them, and what the converters made of them."""

    __slots__ = ("converted", "endpoint", "location")

    def __init__(
        self,
        texts: dict[str, str],
        route: web.AbstractRoute,
        converted: dict[str, Any],
        endpoint: str | None,
        location: str = "",
    ) -> None:
        super().__init__(texts, route)
        self.converted = converted
        self.endpoint = endpoint
        self.location = location


def rule_values(request: web.Request) -> dict[str, Any]:
    """What the converters of the request's rule made of its path, and the rule's defaults.

    Of a route that is not a rule, the texts of ``request.match_info``. This is what Flask has as
    ``request.view_args``.
    """
    match = request.match_info
    return match.converted if isinstance(match, RuleMatch) else dict(match)


def endpoint_of(request: web.Request) -> str | None:
    """The endpoint of the request's rule, or else the name of its route; None where nothing matched."""
    match = request.match_info
    return match.endpoint if isinstance(match, RuleMatch) else match.route.name
