"""A job's events become what a watcher is told, each thing once."""

from collections.abc import Callable
from typing import Any

from vidmesh.errors.v1.error_reason_pb2 import ERROR_REASON_LANGUAGE_MODEL_STALLED
from vidmesh.errors.v1.failure_pb2 import Failure
from vidmesh.events.v1 import stage_pb2
from vidmesh.events.v1.ingest_events_pb2 import (
    JOB_OUTCOME_CANCELLED,
    JOB_OUTCOME_PARTIAL,
    JOB_OUTCOME_SUCCEEDED,
    JobCancelled,
    JobEnded,
    JobRetried,
    SourceOpened,
    StageFailed,
)
from vidmesh.events.v1.summarize_events_pb2 import SummaryDelta
from vidmesh.ingest.v1.ingest_service_pb2 import JobSnapshot, WatchJobResponse
from vidmesh.ingest.v1.job_pb2 import JOB_STATE_SUCCEEDED, Job, JobStage
from vidmesh_cli.view.job import STAGES, JobView
from vidmesh_cli.view.news import Divided, Ended, Heard, Moved, News, Notice, Opened, Summarized
from vidmesh_cli.view.rows import ended_line, how_far, how_fast, how_long, opened_line, stage_line
from vidmesh_cli.view.stage import State

Story = list[WatchJobResponse]


def told(view: JobView, story: Story) -> list[News]:
    return [news for message in story for news in view.apply(message)]


def of_kind(kind: type, news: list[News]) -> list[Any]:
    return [one for one in news if isinstance(one, kind)]


def test_a_whole_job(story: Story) -> None:
    view = JobView(job_id="job-1")
    news = told(view, story)

    assert [opened_line(one) for one in of_kind(Opened, news)] == ["A talk (0:20, 1.3 MB)"]
    assert [(one.start, one.text) for one in of_kind(Heard, news)] == [
        (0.5, "Hello bees."),
        (9.0, "Goodbye."),
    ]
    assert [one.text for one in of_kind(Notice, news)] == ["A lesser recogniser was taken."]
    assert [one.text for one in of_kind(Summarized, news)] == ["Bees are greeted."]
    assert [one.chapters[0].title for one in of_kind(Divided, news)] == ["Bees"]
    assert [one.outcome for one in of_kind(Ended, news)] == [JOB_OUTCOME_SUCCEEDED]
    assert ended_line(of_kind(Ended, news)[0]) == "Done in 17 s."
    assert [stage.state for stage in view.stages] == [State.DONE] * 4
    assert view.sequence == story[-1].event.sequence


def test_each_stage_is_told_of_when_it_changes_and_at_each_tenth(
    story: Story, progress: Callable[[float, float], WatchJobResponse]
) -> None:
    view = JobView(job_id="job-1")
    told(view, story[:6])
    lines = []
    for done in (0.5, 1.0, 1.5, 2.0, 2.1, 3.9, 4.0, 11.0):
        lines += [stage_line(one.stage) for one in of_kind(Moved, told(view, [progress(done, 2.0)]))]

    assert lines == [
        "transcribe: 10 %  0:02/0:20  2.0x  9.0 s left  recognising",
        "transcribe: 20 %  0:04/0:20  2.0x  8.0 s left  recognising",
        "transcribe: 55 %  0:11/0:20  2.0x  4.5 s left  recognising",
    ]


def test_where_a_stage_tells_no_progress_it_is_reckoned_from_its_results(story: Story) -> None:
    view = JobView(job_id="job-1")
    told(view, story[:8])
    transcribe = view.stages[1]
    assert (how_far(transcribe), how_fast(transcribe), how_long(transcribe)) == (
        "0:10/0:20",
        "5.0x",
        "2.0 s left",
    )


def test_the_summary_is_shown_as_it_is_written(story: Story, tell: Callable[..., WatchJobResponse]) -> None:
    view = JobView(job_id="job-1")
    told(view, story[:14])
    assert view.draft == "Bees are greeted."
    told(view, [tell(summary_delta=SummaryDelta(text="Once more.", restart=True))])
    assert view.draft == "Once more."
    told(view, story[14:15])
    assert view.draft == ""


def test_chapters_follow_the_summary_whichever_comes_first(story: Story) -> None:
    view = JobView(job_id="job-1")
    news = told(view, [*story[:14], story[15], story[14], *story[16:]])
    assert [type(one) for one in news if isinstance(one, Summarized | Divided)] == [Summarized, Divided]


def test_a_later_stages_failure_is_told_with_its_reason(
    story: Story, tell: Callable[..., WatchJobResponse]
) -> None:
    view = JobView(job_id="job-1")
    failure = Failure(reason=ERROR_REASON_LANGUAGE_MODEL_STALLED, message="It stopped.", advice="Retry.")
    failed = StageFailed(stage=stage_pb2.STAGE_SUMMARIZE, failure=failure)
    news = told(view, [*story[:11], tell(stage_failed=failed)])
    assert [stage_line(one.stage) for one in of_kind(Moved, news)][-1] == "summarize: failed: It stopped."

    news = told(view, [tell(job_ended=JobEnded(outcome=JOB_OUTCOME_PARTIAL, failure=failure, run=1))])
    assert of_kind(Ended, news)[0].failure == failure
    assert "transcript is whole" in ended_line(of_kind(Ended, news)[0])


def test_a_cancelled_job_stops_and_a_retried_one_goes_on(
    story: Story, tell: Callable[..., WatchJobResponse]
) -> None:
    view = JobView(job_id="job-1")
    told(view, [*story[:8], tell(job_cancelled=JobCancelled())])
    assert [stage.state for stage in view.stages] == [
        State.DONE,
        State.CANCELLED,
        State.CANCELLED,
        State.CANCELLED,
    ]
    told(view, [tell(job_ended=JobEnded(outcome=JOB_OUTCOME_CANCELLED, run=1))])

    news = told(view, [tell(job_retried=JobRetried(run=2))])
    assert [one.text for one in of_kind(Notice, news)] == ["Run 2 begins."]
    assert [stage.state for stage in view.stages] == [State.DONE, *[State.WAITING] * 3]
    told(view, story[9:])
    assert [stage.state for stage in view.stages] == [State.DONE] * 4


def test_where_events_are_gone_the_snapshot_stands_for_them() -> None:
    view = JobView(job_id="job-1")
    stages = [JobStage(stage=number, state=stage_pb2.STAGE_STATE_SUCCEEDED) for number in STAGES]
    job = Job(
        video_id="v", title="A talk", state=JOB_STATE_SUCCEEDED, stages=stages, notices=["By PocketSphinx."]
    )
    news = told(view, [WatchJobResponse(snapshot=JobSnapshot(sequence=900, job=job))])

    assert [one.text for one in of_kind(Notice, news)][1:] == ["By PocketSphinx."]
    assert [one.outcome for one in of_kind(Ended, news)] == [JOB_OUTCOME_SUCCEEDED]
    assert [stage.state for stage in view.stages] == [State.DONE] * 4
    assert view.sequence == 900


def test_a_title_gives_the_terminal_no_orders(tell: Callable[..., WatchJobResponse]) -> None:
    opened = SourceOpened(title="\x1b]0;owned\x07../etc\u202e", author="a\nb")
    news = told(JobView(job_id="job-1"), [tell(source_opened=opened)])
    assert opened_line(of_kind(Opened, news)[0]) == "�]0;owned�../etc� by a b"
