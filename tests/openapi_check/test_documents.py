"""Each document, as it is committed and served: valid, and clean by the rules of others."""

import json
import sys

import aiohttp

from tests.openapi_check.conftest import HERE, Live, Node, run


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
    command = ("lint", f"--config={HERE / 'redocly.yaml'}", "--format=json", str(live.file))
    done = node.run("redocly", *command, folder=live.file.parent)
    assert done.stdout.startswith("{"), done.stderr
    found = json.loads(done.stdout)
    problems = [
        f"{problem['ruleId']} at {problem['location'][0].get('pointer')}: {problem['message']}"
        for problem in found["problems"]
    ]
    assert problems == []
    assert found["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}
    assert done.returncode == 0, done.stderr


async def test_served(live: Live) -> None:
    """What the command prints is what the application serves."""
    command = [sys.executable, "-m", "aiotoolkit", "routes", "--json", live.target]
    done = run(*command, folder=live.file.parent, environment=live.environment)
    assert done.returncode == 0, done.stderr
    [path] = [route["path"] for route in json.loads(done.stdout) if route["path"].endswith("openapi.json")]
    async with aiohttp.request("GET", live.url + path) as response:
        assert response.status == 200
        assert await response.json() == live.document


def test_check(live: Live) -> None:
    """The command finds no difference from the file that it wrote."""
    command = [sys.executable, "-m", "aiotoolkit", "openapi", live.target, "--check", str(live.file)]
    done = run(*command, folder=live.file.parent, environment=live.environment)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
