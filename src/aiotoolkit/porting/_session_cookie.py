"""Flask's session cookie: its signature, its payload and its attributes."""

import hashlib
import re
import time
import zlib
from collections.abc import Iterable
from datetime import timedelta
from email.utils import formatdate
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import quote

from itsdangerous import TimestampSigner, base64_decode, base64_encode

from aiotoolkit.porting import _tagged_json

__all__ = ["MAX_COOKIE_SIZE", "CookieAttributes", "Signed", "SignedCookie", "seconds_of"]

MAX_COOKIE_SIZE: Final = 4093
"""Bytes of a Set-Cookie value that every browser keeps, as Werkzeug counts them."""

# A cookie of 4 kB can be the compressed form of megabytes. Only who has the key can make one.
_MAX_JSON: Final = 1024 * 1024

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 6265, section 4.1.1


class Signed(NamedTuple):
    """What a cookie holds, and when it was signed, in seconds since the epoch."""

    session: dict[str, Any]
    created: int


class SignedCookie:
    """Signs sessions, and reads those whose signature holds.

    Args:
        secret_key: signs, and reads.
        fallback_keys: read only.
        lifetime: seconds after which a signature does not hold.
    """

    def __init__(self, secret_key: str | bytes, fallback_keys: Iterable[str | bytes], lifetime: int) -> None:
        fallbacks = [_key("fallback_keys", key) for key in _listed(fallback_keys)]
        self._signer = TimestampSigner(
            [*fallbacks, _key("secret_key", secret_key)],  # itsdangerous signs with the last one
            salt=b"cookie-session",
            key_derivation="hmac",
            digest_method=_sha1,
        )
        self._lifetime = lifetime

    def write(self, session: dict[str, Any]) -> str:
        """The cookie's value: ASCII.

        Raises:
            Exception: the session holds what cannot be written; see `_tagged_json.dumps`.
        """
        payload = _tagged_json.dumps(session).encode()
        compressed = zlib.compress(payload)
        is_shorter = len(compressed) < len(payload) - 1
        encoded = b"." + base64_encode(compressed) if is_shorter else base64_encode(payload)
        return self._signer.sign(encoded).decode("ascii")

    def read(self, value: str) -> Signed | None:
        """What a cookie's value holds; None where it is none of ours, too old, or broken."""
        if not value.isascii():
            return None
        try:
            payload, signed = self._signer.unsign(value, max_age=self._lifetime, return_timestamp=True)
            session = _tagged_json.loads(_unpacked(payload))
        except Exception:
            return None
        return Signed(session, int(signed.timestamp())) if isinstance(session, dict) else None


def _sha1(data: bytes = b"") -> Any:
    # A build without SHA-1 must fail when it is used, and not at the import.
    return hashlib.sha1(data)  # noqa: S324 - Flask's choice; HMAC does not need collision resistance


def _unpacked(payload: bytes) -> bytes:
    if not payload.startswith(b"."):
        return base64_decode(payload)
    decompress = zlib.decompressobj()
    unpacked = decompress.decompress(base64_decode(payload[1:]), _MAX_JSON)
    if not decompress.eof:
        raise ValueError("the session is cut off, or too large")
    return unpacked


def _listed(keys: Any) -> list[Any]:
    if isinstance(keys, str | bytes):
        raise TypeError("fallback_keys= is a list of keys, not one key")
    return list(keys)


def _key(name: str, key: Any) -> bytes:
    # Never the key itself in an error: it would end up in a log.
    if not isinstance(key, str | bytes):
        raise TypeError(f"{name}: a key is str or bytes, not {type(key).__name__}")
    if not key:
        raise ValueError(f"{name}: a key must not be empty")
    if isinstance(key, bytes):
        return key
    try:
        return key.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name}: the key holds what UTF-8 cannot encode") from None


class CookieAttributes:
    """The Set-Cookie header of a session, in the words and the order of Werkzeug's.

    Raises:
        TypeError, ValueError: an attribute is not what is called for.
    """

    def __init__(
        self,
        name: str,
        *,
        domain: str | None,
        path: str,
        secure: bool,
        httponly: bool,
        samesite: Literal["Strict", "Lax", "None"] | str | None,  # noqa: PYI051 - the names that matter, for a reader
        partitioned: bool,
    ) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a cookie")
        for option, value in (("secure", secure), ("httponly", httponly), ("partitioned", partitioned)):
            if not isinstance(value, bool):
                raise TypeError(f"{option}= must be True or False, not {value!r}")
        self.name = name
        self._domain = None if domain is None else _domain(domain)
        self._rest = "; HttpOnly" * httponly + f"; Path={_path(path)}"
        self._secure = "; Secure" * (secure or partitioned)
        self._rest += "" if samesite is None else f"; SameSite={_samesite(samesite)}"
        self._rest += "; Partitioned" * partitioned

    def header(self, value: str, *, max_age: int | None = None) -> str:
        """The Set-Cookie header's value; with ``max_age`` in seconds it outlives the browser."""
        expires = "" if max_age is None else f"; Expires={formatdate(time.time() + max_age, usegmt=True)}"
        return self._joined(value, expires)

    def deletion(self) -> str:
        """The header's value that makes the browser forget the cookie."""
        return self._joined("", "; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0")

    def _joined(self, value: str, expires: str) -> str:
        domain = "" if self._domain is None else f"; Domain={self._domain}"
        return f"{self.name}={value}{domain}{expires}{self._secure}{self._rest}"


def _domain(domain: str) -> str:
    name = domain.partition(":")[0].lstrip(".")
    try:
        encoded = name.encode("idna").decode("ascii")
    except UnicodeError:
        encoded = ""
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", encoded):
        raise ValueError(f"{domain!r} is not the domain of a cookie")
    return encoded


def _path(path: str) -> str:
    if not isinstance(path, str) or not path.startswith("/"):
        raise ValueError(f"The path of a cookie begins with '/', not {path!r}")
    return quote(path, safe="%!$&'()*+,/:=@")


def _samesite(samesite: str) -> str:
    word = samesite.title() if isinstance(samesite, str) else samesite
    if word not in {"Strict", "Lax", "None"}:
        raise ValueError(f"samesite= is 'Strict', 'Lax', 'None' (text) or None, not {samesite!r}")
    return word


def seconds_of(lifetime: Any) -> int:
    """A lifetime in whole seconds.

    Raises:
        TypeError, ValueError: it is none.
    """
    if isinstance(lifetime, timedelta):
        lifetime = int(lifetime.total_seconds())
    if isinstance(lifetime, bool) or not isinstance(lifetime, int):
        raise TypeError(f"lifetime= is a timedelta or a number of seconds, not {lifetime!r}")
    if lifetime < 0:
        raise ValueError("lifetime= must not be negative")
    return lifetime
