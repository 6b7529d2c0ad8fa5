"""Languages: by either name, and the best of those that are there."""

import pytest

from vidmesh_ingest.language import best, tag


@pytest.mark.parametrize(
    ("given", "expected"),
    [("eng", "en"), ("GER", "de"), ("deu", "de"), ("en-US", "en-US"), ("und", "und"), ("xyz", "xyz")],
)
def test_tags(given: str, expected: str) -> None:
    assert tag(given) == expected


@pytest.mark.parametrize(
    ("there", "wanted", "expected"),
    [
        (["de", "en", "fr"], "fr", "fr"),
        (["de", "en-GB"], "en", "en-GB"),
        (["en-GB", "en-US"], "en-us", "en-US"),
        (["pt", "eng"], "en-US", "eng"),
        (["de", "eng"], "", "eng"),
        (["de", "fr"], "", "de"),
        (["de", "fr"], "en", None),
        ([], "en", None),
        ([], "", None),
    ],
)
def test_the_best_of_those_there(there: list[str], wanted: str, expected: str | None) -> None:
    assert best(there, wanted) == expected
