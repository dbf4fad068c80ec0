"""Types as schemas: what a request is made into, what is refused, and what answers may be made of.

Types stand in the tests that use them: their packages are optional.
"""

import asyncio
import dataclasses
import enum
import functools
import json
import sys
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Annotated, Any, Generic, Literal, NotRequired, TypedDict, TypeVar, get_overloads

import pytest
from aiohttp import FormData, web
from hypothesis import given
from hypothesis import strategies as st

from aiotoolkit._json import to_plain
from aiotoolkit.middlewares import setup_errors
from aiotoolkit.requests import UploadedFile
from aiotoolkit.schemas import Engine, JSONSchemaEngine, JSONSchemaRSEngine, ResponseValidationError, Schema
from aiotoolkit.schemas import RequestValidationError as Invalid

needs_msgspec = pytest.mark.extra("msgspec")
needs_pydantic = pytest.mark.extra("pydantic")

T = TypeVar("T")


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass(frozen=True)
class Owner:
    email: str
    role: str = "member"


@dataclasses.dataclass(frozen=True)
class Project:
    name: str
    owner: Owner | None = None
    tags: list[str] = dataclasses.field(default_factory=lambda: ["new"])
    color: Color = Color.RED


class ProjectDict(TypedDict):
    name: str
    on: NotRequired[date]


@dataclasses.dataclass
class Tree:
    name: str
    children: "list[Tree]" = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Page:
    limit: int = 20
    exact: bool = False
    ids: list[int] = dataclasses.field(default_factory=list)
    key: uuid.UUID | None = None
    price: Decimal | None = None
    since: datetime | None = None
    color: Color | None = None


@dataclasses.dataclass
class Numbered(Generic[T]):
    number: int
    item: T


@dataclasses.dataclass
class Even:
    number: int

    def __post_init__(self) -> None:
        if self.number % 2:
            raise ValueError("must be even")
        if self.number == 4:
            raise KeyError("a bug of the application")


@pytest.fixture(params=[pytest.param("jsonschema-rs", marks=pytest.mark.extra("jsonschema_rs")), "jsonschema"])
def engine(request: pytest.FixtureRequest) -> Engine:
    return JSONSchemaRSEngine() if request.param == "jsonschema-rs" else JSONSchemaEngine()


def errors_of(schema: Schema, data: Any) -> list[tuple[str, str]]:
    """Where the data are refused, and why; nowhere if they are valid."""
    try:
        schema.validate_request(data)
    except Invalid as error:
        return [(item["pointer"], item["detail"]) for item in error.errors]
    return []


# Requests: dataclasses, TypedDicts, Structs


@needs_msgspec
def test_dataclasses(engine: Engine) -> None:
    """Data are made into a frozen dataclass, nested ones too, with the defaults of the type."""
    schema = Schema(request=Project, engine=engine)
    assert schema.validate_request({"name": "one"}) == Project("one")
    full = {"name": "one", "owner": {"email": "a@b"}, "tags": [], "color": "blue", "unknown": 1}
    assert schema.validate_request(full) == Project("one", Owner("a@b"), [], Color.BLUE)
    assert {pointer for pointer, _ in errors_of(schema, {"color": "green", "tags": [1]})} == {
        "#/name", "#/color", "#/tags/0",
    }  # fmt: skip


@needs_msgspec
def test_typed_dicts() -> None:
    """A TypedDict is a dict of its own members, each made into its type; those that are absent stay so."""
    schema = Schema(request=ProjectDict)
    assert schema.validate_request({"name": "one", "on": "2026-11-21", "more": 1}) == {
        "name": "one", "on": date(2026, 11, 21),
    }  # fmt: skip
    assert schema.validate_request({"name": "one"}) == {"name": "one"}


