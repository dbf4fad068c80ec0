"""Independent modules for aiohttp.web applications.

Import what you need, for example ``from aiotoolkit.settings import immutable_settings``:
importing one module loads no other that it does not need, so nothing is re-exported here.
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
