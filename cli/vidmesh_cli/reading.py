"""What was made of a video: transcript, summary, chapters."""

from rich.text import Text

from vidmesh import AsyncClient
from vidmesh.events.v1.stage_pb2 import STAGE_STATE_FAILED, STAGE_STATE_SUCCEEDED
from vidmesh.events.v1.text_pb2 import Segment
from vidmesh.pages import pages
from vidmesh.summarize.v1.summarize_service_pb2 import GetSummaryRequest, ListChaptersRequest
from vidmesh.transcribe.v1.transcribe_service_pb2 import (
    ExportTranscriptRequest,
    GetTranscriptRequest,
    StreamTranscriptRequest,
    StreamTranscriptResponse,
)
from vidmesh.transcribe.v1.transcript_pb2 import ExportFormat, Transcript
from vidmesh_cli.entry import plain, timed
from vidmesh_cli.exit_code import ExitCode
from vidmesh_cli.ids import short, video_id
from vidmesh_cli.output import Output
from vidmesh_cli.printable import one_line, printable
from vidmesh_cli.units import clock
from vidmesh_cli.view.lines import chapter_entries


async def export(
    client: AsyncClient, output: Output, *, video: str, form: ExportFormat.ValueType
) -> ExitCode:
    """Print a transcript as a file of a format."""
    whole = await video_id(client, video)
    response = await client.transcribe.ExportTranscript(ExportTranscriptRequest(video_id=whole, format=form))
    if output.json_lines:
        output.emit(response)
    else:
        output.raw(response.content if response.content.endswith("\n") else response.content + "\n")
    return ExitCode.OK


async def transcript(client: AsyncClient, output: Output, *, video: str) -> ExitCode:
    """Print what there is of a transcript, a line for each segment."""
    whole = await video_id(client, video)
    request = GetTranscriptRequest(video_id=whole, page_size=1000, omit_words=not output.json_lines)
    known = Transcript()
    async for page in pages(client.transcribe.GetTranscript, request):
        known = page.transcript
        for segment in page.segments:
            _segment(output, segment)
    return _end(output, known)


async def stream(client: AsyncClient, output: Output, *, video: str) -> ExitCode:
    """Print a transcript as it grows, until it is whole."""
    whole = await video_id(client, video)
    known = Transcript()
    async for message in client.transcribe.StreamTranscript(StreamTranscriptRequest(video_id=whole)):
        match message.WhichOneof("message"):
            case "segment":
                _segment(output, message.segment)
            case "transcript":
                known = message.transcript
    return _end(output, known)


async def summary(client: AsyncClient, output: Output, *, video: str) -> ExitCode:
    """Print a summary."""
    whole = await video_id(client, video)
    found = (await client.summarize.GetSummary(GetSummaryRequest(video_id=whole))).summary
    if output.json_lines:
        output.emit(found)
        return ExitCode.OK
    if found.state == STAGE_STATE_FAILED:
        output.problem(found.failure.message, advice=found.failure.advice)
        return ExitCode.ERROR
    if not found.text:
        output.say(
            "There is no summary yet; the sections so far:" if found.sections else "There is no summary yet."
        )
        for section in found.sections:
            output.show(timed(clock(section.start.seconds), Text(one_line(section.text))))
        output.hint((f"vidmesh transcript {short(whole)} --follow", "what is said, as it is heard"))
        return ExitCode.OK
    output.show(plain(printable(found.text)))
    made = (
        "made of the speaker's own sentences; no language model is set"
        if found.extractive
        else f"by {found.model}"
    )
    output.say(f"({made})", style="dim")
    output.hint(
        (f"vidmesh chapters {short(whole)}", "where what is said"),
        (f'vidmesh ask "..." --video {short(whole)}', "an answer with its moments"),
    )
    return ExitCode.OK


async def chapters(client: AsyncClient, output: Output, *, video: str) -> ExitCode:
    """Print the chapters."""
    whole = await video_id(client, video)
    response = await client.summarize.ListChapters(ListChaptersRequest(video_id=whole))
    if output.json_lines:
        for chapter in response.chapters:
            output.emit(chapter)
        return ExitCode.OK
    for entry in chapter_entries(response.chapters):
        output.show(entry)
    if not response.chapters:
        done = response.state == STAGE_STATE_SUCCEEDED
        output.say(
            "There are no chapters: nothing is said in the video." if done else "There are no chapters yet."
        )
    output.hint((f"vidmesh summary {short(whole)}", "the whole in short"))
    return ExitCode.OK


def _segment(output: Output, segment: Segment) -> None:
    if output.json_lines:
        output.emit(StreamTranscriptResponse(segment=segment))
    else:
        start = segment.start.seconds + segment.start.nanos / 1e9
        output.show(timed(clock(start), Text(one_line(segment.text))))


def _end(output: Output, known: Transcript) -> ExitCode:
    if output.json_lines:
        output.result(known)
    else:
        if known.notice:
            output.say(f"note: {known.notice}", style="yellow")
        if known.state == STAGE_STATE_FAILED:
            output.problem(known.failure.message, advice=known.failure.advice)
        elif known.state != STAGE_STATE_SUCCEEDED:
            output.say(f"The transcript is not whole yet: it reaches {clock(known.through.seconds)}.")
            output.hint((f"vidmesh transcript {short(known.video_id)} --follow", "the rest as it comes"))
        else:
            output.hint((f"vidmesh transcript {short(known.video_id)} --format srt", "the same as subtitles"))
    return ExitCode.JOB_FAILED if known.state == STAGE_STATE_FAILED else ExitCode.OK
