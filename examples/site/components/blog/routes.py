"""The URLs of the blog, below ``/blog``."""

from typing import Final

from examples.site.components.blog import views

__all__ = ["routes"]

# What fits into a column of SQLite, written in one way.
POST: Final = "/{post_id:[1-9][0-9]{0,17}}"

routes = [
    ("GET", "/", views.index, "index"),
    ("GET", "/new", views.new_form, "new"),
    ("POST", "/new", views.create, "new"),
    ("GET", POST, views.post, "post"),
    ("GET", f"{POST}/image", views.image, "image"),
    ("GET", f"{POST}/edit", views.edit_form, "edit"),
    ("POST", f"{POST}/edit", views.update, "edit"),
    ("POST", f"{POST}/delete", views.delete, "delete"),
]
