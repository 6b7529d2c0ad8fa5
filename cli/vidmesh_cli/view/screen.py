"""A job on a terminal: what comes scrolls by above, and below it stay a line for each stage and the summary being written."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from vidmesh_cli.entry import Entry
from vidmesh_cli.output import Output
from vidmesh_cli.printable import one_line, printable
from vidmesh_cli.view.job import JobView
from vidmesh_cli.view.lines import entries
from vidmesh_cli.view.news import Divided, Ended, Heard, Moved, News, Notice, Opened, Summarized
from vidmesh_cli.view.rows import ended_line, how_far, how_fast, how_long, opened_line
from vidmesh_cli.view.stage import StageView, State

EVERY = 0.1
"""Seconds between two drawings: often enough to be at once for the eye, seldom enough to cost little."""
DRAFT_LINES = 6
BAR = 28
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_GLYPHS = {State.WAITING: "·", State.DONE: "✓", State.FAILED: "✗", State.CANCELLED: "■"}
_PLAIN_GLYPHS = {State.WAITING: ".", State.DONE: "+", State.FAILED: "x", State.CANCELLED: "-"}
_STYLES = {
    State.WAITING: "dim",
    State.RUNNING: "cyan",
    State.DONE: "green",
    State.FAILED: "bold red",
    State.CANCELLED: "yellow",
}


class Screen:
    """Draws at most every tenth of a second, however fast the news come."""

    def __init__(self, output: Output, job: JobView, *, label: str = "") -> None:
        self._output = output
        self._job = job
        self._label = label
        self._pending: list[RenderableType] = []
        self._live = Live(
            console=output.messages, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )
        self._drawing: asyncio.Task[None] | None = None
        self._closing = ""

    async def __aenter__(self) -> "Screen":
        self._live.start()
        self._drawing = asyncio.create_task(self._draw_on())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._drawing is not None:
            self._drawing.cancel()
            with suppress(asyncio.CancelledError):
                await self._drawing
        self._draw()
        self._live.stop()
        if self._closing:
            self._output.say(f"\n{self._closing}")

    def tell(self, news: News) -> None:
        """Take a piece of news to be drawn."""
        match news:
            case Opened():
                self._pending += [Text(opened_line(news), "bold"), Text()]
            case Notice():
                self._pending.append(Text.assemble(("note: ", "yellow"), printable(news.text)))
            case Ended():
                self._closing = ended_line(news, self._label)
            case Heard() | Summarized() | Divided():
                self._data(entries(news))
            case Moved():
                pass  # the stages are drawn anyway

    def _data(self, told: Iterable[Entry]) -> None:
        """Data goes above the drawing, or where standard output was sent."""
        for entry in told:
            if self._output.data.is_terminal:
                self._pending.append(entry.hung())
            else:
                self._output.show(entry)

    async def _draw_on(self) -> None:
        while True:
            self._draw()
            await asyncio.sleep(EVERY)

    def _draw(self) -> None:
        if self._pending:
            lines, self._pending = self._pending, []
            self._live.console.print(Group(*lines))
        self._live.update(drawing(self._job, self._live.console), refresh=True)


def drawing(job: JobView, console: Console, now: float | None = None) -> RenderableType:
    """The part that is drawn over: the summary being written, and a line for each stage."""
    fancy = not console.options.ascii_only
    rows = Table.grid(padding=(0, 2), expand=True)
    rows.add_column(width=1)
    rows.add_column(no_wrap=True)
    rows.add_column(width=BAR)
    for _ in ("how far", "how fast", "how long"):
        rows.add_column(justify="right", no_wrap=True)
    rows.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for stage in job.stages:
        rows.add_row(*_cells(stage, fancy=fancy, now=time.monotonic() if now is None else now))
    parts: list[RenderableType] = [Text(), rows]
    if job.draft:
        tail = Text(printable(job.draft)).wrap(console, max(20, console.width - 4))[-DRAFT_LINES:]
        parts.insert(0, Padding(Text("\n").join(tail), (1, 2, 0, 2), style="italic"))
    return Group(*parts)


def _cells(stage: StageView, *, fancy: bool, now: float) -> list[RenderableType]:
    style = _STYLES[stage.state]
    note = "waiting" if stage.state is State.WAITING else one_line(stage.note)
    return [
        Text(_glyph(stage.state, fancy=fancy, now=now), style),
        Text(stage.name, "dim" if stage.state is State.WAITING else "bold"),
        _bar(stage),
        Text(how_far(stage)),
        Text(how_fast(stage), "magenta"),
        Text(how_long(stage), "dim"),
        Text(note, "red" if stage.state is State.FAILED else "dim"),
    ]


def _glyph(state: State, *, fancy: bool, now: float) -> str:
    if state is State.RUNNING:
        frames = _SPINNER if fancy else "|/-\\"
        return frames[int(now / EVERY) % len(frames)]
    return (_GLYPHS if fancy else _PLAIN_GLYPHS)[state]


def _bar(stage: StageView) -> RenderableType:
    if stage.state is State.WAITING:
        return Text()
    return ProgressBar(
        total=1.0,
        completed=stage.fraction or 0.0,
        width=BAR,
        style="grey23",
        complete_style=_STYLES[stage.state],
        finished_style=_STYLES[stage.state],
    )
