"""A stage and other news in words, the same for every way of showing them."""

from vidmesh.events.v1.ingest_events_pb2 import JobOutcome
from vidmesh_cli.printable import one_line
from vidmesh_cli.units import amount, clock, size, span, speed
from vidmesh_cli.view.news import Ended, Opened
from vidmesh_cli.view.stage import StageView, State


def how_far(stage: StageView) -> str:
    """How much is done: "1:02/2:48"; of what is done, the whole."""
    if stage.state is State.WAITING or not (stage.done or stage.total):
        return ""
    if stage.state is State.DONE:
        return amount(stage.done, 0, stage.unit)
    return amount(stage.done, stage.total, stage.unit)


def how_fast(stage: StageView) -> str:
    """The speed: "8.3x", "2.1 MB/s"; of what is done, only where it says something: how much faster than real time."""
    if stage.state is State.RUNNING or (stage.state is State.DONE and stage.unit == "seconds"):
        return speed(stage.rate, stage.unit)
    return ""


def how_long(stage: StageView) -> str:
    """The time still needed while it runs, the time that it took afterwards."""
    if stage.took is not None:
        return f"took {span(stage.took)}"
    return "" if stage.left is None else f"{span(stage.left)} left"


def stage_line(stage: StageView) -> str:
    """A stage on a line of its own, for where lines are not drawn over."""
    if stage.state is State.FAILED:
        return f"{stage.name}: failed: {one_line(stage.note)}"
    percent = ""
    if stage.state is State.RUNNING:
        percent = "" if stage.fraction is None else f"{stage.fraction * 100:.0f} %"
    what = percent or stage.state.value
    details = [how_far(stage), how_fast(stage), how_long(stage), one_line(stage.note)]
    return "  ".join([f"{stage.name}: {what}", *(detail for detail in details if detail)])


def opened_line(news: Opened) -> str:
    """The source: "Talk by Somebody (2:48, 4.1 MB)"."""
    facts = ", ".join(
        fact
        for fact in (
            clock(news.seconds) if news.seconds else "",
            size(news.size_bytes) if news.size_bytes else "",
        )
        if fact
    )
    author = f" by {one_line(news.author)}" if news.author else ""
    return f"{one_line(news.title)}{author}" + (f" ({facts})" if facts else "")


def ended_line(news: Ended, label: str = "") -> str:
    """How the job ended, in a sentence; `label` says which of several it is."""
    return f"{label}: {_ended(news)}" if label else _ended(news)


def _ended(news: Ended) -> str:
    took = span(news.seconds) if news.seconds else ""
    match news.outcome:
        case JobOutcome.JOB_OUTCOME_SUCCEEDED:
            return f"Done in {took}." if took else "Done."
        case JobOutcome.JOB_OUTCOME_PARTIAL:
            return "The transcript is whole, but a later stage failed."
        case JobOutcome.JOB_OUTCOME_CANCELLED:
            return f"The job was cancelled after {took}." if took else "The job was cancelled."
        case _:
            return f"The job failed after {took}." if took else "The job failed."
