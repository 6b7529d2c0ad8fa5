"""What people see while measurements run: a line for each on a terminal, else a line for each thing said."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bench.listing import Listed
from bench.number import span
from bench.outcome import Outcome


class Screen:
    """The measurements of one run and how each stands."""

    def __init__(self, chosen: Sequence[Listed], console: Console) -> None:
        self._console = console
        self._said = {listed.name: "" for listed in chosen}
        self._began: dict[str, float] = {}
        self._done: dict[str, Outcome] = {}

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Drawn while this is entered, where it can be drawn over."""
        if not self._console.is_terminal:
            yield
            return
        with Live(get_renderable=self.drawn, console=self._console, refresh_per_second=4):
            yield

    def begin(self, name: str) -> None:
        """A measurement begins."""
        self._began[name] = time.monotonic()
        self.say(name, "starting")

    def say(self, name: str, text: str) -> None:
        """A measurement says what goes on."""
        self._said[name] = text
        if not self._console.is_terminal:
            self._console.print(f"{name}: {text}", soft_wrap=True)

    def end(self, outcome: Outcome) -> None:
        """A measurement has ended."""
        self._done[outcome.name] = outcome
        if outcome.error:
            self.say(outcome.name, f"failed: {outcome.error}")
        else:
            self.say(outcome.name, f"done in {span(outcome.seconds)}")

    def drawn(self) -> Table:
        """How all stand now."""
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for name, said in self._said.items():
            table.add_row(self._sign(name), Text(name), Text(self._time(name), "dim"), Text(said, "dim"))
        return table

    def _sign(self, name: str) -> Text:
        if name in self._done:
            good = not self._done[name].missed
            return Text("✓" if good else "✗", "green" if good else "bold red")
        return Text("▸", "bold yellow") if name in self._began else Text("·", "dim")

    def _time(self, name: str) -> str:
        if name in self._done:
            return span(self._done[name].seconds)
        return span(time.monotonic() - self._began[name]) if name in self._began else ""
