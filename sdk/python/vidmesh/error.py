"""The one error that calls to vidmesh raise."""

from collections.abc import Mapping
from datetime import timedelta

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from vidmesh.errors.v1 import error_reason_pb2

DOMAIN = "vidmesh"
_DETAILS = "grpc-status-details-bin"
_NO_SERVER = (
    "failed to connect",
    "connection refused",
    "dns resolution failed",
    "connections to all backends failing",
)
# What a connection that is cut in the middle of a call is told as.
_TORN = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED})


class VidmeshError(Exception):
    """A call to vidmesh failed.

    `reason` is a name of `vidmesh.errors.v1.ErrorReason` without its prefix, such as "LIVE_VIDEO", or the name of the gRPC
    status where the answer did not come from vidmesh's services. `advice` says what to do, in a sentence; `retryable`
    whether the same call may succeed later, and `retry_after` how long to wait before that, where it is known.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        code: grpc.StatusCode,
        advice: str = "",
        retryable: bool = False,
        retry_after: timedelta | None = None,
        metadata: Mapping[str, str] | None = None,
        told: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.code = code
        self.advice = advice
        self.retryable = retryable
        self.retry_after = retry_after
        self.metadata = dict(metadata or {})
        self.told: bool = told
        """Whether one of vidmesh's services told it, rather than the connection or the gateway."""


def from_rpc(error: grpc.aio.AioRpcError, endpoint: str) -> VidmeshError:
    """Turn a failed call's status into a VidmeshError; `endpoint` is named where nothing answers there."""
    details = _details(error)
    if details is None:
        return _untold(error, endpoint)
    info, retry_after = details
    metadata = dict(info.metadata)
    advice = metadata.pop("advice", "") or _handling(info.reason).advice
    retryable = metadata.pop("retryable", "") == "true"
    return VidmeshError(
        error.details() or _handling(info.reason).title,
        reason=info.reason,
        code=error.code(),
        advice=advice,
        retryable=retryable,
        retry_after=retry_after,
        metadata=metadata,
        told=True,
    )


def _details(error: grpc.aio.AioRpcError) -> tuple[error_details_pb2.ErrorInfo, timedelta | None] | None:
    """Read the ErrorInfo and the delay of RetryInfo; None where vidmesh did not tell the reason."""
    packed = next((value for key, value in error.trailing_metadata() if key == _DETAILS), None)
    if not isinstance(packed, bytes):
        return None
    try:
        status = status_pb2.Status.FromString(packed)
    except DecodeError:
        return None
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    retry_after = None
    for detail in status.details:
        detail.Unpack(info)
        if detail.Unpack(retry):
            retry_after = retry.retry_delay.ToTimedelta()
    return (info, retry_after) if info.domain == DOMAIN and info.reason else None


def _untold(error: grpc.aio.AioRpcError, endpoint: str) -> VidmeshError:
    """Name what the connection or the gateway answered."""
    code, text = error.code(), error.details() or ""
    if code is grpc.StatusCode.UNAVAILABLE and any(sign in text.lower() for sign in _NO_SERVER):
        message = f"Nothing answers at {endpoint}."
        advice = "Start the mesh with `vidmesh up`, or correct the endpoint."
        return VidmeshError(message, reason="UNAVAILABLE", code=code, advice=advice, retryable=True)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        message = f"{endpoint} did not answer in time."
        advice = "Try again; `vidmesh doctor` tells which part is slow or down."
        return VidmeshError(message, reason=code.name, code=code, advice=advice, retryable=True)
    if code in _TORN:
        message = f"The connection to {endpoint} broke off."
        return VidmeshError(
            message,
            reason=code.name,
            code=code,
            advice="Try again.",
            retryable=True,
            metadata={"detail": text},
        )
    handling = _handling(code.name)
    message = (
        f"{handling.title or 'The call failed.'} ({code.name}: {text})"
        if text
        else handling.title or code.name
    )
    return VidmeshError(
        message, reason=code.name, code=code, advice=handling.advice, retryable=handling.retryable
    )


def _handling(reason: str) -> error_reason_pb2.Handling:
    """Give what the API says about a reason; an empty message for one that it does not name."""
    value = error_reason_pb2.ErrorReason.DESCRIPTOR.values_by_name.get(f"ERROR_REASON_{reason}")
    if value is None:
        return error_reason_pb2.Handling()
    return value.GetOptions().Extensions[error_reason_pb2.handling]
