"""Heads as the proxy reads them: what is meant for it stops there, and what is ambiguous is not forwarded at all."""

import base64

import pytest

from vidmesh_ingest.proxy_head import HeadError, parse_request, refusal, rewrite_response

PASSWORD = "Basic " + base64.b64encode(b"vidmesh:secret").decode()


def head(*lines: str) -> bytes:
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def test_a_tunnel_names_its_host_and_port() -> None:
    request = parse_request(head("CONNECT example.com:443 HTTP/1.1", f"Proxy-Authorization: {PASSWORD}"))
    assert (request.tunnel, request.host, request.port, request.token) == (True, "example.com", 443, "secret")


@pytest.mark.parametrize(
    "lines",
    [
        ["CONNECT [::1]:443 HTTP/1.1"],
        ["CONNECT ::1:443 HTTP/1.1"],
        ["GET http://[::1]:443/ HTTP/1.1"],
        ["GET http://::1:443/ HTTP/1.1", "Host: [::1]:443"],
    ],
)
def test_addresses_of_version_six_are_understood_as_clients_write_them(lines: list[str]) -> None:
    request = parse_request(head(*lines))
    assert (request.host, request.port, request.token) == ("::1", 443, "")


def test_a_request_goes_on_without_what_is_meant_for_the_proxy() -> None:
    request = parse_request(
        head(
            "GET http://example.com:8080/a/b?c=d HTTP/1.1",
            "Host: other.example",
            f"Proxy-Authorization: {PASSWORD}",
            "Proxy-Connection: keep-alive",
            "Connection: keep-alive, X-Private",
            "X-Private: 1",
            "Range: bytes=5-",
            "Cookie: a=b",
        )
    )
    assert (request.tunnel, request.host, request.port, request.body) == (False, "example.com", 8080, 0)
    assert request.onward == head(
        "GET /a/b?c=d HTTP/1.1",
        "Host: example.com:8080",
        "Range: bytes=5-",
        "Cookie: a=b",
        "Connection: close",
    )
    assert b"secret" not in request.onward


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("http://example.com", "GET / HTTP/1.1"),
        ("http://example.com?q", "GET /?q HTTP/1.1"),
        ("http://example.com/a#b", "GET /a HTTP/1.1"),
        ("http://example.com//evil.example/a", "GET //evil.example/a HTTP/1.1"),
    ],
)
def test_targets_become_paths(url: str, line: str) -> None:
    assert parse_request(head(f"GET {url} HTTP/1.1")).onward.split(b"\r\n")[0] == line.encode()


@pytest.mark.parametrize(
    "lines",
    [
        ["GET / HTTP/1.1"],
        ["GET https://example.com/ HTTP/1.1"],
        ["GET ftp://example.com/ HTTP/1.1"],
        ["GET http:///a HTTP/1.1"],
        ["GET http://user:secret@example.com/ HTTP/1.1"],
        ["GET http://example.com:0/ HTTP/1.1"],
        ["GET http://example.com:x/ HTTP/1.1"],
        ["GET http://example.com/ HTTP/2"],
        ["GET http://example.com/"],
        ["CONNECT example.com HTTP/1.1"],
        ["CONNECT user@example.com:443 HTTP/1.1"],
        ["CONNECT example.com:443/a HTTP/1.1"],
        ["CONNECT :443 HTTP/1.1"],
        ["GET http://::1:443/ HTTP/1.1"],
        ["\x16\x03\x01\x02"],
        ["POST http://example.com/ HTTP/1.1", "Transfer-Encoding: chunked"],
        ["POST http://example.com/ HTTP/1.1", "Content-Length: 1", "Content-Length: 2"],
        ["POST http://example.com/ HTTP/1.1", "Content-Length: -1"],
        ["GET http://example.com/ HTTP/1.1", "Malformed"],
        ["GET http://example.com/ HTTP/1.1", "Name : value"],
        ["GET http://example.com/ HTTP/1.1", "A: b\nInjected: c"],
    ],
)
def test_what_is_not_clear_is_refused(lines: list[str]) -> None:
    with pytest.raises(HeadError):
        parse_request(head(*lines))


@pytest.mark.parametrize(
    "given", ["Bearer secret", "Basic", "Basic !!!", "Basic " + base64.b64encode(b"\xff").decode()]
)
def test_a_password_that_cannot_be_read_is_none(given: str) -> None:
    assert (
        parse_request(head("CONNECT example.com:443 HTTP/1.1", f"Proxy-Authorization: {given}")).token == ""
    )


def test_an_answer_cannot_speak_in_the_proxys_name() -> None:
    status, answer = rewrite_response(
        head(
            "HTTP/1.1 200 OK",
            "Vidmesh-Egress: refused",
            "Keep-Alive: 5",
            "Content-Length: 3",
            "Proxy-Authenticate: x",
        )
    )
    assert (status, answer) == (200, head("HTTP/1.1 200 OK", "Content-Length: 3", "Connection: close"))


def test_what_is_no_answer_is_refused() -> None:
    with pytest.raises(HeadError):
        rewrite_response(head("SSH-2.0-OpenSSH_9.6"))


def test_a_refusal_says_why() -> None:
    assert b"\r\nVidmesh-Egress: egress-refused\r\n" in refusal(403, "Egress Refused", "egress-refused")
