"""Every reason is documented well enough to act on."""

import grpc
import pytest

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh_runtime.errors import Failure, handling

REASONS = [value for value in ErrorReason.values() if value]


@pytest.mark.parametrize("reason", REASONS, ids=[ErrorReason.Name(reason) for reason in REASONS])
def test_a_reason_has_a_code_a_title_and_advice(reason: ErrorReason.ValueType) -> None:
    told = handling(reason)
    assert Failure(reason).code is not grpc.StatusCode.OK
    assert told.title.endswith(".")
    assert told.advice.endswith(".")
