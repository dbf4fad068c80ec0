"""An OpenAPI 3.1 description made of the routes and schemas that run, or the other way round."""

from aiotoolkit._openapi_build import build_openapi
from aiotoolkit._openapi_document import InvalidDocumentError
from aiotoolkit._openapi_routes import RouteEntry
from aiotoolkit._openapi_serving import setup_openapi
from aiotoolkit._operations import OperationTable, setup_operations
from aiotoolkit._security import VERIFIED, Credentials

__all__ = [
    "VERIFIED",
    "Credentials",
    "InvalidDocumentError",
    "OperationTable",
    "RouteEntry",
    "build_openapi",
    "setup_openapi",
    "setup_operations",
]
