"""Recognisers of one's own, as `VIDMESH_RECOGNIZER=module:attribute` names them."""

from collections.abc import Iterator

from vidmesh_transcribe.audio import seconds
from vidmesh_transcribe.language import Hearing
from vidmesh_transcribe.recognizer import Engine, Options
from vidmesh_transcribe.transcript import Segment


class Parrot:
    """Says how long it listened."""

    def __init__(self, options: Options) -> None:
        self._options = options

    @property
    def engine(self) -> Engine:
        return Engine(name="parrot", model=self._options.model, revision="1", languages=("en",))

    def recognize(self, pcm: bytes, language: str) -> tuple[Hearing, Iterator[Segment]]:
        heard = seconds(len(pcm))
        said = Segment(start=0.0, end=heard, text=f"{heard:.0f} seconds", language="en")
        return Hearing(speech=heard, language="en", probability=1.0), iter([said])


class Hungry(Parrot):
    """Has memory for two stretches at once."""

    def recognize(self, pcm: bytes, language: str) -> tuple[Hearing, Iterator[Segment]]:
        batch = self._options.batch_size
        if batch > 2:
            raise RuntimeError("CUDA failed with error out of memory")
        said = Segment(start=0.0, end=1.0, text=f"{batch} at once", language="en")
        return Hearing(speech=1.0, language="en", probability=1.0), iter([said])


class Starving(Parrot):
    """Has no memory for anything."""

    def recognize(self, pcm: bytes, language: str) -> tuple[Hearing, Iterator[Segment]]:
        raise RuntimeError("CUDA failed with error out of memory")
