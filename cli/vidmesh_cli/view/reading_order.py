"""Bringing segments, which come from several windows at once, into the order of reading."""

from collections.abc import Iterable, Iterator

from vidmesh.events.v1.text_pb2 import Segment


class ReadingOrder:
    """Holds a segment back while an earlier window, known to be ready, is not done; gives each segment once."""

    def __init__(self) -> None:
        self._open: set[int] = set()
        self._done: set[int] = set()
        self._held: dict[int, list[Segment]] = {}
        self._given: dict[int, set[int]] = {}

    def ready(self, window: int) -> None:
        """Know of a window that will be transcribed."""
        if window not in self._done:
            self._open.add(window)

    def heard(self, window: int, segment: Segment) -> Iterator[Segment]:
        """Take a segment of a window that is being transcribed; yield what can be read now."""
        if window not in self._done:
            self._hold(window, segment)
            yield from self._release()

    def done(self, window: int, segments: Iterable[Segment]) -> Iterator[Segment]:
        """Take a whole window; yield what can be read now."""
        if window in self._done:
            return
        self._done.add(window)
        self._open.discard(window)
        for segment in segments:
            self._hold(window, segment)
        yield from self._release()

    def rest(self) -> Iterator[Segment]:
        """Yield all that is held back, because no more will come, or not soon."""
        for window in sorted(self._held):
            yield from self._held.pop(window)

    def _hold(self, window: int, segment: Segment) -> None:
        given = self._given.setdefault(window, set())
        if segment.index not in given:
            given.add(segment.index)
            self._held.setdefault(window, []).append(segment)

    def _release(self) -> Iterator[Segment]:
        first_open = min(self._open, default=None)
        for window in sorted(self._held):
            if first_open is not None and window > first_open:
                return
            yield from self._held.pop(window)
