"""A service that says what it was asked and told: what the stack and the gateway need to be tried with."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_status.rpc_status import to_status

from vidmesh.ingest.v1 import ingest_service_pb2 as api
from vidmesh.ingest.v1 import ingest_service_pb2_grpc
from vidmesh.ingest.v1.job_pb2 import Job

Context = grpc.aio.ServicerContext[Any, Any]


class Ingest(ingest_service_pb2_grpc.IngestServiceServicer):
    """Jobs exist unless they are called "missing"; a job's title is the name of the process that answered."""

    async def GetJob(self, request: api.GetJobRequest, context: Context) -> api.GetJobResponse:
        """The job, with the request's headers as its notices."""
        if request.job_id == "missing":
            details = any_pb2.Any()
            details.Pack(error_details_pb2.ErrorInfo(reason="NOT_FOUND", domain="vidmesh"))
            status = status_pb2.Status(code=code_pb2.NOT_FOUND, message="no such job", details=[details])
            await context.abort_with_status(to_status(status))
        headers = [f"{key}: {value!r}" for key, value in context.invocation_metadata() or ()]
        return api.GetJobResponse(job=Job(id=request.job_id, title=str(os.getpid()), notices=headers))

    async def WatchJob(
        self, request: api.WatchJobRequest, context: Context
    ) -> AsyncIterator[api.WatchJobResponse]:
        """Three heartbeats; of the job "endless", one every tenth of a second without end."""
        count = 0
        while request.job_id == "endless" or count < 3:
            count += 1
            heartbeat = api.Heartbeat()
            heartbeat.time.FromSeconds(count)
            yield api.WatchJobResponse(heartbeat=heartbeat)
            await asyncio.sleep(0.1)

    async def UploadVideo(
        self, request_iterator: AsyncIterator[api.UploadVideoRequest], context: Context
    ) -> api.UploadVideoResponse:
        """How many bytes came."""
        answer = api.UploadVideoResponse()
        async for part in request_iterator:
            answer.upload.offset += len(part.chunk)
        return answer

    async def WriteUpload(self, request: api.WriteUploadRequest, context: Context) -> api.WriteUploadResponse:
        """How many bytes came."""
        answer = api.WriteUploadResponse()
        answer.upload.offset = request.offset + len(request.data)
        return answer


async def main() -> None:
    """Serve until SIGTERM."""
    server = grpc.aio.server()
    servicer = health.aio.HealthServicer()
    await servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    ingest_service_pb2_grpc.add_IngestServiceServicer_to_server(Ingest(), server)  # type: ignore[abstract] # the rest is unimplemented
    server.add_insecure_port(os.environ["VIDMESH_LISTEN"])
    await server.start()
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await told.wait()
    await server.stop(1)


asyncio.run(main())
