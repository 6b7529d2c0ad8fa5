"""The query service: `python -m vidmesh_query`; `python -m vidmesh_query reindex` has all vectors made anew."""

import logging
import os
import sys

# One thread is faster than several for the small products here, and must be said before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from vidmesh.query.v1.query_service_pb2_grpc import add_QueryServiceServicer_to_server
from vidmesh_query.ask import Asker
from vidmesh_query.early import Early
from vidmesh_query.embedding import Embedder
from vidmesh_query.follower import PASSAGES, STAGE, follows
from vidmesh_query.indexer import Indexer
from vidmesh_query.keeper import Keeper, reindex
from vidmesh_query.language_model import LanguageModel
from vidmesh_query.search import Searcher
from vidmesh_query.servicer import Servicer
from vidmesh_query.settings import QuerySettings
from vidmesh_query.vectors import VectorIndex
from vidmesh_query.wordllama_embedder import WordLlamaEmbedder
from vidmesh_runtime.database import open_pool
from vidmesh_runtime.inbox import Follower
from vidmesh_runtime.service import open_parts, serve, start
from vidmesh_runtime.worker import Worker

NAME = "query"
MIGRATIONS = Path(__file__).parent / "migrations"

log = logging.getLogger("vidmesh_query")


async def run(settings: QuerySettings) -> None:
    """Open what the service needs, serve until told to stop."""
    local = WordLlamaEmbedder.load()
    async with (
        open_parts(NAME, settings, MIGRATIONS) as parts,
        _embedder(settings, local) as embedder,
        _index(settings, embedder) as index,
        _language_model(settings) as model,
    ):
        log.info(
            "embeddings by %s, vectors in %s, answers by %s",
            embedder.name,
            type(index).__name__,
            model.name if model else "passages",
        )
        searcher = Searcher(parts.pool, embedder, index, local.similarity)
        asker = Asker(parts.pool, searcher, local.similarity, model)
        indexer = Indexer(parts.pool, parts.ticker, embedder, index)
        keeper = Keeper(parts.pool, embedder, index)
        servicer = Servicer(parts.pool, searcher, asker, keeper)
        early = Early(parts.pool, parts.bus)
        worker = Worker(
            parts.pool,
            parts.bus,
            stage=STAGE,
            handlers={PASSAGES: indexer.handle},
            given_up=indexer.given_up,
            concurrency=settings.index_concurrency,
            lease=settings.lease,
            max_attempts=settings.max_attempts,
            retry_delay=settings.retry_delay,
            reconcile_every=settings.reconcile_every,
        )
        follower = Follower(parts.pool, parts.bus, service=NAME, work_stage=STAGE, follows=follows())
        await serve(
            NAME,
            settings,
            parts,
            register=lambda server: add_QueryServiceServicer_to_server(servicer, server),
            serves="vidmesh.query.v1.QueryService",
            workers=[worker],
            loops=[follower.run, keeper.run, early.run],
        )


@asynccontextmanager
async def _embedder(settings: QuerySettings, local: WordLlamaEmbedder) -> AsyncIterator[Embedder]:
    if not settings.uses_embedding_server:
        yield local
        return
    import openai  # noqa: PLC0415 - 40 MB and a second, only where a server is set

    from vidmesh_query.openai_embedder import OpenAiEmbedder  # noqa: PLC0415

    async with openai.AsyncOpenAI(
        base_url=settings.embedding_base_url,
        api_key=settings.embedding_api_key.get_secret_value() or "none",
        max_retries=3,
        timeout=30,
    ) as client:
        yield await OpenAiEmbedder.connect(client, settings.embedding_model)


@asynccontextmanager
async def _index(settings: QuerySettings, embedder: Embedder) -> AsyncIterator[VectorIndex]:
    index: VectorIndex
    if settings.qdrant_url:
        from qdrant_client import AsyncQdrantClient  # noqa: PLC0415 - 90 MB and three seconds, only where a server is set

        from vidmesh_query.qdrant_index import QdrantIndex  # noqa: PLC0415

        client = AsyncQdrantClient(
            url=settings.qdrant_url,
            api_key=settings.qdrant_api_key.get_secret_value() or None,
            timeout=10,
            check_compatibility=False,
        )
        index = QdrantIndex(client, f"vidmesh-{embedder.name}", embedder.dimensions)
    else:
        from vidmesh_query.edge_index import EdgeIndex  # noqa: PLC0415

        index = EdgeIndex(settings.data_dir / "vectors" / embedder.name, embedder.dimensions)
    try:
        yield index
    finally:
        await index.close()


@asynccontextmanager
async def _language_model(settings: QuerySettings) -> AsyncIterator[LanguageModel | None]:
    if not settings.uses_language_model:
        yield None
        return
    import openai  # noqa: PLC0415 - as above

    from vidmesh_query.openai_model import OpenAiModel  # noqa: PLC0415

    async with openai.AsyncOpenAI(
        base_url=settings.llm_base_url,
        api_key=settings.llm_api_key.get_secret_value() or "none",
        max_retries=0,
        timeout=settings.answer_stall.total_seconds(),
    ) as client:
        yield OpenAiModel(client, settings.llm_model, stall=settings.answer_stall)


async def run_reindex(settings: QuerySettings) -> None:
    """Mark every passage; the service that runs, or the next one, embeds them to the same ids."""
    opened = open_pool(settings.database_url, schema=NAME, most=1, identity=settings.identity)
    async with opened as pool:
        log.info("%d passages are embedded anew", await reindex(pool))


if __name__ == "__main__":
    chosen = QuerySettings()
    match sys.argv[1:]:
        case []:
            start(lambda: run(chosen), log_level=chosen.log_level)
        case ["reindex"]:
            start(lambda: run_reindex(chosen), log_level=chosen.log_level)
        case _:
            sys.exit("usage: python -m vidmesh_query [reindex]")
