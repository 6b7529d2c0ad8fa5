import io
import json
from dataclasses import asdict

import pytest

from vidmesh_transcribe import frames
from vidmesh_transcribe.frames import Frame
from vidmesh_transcribe.language import Hearing
from vidmesh_transcribe.recognizer import Choice, Engine, Options
from vidmesh_transcribe.transcript import Segment, Word

ENGINE = Engine(
    name="faster-whisper", model="small", revision="abc", languages=("en", "de"), folder="models/small"
)


def through(body: object) -> object:
    return json.loads(json.dumps(body))


@pytest.mark.parametrize(
    "options",
    [Options(), Options(choice=Choice.POCKETSPHINX, threads=2, settled=ENGINE)],
)
def test_options_come_through(options: Options) -> None:
    frame = frames.read(io.BytesIO(frames.opening(options).encoded()))
    assert frame is not None
    assert frames.options_of(frame.body) == options


def test_what_a_recogniser_says_comes_through() -> None:
    segment = Segment(
        start=0.5, end=1.0, text="hé", words=(Word(start=0.5, end=1.0, text="hé", probability=0.25),)
    )
    hearing = Hearing(speech=3.0, language="fr", probability=0.75)
    assert frames.engine_of(through(asdict(ENGINE))) == ENGINE  # type: ignore[arg-type]
    assert frames.segment_of(through(asdict(segment))) == segment  # type: ignore[arg-type]
    assert frames.hearing_of(through(asdict(hearing))) == hearing  # type: ignore[arg-type]


def test_frames_follow_each_other() -> None:
    sent = [Frame("recognize", {"language": "en"}, b"\0\1" * 50), Frame("done", {"resident": 5})]
    pipe = io.BytesIO(b"".join(frame.encoded() for frame in sent))
    assert [frames.read(pipe), frames.read(pipe), frames.read(pipe)] == [*sent, None]


@pytest.mark.parametrize("cut", [3, 10, 30])
def test_a_frame_that_is_cut_off_is_the_end(cut: int) -> None:
    encoded = Frame("recognize", {"language": "en"}, b"\0" * 20).encoded()
    assert frames.read(io.BytesIO(encoded[:cut])) is None


@pytest.mark.parametrize(
    "garbage", [b"\xff" * 16, frames.HEADER.pack(2, 0) + b"[]", frames.HEADER.pack(3, 0) + b"{{{"]
)
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - a pipe that is broken has no better words
        frames.read(io.BytesIO(garbage))
