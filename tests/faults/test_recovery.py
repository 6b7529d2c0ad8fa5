"""What was given up and what was lost is brought back by whoever runs the mesh: dead letters, and the search index."""

import asyncio
import json
import os
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import qdrant_edge as edge

from tests.faults import counted
from tests.faults.mesh import Mesh
from tests.faults.reckoning import Accepted, Reckoning, files
from tests.faults.soak.deeds import empty_folder
from tests.faults.talks import Speaker, until_told
from vidmesh.client import AsyncClient
from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.events.v1.dead_letter_pb2 import DeadLetter
from vidmesh.events.v1.ingest_events_pb2 import WindowReady
from vidmesh.events.v1.stage_pb2 import STAGE_TRANSCRIBE
from vidmesh.ingest.v1.job_pb2 import JOB_STATE_FAILED, JOB_STATE_SUCCEEDED
from vidmesh_runtime.bus import event_subject
from vidmesh_runtime.events import event_headers


async def command(mesh: Mesh, tenant: str, *words: str) -> list[Any]:
    """Run the command; what it prints as JSON."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("VIDMESH_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vidmesh_cli", *words, "--json"),
        env=env | {"VIDMESH_ENDPOINT": mesh.stack.endpoint, "VIDMESH_TOKEN": mesh.token(tenant)},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out
    return [json.loads(line) for line in out.splitlines()]


async def letters(client: AsyncClient, count: int) -> list[DeadLetter]:
    """The caller's dead letters, as soon as there are so many."""
    async with asyncio.timeout(30):
        while len(found := [letter async for letter in client.dead_letters()]) != count:
            await asyncio.sleep(0.1)
    return found


async def test_work_that_was_given_up_is_read_and_done_after_all(
    speaker: Speaker, client: AsyncClient, mesh: Mesh, tenant: str
) -> None:
    async with speaker.held(20, share=0.6) as (one, let_go):
        with mesh.frozen("transcribe"):
            (ready,) = [event.window_ready for event in await until_told(one, "window_ready")]
            sound = mesh.media / ready.media_key
            aside = sound.rename(mesh.media / "aside")
            let_go()
        await until_told(one, "job_ended", within=30)
    (letter,) = await letters(client, 1)
    assert (letter.kind, letter.stage, letter.job_id) == ("window", STAGE_TRANSCRIBE, one.job.id)
    assert letter.failure.message == "The sound of window 0 is not in the media store."
    assert letter.attempts == 3
    assert not letter.payload, "a list does not say what letters say"
    whole = await client.dead_letter(letter.id)
    assert WindowReady.FromString(whole.payload).media_key == ready.media_key
    (shown,) = await command(mesh, tenant, "letters", "show", letter.id[:8])
    assert (shown["id"], shown["jobId"]) == (letter.id, one.job.id)
    aside.rename(sound)
    (told,) = await command(mesh, tenant, "letters", "retry", letter.id)
    assert told == {"letter": letter.id, "job": one.job.id}
    assert await letters(client, 0) == []
    await ended(client, one, JOB_STATE_SUCCEEDED)
    said = " ".join([segment.text.strip() async for segment in client.segments(one.job.video_id)])
    assert said == counted.text(one.first, one.length)
    assert files(mesh.media / tenant / one.job.video_id / one.job.id) == []


async def ended(client: AsyncClient, one: Accepted, state: int) -> None:
    async with asyncio.timeout(60):
        while (job := await client.job(one.job.id)).state != state:
            await asyncio.sleep(0.1)
    one.job = job


async def test_a_message_that_cannot_be_read_is_a_dead_letter_at_once(
    speaker: Speaker, client: AsyncClient, mesh: Mesh, tenant: str
) -> None:
    """Its job fails with the reason rather than wait for what will not come; all others go on."""
    async with speaker.held(20, share=0.6) as (one, let_go):
        await until_told(one, "window_transcribed")
        headers = event_headers(
            identifier=str(uuid.uuid4()),
            time=datetime.now(UTC),
            source="ingest",
            kind="WindowReady",
            job_id=one.job.id,
            number=99,
        )
        subject = event_subject(tenant, one.job.id, "ingest", "window_ready")
        async with mesh.bus() as bus:
            await bus.jetstream.publish(subject, b"\xff\xff no WindowReady", headers=headers)
            await bus.jetstream.publish(subject, b"no event at all")
        found = await letters(client, 2)
        await ended(client, one, JOB_STATE_FAILED)
        let_go()
    two = await speaker.speak()
    one.outcome = JOB_STATE_FAILED
    assert await Reckoning(mesh, client, tenant).reckon([one, two]) == []
    assert one.job.failure.reason == ErrorReason.ERROR_REASON_UNREADABLE_MESSAGE
    assert {(letter.key, letter.job_id, letter.attempts) for letter in found} == {(subject, one.job.id, 1)}
    payloads = {(await client.dead_letter(letter.id)).payload for letter in found}
    assert payloads == {b"\xff\xff no WindowReady", b"no event at all"}
    # A new run has the message told again, and it cannot be read this time either.
    await client.retry(one.job.id)
    again = await letters(client, 2)
    assert not {letter.id for letter in again} & {letter.id for letter in found}
    assert {letter.attempts for letter in again} == {2}
    assert len(await command(mesh, tenant, "letters", "drop", "--all")) == 2
    assert await command(mesh, tenant, "letters", "list") == []


async def test_the_search_index_is_rebuilt_to_the_same_ids(
    speaker: Speaker, client: AsyncClient, reckoning: Reckoning, mesh: Mesh, tenant: str
) -> None:
    one = await speaker.speak(40)
    assert await reckoning.reckon([one]) == []
    before = [hit.passage_id async for hit in client.search("they counted by the river")]
    stray = uuid.uuid4()
    async with mesh.away("query"):
        (folder,) = (mesh.data / "qdrant" / "vectors").iterdir()
        put(folder, stray, tenant)
    told = await command(mesh, tenant, "reindex")
    assert told[-1]["result"] == {
        "passages": str(len(before)),
        "embedded": str(len(before)),
        "removed": "1",
        "completed": True,
    }
    assert [hit.passage_id async for hit in client.search("they counted by the river")] == before
    async with mesh.away("query"):
        empty_folder(mesh.data / "qdrant" / "vectors")
    (*_, last) = await command(mesh, tenant, "reindex")
    assert last["result"]["embedded"] == str(len(before))
    assert [hit.passage_id async for hit in client.search("they counted by the river")] == before


def put(folder: Path, stray: uuid.UUID, tenant: str) -> None:
    """Put a vector into the index that belongs to no passage."""
    shard = edge.EdgeShard.load(str(folder))
    payload = {"tenant": tenant, "video": "none", "job": "none"}
    vector = [0.0625] * 256
    shard.update(edge.UpdateOperation.upsert_points([edge.Point(stray, vector, payload)]))
    shard.flush()
    shard.close()
