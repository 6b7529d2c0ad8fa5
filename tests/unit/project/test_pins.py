"""What is pinned is what is asked for, and names no registry."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
LOCKS = {name: (ROOT / name).read_text() for name in ("requirements.lock", "bench/requirements.lock")}


def pins(lock: str) -> set[tuple[str, str]]:
    found = re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", LOCKS[lock], re.MULTILINE)
    return {(canonicalize_name(name), version) for name, version in found}


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
    groups = asked.get("dependency-groups", {})
    for name, group in groups.items():
        wanted += group if name != "bench" else []
    assert wanted
    check(wanted, "requirements.lock")
    check(groups.get("bench", []), "bench/requirements.lock")


def check(wanted: list[str], lock: str) -> None:
    for line in wanted:
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        if name in OURS:
            continue
        versions = [version for pinned, version in pins(lock) if pinned == name]
        assert versions, f"{name} is not pinned: run make lock"
        assert all(requirement.specifier.contains(version) for version in versions), f"{line}: run make lock"


def test_what_only_measurements_need_is_installed_by_them_alone() -> None:
    """Where both pin one thing, they pin it alike: the second install must not change the first."""
    everywhere, measured = pins("requirements.lock"), pins("bench/requirements.lock")
    assert "celery" not in {name for name, _ in everywhere}
    names = {name for name, _ in everywhere} & {name for name, _ in measured}
    assert {pin for pin in everywhere if pin[0] in names} == {pin for pin in measured if pin[0] in names}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes_and_no_address(lock: str) -> None:
    assert "://" not in LOCKS[lock]
    entries = re.split(r"^(?=[A-Za-z0-9])", LOCKS[lock], flags=re.MULTILINE)
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
