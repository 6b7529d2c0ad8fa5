"""Requests that nobody in their right mind sends, made from the descriptors of their messages.

Everything comes from a `random.Random`, so that a seed gives the same requests again.
"""

import gzip
import json
import math
import random
import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from google.api import annotations_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.json_format import MessageToDict, SerializeToJsonError
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

NOBODYS = "00000000-0000-7000-8000-000000000000"
LARGEST = 4 << 20
"""The most bytes that a request may have."""

TEXTS = (
    "",
    " ",
    "\0",
    "a\0b",
    "\x01\x02\x1b[31m\x7f",
    "\u202eevil\u202c \u2066isolated\u2069",
    "\ufeff\u200b\u00ad",
    "\ud7ff\ue000\ufffd\uffff",
    "\U0010ffff" * 100,
    "é" * 200 + "e\u0301" * 200,
    "\u0338" * 5000,
    "ﷺ" * 1000,
    "👩‍👩‍👧‍👦" * 100,
    "../../../../etc/passwd",
    "..\\..\\windows",
    "%2e%2e%2f%00",
    "'; drop table job; --",
    '" or ""="',
    "\\",
    "%",
    "_",
    "$1 $$ %s {0} {{7*7}} ${jndi:ldap://x}",
    "<script>alert(1)</script>",
    "& | ! ( ) : * <-> ''",
    "NEAR(a b) AND OR NOT -",
    "((((((((((" * 100,
    "a:b " * 3000,
    "-" * 3000,
    "true",
    "null",
    "NaN",
    "-1",
    "1e999",
    "9" * 400,
    "http://",
    "http://[",
    "http://a b/",
    "http://user:secret@host/",
    "file:///etc/passwd",
    "x" * 70_000,
    "ü" * 600_000,
)
IDS = (
    "",
    " ",
    "0",
    "-1",
    "null",
    NOBODYS,
    NOBODYS.upper().replace("8000", "8ABC"),
    "{00000000-0000-7000-8000-000000000000}",
    "urn:uuid:00000000-0000-7000-8000-000000000000",
    "00000000000070008000000000000000",
    "00000000-0000-7000-8000-00000000000g",
    "00000000-0000-7000-8000-000000000000\n",
    "00000000-0000-7000-8000-000000000000\0",
    "\uff100000000-0000-7000-8000-000000000000",
    "../" + NOBODYS,
    "*",
    ">",
    "a.b.>",
    "%",
    "' or 1=1 --",
    "x" * 100_000,
)
WHOLE = {
    FieldDescriptor.CPPTYPE_INT32: (-(1 << 31), -1, 0, 1, 7, 1000, (1 << 31) - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 1, 1000, (1 << 32) - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(1 << 63), -1, 0, 1, 1 << 40, (1 << 63) - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 1, 1 << 63, (1 << 64) - 1),
    FieldDescriptor.CPPTYPE_ENUM: (-(1 << 31), -1, 0, 1, 2, 3, 99, (1 << 31) - 1),
}
FLOATS = (0.0, -0.0, 0.5, -1.0, 5e-324, 1e38, -1e308, math.inf, -math.inf, math.nan)
SECONDS = (-(1 << 63), -315_576_000_001, -1, 0, 1, 253_402_300_800, 315_576_000_001, (1 << 63) - 1)
NANOS = (-(1 << 31), -1, 0, 999_999_999, 1_000_000_000, (1 << 31) - 1)

Ids = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of a method."""

    what: str
    """What is wrong with it."""
    requests: tuple[bytes, ...]
    """Its messages, as they go over the wire; one for a unary request."""
    wrong: bool = False
    """Whether no reading of it is a request of the method."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request to the JSON door."""

    what: str
    verb: str
    target: str
    body: bytes | None
    headers: Mapping[str, str]


