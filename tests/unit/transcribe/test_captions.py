import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidmesh_transcribe import captions, export
from vidmesh_transcribe.captions import CaptionsError
from vidmesh_transcribe.transcript import Segment

VTT = """\ufeffWEBVTT - a talk
Kind: captions

STYLE
::cue { color: red }

NOTE
00:00:00.000 is when it begins

intro
00:01.000 --> 00:03.500 align:start position:0%
<v Ada>Hello &amp; <i>welcome</i>,
everybody. 1 &lt; 2

00:00:04.000 --> 00:00:06.000
second <00:00:05.000><c.yellow>cue</c>

3
01:00:00.000 --> 01:00:02.000

00:00:07.000 --> 00:00:06.000
it ends before it begins
"""

SRT = """1
00:00:01,000 --> 00:00:02,000
{\\an8}Eins
2
00:00:02,500 --> 00:00:03,000
Zwei

3
00:00:00,100 --> 00:00:00,900
<font color="#fff">Vorher</font>
"""


def test_webvtt_without_its_markup_names_notes_and_styles() -> None:
    assert captions.read(VTT, "en") == (
        Segment(start=1.0, end=3.5, text="Hello & welcome, everybody. 1 < 2", language="en"),
        Segment(start=4.0, end=6.0, text="second cue", language="en"),
    )


def test_subrip_with_missing_blank_lines_in_order_of_time() -> None:
    assert [(segment.start, segment.end, segment.text) for segment in captions.read(SRT, "de")] == [
        (0.1, 0.9, "Vorher"),
        (1.0, 2.0, "Eins"),
        (2.5, 3.0, "Zwei"),
    ]


def test_no_words_are_invented_and_an_unknown_language_stays_unknown() -> None:
    (segment,) = captions.read("WEBVTT\n\n00:01.000 --> 00:02.000\nhi\n", "und")
    assert segment.words == ()
    assert segment.language == ""


@pytest.mark.parametrize(
    "text", ["", "WEBVTT\n", "no captions at all", "WEBVTT\n\n00:01.000 --> 00:02.000\n\n"]
)
def test_a_file_without_timed_text_is_refused(text: str) -> None:
    with pytest.raises(CaptionsError, match="no timed text"):
        captions.read(text, "en")


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        segments = captions.read(text, "en")
    except CaptionsError:
        return
    assert all(segment.text and segment.end > segment.start for segment in segments)


def test_captions_are_gathered_into_windows_that_follow_each_other() -> None:
    segments = [Segment(start=10.0 * n, end=10.0 * n + 5, text=str(n)) for n in range(1, 8)]
    gathered = list(captions.windows(segments, length=30))
    assert [(window.index, window.start, window.end) for window, _ in gathered] == [
        (0, 0.0, 30.0),
        (1, 30.0, 60.0),
        (2, 60.0, 75.0),
    ]
    assert [segment.text for _, held in gathered for segment in held] == list("1234567")


def test_what_is_exported_can_be_read_again() -> None:
    segments = (
        Segment(start=1.0, end=3.0, text="a < b && c --> d <i>", language="en"),
        Segment(start=4.0, end=5.0, text="naïve café", language="en"),
    )
    assert captions.read("".join(export.vtt(segments)), "en") == segments
