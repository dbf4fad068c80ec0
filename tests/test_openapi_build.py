"""build_openapi: what an application's routes, Schemas and docstrings say in OpenAPI 3.1."""

import copy
import json
import re
import warnings
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypedDict

import jsonschema
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from aiotoolkit.middlewares import setup_errors, setup_request_id
from aiotoolkit.openapi import build_openapi
from aiotoolkit.problems import PROBLEM_SCHEMA
from aiotoolkit.requests import UploadedFile
from aiotoolkit.routes import add_route_context
from aiotoolkit.schemas import Response, Schema
from tests.strategies import DRAFTS

ITEM: dict[str, Any] = {"title": "Item", "type": "object", "properties": {"id": {"type": "integer"}}}
ITEM_REF = {"$ref": "#/components/schemas/Item"}
PROBLEM_REF = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def view_of(schema: Schema[Any], name: str = "view", doc: str | None = None) -> Any:
    async def view(request: web.Request, /, **places: Any) -> dict[str, Any]:
        return {}

    view.__name__ = view.__qualname__ = name
    view.__doc__ = doc
    return schema.handler(view)


def application(*routes: tuple[str, str, Any], errors: bool = True) -> web.Application:
    """An application with routes: a method, a path, and a view or the Schema of one."""
    app = web.Application()
    if errors:
        setup_errors(app)
    for method, path, view in routes:
        app.router.add_route(method, path, view_of(view) if isinstance(view, Schema) else view)
    return app


def built(app: web.Application, **options: Any) -> dict[str, Any]:
    """The description, which JSON can hold, and which openapi-spec-validator finds nothing wrong with."""
    document = build_openapi(app, **{"title": "Test", "version": "1", **options})
    assert json.loads(json.dumps(document)) == document
    assert_references(document)
    validate(document)
    return document


def validate(document: dict[str, Any]) -> None:
    try:
        from openapi_spec_validator import OpenAPIV31SpecValidator
    except ImportError:
        return
    errors = list(OpenAPIV31SpecValidator(copy.deepcopy(document)).iter_errors())
    assert errors == []


def assert_references(document: dict[str, Any]) -> None:
    """Each reference leads to a component, and each component is referred to: no validator of others looks."""
    found = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert found == set(document["components"].get("schemas", {}))


def operation(schema: Schema[Any], path: str = "/", **options: Any) -> dict[str, Any]:
    """The description of one POST."""
    document = built(application(("POST", path, schema)), **options)
    ((item,),) = [list(item.values()) for item in document["paths"].values()]
    return dict(item)


def component(schema: Any) -> dict[str, Any]:
    """The components that a request body makes."""
    document = built(application(("POST", "/", Schema(request=schema)), errors=False))
    components: dict[str, Any] = document["components"]["schemas"]
    return {name: found for name, found in components.items() if name != "Problem"}


# The document


def test_info() -> None:
    """What is known of the API as a whole stands where OpenAPI has it; what is not given is left out."""
    document = built(
        application(errors=False),
        title="Shop",
        version="2.0",
        summary="In a line",
        description="More",
        terms_of_service="https://example.com/terms",
        contact={"name": "Us"},
        license={"name": "MIT", "identifier": "MIT"},
        servers=["https://api.example.com", {"url": "/", "description": "Here"}],
        tags=["a", {"name": "b", "description": "B"}],
        security=[{"key": []}],
        security_schemes={"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
    )
    assert document == {
        "openapi": "3.1.0",
        "info": {
            "title": "Shop",
            "version": "2.0",
            "summary": "In a line",
            "description": "More",
            "termsOfService": "https://example.com/terms",
            "contact": {"name": "Us"},
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "https://api.example.com"}, {"url": "/", "description": "Here"}],
        "security": [{"key": []}],
        "tags": [{"name": "a"}, {"name": "b", "description": "B"}],
        "paths": {},
        "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}},
    }
    bare = built(application(errors=False))
    assert bare["info"] == {"title": "Test", "version": "1"}
    assert (bare["servers"], bare["security"], bare["components"]) == ([{"url": "/"}], [], {})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"title": ""}, "title is text"),
        ({"version": 1}, "version is text"),
        ({"security": {"key": []}}, "security is a list of mappings"),
        ({"security": [{"key": "read"}], "security_schemes": {"key": {}}}, "security is a list of mappings of lists"),
        ({"security": None}, "security is a list of mappings"),
        ({"tags": [{"description": "No name"}]}, "tags is a list of texts, or of mappings with 'name'"),
        ({"tags": "projects"}, "tags is a list"),
        ({"servers": "https://example.com"}, "servers is a list of texts, or of mappings with 'url'"),
        ({"servers": [{"description": "No URL"}]}, "servers is a list"),
        ({"summary": 1}, "summary is text"),
        ({"description": ["a"]}, "description is text"),
        ({"terms_of_service": b"a"}, "terms_of_service is text"),
        ({"contact": "team@example.com"}, "contact is a mapping of texts"),
        ({"license": {"name": None}}, "license is a mapping of texts"),
        ({"security_schemes": ["key"]}, "security_schemes is a mapping"),
        ({"security_schemes": {"key": "bearer"}}, "security_schemes is a mapping"),
        ({"select": "/api"}, "select is a function"),
        ({"security": [{"key": []}]}, "security requires 'key', which security_schemes does not have"),
    ],
)
def test_wrong_arguments(options: dict[str, Any], message: str) -> None:
    """What could not be described is an error that says what to do."""
    with pytest.raises((TypeError, ValueError), match=message):
        build_openapi(web.Application(), **{"title": "Test", "version": "1", **options})


