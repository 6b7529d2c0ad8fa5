"""The user that PostgreSQL runs as: it refuses to run as root."""

import os
import pwd
from pathlib import Path

from vidmesh_stack.events import StackError

FOR_ROOT = "nobody"


def postgres_account(data: Path) -> str | None:
    """The user to change to for the cluster in `data`, or None to stay who we are.

    Root gives way to the owner of the cluster, or for a new one to `nobody`, which every system has.
    """
    if os.geteuid() != 0:
        return None
    if data.exists():
        owner = data.stat().st_uid
        if owner != 0:
            return pwd.getpwuid(owner).pw_name
    return FOR_ROOT


def own_name() -> str:
    """The name of the user that runs this. PostgreSQL knows its callers by it."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise StackError(
            f"User id {os.geteuid()} has no name on this system, and PostgreSQL cannot run without one; add it to /etc/passwd."
        ) from None


def give(path: Path, account: str | None, *, mode: int) -> None:
    """Make `path` belong to `account` with `mode`."""
    if account is not None:
        user = pwd.getpwnam(account)
        os.chown(path, user.pw_uid, user.pw_gid)
    path.chmod(mode)
