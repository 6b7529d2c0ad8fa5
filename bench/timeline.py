"""A job's timeline: how far into the video each step has come, over time."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bench.measurement import Plot, Series
from vidmesh.events.v1.job_event_pb2 import JobEvent
from vidmesh_query import passage, transcript
from vidmesh_query.wordllama_embedder import WordLlamaEmbedder
from vidmesh_summarize.extractive import Extractive
from vidmesh_summarize.sections import next_section
from vidmesh_summarize.transcript import Segment

STEPS = ("downloaded", "cut into windows", "recognised", "told in sections", "searchable")
_SECTION = 180.0
"""Seconds that a section is to have, as the summarize service has it by default."""


@dataclass(slots=True, kw_only=True)
class Timeline:
    """When each step had come how far: seconds since the submission, seconds of the video."""

    points: dict[str, list[tuple[float, float]]] = field(
        default_factory=lambda: {step: [(0.0, 0.0)] for step in STEPS}
    )

    def reach(self, step: str, at: float, through: float) -> None:
        """A step has come so far, unless it had come further before: windows may be done out of order."""
        before = self.points[step][-1][1]
        if through > before:
            self.points[step].append((at, through))

    def hear(self, event: JobEvent, at: float) -> None:
        """An event has come to the watcher."""
        match event.WhichOneof("event"):
            case "window_ready":
                self.reach(STEPS[1], at, event.window_ready.end.ToTimedelta().total_seconds())
            case "segment_heard":
                self.reach(STEPS[2], at, event.segment_heard.segment.end.ToTimedelta().total_seconds())
            case "section_summarized":
                self.reach(STEPS[3], at, event.section_summarized.end.ToTimedelta().total_seconds())
            case "passages_indexed":
                self.reach(STEPS[4], at, event.passages_indexed.through.ToTimedelta().total_seconds())
            case _:
                pass

    def download(self, sent: Iterable[tuple[float, int]], *, began: float, size: int, seconds: float) -> None:
        """The site has sent so many of `size` bytes of a video that lasts `seconds`."""
        for at, count in list(sent)[::_EVERY]:
            self.reach(STEPS[0], at - began, count / size * seconds)
        self.reach(STEPS[0], list(sent)[-1][0] - began, seconds)

    @property
    def end(self) -> float:
        """When the last step was done."""
        return max(points[-1][0] for points in self.points.values())

    def plot(self, name: str, title: str, *, until: float) -> Plot:
        """The picture, up to a common end."""
        return Plot(
            name=name,
            title=title,
            x="seconds since the video was submitted",
            y="seconds of the video",
            series=tuple(_stairs(step, points, until) for step, points in self.points.items()),
        )


_EVERY = 25
"""Of the site's many notes, one in so many is drawn."""


def _stairs(name: str, points: Sequence[tuple[float, float]], until: float) -> Series:
    """What stays as it is until the next point; the download alone is even."""
    x, y = [points[0][0]], [points[0][1]]
    for at, through in points[1:]:
        if name != STEPS[0]:
            x.append(round(at, 2))
            y.append(y[-1])
        x.append(round(at, 2))
        y.append(round(through, 1))
    return Series(name=name, x=(*x, round(until, 2)), y=(*y, y[-1]))


async def finish(timeline: Timeline, segments: Sequence[Segment], began: float) -> None:
    """What comes after a transcript is whole, as the sequential way does it: sections one by one, then passages and their
    vectors, by the services' own code.
    """
    engine, left = Extractive(), list(segments)
    while (count := next_section(left, "en", target=_SECTION, complete=True)) is not None:
        await engine.section(left[:count], "en", "")
        timeline.reach(STEPS[3], time.monotonic() - began, left[count - 1].end)
        del left[:count]
    heard = [
        transcript.Segment(
            window=0, index=index, start=int(one.start * 1000), end=int(one.end * 1000), text=one.text
        )
        for index, one in enumerate(segments)
    ]
    embedder = await asyncio.to_thread(WordLlamaEmbedder.load)
    passages = passage.cut("job", list(passage.pieces(heard)), final=True)
    await embedder.embed([one.text for one in passages])
    if passages:
        timeline.reach(STEPS[4], time.monotonic() - began, passages[-1].end / 1000)