@needs_msgspec
def test_structs(engine: Engine) -> None:
    """A Struct has its own names, its constraints, and what it forbids."""
    import msgspec

    class Item(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
        unit_price: Decimal
        in_stock: Annotated[int, msgspec.Meta(ge=0)] = 0
        note: str | msgspec.UnsetType = msgspec.UNSET

    schema = Schema(request=Item, engine=engine)
    item = schema.validate_request({"unitPrice": "1.50", "inStock": 2})
    assert item == Item(Decimal("1.50"), 2)
    assert item.note is msgspec.UNSET
    assert schema.validate_request({"unitPrice": 1.5}) == Item(Decimal("1.5"))
    assert {pointer for pointer, _ in errors_of(schema, {"inStock": -1, "more": 1})} == {
        "#/unitPrice", "#/inStock", "#/more",
    }  # fmt: skip


@needs_msgspec
def test_unions_of_structs() -> None:
    """A union of tagged Structs is told by the tag."""
    import msgspec

    class Cat(msgspec.Struct, tag=True):
        lives: int

    class Dog(msgspec.Struct, tag=True):
        name: str

    schema: Schema = Schema(request=list[Cat | Dog])
    assert schema.validate_request([{"type": "Cat", "lives": 9}, {"type": "Dog", "name": "Rex"}]) == [
        Cat(9),
        Dog("Rex"),
    ]
    assert Schema(request=Cat | None).validate_request(None) is None
    assert errors_of(schema, [{"type": "secret", "lives": 9}]) == [("#/0", "matches none of the allowed forms")]


@needs_msgspec
def test_what_types_are_built_of() -> None:
    """Lists, mappings with integers for keys, literals, Annotated and generic types are types as well."""
    import msgspec

    assert Schema(request=list[Project]).validate_request([{"name": "one"}]) == [Project("one")]
    assert Schema(request=dict[int, Owner]).validate_request({"1": {"email": "a"}}) == {1: Owner("a")}
    assert Schema(request=Literal["a", "b"]).validate_request("a") == "a"
    assert Schema(request=Numbered[Owner]).validate_request({"number": 1, "item": {"email": "a"}}) == Numbered(
        1, Owner("a")
    )
    short = Schema(request=Annotated[list[int], msgspec.Meta(max_length=1)])
    assert short.validate_request([1]) == [1]
    assert errors_of(short, [1, 2]) == [("#", "must have at most 1 item")]
    assert Schema(request=set[int]).validate_request([1, 2]) == {1, 2}


@needs_msgspec
def test_recursive_types(engine: Engine) -> None:
    """A type that holds itself is made at every depth."""
    schema = Schema(request=Tree, engine=engine)
    assert schema.validate_request({"name": "a", "children": [{"name": "b"}]}) == Tree("a", [Tree("b")])
    assert [pointer for pointer, _ in errors_of(schema, {"name": "a", "children": [{"name": 5}]})] == [
        "#/children/0/name"
    ]


@needs_msgspec
@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement is new in Python 3.12")
def test_type_aliases() -> None:
    """A named alias is what it stands for."""
    names: dict[str, Any] = {"Project": Project}
    exec("type Projects = list[Project]", names)
    schema: Schema = Schema(request=names["Projects"])
    assert schema.validate_request([{"name": "one"}]) == [Project("one")]

    @schema.handler
    async def view(request: web.Request, *, body: list[Project]) -> None: ...

    with pytest.raises(TypeError, match="'body' as list"):

        @schema.handler
        async def other(request: web.Request, *, body: list[Owner]) -> None: ...


@needs_msgspec
@pytest.mark.parametrize(
    ("source", "data", "made"),
    [
        (list[int], [1.0, -0.0, 2, -(2.0**40)], [1, 0, 2, -(2**40)]),
        (list[float], [1.0, 1e300, 2], [1.0, 1e300, 2.0]),
        (dict[str, int | None], {"a": 5.0, "b": None}, {"a": 5, "b": None}),
        (tuple[float, int], [0.5, 3.0], (0.5, 3)),
        (tuple[float, int], [1e300, 3.0], (1e300, 3)),
    ],
)
def test_integers_with_a_fraction_of_zero(source: Any, data: Any, made: Any) -> None:
    """``1.0`` is an integer, as it is to JSON Schema, and is made into an int."""
    result = Schema(request=source).validate_request(data)
    assert result == made
    flat = list(result.values() if isinstance(result, dict) else result)
    expected = list(made.values() if isinstance(made, dict) else made)
    assert [type(item) for item in flat] == [type(item) for item in expected]


# What a type refuses after its schema took it


@needs_msgspec
@pytest.mark.parametrize(
    ("source", "data", "pointer", "detail"),
    [
        (Even, {"number": 1}, "#", "must be even"),
        (list[Even], [{"number": 2}, {"number": 3}], "#/1", "must be even"),
        (dict[str, list[Even]], {"a": [{"number": 3}]}, "#", "must be even"),
        (Tree, {"name": "a", "children": [{"name": "b"}]}, None, None),
        (Page, {"limit": 1.0, "since": "2026-11-05T07:00:60Z"}, "#/since", "Invalid RFC3339 encoded datetime"),
        (Page, {"since": "2026-11-05T07:00:60Z"}, "#/since", "Invalid RFC3339 encoded datetime"),
        (Page, {"price": "1e5"}, "#/price", None),
        (list[float], [10**400], "#/0", "Number out of range"),
        (dict[int, int], {"x": 1}, "#", "Expected `int`, got `str`"),
        (bytearray | None, "secret!", "#", "Invalid base64 encoded string"),
        (list[timedelta], ["P1Y"], "#/0", "is not valid"),
    ],
)  # fmt: skip
def test_what_msgspec_refuses(source: Any, data: Any, pointer: str | None, detail: str | None) -> None:
    """What the schema allows and the type does not is the same error, at the same kind of place."""
    errors = errors_of(Schema(request=source), data)
    assert [where for where, _ in errors] == ([] if pointer is None else [pointer])
    if detail is not None:
        assert errors[0][1] == detail


@needs_msgspec
def test_values_are_not_shown() -> None:
    """msgspec puts an unknown enum's value into its message: the client's value stays out of ours."""
    import msgspec

    from aiotoolkit._typed import _from_msgspec

    for source, data in ((Color, "s3cret"), (list[Color], ["s3cret"]), (Literal["a"], "s3cret")):
        with pytest.raises(msgspec.ValidationError) as caught:
            msgspec.convert({"data": data}, msgspec.defstruct("Box", [("data", source)]))
        violation = _from_msgspec(caught.value, data)
        assert violation.message == "is not valid"
        assert violation.path == ((0,) if isinstance(data, list) else ())


@needs_msgspec
def test_decimals_are_finite_and_of_bounded_size() -> None:
    """Text for a Decimal is digits: no NaN, which cannot be compared, and no exponent of a billion digits."""
    schema = Schema(request=list[Decimal])
    assert schema.validate_request([1, 1.5, "-0.10"]) == [Decimal(1), Decimal("1.5"), Decimal("-0.10")]
    for text in ("NaN", "Infinity", "1e999999999", "", " 1", "٣"):
        assert [pointer for pointer, _ in errors_of(schema, [text])] == ["#/0"], text


@needs_msgspec
def test_long_texts_of_validators() -> None:
    """What a type's own check says is shown, cut, whatever is in it."""

    @dataclasses.dataclass
    class Hostile:
        name: str

        def __post_init__(self) -> None:
            raise ValueError(f"no {self.name}" if self.name else "")

    schema: Schema = Schema(request=list[Hostile])
    pointer, detail = errors_of(schema, [{"name": "x" * 1000}])[0]
    assert (pointer, len(detail)) == ("#/0", 200)
    assert detail.startswith("no xxx")
    assert errors_of(schema, [{"name": "- at `$[5].a`"}]) == [("#/0", "no - at `$[5].a`")]
    assert errors_of(schema, [{"name": ""}]) == [("#/0", "is not valid")]


@needs_msgspec
def test_bugs_of_a_type_pass() -> None:
    """What a type raises besides ValueError and TypeError is its own bug, not the client's mistake."""
    with pytest.raises(KeyError, match="a bug of the application"):
        Schema(request=Even).validate_request({"number": 4})


@needs_msgspec
def test_lone_surrogates(engine: Engine) -> None:
    """Data that are no Unicode are refused, whoever sees it first."""
    for source in (list[uuid.UUID], list[datetime], list[Color]):
        assert len(errors_of(Schema(request=source, engine=engine), ["\ud800"])) == 1


@needs_msgspec
def test_error_class() -> None:
    """A type's refusal is raised as error_class, too."""
    schema = Schema(request=Even, error_class=LookupError)
    with pytest.raises(LookupError, match="The request is not valid: # must be even") as caught:
        schema.validate_request({"number": 1})
    assert isinstance(caught.value.__cause__, Invalid)


# pydantic


@needs_pydantic
def test_models(engine: Engine) -> None:
    """Data are made into a model: aliases, nested and generic models, and which members were given."""
    import pydantic

    class Inner(pydantic.BaseModel):
        size: int = 1

    class Model(pydantic.BaseModel, Generic[T]):
        model_config = pydantic.ConfigDict(extra="forbid", frozen=True, strict=True)
        name: str = pydantic.Field(alias="Name")
        inner: Inner | None = None
        item: T | None = None
        key: uuid.UUID | None = None
        on: date | None = None
        price: Decimal | None = None

    schema = Schema(request=Model[int], engine=engine)
    key = uuid.uuid4()
    data = {"Name": "x", "inner": {}, "item": 1, "key": str(key), "on": "2026-11-21", "price": "1.50"}
    model = schema.validate_request(data)
    assert type(model) is Model[int]
    assert model == Model[int](Name="x", inner=Inner(), item=1, key=key, on=date(2026, 11, 21), price=Decimal("1.50"))
    assert schema.validate_request({"Name": "x"}).model_fields_set == {"name"}
    assert {pointer for pointer, _ in errors_of(schema, {"more": 1, "item": "x"})} == {"#/Name", "#/more", "#/item"}


@needs_pydantic
def test_validators_of_models() -> None:
    """A model's own validators are errors of the same shape, with their text, cut, and at their place."""
    import pydantic
    import pydantic_core

    def refuse(value: str) -> str:
        if value == "custom":
            raise pydantic_core.PydanticCustomError("own", "not {what}", {"what": "this"})
        if value == "assert":
            raise AssertionError
        if value == "bug":
            raise ZeroDivisionError
        if value != "good":
            raise ValueError(f"refused {value}")
        return value

    class Inner(pydantic.BaseModel):
        name: Annotated[str, pydantic.AfterValidator(refuse)] = "good"

    class Model(pydantic.BaseModel):
        items: dict[str, list[Inner | int]] = {}
        past: pydantic.PastDate | None = None
        aware: pydantic.AwareDatetime | None = None

        @pydantic.model_validator(mode="after")
        def _whole(self) -> "Model":
            if len(self.items) > 1:
                raise ValueError("too many")
            return self

    schema = Schema(request=Model)
    hostile = "\x00<script>'\"" * 100
    assert errors_of(schema, {"items": {"a": [1, {"name": "x"}]}})[0] == ("#/items/a/1/name", "refused x")
    assert errors_of(schema, {"items": {"a": [{"name": "custom"}]}})[0] == ("#/items/a/0/name", "not this")
    assert errors_of(schema, {"items": {"a": [{"name": "assert"}]}})[0] == ("#/items/a/0/name", "is not valid")
    assert errors_of(schema, {"items": {"a": [], "b": []}}) == [("#", "too many")]
    assert errors_of(schema, {"past": "9999-01-01"}) == [("#/past", "Date should be in the past")]
    assert errors_of(schema, {"items": {"a": [{"name": hostile}]}})[0][1] == f"refused {hostile}"[:199] + "…"
    assert len(errors_of(schema, {"items": {"a": [{"name": "x"}] * 50}})) == 20
    assert errors_of(schema, {"items": {"a": [{"name": "x"}] * 1001}}) == [("#", "has more than 1000 mistakes")]
    with pytest.raises(ZeroDivisionError):
        schema.validate_request({"items": {"a": [{"name": "bug"}]}})


@needs_pydantic
def test_messages_of_pydantic_hold_no_value() -> None:
    """Where a message of pydantic's own could hold a part of the value, its name stands for it."""
    import pydantic

    class Loose(pydantic.BaseModel):
        key: Annotated[uuid.UUID, pydantic.WithJsonSchema({"type": "string"})]

    assert errors_of(Schema(request=Loose), {"key": "s3cret"}) == [("#/key", "is not valid (uuid_parsing)")]


@needs_pydantic
def test_what_is_built_of_models(engine: Engine) -> None:
    """Lists and unions of models, and pydantic's dataclasses, go by pydantic."""
    import pydantic
    import pydantic.dataclasses

    class Cat(pydantic.BaseModel):
        kind: Literal["cat"]

    class Dog(pydantic.BaseModel):
        kind: Literal["dog"]

    @pydantic.dataclasses.dataclass
    class Point:
        x: int
        y: int = pydantic.Field(alias="Y", default=0)

    assert Schema(request=list[Cat], engine=engine).validate_request([{"kind": "cat"}]) == [Cat(kind="cat")]
    assert Schema(request=Cat | Dog | None, engine=engine).validate_request({"kind": "dog"}) == Dog(kind="dog")
    schema = Schema(request=Point, response=Point, engine=engine, response_factory=None)
    point = schema.validate_request({"x": 1, "Y": 2})
    assert point.y == 2
    assert schema.make_response(point) == {"x": 1, "Y": 2}


@needs_pydantic
def test_recursive_models() -> None:
    """A model that holds itself, and a root model."""
    import pydantic

    class Node(pydantic.BaseModel):
        children: "list[Node]" = []

    class Names(pydantic.RootModel[list[str]]):
        pass

    schema = Schema(request=Node, response=Names, response_factory=None)
    assert schema.validate_request({"children": [{}]}) == Node(children=[Node()])
    assert schema.make_response(Names(["a"])) == ["a"]


# Any data

CLOCK = r"[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,12})?(Z|[+-][0-2][0-9]:[0-6][0-9])?"
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["red", "1", "-1", "NaN", "0000-01-01", "2026-02-30", "24:00:00", "P1Y2M", "PT1H", "YWI=", "1e99"]),
    st.from_regex(r"[0-9]{1,5}-[0-9]{2}-[0-9]{2}", fullmatch=True),
    st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T" + CLOCK, fullmatch=True),
    st.from_regex(CLOCK, fullmatch=True),
    st.from_regex(r"-?P([0-9]{1,20}[DWMY])?(T[0-9]{1,20}[HMS])?", fullmatch=True),
    st.from_regex(r"-?[0-9]{1,400}(\.[0-9]{1,40})?", fullmatch=True),
    st.uuids().map(str),
)  # fmt: skip
NUMBERS = st.one_of(
    st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([10**400, -(2**63) - 1, 1.0, 1e308, -0.0]),
)  # fmt: skip
VALUES = st.one_of(TEXTS, NUMBERS, st.none(), st.booleans(), st.lists(TEXTS | NUMBERS, max_size=3),
                   st.dictionaries(TEXTS, TEXTS | NUMBERS, max_size=3))  # fmt: skip
