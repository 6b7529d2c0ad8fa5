"""What every call carries, and what is raised when it fails."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from vidmesh import AsyncClient, VidmeshError
from vidmesh.ingest.v1.ingest_service_pb2 import (
    CancelJobRequest,
    CancelJobResponse,
    GetJobRequest,
    GetJobResponse,
    ListJobsRequest,
    ListJobsResponse,
    RetryJobResponse,
    SubmitPlaylistRequest,
    SubmitPlaylistResponse,
    WriteUploadRequest,
    WriteUploadResponse,
)
from vidmesh.ingest.v1.job_pb2 import Job

Context = Any


def packed(message: ErrorInfo | RetryInfo) -> Packed:
    any_message = Packed()
    any_message.Pack(message)
    return any_message


async def test_a_call_carries_token_deadline_and_request_id(mesh: Any, client: AsyncClient) -> None:
    seen: list[tuple[str, float, str]] = []

    async def cancel_job(request: CancelJobRequest, context: Context) -> CancelJobResponse:
        headers = dict(context.invocation_metadata() or ())
        seen.append((str(headers["authorization"]), context.time_remaining(), request.request_id))
        return CancelJobResponse()

    mesh.methods["CancelJob"] = cancel_job
    request = CancelJobRequest(job_id="job")
    await client.ingest.CancelJob(request)
    await client.ingest.CancelJob(request)
    await client.ingest.CancelJob(CancelJobRequest(job_id="job", request_id="mine"))

    tokens, remaining, ids = zip(*seen, strict=True)
    assert set(tokens) == {"Bearer secret"}
    assert all(25 < seconds < 31 for seconds in remaining)
    assert len(set(ids)) == 3
    assert ids[2] == "mine"
    assert not request.request_id


async def test_a_services_reason_is_raised_with_all_that_it_says(mesh: Any, client: AsyncClient) -> None:
    async def get_job(request: GetJobRequest, context: Context) -> None:
        info = ErrorInfo(
            domain="vidmesh",
            reason="RATE_LIMITED",
            metadata={"advice": "Wait.", "retryable": "true", "host": "example.org"},
        )
        details = [packed(info), packed(RetryInfo(retry_delay=Duration(seconds=70)))]
        await context.abort_with_status(
            rpc_status.to_status(Status(code=8, message="too often", details=details))
        )

    mesh.methods["GetJob"] = get_job
    with pytest.raises(VidmeshError) as caught:
        await client.ingest.GetJob(GetJobRequest(job_id="job"))

    error = caught.value
    assert (error.reason, error.message, error.advice) == ("RATE_LIMITED", "too often", "Wait.")
    assert error.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error.retryable
    assert error.told
    assert error.retry_after == timedelta(seconds=70)
    assert error.metadata == {"host": "example.org"}


@pytest.mark.parametrize("details", [b"\xff\xff\xff", Status(code=13).SerializeToString()])
async def test_details_that_are_not_vidmeshs_are_left_aside(
    mesh: Any, client: AsyncClient, details: bytes
) -> None:
    async def get_job(request: GetJobRequest, context: Context) -> None:
        context.set_trailing_metadata((("grpc-status-details-bin", details),))
        await context.abort(grpc.StatusCode.INTERNAL, "oh")

    mesh.methods["GetJob"] = get_job
    with pytest.raises(VidmeshError) as caught:
        await client.ingest.GetJob(GetJobRequest(job_id="job"))

    assert caught.value.reason == "INTERNAL"
    assert not caught.value.told


async def test_an_error_in_the_middle_of_a_stream_is_raised_so_too(mesh: Any, client: AsyncClient) -> None:
    async def playlist(
        request: SubmitPlaylistRequest, context: Context
    ) -> AsyncIterator[SubmitPlaylistResponse]:
        yield SubmitPlaylistResponse(index=0)
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, "expired")

    mesh.methods["SubmitPlaylist"] = playlist
    with pytest.raises(VidmeshError) as caught:
        async for _ in client.ingest.SubmitPlaylist(SubmitPlaylistRequest(url="https://example.org")):
            pass

    assert caught.value.reason == "UNAUTHENTICATED"
    assert "vidmesh token" in caught.value.advice


async def test_where_nothing_answers_the_endpoint_is_named(mesh: Any, client: AsyncClient) -> None:
    await mesh.stop()
    with pytest.raises(VidmeshError) as caught:
        await client.ingest.GetJob(GetJobRequest(job_id="job"))

    assert caught.value.message == f"Nothing answers at {mesh.endpoint}."
    assert caught.value.retryable
    assert "vidmesh up" in caught.value.advice


async def test_a_call_that_is_not_answered_ends_at_its_deadline(mesh: Any) -> None:
    async def never(request: GetJobRequest, context: Context) -> None:
        await asyncio.Event().wait()

    mesh.methods["GetJob"] = never
    async with AsyncClient(mesh.endpoint, deadline=timedelta(milliseconds=50)) as client:
        with pytest.raises(VidmeshError) as caught:
            await client.ingest.GetJob(GetJobRequest(job_id="job"))

    assert caught.value.reason == "DEADLINE_EXCEEDED"


async def test_a_list_is_read_through_all_its_pages(mesh: Any, client: AsyncClient) -> None:
    pages = {"": ("a b", "p2"), "p2": ("", "p3"), "p3": ("c", "")}

    async def list_jobs(request: ListJobsRequest, context: Context) -> ListJobsResponse:
        ids, following = pages[request.page_token]
        assert request.video_id == "v"
        return ListJobsResponse(jobs=[Job(id=one) for one in ids.split()], next_page_token=following)

    mesh.methods["ListJobs"] = list_jobs

    assert [job.id async for job in client.jobs(video_id="v")] == ["a", "b", "c"]


async def test_a_token_is_asked_for_before_each_call(mesh: Any) -> None:
    seen: list[str] = []

    async def get_job(request: GetJobRequest, context: Context) -> GetJobResponse:
        seen.append(dict(context.invocation_metadata())["authorization"])
        return GetJobResponse()

    async def token() -> str:
        return f"token-{len(seen)}"

    mesh.methods["GetJob"] = get_job
    async with AsyncClient(mesh.endpoint, token) as client:
        await client.job("j")
        await client.job("j")

    assert seen == ["Bearer token-0", "Bearer token-1"]


class Flaky:
    """Fails so often before it answers."""

    def __init__(self, failures: int, code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE) -> None:
        self._failures = failures
        self._code = code
        self.requests: list[Any] = []

    def __call__(self, response: Any) -> Any:
        async def act(request: Any, context: Context) -> Any:
            self.requests.append(request)
            if len(self.requests) <= self._failures:
                await context.abort(self._code, "not now")
            return response

        return act


async def test_what_may_be_repeated_is(mesh: Any, client: AsyncClient) -> None:
    reading, changing = Flaky(2), Flaky(2)
    mesh.methods |= {"GetJob": reading(GetJobResponse()), "RetryJob": changing(RetryJobResponse())}
    await client.job("j")
    await client.retry("j")

    assert len(reading.requests) == 3
    assert len({request.request_id for request in changing.requests}) == 1
    assert len(changing.requests) == 3


async def test_it_is_given_up_after_so_many_attempts(mesh: Any) -> None:
    flaky = Flaky(9)
    mesh.methods["GetJob"] = flaky(GetJobResponse())
    async with AsyncClient(mesh.endpoint, attempts=2) as client:
        with pytest.raises(VidmeshError, match="not now"):
            await client.job("j")
    assert len(flaky.requests) == 2


async def test_what_would_have_two_effects_or_the_same_end_is_sent_once(
    mesh: Any, client: AsyncClient
) -> None:
    writing, refused = Flaky(1), Flaky(1, grpc.StatusCode.INVALID_ARGUMENT)
    mesh.methods |= {"WriteUpload": writing(WriteUploadResponse()), "GetJob": refused(GetJobResponse())}
    with pytest.raises(VidmeshError):
        await client.ingest.WriteUpload(WriteUploadRequest(upload_id="u"))
    with pytest.raises(VidmeshError):
        await client.job("j")

    assert len(writing.requests) == len(refused.requests) == 1


@pytest.mark.parametrize(
    "endpoint", ["127.0.0.1:8080", "ftp://host", "http://", "http://host/path", "nonsense"]
)
async def test_what_is_no_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(ValueError, match="is no endpoint"):
        AsyncClient(endpoint)
