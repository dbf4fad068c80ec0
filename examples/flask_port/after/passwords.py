"""Password hashes as Werkzeug writes them, so that both applications know the users; Werkzeug itself is not needed.

``scrypt:n:r:p$salt$hash``: RFC 7914, with the salt as it is written and the hash in hexadecimal digits.
"""

import asyncio
import hashlib
import hmac
import secrets
from typing import Final

from aiohttp import web

__all__ = ["PASSWORDS_KEY", "Passwords", "hash_password"]

SALT_BYTES: Final = 12
HASH_BYTES: Final = 64
# Each hash in work takes 32 MiB and a core: more at once would be slower for everybody.
AT_ONCE: Final = 2


class Passwords:
    """Makes and checks hashes in threads: one would hold up the event loop for a tenth of a second."""

    def __init__(self, method: str) -> None:
        self._method = method
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def hash(self, password: str) -> str:
        """Return a hash with a new salt."""
        async with self._slots:
            return await asyncio.to_thread(hash_password, password, self._method)

    async def check(self, password: str, stored: str | None) -> bool:
        """Compare a password with a stored hash. Without one it takes as long, and is wrong."""
        if stored is None:
            await self.hash(password)
            return False
        method, salt, digest = stored.split("$")
        async with self._slots:
            found = await asyncio.to_thread(_scrypt, password, method, salt)
        return hmac.compare_digest(found, digest)


PASSWORDS_KEY: Final = web.AppKey("PASSWORDS_KEY", Passwords)


def hash_password(password: str, method: str) -> str:
    """Return a hash with a new salt; it takes a while."""
    salt = secrets.token_urlsafe(SALT_BYTES)
    return f"{method}${salt}${_scrypt(password, method, salt)}"


def _scrypt(password: str, method: str, salt: str) -> str:
    name, *cost = method.split(":")
    if name != "scrypt" or len(cost) != 3:
        raise ValueError(f"This is no hash by scrypt, but by {name}: let the account set a new password")
    n, r, p = map(int, cost)
    memory = 132 * n * r * p
    return hashlib.scrypt(password.encode(), salt=salt.encode(), n=n, r=r, p=p, maxmem=memory, dklen=HASH_BYTES).hex()
