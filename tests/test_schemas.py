"""Schema by hand: its constructor, validate_request, make_response and make_error."""

import asyncio
import copy
import json
import logging
from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from types import MappingProxyType, ModuleType, SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, MultiDict

from aiotoolkit.problems import Problem
from aiotoolkit.responses import json_response
from aiotoolkit.schemas import (
    EMPTY_ARRAY,
    EMPTY_OBJECT,
    Error,
    InvalidSchemaError,
    RequestValidationError,
    Response,
    ResponseValidationError,
    Schema,
)
from tests.strategies import json_values

NAME = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def body_of(response: Any) -> Any:
    assert isinstance(response, web.Response)
    assert isinstance(response.body, bytes)
    return json.loads(response.body)


def module(**attributes: Any) -> ModuleType:
    made = ModuleType("projects")
    vars(made).update(attributes)
    return made


# The constructor


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"module": NAME}, "Schema's first argument is a module with schemas; a schema is given by its name: request="),
        ({"module": True}, "Schema's first argument is a module"),
        ({"module": object()}, "has neither a 'request' nor a 'response' schema"),
        ({"module": module()}, "<module 'projects'> has neither"),
        ({"module": module(request=NAME), "request": NAME}, "given by the module, or by name, not both"),
        ({"module": module(request=NAME), "response": NAME}, "given by the module, or by name, not both"),
        ({"module": module(request=NAME), "form": NAME}, "request= schema .* or a form= schema, not both"),
        ({"module": module(request=NAME, request_processor=5)}, "request_processor must be a function"),
        ({"module": module(request=NAME, request_processor=asyncio.sleep)}, "and not async"),
        ({"request": NAME, "form": NAME}, "request= schema .* or a form= schema, not both"),
        ({"validate_response": "yes"}, 'validate_response is True, False or "log", not \'yes\''),
        ({"validate_response": None}, 'validate_response is True, False or "log"'),
        ({"response": True, "responses": {200: True}}, "The response with status 200 is given twice"),
        ({"response": True, "status": 201, "responses": {201: True}}, "The response with status 201 is given twice"),
        ({"status": 202, "responses": {200: True, 404: True}}, r"status 202 is not among the responses, \[200, 404\]"),
        ({"responses": {201: True, 202: True}}, r"The status 200 is not among .* say which with status="),
        ({"responses": {"200": True}}, "A response's status is an int of 200 to 599, not '200'"),
        ({"responses": {True: True}}, "A response's status is an int of 200 to 599, not True"),
        ({"responses": {100: True}}, "not 100"),
        ({"responses": [200]}, "responses is a mapping of a status"),
        ({"status": 600}, "not 600"),
        ({"status": "200"}, "not '200'"),
        ({"responses": {204: NAME}}, "A response with status 204 has no body, so no schema"),
        ({"response": NAME, "status": 304}, "A response with status 304 has no body, so no schema"),
        ({"responses": {200: 5}}, "response 200: A schema is a dict"),
        ({"responses": {200: Response(headers={"X-A": 5})}}, "response 200 header X-A: A schema is a dict"),
        ({"request": "x"}, "request: A schema is a dict"),
        ({"operation": ["x"]}, "operation is a mapping with some of summary"),
        ({"operation": {"operationId": "x"}}, "operation holds some of .*, not 'operationId'"),
        ({"operation": {"tags": "x"}}, "operation: tags is a list of texts, not 'x'"),
        ({"operation": {"tags": [5]}}, "operation: tags is a list of texts"),
        ({"operation": {"deprecated": "no"}}, "operation: deprecated is True or False, not 'no'"),
        ({"operation": {"summary": 5}}, "operation: summary is text, not 5"),
        ({"operation": {"security": {}}}, "operation: security is a list of mappings"),
        ({"fill_defaults": "no"}, "fill_defaults is True or False, not 'no'"),
        ({"body_required": None}, "body_required is True or False, not None"),
        ({"validate_response": 1}, 'validate_response is True, False or "log", not 1'),
        ({"response_factory": 5}, "response_factory is a function that makes a response, or None, not 5"),
        ({"error_class": 5}, "error_class makes an exception of a text; 5 cannot be called"),
        ({"error_class": "x"}, "error_class makes an exception of a text; 'x' cannot be called"),
        ({"error_class": web.HTTPBadRequest}, "error_class makes an exception of a text; .*HTTPBadRequest.* raised"),
        ({"error_class": Problem}, "error_class makes an exception of a text; .*Problem.* raised"),
        ({"error_class": str}, "error_class makes an exception of a text; .*str.* made str"),
        ({"validator_class": 5}, "unexpected keyword argument"),
    ],
)  # fmt: skip
def test_contradictions(arguments: dict[str, Any], message: str) -> None:
    """What contradicts itself, or is of a wrong type, is a TypeError when the Schema is made."""
    with pytest.raises(TypeError, match=message):
        Schema(**arguments)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"request": {"type": "x"}}, "request"),
        ({"form": {"type": "x"}}, "form"),
        ({"query": {"type": "x"}}, "query"),
        ({"path": {"type": "x"}}, "path"),
        ({"headers": {"type": "x"}}, "headers"),
        ({"cookies": {"type": "x"}}, "cookies"),
        ({"response": {"type": "x"}}, "response 200"),
        ({"response": {"type": "x"}, "status": 201}, "response 201"),
        ({"responses": {404: {"type": "x"}}}, "response 404"),
        ({"responses": {404: Response({"type": "x"})}}, "response 404"),
        ({"responses": {404: Response(headers={"X-A": {"type": "x"}})}}, "response 404 header X-A"),
        ({"module": module(request={"type": "x"})}, "request"),
        ({"module": module(response={"type": "x"})}, "response 200"),
    ],
)
def test_the_name_of_a_bad_schema(arguments: dict[str, Any], name: str) -> None:
    """The error says which of a Schema's schemas it is about."""
    with pytest.raises(InvalidSchemaError, match=f"^The {name} schema is not usable: .*at #/type"):
        Schema(**arguments)


