"""Telling media from pages by what a server says and how the bytes begin."""

from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from vidmesh_ingest.text import file_name

HEAD = 400
"""How many first bytes are enough to tell."""

_SUFFIXES = frozenset(
    [
        "3g2",
        "3gp",
        "aac",
        "ac3",
        "aif",
        "aiff",
        "amr",
        "ape",
        "asf",
        "au",
        "avi",
        "caf",
        "eac3",
        "f4v",
        "flac",
        "flv",
        "m2ts",
        "m4a",
        "m4b",
        "m4v",
        "mka",
        "mkv",
        "mov",
        "mp2",
        "mp3",
        "mp4",
        "mpeg",
        "mpg",
        "mts",
        "mxf",
        "oga",
        "ogg",
        "ogv",
        "opus",
        "ts",
        "tta",
        "vob",
        "w64",
        "wav",
        "weba",
        "webm",
        "wma",
        "wmv",
        "wv",
    ]
)
_MANIFESTS = ("mpegurl", "dash+xml")
_MAGIC = (
    (4, b"ftyp"),
    (4, b"moov"),
    (4, b"mdat"),
    (0, b"\x1a\x45\xdf\xa3"),  # Matroska, WebM
    (8, b"WAVE"),
    (8, b"AVI "),
    (8, b"AIFF"),
    (8, b"AIFC"),
    (0, b"OggS"),
    (0, b"fLaC"),
    (0, b"ID3"),
    (0, b"FLV\x01"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),  # ASF, WMA, WMV
    (0, b"#!AMR"),
    (0, b"\x0b\x77"),  # AC-3, E-AC-3
    (0, b"caff"),
    (0, b".snd"),
    (0, b"wvpk"),
    (0, b"TTA1"),
    (0, b"MAC "),
    (0, b"riff\x2e\x91\xcf\x11"),  # Wave64
    (0, b"\x00\x00\x01\xba"),  # MPEG program stream
    (0, b"\x06\x0e\x2b\x34\x02\x05\x01\x01"),  # MXF
)


def has_magic(head: bytes) -> bool:
    """Whether the bytes begin as a container or codec that vidmesh reads does."""
    if any(head[at : at + len(magic)] == magic for at, magic in _MAGIC):
        return True
    transport_stream = len(head) > 376 and head[0] == head[188] == head[376] == 0x47
    # The sync word of MPEG audio and ADTS, with a layer, bit rate and sampling rate that exist.
    frame = len(head) > 3 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x18 != 0x08
    return transport_stream or (
        frame and (head[1] & 0xF6 == 0xF0 or (head[2] & 0xF0 != 0xF0 and head[2] & 0x0C != 0x0C))
    )


def has_media_suffix(url: str) -> bool:
    """Whether the path of the link ends as a media file's does."""
    return PurePosixPath(urlsplit(url).path).suffix.lower().removeprefix(".") in _SUFFIXES


def is_media(media_type: str, head: bytes) -> bool:
    """Whether an answer is a media file: by its type, or by its first bytes where the type says nothing of media."""
    kind = media_type.partition(";")[0].strip().lower()
    if any(word in kind for word in _MANIFESTS):
        return False
    return kind.startswith(("audio/", "video/")) or (
        not kind.endswith(("html", "xml", "json")) and has_magic(head)
    )


def name_of(url: str) -> str:
    """What a link calls its file, for people: the last part of its path, or the host."""
    parts = urlsplit(url)
    return file_name(unquote(parts.path.rstrip("/"), errors="replace")) or parts.hostname or url
