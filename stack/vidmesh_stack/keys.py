"""The keys that tokens are signed with: `python -m vidmesh_stack.keys make DIR`, `... rotate DIR`, `... token DIR --tenant NAME`."""

import argparse
import json
import os
import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from joserfc.jwk import ECKey, KeySet

from vidmesh_runtime.auth import make_key, mint
from vidmesh_runtime.scope import READ, SCOPES, WRITE

PRIVATE = "private.json"
PUBLIC = "jwks.json"


def ensure_keys(folder: Path, signer: Path | None = None) -> Path:
    """Make a key pair in `folder` unless there is one, and return the path of the public half, a JWK set.

    The private half is readable by its owner alone; whoever sees the folder `signer` can sign too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    private, public = folder / PRIVATE, folder / PUBLIC
    if not private.exists():
        write_whole(private, json.dumps(make_key().as_dict(private=True)), mode=0o600)
    if not public.exists():
        write_whole(public, json.dumps(KeySet([_load(folder)]).as_dict(private=False)), mode=0o644)
    _share(folder, signer)
    return public


def rotate_keys(folder: Path, *, retire: bool, signer: Path | None = None) -> Path:
    """Make a new key pair that signs from now on; the gateway and the services notice by themselves.

    Tokens that the earlier keys have signed go on being valid, or end at once with `retire`. Returns the JWK set's path.
    Raises FileNotFoundError where there is none yet.
    """
    public = folder / PUBLIC
    known = [] if retire else json.loads(public.read_text())["keys"]
    made = make_key()
    # The set first: no token may be signed by a key that nobody knows.
    write_whole(public, json.dumps({"keys": [made.as_dict(private=False), *known]}), mode=0o644)
    write_whole(folder / PRIVATE, json.dumps(made.as_dict(private=True)), mode=0o600)
    _share(folder, signer)
    return public


def make_token(
    folder: Path, *, tenant: str, subject: str, ttl: timedelta, scopes: Iterable[str] = (READ, WRITE)
) -> str:
    """A token signed with the private key in `folder`. Raises FileNotFoundError where none was made."""
    return mint(_load(folder), tenant=tenant, subject=subject, ttl=ttl, scopes=scopes)


def _share(folder: Path, signer: Path | None) -> None:
    """Let who sees another folder sign: it is for its owner to show it to ingest alone, which needs the key for API keys."""
    if signer is not None:
        signer.mkdir(parents=True, exist_ok=True)
        write_whole(signer / PRIVATE, (folder / PRIVATE).read_text(), mode=0o644)


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
    """Make keys, new keys, or a token."""
    parser = argparse.ArgumentParser(prog="python -m vidmesh_stack.keys", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make", help="make the key pair unless it is there")
    make.add_argument("dir", type=Path)
    token = commands.add_parser("token", help="print a token")
    token.add_argument("dir", type=Path)
    token.add_argument("--tenant", default="dev")
    token.add_argument("--subject", default="developer")
    token.add_argument("--days", type=float, default=30)
    token.add_argument("--scope", action="append", choices=SCOPES, help="default: read and write")
    rotate = commands.add_parser("rotate", help="sign with a new key from now on")
    rotate.add_argument("dir", type=Path)
    rotate.add_argument("--retire", action="store_true", help="refuse what was signed before")
    for command in (make, rotate):
        command.add_argument("--signer", type=Path, help="where ingest finds the private half, for API keys")
    asked = parser.parse_args()
    if asked.command == "make":
        ensure_keys(asked.dir, asked.signer)
    elif asked.command == "rotate":
        rotate_keys(asked.dir, retire=asked.retire, signer=asked.signer)
    else:
        made = make_token(
            asked.dir,
            tenant=asked.tenant,
            subject=asked.subject,
            ttl=timedelta(days=asked.days),
            scopes=asked.scope or (READ, WRITE),
        )
        sys.stdout.write(made + "\n")


if __name__ == "__main__":
    main()
