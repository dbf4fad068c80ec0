"""Flask's sessions as a storage of aiohttp-session, and the middleware that treats them as Flask does."""

import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Self
from weakref import WeakKeyDictionary

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from aiohttp_session import SESSION_KEY, STORAGE_KEY, AbstractStorage, Session, SessionData

from aiotoolkit._request_id import mark_set_up
from aiotoolkit.porting._session_cookie import MAX_COOKIE_SIZE, CookieAttributes, Signed, SignedCookie, seconds_of

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter

__all__ = ["FlaskSession", "FlaskSessionStorage", "has_flask_storage", "session_now", "setup_sessions"]

_logger: Final = logging.getLogger("aiotoolkit.porting.sessions")

_DEFAULT_LIFETIME: Final = timedelta(days=31)

_TOO_LARGE: Final = (
    "The cookie %r is too large, and browsers may drop it: %d bytes, of which the session takes %d; the limit is %d"
)
_SET_UP: Final = web.AppKey("aiotoolkit.porting.sessions", bool)


class FlaskSession(Session):
    """A session that a Flask application may have written, or may read.

    It is aiohttp-session's, with Flask's ``permanent``. As in Flask, a change inside of a value is not seen: call
    ``session.changed()`` after it.
    """

    __module__ = "aiotoolkit.porting.sessions"

    # The Set-Cookie header that was made of it, and that is not on a response yet.
    _header: str | None = None

    @property
    def permanent(self) -> bool:
        """Whether the cookie outlives the browser, for the storage's lifetime."""
        return bool(self.get("_permanent", False))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self["_permanent"] = bool(value)

    def clear(self) -> None:
        """Take everything out, and delete the cookie: also one that could not be read."""
        self.invalidate()


class _Opened:
    """The session of one request: also of its clones, which have its keys, but not each other's later ones."""

    def __init__(self) -> None:
        self.session: FlaskSession | None = None
        self.is_used = False


_OPENED_KEY: Final = web.RequestKey("aiotoolkit.porting.session", _Opened)


