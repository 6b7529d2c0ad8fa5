"""What kinds of media files vidmesh reads, and what each is called elsewhere."""

from collections.abc import Collection
from dataclasses import dataclass

from vidmesh_ingest.growing import GrowingFile

FORMATS = "mov,matroska,webm,mp3,aac,flac,wav,w64,ogg,aiff,au,caf,avi,flv,asf,mpegts,mpeg,amr,ac3,eac3,wv,tta,ape,mxf"
"""FFmpeg's demuxers that may be used, for its `format_whitelist`. None of them opens another file: an uploaded playlist
or concat script would otherwise make FFmpeg read whatever it names."""

CODECS = frozenset(
    {
        "aac",
        "aac_latm",
        "ac3",
        "adpcm_ima_qt",
        "adpcm_ima_wav",
        "adpcm_ms",
        "adpcm_swf",
        "adpcm_yamaha",
        "alac",
        "amrnb",
        "amrwb",
        "ape",
        "dca",
        "eac3",
        "flac",
        "g722",
        "g723_1",
        "g726",
        "g726le",
        "g729",
        "gsm",
        "gsm_ms",
        "libopencore_amrnb",
        "libopencore_amrwb",
        "libopus",
        "mace3",
        "mace6",
        "mlp",
        "mp1",
        "mp1float",
        "mp2",
        "mp2float",
        "mp3",
        "mp3float",
        "nellymoser",
        "opus",
        "pcm_alaw",
        "pcm_bluray",
        "pcm_dvd",
        "pcm_f16le",
        "pcm_f24le",
        "pcm_f32be",
        "pcm_f32le",
        "pcm_f64be",
        "pcm_f64le",
        "pcm_mulaw",
        "pcm_s16be",
        "pcm_s16be_planar",
        "pcm_s16le",
        "pcm_s16le_planar",
        "pcm_s24be",
        "pcm_s24le",
        "pcm_s24le_planar",
        "pcm_s32be",
        "pcm_s32le",
        "pcm_s32le_planar",
        "pcm_s64be",
        "pcm_s64le",
        "pcm_s8",
        "pcm_s8_planar",
        "pcm_u16be",
        "pcm_u16le",
        "pcm_u24be",
        "pcm_u24le",
        "pcm_u32be",
        "pcm_u32le",
        "pcm_u8",
        "qdm2",
        "qdmc",
        "s302m",
        "speex",
        "truehd",
        "tta",
        "vorbis",
        "wavpack",
        "wmalossless",
        "wmapro",
        "wmav1",
        "wmav2",
        "wmavoice",
    }
)
"""FFmpeg's decoders of sound that may be used."""

PICTURES = frozenset({"h264", "hevc", "mpeg1video", "mpeg2video", "mpegvideo", "mpeg4", "vc1", "wmv3"})
"""FFmpeg's decoders of pictures that may be used. Nobody looks at the pictures; but where they come in another order than
they are shown, only their decoder knows when the first one is shown, and so when the video begins."""

TEXTS = frozenset({"mov_text", "subrip", "srt", "ass", "ssa", "webvtt", "text"})
"""FFmpeg's decoders of subtitles that may be used."""

BARE = frozenset({"mp3", "aac", "ac3", "eac3", "amr"})
"""Formats without a container, which FFmpeg takes any bytes for that nothing else claims."""

EXACT = frozenset({"mov", "matroska", "wav", "flac", "avi", "aiff", "w64", "caf"})
"""Formats whose headers tell the duration rather than have it guessed from the bit rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaType:
    """What a kind of file is called."""

    name: str
    """Its media type, such as "video/mp4"."""

    suffix: str
    """What the names of such files end with, without the dot."""


_TYPES = {
    "mov": (MediaType(name="video/mp4", suffix="mp4"), MediaType(name="audio/mp4", suffix="m4a")),
    "matroska": (
        MediaType(name="video/x-matroska", suffix="mkv"),
        MediaType(name="audio/x-matroska", suffix="mka"),
    ),
    "webm": (MediaType(name="video/webm", suffix="webm"), MediaType(name="audio/webm", suffix="webm")),
    "ogg": (MediaType(name="video/ogg", suffix="ogv"), MediaType(name="audio/ogg", suffix="ogg")),
    "asf": (MediaType(name="video/x-ms-wmv", suffix="wmv"), MediaType(name="audio/x-ms-wma", suffix="wma")),
    "avi": (MediaType(name="video/x-msvideo", suffix="avi"),) * 2,
    "flv": (MediaType(name="video/x-flv", suffix="flv"),) * 2,
    "mpegts": (MediaType(name="video/mp2t", suffix="ts"),) * 2,
    "mpeg": (MediaType(name="video/mpeg", suffix="mpg"),) * 2,
    "mxf": (MediaType(name="application/mxf", suffix="mxf"),) * 2,
    "mp3": (MediaType(name="audio/mpeg", suffix="mp3"),) * 2,
    "aac": (MediaType(name="audio/aac", suffix="aac"),) * 2,
    "flac": (MediaType(name="audio/flac", suffix="flac"),) * 2,
    "wav": (MediaType(name="audio/wav", suffix="wav"),) * 2,
    "aiff": (MediaType(name="audio/aiff", suffix="aiff"),) * 2,
    "amr": (MediaType(name="audio/amr", suffix="amr"),) * 2,
    "ac3": (MediaType(name="audio/ac3", suffix="ac3"),) * 2,
}
_OTHER = MediaType(name="application/octet-stream", suffix="bin")


def media_type(names: Collection[str], *, video: bool, head: bytes) -> MediaType:
    """What a file is called whose demuxer has these names and that begins so."""
    if "matroska" in names and b"webm" in head[:64]:
        names = ("webm",)
    pair = next((_TYPES[name] for name in names if name in _TYPES), (_OTHER, _OTHER))
    return pair[0] if video else pair[1]


def has_late_index(file: GrowingFile) -> bool:
    """Whether it is an MP4 or QuickTime file whose index lies behind its media data, so that nothing can be read before
    its end has come. Waits for the beginning of the file only.
    """
    with file.reader() as reader:
        for _ in range(64):
            head = reader.read(16)
            while len(head) < 16 and (more := reader.read(16 - len(head))):
                head += more
            size, kind = int.from_bytes(head[:4]), head[4:8]
            if kind == b"mdat":
                return True
            if kind == b"moov" or not kind.isalnum() or len(head) < 16:
                return False
            size = int.from_bytes(head[8:16]) if size == 1 else size
            if size < 8:
                return False
            reader.seek(size - 16, 1)
    return False
