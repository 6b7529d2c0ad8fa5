"""What is pinned is what is asked for, and names no registry."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
LOCK = (ROOT / "requirements.lock").read_text()
PINS = {
    (canonicalize_name(name), version)
    for name, version in re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", LOCK, re.MULTILINE)
}
PROJECTS = sorted(
    path
    for path in ROOT.glob("**/pyproject.toml")
    if not {".venv", "build", "node_modules"} & set(path.parts)
)
OURS = {tomllib.loads(path.read_text())["project"]["name"] for path in PROJECTS}


@pytest.mark.parametrize("project", PROJECTS, ids=[str(path.parent.relative_to(ROOT)) for path in PROJECTS])
def test_every_dependency_is_pinned_as_asked(project: Path) -> None:
    asked = tomllib.loads(project.read_text())
    wanted = list(asked["project"].get("dependencies", []))
    for group in asked.get("dependency-groups", {}).values():
        wanted += group
    assert wanted
    for line in wanted:
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        if name in OURS:
            continue
        versions = [version for pinned, version in PINS if pinned == name]
        assert versions, f"{name} is not pinned: run make lock"
        assert all(requirement.specifier.contains(version) for version in versions), f"{line}: run make lock"


def test_every_pin_has_hashes_and_no_address() -> None:
    assert "://" not in LOCK
    entries = re.split(r"^(?=[A-Za-z0-9])", LOCK, flags=re.MULTILINE)
    assert all("--hash=sha256:" in entry for entry in entries if "==" in entry)


def test_nothing_in_the_repository_names_a_registry_or_a_machine() -> None:
    hosts = re.compile(
        r"files\.pythonhosted\.org|pypi\.org|registry\.npmjs\.org|proxy\.golang\.org|/root/|/home/\w+/"
    )
    skipped = {
        ".venv",
        "build",
        ".git",
        "node_modules",
        ".vidmesh",
        "__pycache__",
        ".mypy_cache",
        ".ruff_cache",
    }
    texts = {".py", ".md", ".toml", ".yml", ".yaml", ".sql", ".proto", ".lock", ".json", ".txt", ".sh", ""}
    for path in ROOT.rglob("*"):
        if skipped & set(path.relative_to(ROOT).parts) or not path.is_file() or path.suffix not in texts:
            continue
        if path == Path(__file__) or path.name == "uv.lock":
            continue
        found = hosts.search(path.read_text(errors="ignore"))
        assert not found, f"{path.relative_to(ROOT)}: {found and found.group()}"
