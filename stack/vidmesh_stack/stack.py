"""The mesh on this machine: its parts in the order in which they need each other."""

import asyncio
import os
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from vidmesh_runtime.ending import end
from vidmesh_runtime.identity import Identity
from vidmesh_runtime.scope import READ, WRITE
from vidmesh_stack.certificate import ensure_certificate, ensure_identities
from vidmesh_stack.descriptors import write_descriptors
from vidmesh_stack.edge import Edge
from vidmesh_stack.events import OnEvent, StackError, StackEvent
from vidmesh_stack.folder import Folder, RunningStack
from vidmesh_stack.gateway import Gateway
from vidmesh_stack.keeper import Keeper, Patience
from vidmesh_stack.keys import PRIVATE, ensure_keys, make_token
from vidmesh_stack.nats import OPERATOR, Nats
from vidmesh_stack.ports import free_port, require_free
from vidmesh_stack.postgres import Postgres
from vidmesh_stack.program import Program
from vidmesh_stack.service import Service
from vidmesh_stack.settings import StackSettings
from vidmesh_stack.web import built

TOKEN_TTL = timedelta(days=30)


class Stack:
    """Runs NATS, PostgreSQL, the services and the gateway for as long as its context is entered.

    Entering raises StackError where a part does not come up. A part that crashes later is started again; where that does
    not help, `wait` raises. Nothing that it started outlives it, in whatever way it ends.
    """

    patience = Patience()

    def __init__(self, settings: StackSettings, on_event: OnEvent | None = None) -> None:
        self._settings = settings
        self._listener = on_event
        self._folder = Folder(settings.data)
        self._resources = AsyncExitStack()
        self._keepers: dict[str, Keeper] = {}
        self._ready = False
        self._port = settings.port
        self._identities: Mapping[str, Identity] = {}
        self._nats: Nats | None = None
        self._postgres: Postgres | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._resources.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ready = False
        await self._resources.aclose()

    @property
    def endpoint(self) -> str:
        """Where clients connect, such as `http://127.0.0.1:8080`."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._settings.host, self._settings.host)  # noqa: S104
        secure = self._settings.certificate is not None or self._makes_certificate
        return f"{'https' if secure else 'http'}://{host}:{self._port}"

    @property
    def _makes_certificate(self) -> bool:
        return self._settings.tls and self._settings.certificate is None

    def nats_url(self, service: str | None = None) -> str:
        """The address of NATS for a service, or for the operator, who may do everything."""
        if self._nats is None:
            raise StackError("The stack was not started.")
        return self._nats.url(service)

    @property
    def identity(self) -> Identity | None:
        """Who may look after the services and NATS; None where they let in everybody on this machine who has a token or a password."""
        return self._identities.get(OPERATOR)

    @property
    def logs(self) -> Path:
        """The folder of the parts' logs, `<part>.log`."""
        return self._folder.logs

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the parts, in the order of their start."""
        return tuple(self._keepers)

    def postgres_dsn(self, role: str = "postgres") -> str:
        """The database's address for a role: a service's, such as `vidmesh_ingest`, or `postgres` for everything."""
        if self._postgres is None:
            raise StackError("The stack was not started.")
        return self._postgres.dsn(role)

    def token(
        self,
        tenant: str = "dev",
        subject: str = "developer",
        ttl: timedelta = timedelta(hours=1),
        scopes: Iterable[str] = (READ, WRITE),
    ) -> str:
        """A token that the mesh accepts."""
        return make_token(self._folder.keys, tenant=tenant, subject=subject, ttl=ttl, scopes=scopes)

    async def wait(self) -> None:
        """Wait, and raise StackError when a part crashes again and again and is given up."""
        watched = [asyncio.create_task(keeper.ended()) for keeper in self._keepers.values()]
        try:
            for ended in asyncio.as_completed(watched):
                await ended
        finally:
            for task in watched:
                task.cancel()

    def pid(self, name: str) -> int | None:
        """A part's process id while it runs."""
        return self._keeper(name).pid

    async def kill(self, name: str) -> None:
        """Kill a part (SIGKILL) and return when it is gone. It is started again at once: `answering` waits for that."""
        await self._keeper(name).kill()

    async def stop(self, name: str) -> None:
        """Stop a part in order and leave it so."""
        await self._keeper(name).stop()

    async def restart(self, name: str, env: Mapping[str, str] | None = None) -> None:
        """Stop a part in order, if it runs, start it, and wait until it answers. Its address stays the same.

        `env` is added to its environment for this life alone: after a crash it starts without.
        """
        await self._keeper(name).restart(env or {})

    async def answering(self, name: str) -> None:
        """Wait until a part answers."""
        await self._keeper(name).answering()

    async def _start(self) -> None:
        folder, settings = self._folder, self._settings
        folder.make()
        self._resources.enter_context(folder.held())
        if settings.services:
            require_free(settings.host, settings.port)
            self._port = settings.port or free_port(settings.host)
        jwks = ensure_keys(folder.keys)
        if settings.mutual_tls:
            parts = (*settings.services, "gateway", "nats", OPERATOR)
            self._identities = ensure_identities(folder.identities, dict.fromkeys(parts, ()))
        sockets = self._resources.enter_context(folder.sockets())
        self._nats = Nats(
            store=folder.nats,
            config=folder.run / "nats.json",
            log=folder.log("nats"),
            sync_interval=settings.nats_sync_interval,
            identity=self._identities.get("nats"),
        )
        self._postgres = Postgres(
            data=folder.postgres, sockets=sockets, run=folder.run, log=folder.log("postgres")
        )
        self._resources.push_async_callback(self._stop)
        descriptors = folder.run / "descriptors.binpb"
        await _together(
            self._run(self._nats.program()),
            self._start_postgres(self._postgres),
            asyncio.to_thread(write_descriptors, descriptors),
        )
        mesh = (
            [self._start_mesh(jwks=jwks, sockets=sockets, descriptors=descriptors)]
            if settings.services
            else []
        )
        await _together(self._postgres.settle(), *mesh)
        folder.write_token(self.token(ttl=TOKEN_TTL))
        self._ready = True
        self._write_state()
        watching = [asyncio.create_task(self._nats.recover(lambda: self.restart("nats")))]
        if settings.services:
            watching.append(asyncio.create_task(self._follow_keys(jwks)))
        self._resources.push_async_callback(end, watching)

    async def _follow_keys(self, jwks: Path) -> None:
        """Start the gateway anew whenever there are other keys: Envoy reads them at its start alone.

        The services read them by themselves, and clients come back to their watches. The developer's token is signed anew.
        """
        known = await asyncio.to_thread(jwks.stat)
        while True:
            await asyncio.sleep(1)
            with suppress(FileNotFoundError, StackError):
                if (now := await asyncio.to_thread(jwks.stat)).st_mtime_ns != known.st_mtime_ns:
                    known = now
                    await self.restart("gateway")
                    self._folder.write_token(self.token(ttl=TOKEN_TTL))

    async def _start_postgres(self, postgres: Postgres) -> None:
        await postgres.prepare()
        await self._run(postgres.program())
        await postgres.create_database()

    async def _start_mesh(self, *, jwks: Path, sockets: Path, descriptors: Path) -> None:
        backends: dict[str, list[int]] = {}
        programs: list[Program] = []
        metrics: dict[str, int] = {}
        for name, module in self._settings.services.items():
            for number in range(1, self._settings.scale.get(name, 1) + 1):
                part = name if number == 1 else f"{name}-{number}"
                port = free_port()
                backends.setdefault(name, []).append(port)
                env = self._environment(name, part, jwks)
                if self._settings.metrics:
                    metrics[part] = free_port()
                    env["VIDMESH_METRICS_LISTEN"] = f"127.0.0.1:{metrics[part]}"
                service = Service(
                    part=part,
                    module=module,
                    port=port,
                    env=env,
                    log=self._folder.log(part),
                    grace=self._settings.grace,
                    operator=self.identity,
                )
                programs.append(service.program())
        if self._settings.metrics:
            metrics["gateway"] = free_port()
            self._folder.write_metrics(metrics)
        certificate = self._settings.certificate
        if self._makes_certificate:
            certificate = ensure_certificate(self._folder.tls, self._settings.host)
        edge = Edge(
            host=self._settings.host,
            port=self._port,
            admin_socket=sockets / "envoy.sock",
            jwks=jwks,
            descriptors=descriptors,
            backends=backends,
            origins=self._settings.origins,
            rate=self._settings.rate,
            web=built(),
            certificate=certificate,
            identity=self._identities.get("gateway"),
            metrics=metrics.get("gateway"),
            inside=sockets / "edge.sock" if certificate else None,
        )
        gateway = Gateway(edge, config=self._folder.run / "envoy.json", log=self._folder.log("gateway"))
        await _together(*(self._run(program) for program in (*programs, gateway.program())))
        await gateway.reach(backends)

    def _environment(self, name: str, part: str, jwks: Path) -> dict[str, str]:
        """What a process of a service is told, over what this process was told itself."""
        private = self._folder.of_service(part)
        private.mkdir(parents=True, exist_ok=True, mode=0o700)
        told = {
            # Threads that allocate in arenas of their own cost memory that a machine with other things to do misses.
            "MALLOC_ARENA_MAX": "2",
            "OPENBLAS_NUM_THREADS": "1",
            **os.environ,
        }
        # One port is none for several processes: `StackSettings.metrics` gives each its own.
        told.pop("VIDMESH_METRICS_LISTEN", None)
        if told.pop("PYTHONDONTWRITEBYTECODE", ""):
            # Compiled modules halve a service's start; where they are unwelcome beside the sources, they go here.
            told["PYTHONPYCACHEPREFIX"] = str(self._folder.root / "pycache")
        return {
            **told,
            "VIDMESH_DATABASE_URL": self.postgres_dsn(f"vidmesh_{name}"),
            "VIDMESH_NATS_URL": self.nats_url(name),
            "VIDMESH_MEDIA_URL": self._folder.media.as_uri(),
            "VIDMESH_JWKS_PATH": str(jwks),
            "VIDMESH_DATA_DIR": str(private),
            # An upload that one process of ingest has begun is gone on with, and read, by any of them.
            "VIDMESH_UPLOADS_DIR": str(self._folder.of_service("ingest") / "uploads"),
            **({"VIDMESH_SIGNING_KEY_PATH": str(jwks.with_name(PRIVATE))} if name == "ingest" else {}),
            **_told_of(self._identities.get(name)),
            "VIDMESH_GRACE": f"PT{self._settings.grace:g}S",
            **self._settings.env,
        }

    async def _run(self, program: Program) -> None:
        keeper = self._keepers[program.name] = Keeper(program, self._tell, self.patience)
        await keeper.start()

    async def _stop(self) -> None:
        """Stop callers before what they call: the gateway, the services, and what they keep their state in."""
        base = {"nats", "postgres"}
        services = [name for name in self._keepers if name not in {*base, "gateway"}]
        for names in (["gateway"], services, base):
            stops = (self._keepers[name].stop() for name in names if name in self._keepers)
            await asyncio.gather(*stops)

    def _tell(self, event: StackEvent) -> None:
        self._write_state()
        if self._listener is not None:
            self._listener(event)

    def _write_state(self) -> None:
        pids = {name: keeper.pid for name, keeper in self._keepers.items()}
        state = RunningStack(
            pid=os.getpid(),
            endpoint=self.endpoint,
            token_path=str(self._folder.token),
            processes={name: pid for name, pid in pids.items() if pid is not None},
            ready=self._ready,
            authority_path=str(self._folder.authority) if self._makes_certificate else "",
        )
        self._folder.write_state(state)

    def _keeper(self, name: str) -> Keeper:
        if name not in self._keepers:
            raise StackError(f"There is no part {name!r}; there are {', '.join(self._keepers)}.")
        return self._keepers[name]


def _told_of(identity: Identity | None) -> dict[str, str]:
    if identity is None:
        return {}
    return {
        "VIDMESH_TLS_CERTIFICATE": str(identity.certificate),
        "VIDMESH_TLS_KEY": str(identity.key),
        "VIDMESH_TLS_AUTHORITY": str(identity.authority),
    }


async def _together(*work: Coroutine[None, None, None]) -> None:
    """Run all at once; the first that fails ends the others, and its error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
