"""`python -m vidmesh_ingest`: the ingest service."""

import logging
from pathlib import Path

from vidmesh.ingest.v1.ingest_service_pb2_grpc import add_IngestServiceServicer_to_server
from vidmesh_ingest import tracker
from vidmesh_ingest.address import EgressRule
from vidmesh_ingest.clearing import Clearing
from vidmesh_ingest.egress import Egress
from vidmesh_ingest.fetching import Fetcher
from vidmesh_ingest.handler import Handler
from vidmesh_ingest.media import MediaLimits
from vidmesh_ingest.servicer import Servicer
from vidmesh_ingest.settings import IngestSettings
from vidmesh_ingest.uploads import Uploads
from vidmesh_ingest.windows import CutPlan
from vidmesh_runtime.inbox import Follower
from vidmesh_runtime.service import open_parts, serve, start
from vidmesh_runtime.worker import Worker


async def main(settings: IngestSettings) -> None:
    """Runs the service until it is told to stop."""
    # It would log every link that is fetched, with whatever secrets are in it.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    rule = EgressRule.parse(settings.egress_allow.split(","))
    migrations = Path(__file__).parent / "migrations"
    async with open_parts("ingest", settings, migrations) as parts, Egress(rule) as egress:
        uploads = Uploads(
            parts.pool,
            settings.data_dir / "uploads",
            max_bytes=settings.max_bytes,
            ttl=settings.upload_ttl,
            patience=settings.upload_patience,
        )
        fetcher = Fetcher(
            egress,
            uploads,
            parts.media,
            settings.data_dir / "playlists",
            max_bytes=settings.max_bytes,
            site_format=settings.site_format,
        )
        handler = Handler(
            parts,
            fetcher,
            settings.data_dir / "jobs",
            MediaLimits(max_seconds=settings.max_duration.total_seconds()),
            CutPlan(lengths=settings.window_seconds),
        )
        clearing = Clearing(parts.pool, uploads, settings.data_dir / "jobs")
        worker = Worker(
            parts.pool,
            parts.bus,
            stage="ingest",
            handlers={"video": handler.ingest, "tidy": handler.tidy},
            given_up=handler.given_up,
            concurrency=settings.ingest_concurrency,
            lease=settings.lease,
            max_attempts=settings.max_attempts,
            retry_delay=settings.retry_delay,
            reconcile_every=settings.reconcile_every,
        )
        follower = Follower(
            parts.pool, parts.bus, service="ingest", work_stage="ingest", follows=tracker.follows()
        )
        servicer = Servicer(parts, uploads, fetcher, settings.playlist_limit)
        await serve(
            "ingest",
            settings,
            parts,
            register=lambda server: add_IngestServiceServicer_to_server(servicer, server),
            serves="vidmesh.ingest.v1.IngestService",
            workers=[worker],
            loops=[follower.run, clearing.run],
        )


if __name__ == "__main__":
    read = IngestSettings()
    start(lambda: main(read), log_level=read.log_level)
