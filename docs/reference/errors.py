"""errors.md, from proto/vidmesh/errors."""

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh_runtime.errors import Failure, handling


def errors() -> str:
    """The page of reasons."""
    lines = [
        "# Errors",
        "",
        "Made from `proto/vidmesh/errors/v1/error_reason.proto` by `make docs`.",
        "",
        "A failed call carries `google.rpc.ErrorInfo` in its status details: `domain` is `vidmesh`, `reason` one of those below,",
        "`metadata` has at least `advice` and `retryable`. A failed stage of a job carries the same as `vidmesh.errors.v1.Failure`.",
        "JSON answers have them under `details`. What may succeed later by itself is retried by vidmesh before it is told;",
        "the rest is told at once.",
        "",
        "| reason | gRPC code | try again | what it means | what to do |",
        "|---|---|---|---|---|",
    ]
    for reason in ErrorReason.values():
        if reason:
            failure, told = Failure(reason), handling(reason)
            again = "yes" if failure.retryable else "no"
            lines.append(
                f"| `{failure.name}` | {failure.code.name} | {again} | {told.title} | {told.advice} |"
            )
    return "\n".join(lines) + "\n"