def test_headers_of_a_response_must_be_named() -> None:
    """The headers of a Response are given by their names."""
    with pytest.raises(TypeError, match="A Response's headers are a mapping"):
        Response(headers=["X-A"])  # type: ignore[arg-type]  # the mistake under test


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"content_type": "text/plain\r\nX: y"}, "content_type is text such as 'text/plain'"),
        ({"content_type": "json"}, "content_type is text such as"),
        ({"content_type": None}, "content_type is text such as"),
        ({"description": 5}, "description is text without control characters, not 5"),
        ({"description": "\x00"}, "description is text without control characters"),
        ({"headers": {"X A": True}}, "header has a name such as 'X-Total', not 'X A'"),
        ({"headers": {5: True}}, "header has a name such as 'X-Total', not 5"),
    ],
)
def test_what_is_no_response(arguments: dict[str, Any], message: str) -> None:
    """What could not be sent is refused where the Response is made."""
    with pytest.raises(TypeError, match=message):
        Response(**arguments)


def test_a_description_has_lines() -> None:
    """A description may be as long as it likes."""
    assert Response(description="One\n\n\tTwo").description


@pytest.mark.parametrize("place", ["headers", "cookies"])
@pytest.mark.parametrize("schema", [{"patternProperties": {"^x": True}}, {"allOf": [{"minProperties": 1}]}])
def test_only_named_headers_are_read(place: str, schema: Any) -> None:
    """Of headers and cookies only those that are named are read: a keyword about others would do nothing."""
    with pytest.raises(InvalidSchemaError, match=f"^The {place} schema .* Only what properties or required"):
        Schema(**{place: schema})
    Schema(query=schema)


def test_a_schema_never_changes() -> None:
    """No attribute can be set or deleted, and what it holds of its arguments is a copy."""
    operation = {"summary": "List", "tags": ["a"]}
    schema = Schema(request=NAME, operation=operation)
    for name in ("error_class", "_body", "anything"):
        with pytest.raises(AttributeError, match=f"A Schema is shared by all requests and never changes: '{name}'"):
            setattr(schema, name, None)
        with pytest.raises(AttributeError, match=f"never changes: '{name}' cannot be deleted"):
            delattr(schema, name)
    with pytest.raises(TypeError):
        schema.operation["summary"] = "x"  # type: ignore[index]  # which is the point
    operation["tags"].append("b")  # type: ignore[attr-defined]  # a list
    assert schema.operation == {"summary": "List", "tags": ["a"]}
    assert not hasattr(schema, "__dict__")


