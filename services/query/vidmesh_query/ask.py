"""Asking: from a question in its conversation to passages, from there to a checked answer that is kept."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from vidmesh.query.v1.query_service_pb2 import AskRequest, AskResponse, Retrieved
from vidmesh.query.v1.search_pb2 import Scope
from vidmesh_query import conversation, prompt
from vidmesh_query.answer import Answered, Answerer
from vidmesh_query.coverage import coverage
from vidmesh_query.dialogue import LONGEST_QUESTION, leans, rewritten, standalone
from vidmesh_query.language_model import LanguageModel, LanguageModelError
from vidmesh_query.prompt import Turn
from vidmesh_query.scope import look_up, to_uuid
from vidmesh_query.search import Searcher
from vidmesh_query.support import Similarity
from vidmesh_query.wire import to_answer, to_coverage, to_hit
from vidmesh_runtime.database import Pool

PASSAGES = 10
"""How many passages an answer is made from."""
REWRITING = 10.0
"""Seconds that a language model has to rewrite a question."""


class Asker:
    """Answers questions of one tenant at a time. `model` is None where there is no language model."""

    def __init__(
        self, pool: Pool, searcher: Searcher, similarity: Similarity, model: LanguageModel | None
    ) -> None:
        self._pool = pool
        self._searcher = searcher
        self._model = model
        self._answerer = Answerer(similarity, model)

    async def ask(self, tenant: str, request: AskRequest) -> AsyncGenerator[AskResponse]:
        """What was found, the answer sentence by sentence, the whole answer.

        Raises Failure NOT_FOUND for a foreign conversation, video or folder, REQUEST_ID_REUSED.
        """
        before = await conversation.kept(self._pool, tenant, request)
        if before is not None:
            yield AskResponse(retrieved=before[0])
            yield AskResponse(delta=before[1].text)
            yield AskResponse(answer=before[1])
            return
        scope = request.scope
        history: Sequence[Turn] = ()
        if request.conversation_id:
            identifier = to_uuid("conversation", request.conversation_id)
            row = await conversation.find(self._pool, tenant, identifier)
            history = await conversation.turns(self._pool, tenant, identifier)
            if not request.HasField("scope"):
                scope = Scope.FromString(row["scope"])
        within = await look_up(self._pool, tenant, scope)
        if not request.conversation_id:
            identifier = uuid.UUID(
                str((await conversation.begin(self._pool, tenant, request.question, scope))["id"])
            )
        found = await self._searcher.search(
            await self._standalone(request.question, history), within, limit=PASSAGES
        )
        retrieved = Retrieved(
            conversation_id=str(identifier),
            hits=[to_hit(hit) for hit in found.hits],
            coverage=[to_coverage(one) for one in await coverage(self._pool, within)],
        )
        yield AskResponse(retrieved=retrieved)
        answers = self._answerer.answer(request.question, found.hits, history, request.language)
        async with aclosing(answers) as events:
            async for event in events:
                if not isinstance(event, Answered):
                    yield AskResponse(delta=event.text)
                    continue
                answer = to_answer(
                    event,
                    asked_model="" if self._model is None else self._model.name,
                    degraded=found.degraded,
                )
                await conversation.keep(self._pool, tenant, request, retrieved=retrieved, answer=answer)
                yield AskResponse(answer=answer)

    async def _standalone(self, question: str, history: Sequence[Turn]) -> str:
        """What to search for: the question with what it takes from those before it."""
        if not history or not leans(question):
            return question
        if self._model is None:
            return standalone(question, history)
        reply = ""
        try:
            async with (
                asyncio.timeout(REWRITING),
                aclosing(self._model.stream(prompt.rewriting(question, history))) as pieces,
            ):
                async for piece in pieces:
                    reply += piece
                    if len(reply) > LONGEST_QUESTION:
                        break
        except (LanguageModelError, TimeoutError):
            return standalone(question, history)
        return rewritten(reply, question)