def test_no_application() -> None:
    """The first argument is an application."""
    with pytest.raises(TypeError, match="An application is described, not dict"):
        build_openapi({}, title="Test", version="1")  # type: ignore[arg-type]  # what is tested


def test_what_is_given_stays() -> None:
    """A document shares nothing with what it was made of: whoever changes it changes nothing else."""
    given: dict[str, Any] = {
        "servers": [{"url": "/{v}", "variables": {"v": {"default": "1"}}}],
        "tags": [{"name": "a", "externalDocs": {"url": "https://example.com"}}],
        "security": [{"key": ["scope"]}],
        "security_schemes": {"key": {"type": "oauth2", "flows": {}}},
        "contact": {"name": "Us"},
    }
    before = copy.deepcopy(given)
    document = build_openapi(web.Application(), title="Test", version="1", **given)
    document["servers"][0]["variables"].clear()
    document["tags"][0]["externalDocs"].clear()
    document["security"][0]["key"].clear()
    document["components"]["securitySchemes"]["key"].clear()
    document["info"]["contact"].clear()
    assert given == before


def test_the_same_each_time() -> None:
    """Two documents of one application are equal, to the order of their members, and share nothing."""
    app = application(("POST", "/b", Schema(request=ITEM)), ("GET", "/a", Schema(response=[ITEM][0])))
    first, second = built(app), built(app)
    assert json.dumps(first) == json.dumps(second)
    first["paths"]["/b"]["post"]["responses"].clear()
    first["components"]["schemas"]["Item"]["properties"].clear()
    assert built(app) == second
    assert ITEM["properties"] == {"id": {"type": "integer"}}


# Which routes


def test_only_what_has_a_schema() -> None:
    """A view without a Schema and static files are left out, and nothing is said of it."""
    app = application(("POST", "/described", Schema()))
    app.router.add_static("/static", Path(__file__).parent)

    async def page(request: web.Request) -> web.Response:
        return web.Response()

    app.router.add_get("/page/{tail:.*}", page)
    assert list(built(app)["paths"]) == ["/described"]


def test_methods_and_views() -> None:
    """A web.View's methods are operations of one path, and the HEAD beside a GET is none."""

    class ItemView(web.View):
        @Schema(response=ITEM).handler
        async def get(self) -> dict[str, Any]:
            return {}

        @Schema(request=ITEM).handler
        async def put(self, *, body: Any) -> dict[str, Any]:
            return {}

    app = application(errors=False)
    app.router.add_view("/item", ItemView, name="item")
    app.router.add_get("/other", view_of(Schema()), name="other")
    paths = built(app)["paths"]
    assert {path: list(item) for path, item in paths.items()} == {"/item": ["get", "put"], "/other": ["get"]}
    assert [paths["/item"][method]["summary"] for method in ("get", "put")] == ["Get item", "Put item"]


def test_sub_applications_and_select() -> None:
    """Sub-applications are described with their prefixes; select chooses what belongs to a document."""
    app, v1, v2 = application(errors=False), application(errors=False), application(errors=False)
    for number, version in enumerate((v1, v2)):
        version.router.add_post("/items/{id}", view_of(Schema()), name=f"v{number + 1}.item")
        app.add_subapp(f"/v{number + 1}", version)
    assert list(built(app)["paths"]) == ["/v1/items/{id}", "/v2/items/{id}"]
    assert list(built(app, select=lambda entry: entry.path.startswith("/v2/"))["paths"]) == ["/v2/items/{id}"]
    assert list(built(app, select=lambda entry: entry.application is v1)["paths"]) == ["/v1/items/{id}"]
    assert list(built(v2)["paths"]) == ["/v2/items/{id}"]


