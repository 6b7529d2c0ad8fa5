"""Whatever leads inside is refused, however it is written and whoever leads there; a canary sees nobody come."""

import asyncio
import io
import json
import socket
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import inward
from tests.inward import Canary, Route, Spelling
from tests.unit.ingest.origin import Origin
from vidmesh_ingest.address import Address, EgressRule, parse_address
from vidmesh_ingest.egress import Egress, EgressLimits, Pass
from vidmesh_ingest.identity import LinkError, parse_link
from vidmesh_ingest.link import LinkLimits, download
from vidmesh_ingest.reason import Reason, SourceError
from vidmesh_ingest.settings import IngestSettings
from vidmesh_ingest.site import open_site
from vidmesh_ingest.site_child import Child, fence_of

SITE = "site.example"
ANYWHERE = EgressRule.parse(["0.0.0.0/0", "::/0"])
PUBLIC = EgressRule(hosts=frozenset({SITE}))
FORMAT = str(IngestSettings.model_fields["site_format"].default)
AT_ONCE = 16
SPELLINGS = inward.spellings()


@pytest.fixture
def bird() -> Iterator[Canary]:
    with inward.canary() as sitting:
        yield sitting


async def hostile(host: str, port: int) -> Sequence[Address]:
    """The worst DNS: a name that is no address leads to this machine."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except (OSError, UnicodeError):
        return [parse_address(inward.LOOPBACK)]
    return [parse_address(str(entry[4][0])) for entry in found]


@asynccontextmanager
async def way_out(rule: EgressRule = PUBLIC) -> AsyncIterator[Pass]:
    async with (
        Egress(rule, limits=EgressLimits(connect=2.0), resolve=hostile) as egress,
        egress.grant(10**7) as granted,
    ):
        yield granted


async def asked(granted: Pass, head: str) -> str:
    """What the proxy answers, by its status and its own verdict; a tunnel that stands is "200"."""
    proxy = urlsplit(granted.proxy_url)
    password = b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
    reader, writer = await asyncio.open_connection(proxy.hostname, proxy.port)
    writer.write(f"{head}\r\nProxy-Authorization: Basic {password}\r\n\r\n".encode())
    try:
        told = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode("latin-1").split("\r\n")
    except (ConnectionError, asyncio.IncompleteReadError):
        return "closed"
    finally:
        writer.close()
    verdict = [line.partition(": ")[2] for line in told if line.startswith("Vidmesh-Egress: ")]
    return " ".join([told[0].split(" ")[1], *verdict])


async def asked_for_all(granted: Pass, heads: Sequence[str]) -> list[str]:
    answers: list[str] = []
    for at in range(0, len(heads), AT_ONCE):
        answers += await asyncio.gather(*(asked(granted, head) for head in heads[at : at + AT_ONCE]))
    return answers


def both_ways(spelling: Spelling, port: int) -> tuple[str, str]:
    target = f"{spelling.host}:{port}"
    return f"GET http://{target}/a HTTP/1.1\r\nHost: {SITE}", f"CONNECT {target} HTTP/1.1"


async def test_every_spelling_is_refused_by_the_proxy(bird: Canary) -> None:
    heads = [head for spelling in SPELLINGS for head in both_ways(spelling, bird.port)]
    async with way_out() as granted:
        answers = await asked_for_all(granted, heads)
    let_in = [f"{a}: {h}" for h, a in zip(heads, answers, strict=True) if a != "403 egress-refused"]
    assert let_in == []
    assert bird.hits == 0
    assert len(SPELLINGS) >= 500


async def test_without_the_rule_the_spellings_lead_to_the_canary(bird: Canary) -> None:
    heads = [head for spelling in SPELLINGS if spelling.loops for head in both_ways(spelling, bird.port)]
    async with way_out(ANYWHERE) as granted:
        answers = await asked_for_all(granted, heads)
    async with asyncio.timeout(30):  # a connection is there before the canary takes it up
        while bird.hits < answers.count("200"):
            await asyncio.sleep(0.01)
    assert answers.count("200") == bird.hits >= 90


async def test_requests_that_are_read_in_two_ways_reach_nobody(bird: Canary, origin: Origin) -> None:
    inside = f"{inward.LOOPBACK}:{bird.port}"
    heads = [
        head.format(inside=inside, port=bird.port, wrapped=bird.port + (1 << 16))
        for _, head in inward.REQUESTS
    ]
    async with way_out() as granted:
        answers = await asked_for_all(granted, heads)
    assert set(answers) <= {"403 egress-refused", "400 malformed", "closed"}
    assert (bird.hits, origin.hits) == (0, [])


async def test_what_follows_a_request_or_a_tunnel_is_the_sites(bird: Canary, origin: Origin) -> None:
    origin.page("/a", "hello")
    smuggled = f"GET {bird.url()} HTTP/1.1\r\nHost: {inward.LOOPBACK}:{bird.port}\r\n\r\n".encode()
    async with way_out() as granted:
        proxy = urlsplit(granted.proxy_url)
        password = b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
        target = f"{SITE}:{origin.port}"
        for first in (f"GET http://{target}/a HTTP/1.1", f"CONNECT {target} HTTP/1.1"):
            reader, writer = await asyncio.open_connection(proxy.hostname, proxy.port)
            head = f"{first}\r\nHost: {target}\r\nProxy-Authorization: Basic {password}\r\n\r\n"
            writer.write(head.encode() + smuggled)
            writer.write_eof()
            assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
            writer.close()
    assert bird.hits == 0


@pytest.mark.parametrize("link", inward.DISGUISES)
def test_disguised_links_are_refused_at_the_door(link: str) -> None:
    with pytest.raises(LinkError, match=r"\S"):
        parse_link(link.format(inside="127.0.0.1:8080"))


async def fetched(url: str, folder: Path, granted: Pass) -> str:
    """What becomes of a plain link: the reason of its refusal, or what was fetched."""
    folder.mkdir(exist_ok=True)
    try:
        link = parse_link(url)
    except LinkError:
        return "refused at the door"
    try:
        async with download(link.url, folder, granted, LinkLimits(max_bytes=10**6, patience=())) as opened:
            if await opened.open() is None:
                return "a page"
            await opened.run()
            return opened.file.path.read_text()
    except SourceError as error:
        return error.reason


async def test_plain_links_inward_are_refused(bird: Canary, tmp_path: Path) -> None:
    told = {}
    for number, spelling in enumerate(entry for entry in SPELLINGS if entry.loops):
        scheme = ("http", "https")[number % 2]
        async with way_out() as granted:
            url = bird.url(host=spelling.host, scheme=scheme)
            told[url] = await fetched(url, tmp_path / str(number), granted)
    assert {url: outcome for url, outcome in told.items() if outcome not in REFUSED} == {}
    assert list(told.values()).count(Reason.EGRESS_REFUSED) >= 50
    assert bird.hits == 0


REFUSED = {Reason.EGRESS_REFUSED, Reason.NO_VIDEO, "refused at the door"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_inward_are_refused(
    bird: Canary, origin: Origin, tmp_path: Path, status: int
) -> None:
    inside = [bird.url(host=form(inward.LOOPBACK)) for form in inward.V4_FORMS.values()]
    inside += [bird.url(host="localhost"), bird.url(host="[::1]"), bird.url(scheme="https"), bird.url()[5:]]
    elsewhere = [target.format(inside=f"{inward.LOOPBACK}:{bird.port}") for target in inward.ELSEWHERE]
    told = {}
    for number, target in enumerate([*inside, *elsewhere]):
        origin.page("/a.mp4", "", status=status, Location=target)
        async with way_out() as granted:
            told[target] = await fetched(
                f"http://{SITE}:{origin.port}/a.mp4", tmp_path / str(number), granted
            )
    # What the client itself does not take for a host, such as octets in octal, leads nowhere.
    nowhere = {Reason.NO_VIDEO, Reason.SOURCE_UNREACHABLE}
    assert {told[target] for target in inside} <= {Reason.EGRESS_REFUSED, *nowhere}
    assert [told[target] for target in inside].count(Reason.EGRESS_REFUSED) >= len(inside) - 2
    assert {told[target] for target in elsewhere} <= {Reason.EGRESS_REFUSED, *nowhere}
    assert bird.hits == 0


async def test_a_chain_of_redirects_is_followed_to_where_it_leads_inside_and_no_further(
    bird: Canary, origin: Origin, tmp_path: Path
) -> None:
    for number in range(8):
        origin.page(f"/{number}.mp4", "", status=302, Location=f"/{number + 1}.mp4")
    origin.page("/8.mp4", "", status=308, Location=bird.url())
    async with way_out() as granted:
        url = f"http://{SITE}:{origin.port}/0.mp4"
        assert await fetched(url, tmp_path / "chain", granted) is Reason.EGRESS_REFUSED
    assert len(origin.hits) == 9
    origin.page("/8.mp4", "", status=308, Location="/0.mp4")
    async with way_out() as granted:
        assert await fetched(url, tmp_path / "loop", granted) is Reason.NO_VIDEO
    assert bird.hits == 0


async def test_a_name_that_changes_its_address_on_the_way_is_refused_then(
    bird: Canary, origin: Origin, tmp_path: Path
) -> None:
    """The first answer of the DNS is the site's address, the second this machine's own: the download breaks off between."""
    origin.file("/a.mp4", b"x" * 200_000, breaks=[100_000])
    asked_for: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[Address]:
        asked_for.append(host)
        return [parse_address(inward.LOOPBACK if len(asked_for) == 1 else "127.0.0.2")]

    limits = LinkLimits(max_bytes=10**6, patience=(0.0, 0.0))
    rule = EgressRule.parse([inward.LOOPBACK])
    async with Egress(rule, resolve=rebinding) as egress, egress.grant(10**7) as granted:
        url = f"http://rebind.example:{origin.port}/a.mp4"
        async with download(url, tmp_path, granted, limits) as opened:
            assert await opened.open() is not None
            with pytest.raises(SourceError) as caught:
                await opened.run()
    assert caught.value.reason is Reason.EGRESS_REFUSED
    assert (asked_for, len(origin.hits)) == (["rebind.example"] * 2, 1)


def followed(url: str, folder: Path, granted: Pass, *commands: dict[str, Any]) -> str:
    """What becomes of a page that yt-dlp reads, in this process: the reason of its refusal, or what was fetched."""
    folder.mkdir(exist_ok=True)
    setup = {
        "url": url,
        "folder": str(folder),
        "proxy": granted.proxy_url,
        "format": FORMAT,
        "deno": "",
        "file_bytes": 10**7,
    }
    out = io.StringIO()
    child = Child(out, setup, fence_of(setup))
    for command in commands or ({"do": "info"}, {"do": "media"}):
        child.do(command)
        last = json.loads(out.getvalue().splitlines()[-1])
        if last["event"] == "error":
            return str(last["reason"])
    return "fetched"


async def followed_by(granted: Pass, route: Route, origin: Origin, inside: str, folder: Path) -> str:
    origin.answers.clear()
    url = f"http://{SITE}:{origin.port}{route.put(origin, inside)}"
    return await asyncio.to_thread(followed, url, folder, granted)


async def test_documents_that_lead_yt_dlp_inward_are_refused(
    bird: Canary, origin: Origin, tmp_path: Path
) -> None:
    told = {}
    for number, route in enumerate(inward.routes()):
        async with way_out() as granted:
            outcome = await followed_by(
                granted, route, origin, bird.url("", host="localhost"), tmp_path / str(number)
            )
            told[route.name] = (outcome, granted.refused)
    assert bird.hits == 0
    assert {name: found for name, found in told.items() if found[0] == "fetched" or not found[1]} == {}


async def test_without_the_rule_each_of_them_leads_yt_dlp_to_the_canary(
    bird: Canary, origin: Origin, tmp_path: Path
) -> None:
    harmless = []
    for number, route in enumerate(inward.routes()):
        before = bird.hits
        async with way_out(ANYWHERE) as granted:
            await followed_by(granted, route, origin, bird.url("", host="localhost"), tmp_path / str(number))
        if bird.hits == before:
            harmless.append(route.name)
    assert harmless == []


async def test_yt_dlp_itself_is_refused(bird: Canary, tmp_path: Path) -> None:
    told = {}
    for number, spelling in enumerate([entry for entry in SPELLINGS if entry.loops][::4]):
        scheme = ("http", "https")[number % 2]
        async with way_out() as granted:
            url = bird.url("/watch", host=spelling.host, scheme=scheme)
            told[url] = await asyncio.to_thread(
                followed, url, tmp_path / str(number), granted, {"do": "info"}
            )
    assert "fetched" not in told.values()
    assert bird.hits == 0


async def site(url: str, folder: Path, granted: Pass) -> SourceError:
    folder.mkdir(exist_ok=True)
    async with open_site(url, folder, granted, site_format=FORMAT, max_bytes=10**6) as opened:
        with pytest.raises(SourceError) as caught:
            await opened.info()
        return caught.value


async def test_yt_dlp_gets_nowhere_past_the_proxy(bird: Canary, tmp_path: Path) -> None:
    """A pass that names no proxy is what an extractor that forgets it comes to: everything is asked for directly."""
    urls = [bird.url("/watch", host=host) for host in ("127.0.0.1", "localhost", "[::1]")]
    errors = await asyncio.gather(
        *(site(url, tmp_path / str(number), Pass("", 10**6)) for number, url in enumerate(urls))
    )
    assert {error.reason for error in errors} == {Reason.EGRESS_REFUSED}
    assert bird.hits == 0
