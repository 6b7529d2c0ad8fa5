"""Embeddings by WordLlama: 256 dimensions, its weights inside the wheel, no network, made for English.

Only the wheel's files are used. Its code would do the same sum with twice the memory, a second of imports, and the process's
logging set up its own way.
"""

import asyncio
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from tokenizers import Tokenizer

from vidmesh_query.embedding import Vectors, unit

_WEIGHTS = "weights/l2_supercat_256.safetensors"
_FLOOR = 0.18
"""Nonsense and foreign subjects come to 0.15 with passages of the sample talk, paraphrases of what is said to 0.25 and more."""
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"


class WordLlamaEmbedder:
    """The model in memory (some 35 MB): a text is the mean of its tokens' vectors.

    `embed` works on a thread; `similarity` is quick enough for the event loop (0.1 ms a sentence).
    """

    def __init__(self, tokenizer: Tokenizer, weights: NDArray[np.float16]) -> None:
        self._tokenizer = tokenizer
        self._weights = weights

    @classmethod
    def load(cls) -> "WordLlamaEmbedder":
        """Loads the model out of the installed package; takes some 0.2 s.

        Raises:
            FileNotFoundError: the package is not installed, or carries no weights.
        """
        spec = find_spec("wordllama")
        if spec is None or spec.origin is None:
            raise FileNotFoundError("the package wordllama is not installed")
        folder = Path(spec.origin).parent
        for name in (_TOKENIZER, _WEIGHTS):
            if not (folder / name).is_file():
                raise FileNotFoundError(f"the installed wordllama carries no {name}")
        tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        with safe_open(folder / _WEIGHTS, "np") as tensors:
            return cls(tokenizer, tensors.get_tensor("embedding.weight"))

    @property
    def name(self) -> str:
        """Names model and dimensions."""
        return f"wordllama-l2-supercat-{self.dimensions}"

    @property
    def dimensions(self) -> int:
        """The length of its vectors."""
        return int(self._weights.shape[1])

    @property
    def floor(self) -> float:
        """As measured on the sample talk."""
        return _FLOOR

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit vector a text, in order; zeros for a text without words."""
        return await asyncio.to_thread(self._embed, list(texts))

    def similarity(self, text: str, others: Sequence[str]) -> list[float]:
        """Cosine similarity of `text` to each of `others`."""
        vectors = self._embed([text, *others])
        return [float(value) for value in vectors[1:] @ vectors[0]]

    def _embed(self, texts: list[str]) -> Vectors:
        means = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, encoding in enumerate(self._tokenizer.encode_batch(texts, add_special_tokens=False)):
            if encoding.ids:
                known = np.minimum(encoding.ids, len(self._weights) - 1)
                means[row] = self._weights[known].mean(axis=0, dtype=np.float32)
        return unit(means)
