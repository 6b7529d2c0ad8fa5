"""docs/benchmarks.md: what was measured on which machine, how, and what was found."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from bench import table
from bench.listing import TITLES
from bench.measurement import Finding
from bench.number import quantity, span
from bench.outcome import Outcome
from bench.plot import svg

_INTRODUCTION = """\
# Measurements

`make bench` takes all of these, on any machine, and writes this page anew; `vidmesh bench NAME` takes one (`--write` puts it in its
place here). Each is a ratio against the raw library or a peer in the same run, or a limit. Absolute times are this machine's alone.
"""


def write(docs: Path, outcomes: Collection[Outcome], machine: Mapping[str, str]) -> None:
    """Write benchmarks.md and the pictures beside it into the folder of the docs."""
    pictures = docs / "benchmarks"
    pictures.mkdir(parents=True, exist_ok=True)
    notes = pictures / "notes.md"
    text = "\n".join(_page(outcomes, machine))
    (docs / "benchmarks.md").write_text(text + (f"\n{notes.read_text()}" if notes.exists() else ""))
    wanted = set()
    for outcome in outcomes:
        for plot in outcome.finding.plots if outcome.finding else ():
            wanted.add(f"{plot.name}.svg")
            (pictures / f"{plot.name}.svg").write_text(svg(plot))
    for path in pictures.glob("*.svg"):
        if path.name not in wanted:
            path.unlink()


def _page(outcomes: Collection[Outcome], machine: Mapping[str, str]) -> Iterator[str]:
    yield _INTRODUCTION
    days = sorted({outcome.day for outcome in outcomes})
    yield "| machine | |\n|---|---|"
    yield from (f"| {name} | {table.cell(text)} |" for name, text in machine.items())
    yield f"| Measured | {' to '.join(dict.fromkeys((days[0], days[-1]))) if days else 'never'} |\n"
    yield table.markdown(list(table.rows(outcomes))) + "\n"
    for number, title in TITLES.items():
        there = [outcome for outcome in outcomes if outcome.number == number]
        yield f"## {number}. {title}\n"
        if not there:
            yield "Not measured here.\n"
        for outcome in there:
            yield from _section(outcome)


def _section(outcome: Outcome) -> Iterator[str]:
    command = f"Repeat it: `vidmesh bench {outcome.name}` (took {span(outcome.seconds)})."
    if outcome.finding is None:
        yield f"It failed: {table.cell(outcome.error)}\n\n{command}\n"
        return
    finding = outcome.finding
    yield f"**{finding.title}.** {' '.join(finding.method.split())}\n"
    yield from _figures(finding)
    yield from (f"- {' '.join(note.split())}" for note in finding.notes)
    if finding.notes:
        yield ""
    yield from (f"![{plot.title}](benchmarks/{plot.name}.svg)\n" for plot in finding.plots)
    yield f"{command}\n"


def _figures(finding: Finding) -> Iterator[str]:
    if not finding.figures:
        return
    yield "| figure | value | asked | met |\n|---|---:|---|---|"
    for figure in finding.figures:
        met = {True: "yes", False: "**no**", None: ""}[figure.met]
        value = quantity(figure.value, figure.unit)
        yield f"| {table.cell(figure.name)} | {value} | {figure.target} | {met} |"
    yield ""