FIELDS: dict[str, Any] = {
    "text": str, "integer": int, "number": float, "flag": bool, "moment": datetime, "day": date, "hour": time,
    "span": timedelta, "key": uuid.UUID, "price": Decimal, "data": bytes, "color": Color, "names": set[str],
    "pair": tuple[int, str], "by_number": dict[int, str], "by_day": dict[date, float], "literal": Literal["red", 1],
    "either": int | str | None, "optional": datetime | None, "moments": list[datetime],
}  # fmt: skip
DATA = st.dictionaries(st.sampled_from(list(FIELDS)), VALUES, min_size=1, max_size=3)


def check_any_data(schema: Schema, data: Any) -> None:
    """The data are made into the type, or refused in the one way; nothing else is raised."""
    errors = errors_of(schema, data)
    assert len(errors) <= 20
    assert all(len(detail) <= 200 for _, detail in errors)


@needs_msgspec
@given(data=DATA)
def test_any_data_into_structs(data: Any) -> None:
    """Whatever a Struct is given, it is made or refused."""
    check_any_data(_struct_schema(), data)


@functools.cache
def _struct_schema() -> Schema:
    # jsonschema knows fewer formats: more is left for the type to refuse.
    import msgspec

    fields = [(name, kind | msgspec.UnsetType, msgspec.UNSET) for name, kind in FIELDS.items()]
    return Schema(request=msgspec.defstruct("Everything", fields), engine=JSONSchemaEngine())


