"""The port to embedding models: texts in, unit vectors out."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Shape (texts, dimensions), each row of length 1 (or 0, for a text the model knows nothing of)."""


class EmbeddingUnavailableError(Exception):
    """The model did not answer. Trying again later may help."""


class Embedder(Protocol):
    """A model that turns texts into vectors whose dot product is their likeness."""

    @property
    def name(self) -> str:
        """Names model and dimensions. A collection of vectors is bound to it: other name, other collection."""

    @property
    def dimensions(self) -> int:
        """The length of its vectors."""

    @property
    def floor(self) -> float:
        """The likeness of a query and a passage below which they have nothing to do with each other."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """One row a text, in order.

        Raises:
            EmbeddingUnavailableError: the model could not be reached, or answered with something else.
        """


def unit(vectors: Vectors) -> Vectors:
    """Each row divided by its length; a row that has none, or is not finite, becomes zeros."""
    finite = np.nan_to_num(vectors.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    length = np.linalg.norm(finite, axis=1, keepdims=True)
    length[length == 0] = 1.0
    scaled: Vectors = finite / length
    return scaled
