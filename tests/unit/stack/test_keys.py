"""The keys that tokens are signed with."""

import json
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from vidmesh_runtime.auth import Gatekeeper
from vidmesh_runtime.errors import Failure
from vidmesh_stack.keys import ensure_keys, make_token, rotate_keys


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


def test_new_keys_sign_and_the_old_ones_are_honoured_until_they_are_retired(tmp_path: Path) -> None:
    gatekeeper = Gatekeeper(ensure_keys(tmp_path), issuer="vidmesh", audience="vidmesh")

    def token() -> str:
        return f"Bearer {make_token(tmp_path, tenant='acme', subject='ann', ttl=timedelta(minutes=1))}"

    old = token()
    rotate_keys(tmp_path, retire=False)
    new = token()
    assert gatekeeper.admit(old).tenant == gatekeeper.admit(new).tenant == "acme"
    rotate_keys(tmp_path, retire=True)
    for former in (old, new):
        with pytest.raises(Failure):
            gatekeeper.admit(former)
    assert gatekeeper.admit(token()).tenant == "acme"


def test_a_token_says_what_it_allows(tmp_path: Path) -> None:
    gatekeeper = Gatekeeper(ensure_keys(tmp_path), issuer="vidmesh", audience="vidmesh")
    command = [sys.executable, "-m", "vidmesh_stack.keys", "token", str(tmp_path)]
    for given, allowed in (([], {"read", "write"}), (["--scope", "read"], {"read"})):
        made = subprocess.run([*command, *given], check=True, capture_output=True, text=True)
        assert gatekeeper.admit(f"Bearer {made.stdout.strip()}").scopes == allowed


def test_the_command_makes_keys_and_tokens(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vidmesh_stack.keys"]
    subprocess.run([*command, "make", tmp_path], check=True)
    made = subprocess.run(
        [*command, "token", tmp_path, "--tenant", "acme"], check=True, capture_output=True, text=True
    )
    gatekeeper = Gatekeeper(tmp_path / "jwks.json", issuer="vidmesh", audience="vidmesh")
    assert gatekeeper.admit(f"Bearer {made.stdout.strip()}").tenant == "acme"


def test_ingest_finds_what_signs_now_in_a_folder_of_its_own(tmp_path: Path) -> None:
    keys, signer = tmp_path / "keys", tmp_path / "signing"
    ensure_keys(keys, signer)
    first = (signer / "private.json").read_text()
    assert first == (keys / "private.json").read_text()
    rotate_keys(keys, retire=False, signer=signer)
    assert first != (signer / "private.json").read_text() == (keys / "private.json").read_text()
