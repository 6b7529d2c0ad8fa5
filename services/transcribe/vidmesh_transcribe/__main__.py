"""The transcribe service: `python -m vidmesh_transcribe`."""

import asyncio
import logging
import os
import sys
from contextlib import AsyncExitStack, suppress
from dataclasses import replace

from vidmesh.transcribe.v1.transcribe_service_pb2 import DESCRIPTOR
from vidmesh.transcribe.v1.transcribe_service_pb2_grpc import add_TranscribeServiceServicer_to_server
from vidmesh_runtime.inbox import Follower
from vidmesh_runtime.service import open_parts, serve, start
from vidmesh_runtime.worker import Worker
from vidmesh_transcribe.child import Limits, RecognizerChild
from vidmesh_transcribe.facts import CAPTIONS, STAGE, WINDOW, Facts
from vidmesh_transcribe.lanes import Lanes, lane_count, threads_each
from vidmesh_transcribe.listening import Ears
from vidmesh_transcribe.recognizer import Choice, Options, RecognizerError
from vidmesh_transcribe.servicer import Transcripts
from vidmesh_transcribe.settings import Settings
from vidmesh_transcribe.store import MIGRATIONS
from vidmesh_transcribe.transcriber import Transcriber

log = logging.getLogger(__name__)
NAME = "transcribe"
LIVE_IDLE = 60.0
"""Seconds after which the recogniser of live sound, a second one, is unloaded."""


async def main(settings: Settings) -> None:
    """Serve until told to stop. Raises `RecognizerError` where the recogniser that was named cannot be loaded."""
    cores = len(os.sched_getaffinity(0))
    lanes = lane_count(settings.recognizer_lanes, device=settings.whisper_device, cores=cores)
    options = Options(
        choice=settings.recognizer,
        model=settings.whisper_model,
        device=settings.whisper_device,
        compute_type=settings.whisper_compute_type,
        threads=threads_each(settings.whisper_threads, lanes=lanes, cores=cores),
        beam_size=settings.whisper_beam_size,
        batch_size=settings.whisper_batch_size,
        mixed_languages=settings.mixed_languages,
        download=settings.whisper_download,
        hub_patience=settings.hub_patience.total_seconds(),
    )
    limits = Limits(
        idle=settings.recognizer_idle.total_seconds(),
        resident=settings.recognizer_max_bytes,
        silence=settings.recognizer_silence.total_seconds(),
    )
    async with RecognizerChild(options, limits) as recognizer:
        if settings.recognizer != Choice.AUTO:
            await recognizer.engine()
        async with AsyncExitStack() as stack:
            others = [RecognizerChild(options, limits, same_as=recognizer) for _ in range(lanes - 1)]
            live = RecognizerChild(options, replace(limits, idle=LIVE_IDLE), same_as=recognizer)
            for child in (*others, live):
                await stack.enter_async_context(child)
            parts = await stack.enter_async_context(open_parts(NAME, settings, MIGRATIONS))
            transcriber = Transcriber(
                parts, Lanes([recognizer, *others]), mixed_languages=settings.mixed_languages
            )
            worker = Worker(
                parts.pool,
                parts.bus,
                stage=STAGE,
                handlers={WINDOW: transcriber.window, CAPTIONS: transcriber.captions},
                given_up=transcriber.given_up,
                concurrency=lanes,  # no window is claimed that no recogniser is free for
                lease=settings.lease,
                max_attempts=settings.max_attempts,
                retry_delay=settings.retry_delay,
                reconcile_every=settings.reconcile_every,
            )
            follower = Follower(
                parts.pool, parts.bus, service=NAME, work_stage=STAGE, follows=Facts(parts.media).follows
            )
            ears = Ears(live, streams=settings.live_streams)
            servicer = Transcripts(parts.pool, parts.watchtower, recognizer, ears)
            preparing = asyncio.create_task(_prepare(recognizer))
            try:
                await serve(
                    NAME,
                    settings,
                    parts,
                    register=lambda server: add_TranscribeServiceServicer_to_server(servicer, server),
                    serves=DESCRIPTOR.services_by_name["TranscribeService"].full_name,
                    workers=[worker],
                    loops=[follower.run],
                )
            finally:
                preparing.cancel()
                with suppress(asyncio.CancelledError):
                    await preparing


async def _prepare(recognizer: RecognizerChild) -> None:
    """Choose a recogniser while the service answers already: where the hub is far, that takes its time."""
    try:
        engine = await recognizer.engine()
    except RecognizerError as error:
        log.warning("no recogniser yet, the first window tries again: %s", error)
    else:
        if engine.notice:
            log.warning("%s", engine.notice)


if __name__ == "__main__":
    told = Settings()
    try:
        start(lambda: main(told), log_level=told.log_level)
    except RecognizerError as error:
        sys.exit(f"vidmesh-transcribe: {error}")
