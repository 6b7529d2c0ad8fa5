"""A small disk that can be full: a file system of its own in memory, where this process may mount one."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BALLAST = "ballast"


class DiskError(Exception):
    """No small disk can be had here."""


class Disk:
    """A mounted folder of a size of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def full(self, *, leave: int = 0) -> Iterator[None]:
        """With no more than `leave` bytes free on it."""
        ballast = self.folder / BALLAST
        try:
            with ballast.open("wb", buffering=0) as file:
                for size in (1 << 20, 1 << 12):
                    try:
                        while True:
                            file.write(b"\0" * size)
                    except OSError:
                        continue
                file.truncate(max(0, ballast.stat().st_size - leave))
            yield
        finally:
            ballast.unlink()


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Disk]:
    """A disk of `size` bytes at `folder`. Raises DiskError where none may be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)]
    done = subprocess.run(mounting, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DiskError(done.stderr.strip())
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
