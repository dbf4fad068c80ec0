"""Clients that others generate from the document of examples/projects, used against it while it runs."""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.openapi_check.conftest import HERE, Live, Node, run

pytestmark = pytest.mark.timeout(300)


OPERATIONS = {
    "list_all": ("get", "/projects"),
    "create": ("post", "/projects"),
    "get": ("get", "/project/{project_id}"),
    "update": ("put", "/project/{project_id}"),
    "delete": ("delete", "/project/{project_id}"),
}
BODIES = {"create": "NewProject", "update": "ChangedProject"}


def prefix_of(example: Live) -> str:
    """What the paths of the document have in front, where its server's URL does not."""
    return "/api".removeprefix(example.base)


def python_imports(package: Path, prefix: str) -> Iterator[str]:
    """The imports of a client: what the generator called the function of an operation and its body is its own."""
    for name, (method, path) in OPERATIONS.items():
        sources = {file: file.read_text(encoding="utf-8") for file in package.glob("api/*/*.py")}
        [module] = [
            file
            for file, text in sources.items()
            if f'"method": "{method}"' in text and f'"url": "{prefix}{path}"' in text
        ]
        yield f"from generated.api.{module.parent.name} import {module.stem} as {name}"
        if body := BODIES.get(name):
            found = re.search(r"body: (\w+)", sources[module])
            assert found is not None, sources[module]
            yield f"from generated.models import {found[1]} as {body}"


def test_python(example: Live, tmp_path: Path) -> None:
    """openapi-python-client understands all of it; its client passes mypy, and works."""
    config = tmp_path / "config.yaml"
    # No formatters run afterwards: that needs none on the PATH.
    config.write_text("post_hooks: []\npackage_name_override: generated\n")
    done = run(
        sys.executable,
        *("-m", "openapi_python_client", "generate", f"--path={example.file}", "--meta=none", "--fail-on-warning"),
        *(f"--config={config}", f"--output-path={tmp_path / 'generated'}"),
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    source = (HERE / "client.py.txt").read_text(encoding="utf-8")
    imports = "\n".join(python_imports(tmp_path / "generated", prefix_of(example)))
    (tmp_path / "client.py").write_text(source.replace("# IMPORTS", imports), encoding="utf-8")
    done = run(sys.executable, "-m", "mypy", "--strict", "client.py", "generated", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    done = run(sys.executable, "client.py", example.url + example.base, folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_typescript(example: Live, node: Node, tmp_path: Path) -> None:
    """The types of openapi-typescript pass the compiler at its strictest, and openapi-fetch works with them."""
    (tmp_path / "node_modules").symlink_to(node.modules)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(HERE / "tsconfig.json", tmp_path)
    source = (HERE / "client.ts").read_text(encoding="utf-8")
    (tmp_path / "client.ts").write_text(source.replace('"/api/', f'"{prefix_of(example)}/'), encoding="utf-8")
    for tool, *arguments in (
        ("openapi-typescript", str(example.file), "--output=schema.d.ts"),
        ("tsc", "--project", "."),
    ):
        done = node.run(tool, *arguments, folder=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    done = node.run("node", str(tmp_path / "built" / "client.js"), example.url + example.base, folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
