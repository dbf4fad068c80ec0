"""Functions before, after and at the end of each request, with Flask's semantics.

``hooks = setup_hooks(app, errors=error_middleware())`` and then ``@hooks.before_request``, ``@hooks.after_request`` and
``@hooks.teardown_request``. They run for a 404 of the router, for an error and where a before hook answers by itself.
Each is a plain or an async function. A plain one runs in the event loop and must not block.
"""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple, TypeVar

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from aiotoolkit.porting._rule_match import endpoint_of

__all__ = ["AfterHook", "BeforeHook", "Hooks", "TeardownHook", "after_this_request", "setup_hooks"]

BeforeHook = Callable[[web.Request], web.StreamResponse | Awaitable[web.StreamResponse | None] | None]
"""Runs before the view, as ``(request)``. A response that it returns is the answer, and the view is not called."""

AfterHook = Callable[[web.Request, web.StreamResponse], web.StreamResponse | Awaitable[web.StreamResponse]]
"""Runs after the view, as ``(request, response)``, and returns the response, or another one."""

TeardownHook = Callable[[web.Request, BaseException | None], object]
"""Runs at the end, as ``(request, error)``: the error that nobody handled, or None."""

B = TypeVar("B", bound=BeforeHook)
A = TypeVar("A", bound=AfterHook)
T = TypeVar("T", bound=TeardownHook)

_logger: Final = logging.getLogger("aiotoolkit.porting.hooks")


class Hooks:
    """The hooks of an application, or of what is below one name in it; made by `setup_hooks`."""

    def __init__(self, app: web.Application, registry: "_Registry", name: str = "") -> None:
        self._app = app
        self._registry = registry
        self._name = name

    def scope(self, name: str) -> "Hooks":
        """The hooks of one blueprint or component: of the endpoints and route names that begin with ``name`` and a dot.

        They run inside those of the application, as Flask's do: before hooks later, the others earlier.
        """
        return Hooks(self._app, self._registry, f"{self._name}.{name}" if self._name else name)

    def before_request(self, hook: B) -> B:
        """Add a function that runs before the view, after those that were added earlier."""
        self._add(self._registry.before, hook)
        return hook

    def after_request(self, hook: A) -> A:
        """Add a function that runs on every response, before those that were added earlier."""
        self._add(self._registry.after, hook)
        return hook

    def teardown_request(self, hook: T) -> T:
        """Add a function that runs at the end of every request, before those that were added earlier.

        What it raises is logged, and neither the response nor the other hooks notice.
        """
        self._add(self._registry.teardown, hook)
        return hook

    def _add(self, hooks: dict[str, list[Any]], hook: object) -> None:
        if not callable(hook):
            raise TypeError(f"A hook is a function, not {type(hook).__name__}")
        if self._app.pre_frozen:
            raise RuntimeError("The application takes no more hooks: add them before it runs")
        hooks.setdefault(self._name, []).append(hook)


def setup_hooks(app: web.Application, *, errors: Middleware | None = None) -> Hooks:
    """Install the hooks, as the innermost middleware that the application has by now.

    Args:
        app: the application.
        errors: the middleware that answers errors, such as ``aiotoolkit.middlewares.error_middleware(handlers)``. It
            is called inside the hooks, as Flask's error handlers are: after hooks get what it answers, and may replace
            it; then what stands outside, such as aiohttp-session's middleware, sees an ordinary response, and saves
            the session for an error too. Without it, errors pass through to what stands outside, and the after hooks
            run later, just before the head of the answer is sent: after the teardown, and they can change the headers
            only. Use it in place of ``setup_errors``, or beside: that one then answers what is raised further out.

    Raises:
        RuntimeError: the application has hooks already, or is frozen.
    """
    if _SET_UP in app:
        raise RuntimeError("The application has hooks already: setup_hooks is called once")
    if app.pre_frozen:
        raise RuntimeError("The application is frozen: call setup_hooks before it runs or is added to another one")
    app[_SET_UP] = True
    registry = _Registry(errors)
    app.middlewares.append(registry.middleware())
    app.on_response_prepare.append(registry.before_head)
    return Hooks(app, registry)


def after_this_request(request: web.Request, hook: AfterHook) -> None:
    """Add a function that runs on the response of this request, before the after hooks.

    Raises:
        RuntimeError: the request's application has no hooks, or the request's after hooks have run.
    """
    run = request.get(_RUN)
    if run is None:
        raise RuntimeError("The request has no hooks: call setup_hooks(app) where the application is made")
    run.add(hook)


_SET_UP: Final = web.AppKey("aiotoolkit.porting.hooks", bool)


class _Plan(NamedTuple):
    """The hooks of one endpoint, in the order in which they run."""

    before: tuple[BeforeHook, ...]
    after: tuple[AfterHook, ...]
    teardown: tuple[TeardownHook, ...]


