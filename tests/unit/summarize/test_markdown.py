import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidmesh_summarize.markdown import Cleaner, clean


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (
            "**Bees** dance (0:33) and [fly](https://x.example/a?b=c) home.",
            "**Bees** dance (0:33) and fly home.",
        ),
        ("![pixel](http://x.example/p.png)", "pixel"),
        ("<b>bold</b> <script>alert(1)</script><img src=x onerror=y>", "bold alert(1)"),
        ("See https://x.example/path or www.x.example now", "See  or  now"),
        ("click javascript:alert(1) or mailto:a@b.c", "click  or"),
        ("[[nested](http://a.example)](http://b.example)", "nested"),
        ("<<b>script>x</script>", "x"),
        ("at [1:05] and ( 12:00 ) and (99:00)", "at (1:05) and (12:00) and"),
        ("2 < 3 and 5 > 4", "2 < 3 and 5 > 4"),
        ("a\x00b\x1b[0m \u202eevil", "ab[0m evil"),
        ("1. one\n2. two\n\n- three", "1. one\n2. two\n\n- three"),
    ],
)
def test_text_is_made_safe(written: str, shown: str) -> None:
    assert clean(written, 3600) == shown


def test_moments_beyond_the_end_go_where_the_end_is_known() -> None:
    assert clean("there (2:00:00)", 3600) == "there"
    assert clean("there (2:00:00)", 0) == "there (2:00:00)"


PIECES = st.lists(
    st.one_of(
        st.text(max_size=12),
        st.sampled_from(
            ["[", "](", ")", "<a ", ">", "https://x.example", " ", "(1:02)", "word", "使用", "\n"]
        ),
    ),
    max_size=30,
)


@given(PIECES)
def test_however_text_streams_in_it_comes_out_without_links_and_tags(pieces: list[str]) -> None:
    cleaner = Cleaner(3600)
    out = "".join([*(cleaner.feed(piece) for piece in pieces), cleaner.finish()])
    assert "https://" not in out
    assert "<a " not in out or ">" not in out.split("<a ", 1)[1]


@given(
    st.lists(
        st.sampled_from(["The bees ", "fly ", "(0:33) ", "home. ", "[a](http://x.y) ", "\n"]), max_size=20
    )
)
def test_the_size_of_the_pieces_does_not_matter(words: list[str]) -> None:
    whole = "".join(words)
    cleaner = Cleaner(3600)
    letter_by_letter = "".join([*(cleaner.feed(letter) for letter in whole), cleaner.finish()])
    assert letter_by_letter.strip() == clean(whole, 3600)


def test_settled_text_is_not_held_back() -> None:
    cleaner = Cleaner(3600)
    assert cleaner.feed("The bees fly ") == "The bees fly "
    assert cleaner.feed("[home](htt") == ""
    assert cleaner.feed("p://x.example) again") == "home "
    assert cleaner.finish() == "again"


def test_a_bracket_that_never_closes_does_not_hold_a_text_back_for_ever() -> None:
    cleaner = Cleaner(3600)
    assert cleaner.feed("(" + "so on " * 200)
