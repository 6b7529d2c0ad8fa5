"""The heads of HTTP/1.1 messages as a forward proxy reads and rewrites them (RFC 9112)."""

import base64
import binascii
from dataclasses import dataclass, field
from urllib.parse import urlsplit

VERDICT = "Vidmesh-Egress"
"""The header by which the proxy itself says why it gives no answer of the origin's."""

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "te", "trailer", "upgrade"})


class HeadError(ValueError):
    """The head is not one that the proxy takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHead:
    """What a client asks of the proxy."""

    tunnel: bool
    """Whether it asks for a tunnel (CONNECT) rather than for a resource."""

    host: str
    """The host to connect to: a name or an address, without brackets."""

    port: int
    """The port to connect to."""

    body: int
    """How many bytes of body follow."""

    token: str
    """The password of its proxy authorization. Empty where there is none."""

    onward: bytes = field(repr=False)
    """The head to send to the origin, without anything meant for the proxy. Empty for a tunnel."""


def parse_request(data: bytes) -> RequestHead:
    """Reads the head of a request, blank line included. Raises HeadError."""
    first, headers = _lines(data)
    method, _, rest = first.partition(" ")
    target, _, version = rest.partition(" ")
    if not method.isalpha() or version not in {"HTTP/1.0", "HTTP/1.1"}:
        raise HeadError("not a request")
    token = _token(headers)
    if method == "CONNECT":
        host, port = _authority(_bracketed(target), None)
        return RequestHead(tunnel=True, host=host, port=port, body=0, token=token, onward=b"")
    try:
        parts = urlsplit(target)
    except ValueError as error:
        raise HeadError("not a URL") from error
    if parts.scheme != "http" or "@" in parts.netloc:
        raise HeadError("only http URLs without credentials are forwarded, https goes through CONNECT")
    named = next((value for name, value in headers if name.lower() == "host"), "")
    authority = named if parts.netloc.count(":") > 1 and "[" not in parts.netloc else parts.netloc
    host, port = _authority(authority, 80)
    path = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
    onward = [f"{method} {path if path.startswith('/') else f'/{path}'} HTTP/1.1", f"Host: {authority}"]
    onward += [f"{name}: {value}" for name, value in _end_to_end(headers) if name.lower() != "host"]
    return RequestHead(
        tunnel=False,
        host=host,
        port=port,
        body=_body(headers),
        token=token,
        onward=_head([*onward, "Connection: close"]),
    )


def rewrite_response(data: bytes) -> tuple[int, bytes]:
    """Reads the head of an origin's response. Gives its status and the head for the client. Raises HeadError."""
    first, headers = _lines(data)
    version, _, rest = first.partition(" ")
    status = rest[:3]
    if not version.startswith("HTTP/1.") or not status.isdigit():
        raise HeadError("not a response")
    onward = [f"HTTP/1.1 {rest}", *(f"{name}: {value}" for name, value in _end_to_end(headers))]
    return int(status), _head(onward if status.startswith("1") else [*onward, "Connection: close"])


def refusal(status: int, phrase: str, verdict: str) -> bytes:
    """A whole response of the proxy's own."""
    head = [f"HTTP/1.1 {status} {phrase}", f"{VERDICT}: {verdict}", "Content-Length: 0", "Connection: close"]
    return _head([*head, 'Proxy-Authenticate: Basic realm="vidmesh"'] if status == 407 else head)


def _head(lines: list[str]) -> bytes:
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _lines(data: bytes) -> tuple[str, list[tuple[str, str]]]:
    first, *rest = data.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    headers = []
    for line in rest:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or "\n" in line or "\0" in line:
            raise HeadError("a malformed header")
        headers.append((name, value.strip()))
    return first, headers


def _end_to_end(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    named = {
        n.strip().lower() for name, value in headers if name.lower() == "connection" for n in value.split(",")
    }
    dropped = (_HOP_BY_HOP | named | {VERDICT.lower()}) - {"transfer-encoding", "content-length"}
    return [(n, v) for n, v in headers if n.lower() not in dropped and not n.lower().startswith("proxy-")]


def _bracketed(target: str) -> str:
    """The target of a tunnel with brackets around an address of version six, which httpcore leaves out."""
    host, _, port = target.rpartition(":")
    return f"[{host}]:{port}" if ":" in host and "[" not in host else target


def _authority(text: str, default: int | None) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port if parts.port is not None else default
    except ValueError as error:
        raise HeadError("a malformed authority") from error
    if not parts.hostname or port is None or port == 0 or parts.netloc != text or "@" in text:
        raise HeadError("a malformed authority")
    return parts.hostname, port


def _body(headers: list[tuple[str, str]]) -> int:
    if any(name.lower() == "transfer-encoding" for name, _ in headers):
        raise HeadError("a body of unknown length")
    lengths = {value for name, value in headers if name.lower() == "content-length"} or {"0"}
    if len(lengths) > 1 or not (length := lengths.pop()).isdecimal():
        raise HeadError("a malformed length")
    return int(length)


def _token(headers: list[tuple[str, str]]) -> str:
    given = next((value for name, value in headers if name.lower() == "proxy-authorization"), "")
    scheme, _, encoded = given.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
