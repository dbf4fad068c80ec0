"""An OpenAPI document with something of everything, for the page that shows it."""

from typing import Any

PET_SHOP: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {
        "title": "Pet shop",
        "version": "2.4.1",
        "summary": "Everything that a pet shop knows.",
        "description": "It sells **food**.\n\n- first `item`\n- see [the site](https://example.com/)\n\n```\nmake\n```",
        "contact": {"name": "The shop", "email": "shop@example.com", "url": "https://example.com/contact"},
        "license": {"name": "Apache 2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0.html"},
        "termsOfService": "https://example.com/terms",
    },
    "externalDocs": {"url": "https://example.com/docs", "description": "The manual"},
    "servers": [
        {
            "url": "https://{region}.example.com/v2",
            "description": "production",
            "variables": {"region": {"default": "eu"}},
        },
        {"url": "/test"},
    ],
    "security": [{"bearer": []}],
    "tags": [{"name": "Pets", "description": "Animals of all kinds."}, {"name": "Nothing"}],
    "paths": {
        "/pets/{petId}/photos/{photoId}": {
            "parameters": [
                {"name": "petId", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 7}},
                {"name": "photoId", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}},
            ],
            "get": {
                "tags": ["Pets"],
                "operationId": "getPhoto",
                "deprecated": True,
                "summary": "A photo of a pet",
                "description": "Answers the bytes. Use `search` instead.",
                "externalDocs": {"url": "https://example.com/photos"},
                "parameters": [
                    {
                        "name": "size",
                        "in": "query",
                        "description": "Which sizes.",
                        "schema": {"type": "array", "items": {"enum": ["small", "large"]}},
                        "example": ["small", "large"],
                    },
                    {
                        "name": "filter",
                        "in": "query",
                        "style": "deepObject",
                        "required": True,
                        "schema": {"type": "object", "properties": {"color": {"type": "string"}}},
                    },
                    {
                        "name": "X-Trace",
                        "in": "header",
                        "required": True,
                        "schema": {"type": "string", "maxLength": 20},
                        "example": "it's a $HOME `trace`",
                    },
                    {"name": "session", "in": "cookie", "required": True, "schema": {"type": "string"}},
                ],
                "responses": {
                    "200": {
                        "description": "The photo.",
                        "headers": {
                            "ETag": {"required": True, "description": "Its version.", "schema": {"type": "string"}}
                        },
                        "content": {"image/png": {}},
                    },
                    "404": {"$ref": "#/components/responses/Missing"},
                    "default": {"description": "Anything else."},
                },
            },
        },
        "/pets": {
            "post": {
                "tags": ["Pets"],
                "operationId": "addPet",
                "summary": "Add a pet",
                "security": [{"basic": []}, {"key": []}],
                "requestBody": {
                    "description": "What is new.",
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Pet"}},
                        "application/xml": {"schema": {"type": "string"}},
                    },
                },
                "responses": {
                    "201": {
                        "description": "Made.",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}},
                    },
                    "4XX": {"$ref": "#/components/responses/Missing"},
                },
            },
            "put": {
                "summary": "Send a form",
                "security": [{"key": []}],
                "requestBody": {
                    "content": {
                        "multipart/form-data": {
                            "schema": {
                                "type": "object",
                                "properties": {
                                    "photo": {"type": "string", "format": "binary"},
                                    "note": {"type": "string", "default": "@home"},
                                },
                            }
                        }
                    }
                },
                "responses": {"204": {"description": "Taken."}},
            },
            "delete": {
                "summary": "Send fields",
                "security": [],
                "requestBody": {
                    "content": {
                        "application/x-www-form-urlencoded": {
                            "schema": {"type": "object", "properties": {"a b": {"const": "c&d"}}}
                        }
                    }
                },
                "responses": {},
            },
        },
    },
    "components": {
        "responses": {
            "Missing": {
                "description": "There is none.\n\nAsk for *another*.",
                "content": {
                    "application/problem+json": {
                        "schema": {"type": "object", "properties": {"title": {"type": "string"}}},
                        "examples": {"one": {"value": {"title": "Not Found"}}},
                    }
                },
            }
        },
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "description": "A token."},
            "basic": {"type": "http", "scheme": "basic"},
            "key": {"type": "apiKey", "in": "query", "name": "key"},
            "tickets": {"type": "oauth2", "flows": {}},
        },
        "schemas": {
            "Pet": {
                "type": "object",
                "description": "An animal.",
                "required": ["name", "kind"],
                "additionalProperties": False,
                "properties": {
                    "id": {"type": "integer", "readOnly": True},
                    "name": {"type": "string", "minLength": 1, "maxLength": 40, "description": "How it is called."},
                    "kind": {"enum": ["cat", "dog"]},
                    "price": {"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.5},
                    "born": {"type": ["string", "null"], "format": "date"},
                    "parent": {"$ref": "#/components/schemas/Pet"},
                    "owner": {"oneOf": [{"$ref": "#/components/schemas/Person"}, {"type": "null"}]},
                    "address": {
                        "type": "object",
                        "required": ["city"],
                        "properties": {
                            "city": {"type": "string"},
                            "lines": {"type": "array", "maxItems": 3, "items": {"type": "string", "maxLength": 60}},
                        },
                    },
                    "size": {"anyOf": [{"type": "integer", "maximum": 3}, {"enum": ["S", "M"]}], "deprecated": True},
                },
            },
            "Person": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "default": "Ada"},
                    "pets": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}},
                },
                "patternProperties": {"^x-": {"type": "string"}},
                "additionalProperties": {"type": "integer"},
            },
            "Node": {
                "type": "object",
                "required": ["next"],
                "properties": {"next": {"$ref": "#/components/schemas/Node"}},
            },
            "Odd/name ~": {"allOf": [{"$ref": "#/components/schemas/Person"}, {"if": True, "then": {"not": False}}]},
            "Anything": True,
        },
    },
}
"""Every kind of thing that the page shows, and of everything that stands in a place of its own."""
