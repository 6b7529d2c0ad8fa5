"""Captions that people made: from a file's text subtitles or a site, kept as WebVTT."""

from dataclasses import dataclass

import pysubs2
from av import Packet
from av.error import FFmpegError
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import AssSubtitle

from vidmesh_ingest.container import TEXTS

_MOST = 200_000
_LONGEST = 2_000
_LARGEST = 4 << 20
"""Characters that all captions of a stream may have together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """The captions of one stream."""

    language: str
    """As `Captions.language`."""
    vtt: str
    """Them, as WebVTT."""


class Captions:
    """The text of one subtitle stream, collected as the file is read."""

    def __init__(self, stream: SubtitleStream) -> None:
        self.language: str = (stream.language or "und").lower()
        """Its language as the file has it: ISO 639-2 or BCP 47; "und" where it does not say."""
        self._stream = stream
        self._cues = pysubs2.SSAFile()
        self._size = 0

    @staticmethod
    def reads(stream: SubtitleStream) -> bool:
        """Whether the stream has text, rather than pictures of text."""
        return stream.codec_context is not None and stream.codec_context.name in TEXTS

    def __bool__(self) -> bool:
        return bool(self._cues)

    def add(self, packet: "Packet[SubtitleStream]", start: float) -> None:
        """Takes a packet of the stream; `start` is when the video begins on its clock. What cannot be read is left out."""
        if packet.pts is None or not packet.duration or len(self._cues) >= _MOST or self._size >= _LARGEST:
            return
        try:
            rects = self._stream.decode(packet)
        except FFmpegError:
            return
        clock = float(packet.time_base)
        begin = packet.pts * clock - start
        end = begin + packet.duration * clock
        for rect in rects:
            text = rect.dialogue.decode("utf-8", "replace") if isinstance(rect, AssSubtitle) else ""
            if text.strip():
                self._size += len(text[:_LONGEST])
                self._cues.append(
                    pysubs2.SSAEvent(
                        start=max(round(begin * 1000), 0), end=round(end * 1000), text=text[:_LONGEST]
                    )
                )

    def track(self) -> Track:
        """The captions, in order of time."""
        return Track(language=self.language, vtt=to_vtt(self._cues))


def to_vtt(cues: pysubs2.SSAFile) -> str:
    """Captions as WebVTT without any styling, in order of time, empty ones left out."""
    plain = pysubs2.SSAFile()
    for cue in cues:
        if not cue.is_comment and cue.plaintext.strip():
            plain.append(
                pysubs2.SSAEvent(
                    start=cue.start, end=cue.end, text=cue.plaintext.strip().replace("\n", "\\N")
                )
            )
    plain.sort()
    text: str = plain.to_string("vtt")
    return text


def read_captions(text: str) -> str:
    """Any text format of subtitles as WebVTT. Raises ValueError for what is none."""
    try:
        return to_vtt(pysubs2.SSAFile.from_string(text))
    except pysubs2.exceptions.Pysubs2Error as error:
        raise ValueError("no subtitles of a known format") from error


def has_cues(vtt: str) -> bool:
    """Whether a WebVTT text has anything to show."""
    return "-->" in vtt


def end_of(vtt: str) -> float:
    """When the last cue of a WebVTT text ends, in seconds; 0 where there is none."""
    return max((cue.end for cue in pysubs2.SSAFile.from_string(vtt, format_="vtt")), default=0) / 1000