class Maker:
    """Makes requests."""

    def __init__(self, rng: random.Random, ids: Ids) -> None:
        """`ids` are ids that exist, one's own and others', by the names of the fields that they belong in."""
        self._rng = rng
        self._ids = ids

    def message(self, kind: Descriptor, depth: int = 0) -> Message:
        """A message whose fields are there or not, and are what they may be, or nothing like it."""
        made: Any = GetMessageClass(kind)()
        if kind.full_name in {"google.protobuf.Timestamp", "google.protobuf.Duration"}:
            made.seconds, made.nanos = self._rng.choice(SECONDS), self._rng.choice(NANOS)
            return made  # type: ignore[no-any-return]
        for field in kind.fields:
            if self._rng.random() < (0.25 if field.containing_oneof else 0.3):
                continue
            if field.is_repeated:
                count = self._rng.choice((0, 1, 3, 3, 2000))
                for _ in range(count if depth < 2 else min(count, 3)):
                    self._put(made, field, depth)
            else:
                self._put(made, field, depth)
        return made  # type: ignore[no-any-return]

    def _put(self, made: Any, field: FieldDescriptor, depth: int) -> None:
        if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            if depth > 4:
                return
            assert field.message_type is not None
            inner = self.message(field.message_type, depth + 1)
            target = getattr(made, field.name)
            if field.is_repeated:
                target.append(inner)
            else:
                target.CopyFrom(inner)
                target.SetInParent()
        elif field.is_repeated:
            getattr(made, field.name).append(self._value(field))
        else:
            setattr(made, field.name, self._value(field))

    def _value(self, field: FieldDescriptor) -> Any:
        rng = self._rng
        if field.type == FieldDescriptor.TYPE_BYTES:
            return rng.choice((b"", b"\0", rng.randbytes(30), bytes(70_000)))
        if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            if field.name.endswith(("_id", "_ids")):
                known = self._ids.get(field.name, ())
                return rng.choice(known if known and rng.random() < 0.5 else IDS)
            # Short ones more often: what is refused for its length goes no further.
            return rng.choice(TEXTS if rng.random() < 0.3 else TEXTS[:36])
        if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
            return rng.random() < 0.5
        if field.cpp_type in WHOLE:
            return rng.choice(WHOLE[field.cpp_type])
        return rng.choice(FLOATS)

    def calls(self, method: MethodDescriptor, count: int) -> Iterator[Call]:
        """`count` calls with messages that can be read, after one of each kind that cannot or hardly can."""
        valid = self.message(method.input_type).SerializeToString()
        for what, made in BYTES.items():
            data = made(self._rng, method.input_type, valid[:100_000])
            yield Call(what=what, requests=(data,), wrong=what in WRONG)
        for _ in range(count):
            messages = self._rng.choice((0, 1, 2, 5)) if method.client_streaming else 1
            requests = tuple(self.message(method.input_type).SerializeToString() for _ in range(messages))
            if sum(map(len, requests)) < LARGEST:
                yield Call(what="strange values", requests=requests)

    def asks(self, method: MethodDescriptor, count: int) -> Iterator[Ask]:
        """Requests to the JSON door, where the method has a route: as many with values, after one of each kind of body."""
        rule = method.GetOptions().Extensions[annotations_pb2.http]
        verb = rule.WhichOneof("pattern")
        if verb is None:
            return
        template = getattr(rule, verb)
        verb = verb.upper()
        kinds: Mapping[str, bytes | None] = BODIES if rule.body else {"no body": None}
        for what, body in kinds.items():
            yield self._ask(what, verb, self._path(template), body)
        for what, headers in HEADERS.items():
            yield self._ask(what, verb, self._path(template), b"{}" if rule.body else None, headers)
        for _ in range(count):
            value = _json(self.message(method.input_type), self._rng)
            if rule.body:
                yield self._ask("strange values", verb, self._path(template), json.dumps(value).encode())
            else:
                flat = [(name, one) for name, one in _flat(value) if len(str(one)) < 2000][:40]
                query = urlencode(flat, errors="replace")
                yield self._ask("strange values", verb, f"{self._path(template)}?{query}", None)
        if not rule.body:
            for query in QUERIES:
                yield self._ask("a strange query", verb, f"{self._path(template)}?{query}", None)

    def _path(self, template: str) -> str:
        def one(found: re.Match[str]) -> str:
            known = self._ids.get(found[1], ())
            given = self._rng.choice(known if known and self._rng.random() < 0.6 else IDS[1:-1])
            return quote(given, safe="")

        return re.sub(r"\{(\w+)\}", one, template)

    def _ask(
        self, what: str, verb: str, target: str, body: bytes | None, headers: Mapping[str, str] | None = None
    ) -> Ask:
        told = {"content-type": "application/json", **(headers or {})}
        return Ask(what=what, verb=verb, target=target, body=body, headers=told)


def plain(method: MethodDescriptor) -> Ask | None:
    """The plainest request to the JSON door that has the form of a method's; None where it has no route."""
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    if verb is None:
        return None
    path = re.sub(
        r"\{(\w+)\}", lambda found: NOBODYS if found[1].endswith("_id") else "0", getattr(rule, verb)
    )
    headers = {"content-type": "application/json"}
    return Ask(
        what="plain", verb=verb.upper(), target=path, body=b"{}" if rule.body else None, headers=headers
    )


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number])