class _Registry:
    """All hooks of an application, by the name that they are scoped to."""

    def __init__(self, errors: Middleware | None) -> None:
        self.before: dict[str, list[BeforeHook]] = {}
        self.after: dict[str, list[AfterHook]] = {}
        self.teardown: dict[str, list[TeardownHook]] = {}
        self._errors = errors
        self._plans: dict[str, _Plan] = {}
        # A request may pass the hooks of a sub-application inside those of the outer one.
        self._key: web.RequestKey[_Run] = web.RequestKey("aiotoolkit.porting.hooks", _Run)

    def middleware(self) -> Middleware:
        @web.middleware
        async def hooks_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            run = _Run(request, self._plan(endpoint_of(request) or ""), self._errors)
            request[self._key] = request[_RUN] = run
            try:
                return await run.answer(handler)
            except BaseException as error:
                run.fail(error)
                raise
            finally:
                await run.tear_down()

        return hooks_middleware

    async def before_head(self, request: web.Request, response: web.StreamResponse) -> None:
        """Run the after hooks on what did not pass the middleware unsent: streams, web sockets, errors."""
        run = request.get(self._key)
        if run is not None:
            await run.process_late(response)

    def _plan(self, endpoint: str) -> _Plan:
        plan = self._plans.get(endpoint)
        if plan is None:
            names = list(_scopes(endpoint))
            inner = names[::-1]
            plan = self._plans[endpoint] = _Plan(
                tuple(hook for name in names for hook in self.before.get(name, ())),
                tuple(hook for name in inner for hook in reversed(self.after.get(name, ()))),
                tuple(hook for name in inner for hook in reversed(self.teardown.get(name, ()))),
            )
        return plan


def _scopes(endpoint: str) -> Iterator[str]:
    """The names that hooks for an endpoint may be scoped to, from the outside in: ``"a.b.c"`` is in "", "a", "a.b"."""
    yield ""
    pieces = endpoint.split(".")
    for count in range(1, len(pieces)):
        yield ".".join(pieces[:count])


class _Run:
    """The hooks of one request."""

    __slots__ = ("_done", "_error", "_errors", "_extra", "_plan", "_request")

    def __init__(self, request: web.Request, plan: _Plan, errors: Middleware | None) -> None:
        self._request = request
        self._plan = plan
        self._errors = errors
        self._extra: list[AfterHook] = []
        self._done = False
        self._error: BaseException | None = None

    def add(self, hook: AfterHook) -> None:
        if self._done:
            raise RuntimeError("The after hooks of the request have run")
        self._extra.append(hook)

    def fail(self, error: BaseException) -> None:
        if not isinstance(error, web.HTTPException):
            self._error = error

    async def answer(self, handler: Handler) -> web.StreamResponse:
        async def respond(request: web.Request) -> web.StreamResponse:
            try:
                response = await self._before(request)
                return await handler(request) if response is None else response
            except Exception as error:
                self.fail(error)
                raise

        if self._errors is None:
            try:
                return await self._process(await respond(self._request))
            except web.HTTPException as redirect:
                if redirect.status >= 400 or self._done:
                    raise
                response = await self._process(redirect)
                if response is redirect:
                    raise
                return response
        response = await self._errors(self._request, respond)
        if response.status < 500:
            self._error = None
        return await self._process(response)

    async def _before(self, request: web.Request) -> web.StreamResponse | None:
        for hook in self._plan.before:
            response = await _result(hook(request))
            if response is not None:
                if not isinstance(response, web.StreamResponse):
                    raise TypeError(f"{_named(hook)} must return a response or None, not {type(response).__name__}")
                return response
        return None

    async def _process(self, response: web.StreamResponse) -> web.StreamResponse:
        """The after hooks, on a response of which nothing was sent."""
        if self._done or not isinstance(response, web.StreamResponse) or response.prepared:
            return response
        if self._errors is None:
            response = await self._after(response)
        else:
            try:
                response = await self._after(response)
            except Exception as error:
                response = await self._answer_failure(self._errors, error)
        self._done = True
        return response

    async def _answer_failure(self, errors: Middleware, error: Exception) -> web.StreamResponse:
        """The answer where an after hook failed; as in Flask, it passes the after hooks once more."""
        self.fail(error)

        async def fail(request: web.Request) -> web.StreamResponse:
            raise error

        response = await errors(self._request, fail)
        try:
            return await self._after(response)
        except Exception:
            _logger.exception("An after hook failed while an error was answered")
            return response

    async def _after(self, response: web.StreamResponse) -> web.StreamResponse:
        for hook in (*self._extra, *self._plan.after):
            result = await _result(hook(self._request, response))
            if not isinstance(result, web.StreamResponse):
                raise TypeError(f"{_named(hook)} must return the response, not {type(result).__name__}")
            response = result
        return response

    async def process_late(self, response: web.StreamResponse) -> None:
        """The after hooks, on a response whose head is about to be sent."""
        if self._done:
            return
        self._done = True
        cookies = {name: morsel.OutputString() for name, morsel in response.cookies.items()}
        try:
            if await self._after(response) is not response:
                _logger.error("An after hook returned another response, but this one is being sent")
        except Exception:
            _logger.exception("An after hook failed on a response that is being sent")
        for name, morsel in response.cookies.items():
            # aiohttp has written the cookies to the headers already.
            if cookies.get(name) != (text := morsel.OutputString()):
                response.headers.add(hdrs.SET_COOKIE, text)

    async def tear_down(self) -> None:
        await _run_all(self._plan.teardown, self._request, self._error)
        self._error = None  # its traceback refers to this


async def _run_all(hooks: Iterable[TeardownHook], request: web.Request, error: BaseException | None) -> None:
    cancelled: asyncio.CancelledError | None = None
    for hook in hooks:
        try:
            await _result(hook(request, error))
        except asyncio.CancelledError as raised:
            cancelled = raised
        except Exception:
            _logger.exception("The teardown hook %s failed", _named(hook))
    if cancelled is not None:
        raise cancelled


async def _result(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def _named(hook: object) -> str:
    return str(getattr(hook, "__qualname__", hook))


_RUN: Final = web.RequestKey("aiotoolkit.porting.hooks.current", _Run)
