"""An OpenAPI 3.1 document, made of an application's routes, the Schemas of its views, and their docstrings."""

import copy
import functools
import inspect
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from aiotoolkit._documents import Document
from aiotoolkit._error_handlers import ERRORS_SET_UP
from aiotoolkit._openapi_paths import NotTemplateError, parts_of, shape_of
from aiotoolkit._openapi_places import (
    parameters_of,
    path_parameters,
    request_body,
    response_of,
    schema_reads,
    title_of,
)
from aiotoolkit._openapi_routes import RouteEntry, iterate_routes
from aiotoolkit._openapi_schemas import Components, NotDescribableError
from aiotoolkit._request_id import REQUEST_ID_SET_UP
from aiotoolkit.problems import CONTENT_TYPE, PROBLEM_SCHEMA
from aiotoolkit.schemas import Schema

if TYPE_CHECKING:
    from aiotoolkit._answering import DeclaredResponse

__all__ = ["build_openapi", "check_options"]

OPENAPI: Final = "3.1.0"


def build_openapi(
    app: web.Application,
    *,
    title: str,
    version: str,
    summary: str | None = None,
    description: str | None = None,
    terms_of_service: str | None = None,
    contact: Mapping[str, str] | None = None,
    license: Mapping[str, str] | None = None,  # noqa: A002 - the name in OpenAPI
    servers: Sequence[str | Mapping[str, Any]] = ("/",),
    tags: Sequence[str | Mapping[str, Any]] = (),
    security: Sequence[Mapping[str, Sequence[str]]] = (),
    security_schemes: Mapping[str, Mapping[str, Any]] | None = None,
    select: Callable[[RouteEntry], bool] | None = None,
) -> dict[str, Any]:
    """Describe an application in OpenAPI 3.1: each route whose view is decorated with ``@schema.handler``.

    A view's ``Schema`` gives parameters, body, answers and what its ``operation=`` says; the view's docstring gives
    summary and description; the route's name gives the operationId and, by its prefix, the tag. Errors that the
    toolkit answers are added. See the reference for each rule.

    Args:
        app: the application, before or after it has started; its sub-applications are described with it.
        title: of the API.
        version: of the API.
        summary: of the API, in a line.
        description: of the API, in CommonMark.
        terms_of_service: a URL.
        contact: ``name``, ``url``, ``email``.
        license: ``name``, and ``identifier`` (of SPDX) or ``url``.
        servers: the URLs that paths are appended to, or OpenAPI's server objects.
        tags: the names of tags, or OpenAPI's tag objects, in their order; others that operations have come after them.
        security: what each operation requires that does not say so itself; by default nothing.
        security_schemes: OpenAPI's security scheme objects, by their names.
        select: tells of each route whether it belongs to this document; by default, all do.

    Returns:
        A new document of plain data, the same one for the same application.

    Raises:
        TypeError, ValueError: an argument is not what it should be, an operationId or a template of a path is there
            twice, a security scheme is not there, or a ``path=`` schema requires what its route does not have.

    Warns:
        UserWarning: a route cannot be described, or not entirely; the text names it.
    """
    texts = {"title": title, "version": version, "summary": summary, "description": description}
    about = {"terms_of_service": terms_of_service, "contact": contact, "license": license}
    used = {"servers": servers, "tags": tags, "security": security, "security_schemes": security_schemes}
    check_options(app, {**texts, **about, **used, "select": select})
    requirements = _checked_security(security, "security", schemes := copy.deepcopy(dict(security_schemes or {})))
    builder = _Builder(app, requirements, schemes)
    for entry in iterate_routes(app):
        if entry.schema is not None and (select is None or select(entry)):
            builder.add(entry, entry.schema)
    for message in builder.warnings:
        warnings.warn(message, stacklevel=2)
    info = {
        "title": title,
        "version": version,
        "summary": summary,
        "description": description,
        "termsOfService": terms_of_service,
        "contact": None if contact is None else dict(contact),
        "license": None if license is None else dict(license),
    }
    components = {"schemas": dict(sorted(builder.components.schemas.items())), "securitySchemes": schemes}
    return {
        "openapi": OPENAPI,
        "info": {name: value for name, value in info.items() if value is not None},
        "servers": [{"url": server} if isinstance(server, str) else copy.deepcopy(dict(server)) for server in servers],
        "security": requirements,
        "tags": _all_tags(tags, builder.tags),
        "paths": builder.paths,
        "components": {name: value for name, value in components.items() if value},
    }