@pytest.mark.parametrize(
    ("method", "path", "why"),
    [
        ("GET", "/files/{tail:.*}", "the dynamic part 'tail' may hold a slash"),
        ("GET", "/files/{tail:[^x]+}", "the dynamic part 'tail' may hold a slash"),
        ("GET", r"/files/{tail:\S+}", "the dynamic part 'tail' may hold a slash"),
        ("GET", "/files/{tail:a(?:/b)?}", "the dynamic part 'tail' may hold a slash"),
        ("*", "/any", r"OpenAPI has no method '\*'"),
        ("CONNECT", "/any", "OpenAPI has no method 'CONNECT'"),
    ],
)
def test_what_cannot_be_described(method: str, path: str, why: str) -> None:
    """Such a route is left out with a warning that names it."""
    app = application(("POST", "/a", Schema()), (method, path, Schema()))
    with pytest.warns(UserWarning, match=rf"^{re.escape(method)} /.* \(.*view\) is left out .*: .*{why}") as caught:
        assert list(built(app)["paths"]) == ["/a"]
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_a_domain() -> None:
    """What only one host answers has no place in the paths of all; it can be described by itself."""
    app, shop = application(("POST", "/", Schema())), application(("POST", "/", Schema()))
    app.add_domain("shop.example.com", shop)
    with pytest.warns(UserWarning, match="for the host 'shop.example.com' only"):
        assert len(built(app)["paths"]) == 1
    assert list(built(shop)["paths"]) == ["/"]


def test_what_depends_on_the_way_to_it() -> None:
    """A schema whose dynamic references may mean several things leaves its route out, with a warning."""
    inner = {"$id": "https://example.com/inner", "$dynamicAnchor": "x", "items": {"$dynamicRef": "#x"}}
    schema = Schema(
        request={
            "$dynamicAnchor": "x",
            "properties": {"a": {"$ref": "inner"}},
            "$id": "https://example.com/",
            "$defs": {"i": inner},
        }
    )
    with pytest.warns(UserWarning, match="left out .* what a .dynamicRef means depends on the way to it"):
        assert built(application(("POST", "/", schema), errors=False))["components"] == {}


def test_never_reached() -> None:
    """Of two routes for the same, the second is never reached: it is left out with a warning."""
    app = application(("POST", "/a", Schema(operation={"summary": "First"})), ("POST", "/a/", Schema()))
    app.router.add_post("/a", view_of(Schema(operation={"summary": "Second"})))
    with pytest.warns(UserWarning, match="POST /a .* is never reached, because there is POST /a"):
        assert built(app)["paths"]["/a"]["post"]["summary"] == "First"


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (("/{a}", "/{b}"), r"POST /\{b\} .* and POST /\{a\} .* have one path template"),
        ((r"/x/{a:\d+}/{b}", "/x/{c:[a-z]+}/{d}"), "have one path template"),
        ((r"/{a:\d+}", "/{a:[a-z]+}"), "differ only in the patterns of their dynamic parts"),
    ],
)
def test_templates_that_collapse(paths: tuple[str, str], message: str) -> None:
    """Two paths that OpenAPI takes for one are an error that names both routes; select chooses one of them."""
    app = application(*(("POST", path, Schema()) for path in paths))
    with pytest.raises(ValueError, match=message):
        build_openapi(app, title="Test", version="1")
    first = next(iter(app.router.resources()))
    assert len(built(app, select=lambda entry: entry.pattern is first.get_info()["pattern"])["paths"]) == 1


def test_one_template_of_several_routes() -> None:
    """Methods of one URL may be routes of their own, whatever pattern each has."""
    app = application(("POST", r"/{a:\d+}", Schema()), ("PUT", "/{a}", Schema()))
    item = built(app)["paths"]["/{a}"]
    assert [item[method]["parameters"][0]["schema"]["type"] for method in ("post", "put")] == ["integer", "string"]


# What an operation says of itself


def test_names() -> None:
    """The route's name gives the operationId, with the method where there are several, and its prefix the tag."""
    app = web.Application()
    with add_route_context(app, url_prefix="/api", name_prefix="api") as add_route:
        add_route("GET", "/", view_of(Schema(), "index"))
        add_route("GET", "/items", view_of(Schema()), "items")
        add_route("POST", "/items", view_of(Schema()), "items")
    app.router.add_put("/no/{name}", view_of(Schema()))
    app.router.add_put("/", view_of(Schema()))
    document = built(app)
    operations = [each for item in document["paths"].values() for each in item.values()]
    assert [(each["operationId"], each.get("tags")) for each in operations] == [
        ("api.index", ["api"]),
        ("api.items.get", ["api"]),
        ("api.items.post", ["api"]),
        ("put_no_name", None),
        ("put", None),
    ]
    assert document["tags"] == [{"name": "api"}]


def test_one_operation_id_twice() -> None:
    """Routes of two sub-applications may have one name; in one document they may not."""
    app = web.Application()
    for prefix in ("/a", "/b"):
        inner = web.Application()
        inner.router.add_post("/", view_of(Schema()), name="item")
        app.add_subapp(prefix, inner)
    with pytest.raises(ValueError, match=r"POST /b/ .* and POST /a/ .* have one operationId, 'item'"):
        build_openapi(app, title="Test", version="1")