def test_a_module_is_read_once() -> None:
    """Changing the module after the Schema was made changes nothing."""
    projects = module(request=copy.deepcopy(NAME), response=True, request_processor=len)
    schema = Schema(projects)
    projects.request["required"].append("slug")
    del projects.response, projects.request_processor
    assert schema.validate_request({"name": "x"}) == 1


def test_the_empty_schemas() -> None:
    """EMPTY_ARRAY and EMPTY_OBJECT are the schemas of [] and {}."""
    array, object_ = Schema(request=EMPTY_ARRAY), Schema(request=EMPTY_OBJECT)
    assert array.validate_request([]) == []
    assert object_.validate_request({}) == {}
    with pytest.raises(RequestValidationError):
        array.validate_request([1])
    with pytest.raises(RequestValidationError) as caught:
        object_.validate_request({"a": {"b": 1}})
    assert caught.value.errors == ({"detail": "is not allowed", "in": "body", "pointer": "#/a"},)


# validate_request


def test_valid_data_is_returned() -> None:
    """Valid data come back as they are: the very same object where there is nothing to convert or to fill."""
    data = {"name": "x", "more": [1, {"a": None}]}
    assert Schema(request=NAME).validate_request(data) is data


@pytest.mark.parametrize("schema", [True, {}, {"type": ["null", "object", "array", "string", "number", "boolean"]}])
@pytest.mark.parametrize("data", [None, [], {}, "", 0, 1.5, False, [None]])
def test_any_json_is_data(schema: Any, data: Any) -> None:
    """A body may be any JSON value: None is null."""
    assert Schema(request=schema).validate_request(data) == data


def test_errors_of_a_request() -> None:
    """The error is a problem with 422; each of its errors has a pointer and a message without the value."""
    items = {"type": "array", "items": NAME}
    with pytest.raises(RequestValidationError) as caught:
        Schema(request=items).validate_request([{"name": "x"}, {}, {"name": 5}, "secret"])
    error = caught.value
    assert isinstance(error, Problem)
    assert isinstance(error, Error)
    assert error.status == 422
    assert error.errors == (
        {"detail": "is required", "in": "body", "pointer": "#/1/name"},
        {"detail": "must be of type string", "in": "body", "pointer": "#/2/name"},
        {"detail": "must be of type object", "in": "body", "pointer": "#/3"},
    )
    assert error.to_dict()["detail"] == "The request is not valid."
    assert b"secret" not in error.body  # type: ignore[operator]  # bytes


@pytest.mark.parametrize(
    "engine", [pytest.param("jsonschema-rs", marks=pytest.mark.extra("jsonschema_rs")), "jsonschema"]
)
def test_the_answer_to_a_huge_mistake_is_small(engine: str) -> None:
    """At most 20 errors with bounded pointers, however many and however long the names are."""
    schema = Schema(request={"items": {"additionalProperties": False}}, engine=engine)
    with pytest.raises(RequestValidationError) as caught:
        schema.validate_request([{"x" * 10_000: 1, "y": 2}] * 1000)
    assert 1 <= len(caught.value.errors) <= 20
    assert len(caught.value.body) < 10_000  # type: ignore[arg-type]  # bytes
    assert len(caught.value.errors[0]["pointer"]) == 200
    assert caught.value.errors[0]["pointer"].endswith("…")


@pytest.mark.parametrize(
    "engine", [pytest.param("jsonschema-rs", marks=pytest.mark.extra("jsonschema_rs")), "jsonschema"]
)
def test_the_log_of_a_huge_mistake_is_small(engine: str) -> None:
    """An answer with many mistakes is told 20 of them."""
    with pytest.raises(ResponseValidationError) as caught:
        Schema(response={"items": {"type": "string"}}, engine=engine).make_response([1] * 500)
    assert len(caught.value.errors) == 20
    assert len(str(caught.value)) < 2_000


