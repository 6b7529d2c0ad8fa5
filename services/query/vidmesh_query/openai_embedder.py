"""Embeddings by any server that speaks OpenAI's API."""

from collections.abc import Sequence

import numpy as np
import openai

from vidmesh_query.embedding import EmbeddingUnavailableError, Vectors, unit

_FLOOR = 0.15
_BATCH = 96
"""Texts in one request; servers cap it, OpenAI's own at 2,048 texts and 300,000 tokens."""


class OpenAiEmbedder:
    """One model behind an OpenAI-compatible endpoint."""

    def __init__(self, client: openai.AsyncOpenAI, model: str, dimensions: int) -> None:
        self._client = client
        self._model = model
        self._dimensions = dimensions

    @classmethod
    async def connect(cls, client: openai.AsyncOpenAI, model: str) -> "OpenAiEmbedder":
        """Asks the endpoint for one vector, which tells that the model is there and how long its vectors are.

        Raises:
            EmbeddingUnavailableError: the endpoint cannot be reached, or has no such model.
        """
        vectors = await _request(client, model, ["vidmesh"])
        return cls(client, model, vectors.shape[1])

    @property
    def name(self) -> str:
        """Names model and dimensions."""
        return f"{self._model}-{self._dimensions}"

    @property
    def dimensions(self) -> int:
        """The length of its vectors."""
        return self._dimensions

    @property
    def floor(self) -> float:
        """Low, for models differ: below it, none means anything."""
        return _FLOOR

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit vector a text, in order.

        Raises:
            EmbeddingUnavailableError: after the client's own retries; or the answer has another length or shape than asked for.
        """
        rows = [np.zeros((0, self._dimensions), dtype=np.float32)]
        for at in range(0, len(texts), _BATCH):
            batch = list(texts[at : at + _BATCH])
            vectors = await _request(self._client, self._model, batch)
            if vectors.shape != (len(batch), self._dimensions):
                raise EmbeddingUnavailableError(
                    f"{self._model} gave vectors of shape {vectors.shape}, not {(len(batch), self._dimensions)}"
                )
            rows.append(vectors)
        return unit(np.concatenate(rows))


async def _request(client: openai.AsyncOpenAI, model: str, texts: list[str]) -> Vectors:
    try:
        response = await client.embeddings.create(model=model, input=texts, encoding_format="float")
        ordered = sorted(response.data, key=lambda item: item.index)
        return np.array([item.embedding for item in ordered], dtype=np.float32).reshape(len(ordered), -1)
    except openai.OpenAIError as error:
        raise EmbeddingUnavailableError(f"{model} gave no embeddings: {error}") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise EmbeddingUnavailableError(f"{model} answered with something that is no embedding") from error