@needs_pydantic
@given(data=DATA)
def test_any_data_into_models(data: Any) -> None:
    """Whatever a model is given, it is made or refused."""
    check_any_data(_model_schema(), data)


@functools.cache
def _model_schema() -> Schema:
    import pydantic

    fields: dict[str, Any] = {name: (kind | None, None) for name, kind in FIELDS.items()}
    return Schema(request=pydantic.create_model("Everything", **fields), engine=JSONSchemaEngine())


# Merging and modules


@needs_msgspec
def test_additional_members_of_a_type() -> None:
    """Merged first, then checked, then made into the type."""
    schema = Schema(request=Project)
    assert schema.validate_request({}, {"name": "one"}) == Project("one")
    assert schema.validate_request({"name": "two"}, {"name": "one", "tags": []}) == Project("two", tags=[])
    with pytest.raises(TypeError, match="The request is made into a Project: merged_class= has no use beside it"):
        schema.validate_request({}, {"name": "one"}, merged_class=SimpleNamespace)


@needs_msgspec
def test_instances_as_data() -> None:
    """An instance is data, too: it is written, checked and made anew."""
    schema = Schema(request=Project)
    assert schema.validate_request(Project("one", Owner("a"))) == Project("one", Owner("a"))


@needs_msgspec
async def test_a_module_with_a_type(aiohttp_client: Any) -> None:
    """A module's request may be a class: its processor is given the instance, and a view what that returns."""

    def request_processor(project: Project) -> str:
        return project.name

    schema = Schema(SimpleNamespace(request=Project, response=Project, request_processor=request_processor))
    assert schema.validate_request({"name": "one"}) == "one"

    @schema.handler
    async def view(request: web.Request, *, body: str) -> Project:
        return Project(body)

    app = web.Application()
    app.router.add_post("/", view)
    client = await aiohttp_client(app)
    async with client.post("/", json={"name": "one"}) as response:
        assert (await response.json())["name"] == "one"


