"""Which language a video is in: decided once, kept for its other windows."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

DECIDING_SPEECH = 5.0
"""Seconds of speech that a window needs before its language stands for the video."""
DECIDING_PROBABILITY = 0.5
"""How sure the recogniser must be of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What a recogniser says of a window as a whole."""

    speech: float
    """Seconds in which somebody spoke."""
    language: str = ""
    """A BCP 47 tag; empty where nobody spoke."""
    probability: float = 0.0
    """How sure the recogniser is of the language, 0 to 1."""

    @property
    def decides(self) -> bool:
        """Whether this window alone is enough to keep its language for the whole video."""
        return (
            bool(self.language)
            and self.speech >= DECIDING_SPEECH
            and self.probability >= DECIDING_PROBABILITY
        )


def prevailing(hearings: Iterable[Hearing]) -> str:
    """The language of most of the speech, for a video of which no window decided; empty on silence."""
    weights: dict[str, float] = defaultdict(float)
    for hearing in hearings:
        if hearing.language and hearing.speech > 0:
            weights[hearing.language] += hearing.speech * hearing.probability
    return max(sorted(weights), key=lambda tag: weights[tag], default="")


def primary(tag: str) -> str:
    """The language of a BCP 47 tag without region or script: "pt" of "pt-BR", in lower case."""
    return tag.strip().replace("_", "-").split("-", 1)[0].lower()
