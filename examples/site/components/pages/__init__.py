"""The pages that only stand there, and the looks of the whole site."""

from aiotoolkit.components import Component

__all__ = ["component"]

component = Component("pages", __name__)
