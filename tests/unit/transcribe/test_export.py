import re
from itertools import pairwise

import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidmesh_transcribe import export
from vidmesh_transcribe.cues import COLUMNS, LONGEST, cues
from vidmesh_transcribe.transcript import Segment, Word


def spoken(text: str, start: float, pace: float = 0.4) -> Segment:
    words = tuple(
        Word(start=start + pace * n, end=start + pace * (n + 1), text=word)
        for n, word in enumerate(text.split())
    )
    return Segment(start=start, end=words[-1].end, text=text, words=words)


TALK = (
    spoken("The lions carried seven red boxes in Paris.", 0.5),
    spoken(
        "On Monday the farmers painted nine golden books, and after that, because nobody had told them to stop, "
        "they went on with the ladders, the mirrors and the umbrellas.",
        4.0,
    ),
    Segment(start=3700.25, end=3702.0, text="R&D: 1 < 2 --> <b>true</b>"),
)


def test_subrip() -> None:
    assert "".join(export.srt(TALK)) == (
        "1\n00:00:00,500 --> 00:00:03,700\nThe lions carried seven\nred boxes in Paris.\n\n"
        "2\n00:00:04,000 --> 00:00:07,200\nOn Monday the farmers\npainted nine golden books,\n\n"
        "3\n00:00:07,200 --> 00:00:11,200\nand after that, because\nnobody had told them to stop,\n\n"
        "4\n00:00:11,200 --> 00:00:15,600\nthey went on with the ladders,\nthe mirrors and the umbrellas.\n\n"
        "5\n01:01:40,250 --> 01:01:42,000\nR&D: 1 < 2 --\u2060> <\u2060b>true<\u2060/b>\n\n"
    )


def test_webvtt() -> None:
    assert "".join(export.vtt(TALK[::2])) == (
        "WEBVTT\n\n"
        "00:00:00.500 --> 00:00:03.700\nThe lions carried seven\nred boxes in Paris.\n\n"
        "01:01:40.250 --> 01:01:42.000\nR&amp;D: 1 &lt; 2 --&gt; &lt;b&gt;true&lt;/b&gt;\n\n"
    )


def test_plain_text_has_a_paragraph_for_each_pause() -> None:
    assert "".join(export.txt(TALK)) == f"{TALK[0].text} {TALK[1].text}\n\n{TALK[2].text}\n"


def test_an_empty_transcript_is_an_empty_file() -> None:
    assert "".join(export.srt(())) == ""
    assert "".join(export.vtt(())) == "WEBVTT\n\n"
    assert "".join(export.txt(())) == ""


def test_a_long_paragraph_ends_with_a_sentence() -> None:
    segments = [
        Segment(start=n, end=n + 1, text="word " * 30 + ("end." if n % 2 else "and")) for n in range(12)
    ]
    paragraphs = "".join(export.txt(segments)).strip().split("\n\n")
    assert len(paragraphs) == 3
    assert all(paragraph.endswith("end.") for paragraph in paragraphs)


def test_writing_from_right_to_left_and_without_spaces() -> None:
    arabic = "ذهبت الأسود إلى باريس يوم الاثنين وحملت سبعة صناديق حمراء، ثم عادت إلى البيت."
    chinese = "狮子们在巴黎搬了七个红色的箱子，农民们星期一画了九本金色的书，然后他们都回家了，因为没有人告诉他们要停下来。"  # noqa: RUF001 - Chinese commas
    segments = (Segment(start=0, end=6, text=arabic), Segment(start=6, end=20, text=chinese))
    read = pysubs2.SSAFile.from_string("".join(export.vtt(segments)), format_="vtt")
    assert "".join(event.plaintext for event in read if event.start >= 6000).replace("\n", "") == chinese
    assert " ".join(event.plaintext.replace("\n", " ") for event in read if event.start < 6000) == arabic
    assert not any(line.startswith(("，", "。")) for event in read for line in event.plaintext.split("\n"))  # noqa: RUF001


@pytest.mark.parametrize(
    ("seconds", "clock"), [(0.0004, "00:00:00,000"), (59.9996, "00:01:00,000"), (360_000.5, "100:00:00,500")]
)
def test_the_clock(seconds: float, clock: str) -> None:
    assert (
        "".join(export.srt([Segment(start=seconds, end=seconds + 5, text="x")])).split("\n")[1].split(" ")[0]
        == clock
    )


texts = st.lists(
    st.text(alphabet="abc äß狮子.,!?<>&-{}\\\u0301", min_size=1, max_size=60), min_size=1, max_size=30
).map(" ".join)


@st.composite
def transcripts(draw: st.DrawFn) -> list[Segment]:
    segments = []
    clock = 0.0
    for text in draw(st.lists(texts, max_size=4)):
        start = clock + draw(st.floats(min_value=0, max_value=3))
        clock = start + draw(st.floats(min_value=0, max_value=30))
        timed = draw(st.booleans())
        step = (clock - start) / max(1, len(text.split()))
        words = tuple(
            Word(start=start + step * n, end=start + step * (n + 1), text=word)
            for n, word in enumerate(text.split())
        )
        segments.append(Segment(start=start, end=clock, text=text, words=words if timed else ()))
    return segments


@given(transcripts())
def test_cues_are_readable_in_order_and_lose_nothing(segments: list[Segment]) -> None:
    made = list(cues(segments))
    squeezed = "".join("".join(cue.lines) for cue in made)
    assert re.sub(r"\s", "", squeezed) == re.sub(r"\s", "", "".join(segment.text for segment in segments))
    for cue in made:
        assert 1 <= len(cue.lines) <= 2
        assert cue.end > cue.start
    for one, other in pairwise(made):
        assert one.end <= other.start


@given(transcripts())
def test_both_formats_are_read_by_another_reader(segments: list[Segment]) -> None:
    count = len(list(cues(segments)))
    for name, pieces in (("srt", export.srt(segments)), ("vtt", export.vtt(segments))):
        assert len(pysubs2.SSAFile.from_string("".join(pieces), format_=name)) == count


def test_no_line_is_wider_than_a_screen_takes() -> None:
    text = "https://example.org/" + "a-very-long-path/" * 9 + " is what she said, " + "and so on " * 20
    for cue in cues([spoken(text, 0.0, pace=0.3)]):
        assert all(len(line) <= COLUMNS for line in cue.lines)
        assert cue.end - cue.start <= LONGEST + 0.001
