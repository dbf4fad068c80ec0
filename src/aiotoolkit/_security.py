"""The security of an operation: credentials found in a request, and checked by the application's own functions."""

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from aiohttp import hdrs, web

from aiotoolkit._openapi_document import InvalidDocumentError
from aiotoolkit._operation_source import Found, Source
from aiotoolkit.problems import Problem

__all__ = ["VERIFIED", "Credentials", "Guard", "Security", "Verifier"]

VERIFIED: Final = web.RequestKey("aiotoolkit.openapi.verified", Mapping[str, Any])
"""Where a view finds what the verifiers returned, by the names of their schemes; it is empty for who gave nothing."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client gave for a security scheme. Its ``repr`` shows no secret.

    Attributes:
        scheme: the scheme's name in the document.
        scopes: those that the operation wants: of OAuth 2 and OpenID Connect, else roles.
        token: the key, the bearer token, or what stands after the name of another HTTP scheme; None of Basic.
        username: of HTTP's Basic.
        password: of HTTP's Basic.
    """

    __module__ = "aiotoolkit.openapi"

    scheme: str
    scopes: tuple[str, ...] = ()
    token: str | None = field(default=None, repr=False)
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)


Verifier = Callable[[web.Request, Credentials], Awaitable[Any]]
"""Returns whose credentials these are, or None or False where they are nobody's; it may raise a Problem with 403."""


class _Scheme(NamedTuple):
    """A security scheme.

    Attributes:
        name: what the document calls it.
        verify: the application's function.
        find: gives the credentials of a request, without scopes; None where there are none.
        challenge: what an answer with 401 asks for (RFC 9110, section 11.6.1).
    """

    name: str
    verify: Verifier
    find: Callable[[web.Request], Credentials | None]
    challenge: str


class Security:
    """The security schemes of a document, each with its verifier.

    Args:
        source: the document.
        verifiers: the application's functions, by the names of the schemes.

    Attributes:
        errors: what is wrong with the verifiers, as text.
    """

    def __init__(self, source: Source, verifiers: Mapping[str, Verifier]) -> None:
        self._source = source
        self._verifiers = verifiers
        self._found = self._declared()
        self._schemes: dict[str, _Scheme] = {}
        self.errors = [
            f"There is no security scheme {name!r} for this verifier; there are: {', '.join(self._found) or 'none'}"
            for name in verifiers
            if name not in self._found
        ]
        self._missing: set[str] = set()

    def _declared(self) -> dict[str, Found]:
        components = self._source.document.get("components", {})
        if not isinstance(components, dict):
            return {}
        return dict(self._source.members(Found(components, ("components",)), "securitySchemes"))

    def guard(self, operation: Found) -> "Guard | None":
        """What stands before an operation; None where it is open to all.

        Raises:
            InvalidDocumentError: a requirement names what there is not.
        """
        owner = operation if "security" in operation.contents else Found(self._source.document, ())
        requirements = owner.get("security", [])
        if not isinstance(requirements, list) or not all(isinstance(item, dict) for item in requirements):
            raise owner.error("security is a list of objects", "security")
        if not requirements:
            return None
        ways = [
            [(self._scheme(name, owner), _scopes(owner, name, scopes)) for name, scopes in each.items()]
            for each in requirements
        ]
        return Guard([way for way in ways if way], is_optional=any(not way for way in ways))

    def query_names(self, operation: Found) -> frozenset[str]:
        """The names in the query that hold keys."""
        found = self._found.values()
        return frozenset(str(each.get("name")) for each in found if each.get("in") == "query")

    def _scheme(self, name: str, owner: Found) -> _Scheme:
        if name in self._schemes:
            return self._schemes[name]
        if name not in self._found:
            raise owner.error(f"There is no security scheme {name!r} in the components", "security")
        if name not in self._verifiers:
            message = f"The security scheme {name!r} has no verifier: give setup_operations security={{{name!r}: ...}}"
            if name in self._missing:
                raise InvalidDocumentError([])
            self._missing.add(name)
            raise self._found[name].error(message)
        scheme = self._schemes[name] = _made(name, self._found[name], self._verifiers[name])
        return scheme


def _scopes(owner: Found, name: str, scopes: Any) -> tuple[str, ...]:
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise owner.error(f"The scopes of {name!r} are a list of texts", "security")
    return tuple(scopes)


