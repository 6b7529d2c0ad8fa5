"""The way out, over real sockets: every connection is checked where it leads, and without the proxy there is none."""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx2 as httpx
import pytest

from tests.unit.ingest.origin import Origin
from vidmesh_ingest.address import Address, EgressRule
from vidmesh_ingest.egress import Egress, EgressLimits, Pass

LOOPBACK = EgressRule.parse(["127.0.0.0/8"])


def client(granted: Pass) -> httpx.AsyncClient:
    return httpx.AsyncClient(proxy=granted.proxy_url, trust_env=False, timeout=10)


async def test_an_allowed_host_is_reached_and_the_pass_is_not_told_to_it(origin: Origin) -> None:
    url = origin.page("/a", "hello")
    async with Egress(LOOPBACK) as egress, egress.grant(1000) as granted, client(granted) as http:
        answer = await http.get(url, headers={"X-Kept": "1"})
    assert (answer.status_code, answer.text) == (200, "hello")
    assert "vidmesh-egress" not in answer.headers
    _, headers = origin.hits[0]
    assert headers["X-Kept"] == "1"
    assert not [name for name in headers if name.lower().startswith("proxy-")]
    assert granted.received == 5


async def test_a_request_with_a_body_arrives_whole(origin: Origin) -> None:
    seen = []
    body = b"x" * 300_000

    def echo(request: object) -> None:
        seen.append(request.rfile.read(int(request.headers["Content-Length"])))  # type: ignore[attr-defined]
        request.send_response(204)  # type: ignore[attr-defined]
        request.end_headers()  # type: ignore[attr-defined]

    origin.answers["/post"] = echo
    async with Egress(LOOPBACK) as egress, egress.grant(1000) as granted, client(granted) as http:
        assert (await http.post(origin.url("/post"), content=body)).status_code == 204
    assert seen == [body]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
    ],
)
async def test_private_hosts_are_refused_however_they_are_written(origin: Origin, host: str) -> None:
    origin.page("/a", "secret")
    target = f"{host}:{origin.port}"
    async with Egress(EgressRule()) as egress, egress.grant(1000) as granted:
        for request in (f"GET http://{target}/a HTTP/1.1", f"CONNECT {target} HTTP/1.1"):
            reader, writer = await ask(granted, request)
            assert (await reader.read()).startswith(b"HTTP/1.1 403 Egress Refused\r\n")
            writer.close()
    assert granted.refused == host.strip("[]")
    assert origin.hits == []


async def test_a_refused_tunnel_is_an_error_of_the_proxy(origin: Origin) -> None:
    async with Egress(EgressRule()) as egress, egress.grant(1000) as granted, client(granted) as http:
        with pytest.raises(httpx.ProxyError, match="403"):
            await http.get(f"https://127.0.0.1:{origin.port}/a")
    assert origin.hits == []


async def test_a_redirect_into_a_private_network_is_refused(origin: Origin, canary: Origin) -> None:
    canary.page("/secret", "secret")
    url = origin.page("/a", "", status=302, Location=f"http://localhost:{canary.port}/secret")

    async def resolve(host: str, port: int) -> Sequence[Address]:
        return [ip_address("127.0.0.1" if host == "127.0.0.1" else "127.0.0.2")]

    rule = EgressRule.parse(["127.0.0.1"])
    async with (
        Egress(rule, resolve=resolve) as egress,
        egress.grant(1000) as granted,
        client(granted) as http,
    ):
        answer = await http.get(url, follow_redirects=True)
        assert answer.headers["vidmesh-egress"] == "egress-refused"
    assert granted.refused == "localhost"
    assert canary.hits == []


async def test_a_name_is_resolved_once_and_the_checked_address_is_connected_to(origin: Origin) -> None:
    origin.page("/a", "hello")
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[Address]:
        asked.append(host)
        return [ip_address("127.0.0.1" if len(asked) == 1 else "10.0.0.1")]

    async with (
        Egress(EgressRule.parse(["127.0.0.1"]), resolve=rebinding) as egress,
        egress.grant(1000) as granted,
        client(granted) as http,
    ):
        assert (await http.get(f"http://rebind.example:{origin.port}/a")).text == "hello"
        assert asked == ["rebind.example"]
        assert (await http.get(f"http://rebind.example:{origin.port}/a")).status_code == 403


async def test_private_addresses_of_a_host_are_passed_over(origin: Origin) -> None:
    origin.page("/a", "hello")

    async def both(host: str, port: int) -> Sequence[Address]:
        return [ip_address("10.0.0.1"), ip_address("127.0.0.1")]

    rule = EgressRule.parse(["127.0.0.1"])
    async with Egress(rule, resolve=both) as egress, egress.grant(1000) as granted, client(granted) as http:
        assert (await http.get(f"http://both.example:{origin.port}/a")).text == "hello"


async def test_a_host_that_is_not_there_is_told_apart(dead_port: int) -> None:
    async with Egress(LOOPBACK) as egress, egress.grant(1000) as granted, client(granted) as http:
        answer = await http.get(f"http://127.0.0.1:{dead_port}/")
        assert answer.headers["vidmesh-egress"] == "unreachable"
        assert granted.trouble == "127.0.0.1 refused the connection"
        answer = await http.get("http://nowhere.invalid/")
        assert answer.headers["vidmesh-egress"] == "unknown-host"
        assert granted.trouble == "the name nowhere.invalid is not known"
    assert granted.refused is None


