"""What ingest must be told."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field

from vidmesh_runtime.settings import ServiceSettings


class IngestSettings(ServiceSettings):
    """Read once at start from `VIDMESH_*` environment variables."""

    max_duration: timedelta = timedelta(hours=12)
    """The longest video that is taken, and the longest that fetching one may take, in seconds or as ISO 8601."""

    max_bytes: Annotated[int, Field(gt=0)] = 16 << 30
    """The largest file that is taken, in bytes."""

    egress_allow: str = ""
    """Networks and hosts that may be fetched from although they are not on the public internet, with commas between:
    `127.0.0.0/8,media.internal,.corp.example`."""

    ingest_concurrency: Annotated[int, Field(ge=1)] = 2
    """How many sources are read at once."""

    window_seconds: tuple[float, ...] = (8.0, 15.0, 29.0, 58.0, 116.0)
    """The longest that each window may be, in seconds, from the first on; the last holds for all that follow. JSON."""

    uploads_dir: Path | None = None
    """The folder that uploads are gathered in, which all processes of the service must share; unset: `uploads` in
    `VIDMESH_DATA_DIR`."""

    upload_ttl: timedelta = timedelta(days=1)
    """How long an upload is kept that is not submitted."""

    upload_patience: timedelta = timedelta(minutes=1)
    """How long an upload that is read while it comes may stand still before the reading waits for another attempt."""

    quota_open_jobs: Annotated[int, Field(ge=1)] | None = None
    """The most jobs of a tenant that have not ended; unset: no limit."""

    quota_minutes: Annotated[float, Field(gt=0)] | None = None
    """The most minutes of video that a tenant's jobs of the last 30 days may have; unset: no limit."""

    quota_bytes: Annotated[int, Field(gt=0)] | None = None
    """The most bytes that a tenant may store, kept sources and open uploads; unset: no limit."""

    playlist_limit: Annotated[int, Field(ge=1)] = 500
    """The most entries that are taken from one playlist or channel."""

    signing_key_path: Path | None = None
    """The file with the private key (JWK) that tokens are signed with: whoever calls with an API key goes on with such a
    token. Unset: API keys open nothing."""

    site_format: str = "ba[protocol~='^https?$']/ba[protocol~='^(http|m3u8)']/b[protocol~='^https?$']/b[protocol~='^(http|m3u8)']"
    """Which format yt-dlp takes from a site, in its own notation. Default: the best sound alone, else the best whole."""