class FlaskSessionStorage(AbstractStorage):
    """Reads and writes the session cookie of Flask 3.

    A cookie that is tampered with, expired, malformed or signed with another key is an empty session.

    Args:
        secret_key: Flask's ``SECRET_KEY``.
        fallback_keys: older keys: what they signed is read, and written with ``secret_key``.
        cookie_name: a token.
        lifetime: how long a cookie is good for, and how long a permanent one is kept; in seconds, if a number.
        refresh_each_request: write the cookie of a permanent session again at each request, so that it expires that
            long after the last one.
        domain: None for the host that sets it alone.
        path: what the paths of the requests that carry it begin with.
        secure: over HTTPS only.
        httponly: out of reach for scripts.
        samesite: ``"Strict"``, ``"Lax"``, ``"None"``, or None to leave it to the browser.
        partitioned: one for each top-level site (CHIPS); it is always secure.

    Raises:
        TypeError, ValueError: one of them is not what is called for. The text never holds a key.
    """

    __module__ = "aiotoolkit.porting.sessions"

    def __init__(
        self,
        secret_key: str | bytes,
        *,
        fallback_keys: Iterable[str | bytes] = (),
        cookie_name: str = "session",
        lifetime: timedelta | int = _DEFAULT_LIFETIME,
        refresh_each_request: bool = True,
        domain: str | None = None,
        path: str = "/",
        secure: bool = False,
        httponly: bool = True,
        samesite: str | None = None,
        partitioned: bool = False,
    ) -> None:
        super().__init__(
            cookie_name=cookie_name, domain=domain, path=path, secure=secure, httponly=httponly, samesite=samesite
        )
        self._lifetime = seconds_of(lifetime)
        self._signed = SignedCookie(secret_key, fallback_keys, self._lifetime)
        self._attributes = CookieAttributes(
            cookie_name,
            domain=domain,
            path=path,
            secure=secure,
            httponly=httponly,
            samesite=samesite,
            partitioned=partitioned,
        )
        self._is_refreshed = refresh_each_request
        # aiohttp-session 2.12 keeps its session under a str, of which aiohttp warns at the first request. The warning
        # is not for those who cannot change it; a filter would be gone where tests bring their own.
        seen: set[str] = getattr(web.BaseRequest, "_seen_str_keys", set())
        seen.update((SESSION_KEY, STORAGE_KEY))

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make a storage of Flask's settings, with Flask's defaults for those that are not there.

        Args:
            config: ``flask_app.config``, or any mapping with its names: ``SECRET_KEY``, ``SECRET_KEY_FALLBACKS``,
                ``PERMANENT_SESSION_LIFETIME``, ``SESSION_REFRESH_EACH_REQUEST``, ``APPLICATION_ROOT``, and
                ``SESSION_COOKIE_`` followed by ``NAME``, ``DOMAIN``, ``PATH``, ``SECURE``, ``HTTPONLY``, ``SAMESITE``
                or ``PARTITIONED``. Others are left alone.

        Raises:
            TypeError, ValueError: as for the class; also without a ``SECRET_KEY``.
        """
        key = config.get("SECRET_KEY")
        if key is None:
            raise ValueError("Sessions need the SECRET_KEY of the Flask application")
        return cls(
            key,
            fallback_keys=config.get("SECRET_KEY_FALLBACKS") or (),
            cookie_name=config.get("SESSION_COOKIE_NAME", "session"),
            lifetime=config.get("PERMANENT_SESSION_LIFETIME", _DEFAULT_LIFETIME),
            refresh_each_request=config.get("SESSION_REFRESH_EACH_REQUEST", True),
            domain=config.get("SESSION_COOKIE_DOMAIN") or None,
            path=config.get("SESSION_COOKIE_PATH") or config.get("APPLICATION_ROOT") or "/",
            secure=config.get("SESSION_COOKIE_SECURE", False),
            httponly=config.get("SESSION_COOKIE_HTTPONLY", True),
            samesite=config.get("SESSION_COOKIE_SAMESITE"),
            partitioned=config.get("SESSION_COOKIE_PARTITIONED", False),
        )

    async def new_session(self) -> FlaskSession:
        """An empty session."""
        return FlaskSession(None, data=None, new=True)

    async def load_session(self, request: web.Request) -> FlaskSession:
        """The session of a request; empty where its cookie is none that can be trusted."""
        return self.open_session(request)

    async def save_session(self, request: web.Request, response: web.StreamResponse, session: Session) -> None:
        """Put the cookie of a session on a response that has not started.

        Raises:
            TypeError: the session holds what cannot be written.
        """
        self.put_cookie(response, self.cookie_of(session))

    def open_session(self, request: web.Request) -> FlaskSession:
        """The session of a request, without waiting, for one who uses it."""
        session = self.read_session(request)
        request[_OPENED_KEY].is_used = True
        return session

    def read_session(self, request: web.Request) -> FlaskSession:
        """The session of a request, whose cookie is read once."""
        opened = request.get(_OPENED_KEY)
        if opened is None:
            opened = request[_OPENED_KEY] = _Opened()
        if opened.session is None:
            value = _cookie_value(request, self.cookie_name)
            opened.session = _session_of(self._signed.read(value) if value else None)
            if self._is_refreshed and opened.session.permanent:
                opened.session.changed()
        return opened.session

    def has_refreshed(self, request: web.Request) -> bool:
        """Whether a session may have to be written though nobody asked for it."""
        return self._is_refreshed and hdrs.COOKIE in request.headers

    def cookie_of(self, session: Session) -> str:
        """The Set-Cookie header's value for a session: for an empty one, what deletes the cookie.

        Raises:
            TypeError: the session holds what cannot be written.
        """
        if session.empty:
            return self._attributes.deletion()
        try:
            value = self._signed.write(dict(session))
        except Exception as error:
            # Whatever a value of the session does when it is asked for its JSON.
            raise TypeError(f"The session cannot be written into a cookie: {error}") from error
        header = self._attributes.header(value, max_age=self._lifetime if session.get("_permanent") else None)
        if len(header) > MAX_COOKIE_SIZE:
            _logger.warning(_TOO_LARGE, self.cookie_name, len(header), len(value), MAX_COOKIE_SIZE)
        return header

    def put_cookie(self, response: web.StreamResponse, header: str) -> None:
        """Set the cookie, unless the response sets it already: the old application's answer has the newer session."""
        start = f"{self.cookie_name}="
        if not any(value.startswith(start) for value in response.headers.getall(hdrs.SET_COOKIE, ())):
            response.headers.add(hdrs.SET_COOKIE, header)
            _vary_by_cookie(response)


