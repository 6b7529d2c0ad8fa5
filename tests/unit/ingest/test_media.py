"""Media files of every kind: read to their sound, also while they grow; what is none is refused with its reason."""

import random
import subprocess
import threading
import wave
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from tests import media as files
from vidmesh_ingest.container import has_late_index
from vidmesh_ingest.growing import GrowingFile, ReadingStoppedError
from vidmesh_ingest.media import MediaLimits, open_media
from vidmesh_ingest.reason import Reason, SourceError
from vidmesh_ingest.windows import RATE, Samples

LIMITS = MediaLimits(max_seconds=600)
CONTAINERS = [".mp4", ".m4a", ".mkv", ".webm", ".ogg", ".mp3", ".flac", ".wav"]


def ffmpeg(*arguments: object) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True)


def sound_of(file: GrowingFile, limits: MediaLimits = LIMITS) -> Samples:
    with open_media(file, limits) as media:
        return np.frombuffer(b"".join(media.sound()), np.int16)


def grow(path: Path, data: bytes, file: GrowingFile, step: int = 4096) -> threading.Thread:
    def write() -> None:
        with path.open("ab", buffering=0) as target:
            for at in range(0, len(data), step):
                target.write(data[at : at + step])
                file.grown(at + len(data[at : at + step]), len(data))
        file.finish()

    thread = threading.Thread(target=write)
    thread.start()
    return thread


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_every_container_gives_its_sound_whole_and_growing(tmp_path: Path, suffix: str) -> None:
    path = files.write(
        tmp_path / f"a{suffix}", files.speech(10), picture=suffix in files.PICTURE_CODECS, index_first=True
    )
    whole = sound_of(GrowingFile.whole(path))
    assert abs(len(whole) - 10 * RATE) < RATE / 5
    partial = tmp_path / "growing"
    partial.touch()
    file = GrowingFile(partial)
    writer = grow(partial, path.read_bytes(), file)
    growing = sound_of(file)
    writer.join()
    # An MP3 tells the padding at its end by its size, which is not known while it grows.
    assert np.array_equal(growing[: len(whole)], whole)
    assert len(growing) - len(whole) < RATE / 10


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".flac", ".wav", ".mp3"])
def test_sound_is_had_before_the_file_is_all_there(tmp_path: Path, suffix: str) -> None:
    path = files.write(
        tmp_path / f"a{suffix}", files.speech(), picture=suffix in files.PICTURE_CODECS, index_first=True
    )
    data = path.read_bytes()
    partial = tmp_path / "growing"
    partial.write_bytes(data[: len(data) // 2])
    file = GrowingFile(partial)
    file.grown(len(data) // 2, len(data))
    with open_media(file, LIMITS) as media:
        sound = media.sound()
        assert sum(len(next(sound)) for _ in range(20)) > 0
        file.stop()
        with pytest.raises(ReadingStoppedError):
            list(sound)


def test_an_index_at_the_end_is_waited_for(tmp_path: Path) -> None:
    late = files.write(tmp_path / "late.mp4", files.speech(5), picture=True)
    early = files.write(tmp_path / "early.mp4", files.speech(5), picture=True, index_first=True)
    assert has_late_index(GrowingFile.whole(late))
    assert not has_late_index(GrowingFile.whole(early))
    partial = tmp_path / "growing"
    partial.touch()
    file = GrowingFile(partial)
    writer = grow(partial, late.read_bytes(), file, step=500)
    assert len(sound_of(file)) > 4 * RATE
    writer.join()


def test_a_download_that_fails_fails_the_reading(tmp_path: Path) -> None:
    data = files.write(tmp_path / "a.wav", files.speech(5)).read_bytes()
    partial = tmp_path / "growing"
    partial.write_bytes(data[: len(data) // 2])
    file = GrowingFile(partial)
    file.grown(len(data) // 2, len(data))
    file.fail(SourceError(Reason.SOURCE_BROKEN_OFF, "broken off"))
    with pytest.raises(SourceError, match="broken off"):
        sound_of(file)


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("empty.mp4", b"", Reason.EMPTY_FILE),
        ("text.mp4", b"This is no video at all. " * 1000, Reason.NOT_MEDIA),
        ("list.mp4", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", Reason.NOT_MEDIA),
        ("list.wav", b"ffconcat version 1.0\nfile '/etc/hostname'\n", Reason.NOT_MEDIA),
        ("page.mp4", b"<!doctype html><title>x</title>" * 100, Reason.NOT_MEDIA),
        (
            "mpd.mp4",
            b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>' * 5,
            Reason.NOT_MEDIA,
        ),
        ("picture.mp4", b"\x89PNG\r\n\x1a\n" + bytes(2000), Reason.NOT_MEDIA),
        ("file.pdf", b"%PDF-1.7\n" * 500, Reason.NOT_MEDIA),
        ("headless.mp4", b"\0\0\0\x20ftypisom\0\0\2\0" + bytes(20_000), Reason.CORRUPT_MEDIA),
        ("headless.mkv", b"\x1a\x45\xdf\xa3" + bytes(20_000), Reason.CORRUPT_MEDIA),
    ],
)
def test_what_is_no_media_is_refused(tmp_path: Path, name: str, data: bytes, reason: Reason) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(SourceError) as caught:
        sound_of(GrowingFile.whole(path))
    assert caught.value.reason is reason


def test_random_bytes_are_no_media(tmp_path: Path) -> None:
    path = tmp_path / "noise.mp3"
    dice = np.random.default_rng(1)
    for _ in range(20):
        path.write_bytes(b"\0" + dice.bytes(100_000))
        with pytest.raises(SourceError) as caught:
            sound_of(GrowingFile.whole(path))
        assert caught.value.reason in {Reason.NOT_MEDIA, Reason.CORRUPT_MEDIA}


def test_a_playlist_makes_nothing_else_be_read(tmp_path: Path) -> None:
    secret = files.write(tmp_path / "secret.wav", files.speech(3))
    for name, text in [
        ("a.m3u8", f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{secret}\n#EXT-X-ENDLIST\n"),
        ("a.ffconcat", f"ffconcat version 1.0\nfile '{secret}'\n"),
        ("a.mp4", f"#EXTM3U\n#EXTINF:3,\nfile://{secret}\n"),
    ]:
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(SourceError) as caught:
            sound_of(GrowingFile.whole(path))
        assert caught.value.reason is Reason.NOT_MEDIA


def test_a_film_without_sound_says_so(tmp_path: Path) -> None:
    path = files.write(tmp_path / "a.mp4", None, seconds=2)
    with pytest.raises(SourceError) as caught:
        sound_of(GrowingFile.whole(path))
    assert caught.value.reason is Reason.NO_AUDIO


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".flac", ".webm"])
def test_a_file_that_breaks_off_gives_what_there_is_and_a_warning(tmp_path: Path, suffix: str) -> None:
    path = files.write(
        tmp_path / f"a{suffix}", files.speech(30), picture=suffix in files.PICTURE_CODECS, index_first=True
    )
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    with open_media(GrowingFile.whole(path), LIMITS) as media:
        seconds = sum(len(block) for block in media.sound()) / (2 * RATE)
        assert 8 < seconds < 25
        assert media.warning.startswith("The file breaks off at 0:")
        assert media.warning.endswith(" of 0:30.")


# The second makes frames of a kind that cannot be converted.
@pytest.mark.parametrize("seed", [0, 12])
def test_damage_in_the_middle_is_left_out_and_told(tmp_path: Path, seed: int) -> None:
    path = files.write(tmp_path / "a.mp4", files.speech(30), index_first=True)
    data = bytearray(path.read_bytes())
    at = len(data) // 2
    data[at : at + len(data) // 4] = random.Random(seed).randbytes(len(data) // 4)
    path.write_bytes(data)
    with open_media(GrowingFile.whole(path), LIMITS) as media:
        seconds = sum(len(block) for block in media.sound()) / (2 * RATE)
        assert seconds > 15
        assert media.warning


@pytest.mark.parametrize("suffix", [".mp4", ".ogg", ".wav"])
def test_what_is_too_long_is_refused(tmp_path: Path, suffix: str) -> None:
    path = files.write(tmp_path / f"a{suffix}", files.speech(10))
    with pytest.raises(SourceError, match="0:05") as caught:
        sound_of(GrowingFile.whole(path), MediaLimits(max_seconds=5))
    assert caught.value.reason is Reason.TOO_LONG


def test_a_length_that_is_not_told_is_cut_off_where_it_is_reached(tmp_path: Path) -> None:
    path = files.write(tmp_path / "a.wav", files.speech(10))
    file = GrowingFile(path)
    file.grown(path.stat().st_size)
    with open_media(file, MediaLimits(max_seconds=5)) as media:
        assert media.seconds is None
        with pytest.raises(SourceError) as caught:
            list(media.sound())
    assert caught.value.reason is Reason.TOO_LONG


def test_sound_that_begins_late_keeps_its_place(tmp_path: Path) -> None:
    files.write(tmp_path / "tone.wav", np.full(3 * RATE, 8000, np.int16))
    files.write(tmp_path / "film.mp4", None, seconds=5)
    ffmpeg(
        "-i",
        tmp_path / "film.mp4",
        "-itsoffset",
        "2",
        "-i",
        tmp_path / "tone.wav",
        "-c:v",
        "copy",
        tmp_path / "a.mkv",
    )
    sound = sound_of(GrowingFile.whole(tmp_path / "a.mkv"))
    loud = np.flatnonzero(np.abs(sound) > 4000)
    assert abs(loud[0] / RATE - 2) < 0.1
    assert abs(len(sound) / RATE - 5) < 0.1


def test_sound_with_a_hole_keeps_its_place(tmp_path: Path) -> None:
    tone = np.full(6 * RATE, 8000, np.int16)
    files.write(tmp_path / "tone.wav", tone)
    ffmpeg(
        "-i",
        tmp_path / "tone.wav",
        "-af",
        "aselect='not(between(t,2,4))'",
        "-c:a",
        "pcm_s16le",
        tmp_path / "a.mkv",
    )
    sound = sound_of(GrowingFile.whole(tmp_path / "a.mkv"))
    assert abs(len(sound) / RATE - 6) < 0.1
    assert not sound[int(2.2 * RATE) : int(3.8 * RATE)].any()
    assert sound[int(4.2 * RATE) :].all()


def test_many_channels_at_another_rate_become_one(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(np.full((44_100, 2), 1000, "<i2").tobytes())
    sound = sound_of(GrowingFile.whole(path))
    assert abs(len(sound) - RATE) < 10
    assert sound.dtype == np.int16
    assert abs(int(np.median(sound)) - 1000) < 20


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".mkv", "srt"), (".mkv", "ass"), (".mp4", "mov_text"), (".webm", "webvtt")]
)
def test_subtitles_of_every_kind_become_captions(tmp_path: Path, suffix: str, codec: str) -> None:
    lines = [
        files.Line(start=1, end=2, text="Hello <i>you</i>."),
        files.Line(start=3.5, end=5, text="World."),
    ]
    (tmp_path / "a.srt").write_text(files.subrip(lines))
    sound = files.write(tmp_path / "a.ogg", files.speech(6))
    path = tmp_path / f"a{suffix}"
    more = ["-c:a", "aac"] if suffix == ".mp4" else ["-c:a", "copy"]
    ffmpeg(
        "-i", sound, "-i", tmp_path / "a.srt", *more, "-c:s", codec, "-metadata:s:s:0", "language=eng", path
    )
    with open_media(GrowingFile.whole(path), LIMITS) as media:
        assert media.promises_captions
        list(media.sound())
        (captions,) = media.captions()
        assert captions.language == "eng"
        assert captions.track().vtt == (
            "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\nHello you.\n\n2\n00:00:03.500 --> 00:00:05.000\nWorld.\n\n"
        )


@pytest.mark.parametrize(
    ("suffix", "picture", "name"),
    [
        (".mp4", True, "video/mp4"),
        (".m4a", False, "audio/mp4"),
        (".mkv", True, "video/x-matroska"),
        (".webm", True, "video/webm"),
        (".ogg", False, "audio/ogg"),
        (".mp3", False, "audio/mpeg"),
        (".wav", False, "audio/wav"),
        (".flac", False, "audio/flac"),
    ],
)
def test_files_are_called_by_what_they_are(tmp_path: Path, suffix: str, picture: bool, name: str) -> None:
    path = files.write(tmp_path / f"a{suffix}", files.speech(1), picture=picture).rename(tmp_path / "a.bin")
    with open_media(GrowingFile.whole(path), LIMITS) as media:
        assert media.type.name == name
