"""Ways inward: how a link can be written, and where it can lead on to, so that who follows it ends up inside.

`spellings` are ways to write a host, `routes` are documents that lead yt-dlp on, `REQUESTS` are requests that try to
confuse a proxy. Whatever is tried aims at a `Canary`, which counts every connection that reaches it.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from tests.unit.ingest.origin import Origin

LOOPBACK = "127.0.0.1"
INSIDE_V4 = (
    LOOPBACK,
    "127.0.1.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",  # the metadata service of a cloud
    "100.127.255.255",
    "169.254.0.1",
    "169.254.169.254",  # the metadata service of most clouds
    "169.254.170.2",  # the credentials of a container
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",  # the metadata service of another
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
)
INSIDE_V6 = (
    "::",
    "::1",
    "0:0:0:0:0:0:0:1",
    "0000:0000:0000:0000:0000:0000:0000:0001",
    "100::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00::1",
    "fd00:ec2::254",  # the metadata service of a cloud
    "fdff:ffff::1",
    "fe80::1",
    "fe80::a9fe:a9fe",
    "febf::1",
    "fec0::1",
    "ff01::1",
    "ff02::1",
    "ff05::1:3",
    "ff0e::1",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """A way to write a host."""

    name: str
    """What is done to the address."""
    host: str
    """As it stands in a link."""
    loops: bool
    """Whether it leads to this machine, and so to the canary, where nobody refuses it."""


def _octets(address: str) -> list[int]:
    return list(IPv4Address(address).packed)


def _number(address: str) -> int:
    return int(IPv4Address(address))


def _hex_pair(address: str) -> str:
    return f"{_number(address) >> 16:x}:{_number(address) & 0xFFFF:x}"


def _teredo(address: str) -> str:
    return str(IPv6Address((0x20010000 << 96) | (0x01010101 << 64) | (_number(address) ^ 0xFFFFFFFF)))


def _dots(address: str, form: str) -> str:
    return ".".join(format(octet, form) for octet in _octets(address))


V4_FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "one number": lambda a: str(_number(a)),
    "one hexadecimal number": lambda a: hex(_number(a)),
    "one hexadecimal number in capitals": lambda a: f"0X{_number(a):08X}",
    "one hexadecimal number with zeros": lambda a: f"0x{_number(a):016x}",
    "one octal number": lambda a: f"0{_number(a):o}",
    "hexadecimal octets": lambda a: _dots(a, "#x"),
    "octal octets": lambda a: ".".join(f"0{octet:o}" for octet in _octets(a)),
    "octal octets with zeros": lambda a: ".".join(f"{octet:07o}" for octet in _octets(a)),
    "mixed octets": lambda a: "{:#x}.{}.{:#x}.0{:o}".format(*_octets(a)),
    "three parts": lambda a: f"{_octets(a)[0]}.{_octets(a)[1]}.{int.from_bytes(IPv4Address(a).packed[2:])}",
    "two parts": lambda a: f"{_octets(a)[0]}.{int.from_bytes(IPv4Address(a).packed[1:])}",
    "two parts, hexadecimal": lambda a: f"{_octets(a)[0]:#x}.{int.from_bytes(IPv4Address(a).packed[1:]):#x}",
    "mapped": lambda a: f"[::ffff:{a}]",
    "mapped, hexadecimal": lambda a: f"[::ffff:{_hex_pair(a)}]",
    "mapped, written out": lambda a: f"[0:0:0:0:0:FFFF:{_hex_pair(a).upper()}]",
    "compatible": lambda a: f"[::{a}]",
    "translated": lambda a: f"[::ffff:0:{_hex_pair(a)}]",
    "NAT64": lambda a: f"[64:ff9b::{a}]",
    "NAT64, hexadecimal": lambda a: f"[64:ff9b::{_hex_pair(a)}]",
    "NAT64 of a network's own": lambda a: f"[64:ff9b:1::{_hex_pair(a)}]",
    "6to4": lambda a: f"[2002:{_hex_pair(a)}::1]",
    "Teredo": lambda a: f"[{_teredo(a)}]",
}
TRANSLATED = (
    "compatible",
    "translated",
    "NAT64",
    "NAT64, hexadecimal",
    "NAT64 of a network's own",
    "6to4",
    "Teredo",
)
"""Forms that lead to the address only where a router translates them."""
# What these become depends on who reads them: an address, or a name that a hostile DNS answers.
LOOSE_FORMS: dict[str, Callable[[str], str]] = {
    "a trailing dot": lambda a: f"{a}.",
    "a trailing dot after a number": lambda a: f"{_number(a)}.",
    "full-width digits": lambda a: "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in a),
    "circled digits": lambda a: "".join("⓪①②③④⑤⑥⑦⑧⑨"[int(c)] if c.isdigit() else c for c in a),
    "mathematical digits": lambda a: "".join(chr(0x1D7CE + int(c)) if c.isdigit() else c for c in a),
    "ideographic full stops": lambda a: a.replace(".", "。"),
    "full-width full stops": lambda a: a.replace(".", "\uff0e"),
    "half-width full stops": lambda a: a.replace(".", "｡"),
    "a zone": lambda a: f"[::ffff:{a}%25lo]",
    "a name of a DNS that says where": lambda a: f"{a}.nip.example",
    "a name with the address in it": lambda a: f"{a.replace('.', '-')}.sslip.example",
}
NAMES = (
    "localhost",
    "LOCALHOST",
    "LocalHost",
    "localhost.",
    "localhost.localdomain",
    "localhost6",
    "ip6-localhost",
    "ip6-loopback",
    "foo.localhost",
    "".join(chr(ord("ⓐ") + ord(c) - ord("a")) for c in "localhost"),
    "".join(chr(ord(c) + 0xFEE0) for c in "localhost"),
    "host.docker.internal",
    "gateway.docker.internal",
    "kubernetes.default.svc",
    "metadata",
    "metadata.google.internal",
    "metadata.google.internal.",
    "instance-data.ec2.internal",
    "postgres",
    "nats",
    "inside.example",
    "inside.example.",
    "INSIDE.example",
    "xn--nside-fsa.example",
    "inside_example",
    "-inside.example",
    "a" * 63 + ".example",
    ".".join(["a"] * 100) + ".example",
)


def spellings() -> list[Spelling]:
    """Every host, once."""
    found: dict[str, Spelling] = {}

    def add(name: str, host: str, *, loops: bool = False) -> None:
        found.setdefault(host, Spelling(name=name, host=host, loops=loops))

    for address in INSIDE_V4:
        for name, form in V4_FORMS.items():
            loops = address == LOOPBACK and name not in TRANSLATED
            add(f"{address}, {name}", form(address), loops=loops)
    for address in (LOOPBACK, "169.254.169.254", "10.0.0.1"):
        for name, form in LOOSE_FORMS.items():
            add(f"{address}, {name}", form(address), loops=address == LOOPBACK)
    for address in INSIDE_V6:
        add(address, f"[{address}]", loops=address.endswith(("0:1", "0001")) or address == "::1")
        add(f"{address} in capitals", f"[{address.upper()}]")
    for name in NAMES:
        add("a name", name, loops=True)
    return list(found.values())


DISGUISES = (
    # What stands before an "@" is no host, whatever it looks like.
    "http://site.example@{inside}/a.mp4",
    "http://site.example:80@{inside}/a.mp4",
    "http://site.example%40@{inside}/a.mp4",
    "http://site.example%23@{inside}/a.mp4",
    "http://site.example%2f@{inside}/a.mp4",
    "http://user:password@{inside}/a.mp4",
    "http://:@{inside}/a.mp4",
    "http://@{inside}/a.mp4",
    "http://site.example@@{inside}/a.mp4",
    "http://{inside}@/a.mp4",
    # Others than a URL's parser take these for a slash, an "@" or nothing.
    "http://{inside}\\@site.example/a.mp4",
    "http://site.example\\@{inside}/a.mp4",
    "http://{inside}%00.site.example/a.mp4",
    "http://{inside}\0.site.example/a.mp4",
    "http://{inside}\t/a.mp4",
    "http://{inside}\r\nHost: site.example/a.mp4",
    "http://site.example\n@{inside}/a.mp4",
    "http://site.example /@{inside}/a.mp4",
    "http://[{inside}]/a.mp4",
    "http://[::1]:80:80/a.mp4",
    "http://[::1/a.mp4",
    "http:///{inside}/a.mp4",
    "http:{inside}/a.mp4",
    "//{inside}/a.mp4",
    "{inside}/a.mp4",
    # Another scheme than the web's.
    "file:///etc/passwd",
    "file://{inside}/etc/passwd",
    "ftp://{inside}/a.mp4",
    "gopher://{inside}/_GET%20/a.mp4",
    "dict://{inside}/d:a",
    "ldap://{inside}/a",
    "tftp://{inside}/a",
    "sftp://{inside}/a",
    "ssh://{inside}/a",
    "smb://{inside}/a",
    "jar:http://{inside}/a!/b",
    "netdoc:///etc/passwd",
    "data:video/mp4;base64,AAAA",
    "javascript:fetch('http://{inside}')",
    "rtmp://{inside}/a",
    "rtsp://{inside}/a",
    "mms://{inside}/a",
    "ws://{inside}/a",
    "wss://{inside}/a",
    "concat:http://{inside}/a.mp4",
    "crypto:http://{inside}/a.mp4",
    "subfile,,start,0,end,0,,:/etc/passwd",
    "unix:///run/docker.sock",
    "http+unix://%2Frun%2Fdocker.sock/info",
    "ytsearch:http://{inside}/a.mp4",
    "upload:00000000-0000-7000-8000-000000000000",
)
"""Links that are refused before anybody follows them. `{inside}` is the canary's host and port."""

