"""Media files that something is wrong with: small good ones, of every container that is taken, each spoilt in many ways.

Everything comes from a `random.Random`, so that a seed gives the same files again.
"""

import random
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from tests import media

SECONDS = 2
WIDTH, HEIGHT = 64, 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of file."""

    suffix: str
    format: str
    """FFmpeg's muxer."""
    sound: str
    """FFmpeg's encoder."""
    picture: str = ""
    rate: int = 16_000
    layout: str = "mono"
    bits: int = 0
    """Bits a second; 0: as the encoder likes."""
    options: tuple[tuple[str, str], ...] = ()


KINDS = (
    Kind(suffix="mp4", format="mp4", sound="aac", picture="libx264"),
    Kind(suffix="mp4", format="mp4", sound="aac", options=(("movflags", "faststart"),)),
    Kind(suffix="mp4", format="mp4", sound="aac", options=(("movflags", "frag_keyframe+empty_moov"),)),
    Kind(suffix="m4a", format="ipod", sound="alac"),
    Kind(suffix="mov", format="mov", sound="pcm_s16le", picture="mjpeg"),
    Kind(suffix="3gp", format="3gp", sound="libopencore_amrnb", rate=8000),
    Kind(suffix="mkv", format="matroska", sound="flac", picture="libx264"),
    Kind(suffix="mkv", format="matroska", sound="ac3", rate=48_000),
    Kind(suffix="webm", format="webm", sound="libopus", picture="libvpx-vp9", rate=48_000),
    Kind(suffix="ogg", format="ogg", sound="libopus", rate=48_000),
    Kind(suffix="oga", format="ogg", sound="flac"),
    Kind(suffix="mp3", format="mp3", sound="libmp3lame"),
    Kind(suffix="mp2", format="mp3", sound="libmp3lame", options=(("id3v2_version", "3"),)),
    Kind(suffix="aac", format="adts", sound="aac"),
    Kind(suffix="flac", format="flac", sound="flac"),
    Kind(suffix="wav", format="wav", sound="pcm_s16le"),
    Kind(suffix="wav", format="wav", sound="adpcm_ms"),
    Kind(suffix="w64", format="w64", sound="pcm_s16le"),
    Kind(suffix="aiff", format="aiff", sound="pcm_s16be"),
    Kind(suffix="au", format="au", sound="pcm_mulaw"),
    Kind(suffix="caf", format="caf", sound="alac"),
    Kind(suffix="avi", format="avi", sound="mp2", picture="mpeg4", rate=44_100),
    Kind(suffix="flv", format="flv", sound="libmp3lame", picture="flv1", rate=44_100),
    Kind(suffix="wma", format="asf", sound="wmav2", picture="wmv2", rate=44_100, bits=64_000),
    Kind(suffix="ts", format="mpegts", sound="aac", picture="mpeg2video"),
    Kind(suffix="mpg", format="mpeg", sound="mp2", picture="mpeg2video", rate=44_100),
    Kind(suffix="amr", format="amr", sound="libopencore_amrnb", rate=8000),
    Kind(suffix="ac3", format="ac3", sound="ac3", rate=48_000),
    Kind(suffix="eac3", format="eac3", sound="eac3", rate=48_000),
    Kind(suffix="wv", format="wv", sound="wavpack"),
    Kind(suffix="tta", format="tta", sound="tta"),
    Kind(suffix="mxf", format="mxf_opatom", sound="pcm_s16le", rate=48_000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A file that something is wrong with."""

    name: str
    """What it was made of and what was done to it."""
    suffix: str
    data: bytes


def seeds(folder: Path) -> list[Mutant]:
    """A good file of each kind."""
    return [_written(kind, folder / f"seed-{number}.{kind.suffix}") for number, kind in enumerate(KINDS)]


def seed(suffix: str, folder: Path) -> Mutant:
    """A good file of one kind."""
    return _written(next(kind for kind in KINDS if kind.suffix == suffix), folder / f"seed.{suffix}")


def _written(kind: Kind, path: Path) -> Mutant:
    with av.open(str(path), "w", format=kind.format, options=dict(kind.options)) as container:
        sound = container.add_stream(kind.sound, rate=kind.rate, layout=kind.layout)
        assert isinstance(sound, AudioStream)
        if kind.bits:
            sound.bit_rate = kind.bits
        picture: VideoStream | None = None
        if kind.picture:
            added = container.add_stream(kind.picture, rate=25)
            assert isinstance(added, VideoStream)
            picture = added
            picture.width, picture.height = WIDTH, HEIGHT
            picture.pix_fmt = "yuvj420p" if kind.picture == "mjpeg" else "yuv420p"
        _hear(container, sound, kind.rate)
        if picture is not None:
            _show(container, picture)
    return Mutant(name=path.name, suffix=kind.suffix, data=path.read_bytes())


def _hear(container: OutputContainer, stream: AudioStream, rate: int) -> None:
    resampler = av.AudioResampler(stream.format.name, stream.layout.name, rate)
    frame = av.AudioFrame.from_ndarray(media.speech(SECONDS)[None], format="s16", layout="mono")
    frame.sample_rate, frame.time_base, frame.pts = media.RATE, Fraction(1, media.RATE), 0
    fifo = av.AudioFifo()
    for made in [*resampler.resample(frame), *resampler.resample(None)]:
        made.pts = None
        fifo.write(made)
    size, told = stream.codec_context.frame_size or 1024, 0
    while (block := fifo.read(size, partial=True)) is not None:
        block.pts, told = told, told + block.samples
        block.time_base = Fraction(1, rate)
        container.mux(stream.encode(block))
    container.mux(stream.encode(None))


def _show(container: OutputContainer, stream: VideoStream) -> None:
    for number in range(25 * SECONDS):
        picture = np.full((HEIGHT, WIDTH, 3), number * 5 % 256, np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.time_base, frame.pts = Fraction(1, 25), number
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


Spoil = Callable[[random.Random, bytes, Sequence[Mutant]], bytes]


def _flip(rng: random.Random, data: bytes, others: Sequence[Mutant]) -> bytes:
    made = bytearray(data)
    for _ in range(rng.choice((1, 4, 16, 200))):
        made[rng.randrange(len(made))] ^= 1 << rng.randrange(8)
    return bytes(made)


def _flip_head(rng: random.Random, data: bytes, others: Sequence[Mutant]) -> bytes:
    made = bytearray(data)
    for _ in range(rng.choice((1, 2, 5, 20))):
        made[rng.randrange(min(len(made), 600))] = rng.randrange(256)
    return bytes(made)


def _cut(rng: random.Random, data: bytes, others: Sequence[Mutant]) -> bytes:
    return data[: rng.randrange(len(data))]


def _cut_out(rng: random.Random, data: bytes, others: Sequence[Mutant]) -> bytes:
    begin, end = sorted((rng.randrange(len(data)), rng.randrange(len(data))))
    return data[:begin] + data[end:]


def _swap(rng: random.Random, data: bytes, others: Sequence[Mutant]) -> bytes:
    size = rng.choice((4, 64, 1000, 8000))
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    one, other = rng.randrange(len(chunks)), rng.randrange(len(chunks))
    chunks[one], chunks[other] = chunks[other], chunks[one]
    return b"".join(chunks)


def _repeat(rng: random.Random, data: bytes, others: Sequence[Mutant]) -> bytes:
    begin, end = sorted((rng.randrange(len(data)), rng.randrange(len(data))))
    return data[:end] + data[begin:end] * rng.choice((1, 2, 50 if end - begin < 2000 else 3)) + data[end:]


def _splice(rng: random.Random, data: bytes, others: Sequence[Mutant]) -> bytes:
    """The head of another kind of file before the body of this one."""
    other = rng.choice(others).data
    return other[: rng.choice((4, 12, 64, 600, len(other) // 2))] + data[rng.choice((0, 4, 12, 64, 600)) :]


def _blank(rng: random.Random, data: bytes, others: Sequence[Mutant]) -> bytes:
    begin = rng.randrange(len(data))
    size = min(rng.choice((4, 100, 5000)), len(data) - begin)
    return data[:begin] + rng.choice((b"\0", b"\xff")) * size + data[begin + size :]


_EDGES = (
    0,
    1,
    2,
    7,
    8,
    9,
    0x7F,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFF0,
    0xFFFFFFFF,
)


def _size(rng: random.Random, data: bytes, others: Sequence[Mutant]) -> bytes:
    """Numbers at the edges of what they can be, where headers have sizes and counts."""
    made = bytearray(data)
    reach = min(len(made), rng.choice((64, 600, 4000, len(made))))
    for _ in range(rng.choice((1, 1, 3, 8))):
        at = rng.randrange(reach)
        form = rng.choice((">I", "<I", ">H", "<H", ">Q", "<Q"))
        width = struct.calcsize(form)
        made[at : at + width] = struct.pack(form, rng.choice(_EDGES) & ((1 << 8 * width) - 1))
    return bytes(made)


def _box_size(rng: random.Random, data: bytes, others: Sequence[Mutant]) -> bytes:
    """The size of a box, chunk or table of a known name is wrong, or what follows its name is."""
    names = (b"moov trak mdia minf stbl stsd stts stsc stsz stco ctts elst mdhd mvhd tkhd mdat udta meta data moof traf trun esds"
             b" fmt  data LIST strh strf idx1 COMM SSND FORM desc pakt kuki OggS Opus fLaC").split(b" ")  # fmt: skip
    found = [at for name in names if len(name) == 4 for at in _places(data, name)]
    if not found:
        return _size(rng, data, others)
    made = bytearray(data)
    at = rng.choice(found) + rng.choice((-4, 4, 8, 12, 16))
    made[max(at, 0) : max(at, 0) + 4] = struct.pack(rng.choice((">I", "<I")), rng.choice(_EDGES))
    return bytes(made)


def _places(data: bytes, name: bytes) -> Iterator[int]:
    at = data.find(name)
    while at >= 0:
        yield at
        at = data.find(name, at + 1)


def _nest(rng: random.Random, data: bytes, others: Sequence[Mutant]) -> bytes:
    """Boxes in boxes in boxes, or elements in elements, before the file or at its end."""
    depth = rng.choice((10, 200, 5000))
    if data[:4] == b"\x1a\x45\xdf\xa3":
        inner = b""
        for _ in range(min(depth, 2000)):
            inner = b"\x19\x41\xa4\x69" + struct.pack(">Q", len(inner) | 1 << 56) + inner  # attachments
        return data + inner
    name = rng.choice((b"moov", b"trak", b"udta", b"meta", b"ilst", b"LIST", b"wave"))
    inner = b""
    for _ in range(min(depth, 2000)):
        inner = struct.pack(">I", len(inner) + 8) + name + inner
    return data + inner if rng.random() < 0.5 else inner + data


def _noise(rng: random.Random, data: bytes, others: Sequence[Mutant]) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + rng.randbytes(rng.choice((1, 3, 100, 20_000))) + data[at:]


def _twice(rng: random.Random, data: bytes, others: Sequence[Mutant]) -> bytes:
    return data + rng.choice(others).data + data


SPOILS: dict[str, Spoil] = {
    "bits flipped": _flip,
    "bytes of the head changed": _flip_head,
    "cut short": _cut,
    "a stretch cut out": _cut_out,
    "chunks swapped": _swap,
    "a stretch repeated": _repeat,
    "the head of another": _splice,
    "a stretch blank": _blank,
    "wrong numbers": _size,
    "wrong sizes of boxes": _box_size,
    "boxes in boxes": _nest,
    "noise within": _noise,
    "others behind it": _twice,
}


def mutants(good: Sequence[Mutant], rng: random.Random, count: int) -> Iterator[Mutant]:
    """`count` spoilt files, of all kinds and in all ways in turn; some in two ways at once."""
    ways = list(SPOILS.items())
    for number in range(count):
        seed = good[number % len(good)]
        name, spoil = ways[(number // len(good) + number) % len(ways)]
        data = spoil(rng, seed.data, good)
        if rng.random() < 0.25 and data:
            second, spoil = rng.choice(ways)
            name, data = f"{name}, {second}", spoil(rng, data, good)
        yield Mutant(name=f"{number} {seed.name}: {name}", suffix=seed.suffix, data=data[: 8 << 20])


def _wav(*, rate: int, channels: int = 1, bits: int = 16, data: bytes, told: int | None = None) -> bytes:
    align = channels * bits // 8
    head = struct.pack("<HHIIHH", 1, channels & 0xFFFF, rate, rate * align & 0xFFFFFFFF, align & 0xFFFF, bits)
    size = len(data) if told is None else told
    return (
        b"RIFF" + struct.pack("<I", (size + 36) & 0xFFFFFFFF) + b"WAVEfmt " + struct.pack("<I", 16) + head
    ) + (b"data" + struct.pack("<I", size) + data)


def flac(rate: int, blocks: int) -> bytes:
    """Silence in the largest blocks, at a rate of samples that makes them last for long: 12 bytes for each."""
    info = struct.pack(">HH", 65535, 65535) + b"\0" * 6
    info += ((rate << 44) | (0 << 41) | (15 << 36)).to_bytes(8) + b"\0" * 16
    head = b"fLaC\x80" + len(info).to_bytes(3) + info
    made = bytearray(head)
    for number in range(blocks):
        frame = b"\xff\xf8" + bytes([0x7 << 4 | 0x0, 0x08]) + chr(number).encode("utf-8", "surrogatepass")
        frame += struct.pack(">H", 65534)
        frame += bytes([_crc8(frame)]) + b"\0\0\0"  # one constant subframe of 16 bits: 0
        made += frame + struct.pack(">H", _crc16(frame))
    return bytes(made)


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc


def _crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x8005) & 0xFFFF if crc & 0x8000 else crc << 1 & 0xFFFF
    return crc


def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + name + body


def _compressed_index(size: int) -> bytes:
    """An index that is compressed a thousandfold, as QuickTime has it."""
    packed = zlib.compress(bytes(size), 9)
    inner = _box(b"dcom", b"zlib") + _box(b"cmvd", struct.pack(">I", size) + packed)
    return _box(b"ftyp", b"qt  \0\0\0\0qt  ") + _box(b"moov", _box(b"cmov", inner)) + _box(b"mdat", bytes(64))


def _many_samples(table: bytes, count: int) -> bytes:
    """An index that tells of more samples than there is room for."""
    body = struct.pack(">II", 0, count) + struct.pack(">II", count, 1) if table == b"stts" else b""
    if table in {b"stsz", b"stco"}:
        body = struct.pack(">III", 0, 1, count) if table == b"stsz" else struct.pack(">II", 0, count)
    stbl = _box(table, body or struct.pack(">II", 0, count) + bytes(12))
    media_box = _box(b"mdhd", bytes(12) + struct.pack(">II", 16_000, 1 << 30) + bytes(4))
    handler = _box(b"hdlr", bytes(8) + b"soun" + bytes(13))
    track = _box(b"trak", _box(b"mdia", media_box + handler + _box(b"minf", _box(b"stbl", stbl))))
    return _box(b"ftyp", b"isom\0\0\0\0isom") + _box(b"moov", track) + _box(b"mdat", bytes(64))


def _tag(size: int, kind: bytes, body: bytes) -> bytes:
    """An ID3 tag that says it has `size` bytes."""
    told = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + told + kind + struct.pack(">IH", len(body), 0) + body


def bombs(good: Sequence[Mutant]) -> list[Mutant]:
    """Small files that grow when they are read, or that say that they are large."""
    by_suffix = {seed.suffix: seed.data for seed in good}
    mp3, mkv, ogg = by_suffix["mp3"], by_suffix["mkv"], by_suffix["ogg"]
    made = {
        "wav: one sample a second": _wav(rate=1, data=bytes(1 << 20)),
        "wav: no samples a second": _wav(rate=0, data=bytes(1 << 16)),
        "wav: four billion samples a second": _wav(rate=0xFFFFFFFF, data=bytes(1 << 16)),
        "wav: 65535 channels": _wav(rate=16_000, channels=65535, data=bytes(1 << 20)),
        "wav: 255 channels of one sample a second": _wav(rate=1, channels=255, data=bytes(1 << 20)),
        "wav: more bytes than there are": _wav(rate=16_000, data=bytes(1 << 16), told=0xFFFFFFFF),
        "wav: no bits": _wav(rate=16_000, bits=0, data=bytes(1 << 16)),
        "flac: blocks that last for a day": flac(1, 40),
        "flac: many blocks that last for a second": flac(65_535, 500),
        "mov: an index that unpacks to much": _compressed_index(64 << 20),
        **{
            f"mp4: four billion entries of {table.decode()}": _many_samples(table, 0xFFFFFFFF)
            for table in (b"stts", b"stsz", b"stco", b"stsc", b"ctts", b"stss")
        },
        "mp4: boxes of no size": _box(b"ftyp", b"isom\0\0\0\0isom") + b"\0\0\0\0moov" * 50_000,
        "mp4: a box of all sizes": _box(b"ftyp", b"isom\0\0\0\0isom")
        + b"\0\0\0\x01mdat"
        + b"\x7f"
        + b"\xff" * 7,
        "mp3: a tag of 256 MB": _tag((1 << 28) - 1, b"APIC", bytes(100)) + mp3,
        "mp3: tags behind tags": _tag(30, b"TIT2", b"\0a" + bytes(18)) * 20_000 + mp3,
        "mp3: a title of 4 MB": _tag((4 << 20) + 10, b"TIT2", b"\0" + b"a" * (4 << 20)) + mp3,
        "mkv: its head a thousand times": mkv[:400] * 1000,
        "mkv: void without end": mkv[:60] + b"\xec\x01\xff\xff\xff\xff\xff\xff\xff" + bytes(1 << 16),
        "ogg: two thousand streams": b"".join(
            ogg[:14] + struct.pack("<I", number) + ogg[18:47] for number in range(2000)
        ),
        "ts: every program there is": b"".join(
            b"\x47" + struct.pack(">H", 0x4000 | number) + b"\x10" + bytes(184) for number in range(8192)
        ),
        "nothing but zeros": bytes(4 << 20),
        "nothing but ones": b"\xff" * (4 << 20),
    }
    return [
        Mutant(name=f"bomb, {name}", suffix=name.partition(":")[0][:4].strip(), data=data)
        for name, data in made.items()
    ]