# Answers


@needs_msgspec
def test_structs_as_answers(engine: Engine) -> None:
    """A Struct is written with its names and tags; times, UUIDs and Decimals as everywhere in an answer."""
    import msgspec

    class Item(msgspec.Struct, rename="camel", tag="item", omit_defaults=True):
        unit_price: Decimal
        made_at: datetime
        key: uuid.UUID
        owner: Owner
        note: str | msgspec.UnsetType = msgspec.UNSET
        size: int = 0
        data: bytes = b""
        span: timedelta = timedelta(0)

    schema = Schema(response=list[Item], engine=engine, response_factory=None)
    moment = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
    key = uuid.uuid4()
    item = Item(Decimal("1.50"), moment, key, Owner("a@b"), data=b"ab", span=timedelta(days=1))
    assert schema.make_response([item]) == [
        {
            "type": "item", "unitPrice": 1.5, "madeAt": "2026-11-21T07:00:00+00:00", "key": str(key),
            "owner": {"email": "a@b", "role": "member"}, "data": "YWI=", "span": "P1D",
        }
    ]  # fmt: skip
    item.unit_price = "x"  # type: ignore[assignment]  # which is the point
    with pytest.raises(ResponseValidationError, match="#/0/unitPrice must be of type number"):
        schema.make_response([item])