def check_options(app: Any, options: Mapping[str, Any]) -> None:
    """Refuse what `build_openapi` cannot take.

    Args:
        app: what should be an application.
        options: its keyword arguments, by their names.

    Raises:
        TypeError, ValueError: the first that is not what it should be.
    """
    if not isinstance(app, web.Application):
        raise TypeError(f"An application is described, not {type(app).__name__}")
    for name, example in (("title", "Projects"), ("version", "1.0.0")):
        if not isinstance(options[name], str) or not options[name]:
            raise TypeError(f"{name} is text, such as {example!r}, not {options[name]!r}")
    for name, (is_right, kind) in _OPTIONS.items():
        given = options.get(name)
        if name in options and not is_right(given):
            raise TypeError(f"{name} is {kind}, not {given!r}")
    _checked_security(options.get("security", ()), "security", options.get("security_schemes") or {})


def _is_text(value: Any) -> bool:
    return isinstance(value, str | None)


def _is_mapping_of(kind: type, value: Any) -> bool:
    return value is None or (isinstance(value, Mapping) and all(isinstance(member, kind) for member in value.values()))


def _is_list_with(key: str, value: Any) -> bool:
    named = [one.get(key) if isinstance(one, Mapping) else one for one in value] if _is_list(value) else [None]
    return all(isinstance(name, str) for name in named)


_TEXTS: Final = (functools.partial(_is_mapping_of, str), "a mapping of texts, such as {'name': 'API team'}")
_OPTIONS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "summary": (_is_text, "text"),
    "description": (_is_text, "text"),
    "terms_of_service": (_is_text, "text"),
    "contact": _TEXTS,
    "license": _TEXTS,
    "servers": (functools.partial(_is_list_with, "url"), "a list of texts, or of mappings with 'url'"),
    "tags": (functools.partial(_is_list_with, "name"), "a list of texts, or of mappings with 'name'"),
    "security_schemes": (
        functools.partial(_is_mapping_of, Mapping),
        "a mapping of names to OpenAPI's security scheme objects",
    ),
    "select": (lambda value: value is None or callable(value), "a function of a route, which tells whether it belongs"),
}


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _checked_security(requirements: Any, where: str, schemes: Mapping[str, Any]) -> list[dict[str, list[str]]]:
    if not _is_list(requirements) or not all(
        isinstance(requirement, Mapping) and all(map(_is_list, requirement.values())) for requirement in requirements
    ):
        raise TypeError(f'{where} is a list of mappings of lists, such as [{{"token": []}}], not {requirements!r}')
    checked = [{name: list(scopes) for name, scopes in requirement.items()} for requirement in requirements]
    for name in (name for requirement in checked for name in requirement):
        if name not in schemes:
            raise ValueError(f"{where} requires {name!r}, which security_schemes does not have")
    return checked


def _all_tags(given: Sequence[str | Mapping[str, Any]], used: Iterable[str]) -> list[dict[str, Any]]:
    tags = [{"name": tag} if isinstance(tag, str) else copy.deepcopy(dict(tag)) for tag in given]
    known = {tag["name"] for tag in tags}
    return tags + [{"name": tag} for tag in used if tag not in known]


# Schemes of the problems that the toolkit answers


def _problem_documents(*, with_request_id: bool) -> tuple[Document, Document]:
    """The schema of a problem, and the same as this application answers it."""
    said: dict[str, Any] = {**PROBLEM_SCHEMA}
    if with_request_id:
        said["properties"] = {**said["properties"], "request_id": {"type": "string"}}
    return Document(PROBLEM_SCHEMA), Document(said)


