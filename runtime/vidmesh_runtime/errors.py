"""The one error hierarchy, and how a reason decides everything else about it."""

from datetime import timedelta

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from vidmesh.errors.v1 import error_reason_pb2, failure_pb2
from vidmesh.errors.v1.error_reason_pb2 import ErrorReason

DOMAIN = "vidmesh"
LONGEST = 500
"""The most characters of a message, and of each of its particulars. Errors travel in HTTP trailers: larger ones than a proxy
takes would make it close the connection, and so end every call on it."""
_PREFIX = "ERROR_REASON_"
_CODES = {code.value[0]: code for code in grpc.StatusCode}


def handling(reason: ErrorReason.ValueType) -> error_reason_pb2.Handling:
    """The handling that the proto file gives a reason."""
    options = ErrorReason.DESCRIPTOR.values_by_number[reason].GetOptions()
    return options.Extensions[error_reason_pb2.handling]


class Failure(Exception):
    """Something that can go wrong and is documented: raise it with a reason and a message that is safe to show.

    `metadata` are further particulars for programs, such as `field="source"`.
    """

    def __init__(
        self,
        reason: ErrorReason.ValueType,
        message: str = "",
        *,
        retry_after: timedelta | None = None,
        **metadata: str,
    ) -> None:
        self.reason = reason
        self.message = _short(message or handling(reason).title)
        self.retry_after = retry_after
        self.metadata = {name: _short(value) for name, value in metadata.items()}
        super().__init__(f"{self.name}: {self.message}")

    @property
    def name(self) -> str:
        """The reason's name without prefix, such as "LIVE_VIDEO"."""
        return ErrorReason.Name(self.reason).removeprefix(_PREFIX)

    @property
    def code(self) -> grpc.StatusCode:
        """The gRPC status code."""
        return _CODES[handling(self.reason).code]

    @property
    def retryable(self) -> bool:
        """Whether the same may succeed later by itself."""
        return handling(self.reason).retryable

    def to_proto(self) -> failure_pb2.Failure:
        """The failure as events and resources carry it."""
        told = handling(self.reason)
        failure = failure_pb2.Failure(
            reason=self.reason, message=self.message, advice=told.advice, retryable=told.retryable
        )
        if self.retry_after is not None:
            failure.retry_after.FromTimedelta(self.retry_after)
        return failure

    def to_status(self) -> status_pb2.Status:
        """The failure as a gRPC status with details."""
        told = handling(self.reason)
        info = error_details_pb2.ErrorInfo(
            reason=self.name,
            domain=DOMAIN,
            metadata={
                "advice": told.advice,
                "retryable": "true" if told.retryable else "false",
                **self.metadata,
            },
        )
        status = status_pb2.Status(code=told.code, message=self.message, details=[_packed(info)])
        if self.retry_after is not None:
            delay = duration_pb2.Duration()
            delay.FromTimedelta(self.retry_after)
            status.details.append(_packed(error_details_pb2.RetryInfo(retry_delay=delay)))
        return status


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _packed(message: error_details_pb2.ErrorInfo | error_details_pb2.RetryInfo) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def invalid(field: str, message: str) -> Failure:
    """The failure of a request whose field is missing or malformed."""
    return Failure(ErrorReason.ERROR_REASON_INVALID_FIELD, message, field=field)


def not_found(kind: str, identifier: str) -> Failure:
    """The failure of asking for what the caller does not have, whoever else may."""
    return Failure(
        ErrorReason.ERROR_REASON_NOT_FOUND, f"You have no {kind} {identifier}.", kind=kind, id=identifier
    )
