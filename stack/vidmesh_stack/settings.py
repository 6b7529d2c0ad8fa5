"""What the stack can be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vidmesh_stack.certificate import Certificate
from vidmesh_stack.service import SERVICES


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """How to run the mesh on this machine. The services' own settings are `VIDMESH_*` environment variables."""

    data: Path = Path(".vidmesh")
    """The folder that everything is kept in."""
    host: str = "127.0.0.1"
    """The address that the gateway listens on. All else listens on loopback or on Unix sockets, whatever this is."""
    port: int = 8080
    """The gateway's port; 0 takes one that is free."""
    scale: Mapping[str, int] = field(default_factory=dict)
    """How many processes a service has, where not one, such as `{"transcribe": 2}`. The query service has one: it
    alone holds the vector index's folder."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables for the services, over those of this process."""
    nats_sync_interval: str = "1s"
    """How often JetStream flushes to disk, such as `1s`; `always`: before each acknowledgement."""
    origins: tuple[str, ...] = ()
    """Web origins that may call besides those on this machine, such as `https://videos.example.org`."""
    rate: int = 500
    """Calls a second that each tenant may make; ten times as many at once."""
    metrics: bool = False
    """Whether the services and the gateway tell Prometheus their figures, each on a loopback port that is free. Where,
    `run/metrics.json` in the data folder says, as Prometheus' `file_sd_configs` read it."""
    tls: bool = False
    """Whether the gateway speaks TLS, with a certificate that is made in the data folder where none is given."""
    certificate: Certificate | None = None
    """The gateway's certificate and its key; with it, the gateway speaks TLS."""
    mutual_tls: bool = False
    """Whether the gateway, the services and NATS know each other by certificates, which are made in the data folder, and let in
    nobody else: loopback is open to every user of a machine. PostgreSQL listens on a Unix socket for its owner alone."""
    grace: float = 10.0
    """Seconds that the services have at the end for work in hand."""
    services: Mapping[str, str] = field(
        default_factory=lambda: {name: f"vidmesh_{name}" for name in SERVICES}
    )
    """The Python module of each service. Where it is empty, the gateway is left out too: NATS and PostgreSQL alone."""

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        for path in (self.certificate.chain, self.certificate.key) if self.certificate else ():
            if not path.is_file():
                raise ValueError(f"there is no file {path}")
        if self.rate < 1:
            raise ValueError(f"a tenant needs at least one call a second, not {self.rate}")
        for name, count in self.scale.items():
            if name not in self.services:
                raise ValueError(
                    f"there is no service {name!r} to scale; there are {', '.join(self.services)}"
                )
            if count < 1:
                raise ValueError(f"{name} needs at least one process, not {count}")
            if name == "query" and count > 1:
                raise ValueError("query runs as one process here: it alone holds the vector index's folder")
