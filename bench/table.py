"""All that is asked and what was found, in one table: a row for each figure that something is asked of."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from bench.listing import TITLES
from bench.number import quantity
from bench.outcome import Outcome

HEADINGS = ("", "measure", "figure", "value", "asked", "met")
STYLES = {"yes": "green", "no": "bold red"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table."""

    number: int
    title: str
    figure: str
    value: str
    asked: str
    met: str
    """yes, no, or empty where nothing is asked or known."""


def rows(outcomes: Collection[Outcome]) -> Iterator[Row]:
    """The rows of all numbered measures, those too of which nothing was found."""
    for number, title in TITLES.items():
        there = [outcome for outcome in outcomes if outcome.number == number]
        if not there:
            yield Row(number=number, title=title, figure="not measured", value="", asked="", met="")
        for outcome in there:
            yield from _rows(outcome, title)


def _rows(outcome: Outcome, title: str) -> Iterator[Row]:
    number = outcome.number
    if outcome.finding is None:
        failed = f"{outcome.name} failed: {outcome.error}"
        yield Row(number=number, title=title, figure=failed, value="", asked="", met="no")
        return
    asked = [figure for figure in outcome.finding.figures if figure.target]
    if not asked:
        told = outcome.finding.notes[0] if outcome.finding.notes else "nothing is asked"
        yield Row(number=number, title=title, figure=told, value="", asked="", met="")
    for figure in asked:
        yield Row(
            number=number,
            title=title,
            figure=figure.name,
            value=quantity(figure.value, figure.unit),
            asked=figure.target,
            met={True: "yes", False: "no", None: ""}[figure.met],
        )


def markdown(table: Collection[Row]) -> str:
    """The table for a page."""
    lines = ["| # | measure | figure | value | asked | met |", "|---|---|---|---:|---|---|"]
    before = 0
    for row in table:
        first = row.number != before
        before = row.number
        lead = (str(row.number), f"[{row.title}](#{anchor(row.number, row.title)})") if first else ("", "")
        met = "**no**" if row.met == "no" else row.met
        cells = (*lead, cell(row.figure), row.value, row.asked, met)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def anchor(number: int, title: str) -> str:
    """What a link within the page calls the heading of a measure."""
    kept = "".join(char for char in f"{number}. {title}".lower() if char.isalnum() or char in " -")
    return kept.replace(" ", "-")


def cell(text: str) -> str:
    """A text that stays in its cell."""
    return " ".join(text.split()).replace("|", "\\|")


def drawn(table: Collection[Row]) -> Table:
    """The table for a terminal."""
    made = Table(*HEADINGS, box=None, header_style="bold", pad_edge=False)
    made.columns[3].justify = "right"
    before = 0
    for row in table:
        first = row.number != before
        before = row.number
        lead = (str(row.number), row.title) if first else ("", "")
        cells = (*lead, row.figure, row.value, row.asked)
        made.add_row(*(Text(text) for text in cells), Text(row.met, STYLES.get(row.met, "")))
    return made
