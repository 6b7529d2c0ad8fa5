"""What the query service must be told."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from vidmesh_runtime.settings import ServiceSettings


class QuerySettings(ServiceSettings):
    """The settings of the query service."""

    embeddings: Literal["auto", "wordllama", "openai"] = "auto"
    """What turns text into vectors: `wordllama` (inside the package, for English), `openai` (any OpenAI-compatible server),
    or `auto`: the server where one is set."""

    embedding_base_url: str = ""
    """The address of an OpenAI-compatible server with an embedding model; empty for none."""

    embedding_api_key: SecretStr = SecretStr("")
    """The key for that server; empty where it needs none."""

    embedding_model: str = ""
    """The embedding model's name, as that server knows it. Vectors of another model are made anew."""

    qdrant_url: str = ""
    """The address of a Qdrant server; empty: Qdrant Edge, inside this process, in a folder of `VIDMESH_DATA_DIR`."""

    qdrant_api_key: SecretStr = SecretStr("")
    """The key for the Qdrant server; empty where it needs none."""

    answers: Literal["auto", "passages", "llm"] = "auto"
    """What answers questions: `llm`, `passages` (no model), or `auto`: the language model where one is set."""

    llm_base_url: str = ""
    """The address of an OpenAI-compatible server, such as `https://api.openai.com/v1`; empty for none."""

    llm_api_key: SecretStr = SecretStr("")
    """The key for that server; empty where it needs none."""

    llm_model: str = ""
    """The language model's name, as that server knows it."""

    answer_stall: timedelta = timedelta(seconds=30)
    """How long a reader waits for the language model's next piece of an answer."""

    index_concurrency: Annotated[int, Field(ge=1)] = 2
    """How many jobs are indexed at once."""

    @model_validator(mode="after")
    def _whole(self) -> "QuerySettings":
        if self.answers == "llm" and not self.llm_base_url:
            raise ValueError("VIDMESH_ANSWERS=llm needs VIDMESH_LLM_BASE_URL and VIDMESH_LLM_MODEL")
        if self.uses_language_model and not self.llm_model:
            raise ValueError(
                "VIDMESH_LLM_BASE_URL is set: VIDMESH_LLM_MODEL must name a model of that server"
            )
        if self.embeddings == "openai" and not self.embedding_base_url:
            raise ValueError(
                "VIDMESH_EMBEDDINGS=openai needs VIDMESH_EMBEDDING_BASE_URL and VIDMESH_EMBEDDING_MODEL"
            )
        if self.uses_embedding_server and not self.embedding_model:
            raise ValueError(
                "VIDMESH_EMBEDDING_BASE_URL is set: VIDMESH_EMBEDDING_MODEL must name a model of that server"
            )
        return self

    @property
    def uses_language_model(self) -> bool:
        """Whether answers are written by a language model."""
        return self.answers == "llm" or (self.answers == "auto" and bool(self.llm_base_url))

    @property
    def uses_embedding_server(self) -> bool:
        """Whether a server makes the vectors."""
        return self.embeddings == "openai" or (self.embeddings == "auto" and bool(self.embedding_base_url))
