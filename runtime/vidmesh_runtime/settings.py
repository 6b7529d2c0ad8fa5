"""What every service must be told."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from vidmesh_runtime.bus import Bounds
from vidmesh_runtime.identity import IdentitySettings

BOUNDS = Bounds()


class ServiceSettings(IdentitySettings):
    """Read once at start from `VIDMESH_*` environment variables."""

    database_url: str
    """The PostgreSQL address, with the service's own role."""

    nats_url: str
    """The NATS server's address, or several with commas between."""

    nats_password: SecretStr = SecretStr("")
    """The password of the service's user at NATS, who has the service's name. Empty: the address says who connects."""

    media_url: str
    """Where media objects are: `file:///folder` or `s3://bucket/prefix`."""

    jwks_path: Path
    """The file with the public keys (JWK set) that tokens are checked against."""

    listen: str = "127.0.0.1:50051"
    """The address that the gRPC server listens on."""

    data_dir: Path
    """A folder of the service's own, for temporary files and local indexes."""

    log_level: str = "INFO"
    """The least level that is logged: DEBUG, INFO, WARNING or ERROR."""

    metrics_listen: str = ""
    """The address where Prometheus reads this service's metrics, such as `127.0.0.1:9464`. Empty: none are kept.
    `vidmesh up --metrics` gives each process a port of its own instead."""

    jwt_issuer: str = "vidmesh"
    """The issuer (`iss`) that a token must have."""

    jwt_audience: str = "vidmesh"
    """The audience (`aud`) that a token must have."""

    lease: timedelta = timedelta(seconds=30)
    """How long a worker owns a piece of work without renewing its lease, and a transaction that stands still its locks."""

    max_attempts: Annotated[int, Field(ge=1)] = 4
    """How often a piece of work is tried before it is given up."""

    retry_delay: timedelta = timedelta(seconds=2)
    """The wait before the second attempt; it doubles with each further one, up to sixteen times as long, with jitter."""

    reconcile_every: timedelta = timedelta(seconds=5)
    """How often due work is compared with the triggers on the bus."""

    grace: timedelta = timedelta(seconds=10)
    """How long work in hand may go on after SIGTERM before it is handed back."""

    events_max_bytes: int = BOUNDS.events_max_bytes
    """The size of the EVENTS stream in bytes; the oldest events leave first."""

    events_max_age: timedelta = BOUNDS.events_max_age
    """How long events are kept."""

    work_max_bytes: int = BOUNDS.work_max_bytes
    """The size of the WORK stream in bytes; beyond it, work waits in the database."""

    nats_replicas: Annotated[int, Field(ge=1, le=5)] = BOUNDS.replicas
    """On how many NATS servers each stream is kept."""

    @field_validator("*", mode="before")
    @classmethod
    def _seconds(cls, value: object, info: ValidationInfo) -> object:
        """A plain number is a time in seconds, which pydantic takes from numbers but not from text."""
        field = cls.model_fields[info.field_name or ""]
        if field.annotation is timedelta and isinstance(value, str):
            try:
                return timedelta(seconds=float(value))
            except ValueError:
                return value
        return value
