"""A Whisper of a published size that says what the tests' small one says.

No model can be downloaded where this is measured, weights of a published model least of all, and random weights would
neither stop nor hear. So the small Whisper is grown: each of its channels is repeated until the model has the width that
is wanted, layers are added that pass on what they get, and dead tokens fill the vocabulary. The function stays the same,
word for word; the work and the memory are those of the published shape.
"""

import json
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

SMALL = Path(__file__).parents[1] / "tests" / "data" / "whisper-tiny-vidmesh"
WIDTH = 128
"""Of the small model, with heads of 64 as every Whisper has them."""
TOKENS = 51_864
"""Those of the published models that know English alone."""
NEVER = -1e4

Variables = dict[str, NDArray[Any]]
_TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)
_SILENT = ("self_attention/linear_1/", "attention/linear_2/", "ffn/linear_1/")
"""What a layer adds to what passes through it goes through these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The size of a Whisper, by the measures in which the published ones differ."""

    width: int
    layers: int
    """Of the encoder."""
    decoder_layers: int


SHAPES = {
    "tiny": Shape(width=384, layers=4, decoder_layers=4),
    "base": Shape(width=512, layers=6, decoder_layers=6),
    "small": Shape(width=768, layers=12, decoder_layers=12),
    "large-v3": Shape(width=1280, layers=32, decoder_layers=32),
}


def grow(name: str, folder: Path, *, small: Path = SMALL) -> Path:
    """Write the small Whisper, grown to a shape of `SHAPES`, to `folder`/`name` as faster-whisper loads it."""
    target = folder / name
    target.mkdir(parents=True)
    for kept in ("config.json", "preprocessor_config.json", "tokenizer.json"):
        shutil.copy(small / kept, target)
    vocabulary = json.loads((small / "vocabulary.json").read_text())
    dead = [f"<|dead {number}|>" for number in range(TOKENS - len(vocabulary))]
    (target / "vocabulary.json").write_text(json.dumps(vocabulary + dead))
    with (small / "model.bin").open("rb") as source:
        variables = _grown(_read(source), SHAPES[name])
    with (target / "model.bin").open("wb") as out:
        _write(out, variables)
    return target


def _grown(variables: Variables, shape: Shape) -> Variables:
    times = shape.width // WIDTH
    out: Variables = {}
    for name, array in variables.items():
        grown = _repeated(name, array, times)
        stack, _, rest = name.partition("/layer_0/")
        out[name] = grown
        if rest:
            layers = shape.layers if stack == "encoder" else shape.decoder_layers
            for layer in range(_count(variables, stack), layers):
                silent = rest.startswith(_SILENT) and not rest.endswith("_scale")
                out[f"{stack}/layer_{layer}/{rest}"] = np.zeros_like(grown) if silent else grown
    for stack in ("encoder", "decoder"):
        out[f"{stack}/num_heads"] = variables[f"{stack}/num_heads"] * np.int16(times)
    # The small model's embeddings read tokens and write them. Repeated, they would write `times` as loud.
    rows = TOKENS - len(variables["decoder/embeddings/weight"])
    embeddings = np.pad(out["decoder/embeddings/weight"], ((0, rows), (0, 0)))
    scale = np.pad(out["decoder/embeddings/weight_scale"], (0, rows), constant_values=1)
    out["decoder/embeddings/weight"] = out["decoder/projection/weight"] = embeddings
    out["decoder/embeddings/weight_scale"] = scale
    out["decoder/projection/weight_scale"] = scale * np.float32(times)
    out["decoder/projection/bias"] = np.where(np.arange(TOKENS) < TOKENS - rows, 0, NEVER).astype(np.float32)
    return out


def _repeated(name: str, array: NDArray[Any], times: int) -> NDArray[Any]:
    """A variable for channels that are there `times` times. A sum over all of them must stay what it was."""
    if array.ndim == 0:
        return array
    if "embeddings/weight" in name:
        return np.tile(array, (1, times)) if array.ndim == 2 else array
    if "position_encodings" in name:
        return np.tile(array, (1, times))
    parts = 3 if "self_attention/linear_0" in name else 2 if "/attention/linear_1" in name else 1
    grown = np.concatenate(
        [np.tile(part, (times, *([1] * (array.ndim - 1)))) for part in np.split(array, parts)]
    )
    if name.startswith("encoder/conv1/weight") or array.ndim == 1:
        sums = name.endswith("weight_scale") and "conv1" not in name
        return grown * np.float32(times) if sums else grown
    return np.tile(grown, (1, times, *([1] * (array.ndim - 2))))


def _count(variables: Variables, stack: str) -> int:
    return len(
        {
            name.split("/")[1]
            for name in variables
            if name.startswith(f"{stack}/layer_") and "layer_norm" not in name.split("/")[1]
        }
    )


def _read(source: BinaryIO) -> Variables:
    """The variables of a CTranslate2 model, as its own `ModelSpec` writes them."""

    def number(form: str) -> int:
        return int(struct.unpack(form, source.read(struct.calcsize(form)))[0])

    def text() -> str:
        return source.read(number("H"))[:-1].decode()

    number("I")
    text()
    number("I")
    variables = {}
    for _ in range(number("I")):
        name = text()
        shape = [number("I") for _ in range(number("B"))]
        kind = _TYPES[number("B")]
        variables[name] = np.frombuffer(source.read(number("I")), kind).reshape(shape)
    return variables


def _write(out: BinaryIO, variables: Variables) -> None:
    def text(value: str) -> bytes:
        return struct.pack("H", len(value) + 1) + value.encode() + b"\0"

    out.write(struct.pack("I", 6) + text("WhisperSpec") + struct.pack("II", 3, len(variables)))
    for name, array in sorted(variables.items()):
        kind = _TYPES.index(array.dtype.type)
        out.write(text(name) + struct.pack("B", array.ndim) + struct.pack(f"{array.ndim}I", *array.shape))
        out.write(struct.pack("=BI", kind, array.nbytes) + array.tobytes())
    out.write(struct.pack("I", 0))