@pytest.mark.extra("jsonschema_rs")
@pytest.mark.parametrize("data", ["\ud800", {"\ud800": 1}])
def test_text_that_is_not_unicode(data: Any) -> None:
    """A lone surrogate, which no decoder of ours lets in, is invalid where the engine looks at the text."""
    with pytest.raises(RequestValidationError) as caught:
        Schema(request={"additionalProperties": {"maxLength": 9}, "maxLength": 9}).validate_request(data)
    assert caught.value.errors == ({"detail": "holds text that is not Unicode", "in": "body", "pointer": "#"},)


@pytest.mark.parametrize(
    "data",
    [
        MappingProxyType({"name": "x"}),
        OrderedDict(name="x"),
        MultiDict(name="x"),
        type("Request", (dict,), {})(name="x"),
    ],
)
def test_other_mappings(data: Mapping[str, str]) -> None:
    """Any mapping is an object, and comes back as a dict."""
    valid = Schema(request=NAME).validate_request(data)
    assert type(valid) is dict
    assert valid == {"name": "x"}


@pytest.mark.parametrize(
    "data",
    [
        {"name": object()},
        {"name": b"x"},
        {"name": float("nan")},
        {"name": float("inf")},
        {("a", "b"): 1},
        MultiDict([("name", "x"), ("name", "y")]),
        object(),
    ],
)
def test_what_is_no_json(data: Any) -> None:
    """Data that JSON could not hold are invalid, also merged with more."""
    schema = Schema(request=NAME)
    for additional in ((), ({"more": 1},)):
        with pytest.raises(RequestValidationError) as caught:
            schema.validate_request(data, *additional)
        assert list(caught.value.errors) == [{"detail": "holds what JSON cannot", "in": "body", "pointer": "#"}]


@pytest.mark.parametrize("additional", [5, None, "ab", [("a", 1)]])
@pytest.mark.parametrize("data", [{"name": "x"}, 5])
def test_additional_members_that_are_none(data: Any, additional: Any) -> None:
    """What is merged is given by the programmer: what is no mapping is a TypeError, and no client's mistake."""
    with pytest.raises(TypeError, match=f"validate_request merges mappings, not {type(additional).__name__}"):
        Schema(request=NAME).validate_request(data, {}, additional)


def test_data_that_hold_themselves() -> None:
    """Data that hold themselves, or that are too deep, are invalid; nothing overflows."""
    data: dict[str, Any] = {"name": "x"}
    data["self"] = data
    with pytest.raises(RequestValidationError):
        Schema(request=NAME).validate_request(data)


def test_a_bug_in_an_engine_is_no_client_error() -> None:
    """A ValueError out of an engine's check is not taken for invalid data."""

    class Broken:
        def compile(self, schema: Any) -> Any:
            return lambda instance: int("no number")

    with pytest.raises(ValueError, match="invalid literal"):
        Schema(request=True, engine=Broken()).validate_request({})


def test_additional_members() -> None:
    """More mappings are merged: what the data have stays, then the first mapping wins. Nothing is changed."""
    data, match_info, extra = {"name": "x", "a": None}, {"name": "no", "a": 1, "b": 2}, {"b": 3, "c": 4}
    schema = Schema(request={**NAME, "required": ["name", "c"]})
    merged = schema.validate_request(data, match_info, extra)
    assert merged == {"name": "x", "a": None, "b": 2, "c": 4}
    assert type(merged) is dict
    assert (data, match_info) == ({"name": "x", "a": None}, {"name": "no", "a": 1, "b": 2})
    assert extra == {"b": 3, "c": 4}


def test_the_class_of_merged_data() -> None:
    """merged_class makes what is returned, defaults included; without more members it is not called."""
    schema = Schema(request={"properties": {"page": {"default": 1}}})
    merged = schema.validate_request({}, {"name": "x"}, merged_class=MappingProxyType)
    assert isinstance(merged, MappingProxyType)
    assert merged == {"name": "x", "page": 1}
    assert type(schema.validate_request({}, merged_class=MappingProxyType)) is dict
    assert schema.validate_request([], {"name": "x"}, merged_class=MappingProxyType) == []