@needs_msgspec
def test_structs_that_are_no_json() -> None:
    """A Struct that holds itself, NaN, or what nobody can write, is an error and not a crash."""
    import msgspec

    class Node(msgspec.Struct):
        item: Any = None

    loop = Node()
    loop.item = [loop]
    with pytest.raises(ValueError, match="holds itself"):
        to_plain(loop)
    deep = Node()
    for _ in range(60):
        deep = Node([deep])
    with pytest.raises(ValueError, match="nested deeper than"):
        to_plain(deep)
    with pytest.raises(ValueError, match="NaN"):
        to_plain(Node(float("nan")))
    with pytest.raises(TypeError, match="object cannot be written as JSON"):
        to_plain(Node(object()))
    with pytest.raises(TypeError, match="The class Node cannot be written as JSON; an instance can"):
        to_plain(Node)
    assert to_plain(Node({date(2026, 1, 1): Color.RED})) == {"item": {"2026-01-01": "red"}}


@needs_pydantic
def test_models_as_answers() -> None:
    """A model is written by pydantic: aliases, and what is computed; what breaks its schema is never sent."""
    import pydantic

    class Model(pydantic.BaseModel):
        size: int = pydantic.Field(alias="Size")
        price: Decimal = Decimal("1.50")
        score: float = 0.0

        @pydantic.computed_field  # type: ignore[prop-decorator]  # as pydantic's manual says
        @property
        def double(self) -> int:
            return self.size * 2

    schema = Schema(request=Model, response=Model, response_factory=None)
    model = schema.validate_request({"Size": 2})
    assert schema.make_response(model) == {"Size": 2, "price": "1.50", "score": 0.0, "double": 4}
    broken = Model.model_construct(size=2, score="s3cret")  # no warning that shows the value
    with pytest.raises(ResponseValidationError, match="#/score must be of type number") as caught:
        schema.make_response(broken)
    assert "s3cret" not in str(caught.value)
    with pytest.raises(ResponseValidationError, match="NaN"):
        schema.make_response(Model(Size=1, score=float("nan")))


@needs_msgspec
def test_dataclasses_as_answers() -> None:
    """A dataclass is described as it is written."""
    schema = Schema(responses={201: list[Project]}, response_factory=None)
    assert schema.make_response([Project("one")]) == [{"name": "one", "owner": None, "tags": ["new"], "color": "red"}]
    with pytest.raises(ResponseValidationError, match="#/0/name must be of type string"):
        schema.make_response([Project(5)])  # type: ignore[arg-type]  # which is the point