@pytest.mark.parametrize(
    ("doc", "summary", "description"),
    [
        (None, "Read the item", None),
        ("List items.", "List items", None),
        ("List items. Or not.", "List items. Or not.", None),
        ("List\n    items.\n\n    All of *them*:\n\n    - one\n", "List items", "All of *them*:\n\n- one"),
        ("List.\n\n    More.\n\n    Args:\n        x: y\n", "List", "More."),
        ("List.\n\n    Returns:\n        y\n", "List", None),
        ("List.\n\n    :param x: y\n", "List", None),
    ],
)
def test_docstrings(doc: str | None, summary: str, description: str | None) -> None:
    """A docstring's first paragraph is the summary, and the rest the description, but for Python's own sections."""
    app = application(("POST", "/", view_of(Schema(), "read_the_item", doc)))
    found = built(app)["paths"]["/"]["post"]
    assert (found["summary"], found.get("description")) == (summary, description)


def test_what_the_schema_says() -> None:
    """Schema(operation=...) says more than the docstring and the name."""
    said = {"summary": "S", "description": "D", "tags": ["t", "u"], "deprecated": True}
    document = built(
        application(("POST", "/", view_of(Schema(operation=said), doc="Other.\n\n    Other."))), tags=["u"]
    )
    found = document["paths"]["/"]["post"]
    assert {name: found[name] for name in said} == said
    assert document["tags"] == [{"name": "u"}, {"name": "t"}]


def test_security() -> None:
    """Security is that of the document, unless an operation says its own; with it come 401 and 403."""
    schemes = {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}
    app = application(
        ("POST", "/default", Schema()),
        ("POST", "/open", Schema(operation={"security": []})),
        ("POST", "/perhaps", Schema(operation={"security": [{}, {"key": []}]})),
    )
    paths = built(app, security=[{"key": []}], security_schemes=schemes)["paths"]
    assert [paths[path]["post"].get("security") for path in paths] == [None, [], [{}, {"key": []}]]
    assert [{"401", "403"} <= paths[path]["post"]["responses"].keys() for path in paths] == [True, False, True]
    with pytest.raises(ValueError, match=r"POST /perhaps .* requires 'key', which security_schemes does not have"):
        build_openapi(app, title="Test", version="1")


# Parameters


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/{x}", {"type": "string", "minLength": 1}),
        (r"/{x:\d+}", {"type": "integer", "minimum": 0}),
        ("/{x:-?[0-9]+}", {"type": "integer"}),
        ("/{x:en|de}", {"type": "string", "enum": ["en", "de"]}),
        ("/{x:(en|de)}", {"type": "string", "enum": ["en", "de"]}),
        (r"/{x:\d{2,4}}", {"type": "string", "pattern": "^(?:[0-9]{2,4})$"}),
        (r"/{x:[\w.]+}", {"type": "string", "pattern": "^(?:[A-Za-z0-9_.]+)$"}),
        (r"/{x:[]a]\-{,3}}", {"type": "string", "pattern": r"^(?:[\]a]-{0,3})$"}),
        (r"/{x:(?P<y>a)b+?}", {"type": "string", "pattern": "^(?:(?:a)b+?)$"}),
    ],
)
def test_path_patterns(path: str, schema: dict[str, Any]) -> None:
    """A dynamic part is a required parameter, and its regular expression a schema."""
    (parameter,) = operation(Schema(), path)["parameters"]
    assert parameter == {"name": "x", "in": "path", "required": True, "schema": schema}
    if "pattern" in schema:
        re.compile(schema["pattern"])


@pytest.mark.parametrize("regex", [r"a\Z", "(?i:a)", "a++", "(?P<y>a)(?P=y)", r"(a)\2", "(?>a)"])
def test_what_only_python_has(regex: str) -> None:
    """Such a pattern is kept in an extension, with a warning that names the route."""
    app = application(("POST", f"/{{x:{regex}}}", Schema()))
    with pytest.warns(UserWarning, match=r"^POST /\{x\} .*: JSON Schema cannot say the pattern of 'x'"):
        (parameter,) = built(app)["paths"]["/{x}"]["post"]["parameters"]
    assert parameter["schema"] == {"type": "string", "x-python-pattern": regex}


@pytest.mark.parametrize(
    ("stated", "path", "said"),
    [
        (
            {"type": "integer", "maximum": 5},
            r"/{x:\d+}",
            {"type": "integer", "maximum": 5, "minimum": 0, "format": "int64"},
        ),
        ({"type": "integer", "minimum": 2}, r"/{x:\d+}", {"type": "integer", "minimum": 2, "format": "int64"}),
        (
            {"type": "string", "maxLength": 5},
            "/{x:[a-z]+}",
            {"type": "string", "maxLength": 5, "pattern": "^(?:[a-z]+)$"},
        ),
        ({"type": "string", "pattern": "^a"}, "/{x:[a-z]+}", {"type": "string", "pattern": "^a"}),
        ({"type": "string", "maxLength": 5}, "/{x}", {"type": "string", "maxLength": 5}),
        ({"enum": ["a", "b"]}, "/{x:a|b}", {"enum": ["a", "b"]}),
    ],
)
def test_a_path_schema(stated: dict[str, Any], path: str, said: dict[str, Any]) -> None:
    """A Schema's path= says what a part is; the router's pattern adds what it does not say."""
    (parameter,) = operation(Schema(path={"properties": {"x": stated}}), path)["parameters"]
    assert parameter == {"name": "x", "in": "path", "required": True, "schema": said}


