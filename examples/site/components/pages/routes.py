"""The URLs of the pages."""

from examples.site.components.pages import views

__all__ = ["routes"]

routes = [
    ("GET", "/", views.index, "index"),
    ("GET", "/about", views.about, "about"),
]
