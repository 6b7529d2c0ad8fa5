"""What a recogniser's process and its parent say to each other: frames over pipes.

A frame is two lengths (big endian, 32 bits each), a JSON object of the first length, and bytes of the second.

Down: {"open": Options} once, first; then {"recognize": {"language": "", "rate": 16000}} with the sound as the frame's bytes.
Up: {"telling": "..."} any number of times, then {"opened": Engine and models}, in answer to the first;
{"hearing": Hearing}, {"segment": Segment} any number of times, {"done": {"resident": bytes}} to each of the others;
{"failed": {"kind": "...", "message": "..."}} in the place of any of these ends an answer.
"""

import json
import struct
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from vidmesh_transcribe.language import Hearing
from vidmesh_transcribe.recognizer import Engine, KnownModel, Options
from vidmesh_transcribe.transcript import Segment, Word

HEADER = struct.Struct(">II")
LARGEST = 1 << 30
"""Bytes; more than that is a broken stream, not a frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: its kind, what it says, and the bytes that come with it."""

    kind: str
    body: Any
    data: bytes = b""

    def encoded(self) -> bytes:
        """Its bytes on the pipe."""
        head = json.dumps({self.kind: self.body}).encode()
        return HEADER.pack(len(head), len(self.data)) + head + self.data


def lengths(header: bytes) -> tuple[int, int]:
    """The lengths that a header gives. Raises ValueError where it cannot be one."""
    head, data = HEADER.unpack(header)
    if head + data > LARGEST:
        raise ValueError(f"a frame of {head + data} bytes")
    return head, data


def decoded(head: bytes, data: bytes) -> Frame:
    """The frame of these two parts. Raises ValueError where they are none."""
    message = json.loads(head)
    if not isinstance(message, dict) or len(message) != 1:
        raise ValueError("a frame names one kind")
    ((kind, body),) = message.items()
    return Frame(kind, body, data)


def read(stream: BinaryIO) -> Frame | None:
    """The next frame; None at the end of the stream, also in the middle of a frame."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    head_length, data_length = lengths(header)
    head, data = stream.read(head_length), stream.read(data_length)
    if len(head) < head_length or len(data) < data_length:
        return None
    return decoded(head, data)


def opening(options: Options) -> Frame:
    """The frame that opens a recogniser."""
    return Frame("open", asdict(options))


def options_of(body: dict[str, Any]) -> Options:
    """What an "open" frame says."""
    settled = body["settled"]
    return Options(
        **{
            **body,
            "settled": None if settled is None else engine_of(settled),
        }
    )


def opened(engine: Engine, known: Iterable[KnownModel]) -> Frame:
    """The frame that answers the one that opens."""
    return Frame("opened", {"engine": asdict(engine), "known": [asdict(model) for model in known]})


def opened_of(body: dict[str, Any]) -> tuple[Engine, tuple[KnownModel, ...]]:
    """What an "opened" frame says."""
    known = (KnownModel(**{**model, "languages": tuple(model["languages"])}) for model in body["known"])
    return engine_of(body["engine"]), tuple(known)


def engine_of(body: dict[str, Any]) -> Engine:
    """An engine within a frame."""
    return Engine(**{**body, "languages": tuple(body["languages"])})


def hearing_of(body: dict[str, Any]) -> Hearing:
    """What a "hearing" frame says."""
    return Hearing(**body)


def segment_of(body: dict[str, Any]) -> Segment:
    """What a "segment" frame says."""
    return Segment(**{**body, "words": tuple(Word(**word) for word in body["words"])})
