"""Which mesh is meant, and that its token goes to no other."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from vidmesh_cli.address import Address, NoMeshError, NoTokenError, find
from vidmesh_cli.asked import Asked
from vidmesh_stack.folder import Folder, RunningStack

LOCAL = "http://127.0.0.1:8123"


def asked(data: Path, *, endpoint: str | None = None, token_file: str | None = None) -> Asked:
    return Asked(endpoint=endpoint, token_file=token_file, data=data, json=False)


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIDMESH_TOKEN", raising=False)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Path]:
    """A data folder that a stack holds."""
    folder = Folder(tmp_path / "data")
    folder.make()
    with folder.held():
        folder.write_token("local-token")
        folder.write_state(
            RunningStack(pid=1, endpoint=LOCAL, token_path=str(folder.token), processes={}, ready=True)
        )
        yield folder.root


def test_the_running_mesh_with_its_own_token(running: Path) -> None:
    assert find(asked(running)) == Address(endpoint=LOCAL, token="local-token")
    assert find(asked(running, endpoint=LOCAL + "/")) == Address(endpoint=LOCAL, token="local-token")


def test_another_mesh_does_not_get_the_running_ones_token(running: Path) -> None:
    assert find(asked(running, endpoint="https://example.org")) == Address(
        endpoint="https://example.org", token=None
    )


def test_a_token_that_is_given_comes_first(
    running: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDMESH_TOKEN", "from-environment")
    assert find(asked(running)).token == "from-environment"
    (tmp_path / "token").write_text("from-file\n")
    assert find(asked(running, token_file=str(tmp_path / "token"))).token == "from-file"
    monkeypatch.setattr("sys.stdin", io.StringIO("from-input\nmore"))
    assert find(asked(running, token_file="-")).token == "from-input"


def test_a_folder_that_nobody_holds_names_no_mesh(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.make()
    with folder.held():
        pass
    folder.write_state(RunningStack(pid=1, endpoint=LOCAL, token_path="", processes={}, ready=True))
    with pytest.raises(NoMeshError):
        find(asked(tmp_path))


def test_a_token_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoTokenError, match="missing"):
        find(asked(tmp_path, endpoint=LOCAL, token_file=str(tmp_path / "missing")))
