"""A process behind the fence: what it may do, and what it may not although it tries."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import inward
from tests.inward import Canary
from vidmesh_ingest.fence import landlock_version

TRIES = """
import ctypes, json, os, socket, subprocess, sys
from pathlib import Path
import curl_cffi
from vidmesh_ingest.fence import Fence

told = json.loads(sys.argv[1])
folder, port = Path(told["folder"]), told["port"]
fence = Fence(folder=folder, port=port, programs=(sys.executable,), file_bytes=1 << 20, memory=1 << 30)
fence.close()
there = ("127.0.0.1", port)

def by_the_library(address, port):
    libc = ctypes.CDLL(None, use_errno=True)
    data = socket.AF_INET.to_bytes(2, sys.byteorder) + port.to_bytes(2, "big") + socket.inet_aton(address) + bytes(8)
    handle = libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
    if libc.connect(handle, data, len(data)):
        raise OSError(ctypes.get_errno(), "no")

def connect(family, address):
    with socket.socket(family) as tried:
        tried.connect(address)

def send():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried:
        tried.sendto(b"x", ("127.0.0.1", 53))

def bind():
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))

tries = {
    "the one port": lambda: connect(socket.AF_INET, there),
    "a file in the folder": lambda: (folder / "a").write_bytes(b"x"),
    "the program": lambda: subprocess.run([sys.executable, "-I", "-c", ""], check=True),
    "another port": lambda: connect(socket.AF_INET, ("127.0.0.1", told["canary"])),
    "another address": lambda: connect(socket.AF_INET, ("127.0.0.2", port)),
    "IPv6": lambda: connect(socket.AF_INET6, ("::1", told["canary"])),
    "a Unix socket": lambda: connect(socket.AF_UNIX, told["secret"]),
    "a name": lambda: socket.getaddrinfo("localhost", 80),
    "a name, the old way": lambda: socket.gethostbyname("localhost"),
    "a datagram": send,
    "a server": bind,
    "another program": lambda: subprocess.run(["/bin/true"]),
    "a shell": lambda: os.system("true"),
    "a fork": lambda: os.fork() or os._exit(0),
    "a spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "too large a file": lambda: (folder / "b").write_bytes(bytes(2 << 20)),
    "too much memory": lambda: bytearray(2 << 30),
    "a library that connects": lambda: by_the_library("127.0.0.1", told["canary"]),
    "curl without a proxy": lambda: curl_cffi.requests.get(f"http://127.0.0.1:{told['canary']}/a", timeout=3),
    "a file of another's": lambda: Path(told["secret"]).read_bytes(),
    "a file elsewhere": lambda: Path(told["secret"] + ".new").write_bytes(b"x"),
    "a link in the folder": lambda: (folder / "c").symlink_to(told["secret"]),
    "a pipe in the folder": lambda: os.mkfifo(folder / "d"),
    "the environment of who started it": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    "a signal to who started it": lambda: os.kill(os.getppid(), 0),
}
done = []
for name, what in tries.items():
    try:
        what()
    except (OSError, MemoryError, curl_cffi.requests.exceptions.RequestException):
        continue
    done.append(name)
print(json.dumps([done, fence.refused]))
"""
ALLOWED = ["the one port", "a file in the folder", "the program"]
BY_THE_KERNEL = [
    "a library that connects",
    "curl without a proxy",
    "a file of another's",
    "a file elsewhere",
    "a link in the folder",
    "a pipe in the folder",
    "the environment of who started it",
    "a signal to who started it",
]


@pytest.fixture
def bird() -> Iterator[Canary]:
    with inward.canary() as sitting:
        yield sitting


def test_behind_the_fence_is_the_folder_one_port_and_one_program(bird: Canary, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    secret = tmp_path / "secret"
    secret.write_text("secret")
    with inward.canary() as proxy:
        told = {"folder": str(folder), "port": proxy.port, "canary": bird.port, "secret": str(secret)}
        ran = subprocess.run(
            [sys.executable, "-I", "-c", TRIES, json.dumps(told)],
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr.decode()
        done, refused = json.loads(ran.stdout)
        assert proxy.hits == 1
    if landlock_version() >= 6:
        assert done == ALLOWED
        assert bird.hits == 0
    else:
        assert set(done) <= {*ALLOWED, *BY_THE_KERNEL}
    assert "socket." in refused
