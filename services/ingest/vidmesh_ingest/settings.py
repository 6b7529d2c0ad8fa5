"""What ingest must be told."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from vidmesh_runtime.settings import ServiceSettings


class IngestSettings(ServiceSettings):
    """Read once at start from `VIDMESH_*` environment variables."""

    max_duration: timedelta = timedelta(hours=12)
    """The longest video that is taken, in seconds or as ISO 8601."""

    max_bytes: Annotated[int, Field(gt=0)] = 16 << 30
    """The largest file that is taken, in bytes."""

    egress_allow: str = ""
    """Networks and hosts that may be fetched from although they are not on the public internet, with commas between:
    `127.0.0.0/8,media.internal,.corp.example`."""

    ingest_concurrency: Annotated[int, Field(ge=1)] = 2
    """How many sources are read at once."""

    window_seconds: tuple[float, ...] = (8.0, 15.0, 29.0, 58.0, 116.0)
    """The longest that each window may be, in seconds, from the first on; the last holds for all that follow. JSON."""

    upload_ttl: timedelta = timedelta(days=1)
    """How long an upload is kept that is not submitted."""

    upload_patience: timedelta = timedelta(minutes=1)
    """How long an upload that is read while it comes may stand still before the reading waits for another attempt."""

    playlist_limit: Annotated[int, Field(ge=1)] = 500
    """The most entries that are taken from one playlist or channel."""

    site_format: str = "ba[protocol~='^https?$']/ba[protocol~='^(http|m3u8)']/b[protocol~='^https?$']/b[protocol~='^(http|m3u8)']"
    """Which format yt-dlp takes from a site, in its own notation. Default: the best sound alone, else the best whole."""
