"""A Qdrant server for tests: the part of its REST API that vidmesh uses, over real HTTP, on the client library's own engine.

async with QdrantServer() as server:
    server.url                 # for VIDMESH_QDRANT_URL
    server.leave()             # as if it were switched off
    server.come_back()
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from pydantic import BaseModel
from qdrant_client import QdrantClient, models


class QdrantServer:
    """The server; an async context manager. It forgets everything when it ends."""

    def __init__(self) -> None:
        self.url = ""
        self.engine = QdrantClient(location=":memory:")
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._away = False

    def leave(self) -> None:
        """Break off all connections and take no new ones."""
        self._away = True
        for writer in self._writers:
            writer.transport.abort()

    def come_back(self) -> None:
        self._away = False

    async def __aenter__(self) -> "QdrantServer":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=64 << 20)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self.leave()
        self._server.close()
        await self._server.wait_closed()
        self.engine.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while not self._away and (asked := await _read(reader)) is not None:
                status, result = self._answer(*asked)
                body = json.dumps({"result": result, "status": "ok", "time": 0.0}).encode()
                writer.write(
                    f"HTTP/1.1 {status} Test\r\ncontent-type: application/json\r\n"
                    f"content-length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # clients may leave whenever they like
        finally:
            self._writers.discard(writer)
            with suppress(OSError):
                writer.close()

    def _answer(self, method: str, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """The status and the result of a request."""
        _, _, collection, *rest = path.partition("?")[0].split("/")
        known = self.engine.collection_exists(collection)
        if rest == ["exists"]:
            return 200, {"exists": known}
        if not known and not (method == "PUT" and not rest):
            return 404, None
        act = _ACTS[method, "/".join(rest)]
        return 200, act(self.engine, collection, body)


def _create(engine: QdrantClient, name: str, body: Mapping[str, Any]) -> Any:
    return engine.create_collection(name, vectors_config=models.VectorParams(**body["vectors"]))


def _index(engine: QdrantClient, name: str, body: Mapping[str, Any]) -> Any:
    return _COMPLETED


def _upsert(engine: QdrantClient, name: str, body: Mapping[str, Any]) -> Any:
    engine.upsert(name, [models.PointStruct(**point) for point in body["points"]])
    return _COMPLETED


def _query(engine: QdrantClient, name: str, body: Mapping[str, Any]) -> Any:
    found = engine.query_points(
        name,
        query=body["query"]["nearest"],
        query_filter=models.Filter(**body["filter"]),
        limit=body["limit"],
        with_payload=False,
    )
    return _plain(found)


def _retrieve(engine: QdrantClient, name: str, body: Mapping[str, Any]) -> Any:
    return [_plain(one) for one in engine.retrieve(name, body["ids"], with_payload=False)]


def _count(engine: QdrantClient, name: str, body: Mapping[str, Any]) -> Any:
    return _plain(engine.count(name))


def _delete(engine: QdrantClient, name: str, body: Mapping[str, Any]) -> Any:
    chosen = models.Filter(**body["filter"]) if "filter" in body else body["points"]
    engine.delete(name, chosen)
    return _COMPLETED


def _scroll(engine: QdrantClient, name: str, body: Mapping[str, Any]) -> Any:
    records, after = engine.scroll(
        name, scroll_filter=models.Filter(**body["filter"]), limit=body["limit"], offset=body.get("offset")
    )
    return {"points": [_plain(one) for one in records], "next_page_offset": after}


def _plain(answer: BaseModel) -> Any:
    return answer.model_dump(mode="json")


_COMPLETED = {"operation_id": 0, "status": "completed"}
_ACTS: Mapping[tuple[str, str], Callable[[QdrantClient, str, Mapping[str, Any]], Any]] = {
    ("PUT", ""): _create,
    ("PUT", "index"): _index,
    ("PUT", "points"): _upsert,
    ("POST", "points/query"): _query,
    ("POST", "points"): _retrieve,
    ("POST", "points/count"): _count,
    ("POST", "points/delete"): _delete,
    ("POST", "points/scroll"): _scroll,
}


async def _read(reader: asyncio.StreamReader) -> tuple[str, str, Mapping[str, Any]] | None:
    """The next request of a connection: its method, path and JSON; None where there is no more."""
    first = (await reader.readline()).decode().split()
    if len(first) < 2:
        return None
    length = 0
    while line := (await reader.readline()).decode().strip():
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            length = int(value)
    data = await reader.readexactly(length)
    return first[0], first[1], json.loads(data or b"{}")