def _tag(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _first(kind: Descriptor, *types: int) -> int:
    """The number of the first field of one of these types, of this message or of one within; 1 where there is none."""
    return next((field.number for field in kind.fields if field.type in types), 1)


def _flipped(rng: random.Random, kind: Descriptor, valid: bytes) -> bytes:
    data = bytearray(valid or b"\x0a\x01a")
    for _ in range(1 + len(data) // 50):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def _bad_text(rng: random.Random, kind: Descriptor, valid: bytes) -> bytes:
    return _tag(_first(kind, FieldDescriptor.TYPE_STRING), 2) + b"\x04\xff\xfe\xc0\x80"


def _other_types(rng: random.Random, kind: Descriptor, valid: bytes) -> bytes:
    """Every field as what it is not."""
    made = b""
    for field in kind.fields:
        made += _tag(field.number, 0) + _varint(7) + _tag(field.number, 5) + b"abcd"
    return made


def _nested(rng: random.Random, kind: Descriptor, valid: bytes) -> bytes:
    """A message in a message in a message, where the type allows it, else of a field that it does not know."""
    data = b""
    number = _first(kind, FieldDescriptor.TYPE_MESSAGE)
    for _ in range(2000):
        data = _tag(number, 2) + _varint(len(data)) + data
    return data


BYTES: dict[str, Callable[[random.Random, Descriptor, bytes], bytes]] = {
    "nothing": lambda rng, kind, valid: b"",
    "random bytes": lambda rng, kind, valid: rng.randbytes(rng.choice((1, 7, 100, 5000))),
    "cut short": lambda rng, kind, valid: valid[: rng.randrange(len(valid) + 1)],
    "bits flipped": _flipped,
    "twice the same": lambda rng, kind, valid: valid * 2,
    "other types of values": _other_types,
    "text that is no UTF-8": _bad_text,
    "a value longer than the message": lambda rng, kind, valid: _tag(1, 2) + _varint((1 << 31) - 1) + b"a",
    "a value longer than any": lambda rng, kind, valid: _tag(1, 2) + _varint((1 << 63) + 5) + b"a",
    "a number that does not end": lambda rng, kind, valid: _tag(1, 0) + b"\xff" * 20,
    "a field number 0": lambda rng, kind, valid: b"\x02\x01a",
    "a wire type that is none": lambda rng, kind, valid: _tag(1, 7) + b"aaaa",
    "a group that does not end": lambda rng, kind, valid: _tag(900, 3),
    "groups in groups": lambda rng, kind, valid: _tag(900, 3) * 5000 + _tag(900, 4) * 5000,
    "messages in messages": _nested,
    "fields that nobody knows": lambda rng, kind, valid: b"".join(
        _tag(number, 0) + b"\x01" for number in range(5000, 25_000)
    ),
    "a large field that nobody knows": lambda rng, kind, valid: (
        _tag(9999, 2) + _varint(LARGEST - 100) + bytes(LARGEST - 100)
    ),
    "too large": lambda rng, kind, valid: _tag(9999, 2) + _varint(5 << 20) + bytes(5 << 20),
}
WRONG = frozenset(
    {
        "a value longer than the message",
        "a value longer than any",
        "a number that does not end",
        "a wire type that is none",
        "a group that does not end",
        "groups in groups",
        "too large",
    }
)
"""Those that no reader of protobuf takes, or that are larger than a request may be."""

BODIES: dict[str, bytes | None] = {
    "no body": None,
    "an empty body": b"",
    "a list": b"[]",
    "null": b"null",
    "a number": b"123",
    "a text": b'"x"',
    "cut short": b'{"url": "http',
    "two values": b"{}{}",
    "a field that nobody knows": b'{"nobody_knows": 1}',
    "one field twice": b'{"name": "a", "name": "b", "title": "a", "title": "b"}',
    "no UTF-8": b'{"name": "\xff\xfe", "text": "\xc0\x80"}',
    "half a pair": b'{"name": "\\ud800", "title": "\\udfff", "question": "\\ud800", "url": "\\ud800"}',
    "lists in lists": b'{"name": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "objects in objects": b'{"source":' * 5000 + b"1" + b"}" * 5000,
    "a huge number": b'{"limit": 1e400, "index": 99999999999999999999, "size_bytes": "99999999999999999999999"}',
    "wrong types": json.dumps(
        {
            name: {"a": [1, None, {"b": True}]}
            for name in ("name", "url", "title", "question", "source", "scope", "tags", "text", "captions")
        }
    ).encode(),
    "a NUL": json.dumps(
        dict.fromkeys(("name", "url", "title", "question", "text", "filename", "request_id"), "a\0b")
    ).encode(),
    "too large": b'{"name": "' + b"a" * (5 << 20) + b'"}',
}
HEADERS: dict[str, dict[str, str]] = {
    "no type": {"content-type": ""},
    "a form": {"content-type": "application/x-www-form-urlencoded"},
    "another character set": {"content-type": "application/json; charset=utf-16"},
    "a made-up type": {"content-type": "application/grpc-web+json"},
    "a compressed body that is none": {"content-encoding": "gzip"},
    "a wish for another type": {"accept": "text/html", "accept-encoding": "br;q=1.0, *;q=0"},
    "a timeout of none": {"grpc-timeout": "0n"},
    "a timeout that is none": {"grpc-timeout": "soon"},
    "a timeout for ever": {"grpc-timeout": "99999999H"},
    "attempts that are none": {"grpc-previous-rpc-attempts": "many"},
    "an encoding that is none": {"grpc-encoding": "snappy"},
    "details of one's own": {"grpc-status": "0", "grpc-status-details-bin": "AAAA"},
    "a tenant of one's own": {"x-vidmesh-tenant": "evil", "x-vidmesh-service": "nobody"},
    "another method": {"x-http-method-override": "DELETE", "x-envoy-original-path": "/"},
    "bytes that are no base64": {"authorization-bin": "%%%"},
}
OF_GRPC = frozenset({"a timeout of none"})
"""Headers that the gateway answers itself as the caller wished, with a status of 500 and more."""

QUERIES = (
    "page_size=-1",
    "page_size=99999999999",
    "page_size=a",
    "page_token=%00",
    "page_token=AAAA",
    "page_token=" + "A" * 5000,
    "nobody=1",
    "scope=1",
    "scope.video_ids=a&scope.video_ids=b",
    "scope.video_ids.x=1",
    "after_sequence=-9223372036854775808",
    "start=1x",
    "format=99",
    "format=EXPORT_FORMAT_NONE",
    "states=JOB_STATE_NONE&states=99",
    "query=%ff%fe",
    "query=%00",
    "query=" + "a%20" * 3000,
    "=&&=&a==b&%",
    "&".join(f"a{number}=1" for number in range(2000)),
)


def _json(message: Message, rng: random.Random) -> Any:
    """A message as JSON, and where it has no such form (a time outside of all years), its fields as they are."""
    try:
        return MessageToDict(message)
    except (ValueError, TypeError, SerializeToJsonError):
        return {
            field.json_name: rng.choice(("x", -1, None, [], {}, True, "1.5s", "2020-13-45T99:99:99Z"))
            for field, _ in message.ListFields()
        }


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """A JSON value as a query has it: `a.b=1`."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from _flat(inner, path)
    else:
        yield path, value


def frame(data: bytes, *, flags: int = 0, size: int | None = None) -> bytes:
    """A message as gRPC frames it, with a size that need not be true."""
    return struct.pack(">BI", flags, len(data) if size is None else size) + data


def bomb(size: int) -> bytes:
    """A message of a field that nobody knows, of so many bytes, compressed a thousandfold."""
    return gzip.compress(_tag(9999, 2) + _varint(size) + bytes(size))


_REFUSED = frozenset({"INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "UNIMPLEMENTED"})
_TAKEN = frozenset({"OK", "INVALID_ARGUMENT", "NOT_FOUND"})
# gRPC's library waits for the rest, or for a message to begin; the deadline ends that, or the gateway after five minutes.
_WAITED_FOR = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED"})
# As gRPC itself has it for what contradicts its own headers.
_BROKEN = frozenset({"INTERNAL"})
_SOON = {"grpc-timeout": "1S"}

FRAMES: dict[str, tuple[bytes, dict[str, str], frozenset[str]]] = {
    "no frame": (b"", _SOON, _WAITED_FOR),
    "half a frame": (b"\0\0\0", _SOON, _WAITED_FOR),
    "less than the frame says": (frame(b"ab", size=100), _SOON, _WAITED_FOR),
    "more than the frame says": (frame(b"ab", size=1), {}, _REFUSED),
    "the largest frame": (frame(b"ab", size=(1 << 32) - 1), {}, _REFUSED),
    "two frames": (frame(b"") * 2, {}, _TAKEN),
    "flags that are none": (frame(b"", flags=0x7E), _SOON, _TAKEN | _WAITED_FOR),
    "a trailer for a request": (frame(b"grpc-status: 0\r\n", flags=0x80), _SOON, _TAKEN | _WAITED_FOR),
    "compressed by nothing": (frame(b"", flags=1), {}, _BROKEN),
    "compressed by what is unknown": (frame(b"", flags=1), {"grpc-encoding": "snappy"}, _REFUSED),
    "compressed, and is not": (frame(b"ab", flags=1), {"grpc-encoding": "gzip"}, _BROKEN),
    "compressed a thousandfold": (frame(bomb(64 << 20), flags=1), {"grpc-encoding": "gzip"}, _REFUSED),
}
"""Bodies of a gRPC-Web call, with headers, and the codes that it may end with."""
