"""An application made of an OpenAPI document: its operations and the views that answer them."""

import functools
import inspect
import keyword
import re
import warnings
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeVar, overload

from aiohttp import hdrs, web

from aiotoolkit._openapi_document import InvalidDocumentError, load_document, place_of
from aiotoolkit._openapi_upgrade import upgrade
from aiotoolkit._operation_bodies import Decoder
from aiotoolkit._operation_schema import SchemaMaker, match_name
from aiotoolkit._operation_source import Found, Source
from aiotoolkit._security import Guard, Security, Verifier
from aiotoolkit.schemas import Engine, InvalidSchemaError, Schema

__all__ = ["OperationTable", "setup_operations"]

V = TypeVar("V", bound=Callable[..., Any])

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# A part of a path in braces (OpenAPI 3.1.1, section 4.8.8.2).
_PART: Final = re.compile(r"\{([^{}]*)\}")


class _Registered(NamedTuple):
    """A view in a table.

    Attributes:
        view: the function, or the method of a ``web.View``.
        cls: that ``web.View``; None for a function.
    """

    view: Callable[..., Awaitable[Any]]
    cls: type[web.View] | None

    @property
    def title(self) -> str:
        return f"{self.view.__module__}.{self.view.__qualname__}"


class OperationTable:
    """The views of an API, by the names of the operations that they answer.

    A view is what ``@schema.handler`` decorates: an ``async def`` function that takes the request, and by keyword what
    its operation describes (``body``, ``form``, ``query``, ``path``, ``headers``, ``cookies``). It is registered
    undecorated. Of a ``web.View`` each method for HTTP is registered, as ``Class.get``.

    Tables are added together: ``users.operations + projects.operations``.
    """

    __module__ = "aiotoolkit.openapi"

    def __init__(self) -> None:
        self._views: dict[str, _Registered] = {}
        self._methods: dict[Callable[..., Any], str] = {}

    @overload
    def register(self, view: V, /, *, name: str | None = ...) -> V: ...
    @overload
    def register(self, view: str, /) -> Callable[[V], V]: ...
    def register(self, view: Any, /, *, name: str | None = None) -> Any:
        """Register a view: ``@table.register``, ``@table.register("name")`` or ``table.register(view, name="name")``.

        Args:
            view: a function, or a ``web.View``; or the name, for the view that is decorated.
            name: the ``operationId``; by default the function's name. For an operation without one, its method and
                path: ``"GET /projects"``. Of a ``web.View``, what stands before the dot, by default the class's name;
                a method in it may be registered by a name of its own, besides the class.

        Returns:
            The view itself, unchanged.

        Raises:
            TypeError: it is no view, or none that is async.
            ValueError: there is a view of this name.
        """
        if not isinstance(name, str | None):
            raise TypeError(f"The name of an operation is text, not {name!r}")
        if isinstance(view, str):
            if name is not None:
                raise TypeError("The name is given once")
            return functools.partial(self.register, name=view)
        if inspect.isclass(view):
            self._register_class(view, name)
        else:
            if getattr(view, "schema", None) is not None and hasattr(view, "view"):
                raise TypeError(
                    f"{view.__qualname__} is decorated by a schema: register its view, {view.__name__}.view"
                )
            if not inspect.iscoroutinefunction(view) or not hasattr(view, "__qualname__"):
                raise TypeError(f"A view is an async function or a web.View, not {view!r}")
            if next(iter(inspect.signature(view).parameters), None) == "self":
                self._methods[view] = view.__qualname__ if name is None else name  # its class will be registered
            else:
                self._add(view.__name__ if name is None else name, _Registered(view, None))
        return view

    def _register_class(self, view: Any, name: str | None) -> None:
        if not issubclass(view, web.View):
            raise TypeError(f"A view is an async function or a web.View, not the class {view.__name__}")
        methods = [method for method in _METHODS if callable(getattr(view, method, None))]
        if not methods:
            raise TypeError(f"{view.__name__} has no method for HTTP, such as get")
        for method in methods:
            function = getattr(view, method)
            prefix = view.__name__ if name is None else name
            self._add(self._methods.get(function, f"{prefix}.{method}"), _Registered(function, view))

    def _add(self, name: str, registered: _Registered) -> None:
        known = self._views.get(name)
        if known is not None:
            raise ValueError(f"The operation {name!r} has two views: {known.title} and {registered.title}")
        self._views[name] = registered

    def __add__(self, other: "OperationTable") -> "OperationTable":
        if not isinstance(other, OperationTable):
            return NotImplemented
        both = OperationTable()
        for table in (self, other):
            for name, registered in table._views.items():
                both._add(name, registered)
        return both

    def __len__(self) -> int:
        return len(self._views)

    def __iter__(self) -> Iterator[str]:
        """The names of the operations."""
        return iter(self._views)

    def __repr__(self) -> str:
        return f"OperationTable({', '.join(self._views)})"


