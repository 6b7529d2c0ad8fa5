"""Who a process is to its peers: a certificate that they check, as it checks theirs (mutual TLS)."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import grpc
from pydantic import model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Three files in PEM, read when they are needed for the first time."""

    certificate: Path
    """The certificate, and those that vouch for it."""
    key: Path
    """Its private key, without a password."""
    authority: Path
    """Who vouches for the peers: nobody else is let in or spoken to."""

    def for_server(self) -> grpc.ServerCredentials:
        """What a gRPC server lets those in with who show a certificate of the authority's."""
        return grpc.ssl_server_credentials(
            [(self.key.read_bytes(), self.certificate.read_bytes())],
            root_certificates=self.authority.read_bytes(),
            require_client_auth=True,
        )

    def for_channel(self) -> grpc.ChannelCredentials:
        """What a gRPC client calls such a server with."""
        return grpc.ssl_channel_credentials(
            self.authority.read_bytes(), self.key.read_bytes(), self.certificate.read_bytes()
        )

    def for_socket(self) -> ssl.SSLContext:
        """What NATS and PostgreSQL are connected to with: they must be who they are called."""
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(self.authority))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.certificate, self.key)
        return context


class IdentitySettings(BaseSettings):
    """The `VIDMESH_TLS_*` environment variables."""

    model_config = SettingsConfigDict(env_prefix="VIDMESH_", use_attribute_docstrings=True, frozen=True)

    tls_certificate: Path | None = None
    """A certificate for this service's name (PEM, with those that vouch for it). With the next two, the service takes only callers
    whose certificate `VIDMESH_TLS_AUTHORITY` vouches for, and shows its own to NATS and to a PostgreSQL that is reached over TCP,
    which must have one too. Empty: no TLS between services."""

    tls_key: Path | None = None
    """The certificate's private key (PEM, without a password)."""

    tls_authority: Path | None = None
    """Who vouches for the gateway, the other services, NATS and PostgreSQL (PEM)."""

    @model_validator(mode="after")
    def _all_or_none(self) -> Self:
        given = {self.tls_certificate, self.tls_key, self.tls_authority}
        if None in given and given != {None}:
            raise ValueError("TLS_CERTIFICATE, TLS_KEY and TLS_AUTHORITY belong together")
        return self

    @property
    def identity(self) -> Identity | None:
        """Who this process is to its peers; None where it speaks to them without TLS."""
        if self.tls_certificate is None or self.tls_key is None or self.tls_authority is None:
            return None
        return Identity(certificate=self.tls_certificate, key=self.tls_key, authority=self.tls_authority)
