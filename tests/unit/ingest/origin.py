"""A web site to fetch from: a real HTTP server on loopback that answers as it is told."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


class Gate:
    """Where a file's bytes stop coming until `open` is called."""

    def __init__(self, at: int) -> None:
        self.at = at
        self._opened = threading.Event()

    def open(self) -> None:
        self._opened.set()

    @property
    def closed(self) -> bool:
        return not self._opened.is_set()

    def pass_through(self, begin: int, end: int) -> None:
        """Waits where the bytes from `begin` to `end` are not all before the gate."""
        if end > self.at >= begin:
            self._opened.wait(60)


class Origin:
    """The site. `hits` are the requests it saw, as path and headers."""

    def __init__(self) -> None:
        self.hits: list[tuple[str, dict[str, str]]] = []
        self.answers: dict[str, Answer] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:  # the name that the standard library calls
                site.hits.append((self.path, dict(self.headers)))
                answer = site.answers.get(self.path.partition("?")[0])
                if answer is None:
                    send(self, 404, b"not here")
                else:
                    answer(self)

            do_HEAD = do_POST = do_GET  # noqa: N815  # likewise

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: object, client_address: object) -> None:
                """Clients that leave are part of the tests."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def paths(self) -> list[str]:
        return [path for path, _ in self.hits]

    def page(self, path: str, body: str | bytes, *, status: int = 200, **headers: str) -> str:
        """Puts a page there. Header names are given with underscores."""
        data = body.encode() if isinstance(body, str) else body
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = lambda request: send(request, status, data, **given)
        return self.url(path)

    def file(
        self,
        path: str,
        data: bytes,
        *,
        media_type: str = "video/mp4",
        etag: str | None = '"1"',
        ranges: bool = True,
        breaks: list[int] | None = None,
        length: bool = True,
        chunk: int = 65536,
        pause: float = 0.0,
        gate: Gate | None = None,
        boast: int = 0,
    ) -> str:
        """Puts a file there. Each of `breaks` is after how many bytes an answer breaks off, one after the other.

        `boast` is how many more bytes than there are the server announces.
        """
        left = list(breaks or [])

        def answer(request: BaseHTTPRequestHandler) -> None:
            asked = request.headers.get("Range", "").removeprefix("bytes=").partition("-")[0]
            resumed = ranges and asked != "" and request.headers.get("If-Range") in {None, etag}
            begin = int(asked) if resumed else 0
            if resumed and begin >= len(data):
                send(request, 416, b"", **{"Content-Range": f"bytes */{len(data)}"})
                return
            body = data[begin:]
            told = {
                "Content-Type": media_type,
                "Content-Length": str(len(body) + boast) if length else "",
                "ETag": etag or "",
                "Accept-Ranges": "bytes" if ranges else "",
                "Content-Range": f"bytes {begin}-{len(data) - 1}/{len(data)}" if resumed else "",
                "Connection": "close",
            }
            request.send_response(206 if resumed else 200)
            for name, value in told.items():
                if value:
                    request.send_header(name, value)
            request.end_headers()
            if request.command == "HEAD":
                return
            stop = left.pop(0) if left else len(body)
            for at in range(0, min(stop, len(body)), chunk):
                if gate is not None:
                    gate.pass_through(begin + at, begin + at + chunk)
                request.wfile.write(body[at : min(at + chunk, stop)])
                time.sleep(pause)
            if stop < len(body):
                request.connection.shutdown(socket.SHUT_RDWR)

        self.answers[path] = answer
        return self.url(path)


def send(request: BaseHTTPRequestHandler, status: int, data: bytes, **headers: str) -> None:
    request.send_response(status)
    headers.setdefault("Content-Type", "text/html; charset=utf-8")
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(data)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(data)


@contextmanager
def serving() -> Iterator[Origin]:
    """A site that is up."""
    site = Origin()
    site.thread.start()
    try:
        yield site
    finally:
        site.server.shutdown()
        site.server.server_close()
        site.thread.join()
