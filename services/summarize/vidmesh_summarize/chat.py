"""Streamed chat completions of any OpenAI-compatible server, with its faults dealt with or told."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import cast

import httpx2
import openai
from openai.types.chat import ChatCompletionMessageParam

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh_runtime.errors import Failure
from vidmesh_summarize.answer_body import bound
from vidmesh_summarize.engine import RESTART, Writing

log = logging.getLogger(__name__)

_CHARACTERS_A_TOKEN = 8  # an answer with more than this for each token it may have is out of hand
_FIRST_DELAY = 0.5  # seconds, doubled with each further attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How much a server may try us."""

    attempts: int = 4
    """How often one answer is asked for."""
    stall: timedelta = timedelta(seconds=60)
    """How long to wait for the next piece of an answer, the first included."""
    whole: timedelta = timedelta(minutes=10)
    """How long one answer may take in all."""
    longest_wait: timedelta = timedelta(seconds=60)
    """The longest wait that a server may ask for; beyond it the failure is told instead."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; `role` is "system", "user" or "assistant"."""

    role: str
    text: str


class Chat:
    """A language model behind an OpenAI-compatible server. An async context manager."""

    def __init__(
        self, base_url: str, api_key: str, model: str, *, patience: Patience, concurrency: int
    ) -> None:
        """Take where the server is and how many answers may be under way at once; connects to nothing."""
        self.model = model
        self._patience = patience
        self._slots = asyncio.Semaphore(concurrency)
        self._not_before = 0.0
        self._json_mode = True
        stall = patience.stall.total_seconds()
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key or "none",
            max_retries=0,
            timeout=httpx2.Timeout(stall, connect=min(10.0, stall)),
            http_client=openai.DefaultAsyncHttpxClient(event_hooks={"response": [bound]}),
        )

    async def __aenter__(self) -> "Chat":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def ask(self, conversation: Sequence[Message], *, answer_tokens: int, json: bool = False) -> str:
        """Give the whole answer. Raises Failure as `write` does."""
        pieces: list[str] = []
        async with aclosing(self.write(conversation, answer_tokens=answer_tokens, json=json)) as written:
            async for piece in written:
                if piece is RESTART:
                    pieces.clear()
                else:
                    pieces.append(piece)
        return "".join(pieces)

    async def write(
        self, conversation: Sequence[Message], *, answer_tokens: int, json: bool = False
    ) -> Writing:
        """Stream an answer of at most `answer_tokens`; RESTART comes where it broke off and begins anew.

        Raises Failure LANGUAGE_MODEL_UNAVAILABLE, _RATE_LIMITED, _STALLED, _GARBLED after the last attempt, and
        LANGUAGE_MODEL_REFUSED at once.
        """
        async with self._slots:
            attempt = 1
            while True:
                begun = False
                await asyncio.sleep(max(0.0, self._not_before - time.monotonic()))
                try:
                    async with aclosing(self._attempt(conversation, answer_tokens, json=json)) as pieces:
                        async for piece in pieces:
                            begun = True
                            yield piece
                except Failure as failure:
                    wait = self._wait(failure, attempt)
                    if wait is None:
                        raise
                    log.warning("language model, attempt %d: %s", attempt, failure)
                else:
                    return
                if begun:
                    yield RESTART
                self._not_before = max(self._not_before, time.monotonic() + wait)
                attempt += 1

    def _wait(self, failure: Failure, attempt: int) -> float | None:
        """Say for how many seconds to wait before the next attempt; None where there is to be none."""
        if not failure.retryable or attempt >= self._patience.attempts:
            return None
        if failure.retry_after is not None:
            wait = failure.retry_after.total_seconds()
            return wait if wait <= self._patience.longest_wait.total_seconds() else None
        return _FIRST_DELAY * float(2 ** (attempt - 1)) * random.uniform(0.8, 1.2)

    async def _attempt(
        self, conversation: Sequence[Message], answer_tokens: int, *, json: bool
    ) -> AsyncGenerator[str, None]:
        written, answering = 0, False
        finish = ""
        try:
            async with (
                asyncio.timeout(self._patience.whole.total_seconds()),
                aclosing(self._chunks(conversation, answer_tokens, json=json)) as chunks,
            ):
                async for piece, ending in chunks:
                    answering = True
                    finish = ending or finish
                    written += len(piece)
                    if written > answer_tokens * _CHARACTERS_A_TOKEN:
                        raise _failure("GARBLED", "The language model's answer did not end.")
                    if piece:
                        yield piece
        except (openai.OpenAIError, httpx2.HTTPError, TimeoutError, ValueError, TypeError) as error:
            raise self._told(error, answering=answering) from error
        if finish == "content_filter":
            raise _failure("REFUSED", "The language model declines to write about this.")
        if not finish:
            raise _failure("STALLED", "The language model's answer broke off.")
        if not written:
            raise _failure("GARBLED", "The language model's answer is empty.")

    async def _chunks(
        self, conversation: Sequence[Message], answer_tokens: int, *, json: bool
    ) -> AsyncGenerator[tuple[str, str], None]:
        """Ask once: pieces of text, each with the reason to finish where one is given."""
        messages = cast(
            "list[ChatCompletionMessageParam]", [{"role": m.role, "content": m.text} for m in conversation]
        )
        stream = await self._client.chat.completions.create(
            model=self.model,
            messages=messages,
            max_tokens=answer_tokens,
            temperature=0.2,
            stream=True,
            response_format={"type": "json_object"} if json and self._json_mode else openai.omit,
        )
        async with stream:
            chunks = aiter(stream)
            while True:
                async with asyncio.timeout(self._patience.stall.total_seconds()):
                    try:
                        chunk = await anext(chunks)
                    except StopAsyncIteration:
                        return
                for choice in chunk.choices[:1]:
                    yield choice.delta.content or "", choice.finish_reason or ""

    def _told(self, error: Exception, *, answering: bool) -> Failure:
        """Tell what went wrong in the terms of vidmesh."""
        if isinstance(error, openai.APIStatusError):
            return self._refusal(error)
        if isinstance(error, TimeoutError | openai.APITimeoutError):
            return _failure("STALLED", "The language model did not go on with its answer in time.")
        if isinstance(error, openai.APIConnectionError | httpx2.HTTPError):
            if answering:
                return _failure("STALLED", "The language model's answer broke off.")
            return _failure("UNAVAILABLE", "The language model's server cannot be reached.")
        return _failure("GARBLED", "The language model's answer is not in the form of its protocol.")

    def _refusal(self, error: openai.APIStatusError) -> Failure:
        status = error.status_code
        if status == 429:
            return _failure(
                "RATE_LIMITED",
                "The language model limits how often it is asked.",
                _retry_after(error.response),
            )
        if status >= 500 or status in {408, 409, 425}:
            return _failure(
                "UNAVAILABLE", f"The language model answers with HTTP {status}.", _retry_after(error.response)
            )
        if status == 400 and self._json_mode and "response_format" in str(error.body):
            # Older servers know no JSON mode; the instructions ask for JSON all the same.
            self._json_mode = False
            return _failure("UNAVAILABLE", "The language model has no JSON mode.", timedelta(0))
        told = {401: "the key", 403: "the key", 404: "the model's name"}.get(status, "the request")
        return _failure("REFUSED", f"The language model refuses {told} (HTTP {status}).")


def _failure(reason: str, message: str, retry_after: timedelta | None = None) -> Failure:
    return Failure(
        ErrorReason.Value(f"ERROR_REASON_LANGUAGE_MODEL_{reason}"), message, retry_after=retry_after
    )


def _retry_after(response: httpx2.Response) -> timedelta | None:
    """Read a Retry-After header: seconds, or a date (RFC 9110, 10.2.3)."""
    told = response.headers.get("retry-after", "")
    try:
        seconds = float(told)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(told).timestamp() - time.time()
        except ValueError:
            return None
    return timedelta(seconds=min(max(0.0, seconds), 86_400.0))
