"""Sphinx builds the documentation without a network: ``make docs``."""

import os
import re
import sys
from importlib.metadata import version as installed_version

project = "aiotoolkit"
author = "the aiotoolkit developers"
copyright = f"2026, {author}"
version = release = installed_version(project)

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
default_role = "py:obj"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
napoleon_numpy_docstring = False

# Names of other projects become links only where their inventories can be fetched. The build stays strict about our
# own names everywhere: only names under these roots may stay unresolved.
foreign = {
    "aiohttp": "https://docs.aiohttp.org/en/stable/",
    "multidict": "https://multidict.aio-libs.org/en/stable/",
    "yarl": "https://yarl.aio-libs.org/en/stable/",
    "jsonschema": "https://python-jsonschema.readthedocs.io/en/stable/",
    "referencing": "https://referencing.readthedocs.io/en/stable/",
}
if "READTHEDOCS" in os.environ or "DOCS_LINKS" in os.environ:
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3/", None),
        **{name: (url, None) for name, url in foreign.items()},
    }
roots = "|".join(
    map(re.escape, sorted({*foreign, "aiohttp_session", "jsonschema_rs", "web", *sys.stdlib_module_names}))
)
nitpick_ignore_regex = [
    (r"py:.*", rf"({roots})(\..+)?"),
    (r"py:class", r"Request|StreamResponse"),  # how aiohttp's own type aliases spell them
    (r"py:class", r"aiotoolkit\._operations\.View|Path"),  # a type variable, and that of pathlib
    (r"py:class", r"aiotoolkit\.[\w.]+\.([A-Z]|[A-Z]\w*_co)"),  # type variables have no page
]

html_theme = "furo"
html_title = f"aiotoolkit {release}"
