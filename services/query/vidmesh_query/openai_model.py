"""A language model behind any endpoint that speaks OpenAI's chat completions."""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import timedelta

import openai
from openai.types.chat import ChatCompletionMessageParam

from vidmesh_query.language_model import LanguageModelError, Message, Trouble

ATTEMPTS = 3
LONGEST_PAUSE = timedelta(seconds=15)
"""The most that a reader is kept waiting because a server asked for a pause."""
LONGEST_REPLY = 16_000
"""Characters after which a reply is cut off: no answer with citations is that long."""


class OpenAiModel:
    """One model by name. Requests that failed before their first word are tried again, within bounds."""

    def __init__(
        self, client: openai.AsyncOpenAI, model: str, *, stall: timedelta = timedelta(seconds=30)
    ) -> None:
        """`client` must not retry by itself; `stall` is how long to wait for each next piece."""
        self._client = client
        self._model = model
        self._stall = stall.total_seconds()

    @property
    def name(self) -> str:
        """The model's name, as its server knows it."""
        return self._model

    async def stream(self, messages: Sequence[Message]) -> AsyncGenerator[str]:
        """The reply, piece by piece. Raises LanguageModelError."""
        for attempt in range(1, ATTEMPTS + 1):
            begun = False
            try:
                async with aclosing(self._once(messages)) as pieces:
                    async for piece in pieces:
                        begun = True
                        yield piece
            except LanguageModelError as error:
                pause = _pause(error, attempt)
                if begun or attempt == ATTEMPTS or pause is None:
                    raise
                await asyncio.sleep(pause)
            else:
                return

    async def _once(self, messages: Sequence[Message]) -> AsyncGenerator[str]:
        try:
            async with asyncio.timeout(self._stall):
                chunks = await self._client.chat.completions.create(
                    model=self._model,
                    messages=[_turn(message) for message in messages],
                    stream=True,
                )
            length = 0
            async with chunks:
                iterator = aiter(chunks)
                while length < LONGEST_REPLY:
                    async with asyncio.timeout(self._stall):
                        chunk = await anext(iterator, None)
                    if chunk is None:
                        break
                    piece = chunk.choices[0].delta.content if chunk.choices else None
                    if piece:
                        length += len(piece)
                        yield piece
            if not length:
                raise LanguageModelError(Trouble.MALFORMED, f"{self._model} sent an empty reply")
        except (TimeoutError, openai.APITimeoutError) as error:
            message = f"{self._model} sent nothing for {self._stall:g} s"
            raise LanguageModelError(Trouble.STALLED, message) from error
        except openai.OpenAIError as error:
            raise LanguageModelError(_trouble(error), f"{self._model}: {error}") from error
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            message = f"{self._model} sent something that is no reply"
            raise LanguageModelError(Trouble.MALFORMED, message) from error


def _turn(message: Message) -> ChatCompletionMessageParam:
    match message.role:
        case "system":
            return {"role": "system", "content": message.text}
        case "user":
            return {"role": "user", "content": message.text}
        case "assistant":
            return {"role": "assistant", "content": message.text}


def _trouble(error: openai.OpenAIError) -> Trouble:
    if isinstance(error, openai.RateLimitError):
        return Trouble.RATE_LIMITED
    if isinstance(error, openai.APIStatusError) and error.status_code < 500 and error.status_code != 408:
        return Trouble.REFUSED
    if isinstance(error, openai.APIResponseValidationError):
        return Trouble.MALFORMED
    return Trouble.UNAVAILABLE


def _pause(error: LanguageModelError, attempt: int) -> float | None:
    """Seconds to wait before trying again; None where trying again is no use to a reader who waits."""
    if error.trouble is Trouble.REFUSED:
        return None
    asked = _retry_after(error.__cause__)
    if asked is not None:
        return asked if asked <= LONGEST_PAUSE.total_seconds() else None
    return 0.25 * 2.0**attempt * random.uniform(0.5, 1.5)


def _retry_after(error: BaseException | None) -> float | None:
    if not isinstance(error, openai.APIStatusError):
        return None
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:  # absent, or a date: jitter will do
        return None