REQUESTS: tuple[tuple[str, str], ...] = (
    ("an origin form", "GET /a HTTP/1.1\r\nHost: {inside}"),
    ("an asterisk form", "OPTIONS * HTTP/1.1\r\nHost: {inside}"),
    ("an authority as a target", "GET {inside} HTTP/1.1\r\nHost: {inside}"),
    ("credentials before the host", "GET http://site.example@{inside}/a HTTP/1.1\r\nHost: site.example"),
    ("credentials before an address", "CONNECT site.example@{inside} HTTP/1.1"),
    ("a path behind a tunnel's target", "CONNECT {inside}/a HTTP/1.1"),
    ("a query behind a tunnel's target", "CONNECT {inside}?site.example:80 HTTP/1.1"),
    ("a fragment behind a tunnel's target", "CONNECT {inside}#site.example:80 HTTP/1.1"),
    ("a URL as a tunnel's target", "CONNECT http://{inside}/ HTTP/1.1"),
    ("two targets", "CONNECT {inside} site.example:80 HTTP/1.1"),
    ("a tunnel to no port", "CONNECT 127.0.0.1 HTTP/1.1"),
    ("a tunnel to port 0", "CONNECT 127.0.0.1:0 HTTP/1.1"),
    ("a tunnel to a negative port", "CONNECT 127.0.0.1:-{port} HTTP/1.1"),
    ("a tunnel to a port that wraps", "CONNECT 127.0.0.1:{wrapped} HTTP/1.1"),
    ("a tunnel to a port in digits of elsewhere", "CONNECT 127.0.0.1:٨٠٨٠ HTTP/1.1"),
    ("a scheme in capitals", "GET HTTP://{inside}/a HTTP/1.1\r\nHost: site.example"),
    ("https in the clear", "GET https://{inside}/a HTTP/1.1\r\nHost: site.example"),
    ("ftp", "GET ftp://{inside}/a HTTP/1.1\r\nHost: site.example"),
    ("file", "GET file:///etc/passwd HTTP/1.1\r\nHost: site.example"),
    ("another host in the header", "GET http://{inside}/a HTTP/1.1\r\nHost: site.example"),
    ("a host in the header twice", "GET http://{inside}/a HTTP/1.1\r\nHost: site.example\r\nHost: {inside}"),
    ("an IPv6 address without brackets", "GET http://::1:{port}/a HTTP/1.1\r\nHost: [::1]:{port}"),
    ("an IPv6 address for a tunnel", "CONNECT ::1:{port} HTTP/1.1"),
    ("an IPv6 zone for a tunnel", "CONNECT [::1%25lo]:{port} HTTP/1.1"),
    ("a space in the target", "GET http://site.example @{inside}/a HTTP/1.1"),
    ("a tab for a space", "GET\thttp://{inside}/a\tHTTP/1.1"),
    ("a bare line feed", "GET http://site.example/a\nHost: {inside} HTTP/1.1"),
    ("a folded header", "GET http://{inside}/a HTTP/1.1\r\nHost: site.example\r\n {inside}"),
    ("a header without a name", "GET http://{inside}/a HTTP/1.1\r\n: site.example"),
    ("a space before the colon", "GET http://{inside}/a HTTP/1.1\r\nHost : site.example"),
    ("a NUL", "GET http://{inside}/\0 HTTP/1.1\r\nX: a\0b"),
    ("a version of long ago", "GET http://{inside}/a HTTP/0.9"),
    ("a version to come", "GET http://{inside}/a HTTP/2"),
    ("no version", "GET http://{inside}/a"),
    ("a method of ours", "CONNECT\0 {inside} HTTP/1.1"),
    ("SOCKS", "\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01"),
    ("two lengths", "POST http://{inside}/a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2"),
    ("a body in chunks", "POST http://{inside}/a HTTP/1.1\r\nTransfer-Encoding: chunked"),
    ("a forwarding of one's own", "GET http://{inside}/a HTTP/1.1\r\nX-Forwarded-Host: site.example"),
    ("the proxy's own verdict", "GET http://{inside}/a HTTP/1.1\r\nVidmesh-Egress: allowed"),
)
"""Requests to a proxy that lead inside, or that two readers read in two ways. The head only, without the pass."""