def test_no_class_of_merged_data() -> None:
    """What cannot be called is refused, also where nothing is merged."""
    with pytest.raises(TypeError, match="merged_class is a class or a function, not 5"):
        Schema(request=NAME).validate_request({"name": "x"}, merged_class=5)  # type: ignore[call-overload]  # the mistake


def test_a_processor() -> None:
    """The module's request_processor makes what is returned of valid data; of invalid data it makes nothing."""
    seen: list[Any] = []

    def processor(data: dict[str, Any]) -> str:
        seen.append(data)
        return f"Project {data['name']}"

    schema = Schema(module(request=NAME, request_processor=processor))
    assert schema.validate_request({"name": "x"}) == "Project x"
    with pytest.raises(RequestValidationError):
        schema.validate_request({})
    assert schema.validate_request({"name": "y"}, {"id": 1}) == "Project y"
    assert seen == [{"name": "x"}, {"name": "y", "id": 1}]


def test_without_a_request_schema() -> None:
    """There is nothing to check the data against: an Error, or the Schema's own error class."""
    with pytest.raises(Error, match="This Schema has no request= schema"):
        Schema(response=True).validate_request({})
    with pytest.raises(LookupError, match="This Schema has no request= schema"):
        Schema(response=True, error_class=LookupError).validate_request({})


# Errors of one's own


class ApiError(Exception):
    pass


def test_an_error_class() -> None:
    """error_class is called with a message that says where and what; its cause has the details."""
    schema = Schema(request=NAME, error_class=ApiError)
    with pytest.raises(ApiError) as caught:
        schema.validate_request({"name": 5, "secret": "hunter2"})
    assert str(caught.value) == "The request is not valid: #/name must be of type string"
    assert isinstance(caught.value.__cause__, RequestValidationError)
    assert caught.value.__cause__.errors[0]["pointer"] == "#/name"
    with pytest.raises(ApiError) as caught:
        schema.validate_request(object())
    assert isinstance(caught.value.__cause__, RequestValidationError)


def test_make_error() -> None:
    """make_error makes an Error, the Schema's own class, or another; with its cause."""
    cause = KeyError("x")
    error = Schema(request=True).make_error("No project", error=cause)
    assert (type(error), str(error), error.__cause__) == (Error, "No project", cause)
    schema = Schema(request=True, error_class=ApiError)
    assert type(schema.make_error("x")) is ApiError
    assert schema.make_error("x").__cause__ is None
    assert type(schema.make_error("x", error_class=LookupError)) is LookupError


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"error": "y"}, "make_error: error is the exception that is the cause, not str"),
        ({"error_class": 5}, "error_class makes an exception of a text; 5 cannot be called"),
        ({"error_class": str}, "error_class makes an exception of a text; .* made str"),
    ],
)
def test_make_error_of_nothing(arguments: dict[str, Any], message: str) -> None:
    """What makes no error is refused in words that say so."""
    with pytest.raises(TypeError, match=message):
        Schema(request=True).make_error("x", **arguments)


# make_response


@pytest.mark.parametrize("factory", [json_response, lambda data: data])
@pytest.mark.parametrize("validate", [True, False])
def test_arguments_that_no_factory_takes(factory: Any, validate: bool) -> None:
    """An argument that the response_factory does not take is named, by make_response."""
    schema = Schema(response=True, response_factory=factory, validate_response=validate)
    with pytest.raises(TypeError, match=r"make_response: the response_factory cannot take .*'nope'"):
        schema.make_response({}, nope=1)
    with pytest.raises(TypeError, match="make_response: headers are a mapping or pairs, not int"):
        schema.make_response({}, headers=5)


def test_a_type_error_of_a_factory() -> None:
    """A TypeError inside a response_factory stays as it is."""
    with pytest.raises(TypeError, match=r"^object of type 'int' has no len"):
        Schema(response=True, response_factory=len).make_response(5)


def test_a_response() -> None:
    """The data become a response of the Schema's status, as JSON."""
    response = Schema(response=NAME, status=201).make_response({"name": "é"}, headers={"Location": "/x"})
    assert (response.status, response.headers["Location"]) == (201, "/x")
    assert response.body == '{"name":"é"}'.encode()
    assert response.headers["Content-Type"] == "application/json"


