"""The keys that tokens are signed with."""

import json
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from vidmesh_runtime.auth import Gatekeeper
from vidmesh_stack.keys import ensure_keys, make_token


def test_a_token_is_admitted_by_the_services(tmp_path: Path) -> None:
    jwks = ensure_keys(tmp_path / "keys")
    token = make_token(tmp_path / "keys", tenant="acme", subject="ann", ttl=timedelta(minutes=1))
    caller = Gatekeeper(jwks, issuer="vidmesh", audience="vidmesh").admit(f"Bearer {token}")
    assert (caller.tenant, caller.subject) == ("acme", "ann")


def test_keys_are_made_once(tmp_path: Path) -> None:
    first = ensure_keys(tmp_path).read_text()
    assert ensure_keys(tmp_path).read_text() == first


def test_the_public_half_has_nothing_private(tmp_path: Path) -> None:
    (public,) = json.loads(ensure_keys(tmp_path).read_text())["keys"]
    assert "d" not in public
    assert public["kid"]
    assert stat.S_IMODE((tmp_path / "private.json").stat().st_mode) == 0o600


def test_a_lost_public_half_is_made_anew_from_the_private_one(tmp_path: Path) -> None:
    first = ensure_keys(tmp_path).read_text()
    (tmp_path / "jwks.json").unlink()
    assert ensure_keys(tmp_path).read_text() == first


def test_no_token_without_keys(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        make_token(tmp_path, tenant="acme", subject="ann", ttl=timedelta(minutes=1))


def test_the_command_makes_keys_and_tokens(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vidmesh_stack.keys"]
    subprocess.run([*command, "make", tmp_path], check=True)
    made = subprocess.run(
        [*command, "token", tmp_path, "--tenant", "acme"], check=True, capture_output=True, text=True
    )
    gatekeeper = Gatekeeper(tmp_path / "jwks.json", issuer="vidmesh", audience="vidmesh")
    assert gatekeeper.admit(f"Bearer {made.stdout.strip()}").tenant == "acme"