def test_a_path_schema_of_another_route() -> None:
    """A part that path= requires and the route does not have would refuse each request: it is an error."""
    schema = Schema(path={"properties": {"y": {}}, "required": ["y"]})
    with pytest.raises(ValueError, match=r"POST /\{x\} .* path= schema requires 'y', which the path does not have"):
        build_openapi(application(("POST", "/{x}", schema)), title="Test", version="1")


def test_parameters() -> None:
    """Query, headers and cookies are parameters, with what their schemas say of them."""
    schema = Schema(
        query={
            "properties": {"a": {"description": "An a", "type": "integer", "default": 1}, "b": {"deprecated": True}},
            "required": ["b", "c"],
        },
        headers={"properties": {"X-A": {"type": "string"}, "Authorization": {}, "Content-Type": {}}},
        cookies={"properties": {"s": {"type": "string"}, "never": False}},
    )
    assert operation(schema)["parameters"] == [
        {
            "name": "a",
            "in": "query",
            "required": False,
            "description": "An a",
            "schema": {"type": "integer", "default": 1, "format": "int64"},
        },
        {"name": "b", "in": "query", "required": True, "deprecated": True, "schema": {}},
        {"name": "c", "in": "query", "required": True, "schema": {"type": "string"}},
        {"name": "X-A", "in": "header", "required": False, "schema": {"type": "string"}},
        {"name": "s", "in": "cookie", "required": False, "schema": {"type": "string"}},
    ]


def test_parameters_from_several_schemas() -> None:
    """A parameter that several schemas are about has all of them, or one of them where only one applies."""
    query = {
        "allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"$ref": "#/$defs/more"}],
        "anyOf": [{"properties": {"b": {"minimum": 1}}}, {"properties": {"b": {"maximum": 5}}, "required": ["b"]}],
        "$defs": {"more": {"properties": {"a": {"minimum": 1}}}},
    }
    a, b = operation(Schema(query=query))["parameters"]
    assert a == {
        "name": "a",
        "in": "query",
        "required": True,
        "schema": {"allOf": [{"type": "integer", "format": "int64"}, {"minimum": 1}]},
    }
    assert (b["required"], b["schema"]) == (False, {"anyOf": [{"minimum": 1}, {"maximum": 5}]})


@pytest.mark.parametrize(
    ("place", "words", "said"),
    [
        ("query", {}, {}),
        ("query", {"explode": False}, {"style": "form", "explode": False}),
        ("query", {"style": "pipeDelimited"}, {"style": "pipeDelimited", "explode": False}),
        ("query", {"style": "spaceDelimited"}, {"style": "spaceDelimited", "explode": False}),
        ("headers", {}, {}),
        ("cookies", {}, {"style": "form", "explode": False}),
        ("path", {}, {}),
    ],
)
def test_styles_of_arrays(place: str, words: dict[str, Any], said: dict[str, Any]) -> None:
    """How an array is written is said of the parameter, where OpenAPI's default is another; never in its schema."""
    items = {"type": "array", "items": {"type": "integer"}, **words}
    places: dict[str, Any] = {place: {"properties": {"x": items}}}
    (parameter,) = operation(Schema(**places), "/{x}" if place == "path" else "/")["parameters"]
    assert {name: parameter[name] for name in ("style", "explode") if name in parameter} == said
    assert parameter["schema"] == {"type": "array", "items": {"type": "integer", "format": "int64"}}


async def test_styles_are_what_is_read() -> None:
    """A request that is written as the description says is read as what was meant."""
    arrays = {"type": "array", "items": {"type": "integer"}}
    places: dict[str, Any] = {
        "query": {"properties": {"a": arrays, "b": {**arrays, "style": "pipeDelimited"}}},
        "headers": {"properties": {"X-C": arrays}},
        "cookies": {"properties": {"d": arrays}},
    }
    seen: list[Any] = []

    @Schema(**places).handler
    async def view(request: web.Request, *, query: Any, headers: Any, cookies: Any) -> dict[str, Any]:
        seen.append((query, headers, cookies))
        return {}

    parameters = built(application(("GET", "/", view)))["paths"]["/"]["get"]["parameters"]
    texts = {parameter["name"]: _written(parameter, [1, 2]) for parameter in parameters}
    async with TestClient(TestServer(application(("GET", "/", view)))) as client:
        answer = await client.get(
            "/?" + texts["a"] + "&" + texts["b"],
            headers={"X-C": texts["X-C"].removeprefix("X-C="), "Cookie": texts["d"]},
        )
        assert answer.status == 200
    assert seen == [({"a": [1, 2], "b": [1, 2]}, {"X-C": [1, 2]}, {"d": [1, 2]})]