@needs_msgspec
def test_answers_that_are_not_checked(caplog: pytest.LogCaptureFixture) -> None:
    """An instance is written as well where answers are not checked, or only logged."""
    import msgspec

    class Item(msgspec.Struct, rename="camel"):
        unit_price: int

    broken = Item("x")  # type: ignore[arg-type]  # which is the point
    for validate_response in (False, "log"):
        schema = Schema(response=Item, validate_response=validate_response)
        assert schema.make_response(broken).body == b'{"unitPrice":"x"}'
    assert [record.levelname for record in caplog.records] == ["ERROR"]


# A live server


@pytest.fixture
def serve(aiohttp_client: Any) -> Any:
    async def start(*views: tuple[str, str, Any]) -> Any:
        app = web.Application()
        setup_errors(app)
        for method, path, view in views:
            app.router.add_route(method, path, view)
        return await aiohttp_client(app)

    return start


@needs_msgspec
async def test_parameters(serve: Any) -> None:
    """Query, path, headers and cookies are made into types, from text; what they refuse is 400 with its name."""
    import msgspec

    class Headers(msgspec.Struct, rename={"if_match": "If-Match"}):
        if_match: int = 0

    @dataclasses.dataclass
    class Path:
        number: int

    class Cookies(TypedDict, total=False):
        theme: Literal["dark", "light"]

    schema: Schema = Schema(query=Page, path=Path, headers=Headers, cookies=Cookies)
    seen: list[Any] = []

    @schema.handler
    async def view(request: web.Request, *, query: Page, path: Path, headers: Headers, cookies: Cookies) -> None:
        seen[:] = [query, path, headers, cookies]

    client = await serve(("GET", "/{number}", view))
    key = uuid.uuid4()
    text = f"limit=5&exact=true&ids=1&ids=2&key={key}&price=0.1234567890123456789&since=2026-11-21T07:00:00Z&color=red"
    async with client.get(f"/7?{text}", headers={"If-Match": "3", "Cookie": "theme=dark"}) as response:
        assert response.status == 200, await response.text()
    price = Decimal("0.1234567890123456789")
    moment = datetime(2026, 11, 21, 7, tzinfo=UTC)
    assert seen == [Page(5, True, [1, 2], key, price, moment, Color.RED), Path(7), Headers(3), {"theme": "dark"}]
    async with client.get("/7?since=2026-11-21T07:00:60Z") as response:
        assert response.status == 400
        assert (await response.json())["errors"] == [
            {"detail": "Invalid RFC3339 encoded datetime", "in": "query", "name": "since"}
        ]
    for query in ("limit=x", "price=NaN", "key=x", "color=green", "limit=1&limit=2"):
        async with client.get(f"/7?{query}") as response:
            assert response.status == 400, query


@needs_msgspec
async def test_bodies(serve: Any) -> None:
    """A view gets an instance and returns one; a refusal is 422, a bug of the type 500, no body None."""
    schema = Schema(request=Even, response=list[Even], body_required=False)

    @schema.handler
    async def view(request: web.Request, *, body: Even | None) -> list[Even | None]:
        return [] if body is None else [body]

    client = await serve(("POST", "/", view))
    async with client.post("/", json={"number": 2}) as response:
        assert await response.json() == [{"number": 2}]
    async with client.post("/") as response:
        assert await response.json() == []
    async with client.post("/", json={"number": 1}) as response:
        assert response.status == 422
        assert (await response.json())["errors"] == [{"detail": "must be even", "in": "body", "pointer": "#"}]
    async with client.post("/", json={"number": 4}) as response:
        assert response.status == 500
        assert "bug" not in await response.text()


@needs_pydantic
async def test_a_form_as_a_model(serve: Any) -> None:
    """A form is made into a model, its files as they are."""
    import pydantic

    class Upload(pydantic.BaseModel):
        title: str
        number: int = 0
        pages: list[UploadedFile]
        cover: UploadedFile | None = None

    schema = Schema(form=Upload)

    @schema.handler
    async def view(request: web.Request, *, form: Upload) -> dict[str, Any]:
        pages = [(page.filename, page.content_type, page.file.read().decode()) for page in form.pages]
        return {"title": form.title, "number": form.number, "pages": pages, "cover": form.cover is None}

    await _upload(await serve(("POST", "/", view)))


@needs_msgspec
async def test_a_form_as_a_struct(serve: Any) -> None:
    """A form is made into a Struct, its files as they are."""
    import msgspec

    class Upload(msgspec.Struct):
        title: str
        pages: list[UploadedFile]
        number: int = 0
        cover: UploadedFile | None = None

    schema = Schema(form=Upload)

    @schema.handler
    async def view(request: web.Request, *, form: Upload) -> dict[str, Any]:
        pages = [(page.filename, page.content_type, page.file.read().decode()) for page in form.pages]
        return {"title": form.title, "number": form.number, "pages": pages, "cover": form.cover is None}

    await _upload(await serve(("POST", "/", view)))