def test_no_request_is_needed() -> None:
    """make_response needs no validate_request before it: a Schema knows of no request."""
    schema = Schema(module(request=NAME, response=NAME))
    assert body_of(schema.make_response({"name": "x"})) == {"name": "x"}


def test_a_response_that_breaks_its_schema() -> None:
    """It is a plain error, and no HTTP response: it says where and what, and never the data."""
    with pytest.raises(ResponseValidationError) as caught:
        Schema(response={"items": NAME}).make_response([{"name": "x"}, {"name": 5, "password": "hunter2"}])
    assert str(caught.value) == "The response with status 200 breaks its schema: #/1/name must be of type string"
    assert caught.value.errors == [{"detail": "must be of type string", "pointer": "#/1/name"}]
    assert isinstance(caught.value, Error)
    assert not isinstance(caught.value, web.HTTPException)


@pytest.mark.parametrize(
    "data",
    [float("nan"), [float("inf")], {"a": object()}, {"a": b"x"}, {(1, 2): 3}, "\ud800", {"\udfff": 1}, [10**5000]],
)
@pytest.mark.parametrize("schema", [True, None, {"type": ["string", "object", "array", "number"]}])
def test_a_response_that_is_no_json(data: Any, schema: Any) -> None:
    """What JSON does not have is refused before anything is sent, also without a schema."""
    with pytest.raises(ResponseValidationError):
        Schema(response=schema).make_response(data)


def test_no_defaults_in_responses() -> None:
    """Defaults describe what a client may leave out; an answer is what the view made it."""
    schema = Schema(response={"properties": {"page": {"default": 1}}})
    assert body_of(schema.make_response({})) == {}


def test_none_and_no_data() -> None:
    """None is JSON's null; without data there is no body, which a schema for the body does not allow."""
    assert Schema(response={"type": "null"}).make_response(None).body == b"null"
    assert Schema().make_response(None).body == b"null"
    empty = Schema().make_response()
    assert (empty.status, empty.body) == (200, None)
    with pytest.raises(ResponseValidationError, match="has a schema, but no data were given"):
        Schema(response=True).make_response()
    with pytest.raises(ResponseValidationError, match="must be of type object"):
        Schema(response=NAME).make_response(None)


@pytest.mark.parametrize("status", [204, 205, 304])
def test_statuses_without_a_body(status: int) -> None:
    """For 204, 205 and 304, None is no body, and data are a mistake."""
    wrong: list[Any] = [{}, "", 0]
    for schema in (Schema(status=status), Schema(responses={status: Response()}, status=status)):
        for response in (schema.make_response(), schema.make_response(None)):
            assert (response.status, response.body) == (status, None)
        for data in wrong:
            with pytest.raises((ResponseValidationError, ValueError), match=f"A response with status {status} has no"):
                schema.make_response(data)


def test_several_responses() -> None:
    """Each status has its own schema; the only 2xx is the default; an undeclared status is an error."""
    schema = Schema(responses={HTTPStatus.CREATED: NAME, 404: {"required": ["reason"]}, 202: Response()}, status=201)
    assert schema.make_response({"name": "x"}).status == 201
    assert schema.make_response({"reason": "x"}, status=404).status == 404
    assert schema.make_response({"anything": 1}, status=202).status == 202
    assert Schema(responses={201: NAME, 404: NAME}).make_response({"name": "x"}).status == 201
    with pytest.raises(ResponseValidationError, match="The response with status 404 breaks its schema: #/reason is"):
        schema.make_response({"name": "x"}, status=404)
    with pytest.raises(ResponseValidationError, match="The status 400 is not declared; declared are 201, 404, 202"):
        schema.make_response({}, status=400)
    with pytest.raises(ResponseValidationError, match="The status 404 is not declared; declared are 200"):
        Schema(response=NAME).make_response({}, status=404)


def test_only_errors_are_declared() -> None:
    """Responses that describe errors only leave success open, whatever its data."""
    schema = Schema(responses={404: NAME})
    assert schema.make_response([1]).status == 200
    assert Schema(responses={404: NAME}, status=201).make_response([1]).status == 201
    with pytest.raises(ResponseValidationError, match="not declared"):
        schema.make_response({}, status=400)


