"""The C library's allocator, told to give back what is freed: mallopt(3), malloc_trim(3)."""

import contextlib
import ctypes

# From glibc's malloc.h.
_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
_ARENA_MAX = -8

LARGE = 1 << 20
"""Bytes from which on a block is the system's own, and goes back to it whole."""
TOP = 16 << 20
"""Free bytes at the heap's end that are kept."""
ARENAS = 2


def keep_little() -> None:
    """Keep a process as small as what it holds; called before its threads begin.

    Left alone, glibc raises the size of what goes back with each large block that is freed, and keeps the rest in pieces
    between what is still in use, for each thread anew: over hours of speech that came to half as much memory again.
    """
    with contextlib.suppress(AttributeError):  # another C library, which has no such thing
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, LARGE)
        mallopt(_TRIM_THRESHOLD, TOP)
        mallopt(_ARENA_MAX, ARENAS)


def trim() -> None:
    """Give back what is free now, also between what is in use."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
