"""The Python of docs/python.md, and of the package's own page, runs as it is written."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Mesh

ROOT = Path(__file__).parents[2]
UV = Path(sys.prefix) / "bin" / "uv"


def blocks(page: Path) -> dict[str, str]:
    """The Python of a page by the word after its fence."""
    found = re.findall(r"^```python *(\w*)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return dict(found)


def run(python: Path, script: str, folder: Path, **env: str) -> str:
    """Run a script in a folder that has talk.mp4; gives what it prints."""
    shutil.copy(ROOT / "samples" / "talk.mp4", folder)
    done = subprocess.run(
        [str(python), "-c", script],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("way", ["blocking", "asynchronous"])
def test_the_python_quickstart(mesh: Mesh, tenant: str, tmp_path: Path, way: str) -> None:
    (tmp_path / ".vidmesh" / "run").mkdir(parents=True)
    (tmp_path / ".vidmesh" / "run" / "token").write_text(mesh.token(tenant))
    script = blocks(ROOT / "docs" / "python.md")[way].replace("http://127.0.0.1:8080", mesh.endpoint)
    printed = run(Path(sys.executable), script, tmp_path)
    assert "job_ended" in printed
    if way == "blocking":
        assert "INVALID_FIELD" in printed


def uv(*words: str) -> None:
    env = {**os.environ, "UV_SYSTEM_CERTS": "1"}
    done = subprocess.run([str(UV), *words], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The Python of an environment with nothing in it but the built package and what that needs."""
    dist, environment = tmp_path / "dist", tmp_path / "empty"
    # The wheel is built from the source distribution, so both are whole.
    building = (
        "build",
        "--quiet",
        "--no-build-isolation",
        "--python",
        sys.executable,
        "--out-dir",
        str(dist),
    )
    uv(*building, str(ROOT / "sdk" / "python"))
    [wheel] = dist.glob("*.whl")
    assert list(dist.glob("*.tar.gz"))
    uv("venv", "--quiet", "--python", sys.executable, str(environment))
    python = environment / "bin" / "python"
    installing = ("pip", "install", "--quiet", "--python", str(python), "--constraint")
    uv(*installing, str(ROOT / "requirements.lock"), str(wheel))
    return python


def test_the_built_package_does_what_its_page_says(
    mesh: Mesh, tenant: str, tmp_path: Path, installed: Path
) -> None:
    [script] = blocks(ROOT / "sdk" / "python" / "README.md").values()
    env = {"VIDMESH_ENDPOINT": mesh.endpoint, "VIDMESH_TOKEN": mesh.token(tenant), "PYTHONPATH": ""}
    printed = run(installed, script, tmp_path, **env)
    assert "job_ended" in printed
    assert "0:00:0" in printed
