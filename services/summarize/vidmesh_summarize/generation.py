"""GenerateSummary: another summary of a video, in the style, language and length that a caller asks for."""

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.summarize.v1.summarize_service_pb2 import (
    GenerateSummaryRequest,
    GenerateSummaryResponse,
    SummaryRestart,
)
from vidmesh.summarize.v1.summary_pb2 import Summary
from vidmesh_runtime.database import Connection, Pool
from vidmesh_runtime.errors import Failure, invalid
from vidmesh_runtime.idempotency import once
from vidmesh_summarize import wire
from vidmesh_summarize.engine import RESTART, Brief, Engine
from vidmesh_summarize.facts import OWN, sql
from vidmesh_summarize.shelf import Shelf
from vidmesh_summarize.source import load_source
from vidmesh_summarize.words import primary
from vidmesh_summarize.writing import written

_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_LONGEST_PROMPT = 2000  # characters

Responses = AsyncGenerator[GenerateSummaryResponse, None]


class Generation:
    """Writes summaries while their callers wait, and keeps them."""

    def __init__(self, pool: Pool, shelf: Shelf, engine: Engine) -> None:
        self._pool = pool
        self._shelf = shelf
        self._engine = engine

    async def generate(self, tenant: str, request: GenerateSummaryRequest) -> Responses:
        """Stream a summary and keep it; give the kept one where it was asked for before.

        Raises Failure NOT_FOUND, INVALID_FIELD, WRONG_STATE while the video is not summarised, NOTHING_SAID, and
        what the engine raises.
        """
        asked = _brief(request)
        job = await self._shelf.best_job(tenant, request.video_id)
        brief = _of_video(asked, job)
        self._engine.check(brief, job["language"])
        await self._make_sure(job)

        async def reserve(connection: Connection) -> Summary:
            row = await sql.reserve_summary(
                connection,
                job_id=job["job_id"],
                style=brief.style.value,
                length=brief.length.value,
                language=brief.language,
                prompt=brief.prompt,
            )
            return Summary(id=str(row["id"]))

        reserved = await once(self._pool, request, Summary, reserve)
        kept = await self._shelf.summary(tenant, request.video_id, reserved.id)
        if kept.text:
            yield GenerateSummaryResponse(summary=kept)
            return
        if brief == OWN:
            raise _not_yet("The video's own summary is still being written; StreamSummary follows it.")
        source = await load_source(self._pool, job["job_id"])
        if source is None:
            raise _not_yet("The video is being deleted.")
        text = ""
        async with aclosing(written(self._engine, source, brief)) as pieces:
            async for piece in pieces:
                if piece is RESTART:
                    text = ""
                    yield GenerateSummaryResponse(restart=SummaryRestart())
                else:
                    text += piece
                    yield GenerateSummaryResponse(delta=piece)
        await sql.finish_summary(
            self._pool,
            id=reserved.id,
            text=text.strip(),
            model=self._engine.model,
            extractive=self._engine.extractive,
        )
        yield GenerateSummaryResponse(
            summary=await self._shelf.summary(tenant, request.video_id, reserved.id)
        )

    async def _make_sure(self, job: Mapping[str, Any]) -> None:
        row = await sql.progress(self._pool, job_id=job["job_id"])
        if not job["closed"]:
            raise _not_yet("The transcript is not whole yet.")
        if row["total"] == 0:
            raise Failure(ErrorReason.ERROR_REASON_NOTHING_SAID)
        if row["done"] < row["total"]:
            raise _not_yet(f"{row['done']} of {row['total']} sections are summarised so far.")


def _brief(request: GenerateSummaryRequest) -> Brief:
    """Read and check what is asked for. Raises Failure INVALID_FIELD."""
    if request.language and not _TAG.fullmatch(request.language):
        raise invalid("language", f"{request.language!r} is no BCP 47 tag such as 'en' or 'pt-BR'.")
    if len(request.prompt) > _LONGEST_PROMPT:
        raise invalid("prompt", f"A prompt has at most {_LONGEST_PROMPT} characters.")
    prompt = request.prompt.replace("\x00", "").strip()
    return wire.brief(request.style, request.length, request.language, prompt)


def _of_video(brief: Brief, job: Mapping[str, Any]) -> Brief:
    """Leave out a language that is the video's own, so that asking for it is the same as not asking."""
    if brief.language and primary(brief.language) == primary(job["language"]):
        return Brief(style=brief.style, length=brief.length, prompt=brief.prompt)
    return brief


def _not_yet(message: str) -> Failure:
    return Failure(ErrorReason.ERROR_REASON_WRONG_STATE, message)
