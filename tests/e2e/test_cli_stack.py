"""The command and the mesh that it runs itself: up, down, token, doctor, demo."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.conftest import DATA, ENVIRONMENT

TALK = DATA / "grammar.flac"


class Vidmesh:
    """The command in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._env = {
            name: value for name, value in os.environ.items() if not name.startswith("VIDMESH_")
        } | ENVIRONMENT

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "vidmesh_cli", *words),
            cwd=self.folder,
            env=self._env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def __call__(self, *words: str) -> tuple[int, str, str]:
        process = await self.start(*words)
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()


@pytest.fixture
async def vidmesh(tmp_path: Path) -> AsyncIterator[Vidmesh]:
    command = Vidmesh(tmp_path)
    yield command
    await command("down")


def left_over(folder: Path) -> list[str]:
    """The command lines of processes that have anything to do with a folder."""
    lines = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            lines.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in lines if str(folder) in line]


async def test_a_mesh_in_the_background(vidmesh: Vidmesh) -> None:
    code, out, err = await vidmesh("up", "--detach", "--port", "0", "--json")
    assert code == 0, err
    *parts, last = [json.loads(line) for line in out.splitlines()]
    assert {part["part"]["name"] for part in parts} >= {"nats", "postgres", "gateway", "ingest", "query"}
    endpoint = last["result"]["endpoint"]

    code, out, err = await vidmesh("jobs")
    assert (code, out) == (0, "")
    assert "There are no jobs yet." in err

    code, out, err = await vidmesh("doctor")
    assert code == 0, out
    assert out.count("serving") == 4
    assert endpoint in out
    assert "whisper-tiny-vidmesh" in out

    code, token, _ = await vidmesh("token", "--tenant", "other", "--ttl", "5m")
    assert code == 0
    (vidmesh.folder / "token").write_text(token)
    code, out, err = await vidmesh("jobs", "--token-file", "token", "--endpoint", endpoint)
    assert (code, out) == (0, "")

    code, _, err = await vidmesh("up", "--port", "0")
    assert code == 1
    assert "Another vidmesh" in err

    port = endpoint.rsplit(":", 1)[1]
    code, _, err = await vidmesh("up", "--detach", "--port", port, "--data", "second")
    assert code == 1
    assert f"Port {port} on 127.0.0.1 is taken" in err

    code, _, err = await vidmesh("down")
    assert code == 0
    assert "Stopped in" in err
    assert left_over(vidmesh.folder) == []
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", int(port)))


async def test_a_mesh_in_the_foreground_ends_at_ctrl_c(vidmesh: Vidmesh) -> None:
    process = await vidmesh.start("up", "--port", "0", "--json")
    assert process.stdout is not None
    async for line in process.stdout:
        if b'"result"' in line:
            break
    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()
    assert process.returncode == 0, err
    assert b"Stopped." in err
    assert left_over(vidmesh.folder) == []


async def test_the_demonstration_from_a_file_to_a_cited_answer(vidmesh: Vidmesh) -> None:
    code, out, err = await vidmesh("demo", str(TALK), "--ask", "Who measured white apples?")
    assert code == 0, err
    assert "Summary (the speaker's own sentences)" in out
    assert "Chapters" in out
    assert "[1]" in out
    assert "nothing is left running" in err
    assert left_over(vidmesh.folder) == []

    code, out, err = await vidmesh("demo", str(TALK), "--json")
    assert code == 0, err
    last = json.loads(out.splitlines()[-1])["result"]
    assert last["job"]["state"] == "JOB_STATE_SUCCEEDED"
    assert last["answer"]["kind"] == "ANSWER_KIND_PASSAGES"


async def test_a_demonstration_that_is_broken_off_leaves_nothing_running(vidmesh: Vidmesh) -> None:
    process = await vidmesh.start("demo", str(TALK), "--json")
    assert process.stdout is not None
    async for line in process.stdout:
        if b'"event"' in line:
            break
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 130
    assert left_over(vidmesh.folder) == []
