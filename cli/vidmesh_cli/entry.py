"""A piece of text with what stands before it: a time, a number."""

from dataclasses import dataclass, field

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One or more lines whose continuations stand under their text, not under what leads them."""

    lead: Text = field(default_factory=Text)
    body: Text = field(default_factory=Text)

    def flat(self) -> Text:
        """Give it on one line, as it is for who cuts lines by himself."""
        return Text.assemble(self.lead, self.body)

    def hung(self) -> RenderableType:
        """Give it for a terminal."""
        if not self.lead:
            return self.body
        grid = Table.grid()
        grid.add_column(width=self.lead.cell_len, no_wrap=True)
        grid.add_column()
        grid.add_row(self.lead, self.body)
        return grid


def plain(text: str = "", style: str = "") -> Entry:
    """Give text that nothing leads."""
    return Entry(body=Text(text, style))


def timed(time: str, body: Text) -> Entry:
    """Give text that a time leads, the times of several one under the other."""
    return Entry(lead=Text(f"{time:>7}  ", "cyan"), body=body)
