"""Reading media files: their sound as samples, their text subtitles as captions.

FFmpeg's libraries (through PyAV) read the file by a reader of our own, so that a file can be decoded while it comes. They
may use the demuxers that `container.FORMATS` names and the decoders that it names, and open nothing themselves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import av
from av import AudioFrame, AudioResampler, AudioStream, Packet
from av.container import InputContainer
from av.error import ArgumentError, FFmpegError
from av.stream import Disposition
from av.subtitles.stream import SubtitleStream

from vidmesh_ingest.captions import Captions
from vidmesh_ingest.container import (
    BARE,
    CODECS,
    EXACT,
    FORMATS,
    PICTURES,
    TEXTS,
    MediaType,
    has_late_index,
    media_type,
)
from vidmesh_ingest.growing import GrowingFile
from vidmesh_ingest.reason import Reason, SourceError
from vidmesh_ingest.sniff import HEAD, has_magic
from vidmesh_ingest.sound import RATE, WIDTH

_GAP = 0.1
_LONGEST_JUMP = 60
_BLOCK = RATE // 2
"""Samples that are handed on at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """What a media file may be."""

    max_seconds: float
    """The longest that it may last."""

    max_streams: int = 64
    """The most streams that it may have."""

    max_channels: int = 64
    """The most channels that its sound may have."""

    processor: float = 120.0
    """The most seconds of a processor that may go by without any sound of it: it leads nowhere then."""

    rates: tuple[int, int] = (1_000, 768_000)
    """The fewest and the most samples a second that its sound may have: of fewer, a few bytes last for hours."""


class Media:
    """An opened media file. `sound` reads it to its end; what else is known of it then is in its attributes."""

    def __init__(self, source: InputContainer, limits: MediaLimits, head: bytes) -> None:
        names = source.format.name.split(",")
        if len(source.streams) > limits.max_streams:
            raise SourceError(Reason.NOT_MEDIA, f"The file has {len(source.streams)} streams.")
        if set(names) & BARE and not has_magic(head):
            raise SourceError(Reason.NOT_MEDIA, "The file does not begin as any audio or video file does.")
        audio = source.streams.best("audio")
        if not isinstance(audio, AudioStream):
            raise SourceError(Reason.NO_AUDIO, "The file has no sound track.")
        coded = audio.codec_context.codec.name if audio.codec_context is not None else "nothing known"
        if coded not in CODECS:
            raise SourceError(Reason.NOT_MEDIA, f"Its sound is coded as {coded}.")
        self._source = source
        self._limits = limits
        self._audio = audio
        self._start = (source.start_time or 0) / av.time_base
        self._subtitles = {
            stream.index: Captions(stream) for stream in source.streams.subtitles if Captions.reads(stream)
        }
        self.type: MediaType = media_type(names, video=_has_video(source), head=head)
        """What kind of file it is."""
        self.title: str = (source.metadata.get("title") or "").strip()
        """The title that the file gives itself. May be empty."""
        self.seconds: float | None = source.duration / av.time_base if source.duration else None
        """How long it says that it lasts; None where it does not say."""
        self.warning = ""
        """What could not be read, in a sentence; empty where all could. Complete after `sound`."""
        self._exact = bool(set(names) & EXACT)
        self._told = 0
        self._lost = 0.0
        self._end = 0.0
        self._broken = False
        self._check_length(self.seconds or 0)

    def sound(self) -> Iterator[bytes]:
        """The sound from the beginning of the video on, as `sound` has it, in blocks of at most some seconds.

        A track that begins late, or has holes, is filled with silence, so that a sample's place is its time in the video.
        Raises SourceError where nothing can be read, and what the file's reader raises.
        """
        expected = 0.0
        clock = float(self._audio.time_base or 0)
        sampler = _Sampler()
        for frame in self._frames():
            self._check_frame(frame)
            at = frame.pts * clock - self._start if frame.pts is not None and clock else expected
            length = frame.samples / frame.sample_rate
            gap = at - expected
            if gap < -_GAP and at + length <= expected and -gap <= _LONGEST_JUMP:
                continue
            if gap > _GAP and self._is_hole(gap, at):
                self._check_length(at)
                yield from self._counted(sampler.rest())
                yield from self._counted(_silence(round(gap * RATE)))
                expected = at
            expected += length
            yield from self._counted(sampler.convert(frame))
        yield from self._counted(sampler.rest())
        self._lost += sampler.lost
        self._conclude()

    def captions(self) -> Iterator[Captions]:
        """The captions of its text subtitles, one for each stream that has any, after `sound` was read."""
        return (captions for captions in self._subtitles.values() if captions)

    @property
    def promises_captions(self) -> bool:
        """Whether it has streams of text subtitles, which may still turn out empty."""
        return bool(self._subtitles)

    def _frames(self) -> Iterator[AudioFrame]:
        packets = self._source.demux()
        clocks = [float(stream.time_base or 0) for stream in self._source.streams]
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError:
                self._broken = True
                return
            if packet is None:
                return
            if packet.stream_index >= len(clocks):  # of a stream that was not there at the beginning
                continue
            clock = clocks[packet.stream_index]
            if packet.pts is not None:
                reached = (packet.pts + (packet.duration or 0)) * clock - self._start
                self._end = max(self._end, reached)
            if packet.stream_index == self._audio.index:
                try:
                    yield from self._audio.decode(packet)
                except FFmpegError:
                    self._lost += (packet.duration or 0) * clock
            elif packet.stream_index in self._subtitles:
                captions = self._subtitles[packet.stream_index]
                captions.add(cast("Packet[SubtitleStream]", packet), self._start)

    def _is_hole(self, gap: float, at: float) -> bool:
        """Whether a jump in time is a hole in the sound rather than a fault in the clock."""
        return gap <= _LONGEST_JUMP or (self._exact and self.seconds is not None and at <= self.seconds + 1)

    def _counted(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        for block in blocks:
            self._told += len(block) // WIDTH
            self._check_length(self._told / RATE)
            yield block

    def _check_length(self, seconds: float) -> None:
        if seconds > self._limits.max_seconds:
            raise SourceError(Reason.TOO_LONG, f"It lasts more than {_clock(self._limits.max_seconds)}.")

    def _check_frame(self, frame: AudioFrame) -> None:
        """A file can tell one thing at its head and another in each frame."""
        least, most = self._limits.rates
        if not least <= frame.sample_rate <= most:
            raise SourceError(Reason.CORRUPT_MEDIA, f"Its sound has {frame.sample_rate} samples a second.")
        if frame.layout.nb_channels > self._limits.max_channels:
            raise SourceError(Reason.CORRUPT_MEDIA, f"Its sound has {frame.layout.nb_channels} channels.")

    def _conclude(self) -> None:
        read = self._told / RATE
        if not self._told and not self._lost and not self._broken:
            raise SourceError(Reason.NO_AUDIO, "The file's sound track is empty.")
        if self._lost > read or not self._told:
            raise SourceError(Reason.CORRUPT_MEDIA, f"Of its sound only {_clock(read)} could be read.")
        missing = (self.seconds or 0) - max(self._end, read) if self._exact else 0.0
        if missing > max(2.0, 0.02 * (self.seconds or 0)):
            self.warning = f"The file breaks off at {_clock(read)} of {_clock(self.seconds or 0)}."
        elif self._lost >= 1:
            self.warning = f"{self._lost:.0f} s of its sound are damaged and were left out."
        elif self._broken:
            self.warning = f"The file is damaged after {_clock(read)}."


@contextmanager
def open_media(file: GrowingFile, limits: MediaLimits) -> Iterator[Media]:
    """Opens a media file, waiting for its beginning, or for its end where its index is there. Raises SourceError."""
    file.wait(1)
    with file.reader() as peek:
        head = b""
        while len(head) < HEAD and (more := peek.read(HEAD - len(head))):
            head += more
    if not head:
        raise SourceError(Reason.EMPTY_FILE, "The file has no bytes.")
    mp4 = head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}
    early = not file.finished and not (mp4 and has_late_index(file))
    # While a file comes, a demuxer must not look at its end: an MP4's keeps to its index, any other is told that it cannot.
    with file.reader(seekable=mp4 or not early) as reader:
        options = {
            "format_whitelist": FORMATS,
            "protocol_whitelist": "none",
            "codec_whitelist": ",".join(sorted(CODECS | PICTURES | TEXTS)),
        }
        if early and mp4:
            options["fflags"] = "+ignidx"
        try:
            source = av.open(
                reader, "r", container_options=options, metadata_errors="ignore", buffer_size=1 << 16
            )
        except FFmpegError as error:
            if has_magic(head):
                raise SourceError(Reason.CORRUPT_MEDIA, "Nothing of the file could be read.") from error
            raise SourceError(
                Reason.NOT_MEDIA, "The file is no audio or video that vidmesh reads."
            ) from error
        with source:
            yield Media(source, limits, head)