# RFC 9110, section 5.6.2: it goes into the header WWW-Authenticate.
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def _made(name: str, found: Found, verify: Verifier) -> _Scheme:
    kind = found.get("type")
    if kind == "http":
        named = found.get("scheme")
        if not isinstance(named, str) or not _TOKEN.fullmatch(named):
            raise found.error("A scheme of type http has a scheme, such as basic or bearer")
        scheme = named.lower()
        if scheme == "basic":
            return _Scheme(name, verify, lambda request: _basic(request, name), 'Basic realm="api", charset="UTF-8"')
        title = "Bearer" if scheme == "bearer" else named
        return _Scheme(name, verify, lambda request: _authorization(request, name, scheme), title)
    if kind in ("oauth2", "openIdConnect"):
        return _Scheme(name, verify, lambda request: _authorization(request, name, "bearer"), "Bearer")
    if kind == "apiKey":
        key, where = found.get("name"), found.get("in")
        if not isinstance(key, str) or not key or not isinstance(where, str) or where not in _KEYS:
            raise found.error(f"A scheme of type apiKey has a name, and is in one of {', '.join(_KEYS)}")
        values = _KEYS[where]
        return _Scheme(name, verify, lambda request: _key(values(request, key), name), f'ApiKey in="{where}"')
    if kind == "mutualTLS":
        # The certificate is the connection's: the verifier asks the request for it.
        return _Scheme(name, verify, lambda request: Credentials(name), "MutualTLS")
    raise found.error(f"A security scheme is of type apiKey, http, mutualTLS, oauth2 or openIdConnect, not {kind!r}")


def _cookie(request: web.Request, name: str) -> Sequence[str]:
    value = request.cookies.get(name)
    return () if value is None else (value,)


_KEYS: Final[Mapping[str, Callable[[web.Request, str], Sequence[str]]]] = {
    "header": lambda request, name: request.headers.getall(name, ()),
    "query": lambda request, name: request.query.getall(name, ()),
    "cookie": _cookie,
}


def _key(values: Sequence[str], name: str) -> Credentials | None:
    # Of two keys, it is not for us to choose.
    return Credentials(name, token=values[0]) if len(values) == 1 and values[0] else None


def _authorization(request: web.Request, name: str, scheme: str) -> Credentials | None:
    """The credentials in the header Authorization (RFC 9110, section 11.4)."""
    values = request.headers.getall(hdrs.AUTHORIZATION, ())
    if len(values) != 1:
        return None
    named, _, rest = values[0].partition(" ")
    token = rest.strip(" ")
    return Credentials(name, token=token) if named.lower() == scheme and token else None


def _basic(request: web.Request, name: str) -> Credentials | None:
    """A user name and a password (RFC 7617)."""
    found = _authorization(request, name, "basic")
    if found is None or found.token is None:
        return None
    try:
        text = base64.b64decode(found.token, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    username, colon, password = text.partition(":")
    return Credentials(name, username=username, password=password) if colon else None


Way = Sequence[tuple[_Scheme, tuple[str, ...]]]


class Guard:
    """What stands before an operation: one of several ways, each of which wants all of its schemes.

    Args:
        ways: the schemes of each way, with the scopes that are wanted.
        is_optional: whether a request without credentials passes as well.
    """

    def __init__(self, ways: Sequence[Way], *, is_optional: bool) -> None:
        self._ways = ways
        self._is_optional = is_optional
        schemes = [scheme for way in ways for scheme, _ in way]
        self._challenges = ", ".join(dict.fromkeys(scheme.challenge for scheme in schemes))
        self._names = frozenset(scheme.name for scheme in schemes)

    async def check(self, request: web.Request) -> None:
        """Let a request pass, and leave what the verifiers returned at ``request[VERIFIED]``.

        Raises:
            Problem: 401, with what is asked for; or what a verifier raised, such as 403.
        """
        known: dict[tuple[str, tuple[str, ...]], Any] = {}
        refusal: web.HTTPException | None = None
        for way in self._ways:
            try:
                verified = await _verified(request, way, known)
            except web.HTTPException as error:
                if error.status != 403:
                    raise
                refusal = refusal or error
                continue
            if verified is not None:
                request[VERIFIED] = verified
                return
        if self._is_optional:
            request[VERIFIED] = {}
        elif refusal is not None:
            raise refusal
        else:
            raise Problem(401, "Valid credentials are needed.", headers={hdrs.WWW_AUTHENTICATE: self._challenges})


async def _verified(
    request: web.Request, way: Way, known: dict[tuple[str, tuple[str, ...]], Any]
) -> dict[str, Any] | None:
    """What the verifiers of a way returned, or None where one is not content; each is asked once."""
    found = [(scheme, scopes, scheme.find(request)) for scheme, scopes in way]
    if any(credentials is None for _, _, credentials in found):
        return None
    verified = {}
    for scheme, scopes, credentials in found:
        key = (scheme.name, scopes)
        if key not in known and credentials is not None:
            wanted = Credentials(scheme.name, scopes, credentials.token, credentials.username, credentials.password)
            known[key] = await scheme.verify(request, wanted)
        if known[key] is None or known[key] is False:
            return None
        verified[scheme.name] = known[key]
    return verified
