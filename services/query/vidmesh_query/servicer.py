"""QueryService: every call parsed, done, converted."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import grpc

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.query.v1 import query_service_pb2 as pb
from vidmesh.query.v1.query_service_pb2_grpc import QueryServiceServicer
from vidmesh_query import conversation, library
from vidmesh_query.ask import Asker
from vidmesh_query.coverage import coverage
from vidmesh_query.keeper import Keeper, progress, reindex
from vidmesh_query.scope import Within, look_up, to_uuid
from vidmesh_query.search import DEEPEST, Searcher
from vidmesh_query.transcript import clean
from vidmesh_query.vectors import VectorsUnavailableError
from vidmesh_query.wire import (
    Row,
    to_conversation,
    to_coverage,
    to_exchanges,
    to_folder,
    to_hit,
    to_tag,
    to_video,
)
from vidmesh_runtime import auth
from vidmesh_runtime.database import Connection, Pool
from vidmesh_runtime.errors import Failure, invalid
from vidmesh_runtime.idempotency import once
from vidmesh_runtime.paging import make_token, page_size, read_token

Context = grpc.aio.ServicerContext[Any, Any]

_ORDERS = {
    pb.VIDEO_ORDER_UNSPECIFIED: ("newest", "created_at", datetime),
    pb.VIDEO_ORDER_NEWEST: ("newest", "created_at", datetime),
    pb.VIDEO_ORDER_TITLE: ("title", "title", str),
    pb.VIDEO_ORDER_LONGEST: ("longest", "duration_ms", int),
}


class Servicer(QueryServiceServicer):
    """The query service's API."""

    def __init__(self, pool: Pool, searcher: Searcher, asker: Asker, keeper: Keeper) -> None:
        self._pool = pool
        self._keeper = keeper
        self._searcher = searcher
        self._asker = asker

    async def GetVideo(self, request: pb.GetVideoRequest, context: Context) -> pb.GetVideoResponse:
        """A video of the library."""
        row = await library.video(self._pool, auth.caller().tenant, _required("video_id", request.video_id))
        return pb.GetVideoResponse(video=to_video(row))

    async def ListVideos(self, request: pb.ListVideosRequest, context: Context) -> pb.ListVideosResponse:
        """A page of the library."""
        size = page_size(request.page_size)
        if request.order not in _ORDERS:
            raise invalid("order", "order is none of VideoOrder.")
        order, key, kind = _ORDERS[request.order]
        cursor = read_token(request, request.page_token, kind, str)
        within = await look_up(self._pool, auth.caller().tenant, request.scope)
        after: Any = tuple(cursor) if cursor else None
        rows = await library.videos(self._pool, within, order=order, after=after, most=size + 1)
        token = ""
        if len(rows) > size:
            last = rows[size - 1]
            token = make_token(request, _sort_key(last, key), last["id"])
        return pb.ListVideosResponse(videos=[to_video(row) for row in rows[:size]], next_page_token=token)

    async def UpdateVideo(self, request: pb.UpdateVideoRequest, context: Context) -> pb.UpdateVideoResponse:
        """Changes a video."""
        tenant = auth.caller().tenant
        _required("video_id", request.video_id)
        title = _name("title", request.title, 500) if request.HasField("title") else None
        tags = _tags(request.tags.names) if request.HasField("tags") else None
        folder = _parent("folder", request.folder_id)

        async def act(connection: Connection) -> pb.UpdateVideoResponse:
            row = await library.change_video(
                connection,
                tenant,
                request.video_id,
                title=title,
                folder=folder,
                refile=request.HasField("folder_id"),
                tags=tags,
            )
            return pb.UpdateVideoResponse(video=to_video(row))

        return await once(self._pool, request, pb.UpdateVideoResponse, act)

    async def Search(self, request: pb.SearchRequest, context: Context) -> pb.SearchResponse:
        """Searches."""
        size = page_size(request.page_size, default=20, most=100)
        query = _text("query", request.query, 1000)
        cursor = read_token(request, request.page_token, int)
        offset = int(str(cursor[0])) if cursor else 0
        within: Within = await look_up(self._pool, auth.caller().tenant, request.scope)
        found, running = await asyncio.gather(
            self._searcher.search(query, within, limit=size, offset=offset), coverage(self._pool, within)
        )
        more = found.more and offset + size < DEEPEST
        return pb.SearchResponse(
            hits=[to_hit(hit) for hit in found.hits],
            next_page_token=make_token(request, offset + size) if more else "",
            degraded=found.degraded,
            coverage=[to_coverage(one) for one in running],
        )

    async def Ask(self, request: pb.AskRequest, context: Context) -> AsyncIterator[pb.AskResponse]:
        """Answers a question."""
        asked = pb.AskRequest()
        asked.CopyFrom(request)
        asked.question = _text("question", request.question, 2000)
        if len(request.language) > 35:
            raise invalid("language", "language must be a BCP 47 tag.")
        async for response in self._asker.ask(auth.caller().tenant, asked):
            yield response

    async def CreateFolder(
        self, request: pb.CreateFolderRequest, context: Context
    ) -> pb.CreateFolderResponse:
        """Makes a folder."""
        tenant = auth.caller().tenant
        name = _name("name", request.name, 200)
        parent = _parent("folder", request.parent_id)

        async def act(connection: Connection) -> pb.CreateFolderResponse:
            row = await library.add_folder(connection, tenant, name, parent)
            return pb.CreateFolderResponse(folder=to_folder(row))

        return await once(self._pool, request, pb.CreateFolderResponse, act)

    async def ListFolders(self, request: pb.ListFoldersRequest, context: Context) -> pb.ListFoldersResponse:
        """A page of folders."""
        size = page_size(request.page_size)
        cursor = read_token(request, request.page_token, str, str)
        after = (str(cursor[0]), to_uuid("folder", str(cursor[1]))) if cursor else None
        rows = await library.folders(self._pool, auth.caller().tenant, after=after, most=size + 1)
        token = (
            make_token(request, rows[size - 1]["name"], str(rows[size - 1]["id"])) if len(rows) > size else ""
        )
        return pb.ListFoldersResponse(folders=[to_folder(row) for row in rows[:size]], next_page_token=token)

    async def UpdateFolder(
        self, request: pb.UpdateFolderRequest, context: Context
    ) -> pb.UpdateFolderResponse:
        """Renames or moves a folder."""
        tenant = auth.caller().tenant
        identifier = to_uuid("folder", _required("folder_id", request.folder_id))
        name = _name("name", request.name, 200) if request.HasField("name") else None
        parent = _parent("folder", request.parent_id)

        async def act(connection: Connection) -> pb.UpdateFolderResponse:
            row = await library.change_folder(
                connection,
                tenant,
                identifier,
                name=name,
                parent=parent,
                move=request.HasField("parent_id"),
            )
            return pb.UpdateFolderResponse(folder=to_folder(row))

        return await once(self._pool, request, pb.UpdateFolderResponse, act)

    async def DeleteFolder(
        self, request: pb.DeleteFolderRequest, context: Context
    ) -> pb.DeleteFolderResponse:
        """Deletes a folder."""
        tenant = auth.caller().tenant
        identifier = to_uuid("folder", _required("folder_id", request.folder_id))

        async def act(connection: Connection) -> pb.DeleteFolderResponse:
            await library.delete_folder(connection, tenant, identifier)
            return pb.DeleteFolderResponse()

        return await once(self._pool, request, pb.DeleteFolderResponse, act)

    async def ListTags(self, request: pb.ListTagsRequest, context: Context) -> pb.ListTagsResponse:
        """A page of tags."""
        size = page_size(request.page_size)
        cursor = read_token(request, request.page_token, str)
        after = str(cursor[0]) if cursor else None
        rows = await library.tags(self._pool, auth.caller().tenant, after=after, most=size + 1)
        token = make_token(request, rows[size - 1]["name"]) if len(rows) > size else ""
        return pb.ListTagsResponse(tags=[to_tag(row) for row in rows[:size]], next_page_token=token)

    async def GetConversation(
        self, request: pb.GetConversationRequest, context: Context
    ) -> pb.GetConversationResponse:
        """A conversation with what was asked and answered."""
        tenant = auth.caller().tenant
        identifier = to_uuid("conversation", _required("conversation_id", request.conversation_id))
        row = await conversation.find(self._pool, tenant, identifier)
        exchanges = await conversation.exchanges(self._pool, tenant, identifier)
        return pb.GetConversationResponse(
            conversation=to_conversation(row), exchanges=to_exchanges(exchanges)
        )

    async def ListConversations(
        self, request: pb.ListConversationsRequest, context: Context
    ) -> pb.ListConversationsResponse:
        """A page of conversations."""
        size = page_size(request.page_size)
        cursor: Any = read_token(request, request.page_token, datetime, str)
        after = (cursor[0], to_uuid("conversation", cursor[1])) if cursor else None
        rows = await conversation.recent(self._pool, auth.caller().tenant, after=after, most=size + 1)
        token = (
            make_token(request, rows[size - 1]["updated_at"], str(rows[size - 1]["id"]))
            if len(rows) > size
            else ""
        )
        return pb.ListConversationsResponse(
            conversations=[to_conversation(row) for row in rows[:size]], next_page_token=token
        )

    async def DeleteConversation(
        self, request: pb.DeleteConversationRequest, context: Context
    ) -> pb.DeleteConversationResponse:
        """Deletes a conversation."""
        tenant = auth.caller().tenant
        identifier = to_uuid("conversation", _required("conversation_id", request.conversation_id))

        async def act(connection: Connection) -> pb.DeleteConversationResponse:
            await conversation.delete(connection, tenant, identifier)
            return pb.DeleteConversationResponse()

        return await once(self._pool, request, pb.DeleteConversationResponse, act)

    async def Reindex(
        self, request: pb.ReindexRequest, context: Context
    ) -> AsyncIterator[pb.ReindexResponse]:
        """Rebuilds the caller's part of the index of vectors."""
        tenant = auth.caller().tenant
        await reindex(self._pool, tenant)
        self._keeper.wake()
        while True:
            passages, embedded = await progress(self._pool, tenant)
            if passages == embedded:
                break
            yield pb.ReindexResponse(passages=passages, embedded=embedded)
            await asyncio.sleep(1)
        try:
            removed = await self._keeper.drop_strays(tenant)
        except VectorsUnavailableError as error:
            raise Failure(ErrorReason.ERROR_REASON_UNAVAILABLE, str(error)) from error
        yield pb.ReindexResponse(passages=passages, embedded=embedded, removed=removed, completed=True)


def _required(field: str, value: str) -> str:
    if not value:
        raise invalid(field, f"{field} is required.")
    return value


def _text(field: str, value: str, most: int) -> str:
    """A text that a person wrote, cleaned; 1 to `most` characters."""
    text = clean(value)
    if not text:
        raise invalid(field, f"{field} is required.")
    if len(text) > most:
        raise invalid(field, f"{field} may have at most {most} characters, not {len(text)}.")
    return text


def _name(field: str, value: str, most: int) -> str:
    return _text(field, value, most)


def _tags(names: Sequence[str]) -> list[str]:
    tags = sorted({_text("tags", name, 100) for name in names})
    if len(tags) > 50:
        raise invalid("tags", "A video has at most 50 tags.")
    return tags


def _parent(kind: str, identifier: str) -> uuid.UUID | None:
    return to_uuid(kind, identifier) if identifier else None


def _sort_key(row: Row, key: str) -> str | int | datetime:
    if key == "title":
        return str(row["title"]).lower()
    value: int | datetime | None = row[key]
    return -1 if value is None else value
