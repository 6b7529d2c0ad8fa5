"""Backups of the mesh on this machine, and bringing them back."""

import asyncio
import time
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from vidmesh_cli.exit_code import ExitCode
from vidmesh_cli.output import Output
from vidmesh_cli.starting import readable
from vidmesh_cli.units import counted, size, span
from vidmesh_stack.backup import Manifest, back_up
from vidmesh_stack.folder import Folder
from vidmesh_stack.restore import restore as fill


async def backup(output: Output, data: Path, file: Path | None) -> ExitCode:
    """Write a backup."""
    began = time.monotonic()
    out = file or Path(f"vidmesh-{datetime.now().astimezone():%Y%m%d-%H%M%S}.tar")
    manifest = await back_up(Folder(data), out)
    if output.json_lines:
        output.result({"file": readable(out.absolute()), **asdict(manifest)})
        return ExitCode.OK
    whole = (await asyncio.to_thread(out.stat)).st_size
    output.say(
        f"{readable(out.absolute())}: {size(whole)} in {span(time.monotonic() - began)}; {_holds(manifest)}."
    )
    output.hint(
        (f"vidmesh restore {readable(out.absolute())} --data FOLDER", "bring it back, into an empty folder")
    )
    return ExitCode.OK


async def restore(output: Output, data: Path, file: Path) -> ExitCode:
    """Bring a backup back."""
    began = time.monotonic()
    manifest = await fill(Folder(data), file)
    if output.json_lines:
        output.result({"data": readable(Folder(data).root), **asdict(manifest)})
        return ExitCode.OK
    output.say(
        f"Restored what was on {manifest.created}, in {span(time.monotonic() - began)}; {_holds(manifest)}."
    )
    output.hint((output.typed("vidmesh up --detach"), "go on with it"))
    return ExitCode.OK


def _holds(manifest: Manifest) -> str:
    rows = counted(sum(manifest.rows.values()), "rows")
    objects = counted(manifest.files["media"], "objects")
    return f"{rows}, {objects} of media ({size(manifest.bytes['media'])}), the index and the keys"
