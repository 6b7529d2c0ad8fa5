"""Files are read by a process that may die: what ends it ends the reading with a reason, and nothing else."""

import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

from tests import media as files
from tests import mutants
from vidmesh_ingest.decoder import Decoder
from vidmesh_ingest.growing import GrowingFile, ReadingStoppedError
from vidmesh_ingest.media import MediaLimits
from vidmesh_ingest.reason import Reason, SourceError

LIMITS = MediaLimits(max_seconds=600)


@pytest.fixture
def half(tmp_path: Path) -> GrowingFile:
    """A file of which half is there, and more is to come."""
    data = files.write(tmp_path / "a.wav", files.speech(20)).read_bytes()
    (tmp_path / "half.wav").write_bytes(data[: len(data) // 2])
    file = GrowingFile(tmp_path / "half.wav")
    file.grown(len(data) // 2, len(data))
    return file


def read(file: GrowingFile, limits: MediaLimits) -> None:
    with Decoder(file, limits) as decoder:
        decoder.open()
        list(decoder.sound())


def refusal(file: GrowingFile, limits: MediaLimits = LIMITS) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read(file, limits)
    return caught.value


def test_sound_and_captions_come_as_they_are(tmp_path: Path) -> None:
    lines = [files.Line(start=1, end=2, text="Hello.")]
    path = files.write(tmp_path / "a.mkv", files.speech(10), captions=lines)
    with Decoder(GrowingFile.whole(path), LIMITS) as decoder:
        opening = decoder.open()
        sound = np.concatenate(list(decoder.sound()))
    assert (opening.type.name, opening.has_subtitles) == ("audio/x-matroska", True)
    assert abs(len(sound) - 10 * files.RATE) < files.RATE / 5
    assert [(track.language, "Hello." in track.vtt) for track in decoder.captions] == [("eng", True)]
    assert decoder.warning == ""


def test_a_file_that_kills_its_reader_is_at_fault_and_the_next_is_read(
    tmp_path: Path, half: GrowingFile
) -> None:
    with Decoder(half, LIMITS) as decoder:
        decoder.open()
        assert decoder._process is not None
        os.kill(decoder._process.pid, signal.SIGSEGV)
        with pytest.raises(SourceError, match="SIGSEGV") as caught:
            list(decoder.sound())
    assert caught.value.reason is Reason.CORRUPT_MEDIA
    with Decoder(GrowingFile.whole(tmp_path / "a.wav"), LIMITS) as decoder:
        decoder.open()
        assert sum(map(len, decoder.sound())) == 20 * files.RATE


def test_a_fault_of_vidmesh_is_none_of_the_file(half: GrowingFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vidmesh_ingest.decoder.CHILD", "vidmesh_ingest.no_such_module")
    with Decoder(half, LIMITS) as decoder, pytest.raises(ChildProcessError):
        decoder.open()


def test_a_file_that_asks_for_all_memory_is_at_fault(tmp_path: Path) -> None:
    """Where the rate of its samples is not looked at, each block of this file becomes two thousand megabytes."""
    path = tmp_path / "bomb.flac"
    path.write_bytes(mutants.flac(1, 40))
    assert path.stat().st_size < 1000
    error = refusal(GrowingFile.whole(path), MediaLimits(max_seconds=1e9, rates=(1, 1_000_000)))
    assert error.reason is Reason.CORRUPT_MEDIA
    assert refusal(GrowingFile.whole(path)).message == "Its sound has 1 samples a second."


def test_a_file_that_leads_nowhere_is_given_up(tmp_path: Path) -> None:
    """Behind the last of its sound are 400 MB in which the demuxer looks for more, byte by byte."""
    path = tmp_path / "a.mkv"
    path.write_bytes(mutants.seed("mkv", tmp_path).data)
    os.truncate(path, 400 << 20)
    error = refusal(GrowingFile.whole(path), MediaLimits(max_seconds=600, processor=0.1))
    assert (error.reason, error.message) == (
        Reason.CORRUPT_MEDIA,
        "Reading it leads nowhere and was given up.",
    )


def test_what_the_file_failed_with_is_raised(half: GrowingFile) -> None:
    with Decoder(half, LIMITS) as decoder:
        decoder.open()
        threading.Timer(0.1, half.fail, [SourceError(Reason.SOURCE_BROKEN_OFF, "It broke off.")]).start()
        with pytest.raises(SourceError, match="It broke off"):
            list(decoder.sound())


def test_it_stops_at_once(half: GrowingFile) -> None:
    with Decoder(half, LIMITS) as decoder:
        decoder.open()

        def stop() -> None:
            half.stop()
            decoder.stop()

        threading.Timer(0.1, stop).start()
        with pytest.raises(ReadingStoppedError):
            list(decoder.sound())