def _written(parameter: dict[str, Any], values: list[int]) -> str:
    """An array as OpenAPI 3.1.1, section 4.8.12, writes it."""
    style = parameter.get("style", "form" if parameter["in"] in ("query", "cookie") else "simple")
    name, explode = parameter["name"], parameter.get("explode", style == "form")
    if explode:
        return "&".join(f"{name}={value}" for value in values)
    delimiter = {"form": ",", "simple": ",", "pipeDelimited": "%7C"}[style]
    return f"{name}={delimiter.join(map(str, values))}"


# Bodies


def test_json_bodies() -> None:
    """A JSON body is required unless the Schema says otherwise."""
    body = operation(Schema(request=ITEM))["requestBody"]
    assert body == {"required": True, "content": {"application/json": {"schema": ITEM_REF}}}
    assert operation(Schema(request=True, body_required=False))["requestBody"]["required"] is False
    assert "requestBody" not in operation(Schema())


def test_forms() -> None:
    """A form may be sent in both types; with files, it is multipart. Lists that are not repeated say so."""
    array = {"type": "array", "items": {"type": "string"}}
    form = Schema(form={"type": "object", "properties": {"a": array, "b": {**array, "explode": False}}})
    media = {
        "schema": {"type": "object", "properties": {"a": array, "b": array}},
        "encoding": {"b": {"style": "form", "explode": False}},
    }
    assert operation(form)["requestBody"]["content"] == {
        "application/x-www-form-urlencoded": media,
        "multipart/form-data": media,
    }
    file = {"type": "string", "format": "binary"}
    with_file = Schema(form={"properties": {"files": {"type": "array", "items": file}}})
    schema = {"properties": {"files": {"type": "array", "items": file}}}
    assert operation(with_file)["requestBody"]["content"] == {"multipart/form-data": {"schema": schema}}


# Answers


def test_responses() -> None:
    """Answers have what the Schema declares of each status, in the order of the statuses."""
    schema = Schema(
        status=201,
        responses={
            404: Response(description="No such item"),
            201: Response(ITEM, headers={"X-N": {"type": "integer", "description": "N"}, "X-L": {"type": "array"}}),
            204: Response(),
            200: Response(content_type="text/csv", description="A table"),
        },
    )
    assert operation(schema)["responses"] == {
        "200": {"description": "A table", "content": {"text/csv": {}}},
        "201": {
            "description": "Created",
            "headers": {
                "X-N": {"description": "N", "schema": {"type": "integer", "format": "int64"}},
                "X-L": {"schema": {"type": "array"}},
            },
            "content": {"application/json": {"schema": ITEM_REF}},
        },
        "204": {"description": "No Content"},
        "404": {"description": "No such item"},
    }


@pytest.mark.parametrize(
    ("schema", "path", "statuses"),
    [
        (Schema(), "/", ["200", "4XX"]),
        (Schema(status=202), "/", ["202", "4XX"]),
        (Schema(), "/{x}", ["200", "404"]),
        (Schema(path={"properties": {"x": {"type": "integer"}}}), "/{x}", ["200", "400", "404"]),
        (Schema(query={}), "/", ["200", "400"]),
        (Schema(headers={}), "/", ["200", "400"]),
        (Schema(request=True), "/", ["200", "400", "413", "415", "422"]),
        (Schema(form={}), "/", ["200", "400", "413", "415", "422"]),
        (Schema(request=True, error_class=ValueError), "/", ["200", "400", "413", "415"]),
        (Schema(query={}, error_class=ValueError), "/", ["200", "4XX"]),
    ],
)
def test_problems(schema: Schema[Any], path: str, statuses: list[str]) -> None:
    """The errors that the toolkit answers are described, each as a problem."""
    responses = operation(schema, path)["responses"]
    assert list(responses) == statuses
    assert all(responses[status]["content"] == PROBLEM_REF for status in statuses if status.startswith("4"))


def test_problems_of_aiohttp() -> None:
    """Without the error middleware, aiohttp's own errors have its own body; what the toolkit raises is a problem."""
    app = application(("POST", "/{x}", Schema(request=True)), errors=False)
    responses = built(app)["paths"]["/{x}"]["post"]["responses"]
    contents = {status: "content" in response for status, response in responses.items() if status != "200"}
    assert contents == {"400": True, "404": False, "413": False, "415": True, "422": True}


@pytest.mark.parametrize("with_request_id", [False, True])
def test_one_problem_schema(with_request_id: bool) -> None:
    """An application's own use of PROBLEM_SCHEMA is the one component, with request_id where errors have it."""
    app = application(errors=False)
    if with_request_id:
        setup_request_id(app)
    setup_errors(app)
    own = Response(PROBLEM_SCHEMA, content_type="application/problem+json")
    app.router.add_post("/", view_of(Schema(request=True, responses={409: own})))
    document = built(app)
    assert list(document["components"]["schemas"]) == ["Problem"]
    properties = document["components"]["schemas"]["Problem"]["properties"]
    assert ("request_id" in properties) is with_request_id
    assert properties.keys() - {"request_id"} == PROBLEM_SCHEMA["properties"].keys()
    responses = document["paths"]["/"]["post"]["responses"]
    assert [responses[status]["content"] for status in ("409", "422")] == [PROBLEM_REF, PROBLEM_REF]


