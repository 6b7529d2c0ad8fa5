"""Captions: whatever format they come in, plain WebVTT in order of time comes out."""

import pysubs2
import pytest

from vidmesh_ingest.captions import end_of, has_cues, read_captions, to_vtt

EXPECTED = "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\nHello\nyou\n\n2\n00:00:03.000 --> 00:00:04.500\nWorld & all\n\n"


@pytest.mark.parametrize(
    "text",
    [
        "WEBVTT\n\nNOTE a note\n\n00:03.000 --> 00:04.500 align:start\nWorld & all\n\n00:01.000 --> 00:02.000\n<v Ann>Hello</v>\n<i>you</i>\n",
        "1\n00:00:01,000 --> 00:00:02,000\n<font color=red>Hello</font>\n{\\an8}you\n\n2\n00:00:03,000 --> 00:00:04,500\nWorld & all\n",
        (
            "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
            "Dialogue: 0,0:00:03.00,0:00:04.50,Default,,0,0,0,,World & all\n"
            "Comment: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,not shown\n"
            "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\b1}Hello{\\b0}\\Nyou\n"
        ),
    ],
)
def test_every_format_becomes_the_same(text: str) -> None:
    assert read_captions(text) == EXPECTED


def test_empty_cues_are_left_out() -> None:
    cues = pysubs2.SSAFile()
    cues.append(pysubs2.SSAEvent(start=0, end=1000, text="{\\an8} \\N "))
    assert not has_cues(to_vtt(cues))
    assert has_cues(EXPECTED)
    assert end_of(EXPECTED) == 4.5
    assert end_of("WEBVTT\n\n") == 0


@pytest.mark.parametrize("text", ["", "<!doctype html>", "no subtitles here"])
def test_what_are_no_subtitles_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no subtitles"):
        read_captions(text)