class _Builder:
    """Collects the operations of one document."""

    def __init__(
        self, app: web.Application, security: list[dict[str, list[str]]], schemes: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.paths: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, None] = {}
        self.warnings: list[str] = []
        self._security = security
        self._schemes = schemes
        has_request_id = ERRORS_SET_UP in app and REQUEST_ID_SET_UP in app
        self._problem, problem = _problem_documents(with_request_id=has_request_id)
        self.components = Components(replaced=(self._problem, problem))
        self._shapes: dict[str, RouteEntry] = {}
        self._entries: dict[tuple[str, str], RouteEntry] = {}
        self._ids: dict[str, RouteEntry] = {}

    def add(self, entry: RouteEntry, schema: Schema[Any]) -> None:
        """Describe a route, or warn that it cannot be described."""
        state = self.components.state()
        try:
            self._add(entry, schema)
        except (NotDescribableError, NotTemplateError) as error:
            why = str(error)
        except RecursionError:
            why = "its schemas are nested too deeply"
        else:
            return
        self.components.restore(state)
        self._ids = {name: other for name, other in self._ids.items() if other is not entry}
        self._leave_out(entry, why)

    def _leave_out(self, entry: RouteEntry, why: str) -> None:
        self.warnings.append(f"{entry} is left out of the API's description: {why}")

    def _add(self, entry: RouteEntry, schema: Schema[Any]) -> None:
        if entry.method not in _METHODS:
            raise NotDescribableError(f"OpenAPI has no method {entry.method!r}: add a route for each method")
        if entry.host is not None:
            raise NotDescribableError(f"it is for the host {entry.host!r} only: describe that application by itself")
        regexes = parts_of(entry.path, entry.pattern)
        if self._is_hidden(entry):
            return
        operation = self._operation(entry, schema, regexes)
        self.paths.setdefault(entry.path, {})[entry.method.lower()] = operation
        self.tags.update(dict.fromkeys(operation.get("tags", ())))

    def _is_hidden(self, entry: RouteEntry) -> bool:
        """Tell whether a route is never reached, and refuse one whose path OpenAPI cannot tell from another."""
        other = self._shapes.setdefault(shape_of(entry.path), entry)
        if other.path != entry.path:
            raise ValueError(
                f"{entry} and {other} have one path template for OpenAPI: give their dynamic parts the same names, "
                "or choose one of them with select="
            )
        other = self._entries.setdefault((entry.path, entry.method), entry)
        if other is entry:
            return False
        if (other.pattern and other.pattern.pattern) != (entry.pattern and entry.pattern.pattern):
            raise ValueError(
                f"{entry} and {other} differ only in the patterns of their dynamic parts, which OpenAPI cannot tell: "
                "choose one of them with select="
            )
        self.warnings.append(
            f"{entry} is left out of the API's description: it is never reached, because there is {other}"
        )
        return True

    def _operation(self, entry: RouteEntry, schema: Schema[Any], regexes: Mapping[str, str]) -> dict[str, Any]:
        said = schema.operation
        summary, description = _from_docstring(entry.view)
        operation: dict[str, Any] = {"operationId": self._operation_id(entry)}
        tags = list(dict.fromkeys(said.get("tags", _tags_of(entry.name))))
        if tags:
            operation["tags"] = tags
        operation["summary"] = said.get("summary") or summary or _from_name(entry.view)
        if description := said.get("description", description):
            operation["description"] = description
        if said.get("deprecated"):
            operation["deprecated"] = True
        if "security" in said:
            operation["security"] = _checked_security(said["security"], str(entry), self._schemes)
        return operation | self._exchange(entry, schema, regexes, operation["operationId"])

    def _operation_id(self, entry: RouteEntry) -> str:
        operation_id = _operation_id(entry)
        other = self._ids.setdefault(operation_id, entry)
        if other is not entry:
            raise ValueError(
                f"{entry} and {other} have one operationId, {operation_id!r}: give their routes other names"
            )
        return operation_id

    def _exchange(
        self, entry: RouteEntry, schema: Schema[Any], regexes: Mapping[str, str], name: str
    ) -> dict[str, Any]:
        """What goes in and what comes out."""
        reader = schema._reader
        exchange: dict[str, Any] = {}
        parameters = [*self._path(entry, schema, regexes, name), *parameters_of(reader.schemas, self.components, name)]
        if parameters:
            exchange["parameters"] = parameters
        body = request_body(reader.schemas, self.components, f"{name} request", required=reader.body_required)
        if body is not None:
            exchange["requestBody"] = body
        exchange["responses"] = self._responses(entry, schema, name, has_path=bool(regexes), has_body=body is not None)
        return exchange

    def _path(
        self, entry: RouteEntry, schema: Schema[Any], regexes: Mapping[str, str], name: str
    ) -> Iterator[dict[str, Any]]:
        try:
            for parameter, is_complete in path_parameters(
                regexes, schema._reader.schemas.get("path"), self.components, name
            ):
                if not is_complete:
                    part = parameter["name"]
                    self.warnings.append(
                        f"{entry}: JSON Schema cannot say the pattern of {part!r}, which is in x-python-pattern"
                    )
                yield parameter
        except ValueError as error:
            raise ValueError(f"{entry}: {error}") from None

    def _responses(
        self, entry: RouteEntry, schema: Schema[Any], name: str, *, has_path: bool, has_body: bool
    ) -> dict[str, Any]:
        checker = schema._responder.checker
        declared: Mapping[int, DeclaredResponse | None] = checker.declared or dict.fromkeys([checker.status])
        responses = {
            str(status): response_of(status, response, self.components, f"{name} response {status}")
            for status, response in declared.items()
        }
        for status, is_problem in self._problems(entry, schema, has_path=has_path, has_body=has_body).items():
            responses.setdefault(str(status), self._problem_response(title_of(status), is_problem=is_problem))
        if not any(status.startswith("4") for status in responses):
            # Any request may be damaged.
            title = "Any error of the client"
            responses["4XX"] = self._problem_response(title, is_problem=_has_errors(entry))
        return dict(sorted(responses.items()))

    def _problems(self, entry: RouteEntry, schema: Schema[Any], *, has_path: bool, has_body: bool) -> dict[int, bool]:
        """The errors that the toolkit answers, and whether as problem details: aiohttp's own need the middleware."""
        has_errors = _has_errors(entry)
        # With a class of the application's, it is for the application to answer what is not valid.
        is_ours = schema.error_class is None
        problems: dict[int, bool] = {}
        if is_ours and schema_reads(schema._reader.schemas, "path", "query", "headers", "cookies"):
            problems[400] = True
        if has_body:
            problems |= {400: True, 413: has_errors, 415: True}
            problems |= {422: True} if is_ours else {}
        if any(schema.operation.get("security", self._security)):
            problems |= {401: has_errors, 403: has_errors}
        if has_path:
            problems[404] = has_errors
        return problems

    def _problem_response(self, title: str, *, is_problem: bool) -> dict[str, Any]:
        if not is_problem:
            return {"description": title}
        schema = self.components.schema(self._problem, hint="Problem")
        return {"description": title, "content": {CONTENT_TYPE: {"schema": schema}}}


