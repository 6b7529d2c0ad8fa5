"""The scripts of docs/scripting.md run as they are written."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Mesh

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```sh (\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = dict(BLOCK.findall((ROOT / "docs" / "scripting.md").read_text()))
NEEDS = {"grpcurl": ("grpcurl", "jq"), "buf": ("jq",), "json": ("curl", "jq")}


def run(script: str, mesh: Mesh, folder: Path, tenant: str) -> str:
    """Run blocks as one shell script in a folder that looks as the page says; gives what they print."""
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "samples").symlink_to(ROOT / "samples")
    # The page says 8080 and the developer's token; the mesh of this test has another port and a tenant of its own.
    script = script.replace("127.0.0.1:8080", mesh.address)
    script = script.replace("$(vidmesh token)", f"$(vidmesh token --data {mesh.data} --tenant {tenant})")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_page_has_a_block_for_every_way() -> None:
    assert set(BLOCKS) == {"setup", *NEEDS}


@pytest.mark.parametrize("way", ["grpcurl", "json"])
def test_the_main_job_by_script(mesh: Mesh, tenant: str, tmp_path: Path, way: str) -> None:
    for program in NEEDS[way]:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed here")
    printed = run(BLOCKS["setup"] + BLOCKS[way], mesh, tmp_path, tenant)
    for sign in ("JOB_OUTCOME_SUCCEEDED",) if way == "json" else ("SubmitVideoRequest", "-->"):
        assert sign in printed


def test_buf_curl_by_script(mesh: Mesh, tenant: str, tmp_path: Path) -> None:
    for program in ("curl", *NEEDS["buf"]):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed here")
    printed = run(BLOCKS["setup"] + BLOCKS["json"] + BLOCKS["buf"], mesh, tmp_path, tenant)
    assert "vidmesh.query.v1.QueryService/Ask" in printed
    assert '"outcome":"JOB_OUTCOME_SUCCEEDED"' in printed
