"""A blog with images."""

from aiotoolkit.components import Component
from examples.site.components.blog import errors, images, storage

__all__ = ["component"]

component = Component(
    "blog",
    __name__,
    url_prefix="/blog",
    error_handlers={storage.PostNotFoundError: errors.post_not_found},
    cleanup_ctx=[storage.tables_context, images.folder_context],
)
