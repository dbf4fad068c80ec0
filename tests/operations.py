"""Documents for the tests of schema-first, and applications made of them."""

from typing import Any

from aiohttp import web

from aiotoolkit.openapi import OperationTable, setup_operations

__all__ = ["document", "echo_app", "ok"]


def ok(schema: Any = True) -> dict[str, Any]:
    """The response 200 with JSON of a schema."""
    return {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}


def document(paths: dict[str, Any], version: str = "3.1.0", **members: Any) -> dict[str, Any]:
    """A document with these paths; an operation without responses gets one."""
    for path_item in paths.values():
        for method, operation in path_item.items():
            if method != "parameters" and isinstance(operation, dict):
                operation.setdefault("responses", ok({}))
    return {"openapi": version, "info": {"title": "Test", "version": "1"}, "paths": paths, **members}


def echo_app(described: Any, **options: Any) -> web.Application:
    """An application whose operation ``echo`` answers with what it was passed."""
    table = OperationTable()

    async def echo(request: web.Request, **arguments: Any) -> Any:
        return {name: repr(value) if isinstance(value, bytes) else value for name, value in arguments.items()}

    table.register(echo)
    app = web.Application()
    setup_operations(app, described, table, **options)
    return app