ELSEWHERE = (
    "file:///etc/passwd",
    "ftp://{inside}/a",
    "gopher://{inside}/a",
    "data:video/mp4;base64,AAAA",
    "javascript:alert(1)",
    "rtmp://{inside}/a",
    "//[",
    "http://",
)
"""Where a redirect leads that leaves the web."""


class Canary:
    """A server on every address of this machine. `hits` counts the connections that reach it, whatever they say."""

    def __init__(self) -> None:
        self.hits = 0
        canary = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "video/mp4")
                self.send_header("Content-Length", "6")
                self.end_headers()
                self.wfile.write(b"secret")

            do_HEAD = do_POST = do_OPTIONS = do_GET  # noqa: N815 - the names that the standard library calls

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
            daemon_threads = True
            request_queue_size = 128
            block_on_close = False

            def server_bind(self) -> None:
                if self.address_family == socket.AF_INET6:
                    self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                super().server_bind()

            def get_request(self) -> Any:
                accepted = super().get_request()
                canary.hits += 1
                return accepted

            def handle_error(self, request: object, client_address: object) -> None:
                """Clients that leave are part of the tests."""

        everywhere = "::" if Server.address_family == socket.AF_INET6 else "0.0.0.0"
        self.server = Server((everywhere, 0), Handler)
        self.port: int = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)

    def url(self, path: str = "/a.mp4", *, host: str = LOOPBACK, scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


@contextmanager
def canary() -> Iterator[Canary]:
    """A canary that sits."""
    bird = Canary()
    bird.thread.start()
    try:
        yield bird
    finally:
        bird.server.shutdown()
        bird.server.server_close()
        bird.thread.join()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A document on a site that leads whoever reads it on to another address."""

    name: str
    put: Callable[[Origin, str], str]
    """Puts it on the site, leading to this URL without an ending; gives the document's own path."""


def _page(path: str, body: str, media_type: str = "text/html; charset=utf-8") -> Callable[[Origin, str], str]:
    def put(origin: Origin, inside: str) -> str:
        origin.page(path, body.replace("INSIDE", inside), Content_Type=media_type)
        return path

    return put


def _hls(body: str, **files: bytes) -> Callable[[Origin, str], str]:
    def put(origin: Origin, inside: str) -> str:
        for name, data in files.items():
            origin.file(f"/{name}.ts", data, media_type="video/mp2t")
        text = f"#EXTM3U\n#EXT-X-VERSION:6\n{body}".replace("INSIDE", inside)
        origin.page("/talk.m3u8", text, Content_Type="application/vnd.apple.mpegurl")
        return "/talk.m3u8"

    return put


def _redirect(status: int) -> Callable[[Origin, str], str]:
    def put(origin: Origin, inside: str) -> str:
        origin.page("/watch", "", status=status, Location=f"{inside}/a.mp4")
        return "/watch"

    return put


def _chain(origin: Origin, inside: str) -> str:
    for number in range(5):
        origin.page(f"/{number}", "", status=302, Location=f"/{number + 1}")
    origin.page("/5", "", status=307, Location=f"{inside}/a.mp4")
    return "/0"


def _refresh(origin: Origin, inside: str) -> str:
    origin.page("/watch", "<p>Wait.</p>", Refresh=f"0; url={inside}/a.mp4")
    return "/watch"


def _moved_media(origin: Origin, inside: str) -> str:
    origin.page("/v.mp4", "", status=302, Location=f"{inside}/v.mp4")
    origin.page("/watch", "<title>T</title><video src='/v.mp4'></video>")
    return "/watch"


def _moved_segment(origin: Origin, inside: str) -> str:
    origin.page("/0.ts", "", status=302, Location=f"{inside}/0.ts")
    text = f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n{_SEGMENT.format('0.ts')}{_END}"
    origin.page("/talk.m3u8", text, Content_Type="application/vnd.apple.mpegurl")
    return "/talk.m3u8"


_END = "#EXT-X-ENDLIST\n"
_SEGMENT = "#EXTINF:4,\n{}\n"
_MPD = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"'
    ' mediaPresentationDuration="PT8S" profiles="urn:mpeg:dash:profile:isoff-main:2011">{}</MPD>'
)
_AUDIO = (
    '<Period><AdaptationSet mimeType="audio/mp4" contentType="audio"><Representation id="a" bandwidth="64000"'
    ' codecs="mp4a.40.2">{}</Representation></AdaptationSet></Period>'
)
_DASH = "application/dash+xml"


