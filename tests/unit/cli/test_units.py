import pytest

from vidmesh_cli.printable import one_line, printable
from vidmesh_cli.units import amount, clock, counted, size, span, speed


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (62.4, "1:02"), (59.99, "0:59"), (3723, "1:02:03"), (-1, "0:00")]
)
def test_a_place_in_a_video(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.84, "0.8 s"), (13.2, "13 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s"), (4200, "1 h 10 min")],
)
def test_how_long_something_takes(seconds: float, shown: str) -> None:
    assert span(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(812, "812 B"), (4_100_000, "4.1 MB"), (3_200_000_000, "3.2 GB"), (5e15, "5000.0 TB")],
)
def test_an_amount_of_bytes(count: float, shown: str) -> None:
    assert size(count) == shown


@pytest.mark.parametrize(
    ("done", "total", "unit", "shown"),
    [
        (62, 168, "seconds", "1:02/2:48"),
        (62, 0, "seconds", "1:02"),
        (1_200_000, 4_100_000, "bytes", "1.2/4.1 MB"),
        (1_200_000, 0, "bytes", "1.2 MB"),
        (3, 5, "sections", "3/5 sections"),
        (1, 0, "passages", "1 passage"),
        (2, 0, "", "2"),
    ],
)
def test_how_far_something_has_come(done: float, total: float, unit: str, shown: str) -> None:
    assert amount(done, total, unit) == shown


@pytest.mark.parametrize(
    ("rate", "unit", "shown"),
    [
        (8.34, "seconds", "8.3x"),
        (145.2, "seconds", "145x"),
        (2_100_000, "bytes", "2.1 MB/s"),
        (0.42, "sections", "0.4 sections/s"),
        (0, "seconds", ""),
    ],
)
def test_how_fast_something_goes(rate: float, unit: str, shown: str) -> None:
    assert speed(rate, unit) == shown


def test_one_thing_and_several() -> None:
    assert [counted(count, "windows") for count in (0, 1, 2)] == ["0 windows", "1 window", "2 windows"]


def test_foreign_text_gives_the_terminal_no_orders() -> None:
    assert printable("a\x1b[2Jb\u202egpj.exe\x07\r") == "a�[2Jb�gpj.exe��"
    assert printable("two\nlines\tand ünïcödé 漢字 🎬") == "two\nlines\tand ünïcödé 漢字 🎬"
    assert len(printable("x\x1by")) == 3
    assert one_line("  a\n b\x00\t c ") == "a b� c"
