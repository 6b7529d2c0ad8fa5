"""SummarizeService over gRPC."""

from contextlib import aclosing

from vidmesh.summarize.v1.summarize_service_pb2 import (
    GenerateSummaryRequest,
    GetSummaryRequest,
    GetSummaryResponse,
    ListChaptersRequest,
    ListChaptersResponse,
    StreamSummaryRequest,
)
from vidmesh.summarize.v1.summarize_service_pb2_grpc import SummarizeServiceServicer
from vidmesh_runtime.auth import caller
from vidmesh_runtime.errors import invalid
from vidmesh_runtime.server import Context
from vidmesh_summarize import generation, streaming
from vidmesh_summarize.generation import Generation
from vidmesh_summarize.shelf import Shelf
from vidmesh_summarize.streaming import Streaming


class Servicer(SummarizeServiceServicer):
    """Answers calls; every one sees its caller's tenant only."""

    def __init__(self, shelf: Shelf, streaming: Streaming, generation: Generation) -> None:
        self._shelf = shelf
        self._streaming = streaming
        self._generation = generation

    async def GetSummary(self, request: GetSummaryRequest, context: Context) -> GetSummaryResponse:
        """Give a summary."""
        video_id = _required(request.video_id)
        summary = await self._shelf.summary(caller().tenant, video_id, request.summary_id)
        return GetSummaryResponse(summary=summary)

    async def StreamSummary(self, request: StreamSummaryRequest, context: Context) -> streaming.Responses:
        """Stream the summary as it is written."""
        responses = self._streaming.stream(caller().tenant, _required(request.video_id))
        async with aclosing(responses):
            async for response in responses:
                yield response

    async def GenerateSummary(
        self, request: GenerateSummaryRequest, context: Context
    ) -> generation.Responses:
        """Write another summary."""
        _required(request.video_id)
        responses = self._generation.generate(caller().tenant, request)
        async with aclosing(responses):
            async for response in responses:
                yield response

    async def ListChapters(self, request: ListChaptersRequest, context: Context) -> ListChaptersResponse:
        """List the chapters."""
        return await self._shelf.chapters(caller().tenant, _required(request.video_id))


def _required(video_id: str) -> str:
    if not video_id:
        raise invalid("video_id", "video_id is required.")
    return video_id