async def test_problems_are_what_is_answered() -> None:
    """Each error that can be provoked is one that is described, and its body is valid by the description."""
    schema = Schema(
        request={"type": "object"}, path={"properties": {"x": {"type": "integer"}}, "required": ["x"]}, response=True
    )
    app = application()
    setup_request_id(app)
    app._client_max_size = 100
    app.router.add_post("/{x}", view_of(schema))
    document = built(app)
    responses = document["paths"]["/{x}"]["post"]["responses"]
    problem = jsonschema.Draft202012Validator(document["components"]["schemas"]["Problem"])
    requests: list[tuple[str, Any, str, int]] = [
        ("/a", b"{}", "application/json", 400),
        ("/1", b"{", "application/json", 400),
        ("/1", b" " * 200, "application/json", 413),
        ("/1", b"{}", "text/plain", 415),
        ("/1", b"[]", "application/json", 422),
    ]
    async with TestClient(TestServer(app)) as client:
        for path, body, content_type, status in requests:
            answer = await client.post(path, data=body, headers={"Content-Type": content_type})
            assert answer.status == status
            assert list(responses[str(status)]["content"]) == [answer.content_type]
            found = await answer.json(content_type=None)
            assert list(problem.iter_errors(found)) == []
            assert "request_id" in found


# Schemas


def test_titles_are_components() -> None:
    """Objects with a title are components wherever they stand; titles of scalars, as pydantic writes them, are not."""
    inner = {
        "title": "Inner part",
        "type": "object",
        "properties": {"n": {"title": "N", "type": "integer", "maximum": 9, "minimum": 0}},
    }
    free = {"title": "Free", "type": "object"}
    outer = {"title": "Outer", "type": "array", "items": {"anyOf": [inner, free]}}
    assert component(outer) == {
        "InnerPart": inner,
        "Outer": {
            **outer,
            "items": {"anyOf": [{"$ref": "#/components/schemas/InnerPart"}, {"title": "Free", "type": "object"}]},
        },
    }


