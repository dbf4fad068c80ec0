"""Objects and applications by their names."""

import asyncio
import os
import sys
import types
import warnings

import pytest
from aiohttp import web

from aiotoolkit._loading import LoadingError, load_application, load_object, stdout_to_stderr
from tests.packages import Packages


def refused(packages: Packages, target: str, source: str = "") -> LoadingError:
    """Why an application cannot be loaded, from a module ``app`` with that source."""
    packages.write({"app.py": source})
    with pytest.raises(LoadingError) as caught:
        load_application(target.replace("PACKAGE", packages.name))
    assert "\n" not in str(caught.value)
    return caught.value


def test_object(packages: Packages) -> None:
    """A dotted attribute is followed, of a module that is imported."""
    packages.write({"sub/__init__.py": "", "sub/app.py": "class Outer:\n    class Inner:\n        value = 7\n"})
    assert load_object(f"{packages.name}.sub.app:Outer.Inner.value") == 7
    assert load_object("os.path:join") is os.path.join


@pytest.mark.parametrize("target", ["", ":", "app", "app:", ":app", "package.app"])
def test_no_colon(target: str) -> None:
    """Without a module and an attribute, the form is shown."""
    with pytest.raises(LoadingError, match=r"write module:attribute, as in package\.app:create_app"):
        load_object(target)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("examples/projects/app.py:create_app", ": write examples.projects.app:create_app"),
        ("./app.py:create_app", ": write app:create_app"),
        ("my-app:create_app", "'my-app' is no name of a module"),
        ("..app:create_app", "'..app' is no name of a module"),
        (" app:create_app", "' app' is no name of a module"),
    ],
)
def test_no_module_name(target: str, said: str) -> None:
    """A path is no module's name, and the name is suggested."""
    with pytest.raises(LoadingError) as caught:
        load_object(target)
    assert said in str(caught.value)


def test_a_missing_module(packages: Packages) -> None:
    """The part of the name that is missing is said, with the folder where it was looked for."""
    error = refused(packages, "no_such_package.app:create_app")
    assert str(error) == f"there is no module 'no_such_package' in {os.getcwd()!r} or on sys.path"
    assert f"there is no module '{packages.name}.other'" in str(refused(packages, "PACKAGE.other:create_app"))
    assert f"there is no module '{packages.name}.app.deeper'" in str(refused(packages, "PACKAGE.app.deeper:create_app"))


def test_a_file_name(packages: Packages) -> None:
    """A file in place of its module is an error that says how to write it."""
    error = refused(packages, "PACKAGE.app.py:create_app")
    assert str(error).endswith(f": write {packages.name}.app:create_app")


def test_the_line_is_of_the_user(packages: Packages) -> None:
    """What the toolkit refuses is told with the line that gave it, and not with one of the toolkit."""
    source = "\nfrom aiotoolkit.schemas import Schema\nbad = Schema(request=1)\ndef create_app(): ..."
    assert str(refused(packages, "PACKAGE.app:create_app", source)).endswith("app.py, line 3)")


def test_a_missing_import_inside(packages: Packages) -> None:
    """A module that imports what is missing is not called missing itself, and the line is named."""
    error = refused(packages, "PACKAGE.app:create_app", "\nimport no_such_package\n")
    assert str(error).startswith(
        f"importing {packages.name}.app failed: ModuleNotFoundError: No module named 'no_such_package' ("
    )
    assert str(error).endswith("app.py, line 2)")
    assert isinstance(error.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise ValueError('one\\n  two')", "ValueError: one two ("),
        ("def broken(:", "SyntaxError: "),
        ("import sys\nsys.exit('error: DATABASE_URL is missing')", "SystemExit: error: DATABASE_URL is missing ("),
        ("raise RuntimeError", "RuntimeError ("),
    ],
)
def test_a_module_that_fails(packages: Packages, source: str, said: str) -> None:
    """What is raised at import is told in one line, an exit too."""
    assert f"importing {packages.name}.app failed: {said}" in str(refused(packages, "PACKAGE.app:create_app", source))


def test_a_missing_attribute(packages: Packages) -> None:
    """A missing attribute is an error that names one like it."""
    source = "class Apps:\n    main = None\ndef create_app(): ..."
    error = refused(packages, "PACKAGE.app:crate_app", source)
    assert str(error) == f"{packages.name}.app has no attribute 'crate_app': did you mean 'create_app'?"
    error = refused(packages, "PACKAGE.app:Apps.other.deeper", source)
    assert str(error) == f"{packages.name}.app.Apps has no attribute 'other'"


def test_an_attribute_that_fails(packages: Packages) -> None:
    """A property that raises is an error of loading, too."""
    source = "class Apps:\n    @property\n    def app(self): raise OSError('no disk')\napps = Apps()"
    assert "reading 'app' of" in str(refused(packages, "PACKAGE.app:apps.app", source))


