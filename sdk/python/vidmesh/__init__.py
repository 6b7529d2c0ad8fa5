"""vidmesh's API for Python: messages and stubs made from proto/, and a thin client over them.

    async with AsyncClient("http://127.0.0.1:8080", token) as client:
        upload = await client.upload(Path("talk.mp4"))
        request = SubmitVideoRequest(source=Source(upload_id=upload.id))
        job = (await client.ingest.SubmitVideo(request)).job
        async for message in client.watch(job.id):
            print(message)

Services import the messages alone, so the client is loaded when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vidmesh.client import AsyncClient
    from vidmesh.error import VidmeshError

__all__ = ["AsyncClient", "VidmeshError"]

_HOMES = {"AsyncClient": "vidmesh.client", "VidmeshError": "vidmesh.error"}


def __getattr__(name: str) -> object:
    """Load what is exported here on first use."""
    if home := _HOMES.get(name):
        return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
