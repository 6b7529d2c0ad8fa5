"""Copies of all that a stack holds, in one file: the database, the media store, uploads on their way, the index, the keys.

The copy is of one moment, while jobs run. The services stand still for it, as long as it takes to link their files and to begin
a snapshot of the database; what takes time is done when they go on. NATS is left out: a new one is filled from the database.
"""

import asyncio
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import asyncpg

from vidmesh_stack.events import StackError
from vidmesh_stack.folder import Folder
from vidmesh_stack.postgres import DATABASE, SUPERUSER, binaries
from vidmesh_stack.service import SERVICES
from vidmesh_stack.standstill import held_still

FORMAT = 1
MANIFEST, DUMP = "manifest.json", "postgres.dump"
_COUNT = "select count(*) from {}"
_TABLES = """
select table_schema || '.' || table_name as name, format('%I.%I', table_schema, table_name) as quoted
from information_schema.tables where table_schema = any($1) and table_type = 'BASE TABLE' order by 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is in a backup."""

    format: int
    created: str
    """When its moment was, as RFC 3339."""
    rows: Mapping[str, int]
    """How many rows each table has."""
    files: Mapping[str, int]
    """How many files there are of each kind: "media", "uploads", "index", "keys"."""
    bytes: Mapping[str, int]
    """How many bytes they are."""


async def back_up(folder: Folder, out: Path) -> Manifest:
    """Write a backup of the stack that runs on a folder. Raises StackError where none does, or where `out` is there."""
    running = folder.running()
    if running is None or not running.ready:
        raise StackError(
            f"No vidmesh runs on {folder.root}; a backup needs its database: `vidmesh up --detach`."
        )
    if await asyncio.to_thread(out.exists):
        raise StackError(f"{out} is there already; name another file.")
    partial = out.with_name(out.name + ".partial")
    pids = [pid for part, pid in running.processes.items() if part.partition("-")[0] in SERVICES]
    try:
        with tempfile.TemporaryDirectory(dir=folder.root, prefix=".backup-") as beside:
            stage = Path(beside)
            async with _snapshot(folder, pids, stage) as (connection, snapshot, places):
                created = datetime.now(UTC).isoformat(timespec="seconds")
                await _dump(folder, snapshot, stage / DUMP)
                rows = await count_rows(connection)
                manifest = Manifest(
                    format=FORMAT,
                    created=created,
                    rows=rows,
                    files={kind: len(files(place)) for kind, place in places.items()},
                    bytes={
                        kind: sum(one.stat().st_size for one in files(place))
                        for kind, place in places.items()
                    },
                )
                await asyncio.to_thread(_pack, partial, manifest, stage / DUMP, places)
        partial.rename(out)
    except OSError as error:
        raise StackError(f"The backup was not written: {error.strerror or error}.") from error
    finally:
        partial.unlink(missing_ok=True)
    return manifest


async def count_rows(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, int]:
    """How many rows each table of the services has."""
    tables = await connection.fetch(_TABLES, list(SERVICES))
    return {row["name"]: await connection.fetchval(_COUNT.format(row["quoted"])) for row in tables}


def places_of(folder: Folder) -> dict[str, Path]:
    """Where each kind of file is in a data folder."""
    return {
        "media": folder.media,
        "uploads": folder.of_service("ingest") / "uploads",
        "index": folder.of_service("query"),
        "keys": folder.keys,
    }


def files(place: Path) -> list[Path]:
    """All files below a place, in order."""
    return sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else []


@asynccontextmanager
async def _snapshot(
    folder: Folder, pids: list[int], stage: Path
) -> AsyncIterator[tuple["asyncpg.Connection[asyncpg.Record]", str, dict[str, Path]]]:
    """A connection in a transaction of one moment, the name of its snapshot, and the files of that moment."""
    places = places_of(folder)
    connection = await asyncpg.connect(database_address(folder))
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            with _linked(places["media"]) as media:
                with held_still(pids):
                    snapshot = await connection.fetchval("select pg_export_snapshot()")
                    await asyncio.to_thread(_link, places["media"], media)
                    # Uploads grow at their ends alone, and beyond what the snapshot knows of them nobody looks.
                    await asyncio.to_thread(_link, places["uploads"], stage / "uploads")
                    # The index is written in place.
                    for kind in ("index", "keys"):
                        await asyncio.to_thread(_copy, places[kind], stage / kind)
                yield connection, snapshot, {kind: stage / kind for kind in places} | {"media": media}
    finally:
        await connection.close()


def database_address(folder: Folder, role: str = SUPERUSER) -> str:
    """The address of the database of the stack that runs on a folder."""
    return f"postgresql://{role}@/{DATABASE}?host={quote(str(folder.sockets_at), safe='/')}"


@contextmanager
def _linked(media: Path) -> Iterator[Path]:
    """A folder for links to media: inside of it, for it may be a disk of its own."""
    place = media / f".backup-{os.getpid()}"
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _link(source: Path, target: Path) -> None:
    for path in files(source):
        if not path.relative_to(source).parts[0].startswith(".backup-"):
            link = target / path.relative_to(source)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.hardlink_to(path)


def _copy(source: Path, target: Path) -> None:
    for path in files(source):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


async def _dump(folder: Folder, snapshot: str, out: Path) -> None:
    await run_tool(
        "pg_dump",
        f"--dbname={database_address(folder)}",
        f"--snapshot={snapshot}",
        "--format=custom",
        *(f"--schema={service}" for service in SERVICES),
        f"--file={out}",
    )


async def run_tool(name: str, *words: str) -> None:
    """Run one of PostgreSQL's programs. Raises StackError with what it says where it fails."""
    process = await asyncio.create_subprocess_exec(
        str(binaries() / name), *words, stderr=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL
    )
    _, told = await process.communicate()
    if process.returncode:
        raise StackError(f"{name} failed: {told.decode(errors='replace').strip()}")


def _pack(out: Path, manifest: Manifest, dump: Path, places: Mapping[str, Path]) -> None:
    """Write the file. It holds the keys that tokens are signed with: it is for its owner alone."""
    with out.open("xb") as raw:
        out.chmod(0o600)
        with tarfile.open(fileobj=raw, mode="w") as tar:
            told = json.dumps(asdict(manifest), indent=1).encode()
            entry = tarfile.TarInfo(MANIFEST)
            entry.size = len(told)
            tar.addfile(entry, io.BytesIO(told))
            tar.add(dump, DUMP)
            for kind, place in places.items():
                for path in files(place):
                    tar.add(path, f"{kind}/{path.relative_to(place)}")
        raw.flush()
        os.fsync(raw.fileno())
