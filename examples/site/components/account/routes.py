"""The URLs of accounts, below ``/account``."""

from examples.site.components.account import views

__all__ = ["routes"]

routes = [
    ("GET", "/", views.index, "index"),
    ("GET", "/login", views.login_form, "login"),
    ("POST", "/login", views.login, "login"),
    ("GET", "/register", views.register_form, "register"),
    ("POST", "/register", views.register, "register"),
    ("POST", "/logout", views.logout, "logout"),
]
