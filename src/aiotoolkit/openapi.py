"""An OpenAPI 3.1 description made of the routes and schemas that run, or the other way round."""

from aiotoolkit._openapi_build import build_openapi
from aiotoolkit._openapi_serving import setup_openapi

__all__ = ["build_openapi", "setup_openapi"]
