"""Moments and answers."""

import sys
from collections.abc import Sequence
from contextlib import nullcontext

from rich.live import Live
from rich.text import Text

from vidmesh import AsyncClient
from vidmesh.pages import pages
from vidmesh.query.v1.query_service_pb2 import AskRequest, SearchRequest
from vidmesh.query.v1.search_pb2 import Answer, AnswerKind, Coverage, Hit, Scope, Snippet
from vidmesh_cli.entry import Entry, plain, timed
from vidmesh_cli.exit_code import ExitCode
from vidmesh_cli.ids import short, video_id
from vidmesh_cli.output import Output, animated
from vidmesh_cli.printable import one_line, printable
from vidmesh_cli.units import clock

PAGE = 100
"""The most hits that the mesh gives at once."""
SAID = 3
"""How many videos whose jobs still run are named."""


async def search(
    client: AsyncClient, output: Output, *, query: str, videos: Sequence[str], limit: int
) -> ExitCode:
    """Print the moments that fit a query, the best first."""
    scope = Scope(video_ids=[await video_id(client, video) for video in videos])
    request = SearchRequest(query=query, scope=scope, page_size=min(limit, PAGE))
    shown, degraded = 0, False
    best: Hit | None = None
    running: Sequence[Coverage] = ()
    async for page in pages(client.query.Search, request):
        degraded = degraded or page.degraded
        running = page.coverage
        for hit in page.hits[: limit - shown]:
            best = best or hit
            shown += 1
            if output.json_lines:
                output.emit(hit)
            else:
                _show_hit(output, hit)
        if shown >= limit:
            break
    if degraded:
        output.say("Only words were looked for: search by meaning was not to be had.", style="yellow")
    show_coverage(output, running)
    if output.json_lines:
        return ExitCode.OK
    if best is None:
        output.say("Nothing found.")
        output.hint(
            ("vidmesh jobs", "which videos there are"), (f'vidmesh ask "{one_line(query)}"', "ask instead")
        )
    else:
        output.hint((f'vidmesh ask "..." --video {short(best.video_id)}', "an answer with its moments"))
    return ExitCode.OK


async def ask(client: AsyncClient, output: Output, *, question: str, videos: Sequence[str]) -> ExitCode:
    """Print the answer to a question, with the moments that it rests on."""
    scope = Scope(video_ids=[await video_id(client, video) for video in videos])
    answer = await answered(client, output, AskRequest(question=question, scope=scope))
    if output.json_lines:
        output.result(answer)
        return ExitCode.OK
    show_answer(output, answer)
    if answer.citations:
        output.hint((f"vidmesh transcript {short(answer.citations[0].video_id)}", "all that is said there"))
    else:
        output.hint(("vidmesh search WORDS", "look for the words themselves"))
    return ExitCode.OK


async def answered(client: AsyncClient, output: Output, request: AskRequest) -> Answer:
    """Ask, showing the answer as it is written on a terminal, and give it when it is checked and whole."""
    answer = Answer()
    draft = Text()
    live = Live(draft, console=output.messages, transient=True, auto_refresh=False)
    with live if animated(sys.stderr) and not output.json_lines else nullcontext():
        async for message in client.query.Ask(request):
            match message.WhichOneof("message"):
                case "retrieved":
                    show_coverage(output, message.retrieved.coverage)
                case "answer":
                    answer = message.answer
                case "delta":
                    draft.append(printable(message.delta))
                    live.refresh()
                case _:
                    pass
            if output.json_lines and not message.HasField("answer"):
                output.emit(message)
    return answer


def show_answer(output: Output, answer: Answer) -> None:
    """Print an answer and its citations."""
    quoted = answer.kind == AnswerKind.ANSWER_KIND_PASSAGES and bool(answer.citations)
    if not quoted:  # else the text says nothing but what the citations do
        output.show(plain(printable(answer.text).strip()))
        if answer.citations:
            output.show(plain())
    for citation in answer.citations:
        lead = Text.assemble(
            (f"[{citation.number}] ", "bold"), (f"{clock(citation.moment.seconds):>5}  ", "cyan")
        )
        body = Text.assemble(f"“{one_line(citation.quote)}”  ", (one_line(citation.video_title), "dim"))
        output.show(Entry(lead=lead, body=body))
    if answer.notice:
        output.say(f"note: {answer.notice}", style="yellow")
    elif answer.kind == AnswerKind.ANSWER_KIND_PASSAGES:
        output.say("(the passages themselves: no language model wrote this answer)", style="dim")


def show_coverage(output: Output, running: Sequence[Coverage]) -> None:
    """Say how far the videos have come that were searched while their jobs run."""
    for one in running[:SAID]:
        through = clock(one.indexed_through.seconds)
        whole = f" of {clock(one.duration.seconds)}" if one.HasField("duration") else ""
        far = f"searched through {through}{whole}" if one.indexed_through.ToSeconds() else "not searched yet"
        output.say(f"{one_line(one.video_title)}: its job still runs; {far}.", style="dim")
    if len(running) > SAID:
        output.say(f"... and {len(running) - SAID} more videos whose jobs still run.", style="dim")


def _show_hit(output: Output, hit: Hit) -> None:
    title = Text.assemble((one_line(hit.video_title), "bold"), (f"  {hit.video_id}", "dim"))
    output.show(timed(clock(hit.moment.seconds), title))
    output.show(timed("", highlighted(hit.snippet)))


def highlighted(snippet: Snippet) -> Text:
    """Give a snippet with what matches in bold."""
    text = Text(printable(snippet.text).replace("\n", " "))
    for span in snippet.highlights:
        text.stylize("bold yellow", span.start, span.end)
    return text
