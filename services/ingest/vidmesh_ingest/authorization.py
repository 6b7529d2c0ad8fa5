"""What an API key stands for, told to the gateway before it looks at the token (Envoy's external authorization, v3)."""

from datetime import timedelta
from pathlib import Path

import grpc
from google.rpc.code_pb2 import OK, UNAUTHENTICATED
from joserfc.jwk import ECKey

from vidmesh.edge.v1.authorization_pb2 import (
    Admitted,
    CheckRequest,
    CheckResponse,
    Denied,
    Header,
    HeaderOption,
    HttpStatus,
    Verdict,
)
from vidmesh_ingest.api_keys import ApiKey, key_of
from vidmesh_runtime.auth import Reread, mint
from vidmesh_runtime.database import Pool
from vidmesh_runtime.server import Context

TTL = timedelta(minutes=1)
"""How long the token is valid that a call goes on with: it is looked at when the call begins."""
SCHEME = "Bearer "
SERVICE = "envoy.service.auth.v3.Authorization"
OVERWRITE = 2
"""`OVERWRITE_IF_EXISTS_OR_ADD` of Envoy's HeaderAppendAction."""


class Signer:
    """Signs tokens with the private key in a file, which is read again whenever it changes."""

    def __init__(self, path: Path | None, *, issuer: str, audience: str) -> None:
        self._path = path
        self._key = Reread(path, ECKey.import_key) if path is not None else None
        self._issuer = issuer
        self._audience = audience

    @property
    def is_there(self) -> bool:
        """Whether there is a key to sign with."""
        return self._path is not None and self._path.is_file()

    def token(self, key: ApiKey) -> str:
        """What a call goes on with that came with an API key."""
        assert self._key is not None
        return mint(
            self._key.now(),
            tenant=key.tenant,
            subject=f"key:{key.id}",
            ttl=TTL,
            scopes=key.scopes,
            issuer=self._issuer,
            audience=self._audience,
        )


class Authorization:
    """Puts a token that lives for a minute in the place of an API key."""

    def __init__(self, pool: Pool, signer: Signer) -> None:
        self._pool = pool
        self._signer = signer

    def register(self, server: grpc.aio.Server) -> None:
        """Answer Envoy on a server."""
        check = grpc.unary_unary_rpc_method_handler(
            self._check,
            request_deserializer=CheckRequest.FromString,
            response_serializer=CheckResponse.SerializeToString,
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Check": check}),))

    async def _check(self, request: CheckRequest, context: Context) -> CheckResponse:
        sent = request.attributes.request.http.headers["authorization"]
        key = await key_of(self._pool, sent.removeprefix(SCHEME)) if sent.startswith(SCHEME) else None
        if key is None or not self._signer.is_there:
            return CheckResponse(
                status=Verdict(code=UNAUTHENTICATED), denied_response=Denied(status=HttpStatus(code=401))
            )
        header = Header(key="authorization", value=f"{SCHEME}{self._signer.token(key)}")
        return CheckResponse(
            status=Verdict(code=OK),
            ok_response=Admitted(headers=[HeaderOption(header=header, append_action=OVERWRITE)]),
        )
