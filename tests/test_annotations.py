"""What a view is annotated with: checked when it is decorated."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Annotated, Any, Generic, Literal, TypedDict, TypeVar

import pytest
from aiohttp import web

from aiotoolkit.requests import UploadedFile
from aiotoolkit.schemas import Schema

needs_msgspec = pytest.mark.extra("msgspec")

T = TypeVar("T")


@dataclasses.dataclass
class Owner:
    email: str


@dataclasses.dataclass
class Numbered(Generic[T]):
    number: int
    item: T


class Base:
    pass


@dataclasses.dataclass
class Derived(Base):
    name: str


class WideDict(TypedDict):
    name: str


class NarrowDict(WideDict):
    size: int


def decorate(schema: Schema, annotation: Any) -> None:
    async def view(request: web.Request, *, body: Any) -> None: ...

    view.__annotations__["body"] = annotation
    schema.handler(view)


@needs_msgspec
@pytest.mark.parametrize(
    ("given", "annotation"),
    [
        (Derived, Derived), (Derived, Base), (Derived, object), (Derived, Any), (Derived, Derived | None),
        (Derived, "Derived"), (Derived, "Derived | None"), (Derived, "Nowhere"), (Derived, "1 +"), (Derived, T),
        (Derived, Annotated[Derived, 1]), (Derived | int, Derived | Owner | int),
        (list[Derived], list[Derived]), (list[Derived], Sequence[Base]), (list[Derived], list),
        (list[Derived], list[Any]),
        (Numbered[Owner], Numbered[Owner]), (Numbered[Owner], Numbered), (Annotated[Derived, 1], Derived),
        (NarrowDict, NarrowDict), (NarrowDict, WideDict), (NarrowDict, dict[str, Any]), (NarrowDict, Mapping[str, Any]),
        (dict[str, Owner], Mapping[str, Owner]), (Literal["a"], str),
    ],
)  # fmt: skip
def test_annotations_that_fit(given: Any, annotation: Any) -> None:
    """A view may take the type itself, a wider one, or what cannot be told."""
    decorate(Schema(request=given), annotation)


@needs_msgspec
@pytest.mark.parametrize(
    ("given", "annotation"),
    [
        (Derived, Owner), (Derived, dict[str, Any]), (Derived, "Owner"), (Derived, Owner | None), (Base, Derived),
        (list[Derived], Derived), (list[Derived], list[Owner]), (list[Derived], Sequence["Owner"]), (Derived, WideDict),
        (Derived | int, Derived), (WideDict, NarrowDict), (NarrowDict, Derived), (NarrowDict, list[Any]),
        (Numbered[Owner], Numbered[Derived]), (Derived, None), (Derived, int), (dict[str, Owner], dict[str, Derived]),
    ],
)  # fmt: skip
def test_annotations_that_do_not_fit(given: Any, annotation: Any) -> None:
    """Another type is an error in the line that decorates the view."""
    if given is Base:
        given = dataclasses.make_dataclass("Wider", [("name", str)])
    with pytest.raises(TypeError, match=r"^decorate\.<locals>\.view takes 'body' as .*, but by its Schema it is a "):
        decorate(Schema(request=given), annotation)


@pytest.mark.parametrize(
    "annotation",
    [dict, dict[str, Any], Mapping[str, Any], WideDict, Any, object, list[dict[str, int]], "dict[str, Any] | None",
     dict[str, UploadedFile], Derived | dict[str, Any], None, str, SimpleNamespace, type[Derived]],
)  # fmt: skip
def test_annotations_of_plain_data(annotation: Any) -> None:
    """For a JSON Schema, a view may take what plain data may be, a TypedDict too."""
    decorate(Schema(request={"type": "object"}), annotation)


@pytest.mark.parametrize("annotation", [Derived, "Derived", Derived | None, list[Derived], dict[str, Derived | None]])
def test_annotations_that_no_plain_data_are(annotation: Any) -> None:
    """For a JSON Schema, a view gets no instance of a class."""
    with pytest.raises(TypeError, match=r"'body' as .*, but by its Schema request= is a JSON Schema, which"):
        decorate(Schema(request={"type": "object"}), annotation)


@needs_msgspec
def test_the_text_of_a_wrong_annotation() -> None:
    """The error names the view, the parameter and both types, and says what to do."""
    with pytest.raises(TypeError) as caught:

        @Schema(query=Derived).handler
        async def view(request: web.Request, *, query: Owner) -> None: ...

    assert str(caught.value) == (
        "test_the_text_of_a_wrong_annotation.<locals>.view takes 'query' as Owner, but by its Schema it is a Derived: "
        "annotate that, or give the Schema query=Owner"
    )


@needs_msgspec
def test_annotations_of_methods_and_callables() -> None:
    """Methods and objects with an async __call__ are asked as well; a decorated view answers for itself."""
    schema = Schema(request=Derived)

    class Service:
        async def view(self, request: web.Request, *, body: "Owner") -> None: ...
        async def __call__(self, request: web.Request, *, body: "Owner") -> None: ...

    for view in (Service.view, Service().view, Service()):
        with pytest.raises(TypeError, match="takes 'body' as Owner"):
            schema.handler(view)

    def converting(view: Any) -> Any:
        @functools.wraps(view)
        async def outer(request: web.Request, body: Any) -> Any:
            return await view(request, body=Owner(body.name))

        return outer

    @schema.handler
    @converting
    async def decorated(request: web.Request, *, body: Owner) -> None: ...