def test_definitions_are_components() -> None:
    """What a reference means is a component by its title, or else by its name; what none means is left out."""
    schema = {
        "$schema": DRAFTS[7],
        "$id": "https://example.com/schemas/",
        "properties": {"a": {"$ref": "#/definitions/a%20b"}, "c": {"$ref": "#c"}, "p": {"$ref": "#/properties/a"}},
        "definitions": {"a b": {"type": "integer"}, "other": {"$id": "#c", "title": "See", "enum": [1]}, "unused": {}},
    }
    document = built(application(("POST", "/", Schema(request=schema)), errors=False))
    body = document["paths"]["/"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {
        "properties": {
            "a": {"$ref": "#/components/schemas/a"},
            "c": {"$ref": "#/components/schemas/See"},
            "p": {"$ref": "#/components/schemas/a"},
        }
    }
    assert document["components"]["schemas"] == {
        "Problem": document["components"]["schemas"]["Problem"],
        "See": {"title": "See", "enum": [1]},
        "a": {"$ref": "#/components/schemas/aB"},
        "aB": {"type": "integer", "format": "int64"},
    }


def test_recursive_schemas() -> None:
    """A schema that refers to itself is a component, named after its operation where it has no other name."""
    tree = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#"}}}}
    found = component(tree)
    assert list(found) == ["postRequest"]
    assert found["postRequest"]["properties"]["children"]["items"] == {"$ref": "#/components/schemas/postRequest"}
    assert list(component({"title": "Tree", **tree})) == ["Tree"]
    mutual = {
        "$ref": "#/$defs/A",
        "$defs": {"A": {"items": {"$ref": "#/$defs/B"}}, "B": {"items": {"$ref": "#/$defs/A"}}},
    }
    assert component(mutual) == {
        "A": {"items": {"$ref": "#/components/schemas/B"}},
        "B": {"items": {"$ref": "#/components/schemas/A"}},
    }


def test_one_name_for_two_schemas() -> None:
    """Schemas of one name that say the same are one, however deep; those that do not are told apart by a number."""

    def list_of(item: dict[str, Any], definitions: str) -> dict[str, Any]:
        return {
            "title": "List",
            "type": "object",
            "properties": {"items": {"items": {"$ref": f"#/{definitions}/Item"}}},
            definitions: {"Item": item},
        }

    number, text = ({"type": "object", "properties": {"id": {"type": kind}}} for kind in ("number", "string"))
    app = application(
        ("POST", "/1", Schema(request=list_of(number, "$defs"))),
        ("POST", "/2", Schema(request=list_of(dict(reversed(number.items())), "definitions"))),
        ("POST", "/3", Schema(request=list_of(text, "$defs"))),
        errors=False,
    )
    document = built(app)
    contents = [document["paths"][path]["post"]["requestBody"]["content"] for path in document["paths"]]
    names = [content["application/json"]["schema"]["$ref"].rpartition("/")[2] for content in contents]
    assert names == ["List", "List", "List2"]
    schemas = document["components"]["schemas"]
    assert [schemas[name]["title"] for name in ("List", "List2")] == ["List", "List2"]  # clients take these for names
    assert list(schemas) == ["Item", "Item2", "List", "List2", "Problem"]
    assert (schemas["Item"], schemas["Item2"]) == (number, text)
    assert schemas["List2"]["properties"]["items"]["items"] == {"$ref": "#/components/schemas/Item2"}


def test_a_name_of_no_letters() -> None:
    """A title that no component could have as its name leaves the name of the operation."""
    assert list(component({"title": "Проект", "type": "object"})) == ["postRequest"]


def test_a_metaschema() -> None:
    """A schema that is to be a schema does not make a reader fetch one."""
    document = built(application(("POST", "/", Schema(request={"$ref": DRAFTS[2020]})), errors=False))
    body = document["paths"]["/"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"type": ["object", "boolean"], "$comment": "A JSON Schema"}


def test_unknown_keywords() -> None:
    """Extensions stay, and what other tools say in a word; what holds more than that could refer to nothing."""
    schema = {"x-a": {"b": 1}, "unit": "m", "tool": {"$ref": "#/nowhere"}, "type": "string"}
    body = operation(Schema(request=schema))["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"x-a": {"b": 1}, "unit": "m", "type": "string"}


class Part(TypedDict):
    """A part."""

    size: int


@dataclass
class Whole:
    """A whole."""

    name: str
    parts: list[Part]
    parent: "Whole | None" = None


@pytest.mark.extra("msgspec")
def test_types() -> None:
    """A type's name is the name of its component, wherever it is used, in requests and in answers."""
    app = application(("POST", "/1", Schema(request=Whole, response=Whole)), ("POST", "/2", Schema(request=list[Part])))
    document = built(app)
    assert list(document["components"]["schemas"]) == ["Part", "Problem", "Whole"]
    assert document["components"]["schemas"]["Whole"]["properties"]["parts"]["items"] == {
        "$ref": "#/components/schemas/Part"
    }


@pytest.mark.extra("msgspec")
def test_uploads() -> None:
    """An UploadedFile makes its form multipart."""

    @dataclass
    class Upload:
        file: UploadedFile

    content = operation(Schema(form=Upload))["requestBody"]["content"]
    assert list(content) == ["multipart/form-data"]


@pytest.mark.extra("msgspec")
def test_discriminators_of_msgspec() -> None:
    """The mapping of a discriminator leads to components."""
    import msgspec

    class Cat(msgspec.Struct, tag=True):
        name: str

    class Dog(msgspec.Struct, tag=True):
        name: str

    document = built(application(("POST", "/", Schema(request=list[Cat | Dog])), errors=False))
    body = document["paths"]["/"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["items"]["discriminator"]["mapping"] == {
        "Cat": "#/components/schemas/Cat",
        "Dog": "#/components/schemas/Dog",
    }


@pytest.mark.extra("pydantic")
def test_pydantic() -> None:
    """A model is a component by its name; what it takes and what it gives are two where they differ."""
    import pydantic

    class Inner(pydantic.BaseModel):
        n: int = 1

    class Model(pydantic.BaseModel):
        inner: Inner | None = None
        price: Decimal

    document = built(application(("POST", "/", Schema(request=Model, response=Model)), errors=False))
    schemas = document["components"]["schemas"]
    assert list(schemas) == ["Inner", "Model", "Model2", "Problem"]
    assert [schemas[name]["properties"]["price"].get("type") for name in ("Model", "Model2")] == [None, "string"]
    assert "#/components/schemas/Inner" in json.dumps(schemas["Model2"])


@pytest.mark.extra("jsl")
def test_jsl() -> None:
    """A jsl document says in 2020-12 what it said in draft-04; one that refers to itself is named by its class."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import jsl

    class Node(jsl.Document):  # type: ignore[misc]  # jsl has no types
        size = jsl.NumberField(minimum=0, exclusive_minimum=True, required=True)
        children = jsl.ArrayField(jsl.DocumentField(jsl.RECURSIVE_REFERENCE_CONSTANT))

    (found,) = component(Node).items()
    assert found[0] == "Node"
    assert found[1]["properties"]["size"] == {"type": "number", "exclusiveMinimum": 0}
    assert found[1]["properties"]["children"]["items"] == {"$ref": "#/components/schemas/Node"}


def test_many_routes_share_their_schemas() -> None:
    """What a thousand routes use is described once."""
    schema = Schema(request=ITEM, response={"type": "array", "items": ITEM})
    app = application(*(("POST", f"/{number}", schema) for number in range(1000)))
    document = build_openapi(app, title="Test", version="1")
    assert len(document["paths"]) == 1000
    assert list(document["components"]["schemas"]) == ["Item", "Problem"]
