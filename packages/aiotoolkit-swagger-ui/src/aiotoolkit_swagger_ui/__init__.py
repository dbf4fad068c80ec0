"""The files of Swagger UI: ``files().joinpath("swagger-ui-bundle.js").read_bytes()``."""

import importlib.resources
from importlib.resources.abc import Traversable

__all__ = ["__version__", "files"]

__version__ = "5.35.0"


def files() -> Traversable:
    """The folder that holds the files, which may be inside an archive."""
    return importlib.resources.files(__name__).joinpath("data")
