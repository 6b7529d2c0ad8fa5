import pytest

from vidmesh_query.terms import content, names, numbers, share, stem, tokens


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("carried", "carries"),
        ("boxes", "box"),
        ("stopped", "stop"),
        ("houses", "house"),
        ("seven", "7"),
        ("making", "make"),
    ],
)
def test_inflections_meet(one: str, other: str) -> None:
    assert stem(one) == stem(other)


def test_words_apart_stay_apart() -> None:
    assert len({stem(word) for word in ("lion", "line", "lime", "bus", "this", "glass")}) == 6


def test_content_leaves_out_what_says_nothing() -> None:
    assert content("What did the speaker say about the seven lions in Paris, the lion's share?") == [
        "7",
        "lion",
        "paris",
        "shar",
    ]
    assert content("What did they say about it?") == []


def test_scripts_without_blanks_are_pairs() -> None:
    assert tokens("検索する GPUの話") == ["検索", "索す", "する", "gpu", "の話"]
    assert share(content("検索"), "全文検索の話") == 1.0


def test_numbers_in_words_and_digits() -> None:
    assert numbers("Seven boxes in 1998, one of them red") == {"7", "1998"}


def test_share_counts_stems() -> None:
    assert share(content("lions carry boxes"), "A lion carried a box.") == 1.0
    assert share(content("tigers carry boxes"), "A lion carried a box.") == pytest.approx(2 / 3)
    assert share([], "anything") == 0.0


def test_names_are_words_with_capitals_inside_a_sentence() -> None:
    assert names("What did the Eiffel Tower cost in 1889?") == {"eiffel", "tower", "1889"}
    assert names("Why is that so?") == set()
