"""The parts of the mesh on this machine while they start and stop, and its doors when it is up."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from vidmesh_cli.output import Output, animated
from vidmesh_cli.printable import one_line
from vidmesh_cli.units import span
from vidmesh_stack.events import PartState, StackEvent

_GLYPHS = {
    PartState.STARTING: ("·", ".", "cyan"),
    PartState.READY: ("✓", "+", "green"),
    PartState.CRASHED: ("!", "!", "yellow"),
    PartState.STOPPING: ("·", ".", "cyan"),
    PartState.STOPPED: ("■", "-", "dim"),
    PartState.FAILED: ("✗", "x", "bold red"),
}
_PASSING = (PartState.STARTING, PartState.STOPPING)


class PartsView:
    """Shows each part's state: on a terminal a line for each, elsewhere and in JSON a line for each change."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._states: dict[str, StackEvent] = {}
        self._live: Live | None = None
        self._streaming = False

    def begin(self) -> None:
        """Show the parts as one drawing, or as data in JSON, until `end`."""
        self._streaming = self._output.json_lines
        if animated(sys.stderr) and not self._output.json_lines:
            self._live = Live(console=self._output.messages, auto_refresh=False, redirect_stdout=False)
            self._live.start()

    def end(self) -> None:
        """From now on tell what happens to a part in a sentence."""
        self._streaming = False
        self._states = {}
        if self._live is not None:
            self._live.stop()
            self._live = None

    def tell(self, event: StackEvent) -> None:
        """Show what happened to a part."""
        self._states[event.part] = event
        if self._streaming:
            self._output.line({"part": part_dict(event)})
        elif self._live is not None:
            self._live.update(Group(*map(self._row, self._states.values())), refresh=True)
        elif event.state not in _PASSING:
            self._output.say(sentence(event))

    def _row(self, event: StackEvent) -> Text:
        fancy, plain, style = _GLYPHS[event.state]
        glyph = plain if self._output.messages.options.ascii_only else fancy
        row = Text.assemble("  ", (glyph, style), f" {event.part:<12}")
        if event.state is not PartState.READY:
            row.append(f" {event.state}", "dim")
        if event.seconds:
            row.append(f" {span(event.seconds):>7}", "dim")
        if event.detail:
            row.append(f"  {one_line(event.detail)}", style)
        return row


def sentence(event: StackEvent) -> str:
    """A part's change on one line."""
    took = f" ({span(event.seconds)})" if event.seconds else ""
    detail = f": {one_line(event.detail)}" if event.detail else ""
    return f"{event.part}: {event.state}{took}{detail}"


def part_dict(event: StackEvent) -> dict[str, object]:
    """A part's change for programs."""
    return {"name": event.part, "state": str(event.state), "detail": event.detail, "seconds": event.seconds}


def read_part(told: Mapping[str, object]) -> StackEvent:
    """Read part_dict's output back."""
    return StackEvent(
        part=str(told["name"]),
        state=PartState(str(told["state"])),
        detail=str(told["detail"]),
        seconds=float(str(told["seconds"])),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """How to get into a mesh that is up."""

    endpoint: str
    token_file: str
    logs: str
    data: str
    web: bool
    """Whether the web app was built."""

    def result(self) -> dict[str, object]:
        """Give them for programs."""
        return {"endpoint": self.endpoint, "tokenFile": self.token_file, "data": self.data, "logs": self.logs}

    def show(self, output: Output, *, took: float, stop_with: str) -> None:
        """Print them, and what to try."""
        if output.json_lines:
            return
        grid = Table.grid(padding=(0, 2))
        for name, value in (
            ("web app, gRPC, gRPC-Web, JSON" if self.web else "gRPC, gRPC-Web, JSON", self.endpoint),
            ("token", self.token_file),
            ("data", self.data),
            ("logs", self.logs),
            ("stop", stop_with),
        ):
            grid.add_row(Text(name, "dim"), Text(value, "bold" if value == self.endpoint else ""))
        header = f"vidmesh is up ({span(took)})"
        if output.messages.is_terminal:
            output.messages.print(
                Panel(grid, title=header, title_align="left", border_style="green", expand=False)
            )
        else:
            output.say(header)
            output.messages.print(grid)
        curl = f'curl -H "authorization: Bearer $(cat {self.token_file})" {self.endpoint}/v1/jobs'
        browser = f'xdg-open "{self.endpoint}/#token=$(cat {self.token_file})"'
        output.hint(
            ("vidmesh submit FILE_OR_LINK --watch", "from a video to its text, summary and chapters"),
            ('vidmesh ask "What was decided?"', "an answer with the moments it rests on"),
            (curl, "the same API in JSON"),
            *([(browser, "the web app, signed in")] if self.web else []),
        )
