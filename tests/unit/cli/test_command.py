"""The command as a process: its help, its exit codes, its words when something is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vidmesh_cli.app import app
from vidmesh_stack.folder import Folder
from vidmesh_stack.keys import ensure_keys

COMMANDS = [
    "up",
    "down",
    "demo",
    "submit",
    "watch",
    "jobs",
    "cancel",
    "retry",
    "delete",
    "transcript",
    "summary",
    "chapters",
    "search",
    "ask",
    "token",
    "doctor",
    "bench",
]


def vidmesh(*words: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VIDMESH_")}
    return subprocess.run(
        [sys.executable, "-m", "vidmesh_cli", *words],
        cwd=cwd,
        env=clean | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_names_every_command(tmp_path: Path) -> None:
    shown = vidmesh("--help", cwd=tmp_path)
    assert shown.returncode == 0
    assert all(f"\n  {command} " in shown.stdout for command in COMMANDS)


def test_help_loads_neither_grpc_nor_rich() -> None:
    """They alone take longer to load than help may take to come."""
    script = "import sys, vidmesh_cli.app; sys.exit(bool({'grpc', 'rich', 'asyncio'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_json(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"])
    assert shown.exit_code == 0
    assert "--json" in shown.output


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("nonsense",), "No such command"),
        (("submit",), "Missing argument"),
        (("submit", "nothing.mp4", "--endpoint", "http://127.0.0.1:1"), "there is no file nothing.mp4"),
        (("submit", "a", "b", "--title", "t"), "--title is for one source"),
        (("watch", "job", "--after", "-1"), "give 0 or more"),
        (("jobs", "--limit", "0"), "--limit': give 1 or more"),
        (("jobs", "--limit", "few"), "give a whole number"),
        (("submit", "a", "--captions", "foo"), "--captions': 'foo' is not one of"),
        (("transcript", "video", "--format", "doc"), "doc"),
        (("jobs", "--endpoint", "127.0.0.1:8080"), "is no endpoint"),
        (("up", "--scale", "transcribe"), "SERVICE=COUNT"),
        (("up", "--scale", "query=2"), "query runs as one process"),
        (("token", "--ttl", "soon"), "such as 12h"),
        (("delete", "video"), "give --yes"),
    ],
)
def test_what_cannot_be_meant_is_usage(words: tuple[str, ...], why: str, tmp_path: Path) -> None:
    shown = vidmesh(*words, cwd=tmp_path)
    assert shown.returncode == 2, shown.stderr
    assert why in " ".join(shown.stderr.split())
    assert shown.stdout == ""


def test_without_a_mesh_it_says_how_to_start_one(tmp_path: Path) -> None:
    shown = vidmesh("jobs", cwd=tmp_path)
    assert shown.returncode == 1
    assert "vidmesh up" in shown.stderr


def test_where_nothing_answers_the_endpoint_is_named(tmp_path: Path) -> None:
    shown = vidmesh("jobs", cwd=tmp_path, VIDMESH_ENDPOINT="http://127.0.0.1:1")
    assert shown.returncode == 1
    assert "Nothing answers at http://127.0.0.1:1." in shown.stderr
    assert "what to do:" in shown.stderr


def test_in_json_an_error_is_an_object_too(tmp_path: Path) -> None:
    shown = vidmesh("jobs", "--json", "--endpoint", "http://127.0.0.1:1", cwd=tmp_path)
    assert shown.returncode == 1
    assert shown.stdout == ""
    error = json.loads(shown.stderr)["error"]
    assert error["reason"] == "UNAVAILABLE"
    assert error["retryable"] is True
    assert error["advice"]


def test_a_token_file_that_is_not_there_is_a_matter_of_being_let_in(tmp_path: Path) -> None:
    shown = vidmesh("jobs", "--endpoint", "http://127.0.0.1:1", "--token-file", "none", cwd=tmp_path)
    assert shown.returncode == 4
    assert "none" in shown.stderr


def test_stopping_what_does_not_run_is_well(tmp_path: Path) -> None:
    shown = vidmesh("down", cwd=tmp_path)
    assert shown.returncode == 0
    assert "No mesh runs in .vidmesh" in shown.stderr


def test_a_token_needs_keys(tmp_path: Path) -> None:
    shown = vidmesh("token", cwd=tmp_path)
    assert shown.returncode == 1
    assert "vidmesh up" in shown.stderr


def test_a_terminal_of_few_characters_is_no_reason_to_stop(tmp_path: Path) -> None:
    words = ("jobs", "--endpoint", "http://127.0.0.1:1", "--token-file", "ünï")
    shown = vidmesh(*words, cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert shown.returncode == 4
    assert "The token file ?n? cannot be read" in shown.stderr


def test_in_json_down_ends_with_a_result(tmp_path: Path) -> None:
    shown = vidmesh("down", "--json", cwd=tmp_path)
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["result"] == {"stopped": False, "data": ".vidmesh"}


def test_a_tokens_hint_asks_for_the_same_token(tmp_path: Path) -> None:
    Folder(tmp_path / "d").make()
    ensure_keys(Folder(tmp_path / "d").keys)
    shown = vidmesh("token", "--tenant", "acme", "--data", "d", cwd=tmp_path)
    assert shown.returncode == 0
    use = 'VIDMESH_TOKEN="$(vidmesh token --tenant acme --data d)" vidmesh jobs --data d'
    assert use in shown.stderr


def test_help_has_a_short_name(tmp_path: Path) -> None:
    shown = vidmesh("submit", "-h", cwd=tmp_path).stdout
    assert "Usage: vidmesh submit" in shown
    assert "<list" not in shown
