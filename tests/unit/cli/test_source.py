from pathlib import Path

import pytest

from vidmesh_cli.asked import MisuseError
from vidmesh_cli.demonstration import plan
from vidmesh_cli.source import read_source
from vidmesh_cli.starting import read_scale
from vidmesh_cli.tokens import read_ttl


def test_a_link_is_a_link_and_a_file_a_file(tmp_path: Path) -> None:
    file = tmp_path / "talk.mp4"
    file.touch()
    assert read_source("https://example.org/talk") == "https://example.org/talk"
    assert read_source("HTTP://example.org") == "HTTP://example.org"
    assert read_source(str(file)) == file


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("ftp://example.org/a.mp4", "is no http or https link"),
        ("file:///etc/passwd", "is no http or https link"),
        ("nothing.mp4", "there is no file nothing.mp4"),
        ("example.org/watch?v=1", "write https://example.org/watch"),
        ("/", "is a folder"),
    ],
)
def test_what_is_neither_is_refused_with_its_reason(given: str, why: str) -> None:
    with pytest.raises(MisuseError, match=why.replace("?", r"\?")):
        read_source(given)


def test_the_scale_of_services() -> None:
    assert read_scale(["transcribe=2", "ingest=3"]) == {"transcribe": 2, "ingest": 3}
    for bad in ("transcribe", "transcribe=", "transcribe=two", "transcribe=-1"):
        with pytest.raises(MisuseError, match="SERVICE=COUNT"):
            read_scale([bad])


def test_how_long_a_token_lasts() -> None:
    assert [read_ttl(given).total_seconds() for given in ("90s", "30m", "12h", "7d")] == [
        90,
        1800,
        43200,
        604800,
    ]
    for bad in ("", "0h", "7", "-1h", "1w", "9999999d"):
        with pytest.raises(MisuseError, match="such as 12h"):
            read_ttl(bad)


def test_the_demonstration_has_a_sample_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    own = plan(None, None)
    assert Path(own.source).is_file()
    assert own.again
    theirs = plan("https://example.org/talk", "Why?")
    assert (theirs.source, theirs.question, theirs.again) == ("https://example.org/talk", "Why?", False)
    with pytest.raises(MisuseError):
        plan("no-such-file", None)
