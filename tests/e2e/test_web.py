"""The web app in a real browser, and its client in Node, through Envoy on the whole mesh; both packages' own checks."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Backstage
from tests.e2e.conftest import Mesh, run_mesh

ROOT = Path(__file__).parents[2]
APP = ROOT / "gateway" / "web"
CLIENT = ROOT / "sdk" / "typescript"
NODE = (20, 19)
"""The oldest version of Node that the packages are built with."""


def node() -> tuple[int, ...]:
    """The version of Node on this machine; empty where there is none."""
    if shutil.which("npm") is None:
        return ()
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    return tuple(int(part) for part in told.stdout.strip().removeprefix("v").split("."))


pytestmark = [
    pytest.mark.skipif(
        node() < NODE, reason="the web app is built with Node 20.19 or newer, which is not here"
    ),
    pytest.mark.timeout(900),
]


def npm(folder: Path, *script: str, **env: str) -> None:
    """Run a package's script; what it printed is the failure's reason."""
    done = subprocess.run(
        ["npm", "run", "--silent", *script],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1", **env},
        capture_output=True,
        text=True,
        timeout=840,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="module")
def built() -> None:
    """Both packages, installed and built as they are now."""
    done = subprocess.run(
        ["make", "--no-print-directory", "web"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=840,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="module")
def mesh(built: None, backstage: Backstage) -> Iterator[Mesh]:
    """A mesh that was started after the app was built, so that it serves it."""
    yield from run_mesh(backstage)


@pytest.mark.parametrize("script", ["check", "test"])
@pytest.mark.parametrize("package", [CLIENT, APP], ids=["client", "app"])
def test_the_package_passes_its_own(built: None, package: Path, script: str) -> None:
    npm(package, script)


def test_the_client_does_the_main_job_in_node(mesh: Mesh, tenant: str) -> None:
    npm(CLIENT, "test:mesh", VIDMESH_ENDPOINT=mesh.endpoint, VIDMESH_TOKEN=mesh.token(tenant))


def test_the_packed_client_does_what_its_page_says(mesh: Mesh, tenant: str, tmp_path: Path) -> None:
    def do(folder: Path, *words: str, **env: str) -> str:
        done = subprocess.run(
            words,
            cwd=folder,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    do(CLIENT, "npm", "pack", "--silent", "--pack-destination", str(tmp_path))
    [package] = tmp_path.glob("*.tgz")
    project = tmp_path / "empty"
    project.mkdir()
    do(project, "npm", "init", "--yes", "--init-type=module")
    do(project, "npm", "install", "--silent", "--prefer-offline", str(package))
    page = (CLIENT / "README.md").read_text()
    [script] = re.findall(r"^```ts\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (project / "talk.ts").write_text(script.replace("http://127.0.0.1:8080", mesh.endpoint))
    shutil.copy(ROOT / "samples" / "talk.mp4", project)
    # The compiler and Node's types are the client's own; all other types come with the package.
    modules = CLIENT / "node_modules"
    tsc = [str(modules / ".bin" / "tsc"), "--strict", "--module", "nodenext", "--target", "es2022"]
    do(project, *tsc, "--types", "node", "--typeRoots", str(modules / "@types"), "talk.ts")
    printed = do(project, "node", "talk.js", VIDMESH_TOKEN=mesh.token(tenant))
    assert "jobEnded" in printed
    # A segment with its second, and the error that the page's last lines ask for.
    assert re.search(r"^[\d.]+ \w+", printed, re.MULTILINE), printed
    assert "INVALID_FIELD" in printed


def test_the_app_in_a_browser(mesh: Mesh) -> None:
    chromium = os.environ.get("VIDMESH_CHROMIUM", "/usr/bin/chromium")
    if shutil.which(chromium) is None:
        pytest.skip(f"there is no Chromium at {chromium}; VIDMESH_CHROMIUM can name another one")
    npm(
        APP,
        "test:browser",
        VIDMESH_ENDPOINT=mesh.endpoint,
        VIDMESH_TOKEN=mesh.token("browser"),
        VIDMESH_TEST_JOBS_TOKEN=mesh.token("browser-jobs"),
    )
