"""What reaches a terminal, a pipe and a file."""

import contextlib
import io
import os
import pty
from collections.abc import Callable

import pytest
from rich.console import Console

from vidmesh.events.v1.summarize_events_pb2 import SummaryDelta
from vidmesh.ingest.v1.ingest_service_pb2 import WatchJobResponse
from vidmesh_cli.output import Output
from vidmesh_cli.view.job import JobView
from vidmesh_cli.view.lines import Lines
from vidmesh_cli.view.screen import Screen, drawing

Story = list[WatchJobResponse]


def drawn(view: JobView, *, width: int = 100) -> list[str]:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=True, color_system=None, legacy_windows=False
    )
    console.print(drawing(view, console, now=0.0))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined] # a StringIO


def all_of(terminal: int) -> str:
    """Read what was written to a terminal; one read gives no more than a page of it."""
    os.set_blocking(terminal, False)
    read = b""
    with contextlib.suppress(BlockingIOError):
        while True:
            read += os.read(terminal, 1 << 16)
    return read.decode()


async def test_off_a_terminal_text_and_messages_are_plain_lines_on_their_own_streams(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    output, view = Output(json_lines=False), JobView(job_id="job-1")
    async with Lines(output) as lines:
        for message in story:
            for news in view.apply(message):
                lines.tell(news)
    shown = capsys.readouterr()

    assert shown.out.splitlines() == [
        "   0:00  Hello bees.",
        "   0:09  Goodbye.",
        "",
        "Summary (the speaker's own sentences)",
        "Bees are greeted.",
        "",
        "Chapters",
        "   0:00  Bees",
        "         They are greeted.",
    ]
    told = shown.err.splitlines()
    assert told[0] == "A talk (0:20, 1.3 MB)"
    assert "note: A lesser recogniser was taken." in told
    assert "ingest: done  0:20  6.7x  took 3.0 s  2 windows" in told
    assert told[-1] == "Done in 17 s."
    assert not any(char < " " and char != "\n" for char in shown.out + shown.err)


def test_a_terminal_shows_a_line_for_each_stage(
    story: Story, progress: Callable[[float, float], WatchJobResponse]
) -> None:
    view = JobView(job_id="job-1")
    for message in [*story[:7], progress(12.0, 4.0), story[8]]:
        list(view.apply(message))

    assert drawn(view)[1:] == [
        "✓  ingest      ━━━━━━━━━━━━━━━━━━━━━━━━━━━━       0:20  6.7x  took 3.0 s  2 windows",
        "⠋  transcribe  ━━━━━━━━━━━━━━━━╸             0:12/0:20  4.0x  2.0 s left  recognising",
        "·  summarize                                                              waiting",
        "⠋  index       ━━━━━━━━━━━━╸                 0:09/0:20                    1 passage",
    ]
    assert all(len(line) <= 60 for line in drawn(view, width=60))


def test_a_terminal_shows_the_end_of_the_summary_that_is_being_written(
    story: Story, tell: Callable[..., WatchJobResponse]
) -> None:
    view = JobView(job_id="job-1")
    for message in [*story[:12], tell(summary_delta=SummaryDelta(text="word " * 200 + "and the end"))]:
        list(view.apply(message))
    lines = drawn(view)

    assert len(lines) <= 14
    assert any(line.endswith("and the end") for line in lines)


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}])
async def test_on_a_terminal_the_transcript_scrolls_above_the_stages(
    story: Story, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr("sys.stdout", terminal)
        monkeypatch.setattr("sys.stderr", terminal)
        output, view = Output(json_lines=False), JobView(job_id="job-1")
        async with Screen(output, view) as screen:
            for message in story:
                for news in view.apply(message):
                    screen.tell(news)
        terminal.flush()
        shown = all_of(ours)
    os.close(ours)

    order = ["Hello bees.", "Goodbye.", "Bees are greeted.", "Chapters", "✓", "Done in 17 s."]
    places = [shown.rindex(text) for text in order]
    assert places == sorted(places)
    assert shown.count("Hello bees.") == 1
    assert "\x1b[?25h" in shown[shown.rindex("\x1b[?25l") :]
    assert ("\x1b[36m" in shown) is not bool(variables)
