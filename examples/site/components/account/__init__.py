"""Accounts: registration, login and logout."""

from aiohttp import web

from aiotoolkit.components import Component
from examples.site.components.account import storage
from examples.site.components.account.limits import LIMITS_KEY, Limits
from examples.site.components.account.passwords import PASSWORDS_KEY, Passwords

__all__ = ["component"]


def setup(app: web.Application) -> None:
    """Give the application what the views share."""
    app[LIMITS_KEY] = Limits()
    app[PASSWORDS_KEY] = Passwords()


component = Component("account", __name__, url_prefix="/account", cleanup_ctx=[storage.tables_context], setup=setup)
