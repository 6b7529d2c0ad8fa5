"""The commands, settings and tests that docs/operations.md, docs/security.md and docs/deploy.md name are there."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from vidmesh_cli.app import app

DOCS = Path(__file__).parents[3] / "docs"
PAGES = ("operations.md", "security.md", "deploy.md")


def code(page: str) -> str:
    """What a page has in backticks, a line for each."""
    text = (DOCS / page).read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    plain = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return "\n".join([*blocks, *(" ".join(one.split()) for one in re.findall(r"`([^`]+)`", plain))])


@pytest.mark.parametrize("page", PAGES)
def test_each_command_and_its_options_are_there(page: str) -> None:
    root: Any = typer.main.get_command(app)
    found = 0
    for line in code(page).splitlines():
        for words in re.findall(r"(?:^|[\s(])vidmesh ([^#<>()|&]+)", f" {line}"):
            command = root
            for word in words.split():
                if word.startswith("--"):
                    options = {name for one in command.params for name in one.opts}
                    assert word in options, f"{page}: vidmesh {words}: no {word}"
                elif below := getattr(command, "commands", None):
                    assert word in below, f"{page}: there is no `vidmesh {words}`"
                    command = below[word]
            found += 1
    assert found


@pytest.mark.parametrize("page", PAGES)
def test_each_setting_is_one(page: str) -> None:
    known = set(re.findall(r"`(VIDMESH_\w+)`", (DOCS / "configuration.md").read_text()))
    # Not settings of services: the compose file's, and those of the command and the clients.
    known |= {
        "VIDMESH_RATE",
        "VIDMESH_PORT",
        "VIDMESH_ORIGINS",
        "VIDMESH_CA",
        "VIDMESH_TOKEN",
        "VIDMESH_CRASH_AT",
    }
    assert set(re.findall(r"VIDMESH_\w+", (DOCS / page).read_text())) <= known


def test_each_promise_names_tests_that_are_there() -> None:
    rows = re.findall(
        r"^\| ([^|*]+) \| [^|]+ \| ([^|]+) \|$", (DOCS / "security.md").read_text(), re.MULTILINE
    )
    promises = {
        promise: told for promise, told in rows if promise not in {"promise", "who"} and "test_" in told
    }
    assert len(promises) > 20
    for told in promises.values():
        for path in re.findall(r"\w+(?:/\w+)*/test_\w+", told):
            assert (DOCS.parent / "tests" / f"{path}.py").is_file(), path


def test_no_promise_is_without_a_test() -> None:
    promised = (DOCS / "security.md").read_text().partition("## What is promised")[2].partition("\n## ")[0]
    rows = [line for line in promised.splitlines() if line.startswith("| ")][1:]
    for row in rows:
        *_, told = (cell.strip() for cell in row.strip("|").split("|"))
        assert "/test_" in told or row.startswith("| **"), row
