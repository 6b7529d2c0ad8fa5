"""What is written of findings: the table, the page, the pictures; findings here are made up."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bench import page, table
from bench.finding import as_json, from_json
from bench.listing import LISTED, TITLES, choose
from bench.measurement import Figure, Finding, Plot, Series, Size, figure
from bench.number import quantity, readable, span
from bench.outcome import Outcome, merge, read
from bench.plot import svg
from bench.scale import fitted

PLOT = Plot(
    name="wave",
    title="A wave & its <crest>",
    x="s",
    y="m",
    series=(
        Series(name="low", x=(0.0, 1.0, 2.0), y=(0.0, 2.0, 1.0)),
        Series(name="high", x=(0.0, 2.0), y=(1.0, 4.0)),
    ),
)
FINDING = Finding(
    number=4,
    title="Memory",
    method="One\n  against another.",
    figures=(
        figure("long over short", 1.043, at_most=1.1),
        figure("speed", 9.5, "times", at_least=10),
        figure("a | b", 1234.5, "MB"),
    ),
    notes=("It grows here.",),
    plots=(PLOT,),
    raw={"all": [1, 2]},
)


def outcome(finding: Finding | None = FINDING, *, name: str = "memory", error: str = "") -> Outcome:
    return Outcome(
        name=name,
        number=4,
        size=Size.FULL,
        day="2026-11-21",
        seconds=61.2,
        finding=finding,
        error=error,
    )


def test_what_is_asked_is_told_with_whether_it_is_met() -> None:
    long, speed, free = FINDING.figures
    assert (long.target, long.met) == ("at most 1.1", True)
    assert (speed.target, speed.met) == ("at least 10", False)
    assert (free.target, free.met) == ("", None)
    assert outcome().missed


def test_every_measure_has_a_row_whatever_was_found() -> None:
    found = list(table.rows([outcome(), outcome(None, name="other", error="no\nmemory")]))
    assert [row.number for row in found] == [1, 2, 3, 4, 4, 4, 5, 6, 7, 8, 9, 10, 11]
    assert [row.figure for row in found[:2]] == ["not measured", "not measured"]
    assert [(row.value, row.asked, row.met) for row in found[3:6]] == [
        ("1.043", "at most 1.1", "yes"),
        ("9.5 times", "at least 10", "no"),
        ("", "", "no"),
    ]
    assert found[5].figure == "other failed: no\nmemory"
    text = table.markdown(found)
    assert len(text.split("\n")) == len(found) + 2
    assert all(line.count(" |") == 6 for line in text.split("\n")[2:])


def test_the_table_is_drawn_for_a_terminal() -> None:
    console = Console(width=120, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115 - the console's own
    console.print(table.drawn(list(table.rows([outcome()]))))
    text = console.export_text()
    assert "long over short" in text
    assert "at most 1.1" in text


def test_the_page_tells_the_machine_and_keeps_what_was_written_by_hand(tmp_path: Path) -> None:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "notes.md").write_text("## By hand\n\nSlow.\n")
    (tmp_path / "benchmarks" / "old.svg").write_text("<svg/>")
    failed = outcome(None, name="search", error="it fell")
    page.write(tmp_path, [outcome(), failed], {"Processor": "a | b", "Python": "3.11"})
    text = (tmp_path / "benchmarks.md").read_text()
    for wanted in (
        "| Processor | a \\| b |",
        "| Measured | 2026-11-21 |",
        "## 4. Memory\n\n**Memory.** One against another.",
        "| a \\| b | 1,234 MB |  |  |",
        "- It grows here.",
        "![A wave & its <crest>](benchmarks/wave.svg)",
        "Repeat it: `vidmesh bench memory` (took 1 min 1 s).",
        "It failed: it fell",
        "## 10. On a GPU\n\nNot measured here.",
        "## By hand\n\nSlow.",
    ):
        assert wanted in text, wanted
    links = [f"(#{table.anchor(number, title)})" for number, title in TITLES.items()]
    assert all(link in text for link in links)
    assert sorted(path.name for path in (tmp_path / "benchmarks").iterdir()) == ["notes.md", "wave.svg"]
    before = (tmp_path / "benchmarks" / "wave.svg").read_bytes()
    page.write(tmp_path, [outcome(), failed], {"Processor": "a | b", "Python": "3.11"})
    assert (tmp_path / "benchmarks.md").read_text() == text
    assert (tmp_path / "benchmarks" / "wave.svg").read_bytes() == before


def test_a_page_without_any_finding_says_so(tmp_path: Path) -> None:
    page.write(tmp_path, [], {})
    assert "| Measured | never |" in (tmp_path / "benchmarks.md").read_text()


def test_later_outcomes_take_the_place_of_earlier_ones_of_the_same_name_and_size(tmp_path: Path) -> None:
    path = tmp_path / "build" / "results.json"
    assert read(path, Size.FULL) == {}
    merge(path, [outcome(), outcome(None, name="search", error="it fell")], {"Python": "3.11"})
    merge(path, [outcome(None, error="it fell too")], {"Python": "3.12"})
    assert read(path, Size.FULL) == {
        "memory": outcome(None, error="it fell too"),
        "search": outcome(None, name="search", error="it fell"),
    }
    assert read(path, Size.SMOKE) == {}
    assert json.loads(path.read_text())["machine"] == {"Python": "3.12"}


def test_a_finding_is_the_same_through_json() -> None:
    assert from_json(as_json(FINDING)) == FINDING
    odd = Figure(name="nothing", value=float("nan"), unit="")
    with pytest.raises(ValueError, match="not JSON compliant"):
        as_json(Finding(number=1, title="", method="", figures=(odd,)))


@pytest.mark.parametrize(
    ("value", "text"),
    [(12345.6, "12,346"), (87.44, "87.4"), (1.0432, "1.043"), (2.0, "2"), (0.00213, "0.00213"), (0, "0")],
)
def test_numbers_have_the_digits_that_mean_something(value: float, text: str) -> None:
    assert readable(value) == text
    assert quantity(value, "") == text
    assert quantity(value, "s") == f"{text} s"


def test_spans_are_in_minutes_from_one_on() -> None:
    assert (span(59.4), span(185.2)) == ("59 s", "3 min 5 s")


def parsed(picture: str) -> ET.Element:
    return ET.fromstring(picture)


NAME = "{http://www.w3.org/2000/svg}"


def test_a_picture_has_its_texts_as_text_and_a_line_for_each_series() -> None:
    picture = parsed(svg(PLOT))
    texts = [element.text for element in picture.iter(f"{NAME}text")]
    assert {"A wave & its <crest>", "s", "m", "low", "high", "0", "4"} <= set(texts)
    lines = [element.get("points", "") for element in picture.iter(f"{NAME}polyline")]
    assert [len(points.split()) for points in lines] == [3, 2]
    assert len(list(picture.iter(f"{NAME}circle"))) == 5
    assert "prefers-color-scheme:dark" in svg(PLOT)


def test_stairs_have_no_dots() -> None:
    stairs = Plot(
        name="s", title="s", x="", y="", series=(Series(name="s", x=(0.0, 1.0, 1.0), y=(0.0, 0.0, 1.0)),)
    )
    assert not list(parsed(svg(stairs)).iter(f"{NAME}circle"))


@given(
    st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=20),
    st.booleans(),
)
def test_every_value_has_its_place_within_the_axis(values: list[float], log: bool) -> None:
    axis = fitted(values, begin=70, end=740, log=log)
    assert all(70 - 1e-6 <= axis.place(value) <= 740 + 1e-6 for value in values)
    ticks = axis.ticks()
    assert 2 <= len(ticks) <= 17
    places = [axis.place(value) for value, _ in ticks]
    assert places == sorted(places)
    assert all(70 - 1e-6 <= place <= 740 + 1e-6 for place in places)


def test_an_axis_of_nothing_is_one() -> None:
    assert fitted([], begin=0, end=1, log=True).ticks() == [(1.0, "1"), (10.0, "10")]
    assert fitted([0.0], begin=0, end=1, log=False).ticks()[0] == (0, "0")


def test_measurements_are_chosen_by_name_or_number() -> None:
    assert choose([]) == LISTED
    assert [listed.name for listed in choose(["4", "first_segment"])] == ["first_segment", "memory"]
    with pytest.raises(LookupError, match="there is no measurement 'speed'; there are first_segment"):
        choose(["speed"])
    assert {listed.number for listed in LISTED} <= set(TITLES)
    # All of them together fit into little more than an hour.
    assert sum(listed.limit for listed in LISTED) <= 4200
