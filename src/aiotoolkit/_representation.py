"""Bytes that are made once and served many times: with a validator, and compressed where that pays."""

import gzip
import hashlib
from collections.abc import Mapping
from typing import Final

from aiohttp import hdrs, web
from multidict import CIMultiDict

__all__ = ["Representation", "content_hash"]

_HASH_LENGTH: Final = 16  # hexadecimal digits: 64 bits, more than one resource's versions will ever need
_WORTH_COMPRESSING: Final = 1000  # bytes: below that, all of it is in the first packet anyway

_REVALIDATED: Final = "no-cache"  # kept, but asked about each time: the answer is a 304
# RFC 8246: the content of this URL never changes.
_UNCHANGING: Final = "public, max-age=31536000, immutable"


def content_hash(content: bytes) -> str:
    """The hash that stands for a content: 16 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()[:_HASH_LENGTH]


class Representation:
    """A body with its headers, and the same compressed with gzip for the clients that take it.

    Attributes:
        version: the hash of the body. The URL that ends in ``?v=`` and this may be kept for a year.
    """

    __slots__ = ("_compressed", "_identity", "_versioned_query", "version")

    def __init__(self, body: bytes, content_type: str, headers: Mapping[str, str] | None = None) -> None:
        self.version = content_hash(body)
        self._versioned_query = f"v={self.version}"
        common = {"X-Content-Type-Options": "nosniff", **(headers or {})}
        compressed = gzip.compress(body, mtime=0) if len(body) >= _WORTH_COMPRESSING else body
        self._compressed: _Variant | None = None
        if len(compressed) < len(body):
            common[hdrs.VARY] = hdrs.ACCEPT_ENCODING
            # A strong validator names the bytes (RFC 9110, section 8.8.3.3): each variant has its own.
            self._compressed = _Variant(compressed, f"{self.version}-gzip", content_type, common, encoding="gzip")
        self._identity = _Variant(body, self.version, content_type, common)

    def answer(self, request: web.Request) -> web.Response:
        """The response to a GET or HEAD: 304 where the client has these very bytes."""
        variant = self._identity
        if self._compressed is not None and _takes_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, "")):
            variant = self._compressed
        return variant.answer(request, is_versioned=request.rel_url.raw_query_string == self._versioned_query)


class _Variant:
    __slots__ = ("_body", "_headers", "_tag", "_unmodified")

    def __init__(
        self, body: bytes, tag: str, content_type: str, common: Mapping[str, str], *, encoding: str | None = None
    ) -> None:
        self._body = body
        self._tag = tag
        # What a 304 repeats (RFC 9110, section 15.4.5): nothing that describes the content.
        self._unmodified = CIMultiDict({hdrs.ETAG: f'"{tag}"', hdrs.CACHE_CONTROL: _REVALIDATED, **common})
        self._headers = self._unmodified.copy()
        self._headers[hdrs.CONTENT_TYPE] = content_type
        if encoding is not None:
            self._headers[hdrs.CONTENT_ENCODING] = encoding

    def answer(self, request: web.Request, *, is_versioned: bool) -> web.Response:
        is_unmodified = hdrs.IF_NONE_MATCH in request.headers and self._matches(request)
        # A copy each time: aiohttp and middlewares add to the headers of a response.
        headers = (self._unmodified if is_unmodified else self._headers).copy()
        if is_versioned:
            headers[hdrs.CACHE_CONTROL] = _UNCHANGING
        return (
            web.Response(status=304, headers=headers)
            if is_unmodified
            else web.Response(body=self._body, headers=headers)
        )

    def _matches(self, request: web.Request) -> bool:
        # RFC 9110, section 13.1.2: the weak comparison.
        return any(tag.value in (self._tag, "*") for tag in request.if_none_match or ())


def _takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header (RFC 9110, section 12.5.3) names gzip, or everything, and not with weight 0."""
    taken: dict[str, bool] = {}
    for item in accepted.lower().split(","):
        name, _, parameters = item.partition(";")
        weight = parameters.replace(" ", "").partition("q=")[2]
        taken[name.strip()] = not weight or weight.strip("0.") != ""
    return taken.get("gzip", taken.get("*", False))
