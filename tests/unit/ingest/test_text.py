"""Text of strangers: shown and kept, never obeyed."""

import pytest

from vidmesh_ingest.text import file_name, printable


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("My talk", "My talk"),
        (" a\0b\nc\x1b[31m ", "abc[31m"),
        ("\u202egpj.exe", "gpj.exe"),
        ("broken \ud800 here", "broken  here"),
        ("Vortr\u00e4ge \U0001f600", "Vortr\u00e4ge \U0001f600"),
        ("x" * 600, "x" * 500),
    ],
)
def test_what_is_shown_has_no_tricks(given: str, expected: str) -> None:
    assert printable(given) == expected
    printable(given).encode()


@pytest.mark.parametrize(
    ("given", "expected"),
    [("../../etc/passwd", "passwd"), ("C:\\talks\\a.mp4", "a.mp4"), ("..", ".."), ("a/", ""), ("\0", "")],
)
def test_a_name_is_never_a_path(given: str, expected: str) -> None:
    assert file_name(given) == expected
