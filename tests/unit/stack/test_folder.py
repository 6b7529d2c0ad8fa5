"""The data folder: who holds it and what it tells."""

from pathlib import Path

import pytest

from vidmesh_stack.events import StackError
from vidmesh_stack.folder import LONGEST_SOCKET, Folder, RunningStack


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "data")
    made.make()
    return made


STATE = RunningStack(
    pid=7, endpoint="http://127.0.0.1:8080", token_path="token", processes={"nats": 8}, ready=True
)


def test_what_a_stack_tells_is_there_while_it_holds_the_folder(folder: Folder) -> None:
    assert folder.running() is None
    with folder.held():
        assert folder.running() is None
        folder.write_state(STATE)
        assert folder.running() == STATE
    assert folder.running() is None


def test_what_a_killed_stack_told_is_not_believed(folder: Folder) -> None:
    folder.write_state(STATE)
    assert folder.running() is None


def test_it_is_held_once(folder: Folder) -> None:
    with (
        folder.held(),
        pytest.raises(StackError, match="Another vidmesh runs on"),
        Folder(folder.root).held(),
    ):
        pass
    with folder.held():
        pass


@pytest.mark.parametrize("name", ["x" * 100, "with, comma", "Ä"])
def test_sockets_lie_where_every_program_finds_them(tmp_path: Path, name: str) -> None:
    folder = Folder(tmp_path / name)
    folder.make()
    with folder.sockets() as sockets:
        assert sockets.is_dir()
        assert sockets.parent != folder.run
        assert len(str(sockets / ".s.PGSQL.5432")) <= LONGEST_SOCKET
    assert not sockets.exists()
