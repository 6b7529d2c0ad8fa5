"""A port that is taken: who has it is told, the way out can be typed, and nothing is made."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from vidmesh_cli.output import Output
from vidmesh_cli.port import require_port
from vidmesh_stack.events import StackError
from vidmesh_stack.settings import StackSettings


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<title>Vidmesh</title>")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # as it is named there
        pass


@pytest.fixture
def vidmesh_there() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield server.server_port
        server.shutdown()
        serving.join()


def told(data: Path, port: int) -> str:
    with pytest.raises(StackError) as raised:
        require_port(Output(json_lines=False, flags="--data d"), StackSettings(data=data, port=port))
    return str(raised.value)


def test_where_it_is_vidmesh_that_is_said(tmp_path: Path, vidmesh_there: int) -> None:
    text = told(tmp_path / "new", vidmesh_there)
    assert "is taken by a vidmesh that runs already" in text
    assert f"up --port {vidmesh_there + 10} --data d`" in text
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("detach", [(), ("--detach",)])
def test_another_program_is_told_of_and_nothing_is_made(tmp_path: Path, detach: tuple[str, ...]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        shown = subprocess.run(
            [sys.executable, "-m", "vidmesh_cli", "up", "--port", str(port), "--data", "new", *detach],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert shown.returncode == 1
    assert "is taken by another program" in shown.stderr
    assert f"vidmesh up --port {port + 10} --data new`" in shown.stderr
    assert not (tmp_path / "new").exists()
