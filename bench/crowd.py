"""Many watchers of one job over gRPC-Web, in one process: `python -m bench.crowd HOST PORT COUNT PATH < REQUEST`.

Each is a connection of its own, as a browser's is, and asks for the same stream over HTTP/1.1, the gRPC-Web that a proxy
takes without a browser. While it watches, this process does nothing but read a socket and note the time: some 5 µs a
message. What the bytes mean is worked out afterwards, so that the reader is not what is measured.

REQUEST on standard input is one line of JSON: the token, and the request's message in hex. One line is answered when every
watcher has its first bytes; after a second line of input, what was received goes to standard output as JSON.
"""

import json
import select
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from vidmesh.ingest.v1.ingest_service_pb2 import WatchJobResponse

TICK = "tick "
"""What `activity` of a timed event begins with; the nanoseconds of its publish follow."""


@dataclass(slots=True)
class Watcher:
    """What came on one connection: the monotonic nanoseconds at which some bytes were read, and the bytes."""

    socket: socket.socket
    read: list[tuple[int, bytes]] = field(default_factory=list)


def request(host: str, path: str, token: str, message: bytes) -> bytes:
    """A call of a method over gRPC-Web."""
    body = b"\x00" + struct.pack(">I", len(message)) + message
    lines = (
        f"POST {path} HTTP/1.1",
        f"host: {host}",
        "content-type: application/grpc-web+proto",
        "x-grpc-web: 1",
        f"authorization: Bearer {token}",
        f"content-length: {len(body)}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def watch(watchers: dict[int, Watcher], again: Callable[[], Watcher]) -> int:
    """Read until standard input has a line; say so once everybody has heard something.

    Who is refused before that calls `again`, as clients do; how many were.
    """
    poll = select.epoll()
    for number in watchers:
        poll.register(number, select.EPOLLIN)
    poll.register(0, select.EPOLLIN)
    silent, refused = set(watchers), 0
    clock, read = time.monotonic_ns, {number: one.socket.recv for number, one in watchers.items()}
    while True:
        for number, _ in poll.poll():
            if number == 0:
                return refused
            data = read[number](65536)
            watchers[number].read.append((clock(), data))
            if not data:
                raise ConnectionError(f"a watch ended: {watchers[number].read[-2:]!r}")
            if silent:
                silent.discard(number)
                if b"grpc-status" in data:
                    refused += 1
                    poll.unregister(number)
                    watchers.pop(number).socket.close()
                    one = again()
                    poll.register(number := one.socket.fileno(), select.EPOLLIN)
                    watchers[number], read[number] = one, one.socket.recv
                    silent.add(number)
                if not silent:
                    sys.stdout.write("watching\n")
                    sys.stdout.flush()


def messages(read: list[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """The messages of one connection, each with the time at which its last byte was read.

    Raises ConnectionError where the answer was no stream.
    """
    buffer, body, headed = b"", b"", False
    for at, data in read:
        buffer += data
        if not headed:
            head, end, rest = buffer.partition(b"\r\n\r\n")
            if not end:
                continue
            if not head.startswith(b"HTTP/1.1 200") or b"grpc-status" in head:
                raise ConnectionError(head.decode())
            buffer, headed = rest, True
        while (line := buffer.find(b"\r\n")) >= 0:
            length = int(buffer[:line], 16)
            if len(buffer) < line + 2 + length + 2:
                break
            body += buffer[line + 2 : line + 2 + length]
            buffer = buffer[line + 2 + length + 2 :]
        while len(body) >= 5:
            flags, length = body[0], struct.unpack(">I", body[1:5])[0]
            if len(body) < 5 + length:
                break
            if flags & 0x80:
                raise ConnectionError(f"a watch ended: {body[5:].decode()}")
            yield at, body[5 : 5 + length]
            body = body[5 + length :]


def latencies(watcher: Watcher) -> dict[int, int]:
    """Nanoseconds from publish to read of each timed event, by the time of its publish."""
    found: dict[int, int] = {}
    for at, message in messages(watcher.read):
        activity = WatchJobResponse.FromString(message).event.stage_progress.activity
        if activity.startswith(TICK):
            published = int(activity.removeprefix(TICK))
            found[published] = at - published
    return found


def main(host: str, port: int, count: int, path: str) -> None:
    """Watch, and tell."""
    asked = json.loads(sys.stdin.readline())
    call = request(host, path, asked["token"], bytes.fromhex(asked["message"]))

    def begin() -> Watcher:
        connection = socket.create_connection((host, port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(call)
        return Watcher(connection)

    watchers = {(one := begin()).socket.fileno(): one for _ in range(count)}
    cpu = time.process_time()
    refused = watch(watchers, begin)
    cpu = time.process_time() - cpu
    for one in watchers.values():
        one.socket.close()
    told = [latencies(one) for one in watchers.values()]
    json.dump({"cpu": cpu, "refused": refused, "latencies": told}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
