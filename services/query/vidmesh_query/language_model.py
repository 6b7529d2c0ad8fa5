"""The port to language models, and what can go wrong with them."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol


class Trouble(StrEnum):
    """Why a model gave no, or no whole, answer."""

    RATE_LIMITED = "rate_limited"
    """It asked for a pause longer than a reader would wait."""
    UNAVAILABLE = "unavailable"
    """It cannot be reached, or failed, after retries."""
    STALLED = "stalled"
    """It began, or accepted the request, and then sent nothing for too long."""
    MALFORMED = "malformed"
    """What it sent is no answer: not the protocol, or empty."""
    REFUSED = "refused"
    """It refuses the request: key, model name, or size."""


class LanguageModelError(Exception):
    """The model gave no, or no whole, answer."""

    def __init__(self, trouble: Trouble, message: str) -> None:
        super().__init__(message)
        self.trouble = trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of what is sent to a model."""

    role: Literal["system", "user", "assistant"]
    text: str


class LanguageModel(Protocol):
    """A model that continues a conversation."""

    @property
    def name(self) -> str:
        """The model's name, as its server knows it."""

    def stream(self, messages: Sequence[Message]) -> AsyncGenerator[str]:
        """The reply, piece by piece as it is written.

        Raises:
            LanguageModelError: before the first piece, after retries; or after it, at once.
        """