def test_nothing_is_declared() -> None:
    """A Schema without responses sends any data with any status."""
    assert Schema(request=True).make_response([1], status=418).status == 418


def test_response_headers() -> None:
    """Declared headers are checked in the form in which they are sent, whatever the case of their names."""
    schema = Schema(
        responses={
            200: Response(
                headers={
                    "X-Total": {"type": "integer", "minimum": 0},
                    "X-Tag": {"type": "array", "items": {"$ref": "#/$defs/tag"}, "$defs": {"tag": {"maxLength": 2}}},
                }
            )
        }
    )
    good: list[Any] = [{"x-TOTAL": "3"}, CIMultiDict([("X-Tag", "a"), ("x-tag", "b")]), {}, None, {"X-A": ""}]
    for headers in good:
        schema.make_response([], headers=headers)
    bad: list[tuple[Any, str]] = [
        ({"x-total": "-1"}, "X-Total"),
        ({"x-total": "many"}, "X-Total"),
        (CIMultiDict([("X-Total", "1"), ("X-Total", "x")]), "X-Total"),
        (CIMultiDict([("X-Tag", "a"), ("X-Tag", "bcd")]), "X-Tag"),
        ([("X-Tag", "bcd")], "X-Tag"),
    ]
    for headers, name in bad:
        with pytest.raises(ResponseValidationError, match=f"The header {name} of the response with status 200 breaks"):
            schema.make_response([], headers=headers)


def test_other_content_types() -> None:
    """A Response's content type is that of the answer; one that is given for an answer wins."""
    schema = Schema(responses={200: Response({"type": "object"}, content_type="application/hal+json")})
    assert schema.make_response({}).content_type == "application/hal+json"
    assert schema.make_response({}, content_type="application/vnd.x+json").content_type == "application/vnd.x+json"


def test_response_factories() -> None:
    """The factory gets the data, and the status where it is not 200; None returns the checked data themselves."""
    data = {"name": "x"}
    assert Schema(response=NAME, response_factory=None).make_response(data) is data
    calls: list[Any] = []

    def factory(*args: Any, **kwargs: Any) -> None:
        calls.append((args, kwargs))

    schema = Schema(response=True, response_factory=factory)
    schema.make_response(data)
    schema.make_response(data, headers={"X-A": "b"})
    schema = Schema(responses={200: Response(), 201: True}, status=200, response_factory=factory)
    schema.make_response()
    schema.make_response([1], status=201)
    assert calls == [
        ((data,), {}), ((data,), {"headers": {"X-A": "b"}}), ((), {}), (([1],), {"status": 201}),
    ]  # fmt: skip
    plain = Schema(response=True, status=201, response_factory=web.json_response).make_response({"a": "é"})
    assert (plain.status, plain.text) == (201, '{"a": "\\u00e9"}')
    own = Schema(response=True, response_factory=partial(json_response, dumps=lambda value: b"<" + str(value).encode()))
    assert own.make_response([1]).body == b"<[1]"
    assert Schema(response=True).make_response([1], dumps=lambda value: "own").body == b"own"


def test_what_a_response_may_hold(caplog: pytest.LogCaptureFixture) -> None:
    """Dates, decimals and the like are checked as what they are sent as, and never change."""
    from datetime import date
    from decimal import Decimal
    from uuid import UUID

    data = {"on": date(2026, 11, 5), "price": Decimal("1.5"), "id": UUID(int=1), "tags": {"a"}, "t": (1,)}
    before = copy.deepcopy(data)
    schema = Schema(
        response={
            "properties": {
                "on": {"type": "string", "format": "date"},
                "price": {"type": "number"},
                "id": {"type": "string", "format": "uuid"},
                "tags": {"type": "array"},
                "t": {"type": "array"},
            }
        }
    )
    assert body_of(schema.make_response(data)) == {
        "on": "2026-11-05",
        "price": 1.5,
        "id": "00000000-0000-0000-0000-000000000001",
        "tags": ["a"],
        "t": [1],
    }
    assert data == before
    assert caplog.records == []


