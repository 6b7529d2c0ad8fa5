"""Links: the same source written differently has one key, a different one another."""

import pytest

from vidmesh_ingest.identity import LinkError, parse_link, site_key, upload_key


@pytest.mark.parametrize(
    "url",
    [
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
        "http://youtube.com/watch?v=dQw4w9WgXcQ&t=43s",
        "https://m.youtube.com/watch?list=PL123&v=dQw4w9WgXcQ",
        "https://music.youtube.com/watch?v=dQw4w9WgXcQ&si=abc",
        "https://youtu.be/dQw4w9WgXcQ?si=xyz",
        "https://www.youtube.com/shorts/dQw4w9WgXcQ",
        "https://www.youtube.com/live/dQw4w9WgXcQ?feature=share",
        "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ",
        "  https://WWW.YouTube.com/watch?v=dQw4w9WgXcQ#top ",
    ],
)
def test_every_way_to_write_a_youtube_video_is_one(url: str) -> None:
    link = parse_link(url)
    assert link.key == "youtube:dQw4w9WgXcQ" == site_key("Youtube", "dQw4w9WgXcQ")
    assert link.site


@pytest.mark.parametrize(
    "url",
    [
        "https://Example.COM/a/b.mp4",
        "https://example.com:443/a/b.mp4",
        "https://example.com./a/b.mp4#t=10",
        "https://example.com/a/./c/../b.mp4",
        "https://example.com/%61/b.mp4",
        "https://example.com/a/b.mp4?utm_source=x&fbclid=1",
    ],
)
def test_spelling_and_tracking_make_no_difference(url: str) -> None:
    assert parse_link(url).key == "url:https://example.com/a/b.mp4"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.com/a", "https://example.com/b"),
        ("https://example.com/a", "http://example.com/a"),
        ("https://example.com/a", "https://example.com:8443/a"),
        ("https://example.com/a?v=1", "https://example.com/a?v=2"),
        ("https://example.com/a", "https://example.com/A"),
        ("https://example.com/#!/a", "https://example.com/#!/b"),
        ("https://example.com/a%2Fb", "https://example.com/a/b"),
        ("https://youtube.com/@one", "https://youtube.com/@two"),
    ],
)
def test_different_sources_have_different_keys(one: str, other: str) -> None:
    assert parse_link(one).key != parse_link(other).key


def test_what_is_fetched_is_what_was_given() -> None:
    assert parse_link(" https://example.com/a?b=c#d ").url == "https://example.com/a?b=c#d"
    assert parse_link("https://bücher.example/ü").key == "url:https://xn--bcher-kva.example/%C3%BC"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("ftp://example.com/a", "http"),
        ("file:///etc/passwd", "http"),
        ("example.com/a", "http"),
        ("javascript:alert(1)", "http"),
        ("https://", "no host"),
        ("https:///a", "no host"),
        ("https://user:secret@example.com/a", "password"),
        ("https://user@example.com/a", "user name"),
        ("https://example.com/a b", "spaces"),
        ("https://example.com/a\x00b", "control"),
        ("https://example.com/\u202egpj.exe", "control"),
        ("https://example.com:99999/", "not a link"),
        ("https://[::1", "not a link"),
        ("https://" + "ü" * 80 + ".example/", "not a link"),
        ("https://example.com/" + "a" * 5000, "characters"),
    ],
)
def test_what_is_no_link_is_refused_with_its_reason(url: str, why: str) -> None:
    with pytest.raises(LinkError, match=why):
        parse_link(url)


def test_uploads_are_the_same_by_their_bytes() -> None:
    assert upload_key("ab" * 32) == "sha256:" + "ab" * 32
