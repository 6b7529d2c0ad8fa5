"""The Python of docs/python.md runs as it is written."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.e2e.conftest import Mesh

ROOT = Path(__file__).parents[2]


def test_the_python_quickstart(mesh: Mesh, tenant: str, tmp_path: Path) -> None:
    found = re.search(
        r"^```python\n(.*?)^```$", (ROOT / "docs" / "python.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert found
    shutil.copy(ROOT / "samples" / "talk.mp4", tmp_path)
    (tmp_path / ".vidmesh" / "run").mkdir(parents=True)
    (tmp_path / ".vidmesh" / "run" / "token").write_text(mesh.token(tenant))
    script = found.group(1).replace("http://127.0.0.1:8080", mesh.endpoint)
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "job_ended" in done.stdout
    assert "INVALID_FIELD" in done.stdout