class _Operation(NamedTuple):
    """An operation of the document."""

    name: str
    method: str
    template: str
    found: Found
    path_item: Found

    @property
    def title(self) -> str:
        return f"{self.method.upper()} {self.template}"


def setup_operations(
    app: web.Application,
    path_or_document: str | Path | Mapping[str, Any],
    operations: OperationTable,
    *,
    prefix: str | None = None,
    validate_responses: bool | Literal["log"] = True,
    security: Mapping[str, Verifier] | None = None,
    decoders: Mapping[str, Decoder] | None = None,
    engine: Engine | str | None = None,
) -> dict[str, Any]:
    """Add the operations of an OpenAPI document to an application, each answered by its view.

    The document drives the routes, and the validation of parameters, bodies, answers and credentials. Everything is
    checked before anything is added.

    Args:
        app: the application; its routes must not be frozen.
        path_or_document: a file in JSON or YAML, or the document itself; of OpenAPI 3.0 or 3.1.
        operations: the views, by the ``operationId`` of each.
        prefix: stands before every path. The URLs of ``servers`` say where clients find the API, and are not looked at.
        validate_responses: True; False to send what was not looked at; ``"log"`` to log what is wrong and send it.
        security: of each security scheme in use, ``async def verify(request, credentials)``.
        decoders: of each media type that the toolkit cannot read, what makes data of its bytes; they are checked then.
        engine: what validates; see :class:`aiotoolkit.schemas.Schema`.

    Returns:
        The document as one of OpenAPI 3.1 that stands alone, to serve or to look at; a copy.

    Raises:
        InvalidDocumentError: all that is wrong with the document, and with the views and verifiers for it.

    Warns:
        UserWarning: the document says what has no effect.
    """
    _check_arguments(app, operations, prefix, security, decoders)
    document, notes = upgrade(load_document(path_or_document))
    source = Source(document)
    verifiers = Security(source, security or {})
    errors: list[str] = list(verifiers.errors)
    found = _operations_of(source, errors)
    views = _matched(found, operations, errors)
    maker = SchemaMaker(source, engine, validate_responses, decoders or {})
    routes: dict[str, list[tuple[_Operation, Any]]] = {}
    for operation in found:
        try:
            guard = verifiers.guard(operation.found)
            schema = maker.schema(
                operation.path_item, operation.found, operation.template, verifiers.query_names(operation.found)
            )
            if operation.name in views:
                routes.setdefault(operation.template, []).append(
                    (operation, _handler(schema, guard, views[operation.name]))
                )
        except InvalidDocumentError as error:
            errors += error.errors
        except (InvalidSchemaError, TypeError) as error:
            errors.append(f"{operation.title}: {error} (at {operation.found.place})")
        except RecursionError:
            errors.append(f"{operation.title}: {_TOO_DEEP} (at {operation.found.place})")
    try:
        maker.finish()
    except InvalidDocumentError as error:
        errors += error.errors
    except RecursionError:
        errors.append(f"{_TOO_DEEP} (at #/components/schemas)")
    names = _route_names(app, found, errors)
    if errors:
        raise InvalidDocumentError(list(dict.fromkeys(errors)))
    notes += maker.notes()
    if notes:
        more = f"\n- and {len(notes) - _NOTES} more" if len(notes) > _NOTES else ""
        warnings.warn(
            "".join(["The document says what has no effect:", *(f"\n- {note}" for note in notes[:_NOTES]), more]),
            stacklevel=2,
        )
    _add_routes(app, routes, names, prefix or "")
    return document


_NOTES: Final = 20
_TOO_DEEP: Final = "The schemas are nested too deeply, or refer to one another in too long chains"


def _check_arguments(app: Any, operations: Any, prefix: Any, security: Any, decoders: Any) -> None:
    if not isinstance(app, web.Application):
        raise TypeError(f"Operations are added to an application, not {type(app).__name__}")
    if not isinstance(operations, OperationTable):
        raise TypeError(f"The operations are an OperationTable; add several together with +, not {operations!r}")
    if prefix is not None and (not isinstance(prefix, str) or not prefix.startswith("/") or prefix.endswith("/")):
        raise TypeError(f"A prefix begins with a slash and does not end with one, as in '/api', not {prefix!r}")
    for name, given in (("security", security), ("decoders", decoders)):
        if not isinstance(given, Mapping | None):
            raise TypeError(f"{name} is a mapping of a name to a function, not {given!r}")
    for name, verify in (security or {}).items():
        if not (inspect.iscoroutinefunction(verify) or inspect.iscoroutinefunction(getattr(verify, "__call__", None))):  # noqa: B004 - whether its call is async
            raise TypeError(f"The verifier of {name!r} is an async function of a request and its credentials")
    for name, decode in (decoders or {}).items():
        if not callable(decode):
            raise TypeError(f"The decoder of {name!r} is a function that makes data of bytes, not {decode!r}")


