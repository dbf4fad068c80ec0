"""Where schemas come from: jsl documents, pydantic models, objects and modules. None of their packages is imported."""

# mypy: allow-subclassing-any
# (jsl has no type information)

import subprocess
import sys
import warnings
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from aiotoolkit.schemas import Engine, InvalidSchemaError, JSONSchemaEngine, JSONSchemaRSEngine, Schema
from aiotoolkit.schemas import RequestValidationError as Invalid

# jsl imports sre_constants and collections' old names, which warn: narrowly for it, warnings are no errors.
jsl_test = pytest.mark.extra("jsl")


@pytest.fixture
def jsl() -> Iterator[ModuleType]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        import jsl

        yield jsl


@pytest.fixture(
    params=[pytest.param("jsonschema-rs", marks=pytest.mark.extra("jsonschema_rs")), "jsonschema"],
)
def engine(request: pytest.FixtureRequest) -> Engine:
    return JSONSchemaRSEngine() if request.param == "jsonschema-rs" else JSONSchemaEngine()


def pointers(schema: Schema, data: Any) -> list[str]:
    """Where the data break the schema."""
    try:
        schema.validate_request(data)
    except Invalid as error:
        return sorted(item["pointer"] for item in error.errors)
    return []


# jsl


@jsl_test
def test_every_field_of_jsl(jsl: Any, engine: Engine) -> None:
    """Each kind of field is checked, in draft-04, which jsl writes."""

    class Inner(jsl.Document):
        id = jsl.IntField(required=True)

    class Document(jsl.Document):
        string = jsl.StringField(min_length=2, max_length=3, pattern="^a")
        choice = jsl.StringField(enum=["x", "y"])
        boolean = jsl.BooleanField()
        integer = jsl.IntField(minimum=0, exclusive_minimum=True, multiple_of=2)
        number = jsl.NumberField(maximum=1.5)
        null = jsl.NullField()
        email = jsl.EmailField()
        ipv4 = jsl.IPv4Field()
        time = jsl.DateTimeField()
        uri = jsl.UriField()
        array = jsl.ArrayField(jsl.StringField(), min_items=1, unique_items=True)
        pair = jsl.ArrayField([jsl.IntField(), jsl.StringField()], additional_items=False)
        mapping = jsl.DictField(properties={"a": jsl.IntField()}, pattern_properties={"^x": jsl.NullField()},
                                additional_properties=False)  # fmt: skip
        inner = jsl.DocumentField(Inner)
        inner_as_ref = jsl.DocumentField(Inner, as_ref=True)
        any_of = jsl.AnyOfField([jsl.IntField(), jsl.NullField()])
        one_of = jsl.OneOfField([jsl.IntField(minimum=5), jsl.IntField(maximum=7)])
        all_of = jsl.AllOfField([jsl.IntField(minimum=5), jsl.IntField(maximum=7)])
        no = jsl.NotField(jsl.StringField())
        default = jsl.StringField(default="d")

    schema = Schema(request=Document, engine=engine)
    good = {
        "string": "ab", "choice": "x", "boolean": True, "integer": 2, "number": 1.5, "null": None,
        "email": "a@x.example", "ipv4": "127.0.0.1", "time": "2026-11-05T07:00:00Z", "uri": "http://x.example/",
        "array": ["a", "b"], "pair": [1, "a"], "mapping": {"a": 1, "xa": None}, "inner": {"id": 1},
        "inner_as_ref": {"id": 1}, "any_of": None, "one_of": 4, "all_of": 6, "no": 1,
    }  # fmt: skip
    assert schema.validate_request(good) == {**good, "default": "d"}
    bad = {
        "string": "b", "choice": "z", "boolean": 1, "integer": 0, "number": 2, "null": 0,
        "email": "a", "ipv4": "x", "array": ["a", "a"], "pair": ["a", "a"], "mapping": {"a": "x"},
        "inner": {"id": "x"}, "inner_as_ref": {}, "any_of": "x", "one_of": 6, "all_of": 8, "no": "x", "default": 1,
    }  # fmt: skip
    deeper = {"pair": "/0", "mapping": "/a", "inner": "/id", "inner_as_ref": "/id"}
    found = {pointer for name, value in bad.items() for pointer in pointers(schema, {name: value})}
    assert found == {f"#/{name}{deeper.get(name, '')}" for name in bad}
    assert pointers(schema, {"other": 1}) == ["#/other"]


@jsl_test
def test_inheritance_of_jsl(jsl: Any, engine: Engine) -> None:
    """A document has the fields of its bases, inline or all of."""

    class Base(jsl.Document):
        name = jsl.StringField(required=True)

    class Inline(Base):
        size = jsl.IntField(required=True, default=1)

    class AllOf(Base):
        class Options:
            inheritance_mode = "all_of"

        size = jsl.IntField()

    assert Schema(request=Inline, engine=engine).validate_request({"name": "x"}) == {"name": "x", "size": 1}
    assert pointers(Schema(request=Inline, engine=engine), {}) == ["#/name"]
    assert "#/name" in pointers(Schema(request=AllOf, engine=engine, fill_defaults=False), {"size": "x"})


