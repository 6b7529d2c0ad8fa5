"""Length costs nothing: ten hours go through a mesh that stays as small as it is."""

import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream

from bench.resident import sampled
from tests.conftest import Backstage
from tests.e2e.conftest import Mesh, run_mesh
from vidmesh.client import AsyncClient
from vidmesh.ingest.v1.ingest_service_pb2 import SubmitVideoRequest
from vidmesh.ingest.v1.job_pb2 import JOB_STATE_SUCCEEDED
from vidmesh.ingest.v1.video_pb2 import Source
from vidmesh.transcribe.v1.transcribe_service_pb2 import GetTranscriptRequest

HOURS = 10
RATE = 8000
GIGABYTE = 1e9


@pytest.fixture
def quiet(backstage: Backstage) -> Iterator[Mesh]:
    """A mesh that has done nothing yet."""
    yield from run_mesh(backstage)


def write_silence(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=RATE, options={"compression_level": "0"})
        assert isinstance(stream, AudioStream)
        stream.layout = "mono"
        for minute in range(HOURS * 60):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, RATE * 60), np.int16), "s16", "mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, minute * 60 * RATE, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_ten_hours_of_silence_have_no_text_and_take_less_than_a_gigabyte(
    quiet: Mesh, tmp_path: Path
) -> None:
    silence = write_silence(tmp_path / "silence.flac")
    async with AsyncClient(quiet.endpoint, quiet.token()) as client:
        upload = await client.upload(silence)
        async with sampled(quiet.stack, every=0.5) as memory:
            request = SubmitVideoRequest(source=Source(upload_id=upload.id))
            job = (await client.ingest.SubmitVideo(request)).job
            async for _ in client.watch(job.id):
                pass
        job = await client.job(job.id)
        assert job.state == JOB_STATE_SUCCEEDED, job.failure
        asked = GetTranscriptRequest(video_id=job.video_id)
        told = await client.transcribe.GetTranscript(asked)
    assert told.transcript.duration.seconds == HOURS * 3600
    assert not told.segments
    sys.stderr.write(f"\n{memory.peak:.0f} MB at most\n")
    assert memory.peak * 1e6 < GIGABYTE