FACTORIES = """
from functools import partial
from aiohttp import web
app = web.Application()
def create_app(*arguments, debug=False, **options): return app
async def create_async(): return app
def with_debug(debug): return app
from_partial = partial(with_debug, True)
class Factory:
    def __call__(self): return app
    def method(self): return app
    @classmethod
    async def of_class(cls): return app
    @staticmethod
    def of_static(): return app
factory = Factory()
"""


@pytest.mark.parametrize(
    "name",
    [
        "app",
        "create_app",
        "create_async",
        "from_partial",
        "factory",
        "factory.method",
        "Factory.of_class",
        "Factory.of_static",
    ],
)
def test_application(packages: Packages, name: str) -> None:
    """An application, and whatever makes one without arguments, async or not."""
    packages.write({"app.py": FACTORIES})
    app = load_application(f"{packages.name}.app:{name}")
    assert app is load_object(f"{packages.name}.app:app")


def test_nothing_is_started(packages: Packages) -> None:
    """Start-up handlers and clean-up contexts do not run."""
    packages.write(
        {
            "app.py": """
            from aiohttp import web
            ran = []
            async def fail(app):
                ran.append(app)
                yield
            def create_app():
                app = web.Application()
                app.cleanup_ctx.append(fail)
                app.on_startup.append(lambda app: ran.append(app))
                return app
            """
        }
    )
    load_application(f"{packages.name}.app:create_app")
    assert load_object(f"{packages.name}.app:ran") == []


def test_a_factory_that_needs_arguments(packages: Packages) -> None:
    """The arguments that are missing are named, and the function is not called."""
    source = "def create_app(settings, *, debug, level=1): raise AssertionError"
    error = refused(packages, "PACKAGE.app:create_app", source)
    assert f"{packages.name}.app:create_app needs arguments (settings, debug)" in str(error)


def test_a_method_without_its_object(packages: Packages) -> None:
    """A method of the class, and not of an object, needs an argument."""
    error = refused(packages, "PACKAGE.app:Factory.method", FACTORIES)
    assert "needs arguments (self)" in str(error)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("def create_app(): raise ValueError('bad')", "failed: ValueError: bad ("),
        ("async def create_app(): raise ValueError('bad')", "failed: ValueError: bad ("),
        ("import sys\ndef create_app(): sys.exit(3)", "failed: SystemExit: 3 ("),
        ("import sys\nasync def create_app(): sys.exit('no settings')", "failed: SystemExit: no settings ("),
        ("def create_app(): ...", "returned None: it must return the application"),
        ("def create_app(): return {}", "returned a value of type dict, no aiohttp.web.Application"),
        ("async def create_app(): return 1", "returned a value of type int, no aiohttp.web.Application"),
        ("create_app = 5", "is a value of type int: neither an application nor a function that makes one"),
        ("create_app = int", "returned a value of type int"),
    ],
)
def test_a_factory_that_fails(packages: Packages, body: str, said: str) -> None:
    """Each way in which no application comes out is one line, which names the line of the application's code."""
    error = refused(packages, "PACKAGE.app:create_app", body)
    assert f"{packages.name}.app:create_app {said}" in str(error).removeprefix("calling ")
    if said.startswith("failed"):
        assert str(error).endswith(f"{packages.path / 'app.py'}, line {body.count(chr(10)) + 1})")
        assert error.__cause__ is not None


def test_an_interrupt_is_not_caught(packages: Packages) -> None:
    """Ctrl-C ends a factory that hangs, as everywhere."""
    packages.write({"app.py": "def create_app(): raise KeyboardInterrupt"})
    with pytest.raises(KeyboardInterrupt):
        load_application(f"{packages.name}.app:create_app")


def test_what_is_printed_goes_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    """Inside the block, prints of Python and of child processes go to standard error; afterwards all is as before."""
    print("before")
    with stdout_to_stderr():
        print("from Python", flush=True)
        os.system("echo from a child")
        os.write(1, b"from a library\n")
    print("after", flush=True)
    stdout, stderr = capfd.readouterr()
    assert stdout == "before\nafter\n"
    assert set(stderr.splitlines()) == {"from Python", "from a child", "from a library"}


def test_no_loop_is_left(packages: Packages) -> None:
    """After an async factory no event loop is open, so that a command can run one."""
    packages.write({"app.py": FACTORIES})
    load_application(f"{packages.name}.app:create_async")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert asyncio.run(asyncio.sleep(0, 5)) == 5


def test_module_is_imported_once(packages: Packages) -> None:
    """The module is that of sys.modules: its objects are those that the rest of the process sees."""
    packages.write({"app.py": "from aiohttp import web\napp = web.Application()"})
    app = load_application(f"{packages.name}.app:app")
    module = sys.modules[f"{packages.name}.app"]
    assert isinstance(module, types.ModuleType)
    assert module.app is app
    assert isinstance(app, web.Application)
