"""Whether the mesh can have its port, and who has it where it cannot."""

import http.client

from vidmesh_cli.output import Output
from vidmesh_stack.events import StackError
from vidmesh_stack.folder import Folder
from vidmesh_stack.ports import require_free
from vidmesh_stack.settings import StackSettings

ANSWER_WITHIN = 2.0
"""Seconds that who has the port gets to say that it is vidmesh."""
MUCH = 4096
"""How many bytes of its page are looked at."""


def require_port(output: Output, chosen: StackSettings) -> None:
    """Raise StackError, before anything is made, where the port cannot be had.

    A mesh that runs in the same folder is a matter of the folder, which tells of it itself.
    """
    if not chosen.port or Folder(chosen.data).running() is not None:
        return
    try:
        require_free(chosen.host, chosen.port)
    except StackError as error:
        other = output.typed(f"vidmesh up --port {(chosen.port + 10) % 65536}")
        if is_vidmesh(chosen.host, chosen.port):
            raise StackError(
                f"Port {chosen.port} on {chosen.host} is taken by a vidmesh that runs already: use that one "
                f"(--endpoint http://{chosen.host}:{chosen.port}), stop it with `{output.typed('vidmesh down --data DIR')}` "
                f"(DIR is its data folder), or choose another port: `{other}`."
            ) from error
        raise StackError(str(error).replace("`vidmesh up --port 8090`", f"`{other}`")) from error


def is_vidmesh(host: str, port: int) -> bool:
    """Whether the page that is served on a port says vidmesh."""
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_WITHIN)
    try:
        connection.request("GET", "/")
        return b"vidmesh" in connection.getresponse().read(MUCH).lower()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
