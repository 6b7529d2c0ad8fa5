"""A backup that is made while jobs run is brought back into an empty folder, and what was under way goes on there."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.conftest import Backstage
from tests.faults import counted
from tests.faults.mesh import Mesh, running
from tests.faults.reckoning import Reckoning
from tests.faults.talks import Speaker, until_told
from vidmesh.ingest.v1.ingest_service_pb2 import (
    CompleteUploadRequest,
    CreateUploadRequest,
    WriteUploadRequest,
)


async def command(*words: str) -> dict[str, Any]:
    """Run the command; its result."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vidmesh_cli", *words, "--json"), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out
    result: dict[str, Any] = json.loads(out.splitlines()[-1])["result"]
    return result


async def test_a_backup_made_while_jobs_run_is_brought_back_whole(
    speaker: Speaker, mesh: Mesh, backstage: Backstage, tenant: str, tmp_path: Path
) -> None:
    ended = await speaker.speak(20)
    await until_told(ended, "job_ended")
    content = counted.write(tmp_path / "half.wav", 5_000_000, 20).read_bytes()
    request = CreateUploadRequest(filename="half.wav", size_bytes=len(content))
    upload = (await speaker.client.ingest.CreateUpload(request)).upload
    half = len(content) // 2
    await speaker.client.ingest.WriteUpload(
        WriteUploadRequest(upload_id=upload.id, offset=0, data=content[:half])
    )
    hits = [hit.passage_id async for hit in speaker.client.search("they counted by the river")]
    with tempfile.TemporaryDirectory(prefix="vm-", dir="/tmp") as empty:
        async with speaker.held(60, share=0.5) as (one, let_go):
            await until_told(one, "window_transcribed", 2)
            others = [await speaker.speak(40) for _ in range(2)]
            made = await command("backup", str(tmp_path / "all.tar"), "--data", str(mesh.data))
            let_go()
            assert await Reckoning(mesh, speaker.client, tenant).reckon([one, *others, ended]) == [], (
                "it went on as if nothing had been"
            )
            back = await command("restore", str(tmp_path / "all.tar"), "--data", empty)
            assert {key: back[key] for key in made if key != "file"} == {
                key: made[key] for key in made if key != "file"
            }
            assert made["rows"]["ingest.job"] >= 4
            with running(backstage, data=Path(empty)) as other:
                await goes_on(other, tenant, [one, *others, ended], hits)
                async with other.client(tenant) as client:
                    await client.ingest.WriteUpload(
                        WriteUploadRequest(upload_id=upload.id, offset=half, data=content[half:])
                    )
                    complete = CompleteUploadRequest(upload_id=upload.id)
                    assert (await client.ingest.CompleteUpload(complete)).upload.sha256


async def goes_on(mesh: Mesh, tenant: str, jobs: list[Any], hits: list[str]) -> None:
    """Every job ends in the other mesh as in the first one, and what was found is found by the same ids."""
    for one in jobs:
        one.watching = None
    async with mesh.client(tenant) as client:
        assert await Reckoning(mesh, client, tenant).reckon(jobs) == []
        found = [hit.passage_id async for hit in client.search("they counted by the river")]
        assert set(hits) <= set(found)
    assert "are not in the index of vectors" not in mesh.logged("query")
