from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tests import media

SOUND = media.speech(8)
"""The first two sentences."""


def heard(path: Path) -> media.Samples:
    """What a decoder makes of the file at 16 kHz mono."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=media.RATE)
    with av.open(str(path)) as container:
        frames = [
            part.to_ndarray()[0] for frame in container.decode(audio=0) for part in resampler.resample(frame)
        ]
    return np.concatenate([*frames, *(part.to_ndarray()[0] for part in resampler.resample(None))])


def loudness(sound: media.Samples) -> NDArray[np.float64]:
    """The deviation of each tenth of a second."""
    tenth = media.RATE // 10
    whole = sound[: len(sound) // tenth * tenth].reshape(-1, tenth).astype(np.float64)
    deviation: NDArray[np.float64] = whole.std(axis=1)
    return deviation


def seconds(packet: "av.Packet[Any]") -> float:
    """When the packet is to be played."""
    assert packet.pts is not None
    assert packet.time_base is not None
    return float(packet.pts * packet.time_base)


@pytest.mark.parametrize("suffix", media.SOUND_CODECS)
def test_every_container_carries_the_sound(tmp_path: Path, suffix: str) -> None:
    sound = heard(media.write(tmp_path / f"talk{suffix}", SOUND))
    assert len(sound) / media.RATE == pytest.approx(8, abs=0.15)
    length = min(len(sound), len(SOUND))
    assert np.corrcoef(loudness(sound[:length]), loudness(SOUND[:length]))[0, 1] > 0.9


@pytest.mark.parametrize("suffix", media.PICTURE_CODECS)
def test_every_video_has_pictures_beside_its_sound(tmp_path: Path, suffix: str) -> None:
    path = media.write(tmp_path / f"talk{suffix}", SOUND, picture=True)
    with av.open(str(path)) as container:
        assert len(container.streams.audio) == 1
        pictures = sum(1 for _ in container.decode(video=0))
    assert pictures == 8 * media.PICTURES_PER_SECOND


def test_sound_and_pictures_alternate_in_the_file(tmp_path: Path) -> None:
    path = media.write(tmp_path / "talk.mkv", SOUND, picture=True)
    with av.open(str(path)) as container:
        times = [seconds(packet) for packet in container.demux() if packet.pts is not None]
    assert max(abs(later - sooner) for sooner, later in pairwise(times)) < 3


@pytest.mark.parametrize("index_first", [False, True])
def test_the_index_of_an_mp4_lies_where_it_was_asked_for(tmp_path: Path, index_first: bool) -> None:
    content = media.write(tmp_path / "talk.mp4", SOUND, picture=True, index_first=index_first).read_bytes()
    assert (content.index(b"moov") < content.index(b"mdat")) is index_first


def test_captions_come_back_with_their_times_and_language(tmp_path: Path) -> None:
    lines = media.said()[:2]
    path = media.write(tmp_path / "talk.mkv", SOUND, picture=True, captions=lines, language="ger")
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        assert stream.metadata["language"] == "ger"
        assert [bytes(packet).decode() for packet in packets] == [line.text for line in lines]
        starts = [seconds(packet) for packet in packets]
    assert starts == pytest.approx([line.start for line in lines], abs=0.002)


def test_a_video_can_lack_sound(tmp_path: Path) -> None:
    path = media.write(tmp_path / "mute.mp4", None, seconds=3)
    with av.open(str(path)) as container:
        assert not container.streams.audio
        assert sum(1 for _ in container.decode(video=0)) == 3 * media.PICTURES_PER_SECOND


def test_the_speech_is_where_its_description_says() -> None:
    sound, lines = np.abs(media.speech().astype(np.int32)), media.said()
    ends = [0.0, *(line.end for line in lines)]
    for line, end in zip(lines, ends, strict=False):
        assert sound[int(line.start * media.RATE) : int(line.end * media.RATE)].max() > 3000
        assert sound[int((end + 0.1) * media.RATE) : int((line.start - 0.1) * media.RATE)].max() < 300


def test_noise_and_silence_are_as_loud_as_asked() -> None:
    assert not media.silence(2).any()
    assert media.noise(2, level=0.1).std() / 32767 == pytest.approx(0.1, rel=0.02)


def test_broken_files_cannot_be_opened(tmp_path: Path) -> None:
    whole = media.write(tmp_path / "whole.mp4", SOUND, picture=True)
    for path in (
        media.truncated(tmp_path / "cut.mp4", whole),
        media.empty(tmp_path / "empty.mp4"),
        media.impostor(tmp_path / "letter.mp4"),
    ):
        with pytest.raises(av.FFmpegError):
            av.open(str(path))


def test_a_broken_off_matroska_file_still_plays_its_start(tmp_path: Path) -> None:
    whole = media.write(tmp_path / "whole.mkv", SOUND, picture=True)
    sound = heard(media.truncated(tmp_path / "cut.mkv", whole, share=0.6))
    assert 2 < len(sound) / media.RATE < 7
