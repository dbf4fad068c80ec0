"""Password hashes by scrypt (RFC 7914), in threads: one hash would hold up the event loop for a fifth of a second."""

import asyncio
import base64
import hashlib
import hmac
import os
from typing import Final, NamedTuple

from aiohttp import web

__all__ = ["PASSWORDS_KEY", "Cost", "Passwords"]


class Cost(NamedTuple):
    """The cost of a hash: 128 * n * r bytes of memory, and n * r * p steps."""

    n: int = 2**15
    r: int = 8
    p: int = 3  # with 32 MiB, as OWASP's cheat sheet on storing passwords has it (November 2026)


SALT_BYTES: Final = 16
HASH_BYTES: Final = 32
# Each hash in work takes its memory, and a core; more at once would be slower for everybody.
AT_ONCE: Final = 2


class Passwords:
    """Makes and checks hashes, a few at a time."""

    def __init__(self, cost: Cost = Cost()) -> None:  # noqa: B008 - a tuple never changes
        self._cost = cost
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def hash(self, password: str) -> str:
        """Return a hash with its cost and a new salt: ``scrypt$n$r$p$salt$hash``."""
        salt = os.urandom(SALT_BYTES)
        digest = await self._derive(password, salt, self._cost)
        return "$".join(["scrypt", *map(str, self._cost), _encode(salt), _encode(digest)])

    async def check(self, password: str, stored: str | None) -> bool:
        """Compare a password with a stored hash. Without one it takes as long, and is wrong."""
        if stored is None:
            await self.hash(password)
            return False
        _, n, r, p, salt, digest = stored.split("$")
        derived = await self._derive(password, base64.b64decode(salt), Cost(int(n), int(r), int(p)))
        return hmac.compare_digest(derived, base64.b64decode(digest))

    async def _derive(self, password: str, salt: bytes, cost: Cost) -> bytes:
        async with self._slots:
            return await asyncio.to_thread(_scrypt, password.encode(), salt, cost)


PASSWORDS_KEY: Final = web.AppKey("PASSWORDS_KEY", Passwords)


def _scrypt(password: bytes, salt: bytes, cost: Cost) -> bytes:
    memory = 128 * cost.r * (cost.n + cost.p + 2)  # what OpenSSL counts, which refuses 32 MiB by default
    return hashlib.scrypt(password, salt=salt, n=cost.n, r=cost.r, p=cost.p, maxmem=memory, dklen=HASH_BYTES)


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()
