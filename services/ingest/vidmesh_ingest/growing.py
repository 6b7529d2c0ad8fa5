"""Reading a file while it is still being written."""

import os
from collections.abc import Callable
from pathlib import Path
from threading import Condition
from types import TracebackType
from typing import Self


class ReadingStoppedError(Exception):
    """The reading was stopped from outside, because its job was cancelled or its lease lost."""


class GrowingFile:
    """A file that somebody else appends to, and how far it has come.

    The writer tells of new bytes by `grown`, of the end by `finish` or `fail`. Readers wait for bytes that are not there
    yet. Safe to use from any thread.
    """

    def __init__(self, path: Path, *, size: int = 0, total: int | None = None) -> None:
        """A file that has `size` bytes already, of `total` where that is known."""
        self.path = path
        self._changed = Condition()
        self._size = size
        self._total = total
        self._finished = False
        self._error: BaseException | None = None

    @classmethod
    def whole(cls, path: Path) -> "GrowingFile":
        """A file that is all there."""
        file = cls(path)
        file.finish()
        return file

    @property
    def size(self) -> int:
        """How many bytes are there."""
        return self._size

    @property
    def total(self) -> int | None:
        """How many bytes there will be; None where that is not known."""
        return self._total

    @property
    def finished(self) -> bool:
        """Whether all bytes are there."""
        return self._finished

    def grown(self, size: int, total: int | None = None) -> None:
        """Tells that the first `size` bytes are there, of `total` where that is known. A file never shrinks."""
        with self._changed:
            self._size = max(size, self._size)
            self._total = total if total is not None else self._total
            self._changed.notify_all()

    def finish(self) -> None:
        """Tells that no more bytes will come."""
        with self._changed:
            if self._error is None:
                self._size = self._total = self.path.stat().st_size
                self._finished = True
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Tells that no more bytes will come and why. Readers raise the error once they need them; the first one counts."""
        with self._changed:
            if not self._finished and self._error is None:
                self._error = error
            self._changed.notify_all()

    def stop(self) -> None:
        """Makes every reader raise ReadingStoppedError at its next read, also in the middle of waiting."""
        with self._changed:
            self._error = ReadingStoppedError("the reading was stopped")
            self._finished = False
            self._changed.notify_all()

    def wait(self, size: int) -> int:
        """Waits until `size` bytes are there or the file has ended. Gives how many are there. Raises what it failed with."""
        with self._changed:
            self._changed.wait_for(lambda: self._size >= size or self._finished or self._error is not None)
            if isinstance(self._error, ReadingStoppedError) or (
                self._error is not None and self._size < size
            ):
                raise self._error
            return self._size

    def linger(self) -> None:
        """Waits until something is told, a tenth of a second at most."""
        with self._changed:
            self._changed.wait(0.1)

    def total_size(self) -> int:
        """The size of the whole, waiting for the end where it is not known sooner."""
        with self._changed:
            self._changed.wait_for(lambda: self._total is not None or self._error is not None)
            if self._error is not None:
                raise self._error
            if self._total is None:
                raise AssertionError("waited for the total without cause")
            return self._total

    def reader(self, *, seekable: bool = True, on_read: Callable[[int], None] | None = None) -> "Reader":
        """Opens the file for reading from its beginning. `on_read` is told the position after each read."""
        return Reader(self, seekable=seekable, on_read=on_read)


class Reader:
    """A reader's place in a growing file, as a binary file object. One thread uses it; `GrowingFile.stop` ends its waits."""

    def __init__(self, file: GrowingFile, *, seekable: bool, on_read: Callable[[int], None] | None) -> None:
        self._file = file
        self._seekable = seekable
        self._on_read = on_read
        self._position = 0
        self._descriptor = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """As it was opened."""
        return self._seekable

    def tell(self) -> int:
        """The position of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves, also past what is there. From the end it waits until the whole size is known."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}.get(whence)
        if base is None:
            base = self._file.total_size()
        if base + offset < 0:
            raise ValueError("there is nothing before the beginning of a file")
        self._position = base + offset
        return self._position

    def read(self, size: int) -> bytes:
        """Gives up to `size` bytes, at least one, waiting for it where it is not there yet; none at the end."""
        while True:
            there = self._file.wait(self._position + 1)
            data = os.pread(self._descriptor, min(size, max(there - self._position, 0)), self._position)
            if data or there <= self._position or self._file.finished:
                break
            # Its writer has begun it anew, and has not come this far again.
            self._file.linger()
        self._position += len(data)
        if self._on_read is not None:
            self._on_read(self._position)
        return data

    def close(self) -> None:
        """Closes it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
