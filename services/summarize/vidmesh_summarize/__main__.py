"""The summarize service, put together from its parts."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from vidmesh.summarize.v1.summarize_service_pb2_grpc import add_SummarizeServiceServicer_to_server
from vidmesh_runtime.inbox import Follower
from vidmesh_runtime.service import Parts, open_parts, serve, start
from vidmesh_runtime.worker import Worker
from vidmesh_summarize.engine import Engine
from vidmesh_summarize.extractive import Extractive
from vidmesh_summarize.facts import STAGE, Facts
from vidmesh_summarize.generation import Generation
from vidmesh_summarize.servicer import Servicer
from vidmesh_summarize.settings import SummarizeSettings
from vidmesh_summarize.shelf import Shelf
from vidmesh_summarize.streaming import Streaming
from vidmesh_summarize.writer import Writer

NAME = "summarize"
MIGRATIONS = Path(__file__).parent / "migrations"

log = logging.getLogger("vidmesh_summarize")


@asynccontextmanager
async def open_engine(settings: SummarizeSettings) -> AsyncIterator[Engine]:
    """Open what writes summaries."""
    if not settings.uses_language_model:
        log.info("summaries are extractive: no language model is set")
        yield Extractive()
        return
    # Importing `openai` takes longer than all else together: only where it is used.
    from vidmesh_summarize.chat import Chat, Patience  # noqa: PLC0415
    from vidmesh_summarize.language_model import LanguageModel  # noqa: PLC0415

    patience = Patience(
        attempts=settings.llm_attempts,
        stall=settings.llm_stall,
        whole=settings.llm_longest_answer,
        longest_wait=settings.llm_longest_wait,
    )
    async with Chat(
        settings.llm_base_url,
        settings.llm_api_key.get_secret_value(),
        settings.llm_model,
        patience=patience,
        concurrency=settings.llm_concurrency,
    ) as chat:
        log.info("summaries are written by %s at %s", settings.llm_model, settings.llm_base_url)
        yield LanguageModel(
            chat, context_tokens=settings.llm_context_tokens, answer_tokens=settings.llm_answer_tokens
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """The service's own parts."""

    worker: Worker
    follower: Follower
    servicer: Servicer


def assemble(settings: SummarizeSettings, parts: Parts, engine: Engine) -> Assembly:
    """Put the service together; nothing runs yet."""
    writer = Writer(parts.pool, engine, parts.ticker)
    worker = Worker(
        parts.pool,
        parts.bus,
        stage=STAGE,
        handlers=writer.handlers,
        given_up=writer.given_up,
        concurrency=settings.summarize_concurrency,
        lease=settings.lease,
        max_attempts=settings.max_attempts,
        retry_delay=settings.retry_delay,
        reconcile_every=settings.reconcile_every,
    )
    facts = Facts(settings.section_length)
    shelf = Shelf(parts.pool)
    return Assembly(
        worker=worker,
        follower=Follower(parts.pool, parts.bus, service=NAME, work_stage=STAGE, follows=facts.follows),
        servicer=Servicer(
            shelf, Streaming(shelf, parts.bus, parts.watchtower), Generation(parts.pool, shelf, engine)
        ),
    )


async def run(settings: SummarizeSettings) -> None:
    """Run the service until it is told to stop."""
    async with open_engine(settings) as engine, open_parts(NAME, settings, MIGRATIONS) as parts:
        made = assemble(settings, parts, engine)
        await serve(
            NAME,
            settings,
            parts,
            register=lambda server: add_SummarizeServiceServicer_to_server(made.servicer, server),
            serves="vidmesh.summarize.v1.SummarizeService",
            workers=[made.worker],
            loops=[made.follower.run],
        )


if __name__ == "__main__":
    chosen = SummarizeSettings()
    start(lambda: run(chosen), log_level=chosen.log_level)