def routes() -> list[Route]:
    """Every document."""
    told: dict[str, Callable[[Origin, str], str]] = {
        **{f"a redirect by {status}": _redirect(status) for status in (301, 302, 303, 307, 308)},
        "a chain of redirects": _chain,
        "a refresh by a header": _refresh,
        "a refresh by a page": _page(
            "/watch", '<meta http-equiv="refresh" content="0; url=INSIDE/a.mp4"><p>Wait.</p>'
        ),
        "a video": _page("/watch", "<title>T</title><video src='INSIDE/v.mp4'></video>"),
        "a source of a video": _page(
            "/watch", "<title>T</title><video><source src='INSIDE/v.mp4' type='video/mp4'></video>"
        ),
        "a sound": _page("/watch", "<title>T</title><audio src='INSIDE/v.mp3'></audio>"),
        "a video that is moved": _moved_media,
        "an Open Graph video": _page(
            "/watch", '<title>T</title><meta property="og:video" content="INSIDE/v.mp4">'
        ),
        "a Twitter stream": _page(
            "/watch", '<title>T</title><meta property="twitter:player:stream" content="INSIDE/v.mp4">'
        ),
        "a VideoObject": _page(
            "/watch",
            "<title>T</title><script type='application/ld+json'>"
            '{"@context":"https://schema.org","@type":"VideoObject","name":"T","contentUrl":"INSIDE/v.mp4"}'
            "</script>",
        ),
        "a player's setup": _page(
            "/watch", "<title>T</title><script>jwplayer('p').setup({file: 'INSIDE/v.mp4'})</script>"
        ),
        "a playlist of an HLS page": _page(
            "/watch",
            "<title>T</title><video><source src='INSIDE/v.m3u8' type='application/x-mpegURL'></video>",
        ),
        "a manifest of a DASH page": _page(
            "/watch", "<title>T</title><video><source src='INSIDE/v.mpd' type='application/dash+xml'></video>"
        ),
        "an HLS variant": _hls('#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS="mp4a.40.2"\nINSIDE/v.m3u8\n'),
        "an HLS rendition": _hls(
            '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",DEFAULT=YES,URI="INSIDE/a.m3u8"\n'
            '#EXT-X-STREAM-INF:BANDWIDTH=64000,AUDIO="a",CODECS="avc1.42c00d,mp4a.40.2"\nINSIDE/v.m3u8\n'
        ),
        "an HLS segment": _hls(f"#EXT-X-TARGETDURATION:4\n{_SEGMENT.format('INSIDE/0.ts')}{_END}"),
        "a later HLS segment": _hls(
            f"#EXT-X-TARGETDURATION:4\n{_SEGMENT.format('own.ts')}{_SEGMENT.format('INSIDE/1.ts')}{_END}",
            own=b"\x47" * 376,
        ),
        "an HLS segment that is moved": _moved_segment,
        "an HLS segment by its bytes": _hls(
            f"#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n#EXT-X-BYTERANGE:6@0\nINSIDE/0.ts\n{_END}"
        ),
        "an HLS key": _hls(
            '#EXT-X-TARGETDURATION:4\n#EXT-X-KEY:METHOD=AES-128,URI="INSIDE/key",IV=0x0\n'
            f"{_SEGMENT.format('own.ts')}{_END}",
            own=b"\x47" * 376,
        ),
        "an HLS map": _hls(
            f'#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI="INSIDE/init.mp4"\n{_SEGMENT.format("own.ts")}{_END}',
            own=b"\x47" * 376,
        ),
        "a list of links": _page("/list.m3u", "#EXTM3U\n#EXTINF:10,A\nINSIDE/a.mp3\n", "audio/x-mpegurl"),
        "a DASH base": _page(
            "/v.mpd",
            _MPD.format("<BaseURL>INSIDE/</BaseURL>" + _AUDIO.format("<BaseURL>a.mp4</BaseURL>")),
            _DASH,
        ),
        "a DASH file": _page("/v.mpd", _MPD.format(_AUDIO.format("<BaseURL>INSIDE/a.mp4</BaseURL>")), _DASH),
        "a DASH template": _page(
            "/v.mpd",
            _MPD.format(
                _AUDIO.format(
                    '<SegmentTemplate media="INSIDE/$Number$.m4s" initialization="INSIDE/i.mp4"'
                    ' startNumber="1" duration="4" timescale="1"/>'
                )
            ),
            _DASH,
        ),
        "a DASH list": _page(
            "/v.mpd",
            _MPD.format(
                _AUDIO.format(
                    '<SegmentList duration="4"><Initialization sourceURL="INSIDE/i.mp4"/>'
                    '<SegmentURL media="INSIDE/1.m4s"/><SegmentURL media="INSIDE/2.m4s"/></SegmentList>'
                )
            ),
            _DASH,
        ),
        "a feed of one": _page(
            "/feed",
            "<?xml version='1.0'?><rss version='2.0'><channel><title>P</title><item><title>1</title>"
            "<enclosure url='INSIDE/1.mp3' type='audio/mpeg'/></item></channel></rss>",
            "application/rss+xml",
        ),
        "a SMIL": _page(
            "/v.smil",
            "<?xml version='1.0'?><smil><head><meta base='INSIDE/'/></head><body><switch>"
            "<video src='v.mp4' system-bitrate='64000'/></switch></body></smil>",
            "application/smil+xml",
        ),
        "an XSPF": _page(
            "/v.xspf",
            "<?xml version='1.0'?><playlist version='1' xmlns='http://xspf.org/ns/0/'><trackList><track>"
            "<location>INSIDE/v.mp4</location><title>T</title></track></trackList></playlist>",
            "application/xspf+xml",
        ),
    }
    return [Route(name=name, put=put) for name, put in told.items()]
