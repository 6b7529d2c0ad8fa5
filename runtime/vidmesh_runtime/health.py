"""`python -m vidmesh_runtime.health [ADDRESS]`: exit 0 where the service there is ready. For containers' health checks."""

import os
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from vidmesh_runtime.identity import Identity, IdentitySettings


def is_ready(
    address: str, *, timeout: float = 3, through: str = "", identity: Identity | None = None
) -> bool:
    """Whether the service at "host:port" says that it is serving. Blocks for at most `timeout` seconds.

    `through`: the name of the service to ask for, where a gateway listens at the address. `identity`: who asks, where the
    service answers nobody else.

    It is for threads, not for an event loop: several loops with calls in one process can lose or break each other's
    (https://github.com/grpc/grpc/issues/25364), and who watches over services must not disturb a caller's own.
    """
    metadata = (("x-vidmesh-service", through),) if through else ()
    opened = (
        grpc.secure_channel(address, identity.for_channel()) if identity else grpc.insecure_channel(address)
    )
    with opened as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=timeout, metadata=metadata
            )
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


if __name__ == "__main__":
    listen = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("VIDMESH_LISTEN", "127.0.0.1:50051")
    near = listen.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - no bind, a look
    sys.exit(0 if is_ready(near, identity=IdentitySettings().identity) else 1)
