"""Finding a Whisper model: in a folder, in the hub's cache, on the hub."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import faster_whisper.utils
import httpx2
import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from vidmesh_transcribe.recognizer import Choice, KnownModel, ModelMissingError, Options
from vidmesh_transcribe.sphinx import MODEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model that is at hand."""

    name: str
    folder: str
    revision: str
    """The hub's commit, or "sha256:" and the digest of model.bin."""


def find(options: Options, tell: Callable[[str], None]) -> Model:
    """The model that `options.model` names, fetched if need be; `tell` hears of what takes time.

    Raises `ModelMissingError`, within some `hub_patience` seconds where the hub cannot be reached.
    """
    name = options.model
    if name.startswith((".", "/", "~")) or Path(name).is_dir():
        return in_folder(Path(name).expanduser())
    cached = _cached(name)
    if cached is not None:
        return cached
    if not options.download:
        raise ModelMissingError(
            f"The Whisper model {name} is not in the hub's cache and may not be downloaded."
        )
    _reach_hub(name, options.hub_patience)
    tell(f"downloading the Whisper model {name}")
    try:
        return _in_snapshot(name, faster_whisper.download_model(name))
    except (OSError, HfHubHTTPError) as error:
        raise ModelMissingError(f"The Whisper model {name} cannot be downloaded: {_line(error)}.") from error


def in_folder(folder: Path) -> Model:
    """The model in a folder of the user's own."""
    _check(folder)
    with (folder / "model.bin").open("rb") as weights:
        digest = hashlib.file_digest(weights, "sha256").hexdigest()
    return Model(name=folder.resolve().name, folder=str(folder), revision=f"sha256:{digest}")


def known() -> Iterator[KnownModel]:
    """The models that have a name: faster-whisper's, and PocketSphinx's own."""
    yield KnownModel(name=MODEL, engine=Choice.POCKETSPHINX, available=True, languages=("en",))
    for name in faster_whisper.available_models():
        english = name.endswith(".en") or name.startswith("distil-")
        yield KnownModel(
            name=name,
            engine=Choice.FASTER_WHISPER,
            available=isinstance(huggingface_hub.try_to_load_from_cache(_repository(name), "model.bin"), str),
            languages=("en",) if english else (),
        )


def _cached(name: str) -> Model | None:
    try:
        return _in_snapshot(name, faster_whisper.download_model(name, local_files_only=True))
    except ValueError as error:
        raise ModelMissingError(f"There is no Whisper model “{name}”: {error}.") from error
    except (LocalEntryNotFoundError, ModelMissingError):
        return None


def _in_snapshot(name: str, folder: str) -> Model:
    """A hub's cache names a snapshot's folder after its commit."""
    _check(Path(folder))
    return Model(name=name, folder=folder, revision=Path(folder).name)


def _check(folder: Path) -> None:
    for file in ("model.bin", "tokenizer.json"):
        if not (folder / file).is_file():
            raise ModelMissingError(
                f"There is no {file} in {folder}, so that is no Whisper model of faster-whisper's."
            )


def _reach_hub(name: str, patience: float) -> None:
    """Ask the hub for the model's description, giving up after `patience` seconds whatever it is that hangs."""
    outcome: list[Exception] = []

    def ask() -> None:
        try:
            huggingface_hub.model_info(_repository(name), timeout=patience)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told below
            outcome.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(patience)
    if asking.is_alive():
        raise ModelMissingError(
            f"The Whisper model {name} is not at hand, and the hub did not answer in {patience:g} s."
        )
    if outcome:
        raise ModelMissingError(f"The Whisper model {name} is not at hand, and {_answer(outcome[0])}.")


def _repository(name: str) -> str:
    return name if "/" in name else str(faster_whisper.utils._MODELS[name])  # noqa: SLF001 - it has no public map


def _answer(error: Exception) -> str:
    if isinstance(error, httpx2.TransportError | OSError):
        return "its hub cannot be reached"
    return f"its hub says: {_line(error)}"


def _line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