async def _upload(client: Any) -> None:
    form = FormData()
    form.add_field("title", "x")
    form.add_field("number", "5")
    for name in ("a.txt", "b.txt"):
        form.add_field("pages", name.encode(), filename=name, content_type="text/plain")
    async with client.post("/", data=form) as response:
        assert await response.json() == {
            "title": "x", "number": 5, "cover": True,
            "pages": [["a.txt", "text/plain", "a.txt"], ["b.txt", "text/plain", "b.txt"]],
        }  # fmt: skip
    async with client.post("/", data={"title": "x", "pages": "no file"}) as response:
        assert response.status == 422
        assert (await response.json())["errors"] == [{"detail": "must be a file", "in": "body", "pointer": "#/pages"}]


@needs_pydantic
def test_files_where_none_can_be() -> None:
    """Bytes for a form's file, and files in JSON, are errors in the line that makes the Schema."""
    import pydantic

    class Bytes(pydantic.BaseModel):
        page: bytes

    class File(pydantic.BaseModel):
        page: UploadedFile

    with pytest.raises(TypeError, match=r"^form: a file of a form is an aiotoolkit\.requests\.UploadedFile"):
        Schema(form=Bytes)
    any_schema: Any = Schema
    for place in ("request", "response", "query"):
        with pytest.raises(TypeError, match=rf"^{place}.*: an UploadedFile comes in a form, and nowhere else"):
            any_schema(**{place: File})
    assert Schema(request=Bytes).validate_request({"page": "x"}).page == b"x"


@needs_msgspec
async def test_concurrent_requests(serve: Any) -> None:
    """Requests on one Schema are each made into an instance of their own."""
    schema = Schema(request=Project, response=Project)

    @schema.handler
    async def view(request: web.Request, *, body: Project) -> Project:
        body.tags.append(body.name)
        await asyncio.sleep(0)
        return body

    client = await serve(("POST", "/", view))

    async def ask(name: str) -> Any:
        async with client.post("/", json={"name": name}) as response:
            return (await response.json())["tags"]

    assert await asyncio.gather(*(ask(str(number)) for number in range(50))) == [
        ["new", str(number)] for number in range(50)
    ]


# Types that cannot be used


@needs_msgspec
def test_types_that_cannot_be_described() -> None:
    """A type without a JSON Schema is an error that names the place, the type and what is wrong with it."""

    @dataclasses.dataclass
    class Bad:
        thing: SimpleNamespace

    @dataclasses.dataclass
    class Undefined:
        thing: "Nowhere"  # type: ignore[name-defined]  # noqa: F821 - which is the point

    with pytest.raises(TypeError, match=r"^request: msgspec cannot describe Bad: .*SimpleNamespace'> is not supported"):
        Schema(request=Bad)
    with pytest.raises(TypeError, match=r"^query: msgspec cannot describe Undefined: NameError: .*Nowhere"):
        Schema(query=Undefined)


@needs_pydantic
def test_models_that_cannot_be_described() -> None:
    """The same for a model."""
    import pydantic

    class Bad(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
        thing: SimpleNamespace

    with pytest.raises(TypeError, match=r"^request: pydantic cannot describe Bad: "):
        Schema(request=Bad)


def test_without_msgspec(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without msgspec, a dataclass as a schema says what to install."""
    monkeypatch.setitem(sys.modules, "msgspec", None)
    with pytest.raises(
        ImportError, match=r'^request: the type Project needs msgspec.*pip install "aiotoolkit\[fast\]"'
    ):
        Schema(request=Project)


# Typing


def test_overloads_have_all_arguments() -> None:
    """What a type checker sees of Schema has each of its arguments."""
    import inspect

    names = list(inspect.signature(Schema.__init__).parameters)
    assert [list(inspect.signature(overload).parameters) for overload in get_overloads(Schema.__init__)] == [
        names,
        names,
    ]


def test_schemas_are_generic() -> None:
    """Schema takes the type of its request where an annotation wants it; a Schema is frozen all the same."""
    schema = Schema[Any](request=True)
    assert schema.validate_request(json.loads("1")) == 1
    with pytest.raises(AttributeError):
        schema.error_class = LookupError