async def test_a_tunnel_carries_both_ways() -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line.upper())
        writer.write(b"BYE\n")
        writer.close()

    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Egress(LOOPBACK) as egress, egress.grant(10**6) as granted:
        reader, writer = await connect(granted, f"127.0.0.1:{port}")
        writer.write(b"one\n")
        assert await reader.readline() == b"ONE\n"
        writer.write(b"two\n")
        assert await reader.readline() == b"TWO\n"
        writer.write_eof()
        assert await reader.read() == b"BYE\n"
        writer.close()


async def connect(granted: Pass, target: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await ask(granted, f"CONNECT {target} HTTP/1.1")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    return reader, writer


async def ask(granted: Pass, request: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    proxy = urlsplit(granted.proxy_url)
    password = b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
    reader, writer = await asyncio.open_connection(proxy.hostname, proxy.port)
    writer.write(f"{request}\r\nProxy-Authorization: Basic {password}\r\n\r\n".encode())
    return reader, writer


async def test_more_than_the_pass_is_good_for_is_cut_off(origin: Origin) -> None:
    url = origin.file("/big", b"x" * 5_000_000)
    async with Egress(LOOPBACK) as egress, egress.grant(1_000_000) as granted, client(granted) as http:
        with pytest.raises(httpx.TransportError):
            await http.get(url)
        assert granted.exhausted
        assert granted.received < 1_200_000
        assert (await http.get(origin.page("/small", "x"))).headers["vidmesh-egress"] == "too-large"


async def test_a_server_that_gives_a_byte_now_and_then_is_cut_off_when_the_time_is_up(origin: Origin) -> None:
    url = origin.file("/drip", b"x" * 1000, chunk=1, pause=0.02)
    async with Egress(LOOPBACK) as egress, egress.grant(1_000_000, 1.5) as granted, client(granted) as http:
        with pytest.raises(httpx.TransportError):
            await http.get(url)
        assert granted.overdue
        assert 0 < granted.received < 200
        assert (await http.get(origin.page("/small", "x"))).headers["vidmesh-egress"] == "too-late"


async def test_a_pass_that_was_given_back_opens_nothing(origin: Origin) -> None:
    url = origin.page("/a", "hello")
    async with Egress(LOOPBACK) as egress:
        async with egress.grant(1000) as granted:
            pass
        async with client(granted) as http:
            assert (await http.get(url)).status_code == 407
        async with httpx.AsyncClient(
            proxy=granted.proxy_url.replace("vidmesh:", "vidmesh:x"), trust_env=False
        ) as http:
            assert (await http.get(url)).status_code == 407
    assert origin.hits == []


async def test_giving_a_pass_back_ends_its_connections(origin: Origin) -> None:
    url = origin.file("/slow", b"x" * 100_000, chunk=1000, pause=0.05)
    async with Egress(LOOPBACK) as egress:
        async with egress.grant(10**6) as granted:
            http = client(granted)
            answer = await http.send(http.build_request("GET", url), stream=True)
            body = answer.aiter_raw()
            await anext(body)
        with pytest.raises(httpx.TransportError):
            async for _ in body:
                pass
        await http.aclose()


async def test_without_the_proxy_there_is_no_way_out(origin: Origin) -> None:
    url = origin.page("/a", "hello")
    async with Egress(LOOPBACK) as egress, egress.grant(1000) as granted:
        pass
    async with client(granted) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(url)
    assert origin.hits == []


async def test_a_server_that_says_nothing_is_given_up() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    limits = EgressLimits(idle=0.3)
    async with server, Egress(LOOPBACK, limits=limits) as egress, egress.grant(1000) as granted:
        async with client(granted) as http:
            answer = await http.get(f"http://127.0.0.1:{port}/")
            assert answer.headers["vidmesh-egress"] == "timeout"
        reader, writer = await connect(granted, f"127.0.0.1:{port}")
        with pytest.raises(ConnectionError):
            await reader.readexactly(1)
        writer.close()


async def test_a_server_that_does_not_speak_http_is_told_apart() -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(other, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Egress(LOOPBACK) as egress, egress.grant(1000) as granted, client(granted) as http:
        assert (await http.get(f"http://127.0.0.1:{port}/")).headers["vidmesh-egress"] == "malformed"


async def test_garbage_gets_no_further_than_the_proxy() -> None:
    async with Egress(LOOPBACK, limits=EgressLimits(head=0.3)) as egress, egress.grant(1000) as granted:
        proxy = urlsplit(granted.proxy_url)
        for garbage, answer in [(b"hello\r\n\r\n", b"HTTP/1.1 400 "), (b"GET ", b""), (b"x" * 200_000, b"")]:
            reader, writer = await asyncio.open_connection(proxy.hostname, proxy.port)
            writer.write(garbage)
            try:
                got = await reader.read()
            except ConnectionError:
                got = b""
            assert got.startswith(answer)
            assert bool(got) == bool(answer)
            writer.close()


async def test_tls_is_checked_by_the_client_through_the_tunnel(origin: Origin) -> None:
    async with Egress(LOOPBACK) as egress, egress.grant(10**6) as granted, client(granted) as http:
        with pytest.raises((httpx.ConnectError, ssl.SSLError)):
            await http.get(f"https://127.0.0.1:{origin.port}/")