def setup_sessions(app: web.Application, storage: FlaskSessionStorage) -> None:
    """Give each request its session, and save it when and as Flask does.

    Other than the middleware of aiohttp-session, this one also saves the session where the handler fails with an
    unhandled exception, and of a stream, a file or a websocket, up to where its response starts; it refreshes
    permanent sessions that nobody asked for, and adds ``Vary: Cookie`` where somebody asked. It works inside and
    outside of the error middleware. ``aiohttp_session.get_session(request)`` returns the session.

    Raises:
        RuntimeError: the application has sessions already, has started, or was added to another one.
        TypeError: ``app`` is no application, or the storage is none of Flask's sessions.
    """
    if not isinstance(storage, FlaskSessionStorage):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
        raise TypeError(f"setup_sessions takes a FlaskSessionStorage, not {type(storage).__name__}")
    mark_set_up(app, _SET_UP, "setup_sessions")

    # A middleware may pass on a clone of the request; what is written to is the same.
    opened_for: WeakKeyDictionary[AbstractStreamWriter, _Opened] = WeakKeyDictionary()

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[STORAGE_KEY] = storage
        opened = request[_OPENED_KEY] = opened_for[request.writer] = _Opened()
        if storage.has_refreshed(request):
            storage.read_session(request)
        try:
            response = await handler(request)
        finally:
            _take_new_session(request, opened)
        if opened.session is not None and opened.session._changed:
            _make_header_early(storage, request, response, opened.session)
        return response

    async def put_on_response(request: web.Request, response: web.StreamResponse) -> None:
        opened = opened_for.get(request.writer)
        if opened is not None:
            _take_new_session(request, opened)
            _put_on_response(storage, request, response, opened)

    app.middlewares.append(middleware)
    app.on_response_prepare.append(put_on_response)


def _take_new_session(request: web.Request, opened: _Opened) -> None:
    """Look for a session that ``aiohttp_session.new_session`` has put in the place of the one that was opened."""
    session = request.get(SESSION_KEY)
    if isinstance(session, FlaskSession):
        opened.session, opened.is_used = session, True


def _make_header_early(
    storage: FlaskSessionStorage, request: web.Request, response: web.StreamResponse, session: FlaskSession
) -> None:
    """Make the cookie where a session that cannot be written is still answered as an error."""
    if getattr(response, "prepared", False):  # a handler may return anything
        _logger.warning("The session of %s %s changed too late to be saved", request.method, request.path)
    else:
        _make_header(storage, session)


def _put_on_response(
    storage: FlaskSessionStorage, request: web.Request, response: web.StreamResponse, opened: _Opened
) -> None:
    """Write the headers of a session when its response starts, whoever made it."""
    session = opened.session
    if session is None:
        return
    if session._changed:
        try:
            _make_header(storage, session)
        except TypeError:
            _logger.exception("The session of %s %s is not saved", request.method, request.path)
    if session._header is not None:
        storage.put_cookie(response, session._header)
    elif opened.is_used:
        _vary_by_cookie(response)


def _make_header(storage: FlaskSessionStorage, session: FlaskSession) -> None:
    session._header = None
    session._changed = False
    session._header = storage.cookie_of(session)


def _session_of(signed: Signed | None) -> FlaskSession:
    if signed is None:
        return FlaskSession(None, data=None, new=True)
    return FlaskSession(None, data=SessionData(created=signed.created, session=signed.session), new=False)


def _cookie_value(request: web.Request, name: str) -> str | None:
    """The first cookie of a name, as Werkzeug takes it: browsers send the one of the nearest path first."""
    for header in request.headers.getall(hdrs.COOKIE, ()):
        for pair in header.split(";"):
            key, _, value = pair.partition("=")
            if key.strip(" \t") == name:
                value = value.strip(" \t")
                return value[1:-1] if value[:1] == value[-1:] == '"' else value
    return None


def _vary_by_cookie(response: web.StreamResponse) -> None:
    """Tell caches that the answer depends on the cookies, once."""
    names = ",".join(response.headers.getall(hdrs.VARY, ()))
    if "cookie" not in [name.strip().lower() for name in names.split(",")]:
        response.headers[hdrs.VARY] = f"{names}, Cookie" if names else "Cookie"


def has_flask_storage(request: web.Request) -> bool:
    """Whether the session can be had without waiting."""
    return isinstance(request.get(STORAGE_KEY), FlaskSessionStorage)


def session_now(request: web.Request) -> Session:
    """The session of a request, as `aiohttp_session.get_session` gives it, of a storage of Flask's sessions."""
    if SESSION_KEY not in request:
        request[SESSION_KEY] = request[STORAGE_KEY].open_session(request)
    session: Session = request[SESSION_KEY]
    return session
