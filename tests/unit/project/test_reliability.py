"""The table of docs/reliability.md names tests that there are."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
PAGE = TESTS.parent / "docs" / "reliability.md"
PLACE = re.compile(r"(?:(?P<folder>[\w/]+)/)?(?P<file>test_\w+)(?:: (?P<names>.*))?")


def rows() -> list[tuple[int, str]]:
    """The number of each row, and what it says shows it."""
    table = PAGE.read_text().partition("## The table\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\| (\d+) \|.*\| ([^|]+) \|$", table, re.MULTILINE)
    return [(int(number), shown) for number, shown in found]


def places(shown: str) -> Iterator[tuple[str, str]]:
    """Each file that is named, and how a test in it begins."""
    folder = ""
    for part in re.split(r"[;,] (?=[\w/]*test_)", re.sub(r" \([^)]*\)|, by `.*|; [^;]*: `.*", "", shown)):
        named = PLACE.fullmatch(part)
        assert named is not None, part
        folder = named["folder"] or folder
        for name in (named["names"] or "").split(", "):
            yield f"{folder}/{named['file']}.py", name.removesuffix("...")


def test_every_row_is_there() -> None:
    assert [number for number, _ in rows()] == list(range(1, 41))


@pytest.mark.parametrize(("number", "shown"), rows())
def test_what_a_row_names_is_there(number: int, shown: str) -> None:
    named = list(places(shown))
    assert named
    for file, name in named:
        assert re.search(rf"def test_{name}", (TESTS / file).read_text()), f"{file}: {name}"
