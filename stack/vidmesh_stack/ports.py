"""TCP ports for the stack's parts."""

import errno
import random
import socket
from pathlib import Path

from vidmesh_stack.events import StackError

LOWEST = 15000


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nothing listens on, from below the range that the system lends to outgoing connections.

    One from within that range could be lent away while its part is down for a restart.
    """
    for port in random.sample(range(LOWEST, _first_lent()), k=200):
        try:
            _bind(host, port)
        except OSError:
            continue
        return port
    raise StackError(f"No free TCP port on {host} from {LOWEST} to {_first_lent()}.")


def require_free(host: str, port: int) -> None:
    """Raise `StackError` where `port` cannot be listened on."""
    try:
        _bind(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = "is taken by another program; stop that one (`ss -ltnp` names it)"
        elif error.errno == errno.EACCES:
            reason = "may be used by root alone"
        else:
            reason = f"cannot be listened on ({error.strerror})"
        raise StackError(
            f"Port {port} on {host} {reason}, or choose another port: `vidmesh up --port 8090`."
        ) from None


def _bind(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As the servers do: connections that linger after their close do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        probe.listen(1)


def _first_lent() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        return 32768
