"""`python -m vidmesh_ingest`: the ingest service."""

import logging
from pathlib import Path

import grpc

from vidmesh.ingest.v1.ingest_service_pb2_grpc import add_IngestServiceServicer_to_server
from vidmesh_ingest import tracker
from vidmesh_ingest.address import EgressRule
from vidmesh_ingest.authorization import Authorization, Signer
from vidmesh_ingest.clearing import Clearing
from vidmesh_ingest.egress import Egress
from vidmesh_ingest.fetching import Fetcher
from vidmesh_ingest.handler import Handler
from vidmesh_ingest.letters import OPEN_LETTERS, Letters
from vidmesh_ingest.media import MediaLimits
from vidmesh_ingest.quota import Quota
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
    quota = Quota(
        open_jobs=settings.quota_open_jobs,
        minutes=settings.quota_minutes,
        stored_bytes=settings.quota_bytes,
    )
    async with open_parts("ingest", settings, migrations) as parts, Egress(rule) as egress:
        uploads = Uploads(
            parts.pool,
            settings.uploads_dir or settings.data_dir / "uploads",
            max_bytes=settings.max_bytes,
            ttl=settings.upload_ttl,
            patience=settings.upload_patience,
            quota=quota,
        )
        fetcher = Fetcher(
            egress,
            uploads,
            parts.media,
            settings.data_dir / "playlists",
            max_bytes=settings.max_bytes,
            max_seconds=settings.max_duration.total_seconds(),
            site_format=settings.site_format,
        )
        handler = Handler(
            parts,
            fetcher,
            settings.data_dir / "jobs",
            MediaLimits(max_seconds=settings.max_duration.total_seconds()),
            CutPlan(lengths=settings.window_seconds),
        )
        letters = Letters(parts.pool, parts.bus)
        clearing = Clearing(parts.pool, parts.media, uploads, settings.data_dir / "jobs")
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
        signer = Signer(settings.signing_key_path, issuer=settings.jwt_issuer, audience=settings.jwt_audience)
        servicer = Servicer(
            parts,
            uploads,
            fetcher,
            quota,
            playlist_limit=settings.playlist_limit,
            signer=signer,
        )

        def register(server: grpc.aio.Server) -> None:
            add_IngestServiceServicer_to_server(servicer, server)
            Authorization(parts.pool, signer).register(server)

        await serve(
            "ingest",
            settings,
            parts,
            register=register,
            serves="vidmesh.ingest.v1.IngestService",
            workers=[worker],
            loops=[follower.run, clearing.run, letters.run],
            figures=[OPEN_LETTERS],
        )


if __name__ == "__main__":
    read = IngestSettings()
    start(lambda: main(read), log_level=read.log_level)