@jsl_test
def test_scopes_and_roles_of_jsl(jsl: Any, engine: Engine) -> None:
    """Fields under a Scope or a Var differ by role: the caller asks for the role's schema."""

    class Project(jsl.Document):
        with jsl.Scope("response") as response:
            response.id = jsl.IntField(required=True)
        with jsl.Scope(lambda role: role.startswith("re")) as both:
            both.name = jsl.StringField(required=True)
        note = jsl.Var({"request": jsl.StringField(required=True), jsl.not_("request"): jsl.NullField()})

    request, response = (Project.get_schema(role=role, ordered=True) for role in ("request", "response"))
    schema = Schema(request=request, response=response, engine=engine, response_factory=None)
    assert pointers(schema, {}) == ["#/name", "#/note"]
    assert schema.validate_request({"name": "x", "note": "n"}) == {"name": "x", "note": "n"}
    assert schema.make_response({"id": 1, "name": "x", "note": None}) == {"id": 1, "name": "x", "note": None}


@jsl_test
def test_recursive_documents_of_jsl(jsl: Any, engine: Engine) -> None:
    """A document that holds itself has defaults and errors at every depth."""

    class Tree(jsl.Document):
        class Options:
            definition_id = "tree"

        name = jsl.StringField(required=True)
        size = jsl.IntField(default=0)
        children = jsl.ArrayField(jsl.DocumentField(jsl.RECURSIVE_REFERENCE_CONSTANT))

    schema = Schema(request=Tree, engine=engine)
    filled = schema.validate_request({"name": "a", "children": [{"name": "b", "children": []}]})
    assert filled == {"name": "a", "size": 0, "children": [{"name": "b", "size": 0, "children": []}]}
    assert pointers(schema, {"name": "a", "children": [{}, {"name": 5}]}) == ["#/children/0/name", "#/children/1/name"]


@jsl_test
def test_two_documents_that_hold_each_other(jsl: Any, engine: Engine) -> None:
    """References between documents become definitions."""

    class One(jsl.Document):
        other = jsl.DocumentField("Two", as_ref=True)

    class Two(jsl.Document):
        other = jsl.DocumentField(One, as_ref=True)
        size = jsl.IntField()

    assert issubclass(Two, jsl.Document)  # which One finds by its name
    schema = Schema(request=One, engine=engine)
    assert pointers(schema, {"other": {"other": {"other": {"size": "x"}}}}) == ["#/other/other/other/size"]


@jsl_test
def test_a_bad_default_in_jsl(jsl: Any, engine: Engine) -> None:
    """A default that breaks its field is found when the Schema is made."""

    class Document(jsl.Document):
        size = jsl.IntField(default="x")

    with pytest.raises(InvalidSchemaError, match=r"The default breaks its own schema.*#/properties/size"):
        Schema(request=Document, engine=engine)


@jsl_test
def test_jsl_is_not_imported() -> None:
    """The toolkit knows jsl by what it has, not by name."""
    code = "import sys, aiotoolkit.schemas as s; s.Schema(request={}); print({'jsl', 'pydantic'} & {*sys.modules})"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=50, check=True
    )
    assert done.stdout == "set()\n"


# pydantic


@pytest.mark.extra("pydantic")
def test_pydantic_models(engine: Engine) -> None:
    """A model class is taken for its JSON Schema: nested models, optional fields, aliases, defaults, formats."""
    from datetime import date
    from enum import Enum

    import pydantic

    class Kind(Enum):
        SMALL = "small"

    class Owner(pydantic.BaseModel):
        email: str = pydantic.Field(pattern="@")

    class Project(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="forbid")
        name: str = pydantic.Field(min_length=1, max_length=32)
        size: int | None = None
        kind: Kind = Kind.SMALL
        on: date | None = None
        owner: Owner
        tags: list[str] = []
        other: str = pydantic.Field(alias="Other", default="o")

    schema = Schema(request=Project, engine=engine)
    project = schema.validate_request({"name": "x", "owner": {"email": "a@b"}, "on": "2026-11-21", "Other": "p"})
    assert project == Project(name="x", owner=Owner(email="a@b"), on=date(2026, 11, 21), Other="p")
    assert project.model_fields_set == {"name", "owner", "on", "other"}
    assert pointers(schema, {"name": "", "owner": {"email": "x"}, "kind": "big", "size": "x", "more": 1}) == [
        "#/kind", "#/more", "#/name", "#/owner/email", "#/size",
    ]  # fmt: skip


