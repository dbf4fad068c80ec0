"""Swagger UI, and the distribution that holds its files."""

import base64
import hashlib
import io
import json
import os
import re
import runpy
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

from aiotoolkit import _swagger_ui
from aiotoolkit.openapi import setup_openapi

Client = TestClient[web.Request, web.Application]
PACKAGE = Path(__file__).parent.parent / "packages" / "aiotoolkit-swagger-ui"
NAMES = {"swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt", "swagger-ui.css", "favicon-32x32.png"}
installed = pytest.mark.extra("aiotoolkit_swagger_ui")


def make_app(**options: Any) -> web.Application:
    app = web.Application()
    setup_openapi(app, title="A </script>", version="1", **{"swagger_ui": "/swagger", **options})
    return app


async def get(client: Client, url: str, **headers: str) -> tuple[int, bytes, Mapping[str, str]]:
    async with client.get(url, headers=headers) as response:
        return response.status, await response.read(), response.headers


def urls_in(page: bytes) -> dict[str, str]:
    """The URLs of a page's files, by name."""
    found = re.findall(r'(?:src|href)="(\./[^"]*)"', page.decode())
    return {url.rpartition("/")[2].partition("?")[0]: url for url in found}


@installed
class TestServing:
    async def test_page(self, aiohttp_client: AiohttpClient) -> None:
        """The page holds no script and no style of its own, and comes with the strict policy."""
        client = await aiohttp_client(make_app())
        status, page, headers = await get(client, "/swagger")
        assert status == 200
        assert set(urls_in(page)) == {
            "swagger-ui-bundle.js",
            "initializer.js",
            "swagger-ui.css",
            "page.css",
            "favicon-32x32.png",
        }
        assert re.search(rb"<script[^>]*>[^<]|<style|\sstyle=|\son\w+=", page) is None
        assert b"<title>A &lt;/script&gt;</title>" in page
        assert headers["Content-Security-Policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-cache"

    async def test_files(self, aiohttp_client: AiohttpClient) -> None:
        """Its files are those of the distribution; a URL with the hash of the content is kept for a year."""
        from aiotoolkit_swagger_ui import files

        client = await aiohttp_client(make_app())
        _, page, _ = await get(client, "/swagger")
        urls = urls_in(page)
        for name in NAMES - {"swagger-ui-bundle.js.LICENSE.txt"}:
            status, body, headers = await get(client, urls[name].removeprefix("."))
            assert (status, body) == (200, files().joinpath(name).read_bytes())
            assert urls[name].endswith(f"?v={hashlib.sha256(body).hexdigest()[:16]}")
            assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
            for other in f"/swagger/{name}", f"/swagger/{name}?v=0":
                _, same, headers = await get(client, other)
                assert same == body
                assert headers["Cache-Control"] == "no-cache"
        assert (await get(client, "/swagger/swagger-ui-bundle.js.LICENSE.txt"))[0] == 200
        for nothing in "/swagger/", "/swagger/index.html", "/swagger/NOTICE", "/swagger/%2e%2e/__init__.py":
            assert (await get(client, nothing))[0] == 404

    async def test_initializer(self, aiohttp_client: AiohttpClient) -> None:
        """The page reads this application's document, and shows it to no validator."""
        client = await aiohttp_client(make_app(path="/x/api", swagger_ui="/y/z/swagger"))
        status, script, headers = await get(client, "/y/z/swagger/initializer.js")
        assert status == 200
        assert headers["Content-Type"] == "text/javascript; charset=utf-8"
        match = re.fullmatch(r"window\.ui = SwaggerUIBundle\((\{.*\})\);\n", script.decode(), re.DOTALL)
        assert match is not None
        options = json.loads(match[1])
        assert options["url"] == "../../x/api.json"
        assert options["validatorUrl"] is None
        assert options["layout"] == "BaseLayout"

    async def test_linked(self, aiohttp_client: AiohttpClient) -> None:
        """The page for readers leads to it."""
        client = await aiohttp_client(make_app())
        assert b'<a href="./swagger">Swagger UI</a>' in (await get(client, "/docs"))[1]

    async def test_below_a_prefix(self, aiohttp_client: AiohttpClient) -> None:
        """Its URLs are relative: they hold in a sub-application."""
        outer = web.Application()
        outer.add_subapp("/v1", make_app())
        client = await aiohttp_client(outer)
        _, page, _ = await get(client, "/v1/swagger")
        for url in urls_in(page).values():
            assert (await get(client, "/v1" + url.removeprefix(".")))[0] == 200

    async def test_compressed(self, aiohttp_client: AiohttpClient) -> None:
        """The script goes out compressed, by a quarter of its size."""
        client = await aiohttp_client(make_app(), auto_decompress=False)
        _, body, headers = await get(client, "/swagger/swagger-ui-bundle.js", **{"Accept-Encoding": "gzip"})
        assert headers["Content-Encoding"] == "gzip"
        assert len(body) < 600_000


def test_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the distribution, the set-up says what to install, and adds nothing."""
    _swagger_ui._file.cache_clear()
    monkeypatch.setitem(sys.modules, "aiotoolkit_swagger_ui", None)
    app = web.Application()
    with pytest.raises(ImportError, match=r'pip install "aiotoolkit\[swagger-ui\]"'):
        setup_openapi(app, title="A", version="1", swagger_ui="/swagger")
    assert len(app.router.resources()) == 0


@installed
class TestDistribution:
    def test_files(self) -> None:
        """It holds the files, and knows its version, which is that of the script."""
        import aiotoolkit_swagger_ui

        folder = aiotoolkit_swagger_ui.files()
        assert {file.name for file in folder.iterdir()} == NAMES
        version = aiotoolkit_swagger_ui.__version__
        assert f'"{version}"'.encode() in folder.joinpath("swagger-ui-bundle.js").read_bytes()

    def test_licence(self) -> None:
        """Licence and notice come with it."""
        from importlib import metadata

        distribution = metadata.distribution("aiotoolkit-swagger-ui")
        texts = {Path(file).name: file.read_text() for file in distribution.files or () if "licenses" in file.parts}
        assert "Apache License" in texts["LICENSE"]
        assert "SmartBear" in texts["NOTICE"]

    def test_versions(self) -> None:
        """The version is written down three times, each time the same."""
        import aiotoolkit_swagger_ui

        versions = re.findall(r'(?m)^(?:version|VERSION) = "([\d.]+)"', read("pyproject.toml") + read("hatch_build.py"))
        assert versions == [aiotoolkit_swagger_ui.__version__] * 2


def read(name: str) -> str:
    return (PACKAGE / name).read_text(encoding="utf-8")


@pytest.mark.extra("hatchling")
class TestBuild:
    """The build hook, with a package made here in place of npm's."""

    @pytest.fixture
    def hook(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.delenv("SWAGGER_UI_TARBALL", raising=False)
        hook = runpy.run_path(str(PACKAGE / "hatch_build.py"))
        content = tarball(hook["FILES"])
        # The functions of the module read its names.
        names: dict[str, Any] = hook["checked"].__globals__
        names["SHA512"] = base64.b64encode(hashlib.sha512(content).digest()).decode()
        names["URL"] = (tmp_path / "swagger-ui-dist.tgz").as_uri()
        (tmp_path / "swagger-ui-dist.tgz").write_bytes(content)
        return names

    def test_takes_the_files(self, hook: dict[str, Any], tmp_path: Path) -> None:
        """The files of the package are put where the build finds them, and nothing else of it."""
        hook["unpack"](hook["checked"](hook["tarball"]()), tmp_path / "root")
        found = {str(path.relative_to(tmp_path / "root")) for path in (tmp_path / "root").rglob("*") if path.is_file()}
        assert found == {"LICENSE", "NOTICE", *(f"src/aiotoolkit_swagger_ui/data/{name}" for name in NAMES)}

    def test_cache(self, hook: dict[str, Any], tmp_path: Path) -> None:
        """A second build needs no network; a broken cache is fetched again."""
        content = hook["tarball"]()
        (cached,) = (tmp_path / "cache" / "aiotoolkit-swagger-ui").iterdir()
        cached.write_bytes(b"broken")
        assert hook["tarball"]() == content
        (tmp_path / "swagger-ui-dist.tgz").unlink()
        assert hook["tarball"]() == content

    def test_another_content(self, hook: dict[str, Any], tmp_path: Path) -> None:
        """A package with another hash is refused, and not kept."""
        (tmp_path / "swagger-ui-dist.tgz").write_bytes(b"something else")
        with pytest.raises(hook["BuildError"], match=r"has the SHA-512 .* it is not used"):
            hook["tarball"]()
        assert not (tmp_path / "cache").exists()

    def test_offline(self, hook: dict[str, Any], tmp_path: Path) -> None:
        """Without a network, the error says how to give the file."""
        (tmp_path / "swagger-ui-dist.tgz").unlink()
        with pytest.raises(
            hook["BuildError"], match=r"could not be fetched .* SWAGGER_UI_TARBALL=/path/to/swagger-ui-dist-"
        ):
            hook["tarball"]()

    def test_given_file(self, hook: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file that is given is used, if it is the right one; a missing one is named."""
        given = tmp_path / "given.tgz"
        monkeypatch.setenv("SWAGGER_UI_TARBALL", str(given))
        with pytest.raises(hook["BuildError"], match=r"SWAGGER_UI_TARBALL=.*given\.tgz cannot be read: No such file"):
            hook["tarball"]()
        given.write_bytes(b"wrong")
        with pytest.raises(hook["BuildError"], match="it is not used"):
            hook["checked"](hook["tarball"]())

    def test_distributions(self, hook: dict[str, Any], tmp_path: Path) -> None:
        """A real build, from a copy with that package: wheel and sdist hold the files, and the sdist builds offline."""
        source = tmp_path / "source"
        for name in "pyproject.toml", "README.md", ".gitignore", "src/aiotoolkit_swagger_ui/__init__.py":
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_text(read(name))
        text = read("hatch_build.py")
        text = re.sub(r'SHA512 = ".*"', lambda _: f'SHA512 = "{hook["SHA512"]}"', text)
        (source / "hatch_build.py").write_text(text)
        given = {"SWAGGER_UI_TARBALL": str(tmp_path / "swagger-ui-dist.tgz")}
        (sdist,) = build(source, "sdist", tmp_path / "dist", given)
        with tarfile.open(sdist) as archive:
            archive.extractall(tmp_path / "unpacked", filter="data")
        (unpacked,) = (tmp_path / "unpacked").iterdir()
        (wheel,) = build(unpacked, "wheel", tmp_path / "wheels", {"SWAGGER_UI_TARBALL": str(tmp_path / "nothing")})
        with zipfile.ZipFile(wheel) as archive_of_wheel:
            names = {name.rpartition("/")[2] for name in archive_of_wheel.namelist()}
        assert names >= NAMES | {"LICENSE", "NOTICE", "__init__.py"}


def tarball(names: Mapping[str, Any]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name in [*names, "swagger-ui-bundle.js.map"]:
            member = tarfile.TarInfo(f"package/{name}")
            data = f"of {name}".encode()
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return content.getvalue()


def build(source: Path, target: str, folder: Path, environment: dict[str, str]) -> list[Path]:
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    done = subprocess.run(
        command, cwd=source, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=50
    )
    assert done.returncode == 0, done.stderr
    return list(folder.iterdir())
