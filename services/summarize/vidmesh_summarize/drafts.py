"""Chapters while more is heard: cut anew as the video grows, without a language model, until the whole can be cut."""

import asyncio
from pathlib import Path

from vidmesh.events.v1.summarize_events_pb2 import ChaptersDrafted
from vidmesh.events.v1.transcribe_events_pb2 import WindowTranscribed
from vidmesh_runtime.database import Connection, load_queries
from vidmesh_summarize import wire
from vidmesh_summarize.chapters import chapters

sql = load_queries(Path(__file__).with_name("queries.sql"))

GROWTH = 5
"""A draft is made again when there is a fifth more: some thirty times in ten hours, so that their cost stays in proportion."""


def is_due(sections: int) -> bool:
    """Whether to draft when so many sections are summarised: after each of the first, then ever more rarely."""
    made = 1
    while made < sections:
        made = max(made + 1, made + made // GROWTH)
    return made == sections


async def draft(connection: Connection, job_id: str) -> ChaptersDrafted | None:
    """Cut what was heard without a gap; None where there is nothing to cut, or all is cut already."""
    job = await sql.job(connection, job_id=job_id)
    if job is None or job["closed"] or job["chaptered_at"] is not None:
        return None
    windows = [
        WindowTranscribed.FromString(row["transcribed"])
        async for row in sql.heard_from(connection, job_id=job_id, first=0)
        if row["index"] < job["heard_through"]
    ]
    segments = [segment for window in windows for segment in wire.segments(window)]
    language = next((window.language for window in windows if window.language), "")
    found = await asyncio.to_thread(chapters, segments, language)
    if not found:
        return None
    return ChaptersDrafted(chapters=wire.chapter_messages(found), through=wire.duration(found[-1].end))
