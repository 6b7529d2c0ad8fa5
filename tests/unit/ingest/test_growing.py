"""A growing file: readers wait for bytes, and learn of the end, of a failure and of being stopped."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vidmesh_ingest.growing import GrowingFile, ReadingStoppedError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "source"
    found.write_bytes(b"")
    return found


def append(path: Path, data: bytes) -> int:
    with path.open("ab") as file:
        file.write(data)
    return path.stat().st_size


def read_all(file: GrowingFile, size: int) -> bytes:
    with file.reader() as reader:
        parts = []
        while part := reader.read(size):
            parts.append(part)
        return b"".join(parts)


@pytest.mark.parametrize("size", [1, 7, 1000, 100_000])
def test_readers_get_every_byte_while_it_is_written(path: Path, size: int) -> None:
    whole = os.urandom(5000 if size == 1 else 50_000)
    file = GrowingFile(path)
    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read_all, file, size) for _ in range(3)]
        for at in range(0, len(whole), 1234):
            file.grown(append(path, whole[at : at + 1234]))
        file.finish()
        assert all(reader.result(20) == whole for reader in readers)


def test_a_read_past_the_end_waits_for_the_bytes(path: Path) -> None:
    file = GrowingFile(path)
    reading = threading.Event()

    def read() -> bytes:
        with file.reader() as reader:
            reader.seek(10)
            reading.set()
            return reader.read(100)

    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(read)
        reading.wait(5)
        file.grown(append(path, b"0123456789"))
        assert not result.done()
        file.grown(append(path, b"abc"))
        assert result.result(5) == b"abc"


def test_seeking_from_the_end_needs_the_total_alone(path: Path) -> None:
    file = GrowingFile(path)
    file.grown(append(path, b"01234"), total=20)
    with file.reader() as reader:
        assert reader.seek(-4, os.SEEK_END) == 16
        assert reader.seek(-10, os.SEEK_CUR) == 6
        assert reader.tell() == 6
        with pytest.raises(ValueError, match="beginning"):
            reader.seek(-7, os.SEEK_CUR)


def test_seeking_from_an_unknown_end_waits_for_it(path: Path) -> None:
    file = GrowingFile(path)
    with file.reader() as reader, ThreadPoolExecutor(1) as pool:
        result = pool.submit(reader.seek, 0, os.SEEK_END)
        file.grown(append(path, b"01234"))
        assert not result.done()
        file.finish()
        assert result.result(5) == 5
        assert reader.read(10) == b""


def test_a_failure_is_raised_where_bytes_are_missing_and_not_before(path: Path) -> None:
    file = GrowingFile(path)
    file.grown(append(path, b"01234"))
    file.fail(ConnectionError("broken off"))
    with file.reader() as reader:
        assert reader.read(100) == b"01234"
        with pytest.raises(ConnectionError, match="broken off"):
            reader.read(100)
    with pytest.raises(ConnectionError):
        file.total_size()


def test_a_failure_after_the_end_is_none(path: Path) -> None:
    file = GrowingFile(path)
    file.grown(append(path, b"01234"))
    file.finish()
    file.fail(ConnectionError("too late"))
    assert read_all(file, 3) == b"01234"


def test_the_first_failure_counts(path: Path) -> None:
    file = GrowingFile(path)
    file.fail(ConnectionError("first"))
    file.fail(ConnectionError("second"))
    file.finish()
    with pytest.raises(ConnectionError, match="first"):
        file.wait(1)


def test_stopping_wakes_a_waiting_reader_and_holds_for_bytes_that_are_there(path: Path) -> None:
    file = GrowingFile(path)
    file.grown(append(path, b"01234"))
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(read_all, file, 100)
        file.stop()
        with pytest.raises(ReadingStoppedError):
            result.result(5)
    with file.reader() as reader, pytest.raises(ReadingStoppedError):
        reader.read(1)


def test_a_writer_that_begins_anew_is_waited_for(path: Path) -> None:
    file = GrowingFile(path)
    file.grown(append(path, b"0123456789"))
    with file.reader() as reader, ThreadPoolExecutor(1) as pool:
        assert reader.read(5) == b"01234"
        os.truncate(path, 0)
        result = pool.submit(reader.read, 3)
        append(path, b"0123")
        assert not result.done()
        file.grown(append(path, b"4567"))
        assert result.result(5) == b"567"


def test_a_whole_file_is_there_at_once(path: Path) -> None:
    append(path, b"0123456789")
    file = GrowingFile.whole(path)
    assert (file.size, file.total, file.finished) == (10, 10, True)
    seen: list[int] = []
    with file.reader(on_read=seen.append) as reader:
        assert reader.read(4) == b"0123"
        assert reader.read(40) == b"456789"
        assert reader.read(40) == b""
    assert seen == [4, 10, 10]


def test_the_total_is_what_came_whatever_was_announced(path: Path) -> None:
    file = GrowingFile(path)
    file.grown(append(path, b"01234"), total=100)
    file.finish()
    assert file.total_size() == 5
