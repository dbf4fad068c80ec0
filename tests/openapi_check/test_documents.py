"""Each document, as it is committed and served: valid, and clean by the rules of others."""

import sys

import aiohttp
import pytest

from tests.openapi_check.conftest import HERE, Live, Node, run


@pytest.mark.extra("openapi_spec_validator")
def test_valid(live: Live) -> None:
    """openapi-spec-validator finds nothing."""
    from openapi_spec_validator import OpenAPIV31SpecValidator

    errors = [
        f"{list(error.absolute_path)}: {error.message}"
        for error in OpenAPIV31SpecValidator(live.document).iter_errors()
    ]
    assert errors == []


def test_redocly(live: Live, node: Node) -> None:
    """Redocly's recommended rules find neither an error nor a warning."""
    config = HERE / "redocly.yaml"
    done = node.run("redocly", "lint", f"--config={config}", str(live.file), folder=live.file.parent)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "Your API description is valid" in said
    assert "warning" not in said, said


async def test_served(live: Live) -> None:
    """What the command prints is what the application serves."""
    [path] = [url for url in await _paths(live) if url.endswith("openapi.json")]
    async with aiohttp.request("GET", live.url + path) as response:
        assert response.status == 200
        assert await response.json() == live.document


async def _paths(live: Live) -> list[str]:
    import json

    command = [sys.executable, "-m", "aiotoolkit", "routes", "--json", live.target]
    done = run(*command, folder=live.file.parent, environment=live.environment)
    assert done.returncode == 0, done.stderr
    return [route["path"] for route in json.loads(done.stdout)]


def test_check(live: Live) -> None:
    """The command finds no difference from the file that it wrote."""
    command = [sys.executable, "-m", "aiotoolkit", "openapi", live.target, "--check", str(live.file)]
    done = run(*command, folder=live.file.parent, environment=live.environment)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
