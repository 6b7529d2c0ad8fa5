"""A file on disk that is being downloaded, and a note beside it by which a later download goes on with it."""

import errno
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from vidmesh_ingest.reason import Reason, SourceError


@dataclass(frozen=True, slots=True, kw_only=True)
class FileHead:
    """What a server says of a file."""

    name: str
    """What it is called, for people. Never empty."""

    media_type: str
    """Its media type as the server has it, without parameters. May be empty."""

    size: int | None
    """How many bytes it has; None where the server does not say."""

    validator: str | None
    """What the server tells its versions apart by: a strong ETag or a date. None: it does not."""

    @property
    def version(self) -> str:
        """The same for the same file, as far as the server tells; empty where it does not."""
        return f"{self.validator} {self.size or ''}".strip() if self.validator is not None else ""


class Part:
    """The part of a file that is there. Enter it to write; what an earlier run left is kept where it can be gone on with."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "source"
        self._note = folder / "source.json"
        self.head: FileHead | None = None
        """What the file is; None before it is known."""
        self.size = 0
        """How many bytes are there."""
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        if self._note.exists():
            noted = FileHead(**json.loads(self._note.read_text()))
            self.head = noted if noted.validator is not None else None
        self._file = self.path.open("ab" if self.head else "wb", buffering=0)
        self.size = self._file.tell()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def complete(self) -> bool:
        """Whether all bytes are there, as far as the server said how many there are."""
        return self.head is not None and self.size == self.head.size

    def beginning(self, size: int) -> bytes:
        """The first bytes that are there."""
        with self.path.open("rb") as file:
            return file.read(size)

    def restart(self) -> None:
        """Throws away what is there, because it is of another file."""
        if self._file is not None:
            self._file.truncate(0)
        self.size = 0
        self.head = None

    def describe(self, head: FileHead) -> None:
        """Notes what the file is."""
        self.head = head
        self._note.write_text(json.dumps(asdict(head)))

    def append(self, data: bytes) -> None:
        """Writes the next bytes. Raises SourceError where the disk is full."""
        if self._file is None:
            raise AssertionError("a part is written to while it is entered")
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise SourceError(
                    Reason.RESOURCE_EXHAUSTED, "The disk that downloads go to is full."
                ) from error
            raise
        self.size += len(data)
