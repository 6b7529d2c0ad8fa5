"""The transcribe service: `python -m vidmesh_transcribe`."""

import asyncio
import logging
import sys
from contextlib import suppress
from dataclasses import replace

from vidmesh.transcribe.v1.transcribe_service_pb2 import DESCRIPTOR
from vidmesh.transcribe.v1.transcribe_service_pb2_grpc import add_TranscribeServiceServicer_to_server
from vidmesh_runtime.inbox import Follower
from vidmesh_runtime.service import open_parts, serve, start
from vidmesh_runtime.worker import Worker
from vidmesh_transcribe.child import Limits, RecognizerChild
from vidmesh_transcribe.facts import CAPTIONS, STAGE, WINDOW, Facts
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
    options = Options(
        choice=settings.recognizer,
        model=settings.whisper_model,
        device=settings.whisper_device,
        compute_type=settings.whisper_compute_type,
        threads=settings.whisper_threads,
        beam_size=settings.whisper_beam_size,
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
        if settings.recognizer is not Choice.AUTO:
            await recognizer.engine()
        async with (
            RecognizerChild(options, replace(limits, idle=LIVE_IDLE), same_as=recognizer) as live,
            open_parts(NAME, settings, MIGRATIONS) as parts,
        ):
            transcriber = Transcriber(parts, recognizer, mixed_languages=settings.mixed_languages)
            worker = Worker(
                parts.pool,
                parts.bus,
                stage=STAGE,
                handlers={WINDOW: transcriber.window, CAPTIONS: transcriber.captions},
                given_up=transcriber.given_up,
                concurrency=1,  # one recogniser, one window at a time
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
