"""Importing one module loads nothing that it does not need."""

import importlib.util
import json
import subprocess
import sys

import pytest

# Packages that are slow to import, optional, or both.
WATCHED = {
    "aiohttp", "aiohttp_jinja2", "aiohttp_session", "aiohttp_wsgi", "aiotoolkit_swagger_ui", "dotenv", "flask",
    "itsdangerous", "jinja2", "jsl", "jsonschema", "jsonschema_rs", "msgspec", "pydantic", "pythonjsonlogger", "pytz",
    "raven", "sentry_sdk", "ujson", "uvloop", "werkzeug", "yaml",
}  # fmt: skip

# What each module may load, of those and of the toolkit's other public modules.
CODECS = {"msgspec", "ujson"}
ENGINES = {"jsonschema", "jsonschema_rs"}
ALLOWED: dict[str, set[str]] = {
    "settings": set(),
    "logger": set(),
    "process": {"settings", "logger"},
    "_json": CODECS,
    "_validation": ENGINES | {"_json"} | CODECS,
    "_accept": {"aiohttp"},
    "app": {"aiohttp", "settings", "logger"},
    "problems": {"aiohttp", "_accept", "_json"} | CODECS,
    "requests": {"aiohttp", "problems", "_accept", "_json"} | CODECS,
    "responses": {"aiohttp", "problems", "_accept", "_json"} | CODECS,
    "routes": {"aiohttp", "problems", "_accept", "_json"} | CODECS,
    "middlewares": {"aiohttp", "problems", "requests", "responses", "logger", "_accept", "_json"} | CODECS,
    "components": {"aiohttp", "routes"},
    "_loading": set(),
    "cli": {"_loading"},
    "openapi": {
        "aiohttp", "problems", "requests", "responses", "schemas", "_accept", "_json", "_validation",
    } | CODECS | ENGINES,
    "porting.fallback": {"aiohttp"},
    "porting.rules": {"aiohttp", "routes"},
    "porting.sessions": {"aiohttp", "aiohttp_session", "itsdangerous"},
    "porting.hooks": {"aiohttp"},
    "porting.views": {"aiohttp"},
    "porting.parity": set(),
    "porting.report": set(),
    "schemas": (
        {"aiohttp", "problems", "requests", "responses", "_accept", "_json", "_validation"} | CODECS | ENGINES
    ),
}  # fmt: skip

LIST_MODULES = """
import json, sys
before = set(sys.modules)
__import__(sys.argv[1])
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def imported_by(module: str) -> set[str]:
    """Import a module in a new interpreter, and return the names of all modules that this loaded."""
    # -P: the folder where the tests run is not searched. -W error: importing warns of nothing.
    command = [sys.executable, "-P", "-W", "error", "-c", LIST_MODULES, module]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return set(json.loads(done.stdout))


# What is nothing without an optional package.
NEEDS = {"porting.sessions": "aiohttp_session"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.extra(NEEDS[name]) if name in NEEDS else ()) for name in ALLOWED]
)
def test_module_alone(name: str) -> None:
    """A module imports alone, without a warning, and loads only what its layer allows."""
    if importlib.util.find_spec(f"aiotoolkit.{name}") is None:
        pytest.fail(f"aiotoolkit.{name} does not exist: take it out of this list, or write it")
    loaded = imported_by(f"aiotoolkit.{name}")
    heavy = {module for module in WATCHED if module in loaded}
    siblings = {module for module in ALLOWED if f"aiotoolkit.{module}" in loaded} - {name}
    assert (heavy | siblings) - ALLOWED[name] == set()


def test_package_alone() -> None:
    """Importing the package itself loads none of its modules."""
    assert imported_by("aiotoolkit") == {"aiotoolkit"}
