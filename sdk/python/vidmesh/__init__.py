"""vidmesh's API for Python: messages and stubs made from proto/, and clients over them.

    with Client("http://127.0.0.1:8080", token) as client:
        for message in client.submit(Path("talk.mp4")).watch():
            print(message)

Services import the messages alone, so the clients are loaded when they are first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vidmesh.blocking import Client, Submission
    from vidmesh.client import AsyncClient
    from vidmesh.error import VidmeshError
    from vidmesh.submission import AsyncSubmission
    from vidmesh.upload import UploadProgress

__all__ = ["AsyncClient", "AsyncSubmission", "Client", "Submission", "UploadProgress", "VidmeshError"]

_HOMES = {
    "AsyncClient": "vidmesh.client",
    "AsyncSubmission": "vidmesh.submission",
    "Client": "vidmesh.blocking",
    "Submission": "vidmesh.blocking",
    "UploadProgress": "vidmesh.upload",
    "VidmeshError": "vidmesh.error",
}


def __getattr__(name: str) -> object:
    """Load what is exported here on first use."""
    if home := _HOMES.get(name):
        return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
