"""Progress: in bytes until there is sound, then in seconds of it, with a rate and what remains."""

from pathlib import Path

import pytest

from vidmesh_ingest.growing import GrowingFile
from vidmesh_ingest.progress import Progress, Rate


def test_the_rate_is_that_of_the_last_five_seconds() -> None:
    rate = Rate()
    assert rate.now(10.0, 0) == 0
    assert rate.now(11.0, 100) == 100
    for second in range(12, 60):
        last = rate.now(second, 100 + (second - 11) * 10)
    assert last == pytest.approx(10)


def test_bytes_first_then_seconds(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(100))
    file = GrowingFile(tmp_path / "a", size=20, total=100)
    progress = Progress(file, None)
    first = progress.message(0.0)
    assert (first.done, first.total, first.unit, first.rate, first.activity) == (
        20,
        100,
        "bytes",
        0,
        "downloading",
    )
    assert not first.HasField("remaining")
    file.grown(40)
    second = progress.message(2.0)
    assert (second.rate, second.remaining.seconds) == (10, 6)
    progress.duration = 50
    progress.seconds = 10
    progress.message(3.0)
    progress.seconds = 30
    file.finish()
    third = progress.message(5.0)
    assert (third.done, third.total, third.unit, third.rate, third.activity) == (
        30,
        50,
        "seconds",
        10,
        "decoding",
    )
    assert third.remaining.seconds == 2


def test_more_than_was_announced_is_not_told(tmp_path: Path) -> None:
    progress = Progress(GrowingFile(tmp_path / "a", size=150, total=100), None)
    assert progress.message(0.0).done == 100
