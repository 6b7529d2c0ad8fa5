"""The Go of docs/go.md is generated, built and run as it is written."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Mesh

ROOT = Path(__file__).parents[2]
FILES = re.compile(r"^```\w+ ([\w.]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SCRIPT = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLUGIN = re.compile(r"go, run, ([^]]+)")


def unusable(page: str) -> str:
    """Why Go cannot do here what the page asks of it: none there, too old, or no way to its modules; empty where it can."""
    if shutil.which("go") is None:
        return "go is not installed"
    for plugin in PLUGIN.findall(page):
        try:
            told = subprocess.run(
                ["go", "run", plugin, "--version"],
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"go took over two minutes to fetch {plugin}"
        if told.returncode:
            return f"go cannot run {plugin}: {told.stderr.strip()[-300:]}"
    return ""


@pytest.mark.timeout(600)
def test_the_go_quickstart(request: pytest.FixtureRequest, tenant: str, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "go.md").read_text()
    if reason := unusable(page):
        pytest.skip(reason)
    mesh: Mesh = request.getfixturevalue("mesh")
    for name, text in FILES.findall(page):
        (tmp_path / name).write_text(text)
    [script] = SCRIPT.findall(page)
    # The page says 8080 and the developer's token; the mesh of this test has another port and a tenant of its own.
    script = script.replace("127.0.0.1:8080", mesh.address)
    script = script.replace("$(cat $CHECKOUT/.vidmesh/run/token)", mesh.token(tenant))
    script = script.replace("$CHECKOUT/.venv", sys.prefix)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "CHECKOUT": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "JOB_OUTCOME_SUCCEEDED" in done.stdout
    # What was said, with its time, as its window came, and again as a passage that was found.
    assert re.search(r"^[\d.]+s \w+", done.stdout, re.MULTILINE), done.stdout
