"""The command against the real mesh: what it prints, where, and what it ends with."""

import asyncio
import json
import os
import pty
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import media
from tests.e2e.conftest import DATA, Mesh

TALK = DATA / "grammar.flac"


class Shown:
    """What a run of the command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def lines(self) -> list[Any]:
        """Standard output as JSON, a line each."""
        return [json.loads(line) for line in self.out.splitlines()]


class Vidmesh:
    """The command, told by its environment which mesh to talk to."""

    def __init__(self, mesh: Mesh, tenant: str, folder: Path) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("VIDMESH_")}
        self.env = clean | {"VIDMESH_ENDPOINT": mesh.endpoint, "VIDMESH_TOKEN": mesh.token(tenant)}
        self.folder = folder

    async def start(self, *words: str, **options: Any) -> asyncio.subprocess.Process:
        pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "vidmesh_cli",
            *words,
            cwd=self.folder,
            **{"env": self.env, **pipes, **options},
        )

    async def __call__(self, *words: str, **env: str) -> Shown:
        process = await self.start(*words, env=self.env | env)
        out, err = await process.communicate()
        return Shown(process.returncode or 0, out.decode(), err.decode())


@pytest.fixture
def lecture(tmp_path: Path) -> str:
    """A file of some minutes: its job cannot have ended before a test has done something to it."""
    return str(media.write(tmp_path / "lecture.flac", np.tile(media.speech(), 6)))


@pytest.fixture
def vidmesh(mesh: Mesh, tenant: str, tmp_path: Path) -> Vidmesh:
    return Vidmesh(mesh, tenant, tmp_path)


async def test_a_file_is_submitted_watched_read_and_asked(vidmesh: Vidmesh) -> None:
    watched = await vidmesh("submit", str(TALK), "--watch")
    assert watched.code == 0, watched.err
    assert "Summary (the speaker's own sentences)" in watched.out
    assert "Chapters" in watched.out
    for stage in ("ingest", "transcribe", "summarize", "index"):
        assert f"\n{stage}: done" in watched.err
    assert "Next:" in watched.err
    assert not any(char < " " and char != "\n" for char in watched.out + watched.err)

    [job] = (await vidmesh("jobs", "--json")).lines
    assert job["state"] == "JOB_STATE_SUCCEEDED"
    video = job["videoId"]

    plain = await vidmesh("transcript", video[:13])
    said = [line.strip().split("  ", 1)[1] for line in plain.out.splitlines()]
    assert said
    assert all(f"  {text}\n" in watched.out for text in said)
    for form, sign in (("srt", " --> "), ("vtt", "WEBVTT"), ("txt", said[0]), ("json", '"segments"')):
        assert sign in (await vidmesh("transcript", video, "--format", form)).out
    *segments, last = (await vidmesh("transcript", video, "--follow", "--json")).lines
    assert [segment["segment"]["text"] for segment in segments] == said
    assert last["result"]["engine"] == "faster-whisper"

    summary = await vidmesh("summary", video)
    assert summary.out.strip() in watched.out
    [chapter, *_] = (await vidmesh("chapters", video, "--json")).lines
    assert chapter["title"] in watched.out

    word = max(said[0].split(), key=len).strip(".,")
    found = await vidmesh("search", word, "--video", video, "--limit", "1")
    assert found.out.count(video) == 1
    assert word in found.out
    answer = await vidmesh("ask", f"What about {word}?", "--json")
    assert answer.code == 0
    final = answer.lines[-1]["result"]
    assert final["citations"][0]["videoId"] == video
    assert "[1]" in (await vidmesh("ask", f"What about {word}?")).out

    assert (await vidmesh("delete", video)).code == 2
    assert (await vidmesh("delete", video, "--yes")).code == 0
    gone = await vidmesh("transcript", video)
    assert (gone.code, gone.out) == (1, "")
    assert "(NOT_FOUND)" in gone.err


async def test_in_json_a_watch_is_its_events_and_then_the_result(vidmesh: Vidmesh) -> None:
    submitted = await vidmesh("submit", str(TALK), "--json", "--watch")
    first, *events, last = submitted.lines
    assert submitted.code == 0
    assert first["job"]["id"] == last["result"]["id"]
    assert last["result"]["state"] == "JOB_STATE_SUCCEEDED"
    sequences = [int(event["event"]["sequence"]) for event in events]
    assert sequences == sorted(set(sequences))

    again = await vidmesh("submit", str(TALK))
    assert again.out.strip() == first["job"]["id"]
    assert "known already" in again.err

    middle = sequences[len(sequences) // 2]
    rest = await vidmesh("watch", first["job"]["id"], "--after", str(middle), "--json")
    facts = [
        event["event"]["id"]
        for event in events
        if "number" in event["event"] and int(event["event"]["sequence"]) > middle
    ]
    assert [line["event"]["id"] for line in rest.lines[:-1] if "number" in line["event"]] == facts


async def test_a_job_that_fails_tells_why_and_what_to_do(vidmesh: Vidmesh) -> None:
    (vidmesh.folder / "talk.mp4").write_text("not a film")
    failed = await vidmesh("submit", "talk.mp4", "--watch")
    assert failed.code == 5
    assert "(NOT_MEDIA)" in failed.err
    assert "what to do: Give an mp4" in failed.err

    (vidmesh.folder / "empty.mp4").touch()
    empty = await vidmesh("submit", "empty.mp4", "--json")
    assert empty.code == 1
    assert json.loads(empty.err)["error"]["reason"] == "EMPTY_FILE"


async def test_a_token_that_is_not_valid_is_not_let_in(vidmesh: Vidmesh) -> None:
    refused = await vidmesh("jobs", VIDMESH_TOKEN="nonsense")
    assert (refused.code, refused.out) == (4, "")
    assert "(UNAUTHENTICATED)" in refused.err
    assert "vidmesh token" in refused.err


async def test_ctrl_c_leaves_the_job_running_and_says_how_to_come_back(
    vidmesh: Vidmesh, lecture: str
) -> None:
    process = await vidmesh.start("submit", lecture, "--watch", "--json")
    assert process.stdout is not None
    for _ in range(3):
        await process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, _ = await process.communicate()
    assert process.returncode == 130
    assert b'"result"' not in out

    [job] = (await vidmesh("jobs", "--json")).lines
    left = await vidmesh.start("watch", job["id"])
    left.send_signal(signal.SIGINT)
    await left.communicate()
    back = await vidmesh("watch", job["id"][:13])
    assert back.code == 0
    assert "Done in" in back.err


async def test_a_cancelled_job_can_be_retried_to_its_end(vidmesh: Vidmesh, lecture: str) -> None:
    job = (await vidmesh("submit", lecture)).out.strip()
    cancelled = await vidmesh("cancel", job)
    assert cancelled.code == 0, cancelled.err
    assert (await vidmesh("watch", job)).code == 3
    [again] = (await vidmesh("retry", job, "--json")).lines
    assert again["run"] == 2
    assert (await vidmesh("watch", job)).code == 0


async def test_whoever_stops_reading_does_no_harm(vidmesh: Vidmesh) -> None:
    await vidmesh("submit", str(TALK), "--watch")
    [job] = (await vidmesh("jobs", "--json")).lines
    shell = f"{sys.executable} -m vidmesh_cli transcript {job['videoId']} --json | head -c 1; exit ${{PIPESTATUS[0]}}"
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", shell, env=vidmesh.env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    _, err = await process.communicate()
    assert b"Traceback" not in err
    assert b"Broken pipe" not in err


async def test_on_a_terminal_the_stages_are_drawn_over(vidmesh: Vidmesh) -> None:
    ours, theirs = pty.openpty()
    process = await vidmesh.start(
        "submit",
        str(TALK),
        "--watch",
        env=vidmesh.env | {"TERM": "xterm-256color"},
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = await asyncio.to_thread(_all_of, ours)
    assert await process.wait() == 0
    last = shown[shown.rindex("\x1b[2K") :]
    assert all(stage in last for stage in ("ingest", "transcribe", "summarize", "index"))
    assert last.count("✓") == 4
    assert "\x1b[?25h" in last


def _all_of(terminal: int) -> str:
    """What is written to a terminal until nobody has it open any more, which reading it tells as an error."""
    read = b""
    with os.fdopen(terminal, "rb", buffering=0) as file:
        while True:
            try:
                read += file.read(1 << 16)
            except OSError:
                return read.decode()


async def test_an_api_key_is_made_used_and_ended(vidmesh: Vidmesh) -> None:
    made = await vidmesh("keys", "create", "nightly import", "--scope", "read", "--ttl", "90d")
    assert made.code == 0, made.err
    secret = made.out.strip()
    assert secret.startswith("vmk_")
    assert (await vidmesh("jobs", VIDMESH_TOKEN=secret)).code == 0
    assert (await vidmesh("submit", str(TALK), VIDMESH_TOKEN=secret)).code == 4
    listed = await vidmesh("keys", "list")
    assert "nightly import" in listed.out
    assert secret.rpartition("_")[2] not in listed.out
    assert (await vidmesh("keys", "revoke", secret.split("_")[1][:8])).code == 0
    refused = await vidmesh("jobs", VIDMESH_TOKEN=secret)
    assert refused.code == 4
    assert "UNAUTHENTICATED" in refused.err
    assert "revoked" in (await vidmesh("keys", "list")).out
