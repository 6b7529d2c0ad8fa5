"""What the summarize service must be told."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from vidmesh_runtime.settings import ServiceSettings


class SummarizeSettings(ServiceSettings):
    """The settings of the summarize service."""

    summarizer: Literal["auto", "extractive", "llm"] = "auto"
    """What writes summaries: `llm`, `extractive` (no model), or `auto`: the language model where one is set."""

    llm_base_url: str = ""
    """The address of an OpenAI-compatible server, such as `https://api.openai.com/v1`; empty for none."""

    llm_api_key: SecretStr = SecretStr("")
    """The key for that server; empty where it needs none."""

    llm_model: str = ""
    """The language model's name, as that server knows it."""

    llm_context_tokens: Annotated[int, Field(ge=2048)] = 8192
    """How many tokens a request to the language model and its answer may have together."""

    llm_answer_tokens: Annotated[int, Field(ge=256)] = 1500
    """How many tokens an answer of the language model may have."""

    llm_concurrency: Annotated[int, Field(ge=1)] = 4
    """How many answers of the language model may be under way at once."""

    llm_attempts: Annotated[int, Field(ge=1)] = 4
    """How often one answer is asked for before the work it is for counts as failed once."""

    llm_stall: timedelta = timedelta(seconds=60)
    """How long to wait for the next piece of an answer, the first included."""

    llm_longest_answer: timedelta = timedelta(minutes=10)
    """How long one answer may take in all."""

    llm_longest_wait: timedelta = timedelta(seconds=60)
    """The longest wait that the language model's server may ask for (Retry-After) and is given."""

    section_length: Annotated[timedelta, Field(ge=timedelta(seconds=20))] = timedelta(minutes=3)
    """How long a section is; one ends at a pause or where the topic turns, up to half of this sooner or later."""

    summarize_concurrency: Annotated[int, Field(ge=1)] = 4
    """How many sections, summaries and chapters are worked on at once."""

    @model_validator(mode="after")
    def _whole(self) -> "SummarizeSettings":
        if self.summarizer == "llm" and not self.llm_base_url:
            raise ValueError("VIDMESH_SUMMARIZER=llm needs VIDMESH_LLM_BASE_URL and VIDMESH_LLM_MODEL")
        if self.uses_language_model and not self.llm_model:
            raise ValueError(
                "VIDMESH_LLM_BASE_URL is set: VIDMESH_LLM_MODEL must name a model of that server"
            )
        if self.llm_answer_tokens * 2 > self.llm_context_tokens:
            raise ValueError("VIDMESH_LLM_ANSWER_TOKENS may be at most half of VIDMESH_LLM_CONTEXT_TOKENS")
        return self

    @property
    def uses_language_model(self) -> bool:
        """Whether summaries are written by a language model."""
        return self.summarizer == "llm" or (self.summarizer == "auto" and bool(self.llm_base_url))