_METHODS: Final = frozenset({"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"})


def _has_errors(entry: RouteEntry) -> bool:
    return any(ERRORS_SET_UP in app for app in entry.outer)


# Names and texts


def _operation_id(entry: RouteEntry) -> str:
    """The route's name, with the method where it has several; without a name, the method and the path."""
    if entry.name is not None:
        return entry.name if entry.is_alone else f"{entry.name}.{entry.method.lower()}"
    slug = re.sub(r"[^A-Za-z0-9]+", "_", re.sub("[{}]", "", entry.path)).lstrip("_")
    return f"{entry.method.lower()}_{slug}" if slug else entry.method.lower()


def _tags_of(name: str | None) -> list[str]:
    prefix = "" if name is None else name.rpartition(".")[0]
    return [prefix] if prefix else []


# Sections about Python's side of a view.
_SECTION: Final = re.compile(
    r"^(?:(?:Args|Arguments|Attributes|Parameters|Raises|Returns|Yields):\s*$|:\w+[^:]*:)", re.MULTILINE
)


def _from_docstring(view: Any) -> tuple[str, str]:
    """The summary, which is the first paragraph, and the rest, up to the sections about arguments and errors."""
    found = view.__doc__ if inspect.isroutine(view) else type(view).__call__.__doc__
    text = _SECTION.split(inspect.cleandoc(found or ""), maxsplit=1)[0].strip()
    first, _, rest = text.partition("\n\n")
    summary = " ".join(first.split())
    return summary.removesuffix(".") if summary.count(". ") == 0 else summary, rest.strip()


def _from_name(view: Any) -> str:
    """A summary of the view's name: ``Read project`` of ``read_project``, ``Get project`` of ``ProjectView.get``."""
    qualified = getattr(view, "__qualname__", None) or type(view).__qualname__
    *outer, name = qualified.rpartition("<locals>.")[2].split(".")
    if outer and name.upper() in _METHODS:
        name = f"{name} {outer[-1].removesuffix('View')}"
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_+", " ", name).split()
    return " ".join(words).capitalize() or "Operation"
