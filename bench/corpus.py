"""Speech that was never held: passages of real words, as common as words are, about topics, in videos of some tenants."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

TOPICS = 400
TOPIC_WORDS = 80
"""Words that a topic has of its own."""
OF_TOPIC = 0.4
"""The share of a passage's words that are its topic's."""
PASSAGES_A_VIDEO = 30
SPEECH = 20_000
"""Milliseconds that a passage lasts."""
TENANTS = (("library", 0.7), ("school", 0.2), ("club", 0.1))
"""Who has what share of the videos."""
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One passage."""

    id: uuid.UUID
    tenant: str
    video: str
    start: int
    """Milliseconds from the start of its video."""
    text: str

    @property
    def segments(self) -> str:
        """The passage's segments, as the query service stores them."""
        one = {
            "key": (self.start // SPEECH, 0, 0),
            "start": self.start,
            "end": self.start + SPEECH,
            "text": self.text,
            "words": [],
        }
        return json.dumps([one], separators=(",", ":"))


class Corpus:
    """Passages and questions about them, the same for the same seed."""

    def __init__(self, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        self._words = np.array(_vocabulary())
        rank = np.arange(1, len(self._words) + 1)
        self._common = np.cumsum(1 / (rank + 2.7))  # Zipf's law as Mandelbrot has it
        self._topics = [
            self._random.choice(np.arange(200, len(self._words)), TOPIC_WORDS, replace=False)
            for _ in range(TOPICS)
        ]
        self._made = 0

    def passages(self, count: int) -> Iterator[Said]:
        """The next `count` passages."""
        while count:
            video = self._made // PASSAGES_A_VIDEO
            place = self._made % PASSAGES_A_VIDEO
            some = min(count, PASSAGES_A_VIDEO - place)
            chance = np.random.default_rng((1, video))
            tenant = str(chance.choice([name for name, _ in TENANTS], p=[share for _, share in TENANTS]))
            topic = self._topics[chance.integers(TOPICS)]
            for text in self._texts(topic, some):
                yield Said(
                    id=uuid.UUID(int=self._made + 1),
                    tenant=tenant,
                    video=f"video-{video}",
                    start=self._made % PASSAGES_A_VIDEO * SPEECH,
                    text=text,
                )
                self._made += 1
            count -= some

    def queries(self, count: int) -> list[str]:
        """Questions of three to six words: of one topic for the most part, a common word or two among them."""
        made = []
        for _ in range(count):
            topic = self._topics[self._random.integers(TOPICS)]
            own = self._random.choice(topic, self._random.integers(2, 5), replace=False)
            common = self._random.integers(0, 300, self._random.integers(1, 3))
            made.append(" ".join(self._words[np.concatenate([own, common])]))
        return made

    def _texts(self, topic: "np.ndarray[tuple[int], np.dtype[np.int64]]", count: int) -> Iterator[str]:
        lengths = self._random.integers(40, 70, count)
        drawn = np.searchsorted(self._common, self._random.random(lengths.sum()) * self._common[-1])
        of_topic = self._random.random(len(drawn)) < OF_TOPIC
        # Within a topic too some words are much more common than others.
        place = (self._random.random(len(drawn)) ** 2 * len(topic)).astype(int)
        words = self._words[np.where(of_topic, topic[place], drawn)]
        at = 0
        for length in lengths:
            yield " ".join(words[at : at + length]).capitalize() + "."
            at += length


def _vocabulary() -> list[str]:
    """Whole words, the common first: those that the embedding model's tokenizer keeps in one piece, in its own order."""
    spec = find_spec("wordllama")
    assert spec is not None
    assert spec.origin is not None
    tokenizer = Tokenizer.from_file(str(Path(spec.origin).parent / _TOKENIZER))
    ordered = sorted(tokenizer.get_vocab().items(), key=lambda entry: entry[1])
    words = [token[1:] for token, _ in ordered if token.startswith("▁")]
    return list(dict.fromkeys(w for w in words if w.isascii() and w.isalpha() and w.islower() and len(w) > 2))
