"""Hybrid search: by words in Postgres and by meaning in the index of vectors, fused by reciprocal rank."""

import asyncio
import logging
import re
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from vidmesh_query.embedding import Embedder, EmbeddingUnavailableError
from vidmesh_query.extract import nearest
from vidmesh_query.fusion import fuse
from vidmesh_query.highlight import Marked, excerpt, unmark
from vidmesh_query.hit import Hit
from vidmesh_query.moment import Span, densest, moment_of
from vidmesh_query.passage import Passage
from vidmesh_query.scope import Within, sql
from vidmesh_query.support import Similarity
from vidmesh_query.terms import content, stem, tokens
from vidmesh_query.vectors import Scope, VectorIndex, VectorsUnavailableError, near_enough
from vidmesh_query.wire import Row, from_row
from vidmesh_runtime.database import Pool

log = logging.getLogger(__name__)

DEPTH = 50
"""How many passages each of the two searches gives to the fusion, at least."""
DEEPEST = 400
"""How far paging goes."""
SNIPPET = 320
"""Characters of a passage that are shown."""
PATIENCE = 5.0
"""Seconds that a reader waits for the search by meaning; words are enough after that."""
REACH = 160
"""Characters within which words count as found together."""

_OPERATORS = re.compile(r'"[^"]+"|(?:^|\s)-\w|\sOR\s')
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found."""

    hits: tuple[Hit, ...]
    """The best first."""
    more: bool
    """Whether there are further ones."""
    degraded: bool
    """Whether only words were looked for."""


class Searcher:
    """Searches the passages of one tenant at a time."""

    def __init__(self, pool: Pool, embedder: Embedder, index: VectorIndex, similarity: Similarity) -> None:
        self._pool = pool
        self._embedder = embedder
        self._index = index
        self._similarity = similarity

    async def search(self, query: str, within: Within, *, limit: int, offset: int = 0) -> Found:
        """The `limit` best passages after the first `offset`."""
        if within.videos == ():
            return Found(hits=(), more=False, degraded=False)
        depth = min(DEEPEST, max(DEPTH, offset + limit + 1))
        strict = bool(_OPERATORS.search(query))
        by_words, by_meaning = await asyncio.gather(
            self._by_words(query, within, depth, strict=strict),
            self._by_meaning(query, within, depth, strict=strict),
        )
        fused = fuse(by_words, by_meaning or [])
        page = fused[offset : offset + limit]
        hits = await self._hits(query, within, page)
        return Found(hits=hits, more=len(fused) > offset + limit, degraded=by_meaning is None)

    async def _by_words(self, query: str, within: Within, depth: int, *, strict: bool) -> list[uuid.UUID]:
        asked = {
            "tenant": within.tenant,
            "query": query,
            "keys": [within.tenant] if within.videos is None else list(within.videos),
            "language": within.language,
            "most": depth,
        }
        if strict:
            return await _ids(sql.by_operators(self._pool, **asked))
        # Where nobody says the rare words of the query, the common ones must do.
        return await _ids(sql.by_words(self._pool, **asked, sparing=True)) or await _ids(
            sql.by_words(self._pool, **asked, sparing=False)
        )

    async def _by_meaning(
        self, query: str, within: Within, depth: int, *, strict: bool
    ) -> list[uuid.UUID] | None:
        """Those near enough; None where the vectors are not to be had. Of passages that no longer are shown, more are asked for."""
        try:
            async with asyncio.timeout(PATIENCE):
                vectors = await self._embedder.embed([query])
                scope = Scope(tenant=within.tenant, videos=within.videos)
                near = await self._index.search(vectors[0], scope, 2 * depth)
        except (EmbeddingUnavailableError, VectorsUnavailableError, TimeoutError) as error:
            log.warning("search by words alone: %s", error or type(error).__name__)
            return None
        rows = sql.shown(
            self._pool,
            ids=[one.id for one in near],
            tenant=within.tenant,
            query=query,
            videos=None if within.videos is None else list(within.videos),
            language=within.language,
            strict=strict,
        )
        shown = {uuid.UUID(str(row["id"])) async for row in rows}
        seen = [one for one in near if one.id in shown]
        return [one.id for one in near_enough(seen, self._embedder.floor)][:depth]

    async def _hits(
        self, query: str, within: Within, page: Sequence[tuple[uuid.UUID, float]]
    ) -> tuple[Hit, ...]:
        ids = [one for one, _ in page]
        rows = sql.passages(self._pool, ids=ids, tenant=within.tenant, query=query)
        found = {uuid.UUID(str(row["id"])): row async for row in rows}
        return tuple(self._hit(query, found[one], score) for one, score in page if one in found)

    def _hit(self, query: str, row: Row, score: float) -> Hit:
        passage = from_row(row)
        marked = _marked(query, passage, row["headline"])
        span = densest(marked.spans, REACH) or nearest(query, passage, self._similarity)[0]
        return Hit(
            passage=passage,
            video=row["video_id"],
            title=row["title"],
            score=score,
            moment=moment_of(passage, span),
            snippet=excerpt(marked, span, SNIPPET),
        )


async def _ids(rows: AsyncIterator[Row]) -> list[uuid.UUID]:
    return [uuid.UUID(str(row["id"])) async for row in rows]


def _marked(query: str, passage: Passage, headline: str) -> Marked:
    """The passage's text with the query's words marked: by Postgres, or where its parser sees no words, by ours."""
    marked = unmark(headline)
    if marked.spans and marked.text == passage.text:
        return marked
    wanted = set(content(query))
    spans = tuple(
        Span(begin=match.start(), end=match.end())
        for match in _WORD.finditer(passage.text)
        if any(stem(token) in wanted for token in tokens(match.group()))
    )
    return Marked(text=passage.text, spans=spans)
