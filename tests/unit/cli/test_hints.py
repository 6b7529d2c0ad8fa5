"""What is suggested can be typed where it is read."""

import sys
from pathlib import Path

import pytest

from vidmesh_cli.asked import Asked
from vidmesh_cli.output import Output
from vidmesh_cli.program import program


def asked(**wishes: object) -> Asked:
    return Asked(**({"endpoint": None, "token_file": None, "data": Path(".vidmesh"), "json": False} | wishes))  # type: ignore[arg-type] # as the caller says


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VIDMESH_ENDPOINT", "VIDMESH_DATA"):
        monkeypatch.delenv(name, raising=False)


def test_the_flags_that_say_which_mesh_are_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked().flags() == ""
    there = asked(endpoint="https://example.org", token_file="my token", data=Path("d"))
    assert there.flags() == "--endpoint https://example.org --token-file 'my token' --data d"
    monkeypatch.setenv("VIDMESH_ENDPOINT", "https://example.org")
    assert asked(endpoint="https://example.org", token_file="-").flags() == ""


def test_a_suggestion_has_them_unless_it_says_which_mesh_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["__main__.py"])
    output = Output(json_lines=False, flags="--data d")
    assert output.typed("vidmesh jobs") == "vidmesh jobs --data d"
    assert output.typed("vidmesh up --data other") == "vidmesh up --data other"
    assert output.typed("make up") == "make up"


def test_the_command_is_named_as_it_was_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    script = tmp_path / ".venv" / "bin" / "vidmesh"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.setenv("PATH", "/usr/bin")
    assert program() == ".venv/bin/vidmesh"
    monkeypatch.setenv("PATH", str(script.parent))
    assert program() == "vidmesh"
