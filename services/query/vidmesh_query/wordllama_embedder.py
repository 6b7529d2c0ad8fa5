"""Embeddings by WordLlama: 256 dimensions, its weights inside the wheel, no network, made for English."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vidmesh_query.embedding import Vectors, unit

_CONFIG = "l2_supercat"
_DIMENSIONS = 256
_BATCH = 256


class WordLlamaEmbedder:
    """The model in memory (some 60 MB). Its work runs on a thread; `similarity` is quick enough for the event loop."""

    def __init__(self, model: Any) -> None:
        self._model = model

    @classmethod
    def load(cls) -> "WordLlamaEmbedder":
        """Loads the model out of its own package; takes some 0.4 s.

        Raises:
            FileNotFoundError: the installed package carries no weights.
        """
        level = logging.getLogger().level
        handlers = list(logging.getLogger().handlers)
        import wordllama  # noqa: PLC0415 - importing it takes a second and sets up logging, which is undone below

        logging.getLogger().handlers[:] = handlers
        logging.getLogger().setLevel(level)
        # With the package's own folder as cache it finds its tokenizer there; by itself it would ask the hub.
        folder = Path(wordllama.__file__).parent
        return cls(
            wordllama.WordLlama.load(_CONFIG, cache_dir=folder, dim=_DIMENSIONS, disable_download=True)
        )

    @property
    def name(self) -> str:
        """Names model and dimensions."""
        return f"wordllama-{_CONFIG.replace('_', '-')}-{_DIMENSIONS}"

    @property
    def dimensions(self) -> int:
        """The length of its vectors."""
        return _DIMENSIONS

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit vector a text, in order; zeros for a text without words."""
        return await asyncio.to_thread(self._embed, list(texts))

    def similarity(self, text: str, others: Sequence[str]) -> list[float]:
        """Cosine similarity of `text` to each of `others`."""
        vectors = self._embed([text, *others])
        return [float(value) for value in vectors[1:] @ vectors[0]]

    def _embed(self, texts: list[str]) -> Vectors:
        if not texts:
            return np.zeros((0, _DIMENSIONS), dtype=np.float32)
        return unit(self._model.embed(texts, norm=False, batch_size=_BATCH))
