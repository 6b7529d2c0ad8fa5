"""Links that lead inside, through the running service: the real proxy, the real yt-dlp, the system's own look-ups."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack

import grpc.aio
import pytest

from tests import inward
from tests.conftest import Keys
from tests.integration.ingest_service import Ingest, Refusal
from tests.inward import Canary
from tests.unit.ingest.origin import Origin, serving
from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.ingest.v1 import ingest_service_pb2 as api

# The site that leads inward has this address; the canary sits on all others too.
SITE = "127.0.0.1"
OTHER = "127.0.0.2"
FORMS = (
    "as it is",
    "one number",
    "one hexadecimal number",
    "one octal number",
    "mixed octets",
    "two parts",
    "mapped",
    "compatible",
    "NAT64",
    "6to4",
)
DOCUMENTS = (
    "a redirect by 302",
    "a video",
    "a video that is moved",
    "an HLS variant",
    "an HLS segment",
    "an HLS key",
    "a DASH file",
)


@pytest.fixture
def bird() -> Iterator[Canary]:
    with inward.canary() as sitting:
        yield sitting


@pytest.fixture
async def ingest(
    environment: Callable[[str], dict[str, str]], keys: Keys, bird: Canary
) -> AsyncIterator[Ingest]:
    """A service that may fetch from the site alone, in an environment that tells it to go past its proxy."""
    service = Ingest(environment("ingest"), keys)
    away = {name: bird.url("") for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY")}
    told = {"VIDMESH_EGRESS_ALLOW": SITE, "VIDMESH_INGEST_CONCURRENCY": "4", "no_proxy": "*", "NO_PROXY": "*"}
    await service.start(**told, **away)
    yield service
    assert service.stop() == 0
    await service.channel.close()


@pytest.fixture
def sites() -> Iterator[Callable[[], Origin]]:
    """Makes sites, each on a port of its own."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(serving())


async def outcome(ingest: Ingest, url: str) -> str:
    """What becomes of a link: the reason of its refusal."""
    try:
        job = (await ingest.submit(url=url)).job
    except Refusal as refusal:
        return refusal.reason
    return await ended(ingest, job.id)


async def ended(ingest: Ingest, job_id: str) -> str:
    told = (await ingest.events(job_id, "job_ended", within=120))[-1].job_ended
    return ErrorReason.Name(told.failure.reason).removeprefix("ERROR_REASON_")


async def entries(ingest: Ingest, url: str) -> list[api.SubmitPlaylistResponse]:
    call = ingest.stub.SubmitPlaylist(
        api.SubmitPlaylistRequest(url=url), metadata=ingest.metadata(), timeout=120
    )
    return [response async for response in call]


async def test_whatever_leads_inside_is_refused(
    ingest: Ingest, sites: Callable[[], Origin], bird: Canary
) -> None:
    links = [bird.url(host=inward.V4_FORMS[form](OTHER)) for form in FORMS]
    links += [bird.url(host=host) for host in ("[::1]", "169.254.169.254", "[fd00:ec2::254]", "10.0.0.1")]
    links += [bird.url("/watch", host=OTHER), bird.url(host=OTHER, scheme="https")]
    site = sites()
    for status in (301, 302, 303, 307, 308):
        site.page(f"/{status}.mp4", "", status=status, Location=bird.url(host=OTHER))
        links.append(site.url(f"/{status}.mp4"))
    routes = {route.name: route for route in inward.routes()}
    for name in DOCUMENTS:
        site = sites()
        links.append(site.url(routes[name].put(site, bird.url("", host=OTHER))))
    found = await asyncio.gather(*(outcome(ingest, link) for link in links))
    assert [one for one in zip(links, found, strict=True) if one[1] != "EGRESS_REFUSED"] == []

    for link in inward.DISGUISES:
        assert await outcome(ingest, link.format(inside=f"{OTHER}:{bird.port}")) == "INVALID_FIELD", link

    inside = [bird.url(f"/{number}.mp3", host=OTHER) for number in range(2)]
    items = "".join(
        f"<item><title>1</title><enclosure url='{url}' type='audio/mpeg'/></item>" for url in inside
    )
    feed = f"<?xml version='1.0'?><rss version='2.0'><channel><title>P</title>{items}</channel></rss>"
    taken = await entries(ingest, sites().page("/feed", feed, Content_Type="application/rss+xml"))
    assert [response.url for response in taken] == inside
    assert [await ended(ingest, response.job.id) for response in taken] == ["EGRESS_REFUSED"] * 2
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await entries(ingest, bird.url("/feed", host=OTHER))
    assert Refusal(caught.value).reason == "EGRESS_REFUSED"
    assert bird.hits == 0
