"""The keys that tokens are signed with: `python -m vidmesh_stack.keys make DIR` and `... token DIR --tenant NAME`."""

import argparse
import json
import os
import sys
from datetime import timedelta
from pathlib import Path

from joserfc.jwk import ECKey, KeySet

from vidmesh_runtime.auth import make_key, mint

PRIVATE = "private.json"
PUBLIC = "jwks.json"


def ensure_keys(folder: Path) -> Path:
    """Make a key pair in `folder` unless there is one, and return the path of the public half, a JWK set.

    The private half is readable by its owner alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    private, public = folder / PRIVATE, folder / PUBLIC
    if not private.exists():
        write_whole(private, json.dumps(make_key().as_dict(private=True)), mode=0o600)
    if not public.exists():
        write_whole(public, json.dumps(KeySet([_load(folder)]).as_dict(private=False)), mode=0o644)
    return public


def make_token(folder: Path, *, tenant: str, subject: str, ttl: timedelta) -> str:
    """A token signed with the private key in `folder`. Raises FileNotFoundError where none was made."""
    return mint(_load(folder), tenant=tenant, subject=subject, ttl=ttl)


def _load(folder: Path) -> ECKey:
    return ECKey.import_key(json.loads((folder / PRIVATE).read_text()))


def write_whole(path: Path, text: str, *, mode: int) -> None:
    """Write the whole file or none of it, never readable by more than `mode` allows."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
    new.replace(path)


def main() -> None:
    """Make keys, or a token."""
    parser = argparse.ArgumentParser(prog="python -m vidmesh_stack.keys", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make", help="make the key pair unless it is there")
    make.add_argument("dir", type=Path)
    token = commands.add_parser("token", help="print a token")
    token.add_argument("dir", type=Path)
    token.add_argument("--tenant", default="dev")
    token.add_argument("--subject", default="developer")
    token.add_argument("--days", type=float, default=30)
    asked = parser.parse_args()
    if asked.command == "make":
        ensure_keys(asked.dir)
    else:
        made = make_token(
            asked.dir, tenant=asked.tenant, subject=asked.subject, ttl=timedelta(days=asked.days)
        )
        sys.stdout.write(made + "\n")


if __name__ == "__main__":
    main()
