from hypothesis import given
from hypothesis import strategies as st

from vidmesh_query.highlight import CLOSE, OPEN, Marked, excerpt, unmark
from vidmesh_query.moment import Span


def marked(text: str) -> Marked:
    return unmark(text.replace("[", OPEN).replace("]", CLOSE))


def shown(one: Marked) -> list[str]:
    return [one.text[span.begin : span.end] for span in one.spans]


def test_marks_become_ranges() -> None:
    one = marked("the [lions] carried [seven] boxes")
    assert one.text == "the lions carried seven boxes"
    assert shown(one) == ["lions", "seven"]


def test_marks_that_do_not_match_do_no_harm() -> None:
    assert shown(marked("a [b] c] [d")) == ["b", "d"]
    assert shown(marked("[] a [[b]")) == ["b"]


def test_markup_in_the_text_stays_text() -> None:
    one = marked("<b>not</b> a [tag]")
    assert one == Marked(text="<b>not</b> a tag", spans=(Span(begin=13, end=16),))


def test_an_excerpt_keeps_what_matters_and_its_ranges() -> None:
    one = marked("start " + "filler " * 60 + "the [lions] carried [boxes] " + "filler " * 60)
    short = excerpt(one, one.spans[0], 120)
    assert len(short.text) <= 126
    assert short.text.startswith("… ")
    assert short.text.endswith(" …")
    assert shown(short) == ["lions", "boxes"]
    assert excerpt(marked("short [text]"), Span(begin=6, end=10), 120) == marked("short [text]")


@given(st.text(alphabet="ab []", max_size=60), st.integers(5, 40))
def test_ranges_always_lie_in_the_text(text: str, width: int) -> None:
    one = marked(text)
    around = one.spans[0] if one.spans else Span(begin=0, end=0)
    for checked in (one, excerpt(one, around, width)):
        ends = [0, *(place for span in checked.spans for place in (span.begin, span.end)), len(checked.text)]
        assert ends == sorted(ends)
        assert all(span.begin < span.end for span in checked.spans)
