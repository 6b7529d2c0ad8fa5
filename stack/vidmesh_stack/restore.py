"""Bringing a backup into an empty data folder. What was under way in it goes on when the stack is started there."""

import asyncio
import json
import tarfile
from pathlib import Path

import asyncpg

from vidmesh_stack.backup import (
    DUMP,
    FORMAT,
    MANIFEST,
    Manifest,
    count_rows,
    database_address,
    files,
    places_of,
    run_tool,
)
from vidmesh_stack.events import StackError
from vidmesh_stack.folder import Folder
from vidmesh_stack.settings import StackSettings
from vidmesh_stack.stack import Stack


async def restore(folder: Folder, backup: Path) -> Manifest:
    """Fill an empty folder from a backup, and make sure that all of it is there.

    Raises StackError where the folder holds something, or the backup is none or not whole.
    """
    if folder.running() is not None:
        raise StackError(
            f"A vidmesh runs on {folder.root}; stop it with `vidmesh down`, or give another folder."
        )
    held = [place for place in (folder.postgres, *places_of(folder).values()) if files(place)]
    if held:
        raise StackError(f"{held[0]} holds something already; give an empty folder with `--data DIR`.")
    try:
        manifest = await asyncio.to_thread(_unpack, backup, folder)
    except (OSError, tarfile.TarError, ValueError, KeyError, TypeError) as error:
        raise StackError(f"{backup} is no backup that can be read: {error}.") from error
    _compare_files(manifest, folder)
    dump = folder.root / DUMP
    try:
        async with Stack(StackSettings(data=folder.root, services={})):
            await run_tool(
                "pg_restore",
                f"--dbname={database_address(folder)}",
                "--clean",
                "--if-exists",
                "--exit-on-error",
                "--single-transaction",
                str(dump),
            )
            connection = await asyncpg.connect(database_address(folder))
            try:
                rows = await count_rows(connection)
            finally:
                await connection.close()
    finally:
        dump.unlink(missing_ok=True)
    _compare_rows(manifest, rows)
    return manifest


def read_manifest(backup: Path) -> Manifest:
    """What a backup says of itself. Raises ValueError, KeyError and tarfile.TarError for what is none."""
    with tarfile.open(backup) as tar:
        return _manifest(tar)


def _manifest(tar: tarfile.TarFile) -> Manifest:
    entry = tar.next()
    content = tar.extractfile(entry) if entry is not None and entry.name == MANIFEST else None
    if content is None:
        raise ValueError("it does not begin with a manifest")
    manifest = Manifest(**json.load(content))
    if manifest.format != FORMAT:
        raise ValueError(f"its format is {manifest.format}, this version reads {FORMAT}")
    return manifest


def _unpack(backup: Path, folder: Folder) -> Manifest:
    places = places_of(folder)
    folder.make()
    with tarfile.open(backup) as tar:
        manifest = _manifest(tar)
        while entry := tar.next():
            kind, _, rest = entry.name.partition("/")
            target = folder.root / DUMP if entry.name == DUMP else places[kind] / rest
            # A name that leads elsewhere is refused, and whatever is no plain file.
            if not entry.isfile() or not target.resolve().is_relative_to(folder.root.resolve()):
                raise ValueError(f"{entry.name} does not belong in it")
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            content = tar.extractfile(entry)
            assert content is not None
            with target.open("xb") as file:
                target.chmod(0o600)
                while data := content.read(1 << 20):
                    file.write(data)
    return manifest


def _compare_rows(manifest: Manifest, rows: dict[str, int]) -> None:
    """Raises StackError where the database is not what was backed up."""
    if rows != dict(manifest.rows):
        wrong = {name for name in {*rows, *manifest.rows} if rows.get(name) != manifest.rows.get(name)}
        raise StackError(f"The database is not what was backed up: {', '.join(sorted(wrong))} differ.")


def _compare_files(manifest: Manifest, folder: Folder) -> None:
    """Raises StackError where files are missing or are not whole."""
    for kind, place in places_of(folder).items():
        found = files(place)
        if (len(found), sum(one.stat().st_size for one in found)) != (
            manifest.files[kind],
            manifest.bytes[kind],
        ):
            raise StackError(f"{place} is not what was backed up.")