def test_validate_response_false() -> None:
    """Nothing is looked at: neither data nor status nor headers. NaN still never leaves json_response."""
    schema = Schema(
        responses={200: Response(NAME, headers={"X-A": {"type": "integer"}})}, validate_response=False
    )  # fmt: skip
    assert body_of(schema.make_response({}, headers={"X-A": "x"})) == {}
    assert schema.make_response({}, status=418).status == 418
    with pytest.raises(ValueError, match="NaN"):
        schema.make_response(float("nan"))


def test_validate_response_log(caplog: pytest.LogCaptureFixture) -> None:
    """A breach is logged once, without the data, and sent all the same; what is right is not logged."""
    schema = Schema(response=NAME, validate_response="log")
    assert body_of(schema.make_response({"name": "x"})) == {"name": "x"}
    assert caplog.records == []
    assert body_of(schema.make_response({"name": 5, "password": "hunter2"})) == {"name": 5, "password": "hunter2"}
    assert schema.make_response({}, status=418).status == 418
    first, second = caplog.records
    assert (first.name, first.levelno) == ("aiotoolkit.schemas", logging.ERROR)
    assert "#/name must be of type string" in first.getMessage()
    assert "hunter2" not in caplog.text
    assert "The status 418 is not declared" in second.getMessage()
    with pytest.raises(ValueError, match="NaN"):
        schema.make_response(float("nan"))


# What holds for any data


@given(data=json_values)
def test_data_are_never_changed(data: Any) -> None:
    """Neither a check nor a response changes the caller's data, valid or not."""
    before = copy.deepcopy(data)
    schema = Schema(
        request={"properties": {"": {"default": {}}}, "items": {"properties": {"a": {"default": 1}}}},
        response={"type": ["object", "array"]},
    )
    schema.validate_request(data)
    try:
        schema.make_response(data)
    except ResponseValidationError:
        assert not isinstance(data, dict | list)
    assert data == before


@given(secret=st.text("bcdfghjkmnpqrstvwxyz", min_size=12), where=st.sampled_from(["#/name", "#/tags/0", "#"]))
def test_no_error_holds_the_data(secret: str, where: str) -> None:
    """No value of a request or of a response is in an error's text, errors or body."""
    tags = {"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": True}
    rules = {"properties": {"name": {"maxLength": 3, "format": "uuid"}, "tags": tags}, "maxProperties": 2}
    data = {"#/name": {"name": secret}, "#/tags/0": {"tags": [secret, secret]}, "#": dict.fromkeys("ABC", secret)}[
        where
    ]
    schema = Schema(request=rules, response=rules, error_class=None)
    with pytest.raises(RequestValidationError) as request_error:
        schema.validate_request(data)
    with pytest.raises(ResponseValidationError) as response_error:
        schema.make_response(data)
    body = request_error.value.body
    assert isinstance(body, bytes)
    texts = [str(request_error.value), repr(request_error.value), body.decode(), str(response_error.value)]
    assert where in {error["pointer"] for error in request_error.value.errors}
    assert not any(secret in text for text in [*texts, repr(response_error.value), repr(response_error.value.errors)])


async def test_a_schema_is_shared() -> None:
    """Tasks that use one Schema at the same time, with different data, do not mix."""
    schema = Schema(request={"properties": {"n": {"maximum": 49}, "list": {"default": []}}}, response=True)

    async def use(number: int) -> Any:
        try:
            data = schema.validate_request({"n": number})
        except RequestValidationError as error:
            await asyncio.sleep(0)
            return error.errors[0]["pointer"]
        data["list"].append(number)
        await asyncio.sleep(0)
        return body_of(schema.make_response(data))["list"]

    expected: list[Any] = [[number] if number < 50 else "#/n" for number in range(100)]
    assert await asyncio.gather(*map(use, range(100))) == expected


def test_an_object_with_schemas() -> None:
    """Any object with the attributes does as a module: a class, a namespace."""

    class Projects:
        request = NAME

    assert Schema(Projects).validate_request({"name": "x"}) == {"name": "x"}
    assert Schema(SimpleNamespace(response=NAME)).make_response({"name": "x"}).status == 200
    assert Schema(SimpleNamespace(request=False, response=None)).make_response(1).status == 200
