"""Dead letters in a list, and what can be done about them."""

import time
from collections.abc import AsyncIterator, Sequence

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message
from rich.table import Table

from vidmesh import AsyncClient, VidmeshError
from vidmesh.events.v1.dead_letter_pb2 import DeadLetter
from vidmesh.events.v1.job_event_pb2 import JobEvent
from vidmesh.events.v1.stage_pb2 import Stage
from vidmesh_cli.exit_code import ExitCode
from vidmesh_cli.ids import job_id, only, short, shortened
from vidmesh_cli.output import Output
from vidmesh_cli.printable import one_line
from vidmesh_cli.units import counted, span

_SAYS = {"window": "window_ready", "captions": "captions_found", "video": "job_accepted"}
"""What kinds of work are told by, as a field of JobEvent."""


async def show_all(client: AsyncClient, output: Output, *, job: str) -> ExitCode:
    """List the letters."""
    whole = await job_id(client, job) if job else ""
    found = [letter async for letter in client.dead_letters(job_id=whole)]
    if output.json_lines:
        for letter in found:
            output.emit(letter)
        return ExitCode.OK
    if not found:
        output.say("There are no dead letters.")
        return ExitCode.OK
    names = shortened([letter.id for letter in found]) if output.data.is_terminal else {}
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("letter", "stage", "what", "job", "tried", "age"):
        table.add_column(column, no_wrap=True)
    table.add_column("why", overflow="ellipsis", no_wrap=True)
    for letter in found:
        table.add_row(
            names.get(letter.id, letter.id),
            _stage(letter),
            letter.kind,
            letter.job_id,
            str(letter.attempts),
            span(max(0.0, time.time() - letter.time.seconds)),
            one_line(letter.failure.message),
        )
    output.data.print(table)
    first = names.get(found[0].id, found[0].id)
    output.hint(
        (f"vidmesh letters show {first}", "what it says"),
        (f"vidmesh letters retry {first}", "have it done after all"),
    )
    return ExitCode.OK


async def show_one(client: AsyncClient, output: Output, *, letter: str) -> ExitCode:
    """Read a letter."""
    found = await client.dead_letter(await _id(client, letter))
    if output.json_lines:
        output.emit(found)
        return ExitCode.OK
    lines = {
        "letter": found.id,
        "stage": _stage(found),
        "what": f"{'message' if found.message else 'work'} {found.kind}",
        "which": found.key,
        "job": found.job_id,
        "video": found.video_id,
        "tried": counted(found.attempts, "times"),
        "given up": found.time.ToJsonString(),
        "why": found.failure.message,
        "advice": found.failure.advice,
        "says": said(found),
    }
    for name, value in lines.items():
        if value:
            output.raw(f"{name + ':':10}{one_line(value)}\n")
    return ExitCode.OK


async def retry(client: AsyncClient, output: Output, *, letters: Sequence[str] | None) -> ExitCode:
    """Have what was given up done after all; None: all of it. A job's letters go together."""
    done = 0
    gone: set[str] = set()
    async for letter in _letters(client, letters):
        if letter.id in gone:
            continue
        if letters is None and letter.job_id:
            gone |= {one.id async for one in client.dead_letters(job_id=letter.job_id)}
        try:
            job = await client.retry_dead_letter(letter.id)
        except VidmeshError as error:
            output.failure(error)
            return ExitCode.ERROR
        done += 1
        if output.json_lines:
            output.line({"letter": letter.id, "job": job.id if job else ""})
        elif job:
            output.say(f"Run {job.run} of job {short(job.id)} begins: {one_line(job.title)}.")
        else:
            output.say(f"{letter.kind} {one_line(letter.key)} is tried again.")
    if not done and not output.json_lines:
        output.say("There are no dead letters.")
    return ExitCode.OK


async def drop(client: AsyncClient, output: Output, *, letters: Sequence[str] | None) -> ExitCode:
    """Drop letters; None: all."""
    done = 0
    async for letter in _letters(client, letters):
        await client.drop_dead_letter(letter.id)
        done += 1
        if output.json_lines:
            output.line({"letter": letter.id})
    if not output.json_lines:
        output.say(f"{counted(done, 'letters')} dropped.")
    return ExitCode.OK


def said(letter: DeadLetter) -> str:
    """What a letter says, in the form of JSON where its kind is known, else how long it is."""
    field = JobEvent.DESCRIPTOR.fields_by_name.get(_SAYS.get(letter.kind, letter.kind))
    if field is not None and field.message_type is not None:
        message: Message = getattr(JobEvent(), field.name)
        try:
            message.MergeFromString(letter.payload)
        except DecodeError:
            return f"{counted(len(letter.payload), 'bytes')} that are no {field.message_type.name}"
        return str(MessageToDict(message))
    return counted(len(letter.payload), "bytes")


async def _letters(client: AsyncClient, named: Sequence[str] | None) -> AsyncIterator[DeadLetter]:
    if named is None:
        for letter in [letter async for letter in client.dead_letters()]:
            yield letter
        return
    for typed in named:
        yield await client.dead_letter(await _id(client, typed))


async def _id(client: AsyncClient, typed: str) -> str:
    return await only(typed, "letter", (letter.id async for letter in client.dead_letters()))


def _stage(letter: DeadLetter) -> str:
    return Stage.Name(letter.stage).removeprefix("STAGE_").lower()
