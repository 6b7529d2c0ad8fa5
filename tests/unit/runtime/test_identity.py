"""The settings that make an identity."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from vidmesh_runtime.identity import IdentitySettings


def test_without_settings_there_is_none() -> None:
    assert IdentitySettings().identity is None


def test_three_files_make_one(tmp_path: Path) -> None:
    given = IdentitySettings(
        tls_certificate=tmp_path / "a", tls_key=tmp_path / "b", tls_authority=tmp_path / "c"
    )
    assert given.identity is not None
    assert given.identity.authority == tmp_path / "c"


def test_one_without_the_others_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="belong together"):
        IdentitySettings(tls_certificate=tmp_path / "a", tls_key=tmp_path / "b")
