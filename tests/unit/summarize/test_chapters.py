import time
from itertools import pairwise

import pytest

from tests.unit.summarize.talks import repeated, spoken
from vidmesh_summarize.chapters import SHORTEST, Chapter, bounds, chapters
from vidmesh_summarize.transcript import Segment

STARTS = [0.0, 27.5, 110.8, 191.7, 274.7, 355.6]
"""Seconds at which the talk's paragraphs begin: a greeting, four topics, a farewell."""


@pytest.mark.parametrize("bare", [False, True], ids=["punctuated", "bare"])
def test_chapters_begin_where_topics_do(bare: bool) -> None:
    found = chapters(spoken(bare=bare), "en")
    assert [one.start for one in found] == pytest.approx(STARTS, abs=1)


@pytest.mark.parametrize("bare", [False, True], ids=["punctuated", "bare"])
def test_chapters_are_titled_by_what_is_said_in_them(bare: bool) -> None:
    found = chapters(spoken(bare=bare), "en")
    for one, word in zip(found, ("bees", "colony", "langstroth hive", "honey", "mites", "club"), strict=True):
        assert word in one.title.lower()
        assert one.title[0].isupper()
        assert one.gist[0].isupper()
        assert one.gist.endswith((".", "?", "!"))


def test_chapters_can_be_given_to_players() -> None:
    for times in (1, 4):
        found = chapters(repeated(spoken(), times), "en", duration=5000)
        assert found[0].start == 0
        assert found[-1].end == 5000
        assert all(one.end - one.start >= SHORTEST for one in found)
        assert all(left.end == right.start for left, right in pairwise(found))


def test_the_number_of_chapters_is_bounded_by_the_length() -> None:
    assert [bounds(minutes * 60) for minutes in (0.5, 3, 10, 60, 600)] == [
        (1, 1),
        (2, 5),
        (3, 8),
        (6, 15),
        (16, 34),
    ]
    for times in (1, 3, 10):
        segments = repeated(spoken(), times)
        fewest, most = bounds(segments[-1].end)
        assert fewest <= len(chapters(segments, "en")) <= most


def test_the_same_words_always_give_the_same_chapters() -> None:
    assert chapters(spoken(), "en") == chapters(spoken(), "en")


def test_hardly_anything_said() -> None:
    assert chapters([], "en") == []
    assert chapters([Segment(start=3, end=4, text=" ")], "en") == []
    assert chapters([Segment(start=3, end=4, text="windmills")], "en", 60) == [
        Chapter(start=0, end=60, title="Windmills", gist="")
    ]
    only_stops = chapters(
        [Segment(start=at * 9.0, end=at * 9.0 + 5, text="and so it is.") for at in range(30)], "en"
    )
    assert all(one.title.startswith("Part ") for one in only_stops)


@pytest.mark.parametrize(
    ("language", "topics", "words"),
    [
        (
            "de",
            [
                "Die Biene fliegt zur Blüte. Jede Biene sammelt Nektar. Der Bienenstock ist voller Honig. Honig und Nektar. ",
                "Das Brot braucht Mehl. Der Teig ruht im Warmen. Die Hefe treibt den Teig. Mehl und Hefe im Teig. ",
            ],
            ("biene", "teig"),
        ),
        (
            "zh",
            [
                "蜜蜂在花园里采蜜。蜜蜂回到蜂箱。蜂箱里有蜂蜜。蜜蜂很勤劳。",
                "面包需要面粉。面团要发酵。酵母让面团变大。面包出炉了。",
            ],
            ("蜜蜂", "面"),
        ),
    ],
)
def test_other_languages(language: str, topics: list[str], words: tuple[str, str]) -> None:
    segments = [
        Segment(start=at * 30.0, end=at * 30.0 + 29, text=topic)
        for at, topic in enumerate([topics[0]] * 3 + [topics[1]] * 3)
    ]
    found = chapters(segments, language)
    assert any(abs(one.start - 90) < 1 for one in found)
    assert words[0] in found[0].title.lower()
    assert words[1] in found[-1].title.lower()


def test_ten_hours_take_seconds() -> None:
    segments = repeated(spoken(), 100)
    begun = time.process_time()
    found = chapters(segments, "en")
    assert time.process_time() - begun < 20
    assert 16 <= len(found) <= 34
