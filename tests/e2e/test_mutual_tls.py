"""A mesh whose parts know each other by certificates: it does its work, and nobody else is let in."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import grpc
import nats
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from nats.errors import NoServersError

from tests.conftest import SERVICES, Backstage
from tests.e2e.conftest import DATA, Mesh, run_mesh
from vidmesh.client import AsyncClient
from vidmesh.error import VidmeshError
from vidmesh.ingest.v1.job_pb2 import JOB_STATE_SUCCEEDED
from vidmesh_runtime.health import is_ready
from vidmesh_runtime.identity import Identity
from vidmesh_stack.certificate import ensure_identities, identity_in


@pytest.fixture(scope="module")
def mesh(backstage: Backstage) -> Iterator[Mesh]:
    yield from run_mesh(backstage, mutual_tls=True)


@pytest.fixture
def known(mesh: Mesh) -> Identity:
    """Somebody of the mesh's own."""
    return identity_in(mesh.data / "identities", "query")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    """Somebody with a certificate for the right name, whom another authority vouches for."""
    return ensure_identities(tmp_path_factory.mktemp("stranger"), {"ingest": ()})["ingest"]


def address(mesh: Mesh, service: str) -> str:
    """Where a service listens, past the gateway."""
    return mesh.stack._keeper(service)._program.env["VIDMESH_LISTEN"]


def refused(channel: grpc.Channel) -> bool:
    """Whether no connection comes about, so that no service answers anything."""
    with channel, pytest.raises(grpc.RpcError) as error:
        health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
    return error.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_it_does_its_work(client: AsyncClient) -> None:
    submission = await client.submit(await client.upload(DATA / "grammar.flac"))
    assert [message async for message in submission.watch()]
    assert (await client.job(submission.job.id)).state == JOB_STATE_SUCCEEDED
    assert [hit async for hit in client.search("horses carpets wizards")]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_answers_nobody_without_a_certificate_of_the_authoritys(
    mesh: Mesh, known: Identity, stranger: Identity, service: str
) -> None:
    at = address(mesh, service)
    assert is_ready(at, identity=known)
    assert refused(grpc.insecure_channel(at))
    without = grpc.ssl_channel_credentials(known.authority.read_bytes())
    assert refused(grpc.secure_channel(at, without))
    foreign = grpc.ssl_channel_credentials(
        known.authority.read_bytes(), stranger.key.read_bytes(), stranger.certificate.read_bytes()
    )
    assert refused(grpc.secure_channel(at, foreign))


async def test_the_bus_takes_nobody_without_a_certificate_of_the_authoritys(
    mesh: Mesh, known: Identity, stranger: Identity
) -> None:
    url = mesh.stack.nats_url()

    async def connect(tls: ssl.SSLContext | None, *, first: bool = True) -> None:
        client = await nats.connect(
            url if tls else url.replace("tls://", "nats://"),
            tls=tls,
            tls_handshake_first=first and tls is not None,
            connect_timeout=2,
            allow_reconnect=False,
        )
        await client.flush(2)
        await client.close()

    await connect(known.for_socket())
    without = ssl.create_default_context(cafile=str(known.authority))
    foreign = ssl.create_default_context(cafile=str(known.authority))
    foreign.load_cert_chain(stranger.certificate, stranger.key)
    for tls in (None, without, foreign):
        with pytest.raises((NoServersError, OSError, nats.errors.Error)):
            await connect(tls)
    # Nor does a service take a bus that the authority does not vouch for.
    with pytest.raises((NoServersError, ssl.SSLError)):
        await connect(stranger.for_socket())


async def test_the_gateway_calls_no_service_that_is_another(mesh: Mesh) -> None:
    other = identity_in(mesh.data / "identities", "transcribe")
    mesh.restart("query", VIDMESH_TLS_CERTIFICATE=str(other.certificate), VIDMESH_TLS_KEY=str(other.key))
    try:
        async with AsyncClient(mesh.endpoint, mesh.token(), attempts=1) as impatient:
            with pytest.raises(VidmeshError) as error:
                [video async for video in impatient.videos()]
        assert error.value.reason == "UNAVAILABLE"
    finally:
        mesh.restart("query")


def test_its_keys_are_their_owners_alone(mesh: Mesh) -> None:
    keys = list(Path(mesh.data, "identities").glob("*.key.pem"))
    assert len(keys) == len(SERVICES) + 3
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}