@pytest.mark.extra("pydantic")
def test_pydantic_models_of_answers() -> None:
    """For a response, a model gives the schema of what it is written as."""
    import pydantic

    class Project(pydantic.BaseModel):
        size: int = 1

        @pydantic.computed_field  # type: ignore[prop-decorator]  # as pydantic's manual says
        @property
        def double(self) -> int:
            return self.size * 2

    schema = Schema(request=Project, response=Project, response_factory=None)
    assert schema.validate_request({}) == Project(size=1)
    data = Project(size=2).model_dump(mode="json")
    assert schema.make_response(data) == {"size": 2, "double": 4}
    with pytest.raises(Exception, match="#/double is required"):
        schema.make_response({"size": 2})


@pytest.mark.extra("pydantic")
def test_pydantic_models_as_parameters() -> None:
    """Optional fields of a model's query are converted by what they may be."""
    import pydantic

    from aiotoolkit._documents import Document, read_source
    from aiotoolkit._parameters import Parameters

    class Page(pydantic.BaseModel):
        limit: int | None = 20
        exact: bool = False
        ids: list[int] = []

    Schema(query=Page)
    parameters = Parameters(Document(read_source(Page, mode="validation")))
    assert parameters.read({"limit": ["5"], "exact": ["true"], "ids": ["1", "2"]}).data == {
        "limit": 5, "exact": True, "ids": [1, 2],
    }  # fmt: skip


@pytest.mark.extra("pydantic")
def test_defaults_of_optional_models() -> None:
    """A default inside an optional model, where a schema's would not be filled, is filled by the model: no warning."""
    import pydantic

    class Owner(pydantic.BaseModel):
        role: str = "admin"

    class Project(pydantic.BaseModel):
        owner: Owner | None = None

    schema = Schema(request=Project)
    assert schema.validate_request({"owner": {}}) == Project(owner=Owner(role="admin"))
    with pytest.warns(UserWarning, match="#/\\$defs/Owner/properties/role of the request schema") as caught:
        Schema(request=Project.model_json_schema())
    assert caught[0].filename == __file__


# Objects


class HasGetSchema:
    def get_schema(self) -> Any:
        return {"type": "integer"}


class HasModelJSONSchema:
    def model_json_schema(self, *, mode: str) -> Any:
        return {"const": mode}


def test_objects_that_give_schemas() -> None:
    """Any object with get_schema() or model_json_schema() will do, also for headers, responses and in a module."""
    assert Schema(request=HasGetSchema()).validate_request(1) == 1
    schema = Schema(SimpleNamespace(request=HasModelJSONSchema(), response=HasModelJSONSchema()), response_factory=None)
    assert schema.validate_request("validation") == "validation"
    assert schema.make_response("serialization") == "serialization"


@pytest.mark.parametrize("returned", [5, None, "x", [1]])
def test_objects_that_give_no_schema(returned: Any) -> None:
    """What get_schema() returns must be a schema: the error shows what it is."""
    with pytest.raises(TypeError, match=r"^query: A schema is a dict.*not "):
        Schema(query=SimpleNamespace(get_schema=lambda: returned))


@pytest.mark.parametrize("method", ["get_schema", "model_json_schema"])
@pytest.mark.parametrize("error", [ZeroDivisionError("oops"), TypeError("oops")])
def test_objects_that_fail(method: str, error: Exception) -> None:
    """What get_schema() raises is the cause of an error that names the schema."""

    def broken() -> Any:
        raise error

    with pytest.raises(InvalidSchemaError, match=r"^The query schema .*broken\(\) raised \w+: oops") as got:
        Schema(query=SimpleNamespace(**{method: broken}))
    assert got.value.__cause__ is error


def test_a_model_without_modes() -> None:
    """A model_json_schema() without ``mode`` is called without it."""
    schema = Schema(request=SimpleNamespace(model_json_schema=lambda: {"const": 1}))
    assert schema.validate_request(1) == 1


# Modules, as rororo's users write them

PROJECT = '''
"""Create a project."""

request = {"type": "object", "properties": {"name": {"type": "string"}, "tags": {"type": "array", "default": []}},
           "required": ["name"]}
response = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}


def request_processor(data):
    return data["name"], tuple(data["tags"])
'''


def test_a_module_of_rororo() -> None:
    """A module with request, response and request_processor works as it did."""
    module = ModuleType("create_project")
    exec(PROJECT, vars(module))
    schema = Schema(module, response_factory=None)
    assert schema.validate_request({"name": "x"}) == ("x", ())
    assert schema.validate_request({"name": "x"}, {"tags": ["a"]}) == ("x", ("a",))
    assert schema.make_response({"id": 1}) == {"id": 1}
    assert pointers(schema, {"tags": 1}) == ["#/name", "#/tags"]


def test_half_a_module() -> None:
    """A module may have a request or a response only."""
    assert Schema(SimpleNamespace(request=True)).validate_request(1) == 1
    assert Schema(SimpleNamespace(response=True, request=None), response_factory=None).make_response(1) == 1