def _operations_of(source: Source, errors: list[str]) -> list[_Operation]:
    """All operations of the document; what is wrong with them is added to the errors."""
    found: list[_Operation] = []
    names: dict[str, _Operation] = {}
    shapes: dict[tuple[str, str], _Operation] = {}
    root = Found(source.document, ())
    paths = source.document.get("paths", {})
    if not isinstance(paths, dict):
        errors.append("paths must be an object (at #/paths)")
        return []
    for template in paths:
        if template.startswith("x-"):
            continue
        try:
            if not template.startswith("/"):
                raise root.error(f"A path begins with a slash, not {template!r}", "paths", template)
            path_item = source.found(paths[template], ("paths", template))
            for operation in _of_path(source, path_item, template):
                known = names.setdefault(operation.name, operation)
                if known is not operation:
                    raise operation.found.error(f"The operationId {operation.name!r} is that of {known.title} as well")
                alike = shapes.setdefault((operation.method, _PART.sub("{}", template)), operation)
                if alike is not operation:
                    raise operation.found.error(f"The path {template!r} is the same as {alike.template!r}")
                found.append(operation)
        except InvalidDocumentError as error:
            errors += error.errors
    return found


def _of_path(source: Source, path_item: Found, template: str) -> Iterator[_Operation]:
    for method in _METHODS:
        if method in path_item.contents:
            operation = source.found(path_item.get(method), (*path_item.path, method))
            name = operation.get("operationId", f"{method.upper()} {template}")
            if not isinstance(name, str):
                raise operation.error("operationId must be text", "operationId")
            yield _Operation(name, method, template, operation, path_item)


def _matched(found: list[_Operation], table: OperationTable, errors: list[str]) -> dict[str, _Registered]:
    """The view of each operation; those that miss are added to the errors, in both directions."""
    views = table._views
    names = {operation.name for operation in found}
    missing = [operation for operation in found if operation.name not in views]
    for operation in missing:
        if "operationId" in operation.found.contents:
            errors.append(f"There is no view for the operation {operation.name!r}, {operation.title}")
        else:
            errors.append(
                f"There is no view for {operation.title}, which has no operationId: give it one, or register a view "
                f"as {operation.title!r}"
            )
    errors += [
        f"There is no operation for the view {name!r}, {registered.title}"
        for name, registered in views.items()
        if name not in names
    ]
    return views


def _handler(schema: Schema, guard: Guard | None, registered: _Registered) -> Any:
    """What aiohttp calls: credentials first, then the request itself."""
    handler: Any = schema.handler(registered.view)
    cls = registered.cls
    if guard is None and cls is None:
        return handler
    check = None if guard is None else guard.check

    @functools.wraps(handler)  # its view and its schema, too
    async def guarded(request: web.Request) -> Any:
        if check is not None:
            await check(request)
        return await handler(request if cls is None else cls(request))

    return guarded


def _add_routes(
    app: web.Application,
    routes: Mapping[str, list[tuple[_Operation, Any]]],
    names: Mapping[str, str],
    prefix: str,
) -> None:
    for template in sorted(routes, key=_specificity):
        several = routes[template]
        resource = app.router.add_resource(prefix + _pattern(template), name=names.get(template))
        methods = {operation.method for operation, _ in several}
        for operation, handler in several:
            if operation.method == "get" and "head" not in methods:
                resource.add_route(hdrs.METH_HEAD, handler)
            resource.add_route(operation.method.upper(), handler)


def _specificity(template: str) -> list[tuple[int, str]]:
    """Parts that are text come before parts that may be anything (OpenAPI 3.1.1, section 4.8.8.2)."""
    return [(2 if _PART.fullmatch(part) else 1 if _PART.search(part) else 0, part) for part in template.split("/")]


def _pattern(template: str) -> str:
    """The path as aiohttp writes it: its parts have Python's names."""
    return _PART.sub(lambda found: "{" + match_name(found[1]) + "}", template)


_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[.:-][A-Za-z_][A-Za-z0-9_]*)*")


def _route_names(app: web.Application, found: list[_Operation], errors: list[str]) -> dict[str, str]:
    """The name of each path's route: ``x-route-name``, or the first ``operationId``, where aiohttp can have it."""
    names: dict[str, str] = {}
    first: dict[str, _Operation] = {}
    for operation in found:
        first.setdefault(operation.template, operation)
    for template, operation in first.items():
        given = operation.path_item.get("x-route-name")
        if given is None:
            continue
        place = place_of((*operation.path_item.path, "x-route-name"))
        if not _is_route_name(given):
            errors.append(f"x-route-name is names of Python with dots between them, not {given!r} (at {place})")
        elif given in app.router or given in names.values():
            errors.append(f"There is another route with the name {given!r} (at {place})")
        else:
            names[template] = given
    for template, operation in first.items():
        name = operation.found.get("operationId")
        if template not in names and _is_route_name(name) and name not in app.router and name not in names.values():
            names[template] = name
    return names


def _is_route_name(name: Any) -> bool:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return False
    return not any(map(keyword.iskeyword, re.split("[.:-]", name)))