class _Sampler:
    """Brings frames to one channel at 16 kHz, whatever they are, also where that changes on the way."""

    def __init__(self) -> None:
        self.lost = 0.0
        """Seconds of frames that damage made into what cannot be converted; silence is in their place."""
        self._kind: tuple[str, str, int] | None = None
        self._resampler: AudioResampler | None = None

    def convert(self, frame: AudioFrame) -> Iterator[bytes]:
        """Takes a frame and gives the samples that are ready."""
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._kind:
            yield from self.rest()
            self._kind = kind
        if self._resampler is None:
            self._resampler = AudioResampler("s16", "mono", RATE, frame_size=_BLOCK)
        frame.pts = None
        try:
            ready = self._resampler.resample(frame)
        except ArgumentError:
            self._resampler = None
            self.lost += frame.samples / frame.sample_rate
            yield from _silence(round(frame.samples / frame.sample_rate * RATE))
        else:
            yield from map(_samples, ready)

    def rest(self) -> Iterator[bytes]:
        """Gives what was held back."""
        if self._resampler is not None:
            yield from map(_samples, self._resampler.resample(None))
            self._resampler = None


def _samples(frame: AudioFrame) -> bytes:
    return bytes(frame.planes[0])[: frame.samples * WIDTH]


def _silence(count: int) -> Iterator[bytes]:
    for at in range(0, count, _BLOCK):
        yield bytes(min(_BLOCK, count - at) * WIDTH)


def _has_video(source: InputContainer) -> bool:
    """Whether it has moving pictures; a cover is none."""
    return any(not stream.disposition & Disposition.attached_pic for stream in source.streams.video)


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return (
        f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
        if whole >= 3600
        else f"{whole // 60}:{whole % 60:02}"
    )
