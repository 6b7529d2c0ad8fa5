"""Media or page: by type, by first bytes, by name."""

import pytest

from vidmesh_ingest.sniff import has_magic, has_media_suffix, is_media, name_of

MP4 = b"\0\0\0\x20ftypisom\0\0\2\0"
WEBM = b"\x1a\x45\xdf\xa3\x9f\x42\x86"


@pytest.mark.parametrize(
    "head",
    [
        MP4,
        WEBM,
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"RIFF\x24\0\0\0AVI LIST",
        b"OggS\0\2",
        b"fLaC\0\0\0\x22",
        b"ID3\4\0",
        b"\xff\xfb\x90\x64",
        b"\xff\xf1\x50\x80",
        b"FLV\x01\5",
        (b"\x47" + b"\0" * 187) * 3,
        b"FORM\0\0\0\0AIFF",
    ],
)
def test_containers_are_known_by_their_first_bytes(head: bytes) -> None:
    assert has_magic(head)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"<!doctype html>",
        b"#EXTM3U\n",
        b"ffconcat version 1.0",
        b"%PDF-1.7",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xff\xff\xff",
    ],
)
def test_other_things_are_not(head: bytes) -> None:
    assert not has_magic(head)


@pytest.mark.parametrize(
    ("media_type", "head", "expected"),
    [
        ("video/mp4", b"", True),
        ("audio/mpeg; charset=x", b"anything", True),
        ("Video/WebM", WEBM, True),
        ("application/octet-stream", MP4, True),
        ("", MP4, True),
        ("text/plain", WEBM, True),
        ("application/octet-stream", b"PK\3\4", False),
        ("text/html; charset=utf-8", b"<html>", False),
        ("text/html", MP4, False),
        ("application/json", b"{}", False),
        ("application/vnd.apple.mpegurl", b"#EXTM3U", False),
        ("audio/x-mpegurl", b"#EXTM3U", False),
        ("application/dash+xml", b"<MPD>", False),
        ("application/pdf", b"%PDF", False),
    ],
)
def test_answers_are_media_by_type_or_by_bytes(media_type: str, head: bytes, expected: bool) -> None:
    assert is_media(media_type, head) is expected


def test_links_end_as_media_files_do() -> None:
    assert has_media_suffix("https://h/a/Talk.MP4?x=1#t")
    assert not has_media_suffix("https://h/a.mp4/watch")
    assert not has_media_suffix("https://h/")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://h.example/a/My%20Talk.mp4?x", "My Talk.mp4"),
        ("https://h.example/", "h.example"),
        ("https://h.example/a/..%2f..%2fetc%2fpasswd", "passwd"),
        ("https://h.example/%00%e2%80%aex.mp4", "x.mp4"),
        ("https://h.example/%ff.mp4", "\ufffd.mp4"),
    ],
)
def test_a_link_names_its_file(url: str, name: str) -> None:
    assert name_of(url) == name
