"""The bill of materials names what the lock files pin, with the hashes of what is installed."""

import json
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_bill_holds_every_pin_that_is_run_and_its_hashes() -> None:
    subprocess.run(["make", "--silent", "sbom"], cwd=ROOT, check=True, timeout=100)
    bill = json.loads((ROOT / "build" / "sbom" / "python.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    named = {part["name"]: part for part in bill["components"]}
    pinned = dict(
        re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    )
    others = {name: part for name, part in named.items() if not name.startswith("vidmesh")}
    assert {name: part["version"] for name, part in others.items()}.items() <= pinned.items()
    assert {"grpcio", "av", "yt-dlp", "asyncpg", "nats-py"} <= set(others)
    assert not {"pytest", "mypy", "ruff"} & set(others)
    for part in others.values():
        assert part["purl"].startswith("pkg:pypi/")
        files = part["externalReferences"]
        assert files
        assert all(given["alg"] == "SHA-256" for file in files for given in file["hashes"])
